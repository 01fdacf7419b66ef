"""What a bidder's calls mean, learned from the hands with which it makes them.

No rules are read. Deals that fit the auction are drawn (`bridgevec.simulate.auctions`), with the
bidder itself as the likelihood, and the hands of the player who called are summarised.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from functools import lru_cache
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec._laws import Auctions
from bridgevec.auction import FIRST_BID, PASS, Auction, CallLike, call_text
from bridgevec.bidders.bidder import Bidder
from bridgevec.bidders.match import bid_deals
from bridgevec.cards import Seat, SeatLike, hand_text, random_masks
from bridgevec.scoring import VULNERABILITIES, parse_vulnerable
from bridgevec.simulate.auctions import AuctionSampler, Likelihood
from bridgevec.simulate.sampler import shared_size
from bridgevec.simulate.surrogate import SHAPES, holdings_of, kinds_of

_ENOUGH, _ROUNDS = 300, 4
"""The effective size that is sought, in so many rounds at most."""
_KEPT = 0.98
"""What is said of points and lengths holds together for this part of the sample."""
_SHARP = 4
"""Probabilities are taken to this power: a bidder makes the likeliest call."""
_FORCING = 0.05
"""A call is forcing if partner passes less often, right-hand opponent having passed."""
_MANY = 22
"""So many points or more are written as no limit; so do seven cards of a suit."""


@dataclass
class CallMeaning:
    """What a call shows.

    Attributes
    ----------
    call : str
    seat : str
        Who made it.
    frequency : float
        How often the player makes this call in this place.
    points : tuple of int
        The least and the most high-card points.
    lengths : dict of str to tuple of int
        The least and the most cards in S, H, D and C. Points and lengths are such that all five
        statements together hold for 98% of the hands in the sample.
    middle : dict of str to tuple of float
        5% and 95% quantiles of the points and of each length.
    forcing : bool or None
        Whether partner rarely passes if the next player does; None if the call ends the auction or
        is a pass.
    artificial : bool
        A bid of a suit that need not have three cards, or of notrump with an unbalanced hand.
    examples : list of str
        Hands.
    alternatives : dict of str to float
        What else the player would call in this place with other hands, and how often.
    effective_size : float
        Effective size of the sample; if it is small, do not trust the rest.
    """

    call: str
    seat: str
    frequency: float
    points: tuple[int, int]
    lengths: dict[str, tuple[int, int]]
    middle: dict[str, tuple[float, float]]
    forcing: bool | None
    artificial: bool
    examples: list[str]
    alternatives: dict[str, float]
    effective_size: float

    @property
    def text(self) -> str:
        """What the call shows, in a few words."""
        low, high = self.points
        parts = [f"{low}+ points" if high >= _MANY else f"{low}-{high} points"]
        for suit, (least, most) in self.lengths.items():
            if most >= 7:
                if least >= 2:
                    parts.append(f"{least}+ {suit}")
            elif least >= 2 or most <= 5:
                parts.append(f"{least}-{most} {suit}" if least < most else f"{least} {suit}")
        if self.artificial:
            parts.append("artificial")
        if self.forcing:
            parts.append("forcing")
        return ", ".join(parts)

    def holds(self, hands: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return which hands are within the ranges of points and lengths."""
        numbers = _numbers(hands)
        bounds = np.array([*self.lengths.values(), self.points])
        inside = (numbers >= bounds[:, 0]) & (numbers <= bounds[:, 1])
        return np.asarray(inside.all(axis=1))


@dataclass
class Explanation:
    """What the calls of an auction mean.

    Attributes
    ----------
    auction : str
    dealer : str
    vulnerable : str
    calls : list of CallMeaning
        One for each call of the auction.
    """

    auction: str
    dealer: str
    vulnerable: str
    calls: list[CallMeaning]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return asdict(self)

    def notes(self) -> dict[int, str]:
        """Return notes on the calls that are not passes, as `bridgevec.Board` takes them."""
        return {i: one.text for i, one in enumerate(self.calls) if one.call != "P"}

    def __str__(self) -> str:
        lines = []
        for one in self.calls:
            lines.append(f"{one.seat} {one.call:<3} {100 * one.frequency:5.1f}%  {one.text}")
            others = ", ".join(f"{k} {100 * v:.0f}%" for k, v in one.alternatives.items())
            lines.append(f"              such as {'  '.join(one.examples)}")
            if others:
                lines.append(f"              else {others}")
        return "\n".join(lines)


def explain(
    bidder: Bidder,
    auction: str | Auction,
    dealer: SeatLike = "N",
    vulnerable: str | int = "None",
    *,
    seed: int = 0,
) -> Explanation:
    """Return what the calls of an auction mean if a bidder makes them, sitting in all four seats.

    Parameters
    ----------
    bidder : Bidder
    auction : str or Auction
        The calls from the dealer on, such as ``"1N P 2C"``.
    dealer : Seat, int or str, default "N"
    vulnerable : str or int, default "None"
    seed : int, default 0
        Of the samples.

    Returns
    -------
    Explanation

    Raises
    ------
    ValueError
        If the auction is not legal, or this bidder has no hand for it.

    Examples
    --------
    >>> from bridgevec import load_bidder
    >>> meaning = explain(load_bidder("imitation"), "1N").calls[0]
    >>> 13 <= meaning.points[0] <= 15, 17 <= meaning.points[1] <= 18, meaning.artificial
    (True, True, False)
    """
    table = auction if isinstance(auction, Auction) else Auction(auction, dealer)
    code = parse_vulnerable(vulnerable)
    calls = tuple(int(call) for call in table.calls)
    meanings = [
        _meaning(bidder, calls[: i + 1], int(table.dealer), code, seed) for i in range(len(calls))
    ]
    name = VULNERABILITIES[code]
    return Explanation(str(table), table.dealer.name, name, meanings)


def explain_call(
    bidder: Bidder,
    auction: str | Auction,
    dealer: SeatLike = "N",
    vulnerable: str | int = "None",
    *,
    seed: int = 0,
) -> CallMeaning:
    """Return what the last call of an auction means, see `explain`."""
    table = auction if isinstance(auction, Auction) else Auction(auction, dealer)
    if not len(table):
        raise ValueError("the auction has no call to explain")
    calls = tuple(int(call) for call in table.calls)
    return _meaning(bidder, calls, int(table.dealer), parse_vulnerable(vulnerable), seed)


class _Sharp(Bidder):
    """A bidder who makes the likeliest call more often than its probabilities say.

    Parameters
    ----------
    bidder : Bidder
    """

    def __init__(self, bidder: Bidder) -> None:
        self.bidder = bidder

    def probabilities(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Return the probability of every call, see `Bidder.probabilities`."""
        p = self.bidder.probabilities(hands, auctions, vulnerable).astype(np.float64) ** _SHARP
        sharp: NDArray[np.float32] = (p / p.sum(axis=1, keepdims=True)).astype(np.float32)
        return sharp


@lru_cache(maxsize=1024)
def _sample(
    bidder: Bidder, calls: tuple[CallLike, ...], dealer: int, code: int, seat: int, seed: int
) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """Draw deals that fit an auction, with weights."""
    auction = Auction(list(calls), Seat(dealer))
    rng = np.random.default_rng([seed, dealer, code, *map(int, calls)])
    sampler = AuctionSampler(auction, code, [_Sharp(bidder)] * 4, [0] * 4, rng)
    masks, weights = np.zeros((0, 4), dtype=np.uint64), np.zeros(0)
    for _ in range(_ROUNDS):
        more, heavy, tried = sampler.round()
        masks = np.concatenate([masks, more])
        weights = np.concatenate([weights, heavy / tried])
        if shared_size(masks, weights, [Seat(seat)]) >= _ENOUGH:
            break
    if not weights.any():
        raise ValueError(f'this bidder has no hand for the auction "{auction}"')
    return masks, weights / weights.sum()


@lru_cache(maxsize=4096)
def _meaning(
    bidder: Bidder, calls: tuple[int, ...], dealer: int, code: int, seed: int
) -> CallMeaning:
    """Sum up the hands that make the last call of an auction."""
    *before, call = calls
    seat = (dealer + len(before)) % 4
    sharp = _Sharp(bidder)
    earlier, chances = _sample(bidder, tuple(before), dealer, code, (seat - 1) % 4, seed)
    likelihood = Likelihood(Auction(list(before), Seat(dealer)), code, [sharp] * 4)
    odds = _probabilities(sharp, earlier[:, seat], likelihood, len(before), code)
    shares = chances @ odds
    others = [c for c in np.argsort(-shares) if c != call and shares[c] >= 0.02][:4]

    # The hands in the sample before the call do, if enough of them would make it.
    masks, weights = earlier, chances * odds[:, call]
    if shared_size(masks, weights, [Seat(seat)]) >= _ENOUGH:
        weights /= weights.sum()
    else:
        masks, weights = _sample(bidder, calls, dealer, code, seat, seed)
    hands = np.ascontiguousarray(masks[:, seat])
    numbers = _numbers(hands)
    *lengths, points = _ranges(numbers, weights)
    order = np.argsort(numbers, axis=0)
    middle = {}
    for column, name in enumerate(("S", "H", "D", "C", "points")):
        sums = np.cumsum(weights[order[:, column]])
        places = np.minimum(np.searchsorted(sums, [0.05, 0.95]), len(sums) - 1)
        low, high = numbers[order[places, column], column].tolist()
        middle[name] = (float(low), float(high))
    rng = np.random.default_rng([seed, *calls])
    some = hands[rng.choice(len(hands), 10, p=weights)].tolist()
    return CallMeaning(
        call_text(call),
        Seat(seat).name,
        float(shares[call]),
        points,
        dict(zip("SHDC", lengths, strict=True)),
        middle,
        _is_forcing(sharp, masks, weights, calls, dealer, code),
        _is_artificial(call, lengths, hands, weights),
        [hand_text(hand) for hand in dict.fromkeys(some)][:3],
        {call_text(int(c)): float(shares[c]) for c in others},
        shared_size(masks, weights, [Seat(seat)]),
    )


def _probabilities(
    bidder: Bidder, hands: NDArray[np.uint64], likelihood: Likelihood, length: int, code: int
) -> NDArray[np.float32]:
    vulnerable = np.full(len(hands), code, dtype=np.uint8)
    tables = likelihood.prefix(len(hands), length)
    return bidder.probabilities(np.ascontiguousarray(hands), tables, vulnerable)


def _numbers(hands: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Count spades, hearts, diamonds, clubs and points of hands, int64 (n, 5)."""
    shapes, points = kinds_of(holdings_of(hands))
    return np.column_stack([SHAPES[shapes], points])


def _ranges(numbers: NDArray[np.int64], weights: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Find narrow bounds of numbers that hold together for `_KEPT` of the weight.

    Beginning with those that always hold, the bound is moved that leaves out the least, again and
    again.
    """
    bounds = np.stack([numbers.min(axis=0), numbers.max(axis=0)], axis=1)
    inside = np.ones(len(numbers), dtype=bool)
    while True:
        kept = float(weights[inside].sum())
        best: tuple[float, int, int] | None = None
        for column in range(numbers.shape[1]):
            if bounds[column, 0] == bounds[column, 1]:
                continue
            for side in (0, 1):
                out = float(weights[inside & (numbers[:, column] == bounds[column, side])].sum())
                if kept - out >= _KEPT - 1e-9 and (best is None or out < best[0]):
                    best = out, column, side
        if best is None:
            return [(int(low), int(high)) for low, high in bounds]
        _, column, side = best
        inside &= numbers[:, column] != bounds[column, side]
        bounds[column, side] += 1 - 2 * side


def _is_forcing(
    bidder: Bidder,
    masks: NDArray[np.uint64],
    weights: NDArray[np.float64],
    calls: tuple[int, ...],
    dealer: int,
    code: int,
) -> bool | None:
    if calls[-1] == PASS:
        return None
    auction = Auction([*calls, PASS], Seat(dealer))
    if auction.is_over:
        return None
    partner = (dealer + len(calls) + 1) % 4
    likelihood = Likelihood(auction, code, [bidder] * 4)
    odds = _probabilities(bidder, masks[:, partner], likelihood, len(calls) + 1, code)
    return bool(weights @ odds[:, PASS] < _FORCING)


def _is_artificial(
    call: int,
    lengths: list[tuple[int, int]],
    hands: NDArray[np.uint64],
    weights: NDArray[np.float64],
) -> bool:
    if call < FIRST_BID:
        return False
    strain = (call - FIRST_BID) % 5
    if strain < 4:
        return lengths[3 - strain][0] < 3
    shapes = np.sort(_numbers(hands)[:, :4], axis=1)
    return bool(weights @ (shapes[:, 0] < 2) > 0.5)


def commonest(
    bidder: Bidder, n: int, deals: int = 20_000, seed: int = 0, progress: bool = False
) -> list[tuple[tuple[int, ...], float]]:
    """Find the auctions that a bidder comes to most often, nobody vulnerable.

    Parameters
    ----------
    bidder : Bidder
    n : int
        How many.
    deals : int, default 20,000
        How many random deals are bid.
    seed : int, default 0
    progress : bool, default False

    Returns
    -------
    list of (tuple of int, float)
        Calls from the dealer on, the last one no pass, and the share of the deals that come there;
        in the order of the calls, so that what goes on from an auction follows it.
    """
    masks = random_masks(deals, np.random.default_rng(seed))
    zeros = np.zeros(deals, dtype=np.uint8)
    seated = np.zeros((deals, 4), dtype=np.intp)
    bid = bid_deals([bidder], seated, masks, zeros, zeros, progress).tables
    count: Counter[tuple[int, ...]] = Counter()
    for row, length in zip(bid["calls"], bid["count"], strict=True):
        calls = tuple(row[:length].tolist())
        count.update(calls[:i] for i in range(1, length + 1) if calls[i - 1] != PASS)
    return sorted((calls, times / deals) for calls, times in count.most_common(n))


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; }}
table {{ border-collapse: collapse; width: 100%; }}
td, th {{ border-bottom: 1px solid #ccc; padding: .25rem .6rem; vertical-align: top; }}
th {{ text-align: left; }}
td.share {{ text-align: right; }} td.hand {{ font-family: monospace; font-size: 13px; }}
b {{ white-space: nowrap; }}
</style></head><body>
<h1>{title}</h1>
<p>{about}</p>
<table>
<tr><th>Auction</th><th>Deals</th><th>The last call shows</th><th>Else</th><th>Such as</th></tr>
{rows}
</table></body></html>
"""


def book(
    bidder: Bidder,
    title: str,
    n: int = 500,
    *,
    deals: int = 20_000,
    seed: int = 0,
    progress: bool = False,
) -> str:
    """Write a bidder's system as a page of HTML: the commonest auctions, and what they show.

    Parameters
    ----------
    bidder : Bidder
    title : str
    n : int, default 500
        How many auctions.
    deals : int, default 20,000
        How many are bid to find them.
    seed : int, default 0
    progress : bool, default False
        Show a bar.

    Returns
    -------
    str
    """
    rows = []
    for calls, share in tqdm(
        commonest(bidder, n, deals, seed, progress), unit="auction", disable=not progress
    ):
        meaning = _meaning(bidder, calls, 0, 0, seed)
        text = [call_text(call) for call in calls]
        others = ", ".join(f"{k} {100 * v:.0f}%" for k, v in meaning.alternatives.items())
        rows.append(
            f"<tr><td>{' '.join(text[:-1])} <b>{text[-1]}</b></td>"
            f'<td class="share">{100 * share:.2f}%</td><td>{escape(meaning.text)}</td>'
            f'<td>{others}</td><td class="hand">{"<br>".join(meaning.examples)}</td></tr>'
        )
    about = (
        f"The {len(rows)} auctions that come up most often when this bidder sits in all four "
        f"seats, nobody vulnerable; found in {deals} random deals. What a call shows is read off "
        "hands with which the bidder makes it: all that is said of points and lengths holds "
        f"together for {100 * _KEPT:.0f}% of them."
    )
    return _PAGE.format(title=escape(title), about=about, rows="\n".join(rows))
