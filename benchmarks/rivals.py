"""Other ways to describe a hand by numbers, for benchmarks to compare the embedding with.

Each is a function from masks (n,) to float32 (n, d), as `Embedding.embed_hands` is one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from bridgevec.cards import hand_bits, suit_points
from bridgevec.models.embedding import Embedding, load_embedding
from bridgevec.models.opening import hand_features

Floats = NDArray[np.floating]
Masks = NDArray[np.uint64]
Describe = Callable[[Masks], Floats]

PUBLISHED = "published network"
LENGTHS_POINTS = "lengths, points"
_LAYERS = {"emb1": (32, 52), "emb2": (32, 32), "emb3": (8, 32)}
_HEAD = {"hid1": (128, 16), "hid2": (128, 128), "out": (5, 128)}


def load_embeddings(weights: Iterable[str]) -> list[Embedding]:
    """Load embeddings, shipped names or files, for a table with a row for each.

    Raises
    ------
    FileNotFoundError
        As `load_embedding`.
    ValueError
        If two have the same name, by which rows are told apart.
    """
    loaded: dict[str, Embedding] = {}
    for text in weights:
        embedding = load_embedding(text)
        if loaded.setdefault(embedding.name, embedding) is not embedding:
            raise ValueError(f"two weights are called {embedding.name}: rename the files of one")
    return list(loaded.values())


class PublishedNetwork:
    """The network that the authors of BridgeHand2Vec published (arXiv:2310.06624).

    Parameters
    ----------
    path : path
        Its weights as safetensors: ``emb1``, ``emb2``, ``emb3`` and ``batch_norm`` of the encoder,
        ``hid1``, ``hid2``, ``out`` of the head, each with ``weight`` and ``bias`` or
        ``running_mean`` and ``running_var``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds other weights; the message names the first that is missing or of another shape.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not Path(path).exists():
            raise FileNotFoundError(f"{path}: no such file with the published network")
        self.name = PUBLISHED
        self._weights = load_file(path)
        expected = {f"{name}.weight": shape for name, shape in (_LAYERS | _HEAD).items()}
        expected |= {f"batch_norm.running_{name}": (8,) for name in ("mean", "var")}
        for name, shape in expected.items():
            found = getattr(self._weights.get(name), "shape", None)
            if found != shape:
                raise ValueError(f"{path}: {name} has shape {found}, expected {shape}")

    def _layers(self, x: Floats, names: tuple[str, ...]) -> Floats:
        """Linear layers with ELU between them."""
        for i, name in enumerate(names):
            if i:
                x = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
            x = x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return x

    def embed_hands(self, masks: Masks) -> Floats:
        """Embed hands, float32 (n, 8)."""
        # Its cards go from clubs to spades, and from the deuce up to the ace.
        cards = hand_bits(masks).reshape(-1, 4, 13)[:, ::-1, ::-1]
        x = self._layers(cards.reshape(-1, 52).astype(np.float32), tuple(_LAYERS))
        norm = {name: self._weights[f"batch_norm.running_{name}"] for name in ("mean", "var")}
        return (x - norm["mean"]) / np.sqrt(norm["var"] + np.float32(1e-5))

    def mean_tricks(self, masks: Masks) -> Floats:
        """Mean tricks (n, 2, 5) of pairs (n, 2), either hand as declarer, in C, D, H, S, NT."""
        vectors = self.embed_hands(masks.reshape(-1)).reshape(-1, 2, 8)
        return np.stack(
            [
                self._layers(pairs.reshape(-1, 16), tuple(_HEAD))
                for pairs in (vectors, vectors[:, ::-1])
            ],
            axis=1,
        )


def cards(masks: Masks) -> Floats:
    """52 zeros and ones."""
    return hand_bits(masks).astype(np.float32)


def classic(masks: Masks) -> Floats:
    """Count what players count, 44 numbers, see `bridgevec.models.opening.hand_features`."""
    return hand_features(masks, "classic")


def lengths_points(masks: Masks) -> Floats:
    """Length and high-card points of every suit, 8 numbers with mean 0 and variance 1."""
    lengths = hand_bits(masks).reshape(-1, 4, 13).sum(-1, dtype=np.float32)
    points = suit_points(masks).astype(np.float32)
    # A suit has 3.25 cards and 2.5 points on average.
    return np.stack([(lengths - 3.25) / 1.3647, (points - 2.5) / 2.3962], -1).reshape(-1, 8)


def rivals(published: str | os.PathLike[str] | None) -> dict[str, Describe]:
    """Name the ways to describe a hand; the published network's if its weights are given."""
    found: dict[str, Describe] = {}
    if published is not None:
        found[PUBLISHED] = PublishedNetwork(published).embed_hands
    return found | {LENGTHS_POINTS: lengths_points, "cards": cards, "classic": classic}
