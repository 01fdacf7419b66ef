"""Boards in Parquet, a row each.

The columns are ``deal``, ``dealer``, ``vulnerable`` and ``auction``, the calls from the dealer.
Where they are known there are also ``board``, ``contract``, ``play``, ``result``, ``claimed``,
``tags``, ``notes``, ``marks`` and ``play_notes``. A file with nothing but deals is read too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from bridgevec.board import Board
from bridgevec.cards import Deal
from bridgevec.extras import require
from bridgevec.records.deals import parse_deal
from bridgevec.records.labelled import masks_of_column
from bridgevec.records.policy import Report
from bridgevec.records.text import board_of_parts

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 1 << 16
_TEXTS = ("dealer", "vulnerable", "auction", "contract")
_DETAILS = ("tags", "notes", "marks", "play_notes")


def read_parquet(file: Any, name: str, report: Report) -> Iterator[Board]:
    """Read the boards of a Parquet file.

    Parameters
    ----------
    file : path or binary file
    name : str
        The file's, for messages.
    report : Report
        Told of what is wrong.

    Yields
    ------
    Board

    Raises
    ------
    ValueError
        If it is no Parquet file, or has no column of deals.
    """
    require("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{name} is not a Parquet file: {error}") from None
    schema = table.schema_arrow
    for column in ("deal", *_TEXTS, "play"):
        if column in schema.names:
            kind = schema.field(column).type
            if kind not in (pa.string(), pa.large_string(), pa.null()):
                raise ValueError(f"{name}: column {column!r} is {kind}, not string")
    if "deal" not in schema.names:
        raise ValueError(f"{name} has no column 'deal', only {schema.names}")
    wanted = ("deal", "board", *_TEXTS, "play", "result", "claimed", *_DETAILS)
    columns = [column for column in wanted if column in schema.names]
    first = 0
    for batch in table.iter_batches(batch_size=_ROWS, columns=columns):
        try:
            # Whole columns are read much faster than one deal after the other.
            deals: list[Any] = masks_of_column(batch["deal"], name, first).tolist()
        except (ValueError, AttributeError):
            deals = batch["deal"].to_pylist()
        others = [column for column in columns if column != "deal"]
        values = zip(*(batch[column].to_pylist() for column in others), strict=True)
        rows: Iterable[Any] = values if others else [()] * len(batch)
        for row, (deal, record) in enumerate(zip(deals, rows, strict=True), first):
            try:
                if deal is None:
                    raise ValueError("no value of 'deal'")
                made = (
                    parse_deal(deal, first=None)
                    if isinstance(deal, str)
                    else Deal._trusted(tuple(deal))
                )
            except ValueError as error:
                report.leave_out(name, f"row {row}", error)
                continue
            parts = _parts(dict(zip(others, record, strict=True)))
            if (board := board_of_parts((made, f"row {row}", parts), name, report)) is not None:
                yield board
        first += len(batch)


def _parts(row: dict[str, Any]) -> dict[str, Any]:
    """What `Board` takes, by what it is called there."""
    row["number"] = row.pop("board", None)
    parts = {name: value for name, value in row.items() if value is not None and value != ""}
    return parts | {name: dict(parts[name]) for name in _DETAILS if name in parts}


def write_parquet(file: IO[bytes], boards: Iterable[Board]) -> int:
    """Write boards as a Parquet file, some thousands at a time, and return how many."""
    require("pyarrow")
    import pyarrow.parquet as pq

    n = 0
    schema = _schema()
    boards = iter(boards)
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        while part := list(islice(boards, _ROWS)):
            writer.write_table(_table(part, schema))
            n += len(part)
    return n


def _schema() -> pa.Schema:
    require("pyarrow")
    import pyarrow as pa

    text = pa.string()
    by_place = pa.map_(pa.int16(), text)
    return pa.schema(
        [
            pa.field("deal", text, False),
            pa.field("dealer", text, False),
            pa.field("vulnerable", text, False),
            pa.field("auction", text, False),
            ("board", text),
            ("contract", text),
            ("play", text),
            ("result", pa.int8()),
            ("claimed", pa.bool_()),
            ("tags", pa.map_(text, text)),
            ("notes", by_place),
            ("marks", by_place),
            ("play_notes", by_place),
        ]
    )


def _table(boards: list[Board], schema: pa.Schema) -> pa.Table:
    require("pyarrow")
    import pyarrow as pa

    columns: dict[str, list[Any]] = {
        "deal": [board.deal.pbn for board in boards],
        "dealer": [board.dealer.name for board in boards],
        "vulnerable": [str(board.vulnerable) for board in boards],
        "auction": [" ".join(map(str, board.calls)) for board in boards],
        "board": [board.number for board in boards],
        "contract": [None if b.contract is None else str(b.contract) for b in boards],
        "play": [" ".join(board.play) for board in boards],
        "result": [board.result for board in boards],
        "claimed": [board.claimed for board in boards],
    }
    for name in _DETAILS:
        columns[name] = [list(getattr(board, name).items()) for board in boards]
    return pa.table(columns, schema=schema)
