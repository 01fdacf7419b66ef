"""`read_boards` and `write_boards`: files of boards in every format in use."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from bridgevec.board import Board, BoardLike, iter_boards
from bridgevec.files import PathLike, replacing
from bridgevec.records.lin import board_lin, read_lin, read_urls
from bridgevec.records.parquet import read_parquet, write_parquet
from bridgevec.records.pbn import board_pbn, read_pbn
from bridgevec.records.policy import Report
from bridgevec.records.source import Opened, Source, find_sources, opened
from bridgevec.records.text import board_row, read_csv, read_lines

_TEXTS: dict[str, tuple[str, Callable[[Board], str]]] = {
    "pbn": ("% PBN 2.1\n", lambda board: board_pbn(board) + "\n"),
    "lin": ("", board_lin),
    "txt": ("", lambda board: board.deal.pbn + "\n"),
}
FORMATS = ("pbn", "lin", "parquet", "csv", "txt")
"""What `write_boards` writes."""


def read_boards(
    source: Source, *, name: str | None = None, report: Report | None = None
) -> Iterator[Board]:
    r"""Read the boards of files in any format.

    The formats are PBN, LIN, links to a hand viewer, Parquet, CSV with a column ``deal``, lists of
    DDS, lines of GIB, dealer and BEN, and bare deals. The content decides the format, never the
    suffix; likewise compression (gzip), encoding (UTF-8, UTF-16, Latin-1) and line ends. Boards are
    read one by one, in constant memory.

    Parameters
    ----------
    source : path, glob, open file, or sequence of these
        A folder stands for all files in it and in its subfolders. A text that begins with ``http``
        is read as a link to a hand viewer; nothing is fetched.
    name : str, optional
        What warnings call an open file that has no name.
    report : Report, optional
        Counts what is left out, and receives what would be warnings.

    Returns
    -------
    iterator of Board
        If neither number nor dealer of a board is known, North is the dealer. If neither number nor
        vulnerability is known, nobody is vulnerable.

    Warns
    -----
    RecordWarning
        For every record with an error; it names file, board and cause. A record without a valid
        deal is left out. If only the auction, the play or a tag is wrong, the board comes without
        it. Also for a file that has no board.

    Raises
    ------
    FileNotFoundError
        If a file does not exist; raised at once, not when the first board is read.
    ValueError
        If a folder has no files, or a file is damaged as a whole.

    Examples
    --------
    >>> from io import StringIO
    >>> lin = "md|3S865HAK9DKT3CJ862,SAQ3HQ8D9652CA753,SKT4HJT76532DACKT,|sv|o|mb|1H|mb|p|"
    >>> (board,) = read_boards(StringIO(lin))
    >>> board.dealer.name, str(board.auction), board["N"]
    ('N', '1H P', 'KT4.JT76532.A.KT')
    """
    told = Report() if report is None else report
    if isinstance(source, str) and source.lstrip()[:4].lower() == "http" and "://" in source:
        return read_urls([source], "link", told)
    found = find_sources(source)
    return _read([(one, name or called) for one, called in found] if name else found, told)


def _read(sources: list[tuple[Source, str]], report: Report) -> Iterator[Board]:
    for source, name in sources:
        with opened(source, name) as file:
            found, left_out = 0, report.left_out
            for board in boards_of(file, source, report):
                found += 1
                yield board
            if not found and report.left_out == left_out:
                why = {
                    "empty": "the file is empty",
                    "binary": "the file is of an unknown kind",
                }.get(file.kind, "no record with a deal")
                report.remark(name, "", why)


def boards_of(file: Opened, source: Source, report: Report) -> Iterator[Board]:
    """Read the boards of a file that is open; `source` is what it was opened from."""
    name = file.name
    if file.kind == "parquet":
        whole: Any = source
        if not isinstance(source, (str, Path)) or file.packing:
            whole = io.BytesIO(b"".join(part.encode("latin-1") for part in file.chunks()))
        yield from read_parquet(whole, name, report)
    elif file.kind == "pbn":
        yield from read_pbn(file.chunks(), name, report)
    elif file.kind == "lin":
        yield from read_lin(file.chunks(), name, report)
    elif file.kind == "url":
        yield from read_urls(file.lines(), name, report)
    elif file.kind == "csv":
        yield from read_csv(file.lines(), name, report)
    elif file.kind == "lines":
        yield from read_lines(file.lines(), name, report)


def write_boards(
    target: PathLike | IO[str], boards: Iterable[BoardLike], *, format: str | None = None
) -> int:
    """Write boards to a file, as they come.

    PBN holds everything; Parquet too. LIN holds number, players, deal, dealer, vulnerability,
    calls, explanations, play and claims; CSV all but tags, notes and marks; ``.txt`` the deals.
    The file appears when it is complete.

    Parameters
    ----------
    target : path or text file
        By its suffix ``.pbn``, ``.lin``, ``.parquet``, ``.csv`` or ``.txt``; with ``.gz`` after it
        compressed.
    boards : iterable of boards
        Also endplay boards, and deals.
    format : str, optional
        One of `FORMATS`, if the suffix does not name it.

    Returns
    -------
    int
        Number of boards written.

    Raises
    ------
    ValueError
        If the format is unknown.

    Examples
    --------
    >>> from io import StringIO
    >>> from bridgevec import Board, random_deals
    >>> file = StringIO()
    >>> write_boards(file, [Board(random_deals(1, seed=1)[0], number=7)], format="pbn")
    1
    >>> file.getvalue().splitlines()[1:4]
    ['[Board "7"]', '[Dealer "S"]', '[Vulnerable "All"]']
    """
    if hasattr(target, "write"):
        kind = format or "pbn"
        if kind not in FORMATS or kind == "parquet":
            raise ValueError(f"format is {kind!r}, expected pbn, lin, csv or txt")
        return _write_text(target, iter_boards(boards), kind)
    path = Path(target)  # pyright: ignore[reportArgumentType] - nothing to write to, so a path
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compressed = suffixes[-1:] == [".gz"]
    kind = format or "".join(suffixes[-2:-1] if compressed else suffixes[-1:]).lstrip(".")
    if kind not in FORMATS:
        raise ValueError(f"{path} is no {', '.join('.' + one for one in FORMATS)} file")
    with replacing(path) as file, _packed(file, compressed) as inner:
        if kind == "parquet":
            return write_parquet(inner, iter_boards(boards))
        text = io.TextIOWrapper(inner, "utf-8", newline="\n", write_through=True)
        try:
            return _write_text(text, iter_boards(boards), kind)
        finally:
            text.flush()
            text.detach()


@contextmanager
def _packed(file: IO[bytes], compressed: bool) -> Iterator[Any]:
    if compressed:
        with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as inner:
            yield inner
    else:
        yield file


def _write_text(file: Any, boards: Iterable[Board], kind: str) -> int:
    n = 0
    writer: Any = None
    head, text = _TEXTS.get(kind, ("", str))
    file.write(head)
    for board in boards:
        n += 1
        if kind != "csv":
            file.write(text(board))
            continue
        row = board_row(board)
        if writer is None:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
    return n
