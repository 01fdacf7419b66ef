"""Speed of the hand embedding on one core: embedding, estimating, searching.

Every figure is the median over the repeats of its measurement, the weights being loaded. Set
OMP_NUM_THREADS=1 for one core.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from bridgevec.cards import hand_text, random_masks
from bridgevec.models.embedding import load_embedding

EXAMPLES = """examples:
  OMP_NUM_THREADS=1 python benchmarks/embedding.py
  python benchmarks/embedding.py --hands 1000000 --json
"""


def median_seconds(repeats: int, call: Callable[[], object]) -> float:
    """Time a call after one that does not count."""
    call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def benchmark(weights: str, n: int) -> dict[str, float]:
    """Every figure by its name, in the order of the table."""
    embedding = load_embedding(weights)
    deals = random_masks(-(-n // 4), seed=0)
    hands = deals.reshape(-1)[:n]
    text = hand_text(int(hands[0]))
    vectors = embedding.embed_hands(hands)
    declarers, dummies = deals[:20_000, 0], deals[:20_000, 2]
    found = [embedding.find_hand(vector, seed=0) for vector in vectors[:20]]
    distances = np.linalg.norm(embedding.embed_hands(found) - vectors[:20], axis=1)
    cold = "import bridgevec.models.embedding as e; e.embed_hand('AKQ2.K54.T98.J32')"
    python = [sys.executable, "-c"]
    start = median_seconds(3, lambda: subprocess.run([*python, cold], check=True))
    bare = median_seconds(3, lambda: subprocess.run([*python, "import numpy"], check=True))
    one = median_seconds(2000, lambda: embedding.embed_hand(text))
    many = median_seconds(3, lambda: embedding.embed_hands(hands))
    pairs = median_seconds(3, lambda: embedding.estimate_tricks_many(declarers, dummies))
    nearest = median_seconds(9, lambda: embedding.nearest_hands(text, hands, embeddings=vectors))
    search = median_seconds(5, lambda: embedding.find_hand(vectors[0], seed=0))
    return {
        "embed one hand given as text, µs": one * 1e6,
        "embed hands given as masks, hands/s": n / many,
        "estimate tricks, pairs/s": len(declarers) / pairs,
        f"nearest of {n:,} embedded hands, ms": nearest * 1e3,
        "find_hand, ms": search * 1e3,
        "find_hand, median distance of 20": float(np.median(distances)),
        "import and first hand in a new process, s beyond numpy's": start - bare,
    }


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hands", type=int, default=1_000_000, help="how many hands")
    parser.add_argument("--weights", default="hand2vec-8", help="a shipped name or a file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    figures = benchmark(args.weights, args.hands)
    if args.json:
        rounded = {name: round(value, 4) for name, value in figures.items()}
        print(json.dumps({"weights": args.weights, **rounded}, ensure_ascii=False))
        return
    for name, value in figures.items():
        print(f"{name:<58}{value:>12,.{0 if value >= 1000 else 3}f}")


if __name__ == "__main__":
    main()
