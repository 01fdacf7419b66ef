"""A bidding system as rules: a call and the hands that make it, and what an auction shows by them.

The rules after an auction are a list, and the first that fits a hand is its call. So the same rules
say what a call shows, and a rule may name those that partner goes on by. The system written in such
rules is in `bridgevec.bidders.rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeAlias, TypeVar

from bridgevec.auction import DOUBLE, FIRST_BID, N_CALLS, PASS, REDOUBLE

T = TypeVar("T")
Range: TypeAlias = tuple[int, int]
"""The least and the most."""

SUITS = CLUBS, DIAMONDS, HEARTS, SPADES = (0, 1, 2, 3)
NOTRUMP = 4
LENGTH = 5
"""Beside the suits and notrump, a way to count points."""
ANY: Range = (0, 40)
"""Points of any hand."""


class Hand:
    """What players count of a hand; suits are C, D, H, S = 0..3.

    Attributes
    ----------
    lengths, honours : list of int
        Cards and high-card points of each suit.
    points : list of int
        Points by strain: with that suit as trumps (short suits count 5, 3 and 1 beside three
        trumps or more, and every trump after the fifth 1), in notrump (high cards alone); and by
        `LENGTH`, with 1 for every card after the fourth of a suit.
    aces : int
    balanced : bool
        4-3-3-3, 4-4-3-2 or 5-3-3-2.
    stopped : list of bool
        Whether the suit has a stopper.
    """

    __slots__ = ("aces", "balanced", "honours", "lengths", "points", "stopped")

    def __init__(self, mask: int) -> None:
        holdings = [mask >> 13 * (3 - suit) & 0x1FFF for suit in SUITS]
        top = [[holding >> i & 1 for i in range(4)] for holding in holdings]
        self.lengths = [holding.bit_count() for holding in holdings]
        self.honours = [4 * a + 3 * k + 2 * q + j for a, k, q, j in top]
        self.aces = sum(a for a, *_ in top)
        self.stopped = [
            bool(a or (k and n > 1) or (q and n > 2) or (j and n > 3))
            for (a, k, q, j), n in zip(top, self.lengths, strict=True)
        ]
        shortest, _, second, longest = sorted(self.lengths)
        self.balanced = shortest >= 2 and longest + second <= 8 and longest <= 5
        high, short = sum(self.honours), [(5, 3, 1, 0)[min(n, 3)] for n in self.lengths]
        self.points = [high] * 5 + [high + sum(max(0, n - 4) for n in self.lengths)]
        for suit, n in enumerate(self.lengths):
            ruffs = sum(short) - short[suit]
            self.points[suit] += min(ruffs, 3 if n == 3 else 20 if n > 3 else 0) + max(0, n - 5)


class ShownHand(NamedTuple):
    """What the calls of a seat show: the range of its points and of the lengths of its suits."""

    points: Range = ANY
    lengths: tuple[Range, ...] = ((0, 13),) * 4


class Rule(NamedTuple):
    """A call, and the hands that make it.

    Attributes
    ----------
    call : int
    points : Range
    lengths : tuple of Range
        Of C, D, H, S.
    count : int
        How the points are counted, a place in `Hand.points`.
    also : function of a Hand, optional
        What else must hold.
    answers : function of a ShownAuction, optional
        Gives partner's rules; without one those of a natural call.
    forcing : bool
        Whether partner must not pass.
    """

    call: int
    points: Range
    lengths: tuple[Range, ...]
    count: int  # type: ignore[assignment]  # hides tuple.count
    also: Callable[[Hand], bool] | None
    answers: Callable[[ShownAuction], list[Rule]] | None
    forcing: bool

    def fits(self, hand: Hand) -> bool:
        """Return whether a hand makes the call."""
        low, high = self.points
        return (
            low <= hand.points[self.count] <= high
            and all(a <= n <= b for n, (a, b) in zip(hand.lengths, self.lengths, strict=True))
            and (self.also is None or self.also(hand))
        )


def rule(
    call: int,
    points: Range = ANY,
    lengths: Mapping[int, int | Range] | None = None,
    count: int = NOTRUMP,
    also: Callable[[Hand], bool] | None = None,
    answers: Callable[[ShownAuction], list[Rule]] | None = None,
    forcing: bool = False,
) -> Rule:
    """Write a `Rule`: suits without a length may be of any, one number is the least."""
    bounds: list[Range] = [(0, 13)] * 4
    for suit, bound in (lengths or {}).items():
        bounds[suit] = bound if isinstance(bound, tuple) else (bound, 13)
    return Rule(call, points, tuple(bounds), count, also, answers, forcing)


def bid(level: int, strain: int) -> int:
    """Number a bid."""
    return FIRST_BID + 5 * (level - 1) + strain


class ShownAuction:
    """What the calls of an auction show of the hands; seats are counted from the dealer.

    Parameters
    ----------
    calls : tuple of int
    shown : tuple of ShownHand
    named : tuple of tuples of int
        By seat, the suits that were bid naturally, in their order.
    made : tuple of Rule
        By seat, the rule of its last call.

    Attributes
    ----------
    last, strain, by : int
        The last bid, its strain, and whose it is: 0 me, 1 the left, 2 partner, 3 the right;
        -1 for none.
    doubled : int
    right : int
        What the right-hand opponent has called just now.
    last_chance : bool
        Whether a pass ends the auction.
    me, partner : ShownHand
    my_suits, partners_suits, theirs : tuple of int
        The suits bid by me, partner and the opponents.
    """

    def __init__(
        self,
        calls: tuple[int, ...] = (),
        shown: tuple[ShownHand, ...] = (ShownHand(),) * 4,
        named: tuple[tuple[int, ...], ...] = ((),) * 4,
        made: tuple[Rule | None, ...] = (None,) * 4,
    ) -> None:
        self.calls, self.shown, self.named, self.made = calls, shown, named, made
        me, left, partner, right = ((len(calls) + i) % 4 for i in range(4))
        bids = [i for i, call in enumerate(calls) if call >= FIRST_BID]
        self.last, self.by, self.strain, self.doubled = -1, -1, -1, 0
        if bids:
            self.last, self.by = calls[bids[-1]], (bids[-1] - len(calls)) % 4
            self.strain = (self.last - FIRST_BID) % 5
            self.doubled = max(c for c in (0, *calls[bids[-1] :]) if c < FIRST_BID)
        self.right = calls[-1] if calls else PASS
        self.last_chance = bool(bids) and calls[-2:] == (PASS, PASS)
        self.me, self.partner = shown[me], shown[partner]
        self.my_suits, self.partners_suits = named[me], named[partner]
        self.theirs = tuple(dict.fromkeys(named[left] + named[right]))
        self.partners_rule = made[partner]
        self.partners_calls, self.my_calls = calls[partner::4], calls[me::4]

    @property
    def ours(self) -> bool:
        """Whether the last bid is my side's."""
        return self.by in (0, 2)

    @property
    def disturbed(self) -> bool:
        """Whether the right-hand opponent has bid just now."""
        return self.right not in (PASS, DOUBLE)

    @property
    def forced(self) -> bool:
        """Whether partner's bid asks for one."""
        rule = self.partners_rule
        return self.by == 2 and self.right == PASS and rule is not None and rule.forcing

    @property
    def level(self) -> int:
        """The level of the last bid."""
        return (self.last - FIRST_BID) // 5 + 1

    def legal(self, call: int) -> bool:
        """Return whether a call is legal."""
        if call == DOUBLE:
            return self.by in (1, 3) and not self.doubled
        if call == REDOUBLE:
            return self.ours and self.doubled == 1
        return call == PASS or self.last < call < N_CALLS

    def cheapest(self, strain: int) -> int:
        """Bid a strain on the lowest level."""
        return bid(self.level + (strain <= self.strain) if self.last >= 0 else 1, strain)

    def missing(self, suit: int) -> int:
        """Return how many cards of a suit, beside what partner has shown, make eight."""
        return max(0, 8 - self.partner.lengths[suit][0])

    def stopped(self, hand: Hand) -> bool:
        """Return whether a hand stops the opponents' suits."""
        return all(hand.stopped[suit] for suit in self.theirs)

    def then(self, call: int, rules: list[Rule]) -> ShownAuction:
        """Make a call, and add what it shows: what holds for all the rules that make it."""
        seat = len(self.calls) % 4
        made = [r for r in rules if r.call == call][: 1 if call == PASS else None]
        made = made or [self._natural(call)]
        old = self.shown[seat]
        lengths = [_hull(r.lengths[suit] for r in made) for suit in SUITS]
        shown = ShownHand(
            _meet(old.points, _hull(r.points for r in made)),
            tuple(_meet(*both) for both in zip(old.lengths, lengths, strict=True)),
        )
        named, strain = self.named[seat], (call - FIRST_BID) % 5
        if call >= FIRST_BID and strain < NOTRUMP and lengths[strain][0] >= 3:
            named = tuple(dict.fromkeys((*named, strain)))
        return ShownAuction(
            (*self.calls, call),
            _replace(self.shown, seat, shown),
            _replace(self.named, seat, named),
            _replace(self.made, seat, made[0]),
        )

    def _natural(self, call: int) -> Rule:
        """Interpret a call that no rule makes by its level and strain alone."""
        if call < FIRST_BID:
            return rule(call, (12, 40) if call == DOUBLE and not self.my_suits else ANY)
        level, strain = divmod(call - FIRST_BID, 5)
        points = (min((6, 8, 9, 10, 11, 12, 12)[level], self.me.points[1]), 40)
        return rule(call, points, {strain: 4 + (level > 0)} if strain < NOTRUMP else None)


def _hull(ranges: Iterable[Range]) -> Range:
    lows, highs = zip(*ranges, strict=True)
    return min(lows), max(highs)


def _meet(old: Range, new: Range) -> Range:
    """Narrow what is known; where it is contradicted the last word counts."""
    low, high = max(old[0], new[0]), min(old[1], new[1])
    return (low, high) if low <= high else new


def _replace(values: tuple[T, ...], place: int, value: T) -> tuple[T, ...]:
    return (*values[:place], value, *values[place + 1 :])


class System:
    """Bids by rules.

    Parameters
    ----------
    natural : function of a ShownAuction
        Gives the rules where partner's last call names none.
    """

    _MOST = 1 << 14

    def __init__(self, natural: Callable[[ShownAuction], list[Rule]]) -> None:
        self._natural = natural
        self._known: dict[tuple[int, ...], tuple[ShownAuction, list[Rule]]] = {}

    def rules(self, calls: tuple[int, ...]) -> list[Rule]:
        """List the rules after an auction, legal calls only; the last passes with any hand."""
        known = len(calls)
        while known and calls[:known] not in self._known:
            known -= 1
        auction, rules = self._known.get(calls[:known]) or self._interpret(ShownAuction())
        for call in calls[known:]:
            auction, rules = self._interpret(auction.then(call, rules))
        return rules

    def _interpret(self, auction: ShownAuction) -> tuple[ShownAuction, list[Rule]]:
        made = auction.partners_rule
        find = (made and made.answers) or self._natural
        rules = [r for r in find(auction) if auction.legal(r.call)]
        if len(self._known) >= self._MOST:
            self._known.clear()
        self._known[auction.calls] = auction, [*rules, rule(PASS)]
        return self._known[auction.calls]

    def choose(self, mask: int, calls: tuple[int, ...]) -> int:
        """Choose a call for a hand, a legal one if the auction is not over."""
        hand = _hand(mask)
        return next(r.call for r in self.rules(calls) if r.fits(hand))


@lru_cache(1 << 14)
def _hand(mask: int) -> Hand:
    return Hand(mask)
