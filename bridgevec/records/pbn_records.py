"""The records of PBN text: where each begins and ends, its tags, what it takes over.

A record ends where the tag Event, Board or Deal comes again, or at a blank line if what follows is
not its rest. The standard: "Portable Bridge Notation" 2.1, sections 3 (tags), 4.8 (inheritance).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from bridgevec.cards import Deal
from bridgevec.records.calls import is_rest_of_auction, is_rest_of_play
from bridgevec.records.deals import parse_deal
from bridgevec.records.source import decoded

_EOL = r"(?>\r*\n|\r)"
# Blank lines by the line ends that there are.
_BLANK = re.compile(r"\n(?:[ \t]*\n)+")
_BLANK_CRLF = re.compile(r"\n(?:[ \t]*\r*\n)+")
_BLANK_CR = re.compile(r"\r(?:[ \t]*\r)+")
# In the absence of blank lines.
_BOUNDARY = re.compile(r"[\r\n]+(?=[ \t]*\[[ \t]*(?:Event|Board)\b)", re.IGNORECASE)
_LONG = 1 << 14
_LONGEST = 1 << 22
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


Tag: TypeAlias = tuple[str, str, str, str]
"""A tag: its name in lower case, its name, its value, and the text that follows up to the next tag,
comments made blank."""


class PlacedTag(NamedTuple):
    """A tag and where it stands in the file, from its bracket to its bracket."""

    key: str
    section: str
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
        return [
            PlacedTag(key, section, *place)
            for (key, _, _, section), place in zip(self.parts, found, strict=True)
        ]

    @property
    def label(self) -> str:
        """The board's number, or the record's place."""
        return (self.tags["board"] if "board" in self.given else "") or str(self.place)

    @property
    def has_deal(self) -> bool:
        """Return whether a deal stands in the record itself."""
        return self.given.get("deal", "").removeprefix("##") not in ("", "#")

    @property
    def is_of_a_board(self) -> bool:
        """Return whether it is about a board, not just about an event."""
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

    __slots__ = ("broken", "given", "has_hash", "parts", "remarks", "texts")

    def __init__(self) -> None:
        self.parts: list[Tag] = []
        self.given: dict[str, str] = {}
        self.has_hash = False  # or a value could not be that of the record before
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
    ...     print(record.tags["board"], record.tags["dealer"], record.parts[-1][3].split())
    1 N ['1NT', 'AP']
    1 N []
    """
    before: dict[str, str] = dict.fromkeys(_OF_A_BOARD, "")
    lasting: set[str] = set()
    for place, raw in enumerate(_split(chunks, start), 1):
        given = raw.given
        if lasting:
            given = dict.fromkeys(lasting, "#") | given
        if not (lasting or raw.has_hash):
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
        if len(pending) > _LONGEST:  # no record is as long
            yield _Block(start, pending, after_blank)
            start, pending, after_blank = start + len(pending), "", False
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
            raw.has_hash = raw.has_hash or "#" in text
            raw.parts += parts
            raw.given = given | raw.given if raw.given else given
            raw.broken = raw.broken or broken
            after_blank, first = False, last
        if not first and raw.parts and after_blank and _goes_on(raw.parts[-1][0], text):
            key, name, value, section = raw.parts[-1]
            raw.parts[-1] = (key, name, value, section + text)
        raw.remarks += remarks
    if raw.parts:
        yield raw


def _goes_on(key: str, text: str) -> bool:
    """Return whether the text after a blank line is the rest of an auction or of a play."""
    words = decoded(text).split()
    if key == "play":
        return is_rest_of_play(words)
    return key == "auction" and is_rest_of_auction(words)


def _is_new(before: dict[str, str], given: dict[str, str], after_blank: bool) -> bool:
    """Return whether tags begin a record, rather than go on with one."""
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
                key == "deal" and value == next(part[2] for part in parts if part[0] == "deal")
            ):
                yield parts, broken
                parts, starts, broken = [], set(), ""
            starts.add(key)
        parts.append((key, name, value, section))
    if parts or broken:
        yield parts, broken


def _value(text: str) -> str:
    if "\\" in text:
        text = _ESCAPED.sub(r"\1", text)
    if "\n" in text or "\r" in text:
        text = " ".join(text.split())
    return decoded(text).strip()


_ESCAPED = re.compile(r'\\(["\\])')


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
    """Blank out comments; return which are not closed, or have a deal in them."""
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
