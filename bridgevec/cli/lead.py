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
    Seed,
    SolverThreads,
    System,
    Vulnerable,
    Where,
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
    auction: Annotated[
        str,
        typer.Option(help="The whole auction, starting with the dealer's call: '1N P 3N P P P'."),
    ],
    dealer: Dealer = "N",
    vulnerable: Vulnerable = "None",
    deals: Annotated[int, typer.Option(min=2, help="Number of deals to solve.")] = 200,
    where: Where = None,
    bidder: System = "default",
    opponents: Opponents = None,
    seed: Seed = 0,
    workers: SolverThreads = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the table to this file: .png, .svg or .pdf.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare opening leads.

    Deals hands that fit the auction and solves every lead double dummy. The table shows, with
    standard errors, the leader's side's tricks, how often the contract fails, and IMPs and
    matchpoints against the other leads. Below it are the layouts in which a card gains. Leads that
    are clearly worse than the best are dropped early. In a terminal, the table appears after a few
    deals and improves as more are solved.
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
                # Move up to where the last table began, and erase it.
                typer.echo(f"\x1b[{lines}F\x1b[J" * bool(lines) + str(advice))
                lines = str(advice).count("\n") + 1
    assert advice is not None  # there are two deals or more
    if as_json:
        print_json(advice.as_dict())
    elif not watched:
        typer.echo(str(advice))
    if plot is not None:
        from bridgevec.plots import plot_leads, save_picture

        save_picture(plot_leads(advice), plot)
