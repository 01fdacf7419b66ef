"""Whether `sample_deals` gives hidden hands as brute force does: lengths and points of each hand.

  python -m benchmarks.marginals --deals 1e7 --resume rows.json

For each of five auctions brute force deals at random and multiplies the probabilities that the
bidder gives the calls. To save time only one in ten is weighed, for ten, of the deals that hardly
can fit, by the opener's lengths and points; and deals whose product is small go on with a small
probability that their weight is divided by ("Russian roulette"). Neither changes a mean.
`sample_deals` is asked with many seeds. Compared are the chances of every length of every suit and
of every number of points, for each hidden hand, where they are 0.1% or more, in standard errors of
the difference. If both agree, 0.27% are more than 3 apart by chance, in a normal distribution.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from tqdm import tqdm

from benchmarks.resume import resumed
from bridgevec import Auction, load_bidder, sample_deals
from bridgevec._deal import Shuffler
from bridgevec.bidders.bidder import Bidder
from bridgevec.cards import Seat, hand_mask
from bridgevec.scoring import parse_vulnerable
from bridgevec.simulate.auctions import Likelihood
from bridgevec.simulate.conditions import Batch
from bridgevec.simulate.language import Node, parse_condition
from bridgevec.simulate.surrogate import SHAPES, holdings_of, kinds_of

AUCTIONS = [
    # calls, dealer, vulnerable, hands that are known, deals of which none is left out
    ("1N P 3N P P P", "N", "None", {"E": "KJT73.Q64.A92.85"},
     "hcp(north) >= 14 and hcp(north) <= 18"),
    ("1H P 2H P P P", "N", "None", {"E": "KJ73.64.A9862.K5"},
     "hcp(north) >= 10 and hearts(north) >= 5"),
    ("P 1S P 2S", "E", "NS", {}, "hcp(south) >= 10 and spades(south) >= 5"),
    ("1D 1S", "S", "EW", {"N": "Q73.AJ64.Q9.J852"},
     "hcp(south) >= 10 and diamonds(south) >= 3 and spades(west) >= 5"),
    ("2H P P P", "W", "All", {}, "hcp(west) >= 5 and hcp(west) <= 11 and hearts(west) >= 6"),
]  # fmt: skip
_ONE_IN = 10
_CHUNK = 50_000
_PILOT = 2000
_GOES_ON = 0.05
"""Deals of less weight go on with a probability in proportion to it."""
_LEAST = 0.001
"""Chances from here on are compared."""
_LENGTHS, _POINTS = 14, 38
_CELLS = 4 * _LENGTHS + _POINTS


def cells(hands: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Number the lengths of the four suits and the points of hands, int64 (n, 5), below _CELLS."""
    shapes, points = kinds_of(holdings_of(hands))
    lengths = SHAPES[shapes] + _LENGTHS * np.arange(4)
    return np.column_stack([lengths, 4 * _LENGTHS + points])


def _sums(
    masks: NDArray[np.uint64], weights: NDArray[np.float64], seats: list[Seat]
) -> NDArray[np.float64]:
    """Add up weights by cell, (seats, _CELLS)."""
    repeated = np.repeat(weights, 5)
    return np.array([np.bincount(cells(masks[:, s]).reshape(-1), repeated, _CELLS) for s in seats])


def brute_force(
    auction: Auction,
    vulnerable: int,
    bidder: Bidder,
    known: list[int],
    likely: Node,
    deals: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Weigh random deals.

    Returns
    -------
    chances, errors : ndarray of float64, shape (hidden hands, _CELLS)
    effective_size : float
    """
    hidden = [seat for seat in Seat if not known[seat]]
    likelihood = Likelihood(auction, vulnerable, [bidder] * 4)
    turns = [(seat, turn) for seat in hidden for turn in likelihood.turns(seat)]
    shuffler = Shuffler(rng)

    def probabilities(seat: Seat, turn: int, masks: NDArray[np.uint64]) -> NDArray[np.float64]:
        every = bidder.probabilities(
            np.ascontiguousarray(masks[:, seat]),
            likelihood.prefix(len(masks), turn),
            np.full(len(masks), vulnerable, dtype=np.uint8),
        )
        return every[:, int(auction.calls[turn])].astype(np.float64)

    def dealt(n: int) -> NDArray[np.uint64]:
        masks = np.tile(np.array(known, dtype=np.uint64), (n, 1))
        shuffler.fill(masks)
        return masks

    # The rarest call first: what it leaves is little.
    pilot = dealt(_PILOT)
    turns.sort(key=lambda at: probabilities(*at, pilot).mean())
    total, squares = np.zeros((2, len(hidden), _CELLS))
    for start in tqdm(range(0, deals, _CHUNK), disable=not sys.stderr.isatty()):
        masks = dealt(min(_CHUNK, deals - start))
        weights = np.where(Batch(masks).value(likely) != 0, 1.0, _ONE_IN)
        kept = rng.random(len(masks)) * weights < 1
        masks, weights = masks[kept], weights[kept]
        for seat, turn in turns:
            weights = weights * probabilities(seat, turn, masks)
            go_on = np.minimum(weights / _GOES_ON, 1)
            kept = rng.random(len(masks)) < go_on
            masks, weights = masks[kept], weights[kept] / go_on[kept]
        total += _sums(masks, weights, hidden)
        squares += _sums(masks, np.square(weights), hidden)
    whole = total[:, :_LENGTHS].sum(axis=1, keepdims=True)
    square = squares[:, :_LENGTHS].sum(axis=1, keepdims=True)
    chances = total / whole
    errors = np.sqrt(squares * (1 - 2 * chances) + np.square(chances) * square) / whole
    return chances, errors, float(whole[0, 0] ** 2 / square[0, 0])


def sampled(
    auction: Auction,
    vulnerable: str,
    bidder: Bidder,
    hands: dict[str, str],
    deals: int,
    seeds: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Ask `sample_deals` with many seeds; the errors are from how these differ.

    Returns
    -------
    chances, errors : ndarray of float64, shape (hidden hands, _CELLS)
    effective_size : float
        Of the deals of all seeds.
    """
    hidden = [seat for seat in Seat if seat.name not in hands]
    found, size = [], 0.0
    for seed in tqdm(range(seeds), disable=not sys.stderr.isatty()):
        sample = sample_deals(
            deals, hands=hands, auction=auction, vulnerable=vulnerable, bidder=bidder, seed=seed
        )
        found.append(_sums(sample.masks, sample.weights, hidden))
        size += sample.effective_size
    array = np.array(found)
    return array.mean(axis=0), array.std(axis=0, ddof=1) / seeds**0.5, size


def compare(number: int, deals: int, each: int, seeds: int, name: str) -> dict[str, Any]:
    """Compare both on one of the auctions."""
    calls, dealer, vulnerable, hands, likely = AUCTIONS[number]
    bidder, auction = load_bidder(name), Auction(calls, dealer)
    known = [hand_mask(hands[s.name]) if s.name in hands else 0 for s in Seat]
    code, rng = int(parse_vulnerable(vulnerable)), np.random.default_rng(1000 + number)
    begun = time.process_time()
    theirs, their_errors, size = brute_force(
        auction, code, bidder, known, parse_condition(likely), deals, rng
    )
    between = time.process_time()
    ours, our_errors, our_size = sampled(auction, vulnerable, bidder, hands, each, seeds)
    ended = time.process_time()
    common = theirs >= _LEAST
    off = (ours - theirs)[common] / np.hypot(our_errors, their_errors)[common]
    return {
        "auction": calls,
        "dealer": dealer,
        "known": ", ".join(f"{seat}: {hand}" for seat, hand in hands.items()),
        "brute force's effective deals": round(size),
        "brute force's seconds": round(between - begun),
        "effective deals": round(our_size),
        "seconds": round(ended - between),
        "compared": len(off),
        "outside 3 errors": int((np.abs(off) > 3).sum()),
        "mean square": round(float(np.square(off).mean()), 3),
        "largest": round(float(np.abs(off).max()), 2),
    }


def add_up(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Add up what was found, and say what would be expected if nothing differed but by chance."""
    n, largest = sum(row["compared"] for row in rows), max(row["largest"] for row in rows)
    chance = 2 * float(stats.norm.sf(largest))
    squares = sum(row["mean square"] * row["compared"] for row in rows)
    return {
        "compared": n,
        "outside 3 errors": sum(row["outside 3 errors"] for row in rows),
        "expected outside": round(n * 2 * float(stats.norm.sf(3)), 2),
        "mean square": round(squares / n, 3),
        "largest": largest,
        # as if all were independent of each other (Šidák)
        "chance of so large a one": round(1 - (1 - chance) ** n, 3),
    }


def main() -> None:
    """Read the options and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--deals", type=float, default=1e7, help="of brute force (default 1e7)")
    parser.add_argument("--each", type=int, default=1000, help="deals a sample (default 1000)")
    parser.add_argument("--seeds", type=int, default=80, help="samples (default 80)")
    parser.add_argument("--bidder", default="default", help="whose calls count (default: default)")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument("--resume", type=Path, help="keep each auction's row in this file")
    args = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    asked = {"deals": int(args.deals), "each": args.each, "seeds": args.seeds, "name": args.bidder}
    numbers = range(len(AUCTIONS))
    rows = resumed(args.resume, asked, numbers, lambda number: compare(number, **asked))
    found = {**asked, "auctions": rows, "all": add_up(rows)}
    if args.json:
        print(json.dumps(found))
        return
    for row in [*found["auctions"], {"auction": "all", **found["all"]}]:
        print(row.pop("auction"))
        for key, one in row.items():
            print(f"  {key:<32}{one:>28}")


if __name__ == "__main__":
    main()
