"""Double-dummy results: tables, boards and batches over threads.

The search itself is compiled (`bridgevec._dds`); this module checks its input and shares work
among threads. Every call has solvers of its own, so any number may run at once.
"""

from __future__ import annotations

import contextlib
import copy
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec._dds import Solver
from bridgevec.cards import (
    Deal,
    DealLike,
    Seat,
    Strain,
    card_text,
    deal_masks,
    parse_card,
)

SOLVER_VERSION = "1"
"""Written into files of labels; changes when results could."""

MEMORY = 128
"""MiB for the positions that a thread remembers, unless told."""
_AHEAD = 128
"""Deals in work a thread, so that it goes on while a hard deal keeps those after it waiting."""
_PATIENCE = 0.1
"""Seconds after which a waiting thread looks whether Ctrl-C was pressed."""
_T = TypeVar("_T")


def interruptible(work: Callable[[], _T], solver: Solver) -> _T:
    """Run the work in a thread, so that Ctrl-C can stop its solver."""
    with ThreadPoolExecutor(1) as pool:
        try:  # from the first line on: the pool waits for its thread, so it must be stopped
            future = pool.submit(work)
            while not future.done():
                wait([future], timeout=_PATIENCE)
        except BaseException:
            solver.stop()
            raise
    return future.result()


def solve_tables(
    deals: Iterable[DealLike] | NDArray[np.uint64],
    workers: int | None = None,
    progress: bool = False,
    memory: int = MEMORY,
    strains: Iterable[Strain] = tuple(Strain),
) -> NDArray[np.int8]:
    """Solve many deals for every strain and declarer, over threads.

    Parameters
    ----------
    deals : sequence of deals, or integer array (n, 4) of masks
        Complete deals in any form `Deal` takes.
    workers : int, optional
        Threads; by default as many as there are processors to use.
    progress : bool, default False
        Show a bar with the tables a second and the time left.
    memory : int, default 128
        MiB for the positions that each thread remembers. With less the search is slower.
    strains : iterable of Strain, optional
        Solve only these; the others have -1 tricks. Notrump alone takes a fifth of the time.

    Returns
    -------
    ndarray of int8, shape (n, 5, 4)
        Tricks of the declarer's side, by strain C, D, H, S, NT and declarer N, E, S, W.

    Raises
    ------
    ValueError
        If a deal is not one, or `workers` or `memory` is less than 1, or there are no strains.
    KeyboardInterrupt
        On Ctrl-C, within a fraction of a second.

    Examples
    --------
    >>> solve_tables(["N:AKQJT98765432... .AKQJT98765432.. ..AKQJT98765432. ...AKQJT98765432"])[0]
    array([[ 0, 13,  0, 13],
           [13,  0, 13,  0],
           [ 0, 13,  0, 13],
           [13,  0, 13,  0],
           [ 0,  0,  0,  0]], dtype=int8)
    """
    masks = deal_masks(deals)
    wanted = sorted({Strain.parse(strain) for strain in strains})
    if not wanted:
        raise ValueError("no strains to solve")
    tables = np.empty((len(masks), 5, 4), dtype=np.int8)
    solved = _solve_stream(masks, _threads(workers), _check_memory(memory), wanted)
    # A hard deal keeps those after it waiting, hence the smoothing.
    bar = tqdm(solved, total=len(masks), unit="table", disable=not progress, smoothing=0.05)
    with contextlib.closing(solved), bar:
        for i, table in enumerate(bar):
            tables[i] = table
    return tables


def iter_tables(
    deals: Iterable[DealLike] | NDArray[np.uint64],
    workers: int | None = None,
    memory: int = MEMORY,
) -> Iterator[NDArray[np.int8]]:
    """Solve deals as they come, in their order, in constant memory however many there are.

    Deals are taken from `deals` a few hundred ahead of the table that is given out, always in the
    caller's thread. Between two tables the solvers work on.

    Parameters
    ----------
    deals : iterable of deals, or integer array (n, 4) of masks
        Complete deals in any form `Deal` takes; a generator without an end will do.
    workers : int, optional
        Threads; by default as many as there are processors to use.
    memory : int, default 128
        MiB for the positions that each thread remembers. With less the search is slower.

    Yields
    ------
    ndarray of int8, shape (5, 4)
        As from `solve_table`.

    Raises
    ------
    ValueError
        If a deal is not one, when it is reached, or `workers` or `memory` is less than 1.
    KeyboardInterrupt
        On Ctrl-C, within a fraction of a second.

    Examples
    --------
    >>> suits = ["AKQJT98765432...", ".AKQJT98765432..", "..AKQJT98765432.", "...AKQJT98765432"]
    >>> for table in iter_tables("N:" + " ".join(suits[i:] + suits[:i]) for i in range(2)):
    ...     print(table[Strain.S])
    [13  0 13  0]
    [ 0 13  0 13]
    """
    threads, size = _threads(workers), _check_memory(memory)
    if isinstance(deals, np.ndarray):
        return _solve_stream(deal_masks(deals), threads, size)
    rows = (np.array(Deal(deal).masks, dtype=np.uint64) for deal in deals)
    return _solve_stream(rows, threads, size)


def _threads(workers: int | None) -> int:
    if workers is None:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if workers < 1:
        raise ValueError(f"workers is {workers}, expected at least 1")
    return workers


def _check_memory(mebibytes: int) -> int:
    """Give the bytes."""
    if mebibytes < 1:
        raise ValueError(f"memory is {mebibytes} MiB, expected at least 1")
    return mebibytes << 20


@dataclass(eq=False, slots=True)
class _Task:
    """A deal on its way through the threads."""

    masks: NDArray[np.uint64]
    strains_left: int
    table: NDArray[np.int8] = field(default_factory=lambda: np.full((5, 4), -1, dtype=np.int8))


def _solve_stream(
    rows: Iterable[NDArray[np.uint64]],
    workers: int,
    memory: int,
    strains: Sequence[Strain] = tuple(Strain),
) -> Iterator[NDArray[np.int8]]:
    """Solve rows of masks in order, over threads.

    A thread takes one strain of a deal at a time, so all have work until the last strain.
    """
    solvers: list[Solver] = []
    threads: list[Thread] = []
    todo: SimpleQueue[tuple[_Task, int] | None] = SimpleQueue()
    done: SimpleQueue[_Task | Exception] = SimpleQueue()

    def run(solver: Solver) -> None:
        try:
            while unit := todo.get():
                task, strain = unit
                if not solver.solve(task.masks, task.table, strain, strain + 1):
                    return  # stopped
                done.put(task)
        except Exception as error:  # for the caller's thread
            done.put(error)

    waiting: deque[_Task] = deque()
    source = iter(rows)
    more = True
    try:
        while more or waiting:
            while waiting and not waiting[0].strains_left:
                yield waiting.popleft().table
            if more and len(waiting) < _AHEAD * workers:
                row = next(source, None)
                if row is None:
                    more = False
                    continue
                waiting.append(_Task(row, len(strains)))
                for strain in strains:
                    todo.put((waiting[-1], strain))
                    if len(threads) < workers:
                        solvers.append(Solver(memory))
                        threads.append(Thread(target=run, args=(solvers[-1],), daemon=True))
                        threads[-1].start()
            full = not more or len(waiting) == _AHEAD * workers
            with contextlib.suppress(Empty):
                finished = done.get(full, _PATIENCE)
                while True:
                    if isinstance(finished, Exception):
                        raise finished
                    finished.strains_left -= 1
                    finished = done.get_nowait()
    finally:
        for solver in solvers:
            solver.stop()
        for _ in threads:
            todo.put(None)
        for thread in threads:
            if thread.ident is not None:
                thread.join()


def solve_table(deal: DealLike) -> NDArray[np.int8]:
    """Solve one deal for every strain and declarer.

    Parameters
    ----------
    deal : deal
        In any form `Deal` takes. A ``Deal(..., complete=False)`` with fewer cards is solved as an
        ending.

    Returns
    -------
    ndarray of int8, shape (5, 4)
        Tricks of the declarer's side, by strain C, D, H, S, NT and declarer N, E, S, W.

    Raises
    ------
    ValueError
        If it is not a deal.

    Examples
    --------
    >>> solve_table("N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4")
    array([[5, 8, 5, 8],
           [5, 8, 5, 8],
           [6, 6, 5, 6],
           [9, 4, 9, 4],
           [8, 5, 8, 5]], dtype=int8)
    """
    masks = np.array((deal if isinstance(deal, Deal) else Deal(deal)).masks, dtype=np.uint64)
    table = np.empty((5, 4), dtype=np.int8)
    solver = Solver()
    interruptible(lambda: solver.solve(masks, table), solver)
    return table


def solve_board(
    deal: DealLike,
    strain: Strain | int | str,
    leader: Seat | int | str,
    played: Iterable[int | str] = (),
) -> dict[str, int]:
    """Find what every legal card is worth.

    Parameters
    ----------
    deal : deal
        The hands before the first of the `played` cards; a ``Deal(..., complete=False)`` for an
        ending.
    strain : Strain, int or str
        The trump suit or notrump.
    leader : Seat, int or str
        Who led, or leads, to the first trick of `deal`.
    played : sequence of cards, optional
        Cards played so far, in order, as ``"SA"`` or numbers.

    Returns
    -------
    dict of str to int
        For each card that the next player may play, the tricks that player's side takes from the
        current trick on, best cards first.

    Raises
    ------
    ValueError
        If a card was not the player's to play, or no card is left.

    Examples
    --------
    The king lies before the ace and queen, so the queen wins too:

    >>> ending = Deal("N:AQ... .AK.. 54... K3...", complete=False)
    >>> solve_board(ending, "NT", "S", ["S4", "S3"])
    {'SQ': 2, 'SA': 1}
    >>> solve_board(ending, "NT", "N")
    {'SA': 1, 'SQ': 1}
    """
    deal = deal if isinstance(deal, Deal) else Deal(deal)
    at = Position(deal, Strain.parse(strain), Seat.parse(leader))
    for entry in played:
        at.play(parse_card(entry))
    if not at.left:
        raise ValueError("no card is left to play")
    solver = Solver()
    found = interruptible(lambda: solver.board(at.hands, at.strain, at.leader, at.trick), solver)
    return {card_text(card): tricks for card, tricks in sorted(found, key=lambda x: (-x[1], x[0]))}


class Position:
    """The cards left in the hands, the trick on the table, and who plays next.

    Parameters
    ----------
    deal : Deal
    strain : Strain
    leader : Seat

    Attributes
    ----------
    hands : list of int
        Masks of N, E, S, W.
    seat : Seat
        Who plays next.
    trick : list of int
        The cards on the table.
    won : list of int
        Tricks that NS and EW have taken.
    """

    __slots__ = ("hands", "seat", "strain", "trick", "won")

    def __init__(self, deal: Deal, strain: Strain, leader: Seat) -> None:
        self.hands = list(deal.masks)
        self.strain = strain
        self.seat = leader
        self.trick: list[int] = []
        self.won = [0, 0]

    @property
    def leader(self) -> Seat:
        """Who led, or leads, to the current trick."""
        return Seat((self.seat - len(self.trick)) % 4)

    @property
    def left(self) -> int:
        """Tricks left, with the one on the table."""
        return self.hands[self.leader].bit_count() + bool(self.trick)

    def legal(self) -> list[int]:
        """The cards that may be played next."""
        hand = self.hands[self.seat]
        if self.trick:
            hand = hand & self._led() or hand
        return [card for card in range(52) if hand >> card & 1]

    def play(self, card: int) -> None:
        """Play a card, or raise a ValueError that names it if that is not allowed."""
        hand = self.hands[self.seat]
        if not hand >> card & 1:
            raise ValueError(f"card {card_text(card)} is not in {self.seat.name}'s hand")
        if self.trick and hand & self._led() and not self._led() >> card & 1:
            raise ValueError(
                f"{self.seat.name} revokes with {card_text(card)}: "
                f"{card_text(self.trick[0])} was led"
            )
        self.hands[self.seat] ^= 1 << card
        self.trick.append(card)
        self.seat = self.seat.next
        if len(self.trick) == 4:
            self.seat = Seat((self.seat + self._winner()) % 4)
            self.won[self.seat & 1] += 1
            self.trick = []

    def copy(self) -> Position:
        """A position of its own."""
        other = copy.copy(self)
        other.hands, other.trick, other.won = self.hands[:], self.trick[:], self.won[:]
        return other

    def _led(self) -> int:
        return 0x1FFF << self.trick[0] // 13 * 13

    def _winner(self) -> int:
        """Which of the four cards, in order of play, wins."""

        def power(i: int) -> tuple[bool, bool, int]:
            suit, rank = divmod(self.trick[i], 13)
            return 3 - suit == self.strain, suit == self.trick[0] // 13, -rank

        return max(range(4), key=power)
