"""A few points that stand for many: the middle ones of clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 25


def representatives(
    points: NDArray[np.float32], k: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose points that differ from each other and stand for the others.

    The points are clustered by k-means (Lloyd 1982), started as k-means++ does (Arthur and
    Vassilvitskii 2007); of each cluster the point nearest to its mean is chosen.

    Parameters
    ----------
    points : ndarray of float32, shape (n, dims)
    k : int
        How many to choose; all, if there are no more.
    rng : Generator

    Returns
    -------
    chosen : ndarray of intp, shape (m,)
        Numbers of points, that of the largest cluster first. Fewer than `k` if there are fewer
        points that differ.
    sizes : ndarray of intp, shape (m,)
        How many points each stands for.
    """
    centres = _start(points, k, rng)
    owners = np.full(len(points), -1, dtype=np.intp)
    for _ in range(_ROUNDS):
        before, owners = owners, _squares(points, centres).argmin(axis=1)
        if np.array_equal(before, owners):
            break
        sizes = np.bincount(owners, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, owners, points)
        some = sizes > 0
        centres = np.where(some[:, None], sums / np.maximum(sizes, 1)[:, None], centres)
    sizes = np.bincount(owners, minlength=len(centres))
    squares = _squares(points, centres)
    squares[owners[:, None] != np.arange(len(centres))] = np.inf
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    return squares.argmin(axis=0)[order], sizes[order]


def _squares(points: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float32]:
    squares: NDArray[np.float32] = -2 * points @ centres.T + np.square(centres).sum(axis=1)
    squares += np.square(points).sum(axis=1)[:, None]
    return squares


def _start(points: NDArray[np.float32], k: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw the first centres, each the likelier the farther it lies from those before."""
    chosen = [int(rng.integers(len(points)))]
    squares = np.square(points - points[chosen[0]]).sum(axis=1)
    while len(chosen) < k and squares.any():
        chosen.append(int(rng.choice(len(points), p=squares / squares.sum(dtype=np.float64))))
        squares = np.minimum(squares, np.square(points - points[chosen[-1]]).sum(axis=1))
    return points[chosen]
