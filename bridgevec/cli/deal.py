"""The command deal: random deals, and deals that fit."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from bridgevec.board import Board
from bridgevec.cards import Deal, Seat, random_deals
from bridgevec.cli.common import (
    Json,
    examples,
    group,
    hands_of_seats,
    print_json,
    shows_bars,
    told,
)
from bridgevec.files import replacing
from bridgevec.scoring import board_conditions

_CHUNK = 4096
"""Deals at a time, so that any number fits into memory."""
_FORMATS = ("deal", "pbn", "oneline", "diagram", "parquet")

app = group()


@app.command(
    epilog=examples(
        "bridgevec deal -n 5 --seed 1",
        "bridgevec deal --north AKQ2.K54.T98.J32 --diagram",
        "bridgevec deal -n 16 --seed 1 --pbn > session.pbn",
        "bridgevec deal -n 9 --where 'hcp(north) >= 15 and shape(north, any 5332)'",
        "bridgevec deal -n 9 --hand W=KJT73.Q64.A92.85 --auction '1N P 3N P P P' --format pbn",
    )
)
def deal(
    script: Annotated[
        Path | None,
        typer.Argument(help="A script of the dealer language; - for standard input."),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option("-n", min=1, help="How many deals; by default 1, or what the script says."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The same seed, the same deals; else at random.")
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(help="A condition in the dealer language, as 'hcp(south) >= 12'."),
    ] = None,
    hand: Annotated[
        list[str] | None,
        typer.Option(help="A seat's hand or some of its cards, as W=KJT73.Q64.A92.85."),
    ] = None,
    north: Annotated[str | None, typer.Option(help="North's hand, given.")] = None,
    east: Annotated[str | None, typer.Option(help="East's hand, given.")] = None,
    south: Annotated[str | None, typer.Option(help="South's hand, given.")] = None,
    west: Annotated[str | None, typer.Option(help="West's hand, given.")] = None,
    auction: Annotated[
        str, typer.Option(help="The players bid so, from the dealer on, as '1N P 3N P P P'.")
    ] = "",
    dealer: Annotated[
        str | None, typer.Option(help="Who calls first; by default N, or the board's.")
    ] = None,
    vulnerable: Annotated[
        str | None, typer.Option(help="None, NS, EW or All; by default None, or the board's.")
    ] = None,
    bidder: Annotated[
        str, typer.Option(help="Whose system the auction is, see `bridgevec bid`.")
    ] = "default",
    opponents: Annotated[
        str | None,
        typer.Option(
            help="The other side's system, by default the same. Theirs is the side of "
            "no given hand, or EW."
        ),
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="deal (a line each), pbn, oneline, diagram or parquet.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write into this file; needed for Parquet.")
    ] = None,
    diagram: Annotated[bool, typer.Option("--diagram", help="Draw the hands.")] = False,
    pbn: Annotated[bool, typer.Option("--pbn", help="Print a PBN file, numbered boards.")] = False,
    as_json: Json = False,
) -> None:
    """Deal at random, one deal a line.

    Some hands, a condition and an auction may be given; the other seats share the rest. With an
    auction the deals are those with which the bidders would likely bid so, each as often as is
    likely. A script of the language of Hans van Staveren's dealer is run as that program would.
    """  # fmt: skip
    if diagram + pbn + as_json + (format is not None) > 1:
        raise ValueError("choose one of --diagram, --pbn, --format and --json")
    kind = format or ("diagram" if diagram else "pbn" if pbn else "deal")
    if kind not in _FORMATS:
        raise ValueError(f"unknown format {kind!r}, expected one of {', '.join(_FORMATS)}")
    if kind == "parquet" and out is None:
        raise ValueError("Parquet goes into a file: --out deals.parquet")
    short = zip(Seat, (north, east, south, west), strict=True)
    given = [f"{seat.name}={text}" for seat, text in short if text is not None]
    hands = hands_of_seats([*given, *(hand or ())])
    if script is not None:
        if where or hands or auction or as_json or format or diagram or pbn:
            raise ValueError("a script says itself what is dealt and printed; give -n and --seed")
        _run(script, n, seed, out)
        return
    rng = np.random.default_rng(seed)
    if auction:
        deals = _bid(n or 1, where, hands, auction, dealer, vulnerable, bidder, opponents, rng)
    elif where is not None or hand:
        deals = _fit(n or 1, where, hands, rng)
    else:
        sizes = (min(_CHUNK, (n or 1) - start) for start in range(0, n or 1, _CHUNK))
        deals = (one for size in sizes for one in random_deals(size, rng, fixed=hands))
    boards = _boards(deals, auction, dealer, vulnerable)
    if as_json:
        print_json([board.deal.pbn for board in boards])
    elif kind == "parquet" or (kind != "oneline" and out is not None and out.suffix != ".txt"):
        from bridgevec.records import write_boards

        assert out is not None  # checked above
        count = write_boards(out, boards)
        typer.echo(f"{out}: {count} deal{'s' * (count != 1)}")
    else:
        _print(boards, kind, out)


def _boards(
    deals: Iterator[Deal], auction: str, dealer: str | None, vulnerable: str | None
) -> Iterator[Board]:
    for number, one in enumerate(deals, 1):
        first, sides = board_conditions(number)
        if auction:
            first, sides = Seat.N, "None"
        yield Board(
            one,
            number=number,
            dealer=first if dealer is None else Seat.parse(dealer),
            vulnerable=sides if vulnerable is None else vulnerable,
            auction=auction,
        )


def _print(boards: Iterator[Board], kind: str, out: Path | None) -> None:
    from bridgevec.records.pbn import board_pbn

    def text(board: Board) -> str:
        if kind == "diagram":
            return "\n" * (board.number != "1") + str(board.deal)
        if kind == "oneline":
            return " ".join(f"{seat.name.lower()} {board.deal[seat]}" for seat in Seat)
        if kind == "deal":
            return board.deal.pbn
        return board_pbn(board)

    head = ["% PBN 2.1"] if kind == "pbn" else []
    lines = itertools.chain(head, map(text, boards))
    if out is None:
        while chunk := list(itertools.islice(lines, _CHUNK)):
            typer.echo("\n".join(chunk))
    else:
        with replacing(out) as file:
            file.writelines(f"{line}\n".encode() for line in lines)


def _fit(
    n: int, where: str | None, hands: dict[Seat | int | str, str], rng: np.random.Generator
) -> Iterator[Deal]:
    from tqdm import tqdm

    from bridgevec.simulate.sampler import iter_deals

    left = n
    with tqdm(total=n, unit="deal", delay=2, disable=None) as bar:
        for masks in iter_deals(where, hands, rng):
            for row in masks[:left].tolist():
                yield Deal(row)
            bar.update(min(left, len(masks)))
            left -= len(masks)
            if left <= 0:
                return


def _bid(
    n: int,
    where: str | None,
    hands: dict[Seat | int | str, str],
    auction: str,
    dealer: str | None,
    vulnerable: str | None,
    bidder: str,
    opponents: str | None,
    rng: np.random.Generator,
) -> Iterator[Deal]:
    """Draw so many deals as likely as their weights; those that stand out may come twice."""
    from bridgevec.simulate.sampler import sample_deals

    with told():
        sample = sample_deals(
            n,
            where,
            hands=hands,
            auction=auction,
            dealer=dealer or "N",
            vulnerable=vulnerable or "None",
            bidder=bidder,
            opponents=opponents,
            seed=rng,
            progress=shows_bars(),
        )
    steps = np.searchsorted(np.cumsum(sample.weights), (np.arange(n) + rng.random()) / n)
    for row in rng.permutation(np.minimum(steps, len(sample) - 1)):
        yield Deal(sample.masks[row].tolist())


def _run(path: Path, n: int | None, seed: int | None, out: Path | None) -> None:
    from bridgevec.simulate.language import ConditionError, parse_script
    from bridgevec.simulate.script import run_script

    name = "standard input" if str(path) == "-" else str(path)
    text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8", "replace")
    try:
        script = parse_script(text)
    except ConditionError as error:
        raise ConditionError(f"{name}: {error}") from None

    def run(write: Any) -> None:
        outcome = run_script(script, np.random.default_rng(seed), write, n, shows_bars())
        typer.echo(
            f"{outcome.produced} deals, found among what stands for {outcome.generated:.0f} random "
            f"ones",
            err=True,
        )

    if out is None:
        run(lambda text: typer.echo(text, nl=False))
    else:
        with replacing(out) as file:
            run(lambda text: file.write(text.encode()))
