"""Files and streams as text, whatever their compression, encoding and line ends; their kinds.

Text of eight bits is read as Latin-1, in which every byte is a character, so that places in the
text are places in the file; what is a name is decoded when it is looked at (`decoded`).
"""

from __future__ import annotations

import codecs
import glob
import gzip
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

Source: TypeAlias = Any
"""A path, a folder, a glob, a handviewer URL, or an open file, text or binary; or several."""

CHUNK = 1 << 16
_KINDS_OF_BOM = {
    b"\xef\xbb\xbf": "",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}
_PBN = re.compile(r'^[ \t]*\[\s*\w+\s*(?:"|$)|^%[ \t]*(?:PBN|EXPORT)\b', re.MULTILINE)
_LIN = re.compile(r"\s*[A-Za-z][A-Za-z0-9]\s*\||(?s:.*)\bmd\s*\|\s*[0-4]?[SHDC]", re.IGNORECASE)
_CSV = re.compile(r'(?im)\A\s*(?:[^\n:]*[,;\t])?\s*"?deal"?\s*(?:$|[,;\t])')


def decoded(text: str) -> str:
    """Decode text that was read as Latin-1 but may be UTF-8."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


class Opened:
    """A source that was opened: its first part has been read, and shows its format.

    Attributes
    ----------
    name : str
        For messages.
    kind : {"pbn", "lin", "csv", "url", "lines", "parquet", "empty", "binary"}
    start : int
        Bytes before the text, a mark of the encoding.
    packing : {"", "gzip", "utf-16-le", "utf-16-be"}
        Unless it is empty, the bytes of the file are not those of the text.
    """

    def __init__(self, file: IO[Any], name: str) -> None:
        self.name = name
        self.start = 0
        self.packing = ""
        self._file = file
        self._decode: Any = None
        self._text_file = isinstance(file, io.TextIOBase)
        if self._text_file and hasattr(file, "buffer"):
            self._file, self._text_file = cast(Any, file).buffer, False
        first = self._read()
        if not self._text_file and first[:2] == b"\x1f\x8b":
            self.packing = "gzip"
            self._file = cast(IO[Any], gzip.GzipFile(fileobj=_Joined(first, self._file)))
            first = self._read()
        if self._text_file:
            self._first = first.removeprefix("\ufeff")
        else:
            self._first = self._decode_first(first)
        self.kind = "parquet" if self._first[:4] == "PAR1" else _kind_of(self._first)

    def again(self, text: str) -> Opened:
        """Give this text, which was taken from here, as if it had not been."""
        self._first = text
        return self

    def _read(self) -> Any:
        try:
            if self._text_file:
                return self._file.read(CHUNK)
            read1 = getattr(self._file, "read1", None)
            return (read1 or self._file.read)(CHUNK)
        except (EOFError, OSError, UnicodeError) as error:
            if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
                raise
            raise ValueError(f"{self.name}: {error}") from None
        except Exception as error:
            if type(error).__module__ == "zlib":
                raise ValueError(f"{self.name}: {error}") from None
            raise

    def _decode_first(self, first: bytes) -> str:
        mark = next((mark for mark in _KINDS_OF_BOM if first.startswith(mark)), b"")
        encoding = _KINDS_OF_BOM.get(mark, "")
        self.start = len(mark)
        first = first[len(mark) :]
        if not mark:
            encoding = _unmarked(first[:200])
        if encoding:
            self.packing = self.packing or encoding
            self._decode = codecs.getincrementaldecoder(encoding)("replace").decode
            return _narrow(self._decode(first))
        return first.decode("latin-1")

    def chunks(self) -> Iterator[str]:
        """Yield the text part by part, as it comes."""
        part = self._first
        self._first = ""
        while part:
            yield part
            raw = self._read()
            part = ""
            while raw and not part:
                if self._text_file:
                    part = _narrow(raw)
                elif self._decode is not None:
                    part = _narrow(self._decode(raw))
                else:
                    part = raw.decode("latin-1")
                if not part:
                    raw = self._read()

    def lines(self) -> Iterator[str]:
        r"""Yield the lines of the text without ``\n``, ``\r\n``, ``\r\r\n`` or ``\r``."""
        rest = ""
        for chunk in self.chunks():
            text = rest + chunk
            cut = max(text.rfind("\n"), text.rfind("\r", 0, len(text) - 1)) + 1
            yield from _LINE_END.split(text[:cut])[:-1] if cut else ()
            rest = text[cut:]
        if rest:
            yield from _LINE_END.split(rest)


_LINE_END = re.compile(r"\r*\n|\r")


def _unmarked(first: bytes) -> str:
    """Recognize UTF-16 by its zeros, if most characters are Latin."""
    even, odd = first[::2].count(0), first[1::2].count(0)
    half = len(first) // 2
    if half > 2 and not even and 2 * odd > half:
        return "utf-16-le"
    return "utf-16-be" if half > 2 and not odd and 2 * even > half else ""


def _narrow(text: str) -> str:
    """Put text that is not eight bits wide into UTF-8, a character a byte."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("latin-1")


class _Joined(io.RawIOBase):
    """A part that was read, and then the rest of a file."""

    def __init__(self, first: bytes, rest: Any) -> None:
        self._first, self._rest = first, rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._first:
            if size is None or size < 0:
                size = len(self._first)
            part, self._first = self._first[:size], self._first[size:]
            return part
        read1 = getattr(self._rest, "read1", None)
        found = read1(size if size and size > 0 else CHUNK) if read1 else self._rest.read(size)
        return bytes(found)


def _kind_of(first: str) -> str:
    text = first.replace("\r", "\n").lstrip()
    if not text:
        return "empty"
    if "\0" in text:
        return "binary"
    if re.match(r"https?://", text, re.IGNORECASE):
        return "url"
    if _LIN.match(text):
        return "lin"
    if _PBN.search(text):
        return "pbn"
    if _CSV.match(text):
        return "csv"
    return "lines"


@contextmanager
def opened(source: Source, name: str) -> Iterator[Opened]:
    """Open a path, or take an open file, and look what it is."""
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            yield Opened(file, name)
    else:
        yield Opened(source, name)


def find_sources(source: Source) -> list[tuple[Source, str]]:
    """List the files that a source stands for, each with its name for messages.

    A folder stands for all files in it, and in its folders, whose names do not begin with a dot.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If it is nothing of the kind.
    ValueError
        If a folder is empty.
    """
    if isinstance(source, (str, os.PathLike)):
        if not os.fspath(source):
            raise ValueError("the name of a file is empty")  # else it would be this folder
        path = Path(source)
        if path.is_dir():
            files = sorted(
                file
                for file in path.rglob("*")
                if file.is_file()
                and not any(part.startswith(".") for part in file.relative_to(path).parts)
            )
            if not files:
                raise ValueError(f"folder {path} has no file in it")
            return [(file, str(file)) for file in files]
        if not path.exists() and glob.has_magic(str(source)):
            found = sorted(glob.glob(str(source), recursive=True))
            if found:
                return [one for file in found for one in find_sources(file)]
        with open(path, "rb"):  # or FileNotFoundError, before anything long starts
            return [(path, str(path))]
    if hasattr(source, "read"):
        name = getattr(source, "name", "input")
        return [(source, "standard input" if name in ("<stdin>", 0) else str(name))]
    if isinstance(source, (list, tuple)):
        return [one for part in source for one in find_sources(part)]
    raise TypeError(
        f"expected a path, a folder, a glob or an open file, not {type(source).__name__}"
    )
