"""The command lead: opening leads compared."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bridgevec.cli.common import (
    Dealer,
    Json,
    Opponents,
    SolverThreads,
    Vulnerable,
    Where,
    WhichDeals,
    examples,
    group,
    print_json,
    told,
)

app = group()


@app.command(
    epilog=examples(
        "bridgevec lead KJT73.Q64.A92.85 --auction '1N P 3N P P P'",
        "bridgevec lead KJT73.Q64.A92.85 --auction '1S P 4S P P P' --dealer N --deals 100 --json",
    )
)
def lead(
    hand: Annotated[str, typer.Argument(help="The leader's hand.")],
    auction: Annotated[str, typer.Option(help="The whole auction, from the dealer on.")],
    dealer: Dealer = "N",
    vulnerable: Vulnerable = "None",
    deals: Annotated[int, typer.Option(min=2, help="How many deals to solve.")] = 200,
    where: Where = None,
    bidder: Annotated[
        str, typer.Option(help="The leader's side's system, see `bridgevec bid`.")
    ] = "default",
    opponents: Opponents = None,
    seed: WhichDeals = 0,
    workers: SolverThreads = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw tricks and sets into this file, as lead.png.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare opening leads.

    Deals that fit the auction are solved for every card of the hand. The table has tricks of the
    leader's side, how often the contract is beaten, IMPs and matchpoints against the other leads,
    each with its standard error; below are the layouts in which a card gains. Cards that are
    clearly worse than the best are not solved to the end. All players see all cards in these
    tricks. On a terminal the table is there after a few deals, and gets better.
    """
    from bridgevec.simulate.lead import iter_opening_lead

    watched = sys.stdout.isatty() and not as_json
    advice, lines = None, 0
    with told():
        for advice in iter_opening_lead(
            hand,
            auction,
            dealer,
            vulnerable,
            deals=deals,
            where=where,
            bidder=bidder,
            opponents=opponents,
            seed=seed,
            workers=workers,
        ):
            if watched:
                # Up to where the last table began, and away with it.
                typer.echo(f"\x1b[{lines}F\x1b[J" * bool(lines) + str(advice))
                lines = str(advice).count("\n") + 1
    assert advice is not None  # there are two deals or more
    if as_json:
        print_json(advice.as_dict())
    elif not watched:
        typer.echo(str(advice))
    if picture is not None:
        from bridgevec.plots import plot_leads, save_picture

        save_picture(plot_leads(advice), picture)
