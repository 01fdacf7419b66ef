"""Tables per second of bridgevec's double-dummy solver and of endplay's DDS, on the same deals.

Each solver sits alone in a process of its own, so that its memory can be told, and keeps what it
allocates from deal to deal. They take turns, one deal after the other and each first on every
second deal, so that a machine whose speed drifts is fair to both; every result is compared.

With one thread each the clock is the CPU time of the whole process: other work on the machine does
not count, and a thread started in secret would. endplay's library takes all processors unless told,
so it is told (`SetMaxThreads`). With more threads the clock on the wall counts, the turns are
batches of 40 deals a thread, endplay's `calc_all_tables` gets the 40 deals it can take at a time,
and our solver does the same deals with one thread too, to tell what the threads bring.

Ratios are told by sums, in which a few hard deals decide, and as the geometric mean over the deals,
each with the interval that holds 95% of resampled sets of deals.

    python -m benchmarks.dds                      # 300 random deals, one thread each
    python -m benchmarks.dds --deals 500 --json
    python -m benchmarks.dds --threads 2          # batches over threads
    python -m benchmarks.dds --stages             # every card after 0 to 40 cards; whole plays
    python -m benchmarks.dds --freaks             # ours alone: freaks turned to every seat, minutes
    python -m benchmarks.dds --freaks --limit 60  # … of which none gets more than 60 s
    python -m benchmarks.dds --builds --deals 50  # native, portable, without BMI2; compiles them
    python -m benchmarks.dds --signature          # nodes and results over a fixed set of deals
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.verify_dds import ENDPLAY_BATCH, FREAK_DEALS, HARD_DEALS, solve_endplay_deals
from bridgevec.cards import Deal, Seat, Strain, card_text, random_deals, random_masks
from bridgevec.dds import Position, Solver, solve_board, solve_tables
from bridgevec.play import analyse_play
from bridgevec.records import read_boards
from bridgevec.scoring import Contract

SIGNATURE_DEALS = 40
STAGES = {0: 0.1, 1: 0.1, 14: 0.5, 29: 1, 40: 1}
"""Cards played, and the share of the deals to be solved there."""

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


def ratios(slow: NDArray[np.float64], fast: NDArray[np.float64]) -> dict[str, Any]:
    """Tell how many times as fast one program was, by the seconds that both took for each deal."""
    samples = np.random.default_rng(0).integers(len(slow), size=(2000, len(slow)))
    by_sums = slow[samples].sum(1) / fast[samples].sum(1)
    logs = np.log(slow / fast)
    by_deal = np.exp(logs[samples].mean(1))
    return {
        "ratio": round(float(slow.sum() / fast.sum()), 3),
        "ratio_interval": np.percentile(by_sums, [2.5, 97.5]).round(3).tolist(),
        "geometric_mean": round(float(np.exp(logs.mean())), 3),
        "geometric_mean_interval": np.percentile(by_deal, [2.5, 97.5]).round(3).tolist(),
    }


def show_ratios(row: dict[str, Any]) -> str:
    """Write ratios and their intervals for people."""
    (low, high), (low_mean, high_mean) = row["ratio_interval"], row["geometric_mean_interval"]
    return (
        f"ratio by sums {row['ratio']:.2f} ({low:.2f} to {high:.2f}), "
        f"geometric mean {row['geometric_mean']:.2f} ({low_mean:.2f} to {high_mean:.2f})"
    )


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
    seconds = {name: np.array(contenders[name].seconds)[:, clock] for name in contenders}
    result: dict[str, Any] = {
        "deals": n,
        "threads": threads,
        "clock": ("wall", "cpu")[clock],
        **found,
        **ratios(seconds["endplay"], seconds["bridgevec"]),
        "differences": differences,
    }
    if threads > 1:
        alone = found["bridgevec, one thread"]["tables_per_second"]
        result["speedup_of_threads"] = round(found["bridgevec"]["tables_per_second"] / alone, 3)
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
        f"{show_ratios(result)}\non {result['deals']} deals, {result['threads']} thread(s) "
        f"each, {result['clock']} time; {result['differences']} differing results"
    )
    if "speedup_of_threads" in result:
        print(f"{result['threads']} threads give {result['speedup_of_threads']:.2f} times one")


def stages(n: int, seed: int) -> dict[str, Any]:
    """Find what every card is worth, early and late in the play, and what whole plays cost."""
    import endplay._dds as library
    from endplay.dds import analyse_play as endplay_analyse
    from endplay.dds import solve_board as endplay_board
    from endplay.types import Denom, Player

    library.SetMaxThreads(1)
    rng = np.random.default_rng(seed)
    places: list[tuple[str, int, int]] = [
        (f"{cards} cards played", cards, max(1, int(n * share))) for cards, share in STAGES.items()
    ]
    places.append(("analyse_play", 52, max(1, n // 10)))
    result: dict[str, Any] = {"differences": 0, "clock": "cpu"}
    for name, n_played, size in places:
        seconds: list[tuple[float, float]] = []
        for deal in random_deals(size, rng):
            strain, leader = Strain(int(rng.integers(5))), Seat(int(rng.integers(4)))
            at, played = Position(deal, strain, leader), []
            for _ in range(n_played):
                legal = at.legal()
                card = legal[rng.integers(len(legal))]
                at.play(card)
                played.append(card_text(card))
            board = deal.to_endplay()
            board.trump, board.first = Denom.find(strain.name[0]), Player(leader)
            whole = n_played == 52
            contract = Contract(1, strain, 0, Seat((leader + 3) % 4))
            for card_played in [] if whole else played:
                board.play(card_played)
            took = [0.0, 0.0]
            for turn in (0, 1) if len(seconds) % 2 else (1, 0):
                start = time.process_time()
                if turn == 0 and whole:
                    play = analyse_play(deal, contract, played)
                elif turn == 0:
                    worth = solve_board(deal, strain, leader, played)
                elif whole:
                    theirs = list(endplay_analyse(board, played))
                else:
                    theirs = list(endplay_board(board))
                took[turn] = time.process_time() - start
            seconds.append((took[0], took[1]))
            if whole:
                tricks = [play.tricks, *(card.tricks for card in play.cards)]
                result["differences"] += tricks[: len(theirs)] != theirs
            else:
                values = {card.suit.name[0].upper() + card.rank.abbr: n for card, n in theirs}
                result["differences"] += worth != values
        both = np.array(seconds)
        result[name] = {
            "positions": size,
            "bridgevec_ms": round(1000 * float(both[:, 0].mean()), 4),
            "endplay_ms": round(1000 * float(both[:, 1].mean()), 4),
            **ratios(both[:, 1], both[:, 0]),
        }
    return result


def show_stages(result: dict[str, Any]) -> None:
    """Print the figures for people."""
    for name, row in result.items():
        if isinstance(row, dict):
            print(
                f"{name:<16}{row['bridgevec_ms']:>9.3f} ms, endplay {row['endplay_ms']:>8.3f} ms; "
                f"{show_ratios(row)}, {row['positions']} positions"
            )
    print(f"CPU time, one thread each; {result['differences']} positions differ")


def solve_within(seconds: float, solver: Solver, deal: Deal, table: Tables) -> float | None:
    """Solve a deal; return the seconds of CPU time, or None if it took more and was stopped."""
    ended, start = Event(), time.process_time()

    def watch() -> None:
        while not ended.wait(0.02):
            if time.process_time() - start > seconds:
                solver.stop()

    watcher = Thread(target=watch)
    watcher.start()
    solved = solver.solve(np.array(deal.masks, dtype=np.uint64), table)
    took = time.process_time() - start
    ended.set()
    watcher.join()
    return round(took, 2) if solved else None


def freaks(limit: float) -> dict[str, Any]:
    """Solve every freak deal from all four seats; turned, its table must turn with it.

    A search that takes more than the limit, in seconds, is stopped, and its seconds are None.
    """
    result: dict[str, Any] = {"differences": 0, "clock": "cpu", "limit": limit}
    given = [
        (file.stem, board) for file in (FREAK_DEALS, HARD_DEALS) for board in read_boards(file)
    ]
    seconds: list[float | None]
    for file, board in tqdm(given, unit="deal", disable=None):
        deal = board.deal
        first, seconds, nodes = None, [], []
        for turn in range(4):
            solver, table = Solver(), np.empty((5, 4), dtype=np.int8)
            seconds.append(solve_within(limit, solver, deal, table))
            nodes.append(solver.nodes)
            if seconds[-1] is not None:
                back = np.roll(table, -turn, axis=1)
                first = back if first is None else first
                result["differences"] += int((back != first).sum())
            deal = deal.rotated()
        result[f"{file} {board.number}"] = {"seconds": seconds, "nodes": nodes}
    took_all = [took for row in result.values() if isinstance(row, dict) for took in row["seconds"]]
    ended = [took for took in took_all if took is not None]
    result["seconds"] = round(sum(ended), 2)
    result["worst_seconds"] = max(ended, default=None)
    result["stopped"] = len(took_all) - len(ended)
    return result


def show_freaks(result: dict[str, Any]) -> None:
    """Print the figures for people."""
    limit = f"> {result['limit']:g} s"
    for name, row in result.items():
        if isinstance(row, dict):
            shown = [limit if took is None else f"{took:.2f} s" for took in row["seconds"]]
            print(f"{name:<16}" + "".join(f"{took:>11}" for took in shown))
    print(
        f"sum {result['seconds']:.2f} s, worst {result['worst_seconds'] or 0:.2f} s of CPU time; "
        f"{result['stopped']} searches stopped after {result['limit']:g} s; "
        f"{result['differences']} results differ between seats"
    )


def build_solvers(folder: Path) -> dict[str, Any]:
    """Compile the search for this processor and portably; its Solver classes by kind of build."""
    root = Path(__file__).resolve().parent.parent
    solvers = {}
    for kind, portable in (("native", "0"), ("portable", "1")):
        out = folder / kind
        command = [sys.executable, "setup.py", "-q", "build_ext", f"--build-lib={out}"]
        environment = {**os.environ, "BRIDGEVEC_PORTABLE": portable}
        subprocess.run(
            [*command, f"--build-temp={out / 'temp'}"], cwd=root, env=environment, check=True
        )
        for file in sorted((out / "bridgevec").glob("_dds*.so")):
            name = file.name.partition(".")[0]
            spec = importlib.util.spec_from_file_location(name, file)
            assert spec
            assert spec.loader
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            solvers[f"{kind}, {module.BUILT_FOR}"] = module.Solver
    return solvers


def builds(masks: Masks) -> dict[str, Any]:
    """Solve the same deals with every build of the search, and with endplay, in turns."""
    import endplay._dds as library

    library.SetMaxThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        solvers = {name: make() for name, make in build_solvers(Path(folder)).items()}
    names = [*solvers, "endplay"]
    seconds: dict[str, list[float]] = {name: [] for name in names}
    differences = 0
    for i, row in enumerate(tqdm(masks, unit="table", disable=None)):
        deals = [Deal(row.tolist()).to_endplay()]
        tables = []
        for name in np.roll(names, i):
            table = np.empty((5, 4), dtype=np.int8)
            start = time.process_time()
            if name == "endplay":
                table = solve_endplay_deals(deals)[0]
            else:
                solvers[name].solve(row, table)
            seconds[name].append(time.process_time() - start)
            tables.append(table)
        differences += sum(int((table != tables[0]).sum()) for table in tables)
    clocks = {name: np.array(row) for name, row in seconds.items()}
    result: dict[str, Any] = {"deals": len(masks), "differences": differences, "clock": "cpu"}
    for name in solvers:
        result[name] = {
            "against_endplay": ratios(clocks["endplay"], clocks[name]),
            "against_native": ratios(clocks[names[0]], clocks[name]),
        }
    return result


def show_builds(result: dict[str, Any]) -> None:
    """Print the figures for people."""
    for name, row in result.items():
        if isinstance(row, dict):
            print(name)
            print(f"  against endplay: {show_ratios(row['against_endplay'])}")
            print(f"  against native:  {show_ratios(row['against_native'])}")
    print(f"{result['deals']} deals, CPU time; {result['differences']} differing results")


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
        "--deals", type=int, default=300, help="how many random deals (default 300)"
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="threads for each solver (default 1)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the deals (default 0)")
    parser.add_argument("--stages", action="store_true", help="early and late in the play")
    parser.add_argument("--freaks", action="store_true", help="freak deals turned to every seat")
    parser.add_argument(
        "--limit", type=float, default=300, help="seconds that a freak deal gets (default 300)"
    )
    parser.add_argument("--builds", action="store_true", help="native and portable builds")
    parser.add_argument("--signature", action="store_true", help="print nodes and checksum only")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    if args.deals < 1 or args.threads < 1:
        parser.error("--deals and --threads must be at least 1")
    if args.limit <= 0:
        parser.error("--limit must be more than 0")
    if args.signature:
        result = signature()
        print(
            json.dumps(result)
            if args.json
            else f"nodes {result['nodes']}  results {result['results']}"
        )
        return
    masks = random_masks(args.deals, args.seed)
    try:
        if args.stages:
            result, printer = stages(args.deals, args.seed), show_stages
        elif args.freaks:
            result, printer = freaks(args.limit), show_freaks
        elif args.builds:
            result, printer = builds(masks), show_builds
        else:
            result, printer = compare(masks, args.threads), show
    except KeyboardInterrupt:
        sys.exit(130)
    if args.json:
        print(json.dumps({"seed": args.seed, **result}))
    else:
        printer(result)
    if result["differences"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
