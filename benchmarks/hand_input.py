"""How well bidders learn to call, by what they read of their hand and by the number of auctions.

    python -m benchmarks.hand_input auctions.parquet
    python -m benchmarks.hand_input auctions.parquet --sizes 1000 --hands features embedding --json
    python -m benchmarks.hand_input auctions.parquet --hands embedding --embedding mine.safetensors

Networks of one size learn from the same auctions with the options of ``bridgevec train
bidder-imitation``, each row with its own ``--hand``, and are measured on the same other deals. For
each size the learning ends while all of them still gain: they overfit a thousand auctions soon.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bridgevec.bidders.features import HANDS
from bridgevec.bidders.policy import PolicyBidder
from bridgevec.board import Board
from bridgevec.cards import deal_masks
from bridgevec.records import read_boards, write_boards
from bridgevec.records.auctions import deal_numbers, in_test_split, read_auctions
from bridgevec.train.auctions import evaluate_bidder
from bridgevec.train.imitation import ImitationConfig, ImitationRecipe
from bridgevec.train.loop import fit

TEST_FRACTION = 0.1
"""Share of all deals that is never learned from, always the same ones."""


def split(path: str, training: int, test: int) -> tuple[list[Board], list[Board]]:
    """Read the first boards with auctions of either side of the split, no more than needed."""
    sides: tuple[list[Board], list[Board]] = ([], [])
    boards = (board for board in read_boards(path) if board.calls)
    while len(sides[0]) < training or len(sides[1]) < test:
        part = list(islice(boards, 4096))
        if not part:
            break
        numbers = deal_numbers(deal_masks([board.deal for board in part]))
        for board, in_test in zip(part, in_test_split(numbers, TEST_FRACTION), strict=True):
            sides[int(in_test)].append(board)
    for name, side, wanted in zip(("training", "test"), sides, (training, test), strict=True):
        if len(side) < wanted:
            raise SystemExit(f"{path}: {len(side)} {name} auctions, expected {wanted}")
    return sides[0][:training], sides[1][:test]


def measure(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Train and evaluate one bidder after the other."""
    training, test = split(args.auctions, max(args.sizes), args.test)
    with TemporaryDirectory() as folder:
        here = Path(folder)
        write_boards(here / "test.parquet", test)
        recorded = read_auctions(here / "test.parquet")
        for size in args.sizes:
            file = here / f"{size}.parquet"
            write_boards(file, training[:size])
            for hand in args.hands:
                for seed in range(args.seeds):
                    config = ImitationConfig(
                        auctions=(str(file),), out=str(here / "bidder.safetensors"),
                        test_fraction=0.0, width=args.width, hand=hand, embedding=args.embedding,
                        epochs=args.epochs, batch_size=args.batch_size, seed=seed,
                    )  # fmt: skip
                    bidder = PolicyBidder(fit(ImitationRecipe, config, progress=False))
                    found = evaluate_bidder(bidder, recorded, np.arange(len(test)))
                    row = {"auctions": size, "hand": hand, "seed": seed}
                    yield row | {name: found[name] for name in ("calls", "accuracy", "log loss")}


def main(argv: list[str] | None = None) -> None:
    """Run the command line, or other arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("auctions", help="a file of auctions, a folder or a glob")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--hands", nargs="+", default=list(HANDS), choices=HANDS)
    parser.add_argument("--embedding", default="hand2vec-8", help="a shipped name or a file")
    parser.add_argument("--test", type=int, default=2000, help="auctions to measure on")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each kind")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    rows = []
    for row in measure(args):
        rows.append(row)
        if not args.json:
            print(
                f"{row['auctions']:>7,} auctions  {row['hand']:<10} seed {row['seed']}  "
                f"{row['accuracy']:.2%} of {row['calls']:,} calls, log loss {row['log loss']:.4f}",
                flush=True,
            )
    if args.json:
        print(json.dumps({"embedding": args.embedding, "width": args.width, "rows": rows}))


if __name__ == "__main__":
    main()
