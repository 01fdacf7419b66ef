"""The command open: opening bids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bridgevec.board import Board
from bridgevec.cards import Seat
from bridgevec.cli.common import (
    BoardDealer,
    BoardVulnerable,
    Json,
    examples,
    group,
    hands_given,
    print_json,
)
from bridgevec.cli.reading import Reading, is_hand
from bridgevec.scoring import Vulnerability

if TYPE_CHECKING:
    from bridgevec.models.opening import KnownOpening, OpeningBid

app = group()


@app.command(
    "open",
    epilog=examples(
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
            help="Hands as PBN text, - to read one hand per line, deals, or files of boards.",
        ),
    ],
    position: Annotated[
        int,
        typer.Option(min=1, max=4, help="Position: 1 for the dealer, 4 after three passes."),
    ] = 1,
    dealer: BoardDealer = None,
    vulnerable: BoardVulnerable = None,
    model: Annotated[
        str | None,
        typer.Option(help="The model: a shipped name, or a file name.safetensors."),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Number of known hands to show.")] = 5,
    as_json: Json = False,
) -> None:
    """Predict opening bids; show similar known hands.

    Prints every likely call with its probability, then the known openings with the most similar
    hands.
    """
    from bridgevec.models.opening import load_opening

    opener = load_opening() if model is None else load_opening(model)
    given = {"dealer": dealer, "vulnerable": vulnerable}
    changes = {name: value for name, value in given.items() if value is not None}
    reading = Reading([source for source in hands if source != "-" and not is_hand(source)])
    asked = []
    for text in hands_given(source for source in hands if source == "-" or is_hand(source)):
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
