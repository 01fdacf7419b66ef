"""Hands as vectors: inference of BridgeHand2Vec in NumPy alone.

`bridgevec.train.nets` describes the network and the paper it comes from. Here it is folded for
speed: all that the encoder computes from the 13 cards of one suit is looked up in tables of the
8192 possible holdings, and the final normalisation is part of the tables. The results are those of
the PyTorch network to 1e-5.

The functions of this module use the embedding shipped with the package; `load_embedding` returns
another, with the same functions as methods.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridgevec.cards import (
    HandLike,
    Strain,
    card_text,
    hand_bits,
    hand_mask,
    hand_masks,
    hand_text,
    random_masks,
)
from bridgevec.models.blas import one_blas_thread
from bridgevec.models.encoder import HandEncoder, silu
from bridgevec.weights import find_weights, read_weights

__all__ = [
    "Embedding",
    "TrickEstimate",
    "embed_hand",
    "embed_hands",
    "estimate_tricks",
    "estimate_tricks_many",
    "find_hand",
    "load_embedding",
    "nearest_hands",
]

DEFAULT = "hand2vec-8"
_CHUNK = 128  # hands at a time, so that what is computed for them stays in the cache
_OUTCOMES = np.arange(14, dtype=np.float32)
_HIT = np.float32(1.2)
"""What naming the right number of tricks is worth, if the next one is worth 1."""


@dataclass(frozen=True)
class TrickEstimate:
    """How many double-dummy tricks two hands take, the other cards lying at random.

    Attributes
    ----------
    distribution : ndarray of float32, shape (..., 5, 14)
        Probability of 0..13 tricks in C, D, H, S, NT; the leading axes are those of the pairs.
    """

    distribution: NDArray[np.float32]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TrickEstimate):
            return NotImplemented
        return np.array_equal(self.distribution, other.distribution)

    def __hash__(self) -> int:
        return hash((self.distribution.shape, self.distribution.tobytes()))

    def __repr__(self) -> str:
        if self.distribution.ndim > 2:
            return f"TrickEstimate(of shape {self.distribution.shape[:-2]})"
        means = ", ".join(
            f"{strain.name} {mean:.2f}" for strain, mean in zip(Strain, self.mean, strict=True)
        )
        return f"TrickEstimate({means})"

    @property
    def mean(self) -> NDArray[np.float32]:
        """Expected tricks in C, D, H, S, NT, shape (..., 5)."""
        return self.distribution @ _OUTCOMES

    @property
    def mode(self) -> NDArray[np.intp]:
        """Most likely tricks in C, D, H, S, NT, shape (..., 5)."""
        likeliest: NDArray[np.intp] = self.distribution.argmax(axis=-1)
        return likeliest

    @property
    def guess(self) -> NDArray[np.intp]:
        """Tricks in C, D, H, S, NT to name if one number must do, shape (..., 5).

        The number that is least costly if being off by one costs a sixth of being off by more. In
        notrump, where a suit runs or does not, it is off by at most one more often than the mean,
        rounded, and than the mode.
        """
        p = self.distribution
        worth = _HIT * p
        worth[..., 1:] += p[..., :-1]
        worth[..., :-1] += p[..., 1:]
        level: NDArray[np.intp] = worth.argmax(axis=-1)
        return level

    def make(self, level: int, strain: Strain | int | str) -> Any:
        """Probability to take the tricks that a contract needs.

        Parameters
        ----------
        level : int
            1 to 7; a contract of that level needs 6 more tricks.
        strain : Strain, int or str
            As `Strain.parse` takes it.

        Returns
        -------
        numpy.float32 or ndarray of float32, shape (...)

        Raises
        ------
        ValueError
            If there is no such contract.
        """
        if level not in range(1, 8):
            raise ValueError(f"level must be 1 to 7, got {level!r}")
        tail = self.distribution[..., Strain.parse(strain), level + 6 :]
        return np.minimum(tail.sum(axis=-1), np.float32(1))


class Embedding:
    """A trained network: hands to vectors, two vectors to tricks.

    Parameters
    ----------
    path : path
        Weights ``name.safetensors`` as `bridgevec.train.hand2vec` writes them; the model card
        ``name.json`` is beside them.

    Attributes
    ----------
    name : str
        The file's name.
    dims : int
        Numbers in a vector. Each suit has a quarter of them, spades first: exchanging two suits of
        a hand exchanges their quarters.
    card : dict
        The model card.
    encoder : HandEncoder
        What makes vectors of masks.

    Raises
    ------
    FileNotFoundError
        If the weights or the card are missing.
    ValueError
        If the file does not hold such weights.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = Path(path).stem
        self.card, self._weights = read_weights(path)
        try:
            self.encoder = HandEncoder(
                {
                    name.removeprefix("encoder."): tensor
                    for name, tensor in self._weights.items()
                    if name.startswith("encoder.")
                }
            )
            self.dims = self.encoder.dims
            architecture = self.card["architecture"]
            # Cards of version 0.1 do not name the kind of encoder.
            self._mixing = bool(architecture.get("mixing", True))
            self._blocks = {
                "head": architecture["head_blocks"],
                "unpack": architecture["unpack_blocks"] if architecture["unpacked"] else 0,
            }
            layers = [f"{part}.blocks.{i}" for part, n in self._blocks.items() for i in range(n)]
            for name in (f"{layer}.out.weight" for layer in layers):
                if name not in self._weights:
                    raise KeyError(name)
        except KeyError as error:
            raise ValueError(f"{path}: no hand embedding, {error} is missing") from None
        except (AttributeError, IndexError, TypeError) as error:
            raise ValueError(f"{path}: no hand embedding: {error}") from None
        try:  # shapes that do not fit together show in use
            self.estimate_tricks_many([(1 << 13) - 1], [((1 << 13) - 1) << 13])
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: no hand embedding, its weights do not fit: {error}"
            ) from None

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of all weights, to tell this network from others, in hexadecimal."""
        sha = hashlib.sha256()
        for name in sorted(self._weights):
            tensor = self._weights[name]
            sha.update(f"{name} {tensor.dtype.str} {tensor.shape} ".encode())
            sha.update(np.ascontiguousarray(tensor).tobytes())
        return sha.hexdigest()

    def __repr__(self) -> str:
        return f"Embedding({self.name!r})"

    def embed_hand(self, hand: HandLike) -> NDArray[np.float32]:
        """Embed one hand, see `embed_hand`."""
        vector: NDArray[np.float32] = self.encoder.embed(
            np.array([hand_mask(hand)], dtype=np.uint64)
        )[0]
        return vector

    def embed_hands(self, hands: ArrayLike | Sequence[HandLike]) -> NDArray[np.float32]:
        """Embed many hands, see `embed_hands`."""
        return self.encoder.embed(hand_masks(hands))

    # -- the head

    def _linear(self, name: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
        y: NDArray[np.float32] = x @ self._weights[f"{name}.weight"].T
        if f"{name}.bias" in self._weights:
            y += self._weights[f"{name}.bias"]
        return y

    def _block(self, name: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
        u = _normalise(x)
        u = self._linear(f"{name}.own", u) + self._linear(f"{name}.mean", u.mean(1, keepdims=True))
        return x + self._linear(f"{name}.out", silu(u))

    def _unpack(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map embeddings (n, dims) to what the head takes, (n, 4, ...)."""
        x = vectors.reshape(len(vectors), 4, -1)
        if not self._blocks["unpack"]:
            return x
        y = self._linear("unpack.enter", x)
        if not self._mixing:
            y += self._linear("unpack.shared", x.mean(axis=1, keepdims=True))
        x = self._linear("unpack.lift", silu(y))
        for i in range(self._blocks["unpack"]):
            x = self._block(f"unpack.blocks.{i}", x)
        return self._linear("unpack.leave", _normalise(x))

    def _distribution(
        self, declarers: NDArray[np.float32], dummies: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Map embeddings (n, dims) of both hands to probabilities (n, 5, 14)."""
        x = self._linear("head.declarer", self._unpack(declarers))
        x = self._linear("head.lift", silu(x + self._linear("head.dummy", self._unpack(dummies))))
        for i in range(self._blocks["head"]):
            x = self._block(f"head.blocks.{i}", x)
        x = _normalise(x)
        suits = self._linear("head.suit", x)[:, ::-1]
        middle = silu(self._linear("head.notrump_in", x.mean(axis=1, keepdims=True)))
        logits = np.concatenate([suits, self._linear("head.notrump", middle)], axis=1)
        p = np.exp(logits - logits.max(axis=-1, keepdims=True))
        chances: NDArray[np.float32] = p / p.sum(axis=-1, keepdims=True)
        return chances

    def estimate_tricks(self, declarer: HandLike, dummy: HandLike) -> TrickEstimate:
        """Estimate the tricks of two hands, see `estimate_tricks`."""
        estimate = self.estimate_tricks_many([hand_mask(declarer)], [hand_mask(dummy)])
        return TrickEstimate(estimate.distribution[0])

    def estimate_tricks_many(
        self,
        declarers: ArrayLike | Sequence[HandLike],
        dummies: ArrayLike | Sequence[HandLike],
    ) -> TrickEstimate:
        """Estimate the tricks of many pairs of hands, see `estimate_tricks_many`."""
        first, second = hand_masks(declarers), hand_masks(dummies)
        if len(first) != len(second):
            raise ValueError(f"{len(first)} declarers but {len(second)} dummies")
        shared = np.flatnonzero(first & second)
        if shared.size:
            i = int(shared[0])
            both = int(first[i] & second[i])
            card = card_text((both & -both).bit_length() - 1)
            raise ValueError(
                f"declarer {hand_text(int(first[i]))!r} and dummy {hand_text(int(second[i]))!r} "
                f"both have card {card}"
            )
        return self.estimate_of_vectors(self.encoder.embed(first), self.encoder.embed(second))

    @one_blas_thread
    def estimate_of_vectors(
        self, declarers: NDArray[np.float32], dummies: NDArray[np.float32]
    ) -> TrickEstimate:
        """Estimate the tricks of pairs of vectors, as `embed_hands` gives them or near those.

        Parameters
        ----------
        declarers, dummies : ndarray of float32, shape (n, dims)

        Returns
        -------
        TrickEstimate
            Of shape (n, 5, 14).

        Raises
        ------
        ValueError
            If the arrays have other shapes.
        """
        for name, vectors in (("declarers", declarers), ("dummies", dummies)):
            if vectors.shape != (len(declarers), self.dims):
                raise ValueError(
                    f"{name} have shape {vectors.shape}, expected {(len(declarers), self.dims)}"
                )
        p = np.empty((len(declarers), len(Strain), len(_OUTCOMES)), dtype=np.float32)
        for start in range(0, len(p), _CHUNK):
            part = slice(start, start + _CHUNK)
            p[part] = self._distribution(declarers[part], dummies[part])
        return TrickEstimate(p)

    # -- search

    def nearest_hands(
        self,
        hand: HandLike,
        hands: ArrayLike | Sequence[HandLike],
        k: int = 5,
        *,
        embeddings: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Find the hands most like one, see `nearest_hands`."""
        if embeddings is None:
            embeddings = self.embed_hands(hands)
        else:
            embeddings, expected = np.asarray(embeddings), (len(hands), self.dims)  # type: ignore[arg-type]
            if embeddings.shape != expected:
                raise ValueError(f"embeddings have shape {embeddings.shape}, expected {expected}")
        n = len(embeddings)
        if not 1 <= k <= n:
            raise ValueError(f"k is {k}, expected 1 to the number of hands, {n}")
        target = self.embed_hand(hand)
        # |x - t|² without its constant part: |x|² - 2 x·t, in one pass over the embeddings.
        rough = np.einsum("ij,ij->i", embeddings, embeddings) - embeddings @ (2 * target)
        near = np.argpartition(rough, k - 1)[:k]
        distances = np.sqrt(np.square(embeddings[near] - target).sum(axis=1))
        order = np.lexsort((near, distances))
        return near[order], distances[order]

    def find_hand(
        self,
        vector: ArrayLike,
        seed: int | np.random.Generator | None = 0,
        *,
        restarts: int = 8,
    ) -> str:
        """Find a hand whose embedding lies near a vector, see `find_hand`."""
        target = np.asarray(vector, dtype=np.float32)
        if target.shape != (self.dims,):
            raise ValueError(f"vector has shape {target.shape}, expected ({self.dims},)")
        if not np.isfinite(target).all():
            raise ValueError(f"vector {target.tolist()} has values that are not numbers")
        if restarts < 1:
            raise ValueError(f"restarts is {restarts}, expected at least 1")

        def distance(masks: NDArray[np.uint64]) -> NDArray[np.float32]:
            squares: NDArray[np.float32] = np.square(self.encoder.embed(masks) - target).sum(axis=1)
            return squares

        # Start from the best of many random hands; exchange one card for another, of 13 × 39, as
        # long as that helps.
        pool = random_masks(2500, seed).reshape(-1)
        starts = pool[np.argsort(distance(pool), kind="stable")[:restarts]]
        best, least = starts[0], np.inf
        for mask in starts:
            here = float(distance(mask[None])[0])
            while True:
                bits = hand_bits(mask)
                held, free = (np.flatnonzero(bits == b).astype(np.uint64) for b in (1, 0))
                flips = (np.uint64(1) << held)[:, None] | (np.uint64(1) << free)[None]
                neighbours = (mask ^ flips).reshape(-1)
                d = distance(neighbours)
                i = int(d.argmin())
                if d[i] >= here:
                    break
                mask, here = neighbours[i], float(d[i])
            if here < least:
                best, least = mask, here
        return hand_text(int(best))


def _normalise(x: NDArray[np.float32]) -> NDArray[np.float32]:
    x = x - x.mean(axis=-1, keepdims=True)
    normal: NDArray[np.float32] = x / np.sqrt(
        np.square(x).mean(axis=-1, keepdims=True) + np.float32(1e-5)
    )
    return normal


@lru_cache(maxsize=8)
def load_embedding(name: str | os.PathLike[str] = DEFAULT) -> Embedding:
    """Load an embedding; the next call with the same name returns the same object.

    Parameters
    ----------
    name : str or path, default "hand2vec-8"
        A name shipped with the package, or a file ``name.safetensors`` from training.

    Returns
    -------
    Embedding

    Raises
    ------
    FileNotFoundError
        If no model has that name; the message lists those shipped.
    """
    return Embedding(find_weights(name))


def embed_hand(hand: HandLike) -> NDArray[np.float32]:
    """Embed one hand.

    Parameters
    ----------
    hand : str, int, array_like of 52, or endplay.types.Hand
        A hand of 13 cards.

    Returns
    -------
    ndarray of float32, shape (8,)
        Two numbers for each suit, spades first; each has mean 0 and variance 1 over random hands.
        Hands that take the same tricks opposite the same partners lie close together.

    Raises
    ------
    ValueError, TypeError
        If it is no hand, see `bridgevec.cards.hand_mask`.

    Examples
    --------
    >>> embed_hand("AKQ2.K54.T98.J32").shape
    (8,)
    """
    return load_embedding().embed_hand(hand)


def embed_hands(hands: ArrayLike | Sequence[HandLike]) -> NDArray[np.float32]:
    """Embed many hands.

    Parameters
    ----------
    hands : sequence of hands, integer array (n,) of masks, or array (n, 52) of bits
        Arrays of masks are the fastest.

    Returns
    -------
    ndarray of float32, shape (n, 8)

    Raises
    ------
    ValueError, TypeError
        If one is no hand; the message names it.
    """
    return load_embedding().embed_hands(hands)


def estimate_tricks(declarer: HandLike, dummy: HandLike) -> TrickEstimate:
    """Estimate how many double-dummy tricks two hands take in every strain.

    Parameters
    ----------
    declarer, dummy : hand
        Hands of 13 cards that share none, in any form `embed_hand` takes.

    Returns
    -------
    TrickEstimate
        ``mean`` float32 (5,), ``distribution`` float32 (5, 14), ``make(level, strain)``; strains
        C, D, H, S, NT.

    Raises
    ------
    ValueError
        If the hands share a card, which the message names, or one is no hand.

    Examples
    --------
    >>> estimate = estimate_tricks("AKQ2.K54.T98.J32", "J873.A62.AK4.Q95")
    >>> bool(estimate.make(4, "S") > estimate.make(5, "S"))
    True
    """
    return load_embedding().estimate_tricks(declarer, dummy)


def estimate_tricks_many(
    declarers: ArrayLike | Sequence[HandLike], dummies: ArrayLike | Sequence[HandLike]
) -> TrickEstimate:
    """Estimate the tricks of many pairs of hands.

    Parameters
    ----------
    declarers, dummies : sequences of hands, or arrays as `embed_hands` takes them
        As many of one as of the other.

    Returns
    -------
    TrickEstimate
        ``mean`` float32 (n, 5), ``distribution`` float32 (n, 5, 14), ``make(level, strain)``
        float32 (n,).

    Raises
    ------
    ValueError
        If the numbers differ, two hands of a pair share a card, or one is no hand.
    """
    return load_embedding().estimate_tricks_many(declarers, dummies)


def nearest_hands(
    hand: HandLike,
    hands: ArrayLike | Sequence[HandLike],
    k: int = 5,
    *,
    embeddings: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Find the hands whose embeddings lie nearest to a hand's.

    Parameters
    ----------
    hand : hand
        In any form `embed_hand` takes.
    hands : sequence of hands or array
        Where to look, in any form `embed_hands` takes.
    k : int, default 5
        How many to find.
    embeddings : ndarray of float32, shape (n, 8), optional
        What `embed_hands` returned for `hands`, to save embedding them again.

    Returns
    -------
    indices : ndarray of intp, shape (k,)
        Into `hands`, the nearest first.
    distances : ndarray of float32, shape (k,)
        Euclidean.

    Raises
    ------
    ValueError
        If `k` is not between 1 and the number of hands, or `embeddings` has another shape.
    """
    return load_embedding().nearest_hands(hand, hands, k, embeddings=embeddings)


def find_hand(
    vector: ArrayLike, seed: int | np.random.Generator | None = 0, *, restarts: int = 8
) -> str:
    """Find a hand whose embedding lies near a vector.

    Parameters
    ----------
    vector : array_like, shape (8,)
        A point in the space of embeddings; if no hand lies there, the nearest found is returned.
    seed : int, Generator or None, default 0
        Of the random hands that the search starts from.
    restarts : int, default 8
        How many of them, the nearest, are improved by exchanging cards.

    Returns
    -------
    str
        The hand as PBN text.

    Raises
    ------
    ValueError
        If `vector` has another shape or a value that is not finite.

    Examples
    --------
    >>> hand = find_hand(embed_hand("AKQ2.K54.T98.J32"))
    >>> len(hand)
    16
    """
    return load_embedding().find_hand(vector, seed, restarts=restarts)
