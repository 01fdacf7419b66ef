"""What a training leaves on the disk: checkpoints (safetensors, no pickle), log, weights, card."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer


def save_checkpoint(
    path: Path,
    arguments: Mapping[str, Any],
    log: list[dict[str, Any]],
    model: nn.Module,
    average: nn.Module,
    optimizers: list[Optimizer],
) -> None:
    """Write a checkpoint under a temporary name, then rename it.

    Parameters
    ----------
    path : Path
    arguments : mapping
        What the training was started with; must be as JSON gives it back.
    log : list of dict
        A row for every epoch so far.
    model, average : Module
        The network, and the running mean of its weights.
    optimizers : list of Optimizer
    """
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    for n, optimizer in enumerate(optimizers):
        for i, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer{n}.{i}.{k}": v for k, v in state.items()}
    metadata = {"arguments": json.dumps(arguments), "log": json.dumps(log)}
    temporary = path.with_suffix(".tmp")
    save_file(tensors, temporary, metadata)
    replace(path, temporary)


def load_checkpoint(
    path: Path,
    arguments: Mapping[str, Any],
    model: nn.Module,
    average: nn.Module,
    optimizers: list[Optimizer],
) -> list[dict[str, Any]]:
    """Restore a checkpoint into the networks and optimizers.

    Parameters
    ----------
    path, arguments, model, average, optimizers
        As `save_checkpoint` took them.

    Returns
    -------
    list of dict
        The log.

    Raises
    ------
    ValueError
        If the checkpoint was made with other arguments; the message names the first.
    """
    with safe_open(path, "pt", device=str(next(model.parameters()).device)) as file:
        metadata = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    before = json.loads(metadata["arguments"])
    for name, value in arguments.items():
        if before.get(name) != value:
            raise ValueError(
                f"{path}: made with {name} = {before.get(name)!r}, not {value!r}; "
                "train without resume to start again"
            )
    for part, module in (("model", model), ("average", average)):
        module.load_state_dict(_under(part, tensors))
    for n, optimizer in enumerate(optimizers):
        groups = optimizer.state_dict()["param_groups"]
        tensors_of = _under(f"optimizer{n}", tensors)
        numbers = sorted({int(key.partition(".")[0]) for key in tensors_of})
        state = {i: _under(str(i), tensors_of) for i in numbers}
        optimizer.load_state_dict({"state": state, "param_groups": groups})
    return json.loads(metadata["log"])


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = prefix + "."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def write_log(path: Path, log: list[dict[str, Any]]) -> None:
    """Write a training's log as CSV, a line for every row."""
    temporary = path.with_suffix(".csv.tmp")
    with open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, log[0].keys())
        writer.writeheader()
        writer.writerows(log)
    replace(path, temporary)


def command_line(name: str, config: Any) -> str:
    """Write the command that trains with these arguments.

    Parameters
    ----------
    name : str
        Of the command after ``bridgevec train``.
    config : dataclass
        Its arguments.
    """
    parts = [f"bridgevec train {name}"]
    for field in fields(config):
        value = getattr(config, field.name)
        if value == field.default or field.name in ("resume", "provenance", "system"):
            continue
        flag = "--" + field.name.replace("_", "-")
        if value is True:
            parts.append(flag)
            continue
        values = value if isinstance(value, tuple) else (value,)
        parts += [f"{flag} {item}" for item in values]
    return " ".join(parts)


def write_model(path: Path, weights: bytes, card: dict[str, Any]) -> None:
    """Write weights as safetensors made them, and their model card beside them.

    The safetensors library's own `save_file` would make the file private to the user.
    """
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(weights)
    replace(path, temporary)
    temporary.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    replace(path.with_suffix(".json"), temporary)


def replace(path: Path, temporary: Path) -> None:
    """Give a file its name once it is on the disk."""
    with open(temporary, "rb") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)
