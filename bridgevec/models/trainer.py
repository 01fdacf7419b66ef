"""What all trainings begin with, and the running mean of weights that they end with."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def check_at_least_one(config: Any, *names: str) -> None:
    """Raise a ValueError that names the first of these arguments that is less than 1."""
    for name in names:
        if getattr(config, name) < 1:
            raise ValueError(f"{name} is {getattr(config, name)}, expected at least 1")


def choose_device(device: str, threads: int) -> torch.device:
    """Set up PyTorch.

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
    return torch.device(auto if device == "auto" else device)


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
