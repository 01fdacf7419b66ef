"""The command contracts: what a side takes in every strain, in the light of an auction."""

from __future__ import annotations

from typing import Annotated

import typer

from bridgevec.cli.common import (
    Dealer,
    Json,
    Opponents,
    Quiet,
    SolverThreads,
    Vulnerable,
    Where,
    WhichDeals,
    examples,
    group,
    hands_of_seats,
    print_json,
    told,
)

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
    dealer: Dealer = "N",
    vulnerable: Vulnerable = "None",
    deals: Annotated[int, typer.Option(min=1, help="How many deals to solve.")] = 100,
    where: Where = None,
    bidder: Annotated[
        str, typer.Option(help="This side's system, see `bridgevec bid`.")
    ] = "default",
    opponents: Opponents = None,
    seed: WhichDeals = 0,
    workers: SolverThreads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find what a side takes, in the light of an auction.

    Deals that fit the auction are solved for both players of the side as declarer. The table has
    mean tricks with their standard errors, what the network of `bridgevec tricks` says of the same
    hands, and the chances to make each level, if all play as if they saw all cards.
    """
    from bridgevec.simulate.tricks import side_tricks

    with told():
        found = side_tricks(
            hands_of_seats(hands),
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
