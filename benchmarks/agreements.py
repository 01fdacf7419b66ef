"""Does a bidder keep its agreements? Bids random deals at all four seats, and reads the auctions.

For each agreement: how often it came up in 1,000 auctions, and in how many per cent of these calls
the hand was one that it promises, or the answer the agreed one. Where the opponents bid, only the
answers to 4NT are looked at.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridgevec._laws import Auctions
from bridgevec.auction import CALLS, PASS, calls_at, parse_call
from bridgevec.bidders import Bidder, load_bidder
from bridgevec.bidders.agreements import keycard_answers
from bridgevec.bidders.match import bid_deals
from bridgevec.cards import hand_bits, random_masks, suit_points

EXAMPLES = """examples:
  python -m benchmarks.agreements
  python -m benchmarks.agreements --bidders default imitation mine.safetensors --deals 50000 --json
"""

AGREEMENTS = {
    "1M": "An opening of 1H or 1S has five cards or more.",
    "1N": "An opening of 1N has 14 to 18 points and no singleton.",
    "2C": "An opening of 2C has 16 points or more.",
    "weak two": "An opening of 2D, 2H or 2S has five cards or more and 4 to 11 points.",
    "raise": "A raise of 1H or 1S to two has three cards or more.",
    "two over one": "A new suit at the two level over 1H or 1S, no pass before, has 11 points.",
    "Stayman": "2C over 1N has four cards in a major.",
    "transfer": "2D over 1N has five hearts, 2H five spades.",
    "transfer completed": "The opener bids that suit.",
    "4NT": "The answer to 4NT is the one of bridgevec.bidders.agreements.",
}


class Holding(NamedTuple):
    """A hand, as agreements speak of it.

    Attributes
    ----------
    points : int
        High-card points.
    lengths : tuple of int
        Of spades, hearts, diamonds and clubs.
    """

    points: int
    lengths: tuple[int, ...]

    def cards(self, suit: str) -> int:
        """Return the length of a suit, one of SHDC."""
        return self.lengths["SHDC".index(suit)]


def kept_in(calls: list[str], hands: list[Holding]) -> Iterator[tuple[str, bool]]:
    """Tell which agreements the start of an auction has, and whether they were kept.

    Parameters
    ----------
    calls : list of str
    hands : list of Holding
        Of dealer, the next player, and so on.

    Examples
    --------
    >>> strong, weak = Holding(16, (3, 4, 3, 3)), Holding(5, (2, 5, 3, 3))
    >>> list(kept_in("1N P 2D P 2H P P P".split(), [strong, weak, weak, weak]))
    [('1N', True), ('transfer', True), ('transfer completed', True)]
    """
    first = next((place for place, call in enumerate(calls) if call != "P"), None)
    if first is None:
        return
    opening, hand = calls[first], hands[first % 4]
    if opening in ("1H", "1S"):
        yield "1M", hand.cards(opening[1]) >= 5
    elif opening == "1N":
        yield "1N", 14 <= hand.points <= 18 and min(hand.lengths) >= 2
    elif opening == "2C":
        yield "2C", hand.points >= 16
    elif opening in ("2D", "2H", "2S"):
        yield "weak two", hand.cards(opening[1]) >= 5 and 4 <= hand.points <= 11
    if calls[first + 1 : first + 2] != ["P"] or len(calls) < first + 3:
        return
    response, partner = calls[first + 2], hands[(first + 2) % 4]
    if opening in ("1H", "1S"):
        if response == f"2{opening[1]}":
            yield "raise", partner.cards(opening[1]) >= 3
        elif response in ("2C", "2D", "2H") and first < 2:
            yield "two over one", partner.points >= 11
    if opening != "1N":
        return
    if response == "2C":
        yield "Stayman", max(partner.cards("S"), partner.cards("H")) >= 4
    elif response in ("2D", "2H"):
        suit = {"2D": "H", "2H": "S"}[response]
        yield "transfer", partner.cards(suit) >= 5
        if calls[first + 3] == "P":
            yield "transfer completed", calls[first + 4][1:] == suit


def agreements_kept(bidder: Bidder, deals: int, seed: int = 0) -> dict[str, list[bool]]:
    """Bid deals, and say of every agreement how often it came up and was kept.

    Parameters
    ----------
    bidder : Bidder
    deals : int
    seed : int, default 0
    """
    generator = np.random.default_rng(seed)
    masks = random_masks(deals, generator)
    dealers, vulnerable = generator.integers(4, size=(2, deals), dtype=np.uint8)
    auctions = bid_deals([bidder], np.zeros((deals, 4), np.intp), masks, dealers, vulnerable)
    lengths = hand_bits(masks).reshape(deals, 4, 4, 13).sum(axis=3)
    points = suit_points(masks).sum(axis=2)
    kept: dict[str, list[bool]] = {name: [] for name in AGREEMENTS}
    for i in range(deals):
        order = (int(dealers[i]) + np.arange(4)) % 4
        hands = [Holding(int(points[i, s]), tuple(map(int, lengths[i, s]))) for s in order]
        for name, good in kept_in([str(CALLS[x]) for x in calls_at(auctions, i)], hands):
            kept[name].append(good)
    kept["4NT"] = _answers_kept(auctions.tables, masks)
    return kept


def _answers_kept(tables: NDArray[np.void], masks: NDArray[np.uint64]) -> list[bool]:
    """Say of all answers to 4NT whether they are the agreed ones."""
    good: list[bool] = []
    one, asked = np.ones(1, dtype=bool), int(parse_call("4N"))
    for table, hands in zip(tables, masks, strict=True):
        calls = table["calls"][: table["count"]].astype(np.int64)
        for place in np.flatnonzero(calls[:-2] == asked):
            if calls[place + 1] != PASS:
                continue
            there = Auctions(1)
            there.start(one, np.array([table["dealer"]]))
            for call in calls[: place + 2]:
                there.make(one, np.array([call]))
            seat = (int(table["dealer"]) + int(place) + 2) % 4
            answer = keycard_answers(hands[[seat]], there)[0]
            if answer >= 0:
                good.append(bool(answer == calls[place + 2]))
    return good


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bidders", nargs="+", default=["default", "imitation"], metavar="NAME")
    parser.add_argument("--deals", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    figures: dict[str, Mapping[str, Any]] = {}
    for name in arguments.bidders:
        kept = agreements_kept(load_bidder(name), arguments.deals, arguments.seed)
        figures[name] = {
            agreement: {
                "per 1,000 auctions": round(1000 * len(found) / arguments.deals, 2),
                "kept": round(float(np.mean(found)), 4) if found else None,
            }
            for agreement, found in kept.items()
        }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, rows in figures.items():
        print(f"{name}, {arguments.deals:,} auctions\n{'':20}{'per 1,000':>10}{'kept':>9}")
        for agreement, row in rows.items():
            share = "" if row["kept"] is None else f"{row['kept']:.1%}"
            print(f"{agreement:20}{row['per 1,000 auctions']:10.1f}{share:>9}")
            print(f"    {AGREEMENTS[agreement]}")


if __name__ == "__main__":
    main()
