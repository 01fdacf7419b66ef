"""Tables per second of bridgevec's double-dummy solver and of endplay's DDS, on the same deals.

Each solver sits alone in a process of its own, so that its memory can be told, and keeps what it
allocates from deal to deal. They take turns, one deal after the other and each first on every
second deal, so that a machine whose speed drifts is fair to both; every result is compared.

With one thread each the clock is the CPU time of the whole process: other work on the machine does
not count, and a thread started in secret would. endplay's library takes all processors unless told,
so it is told (`SetMaxThreads`). With more threads the clock on the wall counts, the turns are
batches of 40 deals a thread, endplay's `calc_all_tables` gets the 40 deals it can take at a time,
and our solver does the same deals with one thread too, to tell what the threads bring.

    python benchmarks/dds.py                      # 100 random deals, one thread each
    python benchmarks/dds.py --deals 500 --json
    python benchmarks/dds.py --threads 2          # batches over threads
    python benchmarks/dds.py --hard               # the symmetrical deals of data/hard_deals.pbn
    python benchmarks/dds.py --signature          # nodes and results over a fixed set of deals
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import signal
import sys
import time
import zlib
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from verify_dds import ENDPLAY_BATCH, HARD_DEALS, solve_endplay_deals

from bridgevec._dds import Solver
from bridgevec.cards import Deal, deal_masks, random_masks
from bridgevec.dds import solve_tables
from bridgevec.records import read_boards

SIGNATURE_DEALS = 40

Masks = NDArray[np.uint64]
Tables = NDArray[np.int8]
Solve = Callable[[], Tables]


def bridgevec(threads: int) -> Callable[[Masks], Solve]:
    """Return a function that prepares the solving of deals."""
    solver = Solver()

    def one(masks: Masks) -> Tables:
        table = np.empty((5, 4), dtype=np.int8)
        solver.solve(masks[0], table)
        return table[None]

    return lambda masks: lambda: one(masks) if len(masks) == 1 else solve_tables(masks, threads)


def endplay(threads: int) -> Callable[[Masks], Solve]:
    """Return a function that prepares the solving of deals."""
    import endplay._dds as library

    library.SetMaxThreads(threads)

    def prepare(masks: Masks) -> Solve:
        deals = [Deal(row).to_endplay() for row in masks.tolist()]
        return lambda: solve_endplay_deals(deals)

    return prepare


def serve(make: Callable[[int], Callable[[Masks], Solve]], threads: int, pipe: Connection) -> None:
    """Answer deals with their tables, seconds on the wall and of CPU, and peak memory in MiB."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    prepare = make(threads)
    while (masks := pipe.recv()) is not None:
        solve = prepare(masks)
        start = time.perf_counter(), time.process_time()
        tables = solve()
        seconds = time.perf_counter() - start[0], time.process_time() - start[1]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        pipe.send((tables, seconds, peak >> (20 if sys.platform == "darwin" else 10)))


class Contender:
    """A solver in a process of its own, and how long it took."""

    def __init__(self, make: Callable[[int], Callable[[Masks], Solve]], threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(make, threads, other), daemon=True)
        self.process.start()
        other.close()  # so that the death of the process is noticed
        self.seconds: list[tuple[float, float]] = []
        self.peak = 0

    def solve(self, masks: Masks) -> Tables:
        """Solve deals; the clocks add up."""
        self.pipe.send(masks)
        tables, seconds, self.peak = self.pipe.recv()
        self.seconds.append(seconds)
        return tables

    def close(self) -> None:
        """End the process."""
        self.pipe.send(None)
        self.process.join()


def compare(masks: Masks, threads: int) -> dict[str, Any]:
    """Solve the same deals with both and return the figures."""
    n = len(masks)
    batch = 1 if threads == 1 else ENDPLAY_BATCH * threads
    clock = 0 if threads > 1 else 1
    contenders = {
        "bridgevec": Contender(bridgevec, threads),
        "endplay": Contender(endplay, threads),
    }
    if threads > 1:
        contenders["bridgevec, one thread"] = Contender(bridgevec, 1)
    differences = 0
    with tqdm(total=n, unit="table", disable=None, smoothing=0.05) as bar:
        for start in range(0, n, batch):
            part = masks[start : start + batch]
            order = list(contenders)
            tables = {
                name: contenders[name].solve(part)
                for name in (order[::-1] if start // batch % 2 else order)
            }
            differences += int((tables["bridgevec"] != tables["endplay"]).sum())
            bar.update(len(part))
    for contender in contenders.values():
        contender.close()

    def figures(contender: Contender) -> dict[str, Any]:
        seconds = np.array(contender.seconds)
        found: dict[str, Any] = {
            "tables_per_second": round(n / float(seconds[:, clock].sum()), 2),
            "wall_seconds": round(float(seconds[:, 0].sum()), 2),
            "cpu_seconds": round(float(seconds[:, 1].sum()), 2),
            "peak_memory_mib": contender.peak,
        }
        if batch == 1:
            ms = 1000 * seconds[:, clock]
            found |= {
                "mean_ms": round(float(ms.mean()), 2),
                "median_ms": round(float(np.median(ms)), 2),
                "p99_ms": round(float(np.percentile(ms, 99)), 2),
                "worst_ms": round(float(ms.max()), 2),
                "worst_deal": Deal(masks[int(ms.argmax())].tolist()).pbn,
            }
        return found

    found = {name: figures(contender) for name, contender in contenders.items()}
    ours = found["bridgevec"]["tables_per_second"]
    result: dict[str, Any] = {
        "deals": n,
        "threads": threads,
        "clock": ("wall", "cpu")[clock],
        **found,
        "ratio": round(ours / found["endplay"]["tables_per_second"], 3),
        "differences": differences,
    }
    if threads > 1:
        alone = found["bridgevec, one thread"]["tables_per_second"]
        result["speedup_of_threads"] = round(ours / alone, 3)
    return result


def show(result: dict[str, Any]) -> None:
    """Print the figures for people."""
    columns = {
        "tables_per_second": "tables/s",
        "mean_ms": "mean ms",
        "median_ms": "median",
        "p99_ms": "p99",
        "worst_ms": "worst",
        "peak_memory_mib": "peak MiB",
    }
    rows = {name: row for name, row in result.items() if isinstance(row, dict)}
    columns = {key: title for key, title in columns.items() if key in rows["bridgevec"]}
    width = max(map(len, rows)) + 1
    print(" " * width + "".join(f"{title:>10}" for title in columns.values()))
    for name, row in rows.items():
        print(f"{name:<{width}}" + "".join(f"{row[key]:>10}" for key in columns))
    for name, row in rows.items():
        if "worst_deal" in row:
            print(f"the worst of {name}: {row['worst_deal']}")
    print(
        f"ratio {result['ratio']:.2f} on {result['deals']} deals, {result['threads']} thread(s) "
        f"each, {result['clock']} time; {result['differences']} differing results"
    )
    if "speedup_of_threads" in result:
        print(f"{result['threads']} threads give {result['speedup_of_threads']:.2f} times one")


def signature() -> dict[str, Any]:
    """Nodes and a checksum of the results over a fixed set of deals: the same for the same code."""
    masks = random_masks(SIGNATURE_DEALS, 1)
    tables = np.empty((len(masks), 5, 4), dtype=np.int8)
    solver = Solver()
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
    parser.add_argument(
        "--hard", action="store_true", help=f"the deals of {HARD_DEALS.name} instead of random ones"
    )
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
    if args.hard:
        masks = deal_masks(read_boards(HARD_DEALS))
    else:
        masks = random_masks(args.deals, args.seed)
    try:
        result = compare(masks, args.threads)
    except KeyboardInterrupt:
        sys.exit(130)
    if args.json:
        print(json.dumps({"seed": None if args.hard else args.seed, **result}))
    else:
        show(result)
    if result["differences"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
