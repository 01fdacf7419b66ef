"""Deals that fit: how fast, beside Debian's ``dealer`` and brute force; processor time, one thread.

  python -m benchmarks.deals conditions
  python -m benchmarks.deals auctions --file auctions.parquet --count 200
  python -m benchmarks.deals leads --deals 200

``conditions``: random deals that the search stands for, and deals that fit, per second, for each
of some; and the same of ``dealer`` where it is installed. ``auctions``: for boards of a file
with auctions, the leader's hand being known, the effective size that one second gives. ``leads``:
seconds for the opening lead on so many deals, and until the first answer.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
import warnings
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bridgevec import Board, load_bidder, random_deals, read_boards
from bridgevec.auction import calls_at
from bridgevec.bidders.match import bid_deals, match_conditions
from bridgevec.cards import deal_masks
from bridgevec.simulate.auctions import AuctionSampler
from bridgevec.simulate.language import parse_script
from bridgevec.simulate.lead import iter_opening_lead
from bridgevec.simulate.sampler import shared_size
from bridgevec.simulate.stream import Stream

DEALER = shutil.which("dealer", path=f"{os.environ.get('PATH', '')}:/usr/games")
_NOTRUMP = (
    "shape(north, any 4333 + any 4432 + any 5332 - 5xxx - x5xx)"
    " and hcp(north) >= 15 and hcp(north) <= 17"
)
CONDITIONS = {
    "1NT": (_NOTRUMP, ""),
    "1NT - 3NT, a hand fixed": (
        f"{_NOTRUMP} and hcp(south) >= 10 and hcp(south) <= 13 and spades(south) <= 3 and"
        " hearts(south) <= 3 and shape(south, any 4333 + any 4432)",
        "predeal west SKJT73, HQ64, DA92, C85",
    ),
    "points and fit of a side": (
        "hcp(north) + hcp(south) >= 26 and spades(north) + spades(south) >= 9",
        "",
    ),
    "losers and controls": ("losers(north) + losers(south) <= 13 and controls(east) >= 4", ""),
    "2C - 2D": ("hcp(north) >= 22 and hcp(south) <= 5", ""),
}

LEADS = [
    ("KJT73.Q64.A92.85", "1N P 3N P P P"),
    ("KJT73.Q64.A92.85", "1S P 2S P 4S P P P"),
    ("Q95.J83.KT42.Q76", "1S P 2S P 4S P P P"),
    ("8.QJT93.A842.KJ5", "1D P 1S P 1N P 3N P P P"),
    ("A5.K9742.83.QT64", "2N P 3N P P P"),
    ("J742.AK5.Q983.62", "1H P 3H P 4H P P P"),
    ("KQT84.3.AJ95.T72", "1H 1S 2H 2S 4H P P P"),
    ("T64.K982.QJ7.A53", "1N P 2C P 2S P 4S P P P"),
    ("93.AQ6.JT854.K72", "1C P 1H P 2H P 4H P P P"),
    ("QT7.965.AJ3.Q842", "1N P 4N P 6N P P P"),
    ("A83.T2.9764.QT93", "1S P 3S P 4N P 5H P 6S P P P"),
    ("6.J8532.KQ4.A964", "2S P 4S P P P"),
]
"""The leader's hand, and the auction from North on."""


def conditions(seconds: float) -> dict[str, Any]:
    """Measure every condition."""
    found = {}
    for name, (condition, more) in CONDITIONS.items():
        script = parse_script(f"{more}\ncondition {condition}")
        begun = time.process_time()
        stream = Stream(script.condition, script.known, np.random.default_rng(1))
        for _ in stream.batches():
            spent = time.process_time() - begun
            if spent >= seconds:
                break
        row = {
            "tried a second": round(stream.tried / spent),
            "fitting a second": round(stream.found / spent),
            "share": stream.found / stream.tried,
        }
        if DEALER is not None:
            row |= _dealer(f"{more}\ncondition {condition}", row)
        found[name] = row
    return found


def _dealer(text: str, ours: dict[str, Any]) -> dict[str, Any]:
    assert DEALER is not None
    tries = 1_000_000
    text += f"\ngenerate {tries}\nproduce {tries}\naction average 1\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "script.dl")
        path.write_text(text)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = subprocess.run([DEALER, "-s", "1", path], capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime
    count = re.search(r"Produced (\d+)", said.stdout)
    assert count is not None
    return {
        "dealer tried a second": round(tries / spent),
        "dealer fitting a second": round(int(count[1]) / spent),
        "dealer's share": int(count[1]) / tries,
        "times as fast": round(ours["fitting a second"] / (int(count[1]) / spent), 1),
    }


def auctions(file: str | None, count: int, seconds: float, bidder: str) -> dict[str, Any]:
    """Measure effective deals in so many seconds, for the leader's hand of each board."""
    asked = load_bidder(bidder)
    if file is None:
        boards = bid_boards(count, bidder)
    else:
        boards = [b for b in islice(read_boards(file), 4 * count) if b.auction and b.contract]
    boards = [b for b in boards if b.contract is not None and b.contract.level][:count]
    sizes = []
    for number, board in enumerate(boards):
        leader = board.contract.declarer.next
        known = [0, 0, 0, 0]
        known[leader] = board.deal.masks[leader]
        rng = np.random.default_rng(number)
        begun = time.process_time()
        sampler = AuctionSampler(board.auction, int(board.vulnerable), [asked] * 4, known, rng)
        masks, weights = [], []
        size = 0.0
        while True:
            more, heavy, tried = sampler.round()
            if time.process_time() - begun > seconds and masks:
                break
            masks.append(more)
            weights.append(heavy / tried)
            size = shared_size(np.concatenate(masks), np.concatenate(weights), sampler.seats)
            if size >= 200 or time.process_time() - begun > seconds:
                break
        # What the first round gave counts even if it took longer; in proportion to its time.
        sizes.append(size * min(seconds / (time.process_time() - begun), 1.0))
    array = np.array(sizes)
    return {
        "auctions": len(array),
        "seconds": seconds,
        "share with 200 or more": round(float((array >= 199.5).mean()), 3),
        "share with 50 or more": round(float((array >= 50).mean()), 3),
        "quartiles": [round(float(x)) for x in np.quantile(array, [0.25, 0.5, 0.75])],
    }


def bid_boards(count: int, bidder: str) -> list[Board]:
    """Let a bidder bid random deals, twice as many as wanted for those that are passed out."""
    deals = random_deals(2 * count, 1)
    dealers, vulnerable = match_conditions(len(deals))
    seated = np.zeros((len(deals), 4), dtype=np.intp)
    bid = bid_deals([load_bidder(bidder)], seated, deal_masks(deals), dealers, vulnerable)
    return [
        Board(deal, int(dealers[i]), int(vulnerable[i]), calls_at(bid, i))
        for i, deal in enumerate(deals)
    ]


def leads(deals: int) -> dict[str, Any]:
    """Measure the opening lead from some hands against some auctions."""
    load_bidder("default")
    found = {}
    for hand, auction in LEADS:
        begun = time.process_time()
        answers = iter_opening_lead(hand, auction, deals=deals, workers=1)
        early = next(answers)
        first = time.process_time() - begun
        advice = [early, *answers][-1]
        found[f"{hand}, {auction}"] = {
            "deals": deals,
            "deals solved": advice.deals,
            "seconds": round(time.process_time() - begun, 2),
            "seconds until the first answer": round(first, 2),
            "best": advice.best,
        }
    return found


def main() -> None:
    """Read the options and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=("conditions", "auctions", "leads"))
    parser.add_argument("--seconds", type=float, default=1.0, help="for each (default 1)")
    parser.add_argument("--file", help="of boards with auctions; else the bidder bids random deals")
    parser.add_argument("--count", type=int, default=200, help="auctions (default 200)")
    parser.add_argument("--bidder", default="default", help="whose calls count (default: default)")
    parser.add_argument("--deals", type=int, default=200, help="for the lead (default 200)")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    args = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    if args.part == "conditions":
        found = conditions(args.seconds)
    elif args.part == "auctions":
        found = auctions(args.file, args.count, args.seconds, args.bidder)
    else:
        found = leads(args.deals)
    if args.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        if isinstance(value, dict):
            print(name)
            for key, one in value.items():
                shown = one if isinstance(one, str) else f"{one:,.6g}"
                print(f"  {key:<32}{shown:>16}")
        else:
            print(f"{name:<28}{value}")


if __name__ == "__main__":
    main()
