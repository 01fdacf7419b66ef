"""What a player sees: the own hand, and the auction as heard from the own seat.

An observation is float32, first the hand, then `AUCTION_FEATURES` numbers. The hand is, by name:

* ``"embedding"``: the 8 numbers of `bridgevec.embed_hand`;
* ``"cards"``: 52 zeros and ones, cards in the order of `bridgevec.cards`;
* ``"both"``: the 8, then the 52.

The auction is 426 zeros and ones. Seats are counted from the own one on: me, left-hand opponent,
partner, right-hand opponent.

====================  ============================================================
place                 is 1 if
====================  ============================================================
0, 1                  my side, their side is vulnerable
2 + seat              the seat passed before the first bid
6 + 12·bid + seat     the seat made this bid, 0 = 1C … 34 = 7N
10 + 12·bid + seat    the seat doubled it
14 + 12·bid + seat    the seat redoubled it
====================  ============================================================

Later passes need no place: who made the other calls tells who passed between them. This is the
layout of the auction in OpenSpiel's and pgx's bridge, with the vulnerability in two numbers.
"""

from __future__ import annotations

import numpy as np
from gymnasium.spaces import Box

from bridgevec._auction import AUCTION_FEATURES

HAND_FEATURES = {"embedding": 8, "cards": 52, "both": 60}
"""Numbers of the hand in an observation, by the name of the observation."""

# Over random hands the numbers of the embedding have variance 1; none of 400,000 exceeds 5.7.
_EMBEDDING_BOUND = 16


def observation_space(observation: str) -> Box:
    """Return the space of one observation."""
    size = HAND_FEATURES[observation] + AUCTION_FEATURES
    low, high = np.zeros(size, dtype=np.float32), np.ones(size, dtype=np.float32)
    if observation != "cards":
        low[:8], high[:8] = -_EMBEDDING_BOUND, _EMBEDDING_BOUND
    return Box(low, high)
