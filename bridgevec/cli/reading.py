"""Reads the hands and boards that commands are given, and reports what was skipped."""

from __future__ import annotations

import glob
import io
import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray

from bridgevec.board import Board
from bridgevec.cards import hand_mask
from bridgevec.cli.common import source_name
from bridgevec.records.deals import parse_deal
from bridgevec.records.files import read_boards
from bridgevec.records.labelled import deals_in
from bridgevec.records.policy import RecordWarning, Report
from bridgevec.records.source import find_sources, opened

NOT_ALL = 3
"""The exit code of a command that left records out; 2 is for nothing that could be done."""

_SUFFIXES = (".pbn", ".lin", ".parquet", ".csv", ".txt", ".gz")
_MARKS = {"pbn": rb"(?i)\[\s*deal\s", "lin": rb"(?i)\bmd\s*\|"}


def is_file(source: str) -> bool:
    """Return whether a text names files, ``-`` being standard input."""
    return (
        source == "-"
        or Path(source).exists()
        or source.startswith(("http://", "https://"))
        or (glob.has_magic(source) and bool(glob.glob(source, recursive=True)))
    )


def is_deal(source: str) -> bool:
    """Return whether a text looks like a deal."""
    return ":" in source or len(source.split()) > 2


def is_hand(source: str) -> bool:
    """Return whether a text is neither a deal nor the name of a file."""
    return not (is_file(source) or is_deal(source) or Path(source).suffix.lower() in _SUFFIXES)


class Reading:
    """The boards that a command is given.

    Whether all the sources exist is checked at once; they are read as boards are asked for.

    Parameters
    ----------
    sources : list of str
        Deals as text, files, folders, globs, ``-`` for standard input.
    part : str, default ""
        A part without which a board is of no use, such as ``"play"``: where it cannot be read, the
        record counts as left out.

    Attributes
    ----------
    report : Report
        What was wrong; each problem is printed on standard error as it comes up.
    """

    def __init__(self, sources: list[str], part: str = "") -> None:
        for source in sources:
            if not is_file(source) and not is_deal(source):
                raise ValueError(f"{source!r} is neither a file nor a deal such as 'N:… … … …'")
        self.sources = sources
        self.report = Report(self._tell)
        self._part = f"the {part} is left out" if part else ""
        self._untold: RecordWarning | None = None
        self._told = False

    def boards(self) -> Iterator[tuple[str, Board]]:
        """Yield the boards, each with its number, or else its place.

        Raises
        ------
        ValueError
            If there is none, or a deal that was given as text is wrong.
        """
        n = 0
        for source in self.sources:
            if not is_file(source):
                n += 1
                yield str(n), Board(parse_deal(source))
                continue
            file: Any = _stdin() if source == "-" else source
            name = source_name(source) if source == "-" else None
            for place, board in enumerate(read_boards(file, name=name, report=self.report), 1):
                n += 1
                self._tell_at_last()
                yield board.number or str(place), board
        if not n:
            if self._untold is not None:  # one line is enough
                raise ValueError(str(self._untold))
            raise ValueError(f"no board in {', '.join(map(source_name, self.sources))}")

    def _tell(self, warning: RecordWarning) -> None:
        if self._part and warning.cause.startswith(self._part):
            self.report.left_out += 1
        if self._told:
            tell(warning)
        elif self._untold is None:
            self._untold = warning
        else:
            self._tell_at_last()
            tell(warning)

    def _tell_at_last(self) -> None:
        if self._untold is not None:
            tell(self._untold)
        self._untold, self._told = None, True

    def count(self) -> int | None:
        """How many boards there are, for a progress bar; None if that is not known."""
        n = 0
        for source in self.sources:
            if source == "-" or source.startswith("http"):
                return None
            n += sum(map(_count, find_sources(source))) if is_file(source) else 1
        return n

    def finish(self) -> None:
        """End the command: with another exit code, and a line, if records were left out."""
        self._tell_at_last()
        finish(self.report)


def finish(report: Report) -> None:
    """End a command: with another exit code, and a line, if records were left out."""
    if n := report.left_out:
        typer.echo(f"bridgevec: {n} record{'s' * (n != 1)} left out", err=True)
        raise typer.Exit(NOT_ALL)


def tell(warning: RecordWarning) -> None:
    """Print what was wrong with a record."""
    typer.echo(f"bridgevec: {warning}", err=True)


def _stdin() -> Any:
    return getattr(sys.stdin, "buffer", sys.stdin)


def _count(found: tuple[Any, str]) -> int:
    path, name = found
    with opened(path, name) as file:
        if file.kind == "parquet":
            return deals_in(path)
        mark = re.compile(_MARKS.get(file.kind, rb"[^\r\n]*\S[^\r\n]*"))
        return sum(len(mark.findall(chunk.encode("latin-1"))) for chunk in file.chunks())


def input_of(source: str) -> Any:
    """Return what a text names: a path, or standard input, read to its end."""
    if source != "-":
        return source
    file = io.BytesIO(_stdin().read())
    file.name = source_name(source)
    return file


def hand_lines(source: Any) -> NDArray[np.uint64] | None:
    """Read the hands of a file that has one a line; None if it is of another kind.

    Parameters
    ----------
    source : path, folder, glob or binary file
        A file is left as it was.
    """
    if isinstance(source, str) and not Path(source).is_file():
        return None
    name = str(getattr(source, "name", source))
    with opened(source, name) as file:
        lines = file.lines() if file.kind == "lines" else iter(())
        texts = (line.strip() for line in lines if line.strip())
        first = next(texts, ":")
        masks = None
        if len(first.split()) == 1 and ":" not in first:
            hands = itertools.chain([first], texts)
            masks = np.array([hand_mask(hand) for hand in hands], dtype=np.uint64)
    if not isinstance(source, str):
        source.seek(0)
    return masks


def read_hands(source: str) -> tuple[NDArray[np.uint64], Report]:
    """Read the hands of boards, or one hand a line.

    Returns
    -------
    masks : ndarray of uint64
    report : Report
        What was left out.
    """
    report = Report(tell)
    path = input_of(source)
    masks = hand_lines(path)
    if masks is None:
        boards = read_boards(path, report=report)
        masks = np.array([m for board in boards for m in board.deal.masks], dtype=np.uint64)
    if not len(masks):
        raise ValueError(f"no board in {source_name(source)}")
    return masks, report
