"""How well bidders call as recorded auctions do, what they infer, and how fast they are.

    python -m benchmarks.imitation auctions.parquet
    python -m benchmarks.imitation auctions.parquet --bidder imitation --bidder rules --json

Of the auctions only those count that ``bridgevec train bidder-imitation`` keeps from training.
With ``--write-card`` the figures go into the model card of a shipped bidder.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ddbp2 import write_card
from bridgevec.auction import Auctions, question_at
from bridgevec.bidders import Bidder, load_bidder
from bridgevec.records.auctions import RecordedAuctions, deal_numbers, in_test_split, read_auctions
from bridgevec.train.auctions import decisions, evaluate_bidder
from bridgevec.train.imitation import ImitationConfig


def speed(bidder: Bidder, recorded: RecordedAuctions, rows: np.ndarray) -> dict[str, Any]:
    """Measure calls a second, one by one in text and in batches, the best of five.

    By the clock, and by the time that the process had on all cores, which does not depend on what
    else runs on the machine.
    """
    made = list(decisions(recorded, rows))
    hands, vulnerable = (np.concatenate([now.tables[i] for now in made]) for i in (0, 2))
    auctions = Auctions(len(hands))
    auctions.tables[:] = np.concatenate([now.tables[1].tables for now in made])
    some = np.random.default_rng(0).choice(len(hands), 300)
    texts = [question_at(auctions, i, hands[i], vulnerable[i]) for i in some]
    batch = _best_of_five(lambda: bidder.calls(hands, auctions, vulnerable))
    single = _best_of_five(lambda: [bidder.call(*text) for text in texts])
    return {
        "in batches, a second": round(len(hands) / batch[0]),
        "in batches, a core-second": round(len(hands) / batch[1]),
        "one by one, a second": round(len(texts) / single[0]),
        "one by one, a core-second": round(len(texts) / single[1]),
        "calls in the batch": len(hands),
        "cores": os.cpu_count(),
    }


def _best_of_five(work: Callable[[], object]) -> tuple[float, float]:
    """Take the least seconds by the clock, and of the process on all cores."""
    clock, process = [], []
    for _ in range(5):
        start = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - start[0])
        process.append(time.process_time() - start[1])
    return min(clock), min(process)


def main(argv: list[str] | None = None) -> None:
    """Run the command line, or other arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("auctions", nargs="+", help="files of auctions, as for training")
    parser.add_argument("--bidder", action="append", help="a name or file; by default imitation")
    parser.add_argument(
        "--test-fraction", type=float, default=ImitationConfig.test_fraction, help="as in training"
    )
    parser.add_argument("--write-card", action="store_true", help="put figures into model cards")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)

    recorded = read_auctions(options.auctions)
    rows = np.flatnonzero(in_test_split(deal_numbers(recorded.deals), options.test_fraction))
    report = {"auctions": len(rows), "bidders": {}}
    for name in options.bidder or ["imitation"]:
        bidder = load_bidder(name)
        figures = evaluate_bidder(bidder, recorded, rows)
        report["bidders"][name] = figures | {"speed": speed(bidder, recorded, rows)}
        if options.write_card:
            files = " ".join(Path(file).name for file in options.auctions)
            command = f"python -m benchmarks.imitation {files}"
            write_card(name, command, figures, "bidder")
    if options.json:
        print(json.dumps(report))
        return
    for name, figures in report["bidders"].items():
        print(f"{name}: {figures['accuracy']:.2%} of {figures['calls']:,} calls of {len(rows):,}")
        print(f"deals kept from training, log loss {figures['log loss']:.4f}\n")
        print("round        calls  accuracy")
        for row in figures["accuracy by round"]:
            print(f"{row['round']:<6}{row['calls']:>12,}{row['accuracy']:>10.2%}")
        print("\nhave bid     calls  accuracy")
        for who, row in figures["accuracy by sides"].items():
            print(f"{who:<10}{row['calls']:>8,}{row['accuracy']:>10.2%}")
        if "mean error of guesses" in figures:
            print(f"\n{'mean error of guesses':<26}  cards in a suit  points")
            for who, error in figures["mean error of guesses"].items():
                print(f"{who:<26}{error['cards in a suit']:>17.3f}{error['points']:>8.3f}")
        print("\ncalls")
        for what, value in figures["speed"].items():
            print(f"{what:<28}{value:>10,}")


if __name__ == "__main__":
    main()
