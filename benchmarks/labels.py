"""What a long run of `bridgevec label` costs beside the solving: files, bytes, idle cores.

Measures on this machine how long deals take to solve (and how much that varies), how long this
process is busy with a task that a worker has done, how long a shard takes to be put together, and
how large it is. From that it plays a run through, event by event, with any number of cores: once
with all shards as one stream of tasks, as `bridgevec.labels` does it, once shard after shard.

  python -m benchmarks.labels
  python -m benchmarks.labels --deals 10000000 --cores 400 --shard-size 200000 --json
"""

from __future__ import annotations

import argparse
import heapq
import json
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridgevec.cluster import WINDOW, Cluster, Dask, Loky, Ray, run_on_cluster
from bridgevec.dds import WarmSolver
from bridgevec.labels import chunk_masks, task_size
from bridgevec.records import read_deals, write_deals

RUNS = ((10_000_000, 200_000, 400), (1_000_000_000, 1_000_000, 4000))
"""Deals, deals in a shard, cores."""


Labelled = tuple[NDArray[np.uint64], NDArray[np.int8]]
"""Deals and their trick tables."""


class Costs(NamedTuple):
    """Seconds and bytes, as measured."""

    deal: float
    """Seconds to solve a deal on one core."""
    deviation: float
    """The standard deviation of that."""
    task: float
    """Seconds that this process is busy with a task: submitting, receiving, writing its file."""
    merge: float
    """Seconds to put together a shard, for each deal."""
    bytes: float
    """Of a file, for each deal."""


class Run(NamedTuple):
    """How a run went."""

    seconds: float
    idle: float
    """Share of the cores' time."""
    busy: float
    """Seconds of this process."""
    open_files: int
    """Finished tasks that wait for their shard, at most."""


def nothing(task: int) -> int:
    """Do nothing, on a worker."""
    return task


def measure_solving(sample: int) -> tuple[list[float], Labelled]:
    """Solve deals one at a time in this thread, so that others on the machine do not count."""
    masks = np.concatenate([chunk_masks(1, i) for i in range(-(-sample // 50))])[:sample]
    tables = np.empty((sample, 5, 4), np.int8)
    times = []
    for mask, table in zip(masks, tables, strict=True):
        with WarmSolver() as solver:
            start = time.thread_time()
            solver.solve(mask, table, 0, 5)
            times.append(time.thread_time() - start)
    return times, (masks, tables)


def measure_tasks(cluster: Cluster, tasks: int) -> float:
    """Seconds of this process to submit a task and receive its result."""
    with cluster:
        list(run_on_cluster(cluster, nothing, range(20)))
        start = time.process_time()
        assert len(list(run_on_cluster(cluster, nothing, range(tasks)))) == tasks
        return (time.process_time() - start) / tasks


def measure_files(size: int, labelled: Labelled) -> tuple[float, float, float]:
    """Seconds to write the file of a task; to put together a shard, and its bytes, for each deal.

    The tricks are those of deals that were solved, which is as good for the size of the file.
    """
    files = 40
    n = files * size
    masks = np.concatenate([chunk_masks(2, i) for i in range(-(-n // 50))])[:n]
    tables = labelled[1][np.random.default_rng(0).integers(len(labelled[1]), size=n)]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{i}.parquet") for i in range(files)]
        start = time.process_time()
        for i, path in enumerate(paths):
            part = slice(i * size, (i + 1) * size)
            write_deals(path, masks[part], tables[part], {})
        write = (time.process_time() - start) / files
        start = time.process_time()
        out = write_deals(Path(folder, "all.parquet"), *read_deals(paths), {})
        return write, (time.process_time() - start) / n, out.stat().st_size / n


def simulate(
    deals: int, shard: int, cores: int, costs: Costs, one_stream: bool = True, seed: int = 0
) -> Run:
    """Play a run through.

    Every core takes the next task from the scheduler's queue. This process deals with one result
    at a time, in the order in which they come, submits another task, and puts the shard together
    with its last one. Not one stream means that the next shard is begun only then.
    """
    size = task_size(shard)
    count, in_shard = deals // size, shard // size
    random = np.random.default_rng(seed)
    # Of many deals the sum is all but normally distributed.
    durations = random.normal(size * costs.deal, size**0.5 * costs.deviation, count)
    durations = np.maximum(durations, size * costs.deal / 4).tolist()
    left = [in_shard] * (count // in_shard)
    events: list[tuple[float, int]] = []  # when a task is done, its number; or submitted, ~number
    queue: deque[int] = deque()
    idle, submitted = cores, 0
    now = free = busy = 0.0
    waiting = most = 0

    def submit(n: int, at: float) -> None:
        nonlocal submitted
        for _ in range(min(n, count - submitted)):
            heapq.heappush(events, (at, ~submitted))
            submitted += 1

    submit(WINDOW if one_stream else in_shard, 0.0)
    while events:
        now, number = heapq.heappop(events)
        if number < 0:
            queue.append(~number)
        else:
            idle += 1
            cost = costs.task
            waiting += 1
            most = max(most, waiting)
            left[number // in_shard] -= 1
            ended = left[number // in_shard] == 0
            if ended:
                cost += shard * costs.merge
                waiting -= in_shard
            free = max(free, now) + cost
            busy += cost
            if one_stream:
                submit(1, free)
            elif ended:
                submit(in_shard, free)
        if idle and queue:
            idle -= 1
            started = queue.popleft()
            heapq.heappush(events, (now + durations[started], started))
    end = max(now, free)
    return Run(end, 1 - sum(durations) / (cores * end), busy, most)


def report(deals: int, shard: int, cores: int, costs: Costs) -> dict[str, float]:
    """Give the figures of a run."""
    stream = simulate(deals, shard, cores, costs)
    apart = simulate(deals, shard, cores, costs, one_stream=False)
    size = task_size(shard)
    return {
        "deals": deals,
        "cores": cores,
        "files": deals // shard,
        "GB": round(deals * costs.bytes / 1e9, 2),
        "tasks": deals // size,
        "deals a task": size,
        "ms to solve a deal": round(1000 * costs.deal, 1),
        "standard deviation": round(1000 * costs.deviation, 1),
        "seconds to solve a task": round(size * costs.deal, 1),
        "ms of this process for a task": round(1000 * costs.task, 2),
        "µs of this process for a deal": round(1e6 * costs.merge, 2),
        "hours": round(stream.seconds / 3600, 2),
        "hours of this process": round(stream.busy / 3600, 2),
        "files in progress, at most": stream.open_files,
        "% of the cores' time idle": round(100 * stream.idle, 2),
        "% idle, shard after shard": round(100 * apart.idle, 2),
    }


def main() -> None:
    """Read the options and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--deals", type=int, help="of one run (default: two, 10 M and 1 B)")
    parser.add_argument("--shard-size", type=int, default=200_000, help="(default 200,000)")
    parser.add_argument("--cores", type=int, default=400, help="(default 400)")
    parser.add_argument("--sample", type=int, default=200, help="deals to solve (default 200)")
    parser.add_argument(
        "--backend", choices=("loky", "dask", "ray"), default="dask", help="(default dask)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    args = parser.parse_args()
    clusters = {"loky": Loky(2), "dask": Dask(workers=2), "ray": Ray(workers=2)}
    times, labelled = measure_solving(args.sample)
    submit = measure_tasks(clusters[args.backend], 2000)
    rows = []
    for run in RUNS if args.deals is None else ((args.deals, args.shard_size, args.cores),):
        write, merge, size = measure_files(task_size(run[1]), labelled)
        costs = Costs(float(np.mean(times)), float(np.std(times)), write + submit, merge, size)
        rows.append(report(*run, costs))
    if args.json:
        print(json.dumps({"backend": args.backend, "runs": rows}))
        return
    for name in rows[0]:
        print(f"{name:<32}" + "".join(f"{row[name]:>16,}" for row in rows))


if __name__ == "__main__":
    main()
