"""Contracts in the light of an auction: what a side takes in every strain, simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgevec.auction import Auction
from bridgevec.bidders.bidder import Bidder
from bridgevec.cards import HandLike, Seat, SeatLike, Strain, given_masks, hand_text
from bridgevec.dds import solve_tables
from bridgevec.models.embedding import TrickEstimate, estimate_tricks_many
from bridgevec.simulate.sampler import Where, sample_deals

_OUTCOMES = np.arange(14)
_LEVELS = range(1, 8)


@dataclass
class SideTricks:
    """What the players of a side take as declarers, on deals that fit an auction.

    Attributes
    ----------
    hands : dict of Seat to str
        Those that are known.
    declarers : tuple of two Seat
    simulated : TrickEstimate
        Shares of the solved deals, by declarer and strain C, D, H, S, NT: ``distribution`` has
        shape (2, 5, 14), ``make(level, strain)`` (2,). All play as if they saw all cards.
    errors : ndarray of float64, shape (2, 5)
        Standard errors of ``simulated.mean``.
    estimated : TrickEstimate
        What the network of `bridgevec.estimate_tricks` says of the side's hands in these deals. It
        does not know the auction: with both hands known, the opponents' cards are random to it.
    deals : int
    effective_size : float
        Of the deals' weights.
    """

    hands: dict[Seat, str]
    declarers: tuple[Seat, Seat]
    simulated: TrickEstimate
    errors: NDArray[np.float64]
    estimated: TrickEstimate
    deals: int
    effective_size: float

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        declarers: dict[str, Any] = {}
        for d, seat in enumerate(self.declarers):
            declarers[seat.name] = {}
            for strain in reversed(Strain):
                both = {
                    "simulated": self.simulated.distribution[d, strain],
                    "estimated": self.estimated.distribution[d, strain],
                }
                row: dict[str, Any] = {
                    name: {
                        "mean": round(float(p @ _OUTCOMES), 4),
                        "distribution": [round(x, 4) for x in p.tolist()],
                        "make": [round(float(p[level + 6 :].sum()), 4) for level in _LEVELS],
                    }
                    for name, p in both.items()
                }
                row["simulated"]["standard error"] = round(float(self.errors[d, strain]), 4)
                declarers[seat.name][strain.name] = row
        return {
            "hands": {seat.name: hand for seat, hand in self.hands.items()},
            "deals": self.deals,
            "effective_size": round(self.effective_size, 1),
            "declarers": declarers,
        }

    def __str__(self) -> str:
        known = ", ".join(f"{seat.name} {hand}" for seat, hand in self.hands.items())
        lines = [f"{known}: {self.deals} deals, effective size {self.effective_size:.0f}"]
        for d, seat in enumerate(self.declarers):
            lines += [
                "",
                f"{seat.name} plays      tricks  network   chance to make "
                + "".join(f"{level:5d}" for level in _LEVELS),
            ]
            for strain in reversed(Strain):
                mean, other = self.simulated.mean[d, strain], self.estimated.mean[d, strain]
                p = self.simulated.distribution[d, strain]
                made = "".join(f"{100 * p[level + 6 :].sum():4.0f}%" for level in _LEVELS)
                tricks = f"{mean:8.2f} ±{self.errors[d, strain]:.2f}{other:9.2f}"
                lines.append(f"{strain.name:<6}{tricks}{'':18}{made}")
        return "\n".join(lines)


def side_tricks(
    hands: Mapping[SeatLike, HandLike],
    auction: str | Auction = "",
    dealer: SeatLike = "N",
    vulnerable: str | int = "None",
    *,
    deals: int = 100,
    where: Where | None = None,
    bidder: str | Bidder = "default",
    opponents: str | Bidder | None = None,
    seed: int | np.random.Generator | None = 0,
    workers: int | None = None,
    progress: bool = False,
) -> SideTricks:
    """Find what a side takes in every strain, in the light of an auction.

    Parameters
    ----------
    hands : mapping of seat to hand
        The hand of one player, or those of two partners, complete: ``{"N": "AQ54.K7.AJ43.Q65"}``.
    auction : str or Auction, default ""
        The calls so far, or all of them, from the dealer on.
    dealer : Seat, int or str, default "N"
    vulnerable : str or int, default "None"
    deals : int, default 100
        How many deals that fit are solved.
    where : str or callable, optional
        What else is known, as `bridgevec.sample_deals` takes it.
    bidder, opponents : str or Bidder
        Who bids for this side, and for the other one.
    seed : int, Generator or None, default 0
        Which deals.
    workers : int, optional
        Threads of the solver; by default as many as there are processors to use.
    progress : bool, default False
        Show a bar.

    Returns
    -------
    SideTricks
        ``print`` writes a table.

    Warns
    -----
    UserWarning
        If the deals that fit are few, see `bridgevec.sample_deals`.

    Raises
    ------
    TypeError, ValueError
        If there is no hand, or they are of two sides, or a part is not what it should be.

    Examples
    --------
    >>> found = side_tricks({"N": "AQ54.K7.AJ43.Q65"}, "1N P 3N P P P", deals=10)
    >>> found.declarers, found.simulated.distribution.shape
    ((<Seat.N: 0>, <Seat.S: 2>), (2, 5, 14))
    """
    given = given_masks(hands)
    if not given or len(given) > 2 or len({seat & 1 for seat in given}) > 1:
        names = ", ".join(seat.name for seat in given) or "none"
        raise ValueError(f"hands are of {names}, expected one player or two partners")
    side = next(iter(given)) & 1
    declarers = Seat(side), Seat(side + 2)
    known: dict[SeatLike, HandLike] = {seat: mask for seat, mask in given.items()}  # noqa: C416
    sample = sample_deals(
        deals,
        where,
        hands=known,
        auction=auction,
        dealer=dealer,
        vulnerable=vulnerable,
        bidder=bidder,
        opponents=opponents,
        seed=seed,
    )
    tables = solve_tables(sample.masks, workers, progress)[:, :, list(declarers)]
    taken = tables.transpose(2, 1, 0)  # by declarer, strain and deal
    weights = sample.weights / sample.weights.sum()
    distribution = (taken[..., None] == _OUTCOMES).transpose(0, 1, 3, 2) @ weights
    means = distribution @ _OUTCOMES
    off = taken - means[..., None]
    pairs = [np.ascontiguousarray(sample.masks[:, one]) for one in (declarers, declarers[::-1])]
    estimated = np.stack(
        [
            np.tensordot(weights, estimate_tricks_many(both[:, 0], both[:, 1]).distribution, 1)
            for both in pairs
        ]
    )
    return SideTricks(
        {seat: hand_text(mask) for seat, mask in sorted(given.items())},
        declarers,
        TrickEstimate(distribution.astype(np.float32)),
        np.sqrt(np.square(off) @ np.square(weights)),
        TrickEstimate(estimated.astype(np.float32)),
        len(sample),
        sample.effective_size,
    )
