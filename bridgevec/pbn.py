"""PBN files: their records, what each says and where it stands; double-dummy results added to them.

Files are read as bytes, so that whatever a result is not about stays as it was, in any encoding.
The standard: "Portable Bridge Notation" 2.1, sections 3 (tags), 4.8 (inheritance), 5 (tables).
"""

from __future__ import annotations

import itertools
import mmap
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec.cards import Deal, Seat, Strain
from bridgevec.dds import MEMORY, iter_tables
from bridgevec.files import replacing
from bridgevec.scoring import board_conditions, par, parse_vulnerable

# What a file is made of: comments, lines of %, blank lines, tags, words. A brace that is never
# closed is a word, so that no board is lost in it.
_TOKEN = re.compile(
    rb"\xef\xbb\xbf|\{[^}]*\}|;[^\r\n]*|(?<![^\r\n\xbf])%[^\r\n]*"
    rb"|(?P<blank>(?>\r\n|\r|\n)(?:[ \t]*(?>\r\n|\r|\n))+)"
    rb'|\[\s*(?P<tag>\w+)\s*"(?P<value>[^"\r\n]*)"(?:\s*\])?'
    rb'|(?P<word>"[^"\r\n]*"|[^\s{;\["]+|["\[{])'
)
_LINE_END = re.compile(rb"[^\S\r\n]*(\r\n|\r|\n)?")
_OF_A_BOARD = ("board", "deal", "dealer", "vulnerable")
# A board in work: the deal from North and its table, a digit for each result.
_SOLVED = re.compile(rb"N:[^ ]+ [^ ]+ [^ ]+ [^ ]+ ([0-9a-d]{20})\n")
_SOLVED_SIZE = 69 + 1 + 20 + 1


@dataclass(slots=True)
class Record:
    """A record of a PBN file, mostly the play of a board at a table.

    Attributes
    ----------
    place : int
        From 1.
    given : dict of str to str
        The tags as they stand in the record, or ``"#"`` where a ``"##"`` before it makes them go
        on; names in lower case, of a repeated tag the first.
    tags : dict of str to str
        The same with the values that ``"#"`` stands for; board, deal, dealer and vulnerability
        also if the record leaves them out and the one before it is of the same board, or ``""``.
    tokens : list of re.Match
        Tags, words and comments in their order.
    """

    place: int
    given: dict[str, str]
    tags: dict[str, str]
    tokens: list[re.Match[bytes]]

    @property
    def label(self) -> str:
        """The board's number, or the record's place."""
        return (self.tags["board"] if "board" in self.given else "") or str(self.place)

    @property
    def has_deal(self) -> bool:
        """Whether a deal stands in the record itself, with all hands known."""
        text = self.given.get("deal", "").removeprefix("##")
        return text not in ("", "#") and not _has_unknown_hand(text)

    def deal(self) -> Deal:
        """The deal, its own or that of the record before.

        Raises
        ------
        ValueError
            If there is none, or it is wrong or not wholly known.
        """
        text = self.tags["deal"]
        if not text:
            raise ValueError("no record before has the deal that '#' stands for")
        if _has_unknown_hand(text):
            raise ValueError(f"deal {text!r} has a hand that is not known, '-'")
        return Deal(text)

    def words(self, section: str) -> list[str]:
        """The words after the first tag of this name, those after its notes included."""
        found: list[str] = []
        at, seen = "", set[str]()
        for token in self.tokens:
            if name := _tag(token):
                at = at if name == "note" else name if name not in seen else ""
                seen.add(name)
            elif token["word"] and at == section:
                found.append(_text(token["word"]))
        return found


def _has_unknown_hand(deal: str) -> bool:
    return "-" in re.split(r"[:\s]+", deal)


def _tag(token: re.Match[bytes]) -> str:
    return _text(token["tag"] or b"").lower()


def _text(data: bytes) -> str:
    # Names may be in any encoding; what counts is ASCII.
    return data.decode("utf-8", errors="replace")


@contextmanager
def open_pbn(path: str | os.PathLike[str]) -> Iterator[bytes | mmap.mmap]:
    """Give the bytes of a file, however long, without reading them into memory."""
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            yield b""
            return
        # It is closed when the last match that was found in it is gone.
        yield mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def read_records(data: bytes | mmap.mmap) -> Iterator[Record]:
    r"""Split PBN into records, each with what it takes over from the one before it.

    A record ends at a blank line, or where the tag Event, Board or Deal comes again.

    Parameters
    ----------
    data : bytes or mmap

    Yields
    ------
    Record

    Examples
    --------
    >>> data = b'[Board "1"] [Dealer "N"]\n[Auction "N"]\n1NT AP\n\n[Board "#"] [Room "Closed"]'
    >>> for record in read_records(data):
    ...     print(record.tags["board"], record.tags["dealer"], record.words("auction"))
    1 N ['1NT', 'AP']
    1 N []
    """
    before: dict[str, str] = {}
    lasting: set[str] = set()
    for place, (given, tokens) in enumerate(_split(data), 1):
        given = dict.fromkeys(lasting, "#") | given
        tags = {}
        for name, value in given.items():
            if value[:2] == "##":
                lasting.add(name)
            elif value != "#":
                lasting.discard(name)
            taken_over = value in ("#", "##")
            tags[name] = before.get(name, "") if taken_over else value.removeprefix("##")
        same = tags.get("board", before.get("board")) == before.get("board")
        for name in _OF_A_BOARD:
            tags[name] = tags.get(name) or (before.get(name, "") if same else "")
        yield Record(place, given, tags, tokens)
        before = tags


def _split(data: bytes | mmap.mmap) -> Iterator[tuple[dict[str, str], list[re.Match[bytes]]]]:
    tags: dict[str, str] = {}
    tokens: list[re.Match[bytes]] = []
    for token in _TOKEN.finditer(data):
        name = _tag(token)
        if tags and (token["blank"] or (name in tags and name in ("event", "board", "deal"))):
            yield tags, tokens
            tags, tokens = {}, []
        if name:
            tags.setdefault(name, _text(token["value"]).strip())
        if tags:
            tokens.append(token)
    if tags:
        yield tags, tokens


def solve_pbn(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    workers: int | None = None,
    memory: int = MEMORY,
    progress: bool = False,
) -> int:
    r"""Add the double-dummy results of every board to a PBN file.

    The results are the standard's tags ``OptimumResultTable``, the tricks of every declarer in
    every strain, and ``OptimumScore``, par. Where a record has them they are replaced, else they
    are put at its end; no other byte changes. Records that take the deal over from the one before,
    or have none with four known hands, stay as they are. For par, dealer and vulnerability are
    those of the record or else of the board's number (Law 2); without either, par is left out.

    It may be stopped at any moment, even killed: the same call goes on where it stood. Boards
    solved are kept in the file ``OUT.partial`` until `out`, written under a temporary name, is
    renamed. The memory taken does not depend on the number of boards.

    Parameters
    ----------
    path : path
    out : path
        The file to write; may be `path` itself.
    workers : int, optional
        Threads; by default as many as there are processors to use.
    memory : int, default 128
        MiB for the positions that each thread remembers.
    progress : bool, default False
        Show a bar with the boards a second and the time left.

    Returns
    -------
    int
        How many boards have results.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If no record has a deal, or a deal, dealer or vulnerability is wrong; the message names the
        file and the board. Nothing is written.
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
    log_path = out.with_name(out.name + ".partial")
    with open_pbn(path) as data:
        total = 0
        for record, _ in _boards(data, path):
            _conditions(record, path)
            total += 1
        if not total:
            raise ValueError(f"{path} has no record with a deal")
        done = _count_solved(log_path, data, path)
        # The deals that are left, in two readings; those of both tables of a board are solved once.
        todo, deals = (
            itertools.groupby(deal for _, deal in itertools.islice(_boards(data, path), done, None))
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
            for (deal, boards), table in zip(todo, solved, strict=True):
                for _ in boards:
                    log.write(f"{deal.pbn} {''.join(f'{n:x}' for n in table.flat)}\n".encode())
                    log.flush()
                    bar.update()
            log.seek(0)
            _write_results(data, path, out, log)
    log_path.unlink()
    return total


def _boards(data: bytes | mmap.mmap, path: Path) -> Iterator[tuple[Record, Deal]]:
    for record in read_records(data):
        if record.has_deal:
            try:
                deal = record.deal()
            except ValueError as error:
                raise ValueError(f"{path}, board {record.label}: {error}") from None
            yield record, deal


def _conditions(record: Record, path: Path) -> tuple[Seat, int] | None:
    """Dealer and vulnerability, if the record or its number tells them."""
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
        raise ValueError(f"{path}, board {record.label}: {error}") from None


def _count_solved(log_path: Path, data: bytes | mmap.mmap, path: Path) -> int:
    """How many boards, from the first on, an interrupted run has solved."""
    if not log_path.exists():
        return 0
    done = 0
    with open(log_path, "rb") as log:
        for (_, deal), line in zip(_boards(data, path), log, strict=False):
            if not (_SOLVED.fullmatch(line) and line.startswith(deal.pbn.encode())):
                break
            done += 1
    return done


def _write_results(data: bytes | mmap.mmap, path: Path, out: Path, log: IO[bytes]) -> None:
    with replacing(out) as file:
        at = 0
        for (record, _), line in zip(_boards(data, path), log, strict=True):
            digits = line.split()[-1].decode()
            table = np.array([int(digit, 16) for digit in digits], dtype=np.int8)
            for start, end, new in _changes(data, record, path, table.reshape(5, 4)):
                file.write(data[at:start])
                file.write(new)
                at = end
        file.write(data[at:])
        shutil.copymode(path, file.name)


def _changes(
    data: bytes | mmap.mmap, record: Record, path: Path, table: NDArray[np.int8]
) -> list[tuple[int, int, bytes]]:
    """What to put in the place of which bytes, in their order."""
    last_line = _LINE_END.match(data, record.tokens[-1].end())
    assert last_line is not None  # it matches nothing at least
    newline = last_line[1] or (re.search(rb"\r\n|\r|\n", data) or [b"\n"])[0]
    results = {"OptimumResultTable": _table_rows(table)}
    if conditions := _conditions(record, path):
        score = par(table, *conditions).score
        results = {"OptimumScore": [f"{'EW' if score < 0 else 'NS'} {abs(score)}"]} | results
    changes, added = [], b""
    for name, (value, *rows) in results.items():
        new = newline.join(line.encode() for line in [f'[{name} "{value}"]', *rows])
        places = [i for i, token in enumerate(record.tokens) if _tag(token) == name.lower()]
        for i in places:
            changes.append(_replacement(record.tokens[i:], new, newline, bool(rows)))
        if not places:
            added += new + newline
    if added:
        start = b"" if last_line[1] else newline
        changes.append((last_line.end(), last_line.end(), start + added))
    return sorted(changes)


def _table_rows(table: NDArray[np.int8]) -> list[str]:
    """The value of the tag and the rows after it; declarers and strains as most programs do."""
    return [r"Declarer;Denomination\2R;Result\2R"] + [
        f"{seat.name} {strain.name:>2} {table[strain, seat]:2d}"
        for seat in (Seat.N, Seat.S, Seat.E, Seat.W)
        for strain in reversed(Strain)
    ]


def _replacement(
    tokens: list[re.Match[bytes]], new: bytes, newline: bytes, has_rows: bool
) -> tuple[int, int, bytes]:
    """Replace a tag and its rows; comments that stood among the rows are put after them."""
    rows = list(itertools.takewhile(lambda token: has_rows and not token["tag"], tokens[1:]))
    while rows and not rows[-1]["word"]:
        rows.pop()
    comments = [token[0] for token in rows if not token["word"]]
    return tokens[0].start(), [*tokens[:1], *rows][-1].end(), newline.join([new, *comments])
