"""The commands match and average: bidders against each other, and their mean."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

import bridgevec
from bridgevec.cards import deal_masks
from bridgevec.cli.common import (
    BIDDERS,
    Json,
    Quiet,
    examples,
    group,
    print_json,
    stopped,
    told,
)
from bridgevec.cli.reading import Reading
from bridgevec.files import locked

app = group()


@app.command(
    epilog=examples(
        "bridgevec match default rules --boards 500 --out boards.pbn --show 3",
        "bridgevec match default imitation --partner imitation --boards 500 --seed 1",
        "bridgevec match rules 'exec:python -m bridgevec bid --serve --bidder rules' --boards 2",
    )
)
def match(
    a: Annotated[str, typer.Argument(metavar="A", help=f"A bidder: {BIDDERS}.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    deals: Annotated[
        list[str] | None,
        typer.Option(
            help="Labelled deals (.parquet), or deals to solve first, as PBN text or files of any "
            "kind; may be repeated. By default those that the package has."
        ),
    ] = None,
    boards: Annotated[int | None, typer.Option(min=1, help="Only so many, the first.")] = None,
    partner: Annotated[
        str | None, typer.Option(help="A's partner, if it is another bidder.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Draw dealers and vulnerabilities; else the boards' own."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write every board: a .pbn, .csv or .parquet file.")
    ] = None,
    show: Annotated[
        int, typer.Option(min=0, help="Draw so many boards, those with the largest swings.")
    ] = 0,
    time_limit: Annotated[
        float, typer.Option(help="Seconds that a bidder in a process of its own has for a call.")
    ] = 60.0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Play a duplicate match of two bidders.

    Every deal is bid twice: in the open room A sits North-South, in the closed room East-West. The
    contracts are scored double dummy. With --partner, A sits with that bidder against B and B, on
    odd boards as North or East, on even ones as South or West.

    With --out, boards are kept as they end, in OUT.partial: stopped or killed, the same command
    goes on. A bidder in a process of its own that fails is started anew; if it fails again, the
    board is adjusted, 3 IMPs for the other side.
    """
    from bridgevec.bidders import load_bidder
    from bridgevec.bidders.external import ExternalBidder
    from bridgevec.bidders.journal import Journal
    from bridgevec.bidders.match import SUFFIXES, play_match

    if out is not None and out.suffix not in SUFFIXES:
        raise ValueError(f"{out} is no {', '.join(SUFFIXES)} file")
    masks, tables, conditions, reading = _labelled_deals(deals, boards)
    players = [load_bidder(name) for name in (a, b)]
    players += [] if partner is None else [load_bidder(partner)]
    for player in players:
        if isinstance(player, ExternalBidder):
            player.time_limit = time_limit
    names = (" with ".join(_short(name) for name in (a, partner) if name), _short(b))
    journal = None
    with contextlib.ExitStack() as stack:
        stack.enter_context(told())
        if out is not None:
            stack.enter_context(locked(out))
            settings = {"A": _identity(a), "B": _identity(b)}
            if partner is not None:
                settings["partner"] = _identity(partner)
            journal = Journal(out.with_name(out.name + ".partial"), settings)
        try:
            played = play_match(
                players[0],
                players[1],
                masks,
                tables,
                partner=players[2] if partner else None,
                names=names,
                seed=seed,
                progress=not quiet,
                journal=journal,
                **({} if seed is not None else conditions),
            )
        except KeyboardInterrupt:
            raise stopped("; the same command goes on from here" if journal else "") from None
        if out is not None and journal is not None:
            played.write(out)
            journal.path.unlink(missing_ok=True)
    if as_json:
        print_json({"A": a, "B": b, "partner": partner} | played.summary())
    else:
        typer.echo(played)
        for board in np.argsort(-np.abs(played.imps), kind="stable")[:show].tolist():
            typer.echo(f"\n\n{played.show(board)}")
    if reading is not None:
        reading.finish()


def _identity(bidder: str) -> str:
    """Name a bidder, a file of weights by what is in it."""
    path = Path(bidder)
    if bidder.endswith(".safetensors") and path.is_file():
        return f"{bidder} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return bidder


def _short(bidder: str) -> str:
    """Name a bidder without the folder of its file."""
    return Path(bidder).stem if bidder.endswith(".safetensors") else bidder


def _labelled_deals(
    sources: list[str] | None, boards: int | None
) -> tuple[NDArray[np.uint64], NDArray[np.int8], dict[str, Any], Reading | None]:
    """Read deals with their trick tables; solve those that have none.

    Boards that have conditions of their own tell dealers and vulnerabilities, too.
    """
    from bridgevec.dds import solve_tables
    from bridgevec.records import read_deals
    from bridgevec.records.labelled import is_labelled

    if sources is None:
        sources = [str(Path(bridgevec.__file__).with_name("envs") / "deals.parquet")]
    if all(source.endswith(".parquet") and is_labelled(source) for source in sources):
        masks, tables = read_deals(sources)
        return masks[:boards], tables[:boards], {}, None
    reading = Reading(sources)
    found = [board for _, board in itertools.islice(reading.boards(), boards)]
    conditions: dict[str, Any] = {}
    if any(board.number or board.dealer or board.vulnerable for board in found):
        conditions = {
            "dealers": [int(board.dealer) for board in found],
            "vulnerable": [int(board.vulnerable) for board in found],
        }
    masks = deal_masks([board.deal for board in found])
    return masks, solve_tables(masks), conditions, reading


@app.command(
    epilog=examples(
        "bridgevec merge first.safetensors second.safetensors --out mine.safetensors",
    )
)
def merge(
    weights: Annotated[
        list[str],
        typer.Argument(
            metavar="WEIGHTS...",
            help="Two or more files, or shipped names. One given twice counts twice.",
        ),
    ],
    out: Annotated[str, typer.Option(help="Where the mean goes, name.safetensors.")],
) -> None:
    """Merge bidders: write the mean of their weights.

    Trainings that go out from the same weights, with other seeds or settings, often play better so
    than any of them alone; of unrelated trainings the mean plays nonsense.
    """
    from bridgevec.train.bidder_net import merge_networks

    typer.echo(merge_networks(weights, out))
