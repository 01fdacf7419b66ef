"""Exact nearest neighbours among millions of vectors of a few numbers.

Vectors with the same key (the shape of a hand) stand together and are halved, along the number
that varies most, until blocks are small. A block's box, the least and the greatest of each number,
tells how near its vectors can be; blocks are searched from the nearest box on until the next is
farther than what was found (branch and bound on a k-d tree: Friedman, Bentley and Finkel, "An
algorithm for finding best matches in logarithmic expected time", 1977). Nothing is approximate.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

_SIZE = 2048  # vectors in a block, at most
_SAMPLE = 512  # vectors that tell which number varies most
_CHUNK = 1 << 14  # vectors computed at a time, so that they stay in the cache
_GROUP = 64  # blocks searched at a time, at most
_SLACK = np.float32(1 - 1e-5)
"""Bounds are lowered by the error of their sums, or a neighbour as far as the bound were missed."""

Keep: TypeAlias = Callable[[NDArray[np.integer]], NDArray[np.bool_]]
"""Ids (n,) to whether they are wanted."""
More: TypeAlias = Callable[[NDArray[np.integer]], NDArray[np.float32]]
"""Ids (n,) to what is added to their squared distances, 0 or more."""


class Blocks:
    """Vectors in blocks, and their search.

    Attributes
    ----------
    vectors : ndarray of float32, shape (n, dims)
        In the order of the blocks.
    ids : ndarray of uint32, shape (n,)
        The number of each vector before it was put in order.
    starts : ndarray of int64, shape (blocks + 1,)
        Where each block begins.
    keys : ndarray of uint16, shape (blocks,)
        What the vectors of a block have in common.
    lower, upper : ndarray of float32, shape (blocks, dims)
        Boxes.
    """

    NAMES = ("vectors", "ids", "starts", "keys", "lower", "upper")

    def __init__(
        self,
        vectors: NDArray[np.float32],
        ids: NDArray[np.uint32],
        starts: NDArray[np.int64],
        keys: NDArray[np.uint16],
        lower: NDArray[np.float32],
        upper: NDArray[np.float32],
    ) -> None:
        self.vectors, self.ids, self.starts = vectors, ids, starts
        self.keys, self.lower, self.upper = keys, lower, upper

    @classmethod
    def build(
        cls,
        keys: NDArray[np.uint16],
        vectors_of: Callable[[NDArray[np.integer]], NDArray[np.float32]],
        dims: int,
    ) -> Blocks:
        """Arrange vectors.

        Parameters
        ----------
        keys : ndarray of uint16, shape (n,)
            At least one. Vectors of different keys come into different blocks.
        vectors_of : callable
            Computes the vectors (m, dims) of ids (m,).
        dims : int

        Returns
        -------
        Blocks
        """
        n = len(keys)
        ids = np.argsort(keys, kind="stable").astype(np.uint32)
        vectors = np.empty((n, dims), dtype=np.float32)
        for start in range(0, n, _CHUNK):
            vectors[start : start + _CHUNK] = vectors_of(ids[start : start + _CHUNK])
        ordered = keys[ids]
        cuts = [0, *(np.flatnonzero(np.diff(ordered)) + 1).tolist(), n]
        starts = [0]
        for start, stop in pairwise(cuts):
            starts += _halve(vectors, ids, start, stop)
        edges = np.array(starts, dtype=np.int64)
        firsts = edges[:-1]
        lower = np.minimum.reduceat(vectors, firsts)
        upper = np.maximum.reduceat(vectors, firsts)
        return cls(vectors, ids, edges, ordered[firsts], lower, upper)

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name, as the constructor takes them."""
        return {name: getattr(self, name) for name in self.NAMES}

    def check(self) -> None:
        """Check that the arrays fit together.

        Raises
        ------
        ValueError
            If they do not.
        """
        n, blocks = len(self.ids), len(self.keys)
        boxes = (blocks, self.vectors.shape[-1])
        if (
            self.vectors.shape != (n, boxes[1])
            or self.lower.shape != boxes
            or self.upper.shape != boxes
            or self.starts.shape != (blocks + 1,)
        ):
            raise ValueError("the arrays have shapes that do not fit together")
        if self.starts[0] or self.starts[-1] != n or (np.diff(self.starts) <= 0).any():
            raise ValueError("the blocks do not follow each other")
        if n and int(self.ids.max()) >= n:
            raise ValueError(f"id {int(self.ids.max())} is out of range, expected 0 to {n - 1}")

    def nearest(
        self,
        target: NDArray[np.float32],
        k: int,
        *,
        key: int | None = None,
        keep: Keep | None = None,
        more: More | None = None,
    ) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Find the nearest vectors.

        Parameters
        ----------
        target : ndarray of float32, shape (dims,)
        k : int
            How many to find, at most.
        key : int, optional
            Only vectors of this key.
        keep : callable, optional
            Only the ids that it wants.
        more : callable, optional
            Is added to squared distances; by both together the nearest are found.

        Returns
        -------
        ids : ndarray of uint32, shape (m,)
            The nearest first; of those equally far the lowest id. Fewer than `k` if there are no
            more.
        squares : ndarray of float32, shape (m,)
            Squared distances, and what `more` added.
        """
        gaps = np.maximum(np.maximum(self.lower - target, target - self.upper), 0)
        bounds = np.einsum("ij,ij->i", gaps, gaps) * _SLACK
        order = np.argsort(bounds)
        if key is not None:
            order = order[self.keys[order] == key]
        best = np.empty(0, dtype=np.float32)
        found = np.empty(0, dtype=np.uint32)
        limit = np.float32(np.inf)
        place, size = 0, 1
        while place < len(order) and bounds[order[place]] <= limit:
            group = order[place : place + size]
            place, size = place + size, min(2 * size, _GROUP)
            ids, squares = self._within(group[bounds[group] <= limit], target, limit)
            if keep is not None:
                wanted = keep(ids)
                ids, squares = ids[wanted], squares[wanted]
            if more is not None:
                squares = squares + more(ids)
                wanted = squares <= limit
                ids, squares = ids[wanted], squares[wanted]
            best, found = np.concatenate([best, squares]), np.concatenate([found, ids])
            if len(best) > k:
                near = best <= np.partition(best, k - 1)[k - 1]
                best, found = best[near], found[near]
                chosen = np.lexsort((found, best))[:k]
                best, found = best[chosen], found[chosen]
            if len(best) == k:
                limit = best.max()
        order = np.lexsort((found, best))
        return found[order], best[order]

    def _within(
        self, blocks: NDArray[np.intp], target: NDArray[np.float32], limit: np.float32
    ) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Return ids and squared distances of the vectors of some blocks that are near enough."""
        ids, squares = [], []
        for block in blocks.tolist():
            start, stop = self.starts[block], self.starts[block + 1]
            gaps = self.vectors[start:stop] - target
            square = np.einsum("ij,ij->i", gaps, gaps)
            near = np.flatnonzero(square <= limit)
            ids.append(self.ids[start:stop][near])
            squares.append(square[near])
        return np.concatenate(ids), np.concatenate(squares)


def _halve(
    vectors: NDArray[np.float32], ids: NDArray[np.uint32], start: int, stop: int
) -> list[int]:
    """Halve vectors, in place, until the parts are small, and tell where the parts end."""
    ends = []
    waiting = [(start, stop)]
    while waiting:
        start, stop = waiting.pop()
        part = vectors[start:stop]
        if stop - start <= _SIZE:
            ends.append(stop)
            continue
        axis = int(part[:: max(1, len(part) // _SAMPLE)].var(axis=0).argmax())
        middle = (stop - start) // 2
        order = np.argpartition(part[:, axis], middle)
        vectors[start:stop], ids[start:stop] = part[order], ids[start:stop][order]
        waiting += [(start + middle, stop), (start, start + middle)]
    return ends
