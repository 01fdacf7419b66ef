"""Deals that fit a condition, batch after batch, without an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from bridgevec.simulate.language import POINTS, Node
from bridgevec.simulate.proposal import Proposal

_BATCH = 1 << 14
_SOLVED = 64
_EASY = 0.1
"""Where more deals fit, counting hands is not worth its time."""


class Stream:
    """Deals that fit a condition.

    Parameters
    ----------
    condition : Node
    known : sequence of four int
        Masks of the cards that N, E, S, W have.
    rng : Generator
    points : mapping of str to tuple of int, optional
        What ``hcp`` and ``pt0`` … ``pt9`` count.

    Attributes
    ----------
    tried : float
        How many random deals the search so far stands for.
    found : int
        How many of them fit.

    Raises
    ------
    ValueError
        If no deal can fit.
    """

    def __init__(
        self,
        condition: Node,
        known: Sequence[int],
        rng: np.random.Generator,
        points: Mapping[str, tuple[int, ...]] = POINTS,
    ) -> None:
        self._given = (condition, known, rng, points)
        self._proposal = Proposal(*self._given, exact=False)
        self._plain = True
        self.tried = 0.0
        self.found = 0

    def batches(self, most: float = float("inf")) -> Iterator[NDArray[np.uint64]]:
        """Yield deals until so many random ones have been tried.

        Parameters
        ----------
        most : float
            Stop when `tried` reaches it.

        Yields
        ------
        ndarray of uint64, shape (m, 4)
            m may be 0.
        """
        while self.tried < most:
            rate = self.found / max(self.tried, 1)
            if self._plain and (self._proposal.solves or (self.tried and rate < _EASY)):
                self._proposal, self._plain = Proposal(*self._given), False
            size = _SOLVED if self._proposal.solves else _BATCH
            n = ceil(min(size, (most - self.tried) * self._proposal.share))
            masks = self._proposal.deal(n)
            self.tried += n / self._proposal.share
            self.found += len(masks)
            yield masks
