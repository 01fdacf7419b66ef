"""Calls, what is legal, when the auction ends, contract and declarer.

Laws 17 to 22 of the Laws of Duplicate Bridge 2017. Calls are numbered 0 pass, 1 double, 2 redouble,
3 + 5·(level−1) + strain for a bid: 3 is 1C, 37 is 7N. An auction as text is the calls from the
dealer on: ``"1C P 1H X P"``. The rules themselves are compiled (`bridgevec._laws`), so that
thousands of tables can follow them at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from bridgevec._laws import Auctions
from bridgevec.cards import Seat, SeatLike, Strain, hand_text
from bridgevec.scoring import VULNERABILITIES, Contract

PASS, DOUBLE, REDOUBLE, FIRST_BID = 0, 1, 2, 3
N_CALLS = 38

CallLike: TypeAlias = int | str
"""A call's number, or text such as ``"1N"``, ``"1NT"``, ``"P"``, ``"Pass"``, ``"X"``, ``"XX"``."""

_STRAINS = "CDHSN"
_TEXTS = ("P", "X", "XX", *(f"{level}{strain}" for level in range(1, 8) for strain in _STRAINS))
BOOK_TEXTS = (
    "Pass",
    "Dbl",
    "Rdbl",
    *(f"{k}{s}" for k in range(1, 8) for s in ("♣", "♦", "♥", "♠", "NT")),
)
"""The calls as books print them."""
_NUMBERS = {
    name.upper(): call
    for names in (_TEXTS, BOOK_TEXTS, ("Pass", "D", "R"), ("Pass", "Double", "Redouble"))
    for call, name in enumerate(names)
}
_NUMBERS |= {f"{text}T": call for text, call in _NUMBERS.items() if text.endswith("N")}
_ONE = np.ones(1, dtype=bool)


def call_text(call: int) -> str:
    """Name a call.

    Raises
    ------
    ValueError
        If it is not one of 0..37.

    Examples
    --------
    >>> [call_text(call) for call in (0, 1, 2, 3, 37)]
    ['P', 'X', 'XX', '1C', '7N']
    """
    return _TEXTS[parse_call(call)]


def parse_call(call: CallLike) -> int:
    """Read a call from its text, or check its number.

    Raises
    ------
    ValueError
        If it is no call.

    Examples
    --------
    >>> parse_call("1NT"), parse_call("pass"), parse_call("7♣")
    (7, 0, 33)
    """
    if isinstance(call, str):
        number = _NUMBERS.get(call.strip().upper())
        if number is not None:
            return number
    elif isinstance(call, (int, np.integer)) and not isinstance(call, bool):
        if 0 <= call < N_CALLS:
            return int(call)
        raise ValueError(f"call {call} is out of range, expected 0 to {N_CALLS - 1}")
    raise ValueError(f"unknown call {call!r}, expected P, X, XX or a bid from 1C to 7N")


class Call(int):
    """A call: its number 0..37, which is also its text.

    Parameters
    ----------
    call : int or str
        As `parse_call` takes it. There is one object of each call.

    Raises
    ------
    ValueError
        If it is no call.

    Examples
    --------
    >>> call = Call("1NT")
    >>> call, str(call), int(call), call == 7
    (Call('1N'), '1N', 7, True)
    >>> call.level, call.strain, Call("X").strain
    (1, <Strain.NT: 4>, None)
    """

    __slots__ = ()

    def __new__(cls, call: CallLike) -> Call:  # noqa: D102 - described above
        return CALLS[parse_call(call)]

    @property
    def level(self) -> int:
        """1 to 7; 0 for a pass, a double or a redouble."""
        return (self - FIRST_BID) // 5 + 1 if self >= FIRST_BID else 0

    @property
    def strain(self) -> Strain | None:
        """The strain of a bid; None for a pass, a double or a redouble."""
        return Strain((self - FIRST_BID) % 5) if self >= FIRST_BID else None

    def __reduce__(self) -> tuple[type[Call], tuple[int]]:
        return Call, (int(self),)

    def __str__(self) -> str:
        return _TEXTS[self]

    def __repr__(self) -> str:
        return f"Call({_TEXTS[self]!r})"


CALLS = tuple(int.__new__(Call, number) for number in range(N_CALLS))
"""All calls, each at the place of its number."""


class Auction:
    """An auction, from the first call to the last.

    Parameters
    ----------
    calls : str or iterable of calls, default ""
        The calls so far, from the dealer on.
    dealer : Seat, int or str, default "N"

    Raises
    ------
    ValueError
        If a call is not one, or is not legal; the message names it and the auction before it.

    Examples
    --------
    >>> auction = Auction("1C P 1H", dealer="E")
    >>> auction.turn
    <Seat.N: 0>
    >>> auction.push("X")
    >>> print(auction, "-", auction.contract)
    1C P 1H X - 1HX by W
    >>> auction.push("1D")
    Traceback (most recent call last):
    ...
    ValueError: 1D is not sufficient over 1H after "1C P 1H X"
    >>> Auction("P P 1N P P P").contract
    Contract(level=1, strain=<Strain.NT: 4>, doubled=0, declarer=<Seat.S: 2>)
    """

    __slots__ = ("_core",)

    def __init__(self, calls: str | Iterable[CallLike] = "", dealer: SeatLike = "N") -> None:
        self._core = Auctions(1)
        self._core.start(_ONE, np.array([Seat.parse(dealer)], dtype=np.uint8))
        for call in calls.split() if isinstance(calls, str) else calls:
            self.push(call)

    def push(self, call: CallLike) -> None:
        """Make the next call.

        Raises
        ------
        ValueError
            If it is no call, or not legal; the message names it and the auction before it.
        """
        number = np.array([parse_call(call)])
        if not self._core.are_legal(number)[0]:
            raise ValueError(explain_illegal(self._core, 0, int(number[0])))
        self._core.make(_ONE, number)

    @property
    def core(self) -> Auctions:
        """The compiled auction, of one table, which this is a face of."""
        return self._core

    @property
    def dealer(self) -> Seat:
        """Who calls first."""
        return Seat(int(self._core.tables["dealer"][0]))

    @property
    def turn(self) -> Seat:
        """Who calls next; of no meaning when the auction is over."""
        return Seat(int(self._core.turns()[0]))

    @property
    def calls(self) -> list[Call]:
        """The calls so far."""
        return [CALLS[call] for call in calls_at(self._core, 0)]

    @property
    def is_over(self) -> bool:
        """Whether the auction has ended: three passes after a bid, or four at the start."""
        return bool(self._core.over()[0])

    @property
    def legal_calls(self) -> list[Call]:
        """The calls that may be made."""
        return [CALLS[call] for call in np.flatnonzero(self._core.legal_masks()[0]).tolist()]

    @property
    def contract(self) -> Contract:
        """The contract if nobody bids or doubles any more; ``Contract()`` before the first bid."""
        return contract_at(self._core, 0)

    def copy(self) -> Auction:
        """Return another auction with the same calls."""
        return Auction(self.calls, self.dealer)

    def diagram(self) -> str:
        """Write the auction as books do, a column a seat.

        Examples
        --------
        >>> print(Auction("1C P 1H X P 1S", dealer="E").diagram())
        West  North East  South
                    1♣    Pass
        1♥    Dbl   Pass  1♠
        """
        cells = ["West", "North", "East", "South", *[""] * self.dealer.next]
        cells += [BOOK_TEXTS[call] for call in self.calls]
        rows = (cells[i : i + 4] for i in range(0, len(cells), 4))
        return "\n".join("".join(f"{cell:<6}" for cell in row).rstrip() for row in rows)

    def __len__(self) -> int:
        return int(self._core.tables["count"][0])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Auction):
            return NotImplemented
        return self.dealer == other.dealer and self.calls == other.calls

    def __str__(self) -> str:
        return auction_text(self.calls)

    def __repr__(self) -> str:
        return f"Auction({str(self)!r}, dealer={self.dealer.name!r})"


def auction_text(calls: Iterable[int]) -> str:
    """Write calls as text.

    Examples
    --------
    >>> auction_text([3, 0, 7])
    '1C P 1N'
    """
    return " ".join(_TEXTS[call] for call in calls)


def calls_at(auctions: Auctions, table: int) -> list[int]:
    """List the calls at one of many tables."""
    row = auctions.tables[table]
    calls: list[int] = row["calls"][: row["count"]].tolist()
    return calls


def question_at(
    auctions: Auctions, table: int, hand: int, vulnerable: int
) -> tuple[str, str, str, str]:
    """Write as text what a bidder is asked at one of many tables.

    Parameters
    ----------
    auctions : Auctions
    table : int
    hand : int
        Mask of the hand that is to call.
    vulnerable : int
        A place in `bridgevec.scoring.VULNERABILITIES`.

    Returns
    -------
    hand, auction, dealer, vulnerable : str
    """
    return (
        hand_text(int(hand)),
        auction_text(calls_at(auctions, table)),
        Seat(int(auctions.tables["dealer"][table])).name,
        VULNERABILITIES[vulnerable],
    )


def contract_at(auctions: Auctions, table: int) -> Contract:
    """Return the contract at one of many tables, if nobody bids or doubles any more."""
    bid = int(auctions.tables["bid"][table])
    if bid < 0:
        return Contract()
    row, declarer = auctions.tables[table], int(auctions.declarers()[table])
    return Contract(bid // 5 + 1, Strain(bid % 5), int(row["doubled"]), Seat(declarer))


def explain_illegal(auctions: Auctions, table: int, call: int) -> str:
    """Return why a call may not be made at one of many tables."""
    after = f'after "{auction_text(calls_at(auctions, table))}"'
    if not 0 <= call < N_CALLS:
        return f"call {call} is out of range, expected 0 to {N_CALLS - 1}, {after}"
    if auctions.over()[table]:
        return f"{_TEXTS[call]} is too late, the auction is over {after}"
    if call == DOUBLE:
        return f"X needs a bid of the opponents that is not doubled yet, {after}"
    if call == REDOUBLE:
        return f"XX needs a doubled bid of the caller's own side, {after}"
    last = _TEXTS[auctions.tables["bid"][table] + FIRST_BID]
    return f"{_TEXTS[call]} is not sufficient over {last} {after}"
