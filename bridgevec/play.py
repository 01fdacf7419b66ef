"""The play of a contract: what each card cost, a line of best play, the double-dummy score."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from bridgevec.cards import Deal, DealLike, Seat, card_text, parse_card
from bridgevec.dds import MEMORY, Position, Solver, Task, run_tasks, thread_count, warm_solver
from bridgevec.scoring import Contract, score


class PlayedCard(NamedTuple):
    """A card and what it did.

    Attributes
    ----------
    card : str
        Such as ``"SA"``.
    seat : Seat
        Who played it.
    tricks : int
        Tricks that the declarer's side takes in the whole deal if nobody errs after this card.
    cost : int
        Tricks that the card threw away, 0 for a best card: what its side lost, the other gained.
    """

    card: str
    seat: Seat
    tricks: int
    cost: int


@dataclass(frozen=True)
class Play:
    """The play of a deal card by card; printed, a line for each trick.

    A line has the number of the trick, who led, the four cards with the tricks they cost, and the
    tricks that the declarer's side takes in the whole deal if nobody errs after that trick.

    Attributes
    ----------
    deal : Deal
    contract : Contract
    tricks : int
        Tricks that the declarer's side takes if nobody errs.
    cards : tuple of PlayedCard
        In the order of play.
    """

    deal: Deal
    contract: Contract
    tricks: int
    cards: tuple[PlayedCard, ...]

    def __str__(self) -> str:
        lines = [f"{self.contract}: {self.tricks} tricks"]
        for start in range(0, len(self.cards), 4):
            trick = self.cards[start : start + 4]
            texts = (card.card + (f"-{card.cost}" if card.cost else "") for card in trick)
            cards = "".join(f"{text:<6}" for text in texts)
            lines.append(
                f"{start // 4 + 1:>2} {trick[0].seat.name}  {cards:<24}{trick[-1].tricks:>3}"
            )
        return "\n".join(lines)


def analyse_play(deal: DealLike, contract: Contract | str, cards: Iterable[int | str]) -> Play:
    """Find what each card of a play cost.

    Parameters
    ----------
    deal : deal
        In any form `Deal` takes; a ``Deal(..., complete=False)`` for an ending.
    contract : Contract or str
        As `Contract.parse` takes it. The first card is led by the seat after the declarer.
    cards : sequence of cards
        In the order of play, as ``"SA"`` or numbers; they need not be all of the deal.

    Returns
    -------
    Play

    Raises
    ------
    ValueError
        If a card was not the player's to play, or the deal was passed out.

    Examples
    --------
    South should have played the ten, and West then wastes the king on the four:

    >>> ending = Deal("N:AJ9... 765... QT4... K83...", complete=False)
    >>> print(analyse_play(ending, "1NT by N", ["S6", "S4", "SK"]))
    1NT by N: 3 tricks
     1 E  S6    S4-1  SK-1          3
    """
    return _play(deal, contract, cards, go_on=False)


def analyse_plays(
    plays: Iterable[tuple[DealLike, Contract | str, Iterable[int | str]]],
    workers: int | None = None,
) -> list[Play]:
    """Find what each card of many plays cost, over threads.

    Parameters
    ----------
    plays : iterable of (deal, contract, cards)
        Each as `analyse_play` takes them.
    workers : int, optional
        Threads; by default as many as there are processors to use.

    Returns
    -------
    list of Play

    Raises
    ------
    ValueError
        As from `analyse_play`, or if `workers` is less than 1.
    KeyboardInterrupt
        On Ctrl-C, within a fraction of a second.

    Examples
    --------
    >>> deal = "N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4"
    >>> plays = analyse_plays([(deal, "4S by N", ["DA", "DT"]), (deal, "3NT by W", ["SK"])])
    >>> [play.tricks for play in plays]
    [9, 5]
    """

    def task(play: tuple[DealLike, Contract | str, Iterable[int | str]]) -> Task[list[Play]]:
        found: list[Play] = []
        return Task(found, [lambda solver: found.append(_play(*play, False, solver))])

    analysed = run_tasks(map(task, plays), thread_count(workers), MEMORY << 20)
    with contextlib.closing(analysed):
        return [play for (play,) in analysed]


def best_play(deal: DealLike, contract: Contract | str, cards: Iterable[int | str] = ()) -> Play:
    """Play a deal to its end with no side throwing a trick away.

    Of the cards that keep all tricks each player chooses the lowest.

    Parameters
    ----------
    deal : deal
        In any form `Deal` takes; a ``Deal(..., complete=False)`` for an ending.
    contract : Contract or str
        As `Contract.parse` takes it. The first card is led by the seat after the declarer.
    cards : sequence of cards, optional
        How the play began; what these cards cost is found as by `analyse_play`.

    Returns
    -------
    Play

    Raises
    ------
    ValueError
        If a card was not the player's to play, or the deal was passed out.

    Examples
    --------
    >>> deal = "N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4"
    >>> play = best_play(deal, "4S by N")
    >>> play.tricks, len(play.cards), {card.cost for card in play.cards}
    (9, 52, {0})
    """
    return _play(deal, contract, cards, go_on=True)


def contract_score(deal: DealLike, contract: Contract | str, vulnerable: str | int) -> int:
    """Score a contract as if it were played with open cards and without error.

    Parameters
    ----------
    deal : deal
        In any form `Deal` takes.
    contract : Contract or str
        As `Contract.parse` takes it; ``"Pass"`` scores 0.
    vulnerable : str or int
        ``"None"``, ``"NS"``, ``"EW"`` or ``"All"``.

    Returns
    -------
    int
        Points for the declarer's side.

    Raises
    ------
    ValueError
        If one of the three is not as above.

    Examples
    --------
    >>> deal = "N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4"
    >>> contract_score(deal, "4SX by N", "NS")
    -200
    """
    deal, contract = Deal(deal), Contract.parse(contract)
    tricks = analyse_play(deal, contract, ()).tricks if contract.level else 0
    return score(contract, tricks, vulnerable)


def _play(
    deal: DealLike,
    contract: Contract | str,
    cards: Iterable[int | str],
    go_on: bool,
    solver: Solver | None = None,
) -> Play:
    deal = deal if isinstance(deal, Deal) else Deal(deal)
    contract = Contract.parse(contract)
    if contract.level == 0:
        raise ValueError("the deal was passed out, there is no play")
    if solver is None:
        with warm_solver() as solver:
            return _play(deal, contract, cards, go_on, solver)
    at = Position(deal, contract.strain, contract.declarer.next)
    size, first = at.left, at.seat
    numbers: list[int] = []  # the cards played

    def ns_tricks(at: Position, low: int, high: int, guess: int, fresh: bool = False) -> int:
        """Tricks NS take in the whole deal, known to be low to high."""
        won = at.won[0]
        low, high = max(low - won, 0), min(high - won, at.left)
        place = deal.masks, at.strain, first, numbers
        return won + int(solver.tricks(*place, low, high, guess - won, fresh))

    ns = ns_tricks(at, 0, size, -1, fresh=True)

    def result(ns: int) -> int:
        return size - ns if contract.declarer & 1 else ns

    def known(seat: Seat) -> tuple[int, int, int]:
        """Lowest, highest and likely number of NS's tricks after a card of the seat."""
        return (ns, size, ns + 1) if seat & 1 else (0, ns, ns)

    start = result(ns)
    played: list[PlayedCard] = []
    for entry in cards:
        card, seat = parse_card(entry), at.seat
        limits = known(seat)
        at.play(card)
        numbers.append(card)
        after = ns_tricks(at, *limits)
        played.append(PlayedCard(card_text(card), seat, result(after), abs(after - ns)))
        ns = after
    while go_on and (legal := at.legal()):
        seat = at.seat
        legal.sort(key=lambda card: (-(card % 13), card))
        for card in legal:
            trial = at.copy()
            trial.play(card)
            numbers.append(card)
            low, high, guess = known(seat)
            if (
                card == legal[-1]
                or ns_tricks(trial, max(low, ns - 1), min(high, ns + 1), guess) == ns
            ):
                break
            numbers.pop()
        at = trial
        played.append(PlayedCard(card_text(card), seat, result(ns), 0))
    return Play(deal, contract, start, tuple(played))
