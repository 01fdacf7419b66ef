"""Calls compared with others, what they win, and a bidder that learns from it."""

import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from typer.testing import CliRunner

from bridgevec import cli
from bridgevec.auction import N_CALLS, PASS, parse_call
from bridgevec.bidders.match import bid_deals
from bridgevec.bidders.policy import load_policy
from bridgevec.cards import random_masks
from bridgevec.train import comparisons, distillation
from bridgevec.train.advantages import AdvantagesConfig, AdvantagesRecipe
from bridgevec.train.bidder_net import load_network, save_network
from bridgevec.train.loop import Machine, fit

MACHINE = Machine(torch.device("cpu"), False, 0, 1)
FEW = {"bidder": "imitation", "situations": 300, "num_envs": 60, "rollouts": 150}


def compared(folder, **options):
    config = comparisons.ComparisonsConfig(
        out=str(folder), **(FEW | {"num_iterations": 2}) | options
    )
    return comparisons.compare_calls(config, progress=False)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(comparisons, "_TOGETHER", 1)
    return compared(tmp_path / "compared")


def read(folder):
    return [comparisons.read_comparisons(path) for path in comparisons.comparison_files([folder])]


def test_comparisons_tell_what_the_other_call_won(files):
    first, second = read(files)
    assert len(first.call) > 100
    assert not np.array_equal(first.hands[:50], second.hands[:50])
    assert (first.call != first.best).all()
    assert first.share.mean() == pytest.approx(1)
    assert np.abs(first.swing).max() <= 24
    assert (first.swing < 0).mean() > (first.swing > 0).mean()
    # The features are those of the auction and the hand: the network likes the best call best.
    network = load_network("imitation")
    said = network(
        *(torch.from_numpy(x) for x in (first.features, network.input.vectors(first.hands)))
    )
    likely = said.logits.gather(1, torch.from_numpy(first.best.astype(np.int64))[:, None])
    other = said.logits.gather(1, torch.from_numpy(first.call.astype(np.int64))[:, None])
    assert (likely >= other - 1e-4).all()


def test_what_is_there_is_kept_and_what_is_missing_is_made_again(files):
    first, second = sorted(files.glob("*.safetensors"))
    before = read(files)
    first.unlink()
    stamp = second.stat().st_mtime_ns
    compared(files)
    for made, again in zip(before, read(files), strict=True):
        for x, y in zip(made, again, strict=True):
            np.testing.assert_array_equal(x, y)
    assert second.stat().st_mtime_ns == stamp
    compared(files, num_iterations=3)
    assert len(list(files.glob("*.safetensors"))) == 3
    with pytest.raises(ValueError, match=r"0000\.safetensors was made with other options"):
        compared(files, seed=5)


def test_a_longer_run_makes_the_last_file_longer(tmp_path, monkeypatch):
    monkeypatch.setattr(comparisons, "_TOGETHER", 2)
    compared(tmp_path, num_iterations=1)
    (short,) = read(tmp_path)
    for iterations in (2, 1):  # a shorter run then leaves it as it is
        compared(tmp_path, num_iterations=iterations)
        (long,) = read(tmp_path)
        assert len(long.call) > len(short.call)
        for x, y in zip(short, long, strict=True):
            np.testing.assert_array_equal(x, y[: len(x)])


def test_files_that_are_no_comparisons_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no comparisons"):
        comparisons.comparison_files([str(tmp_path)])
    (tmp_path / "0000.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"0000\.safetensors: no comparisons"):
        read(tmp_path)
    with pytest.raises(ValueError, match=r"0000\.safetensors: no comparisons"):
        compared(tmp_path)


def test_wrong_options_are_named(tmp_path, files):
    with pytest.raises(ValueError, match="num_iterations is 0, expected at least 1"):
        compared(tmp_path, num_iterations=0)
    out = str(tmp_path / "advantages.safetensors")
    for options, message in (
        ({}, "no comparisons to learn from"),
        (
            {"comparisons": (str(files),), "test_fraction": 0.0},
            "test_fraction is 0.0, expected more",
        ),
        ({"comparisons": (str(files),), "epochs": 0}, "epochs is 0, expected at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            AdvantagesRecipe(AdvantagesConfig(out=out, **options), MACHINE, False)


def test_advantages_are_learned_as_differences(tmp_path, files):
    """Every call is worth so much, in whatever hand and auction."""
    worth = np.random.default_rng(1).normal(0, 3, N_CALLS).astype(np.float32)
    for path, data in zip(sorted(files.glob("*")), read(files), strict=True):
        swing = worth[data.call] - worth[data.best]
        about = comparisons._about(path)
        path.write_bytes(comparisons.save(data._replace(swing=swing)._asdict(), about))
    config = AdvantagesConfig(
        out=str(tmp_path / "wins.safetensors"),
        start="imitation",
        comparisons=(str(files),),
        test_fraction=0.2,
        epochs=30,
        batch_size=64,
        warmup=5,
        learning_rate=0.01,
        ema_decay=0.8,
    )
    out = fit(AdvantagesRecipe, config, progress=False)
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["trained before"][-1].startswith("bridgevec train comparisons --situations 300")
    last = card["last epoch"]
    assert last["test_explained"] > 0.7
    assert last["test_won"] > 2
    assert card["data"]["test comparisons"] > 40

    again = dataclasses.replace(
        config, out=str(tmp_path / "more.safetensors"), advantages=str(out), epochs=1
    )
    more = json.loads(fit(AdvantagesRecipe, again, progress=False).with_suffix(".json").read_text())
    assert more["last epoch"]["test_explained"] > 0.6
    assert card["command"] in more["trained before"]
    assert card["trained before"][0].startswith("bridgevec train bidder-imitation")


def test_a_teacher_is_corrected_by_what_calls_win(tmp_path):
    """Advantages that say: 1S wins an IMP over everything, 3NT two, whatever the hand."""
    network = load_network("imitation")
    with torch.no_grad():
        network.policy.weight.zero_()
        network.policy.bias.zero_()
        network.policy.bias[int(parse_call("1S"))] = 1
        network.policy.bias[int(parse_call("3N"))] = 2
    path = tmp_path / "wins.safetensors"
    save_network(path, network, {"data": {"provenance": "none"}, "command": "none"})
    imitation = load_policy("imitation")
    better = distillation.Improved(imitation, [load_policy(path)] * 2, coef=0.5)
    masks = random_masks(400, 3)
    nobody = np.zeros(400, dtype=np.uint8)
    auctions = bid_deals([imitation], np.zeros((400, 4), np.intp), masks, nobody, nobody)
    auctions.start(np.ones(400, dtype=bool), nobody)
    before = imitation.probabilities(masks[:, 0], auctions, nobody)
    after = better.probabilities(masks[:, 0], auctions, nobody)
    np.testing.assert_allclose(after.sum(axis=1), 1, rtol=1e-5)
    spade, notrump = int(parse_call("1S")), int(parse_call("3N"))
    rows = np.flatnonzero((before[:, spade] >= 0.003) & (before[:, PASS] >= 0.003))
    assert len(rows) > 5
    odds = [x[rows, spade] / x[rows, PASS] for x in (before, after)]
    np.testing.assert_allclose(odds[1], odds[0] * np.exp(0.5), rtol=1e-3)
    unlikely = before[:, notrump] < 0.003
    assert (after[unlikely, notrump] <= before[unlikely, notrump] * np.exp(0.5) + 1e-9).all()

    # However much a call wins, probabilities remain.
    sure = distillation.Improved(imitation, [load_policy(path)], coef=200.0)
    certain = sure.probabilities(masks[:, 0], auctions, nobody)
    np.testing.assert_allclose(certain.sum(axis=1), 1, rtol=1e-5)
    assert (certain[before[:, notrump] >= 0.003, notrump] > 0.999).all()

    config = distillation.DistillationConfig(
        out=str(tmp_path / "pupil.safetensors"),
        teacher="imitation",
        advantages=(str(path),),
        advantages_coef=0.5,
        num_envs=50,
        eval_deals=50,
    )
    tests = []
    for one in (config, dataclasses.replace(config, advantages=())):
        recipe = distillation.DistillationRecipe(one, MACHINE, False)
        recipe.build()
        tests.append(recipe.test[-1])
    assert len(tests[0]) != len(tests[1]) or not torch.equal(*tests)


def test_the_commands_say_what_they_take():
    for command, option in (("comparisons", "--bidder"), ("bidder-advantages", "--comparisons")):
        result = CliRunner().invoke(cli.app, ["train", command, "--help"])
        assert result.exit_code == 0
        assert option in result.output
