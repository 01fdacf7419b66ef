"""Results of a long benchmark, kept in a file as they come, so that it can be stopped."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from bridgevec.files import write_text

Item = TypeVar("Item")
Result = TypeVar("Result")


def resumed(
    file: Path | None,
    asked: dict[str, object],
    items: Sequence[Item],
    measure: Callable[[Item], Result],
) -> list[Result]:
    """Measure items, save those that the file has from before, and keep each result there.

    Parameters
    ----------
    file : Path or None
        JSON. Without one nothing is kept.
    asked : dict
        What the results depend on.
    items : sequence
    measure : callable
        From an item to what JSON can hold.

    Raises
    ------
    ValueError
        If the file was begun with something else asked.
    """
    results: list[Result] = []
    if file is not None and file.exists():
        kept = json.loads(file.read_text())
        if kept["asked"] != asked:
            raise ValueError(f"{file} was begun with {kept['asked']}, not {asked}")
        results = kept["results"]
    for item in tqdm(items[len(results) :], disable=not sys.stderr.isatty()):
        results.append(measure(item))
        if file is not None:
            write_text(file, json.dumps({"asked": asked, "results": results}))
    return results[: len(items)]
