"""What the gains are worth that a search expects: beside what the calls really gained.

Deals whose tricks are known are bid by the network that `SearchBidder` is based on. In positions
where it is in doubt, the search tells what each candidate would gain; then each is made on the real
deal, the network bids on, and the solved tricks tell what it gained. One deal says little, many say
how far the search can be believed: a slope of 1 would mean that what it expects is what comes.

The deals have to be others than those of the matches that evaluate the bidder.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec._laws import Auctions
from bridgevec.auction import Auction, calls_at, parse_call
from bridgevec.bidders.match import match_conditions, mean_and_error
from bridgevec.cards import hand_text
from bridgevec.records import read_deals
from bridgevec.scoring import imps
from bridgevec.simulate.search import SearchBidder, bid_out

EXAMPLES = """examples:
  python -m benchmarks.search --positions 500
  python -m benchmarks.search --deals data/deals_train_0005.parquet --positions 4000 --json
"""
BINS = (-np.inf, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, np.inf)
"""Of the gains that are expected, in IMPs."""


def positions(
    bidder: SearchBidder,
    masks: NDArray[np.uint64],
    dealers: NDArray[np.uint8],
    vulnerable: NDArray[np.uint8],
) -> Iterator[tuple[int, Auction]]:
    """Let the network bid, and give the deal and the auction wherever it is in doubt."""
    auctions, calls = Auctions(len(masks)), np.zeros(len(masks), dtype=np.int64)
    auctions.start(np.ones(len(masks), dtype=bool), dealers)
    while (rows := np.flatnonzero(~auctions.over())).size:
        part = auctions.take(rows)
        hands = masks[rows, part.turns()]
        chances = bidder.network.probabilities(hands, part, vulnerable[rows])
        for i in np.flatnonzero(chances.max(axis=1) < bidder.doubt).tolist():
            yield int(rows[i]), Auction(calls_at(part, i), int(dealers[rows[i]]))
        calls[rows] = chances.argmax(axis=1)
        auctions.make(~auctions.over(), calls)


def look(
    bidder: SearchBidder, deal: NDArray[np.uint64], tricks: NDArray[np.int8], auction: Auction,
    vulnerable: int,
) -> list[dict[str, Any]]:  # fmt: skip
    """Search in a position, and give a row for each candidate but the network's own call."""
    seat = int(auction.turn)
    begun = time.process_time()
    found = bidder.search(hand_text(int(deal[seat])), str(auction), auction.dealer, vulnerable)
    seconds = time.process_time() - begun
    calls = np.array([parse_call(one.call) for one in found.candidates])
    ends = bid_out(bidder.network, auction, vulnerable, deal[None], calls)
    points = ends.points(np.broadcast_to(tricks, (len(calls), 5, 4)), vulnerable)
    gained = imps((points - points[0]) * (1 - 2 * (seat & 1)))
    own = found.candidates[0]
    return [
        {
            "call": one.call,
            "double": one.call == "X",
            "log odds": float(np.log(one.probability / own.probability)),
            "expected": one.gain,
            "error": one.error,
            "counts": one.worth,
            "chosen": one.call == found.call,
            "gained": int(gain),
            "layouts": found.layouts,
            "effective size": found.effective_size,
            "seconds": seconds,
        }
        for one, gain in zip(found.candidates[1:], gained[1:], strict=True)
    ]


def summary(rows: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """Compare what was expected with what was gained, by position and by candidate."""
    flat = [row for position in rows for row in position]
    column = {
        name: np.array([row[name] for row in flat], dtype=float)
        for name in flat[0]
        if name != "call"
    }
    bins = []
    for low, high in pairwise(BINS):
        here = (column["expected"] >= low) & (column["expected"] < high)
        if here.sum() > 1:
            bins.append(
                {"expected": round(float(column["expected"][here].mean()), 3)}
                | {"candidates": int(here.sum()), "gained": mean_and_error(column["gained"][here])}
            )
    names = ("expected", "log odds", "double")
    x = np.column_stack([column[name] for name in names] + [np.ones(len(flat))])
    slopes, *_ = np.linalg.lstsq(x, column["gained"], rcond=None)
    left = column["gained"] - x @ slopes
    errors = np.sqrt(np.diag(np.linalg.pinv(x.T @ x)) * left.var())
    fit = {
        name: {"slope": round(float(a), 4), "standard error": round(float(e), 4)}
        for name, a, e in zip((*names, "always"), slopes, errors, strict=True)
    }
    first = [position[0] for position in rows]
    by_position = np.array([sum(row["gained"] for row in p if row["chosen"]) for p in rows], float)
    return {
        "positions": len(rows),
        "calls changed": int(sum(any(row["chosen"] for row in p) for p in rows)),
        "IMPs gained a position": mean_and_error(by_position),
        **{
            name: round(float(np.mean([row[name] for row in first])), digits)
            for name, digits in (("layouts", 0), ("effective size", 0), ("seconds", 3))
        },
        "by expected gain": bins,
        "fit": fit,
    }


def main(argv: list[str] | None = None) -> None:
    """Run the command line, or other arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--deals", nargs="+", default=["data/deals_train_0004.parquet"])
    parser.add_argument("--positions", type=int, default=500)
    parser.add_argument("--base", default="default", help="the network, a name or a file")
    parser.add_argument("--layouts", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0, help="which positions")
    parser.add_argument("--rows", metavar="FILE", help="write every candidate, as JSON lines")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    bidder = SearchBidder(args.base, layouts=args.layouts)
    masks, tricks = read_deals(args.deals)
    dealers, vulnerable = match_conditions(len(masks), args.seed)
    doubtful = list(positions(bidder, masks, dealers, vulnerable))
    order = np.random.default_rng(args.seed).permutation(len(doubtful))[: args.positions]
    rows = []
    for i in tqdm(order.tolist(), unit="position"):
        deal, auction = doubtful[i]
        found = look(bidder, masks[deal], tricks[deal], auction, int(vulnerable[deal]))
        if found:
            rows.append(found)
            if args.rows:
                with open(args.rows, "a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
    report = {"positions a deal": round(len(doubtful) / len(masks), 2), **summary(rows)}
    if args.json:
        print(json.dumps(report))
        return
    print(f"{report['positions']} positions, of {report['positions a deal']} a deal; ", end="")
    gained = report["IMPs gained a position"]
    print(f"{report['calls changed']} calls changed, ", end="")
    print(f"{gained['mean']:+.2f} ± {gained['±']:.2f} IMPs each position")
    print(
        f"{report['seconds']:.2f} s of processor time a search, {report['layouts']:.0f} layouts, "
        f"effective size {report['effective size']:.0f}"
    )
    print("\nexpected  candidates  gained")
    for row in report["by expected gain"]:
        print(
            f"{row['expected']:>+8.2f}  {row['candidates']:>10}  "
            f"{row['gained']['mean']:+.2f} ± {row['gained']['±']:.2f}"
        )
    print("\ngained = " + " + ".join(f"{v['slope']:.2f} × {k}" for k, v in report["fit"].items()))


if __name__ == "__main__":
    main()
