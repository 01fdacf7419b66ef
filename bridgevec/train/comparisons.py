r"""Compare a bidder's calls with others: ``bridgevec train comparisons``.

A bidder bids deals by chance, with its probabilities. Then some positions are bid to the end twice,
once after the call that it likes best and once after another one, everybody making the likeliest
calls from there on: a duplicate board, one call apart (the "vine" of Schulman et al., "Trust region
policy optimization", 2015). The folder of the results is what ``bridgevec train
bidder-advantages`` learns from. Seeds are independent, so several machines may share the work::

    bridgevec train comparisons --bidder default --deals train.parquet --seed 1 --out first
    bridgevec train comparisons --bidder default --deals train.parquet --seed 2 --out second
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from tqdm import tqdm

from bridgevec.files import replacing
from bridgevec.train.bidder_net import load_network
from bridgevec.train.checkpoint import command_line
from bridgevec.train.loop import check_at_least_one, is_mixed
from bridgevec.train.rollouts import continued
from bridgevec.train.tables import TableOptions, Tables

_TOGETHER = 40
"""Iterations whose comparisons are written to one file."""


class Comparisons(NamedTuple):
    """Calls compared with the likeliest ones, `n` of them.

    Attributes
    ----------
    features : ndarray of int16, shape (n, 64)
        What the bidder saw besides its hand's vector.
    hands : ndarray of uint64, shape (n,)
        Masks.
    call, best : ndarray of int8, shape (n,)
        The call, and the one that the bidder likes best.
    swing : ndarray of float32, shape (n,)
        What the call won over the best, in IMPs.
    share : ndarray of float32, shape (n,)
        How much the deal counts, see `bridgevec.train.tables.Compared`.
    """

    features: NDArray[np.int16]
    hands: NDArray[np.uint64]
    call: NDArray[np.int8]
    best: NDArray[np.int8]
    swing: NDArray[np.float32]
    share: NDArray[np.float32]


@dataclass(kw_only=True)
class ComparisonsConfig(TableOptions):
    """Options of `compare_calls`."""

    out: Annotated[str, "A folder for the files; those that are there already are kept."] = (
        "comparisons"
    )
    bidder: Annotated[str, "Whose calls, a shipped name or a file."] = "default"
    anchor: Annotated[str, "Who else sits at some of the tables."] = "imitation"
    num_iterations: Annotated[
        int, f"How often to play. Every {_TOGETHER} iterations make a file."
    ] = 400
    num_envs: int = 4096
    rollouts: int = 14_000
    precision: Annotated[
        str, "float32, or bfloat16: networks multiply in 16 bits, which some processors do faster."
    ] = "float32"
    seed: Annotated[int, "Of deals and calls."] = 0


def compare_calls(config: ComparisonsConfig, progress: bool = True) -> Path:
    """Bid, compare, and write files.

    Parameters
    ----------
    config : ComparisonsConfig
    progress : bool, default True
        Show a progress bar.

    Returns
    -------
    Path
        The folder. What it has already is not made again.

    Raises
    ------
    ValueError
        If an option is out of range, or the folder has files made with other options.
    FileNotFoundError
        If there are no such deals or weights.
    """
    check_at_least_one(config, "num_iterations")
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    options = asdict(config)
    for name in ("out", "num_iterations"):  # these do not change what is in a file
        del options[name]
    made = json.dumps(options)
    todo = []
    for number, first in enumerate(range(0, config.num_iterations, _TOGETHER)):
        path = out / f"{number:04d}.safetensors"
        rows = range(first, min(first + _TOGETHER, config.num_iterations))
        about = _about(path) if path.exists() else {"options": made, "iterations": "0"}
        if about.get("options") != made:
            raise ValueError(f"{path} was made with other options; choose another folder")
        # The last file of a shorter run is made again: it begins with the same comparisons.
        if int(about["iterations"]) < len(rows):
            command = command_line("comparisons", config)
            about = {"options": made, "iterations": str(len(rows)), "command": command}
            todo.append((path, rows, about))
    if not todo:
        return out
    torch.set_num_threads(1)
    generator = np.random.default_rng([config.seed, 1])
    tables = Tables(config, generator, 1)
    learner, anchor = load_network(config.bidder), load_network(config.anchor)
    rivals = [anchor, *map(load_network, config.rivals)]
    mixed = is_mixed(config.precision, torch.device("cpu"))
    with tqdm(
        total=sum(len(rows) for _, rows, _ in todo), unit="iteration", disable=not progress
    ) as bar:
        for path, rows, about in todo:
            parts = []
            for row in rows:
                random = np.random.default_rng([config.seed, 7, row])
                found = tables.compare(learner, anchor, [learner], rivals, random, mixed)
                position, positions = found.position, found.positions
                hands = found.here.masks[positions.table[position], found.seat]
                parts.append(
                    Comparisons(
                        learner.input.features(
                            hands,
                            continued(positions.tables[position]),
                            found.here.vulnerable[positions.table[position]],
                        ),
                        hands,
                        found.call.astype(np.int8),
                        positions.chances.argmax(axis=1)[position].astype(np.int8),
                        found.swing.astype(np.float32),
                        found.share.astype(np.float32),
                    )
                )
                bar.update()
            columns = Comparisons(*map(np.concatenate, zip(*parts, strict=True)))
            with replacing(path) as file:
                file.write(save(columns._asdict(), about))
    return out


def comparison_files(folders: Sequence[str]) -> list[Path]:
    """List the files that `compare_calls` has written to folders.

    Raises
    ------
    FileNotFoundError
        If a folder has no files.
    """
    found = []
    for folder in folders:
        paths = sorted(Path(folder).glob("*.safetensors"))
        if not paths:
            raise FileNotFoundError(f"{folder} has no comparisons")
        found += paths
    return found


def read_comparisons(path: Path) -> Comparisons:
    """Read a file that `compare_calls` has written.

    Raises
    ------
    ValueError
        If it is not one of comparisons.
    """
    with _opened(path) as file:
        return Comparisons(*map(file.get_tensor, Comparisons._fields))


def count_comparisons(path: Path) -> int:
    """Count the comparisons of a file, see `read_comparisons`."""
    with _opened(path) as file:
        return int(file.get_slice("call").get_shape()[0])


def comparison_commands(folders: Sequence[str]) -> list[str]:
    """List the commands that made the files of folders, for a model card."""
    made = (_about(path).get("command", "") for path in comparison_files(folders))
    return list(dict.fromkeys(made))


def _about(path: Path) -> dict[str, str]:
    """Read with which options a file was made."""
    with _opened(path) as file:
        return file.metadata() or {}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file of comparisons; what is wrong with it is a ValueError that names it."""
    try:
        with safe_open(path, "numpy") as file:
            yield file
    except SafetensorError as error:
        raise ValueError(f"{path}: no comparisons: {error}") from None
