"""Bidders that need no cards: one who passes, and one who makes random calls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridgevec._laws import Auctions
from bridgevec.auction import PASS
from bridgevec.bidders.bidder import Bidder, certain


class PassBidder(Bidder):
    """Always passes."""

    def probabilities(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Give a pass probability 1."""
        return certain(np.full(len(hands), PASS))


class RandomBidder(Bidder):
    """Makes random legal calls, each as likely as any other.

    Parameters
    ----------
    seed : int, Generator or None, default 0
    """

    def __init__(self, seed: int | np.random.Generator | None = 0) -> None:
        self._random = np.random.default_rng(seed)

    def probabilities(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Give every legal call the same probability."""
        legal = auctions.legal_masks().astype(np.float32)
        chances: NDArray[np.float32] = legal / legal.sum(axis=1, keepdims=True)
        return chances

    def calls(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        """Draw legal calls."""
        legal = auctions.legal_masks()
        calls: NDArray[np.int64] = (legal * (1 - self._random.random(legal.shape))).argmax(axis=1)
        return calls
