"""Agreements that a bidder keeps: what the answer to partner's 4NT shows.

A bidder that learns from its scores alone forgets conventions: whatever the answers to 4NT come to
mean, the one who asks learns to read. Its partner at another table, human or engine, does not. So
a bidder whose model card says ``keycards`` answers by this table, Roman Key Card Blackwood with the
queen, by the answers known as 0314:

======  ====================================================================
answer  shows
======  ====================================================================
5C      0 or 3 key cards: the four aces and the king of trumps
5D      1 or 4
5H      2 or 5, without the queen of trumps
5S      2 or 5, with the queen of trumps
======  ====================================================================

4NT asks if the side's last bid before it was a suit, whatever the opponents have done, if they let
4NT pass. Trumps are the first suit of which one of these is true:

* both partners have bid it, and no opponent had before;
* one partner bid it, and the other made a splinter, a double jump in a new suit, but not to game in
  a major, or bid 2NT over an opening of one in it, a major, and a pass.

Without such a suit trumps are the suit that the side bid last, if its first bid was a suit too. If
it was notrump, 4NT invites to 6NT, as it does directly over any bid in notrump.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridgevec._laws import Auctions
from bridgevec.auction import FIRST_BID, N_CALLS, calls_at, parse_call
from bridgevec.cards import hand_bits

__all__ = ["keycard_answers", "trumps_of_4nt"]

_FOUR_NOTRUMP, _FIVE_CLUBS, _FIVE_DIAMONDS, _FIVE_HEARTS, _FIVE_SPADES = map(
    int, map(parse_call, ("4N", "5C", "5D", "5H", "5S"))
)
_ANSWERS = np.array([_FIVE_CLUBS, _FIVE_DIAMONDS, _FIVE_HEARTS])
"""By the number of key cards, modulo 3."""
_NOTRUMP = 4
_TWO_NOTRUMP, _MAJOR_OPENINGS, _MAJOR_GAMES = 9, (2, 3), (17, 18)  # as bids, 0 = 1C … 34 = 7N


def trumps_of_4nt(calls: list[int]) -> int | None:
    """Return the suit that 4NT, about to be called, asks about.

    Parameters
    ----------
    calls : list of int
        All calls before it; whose turn it is, calls it.

    Returns
    -------
    int or None
        0 clubs … 3 spades; None if 4NT would not ask for key cards.

    Examples
    --------
    >>> from bridgevec.auction import parse_call
    >>> def trumps(auction):
    ...     return trumps_of_4nt([int(parse_call(call)) for call in auction.split()])
    >>> trumps("1S P 3S P"), trumps("1H P 2C P 2D P 3C P"), trumps("1S P 2D P 2H P")
    (3, 0, 2)
    >>> trumps("1S P 4C P"), trumps("1H P 2N P 3S P")  # a splinter, a raise of hearts
    (3, 2)
    >>> trumps("1N P"), trumps("1N P 2C P 2D P"), trumps("3H")
    (None, None, None)
    """
    turn, highest = len(calls), -1
    bids: list[tuple[int, int]] = []  # of both sides: who (0 calls 4NT, 2 is partner), strain
    agreed = None
    for place, call in enumerate(calls):
        if call < FIRST_BID:
            continue
        bid, who = call - FIRST_BID, (turn - place) % 4
        strain = bid % 5
        if who % 2 == 0 and agreed is None:
            agreed = _agrees(bids, highest, bid, who)
        highest = bid
        bids.append((who, strain))
    ours = [strain for who, strain in bids if who % 2 == 0]
    if not ours or ours[-1] == _NOTRUMP:
        return None
    if agreed is None and ours[0] != _NOTRUMP:
        return ours[-1]
    return agreed


def _agrees(bids: list[tuple[int, int]], highest: int, bid: int, who: int) -> int | None:
    """Return the suit that a bid agrees on, given those before it and the highest of them."""
    strain = bid % 5
    partner = [s for w, s in bids if w == who ^ 2 and s != _NOTRUMP]
    if not partner:
        return None
    if strain == _NOTRUMP:
        opened = len(bids) == 1 and highest in _MAJOR_OPENINGS
        return partner[0] if opened and bid == _TWO_NOTRUMP else None
    named = {w for w, s in bids if s == strain}
    if who ^ 2 in named and not named & {who ^ 1, who ^ 3}:
        return strain
    jumps = (bid - highest - 1) // 5
    if not named and jumps == 2 and bid not in _MAJOR_GAMES:
        return partner[-1]
    return None


def keycard_answers(hands: NDArray[np.uint64], auctions: Auctions) -> NDArray[np.int64]:
    """Return the agreed answers of players whose partners asked for key cards.

    Parameters
    ----------
    hands : ndarray of uint64, shape (n,)
        Masks of the hands of those whose turn it is.
    auctions : Auctions
        At n tables; none may be over.

    Returns
    -------
    ndarray of int64, shape (n,)
        Calls; -1 where nobody asked.

    Examples
    --------
    >>> from bridgevec.auction import CALLS
    >>> from bridgevec.cards import hand_mask
    >>> auctions = Auctions(1)
    >>> for call in ("1S", "P", "3S", "P", "4N", "P"):
    ...     auctions.make(np.ones(1, dtype=bool), np.array([int(parse_call(call))]))
    >>> hand = np.array([hand_mask("KQ86.A754.Q2.J93")])
    >>> str(CALLS[keycard_answers(hand, auctions)[0]])  # ace of hearts, king and queen of trumps
    '5S'
    """
    tables = auctions.tables
    asked = (tables["bid"] == _FOUR_NOTRUMP - FIRST_BID) & (tables["doubled"] == 0)
    asked &= (tables["passes"] == 1) & ((tables["bidder"] ^ auctions.turns()) == 2)
    answers = np.full(len(hands), -1, dtype=np.int64)
    rows = np.flatnonzero(asked)
    if not len(rows):
        return answers
    # In a search or a sample many hands are asked in the same auction.
    counts = tables["count"][rows]
    calls = tables["calls"][rows, : counts.max()]
    calls[np.arange(calls.shape[1]) >= counts[:, None]] = N_CALLS
    _, first, which = np.unique(calls, axis=0, return_index=True, return_inverse=True)
    asked_about = [trumps_of_4nt(calls_at(auctions, int(row))[:-2]) for row in rows[first]]
    trumps = np.array([-1 if suit is None else suit for suit in asked_about])[which]
    rows, trumps = rows[trumps >= 0], trumps[trumps >= 0]
    honours = hand_bits(hands[rows]).reshape(-1, 4, 13)[:, :, :3]  # of spades first: A K Q
    king, queen = honours[np.arange(len(rows)), 3 - trumps, 1:].T
    keycards = honours[:, :, 0].sum(axis=1) + king
    answers[rows] = _ANSWERS[keycards % 3]
    answers[rows[(keycards % 3 == 2) & (queen == 1)]] = _FIVE_SPADES
    return answers
