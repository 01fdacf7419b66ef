"""Labelled deals and pairs of hands, in Parquet.

A file of labelled deals has two columns: ``deal``, the PBN text from North, and ``tricks``, a
fixed-size list of 20 int8, the trick table row by row (strain × declarer).

A file of labelled pairs has three: ``north`` and ``south``, the two hands as PBN text, and
``counts``, a fixed-size list of 140 int16: in how many layouts of the other cards North as
declarer, then South, takes 0..13 tricks in C, D, H, S, NT (declarer × strain × tricks).

Where the labels came from (seed, solver version) stands in the metadata of the file's schema. If
deals were not solved in every strain, it names the strains that were; the others have -1 tricks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridgevec.cards import (
    FULL_DECK,
    RANKS,
    Deal,
    Strain,
    card_text,
    deal_masks,
    hand_bits,
    hand_masks,
    hand_text,
)
from bridgevec.extras import require
from bridgevec.files import PathLike, replacing

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 1 << 16
# The text of a complete deal is always this long: 52 cards, 12 dots, 3 spaces and "N:".
_LENGTH = 69
# The text of a deal in which every hand holds every card; a real one is made by striking out.
_EVERYTHING = np.frombuffer(("N:" + " ".join([".".join([RANKS] * 4)] * 4)).encode(), dtype=np.uint8)
_CARD_PLACES = np.flatnonzero(np.isin(_EVERYTHING, np.frombuffer(RANKS.encode(), dtype=np.uint8)))
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
        Where the labels came from, such as the seed and the solver version. ``strains``, such as
        ``"H NT"``, says that only these were solved: the others have -1 tricks.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    ValueError
        If a deal is not complete, the shapes do not fit, or a number of tricks is not 0..13.
    """
    require("pyarrow")
    import pyarrow as pa

    masks = deal_masks(masks)
    tables = np.asarray(tricks)
    if tables.shape != (len(masks), 5, 4):
        raise ValueError(f"tricks has shape {tables.shape}, expected {(len(masks), 5, 4)}")
    if tables.dtype.kind not in "iu":
        raise ValueError(f"tricks has dtype {tables.dtype}, expected integers")
    _check_tricks(tables, _solved_strains(metadata), "tricks")
    texts = [_texts_from_masks(masks[i : i + _ROWS]) for i in range(0, len(masks), _ROWS)]
    ends = np.arange(len(masks) + 1, dtype=np.int32) * _LENGTH
    deal_column = pa.StringArray.from_buffers(
        len(masks), pa.py_buffer(ends), pa.py_buffer(b"".join(text.tobytes() for text in texts))
    )
    tricks_column = pa.FixedSizeListArray.from_arrays(
        pa.array(tables.astype(np.int8).reshape(-1)), type=_tricks_type()
    )
    schema = pa.schema(
        [pa.field("deal", pa.string(), False), pa.field("tricks", _tricks_type(), False)],
        metadata={key: str(value) for key, value in metadata.items()},
    )
    table = pa.table([deal_column, tricks_column], schema=schema)
    return write_table(path, table, ["tricks.list.element"])


def write_table(path: PathLike, table: pa.Table, dictionary: bool | list[str] = True) -> Path:
    """Write a Parquet file under a temporary name beside `path`, then rename it.

    Parameters
    ----------
    path : path
    table : pyarrow.Table
    dictionary : bool or list of str, default True
        Which columns are written as a dictionary of their values.

    Returns
    -------
    Path
        `path`.
    """
    require("pyarrow")
    import pyarrow.parquet as pq

    with replacing(path) as file:
        pq.write_table(
            table, file, row_group_size=_ROWS, compression="zstd", use_dictionary=dictionary
        )
    return Path(path)


def _tricks_type() -> pa.DataType:
    require("pyarrow")
    import pyarrow as pa

    return pa.list_(pa.field("element", pa.int8(), False), 20)


def _counts_type() -> pa.DataType:
    require("pyarrow")
    import pyarrow as pa

    return pa.list_(pa.field("element", pa.int16(), False), 140)


def _solved_strains(metadata: Mapping[str, str]) -> list[Strain]:
    """Return in which strains the deals of a file were solved."""
    if "strains" not in metadata:
        return list(Strain)
    return [Strain.parse(name) for name in metadata["strains"].split()]


def _check_tricks(
    tricks: NDArray[Any], solved: list[Strain], where: str, first_row: int = 0
) -> None:
    """Check tables (n, 5, 4)."""
    known = np.isin(list(Strain), solved)[:, None]
    wrong = np.argwhere(np.where(known, (tricks < 0) | (tricks > 13), tricks != -1))
    if wrong.size:
        row, strain, declarer = wrong[0].tolist()
        expected = "0 to 13" if strain in solved else f"-1, as {Strain(strain).name} is not solved"
        raise ValueError(
            f"{where}: row {first_row + row} has {tricks[row, strain, declarer]} tricks, "
            f"expected {expected}"
        )


def read_deals(
    paths: PathLike | Iterable[PathLike], partial: bool = False
) -> tuple[NDArray[np.uint64], NDArray[np.int8]]:
    """Read labelled deals from one Parquet file or several, one after the other.

    Parameters
    ----------
    paths : path or iterable of paths
    partial : bool, default False
        Take files whose deals were not solved in every strain: the others have -1 tricks.

    Returns
    -------
    masks : ndarray of uint64, shape (n, 4)
    tricks : ndarray of int8, shape (n, 5, 4)

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a file is not one of labelled deals; the message names the file, and the row. Or if it
        lacks strains, and `partial` is false.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    masks, tricks = [np.empty((0, 4), dtype=np.uint64)], [np.empty((0, 5, 4), dtype=np.int8)]
    for path in paths:
        for some_masks, some_tricks in iterate_deals(path, partial):
            masks.append(some_masks)
            tricks.append(some_tricks)
    return np.concatenate(masks), np.concatenate(tricks)


def iterate_deals(
    path: PathLike, partial: bool = False
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int8]]]:
    """Read labelled deals part by part, never more than 65,536 at a time.

    Parameters
    ----------
    path : path
    partial : bool, default False
        As for `read_deals`.

    Yields
    ------
    masks : ndarray of uint64, shape (n, 4)
    tricks : ndarray of int8, shape (n, 5, 4)

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_deals`.
    """
    row = 0
    file = _open_deals(path)
    solved = _solved_strains(_info(file)[1])
    if len(solved) < len(Strain) and not partial:
        names = ", ".join(strain.name for strain in solved)
        raise ValueError(f"{path} has tricks in {names} alone, expected all strains")
    for batch in file.iter_batches(batch_size=_ROWS, columns=["deal", "tricks"]):
        values = batch["tricks"].flatten()
        if batch["deal"].null_count:
            raise ValueError(f"{path}: column 'deal' has rows without a value")
        if batch["tricks"].null_count or values.null_count:
            raise ValueError(f"{path}: column 'tricks' has rows without a value")
        masks = masks_of_column(batch["deal"], path, row)
        tricks = values.to_numpy().reshape(-1, 5, 4)
        _check_tricks(tricks, solved, str(path), row)
        row += len(batch)
        yield masks, tricks


def masks_of_column(column: pa.Array, path: PathLike, first_row: int) -> NDArray[np.uint64]:
    """Read a column of deals.

    Parameters
    ----------
    column : pyarrow.Array of strings
    path : path
        The file and, with `first_row`, the place in it, for messages.
    first_row : int

    Returns
    -------
    ndarray of uint64, shape (n, 4)

    Raises
    ------
    ValueError
        If a row is no deal.
    """
    require("pyarrow")
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
    return _open(path, ("deal",), "tricks", 20, "int8")


def _open_pairs(path: PathLike) -> Any:
    """Open a Parquet file of labelled pairs after a look at its columns."""
    return _open(path, ("north", "south"), "counts", 140, "int16")


def _open(path: PathLike, texts: tuple[str, ...], numbers: str, size: int, kind: str) -> Any:
    """Open a Parquet file that has columns of text and one of fixed-size lists."""
    require("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from None
    schema = file.schema_arrow
    for name in (*texts, numbers):
        if name not in schema.names:
            raise ValueError(f"{path} has no column {name!r}, only {schema.names}")
    for name in texts:
        if schema.field(name).type not in (pa.string(), pa.large_string()):
            found = schema.field(name).type
            raise ValueError(f"{path}: column {name!r} is {found}, expected string")
    found = schema.field(numbers).type
    if getattr(found, "list_size", None) != size or str(found.value_type) != kind:
        raise ValueError(
            f"{path}: column {numbers!r} is {found}, expected a fixed-size list of {size} {kind}"
        )
    return file


def deals_in(path: PathLike) -> int:
    """Return how many rows a Parquet file has."""
    require("pyarrow")
    import pyarrow.parquet as pq

    return int(pq.ParquetFile(path).metadata.num_rows)


def is_labelled(path: PathLike) -> bool:
    """Return whether a file holds labelled deals (a column ``tricks``) rather than boards."""
    require("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return "tricks" in pq.ParquetFile(path).schema_arrow.names
    except (pa.ArrowInvalid, OSError):
        return False


def deals_info(path: PathLike) -> tuple[int, dict[str, str]]:
    """Return how many labelled deals a file has and where they came from, from its footer alone.

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
    return _info(_open_deals(path))


def pairs_info(path: PathLike) -> tuple[int, dict[str, str]]:
    """Return the same of a file of labelled pairs.

    Parameters
    ----------
    path : path

    Returns
    -------
    n : int
    metadata : dict
        As given to `write_pairs`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not one of labelled pairs.
    """
    return _info(_open_pairs(path))


def _info(file: Any) -> tuple[int, dict[str, str]]:
    metadata = file.schema_arrow.metadata or {}
    return file.metadata.num_rows, {k.decode(): v.decode() for k, v in metadata.items()}


def write_pairs(
    path: PathLike,
    masks: NDArray[np.uint64],
    counts: ArrayLike,
    metadata: Mapping[str, str],
) -> Path:
    """Write labelled pairs of hands as a Parquet file, in the manner of `write_deals`.

    Parameters
    ----------
    path : path
    masks : ndarray of uint64, shape (n, 2)
        The hands of North and South.
    counts : array_like of int, shape (n, 2, 5, 14)
        In how many layouts of the other cards North as declarer, then South, takes 0..13 tricks
        in C, D, H, S, NT.
    metadata : mapping of str to str
        Where the labels came from, such as the seed, the number of layouts and the solver version.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    ValueError
        If a hand has not 13 cards, two hands share one, the shapes do not fit, or a count is
        negative.
    """
    require("pyarrow")
    import pyarrow as pa

    masks = hand_masks(np.asarray(masks).reshape(-1)).reshape(-1, 2)
    _check_pairs(masks, "masks")
    numbers = np.asarray(counts)
    if numbers.shape != (len(masks), 2, 5, 14):
        raise ValueError(f"counts has shape {numbers.shape}, expected {(len(masks), 2, 5, 14)}")
    _check_layouts(numbers, "counts")
    columns = [pa.array([hand_text(hand) for hand in masks[:, i].tolist()]) for i in (0, 1)]
    columns.append(
        pa.FixedSizeListArray.from_arrays(
            pa.array(numbers.astype(np.int16).reshape(-1)), type=_counts_type()
        )
    )
    schema = pa.schema(
        [
            pa.field("north", pa.string(), False),
            pa.field("south", pa.string(), False),
            pa.field("counts", _counts_type(), False),
        ],
        metadata={key: str(value) for key, value in metadata.items()},
    )
    return write_table(path, pa.table(columns, schema=schema), ["counts.list.element"])


def read_pairs(
    paths: PathLike | Iterable[PathLike],
) -> tuple[NDArray[np.uint64], NDArray[np.int16]]:
    """Read labelled pairs of hands from one Parquet file or several, one after the other.

    Parameters
    ----------
    paths : path or iterable of paths

    Returns
    -------
    masks : ndarray of uint64, shape (n, 2)
    counts : ndarray of int16, shape (n, 2, 5, 14)
        As `write_pairs` takes them; the 14 counts of a pair, declarer and strain add up to the
        number of layouts.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a file is not one of labelled pairs; the message names the file, and the row.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    masks = [np.empty((0, 2), dtype=np.uint64)]
    counts = [np.empty((0, 2, 5, 14), dtype=np.int16)]
    for path in paths:
        row = 0
        names = ["north", "south", "counts"]
        for batch in _open_pairs(path).iter_batches(batch_size=_ROWS, columns=names):
            values = batch["counts"].flatten()
            for name in names:
                if batch[name].null_count or (name == "counts" and values.null_count):
                    raise ValueError(f"{path}: column {name!r} has rows without a value")
            try:
                hands = [hand_masks(batch[name].to_pylist()) for name in names[:2]]
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from None
            masks.append(np.stack(hands, axis=1))
            counts.append(values.to_numpy().reshape(-1, 2, 5, 14))
            _check_pairs(masks[-1], str(path), row)
            _check_layouts(counts[-1], str(path), row)
            row += len(batch)
    return np.concatenate(masks), np.concatenate(counts)


def _check_pairs(masks: NDArray[np.uint64], where: str, first_row: int = 0) -> None:
    shared = masks[:, 0] & masks[:, 1]
    wrong = np.flatnonzero(shared)
    if wrong.size:
        both = int(shared[wrong[0]])
        card = card_text((both & -both).bit_length() - 1)
        raise ValueError(f"{where}: row {first_row + wrong[0]}: both hands have card {card}")


def _check_layouts(counts: NDArray[Any], where: str, first_row: int = 0) -> None:
    """Check that every distribution of a row is over the same number of layouts, at least one."""
    if counts.dtype.kind not in "iu":
        raise ValueError(f"{where}: counts are {counts.dtype}, expected integers")
    layouts = counts.sum(axis=-1, dtype=int).reshape(len(counts), 10)
    wrong = (counts < 0).any(axis=(1, 2, 3)) | (layouts < 1).any(1) | (np.ptp(layouts, axis=1) > 0)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"{where}: row {first_row + row} has counts that are not those of as many layouts for "
            "both declarers in every strain"
        )
