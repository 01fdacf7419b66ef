"""Deals to bid in self-play, and what contracts are worth on them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridgevec._laws import Auctions
from bridgevec.bidders.match import Contracts
from bridgevec.cards import random_masks, suit_points
from bridgevec.envs.deals import SUIT_ORDERS, SYMMETRIES, exchange
from bridgevec.models.embedding import estimate_tricks_many
from bridgevec.scoring import imps, scores

_AT_ONCE = 2048
_QUANTILES = 20
"""Layouts of the opponents' cards, from bad to good, that a pair's contracts are judged by."""


class Situations(NamedTuple):
    """Deals to bid and what their contracts are worth, `n` of them.

    Attributes
    ----------
    masks : ndarray of uint64, shape (n, 4)
    dealers, vulnerable : ndarray of uint8, shape (n,)
    losses : ndarray of float32, shape (n, 36), optional
        IMPs lost if the deal is passed out, if it is played in 1C, … 7N, whoever declares: what
        counts where opponents pass.
    tricks : ndarray of int8, shape (n, k, 5, 4), optional
        What counts elsewhere, in `k` layouts of the cards that a side does not see.
    expected : ndarray of int8, shape (n, m, 5, 4), optional
        What counts instead if only one side has bid: estimated in `m` layouts of the other hands.
    """

    masks: NDArray[np.uint64]
    dealers: NDArray[np.uint8]
    vulnerable: NDArray[np.uint8]
    losses: NDArray[np.float32] | None = None
    tricks: NDArray[np.int8] | None = None
    expected: NDArray[np.int8] | None = None

    def take(self, chosen: Any) -> Situations:
        """Return some of them."""
        return Situations(
            self.masks[chosen],
            self.dealers[chosen],
            self.vulnerable[chosen],
            None if self.losses is None else self.losses[chosen],
            None if self.tricks is None else self.tricks[chosen],
            None if self.expected is None else self.expected[chosen],
        )

    def join(self, others: Situations) -> Situations:
        """Add others, with tricks in `m` layouts; the one layout of these is repeated."""
        assert self.tricks is not None
        assert others.tricks is not None
        tricks = np.repeat(self.tricks, others.tricks.shape[1], axis=1)
        return Situations(
            np.concatenate([self.masks, others.masks]),
            np.concatenate([self.dealers, others.dealers]),
            np.concatenate([self.vulnerable, others.vulnerable]),
            tricks=np.concatenate([tricks, others.tricks]),
        )


def _tricks_by_luck(
    declarers: NDArray[np.uint64], dummies: NDArray[np.uint64], luck: NDArray[np.floating]
) -> NDArray[np.intp]:
    """Estimate the tricks that pairs of hands take if the other cards lie so well or so badly.

    Parameters
    ----------
    declarers, dummies : ndarray of uint64, shape (n,)
    luck : ndarray of float32, shape (n or 1, k)
        From 0 to 1. The layout is taken to be good or bad for all strains alike: each strain gets
        this quantile of its distribution of tricks.

    Returns
    -------
    ndarray of int, shape (n, 5, k)
    """
    chances = estimate_tricks_many(declarers, dummies).distribution
    below = chances.cumsum(axis=2)[:, :, None, :13] < luck[:, None, :, None]
    tricks: NDArray[np.intp] = below.sum(axis=3)
    return tricks


def losses_of_pairs(
    first: NDArray[np.uint64], second: NDArray[np.uint64], quantiles: int = _QUANTILES
) -> NDArray[np.float32]:
    """Estimate what pairs of hands lose in every contract, against their best one.

    Nobody is vulnerable; the better hand declares; a contract that fails by four tricks or more is
    doubled. Layout `k` of `quantiles` of the opponents' cards gives each strain the quantile
    ``(k + 1/2) / quantiles`` of its distribution of tricks.

    Parameters
    ----------
    first, second : ndarray of uint64, shape (n,)
        Hands of a partnership, as masks.
    quantiles : int, default 20

    Returns
    -------
    ndarray of float32, shape (n, 36)
        IMPs lost if the auction ends passed out, in 1C, … 7N.

    Examples
    --------
    >>> from bridgevec.cards import hand_masks
    >>> losses = losses_of_pairs(hand_masks(["AKQJ9.AK4.AK3.32"]), hand_masks(["T8765.Q5.Q2.AK54"]))
    >>> losses.shape, bool(losses[0, 34] < losses[0, 19])  # 7S loses less than 4S
    ((1, 36), True)
    """
    return _losses(_tricks_of_pairs(first, second, quantiles))


def _tricks_of_pairs(
    first: NDArray[np.uint64], second: NDArray[np.uint64], quantiles: int
) -> NDArray[np.int8]:
    """Estimate the tricks of the better declarer of each pair, (n, 5, quantiles)."""
    luck = (np.arange(quantiles, dtype=np.float32)[None] + 0.5) / quantiles
    out = np.empty((len(first), 5, quantiles), dtype=np.int8)
    for start in range(0, len(first), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        one, other = first[part], second[part]
        out[part] = np.maximum(_tricks_by_luck(one, other, luck), _tricks_by_luck(other, one, luck))
    return out


def _losses(taken: NDArray[np.integer]) -> NDArray[np.float32]:
    """Say what contracts lose where these tricks (n, 5, k) are taken, (n, 36)."""
    level, strain = np.divmod(np.arange(35), 5)
    tricks = np.arange(14)
    doubled = tricks <= level[:, None] + 1 + 6 - 4
    points = np.zeros((36, 14), dtype=np.int64)
    points[1:] = scores(level[:, None] + 1, strain[:, None], doubled.astype(np.int8), 0, tricks, 0)
    out = np.empty((len(taken), 36), dtype=np.float32)
    for start in range(0, len(taken), _AT_ONCE):
        some = taken[start : start + _AT_ONCE]
        made = np.zeros((len(some), 36, some.shape[2]), dtype=np.int64)
        made[:, 1:] = points[1 + np.arange(35)[:, None], some[:, strain]]
        out[start : start + len(some)] = imps(made.max(axis=1, keepdims=True) - made).mean(axis=2)
    return out


def uncontested_situations(
    n: int, generator: np.random.Generator, exchanged: bool = False
) -> Situations:
    """Deal pairs of hands whose opponents pass, now and then before the first of the pair.

    Parameters
    ----------
    n : int
    generator : numpy Generator
    exchanged : bool, default False
        Deal only as many pairs as are needed if the suits of each are exchanged in all 24 ways:
        the estimate, which takes longest, is the same for all of these.
    """
    ways = SUIT_ORDERS if exchanged else SUIT_ORDERS[:1]
    dealt = random_masks(-(-n // len(ways)), generator)
    taken = _tricks_of_pairs(dealt[:, 0], dealt[:, 2], _QUANTILES)
    parts = [exchange(dealt, taken, order, 0) for order in ways]
    masks = np.concatenate([hands for hands, _ in parts])[:n]
    losses = np.concatenate([_losses(tricks) for _, tricks in parts])[:n]
    dealers = (2 * generator.integers(2, size=n) + (generator.random(n) < 0.1)).astype(np.uint8)
    nobody = np.zeros(n, dtype=np.uint8)
    return Situations(masks, dealers, nobody, losses)


def contested_situations(
    masks: NDArray[np.uint64],
    tricks: NDArray[np.integer],
    n: int,
    generator: np.random.Generator,
    silent_layouts: int = 0,
) -> Situations:
    """Draw from labelled deals, with suits exchanged and the table turned in any way.

    Parameters
    ----------
    masks : ndarray of uint64, shape (k, 4)
    tricks : ndarray of int, shape (k, 5, 4)
    n : int
    generator : numpy Generator
        Draws dealers and vulnerability too.
    silent_layouts : int, default 0
        In how many layouts to estimate what is `expected` of both sides; 0 for none.
    """
    every = tricks.astype(np.int8)[..., None]
    if silent_layouts:
        every = np.concatenate([every, _expected(masks, silent_layouts)], axis=3)
    hands, tables = np.empty((n, 4), dtype=np.uint64), np.empty((n, *every.shape[1:]), np.int8)
    chosen, ways = generator.integers(len(masks), size=n), generator.integers(96, size=n)
    for way, (order, quarters) in enumerate(SYMMETRIES):
        rows = np.flatnonzero(ways == way)
        some = chosen[rows]
        hands[rows], tables[rows] = exchange(masks[some], every[some], order, quarters)
    dealers, vulnerable = generator.integers(4, size=(2, n), dtype=np.uint8)
    tables = np.ascontiguousarray(np.moveaxis(tables, 3, 1))
    expected = tables[:, 1:] if silent_layouts else None
    return Situations(hands, dealers, vulnerable, tricks=tables[:, :1], expected=expected)


def _expected(masks: NDArray[np.uint64], layouts: int) -> NDArray[np.int8]:
    """Estimate the tricks of both sides of deals, from bad layouts to good, (n, 5, 4, layouts)."""
    luck = (np.arange(layouts, dtype=np.float32)[None] + 0.5) / layouts
    out = np.empty((len(masks), 5, 4, layouts), dtype=np.int8)
    for start in range(0, len(masks), _AT_ONCE):
        hands = masks[start : start + _AT_ONCE]
        for declarer in range(4):
            taken = _tricks_by_luck(hands[:, declarer], hands[:, declarer ^ 2], luck)
            out[start : start + _AT_ONCE, :, declarer] = taken
    return out


def estimated_situations(n: int, layouts: int, generator: np.random.Generator) -> Situations:
    """Deal at random, and estimate the tricks of both sides.

    Parameters
    ----------
    n, layouts : int
        Every side is dealt as many layouts, from bad to good, each as likely as the others, and in
        an order of its own.
    generator : numpy Generator
    """
    masks = random_masks(n, generator)
    tricks = np.empty((n, layouts, 5, 4), dtype=np.int8)
    for start in range(0, n, _AT_ONCE):
        hands = masks[start : start + _AT_ONCE]
        order = np.tile(np.arange(layouts), (2, len(hands), 1))
        luck = (generator.permuted(order, axis=2) + generator.random(order.shape)) / layouts
        for declarer in range(4):
            pair = hands[:, declarer], hands[:, declarer ^ 2]
            taken = _tricks_by_luck(*pair, luck[declarer & 1].astype(np.float32))
            tricks[start : start + _AT_ONCE, :, :, declarer] = taken.transpose(0, 2, 1)
    dealers, vulnerable = generator.integers(4, size=(2, n), dtype=np.uint8)
    return Situations(masks, dealers, vulnerable, tricks=tricks)


def near_slam(situations: Situations) -> NDArray[np.bool_]:
    """Say on which deals a side could take twelve tricks in some layout, or has thirty points."""
    assert situations.tricks is not None
    best = situations.tricks.max(axis=(1, 2, 3))
    hands = suit_points(situations.masks).sum(axis=2)
    sides = hands[:, :2] + hands[:, 2:]
    near: NDArray[np.bool_] = (best >= 12) | (sides.max(axis=1) >= 30)
    return near


def points(auctions: Auctions, situations: Situations) -> NDArray[np.int64] | NDArray[np.float32]:
    """Return what North-South got, (n, k): points by layout, or minus the IMPs lost.

    With losses `k` is 1.
    """
    if situations.losses is not None:
        bid = auctions.tables["bid"] + 1
        won: NDArray[np.float32] = -situations.losses[np.arange(len(bid)), bid][:, None]
        return won
    assert situations.tricks is not None
    contracts = Contracts.of(auctions)
    by_layout = situations.tricks.swapaxes(0, 1)
    return np.stack([contracts.points(x, situations.vulnerable) for x in by_layout], axis=1)


def swings(
    results: NDArray[Any], likeliest: NDArray[Any], seats: NDArray[np.uint8], *, in_imps: bool
) -> NDArray[np.float64]:
    """Return what calls win over the likeliest one, for the side that makes them.

    Parameters
    ----------
    results, likeliest : ndarray, shape (n, k)
        What North-South get after the call and after the likeliest, in `k` layouts.
    seats : ndarray of uint8, shape (n,)
        Who makes the call; what is good for North-South is bad for East and West.
    in_imps : bool
        Whether the results are points, of which IMPs are to be made.

    Returns
    -------
    ndarray of float64, shape (n,)
        The mean over the layouts.

    Examples
    --------
    East gains where North-South go down from 420 to 50 below zero:

    >>> swings(np.array([[-50]]), np.array([[420]]), np.array([1], np.uint8), in_imps=True)
    array([10.])
    """
    swing = results - likeliest
    mean = (imps(swing) if in_imps else swing).mean(axis=1)
    mine: NDArray[np.float64] = mean * (1 - 2 * (seats & 1).astype(np.float32))
    return mine
