"""Boards as arrays, some dozens of bytes each: deal, auction, contract, result, and their file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgevec.auction import PASS
from bridgevec.board import Board, contract_of
from bridgevec.cards import Deal, hand_masks
from bridgevec.scoring import Contract

_PART = 1 << 16  # boards that are kept as Python objects, before they become arrays
_UNKNOWN, _PASSED_OUT, _PLAYED = 0, 1, 2
_NO_RESULT = -1


class BoardStore:
    """Boards as arrays.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        ``masks`` uint64 (n, 4); ``dealer`` and ``vulnerable`` uint8 (n,); ``contract`` uint16
        (n,); ``result`` int8 (n,), −1 for not known; ``file`` and ``place`` uint32 (n,): which
        file, and the how manieth board in it, from 1; ``calls`` uint8, those of all auctions, and
        ``call_starts`` int64 (n + 1,); ``numbers`` uint8, what stands on the boards in UTF-8, and
        ``number_starts`` int64 (n + 1,).
    files : list of str
        Names of the files.

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    """

    TYPES = {  # noqa: RUF012 - never changed
        "masks": np.uint64,
        "dealer": np.uint8,
        "vulnerable": np.uint8,
        "contract": np.uint16,
        "result": np.int8,
        "file": np.uint32,
        "place": np.uint32,
        "calls": np.uint8,
        "call_starts": np.int64,
        "numbers": np.uint8,
        "number_starts": np.int64,
    }

    def __init__(self, arrays: dict[str, NDArray[Any]], files: list[str]) -> None:
        self.arrays, self.files = arrays, files
        n = len(arrays["masks"])
        texts = {"call_starts": "calls", "number_starts": "numbers"}
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(self.TYPES, (n,))
        shapes |= dict.fromkeys(texts, (n + 1,)) | {"masks": (n, 4)}
        shapes |= {name: (len(arrays[name]),) for name in texts.values()}
        for name, kind in self.TYPES.items():
            if arrays[name].dtype != kind or arrays[name].shape != shapes[name]:
                raise ValueError(f"array {name!r} is {arrays[name].dtype} {arrays[name].shape}")
        for name, text in texts.items():
            starts = arrays[name]
            if starts[0] or starts[-1] != len(arrays[text]) or (np.diff(starts) < 0).any():
                raise ValueError(f"array {name!r} does not fit {text!r}")
        if n and int(arrays["file"].max()) >= max(1, len(files)):
            raise ValueError("a board is from a file that has no name")

    @classmethod
    def collect(cls, boards: Iterable[tuple[Board, int, int]], files: list[str]) -> BoardStore:
        """Store boards as they come.

        Parameters
        ----------
        boards : iterable of (Board, int, int)
            Each with the number of its file and its place in there.
        files : list of str
            Names of the files; may grow meanwhile.

        Raises
        ------
        ValueError
            If a hand has not 13 cards.
        """
        parts: list[dict[str, NDArray[Any]]] = []
        rows: list[tuple[Any, ...]] = []
        calls, numbers = bytearray(), bytearray()

        def flush() -> None:
            columns = zip(*rows, strict=True)
            names = ("masks", "dealer", "vulnerable", "contract", "result", "file", "place")
            part = {
                name: np.array(column, dtype=cls.TYPES[name])
                for name, column in zip((*names, "call_starts", "number_starts"), columns)  # noqa: B905
            }
            hand_masks(part["masks"].reshape(-1))  # all have 13 cards
            parts.append(part)
            rows.clear()

        for board, file, place in boards:
            calls += bytes(board.calls)
            numbers += board.number.encode()
            rows.append(
                (
                    board.deal.masks,
                    board.dealer,
                    board.vulnerable,
                    _contract_number(board.contract),
                    _NO_RESULT if board.result is None else board.result,
                    file,
                    place,
                    len(calls),
                    len(numbers),
                )
            )
            if len(rows) == _PART:
                flush()
        if rows:
            flush()
        if not parts:
            raise ValueError("no board to store")
        arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        for name in ("call_starts", "number_starts"):  # so far they tell where each ends
            arrays[name] = np.concatenate([np.zeros(1, dtype=np.int64), arrays[name]])
        arrays["calls"] = np.frombuffer(bytes(calls), dtype=np.uint8)
        arrays["numbers"] = np.frombuffer(bytes(numbers), dtype=np.uint8)
        return cls(arrays, files)

    @classmethod
    def of_masks(cls, masks: NDArray[np.uint64]) -> BoardStore:
        """Store deals (n, 4) of which nothing else is known; North deals, nobody is vulnerable."""
        n = len(masks)
        arrays: dict[str, NDArray[Any]] = {
            name: np.zeros(n, dtype=kind) for name, kind in cls.TYPES.items()
        }
        arrays |= {"masks": masks, "result": np.full(n, _NO_RESULT, dtype=np.int8)}
        arrays["place"] = np.arange(1, n + 1, dtype=np.uint32)
        for name in ("call_starts", "number_starts"):
            arrays[name] = np.zeros(n + 1, dtype=np.int64)
        for name in ("calls", "numbers"):
            arrays[name] = np.zeros(0, dtype=np.uint8)
        return cls(arrays, [])

    def __len__(self) -> int:
        return len(self.arrays["masks"])

    def board(self, i: int) -> Board:
        """Return board number `i`.

        Raises
        ------
        ValueError
            If what was stored is no board: the file was damaged.
        """
        a = self.arrays
        result = int(a["result"][i])
        try:
            return Board(
                Deal(a["masks"][i].tolist()),
                int(a["dealer"][i]),
                int(a["vulnerable"][i]),
                self._slice("calls", i).tolist(),
                number=bytes(self._slice("numbers", i)).decode(),
                contract=_contract(int(a["contract"][i])),
                result=None if result == _NO_RESULT else result,
            )
        except ValueError as error:
            raise ValueError(f"board {i} of the index is damaged: {error}") from None

    def _slice(self, name: str, i: int) -> NDArray[np.uint8]:
        starts = self.arrays[f"{name[:-1]}_starts"]
        part: NDArray[np.uint8] = self.arrays[name][starts[i] : starts[i + 1]]
        return part

    def file_of(self, i: int) -> str:
        """Name the file that a board is from; empty if it is from none."""
        return self.files[int(self.arrays["file"][i])] if self.files else ""

    # -- what was called, of many boards at once

    def call_at(
        self, boards: NDArray[np.integer], places: NDArray[np.integer]
    ) -> NDArray[np.int16]:
        """Return the calls at places of auctions, int16 (n,); −1 where there is none."""
        starts = self.arrays["call_starts"]
        at = starts[boards] + places
        known = at < starts[boards.astype(np.int64) + 1]
        calls = np.full(len(boards), -1, dtype=np.int16)
        calls[known] = self.arrays["calls"][at[known]]
        return calls

    def first_turns(
        self, boards: NDArray[np.integer], seats: NDArray[np.integer]
    ) -> NDArray[np.intp]:
        """Return the place of each seat's first call."""
        turns: NDArray[np.intp] = (seats.astype(np.intp) - self.arrays["dealer"][boards]) & 3
        return turns

    def may_open(
        self, boards: NDArray[np.integer], seats: NDArray[np.integer]
    ) -> NDArray[np.bool_]:
        """Return where a seat made its first call after passes only, or as the first."""
        turns = self.first_turns(boards, seats)
        may = self.call_at(boards, turns) >= 0
        for before in range(3):
            call = self.call_at(boards, np.full(len(boards), before))
            may &= (turns <= before) | (call == PASS)
        return may

    def opened(
        self, boards: NDArray[np.integer], seats: NDArray[np.integer], call: int
    ) -> NDArray[np.bool_]:
        """Return where a seat opened the bidding with a call, or passed as the first to open."""
        made = self.call_at(boards, self.first_turns(boards, seats)) == call
        opened: NDArray[np.bool_] = made & self.may_open(boards, seats)
        return opened

    def to_call_after(
        self, boards: NDArray[np.integer], seats: NDArray[np.integer], calls: list[int]
    ) -> NDArray[np.bool_]:
        """Return where auctions begin with some calls, and it was a seat that called next."""
        turns = self.first_turns(boards, seats)
        fits: NDArray[np.bool_] = turns == len(calls) % 4
        fits &= self.call_at(boards, np.full(len(boards), len(calls))) >= 0
        for place, call in enumerate(calls):
            fits &= self.call_at(boards, np.full(len(boards), place)) == call
        return fits


def _contract_number(contract: Contract | None) -> int:
    if contract is None:
        return _UNKNOWN
    if not contract.level:
        return _PASSED_OUT
    bid = 5 * (contract.level - 1) + contract.strain
    return _PLAYED + (bid * 3 + contract.doubled) * 4 + contract.declarer


def _contract(number: int) -> Contract | None:
    if number < _PLAYED:
        return Contract() if number == _PASSED_OUT else None
    bid, rest = divmod(number - _PLAYED, 12)
    if bid >= 35:
        raise ValueError(f"contract {number} is none")
    return contract_of(bid, rest // 4, rest % 4)
