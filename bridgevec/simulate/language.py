"""The language of Hans van Staveren's ``dealer``: text to a tree, with errors that show the place.

`bridgevec.simulate.conditions` computes what a tree is worth. Where Debian's ``dealer`` and its
manual differ, this follows the program, but for ``altcount``, which there sets another count than
the one named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import permutations, product
from typing import TypeAlias

from bridgevec.cards import RANKS, SUITS, Seat, Strain, card_text
from bridgevec.scoring import parse_vulnerable


class ConditionError(ValueError):
    """A condition or script that cannot be read; the message shows line and column."""


@dataclass(frozen=True)
class Number:
    """A constant."""

    value: int


@dataclass(frozen=True)
class Count:
    """A number that a table of holdings gives, of a suit or summed over the hand.

    Attributes
    ----------
    name : str
        ``"length"``, ``"hcp"``, ``"pt0"`` … ``"pt9"``, ``"control"``, ``"loser"``, ``"quality"``,
        or ``"cccc"``, which is a sum over suits but for the shape.
    seat : Seat
    suit : int or None
        0..3 for spades to clubs; None for the sum.
    """

    name: str
    seat: Seat
    suit: int | None


@dataclass(frozen=True)
class HasCard:
    """Whether a hand has a card 0..51."""

    seat: Seat
    card: int


@dataclass(frozen=True)
class Shape:
    """Whether a hand's lengths, from spades to clubs, are among those allowed."""

    seat: Seat
    allowed: frozenset[tuple[int, int, int, int]]


@dataclass(frozen=True)
class Tricks:
    """Double-dummy tricks of a declarer."""

    seat: Seat
    strain: Strain


@dataclass(frozen=True)
class Score:
    """The declarer's score of a contract, undoubled, for a number of tricks."""

    vulnerable: bool
    level: int
    strain: Strain
    tricks: Node


@dataclass(frozen=True)
class Function:
    """``imps`` of points, or ``rnd``, a random number below the argument."""

    name: str
    argument: Node


@dataclass(frozen=True)
class Unary:
    """``not`` or ``-``."""

    operator: str
    operand: Node


@dataclass(frozen=True)
class Binary:
    """An operator between two expressions, spelt as in C."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Choice:
    """``a ? b : c``."""

    test: Node
    yes: Node
    no: Node


Node: TypeAlias = (
    Number | Count | HasCard | Shape | Tricks | Score | Function | Unary | Binary | Choice
)


@dataclass(frozen=True)
class Action:
    """What a script wants done with its deals.

    Attributes
    ----------
    name : str
        ``"printall"``, ``"printew"``, ``"printpbn"``, ``"printoneline"``, ``"printcompact"``,
        ``"print"``, ``"printes"``, ``"average"`` or ``"frequency"``.
    text : str
        The title.
    values : tuple
        Expressions, and for ``"printes"`` texts too.
    bounds : tuple of (int, int)
        For ``"frequency"``, lowest and highest of each expression.
    seats : tuple of Seat
        For ``"print"``.
    """

    name: str
    text: str = ""
    values: tuple[Node | str, ...] = ()
    bounds: tuple[tuple[int, int], ...] = ()
    seats: tuple[Seat, ...] = ()


POINTS: dict[str, tuple[int, ...]] = {
    "hcp": (4, 3, 2, 1),
    "pt0": (0, 0, 0, 0, 1),
    "pt1": (0, 0, 0, 1),
    "pt2": (0, 0, 1),
    "pt3": (0, 1),
    "pt4": (1,),
    "pt5": (1, 1),
    "pt6": (1, 1, 1),
    "pt7": (1, 1, 1, 1),
    "pt8": (1, 1, 1, 1, 1),
    "pt9": (6, 4, 2, 1),
}
"""What counts give for ace, king, … unless a script says otherwise."""


@dataclass
class Script:
    """What a script says.

    Attributes
    ----------
    condition : Node
    actions : list of Action
    generate, produce : int or None
        At most so many deals to try, and to find.
    known : list of int
        Masks of the cards predealt to N, E, S, W.
    lengths : dict of (Seat, int) to int
        Suit lengths that were predealt.
    points : dict of str to tuple of int
        What ``hcp`` and ``pt0`` … ``pt9`` count, from the ace down.
    dealer : Seat
    vulnerable : int
    """

    condition: Node = Number(1)
    actions: list[Action] = field(default_factory=list)
    generate: int | None = None
    produce: int | None = None
    known: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    lengths: dict[tuple[Seat, int], int] = field(default_factory=dict)
    points: dict[str, tuple[int, ...]] = field(default_factory=lambda: dict(POINTS))
    dealer: Seat = Seat.N
    vulnerable: int = 0


_COUNTS = {f"pt{i}": f"pt{i}" for i in range(10)} | {"hcp": "hcp", "hcps": "hcp"}
_COUNTS |= {"control": "control", "controls": "control", "loser": "loser", "losers": "loser"}
for _i, _name in enumerate(
    ["ten", "jack", "queen", "king", "ace", "top2", "top3", "top4", "top5", "c13"]
):
    _COUNTS |= {_name: f"pt{_i}"} | ({f"{_name}s": f"pt{_i}"} if _i < 5 else {})
_SUITS = {
    name: suit
    for suit, one in enumerate(("spade", "heart", "diamond", "club"))
    for name in (one, f"{one}s")
}
_SEATS = {name: seat for seat in Seat for name in (seat.name.lower(),)}
_SEATS |= dict(zip(("north", "east", "south", "west"), Seat, strict=True))
_FUNCTIONS = {"cccc", "quality", "shape", "hascard", "tricks", "trick", "score", "imps", "imp"}
_FUNCTIONS |= {"rnd"}
_STATEMENTS = {"generate", "produce", "vulnerable", "dealer", "predeal", "pointcount", "altcount"}
_STATEMENTS |= {"condition", "action"}
_ACTIONS = {"printall", "printew", "printpbn", "printoneline", "printcompact", "print", "printes"}
_ACTIONS |= {"average", "frequency"}
_RESERVED = {*_COUNTS, *_SUITS, *_FUNCTIONS, *_STATEMENTS, *_ACTIONS, "and", "or", "not", "any"}
_RESERVED |= {"north", "east", "south", "west", "notrump", "notrumps"}

# From loosest to tightest.
_LEVELS: tuple[dict[str, str], ...] = (
    {"||": "||", "or": "||"},
    {"&&": "&&", "and": "&&"},
    {"==": "==", "!=": "!="},
    {"<=": "<=", ">=": ">=", "<": "<", ">": ">"},
    {"+": "+", "-": "-"},
    {"*": "*", "/": "/", "%": "%"},
)
_SPACE = re.compile(r"(?:\s+|//[^\n]*|\#[^\n]*|/\*.*?\*/)*", re.S)
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_NUMBER = re.compile(r"[0-9]+")
_TEXT = re.compile(r'"[^"]*"')
_PATTERN = re.compile(r"[0-9xX]{4}(?![0-9A-Za-z_])")
_CARD = re.compile(r"(?:([AKQJTakqjt2-9])([SHDCshdc])|([SHDCshdc])([AKQJTakqjt2-9]))(?![\w])")
_HOLDING = re.compile(r"([SHDC])([AKQJT2-9]+)(?![\w])")
_CONTRACT = re.compile(r"[xX]([1-7])([CDHSN])(?![\w])")
_OPERATOR = re.compile(r"\|\||&&|==|!=|<=|>=|<|>|\+|-|\*|/|%")
_ALL_SHAPES = [
    (s, h, d, 13 - s - h - d) for s, h, d in product(range(14), repeat=3) if 13 - s - h - d >= 0
]


def parse_condition(text: str) -> Node:
    """Read a condition.

    Parameters
    ----------
    text : str
        Such as ``"hcp(south) >= 12 and shape(north, any 5332)"``. Variables may be defined before
        it, as in a script.

    Raises
    ------
    ConditionError
        If it is none; the message shows the place.
    """
    script = parse_script(text)
    at = _Parser(text)
    for name in ("generate", "produce", "predeal", "action"):
        if (name == "action" and script.actions) or (
            name == "predeal" and (any(script.known) or script.lengths)
        ):
            raise at.error(f"{name} has no place in a condition", text.find(name))
    return script.condition


def parse_script(text: str) -> Script:
    """Read a script.

    Parameters
    ----------
    text : str
        What ``dealer`` reads from its input file.

    Returns
    -------
    Script

    Raises
    ------
    ConditionError
        If it cannot be read; the message shows line and column.
    """
    return _Parser(text).script()


class _Parser:
    """Reads a text from left to right; `pos` is where the next word begins."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        self.variables: dict[str, Node] = {}
        self._skip()

    def error(self, what: str, pos: int | None = None) -> ConditionError:
        pos = min(self.pos if pos is None else pos, len(self.text))
        start = self.text.rfind("\n", 0, pos) + 1
        line = self.text[start:].split("\n", 1)[0]
        where = f"line {self.text.count(chr(10), 0, pos) + 1}, column {pos - start + 1}"
        shown = line.replace("\t", " ")
        return ConditionError(f"{where}: {what}\n  {shown}\n  {' ' * (pos - start)}^")

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self.pos)
        assert found is not None  # it matches nothing too
        self.pos = found.end()
        if self.text.startswith("/*", self.pos):
            raise self.error("this comment has no end")

    def _next(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.pos)
        if found:
            self.pos = found.end()
            self._skip()
        return found

    def _take(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.pos):
            return False
        self.pos += len(sign)
        self._skip()
        return True

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self.error(f"expected {sign!r}{self._found()}")

    def _found(self) -> str:
        found = re.compile(r"\w+|\S").match(self.text, self.pos)
        return f", found {found[0]!r}" if found else ", but the text ends"

    def _peek(self) -> str:
        found = _WORD.match(self.text, self.pos)
        return found[0] if found else ""

    def _keyword(self, *words: str) -> str:
        word = self._peek()
        if word.lower() in words and word not in self.variables:
            self._next(_WORD)
            return word.lower()
        return ""

    def script(self) -> Script:
        script = Script()
        while self.pos < len(self.text):
            start = self.pos
            if name := self._keyword(*_STATEMENTS):
                self._statement(script, name, start)
            elif (word := self._peek()) and re.compile(
                rf"{word}(?:{_SPACE.pattern})=(?!=)", re.S
            ).match(self.text, self.pos):
                self._next(_WORD)
                if word.lower() in _RESERVED:
                    raise self.error(f"{word!r} is a word of the language, no variable", start)
                if word in self.variables:
                    raise self.error(f"variable {word!r} is defined twice", start)
                self._expect("=")
                self.variables[word] = self.expression()
            else:
                script.condition = self.expression()
            self._take(";")
        return script

    def _statement(self, script: Script, name: str, start: int) -> None:
        if name in ("generate", "produce"):
            setattr(script, name, self._number())
        elif name == "vulnerable":
            word = self._next(_WORD)
            try:
                script.vulnerable = parse_vulnerable(word[0] if word else "?")
            except ValueError as error:
                raise self.error(str(error), word.start() if word else None) from None
        elif name == "dealer":
            script.dealer = self._seat()
        elif name == "predeal":
            self._predeal(script)
        elif name in ("pointcount", "altcount"):
            count = "hcp"
            if name == "altcount":
                place = self.pos
                count = f"pt{self._number()}"
                if count not in POINTS:
                    raise self.error("altcount takes a number from 0 to 9", place)
            numbers = []
            place = self.pos
            while (found := re.compile(r"-?[0-9]+").match(self.text, self.pos)) is not None:
                self.pos = found.end()
                self._skip()
                numbers.append(self._int(found))
                self._take(",")
            if not 1 <= len(numbers) <= 13:
                raise self.error(f"{name} has {len(numbers)} values, expected 1 to 13", place)
            script.points[count] = tuple(numbers)
        elif name == "condition":
            script.condition = self.expression()
        else:
            script.actions.append(self._action())
            while self._take(",") and self.pos < len(self.text):
                script.actions.append(self._action())

    def _number(self) -> int:
        found = self._next(_NUMBER)
        if found is None:
            raise self.error(f"expected a number{self._found()}")
        return self._int(found)

    def _int(self, found: re.Match[str]) -> int:
        if len(found[0].lstrip("-0")) > 9:  # so that sums and products of some fit 64 bits
            raise self.error("a number has more than 9 digits", found.start())
        return int(found[0])

    def _signed(self) -> int:
        return -self._number() if self._take("-") else self._number()

    def _seat(self) -> Seat:
        word = self._peek().lower()
        if word not in _SEATS:
            raise self.error(f"expected north, east, south or west{self._found()}")
        self._next(_WORD)
        return _SEATS[word]

    def _suit(self) -> int:
        word = self._peek().lower()
        if word not in _SUITS:
            raise self.error(f"expected a suit such as spades{self._found()}")
        self._next(_WORD)
        return _SUITS[word]

    def _predeal(self, script: Script) -> None:
        some = False
        while True:
            start = self.pos
            word = self._peek().lower()
            if word in _SUITS:
                suit = self._suit()
                self._expect("(")
                seat = self._seat()
                self._expect(")")
                self._expect("==")
                script.lengths[seat, suit] = self._number()
            elif word in _SEATS and len(word) > 1:
                seat = self._seat()
                while (found := self._next(_HOLDING)) is not None:
                    for rank in found[2]:
                        card = 13 * SUITS.index(found[1]) + RANKS.index(rank)
                        if sum(script.known) >> card & 1:
                            raise self.error(f"{card_text(card)} is predealt twice", found.start())
                        script.known[seat] |= 1 << card
                    if script.known[seat].bit_count() > 13:
                        raise self.error(f"{seat.name} is predealt more than 13 cards", start)
                    if not self._take(","):
                        break
                    if self._peek().lower() in (*_SEATS, *_SUITS):
                        break
                else:
                    raise self.error(f"expected cards such as SAQ5{self._found()}")
            elif some:
                return
            else:
                raise self.error(f"expected a seat and cards{self._found()}")
            some = True

    def _action(self) -> Action:
        start = self.pos
        name = self._keyword(*_ACTIONS)
        if not name:
            raise self.error(
                f"expected an action such as printoneline or average{self._found()}", start
            )
        if name in ("average", "frequency"):
            found = self._next(_TEXT)
            text = found[0][1:-1] if found else ""
            if name == "average":
                return Action(name, text, (self.expression(),))
            self._expect("(")
            values, bounds = [], []
            while True:
                values.append(self.expression())
                self._expect(",")
                low = self._signed()
                self._expect(",")
                place = self.pos
                high = self._signed()
                if high < low:
                    raise self.error(f"the bounds are {low} and {high}", place)
                bounds.append((low, high))
                if len(values) == 2 or not self._take(","):
                    break
            self._expect(")")
            return Action(name, text, tuple(values), tuple(bounds))
        if name == "print":
            self._expect("(")
            seats = [self._seat()]
            while self._take(","):
                seats.append(self._seat())
            self._expect(")")
            return Action(name, seats=tuple(seats))
        if name == "printes":
            bracket = self._take("(")
            parts: list[Node | str] = []
            while True:
                if found := self._next(_TEXT):
                    parts.append(found[0][1:-1].replace("\\n", "\n"))
                elif self._take("\\n"):
                    parts.append("\n")
                else:
                    parts.append(self.expression())
                if not self._take(","):
                    break
            if bracket:
                self._expect(")")
            return Action(name, values=tuple(parts))
        ends = self.pos == len(self.text) or self.text[self.pos] in ",;"
        word = self._peek()
        if name in ("printoneline", "printcompact") and not ends:
            follows = re.compile(rf"{word}(?:{_SPACE.pattern})=(?!=)", re.S)
            new = word and word not in self.variables and follows.match(self.text, self.pos)
            if not new and word.lower() not in _STATEMENTS:
                return Action(name, values=(self.expression(),))
        return Action(name)

    def expression(self) -> Node:
        return self._choice()

    def _choice(self) -> Node:
        test = self._binary(0)
        if not self._take("?"):
            return test
        yes = self._choice()
        self._expect(":")
        return Choice(test, yes, self._choice())

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while True:
            found = _OPERATOR.match(self.text, self.pos)
            sign = found[0] if found else self._peek().lower()
            if sign not in _LEVELS[level]:
                return left
            self._take(sign) if found else self._next(_WORD)
            left = Binary(_LEVELS[level][sign], left, self._binary(level + 1))

    def _unary(self) -> Node:
        if self._keyword("not") or (not self.text.startswith("!=", self.pos) and self._take("!")):
            return Unary("!", self._unary())
        if self._take("-"):
            operand = self._unary()
            return Number(-operand.value) if isinstance(operand, Number) else Unary("-", operand)
        if self._take("("):
            inner = self.expression()
            self._expect(")")
            return inner
        if found := self._next(_NUMBER):
            if re.match(r"[A-Za-z_]", self.text[found.end() : found.end() + 1]):
                raise self.error("a number ends in a letter", found.start())
            return Number(self._int(found))
        return self._word()

    def _word(self) -> Node:
        start, word = self.pos, self._peek()
        if not word:
            raise self.error(f"expected an expression{self._found()}")
        if word in self.variables:
            self._next(_WORD)
            return self.variables[word]
        name = word.lower()
        if name not in {*_SUITS, *_COUNTS, *_FUNCTIONS}:
            what = "has no place here" if name in _RESERVED else "is neither known nor defined"
            raise self.error(f"{word!r} {what}", start)
        self._next(_WORD)
        self._expect("(")
        node = self._call(name)
        self._expect(")")
        return node

    def _call(self, name: str) -> Node:
        if name in _SUITS:
            return Count("length", self._seat(), _SUITS[name])
        if name in _COUNTS:
            seat = self._seat()
            return Count(_COUNTS[name], seat, self._suit() if self._take(",") else None)
        if name == "cccc":
            return Count("cccc", self._seat(), None)
        if name in ("imps", "imp", "rnd"):
            return Function(name.removesuffix("s"), self.expression())
        if name == "score":
            word = self._keyword("vul", "nv")
            if not word:
                raise self.error(f"expected vul or nv{self._found()}")
            self._expect(",")
            contract = self._next(_CONTRACT)
            if contract is None:
                raise self.error(f"expected a contract such as x3N{self._found()}")
            self._expect(",")
            strain = Strain.parse(contract[2])
            return Score(word == "vul", int(contract[1]), strain, self.expression())
        seat = self._seat()
        self._expect(",")
        if name == "quality":
            return Count("quality", seat, self._suit())
        if name == "hascard":
            found = self._next(_CARD)
            if found is None:
                raise self.error(f"expected a card such as AS{self._found()}")
            rank, suit = (found[1], found[2]) if found[1] else (found[4], found[3])
            return HasCard(seat, 13 * SUITS.index(suit.upper()) + RANKS.index(rank.upper()))
        if name == "shape":
            return Shape(seat, self._shapes())
        if self._keyword("notrump", "notrumps", "nt"):
            return Tricks(seat, Strain.NT)
        return Tricks(seat, Strain(3 - self._suit()))

    def _shapes(self) -> frozenset[tuple[int, int, int, int]]:
        allowed: set[tuple[int, int, int, int]] = set()
        add = True
        while True:
            order = self._keyword("any")
            found = self._next(_PATTERN)
            if found is None:
                raise self.error(f"expected a shape such as 5332 or 54xx{self._found()}")
            digits = found[0].lower()
            known = sum(int(d) for d in digits if d != "x")
            if known > 13 or (known < 13 and "x" not in digits):
                raise self.error(f"shape {found[0]} has {known} cards", found.start())
            patterns = {*permutations(digits)} if order else {tuple(digits)}
            fits = {
                shape
                for shape in _ALL_SHAPES
                for pattern in patterns
                if all(d in ("x", str(n)) for d, n in zip(pattern, shape, strict=True))
            }
            allowed = allowed | fits if add else allowed - fits
            if self._take("+") or self._take(","):
                add = True
            elif self._take("-"):
                add = False
            else:
                return frozenset(allowed)
