"""Double-dummy results: tables, boards and batches over threads.

The search itself is compiled (`bridgevec._dds`); this module checks its input and shares work
among threads. No two calls use a solver at the same time, so any number may run at once.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec import _dds
from bridgevec.cards import (
    CARD_TEXTS,
    Deal,
    DealLike,
    Seat,
    SeatLike,
    Strain,
    StrainLike,
    card_text,
    deal_masks,
    parse_cards,
)

# Portable builds have the search twice: for every processor, and for those of the last ten years.
if (
    _dds.BUILT_FOR == "x86-64 without BMI2"
    and _dds.runs_v3()
    and importlib.util.find_spec("bridgevec._dds_v3")
):
    from bridgevec._dds_v3 import BUILT_FOR as _BUILT_FOR
    from bridgevec._dds_v3 import Solver
else:
    from bridgevec._dds import BUILT_FOR as _BUILT_FOR
    from bridgevec._dds import Solver

__all__ = [
    "BUILT_FOR",
    "MEMORY",
    "SOLVER_VERSION",
    "Position",
    "Solver",
    "iter_tables",
    "solve_board",
    "solve_boards",
    "solve_table",
    "solve_tables",
]

SOLVER_VERSION = "1"
"""Written into files of labels; changes when results could."""

BUILT_FOR: str = _BUILT_FOR
"""The processors for which the solver in use was compiled."""
MEMORY = 128
"""Default memory for positions per thread, in MiB."""
_AHEAD = 128
"""Deals in progress per thread, so that threads stay busy while a hard deal delays the results
after it."""
_PATIENCE = 0.1
"""Seconds after which a waiting thread looks whether Ctrl-C was pressed."""
_T = TypeVar("_T")
_KEPT = 32 << 20
"""Bytes that the table of an idle solver may hold; above, it is given back to the system."""
_idle: list[Solver] = []


class WarmSolver:
    """Lend a solver that looks for Ctrl-C; it is kept for the next call unless it grew large."""

    __slots__ = ("solver",)

    def __enter__(self) -> Solver:
        try:
            self.solver = _idle.pop()
        except IndexError:
            self.solver = Solver(MEMORY << 20, signals=True)
        return self.solver

    def __exit__(self, *error: object) -> None:
        # One that was interrupted is not used again.
        if error[0] is None and self.solver.memory <= _KEPT:
            _idle.append(self.solver)


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
        Show a progress bar with the tables per second and the time left.
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
    wanted = _check_strains(strains)
    tables = np.empty((len(masks), 5, 4), dtype=np.int8)
    solved = run_tasks(_table_tasks(masks, wanted), thread_count(workers), _check_memory(memory))
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
    *,
    strains: Iterable[Strain] = tuple(Strain),
) -> Generator[NDArray[np.int8], None, None]:
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
    strains : iterable of Strain, optional
        Solve these alone; the others have -1 tricks.

    Yields
    ------
    ndarray of int8, shape (5, 4)
        As from `solve_table`.

    Raises
    ------
    ValueError
        If a deal is not one, when it is reached, or `workers` or `memory` is less than 1,
        or there are no strains.
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
    rows: Iterable[NDArray[np.uint64]]
    if isinstance(deals, np.ndarray):
        rows = deal_masks(deals)
    else:
        rows = (np.array(Deal(deal).masks, dtype=np.uint64) for deal in deals)
    tasks = _table_tasks(rows, _check_strains(strains))
    return run_tasks(tasks, thread_count(workers), _check_memory(memory))


def thread_count(workers: int | None) -> int:
    """Check the number of threads; by default as many as there are processors to use."""
    if workers is None:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if not isinstance(workers, (int, np.integer)) or workers < 1:
        raise ValueError(f"workers is {workers!r}, expected an integer, at least 1")
    return int(workers)


def _check_strains(strains: Iterable[Strain]) -> list[Strain]:
    """Return the strains in order, each once."""
    wanted = sorted({Strain.parse(strain) for strain in strains})
    if not wanted:
        raise ValueError("no strains to solve")
    return wanted


def _check_memory(mebibytes: int) -> int:
    """Return the bytes."""
    if not isinstance(mebibytes, (int, np.integer)) or not 1 <= mebibytes < 1 << 24:
        raise ValueError(
            f"memory is {mebibytes!r} MiB, expected an integer from 1 to {(1 << 24) - 1}"
        )
    return int(mebibytes) << 20


@dataclass(eq=False, slots=True)
class Task(Generic[_T]):
    """A piece of work on its way through the threads."""

    result: _T
    """What the parts fill in."""
    parts: Sequence[Callable[[Solver], object]]
    """Calls for any thread, in any order."""
    left: int = 0


def _table_tasks(
    rows: Iterable[NDArray[np.uint64]], strains: Sequence[Strain]
) -> Iterator[Task[NDArray[np.int8]]]:
    """Make a task of every deal; its parts are the strains, so all threads work to the end."""

    def task(masks: NDArray[np.uint64]) -> Task[NDArray[np.int8]]:
        table = np.full((5, 4), -1, dtype=np.int8)

        def part(first: int, last: int) -> Callable[[Solver], object]:
            return lambda solver: solver.solve(masks, table, first, last)

        if len(strains) == 5 and _dds.is_symmetrical(masks):
            return Task(table, [part(0, 4), part(4, 5)])  # results of one suit tell those of others
        return Task(table, [part(strain, strain + 1) for strain in strains])

    return map(task, rows)


def run_tasks(tasks: Iterable[Task[_T]], workers: int, memory: int) -> Generator[_T, None, None]:
    """Do tasks over threads and give out their results in order.

    Every thread has a solver with a table of `memory` bytes.
    """
    solvers: list[Solver] = []
    threads: list[Thread] = []
    todo: SimpleQueue[tuple[Task[_T], Callable[[Solver], object]] | None] = SimpleQueue()
    done: SimpleQueue[Task[_T] | Exception] = SimpleQueue()
    stopped = False

    def run(solver: Solver) -> None:
        try:
            while unit := todo.get():
                task, part = unit
                part(solver)
                if stopped:
                    return
                done.put(task)
        except Exception as error:  # for the caller's thread
            done.put(error)

    waiting: deque[Task[_T]] = deque()
    source = iter(tasks)
    more = True
    try:
        while more or waiting:
            while waiting and not waiting[0].left:
                yield waiting.popleft().result
            if more and len(waiting) < _AHEAD * workers:
                task = next(source, None)
                if task is None:
                    more = False
                    continue
                task.left = len(task.parts)
                waiting.append(task)
                for part in task.parts:
                    todo.put((task, part))
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
                    finished.left -= 1
                    finished = done.get_nowait()
    finally:
        stopped = True
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
    with WarmSolver() as solver:
        solver.solve(masks, table)
    return table


def solve_board(
    deal: DealLike,
    strain: StrainLike,
    leader: SeatLike,
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
    strain, leader = Strain.parse(strain), Seat.parse(leader)
    cards = parse_cards(played)
    with WarmSolver() as solver:
        found = solver.board(deal.masks, strain, leader, cards)
    if not found:  # say which card was wrong
        at = Position(deal, strain, leader)
        for card in cards:
            at.play(card)
        raise ValueError("no card is left to play")
    return {CARD_TEXTS[card]: tricks for card, tricks in found}


def solve_boards(
    deals: Iterable[DealLike] | NDArray[np.uint64],
    strain: StrainLike | Sequence[StrainLike],
    leader: SeatLike | Sequence[SeatLike],
    workers: int | None = None,
) -> NDArray[np.int8]:
    """Find what every opening lead is worth, in many deals, over threads.

    Parameters
    ----------
    deals : sequence of deals, or integer array (n, 4) of masks
        Complete deals in any form `Deal` takes.
    strain : Strain, int or str, or a sequence of them
        The trump suit or notrump of all deals, or of each.
    leader : Seat, int or str, or a sequence of them
        Who leads in all deals, or in each.
    workers : int, optional
        Threads; by default as many as there are processors to use.

    Returns
    -------
    ndarray of int8, shape (n, 13)
        Tricks of the leader's side, by the leader's cards from the ace of spades to the two of
        clubs.

    Raises
    ------
    ValueError
        If a deal is not one, if there are not as many strains or leaders as deals, or if `workers`
        is less than 1.
    KeyboardInterrupt
        On Ctrl-C, within a fraction of a second.

    Examples
    --------
    >>> solve_boards(["N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4"],
    ...              "S", "E")
    array([[4, 4, 4, 4, 4, 2, 2, 2, 4, 4, 4, 4, 4]], dtype=int8)
    """
    masks = deal_masks(deals)
    strains = _for_each(strain, Strain.parse, len(masks), "strains")
    leaders = _for_each(leader, Seat.parse, len(masks), "leaders")
    worths = np.empty((len(masks), 13), dtype=np.int8)

    def task(i: int) -> Task[None]:
        return Task(
            None, [lambda solver: solver.leads(masks[i], strains[i], leaders[i], worths[i])]
        )

    tasks = map(task, range(len(masks)))
    with contextlib.closing(run_tasks(tasks, thread_count(workers), MEMORY << 20)) as solved:
        for _ in solved:
            pass
    return worths


def _for_each(given: Any, parse: Callable[[Any], int], n: int, name: str) -> list[int]:
    """Read one value for all of n deals, or a value for each."""
    if isinstance(given, str) or not isinstance(given, (Sequence, np.ndarray)):
        return [parse(given)] * n
    if len(given) != n:
        raise ValueError(f"{len(given)} {name} for {n} deals")
    return [parse(value) for value in given]


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
