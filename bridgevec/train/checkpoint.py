"""What a training leaves on the disk: checkpoint (safetensors, no pickle), log, weights, card."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from bridgevec.extras import require
from bridgevec.files import replacing, write_figure, write_text
from bridgevec.weights import check_card

Row: TypeAlias = dict[str, Any]
"""One line of a log: a number, or None, for every column."""

_FREE = {
    *("out", "device", "precision", "compile", "threads", "resume", "tensorboard"),
    *("provenance", "system"),
}
"""Options that do not decide what is learned. Precision does; what counts is whether it is mixed,
which the loop adds."""


def save_checkpoint(
    path: Path,
    arguments: Mapping[str, Any],
    log: list[Row],
    model: nn.Module,
    ema: nn.Module,
    optimizers: list[Optimizer],
    state: Mapping[str, Tensor],
) -> None:
    """Write a checkpoint.

    Parameters
    ----------
    path : Path
    arguments : mapping
        What the training was started with; must be as JSON gives it back.
    log : list of dict
    model, ema : Module
        The network, and the moving average of its weights.
    optimizers : list of Optimizer
    state : mapping of str to Tensor
        What the recipe needs besides.
    """
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"ema.{k}": v for k, v in ema.state_dict().items()}
    tensors |= {f"state.{k}": v for k, v in state.items()}
    for n, optimizer in enumerate(optimizers):
        for i, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer{n}.{i}.{k}": v for k, v in moments.items()}
    metadata = {"arguments": json.dumps(arguments), "log": json.dumps(log)}
    # The safetensors library's own `save_file` would make the file private to the user.
    with replacing(path) as file:
        file.write(save(tensors, metadata))


def load_checkpoint(
    path: Path,
    arguments: Mapping[str, Any],
    model: nn.Module,
    ema: nn.Module,
    optimizers: list[Optimizer],
) -> tuple[list[Row], dict[str, Tensor]]:
    """Restore a checkpoint into the networks and optimizers.

    Parameters
    ----------
    path, arguments, model, ema, optimizers
        As `save_checkpoint` took them.

    Returns
    -------
    log : list of dict
    state : dict of str to Tensor
        What the recipe had besides.

    Raises
    ------
    ValueError
        If the checkpoint was made with other arguments; the message names the first.
    """
    with safe_open(path, "pt", device=str(next(model.parameters()).device)) as file:
        metadata = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    _compare(path, json.loads(metadata["arguments"]), arguments)
    for part, module in (("model", model), ("ema", ema)):
        module.load_state_dict(_under(part, tensors))
    for n, optimizer in enumerate(optimizers):
        groups = optimizer.state_dict()["param_groups"]
        tensors_of = _under(f"optimizer{n}", tensors)
        numbers = sorted({int(key.partition(".")[0]) for key in tensors_of})
        state = {i: _under(str(i), tensors_of) for i in numbers}
        optimizer.load_state_dict({"state": state, "param_groups": groups})
    return json.loads(metadata["log"]), _under("state", tensors)


def refuse_finished(out: Path, arguments: Mapping[str, Any]) -> None:
    """Check that finished weights are those of a training with these arguments.

    Raises
    ------
    ValueError
        If they are not; the message names the first argument that differs.
    """
    card = out.with_suffix(".json")
    before = json.loads(card.read_text("utf-8")).get("arguments", {}) if card.exists() else {}
    _compare(out, before, arguments)


def _compare(path: Path, before: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    for name, value in arguments.items():
        if before.get(name) != value:
            raise ValueError(
                f"{path}: made with {name} = {before.get(name)!r}, not {value!r}; "
                "train without resume to start again"
            )


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = prefix + "."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def write_log(path: Path, log: list[Row]) -> None:
    """Write a training's log as CSV, a line for every row."""
    columns = dict.fromkeys(name for row in log for name in row)
    text = StringIO()
    writer = csv.DictWriter(text, list(columns))
    writer.writeheader()
    writer.writerows(log)
    write_text(path, text.getvalue())


def tensorboard_writer(folder: str, out: Path | None) -> Callable[[Row, int], None]:
    """Write rows of a log as TensorBoard's event files, too.

    Parameters
    ----------
    folder : str
        The run gets a folder of its own in it, by the name of the weights.
    out : Path, optional

    Raises
    ------
    ModuleNotFoundError
        If the package tensorboard is not installed.
    """
    require("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(Path(folder) / (out.stem if out else "run"))

    def write(row: Row, step: int) -> None:
        for name, value in row.items():
            if name != "step" and value is not None:
                writer.add_scalar(name, value, step)
        writer.flush()

    return write


def command_line(name: str, config: Any) -> str:
    """Write the command that trains with these options.

    Parameters
    ----------
    name : str
        Of the command after ``bridgevec train``.
    config : dataclass
        Its options.
    """
    parts = [f"bridgevec train {name}"]
    for field in fields(config):
        value = getattr(config, field.name)
        if value == field.default or field.name in ("resume", "tensorboard", *_TOLD):
            continue
        flag = "--" + field.name.replace("_", "-")
        if value is True:
            parts.append(flag)
            continue
        values = value if isinstance(value, tuple) else (value,)
        parts += [f"{flag} {item}" for item in values]
    return " ".join(parts)


_TOLD = ("provenance", "system")  # stand in the card already


def deciding_arguments(config: Any) -> dict[str, Any]:
    """Return the options of a training that decide the result, as JSON gives them back.

    Parameters
    ----------
    config : Options
        Of the files in its `paths`, only the names count, so that they may be moved.
    """
    kept = {f.name: getattr(config, f.name) for f in fields(config) if f.name not in _FREE}
    for name in config.paths:
        value = kept[name]
        kept[name] = Path(value).name if isinstance(value, str) else [Path(v).name for v in value]
    arguments: dict[str, Any] = json.loads(json.dumps(kept))
    return arguments


def write_model(path: Path, weights: bytes, card: dict[str, Any]) -> None:
    """Write weights as safetensors made them, and their model card, checked, beside them."""
    check_card(card, path.with_suffix(".json"))
    with replacing(path) as file:
        file.write(weights)
    save_card(path.with_suffix(".json"), card)


def save_card(path: Path, card: dict[str, Any]) -> None:
    """Write a model card."""
    write_text(path, json.dumps(card, indent=2, ensure_ascii=False) + "\n")


def draw_log(
    path: Path,
    unit: str,
    log: list[Row],
    panels: dict[str, dict[str, str]],
    yscale: str = "linear",
) -> None:
    """Draw the learning curves of a training.

    Parameters
    ----------
    path : Path
        The picture, .png.
    unit : str
        The column that is counted.
    log : list of dict
    panels : dict
        By the label of each panel the columns that it shows, by their labels.
    yscale : {"linear", "log"}
    """
    require("matplotlib")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3 + 3.5 * len(panels), 4), layout="constrained")
    for ax, (ylabel, columns) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        for label, name in columns.items():
            points = [(row[unit], row[name]) for row in log if row.get(name) is not None]
            if points:
                ax.plot(*zip(*points, strict=True), marker=".", label=label)
        ax.set(xlabel=unit, ylabel=ylabel, yscale=yscale)
        ax.xaxis.get_major_locator().set_params(integer=True)
        if len(ax.lines) > 1:
            ax.legend()
    write_figure(path, figure)
