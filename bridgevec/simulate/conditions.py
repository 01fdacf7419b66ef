"""Evaluates expressions of the ``dealer`` language on thousands of deals at once.

Nearly every question about a hand is a number that depends on the holding in one suit, or a sum of
four such numbers. There are 8192 holdings, so each is a look-up in a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bridgevec.cards import Seat
from bridgevec.dds import solve_tables
from bridgevec.scoring import imps, scores
from bridgevec.simulate.language import (
    POINTS,
    Binary,
    Choice,
    Count,
    Function,
    HasCard,
    Node,
    Number,
    Score,
    Shape,
    Tricks,
    Unary,
)

_HOLDINGS = np.arange(8192, dtype=np.uint16)
_RANKS = (_HOLDINGS[:, None] >> np.arange(13, dtype=np.uint16) & 1).astype(np.int16)
_LENGTHS = _RANKS.sum(axis=1, dtype=np.int16)
_SUIT = np.uint64(0x1FFF)


Values: TypeAlias = NDArray[Any]
"""Integers or truth values, one for every deal."""


@lru_cache(maxsize=256)
def table_of(name: str, points: tuple[int, ...] = ()) -> NDArray[np.int16]:
    """Make the table of a count: what it is for each of the 8192 holdings, bit 0 being the ace.

    Parameters
    ----------
    name : str
        As in `bridgevec.simulate.language.Count`; ``"cccc"`` is without what the shape gives.
    points : tuple of int
        What it gives for ace, king, … if it is one of those that may be changed.

    Returns
    -------
    ndarray of int16, shape (8192,)
    """
    table: NDArray[np.int16] = _table(name, points).astype(np.int16)
    return table


def _table(name: str, points: tuple[int, ...]) -> Values:
    ace, king, queen, jack, ten, nine = _RANKS[:, :6].T
    value: Values
    if name == "length":
        value = _LENGTHS
        return value
    if name == "control":
        value = 2 * ace + king
        return value
    if name == "loser":
        # Of one card only the ace counts, of two the ace and the king.
        missing = 3 - ace - king - queen
        value = np.select(
            [_LENGTHS == 0, _LENGTHS == 1, _LENGTHS == 2], [0, 1 - ace, 2 - ace - king], missing
        )
        return value
    if name == "quality":
        return _quality()
    if name == "cccc":
        top = ace | king
        value = 300 * ace
        value += king * np.where(_LENGTHS > 1, 200, 50)
        long = np.where(top, 100, 75)
        value += queen * np.select([_LENGTHS > 2, _LENGTHS == 2], [long, long - 25], 0)
        higher = ace + king + queen
        value += jack * np.select([higher == 2, higher == 1], [50, 25], 0)
        higher = higher + jack
        value += 25 * ten * ((higher == 2) | ((higher == 1) & (nine == 1)))
        value += _quality()
        return value
    weights = np.zeros(13, dtype=np.int16)
    weights[: len(points)] = points
    value = _RANKS @ weights
    return value


def _quality() -> NDArray[np.int16]:
    """Rate suits as Kaplan and Rubens do (The Bridge World, October 1982), times 100."""
    ace, king, queen, jack, ten, nine, eight = _RANKS[:, :7].T
    factor = 10 * _LENGTHS
    high = ace + king + queen
    value = factor * (4 * ace + 3 * king + 2 * queen + jack)
    extra = ten * np.where((high > 1) | (jack == 1), factor, factor // 2)
    extra += nine * ((high + jack == 2) | (ten == 1) | (eight == 1)) * (factor // 2)
    # A long suit needs neither: queen and jack are likely to drop.
    seven = factor * ((queen == 0) | (jack == 0))
    eight_up = factor * np.where(queen == 0, 2, jack == 0)
    nine_up = factor * (2 * (queen == 0) + (jack == 0))
    value += np.select(
        [_LENGTHS <= 6, _LENGTHS == 7, _LENGTHS == 8], [extra, seven, eight_up], nine_up
    )
    quality: NDArray[np.int16] = value.astype(np.int16)
    return quality


def cccc_of_shape(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return what the lengths (n, 4) add to the Four C's, times 100."""
    short = np.maximum(3 - lengths, 0).sum(axis=1)
    return np.where(short > 0, 100 * short - 100, -50)


class Batch:
    """Deals, with everything computed about them so far.

    Parameters
    ----------
    masks : ndarray of uint64, shape (n, 4)
    points : mapping of str to tuple of int
        What ``hcp`` and ``pt0`` … ``pt9`` count.
    rng : Generator, optional
        For ``rnd``.
    """

    def __init__(
        self,
        masks: NDArray[np.uint64],
        points: Mapping[str, tuple[int, ...]] = POINTS,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.masks = masks
        self._points = points
        self._rng = rng
        self._holdings: dict[tuple[int, int], NDArray[np.uint16]] = {}
        self._known: dict[Node, Values] = {}
        self._tables: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        return len(self.masks)

    def remember(self, values: Mapping[Node, Values]) -> None:
        """Take what expressions are worth as given."""
        self._known |= values

    def take(self, rows: NDArray[np.bool_]) -> Batch:
        """Return the deals of some rows, with the holdings and values found so far."""
        part = Batch(self.masks[rows], self._points, self._rng)
        part._holdings = {key: held[rows] for key, held in self._holdings.items()}
        part._known = {key: value[rows] for key, value in self._known.items()}
        if self._tables is not None:
            part._tables = self._tables[rows]
        return part

    def holding(self, seat: int, suit: int) -> NDArray[np.uint16]:
        """Return a seat's holdings in a suit."""
        found = self._holdings.get((seat, suit))
        if found is None:
            found = (self.masks[:, seat] >> np.uint64(13 * suit) & _SUIT).astype(np.uint16)
            self._holdings[seat, suit] = found
        return found

    def value(self, node: Node) -> Values:
        """Compute an expression, an integer for every deal.

        Raises
        ------
        ValueError
            If it divides by zero, or asks for the score of an impossible number of tricks.
        """
        found = self._known.get(node)
        if found is None:
            found = self._value(node)
            if not isinstance(node, Function):
                self._known[node] = found
        return found

    def _value(self, node: Node) -> Values:
        n = len(self)
        match node:
            case Number(value):
                return np.full(n, value, dtype=np.int64)
            case Count(name, seat, suit):
                table = table_of(name, self._points.get(name, ()))
                if suit is not None:
                    return table.take(self.holding(seat, suit))
                total = table.take(self.holding(seat, 0))
                for one in range(1, 4):
                    total = total + table.take(self.holding(seat, one))
                if name == "cccc":
                    total = total + cccc_of_shape(self.lengths(seat))
                return total
            case HasCard(seat, card):
                return (self.masks[:, seat] >> np.uint64(card) & np.uint64(1)).astype(np.int8)
            case Shape(seat, allowed):
                key = np.zeros(n, dtype=np.uint16)
                for suit in range(3):
                    key = key * np.uint16(14) + _LENGTHS.astype(np.uint16).take(
                        self.holding(seat, suit)
                    )
                return shapes_table(allowed).take(key)
            case Tricks(seat, strain):
                if self._tables is None:
                    self._tables = solve_tables(self.masks)
                return self._tables[:, strain, seat]
            case Score(vulnerable, level, strain, tricks):
                taken = self.value(tricks)
                wrong = (taken < 0) | (taken > 13)
                if wrong.any():
                    raise ValueError(f"score of {taken[wrong][0]} tricks, expected 0 to 13")
                return scores(level, strain, 0, 0, taken.astype(np.int64), 3 * vulnerable)
            case Function("imp", argument):
                return imps(self.value(argument))
            case Function(_, argument):
                most = np.maximum(self.value(argument), 1)
                rng = self._rng or np.random.default_rng()
                return rng.integers(0, most)
            case Unary("!", operand):
                return np.equal(self.value(operand), 0)
            case Unary(_, operand):
                return -self.value(operand).astype(np.int64)
            case Choice(test, yes, no):
                return np.where(self.value(test) != 0, self.value(yes), self.value(no))
            case Binary(operator, left, right):
                return _apply(operator, self.value(left), self.value(right))
        raise TypeError(f"{node!r} is no expression")

    def lengths(self, seat: int) -> NDArray[np.int16]:
        """Return a seat's lengths from spades to clubs, int16 (n, 4)."""
        return np.stack([_LENGTHS.take(self.holding(seat, suit)) for suit in range(4)], axis=1)


def _divided(a: Values, b: Values) -> Values:
    if not b.all():
        raise ValueError("a condition divides by zero")
    quotient: Values = np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))  # towards zero, as in C
    return quotient


_TRUTHS: dict[str, Callable[[Values, Values], Values]] = {
    "&&": lambda a, b: (a != 0) & (b != 0),
    "||": lambda a, b: (a != 0) | (b != 0),
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_NUMBERS: dict[str, Callable[[Values, Values], Values]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": _divided,
    "%": lambda a, b: a - b * _divided(a, b),
}


def _apply(operator: str, a: Values, b: Values) -> Values:
    if operator in _TRUTHS:
        return _TRUTHS[operator](a, b)
    return _NUMBERS[operator](a.astype(np.int64), b.astype(np.int64))


@lru_cache(maxsize=256)
def shapes_table(allowed: frozenset[tuple[int, int, int, int]]) -> NDArray[np.bool_]:
    """Make a table of which lengths in spades, hearts and diamonds, as a number, are allowed."""
    table = np.zeros(14**3, dtype=bool)
    for spades, hearts, diamonds, _ in allowed:
        table[196 * spades + 14 * hearts + diamonds] = True
    return table


def conjuncts(node: Node) -> Iterator[Node]:
    """Split a condition into those that must all hold."""
    match node:
        case Binary("&&", left, right):
            yield from conjuncts(left)
            yield from conjuncts(right)
        case Unary("!", Binary("||", left, right)):
            yield from conjuncts(Unary("!", left))
            yield from conjuncts(Unary("!", right))
        case Unary("!", Unary("!", inner)):
            yield from conjuncts(inner)
        case _:
            yield node


def children(node: Node) -> tuple[Node, ...]:
    """Return the expressions that an expression consists of."""
    match node:
        case Binary(_, left, right):
            return left, right
        case Unary(_, operand):
            return (operand,)
        case Choice(test, yes, no):
            return test, yes, no
        case Function(_, argument):
            return (argument,)
        case Score(_, _, _, tricks):
            return (tricks,)
    return ()


def leaves(node: Node) -> set[Node]:
    """Return the counts, cards, shapes and the like that an expression depends on."""
    below = children(node)
    found = set().union(*map(leaves, below)) if below else set()
    if isinstance(node, (Count, HasCard, Shape, Tricks)) or (
        isinstance(node, Function) and node.name == "rnd"
    ):
        found.add(node)
    return found


def seats_of(node: Node) -> frozenset[Seat] | None:
    """Return whose hands a condition depends on; None if it depends on more than hands."""
    found = leaves(node)
    if any(isinstance(leaf, (Tricks, Function)) for leaf in found):
        return None
    return frozenset(leaf.seat for leaf in found)  # type: ignore[union-attr]
