"""Deals that fit an auction: importance sampling with a bidder as the likelihood.

The weight of a deal is the probability that the players make exactly these calls with their hands,
a product over the players. Most random deals have a negligible weight. So the hands are dealt one
after the other, beginning with the player whose calls are the rarest, and the last two together. A
quick estimate (`bridgevec.simulate.surrogate`) selects a few of many candidates, the bidder weighs
these, and the next hand is dealt only to the promising ones. The estimate starts from what a
network infers from the auction, and it learns from hands that the bidder weighed. For rare calls it
learns in steps, from likelihoods raised to a small power (Neal, "Annealed importance sampling",
2001). Each step keeps a hand with a known probability and divides its weight by it (Liu, Chen and
Wong, "Rejection control and sequential importance sampling", JASA 1998), so the weights are
unbiased however poor the estimate is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bridgevec._deal import Shuffler
from bridgevec._laws import Auctions
from bridgevec.auction import Auction
from bridgevec.bidders.bidder import Bidder
from bridgevec.bidders.features import DESCRIPTION, MEANS, SCALES, SPREAD
from bridgevec.bidders.policy import PolicyBidder, load_policy
from bridgevec.cards import FULL_DECK, Seat
from bridgevec.simulate.language import POINTS, Binary, Count, Number
from bridgevec.simulate.proposal import CHOOSE, HandTable, draw
from bridgevec.simulate.surrogate import SHAPES, Surrogate, shape_numbers

_OBSERVERS = 64
_PILOT = 500
"""Hands of a player that are weighed at a time to learn how to deal such."""
_PILOTS = 8
"""So many times at most."""
_LEARNED, _ENOUGH = 0.15, 0.3
"""The part of a pilot's hands that its effective size must reach to learn, and to be the last."""
_POOR = 0.4
"""A round whose effective size is less, as a part of what was weighed, is learned from."""
_MOST = 4000
"""But not from more hands than these."""
_ROUND = 1 << 15
"""Candidates for a hand that are dealt at a time."""
_WEIGHED = 1000
"""How many of them, about, the bidder weighs."""
_CHOICE = 6
"""Candidates for the first hand, times `_WEIGHED`."""
_SUITS = np.arange(0, 52, 13, dtype=np.uint64)
_WIDE, _ALL = 0.5, 0.1
"""For each hand dealt by an estimate, so many by its root, by its fourth root, and at random."""


class Likelihood:
    """How likely calls are, given hands.

    Parameters
    ----------
    auction : Auction
    vulnerable : int
    bidders : sequence of four Bidder
        Who sits N, E, S, W.
    """

    def __init__(self, auction: Auction, vulnerable: int, bidders: Sequence[Bidder]) -> None:
        self._calls = np.array([int(call) for call in auction.calls], dtype=np.int64)
        self._dealer, self._vulnerable, self._bidders = auction.dealer, vulnerable, bidders

    def prefix(self, n: int, length: int) -> Auctions:
        """Make n tables with the first calls made."""
        one = Auction(self._calls[:length].tolist(), self._dealer)
        return one.core.take(np.zeros(n, dtype=np.intp))

    def turns(self, seat: int) -> list[int]:
        """Return which calls of the auction are a seat's."""
        return [i for i in range(len(self._calls)) if (self._dealer + i) % 4 == seat]

    def of_hands(self, seat: int, hands: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Return the probability that a seat makes its calls with each of some hands.

        Parameters
        ----------
        seat : int
        hands : ndarray of uint64, shape (n,)

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        bidder, turns = self._bidders[seat], self.turns(seat)
        if isinstance(bidder, PolicyBidder) and turns:
            # It reads each hand once for all its calls, and never gives one no chance at all.
            which = np.repeat(np.arange(len(turns)), len(hands))
            p = bidder.probabilities(
                np.tile(hands, len(turns)),
                self._prefixes(turns).take(which),
                np.full(len(which), self._vulnerable, dtype=np.uint8),
            )[np.arange(len(which)), self._calls[turns][which]]
            chances: NDArray[np.float64] = p.reshape(len(turns), -1).prod(axis=0, dtype=np.float64)
            return chances
        found = np.ones(len(hands))
        rows = np.arange(len(hands))
        for i in turns:
            if not len(rows):
                break
            vulnerable = np.full(len(rows), self._vulnerable, dtype=np.uint8)
            p = bidder.probabilities(hands[rows], self.prefix(len(rows), i), vulnerable)
            found[rows] *= p[:, self._calls[i]]
            rows = rows[found[rows] > 0]
        return found

    def _prefixes(self, lengths: Sequence[int]) -> Auctions:
        """Make a table for each number of calls that are made."""
        made = np.array(lengths, dtype=np.intp)
        tables = Auctions(len(made))
        every = np.ones(len(made), dtype=bool)
        tables.start(every, np.full(len(made), self._dealer, dtype=np.uint8))
        for i in range(max(lengths, default=0)):
            tables.make(made > i, np.full(len(made), self._calls[i]))
        return tables


def effective_size(weights: NDArray[np.float64]) -> float:
    """Return how many deals of equal weight would be as informative (Kish).

    Examples
    --------
    >>> effective_size(np.array([1.0, 1.0, 1.0, 0.0]))
    3.0
    """
    square = float(np.square(weights).sum())
    size = float(weights.sum()) ** 2 / square if square else 0.0
    return min(size, float(len(weights)))  # rounding may exceed it


def thin(
    weights: NDArray[np.float64], n: float, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Choose about n of many weighted items; those of large weight are always chosen.

    Parameters
    ----------
    weights : ndarray of float64, shape (m,)
    n : float
        Number to choose. If fewer have a weight, all of these are chosen.
    rng : Generator

    Returns
    -------
    chosen : ndarray of intp, shape (k,)
        k is n or all that have a weight, whichever is less.
    shares : ndarray of float64, shape (k,)
        The probabilities with which these were chosen.
    """
    order = np.sort(weights[weights > 0])[::-1]
    if len(order) <= n:
        chosen = np.flatnonzero(weights > 0)
        return chosen, np.ones(len(chosen))
    # The k greatest are chosen for sure, the others in proportion: find the least such k.
    rest = np.cumsum(order[::-1])[::-1]
    k = int(np.argmax(order * (n - np.arange(len(order))) <= rest * (1 + 1e-12)))
    shares = np.minimum(weights * ((n - k) / rest[k]), 1.0)
    steps = np.floor(np.cumsum(shares) + rng.random() * (1 - 1e-9))
    chosen = np.flatnonzero(np.diff(steps, prepend=0) > 0)
    return chosen, shares[chosen]


@dataclass
class _Ahead:
    """Lengths that a hand may have, for each kind of what is left, (k, s).

    Attributes
    ----------
    row_of : ndarray of int, shape (n,)
        Of each deal the kind.
    more : ndarray of int64, shape (s, 4)
        Cards of each suit that are dealt to the hand.
    tilt, wanted : ndarray of float64, shape (k, s)
        How much sooner these lengths should be dealt, and that times their number of ways.
    ways : ndarray of float64, shape (k,)
        All ways.
    """

    row_of: NDArray[np.intp]
    more: NDArray[np.int64]
    tilt: NDArray[np.float64]
    wanted: NDArray[np.float64]
    ways: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """The mean tilt of what may be dealt next to each deal, shape (n,)."""
        mean: NDArray[np.float64] = (self.wanted.sum(axis=1) / self.ways)[self.row_of]
        return mean


class AuctionSampler:
    """Deals weighted by an auction.

    Parameters
    ----------
    auction : Auction
        Over or not.
    vulnerable : int
    bidders : sequence of four Bidder
    known : sequence of four int
        Masks of the cards that N, E, S, W have; a hand known in full is not weighed by its calls.
    rng : Generator
    fitting : callable, optional
        Deals candidates that fit a condition, given how many to try; else all deals are candidates.
    """

    def __init__(
        self,
        auction: Auction,
        vulnerable: int,
        bidders: Sequence[Bidder],
        known: Sequence[int],
        rng: np.random.Generator,
        fitting: Callable[[int], NDArray[np.uint64]] | None = None,
    ) -> None:
        self._likelihood = Likelihood(auction, vulnerable, bidders)
        self._rng, self._fitting = rng, fitting
        self._shuffler = Shuffler(rng)
        self._known = np.array(known, dtype=np.uint64)
        self._hidden = [seat for seat in Seat if known[seat].bit_count() < 13]
        weighed = [seat for seat in self._hidden if self._likelihood.turns(seat)]
        self._proposals: dict[Seat, _Proposal] = {}
        if weighed:
            guesses = self._infer(weighed, auction, vulnerable, bidders)
            pool = FULL_DECK & ~sum(known)
            for seat in weighed:
                self._proposals[seat] = _Proposal(
                    _table(pool, known[seat]),
                    lambda hands, seat=seat: self._likelihood.of_hands(seat, hands),  # type: ignore[misc]
                    guesses.get(seat),
                    rng,
                )
        self.seats = sorted(weighed, key=lambda seat: self._proposals[seat].chance)
        """Whose hands are weighed, the rarest first."""

    def _infer(
        self,
        seats: Sequence[Seat],
        auction: Auction,
        vulnerable: int,
        bidders: Sequence[Bidder],
    ) -> dict[Seat, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Infer spades, hearts, diamonds and points of the hands: means and variances.

        The network is asked as partner, or as a player whose hand is known; a hand that is not
        known is taken as a mixture of random ones that would have bid so.
        """
        found = {}
        n = len(auction)
        for seat in seats:
            full = [s for s in Seat if s != seat and s not in self._hidden]
            observer = full[0] if full else seat.partner
            turns = [i for i in range(n + 1) if (auction.dealer + i) % 4 == observer]
            # The last time that the observer was, or is, to call.
            turns = [i for i in turns if i < n or not auction.is_over]
            if not turns:
                continue
            masks = np.tile(self._known, (_OBSERVERS if not full else 1, 1))
            self._shuffler.fill(masks)
            hands = np.ascontiguousarray(masks[:, observer])
            weights = np.ones(len(hands))
            if not full:
                weights = self._likelihood.of_hands(observer, hands) + 1e-12
            bidder = bidders[observer]
            network = bidder if isinstance(bidder, PolicyBidder) else load_policy("default")
            guesses = network.guesses(
                hands,
                self._likelihood.prefix(len(hands), turns[-1]),
                np.full(len(hands), vulnerable, dtype=np.uint8),
            )[:, (seat - observer) % 4 - 1].astype(np.float64)
            means = guesses[:, :SPREAD] * SCALES[:SPREAD] + MEANS[:SPREAD]
            errors = np.exp(guesses[:, DESCRIPTION:]) * SCALES[:SPREAD]
            weights /= weights.sum()
            mean = weights @ means
            variance = weights @ (np.square(errors) + np.square(means - mean))
            kept = [0, 1, 2, 4]  # the clubs are the rest
            found[seat] = mean[kept], np.maximum(variance[kept], 0.2)
        return found

    def round(self, share: float = 1.0) -> tuple[NDArray[np.uint64], NDArray[np.float64], int]:
        """Deal candidates once, and weigh some.

        Parameters
        ----------
        share : float, default 1.0
            Of the usual number of candidates, for a quick answer.

        Returns
        -------
        masks : ndarray of uint64, shape (m, 4)
        weights : ndarray of float64, shape (m,)
            Their sum, over what is tried, is the probability of the auction, given the condition.
        tried : int
        """
        if self._fitting is not None:
            return self._round_fitting(self._fitting(int(_ROUND * share)), share)
        if not self.seats:
            tried = int(_WEIGHED * share)
            masks = np.tile(self._known, (tried, 1))
            self._shuffler.fill(masks)
            return masks, np.ones(tried), tried
        rng = self._rng
        first, *others = self.seats
        open_seats = list(self._hidden)
        tried = 1
        if len(open_seats) < 3:
            masks, weights = self._known[None], np.ones(1)
            others = self.seats
        else:
            tried = int(_CHOICE * _WEIGHED * share)
            masks = np.tile(self._known, (tried, 1))
            masks[:, first], weights = self._proposals[first].draw(tried, rng)
            open_seats.remove(first)
            outlook = self._outlook(open_seats, others, masks)
            masks, weights = self._choose([first], masks, weights, outlook, share)
        while others and len(masks):
            now = others if len(open_seats) <= 2 else others[:1]
            masks, weights = self._deal(open_seats, now[0], masks, weights, share)
            open_seats.remove(now[0])
            others = others[len(now) :]
            outlook = self._outlook(open_seats, others, masks)
            masks, weights = self._choose(now, masks, weights, outlook, share)
        self._shuffler.fill(masks)
        return masks, weights, tried

    def _ahead(self, open_seats: Sequence[Seat], seat: Seat, masks: NDArray[np.uint64]) -> _Ahead:
        """Weigh the lengths that a hand may have next to those that are dealt, by the estimates.

        When two hands are left, one is what the other leaves, and both are weighed.
        """
        # What is left of each suit decides; most deals have it in common with others.
        pool = ~np.bitwise_or.reduce(masks, axis=1)
        left = _lengths(pool)
        _, one, row_of = np.unique(
            left @ [2744, 196, 14, 1], return_index=True, return_inverse=True
        )
        left = left[one]
        more = SHAPES - _lengths(masks[:1, seat])
        shapes = np.flatnonzero((more >= 0).all(axis=1))
        more = more[shapes]
        ways = np.ones((len(left), len(shapes)))
        for suit in range(4):
            ways *= CHOOSE[left[:, suit, None], more[:, suit]]
        tilt = np.broadcast_to(self._proposals[seat].of_shapes[shapes], ways.shape)
        other = next((one for one in open_seats if one != seat), seat)
        if len(open_seats) == 2 and other in self._proposals:
            rest = left[:, None] - more + _lengths(masks[:1, other])
            tilt = tilt * self._proposals[other].of_shapes[shape_numbers(np.maximum(rest, 0))]
        return _Ahead(row_of.reshape(-1), more, tilt, ways * tilt, ways.sum(axis=1))

    def _outlook(
        self, open_seats: Sequence[Seat], others: Sequence[Seat], masks: NDArray[np.uint64]
    ) -> NDArray[np.float64]:
        """Estimate how well what is dealt leaves the hands that are to come, by lengths alone."""
        if not others or len(open_seats) < 2:
            return np.ones(len(masks))
        return self._ahead(open_seats, others[0], masks).mean

    def _deal(
        self,
        open_seats: Sequence[Seat],
        seat: Seat,
        masks: NDArray[np.uint64],
        weights: NDArray[np.float64],
        share: float,
    ) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
        """Deal many candidates for a hand, each with what lengths the estimates like.

        When two hands are left, one is what the other leaves, and both are dealt.
        """
        if len(open_seats) == 1:
            self._shuffler.fill(masks)
            return masks, weights
        ahead = self._ahead(open_seats, seat, masks)
        weights = weights * ahead.mean
        copies = max(int(_ROUND * share) // len(masks), 1)
        row = np.repeat(ahead.row_of, copies)
        first = row * len(ahead.more)
        at = draw(np.cumsum(ahead.wanted), first, first + len(ahead.more), self._rng)
        masks = np.repeat(masks, copies, axis=0)
        self._shuffler.fill_lengths(masks, seat, ahead.more[at - first].astype(np.int8))
        if len(open_seats) == 2:
            self._shuffler.fill(masks)
        return masks, np.repeat(weights / copies, copies) / ahead.tilt.reshape(-1)[at]

    def _choose(
        self,
        seats: Sequence[Seat],
        masks: NDArray[np.uint64],
        weights: NDArray[np.float64],
        outlook: NDArray[np.float64],
        share: float,
    ) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
        """Choose candidates by the estimates and their outlook, and weigh them."""
        tilts = np.array([*(self._proposals[s].tilt(masks[:, s], weights) for s in seats), outlook])
        chosen, shares = thin(weights * tilts.prod(axis=0), _WEIGHED * share, self._rng)
        masks, weights, tilts = masks[chosen], weights[chosen] / shares, tilts[:, chosen]
        for place, seat in enumerate(seats):
            hands = np.ascontiguousarray(masks[:, seat])
            likelihoods = self._likelihood.of_hands(seat, hands)
            weights = weights * likelihoods
            if len(hands) >= _WEIGHED / 2:
                self._proposals[seat].learn(hands, likelihoods)
            # Leave out what has hardly any weight, or will have by the estimates to come.
            score = weights * tilts[place + 1 :].prod(axis=0)
            chosen, shares = thin(score, max(2 * effective_size(score), 50.0), self._rng)
            masks, weights, tilts = masks[chosen], weights[chosen] / shares, tilts[:, chosen]
        return masks, weights

    def _round_fitting(
        self, masks: NDArray[np.uint64], share: float
    ) -> tuple[NDArray[np.uint64], NDArray[np.float64], int]:
        every = np.ones(len(masks))
        return *self._choose(self.seats, masks, every, every, share), len(masks)


def _lengths(hands: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Count the spades, hearts, diamonds and clubs of hands, int64 (n, 4)."""
    lengths: NDArray[np.int64] = np.bitwise_count(hands[:, None] >> _SUITS & np.uint64(0x1FFF))
    return lengths.astype(np.int64)


@lru_cache(maxsize=4)  # where no hand is known it is the same for all players and auctions
def _table(pool: int, known: int) -> HandTable:
    """Count all hands that a player may have, by lengths and points."""
    player = Seat.N  # it makes no difference which
    every = Binary(">=", Count("hcp", player, None), Number(0))
    shapes = np.ones(560, dtype=bool)
    return HandTable(player, [every], pool, known, shapes, POINTS)


class _Proposal:
    """Hands of a player as they should be dealt, learned from what the bidder says of them.

    Parameters
    ----------
    table : HandTable
        Of all hands, with their points.
    likelihood : callable
        Of hands.
    guess : tuple of ndarray, optional
        Means and variances of spades, hearts, diamonds and points to begin with.
    rng : Generator

    Attributes
    ----------
    chance : float
        About how likely the calls are with a random hand.
    of_shapes : ndarray of float64, shape (560,)
        How much sooner than others hands of a shape should be dealt.
    """

    def __init__(
        self,
        table: HandTable,
        likelihood: Callable[[NDArray[np.uint64]], NDArray[np.float64]],
        guess: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
        rng: np.random.Generator,
    ) -> None:
        self._table = table
        shapes, points = shape_numbers(table.lengths), table.totals[:, 0]
        tilt = np.ones(len(points))
        if guess is not None:
            mean, variance = guess
            off = np.column_stack([table.lengths[:, :3], points]) - mean
            tilt = _mixture(np.exp(-(np.square(off) / variance).sum(axis=1) / 4), self._ways)
        self._shapes, self._points = shapes, points
        self._hands, self._likelihoods = np.zeros(0, dtype=np.uint64), np.zeros(0)
        quick: Surrogate | None = None
        power = 0.0
        for _ in range(_PILOTS):
            hands, weights = table.draw_tilted(tilt, _PILOT, rng)
            likelihoods = likelihood(hands)
            self._hands = np.append(self._hands, hands)
            self._likelihoods = np.append(self._likelihoods, likelihoods)
            self.chance = float((weights * likelihoods).mean())
            enough = effective_size(weights * likelihoods) >= _ENOUGH * _PILOT
            last, power = power, 1.0
            while power > 0.02 and effective_size(weights * likelihoods**power) < _LEARNED * _PILOT:
                power /= 1.5
            # Of rare calls first a flatter likelihood, that the hands seen so far can show.
            quick = Surrogate(self._hands, self._likelihoods**power, honours=False, start=quick)
            tilt = _mixture(quick.of_kinds(shapes, points), self._ways)
            if enough or last == power == 1.0:
                break
        self._tilt, self._quick = tilt, quick
        self.of_shapes = self._average_of_shapes()
        self._estimate = Surrogate(self._hands, self._likelihoods**power, start=quick)

    def learn(self, hands: NDArray[np.uint64], likelihoods: NDArray[np.float64]) -> None:
        """Improve by hands that were weighed, if they were not those that the estimate promised."""
        promised = _mixture(self._estimate.of_hands(hands), np.ones(len(hands)))
        good = effective_size(likelihoods / promised) >= _POOR * len(hands)
        if good or len(self._hands) > _MOST:
            return
        self._hands = np.append(self._hands, hands)
        self._likelihoods = np.append(self._likelihoods, likelihoods)
        known = self._hands, self._likelihoods
        self._quick = Surrogate(*known, honours=False, start=self._quick)
        self._tilt = _mixture(self._quick.of_kinds(self._shapes, self._points), self._ways)
        self._estimate = Surrogate(*known, start=self._estimate)
        self.of_shapes = self._average_of_shapes()

    def _average_of_shapes(self) -> NDArray[np.float64]:
        """Average the tilt over the hands of each shape."""
        ways = np.bincount(self._shapes, self._ways, len(SHAPES))
        tilt = np.bincount(self._shapes, self._ways * self._tilt, len(SHAPES))
        mean: NDArray[np.float64] = np.where(ways > 0, tilt / np.maximum(ways, 1), 1.0)
        return mean.astype(np.float64)

    @property
    def _ways(self) -> NDArray[np.float64]:
        return self._table.ways_of_kinds

    def draw(
        self, n: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
        """Draw hands by lengths and points, with weights that make up for it."""
        return self._table.draw_tilted(self._tilt, n, rng)

    def tilt(self, hands: NDArray[np.uint64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much sooner than others these weighted hands should be weighed."""
        return _mixture(self._estimate.of_hands(hands), weights)


def _mixture(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mix an estimate with wider ones and with a constant.

    So no hand is dealt much more rarely than at random (Hesterberg, "Weighted average importance
    sampling and defensive mixture distributions", Technometrics 1995).
    """
    mixed = np.full(len(values), _ALL)
    for share in (1, _WIDE, _WIDE):
        mixed += values * (share / float(np.average(values, weights=weights)))
        values = np.sqrt(values)
    return mixed
