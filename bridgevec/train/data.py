"""Training data as a stream of shuffled batches, mixed from several sources.

Labelled deals stay in their files and are read part by part, again in every epoch; hand pairs and
pairs that teachers estimated are kept in memory. The deals of a file are independent of one
another, so it does no harm that only those of one part are shuffled among themselves.

`exchange_touching` shows a network more hands than there are labels for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridgevec.train.pairs import OUTCOMES, pairs_of_deals

Batch: TypeAlias = tuple[
    NDArray[np.uint64], NDArray[np.float16], NDArray[np.float32], NDArray[np.bool_]
]
"""Masks (n, 2), target distributions (n, 2 declarers, 5, 14), weights in the loss (n,), and whether
only the means of the distributions count (n,)."""
_Part: TypeAlias = tuple[NDArray[np.uint64], NDArray[np.float16]]
_CERTAIN = np.eye(OUTCOMES + 1, OUTCOMES, dtype=np.float16)
"""One number of tricks as a distribution; the last, which is also that of -1, adds nothing to a
loss."""
_ROWS = 1 << 15


@dataclass(frozen=True)
class Source:
    """Pairs of one kind.

    Attributes
    ----------
    size : int
        How many there are.
    weight : float
        Of each in the loss.
    means_only : bool
        Whether of the target distributions only the means are to be learned.
    parts : function
        From a random generator to the parts of an epoch: masks and targets.
    """

    size: int
    weight: float
    means_only: bool
    parts: Callable[[np.random.Generator], Iterator[_Part]]


def from_memory(
    masks: NDArray[np.uint64],
    targets: NDArray[np.float16],
    weight: float = 1.0,
    means_only: bool = False,
) -> Source:
    """Make a source of arrays.

    Parameters
    ----------
    masks : ndarray of uint64, shape (n, 2)
    targets : ndarray of float16, shape (n, 2, 5, 14)
    weight : float, default 1
    means_only : bool, default False

    Returns
    -------
    Source
    """

    def parts(rng: np.random.Generator) -> Iterator[_Part]:
        order = rng.permutation(len(masks))
        for start in range(0, len(masks), _ROWS):
            rows = order[start : start + _ROWS]
            yield masks[rows], targets[rows]

    return Source(len(masks), weight, means_only, parts)


def from_deals(paths: Sequence[str | os.PathLike[str]]) -> Source:
    """Make a source of files of labelled deals, in all strains or in some; needs pyarrow.

    Parameters
    ----------
    paths : sequence of paths

    Returns
    -------
    Source
        Two pairs a deal.

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing or not one of labelled deals.
    """
    if not paths:
        return Source(0, 1.0, False, lambda rng: iter(()))
    from bridgevec.records import deals_info, iterate_deals

    def parts(rng: np.random.Generator) -> Iterator[_Part]:
        for i in rng.permutation(len(paths)):
            for deals, tables in iterate_deals(paths[i], partial=True):
                masks, tricks = pairs_of_deals(deals, tables)
                order = rng.permutation(len(masks))
                for start in range(0, len(masks), _ROWS):
                    rows = order[start : start + _ROWS]
                    yield masks[rows], _CERTAIN[tricks[rows]]

    return Source(2 * sum(deals_info(path)[0] for path in paths), 1.0, False, parts)


def batches(
    sources: Sequence[Source], batch_size: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """Yield one epoch: every pair of every source once, in batches.

    Parameters
    ----------
    sources : sequence of Source
    batch_size : int
        Pairs; what is left at the end and does not fill a batch is left out.
    rng : Generator
        Decides the order.

    Yields
    ------
    Batch
    """
    sources = [source for source in sources if source.size]
    ours = [_Taker(source.parts(rng)) for source in sources]
    weights = np.array([source.weight for source in sources], dtype=np.float32)
    means_only = np.array([source.means_only for source in sources])
    sizes = [source.size for source in sources]
    kinds = rng.permutation(np.repeat(np.arange(len(sizes), dtype=np.uint8), sizes))
    for start in range(0, len(kinds) - batch_size + 1, batch_size):
        counts = np.bincount(kinds[start : start + batch_size], minlength=len(sizes))
        taken = [taker.take(count) for taker, count in zip(ours, counts.tolist(), strict=True)]
        yield (
            np.concatenate([masks for masks, _ in taken]),
            np.concatenate([targets for _, targets in taken]),
            np.repeat(weights, counts),
            np.repeat(means_only, counts),
        )


class _Taker:
    """Takes as many rows as asked for from parts of any size."""

    def __init__(self, parts: Iterator[_Part]) -> None:
        self.parts = parts
        self.masks = np.empty((0, 2), dtype=np.uint64)
        self.targets = np.empty((0, 2, 5, OUTCOMES), dtype=np.float16)

    def take(self, count: int) -> _Part:
        while len(self.masks) < count:
            masks, targets = next(self.parts)
            self.masks = np.concatenate([self.masks, masks])
            self.targets = np.concatenate([self.targets, targets])
        taken = self.masks[:count], self.targets[:count]
        self.masks, self.targets = self.masks[count:], self.targets[count:]
        return taken


def exchange_touching(cards: Tensor, randomness: torch.Generator, highest: int = 0) -> Tensor:
    """Exchange two cards of neighbouring ranks in each suit where that hardly matters.

    It hardly matters if the hands shown hold both cards, or if both are low, the six or less. Whole
    deals hold all cards: there only low ones may be exchanged, from the seven on.

    Parameters
    ----------
    cards : Tensor of uint8, shape (n, hands, 52)
    randomness : torch.Generator
        Chooses the rank in every suit.
    highest : int, default 0
        The highest rank to exchange, counted from the ace.

    Returns
    -------
    Tensor of uint8, shape (n, hands, 52)
    """
    x = cards.view(len(cards), -1, 4, 13)
    rank = torch.randint(highest, 12, (len(x), 1, 4, 1), generator=randomness, device=x.device)
    rank = rank.expand(-1, x.shape[1], -1, -1)
    high, low = x.gather(3, rank), x.gather(3, rank + 1)
    ours = (high.sum(1, keepdim=True) + low.sum(1, keepdim=True)) == 2
    exchange = ours | (rank >= 8)
    new_high, new_low = torch.where(exchange, low, high), torch.where(exchange, high, low)
    return x.scatter(3, rank, new_high).scatter(3, rank + 1, new_low).view_as(cards)
