"""Where the deals of the environments come from, and what is known of them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridgevec.cards import DealLike, deal_masks, random_masks
from bridgevec.dds import solve_tables
from bridgevec.envs._game import DEAL
from bridgevec.envs.observation import HandObservation
from bridgevec.records import PathLike, read_deals
from bridgevec.scoring import par_scores

PACKAGED = Path(__file__).with_name("deals.parquet")
"""The labelled deals that travel in the package."""

# What one observation says of a deal of 8 numbers a hand is 128 bytes.
_DESCRIPTIONS = 4

DealsLike: TypeAlias = Any
"""``"packaged"``, ``"random"``, a Parquet file of labelled deals or several, or `LabelledDeals`."""


SUIT_ORDERS = tuple(itertools.permutations(range(4)))
"""The 24 ways to exchange suits."""
SYMMETRIES = tuple(itertools.product(SUIT_ORDERS, range(4)))
"""The 96 ways to exchange suits and turn the table, for `exchange`."""


def exchange(
    masks: NDArray[np.uint64], tricks: NDArray[np.integer], order: tuple[int, ...], quarters: int
) -> tuple[NDArray[np.uint64], NDArray[np.integer]]:
    """Exchange the suits of deals and turn the table, which changes no trick.

    Parameters
    ----------
    masks : ndarray of uint64, shape (n, 4)
    tricks : ndarray of int, shape (n, 5, 4)
    order : tuple of int
        Which suit becomes spades, hearts, diamonds, clubs; 0 is spades.
    quarters : int
        How many seats every hand moves on, clockwise.

    Returns
    -------
    masks, tricks : ndarray
        Of the new deals.
    """
    shifts = np.arange(0, 52, 13, dtype=np.uint64)
    suits = masks[..., None] >> shifts & np.uint64((1 << 13) - 1)
    hands = (suits[..., list(order)] << shifts).sum(axis=2, dtype=np.uint64)
    tables = tricks[:, [3 - suit for suit in reversed(order)] + [4]]
    return np.roll(hands, quarters, axis=1), np.roll(tables, quarters, axis=2)


class LabelledDeals:
    """Deals with their trick tables, to choose from at random.

    Parameters
    ----------
    deals : sequence of deals, or integer array (n, 4) of masks
    tricks : array_like of int, shape (n, 5, 4)
        As from `bridgevec.solve_tables`.

    Raises
    ------
    ValueError
        If there are none, a deal is wrong, or the tables do not fit.

    Examples
    --------
    >>> from bridgevec import random_deals, solve_tables
    >>> deals = random_deals(2, seed=1)
    >>> len(LabelledDeals(deals, solve_tables(deals)))
    2
    """

    def __init__(self, deals: NDArray[np.uint64] | Sequence[DealLike], tricks: ArrayLike) -> None:
        masks, tables = deal_masks(deals), np.asarray(tricks)
        if not len(masks):
            raise ValueError("there are no deals to bid")
        if tables.shape != (len(masks), 5, 4):
            raise ValueError(f"tricks has shape {tables.shape}, expected {(len(masks), 5, 4)}")
        self._deals = _records(masks, tables)
        self._described: dict[HandObservation, NDArray[np.float32]] = {}

    @classmethod
    def read(cls, paths: PathLike | Sequence[PathLike]) -> LabelledDeals:
        """Read Parquet files of labelled deals, each once as long as it does not change.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If a file is not one of labelled deals.
        """
        paths = [paths] if isinstance(paths, (str, os.PathLike)) else paths
        files = tuple((os.fspath(path), os.stat(path).st_mtime_ns) for path in paths)
        read: LabelledDeals = _read(files)
        return read

    def __len__(self) -> int:
        return len(self._deals)

    def with_symmetries(self) -> LabelledDeals:
        """Return 96 times as many deals: in every turning of the table, with suits exchanged.

        What they are worth follows from the deals that there are, so this costs no solving; but
        deals that are alike in this way teach less than as many others.

        Examples
        --------
        >>> from bridgevec import random_deals, solve_tables
        >>> deals = random_deals(2, seed=1)
        >>> len(LabelledDeals(deals, solve_tables(deals)).with_symmetries())
        192
        """
        masks, tricks = [], []
        for order, quarters in SYMMETRIES:
            hands, tables = exchange(self._deals["masks"], self._deals["tricks"], order, quarters)
            masks.append(hands)
            tricks.append(tables)
        return LabelledDeals(np.concatenate(masks), np.concatenate(tricks))

    def choose(self, bits: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Choose a deal for each draw of 64 random bits, by its upper half."""
        half = np.uint64(32)
        return ((bits >> half) * np.uint64(len(self)) >> half).astype(np.intp)

    def take(self, chosen: NDArray[Any]) -> NDArray[np.void]:
        """Return the deals of these numbers, of dtype `bridgevec.envs._game.DEAL`."""
        taken: NDArray[np.void] = self._deals[chosen]
        return taken

    def described(self, hand: HandObservation) -> NDArray[np.float32]:
        """Describe the hands of all deals as an observation does, float32 (n, 4, d).

        Computed when it is first asked for; the last few descriptions are kept.
        """
        if hand not in self._described:
            self._described[hand] = hand.describe(self._deals["masks"])
            while len(self._described) > _DESCRIPTIONS:
                del self._described[next(iter(self._described))]
        return self._described[hand]


class FreshDeals:
    """Random deals, solved on the spot."""

    def choose(self, bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Let each draw of 64 random bits be the seed of a deal."""
        return bits

    def take(self, chosen: NDArray[Any]) -> NDArray[np.void]:
        """Deal and solve the deals of these seeds, of dtype `bridgevec.envs._game.DEAL`."""
        masks = np.concatenate([random_masks(1, seed) for seed in chosen.tolist()])
        return _records(masks, solve_tables(masks))


def _records(masks: NDArray[np.uint64], tricks: NDArray[np.integer]) -> NDArray[np.void]:
    deals = np.empty(len(masks), dtype=DEAL)
    for side, vulnerable in np.ndindex(2, 4):
        deals["par"][:, side, vulnerable] = par_scores(tricks, side, vulnerable)
    deals["masks"], deals["tricks"] = masks, tricks
    return deals


def deal_source(deals: DealsLike) -> LabelledDeals | FreshDeals:
    """Open the deals that an environment is asked for.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If it is nothing of the kind.
    ValueError
        If a file is not one of labelled deals.
    """
    if isinstance(deals, LabelledDeals):
        return deals
    if not isinstance(deals, (str, os.PathLike, Sequence)):
        raise TypeError(
            f"deals is {deals!r}, expected packaged, random, Parquet files or LabelledDeals"
        )
    if isinstance(deals, str) and deals == "random":
        return FreshDeals()
    return LabelledDeals.read(PACKAGED if isinstance(deals, str) and deals == "packaged" else deals)


@lru_cache(maxsize=4)
def _read(files: tuple[tuple[str, int], ...]) -> LabelledDeals:
    """Read files once for all environments, as long as they do not change."""
    return LabelledDeals(*read_deals([path for path, _ in files]))
