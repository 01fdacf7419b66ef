"""The command info: versions, shipped weights and data."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

import bridgevec
from bridgevec.cli.common import Json, examples, group, print_json
from bridgevec.extras import EXTRAS
from bridgevec.weights import WEIGHTS, read_card, shipped

app = group()


@app.command(
    epilog=examples(
        "bridgevec info",
        "bridgevec info hand2vec-8",
        "bridgevec info --json",
    )
)
def info(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="Show the card of this model: a shipped name, or a file name.safetensors.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show versions, shipped weights and data.

    Useful in bug reports. With MODEL, shows what a model was trained on and how good it is.
    """
    if model is not None:
        card = _card(model)
        if as_json:
            print_json(card)
        else:
            typer.echo("\n".join(_outline(card)))
        return
    from bridgevec.dds import BUILT_FOR, SOLVER_VERSION

    package = Path(bridgevec.__file__).parent
    cards = {name: _card(name) for name in shipped()}
    report = {
        "bridgevec": _version("bridgevec"),
        "folder": str(package),
        "solver": SOLVER_VERSION,
        "solver built for": BUILT_FOR,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in ("numpy", *EXTRAS)},
        "weights": cards,
        "data": [str(file) for file in sorted((package.parent / "data").glob("*.parquet"))],
    }
    if as_json:
        print_json(report)
        return
    report["weights"] = {name: f"{card['parameters']:,} parameters" for name, card in cards.items()}
    report["data"] = [f"{len(report['data'])} Parquet files in {package.parent / 'data'}"]
    typer.echo("\n".join(_outline(report)))
    typer.echo("`bridgevec info MODEL` shows a model's card.")


def _card(model: str) -> dict[str, Any]:
    """Read the model card of shipped weights, or of a file."""
    if not model.endswith(".safetensors") and model not in shipped():
        raise ValueError(f"no model {model!r}; shipped are: {', '.join(shipped())}")
    return read_card(model if model.endswith(".safetensors") else WEIGHTS / f"{model}.json")


def _version(package: str) -> str:
    try:
        return metadata.version("scikit-learn" if package == "sklearn" else package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _outline(value: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Write nested values as indented lines."""
    for key, item in value.items():
        if isinstance(item, dict):
            yield f"{indent}{key}:"
            yield from _outline(item, indent + "  ")
        elif isinstance(item, list) and any(isinstance(one, str) for one in item):
            yield f"{indent}{key}:"
            yield from (f"{indent}  {one}" for one in item)
        else:
            yield f"{indent}{key}: {item}"
