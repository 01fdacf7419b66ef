"""Do the explanations of calls hold? Fresh deals are bid, and the hands compared with what is said.

  python -m benchmarks.explain --count 300 --bidder imitation

Of every auction one call is taken at random. What is said of points and of all four lengths must be
true of the hand that made it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from typing import Any

import numpy as np
from tqdm import tqdm

from bridgevec import load_bidder
from bridgevec.auction import PASS, call_text
from bridgevec.bidders.match import bid_deals
from bridgevec.cards import random_masks
from bridgevec.simulate.explain import explain_call


def measure(bidder: str, count: int, seed: int) -> dict[str, Any]:
    """Explain a call of each of some auctions, and look at the hand."""
    asked = load_bidder(bidder)
    rng = np.random.default_rng(seed)
    masks = random_masks(count, rng)
    zeros = np.zeros(count, dtype=np.uint8)
    seated = np.zeros((count, 4), dtype=np.intp)
    bid = bid_deals([asked], seated, masks, zeros, zeros).tables
    holds: dict[str, list[bool]] = {"pass": [], "bid or double": []}
    widths, sizes = [], []
    places = rng.integers(bid["count"]).tolist()
    called = [bid["calls"][row, : place + 1].tolist() for row, place in enumerate(places)]
    # What was drawn for an auction is kept for a while, and serves those that begin alike.
    rows = sorted(range(count), key=called.__getitem__)
    begun = time.process_time()
    for row in tqdm(rows, disable=not sys.stderr.isatty()):
        calls, place = called[row], places[row]
        meaning = explain_call(asked, " ".join(map(call_text, calls)), seed=seed)
        kind = "pass" if calls[-1] == PASS else "bid or double"
        holds[kind].append(bool(meaning.holds(masks[row, place % 4 : place % 4 + 1])[0]))
        widths.append(meaning.points[1] - meaning.points[0])
        sizes.append(meaning.effective_size)
    spent = time.process_time() - begun
    every = [one for part in holds.values() for one in part]
    share = float(np.mean(every))
    return {
        "calls": count,
        "the statement holds": round(share, 4),
        "standard error": round((share * (1 - share) / count) ** 0.5, 4),
        **{f"{kind}: holds": round(float(np.mean(part)), 4) for kind, part in holds.items()},
        "mean range of points": round(float(np.mean(widths)), 1),
        "median effective size": round(float(np.median(sizes))),
        "seconds a call": round(spent / count, 2),
    }


def main() -> None:
    """Read the options and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=300, help="auctions (default 300)")
    parser.add_argument("--bidder", default="default", help="who bids (default: default)")
    parser.add_argument("--seed", type=int, default=1, help="of the deals (default 1)")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    args = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    found = measure(args.bidder, args.count, args.seed)
    if args.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<28}{value}")


if __name__ == "__main__":
    main()
