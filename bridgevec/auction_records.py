"""Recorded auctions: Parquet, PBN and LIN files, as they are found in the wild, into arrays.

A Parquet file of auctions has the columns ``deal`` (PBN text), ``dealer``, ``vulnerable`` and
``auction``, the calls from the dealer on: ``"1C P 1H X P"``.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec.auction import FIRST_BID, PASS, Auctions, explain_illegal, parse_call
from bridgevec.cards import Deal, Seat
from bridgevec.pbn import open_pbn, read_records
from bridgevec.records import PathLike, masks_of_column, read_text
from bridgevec.scoring import parse_vulnerable

SUFFIXES = (".parquet", ".pbn", ".lin")
_COLUMNS = ("deal", "dealer", "vulnerable", "auction")
_ROWS = 1 << 16
# Alerts, the numbers of notes and glyphs, stuck to a call or apart from it.
_REMARK = re.compile(r"=\d*=|\$\d+|[!?]+|\^\w*")
_LIN_VULNERABLE = {"o": 0, "0": 0, "-": 0, "": 0, "n": 1, "e": 2, "b": 3}


class RecordedAuctions(NamedTuple):
    """Auctions and the deals they were about, a row each.

    Attributes
    ----------
    deals : ndarray of uint64, shape (n, 4)
        Masks of N, E, S, W.
    dealers : ndarray of int8, shape (n,)
        Seats 0..3.
    vulnerable : ndarray of int8, shape (n,)
        0 nobody, 1 North-South, 2 East-West, 3 all, as in `bridgevec.scoring.VULNERABILITIES`.
    calls : ndarray of int8, shape (n, longest)
        The calls from the dealer on, as numbers; -1 after the last.
    skipped : int
        How many broken records were left out.
    """

    deals: NDArray[np.uint64]
    dealers: NDArray[np.int8]
    vulnerable: NDArray[np.int8]
    calls: NDArray[np.int8]
    skipped: int


_Row: TypeAlias = tuple[Any, int, int, list[int]]
"""Masks of N, E, S, W, dealer, vulnerability, calls."""
_Rows: TypeAlias = Iterator[tuple[str, _Row | ValueError]]
"""Each with the name of its place in the file; a broken record's error in its stead."""


def read_auctions(
    paths: PathLike | Iterable[PathLike], *, progress: bool = False
) -> RecordedAuctions:
    """Read the auctions of files and folders.

    PBN is read as it is found: tags that a record leaves out, or gives as ``#``, are those of the
    record before it of the same board; comments, notes, alerts and unknown tags are passed over;
    ``AP`` stands for the last passes, ``*`` and ``+`` for the end of what is known. Passes before
    the first bid that a record leaves out are put back: as many as bring the bid to a seat from
    which the ``Declarer`` comes to declare. A record without an auction is passed over.

    Parameters
    ----------
    paths : path or iterable of paths
        ``.parquet``, ``.pbn`` and ``.lin`` files, and folders, searched for such files.
    progress : bool, default False
        Show a progress bar, a step a file.

    Returns
    -------
    RecordedAuctions

    Warns
    -----
    UserWarning
        For every record that is broken: the deal is wrong, a call is unknown or not legal. It names
        the file and the board, or the row from 0. The record is left out.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a file is of another kind, lacks a column, or if there is no auction in all the files.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    files = [file for path in paths for file in _files(Path(path))]
    parts, skipped = [], 0
    for file in tqdm(files, desc="reading", disable=not progress):
        reader = {".parquet": _parquet_rows, ".pbn": _pbn_rows, ".lin": _lin_rows}[file.suffix]
        rows: list[_Row] = []
        places: list[str] = []
        for place, row in reader(file):
            if isinstance(row, ValueError):
                skipped += _skip(file, place, str(row))
                continue
            rows.append(row)
            places.append(place)
            if len(rows) == _ROWS:
                parts.append(_arrays(rows, places, file))
                rows, places = [], []
        parts.append(_arrays(rows, places, file))
    skipped += sum(part.skipped for part in parts)
    n = sum(len(part.deals) for part in parts)
    if not n:
        where = ", ".join(str(file) for file in files)
        raise ValueError(f"{where}: no auction, {skipped} broken records")
    longest = max(part.calls.shape[1] for part in parts)
    calls = np.full((n, longest), -1, dtype=np.int8)
    row = 0
    for part in parts:
        calls[row : row + len(part.calls), : part.calls.shape[1]] = part.calls
        row += len(part.calls)
    deals, dealers, vulnerable = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return RecordedAuctions(deals, dealers, vulnerable, calls, skipped)


def deal_numbers(deals: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Number deals by a hash of 64 bits, which looks random (the mixer of SplitMix64).

    Parameters
    ----------
    deals : ndarray of uint64, shape (n, 4)
        Masks of N, E, S, W.

    Returns
    -------
    ndarray of uint64, shape (n,)
    """
    x = np.zeros(len(deals), dtype=np.uint64)
    for hand in deals.T:
        x = (x ^ hand) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return x


def held_out(numbers: NDArray[np.uint64], share: float) -> NDArray[np.bool_]:
    """Choose a share of all deals, always the same ones, to be kept from training.

    Parameters
    ----------
    numbers : ndarray of uint64, shape (n,)
        From `deal_numbers`.
    share : float
        From 0 to 1; what a smaller share holds, a larger one holds too.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    return numbers / 2.0**64 < share


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES)
        if not files:
            raise ValueError(f"folder {path} has no {', '.join(SUFFIXES)} file")
        return files
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path} is neither a folder nor a {', '.join(SUFFIXES)} file")
    path.stat()  # or FileNotFoundError, before anything long starts
    return [path]


def _skip(file: Path, place: str, error: str) -> int:
    warnings.warn(f"{file}, {place}: {error}; skipped", stacklevel=3)
    return 1


def _arrays(rows: list[_Row], places: list[str], file: Path) -> RecordedAuctions:
    """Put rows into arrays, without those whose auctions break the Laws."""
    lengths = np.array([len(row[3]) for row in rows], dtype=np.intp)
    calls = np.full((len(rows), int(lengths.max(initial=0))), -1, dtype=np.int8)
    calls[np.arange(calls.shape[1]) < lengths[:, None]] = [c for row in rows for c in row[3]]
    dealers = np.array([row[1] for row in rows], dtype=np.int8)
    good = np.ones(len(rows), dtype=bool)
    if rows:
        auctions = Auctions(len(rows))
        auctions.start(good, dealers.view(np.uint8))
        for column in calls.T.astype(np.int64):
            column = np.ascontiguousarray(column)
            called = good & (column >= 0)
            wrong = called & ~auctions.are_legal(column)
            for i in np.flatnonzero(wrong):
                _skip(file, places[i], explain_illegal(auctions, i, int(column[i])))
            good &= ~wrong
            auctions.make(called & good, column)
    return RecordedAuctions(
        np.array([row[0] for row in rows], dtype=np.uint64).reshape(-1, 4)[good],
        dealers[good],
        np.array([row[2] for row in rows], dtype=np.int8)[good],
        calls[good],
        int((~good).sum()),
    )


def _parquet_rows(path: Path) -> _Rows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from None
    schema = file.schema_arrow
    for name in _COLUMNS:
        if name not in schema.names:
            raise ValueError(f"{path} has no column {name!r}, only {schema.names}")
        if schema.field(name).type not in (pa.string(), pa.large_string()):
            raise ValueError(f"{path}: column {name!r} is {schema.field(name).type}, not string")
    # Millions of calls, few that differ.
    call, seat, vulnerability = map(lru_cache, (parse_call, Seat.parse, parse_vulnerable))
    first = 0
    for batch in file.iter_batches(batch_size=_ROWS, columns=list(_COLUMNS)):
        deals, *others = (batch[name] for name in _COLUMNS)
        try:
            # Whole columns are read much faster than one deal after the other.
            texts = masks_of_column(deals, path, first).tolist()
        except (ValueError, AttributeError):
            texts = deals.to_pylist()
        columns = (column.to_pylist() for column in others)
        for row, record in enumerate(zip(texts, *columns, strict=True), first):
            deal, dealer, vulnerable, auction = record
            place = f"row {row}"
            try:
                if None in record:
                    raise ValueError(f"no value of {_COLUMNS[record.index(None)]!r}")
                yield (
                    place,
                    (
                        Deal(deal).masks if isinstance(deal, str) else deal,
                        int(seat(dealer)),
                        vulnerability(vulnerable),
                        [call(text) for text in auction.split()],
                    ),
                )
            except ValueError as error:
                yield place, error
        first += len(batch)


def _pbn_rows(path: Path) -> _Rows:
    """Read the records of a PBN file."""
    with open_pbn(path) as data:
        for record in read_records(data):
            board = record.tags["board"]
            place = f"board {board}" if board else f"record {record.place}"
            try:
                row = _pbn_row(record.tags, record.words("auction"))
            except ValueError as error:
                yield place, error
            else:
                if row is not None:
                    yield place, row


def _pbn_row(tags: dict[str, str], words: list[str]) -> _Row | None:
    words = [word for word in (_REMARK.sub("", word) for word in words) if word]
    if "auction" not in tags or not words:
        return None
    for name in ("deal", "vulnerable"):
        if not tags.get(name):
            raise ValueError(f"an auction without the tag {name.capitalize()}")
    calls: list[int] = []
    gap, ended = 0, True
    for word in words:
        if word in ("*", "+") or (word == "-" and calls):
            ended = False
            break
        if word == "-":
            gap += 1
        elif word.upper() == "AP":
            passes = next((i for i, call in enumerate(reversed(calls)) if call), len(calls))
            calls += [PASS] * ((3 if any(calls) else 4) - passes)
            break
        else:
            calls.append(parse_call(word))
    if not calls:
        return None
    first = tags["auction"] or tags.get("dealer", "")
    dealer = Seat.parse(tags.get("dealer") or first)
    missing = (Seat.parse(first) + gap - dealer) % 4
    declarer = tags.get("declarer", "")[-1:].upper()  # "^S" before it means: not the real one
    if ended and declarer in Seat.__members__ and any(call >= FIRST_BID for call in calls):
        missing = (Seat.parse(declarer) - dealer - _first_to_name(calls)) % 4
    if missing and calls[0] == PASS:
        raise ValueError(f"the auction does not fit dealer {dealer.name} and its declarer")
    return (
        Deal(tags["deal"]).masks,
        int(dealer),
        parse_vulnerable(tags["vulnerable"]),
        [PASS] * missing + calls,
    )


def _first_to_name(calls: list[int]) -> int:
    """Place in the auction of the first bid of the last bid's strain by its side."""
    last = max(i for i, call in enumerate(calls) if call >= FIRST_BID)
    return next(
        i
        for i in range(last % 2, last + 1, 2)
        if calls[i] >= FIRST_BID and (calls[i] - calls[last]) % 5 == 0
    )


def _lin_rows(path: Path) -> _Rows:
    """Read the boards of a LIN file: a player's exported hands, or both rooms of a match."""
    deals: dict[str, str] = {}
    for place, board in enumerate(_lin_boards(read_text(path)[1]), 1):
        label = board.get("ah", [board.get("qx", [""])[0]])[0].removeprefix("Board").strip()
        number = label.lstrip("oc")  # o3 and c3: board 3 in the open and the closed room
        md = "".join(board.get("md", [])[:1])
        if number:
            md = deals[number] = md or deals.get(number, "")
        calls = [_REMARK.sub("", call) for call in board.get("mb", [])]
        if not calls:
            continue
        try:
            masks, dealer = _lin_deal(md)
            vulnerable = _LIN_VULNERABLE.get(board.get("sv", [""])[0].lower())
            if vulnerable is None:
                raise ValueError(f"unknown vulnerability {board['sv'][0]!r}")
            row: _Row = (masks, dealer, vulnerable, [parse_call(call) for call in calls])
        except ValueError as error:
            yield f"board {label or place}", error
        else:
            yield f"board {label or place}", row


def _lin_boards(text: str) -> Iterator[dict[str, list[str]]]:
    words = "".join(text.splitlines()).split("|")
    board: dict[str, list[str]] = {}
    for key, value in zip(words[::2], words[1::2], strict=False):
        key = key.strip().lower()
        if board and (key == "qx" or (key in ("pn", "md") and "md" in board)):
            yield board
            board = {}
        board.setdefault(key, []).append(value.strip())
    yield board


def _lin_deal(text: str) -> tuple[tuple[int, int, int, int], int]:
    """Read dealer and hands, S W N E, of which the last may be left out."""
    from endplay.types import Deal as EndplayDeal

    if text[:1] not in ("1", "2", "3", "4"):
        raise ValueError(f"no dealer in the deal 'md|{text}|'")
    try:
        deal = EndplayDeal.from_lin(text)
    except Exception as error:  # endplay raises ValueError, RuntimeError, KeyError, ...
        raise ValueError(f"deal 'md|{text}|': {error!r}") from error
    return Deal(deal).masks, (int(text[0]) + 1) % 4
