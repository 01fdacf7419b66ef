"""Double-dummy results added to PBN files, in which nothing else changes."""

from __future__ import annotations

import gzip
import itertools
import mmap
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec.cards import Deal, Seat, Strain
from bridgevec.dds import MEMORY, iter_tables
from bridgevec.files import replacing
from bridgevec.records.pbn_records import PlacedTag, Record, read_records
from bridgevec.records.policy import Report
from bridgevec.records.source import opened
from bridgevec.scoring import board_conditions, par, parse_vulnerable

_LINE_END = re.compile(rb"[^\S\r\n]*(\r*\n|\r)?")
# Tags in which other programs say the same; of the first two also par.
_SAME_TABLE = ("doubledummytricks", "ability")
_SAME_PAR = ("parcontract", "parscore", "minimax", "optimumcontract", "optimumresult")
_COMMENT = re.compile(rb"\{[^{}]*\}|;[^\r\n]*|(?:(?<=[\r\n])|\A)%[^\r\n]*")
_CHUNK = 1 << 20
# A board in work: the deal from North and its table, a digit for each result.
_SOLVED = re.compile(rb"N:[^ ]+ [^ ]+ [^ ]+ [^ ]+ ([0-9a-d]{20})\n")
_SOLVED_SIZE = 69 + 1 + 20 + 1


@contextmanager
def _open(path: Path) -> Iterator[tuple[bytes | mmap.mmap, int, str]]:
    """Return the bytes of a file, where its text begins, and how it was packed."""
    with opened(path, str(path)) as file:
        if file.kind not in ("pbn", "empty", "lines"):
            raise ValueError(f"{path} is no PBN file")
        start = file.start
        if file.packing:
            yield "".join(file.chunks()).encode("latin-1"), 0, file.packing
            return
    with open(path, "rb") as raw:
        if os.fstat(raw.fileno()).st_size == 0:
            yield b"", 0, ""
            return
        # Without reading it into memory; it is closed when the last part of it is gone.
        yield mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ), start, ""


def _records(data: bytes | mmap.mmap, start: int) -> Iterator[Record]:
    chunks = (data[i : i + _CHUNK].decode("latin-1") for i in range(start, len(data), _CHUNK))
    return read_records(chunks, start)


def solve_pbn(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    workers: int | None = None,
    memory: int = MEMORY,
    progress: bool = False,
    only_missing: bool = False,
    report: Report | None = None,
) -> int:
    r"""Add the double-dummy results of every board to a PBN file.

    The results are the standard's tags ``OptimumResultTable``, the tricks of every declarer in
    every strain, and ``OptimumScore``, par. Where a record has them they are replaced, else they
    are put at its end. Tags in which other programs say the same, ``DoubleDummyTricks``,
    ``Ability``, ``ParContract``, ``ParScore``, ``Minimax``, go; no other byte changes. Records that
    take the deal over from the one before, or whose deal cannot be read, stay as they are. For par,
    dealer and vulnerability are those of the record or else of the board's number (Law 2); without
    either, par is left out.

    If it is stopped, or even killed, the same call resumes it. Solved boards are kept in the file
    ``OUT.partial`` until `out`, which is written under a temporary name, is complete. The memory
    used does not depend on the number of boards.

    Parameters
    ----------
    path : path
    out : path
        The file to write; may be `path` itself.
    workers : int, optional
        Number of threads. By default, one per core.
    memory : int, default 128
        Memory for positions per thread, in MiB.
    progress : bool, default False
        Show a progress bar with the boards per second and the time left.
    only_missing : bool, default False
        Leave records that have a whole table as they are.
    report : Report, optional
        Counts what is left out, and receives what would be warnings.

    Returns
    -------
    int
        Number of boards that have results.

    Warns
    -----
    RecordWarning
        For every record that cannot be read; it stays as it is.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If no record has a deal that can be read. Nothing is written.
    KeyboardInterrupt
        On Ctrl-C, within a fraction of a second.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "match.pbn")
    ...     deal = "N:AKQJT98765432... .AKQJT98765432.. ..AKQJT98765432. ...AKQJT98765432"
    ...     _ = file.write_text(f'[Board "1"]\n[Deal "{deal}"]\n')
    ...     boards = solve_pbn(file, file)
    ...     lines = file.read_text().splitlines()
    >>> print(boards, *lines[2:6], sep="\n")
    1
    [OptimumScore "NS 1510"]
    [OptimumResultTable "Declarer;Denomination\2R;Result\2R"]
    N NT  0
    N  S 13
    """
    path, out = Path(path), Path(out)
    told = Report() if report is None else report
    log_path = out.with_name(out.name + ".partial")
    with _open(path) as (data, start, packing):
        boards = _Boards(data, start, path, only_missing)
        total = found = 0
        for record, deal in boards.all(told):
            found += 1
            if deal is not None:
                _conditions(record, path, told)
                total += 1
        if not found:
            raise ValueError(boards.first_cause or f"{path} has no record with a deal")
        done = _count_solved(log_path, boards)
        # The deals that are left, in two readings; those of both tables of a board are solved once.
        todo, deals = (
            itertools.groupby(deal for _, deal in itertools.islice(boards, done, None))
            for _ in range(2)
        )
        solved = iter_tables((deal for deal, _ in deals), workers, memory)
        bar = tqdm(
            total=total,
            initial=done,
            unit="table",
            disable=not progress,
            smoothing=0.05,  # a hard deal keeps those after it waiting
        )
        with open(log_path, "a+b") as log, closing(solved), bar:
            log.truncate(done * _SOLVED_SIZE)
            for (deal, same), table in zip(todo, solved, strict=True):
                for _ in same:
                    log.write(f"{deal.pbn} {''.join(f'{n:x}' for n in table.flat)}\n".encode())
                    log.flush()
                    bar.update()
            log.seek(0)
            _write_results(boards, out, log, packing)
    log_path.unlink()
    return found


class _Boards:
    """The records of a file that are to be solved, as often as they are asked for."""

    def __init__(self, data: bytes | mmap.mmap, start: int, path: Path, only_missing: bool) -> None:
        self.data, self.path = data, path
        self._start, self._only_missing = start, only_missing
        self.first_cause = ""

    def __iter__(self) -> Iterator[tuple[Record, Deal]]:
        for record, deal in self.all(None):
            if deal is not None:
                yield record, deal

    def all(self, report: Report | None) -> Iterator[tuple[Record, Deal | None]]:
        """Yield the records that have a deal; None if its table is there and is to stay."""
        for record in _records(self.data, self._start):
            try:
                if record.broken:
                    raise ValueError(record.broken)
                if not record.has_deal and (record.tags["deal"] or not record.is_of_a_board):
                    continue  # the other room's, or about no board
                deal = record.deal()
            except ValueError as error:
                if report is not None:
                    report.leave_out(str(self.path), f"board {record.label}", error)
                    cause = f"{self.path}, board {record.label}: {error}"
                    self.first_cause = self.first_cause or cause
                continue
            if report is not None:
                for remark in record.remarks:
                    report.remark(str(self.path), f"board {record.label}", remark)
            yield record, None if self._only_missing and _has_table(record) else deal


def _has_table(record: Record) -> bool:
    """Return whether a record has results for every declarer and strain."""
    for key, _, _, section in record.parts:
        if key == "optimumresulttable":
            rows = [line.split() for line in section.split("\n") if line.strip()]
            known = [row for row in rows if len(row) == 3 and row[2].isdecimal()]
            return len({(row[0], row[1]) for row in known}) == 20
    return False


def _conditions(
    record: Record, path: Path, report: Report | None = None
) -> tuple[Seat, int] | None:
    """Dealer and vulnerability, if the record or its number determines them."""
    dealer, vulnerable, board = (
        record.tags[name] if record.given.get(name) else ""
        for name in ("dealer", "vulnerable", "board")
    )
    unknown = ("", "?")
    if dealer in unknown or vulnerable in unknown:
        if not (board.isascii() and board.isdigit() and int(board)):
            return None
        by_number = board_conditions(int(board))
        dealer = by_number[0].name if dealer in unknown else dealer
        vulnerable = by_number[1] if vulnerable in unknown else vulnerable
    try:
        return Seat.parse(dealer), parse_vulnerable(vulnerable)
    except ValueError as error:
        if report is not None:
            report.remark(str(path), f"board {record.label}", f"no par, {error}")
        return None


def _count_solved(log_path: Path, boards: _Boards) -> int:
    """Return how many boards, from the first on, an interrupted run has solved."""
    if not log_path.exists():
        return 0
    done = 0
    with open(log_path, "rb") as log:
        for (_, deal), line in zip(boards, log, strict=False):
            if not (_SOLVED.fullmatch(line) and line.startswith(deal.pbn.encode())):
                break
            done += 1
    return done


def _write_results(boards: _Boards, out: Path, log: IO[bytes], packing: str) -> None:
    data = boards.data
    with replacing(out) as file:
        packed = _Packed(file, packing) if packing else None
        write = packed.write if packed else file.write
        at = 0
        for (record, _), line in zip(boards, log, strict=True):
            digits = line.split()[-1].decode()
            table = np.array([int(digit, 16) for digit in digits], dtype=np.int8)
            for start, end, new in _changes(data, record, boards.path, table.reshape(5, 4)):
                write(data[at:start])
                write(new)
                at = end
        write(data[at:])
        if packed:
            packed.write(None)
        shutil.copymode(boards.path, file.name)


class _Packed:
    """Writes text as the file that was read had it: compressed, or in UTF-16."""

    def __init__(self, file: IO[bytes], packing: str) -> None:
        self._file: Any = file
        self._encoding = packing
        if packing == "gzip":
            self._file = gzip.GzipFile(fileobj=file, mode="wb", mtime=0)
        else:
            file.write("\ufeff".encode(packing))

    def write(self, data: bytes | None) -> None:
        """Write a part; None after the last."""
        if self._encoding == "gzip":
            if data is None:
                self._file.close()
            else:
                self._file.write(data)
        elif data is not None:
            self._file.write(data.decode("utf-8").encode(self._encoding))


def _changes(
    data: bytes | mmap.mmap, record: Record, path: Path, table: NDArray[np.int8]
) -> list[tuple[int, int, bytes]]:
    """What to put in the place of which bytes, in their order."""
    placed = record.placed()
    last = placed[-1]
    end = last.end + len(last.section)
    end = last.end + len(data[last.end : end].rstrip())
    last_line = _LINE_END.match(data, end)
    assert last_line is not None  # it matches nothing at least
    newline = last_line[1] or (re.search(rb"\r*\n|\r", data) or [b"\n"])[0]
    results = {"OptimumResultTable": _table_rows(table)}
    same: tuple[str, ...] = _SAME_TABLE
    if conditions := _conditions(record, path):
        score = par(table, *conditions).score
        results = {"OptimumScore": [f"{'EW' if score < 0 else 'NS'} {abs(score)}"]} | results
        same += _SAME_PAR
    changes, added = [], b""
    for name, (value, *rows) in results.items():
        new = newline.join(line.encode() for line in [f'[{name} "{value}"]', *rows])
        found = [one for one in placed if one.key == name.lower()]
        for one in found[:1]:
            changes.append((one.start, *_extent(data, one, new, newline, bool(rows))))
        changes += [_removal(data, one) for one in found[1:]]
        if not found:
            added += new + newline
    changes += [_removal(data, one) for one in placed if one.key in same]
    if added:
        start = b"" if last_line[1] else newline
        changes.append((last_line.end(), last_line.end(), start + added))
    return sorted(changes)


def _extent(
    data: bytes | mmap.mmap, placed: PlacedTag, new: bytes, newline: bytes, has_rows: bool
) -> tuple[int, bytes]:
    """Where a tag and its rows end; comments that stand among the rows go after the new ones."""
    rows = placed.section.rstrip() if has_rows else ""
    if not rows:
        return placed.end, new
    end = placed.end + len(rows)
    comments = _COMMENT.findall(data[placed.end : end])
    return end, newline.join([new, *comments])


def _removal(data: bytes | mmap.mmap, placed: PlacedTag) -> tuple[int, int, bytes]:
    """Take a tag away with its rows and its line, but not what is said of it."""
    end = placed.end + len(placed.section.rstrip())
    comments = b" ".join(_COMMENT.findall(data[placed.end : end]))
    line_end = _LINE_END.match(data, end)
    alone = placed.start == 0 or data[placed.start - 1 : placed.start] in (b"\n", b"\r")
    if line_end and alone and not comments:
        end = line_end.end()
    return placed.start, end, comments


def _table_rows(table: NDArray[np.int8]) -> list[str]:
    """The value of the tag and the rows after it; declarers and strains as most programs do."""
    return [r"Declarer;Denomination\2R;Result\2R"] + [
        f"{seat.name} {strain.name:>2} {table[strain, seat]:2d}"
        for seat in (Seat.N, Seat.S, Seat.E, Seat.W)
        for strain in reversed(Strain)
    ]
