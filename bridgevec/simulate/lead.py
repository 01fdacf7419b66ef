"""What to lead: deals that fit the auction, solved for every card of the leader."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec.auction import Auction
from bridgevec.bidders.bidder import Bidder
from bridgevec.cards import HandLike, Seat, SeatLike, card_text, hand_mask, hand_text
from bridgevec.dds import MEMORY, Solver, Task, run_tasks, thread_count
from bridgevec.scoring import Contract, imps, parse_vulnerable, scores
from bridgevec.simulate.auctions import effective_size
from bridgevec.simulate.sampler import Sample, Where, iter_samples

_LOOKS = (4, 8, 12, 16, 20)
"""After so many deals it is looked at what is known; the first answer is after the first."""
_BATCH = 10
"""Deals before each look after these."""
_FIRST_OUT, _JOINED = 8, 20
"""After so many deals the first card may be left out, and spots taken as one."""
_ANSWERS = 20
"""Deals between two answers."""
_WORSE = 2.5
"""Cards so many standard errors worse than the best are left out."""
_NEGLIGIBLE = 0.008, 0.003
"""So are those that would gain less by more deals: in tricks, and in how often a contract fails."""
_IMAGINED = 1.0, 0.5
"""The difference in a deal that is imagined beside those that were solved, as few show few."""
_UNSURE = 4.0
"""And errors are taken to be larger by so much, over the number of deals."""
_FEW = 8
"""So many cards or fewer are solved one by one; all 13 together share most of their work."""
_SPOT = 5
"""Nines and lower cards count as spots: 0 is an ace."""
_CLEAR = 2.5
"""A kind of layout is named if it makes a difference of so many standard errors."""


@dataclass
class LeadRow:
    """What a card is worth as the opening lead; double dummy, so if all play as if they saw all.

    Attributes
    ----------
    card : str
        Such as ``"SK"``.
    deals : int
        In how many deals it was solved; fewer if it was clearly worse than another.
    tricks, tricks_error : float
        Mean tricks of the leader's side, and the standard error.
    sets, sets_error : float
        How often the contract is beaten.
    imps, imps_error : float
        Mean IMPs against the mean of the other leads in the same deal, on the deals that all these
        cards were solved in.
    matchpoints, matchpoints_error : float
        The share of the other leads that it beats, a tie counting for a half.
    gains : str
        In what layouts it takes more tricks than the other leads, and in what layouts it does not;
        empty if there is no such difference.
    """

    card: str
    deals: int
    tricks: float
    tricks_error: float
    sets: float
    sets_error: float
    imps: float
    imps_error: float
    matchpoints: float
    matchpoints_error: float
    gains: str = ""


@dataclass
class LeadAdvice:
    """What the cards of a hand are worth as opening leads.

    Attributes
    ----------
    hand : str
    leader : Seat
    contract : Contract
    deals : int
        How many were solved.
    effective_size : float
        Of the deals' weights.
    rows : list of LeadRow
        The best card first: by chance to set, or by tricks at matchpoints' scoring.
    """

    hand: str
    leader: Seat
    contract: Contract
    deals: int
    effective_size: float
    rows: list[LeadRow]

    @property
    def best(self) -> str:
        """The card that loses the fewest IMPs against the others."""
        return self.rows[0].card

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "hand": self.hand,
            "leader": self.leader.name,
            "contract": str(self.contract),
            "deals": self.deals,
            "effective_size": round(self.effective_size, 1),
            "leads": [
                {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(row).items()}
                for row in self.rows
            ],
        }

    def __str__(self) -> str:
        lines = [
            f"{self.leader.name} leads against {self.contract}: {self.deals} deals, "
            f"effective size {self.effective_size:.0f}",
            "",
            "card      tricks         set           IMPs    matchpoints  deals",
        ]
        for row in self.rows:
            lines.append(
                f"{row.card:<4}  {row.tricks:5.2f} ±{row.tricks_error:.2f}"
                f"  {100 * row.sets:5.1f}% ±{100 * row.sets_error:4.1f}"
                f"  {row.imps:+6.2f} ±{row.imps_error:.2f}"
                f"   {100 * row.matchpoints:5.1f}% ±{100 * row.matchpoints_error:4.1f}"
                f"  {row.deals:5}"
            )
        told = dict.fromkeys(row.gains for row in self.rows if row.gains)
        for text in told:
            cards = ", ".join(row.card for row in self.rows if row.gains == text)
            lines += ["", f"{cards}: {text}"]
        return "\n".join(lines)


def opening_lead(
    hand: HandLike,
    auction: str | Auction,
    dealer: SeatLike = "N",
    vulnerable: str | int = "None",
    *,
    deals: int = 200,
    where: Where | None = None,
    bidder: str | Bidder = "default",
    opponents: str | Bidder | None = None,
    seed: int | np.random.Generator | None = 0,
    workers: int | None = None,
    progress: bool = False,
) -> LeadAdvice:
    """Find what every card is worth as the opening lead.

    Parameters
    ----------
    hand : hand
        The leader's, in any form `bridgevec.cards.hand_mask` takes.
    auction : str or Auction
        All of it, from the dealer on.
    dealer : Seat, int or str, default "N"
    vulnerable : str or int, default "None"
    deals : int, default 200
        How many deals that fit are solved at most.
    where : str or callable, optional
        What else is known, as `bridgevec.sample_deals` takes it.
    bidder, opponents : str or Bidder
        Who bids for the leader's side, and for the other one.
    seed : int, Generator or None, default 0
        Which deals.
    workers : int, optional
        Threads of the solver; by default as many as there are processors to use.
    progress : bool, default False
        Show a bar.

    Returns
    -------
    LeadAdvice
        Cards with more mean IMPs first. ``print`` writes a table. Cards that are clearly worse than
        the best, or that have next to nothing to gain over it by more deals, are solved in fewer
        deals than the others; all end when one card is left. Spots of a suit that took the same
        tricks in each of the first 20 deals are solved as one.

    Warns
    -----
    UserWarning
        If the deals that fit are few, see `bridgevec.sample_deals`.

    Raises
    ------
    ValueError
        If the hand is not one, or the auction is not over, or was passed out.

    Examples
    --------
    >>> advice = opening_lead("KJT73.Q64.A92.85", "1N P 3N P P P", deals=20)
    >>> advice.leader.name, str(advice.contract), len(advice.rows)
    ('E', '3NT by N', 13)
    """
    found: LeadAdvice | None = None
    with tqdm(total=deals, unit="deal", disable=not progress) as bar:
        for found in iter_opening_lead(
            hand, auction, dealer, vulnerable, deals=deals, where=where, bidder=bidder,
            opponents=opponents, seed=seed, workers=workers,
        ):  # fmt: skip
            bar.update(found.deals - bar.n)
    assert found is not None  # there are two deals or more
    return found


def iter_opening_lead(
    hand: HandLike,
    auction: str | Auction,
    dealer: SeatLike = "N",
    vulnerable: str | int = "None",
    *,
    deals: int = 200,
    where: Where | None = None,
    bidder: str | Bidder = "default",
    opponents: str | Bidder | None = None,
    seed: int | np.random.Generator | None = 0,
    workers: int | None = None,
) -> Iterator[LeadAdvice]:
    """Find what every card is worth as the opening lead, better and better.

    Parameters
    ----------
    hand, auction, dealer, vulnerable, deals, where, bidder, opponents, seed, workers
        As `opening_lead` takes them.

    Yields
    ------
    LeadAdvice
        After 4 deals, 20, and every 20 more.

    Raises
    ------
    ValueError
        As `opening_lead`.
    """
    if deals < 2:
        raise ValueError(f"deals is {deals}, expected at least 2")
    calls = auction if isinstance(auction, Auction) else Auction(auction, dealer)
    if not calls.is_over:
        raise ValueError(
            f'the auction "{calls}" is not over; give all calls, such as "1N P 3N P P P"'
        )
    contract = calls.contract
    if not contract.level:
        raise ValueError("the deal was passed out, there is no lead")
    leader = contract.declarer.next
    mask = hand_mask(hand)
    code = parse_vulnerable(vulnerable)
    parts = iter_samples(
        deals,
        _LOOKS[0],
        where,
        hands={leader: mask},
        auction=calls,
        vulnerable=vulnerable,
        bidder=bidder,
        opponents=opponents,
        seed=seed,
    )
    cards = [card for card in range(52) if mask >> card & 1]
    gains: dict[str, str] = {}
    for masks, weights, tricks in _solve(parts, deals, cards, contract, leader, workers):
        rows = _rows(tricks, weights, cards, contract, code)
        for row in rows:
            if row.deals == len(tricks) or row.card not in gains:
                gains[row.card] = _gains(row.card, tricks, masks, weights, cards, leader)
            row.gains = gains[row.card]
        size = effective_size(weights)
        yield LeadAdvice(hand_text(mask), leader, contract, len(tricks), size, rows)


def _solve(
    parts: Iterator[Sample],
    deals: int,
    cards: list[int],
    contract: Contract,
    leader: Seat,
    workers: int | None,
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.int8]]]:
    """Solve more and more deals for the leads.

    Deals are dealt when they are needed.

    Yields
    ------
    masks : ndarray of uint64, shape (n, 4)
    weights : ndarray of float64, shape (n,)
    tricks : ndarray of int8, shape (n, 13)
        -1 where a card was out already.
    """
    threads = thread_count(workers)
    masks, weights = np.zeros((0, 4), dtype=np.uint64), np.zeros(0)
    tricks = np.full((deals, len(cards)), -1, dtype=np.int8)
    # Of cards in sequence one is solved for all.
    first = [
        i for i, card in enumerate(cards) if not i or card != cards[i - 1] + 1 or card % 13 == 0
    ]
    group = np.searchsorted(first, np.arange(len(cards)), side="right") - 1
    alive = list(range(len(first)))
    ours = -1 if leader & 1 else 1

    def solve(row: int) -> Task[None]:
        def all_leads(solver: Solver) -> None:
            solver.leads(masks[row], contract.strain, leader, tricks[row])

        def some(solver: Solver) -> None:
            found = -1
            for at, which in enumerate(alive):
                # What another card takes is a good guess.
                found = solver.tricks(
                    masks[row].tolist(), contract.strain, leader, [cards[first[which]]], 0, 13,
                    found, at == 0,
                )  # fmt: skip
                tricks[row, group == which] = found if ours > 0 else 13 - found

        return Task(None, [some if len(alive) <= _FEW else all_leads])

    for start, stop in _steps(deals):
        while len(masks) < stop and (part := next(parts, None)) is not None:
            masks = np.concatenate([masks, part.masks])
            weights = np.concatenate([weights, part.weights * len(part)])
        stop = min(stop, len(masks))
        if stop == start:
            break
        tasks = map(solve, range(start, stop))
        with closing(run_tasks(tasks, threads, MEMORY << 20)) as solved:
            for _ in solved:
                pass
        tricks[start:stop, ~np.isin(group, alive)] = -1
        if stop >= _JOINED > start:
            group = _join_spots(tricks[:stop], cards, group)
            alive = [which for which in alive if which in group]
        if stop >= _FIRST_OUT:
            alive = _survivors(tricks[:stop, first], weights[:stop], alive, contract)
        last = len(alive) == 1 or stop == deals
        if last or stop == _LOOKS[0] or stop % _ANSWERS == 0:
            yield masks[:stop], weights[:stop], tricks[:stop]
        if last:
            break


def _steps(n: int) -> Iterator[tuple[int, int]]:
    stops = sorted({min(stop, n) for stop in (*_LOOKS, *range(_LOOKS[-1], n + _BATCH, _BATCH))})
    yield from zip([0, *stops], stops, strict=False)


def _join_spots(
    tricks: NDArray[np.int8], cards: list[int], group: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Take spots of one suit as one card if they took the same tricks in every deal."""
    joined = group.copy()
    for i in range(1, len(cards)):
        before, card = cards[i - 1], cards[i]
        same_suit = before // 13 == card // 13
        if same_suit and before % 13 >= _SPOT and (tricks[:, i - 1] == tricks[:, i]).all():
            joined[joined == joined[i]] = joined[i - 1]
    return joined


def _survivors(
    tricks: NDArray[np.int8],
    weights: NDArray[np.float64],
    alive: list[int],
    contract: Contract,
) -> list[int]:
    """Return the cards that deserve more deals.

    A card is left out if it is clearly worse than the best, by tricks or by how often the contract
    fails; or if by both there is nothing to gain worth the time: the expected gain over the best,
    of which the mean and the error are known, would be negligible (Chick and Inoue, "New two-stage
    and sequential procedures for selecting the best simulated system", Operations Research 2001).
    """
    worth = tricks[:, alive].astype(float)
    sets = worth > 7 - contract.level
    clear, promising = np.zeros((2, len(alive)), dtype=bool)
    share = weights / weights.sum()
    few = float(np.square(share).sum())
    best = []
    for values, least, imagined in zip(
        (worth, sets.astype(float)), _NEGLIGIBLE, _IMAGINED, strict=True
    ):
        best.append(int(np.argmax(share @ values)))
        off = values - values[:, [best[-1]]]
        mean = share @ off
        error = np.sqrt(np.square(share) @ np.square(off - mean) + (few * imagined) ** 2)
        error *= 1 + _UNSURE * few  # of few deals the error itself is a guess
        clear |= mean < -_WORSE * error
        promising |= [e * _gain(m / e) > least for m, e in zip(mean, error, strict=True)]
    kept = promising & ~clear
    kept[best] = True
    return [which for which, keep in zip(alive, kept, strict=True) if keep]


def _gain(mean: float) -> float:
    """Return the mean of what is above 0 of a normal distribution with a deviation of 1."""
    density = math.exp(-mean * mean / 2) / math.sqrt(2 * math.pi)
    return density + mean * (1 + math.erf(mean / math.sqrt(2))) / 2


def _rows(
    tricks: NDArray[np.int8],
    weights: NDArray[np.float64],
    cards: list[int],
    contract: Contract,
    vulnerable: int,
) -> list[LeadRow]:
    """Sum up; IMPs and matchpoints compare leads on the deals that both were solved in."""
    n = len(tricks)
    solved = tricks >= 0
    declared = scores(
        contract.level,
        int(contract.strain),
        contract.doubled,
        int(contract.declarer),
        np.where(solved, 13 - tricks, 0),
        vulnerable,
    )
    points = -np.asarray(declared, dtype=np.int64)
    rows = []
    for i, card in enumerate(cards):
        mine = np.flatnonzero(solved[:, i])
        w = weights[mine] / weights[mine].sum()
        both = solved[mine].copy()
        both[:, i] = False
        count = np.maximum(both.sum(axis=1), 1)
        gain = points[mine, i][:, None] - points[mine]
        by_imps = (imps(gain) * both).sum(axis=1) / count
        beaten = (((gain > 0) + 0.5 * (gain == 0)) * both).sum(axis=1) / count
        taken = tricks[mine, i].astype(float)
        numbers: list[tuple[float, float]] = []
        for values in (taken, (taken > 7 - contract.level).astype(float), by_imps, beaten):
            mean = float(w @ values)
            numbers.append((mean, float(np.sqrt(np.square(w) @ np.square(values - mean)))))
        (t, te), (s, se), (m, me), (p, pe) = numbers
        rows.append(LeadRow(card_text(card), len(mine), t, te, s, se, m, me, p, pe))
    return sorted(rows, key=lambda row: (-(row.deals == n), -row.imps, -row.tricks))


def _gains(
    card: str,
    tricks: NDArray[np.int8],
    masks: NDArray[np.uint64],
    weights: NDArray[np.float64],
    cards: list[int],
    leader: Seat,
) -> str:
    """Return in what layouts a card takes more than the others: where this is clearest.

    A layout is described by what partner, dummy or declarer has in the suit that is led.
    """
    place = [card_text(one) for one in cards].index(card)
    solved = tricks[:, place] >= 0
    others = (tricks >= 0) & (tricks != tricks[:, [place]])
    solved &= (tricks >= 0).sum(axis=1) > 1
    if not others[solved].any():
        return ""
    compared = np.where(tricks >= 0, tricks, 0).sum(axis=1) - tricks[:, place]
    mean = compared / np.maximum((tricks >= 0).sum(axis=1) - 1, 1)
    gain = (tricks[:, place] - mean)[solved]
    w = weights[solved] / weights[solved].sum()
    suit = cards[place] // 13
    held = masks[solved] >> np.uint64(13 * suit) & np.uint64(0x1FFF)
    mine = int(held[0, leader])
    best: tuple[float, str] = (0.0, "")
    for what, fits in _layouts(held, mine, leader, "SHDC"[suit]):
        share = float(w @ fits)
        if not 0.05 <= share <= 0.95:
            continue
        yes, no = float(w @ (gain * fits)) / share, float(w @ (gain * ~fits)) / (1 - share)
        off = gain - np.where(fits, yes, no)
        part = np.where(fits, w / share, w / (1 - share))
        error = float(np.sqrt(np.square(part) @ np.square(off)))
        clear = share * (1 - share) * (yes - no) ** 2
        if yes > no and yes - no > _CLEAR * error and clear > best[0]:
            text = f"{yes:+.2f} tricks where {what} ({100 * share:.0f}%), else {no:+.2f}"
            best = clear, text
    return best[1]


def _layouts(
    held: NDArray[np.uint64], mine: int, leader: Seat, suit: str
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Name kinds of layouts, from holdings (n, 4) of a suit, and tell which deals are such."""
    dummy, partner, declarer = (Seat((leader + i) % 4) for i in (1, 2, 3))
    lengths = np.bitwise_count(held)
    for number, name in enumerate("AKQJ"):
        if mine >> number & 1:
            continue
        bit = np.uint64(1 << number)
        for seat, who in ((partner, "partner"), (dummy, "dummy"), (declarer, "declarer")):
            yield f"{who} has {suit}{name}", held[:, seat] & bit != 0
        top = held[:, partner] & np.uint64((2 << number) - 1) != 0
        for n in (2, 3):
            spots = "x" * (n - 1)
            yield f"partner has {name}{spots} or better in {suit}", top & (lengths[:, partner] >= n)
    for n in range(1, 6):
        yield f"partner has {n} or more {suit}", lengths[:, partner] >= n
        yield f"partner has fewer than {n} {suit}", lengths[:, partner] < n
        yield f"dummy has {n} or more {suit}", lengths[:, dummy] >= n
        yield f"dummy has fewer than {n} {suit}", lengths[:, dummy] < n
        yield f"declarer has fewer than {n} {suit}", lengths[:, declarer] < n
