"""Files that are there whole or not at all, and written by one program at a time."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PathLike: TypeAlias = str | os.PathLike[str]

NAMELESS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What the system says without a file's name, when there is no room or the disk fails."""


@contextmanager
def replacing(path: PathLike) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` once it is written and on the disk.

    It has a temporary name of its own beside `path` until then, and is removed if writing it
    fails. A symbolic link is followed, so the link stays and the file that it names changes. Mode
    and owner of a file that was there are kept. What is no file but a device or a pipe is written
    to directly.

    Parameters
    ----------
    path : path

    Yields
    ------
    binary file

    Raises
    ------
    OSError
        With the file's name: if it is a folder, is write-protected, its folder is missing, or the
        disk is full.
    """
    # The name as it was given goes into messages, the file it leads to is written.
    target = Path(os.path.realpath(path))
    try:
        before = target.stat()
    except FileNotFoundError:
        before = None
    if before is not None and stat.S_ISDIR(before.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if before is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
    temporary = target.with_name(f".bridgevec-{secrets.token_hex(6)}.tmp")
    with _named(path, temporary):
        if before is not None and not stat.S_ISREG(before.st_mode):
            with open(target, "wb") as file:
                yield file
            return
        try:
            with open(temporary, "xb") as file:
                if before is not None:
                    _keep_mode(file, before)
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


def _keep_mode(file: IO[bytes], before: os.stat_result) -> None:
    """Give a file the mode of another, and its owner if we may."""
    if os.name == "nt":
        return
    if os.geteuid() == 0:
        os.fchown(file.fileno(), before.st_uid, before.st_gid)
    os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))


@contextmanager
def _named(path: PathLike, temporary: Path) -> Iterator[None]:
    """Put the file's name into errors that the system reports with the temporary one or none."""
    try:
        yield
    except OSError as error:
        nameless = error.filename is None and error.errno in NAMELESS
        if nameless or error.filename == os.fspath(temporary):
            raise type(error)(error.errno, error.strerror, os.fspath(path)) from error
        raise


def write_text(path: PathLike, text: str) -> Path:
    """Write a text file whole, see `replacing`, and return its path."""
    with replacing(path) as file:
        file.write(text.encode())
    return Path(path)


def write_figure(path: PathLike, figure: Figure) -> Path:
    """Write a picture whole, see `replacing`, and return its path.

    Parameters
    ----------
    path : path
        Its suffix names the format: .png, .svg, .pdf, or another that matplotlib knows.
    figure : matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If matplotlib does not know the format.
    """
    path = Path(path)
    kind = path.suffix.lstrip(".").lower() or "png"
    known = figure.canvas.get_supported_filetypes()
    if kind not in known:
        raise ValueError(f"{path}: no picture format {kind!r}, expected one of {', '.join(known)}")
    with replacing(path) as file:
        figure.savefig(file, format=kind, dpi=120)
    return path


@contextmanager
def locked(path: PathLike) -> Iterator[None]:
    """Keep others from writing `path` for a while, however long it takes to make.

    The lock is a file ``.NAME.lock`` beside it, which holds the number of the process; the system
    gives the lock up when the process ends, even if it is killed. Windows has no such locks: there
    this does nothing.

    Parameters
    ----------
    path : path
        Need not be there yet; its folder must.

    Raises
    ------
    BlockingIOError
        If another process writes it; the message names file and process.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, locked(f"{folder}/deals.parquet"):
    ...     with contextlib.suppress(BlockingIOError), locked(f"{folder}/deals.parquet"):
    ...         print("never here")
    """
    if os.name == "nt":
        yield
        return
    import fcntl

    target = Path(os.path.realpath(path))
    lock = target.with_name(f".{target.name}.lock")
    while True:
        file = open(lock, "a+")  # noqa: SIM115 - closed below, which gives up the lock
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            who = file.read().strip() or "another process"
            file.close()
            raise BlockingIOError(
                f"{path} is being written by {who}; wait for it or choose another name"
            ) from None
        # Whoever had the lock before removed the file; then ours is not the one others see.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(lock)):
                break
        file.close()
    try:
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield
    finally:
        lock.unlink(missing_ok=True)
        file.close()
