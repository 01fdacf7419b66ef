"""Tune the move ordering of the double-dummy search by counting nodes.

Coordinate search: one weight at a time goes up or down, and the change stays if a set of random
endings of 10 to 13 tricks is solved with fewer nodes (the sum of their square roots, so that no
single hard deal decides). Every second round takes fresh endings. Results never depend on the
weights, only the time does. The weights are written to bridgevec/_dds_weights.pxi after each round;
build the extension again to use them.

    python -m benchmarks.tune_dds --part notrump --minutes 10
    python -m benchmarks.tune_dds --part suits --minutes 10 --positions 120 --seed 5
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import bridgevec._dds as search
from bridgevec.files import write_text

FILE = Path(search.__file__).with_name("_dds_weights.pxi")
LEAD_SET, FOLLOW_SET = 10, 24
SETS = [(f"leads {kind}", LEAD_SET) for kind in ("at notrump", "of a side suit", "of trumps")] + [
    (f"played {place} {kind}", FOLLOW_SET)
    for kind in ("at notrump", "with trumps")
    for place in ("second", "third", "fourth")
]


def part_weights(part: str) -> list[int]:
    """Which weights take part at notrump, or in suit contracts."""
    ends = np.cumsum([0] + [size for _, size in SETS])
    mine = [("notrump" in name) == (part == "notrump") for name, _ in SETS]
    return [i for k, chosen in enumerate(mine) if chosen for i in range(ends[k], ends[k + 1])]


def write(weights: list[int]) -> None:
    """Write the file that the extension includes."""
    lines = [
        "# The weights of the move ordering, in the order of the enums in _dds.pyx; written by",
        "# benchmarks/tune_dds.py.",
        "WEIGHTS = [",
    ]
    start = 0
    for name, size in SETS:
        lines.append(f"    # {name}")
        for i in range(start, start + size, 16):
            row = weights[i : min(i + 16, start + size)]
            lines.append("    " + ", ".join(map(str, row)) + ",")
        start += size
    write_text(FILE, "\n".join([*lines, "]"]) + "\n")


def random_endings(n: int, rng: np.random.Generator) -> np.ndarray:
    """Deal n endings, most of 11 and 12 tricks; uint64 masks of shape (n, 4)."""
    rows = []
    for size in rng.choice([10, 11, 11, 12, 12, 13], n):
        cards = rng.permutation(52)[: 4 * size].reshape(4, size)
        rows.append([sum(1 << int(card) for card in hand) for hand in cards])
    return np.array(rows, dtype=np.uint64)


def cost(weights: list[int], endings: np.ndarray, part: str, limit: float = np.inf) -> float:
    """Sum the square roots of the nodes; give up above the limit."""
    search.set_weights(weights)
    solver = search.Solver()
    table = np.empty((5, 4), dtype=np.int8)
    total, before = 0.0, 0
    for i, masks in enumerate(endings):
        strain = 4 if part == "notrump" else i % 4
        solver.solve(masks, table, strain, strain + 1)
        total += (solver.nodes - before) ** 0.5
        before = solver.nodes
        if total > limit:
            return np.inf
    return total


def main() -> None:
    """Read the options and tune until the time is up."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=("notrump", "suits"), required=True)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--positions", type=int, default=60, help="endings in the set")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    weights = list(search.WEIGHTS)
    chosen = np.array(part_weights(args.part))
    steps = dict.fromkeys(chosen.tolist(), 8)
    end = time.monotonic() + 60 * args.minutes
    round_ = 0
    while time.monotonic() < end:
        if round_ % 2 == 0:
            endings = random_endings(args.positions, rng)
            best = cost(weights, endings, args.part)
            print(f"fresh endings: {(best / len(endings)) ** 2:,.0f} nodes", flush=True)
        for i in rng.permutation(chosen).tolist():
            if time.monotonic() > end:
                break
            for change in (steps[i], -steps[i]):
                trial = [*weights[:i], weights[i] + change, *weights[i + 1 :]]
                found = cost(trial, endings, args.part, best)
                if found < best:
                    weights, best = trial, found
                    steps[i] = 2 * change if abs(change) < 32 else change
                    break
            else:
                steps[i] = steps[i] // 2 if abs(steps[i]) > 1 else 4
        round_ += 1
        write(weights)
        print(f"round {round_}: {(best / len(endings)) ** 2:,.0f} nodes", flush=True)


if __name__ == "__main__":
    main()
