"""A quick estimate of how likely calls are with a hand, learned from hands that a bidder weighed.

A bidder weighs some 100,000 hands per second, this estimate tens of millions: it picks, among many
hands, those worth weighing. It is a logistic regression on lengths, points and honours, so that it
adds up from one number for each suit's holding and one for shape and points together.
"""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from bridgevec.simulate.conditions import table_of
from bridgevec.simulate.language import POINTS

_LENGTH = table_of("length").astype(np.int64)
_POINTS = table_of("hcp", POINTS["hcp"]).astype(np.int64)
SHAPES = np.array(
    [(s, h, d, 13 - s - h - d) for s, h, d in product(range(14), repeat=3) if s + h + d <= 13]
)
"""Lengths in spades, hearts, diamonds and clubs, int64 (560, 4)."""
_NUMBER = np.zeros(14**3, dtype=np.int64)
_NUMBER[SHAPES[:, :3] @ np.array([196, 14, 1])] = np.arange(len(SHAPES))
_MOST_POINTS = 37
_RIDGE = 0.03
_STEPS = 12
_CLOSE = 0.2


def _one_hot(values: NDArray[np.int64], n: int) -> NDArray[np.float32]:
    return np.eye(n, dtype=np.float32)[values]


def _suit_features() -> NDArray[np.float32]:
    """Describe the 8192 holdings, float32 (8192, 7): honours, and points in a long suit."""
    honours = np.arange(8192)[:, None] >> np.arange(5) & 1
    long = np.stack([_POINTS * (_LENGTH >= 5), _POINTS * (_LENGTH >= 6)], axis=1) / 4
    return np.hstack([honours, long]).astype(np.float32)


def _shape_features() -> NDArray[np.float32]:
    """Describe the 560 shapes: lengths, their pattern, and which of two suits is longer."""
    lengths = [_one_hot(np.minimum(column, 8), 9) for column in SHAPES.T]
    ordered = np.sort(SHAPES, axis=1)
    # those of five cards at most and no void one by one, the rest as one
    _, pattern = np.unique(ordered @ [1000, 100, 10, 1], return_inverse=True)
    pattern = np.where((ordered[:, 3] <= 5) & (ordered[:, 0] > 0), pattern.reshape(-1), -1)
    common = np.unique(pattern)
    pairs = [
        _one_hot(np.clip(SHAPES[:, a] - SHAPES[:, b], -2, 2) + 2, 5)
        for a, b in combinations(range(4), 2)
    ]
    patterns = _one_hot(np.searchsorted(common, pattern), len(common))
    return np.hstack([*lengths, patterns, *pairs])


def _kind_features() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Describe points (38, p), and points together with the longest suit (4, 38, q)."""
    points = np.arange(_MOST_POINTS + 1)
    alone = _one_hot(np.minimum(points, 25), 26)
    part = np.searchsorted([6, 9, 11, 13, 15, 17, 19], points, side="right")
    both = np.stack([_one_hot(8 * longest + part, 32) for longest in range(4)])
    return alone, both


_OF_SUIT, _OF_SHAPE = _suit_features(), _shape_features()
_OF_POINTS, _OF_BOTH = _kind_features()
_LONGEST = np.clip(SHAPES.max(axis=1), 4, 7) - 4
_SIZES = np.cumsum([_OF_SHAPE.shape[1], _OF_POINTS.shape[1], _OF_BOTH.shape[2]])


def holdings_of(hands: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Split hands into their holdings in spades, hearts, diamonds and clubs, int64 (4, n)."""
    return np.stack([(hands >> np.uint64(13 * suit)).astype(np.int64) & 8191 for suit in range(4)])


def kinds_of(holdings: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the shapes and count the points of hands, int64 (2, n)."""
    lengths, points = _LENGTH[holdings], _POINTS[holdings]
    return np.stack([_NUMBER[196 * lengths[0] + 14 * lengths[1] + lengths[2]], points.sum(axis=0)])


def shape_numbers(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """Number shapes as `kinds_of` does, from lengths (..., 4)."""
    numbers: NDArray[np.int64] = _NUMBER[lengths[..., :3] @ np.array([196, 14, 1])]
    return numbers


class Surrogate:
    """An estimate of likelihoods, up to a factor.

    Parameters
    ----------
    hands : ndarray of uint64, shape (n,)
    likelihoods : ndarray of float64, shape (n,)
        From 0 to 1.
    honours : bool, default True
        Regard honours in the suits too; else lengths and points alone.
    start : Surrogate, optional
        A similar one, to begin the search with.
    ridge : float, default 0.03
        Half of a weight's square costs this much, in units of a hand's log loss.
    """

    def __init__(
        self,
        hands: NDArray[np.uint64],
        likelihoods: NDArray[np.float64],
        honours: bool = True,
        start: Surrogate | None = None,
        ridge: float = _RIDGE,
    ) -> None:
        holdings = holdings_of(hands)
        shapes, points = kinds_of(holdings)
        parts = [_OF_SHAPE[shapes], _OF_POINTS[points], _OF_BOTH[_LONGEST[shapes], points]]
        if honours:
            parts += [_OF_SUIT[held] for held in holdings]
        x = np.hstack(parts)
        self._weights = np.zeros(x.shape[1], dtype=np.float32)
        if start is not None:
            known = start._weights[: x.shape[1]]
            self._weights[: len(known)] = known
        _fit_logistic(x, likelihoods, self._weights, ridge)
        shape, alone, both, rest = np.split(self._weights, _SIZES)
        points_by_longest = _OF_POINTS @ alone + _OF_BOTH @ both
        self._kinds = (_OF_SHAPE @ shape)[:, None] + points_by_longest[_LONGEST]
        self._suits: list[NDArray[np.float32]] = []
        if honours:
            self._suits = [_OF_SUIT @ column for column in rest.reshape(4, -1)]

    def of_kinds(self, shapes: NDArray[np.int64], points: NDArray[np.int64]) -> NDArray[np.float64]:
        """Estimate from lengths and points, see `kinds_of`."""
        return _sigmoid(self._kinds[shapes, points])

    def of_hands(self, hands: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Estimate from hands."""
        holdings = holdings_of(hands)
        shapes, points = kinds_of(holdings)
        total = self._kinds[shapes, points]
        if self._suits:
            for table, held in zip(self._suits, holdings, strict=True):
                total = total + table[held]
        return _sigmoid(total)

    def tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Give what adds up: by shape and points (560, 38), and by suit and holding (4, 8192)."""
        kinds = self._kinds.astype(np.float32, copy=False)
        if not self._suits:
            return kinds, np.zeros((4, len(_LENGTH)), dtype=np.float32)
        return kinds, np.stack(self._suits)


def _sigmoid(x: NDArray[np.floating]) -> NDArray[np.float64]:
    chances: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(x, -40, 40).astype(np.float64)))
    return chances


def _fit_logistic(
    x: NDArray[np.float32], y: NDArray[np.float64], weights: NDArray[np.float32], ridge: float
) -> None:
    """Fit a logistic regression with a ridge by Newton's method, in place.

    There is a constant in `x` already: every hand has one length in each suit.
    """
    target = (y / max(y.max(), 1e-300)).astype(np.float32)
    penalty = ridge * np.eye(x.shape[1], dtype=np.float32)
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = np.maximum(p * (1 - p), 1e-4)
        gradient = x.T @ (target - p) - ridge * weights
        rooted = x * np.sqrt(slope)[:, None]  # NumPy computes half of a product with itself
        step = np.linalg.solve(rooted.T @ rooted + penalty, gradient)
        most = float(np.abs(step).max())
        weights += step * min(1.0, 4 / max(most, 1e-9))
        if most < _CLOSE:
            break
