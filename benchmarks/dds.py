"""Tables per second of bridgevec's double-dummy solver and of endplay's DDS, on the same deals.

Both solve each deal in turn, so that a machine whose speed drifts is fair to both; every result is
compared.

    python benchmarks/dds.py                      # 100 random deals, one thread each
    python benchmarks/dds.py --deals 500 --json
    python benchmarks/dds.py --threads 2          # batches over threads
    python benchmarks/dds.py --signature          # nodes and results over a fixed set of deals
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
import zlib
from collections.abc import Callable

import numpy as np

import bridgevec._dds as search
from bridgevec.cards import Deal, random_masks
from bridgevec.dds import solve_tables

SIGNATURE_DEALS = 40


def endplay_solver(threads: int) -> Callable[[list], np.ndarray]:
    """Return a function from endplay deals to an int8 array (n, 5, 4)."""
    import endplay._dds as library
    from endplay.dds import calc_all_tables

    library.SetMaxThreads(threads)

    def solve(deals: list) -> np.ndarray:
        tables = [
            t.to_list()
            for i in range(0, len(deals), 32)
            for t in calc_all_tables(deals[i : i + 32])
        ]
        return np.array(tables, dtype=np.int8)[:, [3, 2, 1, 0, 4]]

    return solve


def compare(n: int, threads: int, seed: int, progress: bool) -> dict:
    """Solve the same deals with both and return the figures."""
    from tqdm import tqdm

    masks = random_masks(n, seed)
    deals = [Deal(row).to_endplay() for row in masks.tolist()]
    theirs_solve = endplay_solver(threads)
    batch = 1 if threads == 1 else 32 * threads
    solver = search.Solver()
    table = np.empty((5, 4), dtype=np.int8)

    def ours_solve(rows: np.ndarray) -> np.ndarray:
        if threads > 1:
            return solve_tables(rows, workers=threads)
        solver.solve(rows[0], table)
        return table[None]

    ours_time, theirs_time = [], []
    differences = 0
    for start in tqdm(range(0, n, batch), unit="batch", disable=not progress):
        part = slice(start, start + batch)
        t0 = time.perf_counter()
        ours = ours_solve(masks[part])
        t1 = time.perf_counter()
        theirs = theirs_solve(deals[part])
        t2 = time.perf_counter()
        ours_time.append((t1 - t0) / len(ours))
        theirs_time.append((t2 - t1) / len(ours))
        differences += int((ours != theirs).sum())

    def figures(seconds: list[float]) -> dict:
        ms = 1000 * np.array(seconds)
        return {
            "tables_per_second": round(1000 / float(ms.mean()), 2),
            "mean_ms": round(float(ms.mean()), 2),
            "median_ms": round(float(np.median(ms)), 2),
            "p99_ms": round(float(np.percentile(ms, 99)), 2),
            "worst_ms": round(float(ms.max()), 2),
        }

    return {
        "deals": n,
        "threads": threads,
        "seed": seed,
        "bridgevec": figures(ours_time),
        "endplay": figures(theirs_time),
        "ratio": round(sum(theirs_time) / sum(ours_time), 3),
        "differences": differences,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def signature() -> dict:
    """Nodes and a checksum of the results over a fixed set of deals: the same for the same code."""
    masks = random_masks(SIGNATURE_DEALS, 1)
    tables = np.empty((len(masks), 5, 4), dtype=np.int8)
    solver = search.Solver()
    for row, table in zip(masks, tables, strict=True):
        solver.solve(row, table)
    return {"nodes": solver.nodes, "results": f"{zlib.crc32(tables.tobytes()):08x}"}


def main() -> None:
    """Read the options and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--deals", type=int, default=100, help="how many random deals (default 100)"
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="threads for each solver (default 1)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the deals (default 0)")
    parser.add_argument("--signature", action="store_true", help="print nodes and checksum only")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    if args.deals < 1 or args.threads < 1:
        parser.error("--deals and --threads must be at least 1")
    if args.signature:
        result = signature()
        print(
            json.dumps(result)
            if args.json
            else f"nodes {result['nodes']}  results {result['results']}"
        )
        return
    result = compare(args.deals, args.threads, args.seed, not args.json)
    if args.json:
        print(json.dumps(result))
    else:
        print(f"{'':12}{'tables/s':>10}{'mean ms':>10}{'median':>10}{'p99':>10}{'worst':>10}")
        for name in ("bridgevec", "endplay"):
            row = result[name]
            print(f"{name:12}" + "".join(f"{value:>10.2f}" for value in row.values()))
        print(
            f"ratio {result['ratio']:.2f} on {args.deals} deals, {args.threads} thread(s) each; "
            f"{result['differences']} differing results; "
            f"peak memory {result['peak_memory_mib']} MiB"
        )
    if result["differences"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
