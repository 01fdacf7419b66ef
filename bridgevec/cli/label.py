"""The command label: training data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bridgevec.cards import Strain
from bridgevec.cli.common import Json, Quiet, Workers, examples, group, print_json, stopped

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
    deals: Annotated[int, typer.Option(min=1, help="How many random deals, or pairs of hands.")],
    seed: Annotated[int, typer.Option(min=0, help="Which deals.")],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    layouts: Annotated[
        int,
        typer.Option(
            min=0,
            max=32767,
            help="Label pairs of hands instead: deal the opponents' cards so often, and count how "
            "often each number of tricks is taken.",
        ),
    ] = 0,
    strain: Annotated[
        list[str] | None,
        typer.Option(help="Solve only this strain, five times as fast; may be repeated."),
    ] = None,
    shard_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="So many deals a file, OUT_0000.parquet, OUT_0001.parquet, ...; those that are "
            "there are kept.",
        ),
    ] = None,
    shard: Annotated[
        list[int] | None, typer.Option(help="Only this shard; may be repeated.")
    ] = None,
    workers: Workers = None,
    backend: Annotated[
        str, typer.Option(help="Where to solve: threads, loky (processes), dask or ray.")
    ] = "threads",
    address: Annotated[
        str | None, typer.Option(help="Of the cluster's scheduler; else one is started here.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make training data: deals and their trick tables.

    Random deals, solved double dummy, in a Parquet file with the columns deal and tricks; with
    --layouts north, south and counts. It may be stopped at any moment, even killed: the same
    command goes on where it stood, and the file is the same to the byte wherever the solving is
    done. Work in progress is kept in the folder OUT.partial.
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
        raise stopped("; the same command goes on from here") from None
    except ConnectionError as error:
        raise ConnectionError(f"{error}; the same command goes on from here") from error
    if shard_size is not None:
        names = [str(file) for file in files]
        if as_json:
            print_json({"files": names, "deals": deals, "seed": seed})
        else:
            typer.echo("\n".join(names))
    elif as_json:
        print_json({"file": str(out), "deals": deals, "seed": seed, "was_there": was_there})
    elif was_there:
        typer.echo(f"{out} is there already with these {deals} {kind}; nothing to do")
    else:
        typer.echo(f"{out}: {deals} labelled {kind}")
