"""Double-dummy results: tables, boards and batches over threads.

The search itself is compiled (`bridgevec._dds`); this module checks its input and shares work
among threads. Every call has solvers of its own, so any number may run at once.
"""

from __future__ import annotations

import copy
import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

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

_T = TypeVar("_T")


def interruptible(
    work: Sequence[Callable[[], _T]],
    solvers: Sequence[Solver],
    tick: Callable[[], Any] = lambda: None,
) -> list[_T]:
    """Run each piece of work in a thread; on Ctrl-C (or an error in one) stop all solvers."""
    with ThreadPoolExecutor(len(work)) as pool:
        try:  # from the first piece on: the pool waits for its threads, so they must be stopped
            futures: list[Future[_T]] = [pool.submit(piece) for piece in work]
            pending = set(futures)
            while pending:
                done, pending = wait(pending, timeout=0.1, return_when=FIRST_EXCEPTION)
                tick()
                for future in done:
                    future.result()
        except BaseException:
            for solver in solvers:
                solver.stop()
            raise
    return [future.result() for future in futures]


def solve_tables(
    deals: Iterable[DealLike] | NDArray[np.uint64],
    workers: int | None = None,
    progress: bool = False,
) -> NDArray[np.int8]:
    """Solve many deals for every strain and declarer, over threads.

    Parameters
    ----------
    deals : sequence of deals, or integer array (n, 4) of masks
        Complete deals in any form `Deal` takes.
    workers : int, optional
        Threads; by default as many as there are processors to use.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    ndarray of int8, shape (n, 5, 4)
        Tricks of the declarer's side, by strain C, D, H, S, NT and declarer N, E, S, W.

    Raises
    ------
    ValueError
        If a deal is not one, or `workers` is less than 1.
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
    if workers is None:
        workers = (
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1
        )
    if workers < 1:
        raise ValueError(f"workers is {workers}, expected at least 1")
    tables = np.empty((len(masks), 5, 4), dtype=np.int8)
    if not len(masks):
        return tables
    solvers = [Solver() for _ in range(min(workers, len(masks)))]
    queue = itertools.count()
    done: list[int] = []

    def run(solver: Solver) -> None:
        while (i := next(queue)) < len(masks) and solver.solve(masks[i], tables[i]):
            done.append(i)

    with tqdm(total=len(masks), unit="table", disable=not progress, smoothing=0.05) as bar:

        def tick() -> None:
            bar.update(len(done) - bar.n)

        interruptible([lambda s=s: run(s) for s in solvers], solvers, tick)  # type: ignore[misc]
    return tables


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
    interruptible([lambda: solver.solve(masks, table)], [solver])
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
    found: list[tuple[int, int]] = interruptible(
        [lambda: solver.board(at.hands, at.strain, at.leader, at.trick)], [solver]
    )[0]
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
