"""What to lead: deals that fit the auction, solved for every card of the leader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec.auction import Auction
from bridgevec.bidders.bidder import Bidder
from bridgevec.cards import HandLike, Seat, card_text, hand_mask, hand_text
from bridgevec.dds import MEMORY, Solver, Task, run_tasks, thread_count
from bridgevec.scoring import Contract, imps, parse_vulnerable, scores
from bridgevec.simulate.auctions import effective_size
from bridgevec.simulate.sampler import Where, sample_deals

_FIRST, _BATCH = 40, 20
"""Deals that are solved before the first card may be left out, and before each look after it."""
_WORSE = 3.5
"""Cards so many standard errors worse than the best are left out."""
_FEW = 5
"""So many cards or fewer are solved one by one; all 13 together share most of their work."""


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


@dataclass
class LeadAdvice:
    """What the cards of a hand are worth as opening leads.

    Attributes
    ----------
    hand : str
    leader : Seat
    contract : Contract
    deals : int
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
        """Give everything as plain values, for JSON."""
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
        return "\n".join(lines)


def opening_lead(
    hand: HandLike,
    auction: str | Auction,
    dealer: Seat | int | str = "N",
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
        How many deals that fit are solved.
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
        Cards with more mean IMPs first. ``print`` writes a table.

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
    if deals < 2:
        raise ValueError(f"deals is {deals}, expected at least 2")
    calls = auction if isinstance(auction, Auction) else Auction(auction, dealer)
    if not calls.is_over:
        raise ValueError(f'the auction "{calls}" is not over')
    contract = calls.contract
    if not contract.level:
        raise ValueError("the deal was passed out, there is no lead")
    leader = contract.declarer.next
    mask = hand_mask(hand)
    sample = sample_deals(
        deals,
        where,
        hands={leader: mask},
        auction=calls,
        vulnerable=vulnerable,
        bidder=bidder,
        opponents=opponents,
        seed=seed,
    )
    # In an order by chance, so that the first deals are like all.
    order = np.random.default_rng(seed if isinstance(seed, int) else 0).permutation(len(sample))
    masks, weights = sample.masks[order], sample.weights[order]
    cards = [card for card in range(52) if mask >> card & 1]
    tricks = _solve(masks, weights, cards, contract, leader, thread_count(workers), progress)
    code = parse_vulnerable(vulnerable)
    return LeadAdvice(
        hand_text(mask),
        leader,
        contract,
        len(masks),
        effective_size(weights),
        _rows(tricks, weights, cards, contract, code),
    )


def _solve(
    masks: NDArray[np.uint64],
    weights: NDArray[np.float64],
    cards: list[int],
    contract: Contract,
    leader: Seat,
    workers: int,
    progress: bool,
) -> NDArray[np.int8]:
    """Solve deals for the leads, int8 (n, 13), -1 where a card was out already."""
    tricks = np.full((len(masks), len(cards)), -1, dtype=np.int8)
    # Of cards in sequence one is solved for all.
    first = [
        i for i, card in enumerate(cards) if not i or card != cards[i - 1] + 1 or card % 13 == 0
    ]
    group = np.searchsorted(first, np.arange(len(cards)), side="right") - 1
    alive = np.arange(len(first))
    ours = -1 if leader & 1 else 1

    def parts(row: int) -> Task[None]:
        def all_leads(solver: Solver) -> None:
            solver.leads(masks[row], contract.strain, leader, tricks[row])

        def some(solver: Solver) -> None:
            for at, which in enumerate(chosen):
                found = solver.tricks(
                    masks[row].tolist(), contract.strain, leader, [cards[first[which]]], 0, 13,
                    -1, at == 0,
                )  # fmt: skip
                tricks[row, group == which] = found if ours > 0 else 13 - found

        chosen = alive.tolist()
        return Task(None, [some if len(chosen) <= _FEW else all_leads])

    with tqdm(total=len(masks), unit="deal", disable=not progress) as bar:
        for start, stop in _steps(len(masks)):
            tasks = map(parts, range(start, stop))
            with closing(run_tasks(tasks, workers, MEMORY << 20)) as solved:
                for _ in solved:
                    bar.update(1)
            tricks[start:stop, ~np.isin(group, alive)] = -1
            alive = _survivors(tricks[:stop, first], weights[:stop], alive, contract)
    return tricks


def _steps(n: int) -> Iterator[tuple[int, int]]:
    start = 0
    while start < n:
        stop = min(start + (_BATCH if start else _FIRST), n)
        yield start, stop
        start = stop


def _survivors(
    tricks: NDArray[np.int8],
    weights: NDArray[np.float64],
    alive: NDArray[np.intp],
    contract: Contract,
) -> NDArray[np.intp]:
    """Tell which cards may still be the best, by tricks or by how often they beat the contract."""
    worth = tricks[:, alive].astype(float)
    sets = worth > 7 - contract.level
    kept = np.ones(len(alive), dtype=bool)
    share = weights / weights.sum()
    for values in (worth, sets.astype(float)):
        off = values - values[:, [int(np.argmax(share @ values))]]
        mean = share @ off
        error = np.sqrt(np.square(share) @ np.square(off - mean))
        # Without a difference in any deal there is no error either.
        kept &= mean >= -_WORSE * error - 1e-9
    best = alive[[int(np.argmax(share @ worth)), int(np.argmax(share @ sets))]]
    return np.union1d(alive[kept], best)


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
        numbers: list[float] = []
        for values in (taken, (taken > 7 - contract.level).astype(float), by_imps, beaten):
            mean = float(w @ values)
            numbers += [mean, float(np.sqrt(np.square(w) @ np.square(values - mean)))]
        rows.append(LeadRow(card_text(card), len(mine), *numbers))
    return sorted(rows, key=lambda row: (-(row.deals == n), -row.imps, -row.tricks))
