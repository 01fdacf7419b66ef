"""Label random deals with their double-dummy trick tables; stop and go on at any moment.

The deals come in chunks of `CHUNK`, each from its own seed, ``SeedSequence(seed,
spawn_key=(chunk,))``, so the result depends on neither the number of workers nor on
interruptions. Some chunks, one unless the run is large, make a task. A finished task is a file of
its own in the folder ``OUT.partial``; when all are there they become OUT and the folder goes.

With layouts, the unit is not a deal but a pair of hands, North's and South's: the other 26 cards
are dealt to East and West several times, first as in the deal itself, and the label is how often
each number of tricks was taken. So the labels of the BridgeHand2Vec paper (arXiv:2310.06624) were
made, which kept only the means.

A long run is best cut into shards, files that each hold a part of the same deals. All shards are
one stream of tasks, so no core waits for the end of a shard. The processor's cores do the solving,
or a cluster of Dask or Ray, whose workers receive a seed and a range and send labels back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec import records
from bridgevec.cards import Seat, Strain, random_masks
from bridgevec.cluster import WINDOW, Cluster, Dask, Loky, Ray, run_on_cluster
from bridgevec.dds import SOLVER_VERSION, iter_tables, solve_tables
from bridgevec.extras import require
from bridgevec.files import locked, write_text
from bridgevec.records import PathLike

CHUNK = 50
"""Deals in a chunk. Part of how deals follow from the seed: another value, other deals."""
TASKS = 2000
"""Tasks of a shard, about, if it is large: as many files its folder of work in progress has."""
BACKENDS = ("threads", "loky", "dask", "ray")
"""Where the solving is done; loky is processes of this machine."""
_SHARDS_AT_A_TIME = 500
"""Shards in work at most, or nearly; each has a lock, an open file."""


def chunk_masks(seed: int, chunk: int, size: int | None = None) -> NDArray[np.uint64]:
    """Deal one chunk.

    Parameters
    ----------
    seed : int
    chunk : int
        Number of the chunk, from 0.
    size : int, optional
        Deals in a chunk, `CHUNK` by default.

    Returns
    -------
    ndarray of uint64, shape (size, 4)
    """
    return random_masks(size or CHUNK, np.random.SeedSequence(seed, spawn_key=(chunk,)))


def chunk_layouts(
    seed: int, chunk: int, layouts: int, size: int | None = None
) -> NDArray[np.uint64]:
    """Deal one chunk, and the cards of East and West in every deal several times.

    Parameters
    ----------
    seed, chunk, size : int
        As for `chunk_masks`.
    layouts : int
        How often the cards are dealt, at least once. More layouts begin with those of fewer.

    Returns
    -------
    ndarray of uint64, shape (size, layouts, 4)
        The first layout is the deal of `chunk_masks`.
    """
    masks = np.repeat(chunk_masks(seed, chunk, size)[:, None], layouts, axis=1)
    if layouts == 1:
        return masks
    for row in range(len(masks)):
        north, _, south, _ = masks[row, 0].tolist()
        sequence = np.random.SeedSequence(seed, spawn_key=(chunk, row))
        masks[row, 1:] = random_masks(layouts - 1, sequence, fixed={Seat.N: north, Seat.S: south})
    return masks


def shard_path(out: PathLike, shard: int) -> Path:
    """Name the file of a shard: ``deals.parquet`` becomes ``deals_0007.parquet``."""
    out = Path(out)
    return out.with_name(f"{out.stem}_{shard:04d}{out.suffix}")


def label_shards(
    out: PathLike,
    deals: int,
    seed: int,
    shard_size: int,
    shards: Sequence[int] | None = None,
    progress: bool = True,
    **options: Any,
) -> list[Path]:
    """Label the deals of one seed into several files.

    Every shard is a file as `label_deals` makes it, with the number of its first deal in the
    metadata; together the shards have the deals that one file would. Shards that are already there
    are kept, so a run may be cut short at any moment and another may go on, later or elsewhere.
    The shards are filled in their order, but the next is begun before the last is finished.

    Parameters
    ----------
    out : path
        ``deals.parquet`` gives the files ``deals_0000.parquet``, ``deals_0001.parquet``, ...
    deals : int
        How many deals in all; the last shard may be short of `shard_size`.
    seed : int
        Which deals.
    shard_size : int
        Deals in a file, a multiple of `CHUNK`.
    shards : sequence of int, optional
        Only these, from 0; all by default.
    progress : bool, default True
        Show tables per second and the time left on standard error.
    **options
        `workers`, `layouts`, `strains`, `backend` and `address` of `label_deals`.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ValueError
        If `shard_size` is no multiple of `CHUNK` or a shard has no such number; else as
        `label_deals`.
    """
    if deals < 1:
        raise ValueError(f"cannot label {deals} deals, expected at least 1")
    if shard_size < 1 or shard_size % CHUNK:
        raise ValueError(f"shard size {shard_size} is not a positive multiple of {CHUNK}")
    count = -(-deals // shard_size)
    for shard in shards or ():
        if not 0 <= shard < count:
            raise ValueError(
                f"no shard {shard}: {deals} deals in shards of {shard_size} are 0 to {count - 1}"
            )
    jobs = [
        (shard_path(out, shard), min(shard_size, deals - shard * shard_size), shard * shard_size)
        for shard in (range(count) if shards is None else dict.fromkeys(shards))
    ]
    return _label(Path(out).name, jobs, seed, progress=progress, **options)


def label_deals(
    out: PathLike,
    deals: int,
    seed: int,
    workers: int | None = None,
    progress: bool = True,
    *,
    first: int = 0,
    layouts: int = 0,
    strains: Iterable[Strain] = tuple(Strain),
    backend: str = "threads",
    address: str | None = None,
) -> Path:
    """Deal at random, solve every deal, and write the labelled deals as a Parquet file.

    Run it again after an interruption of any kind, and it resumes where it stopped. If `out` is
    already there with the same settings nothing is done. The same settings give the same bytes,
    wherever the solving is done.

    Parameters
    ----------
    out : path
        The Parquet file to write; work in progress is kept beside it, in the folder
        ``OUT.partial``.
    deals : int
        How many deals, or pairs of hands. The first deals of a longer run are those of a shorter
        one.
    seed : int
        Which deals.
    workers : int, optional
        Threads of the solver, or processes; all processors by default. A cluster at `address` has
        its own number.
    progress : bool, default True
        Show tables per second and the time left on standard error.
    first : int, default 0
        Begin with this deal of the seed's, a multiple of `CHUNK`.
    layouts : int, default 0
        0 for labelled deals (`bridgevec.records.write_deals`); else pairs of hands, each with so
        many layouts of the other cards (`bridgevec.records.write_pairs`).
    strains : iterable of Strain, optional
        Solve labelled deals in these alone. Training takes such files beside others; whoever needs
        whole tables refuses them.
    backend : str, default "threads"
        One of `BACKENDS`.
    address : str, optional
        Of the cluster's scheduler, as Dask's ``Client`` or ``ray.init`` takes it; without one
        they start a cluster on this machine.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    ValueError
        If an argument is out of range, `out` or its folder of work in progress has other settings
        (deals, seed, layouts, strains, solver version), or a worker of the cluster has another
        solver.
    OSError
        If `out` cannot be written, or there is no cluster at `address`.
    """
    out = Path(out)
    return _label(
        out.name,
        [(out, deals, first)],
        seed,
        workers,
        progress,
        layouts=layouts,
        strains=strains,
        backend=backend,
        address=address,
    )[0]


class Task(NamedTuple):
    """What a worker receives: which deals to solve."""

    seed: int
    first: int
    """The first chunk."""
    deals: int
    """From the first deal of that chunk on."""
    chunk: int
    """Deals in a chunk, `CHUNK` where the task comes from."""
    layouts: int
    """Of each deal; 0 for whole deals."""
    strains: tuple[Strain, ...]
    solver: str
    """The version that must solve them."""

    def layouts_masks(self) -> NDArray[np.uint64]:
        """Deal them, shape (deals, layouts or 1, 4)."""
        chunks = range(self.first, self.first - (-self.deals // self.chunk))
        parts = [chunk_layouts(self.seed, i, self.layouts or 1, self.chunk) for i in chunks]
        return np.concatenate(parts)[: self.deals]

    def labels(self, tables: NDArray[np.int8]) -> NDArray[np.int8] | NDArray[np.int16]:
        """Make what is written of the tables (deals, layouts or 1, 5, 4)."""
        return count_tricks(tables) if self.layouts else tables[:, 0]


def solve_task(task: Task) -> NDArray[np.int8] | NDArray[np.int16]:
    """Deal and solve on one core, maybe of another machine.

    Returns
    -------
    ndarray of int8, shape (deals, 5, 4), or of int16, shape (deals, 2, 5, 14)
        Trick tables or, with layouts, the counts of `count_tricks`.

    Raises
    ------
    ValueError
        If this machine has another version of the solver.
    """
    if task.solver != SOLVER_VERSION:
        raise ValueError(
            f"a worker has version {SOLVER_VERSION} of the solver, not {task.solver}; "
            "install the same bridgevec everywhere"
        )
    masks = task.layouts_masks()
    tables = solve_tables(masks.reshape(-1, 4), 1, strains=task.strains)
    return task.labels(tables.reshape(*masks.shape[:2], 5, 4))


@dataclasses.dataclass(eq=False)
class _Shard:
    """A file in work: what it will be, and which tasks it waits for."""

    out: Path
    settings: dict[str, str]
    tasks: list[Task]
    missing: set[Task] = dataclasses.field(default_factory=set)
    lock: contextlib.ExitStack = dataclasses.field(default_factory=contextlib.ExitStack)

    @property
    def work(self) -> Path:
        target = Path(os.path.realpath(self.out))
        return target.with_name(target.name + ".partial")

    @property
    def pairs(self) -> bool:
        return "pairs" in self.settings

    def part(self, task: Task) -> Path:
        """Name the file of a finished task by its first chunk in the shard."""
        return self.work / f"{task.first - self.tasks[0].first:07d}.parquet"

    def open(self) -> None:
        """Take the lock and see what there is; `missing` is what is to be done."""
        self.lock.enter_context(locked(self.out))
        if self.out.exists():
            rows, found = (records.pairs_info if self.pairs else records.deals_info)(self.out)
            _check_settings(self.out, found, self.settings)
            deals = sum(task.deals for task in self.tasks)
            if rows != deals:
                raise ValueError(f"{self.out} has {rows} rows, its settings say {deals}")
            _remove(self.work, self._work_settings())
            return
        _open_work(self.work, self._work_settings())
        self.missing = {task for task in self.tasks if not self.part(task).exists()}

    def _work_settings(self) -> dict[str, str]:
        return self.settings | {"chunks a file": str(-(-self.tasks[0].deals // CHUNK))}

    def keep(self, task: Task, labels: NDArray[Any]) -> None:
        """Write what a task has found."""
        told = {**self.settings, "chunk": str(task.first - self.tasks[0].first)}
        hands = task.layouts_masks()[:, 0]
        self._write(self.part(task), hands[:, [0, 2]] if self.pairs else hands, labels, told)
        self.missing.remove(task)

    def _write(
        self, path: Path, masks: NDArray[Any], labels: NDArray[Any], told: dict[str, str]
    ) -> None:
        write = records.write_pairs if self.pairs else records.write_deals
        write(path, masks, labels, told)

    def close(self) -> None:
        """Write the file, unless it is there, remove the work in progress and the lock."""
        if not self.out.exists():
            files = [self.part(task) for task in self.tasks]
            hands: NDArray[Any]
            labels: NDArray[Any]
            if self.pairs:
                hands, labels = records.read_pairs(files)
            else:
                hands, labels = records.read_deals(files, partial=True)
            # In the folder first, which goes with whatever a kill leaves half written there.
            whole = self.work / "whole.parquet"
            self._write(whole, hands, labels, self.settings)
            os.replace(whole, os.path.realpath(self.out))
            _remove(self.work, self._work_settings())
        self.lock.close()


def _label(
    name: str,
    jobs: Sequence[tuple[Path, int, int]],
    seed: int,
    workers: int | None = None,
    progress: bool = True,
    *,
    layouts: int = 0,
    strains: Iterable[Strain] = tuple(Strain),
    backend: str = "threads",
    address: str | None = None,
) -> list[Path]:
    """Label files, each with its number of deals and its first deal, see `label_deals`."""
    require("pyarrow")  # now, not after the work
    if seed < 0:
        raise ValueError(f"seed {seed} is negative")
    if layouts not in range(1 << 15):
        raise ValueError(f"layouts is {layouts}, expected 0 to {(1 << 15) - 1}")
    for _, deals, first in jobs:
        if deals < 1:
            raise ValueError(f"cannot label {deals} deals, expected at least 1")
        if first < 0 or first % CHUNK:
            raise ValueError(f"first deal {first} is not a multiple of {CHUNK}")
    if backend not in BACKENDS:
        raise ValueError(f"no backend {backend!r}, expected one of {', '.join(BACKENDS)}")
    wanted = tuple(sorted({Strain.parse(strain) for strain in strains}))
    if not wanted:
        raise ValueError("no strains to label")
    if layouts and len(wanted) < len(Strain):
        raise ValueError("pairs with layouts are labelled in all strains")
    if address is not None and backend not in ("dask", "ray"):
        raise ValueError(f"backend {backend!r} takes no address; dask and ray do")
    place: dict[Task, _Shard] = {}
    with (
        tqdm(
            total=max(layouts, 1) * sum(deals for _, deals, _ in jobs),
            desc=name,
            unit=" tables",
            disable=not progress,
        ) as bar,
        contextlib.ExitStack() as locks,
    ):

        def missing() -> Iterator[Task]:
            for out, deals, first in jobs:
                shard = _Shard(out, *_plan(seed, deals, first, layouts, wanted))
                locks.callback(shard.lock.close)
                shard.open()
                if progress:  # and the bar's speed is that of this run alone
                    done = max(layouts, 1) * (deals - sum(task.deals for task in shard.missing))
                    bar.initial += done
                    bar.update(done)
                if not shard.missing:
                    shard.close()
                for task in shard.tasks:
                    if task in shard.missing:
                        place[task] = shard
                        yield task

        # No cluster is asked if there is nothing to do.
        stream = missing()
        begin = list(itertools.islice(stream, 1))
        window = min(WINDOW, _SHARDS_AT_A_TIME * max(-(-n // task_size(n)) for _, n, _ in jobs))
        everything = itertools.chain(begin, stream)
        solved = _solve(everything, wanted, window, workers, backend, address)
        for task, labels in solved if begin else ():
            shard = place.pop(task)
            shard.keep(task, labels)
            bar.update(max(layouts, 1) * task.deals)
            if not shard.missing:
                shard.close()
    return [out for out, _, _ in jobs]


def _plan(
    seed: int, deals: int, first: int, layouts: int, strains: tuple[Strain, ...]
) -> tuple[dict[str, str], list[Task]]:
    """Return the settings that a file has, and the tasks that make it."""
    settings = {("pairs" if layouts else "deals"): str(deals)}
    if layouts:
        settings["layouts"] = str(layouts)
    if first:
        settings["first"] = str(first)
    settings |= {"seed": str(seed), "solver": SOLVER_VERSION}
    if len(strains) < len(Strain):
        settings["strains"] = " ".join(strain.name for strain in strains)
    size = task_size(deals)
    tasks = [
        Task(
            seed,
            (first + start) // CHUNK,
            min(size, deals - start),
            CHUNK,
            layouts,
            strains,
            SOLVER_VERSION,
        )
        for start in range(0, deals, size)
    ]
    return settings, tasks


def task_size(deals: int) -> int:
    """Return how many deals a task of a file has: a chunk's, more from `TASKS` chunks on.

    Examples
    --------
    >>> task_size(20_000), task_size(1_000_000)
    (50, 500)
    """
    return CHUNK * max(1, deals // (CHUNK * TASKS))


def _solve(
    tasks: Iterable[Task],
    strains: tuple[Strain, ...],
    window: int,
    workers: int | None,
    backend: str,
    address: str | None,
) -> Iterator[tuple[Task, NDArray[Any]]]:
    """Yield every task with its labels, in any order."""
    if backend == "threads":
        yield from _solve_here(tasks, strains, workers)
        return
    cluster: Cluster
    if backend == "dask":
        cluster = Dask(address, workers)
    elif backend == "ray":
        cluster = Ray(address, workers)
    else:
        cluster = Loky(workers)
    with cluster:
        yield from run_on_cluster(cluster, solve_task, tasks, window)


def _solve_here(
    tasks: Iterable[Task], strains: tuple[Strain, ...], workers: int | None
) -> Iterator[tuple[Task, NDArray[Any]]]:
    """Solve with threads, which begin with a task's first deals before the task before is done."""
    begun: deque[tuple[Task, tuple[int, int]]] = deque()

    def deals() -> Iterator[NDArray[np.uint64]]:
        for task in tasks:
            masks = task.layouts_masks()
            begun.append((task, masks.shape[:2]))
            yield from masks.reshape(-1, 4)

    with contextlib.closing(iter_tables(deals(), workers, strains=strains)) as tables:
        for table in tables:
            task, (rows, layouts) = begun.popleft()
            more = itertools.islice(tables, rows * layouts - 1)
            yield task, task.labels(np.stack([table, *more]).reshape(rows, layouts, 5, 4))


def count_tricks(tables: NDArray[np.int8]) -> NDArray[np.int16]:
    """Count how often each number of tricks is taken by North and by South.

    Parameters
    ----------
    tables : ndarray of int8, shape (n, layouts, 5, 4)
        Trick tables of pairs of hands.

    Returns
    -------
    ndarray of int16, shape (n, 2, 5, 14)
        As `bridgevec.records.write_pairs` takes them.
    """
    taken = tables[..., [0, 2], None] == np.arange(14, dtype=np.int8)
    counts: NDArray[np.int16] = taken.sum(axis=1, dtype=np.int16).swapaxes(1, 2)
    return counts


_UNSAID = {
    "first": "0",
    "strains": " ".join(strain.name for strain in Strain),
    "chunks a file": "1",
}
"""Settings that are written only if they are others."""


def _open_work(work: Path, settings: dict[str, str]) -> None:
    """Make the folder of work in progress, or check that the one there is for `settings`."""
    work.mkdir(exist_ok=True)
    file = work / "settings.json"
    if file.exists():
        _check_settings(work, json.loads(file.read_text()), settings)
    elif any(work.glob("*.parquet")):
        raise ValueError(f"{work} has chunks but no settings.json; move it away to start afresh")
    else:
        write_text(file, json.dumps(settings))


def _check_settings(path: Path, found: dict[str, str], settings: dict[str, str]) -> None:
    found = _UNSAID | found
    for key, value in (_UNSAID | settings).items():
        if found.get(key) != value:
            raise ValueError(
                f"{path} has {key} {found.get(key, 'unknown')}, not {value}; "
                "move it away or choose another name"
            )


def _remove(work: Path, settings: dict[str, str]) -> None:
    """Remove the folder of work in progress, its settings last, lest a kill leave it nameless."""
    if work.exists():
        _open_work(work, settings)
        for file in work.glob("*.parquet*"):
            file.unlink()
        shutil.rmtree(work)
