"""Label random deals with their double-dummy trick tables; stop and go on at any moment.

The deals come in chunks of `CHUNK`, each from its own seed, ``SeedSequence(seed,
spawn_key=(chunk,))``, so the result depends on neither the number of workers nor on
interruptions. A finished chunk is a file of its own in the folder ``OUT.partial``; when all are
there they become OUT and the folder goes.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec.cards import random_masks
from bridgevec.dds import SOLVER_VERSION, solve_tables
from bridgevec.records import PathLike, deals_info, read_deals, write_deals

CHUNK = 50
"""Deals in a chunk. Part of how deals follow from the seed: another value, other deals."""


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


def label_deals(
    out: PathLike,
    deals: int,
    seed: int,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Deal at random, solve every deal, and write the labelled deals as a Parquet file.

    Run it again after an interruption of any kind and it goes on where it stood. If `out` is
    already there with the same settings nothing is done. The same settings give the same bytes.

    Parameters
    ----------
    out : path
        The Parquet file to write; work in progress is kept beside it, in the folder
        ``OUT.partial``.
    deals : int
        How many deals. The first deals of a longer run are those of a shorter one.
    seed : int
        Which deals.
    workers : int, optional
        Threads of the solver; all processors by default.
    progress : bool, default True
        Show tables per second and the time left on standard error.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    ValueError
        If `deals` or `seed` is out of range, or `out` or its folder of work in progress has other
        settings (deals, seed, solver version).
    OSError
        If `out` cannot be written.
    """
    import pyarrow  # noqa: F401 - if it is missing, say so before the work, not after

    if deals < 1:
        raise ValueError(f"cannot label {deals} deals, expected at least 1")
    if seed < 0:
        raise ValueError(f"seed {seed} is negative")
    out = Path(out)
    work = out.with_name(out.name + ".partial")
    settings = {"deals": str(deals), "seed": str(seed), "solver": SOLVER_VERSION}
    if out.exists():
        rows, found = deals_info(out)
        _check_settings(out, found, settings)
        if rows != deals:
            raise ValueError(f"{out} has {rows} deals, its settings say {deals}")
        _remove(work, settings)
        return out

    _open_work(work, settings)
    files = [work / f"{chunk:07d}.parquet" for chunk in range(-(-deals // CHUNK))]
    missing = [chunk for chunk, file in enumerate(files) if not file.exists()]
    left = sum(min(CHUNK, deals - CHUNK * chunk) for chunk in missing)
    with tqdm(total=deals, initial=deals - left, unit=" tables", disable=not progress) as bar:
        for chunk in missing:
            masks = chunk_masks(seed, chunk)[: deals - CHUNK * chunk]
            tables = solve_tables(masks, workers=workers)
            write_deals(files[chunk], masks, tables, {**settings, "chunk": str(chunk)})
            bar.update(len(masks))
    write_deals(out, *read_deals(files), settings)
    _remove(work, settings)
    return out


def _open_work(work: Path, settings: dict[str, str]) -> None:
    """Make the folder of work in progress, or check that the one there is for `settings`."""
    work.mkdir(exist_ok=True)
    file = work / "settings.json"
    if file.exists():
        _check_settings(work, json.loads(file.read_text()), settings)
    elif any(work.glob("*.parquet")):
        raise ValueError(f"{work} has chunks but no settings.json; move it away to start afresh")
    else:
        temporary = work / "settings.json.tmp"
        temporary.write_text(json.dumps(settings))
        os.replace(temporary, file)


def _check_settings(path: Path, found: dict[str, str], settings: dict[str, str]) -> None:
    for key, value in settings.items():
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
