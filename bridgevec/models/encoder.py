"""The encoder of the hand embedding, in NumPy alone: hands as masks to vectors.

It is folded for speed: all that it computes from the 13 cards of one suit is looked up in tables of
the 8192 possible holdings, and the final normalisation is part of the tables. Bidders that read the
embedding have an encoder of their own in their weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK = 128  # hands at a time, so that what is computed for them stays in the cache
_SUIT_SHIFTS = np.array([0, 13, 26, 39], dtype=np.uint64)
_HOLDING = np.uint64(0x1FFF)


class HandEncoder:
    """The first half of an embedding.

    Parameters
    ----------
    weights : mapping of str to ndarray
        By the names of `bridgevec.train.nets.Encoder`, or of the encoder of version 0.1.

    Attributes
    ----------
    dims : int
        Numbers in a vector.
    weights : dict of str to ndarray

    Raises
    ------
    KeyError
        If weights are missing.
    """

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        self.weights = dict(weights)
        self.dims = 4 * weights["skip.weight"].shape[0]
        self._mixes = "out.weight" in weights  # version 0.1
        _ = weights["out.weight" if self._mixes else "shared.weight"]

    @cached_property
    def _tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What each holding gives its own suit, and every suit: two of (8192, dims / 4)."""
        w = self.weights
        scale = np.reciprocal(np.sqrt(w["norm.running_var"] + np.float32(1e-5)))
        x = self._layer("own", self._holdings())
        own = x @ w["skip.weight"].T + w["skip.bias"]
        own = (own - w["norm.running_mean"]) * scale
        return own, x @ w["shared.weight"].T * scale

    @cached_property
    def _mixing_tables(self) -> tuple[NDArray[np.float32], ...]:
        """What each holding adds: to its own suit's layer, to every suit's, to the output."""
        w = self.weights
        variance = w["norm.running_var"] + np.float32(1e-5)
        scale = np.asarray(1 / np.sqrt(variance), np.float32)
        x = self._holdings()
        own = x @ w["own.weight"].T + w["own.bias"]
        mean = np.asarray(x @ (w["mean.weight"].T / np.float32(4)), np.float32)
        skip: NDArray[Any] = x @ w["skip.weight"].T + w["skip.bias"]
        skip = np.asarray((skip - w["norm.running_mean"]) * scale, np.float32)
        out = np.asarray(w["out.weight"].T * scale, np.float32)
        return own, mean, skip, out

    def _holdings(self) -> NDArray[np.float32]:
        """Encode the 8192 holdings of a suit by the encoder's first layer."""
        bits = (np.arange(1 << 13)[:, None] >> np.arange(13) & 1).astype(np.float32)
        return self._layer("cards", bits)

    def _layer(self, name: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return silu(x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"])

    def embed(self, masks: NDArray[np.uint64]) -> NDArray[np.float32]:
        """Embed masks of shape (n,)."""
        holdings = (masks[:, None] >> _SUIT_SHIFTS & _HOLDING).astype(np.intp)
        if self._mixes:
            return self._mix(holdings)
        own, shared = self._tables
        vectors = own.take(holdings, axis=0)
        vectors += shared.take(holdings, axis=0).sum(axis=1, keepdims=True)
        return vectors.reshape(-1, self.dims)

    def _mix(self, holdings: NDArray[np.intp]) -> NDArray[np.float32]:
        """Embed holdings (n, 4) by an encoder of version 0.1."""
        own, mean, skip, out = self._mixing_tables
        vectors = np.empty((*holdings.shape, self.dims // 4), dtype=np.float32)
        for start in range(0, len(holdings), _CHUNK):
            part = holdings[start : start + _CHUNK]
            x = own.take(part, axis=0)
            shared = mean.take(part[:, 0], axis=0)
            for suit in (1, 2, 3):
                shared += mean.take(part[:, suit], axis=0)
            x += shared[:, None]
            flat = silu(x).reshape(-1, x.shape[-1]) @ out
            vectors[start : start + _CHUNK] = flat.reshape(*part.shape, -1)
        vectors += skip[holdings]
        return vectors.reshape(-1, self.dims)


def silu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute x / (1 + e^-x), in place."""
    # Far below zero the exponential overflows to inf, and the quotient is 0 as it should be.
    with np.errstate(over="ignore"):
        below = np.exp(-x)
    below += 1
    x /= below
    return x
