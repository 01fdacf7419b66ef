"""Deals in the light of an auction: importance sampling with a bidder as the likelihood.

The weight of a deal is the probability that the players make just these calls with their hands, a
product over the players. A random deal rarely deserves a weight worth speaking of. So the hands are
dealt one after the other, beginning with the player whose calls are the rarest. That hand is drawn
from a tilted distribution of lengths and points, exactly; each other one is chosen among many that
were dealt at random, by the same kind of tilt. The bidder judges a hand before the next is dealt.
The tilts are normal distributions: first about what a network infers from the auction, then about
what the bidder made of hands that were drawn so. Each step keeps a hand with a known probability
and divides its weight by it (Liu, Chen and Wong, "Rejection control and sequential importance
sampling", JASA 1998): the weights stay honest, however poor the inference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgevec._auction import Auctions
from bridgevec._deal import Shuffler
from bridgevec.auction import Auction
from bridgevec.bidders.bidder import Bidder
from bridgevec.bidders.features import DESCRIPTION, MEANS, SCALES, SPREAD
from bridgevec.bidders.policy import PolicyBidder, load_policy
from bridgevec.cards import FULL_DECK, Seat
from bridgevec.simulate.conditions import Batch, table_of
from bridgevec.simulate.language import POINTS, Binary, Count, Number
from bridgevec.simulate.proposal import HandTable

_LENGTH, _POINTS = table_of("length"), table_of("hcp", POINTS["hcp"])
_OBSERVERS = 256
_PILOT = 1000
"""Hands of each player that are judged to learn how to deal such."""
_ROUND = 1 << 16
"""Candidates for a hand that are dealt at a time."""
_JUDGED = 2500
"""How many of them, about, the bidder judges."""
_ENOUGH = 15.0
"""The effective size of a pilot from which something can be learnt."""
_WIDE = 1.4
"""Standard deviations are taken times this."""
_SHARE = 0.25
"""For each hand dealt from a tilt, so many from a wider one, and as many at random."""


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
        """Tell which calls of the auction are a seat's."""
        return [i for i in range(len(self._calls)) if (self._dealer + i) % 4 == seat]

    def of_hands(self, seat: int, hands: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Give the probability that a seat makes its calls with each of some hands.

        Parameters
        ----------
        seat : int
        hands : ndarray of uint64, shape (n,)

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        found = np.ones(len(hands))
        rows = np.arange(len(hands))
        for i in self.turns(seat):
            if not len(rows):
                break
            vulnerable = np.full(len(rows), self._vulnerable, dtype=np.uint8)
            p = self._bidders[seat].probabilities(
                hands[rows], self.prefix(len(rows), i), vulnerable
            )
            found[rows] *= p[:, self._calls[i]]
            rows = rows[found[rows] > 0]
        return found


def thin(
    weights: NDArray[np.float64], n: float, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Choose about n of many weighted things, those of great weight for sure.

    Parameters
    ----------
    weights : ndarray of float64, shape (m,)
    n : float
        How many to choose; all with a weight if there are not more.
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


class AuctionSampler:
    """Deals weighted by an auction.

    Parameters
    ----------
    auction : Auction
        Over or not.
    vulnerable : int
    bidders : sequence of four Bidder
    known : sequence of four int
        Masks of the cards that N, E, S, W have; a hand known in full is not judged by its calls.
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
        self._seats = [
            seat for seat in Seat if known[seat].bit_count() < 13 and self._likelihood.turns(seat)
        ]
        self.seats: list[Seat] = []
        """Whose hands are judged, the rarest first."""
        self._tilts: dict[Seat, _Tilt] = {}
        self._tables: dict[Seat, HandTable] = {}
        if self._seats:
            self._learn(auction, vulnerable, bidders, known)

    def _learn(
        self,
        auction: Auction,
        vulnerable: int,
        bidders: Sequence[Bidder],
        known: Sequence[int],
    ) -> None:
        guesses = self._infer(auction, vulnerable, bidders)
        tables: dict[int, HandTable] = {}
        chances = {}
        for seat in self._seats:
            if known[seat] not in tables:
                hcp = Count("hcp", seat, None)
                tables[known[seat]] = HandTable(
                    seat,
                    [Binary(">=", hcp, Number(0))],
                    FULL_DECK & ~sum(known),
                    known[seat],
                    np.ones(560, dtype=bool),
                    POINTS,
                )
            table = self._tables[seat] = tables[known[seat]]
            kinds = np.column_stack([table.lengths[:, :3], table.totals])
            tilt = guesses.get(seat, _Tilt(np.array([3.25] * 3 + [10]), np.diag([3.0] * 3 + [20])))
            for _ in range(2):
                hands, weights = table.draw_tilted(
                    tilt(kinds, table.ways_of_kinds), _PILOT, self._rng
                )
                weights = weights * self._likelihood.of_hands(seat, hands)
                chances[seat] = weights.mean()
                size = weights.sum() ** 2 / max(np.square(weights).sum(), 1e-300)
                if size < _ENOUGH:
                    tilt = _Tilt(tilt.mean, tilt.covariance * 2)
                    continue
                tilt = _Tilt.of(_numbers(hands), weights)
                if size > _PILOT / 8:
                    break
            self._tilts[seat] = tilt
        self.seats = sorted(self._seats, key=lambda seat: chances[seat])

    def _infer(
        self, auction: Auction, vulnerable: int, bidders: Sequence[Bidder]
    ) -> dict[Seat, _Tilt]:
        """Infer lengths and points of the hands.

        The network is asked as partner, or as a player whose hand is known; a hand that is not
        known is taken as a mixture of random ones that would have bid so.
        """
        found: dict[Seat, _Tilt] = {}
        n = len(auction)
        for seat in self._seats:
            full = [s for s in Seat if s != seat and int(self._known[s]).bit_count() == 13]
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
            found[seat] = _Tilt(mean[kept], np.diag(np.maximum(variance[kept], 0.2)))
        return found

    def round(self) -> tuple[NDArray[np.uint64], NDArray[np.float64], int]:
        """Deal candidates once, and weigh some.

        Returns
        -------
        masks : ndarray of uint64, shape (m, 4)
        weights : ndarray of float64, shape (m,)
            Their sum, over what is tried, is the probability of the auction, given the condition.
        tried : int
        """
        if self._fitting is not None:
            return self._round_fitting(self._fitting(_ROUND))
        rng = self._rng
        if not self.seats:
            masks = np.tile(self._known, (_JUDGED, 1))
            self._shuffler.fill(masks)
            return masks, np.ones(_JUDGED), _JUDGED
        lead, *others = self.seats
        table = self._tables[lead]
        kinds = np.column_stack([table.lengths[:, :3], table.totals])
        masks = np.tile(self._known, (_JUDGED, 1))
        masks[:, lead], weights = table.draw_tilted(
            self._tilts[lead](kinds, table.ways_of_kinds), _JUDGED, rng
        )
        masks, weights = self._judge(lead, masks, weights)
        for seat in others:
            if not len(masks):
                break
            copies = max(_ROUND // len(masks), 1)
            many = np.repeat(masks, copies, axis=0)
            self._shuffler.fill(many)
            hands = many[:, seat]
            chances = np.repeat(weights / copies, copies)
            score = chances * self._tilts[seat](_numbers(hands))
            chosen, shares = thin(score, _JUDGED, rng)
            masks = masks[chosen // copies]
            masks[:, seat] = hands[chosen]
            masks, weights = self._judge(seat, masks, chances[chosen] / shares)
        self._shuffler.fill(masks)
        return masks, weights, _JUDGED

    def _judge(
        self, seat: Seat, masks: NDArray[np.uint64], weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
        """Weigh deals by the calls of a seat, and leave out what has hardly any weight."""
        hands = np.ascontiguousarray(masks[:, seat])
        weights = weights * self._likelihood.of_hands(seat, hands)
        chosen, shares = thin(weights, _worth(weights), self._rng)
        return masks[chosen], weights[chosen] / shares

    def _round_fitting(
        self, masks: NDArray[np.uint64]
    ) -> tuple[NDArray[np.uint64], NDArray[np.float64], int]:
        tried = len(masks)
        score = np.ones(tried)
        for seat in self.seats:
            score *= self._tilts[seat](_numbers(masks[:, seat]))
        chosen, shares = thin(score, _JUDGED, self._rng)
        masks, weights = masks[chosen], 1 / shares
        for seat in self.seats:
            masks, weights = self._judge(seat, masks, weights)
        return masks, weights, tried


class _Tilt:
    """A normal distribution of three lengths and points, with heavy tails.

    Parameters
    ----------
    mean : ndarray, shape (4,)
    covariance : ndarray, shape (4, 4)
    """

    def __init__(self, mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> None:
        self.mean, self.covariance = mean, covariance
        self._inverse = np.linalg.inv(covariance * _WIDE**2)

    @classmethod
    def of(cls, numbers: NDArray[np.floating], weights: NDArray[np.float64]) -> _Tilt:
        """Fit weighted hands."""
        weights = weights / weights.sum()
        mean = weights @ numbers
        off = numbers - mean
        return cls(mean, (off * weights[:, None]).T @ off + np.diag([0.15, 0.15, 0.15, 0.5]))

    def __call__(
        self, numbers: NDArray[Any], weights: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Weigh hands by what `_numbers` tells of them, and how many of each there are.

        A part of the weight goes to all hands alike, and a part to a wider distribution, so that no
        hand is dealt much more rarely than at random (Hesterberg, "Weighted average importance
        sampling and defensive mixture distributions", Technometrics 1995).
        """
        off = (numbers - self.mean).astype(np.float32)
        square = np.einsum("ni,ni->n", off @ self._inverse.astype(np.float32), off)
        middle = np.exp(-square / 2)
        middle = middle.astype(np.float64) + 1e-30
        wide = np.sqrt(np.sqrt(middle))
        return (
            middle / np.average(middle, weights=weights)
            + _SHARE * wide / np.average(wide, weights=weights)
            + _SHARE
        )


def _numbers(hands: NDArray[np.uint64]) -> NDArray[np.float32]:
    """Count spades, hearts, diamonds and points of hands, float32 (n, 4)."""
    masks = np.ascontiguousarray(hands)[:, None]
    batch = Batch(masks)
    held = [batch.holding(0, suit) for suit in range(4)]
    columns = [_LENGTH.take(h) for h in held[:3]]
    columns.append(sum((_POINTS.take(h) for h in held[1:]), start=_POINTS.take(held[0])))
    return np.stack(columns, axis=1).astype(np.float32)


def _worth(weights: NDArray[np.float64]) -> float:
    """Tell how many of some weighted deals to go on with: twice as many as they tell."""
    square = np.square(weights).sum()
    return max(2 * weights.sum() ** 2 / square, 50.0) if square else 1.0
