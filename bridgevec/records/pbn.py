"""PBN: records as they are found in the wild, and boards as the standard writes them.

A record ends where the tag Event, Board or Deal comes again, or at a blank line if what follows is
not its rest. The standard: "Portable Bridge Notation" 2.1, sections 3 (tags), 3.4 (auction), 3.5
(play), 4.8 (inheritance), 5 (tables).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from bridgevec._auction import replay
from bridgevec.auction import CALLS, FIRST_BID, PASS, Call, auction_text, explain_illegal
from bridgevec.auction import Auction as _Auction
from bridgevec.board import Board, contract_of, who_played
from bridgevec.cards import Deal, Seat, card_text
from bridgevec.records.deals import parse_deal
from bridgevec.records.policy import Report
from bridgevec.records.source import decoded
from bridgevec.scoring import Contract, Vulnerability, board_conditions, parse_vulnerable

_EOL = r"(?>\r*\n|\r)"
# Blank lines by the line ends that there are.
_BLANK = re.compile(r"\n(?:[ \t]*\n)+")
_BLANK_CRLF = re.compile(r"\n(?:[ \t]*\r*\n)+")
_BLANK_CR = re.compile(r"\r(?:[ \t]*\r)+")
# In the absence of blank lines.
_BOUNDARY = re.compile(r"[\r\n]+(?=[ \t]*\[[ \t]*(?:Event|Board)\b)", re.IGNORECASE)
_LONG = 1 << 14
# Texts in quotes stay; comments, and lines of %, are made blank.
_SKIP = re.compile(
    r'"(?:\\.|[^"\\\r\n])*"'
    r"|(?P<comment>\{[^{}]*\}|;[^\r\n]*|(?:(?<=[\r\n])|\A)%[^\r\n]*)"
    r"|(?P<open>\{)"
)
_PLAIN_TAG = re.compile(r'\[[ \t]*(\w+)\s*"([^"\\\r\n]*)"\s*\]')
_TAG = re.compile(
    r'\[\s*(?P<name>\w+)\s*"'
    rf'(?P<value>(?:[^"\\\r\n]|\\.|{_EOL}(?!\s*\[))*)'
    r'"(?:\s*\]|(?=[ \t]*(?:[\r\n]|\Z)))'
)
_TAG_LINE = re.compile(r'[\r\n][ \t]*\[\s*\w+\s*"')
_TAG_START = re.compile(r'\[\s*\w+\s*"[^\r\n]*')
_DEAL_WITHIN = re.compile(r'\[\s*Deal\s*"[NESW]:[^"]{60}', re.IGNORECASE)
_LONGEST_COMMENT = 1 << 16
_STARTS = ("event", "board", "deal")
_OF_A_BOARD = ("board", "deal", "dealer", "vulnerable")
# A record that has one of these is past its deal.
_AFTER_DEAL = {"deal", "auction", "play", "declarer", "contract", "result", "score"}
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


class Tag(NamedTuple):
    """A tag of a record.

    Attributes
    ----------
    key, name, value : str
        `key` is the name in lower case.
    section : str
        What follows up to the next tag, as long as it is there, comments made blank.
    """

    key: str
    name: str
    value: str
    section: str


class PlacedTag(NamedTuple):
    """A tag and where it stands in the file: from its bracket to its bracket."""

    tag: Tag
    start: int
    end: int


@dataclass(slots=True)
class Record:
    """A record of a PBN file, mostly the play of a board at a table.

    Attributes
    ----------
    place : int
        From 1.
    parts : list of Tag
        In their order.
    given : dict of str to str
        The tags as they stand in the record, or ``"#"`` where a ``"##"`` before it makes them go
        on; names in lower case, of a repeated tag the first.
    tags : dict of str to str
        The same with the values that ``"#"`` stands for; board, deal, dealer and vulnerability
        also if the record leaves them out and the one before it is of the same board, or ``""``.
    broken : str
        Why the record cannot be trusted, if so.
    remarks : list of str
        What else is wrong with it.
    """

    place: int
    parts: list[Tag]
    given: dict[str, str]
    tags: dict[str, str]
    broken: str
    remarks: list[str]
    _texts: list[tuple[int, str, int, int]]

    def placed(self) -> list[PlacedTag]:
        """The tags and their places in the file."""
        found = [
            (start + match.start(), start + match.end())
            for start, text, first, last in self._texts
            for match in _matches(text)[first:last]
        ]
        return [PlacedTag(tag, *place) for tag, place in zip(self.parts, found, strict=True)]

    @property
    def label(self) -> str:
        """The board's number, or the record's place."""
        return (self.tags["board"] if "board" in self.given else "") or str(self.place)

    @property
    def has_deal(self) -> bool:
        """Whether a deal stands in the record itself."""
        return self.given.get("deal", "").removeprefix("##") not in ("", "#")

    @property
    def is_of_a_board(self) -> bool:
        """Whether it is about a board, not just about an event."""
        return any(name in self.given for name in ("board", "auction", "play", "contract"))

    def deal(self) -> Deal:
        """The deal, its own or that of the record before.

        Raises
        ------
        ValueError
            If there is none, or it is wrong or not wholly known.
        """
        text = self.tags["deal"]
        if not text:
            if self.given.get("deal") in ("#", "##"):
                raise ValueError("no record before has the deal that '#' stands for")
            raise ValueError("it has no deal")
        return parse_deal(text)


class _Block(NamedTuple):
    start: int
    text: str
    after_blank: bool


class _Raw:
    """A record in work."""

    __slots__ = ("broken", "given", "parts", "remarks", "texts")

    def __init__(self) -> None:
        self.parts: list[Tag] = []
        self.given: dict[str, str] = {}
        self.texts: list[tuple[int, str, int, int]] = []
        self.broken = ""
        self.remarks: list[str] = []


def read_records(chunks: Iterable[str], start: int = 0) -> Iterator[Record]:
    r"""Split PBN into records, each with what it takes over from the one before it.

    Parameters
    ----------
    chunks : iterable of str
        The text part by part, a character a byte of the file.
    start : int, default 0
        Where in the file the text begins.

    Yields
    ------
    Record

    Examples
    --------
    >>> data = '[Board "1"] [Dealer "N"]\n[Auction "N"]\n1NT AP\n\n[Board "#"] [Room "Closed"]'
    >>> for record in read_records([data]):
    ...     print(record.tags["board"], record.tags["dealer"], record.parts[-1].section.split())
    1 N ['1NT', 'AP']
    1 N []
    """
    before: dict[str, str] = dict.fromkeys(_OF_A_BOARD, "")
    lasting: set[str] = set()
    for place, raw in enumerate(_split(chunks, start), 1):
        given = raw.given
        if lasting:
            given = dict.fromkeys(lasting, "#") | given
        if not any(value[:1] == "#" for value in given.values()):
            tags = given.copy()
        else:
            tags = {}
            for name, value in given.items():
                if value[:2] == "##":
                    lasting.add(name)
                elif value != "#":
                    lasting.discard(name)
                taken_over = value in ("#", "##")
                tags[name] = before.get(name, "") if taken_over else value.removeprefix("##")
        same = tags.get("board", before["board"]) == before["board"]
        same = same and tags.get("deal", before["deal"]) in ("", before["deal"])
        for name in _OF_A_BOARD:
            if not tags.get(name):
                tags[name] = before[name] if same else ""
        yield Record(place, raw.parts, given, tags, raw.broken, raw.remarks, raw.texts)
        before = tags


def _blocks(chunks: Iterable[str], start: int) -> Iterator[_Block]:
    """Cut text at blank lines; where there are none, before lines that may begin a record."""
    pending, after_blank = "", True
    for chunk in chunks:
        long = len(pending) > _LONG
        scan = 0 if long else len(pending.rstrip(" \t\r\n"))
        text = pending + chunk
        # Whole lines only, the last of which may go on with more of its end.
        whole = max(text.rfind("\n", 0, len(text) - 1), text.rfind("\r", 0, len(text) - 1)) + 1
        at = 0
        for found in _blank_lines(text).finditer(text, scan, whole):
            if found.end() >= whole:
                break
            yield _Block(start + at, text[at : found.end()], after_blank)
            at, after_blank = found.end(), True
        if not at and long:
            for found in _BOUNDARY.finditer(text, 0, whole):
                yield _Block(start + at, text[at : found.end()], after_blank)
                at, after_blank = found.end(), False
        start, pending = start + at, text[at:]
    at = 0
    for found in _blank_lines(pending).finditer(pending):
        yield _Block(start + at, pending[at : found.end()], after_blank)
        at, after_blank = found.end(), True
    if at < len(pending):
        yield _Block(start + at, pending[at:], after_blank)


def _blank_lines(text: str) -> re.Pattern[str]:
    if "\r" not in text:
        return _BLANK
    return _BLANK_CRLF if "\n" in text else _BLANK_CR


def _split(chunks: Iterable[str], start: int) -> Iterator[_Raw]:
    raw = _Raw()
    blocks = _blocks(chunks, start)
    ahead: deque[_Block] = deque()
    while block := (ahead.popleft() if ahead else next(blocks, None)):
        at, text, after_blank = block
        remarks: list[str] = []
        if "{" in text or ";" in text or "%" in text:
            if "{" in text:
                text = _with_comment(text, blocks, ahead)
            text, remarks = _without_comments(text)
        # Two records are in one block if a tag that begins one comes again.
        first = 0
        for parts, broken in _tags_of(text):
            if not parts:  # a piece of a file: the records around it are not to blame
                remarks.append(broken)
                break
            given = {tag[0]: tag[2] for tag in reversed(parts)}
            if raw.parts and _is_new(raw.given, given, after_blank):
                yield raw
                raw = _Raw()
            last = first + len(parts)
            raw.texts.append((at, text, first, last))
            raw.parts += parts
            raw.given = given | raw.given if raw.given else given
            raw.broken = raw.broken or broken
            after_blank, first = False, last
        if not first and raw.parts and after_blank and _goes_on(raw.parts[-1].key, text):
            *_, before = raw.parts
            raw.parts[-1] = before._replace(section=before.section + text)
        raw.remarks += remarks
    if raw.parts:
        yield raw


def _goes_on(key: str, text: str) -> bool:
    """Tell whether the text after a blank line is the rest of an auction or of a play."""
    words = decoded(text).split()
    if key == "play":
        return all(word in _CARD or word in ("-", "*", "+") for word in words)
    if key != "auction" or not words:
        return False
    try:
        read = _calls_of(" ".join(words))
    except ValueError:
        return False
    return bool(read.calls or read.ended)


def _is_new(before: dict[str, str], given: dict[str, str], after_blank: bool) -> bool:
    """Tell whether tags begin a record, rather than go on with one."""
    again = before.keys() & given.keys() - {"note"}
    if not given:
        return False
    if not after_blank:
        if again == {"deal"} and before["deal"] == given["deal"]:
            return False  # said twice
        return not again.isdisjoint(_STARTS)
    if "deal" in before:
        return bool(again) or any(name in given for name in _STARTS)
    if "deal" in given or "board" in given:
        return bool(again) or not _AFTER_DEAL.isdisjoint(before)
    return bool(again)


def _matches(text: str) -> list[re.Match[str]]:
    return list(_TAG.finditer(text))


def _tags_of(text: str) -> Iterator[tuple[list[Tag], str]]:
    """Find the tags of a block, cut where one that begins a record comes again."""
    broken = ""
    pieces = _PLAIN_TAG.split(text)
    plain = text.count("[") == len(pieces) // 3 and text.isascii()
    if not plain:
        pieces = [text]
        at = 0
        for match in _matches(text):
            pieces[-1] = pieces[-1][: match.start() - at]
            pieces += [*match.groups(), text[match.end() :]]
            at = match.end()
        if text.count("[") > len(pieces) // 3:
            for between in pieces[::3]:
                if wrong := _TAG_START.search(between):
                    tag = decoded(wrong[0].strip())
                    broken = f"the tag {tag} has a quote too many or too few"
                    break
    parts: list[Tag] = []
    starts: set[str] = set()
    for name, value, section in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        key = name.lower()
        value = value.strip() if plain else _value(value)
        if key in _STARTS:
            if key in starts and not (
                key == "deal" and value == next(tag.value for tag in parts if tag.key == "deal")
            ):
                yield parts, broken
                parts, starts, broken = [], set(), ""
            starts.add(key)
        parts.append(_make_tag((key, name, value, section)))
    if parts or broken:
        yield parts, broken


def _make_tag(parts: tuple[str, str, str, str]) -> Tag:
    return tuple.__new__(Tag, parts)


def _value(text: str) -> str:
    if "\\" in text:
        text = _ESCAPED.sub(r"\1", text)
    if "\n" in text or "\r" in text:
        text = " ".join(text.split())
    return decoded(text).strip()


_ESCAPED = re.compile(r'\\(["\\])')
_TO_ESCAPE = re.compile(r'\\(?=["\\]|$)')


def _with_comment(text: str, blocks: Iterator[_Block], ahead: deque[_Block]) -> str:
    """Add the blocks that a comment goes on in, if it comes to an end."""
    looked: list[_Block] = []
    longer = text
    while True:
        last = None
        for found in _SKIP.finditer(longer):
            if found["open"]:
                last = found
                break
        if last is None:
            for _ in looked:
                ahead.popleft()
            return longer
        brace = re.compile("[{}]").search(longer, last.end())
        if brace or len(longer) - last.start() > _LONGEST_COMMENT:
            return text
        more = ahead[len(looked)] if len(looked) < len(ahead) else next(blocks, None)
        if more is None:
            return text
        if len(looked) == len(ahead):
            ahead.append(more)
        looked.append(more)
        longer += more.text


def _without_comments(text: str) -> tuple[str, list[str]]:
    """Make comments blank; tell which are not closed, or have a deal in them."""
    remarks: list[str] = []

    def blank(found: re.Match[str]) -> str:
        comment: str | None = found["comment"]
        if comment is None:
            return found[0]
        if len(comment) > 60 and comment[0] == "{" and _DEAL_WITHIN.search(comment):
            remarks.append("a comment has a deal in it, which is passed over")
        return " " * len(comment)

    text = _SKIP.sub(blank, text)
    while "{" in text:
        opened = next((found for found in _SKIP.finditer(text) if found["open"]), None)
        if opened is None:
            break
        at = opened.start()
        following = _TAG_LINE.search(text, at)
        end = following.start() if following else len(text.rstrip())
        line = decoded(text[at:end].split("\n")[0].strip())
        remarks.append(f"the comment {line[:40]!r} is not closed; it ends before the next tag")
        text = text[:at] + " " * (end - at) + text[end:]
    return text, remarks


# -- boards


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
    """Make a board of a record, or tell why not."""
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
        if calls:
            _, over, bid, doubled, by = replay(bytes(calls), dealer)
            if over:
                real = Contract()
                if bid >= 0:
                    real = contract_of(bid, doubled, by)
                if full is not None and full != real:
                    trouble.append(f"contract {full} does not fit the auction, which gives {real}")
                    if real.declarer & 1 != full.declarer & 1:
                        declarer = None
                full = real
        result = self._result(full)
        cards: list[str] = []
        play_notes: dict[int, str] = {}
        claimed = False
        if play and not play.isspace():
            cards, play_notes, claimed = self._play(play, full)
        try:
            return Board(
                self.deal,
                dealer,
                vulnerable,
                calls,
                number=number,
                contract=full,
                play=cards,
                result=result,
                claimed=claimed,
                tags=others,
                notes=notes,
                marks=marks,
                play_notes=play_notes,
            )
        except ValueError as error:  # the play: all else has been looked at
            trouble.append(f"the play is left out, {error}")
            return Board(
                self.deal,
                dealer,
                vulnerable,
                calls,
                number=number,
                contract=full,
                result=result,
                tags=others,
                notes=notes,
                marks=marks,
            )

    def _dealer(self, number: str) -> Seat:
        text = self.tags["dealer"]
        if (seat := _SEATS.get(text)) is not None:
            return seat
        by_number = _by_number(number)
        seat = by_number[0] if by_number else None
        if seat is None:
            seat = _SEATS.get(self.tags.get("auction", ""))
        seat = Seat.N if seat is None else seat
        if text not in ("", "?", "-"):
            self.trouble.append(f"unknown dealer {text!r}, taken for {seat.name}")
        return seat

    def _vulnerable(self, number: str) -> Vulnerability:
        text = self.tags["vulnerable"]
        by_number = _by_number(number)
        otherwise = by_number[1] if by_number else Vulnerability.NONE
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
        for tag in self.record.parts:
            if tag.key == "note" and at == of:
                number, _, text = tag.value.partition(":")
                notes.setdefault(number.strip(), text.strip())
            elif tag.key in ("auction", "play"):
                at = tag.key
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
        found = _simple_calls(words)
        try:
            read = found if found is not None else _calls_of(" ".join(words))
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
                    table = _Auction(calls[:wrong], dealer)
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
        """How many passes before the first call are left out."""
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
            for word in _PLAY_WORD.findall(section):
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
                    columns.append(_card(word))
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


_PLAY_WORD = re.compile(r"=\s*\d*\s*=|\$\d+|\^\w*|[*+]|-+|[^\s=$^*+-]+")
_CARD = {
    name: card
    for card in range(52)
    for name in (card_text(card), card_text(card).lower(), card_text(card)[::-1])
}


def _card(word: str) -> int:
    card = _CARD.get(word)
    if card is None:
        card = _CARD.get(word.rstrip("!?").upper().replace("10", "T").translate(_PLAIN))
    if card is None:
        raise ValueError(f"{word!r} is no card")
    return card


_PLAIN = str.maketrans("♠♥♦♣", "SHDC")


@lru_cache(maxsize=256)
def _by_number(number: str) -> tuple[Seat, Vulnerability] | None:
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


# -- calls


class ReadCalls(NamedTuple):
    """What the text of an auction says.

    Attributes
    ----------
    calls : list of int
    gap : int
        Dashes before the first call.
    ended : bool
        Whether ``*`` or ``+`` says that no more calls are known.
    notes : dict of int to str
        The numbers of notes, by the place of the call.
    marks : dict of int to str
    """

    calls: list[int]
    gap: int
    ended: bool
    notes: dict[int, str]
    marks: dict[int, str]


_NAMES = {
    name: call
    for call, names in enumerate(
        (
            ("p", "pass", "passe"),
            ("x", "d", "dbl", "double"),
            ("xx", "r", "rdbl", "redbl", "rd", "redouble"),
        )
    )
    for name in names
}
_NAMES |= {
    f"{level}{name}": FIRST_BID + 5 * (level - 1) + strain
    for level in range(1, 8)
    for strain, names in enumerate(("c♣", "d♦", "h♥", "s♠", ("n", "nt", "sa")))
    for name in names
}
_SPELLINGS = {
    spelling: call
    for name, call in _NAMES.items()
    for spelling in (name, name.upper(), name.capitalize())
}
_CALL = r"[1-7]\s?(?:nt|sa|[cdhsn♣♦♥♠])|passe?|p|redouble|redbl|rdbl|rd|double|dbl|xx|x|d|r"
_PIECE = re.compile(
    r"(?P<note>=\s*(?P<number>\d*)\s*=|=(?P<loose>\d+))"
    r"|(?P<odd>\^\w*)"
    r"|(?P<end>(?<!\S)[*+](?!\S))"
    r"|(?P<mark>[!?*]+|\$\d+|\.)"
    r"|(?P<all>all[\s_-]*pass(?:es)?(?![a-z])|ap(?![a-z]))"
    rf"|(?P<paren>\(\s*)?(?P<call>{_CALL})(?![a-z0-9♣♦♥♠])(?(paren)\s*\))"
    r"|(?P<remark>\([^()]*\)|\[[^\[\]]*\])"
    r"|(?P<gap>-+)"
    r"|(?P<bad>\S+)",
    re.IGNORECASE,
)


def _simple_calls(words: list[str]) -> ReadCalls | None:
    """Read calls that are all plain, to the end; None if there is anything else."""
    try:
        if words[-1] == "AP":
            calls = [_SPELLINGS[word] for word in words[:-1]]
            return ReadCalls(_all_passed(calls), 0, False, {}, {})
        return ReadCalls([_SPELLINGS[word] for word in words], 0, False, {}, {})
    except KeyError:
        return None


def _all_passed(calls: list[int]) -> list[int]:
    passes = next((i for i, call in enumerate(reversed(calls)) if call), len(calls))
    return calls + [PASS] * ((3 if any(calls) else 4) - passes)


def _calls_of(text: str) -> ReadCalls:
    """Read calls with all that people write between them.

    Raises
    ------
    ValueError
        If something is no call, or an irregularity is marked.
    """
    calls: list[int] = []
    notes: dict[int, str] = {}
    marks: dict[int, str] = {}
    gap, ended = 0, False
    for found in _PIECE.finditer(text):
        kind = found.lastgroup
        last = len(calls) - 1
        if found["call"]:
            calls.append(_NAMES[re.sub(r"\s", "", found["call"]).lower()])
        elif kind == "all":
            calls = _all_passed(calls)
            break
        elif kind == "end":
            ended = True
            break
        elif kind == "gap":
            if calls:
                calls.append(PASS)
            else:
                gap += 1
        elif kind == "odd":
            after = f" after call {len(calls)}, {CALLS[calls[-1]]}" if calls else ""
            raise ValueError(f"{found[0]!r} stands{after} for an irregularity")
        elif kind == "bad":
            after = f' after "{auction_text(calls)}"' if calls else ""
            raise ValueError(f"unknown call {found[0]!r}{after}")
        elif last >= 0:
            if number := found["number"] or found["loose"]:
                notes[last] = number
            elif found["mark"] != "." and found[0].strip("= "):
                marks[last] = marks.get(last, "") + found[0]
    return ReadCalls(calls, gap, ended, notes, marks)


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
    tables = []
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
