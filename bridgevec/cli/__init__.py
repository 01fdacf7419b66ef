"""The ``bridgevec`` command: a thin layer over the library, for people and (``--json``) programs.

Each group of commands has one file. Input is PBN text, a file, or ``-`` for standard input. Records
that cannot be read are left out, with one line each on standard error, and the exit code is 3. If
nothing could be done, it is 2. Modules that need an optional extra, or take long to import, are
imported by the command that uses them.
"""

import os
import sys
from typing import Annotated

import typer

import bridgevec
from bridgevec.cli import (
    analyse,
    bid,
    contracts,
    deal,
    explain,
    explore,
    hands,
    index,
    info,
    label,
    lead,
    match,
    opening,
    similar,
    solve,
    train,
)
from bridgevec.cli.common import Group, examples

app = typer.Typer(
    cls=Group,
    name="bridgevec",
    help="Contract-bridge AI: solve, embed, deal, bid, lead and train.",
    epilog=examples(
        "bridgevec tricks AKQ2.K54.T98.J32 J3.AQ8762.K4.A65",
        "bridgevec deal -n 2 --seed 1 | bridgevec solve -",
        "bridgevec COMMAND --help",
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
# The help lists them in this order.
groups = (
    hands,
    index,
    similar,
    solve,
    analyse,
    deal,
    contracts,
    lead,
    label,
    opening,
    bid,
    explain,
    match,
    explore,
    info,
)
for group in groups:
    app.add_typer(group.app)
app.add_typer(train.app, name="train")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bridgevec {bridgevec.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Handle the options that come before a command."""


def main() -> None:
    """Run the command line."""
    if sys.stdin is None:  # closed, as in `bridgevec solve - <&-`; it is then as good as empty
        sys.stdin = open(os.devnull)  # noqa: SIM115 - for as long as the command runs
    app(prog_name="bridgevec")
