"""The play of a contract: what each card cost, a line of best play, the double-dummy score."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bridgevec.board import Board
from bridgevec.cards import Deal, DealLike, Seat, card_text, parse_card
from bridgevec.dds import MEMORY, Position, Solver, Task, WarmSolver, run_tasks, thread_count
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
    error : str
        Why no more cards were looked at, if so; see `analyse_boards`.
    """

    deal: Deal
    contract: Contract
    tricks: int
    cards: tuple[PlayedCard, ...]
    error: str = ""

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


def analyse_play(
    deal: DealLike | Board,
    contract: Contract | str | None = None,
    cards: Iterable[int | str] | None = None,
) -> Play:
    """Find what each card of a play cost.

    Parameters
    ----------
    deal : deal or board
        In any form `Deal` takes; a ``Deal(..., complete=False)`` for an ending. A `Board` has its
        contract and its play.
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
        If a card was not the player's to play, the deal was passed out, or a board has no contract.

    Examples
    --------
    South should have played the ten, and West then wastes the king on the four:

    >>> ending = Deal("N:AJ9... 765... QT4... K83...", complete=False)
    >>> print(analyse_play(ending, "1NT by N", ["S6", "S4", "SK"]))
    1NT by N: 3 tricks
     1 E  S6    S4-1  SK-1          3
    """
    return _play(deal, contract, cards, go_on=False)


def analyse_boards(
    boards: Iterable[Board], workers: int | None = None
) -> Generator[Play, None, None]:
    """Find what each card of many plays cost; `analyse_play` over threads.

    Parameters
    ----------
    boards : iterable of Board
        Each with a contract. They are asked for as work is done, in constant memory.
    workers : int, optional
        Threads; by default as many as there are processors to use.

    Yields
    ------
    Play
        In the order of the boards. Of a board whose cards were not the players' to play (a revoke),
        the cards up to that one, and `Play.error` says why.

    Raises
    ------
    ValueError
        If a board has no contract, was passed out, or `workers` is less than 1.
    KeyboardInterrupt
        On Ctrl-C, within a fraction of a second.

    Examples
    --------
    >>> deal = "N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4"
    >>> board = Board(deal, contract="4S by N", play="DA DT D3 D2")
    >>> [(play.tricks, [card.cost for card in play.cards]) for play in analyse_boards([board])]
    [(9, [0, 0, 0, 0])]
    """

    def task(board: Board) -> Task[list[Play]]:
        found: list[Play] = []
        asked = _asked(board, None, None)
        return Task(
            found,
            [lambda solver: found.append(_run(solver, *asked, go_on=False, strict=False))],
        )

    analysed = run_tasks(map(task, boards), thread_count(workers), MEMORY << 20)
    with contextlib.closing(analysed):
        for (play,) in analysed:
            yield play


def best_play(
    deal: DealLike | Board,
    contract: Contract | str | None = None,
    cards: Iterable[int | str] | None = None,
) -> Play:
    """Play a deal to its end with no side throwing a trick away.

    Of the cards that keep all tricks each player chooses the lowest.

    Parameters
    ----------
    deal : deal or board
        In any form `Deal` takes; a ``Deal(..., complete=False)`` for an ending. A `Board` has its
        contract, and how the play began.
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


def contract_score(
    deal: DealLike | Board,
    contract: Contract | str | None = None,
    vulnerable: str | int | None = None,
) -> int:
    """Score a contract as if it were played with open cards and without error.

    Parameters
    ----------
    deal : deal or board
        In any form `Deal` takes. A `Board` has its contract and its vulnerability.
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
    if isinstance(deal, Board):
        contract = deal.contract if contract is None else contract
        vulnerable = deal.vulnerable if vulnerable is None else vulnerable
    if contract is None or vulnerable is None:
        raise ValueError("there is no contract, or no vulnerability")
    deal, contract = Deal(deal), Contract.parse(contract)
    tricks = analyse_play(deal, contract, ()).tricks if contract.level else 0
    return score(contract, tricks, vulnerable)


def _asked(
    deal: DealLike | Board, contract: Contract | str | None, cards: Iterable[int | str] | None
) -> tuple[Deal, Contract, Iterable[int | str]]:
    """Take what is not given from a board."""
    if isinstance(deal, Board):
        cards = deal.play if cards is None and contract is None else cards
        contract = deal.contract if contract is None else contract
        deal = deal.deal
    if contract is None:
        raise ValueError("there is no contract")
    contract = Contract.parse(contract)
    if contract.level == 0:
        raise ValueError("the deal was passed out, there is no play")
    deal = deal if isinstance(deal, Deal) else Deal(deal)
    return deal, contract, () if cards is None else cards


def _play(
    deal: DealLike | Board,
    contract: Contract | str | None,
    cards: Iterable[int | str] | None,
    go_on: bool,
) -> Play:
    asked = _asked(deal, contract, cards)
    with WarmSolver() as solver:
        return _run(solver, *asked, go_on=go_on, strict=True)


def _run(
    solver: Solver,
    deal: Deal,
    contract: Contract,
    cards: Iterable[int | str],
    *,
    go_on: bool,
    strict: bool,
) -> Play:
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
        try:
            at.play(card)
        except ValueError as error:
            if strict:
                raise
            return Play(deal, contract, start, tuple(played), str(error))
        numbers.append(card)
        after = ns_tricks(at, *limits)
        played.append(PlayedCard(card_text(card), seat, result(after), abs(after - ns)))
        ns = after
    while go_on and (legal := at.legal()):
        seat = at.seat
        legal.sort(key=lambda card: (-(card % 13), card))
        before, card = at, legal[-1]
        for card in legal:
            at = before.copy()
            at.play(card)
            numbers.append(card)
            low, high, guess = known(seat)
            if card == legal[-1] or ns_tricks(at, max(low, ns - 1), min(high, ns + 1), guess) == ns:
                break
            numbers.pop()
        played.append(PlayedCard(card_text(card), seat, result(ns), 0))
    return Play(deal, contract, start, tuple(played))


@dataclass
class Losses:
    """What the cards of players, or sides, cost over any number of plays.

    Cards of dummy are the declarer's.

    Attributes
    ----------
    cards : dict of str to int
        By player or side, how many were played.
    errors, tricks : dict of str to int
        How many of them cost tricks, and how many tricks.

    Examples
    --------
    >>> ending = Deal("N:AJ9... 765... QT4... K83...", complete=False)
    >>> losses = Losses()
    >>> losses.add(analyse_play(ending, "1NT by N", ["S6", "S4", "SK"]), "NESW")
    >>> losses.tricks
    {'E': 0, 'N': 1, 'W': 1}
    """

    cards: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    tricks: dict[str, int] = field(default_factory=dict)

    def add(self, play: Play, names: Sequence[str]) -> None:
        """Add a play; `names` are those of N, E, S and W."""
        dummy = play.contract.declarer.partner
        for card in play.cards:
            name = names[play.contract.declarer if card.seat == dummy else card.seat]
            self.cards[name] = self.cards.get(name, 0) + 1
            self.errors[name] = self.errors.get(name, 0) + (card.cost > 0)
            self.tricks[name] = self.tricks.get(name, 0) + card.cost
