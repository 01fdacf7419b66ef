"""Opening leads measured on the real deal: tricks that they give away, double dummy.

  python -m benchmarks.leads --file auctions.parquet --count 100 --deals 40

For boards of a file with auctions (without one the bidder bids random deals) the card that
`bridgevec.opening_lead` chooses, the one that a book's rules choose, and a random one are
compared: how many tricks fewer than the best lead each takes, with 95% intervals, and how often
the contract is beaten. The advice sees the leader's hand and the auction alone. It is counted
twice: with the card of the most IMPs, which risks tricks to beat the contract, and of the most
tricks.
"""

from __future__ import annotations

import argparse
import json
import warnings
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.deals import bid_boards
from benchmarks.resume import resumed
from bridgevec import Board, Seat, opening_lead, read_boards, solve_boards
from bridgevec.auction import FIRST_BID
from bridgevec.cards import card_text

_HONOUR = 4
"""Ranks from the ace to the ten are below or at it."""


def book_lead(hand: int, board: Board) -> int:
    """Choose a card by the rules that most books give.

    Against notrump: partner's suit, else the longest suit that the opponents have not bid; top of a
    sequence of three (KQJ, QJT, JT9, KQT, QJ9), else the fourth best. Against a suit: a singleton
    beside the trumps, an ace-king, a sequence, partner's suit (top of two, low from an honour),
    else the fourth best of a suit without the ace, else a trump.

    Parameters
    ----------
    hand : int
        The leader's mask.
    board : Board
        With the auction.

    Returns
    -------
    int
        A card.
    """
    assert board.auction is not None
    assert board.contract is not None
    leader = board.contract.declarer.next
    trumps = 3 - int(board.contract.strain) if board.contract.strain < 4 else -1
    suits = [[c for c in range(13 * s, 13 * s + 13) if hand >> c & 1] for s in range(4)]
    bid: dict[bool, set[int]] = {True: set(), False: set()}
    for i, call in enumerate(board.auction.calls):
        strain = (int(call) - FIRST_BID) % 5
        if int(call) >= FIRST_BID and strain < 4:
            bid[(board.dealer + i - leader) % 2 == 0].add(3 - strain)
    partners = [s for s in bid[True] if suits[s] and s != trumps]
    free = [s for s in range(4) if suits[s] and s != trumps and s not in bid[False]]

    def ranks(suit: int) -> list[int]:
        return [card - 13 * suit for card in suits[suit]]

    def sequence(suit: int) -> bool:
        top = ranks(suit)[:3]
        return len(top) == 3 and top[0] <= _HONOUR and top[1] == top[0] + 1 and top[2] <= top[0] + 3

    def from_suit(suit: int) -> int:
        held = suits[suit]
        if sequence(suit) or len(held) <= 2:
            return held[0]
        if ranks(suit)[0] > _HONOUR:
            return held[1] if len(held) > 3 else held[0]  # nothing there: a high spot
        return held[3] if len(held) > 3 else held[-1]

    def order(suit: int) -> tuple[int, int]:
        strength = sum(max(4 - r, 0) for r in ranks(suit))
        return len(suits[suit]), strength

    if trumps < 0:
        if partners:
            return from_suit(max(partners, key=order))
        return from_suit(max(free or [s for s in range(4) if suits[s]], key=order))
    singles = [s for s in free if len(suits[s]) == 1]
    if singles and suits[trumps]:
        return suits[singles[0]][0]
    for suit in free:
        if ranks(suit)[:2] == [0, 1]:
            return suits[suit][0]
    if partners:
        suit = max(partners, key=order)
        return suits[suit][0] if ranks(suit)[0] == 0 else from_suit(suit)
    solid = [s for s in free if sequence(s)]
    if solid:
        return from_suit(max(solid, key=order))
    safe = [s for s in free if ranks(s)[0] != 0]
    if safe:
        return from_suit(max(safe, key=order))
    if suits[trumps]:
        return suits[trumps][-1]
    rest = [s for s in range(4) if suits[s]]
    return suits[max(rest, key=order)][0]


def compare(board: Board, deals: int, bidder: str) -> dict[str, list[float]] | None:
    """Measure what leads give away on one board.

    Parameters
    ----------
    board : Board
        With an auction that ended in a contract.
    deals : int
        How many the advice solves.
    bidder : str
        Whose calls say what an auction shows.

    Returns
    -------
    dict of str to list, or None
        By who leads: the tricks given away, and how often the contract is beaten. None if the
        bidder has no hand for the auction.
    """
    assert board.auction is not None
    assert board.contract is not None
    leader = board.contract.declarer.next
    hand = int(board.deal.masks[leader])
    cards = [card for card in range(52) if hand >> card & 1]
    names = [card_text(card) for card in cards]
    try:
        advice = opening_lead(
            hand, board.auction, vulnerable=int(board.vulnerable), deals=deals, bidder=bidder,
            workers=1,
        )  # fmt: skip
    except ValueError:
        return None
    (tricks,) = solve_boards([board.deal], board.contract.strain, Seat(leader), workers=1)
    beaten = tricks > 7 - board.contract.level
    # Of the cards that were solved to the end the one with the most tricks, as matchpoints ask.
    solved = [row for row in advice.rows if row.deals == advice.deals]
    places = {
        "advice by IMPs": [names.index(advice.best)],
        "advice by tricks": [names.index(max(solved, key=lambda row: row.tricks).card)],
        "book": [cards.index(book_lead(hand, board))],
        "random card": list(range(13)),
    }
    return {
        name: [float(tricks.max() - tricks[chosen].mean()), float(beaten[chosen].mean())]
        for name, chosen in places.items()
    }


def add_up(boards: list[dict[str, list[float]] | None]) -> dict[str, Any]:
    """Average over boards, with intervals."""
    counted = [one for one in boards if one is not None]
    found: dict[str, Any] = {"boards": len(counted), "left out": len(boards) - len(counted)}
    lost = {name: np.array([one[name][0] for one in counted]) for name in counted[0]}
    for name, values in lost.items():
        sets = float(np.mean([one[name][1] for one in counted]))
        found[name] = _interval(values) | {"contracts beaten": round(sets, 4)}
    for ours in ("advice by IMPs", "advice by tricks"):
        for name in ("book", "random card"):
            found[f"{ours} better than {name} by"] = _interval(lost[name] - lost[ours])
    return found


def _interval(values: NDArray[np.float64]) -> dict[str, float]:
    mean, error = np.mean(values), np.std(values, ddof=1) / len(values) ** 0.5
    return {
        "tricks": round(float(mean), 4),
        "from": round(float(mean - 1.96 * error), 4),
        "to": round(float(mean + 1.96 * error), 4),
    }


def main() -> None:
    """Read the options and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--file", help="of boards with auctions; else the bidder bids random deals")
    parser.add_argument("--count", type=int, default=100, help="boards (default 100)")
    parser.add_argument("--every", type=int, default=1, help="take every so many'th board of them")
    parser.add_argument("--deals", type=int, default=40, help="for each advice (default 40)")
    parser.add_argument("--bidder", default="default", help="whose calls count (default: default)")
    parser.add_argument("--resume", type=Path, help="keep each board's result in this file")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    args = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    if args.file is None:
        boards = bid_boards(args.count, args.bidder)
    else:
        boards = list(islice(read_boards(args.file), 0, 2 * args.count * args.every, args.every))
    boards = [b for b in boards if b.auction and b.contract is not None and b.contract.level]
    asked = {"file": args.file, "every": args.every, "deals": args.deals, "bidder": args.bidder}
    done = resumed(
        args.resume,
        asked,
        boards[: args.count],
        lambda board: compare(board, args.deals, args.bidder),
    )
    found = asked | add_up(done)
    if args.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        if isinstance(value, dict):
            more = {k: v for k, v in value.items() if k == "contracts beaten"}
            print(
                f"{name:<44}{value['tricks']:6.3f} tricks [{value['from']:.3f}, {value['to']:.3f}]",
                *(f"  {k} {100 * v:.1f}%" for k, v in more.items()),
            )
        else:
            print(f"{name:<44}{value!s:>6}")


if __name__ == "__main__":
    main()
