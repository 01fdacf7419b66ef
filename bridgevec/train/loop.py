"""One training loop for all models.

A recipe (`Recipe`) says what is particular to a model: its data, its loss and its evaluation.
`fit` does the rest, the same for all: device, precision, compilation, processes, optimizer steps,
the moving average of the weights, log, learning curve, checkpoints, resuming, weights and card.

What a training draws at random depends on its seed and on how far it has come, or stands in its
checkpoint. So a training that was stopped and resumed ends with the weights of one that was not,
bit for bit on a CPU.
"""

from __future__ import annotations

import contextlib
import copy
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.optim import Optimizer
from tqdm import tqdm

from bridgevec.files import locked
from bridgevec.train.checkpoint import (
    Row,
    command_line,
    deciding_arguments,
    draw_log,
    load_checkpoint,
    refuse_finished,
    save_checkpoint,
    tensorboard_writer,
    write_log,
)
from bridgevec.train.optim import move_average

# Options that others than `Options` have, too.
Seed = Annotated[int, "Seed of everything random."]
DeviceName = Annotated[
    str, "auto (a GPU if there is one), or a device as PyTorch names it, such as cuda:1."
]
Precision = Annotated[
    str,
    "float32 (with TensorFloat-32 products on a GPU), bfloat16 (mixed precision: products in "
    "16 bits, the rest in 32), or auto (mixed on a GPU).",
]
Provenance = Annotated[str, "Where the data came from, for the model card."]


@dataclass(kw_only=True)
class Options:
    """Options of every training. The command line shows them with these texts."""

    out: Annotated[
        str,
        "Write the weights here, name.safetensors. Beside them: the model card name.json, the "
        "log name.csv, the learning curve name.png, and, until the end, the checkpoint.",
    ] = "model.safetensors"
    ema_decay: Annotated[
        float, "The weights written are an exponential moving average with this decay."
    ] = 0.998
    seed: Seed = 0
    device: DeviceName = "auto"
    precision: Precision = "float32"
    compile: Annotated[
        bool,
        "Let PyTorch compile the network first. This takes a minute and needs a C++ compiler; "
        "results may round differently.",
    ] = False
    threads: Annotated[
        int, "CPU threads of PyTorch; 0 for its default. Other numbers may round differently."
    ] = 1
    resume: Annotated[
        bool,
        "Continue from the checkpoint, if there is one. On a CPU, the result is the same as "
        "without interruption, bit for bit. A finished training is not changed.",
    ] = False
    tensorboard: Annotated[
        str, "Folder for TensorBoard event files. Needs the package tensorboard."
    ] = ""
    provenance: Provenance = ""

    paths: ClassVar[frozenset[str]] = frozenset()
    """Options that name files or folders: a training may be resumed after they were moved."""


Config = TypeVar("Config", bound=Options)


@dataclass(frozen=True)
class Machine:
    """What a training runs on.

    Attributes
    ----------
    device : torch.device
    mixed : bool
        Whether networks multiply in bfloat16.
    rank, processes : int
        The number of this process, from 0, and how many there are.
    """

    device: torch.device
    mixed: bool
    rank: int
    processes: int

    def autocast(self) -> torch.autocast:
        """Multiply in 16 bits for a while, if the training is to."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed)


class Recipe(ABC, Generic[Config]):
    """What one training has of its own.

    A training is a number of rows, as its log has them: epochs over data, or rounds of playing and
    learning. Each row is a number of optimizer steps. The constructor of a recipe reads the data;
    `build` makes the networks.

    Attributes
    ----------
    rows : int
        How many.
    steps : int or None
        Optimizer steps in all, if that is known beforehand.
    model : Module
        What is trained; its moving average is what is written.
    optimizers : list of Optimizer
    max_grad_norm : float or None
        Longer gradients are cut to this length.
    """

    command: ClassVar[str]
    """The name after ``bridgevec train``."""
    unit: ClassVar[str] = "epoch"
    """What a row of the log is."""
    average_rows: ClassVar[bool] = False
    """Whether the moving average moves once a row, instead of once a step."""
    distributed: ClassVar[bool] = False
    """Whether processes share the batches."""

    rows: int
    steps: int | None = None
    model: nn.Module
    optimizers: list[Optimizer]
    max_grad_norm: float | None = 1.0

    def __init__(self, config: Config, machine: Machine, progress: bool) -> None:
        self.config, self.machine, self.progress = config, machine, progress

    @abstractmethod
    def build(self) -> None:
        """Make `model` and `optimizers`; PyTorch's random numbers are seeded just before."""

    @abstractmethod
    def batches(self, row: int) -> Iterator[Any]:
        """Yield the batches of a row, counted from 0."""

    @abstractmethod
    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Compute ``"loss"``, which is minimised, and what else the log has the mean of."""

    @abstractmethod
    def set_rates(self, row: int, step: int) -> None:
        """Set the learning rates before a step; both count from 0."""

    def data(self) -> dict[str, Any]:
        """Count the data, for the card; a training is resumed with the same data alone."""
        return {}

    def finish_row(self, row: int) -> Row:
        """Do what is to be done after the steps of a row, and give more columns for the log."""
        return {}

    def due(self, row: int) -> bool:
        """Return whether to evaluate after a row, and to write weights and a checkpoint."""
        return True

    def evaluate(self, ema: nn.Module) -> Row:
        """Measure the weights that would be written, for the log."""
        return {}

    def curves(self, log: list[Row]) -> tuple[dict[str, dict[str, str]], str]:
        """Choose what the picture of the log shows.

        Returns
        -------
        panels : dict
            By the label of each panel the columns that it shows, by their labels.
        yscale : {"linear", "log"}
        """
        shown = {name: name for name in log[-1] if name not in (self.unit, "step")}
        # A line alone has no legend, so the axis names it.
        return {"".join(shown) if len(shown) == 1 else "": shown}, "log"

    def compiled(self) -> list[nn.Module]:
        """Return which modules are called in training, for PyTorch to compile."""
        return [self.model]

    def state(self) -> dict[str, Tensor]:
        """Return what a checkpoint must have besides networks and optimizers."""
        return {}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Restore what `state` gave."""


class WrittenRecipe(Recipe[Config]):
    """A recipe whose weights `fit` writes; others are `run` for what they return."""

    @abstractmethod
    def save(self, path: Path, ema: nn.Module, card: dict[str, Any]) -> None:
        """Write weights and card."""


class Files(NamedTuple):
    """What `run` writes.

    Attributes
    ----------
    out : Path
        The weights; card, log and picture have the same name with another ending.
    checkpoint : Path
    save : callable
        `WrittenRecipe.save`.
    """

    out: Path
    checkpoint: Path
    save: Callable[[Path, nn.Module, dict[str, Any]], None]


def fit(
    recipe_type: Callable[..., WrittenRecipe[Any]], config: Options, progress: bool = True
) -> Path:
    """Train by a recipe, and write weights, card, log and learning curve.

    Under ``torchrun`` the processes share every batch, and the first one writes.

    Parameters
    ----------
    recipe_type : class derived from WrittenRecipe
        Such as `bridgevec.train.hand2vec.Hand2VecRecipe`.
    config : Options
        Its options, such as a `bridgevec.train.hand2vec.Hand2VecConfig`.
    progress : bool, default True
        Show a progress bar.

    Returns
    -------
    Path
        The weights.

    Raises
    ------
    FileNotFoundError
        If there are no such data or weights.
    ValueError
        If an option is out of range, the data are too few or not what they should be, or the
        training to resume had other options; the message says which.
    BlockingIOError
        If another process is writing the same weights.
    """
    out = Path(config.out)
    if out.suffix != ".safetensors":
        raise ValueError(f"{config.out} does not end in .safetensors")
    if not 0 <= config.ema_decay <= 1:
        raise ValueError(f"ema_decay is {config.ema_decay:g}, expected 0 to 1")
    device = choose_device(config.device, config.threads)
    mixed = is_mixed(config.precision, device)
    with _process_group(device) as (rank, processes):
        machine = Machine(device, mixed, rank, processes)
        out.parent.mkdir(parents=True, exist_ok=True)
        with locked(out) if rank == 0 else contextlib.nullcontext():
            checkpoint = out.with_suffix(".checkpoint.safetensors")
            if config.resume and out.exists() and not checkpoint.exists():
                refuse_finished(out, deciding_arguments(config))
                if progress and rank == 0:
                    tqdm.write(f"{out} is finished; there is nothing to resume")
                return out
            recipe = recipe_type(config, machine, progress and rank == 0)
            if processes > 1 and not recipe.distributed:
                raise ValueError(f"train {recipe.command} runs in one process, not {processes}")
            run(recipe, Files(out, checkpoint, recipe.save))
    return out


def run(recipe: Recipe[Any], files: Files | None = None) -> nn.Module:
    """Train, and give the moving average of the weights.

    Parameters
    ----------
    recipe : Recipe
    files : Files, optional
        Without them nothing is written.
    """
    config, machine = recipe.config, recipe.machine
    torch.manual_seed(config.seed)
    recipe.build()
    model, optimizers = recipe.model, recipe.optimizers
    # What is written is an average over many steps: it is better than any of them, as the steps
    # scatter about the minimum (Polyak and Juditsky, 1992).
    ema = copy.deepcopy(model).eval()
    arguments = deciding_arguments(config) | recipe.data() | {"mixed": machine.mixed}
    arguments |= {"processes": machine.processes}
    log: list[Row] = []
    if files and config.resume and files.checkpoint.exists():
        log, state = load_checkpoint(files.checkpoint, arguments, model, ema, optimizers)
        recipe.load_state(state)
    if config.compile:  # in place, so that the names of the weights stay as they are
        for module in recipe.compiled():
            module.compile()
    learned = [p for p in model.parameters() if p.requires_grad]
    step = int(log[-1]["step"]) if log else 0
    first = machine.rank == 0
    board = (
        tensorboard_writer(config.tensorboard, files and files.out)
        if first and config.tensorboard
        else None
    )
    bar = tqdm(
        initial=step if recipe.steps else len(log),
        total=recipe.steps or recipe.rows,
        disable=not recipe.progress,
        unit="step" if recipe.steps else recipe.unit,
    )
    for row in range(len(log), recipe.rows):
        # The means of what is logged are taken at the end of a row, for a GPU to run on meanwhile.
        parts: dict[str, list[Tensor]] = {}
        for batch in recipe.batches(row):
            recipe.set_rates(row, step)
            losses = recipe.losses(batch)
            model.zero_grad()
            losses["loss"].backward()
            if machine.processes > 1:
                # Statistics of batch normalisation are averaged besides the gradients.
                running = [b for b in model.buffers() if b.is_floating_point()]
                _take_means([p.grad for p in learned if p.grad is not None] + running)
            if recipe.max_grad_norm is not None:
                # One bad batch must not throw the weights far away.
                nn.utils.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
            for optimizer in optimizers:
                optimizer.step()
            if not recipe.average_rows:
                move_average(ema, model, config.ema_decay, step)
            for name, value in losses.items():
                parts.setdefault(name, []).append(value.detach())
            step += 1
            bar.update(1 if recipe.steps else 0)
        if recipe.average_rows:
            move_average(ema, model, config.ema_decay, row)
        means = [torch.stack(values).float().mean() for values in parts.values()]
        if machine.processes > 1:
            _take_means(means)
        line: Row = {recipe.unit: row + 1, "step": step}
        line |= recipe.finish_row(row)
        line |= {name: round(mean.item(), 6) for name, mean in zip(parts, means, strict=True)}
        due = recipe.due(row) or row + 1 == recipe.rows
        if due:
            line |= recipe.evaluate(ema)
        log.append(line)
        bar.update(0 if recipe.steps else 1)
        bar.set_postfix({k: v for k, v in line.items() if k not in (recipe.unit, "step")})
        if not first:
            continue
        if board is not None:
            board(line, step)
        if due and files:
            # The checkpoint comes first: weights without one are those of a finished training.
            save_checkpoint(
                files.checkpoint, arguments, log, model, ema, optimizers, recipe.state()
            )
            write_log(files.out.with_suffix(".csv"), log)
            card = {
                "command": command_line(recipe.command, config),
                "data": recipe.data() | {"provenance": config.provenance},
                "arguments": deciding_arguments(config),
                f"last {recipe.unit}": line,
            }
            files.save(files.out, ema, card)
    bar.close()
    if first and files:
        draw_log(files.out.with_suffix(".png"), recipe.unit, log, *recipe.curves(log))
        files.checkpoint.unlink(missing_ok=True)
    return ema


# -- the machine


@contextmanager
def _process_group(device: torch.device) -> Iterator[tuple[int, int]]:
    """Join the other processes that torchrun started: own number, and how many there are."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield 0, 1
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield distributed.get_rank(), distributed.get_world_size()
    finally:
        distributed.destroy_process_group()


@torch.no_grad()
def _take_means(tensors: list[Tensor]) -> None:
    """Put the mean over all processes in place of each tensor."""
    # One message for all of them: what costs time is the number of messages.
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    shared = flat.to(device)
    distributed.all_reduce(shared)
    shared /= distributed.get_world_size()
    for tensor, part in zip(tensors, shared.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def choose_device(device: str, threads: int) -> torch.device:
    """Set up PyTorch; a GPU multiplies 32-bit numbers in TensorFloat-32.

    Parameters
    ----------
    device : str
        ``"auto"``: a GPU if there is one; else as PyTorch names devices.
    threads : int
        CPU threads; 0 leaves them alone.

    Raises
    ------
    ValueError
        If the number of threads is negative or absurd, or there is no such device.
    """
    if not 0 <= threads <= 1 << 16:
        raise ValueError(f"threads is {threads}, expected 0 to {1 << 16}")
    if threads:
        torch.set_num_threads(threads)
    auto = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(auto if device == "auto" else device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:  # PyTorch's, of several lines
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {device!r} cannot be used: {reason}") from error
    if chosen.type == "cuda":
        torch.set_float32_matmul_precision("high")
    return chosen


def is_mixed(precision: str, device: torch.device) -> bool:
    """Whether products are computed in 16 bits.

    Parameters
    ----------
    precision : str
        ``"float32"``, ``"bfloat16"``, or ``"auto"``, which is bfloat16 on a GPU.
    device : torch.device

    Raises
    ------
    ValueError
        If the precision is none of these.
    """
    mixed = {"auto": device.type == "cuda", "float32": False, "bfloat16": True}
    if precision not in mixed:
        raise ValueError(f"precision must be one of {', '.join(mixed)}; got {precision!r}")
    return mixed[precision]


# -- options


def check_at_least_one(config: Any, *names: str) -> None:
    """Raise a ValueError that names the first of these options that is less than 1."""
    for name in names:
        if getattr(config, name) < 1:
            raise ValueError(f"{name} is {getattr(config, name)}, expected at least 1")


def find_files(patterns: Iterable[str]) -> list[str]:
    """Find the files of names and patterns.

    Raises
    ------
    FileNotFoundError
        If no file matches a pattern.
    """
    files = []
    for pattern in patterns:
        found = sorted(glob(pattern))
        if not found and has_magic(pattern):
            raise FileNotFoundError(f"no file matches {pattern!r}")
        files += found or [pattern]
    return files
