"""One file of named arrays: no pickle, mapped into memory, checked when it is opened.

The file begins with 8 bytes that name the format, then the version, the length and the CRC-32 of
the header, each an unsigned 32-bit integer, little-endian. The header is JSON: what the caller
keeps there (``"meta"``), the length of the file, and for each array its type, shape, CRC-32 and
place. Arrays are little-endian, in C order, and begin at multiples of 64 bytes.
"""

from __future__ import annotations

import json
import math
import os
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgevec.files import PathLike, replacing

MAGIC = b"BVINDEX\n"
VERSION = 1
"""Higher once a file cannot be read by older code."""

_HEAD = struct.Struct("<8sIII")
_ALIGN = 64
_PART = 1 << 24  # bytes checked at a time


def _padded(place: int) -> int:
    return -(-place // _ALIGN) * _ALIGN


def write_arrays(
    path: PathLike, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write arrays to a file, which is there whole or not at all.

    Parameters
    ----------
    path : path
    meta : mapping
        What JSON can hold.
    arrays : mapping of str to ndarray
        Of integers or floats.

    Raises
    ------
    ValueError
        If `path` is a file of another kind, which stays as it is.
    OSError
        If the file cannot be written.
    """
    _refuse_others(path)
    entries: dict[str, dict[str, Any]] = {}
    flat: list[NDArray[Any]] = []
    place = 0
    for name, array in arrays.items():
        data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        entries[name] = {"dtype": data.dtype.str, "shape": list(data.shape), "start": place}
        entries[name]["crc32"] = _crc32(data.reshape(-1).view(np.uint8))
        flat.append(data)
        place = _padded(place + data.nbytes)
    header = json.dumps({"meta": dict(meta), "bytes": place, "arrays": entries}).encode()
    header += b" " * (_padded(_HEAD.size + len(header)) - _HEAD.size - len(header))
    with replacing(path) as file:
        file.write(_HEAD.pack(MAGIC, VERSION, len(header), zlib.crc32(header)))
        file.write(header)
        for data in flat:
            file.write(data.reshape(-1).view(np.uint8).data)
            file.write(bytes(_padded(data.nbytes) - data.nbytes))


def _refuse_others(path: PathLike) -> None:
    if os.path.isfile(path) and os.path.getsize(path):
        with open(path, "rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise ValueError(f"{path} exists and is no index of boards; choose another name")


def map_arrays(path: PathLike) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Map the arrays of a file into memory, read-only.

    Parameters
    ----------
    path : path

    Returns
    -------
    meta : dict
    arrays : dict of str to ndarray

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is of another kind or version, damaged in its header, or not of its full length.
    """
    header, first = _header(path)
    size = os.path.getsize(path)
    try:
        length = first + int(header["bytes"])
        if size != length:
            raise ValueError(f"{path} has {size} bytes, expected {length}: it is not complete")
        data = np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))
        arrays = {
            str(name): _array(data[first:], entry) for name, entry in header["arrays"].items()
        }
        return dict(header["meta"]), arrays
    except (AttributeError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{path}: the header is wrong: {error!r}") from None


def check_arrays(path: PathLike) -> None:
    """Read a whole file and compare its arrays with their checksums.

    Raises
    ------
    ValueError
        If an array is not what was written, or as `map_arrays`.
    """
    header, _ = _header(path)
    for name, array in map_arrays(path)[1].items():
        if _crc32(array.reshape(-1).view(np.uint8)) != header["arrays"][name].get("crc32"):
            raise ValueError(f"{path}: array {name!r} is damaged")


def _header(path: PathLike) -> tuple[dict[str, Any], int]:
    with open(path, "rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size or not head.startswith(MAGIC):
            raise ValueError(f"{path} is no index of boards")
        _, version, length, checksum = _HEAD.unpack(head)
        if version != VERSION:
            raise ValueError(
                f"{path} is an index of version {version}, expected {VERSION}; build it again"
            )
        if _HEAD.size + length > os.path.getsize(path):
            raise ValueError(f"{path}: the header is not complete")
        text = file.read(length)
    if zlib.crc32(text) != checksum:
        raise ValueError(f"{path}: the header is damaged")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: the header is wrong: {error}") from None
    if not isinstance(header, dict):
        raise ValueError(f"{path}: the header is wrong: it is no object")
    return header, _HEAD.size + length


def _array(data: NDArray[np.uint8], entry: Mapping[str, Any]) -> NDArray[Any]:
    dtype, shape, start = np.dtype(entry["dtype"]), tuple(entry["shape"]), entry["start"]
    if dtype.kind not in "iuf" or any(not isinstance(n, int) or n < 0 for n in (*shape, start)):
        raise TypeError(f"an array of type {dtype}, shape {shape}, start {start}")
    stop = start + dtype.itemsize * math.prod(shape)
    if stop > len(data) or start % _ALIGN:
        raise TypeError(f"an array from {start} to {stop} of {len(data)} bytes")
    array: NDArray[Any] = data[start:stop].view(dtype).reshape(shape)
    return array


def _crc32(data: NDArray[np.uint8]) -> int:
    value = 0
    for start in range(0, len(data), _PART):
        value = zlib.crc32(data[start : start + _PART].data, value)
    return value
