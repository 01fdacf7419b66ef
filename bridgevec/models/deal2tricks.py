"""Tricks of whole deals, estimated in NumPy alone; `bridgevec.train.nets` describes the network.

It sees all four hands, so no play is hidden from it, and is some forty times as fast as the solver
where one declarer counts.
"""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bridgevec.cards import hand_bits
from bridgevec.models.blas import one_blas_thread
from bridgevec.models.encoder import silu
from bridgevec.weights import find_weights, read_weights

_CHUNK = 64  # deals at a time, so that they stay in the cache
_EPSILON = np.float32(1e-5)  # that of layer normalisation


class Deal2Tricks:
    """Estimates the tricks of declarers from complete deals.

    Parameters
    ----------
    path : path
        ``name.safetensors``, with the model card ``name.json`` beside it.

    Raises
    ------
    FileNotFoundError
        If the weights or the card are missing.
    ValueError
        If the file does not hold such weights.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        card, tensors = read_weights(path)
        try:
            w = {
                name.removeprefix("head."): np.ascontiguousarray(x.T, dtype=np.float32)
                for name, x in tensors.items()
            }
            blocks = range(card["architecture"]["blocks"])
            self._cards = np.concatenate([w["declarer.weight"], w["dummy.weight"]])
            self._enter = w["declarer.bias"]
            self._blocks = [
                (
                    w[f"blocks.{i}.own.weight"],
                    w[f"blocks.{i}.own.bias"],
                    # the mean is computed as a sum
                    w[f"blocks.{i}.mean.weight"] / np.float32(4),
                    w[f"blocks.{i}.out.weight"],
                    w[f"blocks.{i}.out.bias"],
                )
                for i in blocks
            ]
            self._lift, self._suit, self._notrump_in, self._notrump = (
                (w[f"{name}.weight"], w[f"{name}.bias"])
                for name in ("lift", "suit", "notrump_in", "notrump")
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path}: no deal2tricks network, {error} is missing") from None
        if self._cards.shape[0] != 52:
            raise ValueError(f"{path}: it reads {self._cards.shape[0]} cards of a suit, not 52")

    @one_blas_thread
    def probabilities(
        self, masks: NDArray[np.uint64], declarers: NDArray[np.integer]
    ) -> NDArray[np.float32]:
        """Estimate tricks.

        Parameters
        ----------
        masks : ndarray of uint64, shape (n, 4)
            The hands of N, E, S, W.
        declarers : ndarray of int, shape (n,)
            Who plays, 0 to 3.

        Returns
        -------
        ndarray of float32, shape (n, 5, 14)
            Probabilities of 0 … 13 tricks for the declarer in C, D, H, S, NT.
        """
        n = len(masks)
        # Declarer and dummy, then their opponents: left and right.
        order = (np.asarray(declarers)[:, None] + np.array([0, 2, 1, 3])) % 4
        hands = np.take_along_axis(masks, order, axis=1)
        out = np.empty((n, 5, 14), dtype=np.float32)
        for start in range(0, n, _CHUNK):
            out[start : start + _CHUNK] = self._logits(hands[start : start + _CHUNK])
        out -= out.max(axis=2, keepdims=True)
        np.exp(out, out=out)
        out /= out.sum(axis=2, keepdims=True)
        return out

    def _logits(self, hands: NDArray[np.uint64]) -> NDArray[np.float32]:
        """Compute logits (n, 5, 14) of a part."""
        n = len(hands)
        bits = hand_bits(hands).reshape(n, 4, 4, 13).swapaxes(1, 2).reshape(4 * n, 52)
        x = silu(bits.astype(np.float32) @ self._cards + self._enter)
        x = x @ self._lift[0] + self._lift[1]
        for own, bias, mean, out, out_bias in self._blocks:
            u = _normalise(x)
            y = u @ own
            y += bias
            of_all = u.reshape(n, 4, -1).sum(axis=1) @ mean
            y.reshape(n, 4, -1)[:] += of_all[:, None]
            x += silu(y) @ out
            x += out_bias
        x = _normalise(x)
        suits = (x @ self._suit[0] + self._suit[1]).reshape(n, 4, 14)[:, ::-1]
        y = silu(x.reshape(n, 4, -1).mean(axis=1) @ self._notrump_in[0] + self._notrump_in[1])
        notrump = y @ self._notrump[0] + self._notrump[1]
        logits: NDArray[np.float32] = np.concatenate([suits, notrump[:, None]], axis=1)
        return logits


def _normalise(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give rows mean 0 and variance 1."""
    u: NDArray[np.float32] = x - x.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", u, u) / np.float32(x.shape[1])
    u *= np.reciprocal(np.sqrt(variance + _EPSILON))[:, None]
    return u


@lru_cache(maxsize=2)
def load_deal2tricks(name: str | os.PathLike[str] = "deal2tricks") -> Deal2Tricks:
    """Load a trained network; the next call with the same name returns the same object.

    Parameters
    ----------
    name : str or path, default "deal2tricks"
        The shipped one, which the package bridgevec-teachers has, or ``name.safetensors``.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    return Deal2Tricks(find_weights(name, "deal2tricks"))
