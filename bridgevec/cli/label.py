"""The command label: training data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bridgevec.cards import Strain
from bridgevec.cli.common import Json, Quiet, Seed, Workers, examples, group, print_json, stopped

app = group()


@app.command(
    epilog=examples(
        "bridgevec label --deals 100000 --seed 1 --out train.parquet --workers 8",
        "bridgevec label --deals 100000 --shard-size 20000 --seed 1 --out shards.parquet",
        "bridgevec label --deals 100000 --layouts 10 --seed 3 --out pairs.parquet",
        "bridgevec label --deals 100000 --strain NT --seed 4 --out notrump.parquet",
        "bridgevec label --deals 100000 --seed 1 --out far.parquet --backend dask"
        " --address tcp://10.0.0.1:8786",
    )
)
def label(
    deals: Annotated[int, typer.Option(min=1, help="Number of random deals, or pairs of hands.")],
    seed: Seed,
    out: Annotated[Path, typer.Option(help="Write the labels to this Parquet file.")],
    layouts: Annotated[
        int,
        typer.Option(
            min=0,
            max=32767,
            help="Label pairs of hands instead: deal the opponents' cards this many times, and "
            "count how often each number of tricks is taken.",
        ),
    ] = 0,
    strain: Annotated[
        list[str] | None,
        typer.Option(help="Solve only this strain, five times as fast. May be repeated."),
    ] = None,
    shard_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Split the deals into files of this many: OUT_0000.parquet, OUT_0001.parquet, ... "
            "Files that exist are kept.",
        ),
    ] = None,
    shard: Annotated[
        list[int] | None, typer.Option(help="Make only this file, by number. May be repeated.")
    ] = None,
    workers: Workers = None,
    backend: Annotated[
        str, typer.Option(help="Where to solve: threads, loky (processes), dask or ray.")
    ] = "threads",
    address: Annotated[
        str | None,
        typer.Option(help="Address of the cluster's scheduler. By default, one is started here."),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make training data: deals and their trick tables.

    Solves random deals double dummy and writes a Parquet file with the columns deal and tricks, or
    north, south and counts with --layouts. If the command is stopped, or even killed, the same
    command resumes it; finished work is kept in the folder OUT.partial. Wherever the deals are
    solved, the file is the same, byte for byte.
    """
    from bridgevec.labels import label_deals, label_shards

    if shard and shard_size is None:
        raise ValueError("--shard needs --shard-size")
    options: dict[str, Any] = {"layouts": layouts, "workers": workers, "progress": not quiet}
    options |= {"backend": backend, "address": address}
    if strain:
        options["strains"] = [Strain.parse(name) for name in strain]
    kind = f"pairs with {layouts} layouts each" if layouts else "deals"
    was_there = out.exists()
    try:
        files: list[Path] = []
        if shard_size is None:
            label_deals(out, deals, seed, **options)
        else:
            files = label_shards(out, deals, seed, shard_size, shard or None, **options)
    except KeyboardInterrupt:
        raise stopped("; the same command resumes from here") from None
    except ConnectionError as error:
        raise ConnectionError(f"{error}; the same command resumes from here") from error
    if shard_size is not None:
        names = [str(file) for file in files]
        if as_json:
            print_json({"files": names, "deals": deals, "seed": seed})
        else:
            typer.echo("\n".join(names))
    elif as_json:
        print_json({"file": str(out), "deals": deals, "seed": seed, "was_there": was_there})
    elif was_there:
        typer.echo(f"{out} already has these {deals} {kind}; nothing to do")
    else:
        typer.echo(f"{out}: {deals} labelled {kind}")
