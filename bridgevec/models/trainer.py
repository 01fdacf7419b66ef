"""What trainings share: files, device, optimizers, exchanged cards, the running mean of weights."""

from __future__ import annotations

from collections.abc import Iterable
from glob import glob, has_magic
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from bridgevec.models.muon import Muon


def check_at_least_one(config: Any, *names: str) -> None:
    """Raise a ValueError that names the first of these arguments that is less than 1."""
    for name in names:
        if getattr(config, name) < 1:
            raise ValueError(f"{name} is {getattr(config, name)}, expected at least 1")


def choose_device(device: str, threads: int) -> torch.device:
    """Set up PyTorch; a GPU multiplies 32-bit numbers in TensorFloat-32.

    Parameters
    ----------
    device : str
        ``"auto"``: a GPU if there is one; else as PyTorch names devices.
    threads : int
        CPU threads; 0 leaves them alone.
    """
    if threads:
        torch.set_num_threads(threads)
    auto = "cuda" if torch.cuda.is_available() else "cpu"
    chosen = torch.device(auto if device == "auto" else device)
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
        raise ValueError(f"precision {precision!r} is none of {', '.join(mixed)}")
    return mixed[precision]


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


def make_optimizers(model: nn.Module, config: Any) -> list[Optimizer]:
    """Make Muon for the square matrices inside a network, and AdamW for the rest.

    `set_rates` sets their rates.
    """
    learned = [p for p in model.parameters() if p.requires_grad]
    inside = [p for p in learned if p.ndim == 2 and p.shape[0] == p.shape[1]]
    rest = [p for p in learned if not any(p is q for q in inside)]
    decay = config.weight_decay
    return [
        Muon(inside, lr=config.muon_rate, weight_decay=decay),
        AdamW(rest, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=decay),
    ]


def set_rates(optimizers: list[Optimizer], config: Any, step: int, steps: int) -> None:
    """Let both rates rise over the first `warmup` steps and fall to zero in a straight line."""
    rate = min((step + 1) / config.warmup, 1 - step / steps)
    for optimizer, peak in zip(optimizers, (config.muon_rate, config.learning_rate), strict=True):
        optimizer.param_groups[0]["lr"] = peak * rate


def exchange_touching(cards: Tensor, randomness: torch.Generator, highest: int = 0) -> Tensor:
    """Exchange two cards of neighbouring ranks in each suit where that hardly matters.

    It hardly matters if the hands shown hold both cards, or if both are low, the six or less. A way
    to show a network more hands than there are labels for. Whole deals hold all cards: there only
    low ones may be exchanged, from the seven on.

    Parameters
    ----------
    cards : Tensor of uint8, shape (n, hands, 52)
    randomness : torch.Generator
        Chooses the rank in every suit.
    highest : int, default 0
        The highest rank to exchange, counted from the ace.

    Returns
    -------
    Tensor of uint8, shape (n, hands, 52)
    """
    x = cards.view(len(cards), -1, 4, 13)
    rank = torch.randint(highest, 12, (len(x), 1, 4, 1), generator=randomness, device=x.device)
    rank = rank.expand(-1, x.shape[1], -1, -1)
    high, low = x.gather(3, rank), x.gather(3, rank + 1)
    ours = (high.sum(1, keepdim=True) + low.sum(1, keepdim=True)) == 2
    exchange = ours | (rank >= 8)
    new_high, new_low = torch.where(exchange, low, high), torch.where(exchange, high, low)
    return x.scatter(3, rank, new_high).scatter(3, rank + 1, new_low).view_as(cards)


@torch.no_grad()
def move_average(average: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Move a running mean of weights on (Polyak averaging), young at first.

    Parameters
    ----------
    average : Module
        Is changed, all that is a floating-point number in it.
    model : Module
    decay : float
        How much of the mean stays.
    step : int
        From 0.
    """
    keep = min(decay, (step + 1) / (step + 10))
    new = model.state_dict()
    for name, old in average.state_dict().items():
        if old.is_floating_point():
            old.lerp_(new[name], 1 - keep)


def descend(
    model: nn.Module,
    average: nn.Module,
    optimizers: list[Optimizer],
    config: Any,
    step: int,
) -> None:
    """Take a step down the gradients that there are, at most 1 long, and move the average."""
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
    move_average(average, model, config.average, step)
