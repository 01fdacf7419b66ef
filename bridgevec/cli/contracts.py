"""The command contracts: what a side takes in every strain, given an auction."""

from __future__ import annotations

from typing import Annotated

import typer

from bridgevec.cli.common import (
    Auction,
    Dealer,
    Json,
    Opponents,
    Quiet,
    Seed,
    SolverThreads,
    System,
    Vulnerable,
    Where,
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
        typer.Argument(metavar="SEAT=HAND...", help="One player's hand, or both of a partnership."),
    ],
    auction: Auction = "",
    dealer: Dealer = "N",
    vulnerable: Vulnerable = "None",
    deals: Annotated[int, typer.Option(min=1, help="Number of deals to solve.")] = 100,
    where: Where = None,
    bidder: System = "default",
    opponents: Opponents = None,
    seed: Seed = 0,
    workers: SolverThreads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Estimate what a side can make, given an auction.

    Deals hands that fit the auction and solves them double dummy, with each player of the side as
    declarer. The table shows the mean tricks with their standard errors, the network's estimate for
    the same hands (`bridgevec tricks`), and the chance to make each level.
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
