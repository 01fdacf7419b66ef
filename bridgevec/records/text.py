"""Boards in one-line forms of other programs: DDS, GIB, dealer, BEN, tables of values (CSV).

A line is recognized by what it looks like, so a file may mix them. Blank lines, and those that
begin with ``#``, ``%`` or ``;``, are skipped.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

from bridgevec.board import Board
from bridgevec.cards import Deal
from bridgevec.records.deals import parse_deal
from bridgevec.records.policy import Report
from bridgevec.records.source import decoded
from bridgevec.scoring import Contract, Vulnerability

_DDS = re.compile(r'PBN\s+([0-3])\s+([0-3])\s+\d+\s+\d+\s+"([^"]*)"')
_DDS_OTHER = re.compile(r"(?:NUMBER|FUT|TABLE|PAR2?|PLAY|TRACE)\b")
_DDS_SIDES = (0, 3, 1, 2)
_DEALER = re.compile(r"n\s+(\S+)\s+e\s+(\S+)\s+s\s+(\S+)\s+w\s+(\S+)", re.IGNORECASE)
_RESULTS = re.compile(r"(?P<deal>.*[^:\s])\s*:\s*(?P<tricks>[0-9A-Da-d]{20})")
# As BEN writes the conditions of a deal, which stands in the line before.
_BEN = re.compile(
    r"(?P<dealer>[NESW])\s+(?P<vulnerable>None|N-S|E-W|Both|NS|EW|All)\b(?P<calls>.*)",
    re.IGNORECASE,
)
_PLAY = re.compile(r"(?:[SHDC][AKQJT2-9]\s*)+", re.IGNORECASE)
_CARD = re.compile(r"[SHDC][AKQJT2-9]", re.IGNORECASE)
_HELD = 1000
_COLUMNS = {
    "board": "number",
    "number": "number",
    "board_number": "number",
    "dealer": "dealer",
    "vulnerable": "vulnerable",
    "vulnerability": "vulnerable",
    "vul": "vulnerable",
    "auction": "auction",
    "calls": "auction",
    "bidding": "auction",
    "contract": "contract",
    "declarer": "declarer",
    "play": "play",
    "result": "result",
    "claimed": "claimed",
}


def read_lines(lines: Iterable[str], name: str, report: Report) -> Iterator[Board]:
    """Read the boards of lines that each have a deal.

    Yields
    ------
    Board
    """
    # A deal, and where it stands; what BEN writes in the lines after it is its own.
    deal: tuple[Deal, str, dict[str, object]] | None = None
    bad = _BadLines(name, report)
    for place, line in enumerate(lines, 1):
        text = decoded(line).strip().lstrip("\ufeff")
        if not text or text[0] in "#%;" or _DDS_OTHER.match(text):
            continue
        where = f"line {place}"
        if deal is not None:
            if found := _BEN.fullmatch(text):
                _add_ben(deal[2], found)
                continue
            if deal[2].get("auction") and _PLAY.fullmatch(text):
                deal[2]["play"] = _CARD.findall(text.upper())
                continue
            board = board_of_parts(deal, name, report)
            deal = None
            if board is not None:
                yield board
        try:
            deal = _line_deal(text, where)
        except ValueError as error:
            bad.add(where, error)
        else:
            bad.are_records()
    if deal is not None and (board := board_of_parts(deal, name, report)) is not None:
        yield board
    bad.end()


class _BadLines:
    """Lines that are no deals: each is reported if the file has deals, else only the first."""

    def __init__(self, name: str, report: Report) -> None:
        self._name, self._report = name, report
        self._held: list[tuple[str, ValueError]] = []
        self._n = 0
        self._has_deals = False

    def add(self, where: str, error: ValueError) -> None:
        """Take a line."""
        if self._has_deals:
            self._report.leave_out(self._name, where, error)
            return
        self._n += 1
        if self._n <= _HELD:
            self._held.append((where, error))

    def are_records(self) -> None:
        """Note that a line was a deal."""
        self._has_deals = True
        for where, error in self._held:
            self._report.leave_out(self._name, where, error)
        if self._n > _HELD:
            self._report.leave_out(self._name, "", f"{self._n - _HELD} more lines are no deals")
        self._held, self._n = [], 0

    def end(self) -> None:
        """Note that there are no more lines."""
        if self._held:
            where, error = self._held[0]
            others = f"; nor is any of {self._n} lines a deal" if self._n > 1 else ""
            self._report.leave_out(self._name, where, f"{error}{others}")


def _line_deal(text: str, where: str) -> tuple[Deal, str, dict[str, object]]:
    if found := _DDS.match(text):
        dealer, vulnerable = int(found[1]), _DDS_SIDES[int(found[2])]
        return parse_deal(found[3]), where, {"dealer": dealer, "vulnerable": vulnerable}
    if found := _DEALER.fullmatch(text):
        return parse_deal("N:" + " ".join(found.groups())), where, {}
    if found := re.fullmatch(r'\[\s*Deal\s*"([^"]*)"\s*\]', text, re.IGNORECASE):
        return parse_deal(found[1]), where, {}
    if found := _RESULTS.fullmatch(text):
        # GIB's libraries have no seat before the hands, and begin with West; the tricks stay as
        # they are, a digit for each strain and player.
        deal = parse_deal(found["deal"], first=3)
        return deal, where, {"tags": {"GIB": found["tricks"]}}
    return parse_deal(text.strip('"')), where, {}


def _add_ben(parts: dict[str, object], found: re.Match[str]) -> None:
    parts["dealer"] = found["dealer"]
    parts["vulnerable"] = found["vulnerable"]
    calls = re.sub(r"\*|\bPAD_(?:START|END)\b", " ", found["calls"])
    parts["auction"] = calls.split()


def board_of_parts(
    found: tuple[Deal, str, dict[str, object]], name: str, report: Report
) -> Board | None:
    """Make a board; where that cannot be, without its play, or without auction and contract."""
    deal, where, parts = found
    causes: list[ValueError] = []
    for without in ((), ("play",), ("play", "auction", "contract", "result")):
        try:
            kept = {key: value for key, value in parts.items() if key not in without}
            board = Board(deal, **kept)  # type: ignore[arg-type]
        except ValueError as error:
            causes.append(error)
            continue
        if causes:
            left = "auction" if "auction" in without and parts.get("auction") else "play"
            report.remark(name, where, f"the {left} is left out, {causes[-1]}")
        return board
    report.leave_out(name, where, causes[-1])
    return None


def read_csv(lines: Iterable[str], name: str, report: Report) -> Iterator[Board]:
    """Read the boards of a table of values, one of whose columns is the deal.

    The others may be board, dealer, vulnerable, auction, contract, play and result.

    Yields
    ------
    Board
    """
    source = iter(lines)
    header = next((line for line in source if line.strip()), "")
    for delimiter in sorted(",;\t", key=header.count, reverse=True):
        names = [one.strip().strip('"').lower() for one in header.split(delimiter)]
        if "deal" in names:
            break
    else:
        report.remark(name, "", f"no column 'deal' in {header!r}")
        return
    rows = csv.DictReader(
        (decoded(line) for line in source), fieldnames=names, delimiter=delimiter, restkey="_more"
    )
    place = 1
    while True:
        place += 1
        where = f"row {place - 1}"
        try:
            row = next(rows, None)
        except csv.Error as error:
            report.leave_out(name, where, error)
            continue
        if row is None:
            return
        try:
            deal = parse_deal(row["deal"] or "")
        except ValueError as error:
            report.leave_out(name, where, error)
            continue
        parts: dict[str, object] = {}
        for column, part in _COLUMNS.items():
            value = (row.get(column) or "").strip()
            if value and value not in ("?", "NA", "nan"):
                parts[part] = value
        tags = {
            column: value
            for column, value in row.items()
            if value and column not in _COLUMNS and column not in ("deal", "_more", "")
        }
        problem = _tidy(parts)
        if problem:
            report.remark(name, where, problem)
        if tags:
            parts["tags"] = tags
        board = board_of_parts((deal, where, parts), name, report)
        if board is not None:
            yield board


def _tidy(parts: dict[str, object]) -> str:
    """Turn the texts of a row into what `Board` takes; say what is none."""
    problem = ""
    declarer = str(parts.pop("declarer", ""))
    if contract := str(parts.pop("contract", "")):
        text = contract if " by " in contract or not declarer else f"{contract} by {declarer}"
        try:
            parts["contract"] = Contract.parse(text)
        except ValueError as error:
            problem = str(error)
    if "result" in parts:
        text = str(parts.pop("result"))
        if text.isdecimal() and int(text) <= 13:
            parts["result"] = int(text)
        else:
            problem = f"unknown result {text!r}"
    if "claimed" in parts:
        parts["claimed"] = str(parts["claimed"]).lower() in ("true", "1", "yes")
    for key, check in (("vulnerable", Vulnerability.parse),):
        if key in parts:
            try:
                check(str(parts[key]))
            except ValueError as error:
                del parts[key]
                problem = str(error)
    return problem


def board_row(board: Board) -> dict[str, str]:
    """Write a board as a row of texts, as `read_csv` reads them."""
    return {
        "board": board.number,
        "deal": board.deal.pbn,
        "dealer": board.dealer.name,
        "vulnerable": str(board.vulnerable),
        "auction": " ".join(str(call) for call in board.calls),
        "contract": "" if board.contract is None else str(board.contract),
        "play": " ".join(board.play),
        "result": "" if board.result is None else str(board.result),
        "claimed": "true" if board.claimed else "",
    }
