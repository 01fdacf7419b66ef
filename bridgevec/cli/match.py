"""The commands match and merge: bidders against each other, and the mean of their weights."""

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
    b: Annotated[str, typer.Argument(metavar="B", help="The other bidder.")],
    deals: Annotated[
        list[str] | None,
        typer.Option(
            help="Labelled deals (.parquet), or deals that are solved first: PBN text or files of "
            "any format. May be repeated. By default, the deals in the package."
        ),
    ] = None,
    boards: Annotated[
        int | None, typer.Option(min=1, help="Number of boards, counted from the first deal.")
    ] = None,
    partner: Annotated[
        str | None, typer.Option(help="A's partner, if it is another bidder.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Draw dealers and vulnerabilities at random instead of the boards' own."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write every board to this .pbn, .csv or .parquet file.")
    ] = None,
    show: Annotated[
        int, typer.Option(min=0, help="Print this many boards, those with the largest swings.")
    ] = 0,
    time_limit: Annotated[
        float, typer.Option(help="Seconds per call for a bidder that is a separate program.")
    ] = 60.0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Play a duplicate match between two bidders.

    Every deal is bid twice: A sits North-South in the open room and East-West in the closed room.
    Contracts are scored double dummy. With --partner, A plays with that bidder against B and B; A
    is North or East on odd boards, South or West on even ones.

    With --out, finished boards are kept in OUT.partial. If the match is interrupted, the same
    command resumes it. A separate program that fails is restarted; if it fails again on the same
    board, the other side gets 3 IMPs.
    """
    from bridgevec.bidders import load_bidder
    from bridgevec.bidders.external import ExternalBidder
    from bridgevec.bidders.journal import Journal
    from bridgevec.bidders.match import SUFFIXES, play_match

    if out is not None and out.suffix not in SUFFIXES:
        raise ValueError(f"--out must end in {' or '.join(SUFFIXES)}, got {out}")
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
            raise stopped("; the same command resumes from here" if journal else "") from None
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
    """Name a bidder; name a file of weights by its content."""
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

    If the boards have dealers and vulnerabilities of their own, these are returned too.
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
            help="Two or more files, or shipped names. A name given twice counts twice.",
        ),
    ],
    out: Annotated[str, typer.Option(help="Write the mean to this file, name.safetensors.")],
    keycards: Annotated[
        bool,
        typer.Option(
            "--keycards",
            help="Let it answer 4NT with key cards, as bridgevec.bidders.agreements says.",
        ),
    ] = False,
) -> None:
    """Merge bidders: write the mean of their weights.

    The mean of several trainings that started from the same weights, with different seeds or
    settings, often plays better than any of them. The mean of unrelated trainings plays nonsense.
    """
    from bridgevec.train.bidder_net import merge_networks

    typer.echo(merge_networks(weights, out, keycards=keycards))
