"""Where the deals of the environments come from, and what is known of them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridgevec._auction import DEAL
from bridgevec.cards import DealLike, deal_masks, random_masks
from bridgevec.dds import solve_tables
from bridgevec.models.embedding import embed_hands
from bridgevec.records import PathLike, read_deals
from bridgevec.scoring import par_scores

PACKAGED = Path(__file__).with_name("deals.parquet")
"""The labelled deals that travel in the package."""

DealsLike: TypeAlias = Any
"""``"packaged"``, ``"random"``, a Parquet file of labelled deals or several, or `LabelledDeals`."""


SYMMETRIES = tuple(itertools.product(itertools.permutations(range(4)), range(4)))
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

    def with_vectors(
        self, embed: Callable[[NDArray[np.uint64]], NDArray[np.floating]]
    ) -> LabelledDeals:
        """Return the same deals with vectors of your own for ``observation="embedding"``.

        Parameters
        ----------
        embed : function
            From masks (n,) to the 8 numbers of each hand, (n, 8), such as the `embed_hands` of an
            embedding of your own training.

        Raises
        ------
        ValueError
            If it gives another shape.

        Examples
        --------
        >>> from bridgevec import load_embedding, random_deals, solve_tables
        >>> deals = random_deals(2, seed=1)
        >>> labelled = LabelledDeals(deals, solve_tables(deals))
        >>> len(labelled.with_vectors(load_embedding("hand2vec-8").embed_hands))
        2
        """
        deals = copy(self)
        deals._deals = self._deals.copy()
        deals._deals["embeddings"] = _vectors(self._deals["masks"], embed)
        return deals

    def choose(self, bits: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Choose a deal for each draw of 64 random bits, by its upper half."""
        half = np.uint64(32)
        return ((bits >> half) * np.uint64(len(self)) >> half).astype(np.intp)

    def take(self, chosen: NDArray[Any]) -> NDArray[np.void]:
        """Give the deals of these numbers, of dtype `bridgevec._auction.DEAL`."""
        taken: NDArray[np.void] = self._deals[chosen]
        return taken


class FreshDeals:
    """Random deals, solved on the spot."""

    def choose(self, bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Let each draw of 64 random bits be the seed of a deal."""
        return bits

    def take(self, chosen: NDArray[Any]) -> NDArray[np.void]:
        """Deal and solve the deals of these seeds, of dtype `bridgevec._auction.DEAL`."""
        masks = np.concatenate([random_masks(1, seed) for seed in chosen.tolist()])
        return _records(masks, solve_tables(masks))


def _records(masks: NDArray[np.uint64], tricks: NDArray[np.integer]) -> NDArray[np.void]:
    deals = np.empty(len(masks), dtype=DEAL)
    for side, vulnerable in np.ndindex(2, 4):
        deals["par"][:, side, vulnerable] = par_scores(tricks, side, vulnerable)
    deals["masks"], deals["tricks"] = masks, tricks
    deals["embeddings"] = _vectors(masks, embed_hands)
    return deals


def _vectors(
    masks: NDArray[np.uint64], embed: Callable[[NDArray[np.uint64]], NDArray[np.floating]]
) -> NDArray[np.floating]:
    """Vectors (n, 4, 8) of the hands of deals (n, 4)."""
    vectors = embed(masks.reshape(-1))
    if vectors.shape != (masks.size, 8):
        raise ValueError(f"{masks.size} hands have vectors of shape {vectors.shape}, expected 8")
    return vectors.reshape(-1, 4, 8)


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
