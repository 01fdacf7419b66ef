"""What pages say of the commands and of the shipped weights, taken from these when they are built.

A line ``{{ help }}`` becomes every command's help. ``{{ figures | name | script | part | a, b }}``
becomes a table of what a benchmark measured of shipped weights, as their model card has it: of that
part the rows that begin with a or b. A script may be followed by options that tell it from others.
``{{ uses | name }}`` becomes the table of what the vectors are good for, beside other numbers.
"""

import json
import re
from pathlib import Path
from typing import Any

import typer

from bridgevec.cli import app

WEIGHTS = Path(__file__).parent.parent / "bridgevec" / "models" / "weights"


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in a page; MkDocs calls this."""
    return re.sub(r"^\{\{ (.+?) \}\}$", lambda found: _fill(found[1]), markdown, flags=re.MULTILINE)


def _fill(line: str) -> str:
    kind, *arguments = (part.strip() for part in line.split("|"))
    return {"help": command_help, "figures": figures, "uses": uses}[kind](*arguments)


def command_help() -> str:
    """Write the help of every command, a section each."""
    return "\n\n".join(_sections(typer.main.get_command(app), "bridgevec", None))


def _sections(command: Any, name: str, parent: Any) -> list[str]:
    context = command.context_class(command, info_name=name, parent=parent, terminal_width=90)
    sections = [f"## {context.command_path}\n\n```text\n{context.get_help()}\n```"]
    if isinstance(command, typer.core.TyperGroup):
        for child in command.list_commands(context):
            sections += _sections(command.get_command(context, child), child, context)
    return sections


def figures(weights: str, script: str, part: str, rows: str) -> str:
    """Write a table of what a benchmark measured."""
    benchmarks = json.loads((WEIGHTS / f"{weights}.json").read_text("utf-8"))["benchmarks"]
    words = script.split()
    (full,) = (name for name in benchmarks if set(words) <= set(name.split()))
    chosen = [row.strip() for row in rows.split(",")]
    found = {
        name: value
        for row in chosen
        for name, value in benchmarks[full][part].items()
        if name.startswith(row)
    }
    if len(found) < len(chosen):
        raise KeyError(f"{rows}: not all are in {part} of {full}")
    lines = [f"| {part} | |", "| --- | --- |"]
    lines += [f"| {name} | {_number(value)} |" for name, value in found.items()]
    return "\n".join([f"By `{full}`:", "", *lines])


def uses(weights: str) -> str:
    """Write the table of what vectors are good for, a column each way to describe a hand."""
    benchmarks = json.loads((WEIGHTS / f"{weights}.json").read_text("utf-8"))["benchmarks"]
    ((command, report),) = ((c, r) for c, r in benchmarks.items() if "embedding.py" in c)
    rows = report["uses"]
    ways = list(next(iter(rows.values())))
    lines = [f"| | {' | '.join(ways)} |", "| --- |" + " --- |" * len(ways)]
    for name, cells in rows.items():
        lines.append(f"| {name} | {' | '.join(_number(cells[way]) for way in ways)} |")
    return "\n".join([f"By `{command}`:", "", *lines])


def _number(value: float | dict[str, float]) -> str:
    if isinstance(value, dict):
        return f"{value['value']:.3f} ±{value['±']:.3f}"
    return f"{value:.2f}"
