"""The boards of a match that is not over yet, kept in a file as they end.

Lines of JSON: first what match it is, then a line for each board, such as

    {"board": 1, "open": [0, 7, 0, 19, 0, 0, 0], "closed": [0, 7, 0, 0, 0]}

with the calls of both rooms from the dealer on, and, of a board that was adjusted, ``imps`` for A
and ``why``. Each line is on the disk before the next board begins, so a match that was killed has
lost none that ended.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bridgevec.files import PathLike


class Played(NamedTuple):
    """How a board went."""

    open: list[int]
    """The calls of the open room."""
    closed: list[int]
    imps: int | None = None
    """For A, if the score was adjusted."""
    why: str = ""
    """The reason for that."""


class Journal:
    """A file of boards that have been played.

    Parameters
    ----------
    path : path
        Made if it is not there, else read and gone on with.
    settings : mapping of str to str
        What match it is: another one is refused.
    """

    def __init__(self, path: PathLike, settings: Mapping[str, str]) -> None:
        self.path = Path(path)
        self.settings = dict(settings)

    def open(self, settings: Mapping[str, str], boards: int) -> dict[int, Played]:
        """Read what was kept.

        Parameters
        ----------
        settings : mapping of str to str
            More of what the match is.
        boards : int
            How many it has.

        Returns
        -------
        dict of int to Played
            By the board's place, from 0.

        Raises
        ------
        ValueError
            If the file is of another match, or no such file.
        """
        first = json.dumps(self.settings | dict(settings)) + "\n"
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            data = b""
        whole, _, half = data.rpartition(b"\n")  # half a line of a run that was killed
        if half:
            with open(self.path, "r+b") as file:
                file.truncate(len(data) - len(half))
        if not whole:
            self._append(first)
            return {}
        lines = whole.decode(errors="replace").split("\n")
        if lines[0] + "\n" != first:
            raise ValueError(
                f"{self.path} is of another match; move it away or choose another name"
            )
        played = {}
        for number, line in enumerate(lines[1:], 2):
            try:
                row = json.loads(line)
                board = row.pop("board") - 1
                played[board] = Played(**row)
                if board not in range(boards):
                    raise ValueError("no such board")
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
                raise ValueError(f"{self.path}, line {number} is not a board: {error}") from None
        return played

    def add(self, played: Sequence[tuple[int, Played]]) -> None:
        """Keep boards, by their places from 0."""
        lines = []
        for board, how in played:
            row = {"board": board + 1, "open": how.open, "closed": how.closed}
            if how.imps is not None:
                row |= {"imps": how.imps, "why": how.why}
            lines.append(json.dumps(row) + "\n")
        self._append("".join(lines))

    def _append(self, text: str) -> None:
        with open(self.path, "ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
