"""Recorded auctions as examples to learn from, and how well a bidder calls as they do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridgevec._laws import Auctions
from bridgevec.auction import PASS
from bridgevec.bidders.bidder import Bidder
from bridgevec.bidders.features import OTHERS, SCALES, SPREAD, BidderInput, describe_hands
from bridgevec.bidders.policy import PolicyBidder
from bridgevec.records.auctions import RecordedAuctions

_DEALS = 1 << 14  # whose calls are shuffled among themselves
ROUNDS = 8
"""Rounds of the auction that are measured one by one; the last stands for all later ones too."""


# Options of trainings, with their help.
AuctionFiles = Annotated[
    tuple[str, ...], "Files of auctions, .parquet, .pbn or .lin, or folders of them."
]
TestFraction = Annotated[
    float, "Share of the deals that are the test split: never trained on, always the same deals."
]


class Examples(NamedTuple):
    """What players saw and called, a row a call.

    Attributes
    ----------
    features : ndarray of int16, shape (n, 64)
    vectors : ndarray of float32, shape (n, dims)
        Both as a `bridgevec.bidders.features.BidderInput` gives them.
    legal : ndarray of int8, shape (n, 38)
        0 for calls that were not legal.
    others : ndarray of float32, shape (n, 3, 13)
        The hands of left-hand opponent, partner and right-hand opponent, as
        `bridgevec.bidders.features.describe_hands` gives them.
    calls : ndarray of int64, shape (n,)
    """

    features: NDArray[np.int16]
    vectors: NDArray[np.float32]
    legal: NDArray[np.int8]
    others: NDArray[np.float32]
    calls: NDArray[np.int64]

    def take(self, rows: NDArray[Any]) -> Examples:
        """Select rows."""
        return Examples._make(column[rows] for column in self)

    def join(self, others: Examples) -> Examples:
        """Add others."""
        return Examples(
            np.concatenate([self.features, others.features]),
            np.concatenate([self.vectors, others.vectors]),
            np.concatenate([self.legal, others.legal]),
            np.concatenate([self.others, others.others]),
            np.concatenate([self.calls, others.calls]),
        )


class Decisions(NamedTuple):
    """The calls that were made at one place of many auctions.

    Attributes
    ----------
    auctions : ndarray of intp, shape (n,)
        Which of the auctions came to this place.
    seats : ndarray of uint8, shape (n,)
        Whose turn it was.
    tables : tuple
        Hands, auctions and vulnerabilities as `bridgevec.bidders.Bidder.calls` takes them.
    calls : ndarray of int64, shape (n,)
        What was called.
    """

    auctions: NDArray[np.intp]
    seats: NDArray[np.uint8]
    tables: tuple[NDArray[np.uint64], Auctions, NDArray[np.uint8]]
    calls: NDArray[np.int64]


def decisions(recorded: RecordedAuctions, rows: NDArray[np.intp]) -> Iterator[Decisions]:
    """Go through some of the auctions, place by place, from the first calls to the last.

    Parameters
    ----------
    recorded : RecordedAuctions
        From `bridgevec.records.auctions.read_auctions`.
    rows : ndarray of int
        Which auctions.
    """
    deals, vulnerable = recorded.deals[rows], recorded.vulnerable[rows].astype(np.uint8)
    auctions = Auctions(len(rows))
    auctions.start(np.ones(len(rows), dtype=bool), recorded.dealers[rows].astype(np.uint8))
    for calls in recorded.calls[rows].astype(np.int64).T:
        here = np.flatnonzero(calls >= 0)
        if not here.size:
            return
        tables = auctions.take(here)
        seats = tables.turns()
        yield Decisions(here, seats, (deals[here, seats], tables, vulnerable[here]), calls[here])
        auctions.make(calls >= 0, np.ascontiguousarray(calls))


def examples(
    recorded: RecordedAuctions, rows: NDArray[np.intp], reads: BidderInput | None = None
) -> Examples:
    """Make every call of some of the auctions an example.

    Parameters
    ----------
    recorded, rows
        As `decisions` takes them.
    reads : BidderInput, optional
        What the network reads that is to learn; by default the features of the hand.

    Returns
    -------
    Examples of the first calls of all auctions, then of the second calls, and so on.
    """
    reads = reads or BidderInput()
    described = describe_hands(recorded.deals[rows].reshape(-1)).reshape(-1, 4, 13)
    parts = [
        Examples(
            *reads.observe(*made.tables),
            made.tables[1].legal_masks(),
            described[made.auctions[:, None], (made.seats[:, None] + [1, 2, 3]) % 4],
            made.calls,
        )
        for made in decisions(recorded, rows)
    ]
    return Examples(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def batches(
    recorded: RecordedAuctions,
    rows: NDArray[np.intp],
    size: int,
    random: np.random.Generator,
    reads: BidderInput | None = None,
) -> Iterator[Examples]:
    """Shuffle the calls of some of the auctions, and deal them out; a rest is left out.

    Parameters
    ----------
    recorded, rows
        As `examples` takes them.
    size : int
        Calls a batch.
    random : Generator
    reads : BidderInput, optional
        As `examples` takes it.
    """
    order = random.permutation(rows)
    rest: Examples | None = None
    for start in range(0, len(order), _DEALS):
        part = examples(recorded, order[start : start + _DEALS], reads)
        if rest is not None:
            part = rest.join(part)
        shuffled = random.permutation(len(part.calls))
        full = len(shuffled) // size * size
        for i in range(0, full, size):
            yield part.take(shuffled[i : i + size])
        rest = part.take(shuffled[full:])


def evaluate_bidder(
    bidder: Bidder, recorded: RecordedAuctions, rows: NDArray[np.intp]
) -> dict[str, Any]:
    """Compare a bidder with recorded auctions, in all and by round.

    Parameters
    ----------
    bidder : Bidder
    recorded : RecordedAuctions
    rows : ndarray of int
        Which auctions, at least one.

    Returns
    -------
    dict
        ``calls``; ``accuracy``, how often the likeliest call was made; ``log loss``, a probability
        below 1e-6 counting as that; ``accuracy by round``, of rounds 1, 2, ... of four calls each;
        ``accuracy by sides``, where nobody, one side, both sides had bid or doubled. Of a trained
        bidder also ``mean error of guesses``, by what the expected lengths and points
        of partner and opponents differ from the real ones, and beside it the same of who expects
        the cards that he does not hold to lie evenly.
    """
    right, made, loss = np.zeros(ROUNDS), np.zeros(ROUNDS), 0.0
    right_by_sides, made_by_sides = np.zeros(3), np.zeros(3)
    errors = np.zeros((2, len(OTHERS), SPREAD))
    for start in range(0, len(rows), _DEALS):
        some = rows[start : start + _DEALS]
        described = describe_hands(recorded.deals[some].reshape(-1)).reshape(-1, 4, 13)
        active = np.zeros((len(some), 2), dtype=bool)
        for place, now in enumerate(decisions(recorded, some)):
            i = min(place // 4, ROUNDS - 1)
            sides = active[now.auctions].sum(axis=1)
            p = bidder.probabilities(*now.tables)
            made[i] += len(p)
            hit = p.argmax(axis=1) == now.calls
            right[i] += hit.sum()
            made_by_sides += np.bincount(sides, minlength=3)
            right_by_sides += np.bincount(sides, hit, minlength=3)
            active[now.auctions, now.seats & 1] |= now.calls != PASS
            loss -= np.log(np.maximum(p[np.arange(len(p)), now.calls], 1e-6)).sum()
            if isinstance(bidder, PolicyBidder):
                others = (now.seats[:, None] + [1, 2, 3]) % 4
                truth = described[now.auctions[:, None], others, :SPREAD]
                evenly = truth.mean(axis=1, keepdims=True)  # known from the player's hand
                for k, guessed in enumerate((bidder.guesses(*now.tables)[..., :SPREAD], evenly)):
                    errors[k] += np.abs(guessed - truth).sum(axis=0)
    n = float(made.sum())
    figures: dict[str, Any] = {
        "calls": int(n),
        "accuracy": round(float(right.sum()) / n, 5),
        "log loss": round(float(loss) / n, 5),
        "accuracy by round": [
            {"round": f"{i + 1}{'+' if i == ROUNDS - 1 else ''}", "calls": int(made[i])}
            | {"accuracy": round(float(right[i] / made[i]), 5)}
            for i in np.flatnonzero(made)
        ],
    }
    figures["accuracy by sides"] = {
        name: {"calls": int(made_by_sides[i])}
        | {"accuracy": round(float(right_by_sides[i] / made_by_sides[i]), 5)}
        for i, name in enumerate(("nobody", "one side", "both sides"))
        if made_by_sides[i]
    }
    if isinstance(bidder, PolicyBidder):
        names = [*OTHERS, *(f"{who}, expected evenly" for who in OTHERS)]
        figures["mean error of guesses"] = {
            who: {"cards in a suit": round(float(x[:4].mean()), 4), "points": round(float(x[4]), 4)}
            for who, x in zip(
                names, (errors / n * SCALES[:SPREAD]).reshape(-1, SPREAD), strict=True
            )
        }
    return figures
