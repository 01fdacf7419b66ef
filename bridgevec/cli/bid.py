"""The command bid: a call, or whole auctions."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from bridgevec.board import Board
from bridgevec.cards import deal_masks
from bridgevec.cli.common import (
    Auction,
    Bidders,
    BoardDealer,
    BoardVulnerable,
    Json,
    examples,
    group,
    print_json,
)
from bridgevec.cli.reading import Reading, is_hand

if TYPE_CHECKING:
    from bridgevec.bidders.bidder import Bidder

app = group()


@app.command(
    epilog=examples(
        "bridgevec bid AQ54.K7.AJ43.Q65",
        "bridgevec bid KJ985.A4.8643.72 --auction '1N P' --vulnerable NS",
        "bridgevec bid AJ9643.J85.T.AQ2 --auction 'P 1D 1S X 2S P' --bidder search",
        "bridgevec deal -n 2 --seed 1 | bridgevec bid - --bidder rules",
    )
)
def bid(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="HAND|DEAL|FILE...",
            help="The hand that is to call; or deals to bid out, as PBN text, files, or - for "
            "standard input.",
        ),
    ] = None,
    auction: Auction = "",
    dealer: BoardDealer = None,
    vulnerable: BoardVulnerable = None,
    bidder: Bidders = "default",
    k: Annotated[int, typer.Option("-k", min=1, help="Number of calls to show.")] = 5,
    serve: Annotated[
        bool, typer.Option("--serve", help="Answer lines of JSON, for other programs.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bid a hand, or whole deals.

    For a hand, prints the call, the likeliest alternatives with their probabilities, and, if the
    bidder can infer it, what the auction shows about the other hands. --bidder search adds what
    each candidate gains and the contracts to which it leads. For a deal, prints the complete
    auction, with the bidder in all four seats.

    With --serve, each line of standard input is a question such as {"hand": "AQ54.K7.AJ43.Q65",
    "auction": "P 1C", "dealer": "N", "vulnerable": "NS"}. The answer is {"call": "1N"}, or
    {"error": "..."}.
    """
    from bridgevec.bidders import load_bidder

    player = load_bidder(bidder)
    if serve:
        from bridgevec.bidders.external import serve as answer_lines

        if sources:
            raise ValueError("--serve reads hands from standard input; leave out HAND|DEAL|FILE")
        answer_lines(player, sys.stdin, sys.stdout)
    elif not sources:
        raise ValueError("nothing to bid; give a hand such as AQ54.K7.AJ43.Q65, a deal or a file")
    elif len(sources) == 1 and is_hand(sources[0]):
        conditions = (dealer or "N", vulnerable or "None")
        _bid_hand(player, sources[0], auction, *conditions, k, as_json)
    elif auction:
        raise ValueError("--auction needs a single hand; deals are bid from the first call")
    else:
        _bid_deals(player, sources, dealer, vulnerable, as_json)


def _bid_hand(
    player: Bidder, hand: str, auction: str, dealer: str, vulnerable: str, k: int, as_json: bool
) -> None:
    from bridgevec.auction import call_text
    from bridgevec.bidders.bidder import one_table
    from bridgevec.simulate.search import SearchBidder

    found, asked = None, player
    if isinstance(player, SearchBidder):
        found, asked = player.search(hand, auction, dealer, vulnerable), player.network
    call = found.call if found else player.call(hand, auction, dealer, vulnerable)
    p = asked.probabilities(*one_table(hand, auction, dealer, vulnerable))[0]
    order = sorted(np.flatnonzero(p).tolist(), key=lambda c: (call_text(c) != call, -p[c]))
    shares = {call_text(c): float(p[c]) for c in order}
    infer = getattr(player, "infer", None)
    shown = infer(hand, auction, dealer, vulnerable) if infer is not None and auction else {}
    if as_json:
        hands = {
            who: {name: _plain(value) for name, value in one._asdict().items()}
            for who, one in shown.items()
        }
        print_json(
            {"hand": hand, "auction": auction, "dealer": dealer, "vulnerable": vulnerable}
            | {"call": call, "probabilities": {c: round(x, 6) for c, x in shares.items()}}
            | {"shown": hands}
            | ({} if found is None else {"search": _plain(asdict(found))})
        )
        return
    if found is not None:
        typer.echo(f"{found}\n")
    for i, (name, share) in enumerate(shares.items()):
        if i == 0 or (i < k and share >= 0.0005):
            typer.echo(f"{100 * share:6.1f}%  {name}")
    if shown:
        typer.echo("\nshown by the auction   points         ♠         ♥         ♦         ♣")
    for who, one in shown.items():
        cells = [f"{one.points:5.1f} ±{one.points_error:.1f}"]
        cells += [f"{one.lengths[x]:4.1f} ±{one.length_errors[x]:.1f}" for x in "SHDC"]
        typer.echo(f"{who:<18}{cells[0]:>11}" + "".join(f"{cell:>10}" for cell in cells[1:]))


def _plain(value: Any) -> Any:
    """Round the values of a JSON object."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value.tolist()]
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def _bid_deals(
    player: Bidder,
    sources: list[str],
    dealer: str | None,
    vulnerable: str | None,
    as_json: bool,
) -> None:
    from bridgevec.auction import Auction, calls_at
    from bridgevec.bidders.match import bid_deals

    reading = Reading(sources)
    given = {"dealer": dealer, "vulnerable": vulnerable}
    changes = {name: value for name, value in given.items() if value is not None}
    boards = [
        (label, Board(one.deal, one.dealer, one.vulnerable).replace(**changes))
        for label, one in reading.boards()
    ]
    n = len(boards)
    dealers = np.array([board.dealer for _, board in boards], dtype=np.uint8)
    ended = bid_deals(
        [player],
        np.zeros((n, 4), dtype=np.intp),
        deal_masks([board.deal for _, board in boards]),
        dealers,
        np.array([board.vulnerable for _, board in boards], dtype=np.uint8),
    )
    auctions = [Auction(calls_at(ended, i), int(dealers[i])) for i in range(n)]
    if as_json:
        print_json(
            [
                {"board": label, "deal": board.deal.pbn, "dealer": board.dealer.name}
                | {"vulnerable": str(board.vulnerable), "auction": str(bidding)}
                | {"contract": str(bidding.contract)}
                for (label, board), bidding in zip(boards, auctions, strict=True)
            ]
        )
    else:
        typer.echo(
            "\n\n".join(
                f"Board {label}\n{board.deal}\n\n{bidding.diagram()}\n{bidding.contract}"
                for (label, board), bidding in zip(boards, auctions, strict=True)
            )
        )
    reading.finish()
