"""The network that estimates whole deals, and what it teaches the one that sees two hands."""

import csv
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from test_training import compiles, data, rule  # noqa: F401 - data is a fixture

from bridgevec.cards import FULL_DECK, hand_bits, permute_suits, random_masks
from bridgevec.dds import solve_tables
from bridgevec.models.embedding import Embedding
from bridgevec.records import write_deals
from bridgevec.train import loop
from bridgevec.train.data import exchange_touching
from bridgevec.train.deal2tricks import Deal2TricksConfig, Deal2TricksRecipe, estimate_layouts
from bridgevec.train.hand2vec import Hand2VecConfig, Hand2VecRecipe
from bridgevec.train.loop import fit
from bridgevec.train.nets import Deal2Tricks, load_deal2tricks


def small(out, deals, **changes):
    arguments = {"width": 16, "blocks": 1, "epochs": 4, "batch_size": 50, "warmup": 4, "seed": 3}
    return Deal2TricksConfig(
        out=str(out / "deal2tricks.safetensors"), deals=deals, **arguments | changes
    )


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    folder = tmp_path_factory.mktemp("taught")
    files = []
    for seed, n in ((1, 2000), (2, 200)):
        masks = random_masks(n, seed)
        tables = rule(masks).round().astype(np.int8)
        files.append(str(write_deals(folder / f"{seed}.parquet", masks, tables, {})))
    config = small(folder, files[:1], epochs=20, validation_deals=files[1:])
    return fit(Deal2TricksRecipe, config, progress=False)


@pytest.mark.slow
def test_it_learns_and_writes_everything_promised(taught):
    card = json.loads(taught.with_suffix(".json").read_text())
    assert card["last epoch"]["mse_suits"] < 0.35
    assert card["last epoch"]["mse_notrump"] < 0.35
    assert card["last epoch"]["exact_suits"] > 0.55
    rows = list(csv.DictReader(taught.with_suffix(".csv").read_text().splitlines()))
    assert len(rows) == 20
    assert taught.with_suffix(".png").exists()
    assert not taught.with_suffix(".checkpoint.safetensors").exists()
    masks = random_masks(100, seed=9)
    hands = torch.from_numpy(hand_bits(masks[:, [1, 2, 3, 0]]))  # East declares
    with torch.no_grad():
        mean = load_deal2tricks(taught)(hands).softmax(-1) @ torch.arange(14.0)
    assert np.square(mean.numpy() - rule(masks)[:, :, 1]).mean() < 0.35


@pytest.mark.slow
def test_resuming_after_an_interruption_changes_nothing(data, tmp_path, monkeypatch):  # noqa: F811
    def result(folder, resume=False):
        path = fit(Deal2TricksRecipe, small(folder, data["deals"], resume=resume), progress=False)
        return path.read_bytes(), path.with_suffix(".csv").read_text()

    undisturbed = result(tmp_path / "a")
    with monkeypatch.context() as patch:

        def interrupt(path, arguments, log, *rest):
            save(path, arguments, log, *rest)
            if len(log) == 2:
                raise KeyboardInterrupt

        save = loop.save_checkpoint
        patch.setattr(loop, "save_checkpoint", interrupt)
        with pytest.raises(KeyboardInterrupt):
            result(tmp_path / "b")
    assert result(tmp_path / "b", resume=True) == undisturbed


def test_renaming_the_suits_renames_the_strains():
    torch.manual_seed(0)
    model = Deal2Tricks(16, 2)
    for parameter in model.parameters():  # blocks start as the identity
        torch.nn.init.normal_(parameter, std=0.3)
    masks = random_masks(20, seed=4)
    order = [2, 0, 3, 1]
    renamed = np.array([[permute_suits(hand, order) for hand in row] for row in masks.tolist()])
    with torch.no_grad():
        plain = model(torch.from_numpy(hand_bits(masks)))
        other = model(torch.from_numpy(hand_bits(renamed.astype(np.uint64))))
    suits = plain[:, :4].flip(1)  # spades first, as in a hand
    assert torch.allclose(other[:, :4].flip(1), suits[:, order], atol=1e-4)
    assert torch.allclose(other[:, 4], plain[:, 4], atol=1e-4)
    assert (other - plain).abs().max() > 0.1


@pytest.mark.slow
def test_exchanging_low_cards_hardly_changes_the_tricks():
    masks = random_masks(12, seed=6)
    hands = torch.from_numpy(hand_bits(masks))
    other = hands
    randomness = torch.Generator().manual_seed(1)
    for _ in range(3):
        other = exchange_touching(other, randomness, highest=7)
    assert (other.sum(1) == 1).all()
    moved = (other != hands).view(12, 4, 4, 13).any(1)
    assert not moved[:, :, :7].any()
    assert moved[:, :, 7:].any(dim=(0, 1)).all()
    counts, before = (x.view(12, 4, 4, 13).sum(3) for x in (other, hands))
    assert (counts == before).all()
    bits = other.numpy().astype(np.uint64) << np.arange(52, dtype=np.uint64)
    same = solve_tables(bits.sum(-1), 1) == solve_tables(masks, 1)
    assert same.mean() > 0.98


def test_several_teachers_say_the_mean():
    torch.manual_seed(0)
    models = [Deal2Tricks(16, 1).eval() for _ in range(2)]
    pairs = random_masks(50, seed=5)[:, [0, 2]]
    one, other, both = (
        estimate_layouts(some, pairs, 3, np.random.default_rng(1)).astype(float)
        for some in (models[:1], models[1:], models)
    )
    assert np.abs(one - other).max() > 0.02
    np.testing.assert_allclose(both, (one + other) / 2, atol=2e-3)


def test_layouts_deal_the_hidden_cards_and_nothing_else():
    seen = []

    class Spy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.parameter = torch.nn.Parameter(torch.zeros(1))

        def forward(self, hands):
            seen.append(hands.numpy().copy())
            # As many tricks as the left-hand opponent has spades.
            return 1e4 * torch.eye(14)[hands[:, 1, :13].sum(1).long()][:, None].expand(-1, 5, -1)

    pairs = random_masks(600, seed=5)[:, [0, 2]]
    estimated = estimate_layouts([Spy()], pairs, 4, np.random.default_rng(1))
    assert estimated.shape == (600, 2, 5, 14)
    rows = [calls.reshape(-1, 4, 2, 4, 52) for calls in seen]  # pair, layout, declarer, hand
    hands = np.concatenate(rows).transpose(2, 0, 1, 3, 4)
    assert hands.shape[1] == 600
    assert (hands.sum(3) == 1).all()  # every card once
    assert (hands.sum(4) == 13).all()
    assert (hands[0][:, :, [0, 2]] == hand_bits(pairs)[:, None]).all()
    assert (hands[1] == hands[0][:, :, [2, 3, 0, 1]]).all()
    assert len({row.tobytes() for row in hands[0].reshape(-1, 208)}) == 2400
    wanted = np.eye(14)[hands[..., 1, :13].sum(-1)].mean(2).swapaxes(0, 1)
    assert np.allclose(estimated, wanted[:, :, None], atol=1e-3)
    # Each hidden card lies left in about half of the layouts.
    hidden = (hands[0, :, 0, [1, 3]].sum(0) == 1).sum()
    assert hands[0][:, :, 1].sum() / (4 * hidden) == pytest.approx(0.5, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_pair_learns_from_layouts(taught, tmp_path, precision):
    config = Hand2VecConfig(
        out=str(tmp_path / "hand2vec-x.safetensors"), layout_teachers=(str(taught),),
        layout_pairs=4000, layouts=2, encoder_width=16, head_width=16, head_blocks=1, epochs=8,
        batch_size=100, warmup=4, precision=precision,
    )  # fmt: skip
    path = fit(Hand2VecRecipe, config, progress=False)
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["data"]["random pairs estimated over layouts"] == 4000
    assert card["teachers"] == [json.loads(taught.with_suffix(".json").read_text())["command"]]
    assert {tensor.dtype for tensor in load_file(path).values()} == {torch.float32}
    masks = random_masks(500, seed=8)
    assert (np.bitwise_or.reduce(masks, axis=1) == FULL_DECK).all()
    mean = Embedding(path).estimate_tricks_many(*masks[:, [0, 2]].T).mean
    # The rule looks at the two hands alone.
    assert np.square(mean - rule(masks)[:, :, 0]).mean() < 0.7


@pytest.mark.slow
@compiles
def test_compiled_and_in_mixed_precision_it_learns_as_well(taught, tmp_path):
    files = [str(taught.with_name(f"{seed}.parquet")) for seed in (1, 2)]
    how = {"precision": "bfloat16", "compile": True}
    config = small(tmp_path, files[:1], epochs=20, validation_deals=files[1:], **how)
    path = fit(Deal2TricksRecipe, config, progress=False)
    assert json.loads(path.with_suffix(".json").read_text())["last epoch"]["mse_suits"] < 0.35
    assert {tensor.dtype for tensor in load_file(path).values()} == {torch.float32}


def test_arguments_and_files_are_named(tmp_path):
    with pytest.raises(ValueError, match="epochs is 0, expected at least 1"):
        fit(Deal2TricksRecipe, small(tmp_path, (), epochs=0), progress=False)
    with pytest.raises(ValueError, match="no training data: name files of labelled deals"):
        fit(Deal2TricksRecipe, small(tmp_path, ()), progress=False)
    with pytest.raises(ValueError, match="precision must be one of auto, float32, bfloat16; got"):
        fit(Deal2TricksRecipe, small(tmp_path, (), precision="half"), progress=False)
    with pytest.raises(FileNotFoundError, match=r"no file matches '.*x\*\.parquet'"):
        fit(Deal2TricksRecipe, small(tmp_path, (str(tmp_path / "x*.parquet"),)), progress=False)
    with pytest.raises(FileNotFoundError, match="nobody"):
        load_deal2tricks(tmp_path / "nobody.safetensors")
