"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeAlias

PathLike: TypeAlias = str | os.PathLike[str]


@contextmanager
def replacing(path: PathLike) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` once it is written and on the disk.

    It has a temporary name beside `path` until then, and is removed if writing it fails.

    Parameters
    ----------
    path : path

    Yields
    ------
    binary file
    """
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: PathLike, text: str) -> Path:
    """Write a text file whole, see `replacing`, and return its path."""
    with replacing(path) as file:
        file.write(text.encode())
    return Path(path)
