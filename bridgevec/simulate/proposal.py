"""Deal at random what a condition allows, with little rejection and exact probabilities.

A condition that is a conjunction falls apart by the hands that its parts depend on. What it says of
one hand alone is counted exactly: the holdings of each suit fall into classes that the condition
cannot tell apart, and the classes of four suits are joined, counting hands. What it says of the
lengths of other hands is counted given the first one's lengths. Deals are then drawn from these
counts, so that each that fits has the same chance, and only the rest is left to rejection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import comb, prod

import numpy as np
from numpy.typing import NDArray

from bridgevec._deal import Shuffler
from bridgevec.cards import FULL_DECK, Seat
from bridgevec.simulate.conditions import (
    Batch,
    Values,
    cccc_of_shape,
    conjuncts,
    leaves,
    seats_of,
    shapes_table,
    table_of,
)
from bridgevec.simulate.language import POINTS, Binary, Count, HasCard, Node, Number, Shape, Tricks

_MOST = 3_000_000
"""So many pairs of classes are joined at most; a condition that needs more is left to rejection."""
_PILOT = 1 << 14
_SHAPES = np.array(
    [(s, h, d, 13 - s - h - d) for s, h, d in product(range(14), repeat=3) if 13 - s - h - d >= 0],
    dtype=np.int8,
)
_SHAPE_NUMBER = np.full((14, 14, 14), -1, dtype=np.int16)
_SHAPE_NUMBER[tuple(_SHAPES[:, :3].T)] = np.arange(len(_SHAPES))
CHOOSE = np.array([[comb(n, k) for k in range(14)] for n in range(14)], dtype=float)
# A hand of every shape, for what depends on lengths alone.
_EXAMPLES = np.zeros((len(_SHAPES), 4), dtype=np.uint64)
for _suit in range(4):
    _cards = (np.uint64(1) << _SHAPES[:, _suit].astype(np.uint64)) - np.uint64(1)
    _EXAMPLES |= (_cards << np.uint64(13 * _suit))[:, None]


class _TooMany(Exception):
    """A hand's condition distinguishes too many classes."""


def draw(
    cumulated: NDArray[np.float64],
    first: NDArray[np.integer],
    last: NDArray[np.integer],
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Draw from stretches of a row of weights.

    Parameters
    ----------
    cumulated : ndarray, shape (m,)
        Sums of the weights up to and with each.
    first, last : ndarray of int, shape (n,)
        Where each stretch begins and ends, exclusive.
    rng : Generator

    Returns
    -------
    ndarray of intp, shape (n,)
    """
    below = np.where(first > 0, cumulated[first - 1], 0.0)
    at = below + rng.random(len(first)) * (cumulated[last - 1] - below)
    places: NDArray[np.intp] = np.searchsorted(cumulated, at, side="right")
    kept: NDArray[np.intp] = np.minimum(np.maximum(places, first), last - 1)
    return kept


@dataclass
class _Join:
    """Pairs of a state of the suits before and a class of this suit, by the state they make."""

    before: NDArray[np.intp]
    now: NDArray[np.intp]
    cumulated: NDArray[np.float64]
    starts: NDArray[np.intp]


class HandTable:
    """All hands that fit a condition on one hand, counted.

    Parameters
    ----------
    seat : Seat
    conditions : sequence of Node
        All must hold; they depend on the seat's hand alone.
    pool : int
        Mask of the cards that may be dealt.
    known : int
        Mask of cards that the seat has.
    shapes : ndarray of bool, shape (560,)
        Which shapes may be.
    points : mapping of str to tuple of int

    Raises
    ------
    _TooMany
        If the conditions tell too many classes of holdings apart.
    """

    def __init__(
        self,
        seat: Seat,
        conditions: Sequence[Node],
        pool: int,
        known: int,
        shapes: NDArray[np.bool_],
        points: Mapping[str, tuple[int, ...]],
    ) -> None:
        found = set().union(*(leaves(c) for c in conditions)) if conditions else set()
        totals = [x for x in found if isinstance(x, Count) and x.suit is None]
        single: list[list[Count | HasCard]] = [[] for _ in range(4)]
        for leaf in found:
            if isinstance(leaf, HasCard):
                single[leaf.card // 13].append(leaf)
            elif isinstance(leaf, Count) and leaf.suit is not None and leaf.name != "length":
                single[leaf.suit].append(leaf)
        fits = np.zeros((14,) * 4, dtype=bool)
        fits[tuple(_SHAPES[shapes].T)] = True

        self._members: list[NDArray[np.uint64]] = []
        self._starts: list[NDArray[np.intp]] = []
        self._joins: list[_Join] = []
        values = np.zeros((1, len(totals)), dtype=np.int64)  # of the states so far
        lengths = np.zeros((1, 0), dtype=np.int64)
        singles = np.zeros((1, 0), dtype=np.int64)
        ways = np.ones(1)
        for suit in range(4):
            cards, mine = pool >> 13 * suit & 0x1FFF, known >> 13 * suit & 0x1FFF
            every = np.arange(8192)
            held = every[every & ~cards == 0] | mine
            rows = [table_of("length")[held]]
            rows += [table_of(t.name, points.get(t.name, ()))[held] for t in totals]
            for leaf in single[suit]:
                if isinstance(leaf, HasCard):
                    rows.append(held >> leaf.card % 13 & 1)
                else:
                    rows.append(table_of(leaf.name, points.get(leaf.name, ()))[held])
            columns = np.stack(rows, axis=1).astype(np.int64)
            kinds, number, counts = np.unique(
                columns, axis=0, return_inverse=True, return_counts=True
            )
            order = np.argsort(number.reshape(-1), kind="stable")
            self._members.append(held[order].astype(np.uint64) << np.uint64(13 * suit))
            self._starts.append(np.r_[0, np.cumsum(counts)])

            if len(ways) * len(kinds) > 8 * _MOST:
                raise _TooMany
            some = np.asarray(fits.any(axis=tuple(range(suit + 1, 4))))
            if suit == 0:
                possible = some[kinds[:, 0]][None]
            else:
                possible = some[(*(lengths[:, i, None] for i in range(suit)), kinds[None, :, 0])]
            before, now = np.nonzero(possible)
            if len(before) > _MOST:
                raise _TooMany
            state = np.hstack(
                [
                    lengths[before],
                    kinds[now, :1],
                    values[before] + kinds[now, 1 : 1 + len(totals)],
                    singles[before],
                    kinds[now, 1 + len(totals) :],
                ]
            )
            key = np.zeros(len(state), dtype=np.int64)
            radix = 1
            for column in state.T:
                low, high = (int(column.min()), int(column.max())) if len(column) else (0, 0)
                radix *= high - low + 1
                if radix >= 1 << 62:
                    raise _TooMany
                key = key * (high - low + 1) + (column - low)
            order = np.argsort(key, kind="stable")
            key = key[order]
            starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else key
            before, now = before[order], now[order]
            weight = np.asarray(ways[before] * counts[now], dtype=np.float64)
            self._joins.append(_Join(before, now, np.cumsum(weight), np.r_[starts, len(key)]))
            ways = np.add.reduceat(weight, starts) if len(key) else weight
            state = state[order[starts]]
            lengths, state = np.split(state, [suit + 1], axis=1)
            values, singles = np.split(state, [len(totals)], axis=1)

        batch = Batch(np.zeros((len(ways), 4), dtype=np.uint64), points)
        place = iter(singles.T)
        known_values: dict[Node, Values] = {
            leaf: next(place) for leaf in (x for one in single for x in one)
        }
        for total, column in zip(totals, values.T, strict=True):
            known_values[total] = column + (cccc_of_shape(lengths) if total.name == "cccc" else 0)
        for leaf in found:
            if isinstance(leaf, Shape):
                key = 196 * lengths[:, 0] + 14 * lengths[:, 1] + lengths[:, 2]
                known_values[leaf] = shapes_table(leaf.allowed)[key]
            elif isinstance(leaf, Count) and leaf.name == "length" and leaf.suit is not None:
                known_values[leaf] = lengths[:, leaf.suit]
        batch.remember(known_values)
        good = np.ones(len(ways), dtype=bool)
        for condition in conditions:
            good &= batch.value(condition) != 0
        self._states = np.flatnonzero(good)
        ways, lengths = ways[good], lengths[good]
        shape = _SHAPE_NUMBER[lengths[:, 0], lengths[:, 1], lengths[:, 2]]
        order = np.argsort(shape, kind="stable")
        self._states = self._states[order]
        self._cumulated = np.cumsum(ways[order])
        self.ways_of_kinds = ways[order]
        """How many hands there are of every kind that fits, float64 (k,)."""
        self.lengths = lengths[order]
        """The lengths of every kind of hand that fits, int64 (k, 4)."""
        self.totals = values[good][order]
        """Of every kind, the totals that the conditions name, int64 (k, t)."""
        self._of_shape = np.searchsorted(shape[order], np.arange(len(_SHAPES) + 1))
        self.ways = np.bincount(shape, ways, len(_SHAPES)).astype(np.float64)
        """How many hands fit, by shape."""

    def draw(self, shapes: NDArray[np.integer], rng: np.random.Generator) -> NDArray[np.uint64]:
        """Draw hands of given shapes, all that fit alike.

        Parameters
        ----------
        shapes : ndarray of int, shape (n,)
            Numbers of shapes of which there are hands.
        rng : Generator

        Returns
        -------
        ndarray of uint64, shape (n,)
        """
        at = draw(self._cumulated, self._of_shape[shapes], self._of_shape[shapes + 1], rng)
        return self._hands(self._states[at], rng)

    def draw_tilted(
        self, tilt: NDArray[np.float64], n: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
        """Draw hands with probabilities in proportion to a tilt.

        Parameters
        ----------
        tilt : ndarray of float64, shape (k,)
            Of every kind of hand, see `lengths`.
        n : int
        rng : Generator

        Returns
        -------
        hands : ndarray of uint64, shape (n,)
        weights : ndarray of float64, shape (n,)
            Their probability among all hands that fit, over that with which they were drawn.
        """
        tilted = np.cumsum(self.ways_of_kinds * tilt)
        every = np.zeros(n, dtype=np.intp)
        at = draw(tilted, every, every + len(tilted), rng)
        weights = tilted[-1] / self._cumulated[-1] / tilt[at]
        return self._hands(self._states[at], rng), weights

    def _hands(self, state: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.uint64]:
        hands = np.zeros(len(state), dtype=np.uint64)
        for suit in range(3, -1, -1):
            join = self._joins[suit]
            pair = draw(join.cumulated, join.starts[state], join.starts[state + 1], rng)
            kind, state = join.now[pair], join.before[pair]
            first = self._starts[suit][kind]
            count = self._starts[suit][kind + 1] - first
            hands |= self._members[suit][first + (rng.random(len(kind)) * count).astype(np.intp)]
        return hands


class Proposal:
    """A way to deal at random what a condition allows.

    Parameters
    ----------
    condition : Node
    known : sequence of four int
        Masks of the cards that N, E, S, W have.
    points : mapping of str to tuple of int, optional
        What ``hcp`` and ``pt0`` … ``pt9`` count.
    rng : Generator
    exact : bool, default True
        Count hands; else all is left to rejection.

    Attributes
    ----------
    share : float
        Which part of all deals `deal` chooses from. Every deal that it chose from stands for
        ``1 / share`` random ones.

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
        exact: bool = True,
    ) -> None:
        self._rng, self._points = rng, points
        self._shuffler = Shuffler(rng)
        self._known = np.array(known, dtype=np.uint64)
        self._lead: Seat | None = None
        self._table: HandTable | None = None
        self._order: list[Seat] = []
        self.share = 1.0
        pool = FULL_DECK & ~sum(known)
        full = {seat for seat in Seat if known[seat].bit_count() == 13}
        unknown: list[Node] = []
        alone: dict[Seat, list[Node]] = {seat: [] for seat in Seat}
        for part in conjuncts(condition):
            seats = seats_of(part)
            if seats is not None and seats <= full:
                if not Batch(self._known[None], points).value(part)[0]:
                    raise ValueError("no deal fits: the hands that are given do not")
            elif seats is not None and len(seats - full) == 1 and len(seats) == 1:
                alone[next(iter(seats))].append(part)
            else:
                unknown.append(part)
        self._rest = [part for parts in alone.values() for part in parts] + unknown
        self._rest.sort(key=_cost)
        self._early: list[Node] = []
        self._late = self._rest
        if exact and any(alone.values()):
            self._count(alone, pool, known)

    def _count(self, alone: dict[Seat, list[Node]], pool: int, known: Sequence[int]) -> None:
        left = np.array([(pool >> 13 * suit & 0x1FFF).bit_count() for suit in range(4)])
        mine = np.array(
            [[(known[s] >> 13 * suit & 0x1FFF).bit_count() for suit in range(4)] for s in Seat]
        )
        allowed = {}
        by_shape: dict[Seat, list[Node]] = {}
        for seat, parts in alone.items():
            if not parts:
                continue
            more = _SHAPES - mine[seat]
            fits = ((more >= 0) & (more <= left)).all(axis=1)
            by_shape[seat] = [part for part in parts if all(map(_of_lengths, leaves(part)))]
            batch = Batch(_EXAMPLES, self._points)
            for part in by_shape[seat]:
                fits &= batch.value(part) != 0
            if not fits.any():
                raise ValueError(f"no deal fits: there is no such hand for {seat.name}")
            allowed[seat] = fits

        # The hand whose cards, beside its lengths, are the least likely is counted in full.
        masks = np.tile(self._known, (_PILOT, 1))
        self._shuffler.fill(masks)
        batch = Batch(masks, self._points)

        def fitting(parts: list[Node]) -> float:
            good = np.ones(_PILOT, dtype=bool)
            for part in parts:
                good &= batch.value(part) != 0
            return float(good.mean()) + 1 / _PILOT

        ratios = {
            seat: fitting(alone[seat]) / fitting(by_shape[seat])
            for seat in allowed
            if len(by_shape[seat]) < len(alone[seat])
        }
        done: set[int] = set()
        for seat in sorted(ratios, key=lambda s: ratios[s]):
            parts = alone[seat]
            simple = [part for part in parts if all(map(_is_total, leaves(part)))]
            for chosen in (parts, simple) if 0 < len(simple) < len(parts) else (parts,):
                try:
                    self._table = HandTable(
                        seat, chosen, pool, known[seat], allowed[seat], self._points
                    )
                except _TooMany:
                    continue
                if not self._table.ways.any():
                    raise ValueError(f"no deal fits: there is no such hand for {seat.name}")
                self._lead = seat
                done |= {id(part) for part in chosen}
                break
            if self._table is not None:
                break

        seats = sorted(allowed, key=lambda s: (s != self._lead, allowed[s].sum()))
        rows = np.zeros((1, 0), dtype=np.int16)
        room = left[None]
        weights = np.ones(1)
        for seat in seats:
            numbers = np.flatnonzero(allowed[seat])
            if len(rows) * len(numbers) > _MOST:
                break
            more = (_SHAPES - mine[seat])[numbers].astype(np.int64)
            if seat == self._lead and self._table is not None:
                ways = self._table.ways[numbers][None] * np.ones((len(rows), 1))
            else:
                ways = np.ones((len(rows), len(numbers)))
                for suit in range(4):
                    ways *= CHOOSE[room[:, suit]][:, more[:, suit]]
            grid = weights[:, None] * ways
            row, column = np.nonzero(grid)
            weights = grid[row, column]
            rows = np.column_stack([rows[row], numbers[column]])
            room = room[row] - more[column]
            self._order.append(seat)
            done |= {id(part) for part in by_shape[seat]}
        if not len(weights):
            raise ValueError("no deal fits: the lengths exclude each other")
        self._rows, self._cumulated = rows, np.cumsum(weights)
        self._more = {seat: (_SHAPES - mine[seat]).astype(np.int8) for seat in self._order}
        sizes = [13 - known[seat].bit_count() for seat in self._order]
        cards = [pool.bit_count() - sum(sizes[:i]) for i in range(len(sizes))]
        self.share = float(self._cumulated[-1]) / prod(map(comb, cards, sizes))
        self._rest = [part for part in self._rest if id(part) not in done]
        dealt = {*self._order, *(seat for seat in Seat if known[seat].bit_count() == 13)}

        def early(part: Node) -> bool:
            seats = seats_of(part)
            return seats is not None and seats <= dealt

        self._early = [part for part in self._rest if early(part)]
        self._late = [part for part in self._rest if not early(part)]

    @property
    def solves(self) -> bool:
        """Whether deals have to be solved to see whether they fit."""
        return any(_cost(part)[0] for part in self._rest)

    def deal(self, n: int) -> NDArray[np.uint64]:
        """Choose n deals at random and give those that fit.

        Parameters
        ----------
        n : int

        Returns
        -------
        ndarray of uint64, shape (m, 4)
            m is n or less.
        """
        masks = np.tile(self._known, (n, 1))
        if self._order:
            at = self._rng.random(n) * self._cumulated[-1]
            row = np.minimum(np.searchsorted(self._cumulated, at, "right"), len(self._rows) - 1)
            for place, seat in enumerate(self._order):
                shapes = self._rows[row, place]
                if seat == self._lead and self._table is not None:
                    masks[:, seat] = self._table.draw(shapes, self._rng)
                else:
                    self._shuffler.fill_lengths(masks, seat, self._more[seat][shapes])
            masks = self._fitting(masks, self._early)
        self._shuffler.fill(masks)
        return self._fitting(masks, self._late)

    def _fitting(self, masks: NDArray[np.uint64], parts: Sequence[Node]) -> NDArray[np.uint64]:
        batch = Batch(masks, self._points, self._rng)
        for part in parts:
            good = batch.value(part) != 0
            if 2 * good.sum() < len(good):
                masks = masks[good]
                batch = Batch(masks, self._points, self._rng)
            elif not good.all():
                masks = masks[good]
                batch = batch.take(good)
        return masks


def _cost(part: Node) -> tuple[bool, int]:
    found = leaves(part)
    return any(isinstance(leaf, Tricks) for leaf in found), len(found)


def _of_lengths(leaf: Node) -> bool:
    return isinstance(leaf, Shape) or (isinstance(leaf, Count) and leaf.name == "length")


def _is_total(leaf: Node) -> bool:
    return _of_lengths(leaf) or (isinstance(leaf, Count) and leaf.suit is None)


def with_lengths(condition: Node, lengths: Mapping[tuple[Seat, int], int]) -> Node:
    """Add suit lengths to a condition."""
    for (seat, suit), n in lengths.items():
        condition = Binary("&&", Binary("==", Count("length", seat, suit), Number(n)), condition)
    return condition
