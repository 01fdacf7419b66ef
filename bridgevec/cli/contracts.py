"""The command contracts: what a side takes in every strain, in the light of an auction."""

from __future__ import annotations

from typing import Annotated

import typer

from bridgevec.cards import HandLike, Seat, SeatLike
from bridgevec.cli.common import Json, Quiet, examples, group, print_json, told

app = group()


@app.command(
    epilog=examples(
        "bridgevec contracts N=AQ54.K7.AJ43.Q65 --auction '1N P 2C P' --deals 50",
        "bridgevec contracts N=AQ54.K7.AJ43.Q65 S=KJ872.A4.Q865.K2 --auction '1N 2H' --deals 50",
    )
)
def contracts(
    hands: Annotated[
        list[str],
        typer.Argument(metavar="SEAT=HAND...", help="One player's hand, or those of two partners."),
    ],
    auction: Annotated[str, typer.Option(help="The calls, from the dealer on.")] = "",
    dealer: Annotated[str, typer.Option(help="Who called first: N, E, S or W.")] = "N",
    vulnerable: Annotated[str, typer.Option(help="None, NS, EW or All.")] = "None",
    deals: Annotated[int, typer.Option(min=1, help="How many deals to solve.")] = 100,
    where: Annotated[
        str | None, typer.Option(help="What else is known, in the dealer language.")
    ] = None,
    bidder: Annotated[
        str, typer.Option(help="This side's system, see `bridgevec bid`.")
    ] = "default",
    opponents: Annotated[
        str | None, typer.Option(help="The other side's system, by default the same.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Which deals.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads; by default one a processor.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find what a side takes, in the light of an auction.

    Deals that fit the auction are solved for both players of the side as declarer. The table has
    mean tricks with their standard errors, what the network of `bridgevec tricks` says of the same
    hands, and the chances to make each level, if all play as if they saw all cards.
    """
    from bridgevec.simulate.tricks import side_tricks

    known: dict[SeatLike, HandLike] = {}
    for one in hands:
        name, equals, text = one.partition("=")
        if not equals:
            raise ValueError(f"hand {one!r} has no seat, expected one such as N=KJT73.Q64.A92.85")
        if Seat.parse(name) in known:
            raise ValueError(f"{Seat.parse(name).name}'s hand is given twice")
        known[Seat.parse(name)] = text
    with told():
        found = side_tricks(
            known,
            auction,
            dealer,
            vulnerable,
            deals=deals,
            where=where,
            bidder=bidder,
            opponents=opponents,
            seed=seed,
            workers=workers,
            progress=not quiet,
        )
    if as_json:
        print_json(found.as_dict())
    else:
        typer.echo(str(found))
