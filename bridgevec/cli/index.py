"""The command index: boards, indexed for `bridgevec similar`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgevec.cli.common import (
    Json,
    Quiet,
    Weights,
    examples,
    group,
    print_json,
    shows_bars,
    stopped,
)
from bridgevec.cli.reading import finish, input_of, tell
from bridgevec.records.policy import Report

app = group()


@app.command(
    epilog=examples(
        "bridgevec index boards/ --out mine.bvindex",
        "bridgevec index 'records/*.pbn' more.lin auctions.parquet --out mine.bvindex",
    )
)
def index(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Files of any format, folders, globs, or -."),
    ],
    out: Annotated[Path, typer.Option(help="Write the index to this file, usually name.bvindex.")],
    weights: Weights = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Index the boards of files, for `bridgevec similar`.

    The index holds every board's deal, auction, contract and result, and the vectors of its hands.
    It is written in one step at the end, so an interrupted run leaves nothing behind.
    """
    from bridgevec.library.index import BoardIndex

    report = Report(tell)
    try:
        made = BoardIndex.from_files(
            [input_of(source) for source in sources],
            weights=weights,
            report=report,
            progress=shows_bars() and not quiet,
        )
        made.save(out)
    except KeyboardInterrupt:
        raise stopped(f"; {out} was not written") from None
    if as_json:
        print_json(
            {"index": str(out), "boards": len(made), "hands": 4 * len(made)}
            | {"files": len(made.files), "weights": made.embedding.name}
            | {"bytes": out.stat().st_size, "left out": report.left_out}
        )
    else:
        n = len(made.files)
        typer.echo(
            f"{out}: {len(made)} boards from {n} file{'s' * (n != 1)}, "
            f"{out.stat().st_size / 1e6:.1f} MB, embedded by {made.embedding.name}"
        )
    finish(report)
