"""Label random deals with their double-dummy trick tables; stop and go on at any moment.

The deals come in chunks of `CHUNK`, each from its own seed, ``SeedSequence(seed,
spawn_key=(chunk,))``, so the result depends on neither the number of workers nor on
interruptions. A finished chunk is a file of its own in the folder ``OUT.partial``; when all are
there they become OUT and the folder goes.

With layouts, the unit is not a deal but a pair of hands, North's and South's: the other 26 cards
are dealt to East and West several times, first as in the deal itself, and the label is how often
each number of tricks was taken. So the labels of the BridgeHand2Vec paper (arXiv:2310.06624) were
made, which kept only the means.

A long run is best cut into shards, files that each hold a part of the same deals and are made one
after the other. The processor's cores do the solving, or, through joblib, a cluster of Dask or Ray.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec import records
from bridgevec.cards import Seat, Strain, random_masks
from bridgevec.dds import SOLVER_VERSION, solve_tables
from bridgevec.files import locked, write_text
from bridgevec.records import PathLike

CHUNK = 50
"""Deals in a chunk. Part of how deals follow from the seed: another value, other deals."""
BACKENDS = ("threads", "loky", "dask", "ray")
"""Where the solving is done; all but the first through joblib: loky is processes."""


def chunk_masks(seed: int, chunk: int) -> NDArray[np.uint64]:
    """Deal one chunk.

    Parameters
    ----------
    seed : int
    chunk : int
        Number of the chunk, from 0.

    Returns
    -------
    ndarray of uint64, shape (CHUNK, 4)
    """
    return random_masks(CHUNK, np.random.SeedSequence(seed, spawn_key=(chunk,)))


def chunk_layouts(seed: int, chunk: int, layouts: int) -> NDArray[np.uint64]:
    """Deal one chunk, and the cards of East and West in every deal several times.

    Parameters
    ----------
    seed, chunk : int
        As for `chunk_masks`.
    layouts : int
        How often the cards are dealt, at least once. More layouts begin with those of fewer.

    Returns
    -------
    ndarray of uint64, shape (CHUNK, layouts, 4)
        The first layout is the deal of `chunk_masks`.
    """
    masks = np.repeat(chunk_masks(seed, chunk)[:, None], layouts, axis=1)
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
    """Label the deals of one seed into several files, one after the other.

    Every shard is a file of its own that `label_deals` makes, with the number of its first deal in
    the metadata; together the shards have the deals that one file would. Shards that are already
    there are kept, so a run may be cut short at any moment and another may go on, later or
    elsewhere.

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
        Show a bar for each shard on standard error.
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
    if shard_size < 1 or shard_size % CHUNK:
        raise ValueError(f"shard size {shard_size} is not a positive multiple of {CHUNK}")
    count = -(-deals // shard_size)
    for shard in shards or ():
        if not 0 <= shard < count:
            raise ValueError(
                f"no shard {shard}: {deals} deals in shards of {shard_size} are 0 to {count - 1}"
            )
    return [
        label_deals(
            shard_path(out, shard),
            min(shard_size, deals - shard * shard_size),
            seed,
            first=shard * shard_size,
            progress=progress,
            **options,
        )
        for shard in (range(count) if shards is None else shards)
    ]


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

    Run it again after an interruption of any kind and it goes on where it stood. If `out` is
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
        Threads of the solver, or processes; all processors by default. A cluster decides itself.
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
    import pyarrow  # noqa: F401 - if it is missing, say so before the work, not after

    if deals < 1:
        raise ValueError(f"cannot label {deals} deals, expected at least 1")
    if seed < 0:
        raise ValueError(f"seed {seed} is negative")
    if layouts not in range(1 << 15):
        raise ValueError(f"layouts is {layouts}, expected 0 to {(1 << 15) - 1}")
    if first < 0 or first % CHUNK:
        raise ValueError(f"first deal {first} is not a multiple of {CHUNK}")
    if backend not in BACKENDS:
        raise ValueError(f"no backend {backend!r}, expected one of {', '.join(BACKENDS)}")
    wanted = sorted({Strain.parse(strain) for strain in strains})
    if not wanted:
        raise ValueError("no strains to label")
    if layouts and len(wanted) < len(Strain):
        raise ValueError("pairs with layouts are labelled in all strains")
    if address is not None and backend not in ("dask", "ray"):
        raise ValueError(f"backend {backend!r} takes no address; dask and ray do")
    out = Path(out)
    work = out.with_name(out.name + ".partial")
    settings = {("pairs" if layouts else "deals"): str(deals)}
    if layouts:
        settings["layouts"] = str(layouts)
    if first:
        settings["first"] = str(first)
    settings |= {"seed": str(seed), "solver": SOLVER_VERSION}
    if len(wanted) < len(Strain):
        settings["strains"] = " ".join(strain.name for strain in wanted)
    read: Callable[..., tuple[NDArray[Any], NDArray[Any]]]
    write: Callable[..., Path]
    info: Callable[..., tuple[int, dict[str, str]]]
    if layouts:
        read, write, info = records.read_pairs, records.write_pairs, records.pairs_info
    else:
        read = partial(records.read_deals, partial=True)
        write, info = records.write_deals, records.deals_info
    with locked(out):
        if out.exists():
            rows, found = info(out)
            _check_settings(out, found, settings)
            if rows != deals:
                raise ValueError(f"{out} has {rows} rows, its settings say {deals}")
            _remove(work, settings)
            return out

        _open_work(work, settings)
        files = [work / f"{chunk:07d}.parquet" for chunk in range(-(-deals // CHUNK))]
        missing = [chunk for chunk, file in enumerate(files) if not file.exists()]
        sizes = [min(CHUNK, deals - CHUNK * chunk) for chunk in range(len(files))]
        each = max(layouts, 1)
        dealt = (
            (chunk, chunk_layouts(seed, first // CHUNK + chunk, each)[: sizes[chunk]])
            for chunk in missing
        )
        done = deals - sum(sizes[chunk] for chunk in missing)
        with tqdm(
            total=each * deals,
            initial=each * done,
            desc=out.name,
            unit=" tables",
            disable=not progress,
        ) as bar:
            for chunk, masks, tables in _solve_chunks(
                dealt, each, wanted, workers, backend, address
            ):
                told = {**settings, "chunk": str(chunk)}
                if layouts:
                    write(files[chunk], masks[:, 0, [0, 2]], count_tricks(tables), told)
                else:
                    write(files[chunk], masks[:, 0], tables[:, 0], told)
                bar.update(each * len(masks))
        pairs_or_deals, labels = read(files)
        write(out, pairs_or_deals, labels, settings)
        _remove(work, settings)
        return out


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


_UNSAID = {"first": "0", "strains": " ".join(strain.name for strain in Strain)}
"""Settings that are written only if they are others."""
_Chunk: TypeAlias = tuple[int, NDArray[np.uint64]]
_Solved: TypeAlias = tuple[int, NDArray[np.uint64], NDArray[np.int8]]


def _solve_chunks(
    chunks: Iterable[_Chunk],
    layouts: int,
    strains: list[Strain],
    workers: int | None,
    backend: str,
    address: str | None,
) -> Iterator[_Solved]:
    """Give every chunk back with its tables (n, layouts, 5, 4), in any order."""
    if backend == "threads":
        # As many chunks at a time as keep the threads busy, so that they seldom wait at the end.
        together = -(-(workers or os.cpu_count() or 1) // layouts)
        chunks = iter(chunks)
        while batch := list(itertools.islice(chunks, together)):
            masks = np.concatenate([masks for _, masks in batch])
            tables = _solve(masks, workers, strains)
            ends = np.cumsum([len(masks) for _, masks in batch])[:-1]
            for (chunk, masks), part in zip(batch, np.split(tables, ends), strict=True):
                yield chunk, masks, part
        return

    from joblib import Parallel, delayed, effective_n_jobs

    tasks = (delayed(_solve_chunk)(*chunk, strains, SOLVER_VERSION) for chunk in chunks)
    with _joblib_backend(backend, address):
        if backend != "ray":
            parallel = Parallel(n_jobs=workers or -1, batch_size=1, return_as="generator_unordered")
            yield from parallel(tasks)
            return
        # Ray's backend gives results back only when it has all.
        together = 4 * effective_n_jobs(workers or -1)
        while some := list(itertools.islice(tasks, together)):
            yield from Parallel(n_jobs=workers or -1, batch_size=1)(some)


def _solve(
    masks: NDArray[np.uint64], workers: int | None, strains: list[Strain]
) -> NDArray[np.int8]:
    """Solve layouts (n, layouts, 4)."""
    tables = solve_tables(masks.reshape(-1, 4), workers, strains=strains)
    return tables.reshape(*masks.shape[:2], 5, 4)


def _solve_chunk(
    chunk: int, masks: NDArray[np.uint64], strains: list[Strain], version: str
) -> _Solved:
    """Solve one chunk on one core, maybe of another machine."""
    if version != SOLVER_VERSION:
        raise ValueError(
            f"a worker has version {SOLVER_VERSION} of the solver, not {version}; "
            "install the same bridgevec everywhere"
        )
    return chunk, masks, _solve(masks, 1, strains)


@contextmanager
def _joblib_backend(backend: str, address: str | None) -> Iterator[None]:
    """Connect to a cluster, or start one here, and make it joblib's choice for a while."""
    from joblib import parallel_config

    if backend == "dask":
        from distributed import Client

        with Client(address) as client, parallel_config("dask", client=client):
            yield
    elif backend == "ray":
        import ray
        from ray.util.joblib import register_ray

        with ray.init(address=address):
            register_ray()
            with parallel_config("ray"):
                yield
    else:
        with parallel_config(backend):
            yield


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
