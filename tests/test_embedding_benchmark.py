"""The benchmark of what the embedding means: figures by their definition, and pictures."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import embedding as benchmark
from bridgevec.cards import hand_mask, random_masks
from bridgevec.models.embedding import Embedding, load_embedding
from bridgevec.weights import find_weights


def test_properties_are_what_players_count():
    hands = ["AKQ2.K54.T98.J32", "A.KQJ98765.Q2.K4"]
    found = benchmark.properties(np.array([hand_mask(hand) for hand in hands], np.uint64))
    assert {name: values.tolist() for name, values in found.items()} == {
        "high-card points": [13, 15],
        "controls (A 2, K 1)": [4, 4],
        "losers": [0 + 2 + 3 + 3, 0 + 1 + 2 + 1],
        "length of spades": [4, 1],
        "points in spades": [9, 4],
        "longest suit": [4, 8],
        "shape (sum of squared lengths)": [16 + 9 + 9 + 9, 1 + 64 + 4 + 4],
    }


class Counts:
    """An embedding of two numbers a suit: its length, and its points."""

    dims = 8
    nearest_hands = Embedding.nearest_hands

    def embed_hands(self, hands):
        bits = benchmark.hand_bits(np.asarray(hands, np.uint64)).reshape(-1, 4, 13).astype(float)
        return np.stack([bits.sum(-1), bits[..., :4] @ [4, 3, 2, 1]], -1).reshape(-1, 8)

    def embed_hand(self, hand):
        return self.embed_hands([hand])[0]


@pytest.mark.slow
def test_probes_find_what_is_there():
    figures = benchmark.probes(Counts(), 2000)
    for name in ("high-card points", "length of spades", "points in spades"):
        assert figures[f"{name}, linear"] == pytest.approx(1)
    assert 0.5 < figures["controls (A 2, K 1), linear"] < 0.9
    assert figures["longest suit, linear"] < 0.2 < 0.5 < figures["longest suit, nearest"]
    numbers = benchmark.numbers(Counts(), 2000)
    assert numbers["number 1 of a suit, length of the suit"] == pytest.approx(1)
    assert numbers["number 2 of a suit, points in the suit"] == pytest.approx(1)
    assert 0.5 < numbers["number 2 of a suit, ace of the suit"] < 0.9
    assert numbers["number 2 of a suit, points in the other suits"] < 0


@pytest.mark.slow
def test_the_command_prints_and_draws(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, "differences", few(benchmark.differences))
    benchmark.main(["--hands", "5000", "--seeds", "1", "--plots", str(tmp_path), "--json"])
    report = json.loads(capsys.readouterr().out)
    card = json.loads(find_weights("hand2vec-8").with_suffix(".json").read_text())
    (shipped,) = (v for k, v in card["benchmarks"].items() if "benchmarks.embedding" in k)
    for part in ("probes, R²", "numbers, correlation"):
        assert report[part] == pytest.approx(shipped[part], abs=2e-4)
    assert report["distances, rank correlation"]["estimated tricks, 2000 pairs of hands"] > 0.5
    assert report["speed"]["embed hands given as masks, hands/s"] > 0
    drawn = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(drawn) == {"hand2vec-8-suit.png", "hand2vec-8-distances.png"}
    assert min(drawn.values()) > 5000


def few(differences):
    return lambda reference, pairs, partners, **options: differences(
        reference, pairs // 20, partners // 5, **options
    )


def test_pictures_of_the_card_are_there():
    card = json.loads(find_weights("hand2vec-8").with_suffix(".json").read_text())
    (shipped,) = (v for k, v in card["benchmarks"].items() if "benchmarks.embedding" in k)
    root = Path(__file__).parent.parent
    for picture in shipped["pictures"].values():
        assert (root / picture).read_bytes().startswith(b"\x89PNG")
    hands = random_masks(5000, seed=0).reshape(-1)
    vectors = load_embedding().embed_hands(hands)
    for hand, near in shipped["alike"].items():
        here = load_embedding().embed_hand(hand)
        apart = np.linalg.norm(load_embedding().embed_hands(near) - here, axis=1)
        assert apart.max() < np.sort(np.linalg.norm(vectors - here, axis=1))[10]
