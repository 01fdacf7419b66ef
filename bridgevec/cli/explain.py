"""The command explain: what calls mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from bridgevec.board import Board
from bridgevec.cli.common import (
    Bidders,
    Dealer,
    Json,
    Vulnerable,
    examples,
    group,
    print_json,
    shows_bars,
)
from bridgevec.cli.reading import Reading, is_file
from bridgevec.files import replacing

app = group()


@app.command(
    epilog=examples(
        "bridgevec explain '1N P 2C'",
        "bridgevec explain match.pbn --out explained.pbn",
        "bridgevec explain --book system.html -n 500 --bidder imitation",
    )
)
def explain(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="AUCTION|FILE",
            help="The calls, starting with the dealer's, such as '1N P 2C'; or a file of boards.",
        ),
    ] = None,
    dealer: Dealer = "N",
    vulnerable: Vulnerable = "None",
    bidder: Bidders = "default",
    out: Annotated[
        Path | None, typer.Option(help="Write the boards, with notes on their calls, to this file.")
    ] = None,
    book: Annotated[
        Path | None, typer.Option(help="Write the commonest auctions to this HTML file.")
    ] = None,
    count: Annotated[int, typer.Option("-n", min=1, help="Number of auctions in the book.")] = 500,
    as_json: Json = False,
) -> None:
    """Explain what the calls of an auction mean.

    For each call, shows how often the player makes it, its ranges of points and suit lengths,
    whether it is forcing or artificial, example hands, and the alternatives. All of this comes from
    hands with which the bidder makes the call, not from written rules. For a file of boards, --out
    adds a note to every call except passes.
    """
    from bridgevec.bidders import load_bidder

    player = load_bidder(bidder)
    if (source is None) == (book is None):
        raise ValueError(
            "give an auction such as '1N P 2C', a file of boards, or --book system.html"
        )
    if book is not None:
        from bridgevec.simulate.explain import book as page

        text = page(player, f"The bidder {bidder}", count, progress=shows_bars())
        with replacing(book) as file:
            file.write(text.encode())
        typer.echo(str(book))
        return
    assert source is not None  # checked above
    if is_file(source):
        if out is None:
            raise ValueError("a file of boards needs --out, such as --out explained.pbn")
        from bridgevec.records import write_boards

        reading = Reading([source])

        def explained() -> Iterator[Board]:
            for _, board in reading.boards():
                if board.auction is None:
                    yield board
                    continue
                notes = player.explain(board.auction, vulnerable=int(board.vulnerable)).notes()
                yield board.replace(notes={**notes, **board.notes})

        n = write_boards(out, explained())
        typer.echo(f"{out}: {n} board{'s' * (n != 1)}")
        reading.finish()
        return
    if out is not None:
        raise ValueError("--out needs a file of boards, not an auction")
    said = player.explain(source, dealer, vulnerable)
    if as_json:
        print_json(said.as_dict())
    else:
        typer.echo(str(said))
