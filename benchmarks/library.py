"""The library of boards: how fast an index is built, searched and opened, and whether it is exact.

Random deals stand for the boards. Queries are other random hands; what they find is compared with
what a look at every hand finds. Times of one query are of the wall clock; those of building are of
the processor, as the machine may do other things meanwhile.

  python -m benchmarks.library
  python -m benchmarks.library --hands 10000000 --queries 1000 --faiss
  python -m benchmarks.library --files 100000 --json
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgevec.cards import random_masks
from bridgevec.library.index import BoardIndex
from bridgevec.models.embedding import Embedding, load_embedding

HAND = "AKQ2.K54.T98.J32"
_CHUNK = 1 << 16


def peak_mb() -> float:
    """Most memory that this process has held so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def brute_force(
    embedding: Embedding, masks: NDArray[np.uint64], targets: NDArray[np.float32], k: int
) -> NDArray[np.float32]:
    """Distances of the k nearest hands of each target, by looking at every hand."""
    best = np.full((len(targets), k), np.inf, dtype=np.float32)
    for start in range(0, len(masks), _CHUNK):
        vectors = embedding.embed_hands(masks[start : start + _CHUNK])
        for row, target in enumerate(targets):
            squares = np.square(vectors - target).sum(axis=1)
            near = squares[squares < best[row, -1]]
            best[row] = np.sort(np.concatenate([best[row], near]))[:k]
    return np.sqrt(best)


def timed(ask: Any, queries: list[Any]) -> dict[str, float]:
    """Milliseconds of a query: the median, the 95th percentile and the mean of the processor."""
    ask(queries[0])
    times = []
    busy = time.process_time()
    for query in queries:
        start = time.perf_counter()
        ask(query)
        times.append(time.perf_counter() - start)
    busy = (time.process_time() - busy) / len(queries)
    return {
        "median ms": round(1e3 * float(np.median(times)), 3),
        "95th percentile ms": round(1e3 * float(np.percentile(times, 95)), 3),
        "processor ms": round(1e3 * busy, 3),
    }


def recall(found: list[float], exact: NDArray[np.float32]) -> float:
    """Share of the nearest that were found: those no farther than the farthest of them."""
    return float(np.mean(np.array(found) <= exact[-1] + 1e-5))


def measure_faiss(
    index: BoardIndex,
    targets: NDArray[np.float32],
    exact: NDArray[np.float32],
    k: int,
) -> dict[str, Any]:
    """Measure faiss (IVF-Flat) on the same vectors: the first number of probes with recall 0.99."""
    import faiss

    faiss.omp_set_num_threads(1)
    vectors = index._blocks.vectors
    cells = int(4 * len(vectors) ** 0.5)
    start = time.process_time()
    rival = faiss.index_factory(vectors.shape[1], f"IVF{cells},Flat")
    rival.train(vectors[:: max(1, len(vectors) // (40 * cells))])
    rival.add(vectors)
    built = time.process_time() - start
    for probes in (1, 2, 4, 8, 16, 32, 64, 128):
        rival.nprobe = probes
        times = timed(lambda target: rival.search(target[None], k), list(targets))
        squares, _ = rival.search(targets[: len(exact)], k)
        found = [recall(list(np.sqrt(row)), e) for row, e in zip(squares, exact, strict=True)]
        if np.mean(found) >= 0.99:
            break
    return {
        "cells": cells,
        "probes": probes,
        "build, processor s": round(built, 2),
        "recall": round(float(np.mean(found)), 4),
    } | times


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Build an index of random deals, search it, compare."""
    embedding = load_embedding(args.weights)
    masks = random_masks(-(-args.hands // 4), args.seed)
    rng = np.random.default_rng([args.seed, 1])
    queries = random_masks(args.queries, rng)
    hands = [int(mask) for mask in queries[:, 0]]
    before = peak_mb()
    start = time.process_time(), time.perf_counter()
    index = BoardIndex.from_boards(masks, weights=embedding)
    built = time.process_time() - start[0], time.perf_counter() - start[1]
    report: dict[str, Any] = {
        "hands": 4 * len(masks),
        "weights": embedding.name,
        "build, processor s": round(built[0], 2),
        "build, wall s": round(built[1], 2),
        "hands built a second": round(4 * len(masks) / built[0]),
        "peak memory while built, MB": round(peak_mb() - before),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "library.bvindex")
        start_save = time.perf_counter()
        index.save(path)
        report["save, wall s"] = round(time.perf_counter() - start_save, 2)
        report["file, MB"] = round(path.stat().st_size / 1e6, 1)
        start_open = time.perf_counter()
        index = BoardIndex.open(path, weights=embedding)
        report["open, ms"] = round(1e3 * (time.perf_counter() - start_open), 1)
        _search(report, index, masks, hands, args)
    return report


def _search(
    report: dict[str, Any],
    index: BoardIndex,
    masks: NDArray[np.uint64],
    hands: list[int],
    args: argparse.Namespace,
) -> None:
    embedding, k = index.embedding, args.k
    few = hands[: args.compared]
    targets = embedding.embed_hands(np.array(hands, dtype=np.uint64))
    exact = brute_force(embedding, masks.reshape(-1), targets[: len(few)], k)
    found = [[one.distance for one in index.nearest(hand, k)] for hand in few]
    report["k"] = k
    report["compared with brute force, queries"] = len(few)
    both = zip(found, exact, strict=True)
    report["recall"] = float(np.mean([recall(one, other) for one, other in both]))
    report["ids alone"] = timed(lambda target: index._blocks.nearest(target, k), list(targets))
    report["boards"] = timed(lambda hand: index.nearest(hand, k), hands)
    report["same shape"] = timed(lambda hand: index.nearest(hand, k, same_shape=True), hands)
    strong = index.select("hcp(north) >= 12")
    report["where hcp(north) >= 12"] = timed(lambda hand: strong.nearest(hand, k), hands)
    rng = np.random.default_rng([args.seed, 2])
    pairs = random_masks(min(50, len(hands)), rng)[:, [0, 2]].tolist()
    report["pairs"] = timed(lambda pair: index.nearest(pair[0], k, partner=pair[1]), pairs)
    if args.faiss:
        report["faiss IVF-Flat"] = measure_faiss(index, targets, exact, k)


def measure_files(n: int, seed: int) -> dict[str, Any]:
    """Time one command that searches boards in files: half of them PBN, half LIN."""
    from benchmarks.records import bid_boards
    from bridgevec.records import write_boards

    some = bid_boards(min(n, 2000), seed)
    boards = (some[i % len(some)].replace(number=i + 1) for i in range(n))
    with tempfile.TemporaryDirectory() as folder:
        half = n // 2
        write_boards(Path(folder, "a.pbn"), (next(boards) for _ in range(half)))
        write_boards(Path(folder, "b.lin"), (next(boards) for _ in range(n - half)))
        command = [sys.executable, "-m", "bridgevec", "similar", HAND, "--among", folder, "--json"]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=True)
        seconds = time.perf_counter() - start
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert len(json.loads(done.stdout)) == 5
    return {
        "boards in files": n,
        "one command, wall s": round(seconds, 1),
        "one command, processor s": round(children.ru_utime + children.ru_stime, 1),
        "one command, peak MB": round(children.ru_maxrss / 1024),
    }


def main() -> None:
    """Read the options and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hands", type=int, default=1_000_000, help="(default 1,000,000)")
    parser.add_argument("--queries", type=int, default=200, help="to time (default 200)")
    parser.add_argument(
        "--compared", type=int, default=20, help="of these, with brute force (default 20)"
    )
    parser.add_argument("-k", type=int, default=10, help="nearest hands (default 10)")
    parser.add_argument("--weights", default="hand2vec-8", help="(default hand2vec-8)")
    parser.add_argument("--seed", type=int, default=1, help="of the deals (default 1)")
    parser.add_argument(
        "--faiss", action="store_true", help="measure faiss beside it (pip install faiss-cpu)"
    )
    parser.add_argument(
        "--files", type=int, metavar="N", help="time a search over N boards in files instead"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    args = parser.parse_args()
    report = measure_files(args.files, args.seed) if args.files else measure(args)
    if args.json:
        print(json.dumps(report))
        return
    for name, value in report.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {number}" for key, number in value.items())
        print(f"{name:<36}{value}")


if __name__ == "__main__":
    main()
