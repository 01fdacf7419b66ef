"""What a bidder's network sees: its hand and the auction, as a list of active features.

About forty of `N_BIDDER_FEATURES` binary features of a hand and an auction are active. An
observation lists their numbers in no particular order, int16 (n, `N_ACTIVE`), padded with zeros. A
network's first layer is then a sum of a few rows of its weights. Seats are counted from the
player's own: me, left-hand opponent, partner, right-hand opponent.

==================  ==========================================================================
how many numbers    what they say
==================  ==========================================================================
52                  I hold this card
4 · 14 · 32         my length in a suit, and which of A K Q J T I have there
4 · 14              my length in a suit
38                  my high-card points
39                  my shape, 4-3-3-3 … 13-0-0-0 whichever the suits
43                  points and cards in the two longest suits together, less 7
4                   whether my side, and their side, is vulnerable
4 · 5               how many passed before the first bid, who made it (the last: nobody)
36                  no bid, or the last bid
1 + 4 · 3 · 3       no bid, or who made the last one, whether it is doubled, passes since
12 · 39             what was called one, two, … twelve calls ago (the first: nothing)
35 · 12             who made a bid, who doubled it, who redoubled it
==================  ==========================================================================

The last kind is that of `bridgevec.envs.observation`. It has the last 24 calls other than passes;
no auction with more of them has been seen.

Of the hand, these are the features of a network that reads its `"features"`. Others read the
`"cards"`, which are the first 52 alone, the numbers of an `"embedding"`, or `"both"`, see
`BidderInput`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridgevec._laws import Auctions
from bridgevec.bidders._features import N_ACTIVE, active_features
from bridgevec.bidders._features import N_FEATURES as N_BIDDER_FEATURES
from bridgevec.cards import hand_bits, suit_points
from bridgevec.models.embedding import embed_hands
from bridgevec.models.encoder import HandEncoder

__all__ = [
    "HANDS",
    "N_ACTIVE",
    "N_BIDDER_FEATURES",
    "BidderInput",
    "Seen",
    "describe_hands",
    "observe",
]

DESCRIPTION = 13
"""How many numbers describe a hand that is guessed, see `describe_hands`."""
SPREAD = 5
"""Of how many of them, the lengths and the points, a standard deviation is guessed too."""
HANDS = ("features", "embedding", "cards", "both")
"""What a network may read of its own hand."""
# An observation begins with the features of the hand, always as many: length and honours of four
# suits, 13 cards, then points, shape and strength.
_HAND = 24
CARDS = slice(8, 21)
"""Where, among the features of a hand, its cards are."""
OTHERS = ("left", "partner", "right")
"""The players whose hands are guessed."""
MEANS = np.array([3.25] * 4 + [10] + [0] * 8, dtype=np.float32)
"""Means of the numbers over random hands."""
SCALES = np.array([1.3647] * 4 + [4.1302] + [1] * 8, dtype=np.float32)
"""Their standard deviations."""


def observe(
    hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
) -> NDArray[np.int16]:
    """Return what players see who are to call.

    Parameters
    ----------
    hands : ndarray of uint64, shape (n,)
        Masks of the hands of those whose turn it is.
    auctions : Auctions
        At n tables; none may be over. An environment's ``game.tables`` is such an object too.
    vulnerable : ndarray of uint8, shape (n,)
        0 nobody, 1 North-South, 2 East-West, 3 all.

    Returns
    -------
    ndarray of int16, shape (n, N_ACTIVE)

    Raises
    ------
    ValueError
        If there are not as many of each, or an auction is over.
    """
    n = len(auctions.tables)
    if len(hands) != n or len(vulnerable) != n:
        raise ValueError(f"{len(hands)} hands, {n} auctions, {len(vulnerable)} vulnerabilities")
    over = np.flatnonzero(auctions.over())
    if over.size:
        raise ValueError(f"the auction at table {over[0]} is over")
    return active_features(
        auctions,
        np.ascontiguousarray(hands, dtype=np.uint64),
        np.ascontiguousarray(vulnerable, dtype=np.uint8),
    )


class Seen(NamedTuple):
    """What players see, one row per player.

    Attributes
    ----------
    features : ndarray of int16, shape (n, N_ACTIVE)
        Active features, see `observe`.
    vectors : ndarray of float32, shape (n, dims)
        Their hands in numbers; `dims` is 0 for networks that do not read an embedding.
    """

    features: NDArray[np.int16]
    vectors: NDArray[np.float32]


class BidderInput:
    """What a bidder's network reads.

    Parameters
    ----------
    hand : {"features", "embedding", "cards", "both"}, default "features"
        Of its own hand: the features of the table above, the numbers of an embedding, the 52 cards,
        or the numbers and the cards. The auction is the same for all.
    encoder : HandEncoder, optional
        Makes the numbers, if it reads them.

    Raises
    ------
    ValueError
        If there is no such kind, or it needs an encoder and has none.

    Examples
    --------
    >>> BidderInput("cards").dims
    0
    """

    def __init__(self, hand: str = "features", encoder: HandEncoder | None = None) -> None:
        if hand not in HANDS:
            raise ValueError(f"hand is {hand!r}, expected {', '.join(HANDS)}")
        reads_vectors = hand in ("embedding", "both")
        if reads_vectors != (encoder is not None):
            needs = "needs an encoder" if reads_vectors else "reads no embedding"
            raise ValueError(f"a bidder whose hand is {hand!r} {needs}")
        self.hand, self.encoder = hand, encoder
        self.dims = 0 if encoder is None else encoder.dims

    def observe(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> Seen:
        """Return what players see who are to call, see `observe`."""
        return Seen(self.features(hands, auctions, vulnerable), self.vectors(hands))

    def features(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.int16]:
        """Return the active features alone, see `observe`."""
        features = observe(hands, auctions, vulnerable)
        if self.hand == "features":
            return features
        kept = features[:, _HAND:]
        if self.hand != "embedding":
            kept = np.concatenate([features[:, CARDS], kept], axis=1)
        # Zeros stand at the end alone.
        features = np.zeros_like(features)
        features[:, : kept.shape[1]] = kept
        return features

    def vectors(self, hands: NDArray[np.uint64]) -> NDArray[np.float32]:
        """Return the hands in numbers, (n, dims)."""
        if self.encoder is None:
            return np.zeros((len(hands), 0), dtype=np.float32)
        return self.encoder.embed(np.asarray(hands, dtype=np.uint64))


def describe_hands(masks: NDArray[np.uint64]) -> NDArray[np.float32]:
    """Describe hands as bidders guess them, each number with mean 0 and variance about 1.

    Parameters
    ----------
    masks : ndarray of uint64, shape (n,)

    Returns
    -------
    ndarray of float32, shape (n, 13)
        Lengths in spades, hearts, diamonds and clubs, high-card points, and the 8 numbers of
        `bridgevec.embed_hands`; times `SCALES` plus `MEANS` as players count them.
    """
    lengths = hand_bits(masks).reshape(-1, 4, 13).sum(axis=2)
    points = suit_points(masks).sum(axis=1)
    numbers = np.column_stack([lengths, points, embed_hands(masks)])
    return ((numbers - MEANS) / SCALES).astype(np.float32)
