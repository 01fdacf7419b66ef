"""PBN: boards from records as they are found in the wild, and as the standard writes them.

The standard: "Portable Bridge Notation" 2.1, sections 3.4 (auction), 3.5 (play), 5 (tables).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from bridgevec._laws import replay
from bridgevec.auction import CALLS, FIRST_BID, PASS, Auction, Call, explain_illegal
from bridgevec.board import Board, contract_of, who_played
from bridgevec.cards import Deal, Seat, card_text
from bridgevec.records.calls import PLAY_WORD, calls_of, read_card, simple_calls
from bridgevec.records.pbn_records import Record, read_records
from bridgevec.records.policy import Report
from bridgevec.records.source import decoded
from bridgevec.scoring import Contract, Vulnerability, board_conditions, parse_vulnerable

# fmt: off
_ORDER = (
    "Event", "Site", "Date", "Board", "West", "North", "East", "South", "Dealer", "Vulnerable",
    "Deal", "Scoring", "Declarer", "Contract", "Result",
)
# fmt: on
_KNOWN = (*_ORDER, "Auction", "Play", "Note", "Room", "Score", "Stage", "Round", "Table")
_CANONICAL = {name.lower(): name for name in _KNOWN}
_OWN = {"board", "dealer", "vulnerable", "deal", "auction", "play", "contract", "declarer"}
_OWN |= {"result", "note"}
_TO_ESCAPE = re.compile(r'\\(?=["\\]|$)')


def read_pbn(chunks: Iterable[str], name: str, report: Report) -> Iterator[Board]:
    """Read the boards of PBN text.

    Parameters
    ----------
    chunks : iterable of str
        As `read_records` takes them.
    name : str
        The file's, for messages.
    report : Report
        Told of what is wrong.

    Yields
    ------
    Board
    """
    for record in read_records(chunks):
        board = record_board(record, name, report)
        if board is not None:
            yield board


def record_board(record: Record, name: str, report: Report) -> Board | None:
    """Make a board from a record, or report why not."""
    tags = record.tags
    label = f"board {tags['board']}" if tags["board"] else f"record {record.place}"
    for remark in record.remarks:
        report.remark(name, label, remark)
    if record.broken:
        report.leave_out(name, label, record.broken)
        return None
    if not (record.given.get("deal") or record.is_of_a_board):
        return None
    try:
        deal = record.deal()
    except ValueError as error:
        report.leave_out(name, label, error)
        return None
    trouble: list[str] = []
    board = _BoardOf(record, deal, trouble).board()
    for remark in trouble:
        report.remark(name, label, remark)
    return board


_SEATS = {
    name: seat
    for seat, full in zip(Seat, ("North", "East", "South", "West"), strict=True)
    for name in (seat.name, seat.name.lower(), full, full.lower(), full.upper())
}


class _BoardOf:
    """A board in the making, by the tags of a record."""

    def __init__(self, record: Record, deal: Deal, trouble: list[str]) -> None:
        self.record, self.deal, self.trouble = record, deal, trouble
        self.tags = record.tags

    def board(self) -> Board:
        tags, trouble = self.tags, self.trouble
        others: dict[str, str] = {}
        auction = play = ""
        for key, name, _, section in self.record.parts:
            if key == "auction":
                auction = auction or section
            elif key == "play":
                play = play or section
            elif key not in _OWN:
                value = tags[key]
                if key in _CANONICAL:
                    name = _CANONICAL[key]
                elif rest := section.strip():
                    value += "\n" + decoded("\n".join(map(str.strip, rest.splitlines())))
                others.setdefault(name, value)
        if len(self.tags) > len(self.record.parts):
            for key, value in self.record.given.items():
                if value == "#" and key not in _OWN:
                    others.setdefault(_CANONICAL.get(key, key.title()), tags[key])
        number = tags["board"]
        dealer = self._dealer(number)
        vulnerable = self._vulnerable(number)
        contract, declarer = self._contract()
        calls: tuple[Call, ...] = ()
        notes: dict[int, str] = {}
        marks: dict[int, str] = {}
        if auction and not auction.isspace():
            calls, notes, marks = self._auction(auction, dealer, contract, declarer)
        full = None
        if contract is not None and (declarer is not None or not contract.level):
            full = _with_declarer(contract, declarer)
        doubtful = False
        if calls:
            _, over, bid, doubled, by = replay(bytes(calls), dealer)
            if over:
                real = Contract() if bid < 0 else contract_of(bid, doubled, by)
                if full is not None and full != real:
                    trouble.append(f"contract {full} does not fit the auction, which gives {real}")
                    doubtful = bool((real.declarer ^ full.declarer) & 1)
                full = real
        parts: dict[str, Any] = {
            "deal": self.deal,
            "dealer": dealer,
            "vulnerable": vulnerable,
            "auction": calls,
            "number": number,
            "contract": full,
            "result": None if doubtful else self._result(full),
            "tags": others,
            "notes": notes,
            "marks": marks,
        }
        if not play or play.isspace():
            return Board(**parts)
        cards, play_notes, claimed = self._play(play, full)
        try:
            return Board(**parts, play=cards, claimed=claimed, play_notes=play_notes)
        except ValueError as error:  # the play: all else has been looked at
            trouble.append(f"the play is left out, {error}")
            return Board(**parts)

    def _dealer(self, number: str) -> Seat:
        text = self.tags["dealer"]
        if (seat := _SEATS.get(text)) is not None:
            return seat
        by_law = by_number(number)
        seat = by_law[0] if by_law else None
        if seat is None:
            seat = _SEATS.get(self.tags.get("auction", ""))
        seat = Seat.N if seat is None else seat
        if text not in ("", "?", "-"):
            self.trouble.append(f"unknown dealer {text!r}, taken for {seat.name}")
        return seat

    def _vulnerable(self, number: str) -> Vulnerability:
        text = self.tags["vulnerable"]
        by_law = by_number(number)
        otherwise = by_law[1] if by_law else Vulnerability.NONE
        if text in ("", "?"):
            return otherwise
        try:
            return _vulnerability(text)
        except ValueError as error:
            self.trouble.append(f"{error}; taken for {otherwise}")
            return otherwise

    def _contract(self) -> tuple[Contract | None, Seat | None]:
        """The contract as far as the tags tell it, and the declarer, if it is a real one."""
        by = self.tags.get("declarer", "")
        declarer = _SEATS.get(by[-1:] if by[:1] == "^" else by)
        text = self.tags.get("contract", "")
        if text in ("", "?", "-"):
            return None, declarer
        try:
            return _read_contract(text), declarer
        except ValueError as error:
            self.trouble.append(str(error))
            return None, declarer

    def _result(self, contract: Contract | None) -> int | None:
        text = self.tags.get("result", "")
        if text in ("", "?", "-") or contract is None or not contract.level:
            return None
        if text.isdecimal() and int(text) <= 13:
            return int(text)
        found = re.fullmatch(
            r"\^?(?:(NS|EW)\s+)?(\d+)(?:\s+(NS|EW)\s+\d+)?|\^?(=|[+-]\s*\d+)", text, re.IGNORECASE
        )
        if found:
            side, number, _, relative = found.groups()
            tricks = int(number) if number else 0
            if relative:
                over = 0 if relative == "=" else int(relative.replace(" ", ""))
                tricks = contract.level + 6 + over
            elif side and (side.upper() == "EW") != bool(contract.declarer & 1):
                tricks = 13 - tricks
            if 0 <= tricks <= 13:
                return tricks
        self.trouble.append(f"unknown result {text!r}")
        return None

    def _notes(self, of: str) -> dict[str, str]:
        """The notes after an auction or a play, by their numbers."""
        notes: dict[str, str] = {}
        at = ""
        for key, _, value, _ in self.record.parts:
            if key == "note" and at == of:
                number, _, text = value.partition(":")
                notes.setdefault(number.strip(), text.strip())
            elif key in ("auction", "play"):
                at = key
        return notes

    def _auction(
        self,
        section: str,
        dealer: Seat,
        contract: Contract | None,
        declarer: Seat | None,
    ) -> tuple[tuple[Call, ...], dict[int, str], dict[int, str]]:
        """The calls from the dealer on, their notes and marks; none if something is wrong."""
        nothing: tuple[tuple[Call, ...], dict[int, str], dict[int, str]] = ((), {}, {})
        if "%" in section:  # in the middle of a line, where it is no comment by the standard
            section = re.sub(r"(?<!\S)%[^\r\n]*", "", section)
        words = decoded(section).split()
        if not words:
            return nothing
        found = simple_calls(words)
        try:
            read = found if found is not None else calls_of(" ".join(words))
            calls, gap, ended = read.calls, read.gap, read.ended
            if not calls:
                return nothing
            text = self.tags["auction"]
            if text not in ("", "?", "#", "-") and text not in _SEATS:
                raise ValueError(f"unknown seat {text!r} before it")
            first = _SEATS.get(text, dealer)
            missing = (first + gap - dealer) % 4
            missing = self._missing(calls, missing, gap, dealer, contract, declarer)
            if missing:
                calls = [PASS] * missing + calls
            wrong, over, bid, doubled, _ = replay(bytes(calls), dealer)
            if wrong >= 0:
                _, is_over, *_ = replay(bytes(calls[:wrong]), dealer)
                if not (is_over and not any(calls[wrong:])):
                    table = Auction(calls[:wrong], dealer)
                    raise ValueError(explain_illegal(table.core, 0, calls[wrong]))
                self.trouble.append("the auction has more passes than it takes to end it")
                calls = calls[:wrong]
            elif not over and not ended and contract is not None and bid >= 0:
                same = (contract.level - 1) * 5 + contract.strain == bid
                if contract.level and same and contract.doubled == doubled:
                    # Its last passes are left out, as the contract confirms.
                    passes = next((i for i, call in enumerate(reversed(calls)) if call), 0)
                    calls = calls + [PASS] * (3 - passes)
        except ValueError as error:
            self.trouble.append(f"the auction is left out, {error}")
            return nothing
        notes = {}
        if read.notes:
            texts = self._notes("auction")
            notes = {
                place + missing: texts[number]
                for place, number in read.notes.items()
                if number in texts
            }
        marks = {place + missing: mark for place, mark in read.marks.items()}
        return tuple(map(CALLS.__getitem__, calls)), notes, marks

    def _missing(
        self,
        calls: list[int],
        missing: int,
        gap: int,
        dealer: Seat,
        contract: Contract | None,
        declarer: Seat | None,
    ) -> int:
        """Return how many passes before the first call are left out."""
        if missing > gap and calls[0] == PASS:
            raise ValueError("it does not begin with the dealer")
        bids = [i for i, call in enumerate(calls) if call >= FIRST_BID]
        if declarer is None or not bids:
            return missing
        last = calls[bids[-1]] - FIRST_BID
        if contract is not None and (contract.level - 1) * 5 + contract.strain != last:
            return missing
        side = (i for i in bids if (bids[-1] - i) % 2 == 0)
        named = next(i for i in side if (calls[i] - FIRST_BID - last) % 5 == 0)
        needed = (declarer - dealer - named) % 4
        if needed != missing:
            if calls[0] != PASS and not gap:
                return needed
            self.trouble.append(f"declarer {declarer.name} does not fit the auction")
        return missing

    def _play(
        self, section: str, contract: Contract | None
    ) -> tuple[list[str], dict[int, str], bool]:
        """The cards in the order of play, their notes, and whether there was a claim."""
        claimed = False
        columns: list[int | None] = []
        numbers: dict[int, str] = {}
        try:
            for word in PLAY_WORD.findall(section):
                if word in ("*", "+"):
                    claimed = word == "*"
                    break
                if word.startswith("="):
                    if columns:
                        numbers.setdefault(len(columns) - 1, word.strip("= "))
                elif word.startswith("^"):
                    raise ValueError(f"{word!r} stands in it, an irregularity")
                elif word.startswith("$"):
                    continue
                elif word.strip("-") == "":
                    columns.append(None)
                else:
                    columns.append(read_card(word))
            if not any(card is not None for card in columns):
                return [], {}, claimed
            if contract is None or not contract.level:
                raise ValueError("there is no contract")
            leader = contract.declarer.next
            first = _SEATS.get(self.tags["play"], leader)
            cards, order = _in_order(columns, first, leader, contract.strain)
            if len(cards) < sum(card is not None for card in columns):
                raise ValueError("a card is missing before others of its trick")
        except ValueError as error:
            self.trouble.append(f"the play is left out, {error}")
            return [], {}, False
        notes = {}
        if numbers:
            texts = self._notes("play")
            notes = {
                order.index(column): texts[number]
                for column, number in numbers.items()
                if number in texts and column in order
            }
        return [card_text(card) for card in cards], dict(sorted(notes.items())), claimed


def _in_order(
    columns: list[int | None], first: int, leader: int, strain: int
) -> tuple[list[int], list[int]]:
    """Put the cards of tricks, which stand by seats, in the order of play; and their columns."""
    cards: list[int] = []
    order: list[int] = []
    for start in range(0, len(columns), 4):
        trick = columns[start : start + 4]
        for i in range(4):
            column = (leader + i - first) & 3
            card = trick[column] if column < len(trick) else None
            if card is None:
                return cards, order
            cards.append(card)
            order.append(start + column)
        leader = who_played(cards[-4:], strain, leader)[-1]
    return cards, order


@lru_cache(maxsize=256)
def by_number(number: str) -> tuple[Seat, Vulnerability] | None:
    """Dealer and vulnerability by Law 2, if it is a number."""
    if not (number.isascii() and number.isdecimal() and int(number)):
        return None
    dealer, vulnerable = board_conditions(int(number))
    return dealer, Vulnerability.parse(vulnerable)


@lru_cache(maxsize=256)
def _vulnerability(text: str) -> Vulnerability:
    return Vulnerability(parse_vulnerable(text))


@lru_cache(maxsize=512)
def _read_contract(text: str) -> Contract:
    """Read a contract without its declarer, taken for North."""
    if text.strip().upper() in ("PASS", "P", "PASSED OUT", "ALL PASS", "AP", "-", "PASS OUT"):
        return Contract()
    try:
        return Contract.parse(f"{text.strip().removeprefix('^')} by N")
    except ValueError:
        pass
    try:
        return Contract.parse(text)
    except ValueError:
        raise ValueError(f"unknown contract {text!r}") from None


@lru_cache(maxsize=2048)
def _with_declarer(contract: Contract, declarer: Seat | None) -> Contract:
    if not contract.level or declarer is None:
        return contract
    return Contract(contract.level, contract.strain, contract.doubled, declarer)


# -- writing

_MARK = re.compile(r"(?:[!?]+|\*+|\$\d+|\([^()\s]*\))+")


def board_pbn(board: Board) -> str:
    r"""Write a board as a record of PBN.

    Parameters
    ----------
    board : Board

    Returns
    -------
    str

    Examples
    --------
    >>> deal = "N:KT4.JT76532.A.KT J972.4.QJ874.Q94 865.AK9.KT3.J862 AQ3.Q8.9652.A753"
    >>> print(board_pbn(Board(deal, auction="1H P 4H P P P", number=1)), end="")
    [Board "1"]
    [Dealer "N"]
    [Vulnerable "None"]
    [Deal "N:KT4.JT76532.A.KT J972.4.QJ874.Q94 865.AK9.KT3.J862 AQ3.Q8.9652.A753"]
    [Declarer "N"]
    [Contract "4H"]
    [Auction "N"]
    1H Pass 4H Pass
    Pass Pass
    """
    own = {
        # Also if there is none: without the tag it would be the number of the board before.
        "Board": board.number,
        "Dealer": board.dealer.name,
        "Vulnerable": str(board.vulnerable),
        "Deal": board.deal.pbn,
    }
    contract = board.contract
    if contract is not None:
        own["Declarer"] = contract.declarer.name if contract.level else ""
        own["Contract"] = str(contract).partition(" ")[0]
        if board.result is not None:
            own["Result"] = str(board.result)
    tags = dict(board.tags)
    lines = []
    for name in _ORDER:
        value = own.get(name, tags.pop(name, None))
        if value is not None:
            lines.append(f'[{name} "{_escape(value)}"]')
    tables: list[str] = []
    for name, value in tags.items():
        if name.lower() not in _OWN and re.fullmatch(r"\w+", name):
            first, *rows = value.split("\n")
            (tables if rows else lines).append("\n".join([f'[{name} "{_escape(first)}"]', *rows]))
    if board.calls:
        lines += _auction_lines(board)
    if board.play or board.claimed:
        lines += _play_lines(board)
    return "\n".join([*lines, *tables, ""])


def _escape(value: str) -> str:
    value = " ".join(value.splitlines())
    if '"' in value or "\\" in value:
        value = _TO_ESCAPE.sub(r"\\\\", value).replace('"', '\\"')
    return value


def _auction_lines(board: Board) -> list[str]:
    numbers = {place: i for i, place in enumerate(sorted(board.notes), 1)}
    cells = []
    for place, call in enumerate(board.calls):
        text = ("Pass", "X", "XX")[call] if call < FIRST_BID else str(call).replace("N", "NT")
        mark = board.marks.get(place, "")
        if _MARK.fullmatch(mark):
            text += mark
        if place in numbers:
            text += f" ={numbers[place]}="
        cells.append(text)
    if not replay(bytes(board.calls), board.dealer)[1]:
        cells.append("+")
    rows = [" ".join(cells[i : i + 4]) for i in range(0, len(cells), 4)]
    notes = [f'[Note "{i}:{_escape(board.notes[place])}"]' for place, i in numbers.items()]
    return [f'[Auction "{board.dealer.name}"]', *rows, *notes]


def _play_lines(board: Board) -> list[str]:
    seats = board.seats
    if not seats:
        return []
    leader = seats[0]
    numbers = {place: i for i, place in enumerate(sorted(board.play_notes), 1)}
    rows = []
    for start in range(0, len(board.play), 4):
        cells = ["- "] * 4
        for place in range(start, min(start + 4, len(board.play))):
            note = f" ={numbers[place]}=" if place in numbers else ""
            cells[(seats[place] - leader) & 3] = board.play[place] + note
        rows.append(" ".join(cells).rstrip())
    if len(board.play) < 52:
        rows.append("*" if board.claimed else "+")
    notes = [f'[Note "{i}:{_escape(board.play_notes[place])}"]' for place, i in numbers.items()]
    return [f'[Play "{leader.name}"]', *rows, *notes]
