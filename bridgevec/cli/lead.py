"""The command lead: opening leads compared."""

from __future__ import annotations

from typing import Annotated

import typer

from bridgevec.cli.common import Json, examples, group, print_json, shows_bars, told

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
    dealer: Annotated[str, typer.Option(help="Who called first: N, E, S or W.")] = "N",
    vulnerable: Annotated[str, typer.Option(help="None, NS, EW or All.")] = "None",
    deals: Annotated[int, typer.Option(min=2, help="How many deals to solve.")] = 200,
    where: Annotated[
        str | None, typer.Option(help="What else is known, in the dealer language.")
    ] = None,
    bidder: Annotated[
        str, typer.Option(help="The leader's side's system, see `bridgevec bid`.")
    ] = "default",
    opponents: Annotated[
        str | None, typer.Option(help="The other side's system, by default the same.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Which deals.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads; by default one a processor.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare opening leads.

    Deals that fit the auction are solved for every card of the hand. The table has tricks of the
    leader's side, how often the contract is beaten, IMPs and matchpoints against the other leads,
    each with its standard error. Cards that are clearly worse than the best are not solved to the
    end. All players see all cards in these tricks.
    """
    from bridgevec.simulate.lead import opening_lead

    with told():
        advice = opening_lead(
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
            progress=shows_bars(),
        )
    if as_json:
        print_json(advice.as_dict())
    else:
        typer.echo(str(advice))
