"""How wrong records are handled: each is left out with a warning, and reading continues."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field


class RecordWarning(UserWarning):
    """A record of a file, or a part of one, that could not be read.

    Attributes
    ----------
    file : str
    board : str
        Such as ``"board 7"`` or ``"line 3"``; empty if it is about the file.
    cause : str
    left_out : bool
        Whether the whole board is left out; else only a part of it is, or is doubtful.
    """

    def __init__(self, file: str, board: str, cause: str, left_out: bool) -> None:
        self.file, self.board, self.cause, self.left_out = file, board, cause, left_out
        place = f"{file}, {board}" if board else file
        super().__init__(f"{place}: {cause}{'; left out' if left_out else ''}")


def warn(warning: RecordWarning) -> None:
    """Issue a warning, as Python does."""
    warnings.warn(warning, stacklevel=4)


@dataclass
class Report:
    """Collects the errors in files while they are read.

    Parameters
    ----------
    tell : callable, optional
        Takes every `RecordWarning` as it comes up; by default it is issued as a warning.

    Attributes
    ----------
    left_out : int
        Number of records left out.
    remarks : int
        Number of warnings about parts of boards, or about whole files.
    """

    tell: Callable[[RecordWarning], None] = field(default=warn, repr=False)
    left_out: int = 0
    remarks: int = 0

    def leave_out(self, file: str, board: str, cause: object) -> None:
        """Count a record that cannot be read, and say why."""
        self.left_out += 1
        self.tell(RecordWarning(file, board, str(cause), True))

    def remark(self, file: str, board: str, cause: object) -> None:
        """Report what is wrong with a part of a board, or with a file."""
        self.remarks += 1
        self.tell(RecordWarning(file, board, str(cause), False))
