"""Trained weights: the names of those shipped, their files and their model cards.

Weights are two files: ``name.safetensors`` and the model card ``name.json``. A name without
``.safetensors`` is that of shipped weights. Every card, shipped or your own, is checked against
`CARD` when it is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

__all__ = [
    "CARD",
    "FORMAT",
    "WEIGHTS",
    "check_card",
    "find_weights",
    "read_card",
    "read_weights",
    "shipped",
    "tensors_under",
]

WEIGHTS = Path(__file__).parent / "models" / "weights"
"""The folder of the shipped weights."""

TEACHERS = ("deal2tricks", "bidder-features", "bidder-uncontested", "opening-features")
"""Weights that trainings start from or learn from, in a package of their own."""

FORMAT = 1
"""Of model cards and weights; higher once older versions cannot read them."""

KINDS = {
    "embedding": "hand2vec-",
    "deal2tricks": "deal2tricks",
    "opening": "opening-",
    "bidder": "bidder-",
}
"""What weights are for, and how the names of those shipped begin."""


class Entry(NamedTuple):
    """What a model card has under a key.

    Attributes
    ----------
    type : type
        Of the value, in JSON.
    needed : {"always", "shipped", "no"}
        Whether every card has it, or those of shipped weights, or some.
    about : str
    """

    type: type
    needed: str
    about: str


CARD: dict[str, Entry] = {
    "name": Entry(str, "always", "the file's name without its ending"),
    "intended use": Entry(str, "shipped", "what it is for"),
    "limits": Entry(str, "shipped", "where not to trust it"),
    "format": Entry(int, "always", f"{FORMAT}, the version of this schema"),
    "architecture": Entry(dict, "always", "what inference must know besides the weights"),
    "parameters": Entry(int, "always", "how many numbers were learned"),
    "system": Entry(str, "no", "of a bidder: what its calls mean"),
    "data": Entry(dict, "shipped", "what it learned from: counts, and in words as provenance"),
    "trained before": Entry(list, "no", "commands that made the weights it started from"),
    "teachers": Entry(list, "no", "commands that made the networks it learned from"),
    "command": Entry(str, "shipped", "the command that made the weights"),
    "arguments": Entry(dict, "no", "all arguments of that command"),
    "hours": Entry(str, "no", "how long training took, and on what"),
    "last epoch": Entry(dict, "no", "the last row of the training's log"),
    "last iteration": Entry(dict, "no", "the same, of self-play"),
    "test split": Entry(dict, "no", "figures on the data that it never learned from"),
    "vectors guessed": Entry(dict, "no", "of a bidder: how well it guesses the other hands"),
    "benchmarks": Entry(dict, "no", "what each command of benchmarks/ printed"),
}
"""The schema of model cards; keys besides these are let be."""


def shipped(kind: str | None = None) -> list[str]:
    """List the names of the shipped weights.

    Parameters
    ----------
    kind : {"embedding", "deal2tricks", "opening", "bidder"}, optional
        Only those.
    """
    prefix = KINDS[kind] if kind is not None else ""
    return sorted(file.stem for file in WEIGHTS.glob(f"{prefix}*.json"))


def find_weights(name: str | os.PathLike[str], kind: str = "embedding") -> Path:
    """Find the file of a shipped name; a path to ``.safetensors`` is returned as it is.

    Parameters
    ----------
    name : str or path
    kind : {"embedding", "deal2tricks", "opening", "bidder"}, default "embedding"
        What is looked for. A bidder's name may be given without ``bidder-``.

    Raises
    ------
    FileNotFoundError
        If there is none; the message lists those shipped.
    """
    path, prefix = Path(name), KINDS[kind]
    if path.suffix != ".safetensors":
        short = kind == "bidder" and not path.name.startswith(prefix)
        path = WEIGHTS / f"{prefix if short else ''}{name}.safetensors"
    if not path.exists() and path.parent == WEIGHTS and path.stem in TEACHERS:
        raise FileNotFoundError(
            f"{path.stem} is not in this installation; it comes with bridgevec-teachers, "
            "which the folder packages/ of the repository has"
        )
    if not path.exists():
        model = "opening model" if kind == "opening" else kind
        names = shipped(kind)  # bidders go by their short names
        known = ", ".join(n.removeprefix(prefix) if kind == "bidder" else n for n in names)
        raise FileNotFoundError(f"no {model} {os.fspath(name)!r}; shipped are: {known}")
    return path


def read_card(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the model card of weights.

    Parameters
    ----------
    path : path
        ``name.safetensors``; the card is ``name.json``.

    Returns
    -------
    dict
        With the keys of `CARD`.

    Raises
    ------
    FileNotFoundError
        If it is missing.
    ValueError
        If it is damaged, of another format, or an entry is missing or of another type.
    """
    file = Path(path).with_suffix(".json")
    try:
        card = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is no model card: {error}") from None
    if not isinstance(card, dict):
        raise ValueError(f"{file} is no model card: it has a {type(card).__name__}, no object")
    if card.get("format") != FORMAT:
        raise ValueError(f"{file}: format is {card.get('format')!r}, expected {FORMAT}")
    if "architecture" not in card and "features" in card:  # opening bids saved by version 0.1
        keys = ("features", "calls", "members", "layers")
        card["architecture"] = {key: card.pop(key) for key in keys if key in card}
    check_card(card, file)
    return card


def check_card(card: Mapping[str, Any], file: str | os.PathLike[str]) -> None:
    """Check a model card against `CARD`, before it is written or after it was read.

    Raises
    ------
    ValueError
        If an entry is missing or of another type; the message names the file and the entry.
    """
    for key, entry in CARD.items():
        if key not in card:
            if entry.needed == "always":
                raise ValueError(f"{file}: the model card has no {key!r}, {entry.about}")
        elif type(card[key]) is not entry.type:
            raise ValueError(
                f"{file}: {key!r} has type {type(card[key]).__name__}, "
                f"expected {entry.type.__name__}"
            )


def read_weights(
    path: str | os.PathLike[str],
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read weights and the model card beside them.

    Parameters
    ----------
    path : path
        ``name.safetensors``; the card is ``name.json``.

    Returns
    -------
    card : dict
    weights : dict of str to ndarray

    Raises
    ------
    FileNotFoundError
        If either is missing.
    ValueError
        If either is damaged, the card does not follow `CARD`, or a weight is not finite.
    """
    card = read_card(path)
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} holds no weights: {error}") from None
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ValueError(f"{path}: weight {name!r} has numbers that are not finite")
    return card, tensors


def tensors_under(start: str, tensors: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the tensors whose names start so, by the rest of their names."""
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
