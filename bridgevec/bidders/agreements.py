"""Agreements that a bidder keeps: what the answer to partner's 4NT shows.

A bidder that learns from its scores alone forgets conventions: whatever the answers to 4NT come to
mean, the one who asks learns to read. Its partner at another table, human or engine, does not. So
trainings may hold it to this table, Roman Key Card Blackwood with the queen, by the answers known
as 0314:

======  ====================================================================
answer  shows
======  ====================================================================
5C      0 or 3 key cards: the four aces and the king of trumps
5D      1 or 4
5H      2 or 5, without the queen of trumps
5S      2 or 5, with the queen of trumps
======  ====================================================================

4NT asks if the side has bid a suit and its last bid before 4NT was one, whatever the opponents have
done, if they let 4NT pass. After a bid in notrump it does not: there it invites to 6NT. Trumps are
the suit that both partners have bid, the first one of several, if the opponents did not bid it
before; otherwise the suit that the side bid last.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridgevec._laws import Auctions
from bridgevec.auction import FIRST_BID, calls_at, parse_call
from bridgevec.cards import hand_bits

__all__ = ["keycard_answers", "trumps_of_4nt"]

_FOUR_NOTRUMP, _FIVE_CLUBS, _FIVE_DIAMONDS, _FIVE_HEARTS, _FIVE_SPADES = map(
    int, map(parse_call, ("4N", "5C", "5D", "5H", "5S"))
)
_NOTRUMP = 4


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
    >>> trumps("1N P"), trumps("3H")
    (None, None)
    """
    turn = len(calls)
    bid_by: dict[int, set[int]] = {}  # by suit: 0 who calls 4NT, 1 and 3 opponents, 2 partner
    agreed = last = None
    for place, call in enumerate(calls):
        if call < FIRST_BID:
            continue
        strain, who = (call - FIRST_BID) % 5, (turn - place) % 4
        if who % 2 == 0:
            last = strain
        if strain == _NOTRUMP:
            continue
        named = bid_by.setdefault(strain, set())
        named.add(who)
        if agreed is None and {0, 2} <= named and not named & {1, 3}:
            agreed = strain
    if last is None or last == _NOTRUMP:
        return None
    return last if agreed is None else agreed


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
    honours = hand_bits(hands[rows]).reshape(-1, 4, 13)[:, :, :3]  # of spades first: A K Q
    for row, (ace, king, queen) in zip(rows, honours.transpose(0, 2, 1), strict=True):
        trumps = trumps_of_4nt(calls_at(auctions, int(row))[:-2])
        if trumps is None:
            continue
        keycards = int(ace.sum()) + int(king[3 - trumps])
        two = _FIVE_SPADES if queen[3 - trumps] else _FIVE_HEARTS
        answers[row] = (_FIVE_CLUBS, _FIVE_DIAMONDS, two)[keycards % 3]
    return answers
