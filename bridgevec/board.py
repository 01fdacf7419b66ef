"""A board: the deal, who dealt and is vulnerable, what was called and played, what came of it.

A `Board` never changes; `Board.replace` makes another one. Vulnerability is absolute, and seats
are real ones. `bridgevec.records` reads boards from files of any kind and writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from types import MappingProxyType
from typing import Any, TypeAlias

from bridgevec._laws import replay
from bridgevec.auction import CALLS, Auction, Call, CallLike, auction_text, parse_call
from bridgevec.cards import (
    CARD_NUMBERS,
    Deal,
    DealLike,
    Hand,
    Seat,
    SeatLike,
    Strain,
    card_text,
    parse_cards,
)
from bridgevec.extras import require
from bridgevec.scoring import Contract, Vulnerability, board_conditions, score

__all__ = ["Board", "BoardLike", "SeenBoard", "Vulnerability", "tricks_taken", "who_played"]

BoardLike: TypeAlias = Any
"""A `Board`, an ``endplay.types.Board``, or a deal in any form `Deal` takes."""

_PASSED_OUT = Contract()
_NOTHING: Mapping[Any, Any] = MappingProxyType({})
_CARD_TEXTS = tuple(CARD_NUMBERS)


def who_played(cards: Sequence[int], strain: int, leader: int) -> list[Seat]:
    """Return who played each card, and who is to play after the last.

    Parameters
    ----------
    cards : sequence of int
        In the order of play, 0..51.
    strain : int
        Trumps, as in `Strain`.
    leader : int
        The seat that leads to the first trick.

    Returns
    -------
    list of Seat
        One more than there are cards.

    Examples
    --------
    >>> [seat.name for seat in who_played([28, 27, 37, 26], Strain.H, Seat.E)]
    ['E', 'S', 'W', 'N', 'N']
    """
    trump = 3 - strain  # by the suits' order among the cards; -1 for notrump
    seats: list[Seat] = []
    first = int(leader)
    for start in range(0, len(cards), 4):
        trick = cards[start : start + 4]
        seats += [_SEATS[(first + i) & 3] for i in range(len(trick))]
        best, best_suit = trick[0], trick[0] // 13
        winner = 0
        for i, card in enumerate(trick[1:], 1):
            suit = card // 13
            if (suit == best_suit and card < best) or (suit == trump and best_suit != trump):
                best, best_suit, winner = card, suit, i
        first = (first + (winner if len(trick) == 4 else len(trick))) & 3
    seats.append(_SEATS[first])
    return seats


_SEATS = tuple(Seat)


def tricks_taken(seats: Sequence[Seat], side: int) -> int:
    """Count the tricks of a side, 0 for North-South, of those that are over.

    Parameters
    ----------
    seats : sequence of Seat
        As from `who_played`.
    side : int
    """
    return sum(seat & 1 == side for seat in seats[4::4])


@cache
def contract_of(bid: int, doubled: int, declarer: int) -> Contract:
    """Make the contract of the last bid, 0 = 1C … 34 = 7N; always the same object."""
    return Contract(bid // 5 + 1, Strain(bid % 5), doubled, _SEATS[declarer])


class Board:
    """A deal with everything that belongs to it at the table.

    Parameters
    ----------
    deal : deal
        In any form `Deal` takes; also an ``endplay.types.Board``, all of which is taken over.
    dealer : Seat, int or str, optional
        By default the one of the board's number (Law 2), else the auction's, else North.
    vulnerable : Vulnerability, int or str, optional
        Who really is, ``"None"``, ``"NS"``, ``"EW"`` or ``"All"``. By default as the board's number
        has it (Law 2), else nobody.
    auction : str, Auction or iterable of calls, default ""
        The calls from the dealer on.
    number : int or str, default ""
        What stands on the board. A text such as ``"A1"`` stays one.
    contract : Contract or str, optional
        Where the auction is not known to its end; else it follows from the auction.
    play : str or iterable of cards, default ""
        In the order of play, the opening lead first: ``"DQ DK D2 DA"``.
    result : int, optional
        Tricks that the declarer's side took. If all cards were played, it follows from them.
    claimed : bool, default False
        Whether the play ended by a claim.
    tags : mapping of str to str, optional
        What else is known, by the names of PBN's tags: ``"Event"``, ``"North"``, …
    notes, marks : mapping of int to str, optional
        Explanations of calls, and marks such as ``"!"``, by the place of the call, from 0.
    play_notes : mapping of int to str, optional
        Explanations of cards, by their place in the play.

    Attributes
    ----------
    deal : Deal
    dealer : Seat
    vulnerable : Vulnerability
    calls : tuple of Call
    number : str
    contract : Contract or None
        None as long as it is not known.
    play : tuple of str
    result : int or None
    claimed : bool
    tags, notes, marks, play_notes : mapping

    Raises
    ------
    ValueError
        If a part is not what it should be: a call that is not legal, a contract that is not the
        auction's, a card that was not the player's.

    Examples
    --------
    >>> deal = "N:KT4.JT76532.A.KT J972.4.QJ874.Q94 865.AK9.KT3.J862 AQ3.Q8.9652.A753"
    >>> board = Board(deal, auction="1H P 2N P 4H P P P", number=1, play="DQ DK D2 DA", result=10)
    >>> board.dealer.name, str(board.vulnerable), str(board.contract), board.score
    ('N', 'None', '4H by N', 420)
    >>> board.seen_by("E").hand
    'J972.4.QJ874.Q94'
    >>> eval(repr(board)) == board
    True
    """

    __slots__ = (
        "calls",
        "claimed",
        "contract",
        "deal",
        "dealer",
        "marks",
        "notes",
        "number",
        "play",
        "play_notes",
        "result",
        "tags",
        "vulnerable",
    )

    deal: Deal
    dealer: Seat
    vulnerable: Vulnerability
    calls: tuple[Call, ...]
    number: str
    contract: Contract | None
    play: tuple[str, ...]
    result: int | None
    claimed: bool
    tags: Mapping[str, str]
    notes: Mapping[int, str]
    marks: Mapping[int, str]
    play_notes: Mapping[int, str]

    def __init__(
        self,
        deal: BoardLike,
        dealer: SeatLike | None = None,
        vulnerable: Vulnerability | int | str | None = None,
        auction: str | Auction | Iterable[CallLike] = "",
        *,
        number: int | str = "",
        contract: Contract | str | None = None,
        play: str | Iterable[int | str] = "",
        result: int | None = None,
        claimed: bool = False,
        tags: Mapping[str, str] | None = None,
        notes: Mapping[int, str] | None = None,
        marks: Mapping[int, str] | None = None,
        play_notes: Mapping[int, str] | None = None,
    ) -> None:
        if _is_endplay_board(deal):
            given = _from_endplay(deal)
            own: dict[str, Any] = {"dealer": dealer, "vulnerable": vulnerable, "auction": auction}
            own |= {"number": number, "contract": contract, "play": play, "result": result}
            own |= {"claimed": claimed, "tags": tags, "notes": notes, "marks": marks}
            own |= {"play_notes": play_notes}
            self.__init__(**given | {k: v for k, v in own.items() if v})  # type: ignore[misc]
            return
        place = object.__setattr__
        place(self, "deal", deal if type(deal) is Deal else Deal(deal))
        number = str(number).strip()
        place(self, "number", number)
        by_number = None
        if (dealer is None or vulnerable is None) and number.isdecimal() and number.isascii():
            by_number = board_conditions(int(number)) if int(number) else None
        if dealer is None:
            given_by = auction.dealer if isinstance(auction, Auction) else Seat.N
            dealer = by_number[0] if by_number else given_by
        elif type(dealer) is not Seat:
            dealer = Seat.parse(dealer)
        if isinstance(auction, Auction) and auction.calls and auction.dealer != dealer:
            raise ValueError(
                f"the auction has dealer {auction.dealer.name}, the board {dealer.name}"
            )
        place(self, "dealer", dealer)
        if vulnerable is None:
            vulnerable = by_number[1] if by_number else 0
        if type(vulnerable) is not Vulnerability:
            vulnerable = Vulnerability.parse(vulnerable)
        place(self, "vulnerable", vulnerable)
        if type(auction) is tuple and all(type(call) is Call for call in auction):
            calls: tuple[Call, ...] = auction
        else:
            words: Iterable[CallLike] = (
                auction.calls
                if isinstance(auction, Auction)
                else auction.split()
                if isinstance(auction, str)
                else auction
            )
            calls = tuple(CALLS[parse_call(call)] for call in words)
        place(self, "calls", calls)
        if contract is not None:
            contract = Contract.parse(contract)
        if calls:
            wrong, over, bid, doubled, declarer = replay(bytes(calls), dealer)
            if wrong >= 0:
                Auction(calls, dealer)  # says why
            if over:
                told = contract
                contract = _PASSED_OUT
                if bid >= 0:
                    contract = contract_of(bid, doubled, declarer)
                if told is not None and told != contract:
                    raise ValueError(f"contract {told} does not fit the auction, {contract}")
        place(self, "contract", contract)
        place(self, "play", ())
        if play:
            result = self._set_play(play, contract, result)
        if result is not None and not (
            isinstance(result, int) and type(result) is not bool and 0 <= result <= 13
        ):
            raise ValueError(f"result is {result!r}, expected 0 to 13 tricks")
        place(self, "result", result)
        place(self, "claimed", bool(claimed))
        place(self, "tags", MappingProxyType(dict(tags)) if tags else _NOTHING)
        place(self, "notes", MappingProxyType(dict(notes)) if notes else _NOTHING)
        place(self, "marks", MappingProxyType(dict(marks)) if marks else _NOTHING)
        place(self, "play_notes", MappingProxyType(dict(play_notes)) if play_notes else _NOTHING)

    def _set_play(
        self, play: str | Iterable[int | str], contract: Contract | None, result: int | None
    ) -> int | None:
        cards = parse_cards(play.split() if isinstance(play, str) else play)
        if contract is None or not contract.level:
            raise ValueError("cards were played, but there is no contract")
        seats = who_played(cards, contract.strain, contract.declarer.next)
        left = list(self.deal.masks)
        for card, seat in zip(cards, seats, strict=False):
            if not left[seat] >> card & 1:
                held = self.deal.masks[seat] >> card & 1
                problem = "was played before" if held else f"is not in {seat.name}'s hand"
                raise ValueError(f"card {card_text(card)} {problem}")
            left[seat] ^= 1 << card
        object.__setattr__(self, "play", tuple(_CARD_TEXTS[card] for card in cards))
        if len(cards) == 52 and result is None:
            return tricks_taken(seats, contract.declarer & 1)
        return result

    @classmethod
    def of(cls, board: BoardLike) -> Board:
        """Take a board as it is, and make one of an endplay board or a deal."""
        return board if isinstance(board, Board) else cls(board)

    def replace(self, **changes: Any) -> Board:
        """Return a board with some parts changed, named as the parameters are.

        A contract that follows from the auction does so anew.

        Examples
        --------
        >>> deal = "N:KT4.JT76532.A.KT J972.4.QJ874.Q94 865.AK9.KT3.J862 AQ3.Q8.9652.A753"
        >>> Board(deal, number=1).replace(auction="P P P P").contract
        Contract(level=0, strain=<Strain.C: 0>, doubled=0, declarer=<Seat.N: 0>)
        """
        parts = self._parts()
        if "auction" in changes or self._is_over:
            parts.pop("contract")
        return Board(**parts | changes)

    def _parts(self) -> dict[str, Any]:
        parts = {name: getattr(self, name) for name in Board.__slots__}
        return parts | {"auction": parts.pop("calls")}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Board cannot be changed: {name}; see Board.replace")

    def __reduce__(self) -> tuple[Any, ...]:
        parts = self._parts()
        for name in ("tags", "notes", "marks", "play_notes"):
            parts[name] = dict(parts[name])
        return _rebuilt, (parts,)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Board):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in Board.__slots__)

    def __hash__(self) -> int:
        return hash((self.deal, self.dealer, self.vulnerable, self.calls, self.play, self.number))

    def __getitem__(self, seat: SeatLike) -> Hand:
        return self.deal[seat]

    @property
    def auction(self) -> Auction:
        """The auction; without calls if none is known. To add calls to it changes no board."""
        return Auction(self.calls, self.dealer)

    @property
    def turn(self) -> Seat | None:
        """Who is to call, or to play a card; None if the play is over, or the deal passed out."""
        if not self.play and not self._is_bid:
            return _SEATS[(self.dealer + len(self.calls)) & 3]
        if self.contract is None or not self.contract.level or self.claimed or len(self.play) > 51:
            return None
        return self.seats[-1]

    @property
    def _is_bid(self) -> bool:
        if self.contract is not None:
            return True
        return self._is_over

    @property
    def _is_over(self) -> bool:
        return bool(self.calls) and bool(replay(bytes(self.calls), self.dealer)[1])

    @property
    def alerts(self) -> tuple[int, ...]:
        """The places of the calls that were explained, or marked other than good or bad."""
        marked = {i for i, mark in self.marks.items() if not mark.startswith("$")}
        return tuple(sorted(marked | set(self.notes)))

    @property
    def seats(self) -> tuple[Seat, ...]:
        """Who played each card, and who is to play next; empty without a contract."""
        if self.contract is None or not self.contract.level:
            return ()
        cards = [CARD_NUMBERS[card] for card in self.play]
        return tuple(who_played(cards, self.contract.strain, self.contract.declarer.next))

    @property
    def score(self) -> int | None:
        """Points for North-South, None if contract or result is not known."""
        if self.contract is None:
            return None
        if not self.contract.level:
            return 0
        if self.result is None:
            return None
        points = score(self.contract, self.result, self.vulnerable)
        return -points if self.contract.declarer & 1 else points

    def seen_by(self, seat: SeatLike) -> SeenBoard:
        """Return what a player sees: their own hand, the calls, the cards played, and dummy's hand.

        Dummy's hand is seen once the opening lead is made; dummy itself is then also the one whose
        own hand everybody sees.

        Examples
        --------
        >>> deal = "N:KT4.JT76532.A.KT J972.4.QJ874.Q94 865.AK9.KT3.J862 AQ3.Q8.9652.A753"
        >>> board = Board(deal, auction="1H P 2N P 4H P P P", play="DQ")
        >>> seen = board.seen_by("W")
        >>> seen.hand, seen.dummy.name, seen.dummy_hand
        ('AQ3.Q8.9652.A753', 'S', '865.AK9.KT3.J862')
        """
        seat = Seat.parse(seat)
        dummy = self.contract.declarer.partner if self.contract and self.contract.level else None
        return SeenBoard(
            seat,
            self.deal[seat],
            self.dealer,
            self.vulnerable,
            self.calls,
            self.number,
            self.contract,
            self.play,
            dummy,
            self.deal[dummy] if dummy is not None and self.play else None,
        )

    def to_endplay(self) -> Any:
        """The same board as an ``endplay.types.Board`` (needs endplay)."""
        require("endplay")
        from endplay.types import Bid, Card, Denom, Penalty, Player, Vul
        from endplay.types import Board as EndplayBoard
        from endplay.types import Contract as EndplayContract

        contract = None
        if self.contract is not None:
            contract = EndplayContract("pass")
            if self.contract.level:
                result = 0 if self.result is None else self.result - self.contract.level - 6
                contract = EndplayContract(
                    level=self.contract.level,
                    denom=Denom.find("CDHSN"[self.contract.strain]),
                    penalty=Penalty.find(("pass", "x", "xx")[self.contract.doubled]),
                    declarer=Player.find(self.contract.declarer.name),
                    result=result,
                )
        return EndplayBoard(
            self.deal.to_endplay(),
            [Bid("Pass" if call == 0 else str(call)) for call in self.calls],
            [Card(card) for card in self.play],
            board_num=int(self.number) if self.number.isdecimal() else None,
            vul=Vul.find(str(self.vulnerable)),
            dealer=Player.find(self.dealer.name),
            contract=contract,
            claimed=self.claimed,
            **self.tags,
        )

    def __repr__(self) -> str:
        parts = [repr(self.deal.pbn), f"dealer={self.dealer.name!r}"]
        parts.append(f"vulnerable={str(self.vulnerable)!r}")
        if self.calls:
            parts.append(f"auction={auction_text(self.calls)!r}")
        if self.number:
            parts.append(f"number={self.number!r}")
        if self.contract is not None and not self._is_over:
            parts.append(f"contract={str(self.contract)!r}")
        if self.play:
            parts.append(f"play={' '.join(self.play)!r}")
        if self.result is not None:
            parts.append(f"result={self.result}")
        if self.claimed:
            parts.append("claimed=True")
        for name in ("tags", "notes", "marks", "play_notes"):
            if value := getattr(self, name):
                parts.append(f"{name}={dict(value)!r}")
        return f"Board({', '.join(parts)})"

    def __str__(self) -> str:
        blocks = [f"{self._heading()}\n{self.deal}"]
        if self.calls:
            blocks.append(self.auction.diagram())
        lines = [self._outcome()] if self.contract is not None else []
        for start in range(0, len(self.play), 4):
            trick = " ".join(self.play[start : start + 4])
            lines.append(f"{start // 4 + 1:>2} {self.seats[start].name}  {trick}")
        if lines:
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)

    def _heading(self) -> str:
        number = f"Board {self.number}, " if self.number else ""
        return f"{number}dealer {self.dealer.name}, vulnerable {self.vulnerable}"

    def _outcome(self) -> str:
        if self.contract is None:
            return ""
        if not self.contract.level:
            return "passed out"
        taken = "" if self.result is None else f", {self.result} tricks: {self.score:+d}"
        return f"{self.contract}{taken}{' (claimed)' if self.claimed else ''}"

    def _repr_html_(self) -> str:
        cells: list[str] = []
        if self.calls:
            names = ["West", "North", "East", "South"]
            texts = names + [""] * self.dealer.next
            for i, call in enumerate(self.calls):
                note = escape(self.notes.get(i, ""), quote=True)
                title = f' title="{note}"' if note else ""
                mark = "*" if i in self.alerts else ""
                texts.append(f"<span{title}>{escape(str(call))}{mark}</span>")
            rows = (texts[i : i + 4] for i in range(0, len(texts), 4))
            body = "".join(
                "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows
            )
            cells.append(f'<table style="font-family:monospace">{body}</table>')
        return (
            f"<div><p>{escape(self._heading())}</p>{self.deal._repr_html_()}"
            f"{''.join(cells)}<p>{escape(self._outcome())}</p></div>"
        )


def _rebuilt(parts: dict[str, Any]) -> Board:
    return Board(**parts)


@dataclass(frozen=True)
class SeenBoard:
    """What a player sees of a board; from `Board.seen_by`.

    Attributes
    ----------
    seat : Seat
    hand : Hand
        The player's own.
    dealer : Seat
    vulnerable : Vulnerability
    calls : tuple of Call
    number : str
    contract : Contract or None
    play : tuple of str
        The cards played so far.
    dummy : Seat or None
        Who is dummy, once that is known.
    dummy_hand : Hand or None
        Dummy's thirteen cards, once the opening lead is made.
    """

    seat: Seat
    hand: Hand
    dealer: Seat
    vulnerable: Vulnerability
    calls: tuple[Call, ...]
    number: str
    contract: Contract | None
    play: tuple[str, ...]
    dummy: Seat | None
    dummy_hand: Hand | None

    @property
    def auction(self) -> Auction:
        """The auction so far."""
        return Auction(self.calls, self.dealer)

    @property
    def turn(self) -> Seat:
        """Who calls next, while the auction is not over."""
        return Seat((self.dealer + len(self.calls)) & 3)


def question(asked: Board | SeenBoard) -> tuple[str, str, str, str]:
    """Write as text what a bidder is asked at a board: hand, auction, dealer, vulnerability.

    Parameters
    ----------
    asked : Board or SeenBoard
        Of a `SeenBoard`, it must be the player's own turn.

    Raises
    ------
    ValueError
        If the auction is over, or it is another player's turn.
    """
    auction = asked.auction
    if auction.is_over or (not asked.calls and asked.contract is not None):
        raise ValueError(f'the auction "{auction}" is over')
    seat = auction.turn
    if isinstance(asked, Board):
        hand = asked.deal[seat]
    elif asked.seat == seat:
        hand = asked.hand
    else:
        raise ValueError(f"it is the turn of {seat.name}, not of {asked.seat.name}")
    return hand, str(auction), asked.dealer.name, str(asked.vulnerable)


def iter_boards(boards: Iterable[BoardLike]) -> Iterator[Board]:
    """Take boards, endplay boards and deals as boards."""
    if isinstance(boards, (str, Board, Deal)):
        raise TypeError("expected a sequence of boards, got one")
    return map(Board.of, boards)


def _is_endplay_board(value: object) -> bool:
    kind = type(value)
    return kind.__name__ == "Board" and kind.__module__.partition(".")[0] == "endplay"


def _from_endplay(board: Any) -> dict[str, Any]:
    """Return the parameters of a `Board` by an endplay board."""
    deal: DealLike = board.deal
    found: dict[str, Any] = {"deal": deal}
    if board.board_num is not None:
        found["number"] = str(board.board_num)
    if board.dealer is not None:
        found["dealer"] = board.dealer.abbr
    if board.vul is not None:
        found["vulnerable"] = ("None", "All", "NS", "EW")[int(board.vul)]
    calls = [_endplay_call(bid) for bid in board.auction]
    found["auction"] = tuple(calls)
    found["play"] = [str(card).translate(_PLAIN) for card in board.play]
    found["claimed"] = bool(board.claimed)
    contract = board.contract
    if contract is not None:
        known = _PASSED_OUT
        if not contract.is_passout():
            known = Contract(
                contract.level,
                Strain.parse(contract.denom.abbr),
                int(contract.penalty).bit_length() - 1,
                Seat.parse(contract.declarer.abbr),
            )
            found["result"] = contract.level + 6 + contract.result
        found["contract"] = known
    names = {str(name).title().replace("_", ""): value for name, value in board.info.items()}
    found["tags"] = {name: value for name, value in names.items() if isinstance(value, str)}
    return found


_PLAIN = str.maketrans("♠♥♦♣", "SHDC")


def _endplay_call(bid: Any) -> Call:
    if hasattr(bid, "denom"):
        return Call(f"{bid.level}{bid.denom.abbr}")
    return CALLS[int(bid.penalty).bit_length() - 1]
