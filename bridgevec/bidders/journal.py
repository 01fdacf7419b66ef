"""The finished boards of a match that is still being played, kept in a file.

The file has lines of JSON: the first identifies the match, and each of the others is a board, such
as

    {"board": 1, "open": [0, 7, 0, 19, 0, 0, 0], "closed": [0, 7, 0, 0, 0]}

with the calls of both rooms, starting with the dealer's. An adjusted board also has the ``imps``
for A and ``why``. Each line is on the disk before the next board begins, so a match that is killed
loses no finished board.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bridgevec.files import PathLike


class Played(NamedTuple):
    """The result of a board."""

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
        Created if it does not exist; otherwise read and continued.
    settings : mapping of str to str
        What identifies the match; a file of another match is an error.
    """

    def __init__(self, path: PathLike, settings: Mapping[str, str]) -> None:
        self.path = Path(path)
        self.settings = dict(settings)

    def open(self, settings: Mapping[str, str], boards: int) -> dict[int, Played]:
        """Read the boards that were kept.

        Parameters
        ----------
        settings : mapping of str to str
            More that identifies the match.
        boards : int
            Number of boards in the match.

        Returns
        -------
        dict of int to Played
            By the index of the board, from 0.

        Raises
        ------
        ValueError
            If the file belongs to another match, or is not such a file.
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
        """Keep boards, by their indices from 0."""
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
