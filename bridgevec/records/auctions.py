"""Recorded auctions as arrays, from files of any kind that `read_boards` reads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec.board import Board
from bridgevec.records.files import read_boards
from bridgevec.records.policy import RecordWarning, Report, warn
from bridgevec.records.source import Source, find_sources

_ROWS = 1 << 16


class RecordedAuctions(NamedTuple):
    """Auctions and the deals they were about, a row each.

    Attributes
    ----------
    deals : ndarray of uint64, shape (n, 4)
        Masks of N, E, S, W.
    dealers : ndarray of int8, shape (n,)
        Seats 0..3.
    vulnerable : ndarray of int8, shape (n,)
        0 nobody, 1 North-South, 2 East-West, 3 all, as in `bridgevec.scoring.VULNERABILITIES`.
    calls : ndarray of int8, shape (n, longest)
        The calls from the dealer on, as numbers; -1 after the last.
    skipped : int
        How many broken records were left out.
    """

    deals: NDArray[np.uint64]
    dealers: NDArray[np.int8]
    vulnerable: NDArray[np.int8]
    calls: NDArray[np.int8]
    skipped: int


def read_auctions(sources: Source, *, progress: bool = False) -> RecordedAuctions:
    """Read the auctions of files and folders, as `read_boards` reads boards.

    Parameters
    ----------
    sources : path, glob, open file, or sequence of these
        A folder stands for all files in it and in its folders.
    progress : bool, default False
        Show a progress bar, a step a file.

    Returns
    -------
    RecordedAuctions
        Boards without an auction are passed over.

    Warns
    -----
    RecordWarning
        For every record that is broken: the deal is wrong, a call is unknown or not legal. It names
        the file and the board, or the row from 0.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If there is no auction in all the files, or a file is damaged as a whole.
    """
    auctions_left_out = 0

    def tell(warning: RecordWarning) -> None:
        nonlocal auctions_left_out
        auctions_left_out += warning.cause.startswith("the auction is left out")
        warn(warning)

    report = Report(tell)
    files = find_sources(sources)
    parts: list[RecordedAuctions] = []
    for file, _ in tqdm(files, desc="reading", disable=not progress):
        boards: list[Board] = []
        for board in read_boards(file, report=report):
            if board.calls:
                boards.append(board)
            if len(boards) == _ROWS:
                parts.append(_arrays(boards))
                boards = []
        parts.append(_arrays(boards))
    skipped = report.left_out + auctions_left_out
    if not sum(len(part.deals) for part in parts):
        where = ", ".join(name for _, name in files)
        raise ValueError(f"{where}: no auction, {skipped} broken records")
    longest = max(part.calls.shape[1] for part in parts)
    calls = [
        np.pad(part.calls, ((0, 0), (0, longest - part.calls.shape[1])), constant_values=-1)
        for part in parts
    ]
    deals, dealers, vulnerable = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return RecordedAuctions(deals, dealers, vulnerable, np.concatenate(calls), skipped)


def deal_numbers(deals: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Number deals by a hash of 64 bits, which looks random (the mixer of SplitMix64).

    Parameters
    ----------
    deals : ndarray of uint64, shape (n, 4)
        Masks of N, E, S, W.

    Returns
    -------
    ndarray of uint64, shape (n,)
    """
    x = np.zeros(len(deals), dtype=np.uint64)
    for hand in deals.T:
        x = (x ^ hand) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return x


def in_test_split(numbers: NDArray[np.uint64], share: float) -> NDArray[np.bool_]:
    """Choose a share of all deals, always the same ones, for the test split.

    Parameters
    ----------
    numbers : ndarray of uint64, shape (n,)
        From `deal_numbers`.
    share : float
        From 0 to 1; what a smaller share holds, a larger one holds too.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    return numbers / 2.0**64 < share


def _arrays(boards: list[Board]) -> RecordedAuctions:
    lengths = np.array([len(board.calls) for board in boards], dtype=np.intp)
    calls = np.full((len(boards), int(lengths.max(initial=0))), -1, dtype=np.int8)
    calls[np.arange(calls.shape[1]) < lengths[:, None]] = [
        call for board in boards for call in board.calls
    ]
    return RecordedAuctions(
        np.array([board.deal.masks for board in boards], dtype=np.uint64).reshape(-1, 4),
        np.array([board.dealer for board in boards], dtype=np.int8),
        np.array([board.vulnerable for board in boards], dtype=np.int8),
        calls,
        0,
    )
