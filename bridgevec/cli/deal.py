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
    Auction,
    BoardDealer,
    BoardVulnerable,
    Json,
    Where,
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
        "bridgevec deal --hand N=AKQ2.K54.T98.J32 --format diagram",
        "bridgevec deal -n 16 --seed 1 --format pbn > session.pbn",
        "bridgevec deal -n 9 --where 'hcp(north) >= 15 and shape(north, any 5332)'",
        "bridgevec deal -n 9 --hand W=KJT73.Q64.A92.85 --auction '1N P 3N P P P' --format pbn",
    )
)
def deal(
    script: Annotated[
        Path | None,
        typer.Argument(metavar="SCRIPT", help="A script in the dealer language, or -."),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option("-n", min=1, help="Number of deals. By default 1, or what the script says."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Seed of the random deals. By default, they differ every time."),
    ] = None,
    where: Where = None,
    hand: Annotated[
        list[str] | None,
        typer.Option(
            help="One seat's hand, or some of its cards, such as W=KJT73.Q64.A92.85. May be "
            "repeated."
        ),
    ] = None,
    auction: Auction = "",
    dealer: BoardDealer = None,
    vulnerable: BoardVulnerable = None,
    bidder: Annotated[
        str, typer.Option(help="The bidder whose system is bid; see `bridgevec bid --help`.")
    ] = "default",
    opponents: Annotated[
        str | None,
        typer.Option(
            help="The bidder for the other side: the side without a known hand, or EW. By default "
            "the same one."
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            help="deal (the default, one per line), pbn, oneline (as dealer prints it), diagram or "
            "parquet."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file. Parquet needs it.")] = None,
    as_json: Json = False,
) -> None:
    """Deal at random, one deal per line.

    Known hands, a condition and an auction may restrict the deals. With an auction, deals come as
    often as their hands would produce it. A script in the language of Hans van Staveren's dealer
    runs as in that program.
    """
    if as_json and format is not None:
        raise ValueError("give --format or --json, but not both")
    kind = format or "deal"
    if kind not in _FORMATS:
        raise ValueError(f"unknown format {kind!r}, expected one of {', '.join(_FORMATS)}")
    if kind == "parquet" and out is None:
        raise ValueError("--format parquet needs --out, such as --out deals.parquet")
    hands = hands_of_seats(hand or ())
    if script is not None:
        if where or hands or auction or as_json or format:
            raise ValueError("a script says what to deal and print; give only -n, --seed, --out")
        _run(script, n, seed, out)
        return
    rng = np.random.default_rng(seed)
    if auction:
        deals = _bid(n or 1, where, hands, auction, dealer, vulnerable, bidder, opponents, rng)
    elif where is not None or hands:
        deals = _fit(n or 1, where, hands, rng)
    else:
        sizes = (min(_CHUNK, (n or 1) - start) for start in range(0, n or 1, _CHUNK))
        deals = (one for size in sizes for one in random_deals(size, rng))
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
    """Draw n deals in proportion to their weights; a deal of large weight may come twice."""
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
            f"{outcome.produced} deals; trying at random would have taken about "
            f"{outcome.generated:.0f}",
            err=True,
        )

    if out is None:
        run(lambda text: typer.echo(text, nl=False))
    else:
        with replacing(out) as file:
            run(lambda text: file.write(text.encode()))
