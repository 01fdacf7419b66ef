"""Files in and out: labelled deals in Parquet; the deals of PBN and LIN files.

A file of labelled deals has two columns: ``deal``, the PBN text from North, and ``tricks``, a
fixed-size list of 20 int8, the trick table row by row (strain × declarer). Where the labels came
from (seed, solver version) stands in the metadata of the file's schema.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridgevec.cards import FULL_DECK, RANKS, Deal, deal_masks, hand_bits

if TYPE_CHECKING:
    import pyarrow as pa

PathLike: TypeAlias = str | os.PathLike[str]

_ROWS = 1 << 16
# The text of a complete deal is always this long: 52 cards, 12 dots, 3 spaces and "N:".
_LENGTH = 69
# The text of a deal in which every hand holds every card; a real one is made by striking out.
_EVERYTHING = np.frombuffer(("N:" + " ".join([".".join([RANKS] * 4)] * 4)).encode(), dtype=np.uint8)
_CARD_PLACES = np.flatnonzero(np.isin(_EVERYTHING, np.frombuffer(RANKS.encode(), dtype=np.uint8)))
_LIN_KEYS = ("pn", "md", "ah")
_PBN_TAG = re.compile(r"\s*\[(board|deal)\s", re.IGNORECASE)
_RANK = np.full(256, 255, dtype=np.uint8)
_RANK[list(RANKS.encode())] = np.arange(13)


def _texts_from_masks(masks: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Write complete deals (n, 4) as ASCII, shape (n, 69)."""
    keep = np.ones((len(masks), _EVERYTHING.size), dtype=bool)
    keep[:, _CARD_PLACES] = hand_bits(masks).reshape(len(masks), 208)
    return np.broadcast_to(_EVERYTHING, keep.shape)[keep].reshape(-1, _LENGTH)


def _masks_from_texts(texts: NDArray[np.uint8]) -> NDArray[np.uint64] | None:
    """Read deals as `_texts_from_masks` writes them; None if a row is anything else."""
    body = texts[:, 2:]
    rank = _RANK[body]
    is_card = rank < 13
    # The separators before a character tell its hand and suit: 4 suits a hand.
    group = np.cumsum(~is_card, axis=1, dtype=np.uint8)
    if not (is_card.sum(axis=1) == 52).all():
        return None
    card = (64 * (group >> 2).astype(np.intp) + 13 * (group & 3) + rank)[is_card].reshape(-1, 52)
    bits = np.zeros((len(texts), 256), dtype=bool)
    np.put_along_axis(bits, card, True, axis=1)
    masks = np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64, copy=False)
    thirteen = (np.bitwise_count(masks) == 13).all()
    disjoint = (np.bitwise_or.reduce(masks, axis=1) == FULL_DECK).all()
    if thirteen and disjoint and np.array_equal(_texts_from_masks(masks), texts):
        return masks
    return None


def write_deals(
    path: PathLike,
    masks: NDArray[np.uint64],
    tricks: ArrayLike,
    metadata: Mapping[str, str],
) -> Path:
    """Write labelled deals as a Parquet file.

    The file is written under a temporary name beside `path` and then renamed, so `path` is never
    half a file. The same arguments give the same bytes.

    Parameters
    ----------
    path : path
    masks : ndarray of uint64, shape (n, 4)
        The deals, as from `bridgevec.cards.random_masks`.
    tricks : array_like of int, shape (n, 5, 4)
        The trick tables, strain × declarer.
    metadata : mapping of str to str
        Where the labels came from, such as the seed and the solver version.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    ValueError
        If a deal is not complete, the shapes do not fit, or a number of tricks is not 0..13.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    masks = deal_masks(masks)
    table = np.asarray(tricks)
    if table.shape != (len(masks), 5, 4):
        raise ValueError(f"tricks has shape {table.shape}, expected {(len(masks), 5, 4)}")
    if table.dtype.kind not in "iu":
        raise ValueError(f"tricks has dtype {table.dtype}, expected integers")
    _check_tricks(table, "tricks")
    texts = [_texts_from_masks(masks[i : i + _ROWS]) for i in range(0, len(masks), _ROWS)]
    ends = np.arange(len(masks) + 1, dtype=np.int32) * _LENGTH
    deal_column = pa.StringArray.from_buffers(
        len(masks), pa.py_buffer(ends), pa.py_buffer(b"".join(text.tobytes() for text in texts))
    )
    tricks_column = pa.FixedSizeListArray.from_arrays(
        pa.array(table.astype(np.int8).reshape(-1)), type=_tricks_type()
    )
    schema = pa.schema(
        [pa.field("deal", pa.string(), False), pa.field("tricks", _tricks_type(), False)],
        metadata={key: str(value) for key, value in metadata.items()},
    )
    temporary = path.with_name(path.name + ".tmp")
    try:
        with open(temporary, "wb") as file:
            pq.write_table(
                pa.table([deal_column, tricks_column], schema=schema),
                file,
                row_group_size=_ROWS,
                compression="zstd",
                use_dictionary=["tricks.list.element"],
            )
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _tricks_type() -> pa.DataType:
    import pyarrow as pa

    return pa.list_(pa.field("element", pa.int8(), False), 20)


def _check_tricks(tricks: NDArray[Any], where: str, first_row: int = 0) -> None:
    wrong = np.argwhere((tricks < 0) | (tricks > 13))
    if wrong.size:
        value = tricks[tuple(wrong[0])]
        raise ValueError(
            f"{where}: row {first_row + wrong[0][0]} has {value} tricks, expected 0 to 13"
        )


def read_deals(
    paths: PathLike | Iterable[PathLike],
) -> tuple[NDArray[np.uint64], NDArray[np.int8]]:
    """Read labelled deals from one Parquet file or several, one after the other.

    Parameters
    ----------
    paths : path or iterable of paths

    Returns
    -------
    masks : ndarray of uint64, shape (n, 4)
    tricks : ndarray of int8, shape (n, 5, 4)

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a file is not one of labelled deals; the message names the file, and the row.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    masks, tricks = [np.empty((0, 4), dtype=np.uint64)], [np.empty((0, 5, 4), dtype=np.int8)]
    for path in paths:
        row = 0
        file = _open_deals(path)
        for batch in file.iter_batches(batch_size=_ROWS, columns=["deal", "tricks"]):
            values = batch["tricks"].flatten()
            if batch["deal"].null_count:
                raise ValueError(f"{path}: column 'deal' has rows without a value")
            if batch["tricks"].null_count or values.null_count:
                raise ValueError(f"{path}: column 'tricks' has rows without a value")
            masks.append(_deal_column(batch["deal"], path, row))
            tricks.append(values.to_numpy().reshape(-1, 5, 4))
            _check_tricks(tricks[-1], str(path), row)
            row += len(batch)
    return np.concatenate(masks), np.concatenate(tricks)


def _deal_column(column: pa.Array, path: PathLike, first_row: int) -> NDArray[np.uint64]:
    import pyarrow as pa

    n = len(column)
    column = column.cast(pa.string())
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32, count=n + 1, offset=4 * column.offset)
    if (np.diff(ends) == _LENGTH).all():
        text = np.frombuffer(data, dtype=np.uint8, count=n * _LENGTH, offset=int(ends[0]))
        masks = _masks_from_texts(text.reshape(n, _LENGTH))
        if masks is not None:
            return masks
    # Some row is not as `write_deals` writes it: from another seat, say, or wrong.
    rows = []
    for i, text in enumerate(column.to_pylist(), first_row):
        try:
            rows.append(Deal(text).masks)
        except ValueError as error:
            raise ValueError(f"{path}: row {i}: {error}") from None
    return np.array(rows, dtype=np.uint64)


def _open_deals(path: PathLike) -> Any:
    """Open a Parquet file of labelled deals after a look at its columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from None
    schema = file.schema_arrow
    for name in ("deal", "tricks"):
        if name not in schema.names:
            raise ValueError(f"{path} has no column {name!r}, only {schema.names}")
    if schema.field("deal").type not in (pa.string(), pa.large_string()):
        raise ValueError(f"{path}: column 'deal' is {schema.field('deal').type}, expected string")
    kind = schema.field("tricks").type
    size = getattr(kind, "list_size", None)
    if size != 20 or kind.value_type != pa.int8():
        raise ValueError(
            f"{path}: column 'tricks' is {kind}, expected a fixed-size list of 20 int8"
        )
    return file


def deals_info(path: PathLike) -> tuple[int, dict[str, str]]:
    """Tell how many labelled deals a file has and where they came from, from its footer alone.

    Parameters
    ----------
    path : path

    Returns
    -------
    n : int
    metadata : dict
        As given to `write_deals`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not one of labelled deals.
    """
    file = _open_deals(path)
    metadata = file.schema_arrow.metadata or {}
    return file.metadata.num_rows, {k.decode(): v.decode() for k, v in metadata.items()}


def read_pbn_deals(source: PathLike | IO[str]) -> list[tuple[str, Deal]]:
    """Read the deals of a PBN file.

    Parameters
    ----------
    source : path or text file
        Records without a deal are passed over. A deal ``"#"`` is that of the record before.

    Returns
    -------
    list of (str, Deal)
        The board's number, or the record's place in the file (from 1) if it has none, and the deal.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not PBN, a deal is wrong or incomplete, or there is none; the message names
        the file and the line or board.
    """
    from endplay.parsers.pbn import PBNDecoder

    name, text = _read_text(source)
    # Only the two tags that count are passed on: an auction, a comment or a note that endplay
    # cannot read is no obstacle. Lines of % are passed over; they keep the numbering.
    lines = [
        line if not line.strip() or _PBN_TAG.match(line) else "%" for line in text.splitlines()
    ]
    decoder = PBNDecoder()
    try:
        boards = decoder.parse_file(StringIO("\n".join(lines)))
    except Exception as error:  # endplay raises ValueError, RuntimeError, KeyError, ...
        raise ValueError(f"{name}, record before line {decoder.lineno}: {error!r}") from error
    return _board_deals(boards, name)


def read_lin_deals(source: PathLike | IO[str]) -> list[tuple[str, Deal]]:
    """Read the deals of a LIN file, one board a ``pn|`` as in a player's exported hands.

    Parameters
    ----------
    source : path or text file

    Returns
    -------
    list of (str, Deal)
        The board's number, or its place in the file (from 1) if it has none, and the deal.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not LIN, a deal is wrong, or there is none; the message names the file.
    """
    from endplay.parsers import lin

    name, text = _read_text(source)
    # As with PBN, only what counts is passed on: where a board starts, its deal and its number.
    words = "".join(text.splitlines()).split("|")
    pairs = [pair for pair in zip(words[::2], words[1::2], strict=False) if pair[0] in _LIN_KEYS]
    try:
        boards = lin.loads("".join(f"{key}|{value}|" for key, value in pairs))
    except Exception as error:  # endplay raises ValueError, RuntimeError, IndexError, ...
        raise ValueError(f"{name}: {error!r}") from error
    deals = sum(key == "md" for key, _ in pairs)
    if deals != len(boards):
        raise ValueError(f"{name} has {deals} deals but {len(boards)} boards that start with 'pn|'")
    return _board_deals(boards, name)


def _read_text(source: PathLike | IO[str]) -> tuple[str, str]:
    if isinstance(source, (str, os.PathLike)):
        # Names of players and events may be in any encoding; the deals are ASCII.
        return str(source), Path(source).read_text("utf-8-sig", errors="replace")
    return getattr(source, "name", "input"), source.read()


def _board_deals(boards: Iterable[Any], name: str) -> list[tuple[str, Deal]]:
    deals = []
    for place, board in enumerate(boards, 1):
        label = str(place if board.board_num is None else board.board_num)
        if not any(len(hand) for _, hand in board.deal):
            continue
        try:
            deals.append((label, Deal(board.deal)))
        except ValueError as error:
            raise ValueError(f"{name}, board {label}: {error}") from None
    if not deals:
        raise ValueError(f"{name} has no record with a deal")
    return deals
