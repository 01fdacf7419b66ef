"""The command similar: hands and boards like a hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from bridgevec.cards import hand_text, random_masks
from bridgevec.cli.common import (
    Json,
    Weights,
    embedding_of,
    examples,
    group,
    hands_given,
    print_json,
    shows_bars,
)
from bridgevec.cli.reading import finish, hand_lines, input_of, tell
from bridgevec.records.policy import Report

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridgevec.library.index import BoardIndex, CallCount, SimilarBoard

app = group()


@app.command(
    epilog=examples(
        "bridgevec similar AKQ2.K54.T98.J32",
        "bridgevec similar AKQ2.K54.T98.J32 --among match.pbn",
        "bridgevec similar AKQ2.K54.T98.J32 --index mine.bvindex --same-shape",
        "bridgevec similar AKQ2.K54.T98.J32 --with J3.AQ8762.K4.A65 --index mine.bvindex",
        "bridgevec similar AKQ2.K54.T98.J32 --index mine.bvindex --where 'hcp(north) >= 10'",
        "bridgevec similar KJ73.A4.QT852.63 --index mine.bvindex --after '1N P' --calls",
        "bridgevec similar --index mine.bvindex --opened 1N --spread 20",
    )
)
def similar(
    hand: Annotated[
        str | None, typer.Argument(help="The hand as PBN text. Optional with --spread.")
    ] = None,
    library: Annotated[
        Path | None, typer.Option("--index", help="Search an index that `bridgevec index` made.")
    ] = None,
    among: Annotated[
        list[str] | None,
        typer.Option(
            help="Search files of boards of any format, a folder, or a file with one hand per "
            "line. May be repeated."
        ),
    ] = None,
    random: Annotated[
        int,
        typer.Option(min=1, help="Without --index and --among, search this many random hands."),
    ] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random hands and of --spread.")] = 0,
    k: Annotated[
        int | None,
        typer.Option(
            "-k",
            min=1,
            help="Number of boards to show (5 by default), to count with --calls (100), or to "
            "choose from with --spread (1000).",
        ),
    ] = None,
    partner: Annotated[
        str | None,
        typer.Option("--with", metavar="HAND2", help="Partner's hand should be like this one."),
    ] = None,
    same_shape: Annotated[
        bool,
        typer.Option(
            "--same-shape", help="Only hands with as many spades, hearts, diamonds and clubs."
        ),
    ] = False,
    where: Annotated[
        str | None,
        typer.Option(
            help="A condition in the dealer language. Boards are rotated so that the hand is "
            "South's, or that of --seat."
        ),
    ] = None,
    seat: Annotated[str, typer.Option(help="The seat of the hand in --where: N, E, S or W.")] = "S",
    opened: Annotated[
        str | None,
        typer.Option(metavar="CALL", help="Only hands that opened the bidding with this call."),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(
            metavar="AUCTION",
            help="Only hands whose turn it was after this auction, such as '1N P'.",
        ),
    ] = None,
    calls: Annotated[
        bool, typer.Option("--calls", help="Count what players called with such hands.")
    ] = False,
    spread: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Choose N boards that differ from each other."),
    ] = None,
    weights: Weights = None,
    as_json: Json = False,
) -> None:
    """Find the boards with hands that are most like a hand.

    Prints the boards whose hands are nearest in the embedding, with the distance, file, seat,
    contract, result and auction. The search is exact.

    --calls prints a table of what players called with such hands after the auction of --after, or,
    without it, when nobody had bid. --spread chooses boards for teaching: as different from each
    other as possible.
    """
    text = None if hand is None else hands_given([hand])[0]
    if text is None and (spread is None or partner or same_shape):
        raise ValueError("no hand to look for; give one such as AKQ2.K54.T98.J32, or --spread N")
    if calls and spread is not None:
        raise ValueError("--calls and --spread do not go together")
    if library is not None and among:
        raise ValueError("--index and --among do not go together")
    report = Report(tell)
    searched: BoardIndex | NDArray[np.uint64]
    if library is None and not among:
        searched = random_masks(random, seed)[:, 0]
    else:
        searched = _searched(library, among or [], weights, report)
    if isinstance(searched, np.ndarray):
        if partner or where or opened or after is not None or calls or spread or same_shape:
            raise ValueError("these are hands without boards; give --index, or --among with boards")
        assert text is not None  # checked above
        _nearest_hands(text, searched, k or 5, weights, as_json)
        finish(report)
        return
    searched = searched.select(where, seat=seat, opened=opened, after=after)
    alike: dict[str, Any] = {"partner": partner, "same_shape": same_shape}
    if calls:
        assert text is not None  # checked above
        _print_calls(searched.calls(text, k or 100, **alike), as_json)
    elif spread is not None:
        chosen = searched.spread(spread, text, among=k or 1000, seed=seed, **alike)
        _print_boards(chosen, partner is not None, as_json)
    else:
        assert text is not None  # checked above
        _print_boards(searched.nearest(text, k or 5, **alike), partner is not None, as_json)
    finish(report)


def _searched(
    library: Path | None, among: list[str], weights: str | None, report: Report
) -> BoardIndex | NDArray[np.uint64]:
    """Open the index, or index files; hands without boards are given as they are."""
    from bridgevec.library.index import BoardIndex

    if library is not None:
        return BoardIndex.open(library, weights=weights)
    sources = [input_of(source) for source in among]
    if len(sources) == 1 and (masks := hand_lines(sources[0])) is not None:
        return masks
    return BoardIndex.from_files(sources, weights=weights, report=report, progress=shows_bars())


def _nearest_hands(
    hand: str, pool: NDArray[np.uint64], k: int, weights: str | None, as_json: bool
) -> None:
    indices, distances = embedding_of(weights).nearest_hands(hand, pool, min(k, len(pool)))
    found = [hand_text(int(pool[i])) for i in indices]
    if as_json:
        print_json(
            [
                {"hand": near, "distance": round(float(distance), 6)}
                for near, distance in zip(found, distances, strict=True)
            ]
        )
        return
    for near, distance in zip(found, distances, strict=True):
        typer.echo(f"{distance:8.4f}  {near}")


def _row(found: SimilarBoard) -> dict[str, Any]:
    """Write a board for JSON."""
    board = found.board
    return {
        "hand": found.hand,
        "distance": None if found.distance is None else round(found.distance, 6),
        "stands_for": found.stands_for,
        "file": found.file,
        "place": found.place,
        "board": found.label,
        "seat": found.seat.name,
        "deal": board.deal.pbn,
        "dealer": board.dealer.name,
        "vulnerable": str(board.vulnerable),
        "auction": str(board.auction),
        "contract": None if board.contract is None else str(board.contract),
        "result": board.result,
        "score": board.score,
    }


def _print_boards(found: list[SimilarBoard], pairs: bool, as_json: bool) -> None:
    if as_json:
        print_json([_row(one) for one in found])
        return
    columns: dict[str, list[str]] = {}
    if any(one.distance is not None for one in found):
        columns["distance"] = [f"{one.distance:8.4f}" for one in found]
    if any(one.stands_for > 1 for one in found):
        columns["like it"] = [str(one.stands_for) for one in found]
    columns["hand"] = [one.hand for one in found]
    if pairs:
        columns["partner"] = [one.board.deal[one.seat.partner] for one in found]
    columns |= {
        "seat": [one.seat.name for one in found],
        "board": [one.label for one in found],
        "file": [one.file for one in found],
        "dealer": [one.board.dealer.name for one in found],
        "vul": [str(one.board.vulnerable) for one in found],
        "contract": [one.outcome for one in found],
        "auction": [str(one.board.auction) for one in found],
    }
    _print_table(columns)


def _print_calls(table: list[CallCount], as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {"call": str(row.call), "count": row.count, "share": round(row.share, 4)}
                | {"nearest": _row(row.nearest)}
                for row in table
            ]
        )
        return
    _print_table(
        {
            "call": [str(row.call) for row in table],
            "count": [f"{row.count:5d}" for row in table],
            "share": [f"{100 * row.share:4.0f}%" for row in table],
            "nearest hand": [row.nearest.hand for row in table],
            "distance": [f"{row.nearest.distance:8.4f}" for row in table],
            "board": [row.nearest.label for row in table],
            "file": [row.nearest.file for row in table],
        }
    )


def _print_table(columns: dict[str, list[str]]) -> None:
    """Print columns under their names; those without any text are left out."""
    shown = {name: cells for name, cells in columns.items() if any(cells)}
    if not shown:
        typer.echo("bridgevec: no board fits", err=True)
        return
    widths = [max(map(len, [name, *cells])) for name, cells in shown.items()]
    for row in zip(*([name, *cells] for name, cells in shown.items()), strict=True):
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())
