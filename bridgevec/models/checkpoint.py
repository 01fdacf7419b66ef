"""What a training leaves on the disk: checkpoints (safetensors, no pickle), log, weights, card."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Set
from dataclasses import asdict, fields
from io import StringIO
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from bridgevec.files import replacing, write_figure, write_text


def save_checkpoint(
    path: Path,
    arguments: Mapping[str, Any],
    log: list[dict[str, Any]],
    model: nn.Module,
    average: nn.Module,
    optimizers: list[Optimizer],
) -> None:
    """Write a checkpoint.

    The safetensors library's own `save_file` would make the file private to the user.

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
    with replacing(path) as file:
        file.write(save(tensors, metadata))


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
    log: list[dict[str, Any]] = json.loads(metadata["log"])
    return log


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = prefix + "."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def write_log(path: Path, log: list[dict[str, Any]]) -> None:
    """Write a training's log as CSV, a line for every row."""
    text = StringIO()
    writer = csv.DictWriter(text, log[0].keys())
    writer.writeheader()
    writer.writerows(log)
    write_text(path, text.getvalue())


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
    """Write weights as safetensors made them, and their model card beside them."""
    with replacing(path) as file:
        file.write(weights)
    save_card(path.with_suffix(".json"), card)


def save_card(path: Path, card: dict[str, Any]) -> None:
    """Write a model card."""
    write_text(path, json.dumps(card, indent=2, ensure_ascii=False) + "\n")


def deciding_arguments(
    config: Any, free: set[str], files: Set[str] = frozenset()
) -> dict[str, Any]:
    """Give the arguments of a training that decide the result, as JSON gives them back.

    Parameters
    ----------
    config : dataclass
    free : set of str
        Those that do not decide.
    files : set of str
        Those that name files; their folders are left out.
    """
    kept = {name: value for name, value in asdict(config).items() if name not in free}
    for name in files:
        value = kept[name]
        kept[name] = Path(value).name if isinstance(value, str) else [Path(v).name for v in value]
    arguments: dict[str, Any] = json.loads(json.dumps(kept))
    return arguments


def draw_log(
    path: Path,
    xlabel: str,
    panels: dict[str, dict[str, list[tuple[float, float]]]],
    yscale: str = "linear",
) -> None:
    """Draw the learning curves of a training.

    Parameters
    ----------
    path : Path
        The picture, .png.
    xlabel : str
        What is counted.
    panels : dict
        By the label of each panel its curves, by their names; points (x, y).
    yscale : {"linear", "log"}
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3 + 3.5 * len(panels), 4), layout="constrained")
    for ax, (label, curves) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        for name, points in curves.items():
            ax.plot(*zip(*points, strict=True), marker=".", label=name)
        ax.set(xlabel=xlabel, ylabel=label, yscale=yscale)
        ax.xaxis.get_major_locator().set_params(integer=True)
        if len(curves) > 1:
            ax.legend()
    write_figure(path, figure)
