"""How fast files of boards are read: PBN, LIN and Parquet, in boards a second of processor time.

The boards are random deals that the bidder `rules` has bid, written once to each kind of file, and
read from there in turns. Endplay's reader is measured on a part of the same PBN and LIN files.

  python -m benchmarks.records
  python -m benchmarks.records --boards 2000 --json
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bridgevec import Board, load_bidder, random_deals, read_boards, write_boards
from bridgevec.auction import calls_at
from bridgevec.bidders.match import bid_deals, match_conditions
from bridgevec.cards import deal_masks
from bridgevec.scoring import VULNERABILITIES

KINDS = ("pbn", "lin", "parquet")


def bid_boards(n: int, seed: int) -> list[Board]:
    """Deal boards at random and bid them."""
    deals = random_deals(n, seed)
    dealers, vulnerable = match_conditions(n)
    seated = np.zeros((n, 4), dtype=np.intp)
    rules = [load_bidder("rules")]
    auctions = bid_deals(rules, seated, deal_masks(deals), dealers, vulnerable)
    players = {"North": "Ann", "East": "Bob", "South": "Cleo", "West": "Dan"}
    return [
        Board(
            deal,
            int(dealers[i]),
            VULNERABILITIES[vulnerable[i]],
            calls_at(auctions, i),
            number=i + 1,
            tags={"Event": "Benchmark", "Date": "2024.01.01", "Scoring": "IMP"} | players,
        )
        for i, deal in enumerate(deals)
    ]


def processor_time(work: Callable[[], int]) -> float:
    """Seconds of processor time a board."""
    start = time.process_time()
    n = work()
    return (time.process_time() - start) / n


def endplay_reader(path: Path, text: str) -> Callable[[], int]:
    """Read a part of a file with endplay."""
    if path.suffix == ".pbn":
        from endplay.parsers import pbn as parser
    else:
        from endplay.parsers import lin as parser
    return lambda: len(parser.loads(text))


def peak_memory(path: Path) -> float:
    """Most MB of Python objects at a time while a file is read."""
    tracemalloc.start()
    for _ in read_boards(path):
        pass
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return peak


def measure(n: int, seed: int, rounds: int) -> dict[str, dict[str, float]]:
    """Measure every kind of file."""
    boards = bid_boards(n, seed)
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"boards.{kind}") for kind in KINDS]
        for path in paths:
            write_boards(path, boards)
        times: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for _ in range(rounds):
            for kind, path in zip(KINDS, paths, strict=True):
                times[kind].append(processor_time(lambda p=path: sum(1 for _ in read_boards(p))))
        for kind, path in zip(KINDS, paths, strict=True):
            found[kind] = {"boards a second": round(1 / min(times[kind]))}
            found[kind]["seconds"] = round(n * min(times[kind]), 3)
            found[kind]["time beside PBN"] = round(min(times[kind]) / min(times["pbn"]), 3)
            found[kind]["peak MB"] = round(peak_memory(path), 2)
            if kind != "parquet":
                part = Path(folder, f"part.{kind}")
                write_boards(part, boards[: min(n, 500)])
                other = processor_time(endplay_reader(part, part.read_text()))
                found[kind]["endplay, boards a second"] = round(1 / other)
    return found


def main() -> None:
    """Read the options and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boards", type=int, default=20_000, help="(default 20,000)")
    parser.add_argument("--seed", type=int, default=1, help="of the deals (default 1)")
    parser.add_argument("--rounds", type=int, default=3, help="the fastest counts (default 3)")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    args = parser.parse_args()
    found = measure(args.boards, args.seed, args.rounds)
    if args.json:
        print(json.dumps({"boards": args.boards} | found))
        return
    columns = list(found["pbn"])
    print(f"{args.boards} boards" + "".join(f"{name:>26}" for name in columns))
    for kind, row in found.items():
        cells = "".join(f"{row.get(name, ''):>26}" for name in columns)
        print(f"{kind:<{len(str(args.boards)) + 7}}{cells}")


if __name__ == "__main__":
    main()
