"""Training the numbers of an embedding: repeatable, resumable, and they become readable."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save

from bridgevec.cards import hand_bits, permute_suits, random_masks
from bridgevec.models.embedding import Embedding
from bridgevec.train import loop, vectors
from bridgevec.train.checkpoint import write_model
from bridgevec.train.loop import fit
from bridgevec.train.nets import Hand2Vec, load_teacher
from bridgevec.train.pairs import exchanged_hands
from bridgevec.train.vectors import VectorsConfig, VectorsRecipe, orient
from bridgevec.weights import FORMAT

TEACHER = {
    "dims": 8, "encoder_width": 16, "head_width": 16, "head_blocks": 1, "unpacked": 16,
    "unpack_width": 16, "unpack_blocks": 1, "mixing": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A small embedding of version 0.1 that has learned nothing, but estimates something."""
    path = tmp_path_factory.mktemp("teacher") / "hand2vec-t.safetensors"
    torch.manual_seed(1)
    network = Hand2Vec(**TEACHER)
    network.train()(torch.from_numpy(hand_bits(random_masks(300, seed=2)[:, [0, 2]])))
    tensors = {k: v for k, v in network.state_dict().items() if v.is_floating_point()}
    card = {"name": path.stem, "format": FORMAT, "architecture": TEACHER, "parameters": 0}
    write_model(path, save(tensors), card | {"command": "made for a test"})
    return str(path)


@pytest.fixture(autouse=True)
def few_partners(monkeypatch):
    monkeypatch.setattr(vectors, "_PARTNERS", 4)


def tiny(out, teacher, **changes):
    arguments = {
        "teachers": (teacher,),
        "random_pairs": 400, "exchanged_pairs": 60, "steps": 8, "small_pairs": 40, "new_pairs": 30,
        "encoder_width": 16, "unpack_width": 16, "unpack_blocks": 1, "warmup": 2, "seed": 3,
    }  # fmt: skip
    return VectorsConfig(out=str(out / "vectors-x.safetensors"), **arguments | changes)


def result(config):
    path = fit(VectorsRecipe, config, progress=False)
    return path.read_bytes(), path.with_suffix(".csv").read_text()


@pytest.mark.slow
def test_a_training_repeats_and_goes_on_after_an_interruption(tmp_path, teacher, monkeypatch):
    changes = {"steps": 20, "joint_head": 1.0}
    undisturbed = result(tiny(tmp_path / "a", teacher, **changes))
    write_log = loop.write_log

    def interrupted(path, log):
        if len(log) == 11:
            raise KeyboardInterrupt
        write_log(path, log)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_log", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fit(VectorsRecipe, tiny(tmp_path / "b", teacher, **changes), progress=False)
    assert (tmp_path / "b" / "vectors-x.checkpoint.safetensors").exists()
    assert result(tiny(tmp_path / "b", teacher, **changes, resume=True)) == undisturbed
    names = sorted(path.suffix for path in (tmp_path / "b").iterdir())
    assert names == [".csv", ".json", ".png", ".safetensors"]


def test_the_weights_are_an_embedding_whose_suits_are_alike(tmp_path, teacher):
    path = fit(VectorsRecipe, tiny(tmp_path, teacher, dims=12), progress=False)
    embedding = Embedding(path)
    assert embedding.dims == 12
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["command"].startswith("bridgevec train vectors --out")
    assert card["teachers"] == ["made for a test"]
    masks = random_masks(50, seed=1)[:, [0, 2]]
    model = load_teacher(str(path)).eval()
    with torch.no_grad():
        bits = torch.from_numpy(hand_bits(masks))
        logits, _ = model(bits)
        ours = model.embed(bits[:, 0]).numpy()
    np.testing.assert_allclose(embedding.embed_hands(masks[:, 0]), ours, atol=1e-5)
    estimate = embedding.estimate_tricks_many(masks[:, 0], masks[:, 1]).distribution
    np.testing.assert_allclose(estimate, logits.softmax(-1)[:, 0].numpy(), atol=1e-5)
    order = [2, 0, 3, 1]
    turned = embedding.embed_hand(permute_suits(int(masks[0, 0]), order)).reshape(4, 3)
    np.testing.assert_allclose(turned, ours[0].reshape(4, 3)[order], atol=1e-5)
    # The head is the teacher's, untouched.
    for name, tensor in load_teacher(teacher).head.state_dict().items():
        assert torch.equal(model.head.state_dict()[name], tensor)


@pytest.mark.slow
def test_the_numbers_become_readable(tmp_path):
    config = tiny(
        tmp_path, "hand2vec-8", steps=50, encoder_width=64, random_pairs=2000, exchanged_pairs=400,
        small_pairs=150, new_pairs=100, warmup=20, joint_head=1.0,
    )  # fmt: skip
    first, last = (
        [float(value) for value in fit(VectorsRecipe, config, progress=False)
         .with_suffix(".csv").read_text().splitlines()[row].split(",")]
        for row in (1, -1)
    )  # fmt: skip
    names = (tmp_path / "vectors-x.csv").read_text().splitlines()[0].split(",")
    for name in ("imitation", "suits", "notrump", "joint_head", "lengths", "points", "distance"):
        i = names.index(name)
        assert last[i] < 0.7 * first[i], name


def test_bad_arguments_are_named(tmp_path, teacher):
    with pytest.raises(ValueError, match="no teacher"):
        fit(VectorsRecipe, tiny(tmp_path, teacher, teachers=()), progress=False)
    with pytest.raises(ValueError, match="new_pairs is 0, expected at least 1"):
        fit(VectorsRecipe, tiny(tmp_path, teacher, new_pairs=0), progress=False)
    with pytest.raises(ValueError, match="dims is 9, expected a positive multiple of 4"):
        fit(VectorsRecipe, tiny(tmp_path, teacher, dims=9), progress=False)


def test_an_encoder_of_version_0_1_is_another_network():
    old, new = Hand2Vec(mixing=True), Hand2Vec()
    assert "encoder.out.weight" in old.state_dict()
    assert "encoder.shared.weight" in new.state_dict()
    cards = torch.from_numpy(hand_bits(random_masks(2, seed=1)[:, 0]))
    assert old.embed(cards).shape == new.embed(cards).shape == (2, 8)


def test_exchanged_hands_differ_by_one_to_all_cards_and_partners_by_all():
    hands, partners = exchanged_hands(300, 5, np.random.default_rng(1))
    assert (hand_bits(hands).sum(-1) == 13).all()
    assert (hand_bits(partners).sum(-1) == 13).all()
    assert not (partners & (hands[:, 0] | hands[:, 1])[:, None]).any()
    kept = hand_bits(hands[:, 0] & hands[:, 1]).sum(-1)
    assert set(kept.tolist()) == set(range(13))
    again, _ = exchanged_hands(300, 5, np.random.default_rng(1))
    assert np.array_equal(hands, again)


def test_the_first_number_grows_with_length_and_the_estimate_stays():
    bits = torch.from_numpy(hand_bits(random_masks(400, seed=4)[:, [0, 2]]))
    for seed in range(4):
        torch.manual_seed(seed)
        model = Hand2Vec(dims=12, encoder_width=8, head_width=8, head_blocks=1, unpacked=16)
        model(bits)
        model.eval()
        with torch.no_grad():
            before, vectors_before = model(bits)[0], model.embed(bits[:, 0])
            orient(model, bits[:, 0])
            after, numbers = model(bits)[0], model.embed(bits[:, 0]).view(-1, 4, 3)
        torch.testing.assert_close(before, after, atol=1e-4, rtol=1e-4)
        cards = bits[:, 0].view(-1, 4, 13).float()
        seen = torch.stack([cards.sum(-1), cards @ torch.tensor([4.0, 3, 2, 1] + [0] * 9)])
        along = torch.corrcoef(torch.cat([numbers.reshape(-1, 3).T, seen.reshape(2, -1)]))[:3, 3:]
        assert along[0, 0] == along[:, 0].abs().max()
        assert (along.gather(1, along.abs().argmax(1, keepdim=True)) > 0).all()
        assert torch.equal(vectors_before.abs().sum().round(), numbers.abs().sum().round())
