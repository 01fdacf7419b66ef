"""The ``bridgevec`` command: a thin face on the library, for people and (``--json``) programs.

Input is PBN text, a file, or ``-`` for standard input. Records that cannot be read are left out,
with a line each on standard error, and the exit code is 3; if nothing can be done it is 2. Modules
that need an optional extra are imported by the command that uses them, so the others work without
it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import itertools
import json
import os
import platform
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from importlib import metadata
from pathlib import Path
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import numpy as np
import typer
from numpy.typing import NDArray

from bridgevec import cli_deals
from bridgevec.board import Board
from bridgevec.cards import (
    Deal,
    Seat,
    Strain,
    deal_masks,
    hand_mask,
    hand_text,
    random_masks,
)
from bridgevec.cli_boards import (
    Analysis,
    Json,
    Reading,
    is_deal,
    is_file,
    play_json,
    play_text,
    print_json,
    read_hands,
    with_notes,
)
from bridgevec.dds import MEMORY
from bridgevec.files import locked, write_figure
from bridgevec.scoring import (
    VULNERABILITIES,
    Contract,
    Vulnerability,
    parse_vulnerable,
    score,
)

if TYPE_CHECKING:
    from bridgevec.bidders.bidder import Bidder
    from bridgevec.models.embedding import Embedding
    from bridgevec.models.opening_model import KnownOpening, OpeningBid

_EXTRAS = {
    "endplay": "records",
    "pyarrow": "records",
    "matplotlib": "plots",
    "torch": "train",
    "sklearn": "train",
    "joblib": "cluster",
    "distributed": "cluster",
    "ray": "cluster",
}


_CHUNK = 4096
"""Deals at a time, so that any number fits into memory."""


def _fail(message: str) -> typer.Exit:
    typer.echo(f"bridgevec: {message}", err=True)
    return typer.Exit(2)


class _Group(typer.core.TyperGroup):
    """Turns errors that the user can mend into one line and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ValueError as error:
            raise _fail(str(error)) from error
        except BrokenPipeError:
            raise  # as in `bridgevec deal -n 1000 | head`: no error, and dealt with by the caller
        except OSError as error:
            named = error.filename is not None
            message = f"{error.filename}: {error.strerror}" if named else str(error)
            raise _fail(message) from error
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in _EXTRAS:
                raise
            extra = _EXTRAS[package]
            raise _fail(f'this needs {package}: pip install "bridgevec[{extra}]"') from error


def _examples(*lines: str) -> str:
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


app = typer.Typer(
    cls=_Group,
    name="bridgevec",
    help="Contract bridge AI: a double-dummy solver, hand embeddings and their training.",
    epilog=_examples(
        "bridgevec tricks AKQ2.K54.T98.J32 J3.AQ8762.K4.A65",
        "bridgevec deal -n 2 --seed 1 | bridgevec solve -",
        "bridgevec COMMAND --help",
    ),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _name(source: str) -> str:
    return "standard input" if source == "-" else source


def _lines(file: Iterable[str], source: str) -> Iterator[str]:
    """Give the lines of a text file, without the blank ones; there must be some."""
    lines = (line.strip() for line in file if line.strip())
    first = next(lines, None)
    if first is None:
        raise ValueError(f"{_name(source)} is empty")
    return itertools.chain([first], lines)


def _read_hands(sources: Iterable[str]) -> list[str]:
    hands: list[str] = []
    for source in sources:
        hands += _lines(sys.stdin, source) if source == "-" else [source]
    return [hand_text(hand_mask(hand)) for hand in hands]


HandArguments = Annotated[
    list[str],
    typer.Argument(metavar="HAND...", help="Hands as PBN text, or - to read one a line."),
]
_BIDDERS = (
    "default, imitation, uncontested, rules, pass, random, a file name.safetensors, or "
    "exec:COMMAND, a process that speaks lines of JSON"
)
Bidders = Annotated[str, typer.Option(help=f"Who bids: {_BIDDERS}.")]
Weights = Annotated[
    str | None,
    typer.Option(help="Another embedding: a shipped name, or a file name.safetensors."),
]


def _embedding(weights: str | None) -> Embedding:
    from bridgevec.models.embedding import load_embedding

    return load_embedding() if weights is None else load_embedding(weights)


@app.command(
    epilog=_examples(
        "bridgevec embed AKQ2.K54.T98.J32",
        "bridgevec embed --json AKQ2.K54.T98.J32 J3.AQ8762.K4.A65",
    )
)
def embed(hands: HandArguments, weights: Weights = None, as_json: Json = False) -> None:
    """Embed hands as 8 numbers each.

    Hands that play alike lie near each other. A hand is written spades.hearts.diamonds.clubs.
    """
    texts = _read_hands(hands)
    vectors = _embedding(weights).embed_hands(texts)
    if as_json:
        print_json(
            [
                {"hand": text, "embedding": [round(x, 6) for x in vector]}
                for text, vector in zip(texts, vectors.tolist(), strict=True)
            ]
        )
        return
    for text, vector in zip(texts, vectors, strict=True):
        typer.echo(f"{text}  " + " ".join(f"{x:8.4f}" for x in vector))


@app.command(
    epilog=_examples(
        "bridgevec tricks AKQ2.K54.T98.J32 J3.AQ8762.K4.A65",
        "bridgevec tricks AKQ2.K54.T98.J32 J3.AQ8762.K4.A65 --plot tricks.png",
    )
)
def tricks(
    declarer: Annotated[str, typer.Argument(help="Declarer's hand as PBN text.")],
    dummy: Annotated[str, typer.Argument(help="Dummy's hand as PBN text.")],
    plot: Annotated[
        Path | None, typer.Option(help="Draw the chances in this file, .png, .svg or .pdf.")
    ] = None,
    weights: Weights = None,
    as_json: Json = False,
) -> None:
    """Estimate the tricks that two hands take.

    For every strain: the mean number of double-dummy tricks over the ways the other cards may lie,
    and the chance to make each level from 1 to 7.
    """
    declarer, dummy = _read_hands([declarer, dummy])
    estimate = _embedding(weights).estimate_tricks(declarer, dummy)
    if plot is not None:
        from bridgevec.plots import plot_tricks

        drawing = plot_tricks(estimate, f"{declarer} opposite {dummy}").get_figure(root=True)
        assert drawing is not None  # a new one
        write_figure(plot, drawing)
    chances = {
        strain.name: [float(estimate.make(level, strain)) for level in range(1, 8)]
        for strain in reversed(Strain)
    }
    if as_json:
        print_json(
            {
                "declarer": declarer,
                "dummy": dummy,
                "strains": {
                    name: {"mean": round(float(estimate.mean[Strain[name]]), 4)}
                    | {"make": [round(p, 4) for p in levels]}
                    for name, levels in chances.items()
                },
            }
        )
        return
    typer.echo(f"declarer {declarer}   dummy {dummy}\n")
    typer.echo("strain  tricks   chance to make " + "".join(f"{k:5d}" for k in range(1, 8)))
    for name, levels in chances.items():
        row = "".join(f"{100 * p:4.0f}%" for p in levels)
        typer.echo(f"{name:<6}{estimate.mean[Strain[name]]:8.1f}{'':17}{row}")


@app.command(
    epilog=_examples(
        "bridgevec similar AKQ2.K54.T98.J32",
        "bridgevec similar AKQ2.K54.T98.J32 --random 50000 --seed 7 -k 3",
        "bridgevec similar AKQ2.K54.T98.J32 --among match.pbn",
    )
)
def similar(
    hand: Annotated[str, typer.Argument(help="The hand as PBN text.")],
    among: Annotated[
        str | None,
        typer.Option(help="Search the hands of a .pbn, .lin or .parquet file, or one hand a line."),
    ] = None,
    random: Annotated[
        int, typer.Option(min=1, help="Else, search this many random hands.")
    ] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Which random hands.")] = 0,
    k: Annotated[int, typer.Option("-k", min=1, help="How many to show.")] = 5,
    weights: Weights = None,
    as_json: Json = False,
) -> None:
    """Find the hands that are most like a hand.

    Those nearest to it in the embedding, with their distances.
    """
    (text,) = _read_hands([hand])
    pool = _hand_pool(among) if among else random_masks(random, seed)[:, 0]
    indices, distances = _embedding(weights).nearest_hands(text, pool, min(k, len(pool)))
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


@app.command(
    "map",
    epilog=_examples(
        "bridgevec map --out map.png",
        "bridgevec map --colour 'longest suit' --random 4000 --out suits.svg",
        "bridgevec map --seed 7 --colour points --colour shape --out shape.png",
    ),
)
def draw_map(
    out: Annotated[Path, typer.Option(help="The picture to write, .png, .svg or .pdf.")],
    colour: Annotated[
        list[str],
        typer.Option(
            help="What the hands are coloured by, a picture each: points, aces, shape (cards in "
            "the two longest suits), 'longest suit' or opening."
        ),
    ] = ["points", "aces", "opening"],  # noqa: B006 - typer's way to name several
    among: Annotated[
        str | None,
        typer.Option(help="Draw the hands of a .pbn, .lin or .parquet file, or one hand a line."),
    ] = None,
    random: Annotated[int, typer.Option(min=10, help="Else, draw this many random hands.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the hands and of the layout.")] = 0,
    weights: Weights = None,
) -> None:
    """Draw a map of the hand space.

    Hands that lie near each other in the embedding are near each other in the picture (t-SNE).
    2,000 hands take some ten seconds.
    """
    from matplotlib.figure import Figure

    from bridgevec.plots import lay_out, map_values, plot_hand_map

    pool = _hand_pool(among) if among else random_masks(-(-random // 4), seed).reshape(-1)[:random]
    values = [map_values(pool, kind) for kind in colour]
    points = lay_out(_embedding(weights).embed_hands(pool), seed)
    figure = Figure(figsize=(4.6 * len(colour), 4), layout="constrained")
    panels = figure.subplots(1, len(colour), squeeze=False)[0]
    for ax, kind, value in zip(panels, colour, values, strict=True):
        plot_hand_map(points, value, kind, ax=ax).set(xticks=[], yticks=[])
    write_figure(out, figure)
    typer.echo(f"{out}: {len(pool)} hands")


def _hand_pool(source: str) -> NDArray[np.uint64]:
    pool, report = read_hands(source)
    if report.left_out:
        typer.echo(f"bridgevec: {report.left_out} records left out", err=True)
    return pool


@app.command(
    epilog=_examples(
        "bridgevec solve match.pbn",
        "bridgevec solve match.pbn --out match.pbn",
        "bridgevec deal -n 3 --seed 1 | bridgevec solve -",
        "bridgevec solve 'N:T5.AT.QJ98742.63 64.KQJ8762.K.J92 A93.53.AT5.AKT75"
        " KQJ872.94.63.Q84' --strain NT --leader W --played 'SK S5'",
        "bridgevec solve 'N:T5.AT.QJ98742.63 64.KQJ8762.K.J92 A93.53.AT5.AKT75"
        " KQJ872.94.63.Q84' --contract '3NT by N' --vulnerable NS --played 'HK H3'",
    )
)
def solve(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="DEAL|FILE...",
            help="Deals as PBN text; files of any kind, folders, or - for standard input.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Write a copy of the .pbn file, or the file itself, with its results."),
    ] = None,
    only_missing: Annotated[
        bool,
        typer.Option("--only-missing", help="With --out, leave boards that have their results."),
    ] = False,
    strain: Annotated[str | None, typer.Option(help="Trumps: C, D, H, S or NT.")] = None,
    leader: Annotated[
        str | None, typer.Option(help="Who leads to the first trick: N, E, S or W.")
    ] = None,
    contract: Annotated[
        str | None, typer.Option(help="Play this contract out, such as '4SX by N'.")
    ] = None,
    vulnerable: Annotated[
        str, typer.Option(help="For the score of --contract: None, NS, EW or All.")
    ] = "None",
    played: Annotated[str, typer.Option(help="Cards played so far, such as 'SK S5 S4'.")] = "",
    workers: Annotated[int | None, typer.Option(help="Threads; by default all.")] = None,
    memory: Annotated[
        int, typer.Option(min=1, help="MiB for the positions that each thread remembers.")
    ] = MEMORY,
    as_json: Json = False,
) -> None:
    """Solve deals double dummy.

    Prints the tricks of every declarer in every strain. Each table comes as soon as it is solved;
    deals may be any number, even a stream without an end.

    With --out, adds the tables and the par scores to a .pbn file, as its tags OptimumResultTable
    and OptimumScore, in the place of what other programs say of them, and changes nothing else in
    it. Stopped or killed, the same command goes on.

    With --strain and --leader, prints the tricks that each card which may be played next is worth
    to the side that plays it.

    With --contract, prints its score, and the play trick by trick to the end without error: the
    cards already played with the tricks that they cost, and on the right the tricks that the
    declarer comes to.
    """
    if (strain is None) != (leader is None):
        raise ValueError("--strain and --leader go together")
    if contract is not None and strain is not None:
        raise ValueError("--contract stands for --strain and --leader, give one or the other")
    if played and contract is None and strain is None:
        raise ValueError("--played needs --contract, or --strain and --leader")
    if out is not None and (contract is not None or strain is not None):
        raise ValueError("--out is for tables, without --contract, --strain and --leader")
    if only_missing and out is None:
        raise ValueError("--only-missing goes with --out")
    reading = Reading(sources)
    deals = ((label, board.deal) for label, board in reading.boards())
    if out is not None:
        _solve_pbn(reading, out, workers, memory, only_missing, as_json)
    elif contract is not None:
        _play_contract(list(deals), Contract.parse(contract), vulnerable, played.split(), as_json)
    elif strain is not None and leader is not None:
        board = (Strain.parse(strain), Seat.parse(leader), played.split())
        _solve_board(list(deals), *board, as_json)
    else:
        total = reading.count() if _shows_bars() else None
        _solve_tables(deals, total, workers, memory, as_json)
    reading.finish()


def _shows_bars() -> bool:
    return sys.stderr.isatty()


def _stopped(message: str) -> typer.Exit:
    typer.echo(f"bridgevec: stopped{message}", err=True)
    return typer.Exit(130)


def _solve_tables(
    deals: Iterator[tuple[str, Deal]],
    total: int | None,
    workers: int | None,
    memory: int,
    as_json: bool,
) -> None:
    """Print tables as they are solved, with a progress bar if standard error is a terminal."""
    from tqdm import tqdm

    from bridgevec.dds import iter_tables

    labelled, unlabelled = itertools.tee(deals)
    tables = iter_tables((deal for _, deal in unlabelled), workers, memory)
    solved = zip(labelled, tables)  # noqa: B905 - the deals end first, and the tables with them
    n = 0
    bar = tqdm(solved, total=total, unit="table", disable=not _shows_bars(), smoothing=0.05)
    try:
        with closing(tables), bar:
            for n, ((label, deal), table) in enumerate(bar, 1):
                if as_json:
                    row = {"board": label, "deal": deal.pbn, "tricks": _table_json(table)}
                    text = ("[" if n == 1 else ", ") + json.dumps(row, ensure_ascii=False)
                else:
                    text = "\n" * (n > 1) + _beside(f"Board {label}\n{deal}", _table_text(table))
                with bar.external_write_mode():  # a terminal shows the bar below the tables
                    typer.echo(text)
    except KeyboardInterrupt:
        raise _stopped(f" after {n} tables") from None
    if as_json:
        typer.echo("]" if n else "[]")


def _solve_pbn(
    reading: Reading,
    out: Path,
    workers: int | None,
    memory: int,
    only_missing: bool,
    as_json: bool,
) -> None:
    from bridgevec.records.results import solve_pbn

    sources = reading.sources
    if len(sources) != 1 or not Path(sources[0]).is_file():
        raise ValueError(f"--out takes one .pbn file, got {' '.join(sources)}")
    try:
        boards = solve_pbn(
            sources[0],
            out,
            workers,
            memory,
            progress=_shows_bars(),
            only_missing=only_missing,
            report=reading.report,
        )
    except KeyboardInterrupt:
        raise _stopped("; the same command goes on from here") from None
    if as_json:
        print_json({"file": str(out), "boards": boards})
    else:
        typer.echo(f"{out}: {boards} board{'s' * (boards != 1)} with results")


def _solve_board(
    deals: list[tuple[str, Deal]],
    strain: Strain,
    leader: Seat,
    played: list[str],
    as_json: bool,
) -> None:
    from bridgevec.dds import solve_board

    if len(deals) != 1:
        raise ValueError(f"--strain and --leader take one deal, got {len(deals)}")
    ((_, deal),) = deals
    cards = {card: int(n) for card, n in solve_board(deal, strain, leader, played).items()}
    if as_json:
        print_json(
            {"deal": deal.pbn, "strain": strain.name, "leader": leader.name}
            | {"played": played, "tricks": cards}
        )
        return
    for n in sorted(set(cards.values()), reverse=True):
        typer.echo(f"{n:2d}  " + " ".join(card for card in cards if cards[card] == n))


def _play_contract(
    deals: list[tuple[str, Deal]],
    contract: Contract,
    vulnerable: str,
    played: list[str],
    as_json: bool,
) -> None:
    from bridgevec.play import best_play

    if len(deals) != 1:
        raise ValueError(f"--contract takes one deal, got {len(deals)}")
    ((_, deal),) = deals
    code = parse_vulnerable(vulnerable)
    play = best_play(deal, contract, played)
    tricks = play.cards[-1].tricks
    points = score(contract, tricks, code)
    if as_json:
        cards = [{**card._asdict(), "seat": card.seat.name} for card in play.cards]
        print_json(
            {"deal": deal.pbn, "contract": str(contract), "vulnerable": VULNERABILITIES[code]}
            | {"double_dummy": play.tricks, "tricks": tricks, "score": points, "cards": cards}
        )
        return
    typer.echo(play)
    typer.echo(f"score {points}, vulnerable {VULNERABILITIES[code]}")


def _table_json(table: NDArray[np.int8]) -> dict[str, dict[str, int]]:
    return {
        strain.name: {seat.name: int(table[strain, seat]) for seat in Seat} for strain in Strain
    }


def _table_text(table: NDArray[np.int8]) -> str:
    rows = ["   " + "".join(f"{strain.name:>4}" for strain in Strain)]
    rows += [f"{seat.name:<3}" + "".join(f"{n:4d}" for n in table[:, seat]) for seat in Seat]
    return "\n".join(rows)


def _beside(left: str, right: str) -> str:
    """Set a short text to the right of a longer one, at half its height."""
    lines = left.splitlines()
    width = max(len(line) for line in lines) + 4
    for row, text in enumerate(right.splitlines(), (len(lines) - right.count("\n")) // 2):
        lines[row] = f"{lines[row]:<{width}}{text}"
    return "\n".join(lines)


@app.command(
    epilog=_examples(
        "bridgevec analyse match.pbn",
        "bridgevec analyse match.pbn --out analysed.pbn",
        "bridgevec analyse match.pbn --json",
    )
)
def analyse(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="Boards that were played: files of any kind, folders, or -."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Write the boards with notes of what cards cost: a .pbn file."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Threads; by default all.")] = None,
    as_json: Json = False,
) -> None:
    """Tell what each card of a play cost.

    Board by board, trick by trick: the cards with the tricks that they threw away, and on the right
    the tricks that the declarer comes to if nobody errs any more. At the end the totals of players,
    of sides, and of declarers and defenders; dummy's cards are the declarer's.
    """
    from bridgevec.records import write_boards

    if out is not None and out.suffix.lower() != ".pbn":
        raise ValueError(f"{out} is no .pbn file")
    reading = Reading(sources, "play")
    analysis = Analysis(reading, workers)
    rows: list[dict[str, Any]] = []

    def boards() -> Iterator[Board]:
        for label, board, play in analysis.plays():
            if as_json:
                rows.append(play_json(label, board, play))
            elif out is None:
                typer.echo(play_text(label, board, play) + "\n")
            yield with_notes(board, play)

    try:
        n = sum(1 for _ in boards()) if out is None else write_boards(out, boards())
    except KeyboardInterrupt:
        raise _stopped("") from None
    if as_json:
        report = reading.report
        counts = {"without_play": analysis.without_play, "left_out": report.left_out}
        print_json({"boards": rows, "totals": analysis.totals()} | counts)
    elif n:
        if out is not None:
            typer.echo(f"{out}: {n} board{'s' * (n != 1)} with notes\n")
        typer.echo(analysis.table())
    if left := analysis.without_play:
        typer.echo(f"bridgevec: {left} board{' has' if left == 1 else 's have'} no play", err=True)
    reading.finish()


app.command(
    epilog=_examples(
        "bridgevec deal -n 5 --seed 1",
        "bridgevec deal --north AKQ2.K54.T98.J32 --diagram",
        "bridgevec deal -n 16 --seed 1 --pbn > session.pbn",
        "bridgevec deal -n 9 --where 'hcp(north) >= 15 and shape(north, any 5332)'",
        "bridgevec deal -n 9 --hand W=KJT73.Q64.A92.85 --auction '1N P 3N P P P' --format pbn",
    )
)(cli_deals.deal)
app.command(
    epilog=_examples(
        "bridgevec lead KJT73.Q64.A92.85 --auction '1N P 3N P P P'",
        "bridgevec lead KJT73.Q64.A92.85 --auction '1S P 4S P P P' --dealer N --deals 100 --json",
    )
)(cli_deals.lead)


@app.command(
    epilog=_examples(
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
    workers: Annotated[int | None, typer.Option(help="Threads; by default all.")] = None,
    backend: Annotated[
        str, typer.Option(help="Where to solve: threads, loky (processes), dask or ray.")
    ] = "threads",
    address: Annotated[
        str | None, typer.Option(help="Of the cluster's scheduler; else one is started here.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
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
        if shard_size is None:
            label_deals(out, deals, seed, **options)
        else:
            files = label_shards(out, deals, seed, shard_size, shard or None, **options)
    except KeyboardInterrupt:
        raise _stopped("; the same command goes on from here") from None
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


def _config_command(config: type, run: Callable[[Any], Path], **settings: Any) -> Any:
    """Make a command that has an option, or an argument, for every field of a dataclass.

    The help of an option is what the docstring's section Attributes says of the field.
    """
    kinds = get_type_hints(config)
    about = dict[str, str]()
    entry = re.compile(r"^([\w, ]+) : .*\n((?: .*(?:\n|$)|\n(?= ))+)", re.MULTILINE)
    for names, text in entry.findall(inspect.getdoc(config) or ""):
        for name in names.split(", "):
            about[name] = " ".join(text.replace("`", "").split())

    def command(**values: Any) -> None:
        given = config(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
        out = Path(given.out)
        out.parent.mkdir(parents=True, exist_ok=True)
        # Of several processes of torchrun the first one writes.
        first = os.environ.get("RANK", "0") == "0"
        with locked(out) if first else contextlib.nullcontext():
            typer.echo(run(given))

    command.__doc__ = settings.pop("help")
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            _parameter(field, kinds[field.name], about.get(field.name))
            for field in dataclasses.fields(config)
        ]
    )
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(**settings)(command)
    return typer.main.get_command(single)


def _parameter(field: dataclasses.Field[Any], kind: Any, about: str | None) -> inspect.Parameter:
    if get_origin(kind) is tuple:
        kind = GenericAlias(list, get_args(kind)[:1])
    empty = inspect.Parameter.empty
    default = empty if field.default is dataclasses.MISSING else field.default
    info = typer.Argument if default is empty else typer.Option
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=list(default) if isinstance(default, tuple) else default,
        annotation=Annotated[kind, info(help=about)],
    )


class _TrainGroup(typer.core.TyperGroup):
    """Makes a command when it is asked for: its options come from a module that uses torch."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [
            *("bidder", "bidder-imitation", "deal2tricks", "guesses", "hand2vec", "opening"),
            "vectors",
        ]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.list_commands(ctx):
            return None
        if cmd_name == "bidder-imitation":
            from bridgevec.bidders import imitation

            return _config_command(
                imitation.ImitationConfig,
                imitation.train_imitation,
                name=cmd_name,
                help="Train a bidder to call as in recorded auctions.",
                epilog=_examples(
                    "bridgevec train bidder-imitation --auctions many.parquet"
                    " --out mine.safetensors",
                    "bridgevec train bidder-imitation --auctions my_records --start imitation"
                    " --epochs 3 --batch-size 512 --learning-rate 0.001 --muon-rate 0.004",
                ),
            )
        if cmd_name == "bidder":
            from bridgevec.bidders import selfplay

            return _config_command(
                selfplay.SelfPlayConfig,
                selfplay.train,
                name=cmd_name,
                help="Train a bidder by self-play, from weights or from none.",
                epilog=_examples(
                    "bridgevec train bidder --deals train.parquet --out mine.safetensors",
                    "bridgevec train bidder --start uncontested --anchor imitation"
                    " --estimated 200000 --out mine.safetensors",
                    "bridgevec train bidder --opponents pass --start none --out pair.safetensors",
                    "bridgevec train bidder --start mine.safetensors --updates 1000 --resume",
                ),
            )
        if cmd_name == "opening":
            from bridgevec.models import opening

            return _config_command(
                opening.OpeningConfig,
                opening.train_opening,
                name=cmd_name,
                help="Train the opening bids on recorded auctions.",
                epilog=_examples(
                    "bridgevec train opening my_records --out mine.safetensors",
                    "bridgevec train opening a.pbn b.lin --epochs 20 --out mine.safetensors",
                    "bridgevec train opening many.parquet --start none --features all --dropout 0"
                    " --epochs 12 --batch-size 1024",
                ),
            )
        if cmd_name == "deal2tricks":
            from bridgevec.models import deal2tricks

            return _config_command(
                deal2tricks.Deal2TricksConfig,
                deal2tricks.train_deal2tricks,
                name=cmd_name,
                help="Train the four-hand teacher of hand2vec on deals.",
                epilog=_examples(
                    "bridgevec train deal2tricks --deals 'data/deals_train_*.parquet'"
                    " --validation-deals data/deals_test.parquet --out deal2tricks.safetensors",
                    "bridgevec train hand2vec --layout-teachers deal2tricks.safetensors",
                ),
            )
        if cmd_name == "guesses":
            from bridgevec.bidders import guesses

            return _config_command(
                guesses.GuessesConfig,
                guesses.fit_guesses,
                name=cmd_name,
                help="Fit a bidder's guesses of hands to new vectors.",
                epilog=_examples("bridgevec train guesses --start default --out mine.safetensors"),
            )
        if cmd_name == "vectors":
            from bridgevec.models import vectors

            return _config_command(
                vectors.VectorsConfig,
                vectors.train_vectors,
                name=cmd_name,
                help="Learn the numbers of the hand embedding.",
                epilog=_examples(
                    "bridgevec train vectors --out vectors.safetensors",
                    "bridgevec train vectors --dims 16 --out wide.safetensors --resume",
                    "bridgevec train hand2vec --teachers vectors.safetensors --keep-encoder",
                ),
            )
        from bridgevec.models import training

        return _config_command(
            training.Hand2VecConfig,
            training.train,
            name=cmd_name,
            help="Train the hand embedding on deals and hand pairs.",
            epilog=_examples(
                "bridgevec train hand2vec --deals train.parquet --out mine.safetensors",
                "bridgevec train hand2vec --deals 'data/deals_*.parquet' --epochs 20 --resume",
            ),
        )


app.add_typer(
    typer.Typer(cls=_TrainGroup, no_args_is_help=True, rich_markup_mode=None),
    name="train",
    help="Train a model on labelled deals or recorded auctions.",
    epilog=_examples("bridgevec train hand2vec --deals train.parquet --out mine.safetensors"),
)


@app.command(
    "open",
    epilog=_examples(
        "bridgevec open AKQ2.K54.T98.J32",
        "bridgevec open K5.QJT9863.84.62 --position 3 --dealer S --vulnerable EW",
        "bridgevec open AKQ2.K54.T98.J32 --model opening-experts --json",
    ),
)
def open_bidding(
    hands: Annotated[
        list[str],
        typer.Argument(
            metavar="HAND|DEAL|FILE...",
            help="Hands as PBN text, or - to read one a line; or deals and files of boards.",
        ),
    ],
    position: Annotated[
        int, typer.Option(min=1, max=4, help="1 for the dealer, 4 after three passes.")
    ] = 1,
    dealer: Annotated[
        str | None, typer.Option(help="Who deals: N, E, S or W. By default the board's, else N.")
    ] = None,
    vulnerable: Annotated[
        str | None,
        typer.Option(help="None, NS, EW or All. By default the board's, else None."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A shipped model, or a file name.safetensors.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many known hands to show.")] = 5,
    as_json: Json = False,
) -> None:
    """Tell what to open hands with, and why.

    Prints the calls with their probabilities, and the nearest hands of known openings.
    """
    from bridgevec.models.opening_model import load_opening

    opener = load_opening() if model is None else load_opening(model)
    given = {"dealer": dealer, "vulnerable": vulnerable}
    changes = {name: value for name, value in given.items() if value is not None}
    reading = Reading([source for source in hands if source != "-" and not _is_hand(source)])
    asked = []
    for text in _read_hands(source for source in hands if source == "-" or _is_hand(source)):
        asked.append((text, Seat.parse(dealer or "N"), Vulnerability.parse(vulnerable or "None")))
    if reading.sources:
        for _, one in reading.boards():
            board = Board(one.deal, one.dealer, one.vulnerable).replace(**changes)
            hand = board[(board.dealer + position - 1) % 4]
            asked.append((hand, board.dealer, board.vulnerable))
    found = []
    for text, first, sides in asked:
        question = (text, position, first, sides)
        bid = opener.opening_bid(*question)
        found.append((text, bid, opener.nearest_openings(*question, k)))
    if as_json:
        print_json(
            [
                {"hand": text, "position": position, "dealer": first.name}
                | {"vulnerable": str(sides), "call": bid.call}
                | {"probabilities": {c: round(p, 6) for c, p in bid.probabilities.items()}}
                | {"nearest": [near._asdict() for near in known]}
                for (text, bid, known), (_, first, sides) in zip(found, asked, strict=True)
            ]
        )
    else:
        typer.echo("\n\n".join(_opening_text(*one) for one in found))
    reading.finish()


def _opening_text(hand: str, bid: OpeningBid, known: list[KnownOpening]) -> str:
    calls = [
        f"{100 * p:6.1f}%  {call}"
        for i, (call, p) in enumerate(bid.probabilities.items())
        if i == 0 or p >= 0.001
    ]
    hands = [f"{near.distance:7.3f}  {near.call:<4}{near.hand}" for near in known]
    reasons = ["", "nearest known openings (distance, call, hand):", *hands] if hands else []
    return "\n".join([hand, *calls, *reasons])


@app.command(
    epilog=_examples(
        "bridgevec bid AQ54.K7.AJ43.Q65",
        "bridgevec bid KJ985.A4.8643.72 --auction '1N P' --vulnerable NS",
        "bridgevec deal -n 2 --seed 1 | bridgevec bid - --bidder rules",
    )
)
def bid(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="HAND|DEAL|FILE...",
            help="A hand that is to call; or deals to bid out, as PBN text, files, or - with a "
            "deal a line.",
        ),
    ] = None,
    auction: Annotated[
        str, typer.Option(help="The calls so far, from the dealer on, such as '1C P 1H'.")
    ] = "",
    dealer: Annotated[
        str | None,
        typer.Option(help="Who calls first: N, E, S or W. By default the board's, else N."),
    ] = None,
    vulnerable: Annotated[
        str | None,
        typer.Option(help="None, NS, EW or All. By default the board's, else None."),
    ] = None,
    bidder: Bidders = "default",
    k: Annotated[int, typer.Option("-k", min=1, help="How many calls to show.")] = 5,
    serve: Annotated[
        bool, typer.Option("--serve", help="Answer lines of JSON with calls, for other programs.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bid a hand, or whole deals.

    For a hand: the call, the likeliest others with their probabilities, and what the auction has
    shown about the other hands, where the bidder can tell. For a deal: the auction to its end, the
    bidder sitting in all four seats.

    With --serve: a line such as {"hand": "AQ54.K7.AJ43.Q65", "auction": "P 1C", "dealer": "N",
    "vulnerable": "NS"} is answered with {"call": "1N"}, or with {"error": "..."}.
    """
    from bridgevec.bidders import load_bidder

    player = load_bidder(bidder)
    if serve:
        from bridgevec.bidders.external import serve as answer_lines

        if sources:
            raise ValueError("--serve takes its hands from standard input")
        answer_lines(player, sys.stdin, sys.stdout)
    elif not sources:
        raise ValueError("no hand and no deal to bid")
    elif len(sources) == 1 and _is_hand(sources[0]):
        conditions = (dealer or "N", vulnerable or "None")
        _bid_hand(player, sources[0], auction, *conditions, k, as_json)
    elif auction:
        raise ValueError("--auction goes with one hand; a deal is bid from the first call on")
    else:
        _bid_deals(player, sources, dealer, vulnerable, as_json)


def _is_hand(source: str) -> bool:
    return not (is_file(source) or is_deal(source) or Path(source).suffix.lower() in _SUFFIXES)


_SUFFIXES = (".pbn", ".lin", ".parquet", ".csv", ".txt", ".gz")


def _bid_hand(
    player: Bidder, hand: str, auction: str, dealer: str, vulnerable: str, k: int, as_json: bool
) -> None:
    from bridgevec.auction import call_text
    from bridgevec.bidders.bidder import one_table

    call = player.call(hand, auction, dealer, vulnerable)
    p = player.probabilities(*one_table(hand, auction, dealer, vulnerable))[0]
    order = sorted(np.flatnonzero(p).tolist(), key=lambda c: (call_text(c) != call, -p[c]))
    shares = {call_text(c): float(p[c]) for c in order}
    infer = getattr(player, "infer", None)
    shown = infer(hand, auction, dealer, vulnerable) if infer is not None and auction else {}
    if as_json:
        hands = {
            who: {name: _plain(value) for name, value in one._asdict().items()}
            for who, one in shown.items()
        }
        print_json(
            {"hand": hand, "auction": auction, "dealer": dealer, "vulnerable": vulnerable}
            | {"call": call, "probabilities": {c: round(x, 6) for c, x in shares.items()}}
            | {"shown": hands}
        )
        return
    for i, (name, share) in enumerate(shares.items()):
        if i == 0 or (i < k and share >= 0.0005):
            typer.echo(f"{100 * share:6.1f}%  {name}")
    if shown:
        typer.echo("\nshown by the auction   points         ♠         ♥         ♦         ♣")
    for who, one in shown.items():
        cells = [f"{one.points:5.1f} ±{one.points_error:.1f}"]
        cells += [f"{one.lengths[x]:4.1f} ±{one.length_errors[x]:.1f}" for x in "SHDC"]
        typer.echo(f"{who:<18}{cells[0]:>11}" + "".join(f"{cell:>10}" for cell in cells[1:]))


def _plain(value: Any) -> Any:
    """Round what JSON is to hold."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value.tolist()]
    return round(value, 4)


def _bid_deals(
    player: Bidder,
    sources: list[str],
    dealer: str | None,
    vulnerable: str | None,
    as_json: bool,
) -> None:
    from bridgevec.auction import Auction, calls_at
    from bridgevec.bidders.match import bid_deals

    reading = Reading(sources)
    given = {"dealer": dealer, "vulnerable": vulnerable}
    changes = {name: value for name, value in given.items() if value is not None}
    boards = [
        (label, Board(one.deal, one.dealer, one.vulnerable).replace(**changes))
        for label, one in reading.boards()
    ]
    n = len(boards)
    dealers = np.array([board.dealer for _, board in boards], dtype=np.uint8)
    ended = bid_deals(
        [player],
        np.zeros((n, 4), dtype=np.intp),
        deal_masks([board.deal for _, board in boards]),
        dealers,
        np.array([board.vulnerable for _, board in boards], dtype=np.uint8),
    )
    auctions = [Auction(calls_at(ended, i), int(dealers[i])) for i in range(n)]
    if as_json:
        print_json(
            [
                {"board": label, "deal": board.deal.pbn, "dealer": board.dealer.name}
                | {"vulnerable": str(board.vulnerable), "auction": str(bidding)}
                | {"contract": str(bidding.contract)}
                for (label, board), bidding in zip(boards, auctions, strict=True)
            ]
        )
    else:
        typer.echo(
            "\n\n".join(
                f"Board {label}\n{board.deal}\n\n{bidding.diagram()}\n{bidding.contract}"
                for (label, board), bidding in zip(boards, auctions, strict=True)
            )
        )
    reading.finish()


@app.command(
    epilog=_examples(
        "bridgevec match default rules --boards 500 --out boards.pbn --show 3",
        "bridgevec match default imitation --partner imitation --boards 500 --seed 1",
        "bridgevec match rules 'exec:python -m bridgevec bid --serve --bidder rules' --boards 2",
    )
)
def match(
    a: Annotated[str, typer.Argument(metavar="A", help=f"A bidder: {_BIDDERS}.")],
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
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    as_json: Json = False,
) -> None:
    """Play a duplicate match of two bidders.

    Every deal is bid twice: in the open room A sits North-South, in the closed room East-West. The
    contracts are scored double dummy. With --partner, A sits with that bidder against B and B, on
    odd boards as North or East, on even ones as South or West.
    """
    from bridgevec.bidders import load_bidder
    from bridgevec.bidders.external import ExternalBidder
    from bridgevec.bidders.match import SUFFIXES, play_match

    if out is not None and out.suffix not in SUFFIXES:
        raise ValueError(f"{out} is no {', '.join(SUFFIXES)} file")
    masks, tables, conditions, reading = _labelled_deals(deals, boards)
    players = [load_bidder(name) for name in (a, b)]
    players += [] if partner is None else [load_bidder(partner)]
    for player in players:
        if isinstance(player, ExternalBidder):
            player.time_limit = time_limit
    played = play_match(
        players[0],
        players[1],
        masks,
        tables,
        partner=players[2] if partner else None,
        names=(" with ".join(_short(name) for name in (a, partner) if name), _short(b)),
        seed=seed,
        progress=not quiet,
        **({} if seed is not None else conditions),
    )
    if out is not None:
        played.write(out)
    if as_json:
        print_json({"A": a, "B": b, "partner": partner} | played.summary())
    else:
        typer.echo(played)
        for board in np.argsort(-np.abs(played.imps), kind="stable")[:show].tolist():
            typer.echo(f"\n\n{played.show(board)}")
    if reading is not None:
        reading.finish()


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
        sources = [str(Path(__file__).with_name("envs") / "deals.parquet")]
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
    epilog=_examples(
        "bridgevec average first.safetensors second.safetensors --out mine.safetensors",
    )
)
def average(
    weights: Annotated[
        list[str],
        typer.Argument(
            metavar="WEIGHTS...",
            help="Two or more files, or shipped names. One given twice counts twice.",
        ),
    ],
    out: Annotated[str, typer.Option(help="Where the mean goes, name.safetensors.")],
) -> None:
    """Average the weights of bidders.

    Trainings that go out from the same weights, with other seeds or settings, often play better so
    than any of them alone; of unrelated trainings the mean plays nonsense.
    """
    from bridgevec.bidders.network import average_networks

    typer.echo(average_networks(weights, out))


@app.command(epilog=_examples("bridgevec info", "bridgevec info --json"))
def info(as_json: Json = False) -> None:
    """Show versions, shipped weights and data.

    For bug reports, and to see what the weights were trained on.
    """
    from bridgevec.dds import BUILT_FOR, SOLVER_VERSION

    package = Path(__file__).parent
    data = package.parent / "data"
    report = {
        "bridgevec": _version("bridgevec"),
        "folder": str(package),
        "solver": SOLVER_VERSION,
        "solver built for": BUILT_FOR,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in ("numpy", *_EXTRAS)},
        "weights": {
            card.stem: json.loads(card.read_text("utf-8"))
            for card in sorted((package / "models" / "weights").glob("*.json"))
        },
        "data": [str(file) for file in sorted(data.glob("*.parquet"))],
    }
    if as_json:
        print_json(report)
    else:
        typer.echo("\n".join(_outline(report)))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _outline(value: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Write nested values as indented lines."""
    for key, item in value.items():
        if isinstance(item, dict):
            yield f"{indent}{key}:"
            yield from _outline(item, indent + "  ")
        elif isinstance(item, list):
            yield f"{indent}{key}:"
            yield from (f"{indent}  {one}" for one in item)
        else:
            yield f"{indent}{key}: {item}"


def main() -> None:
    """Run the command line."""
    app(prog_name="bridgevec")
