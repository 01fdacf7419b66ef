"""What networks read the numbers of an embedding with, in NumPy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Reader:
    """The part of a network that reads the embedding of a hand, see `train.bidder_net.HandReader`.

    Parameters
    ----------
    weights : dict of str to ndarray of float32
        Without those of ``leave`` there is only `suits`.
    """

    def __init__(self, weights: dict[str, NDArray[np.float32]]) -> None:
        self._w = {name: np.ascontiguousarray(x.T) for name, x in weights.items()}
        # What is said of the mean of the suits is the same for all four.
        half = len(self._w["waves.weight"]) // 2
        self._own_waves, self._mean_waves = np.split(self._w["waves.weight"], 2)
        self._own, self._mean, self._waves = np.split(self._w["enter.weight"], [half, 2 * half])

    def __call__(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map vectors (n, dims) to what they add to the network's first layer, (n, width)."""
        out: NDArray[np.float32] = self.suits(vectors) @ self._w["leave.weight"]
        out += self._w["leave.bias"]
        return out

    def suits(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Describe the four suits in the light of the hand, (n, 4 · numbers of a suit)."""
        w, n = self._w, len(vectors)
        suits = vectors.reshape(4 * n, -1)
        mean = suits.reshape(n, 4, -1).mean(axis=1)
        waves = (suits @ self._own_waves).reshape(n, 4, -1)
        waves += (mean @ self._mean_waves + w["waves.bias"])[:, None]
        np.sin(waves, out=waves)
        x: NDArray[np.float32] = suits @ self._own
        x += waves.reshape(4 * n, -1) @ self._waves
        x = x.reshape(n, 4, -1)
        x += (mean @ self._mean + w["enter.bias"])[:, None]
        np.maximum(x, 0, out=x)
        y = (x.reshape(4 * n, -1) @ w["own.weight"]).reshape(n, 4, -1)
        y += (x.mean(axis=1) @ w["mean.weight"] + w["own.bias"])[:, None]
        x += np.maximum(y, 0, out=y)
        return x.reshape(n, -1)
