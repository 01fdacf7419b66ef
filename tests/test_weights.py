"""Weights and model cards that are damaged or of another kind: a sentence, not a crash."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import bridgevec as bv
from bridgevec import weights
from bridgevec.weights import CARD, WEIGHTS, find_weights, read_card, read_weights, shipped

SHIPPED = {
    "hand2vec-8": bv.load_embedding,
    "hand2vec-16": bv.load_embedding,
    "bidder-imitation": bv.load_bidder,
    "opening-21gf": bv.load_opening,
}
UNUSED = ("known.", "value.")
"""Weights that no inference of theirs fails without."""


@pytest.mark.parametrize("name", shipped())
def test_cards_of_shipped_weights_follow_the_schema(name):
    card, tensors = read_weights(WEIGHTS / f"{name}.safetensors")
    assert list(card) == [key for key in CARD if key in card]
    assert [key for key in CARD if CARD[key].needed != "no" and key not in card] == []
    assert card["name"] == name
    assert card["data"]["provenance"]
    assert card["command"].startswith("bridgevec ")
    assert f"--out {name}.safetensors" in card["command"]
    known = {"encoder.norm.running_mean", "encoder.norm.running_var"}  # counted, not learned
    # A bidder's encoder is the embedding's, an opening model's reader is a bidder's, and its
    # "known." are examples.
    other = ("known.", "encoder.") if name.startswith("bidder-") else ("known.", "reader.")
    learned = (t.size for k, t in tensors.items() if k not in known and not k.startswith(other))
    assert card["parameters"] == sum(learned)


def test_shipped_names_are_found_by_kind():
    assert [shipped(kind) for kind in ("embedding", "deal2tricks", "opening", "bidder")] == [
        ["hand2vec-16", "hand2vec-8"],
        ["deal2tricks"],
        ["opening-21gf", "opening-experts", "opening-features", "opening-start"],
        ["bidder-default", "bidder-features", "bidder-imitation", "bidder-uncontested"],
    ]
    assert find_weights("default", "bidder") == WEIGHTS / "bidder-default.safetensors"
    with pytest.raises(FileNotFoundError, match="no opening model 'x'; shipped are: opening-21gf"):
        find_weights("x", "opening")


def test_an_opening_model_saved_by_version_0_1_is_read(tmp_path):
    path = tmp_path / "mine.safetensors"
    shutil.copy(WEIGHTS / "opening-21gf.safetensors", path)
    card = read_card(WEIGHTS / "opening-21gf.safetensors")
    path.with_suffix(".json").write_text(json.dumps({**card, **card.pop("architecture")}))
    hand = "AKQ2.K54.T98.J32"
    assert bv.load_opening(path).opening_bid(hand) == bv.load_opening("opening-21gf").opening_bid(
        hand
    )


@pytest.fixture(params=SHIPPED)
def copied(request, tmp_path):
    path = tmp_path / "mine.safetensors"
    for suffix in (".safetensors", ".json"):
        shutil.copy(WEIGHTS / f"{request.param}{suffix}", path.with_suffix(suffix))
    return path, SHIPPED[request.param]


def refused(load, path, *words):
    with pytest.raises(ValueError, match="mine") as caught:
        load(path)
    for word in words:
        assert word in str(caught.value)


def test_copies_are_loaded(copied):
    path, load = copied
    assert load(path).name == "mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no model card"),
        ("[1, 2]", "it has a list, no object"),
        ("[" * 100_000, "is no model card"),
        ('{"format": 999}', "format is 999, expected 1"),
        ("{}", "format is None, expected 1"),
        ('{"format": 1, "name": "x", "architecture": {}}', "the model card has no 'parameters'"),
        ('{"format": 1, "name": 3}', "'name' has type int, expected str"),
        ('{"format": 1, "name": "x", "architecture": 3}', "'architecture' has type int, expected"),
    ],
)
def test_cards_that_are_none(copied, text, words):
    path, load = copied
    path.with_suffix(".json").write_text(text)
    refused(load, path, "mine.json", words)


@pytest.mark.parametrize("value", [None, [], "x", -1, 10**6, {"blocks": "x"}])
def test_wrong_values_in_a_card(copied, value):
    """Whatever decides what is read: any of them alone may be wrong."""
    path, load = copied
    card = json.loads(path.with_suffix(".json").read_text())
    opening = {"features", "calls", "members", "layers"} & set(card["architecture"])
    for changed in [value, *(card["architecture"] | {key: value} for key in opening)]:
        path.with_suffix(".json").write_text(json.dumps(card | {"architecture": changed}))
        refused(load, path)


def test_weights_that_are_cut_off(copied):
    path, load = copied
    whole = path.read_bytes()
    for size in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        refused(load, path, "holds no weights")


@pytest.mark.slow
def test_weights_that_are_not_finite_or_missing_or_misshapen(copied):
    path, load = copied
    tensors = {name: tensor.copy() for name, tensor in load_file(path).items()}

    def written(wrong):
        path.unlink()
        save_file(wrong, path)
        return path

    for name in tensors:
        nan = np.full_like(tensors[name], np.nan)
        words = f"weight '{name}' has numbers that are not finite"
        if nan.dtype.kind == "f":
            refused(load, written(tensors | {name: nan}), words)
        if name.startswith(UNUSED):
            continue
        refused(load, written(tensors | {name: np.zeros((3, 5, 7), dtype=np.float32)}))
        if not name.startswith(("head.", "unpack.")) or not name.endswith("bias"):
            # Layers of an embedding may have no bias.
            refused(load, written({other: tensors[other] for other in tensors if other != name}))


def test_weights_of_another_kind(tmp_path):
    for load in SHIPPED.values():
        for other in SHIPPED:
            if SHIPPED[other] is not load:
                with pytest.raises(ValueError, match=other):
                    load(WEIGHTS / f"{other}.safetensors")


def test_weights_of_trainings_that_are_not_installed_are_told_where_to_find(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "WEIGHTS", tmp_path)
    for name, kind in (("deal2tricks", "deal2tricks"), ("uncontested", "bidder")):
        with pytest.raises(
            FileNotFoundError, match=f"{name} is not in this inst.*-teachers, which"
        ):
            weights.find_weights(name, kind)
