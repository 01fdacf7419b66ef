"""The features of a hand and an auction that are active; nothing here checks its input.

`bridgevec.bidders.features` is the face of it and lists the features.
"""

from libc.stdint cimport int16_t, uint8_t, uint64_t
from libc.string cimport memset

from bridgevec._bits cimport bv_count, bv_ctz
from bridgevec._laws cimport BIDS, FIRST_BID, PASS, Auctions, Table, turn

import numpy as np

cdef enum:
    ACTIVE = 64  # room for the numbers of the features that are active, 0 for none
    RECENT = 12  # calls that are seen by when they were made
    OLDER = ACTIVE - 28 - RECENT  # at most: calls other than passes that are seen by who made them
    CARDS_AT = 1
    HOLDINGS_AT = CARDS_AT + 52
    LENGTHS_AT = HOLDINGS_AT + 4 * 14 * 32
    POINTS_AT = LENGTHS_AT + 4 * 14
    SHAPES_AT = POINTS_AT + 38
    STRENGTH_AT = SHAPES_AT + 39
    VULNERABLE_AT = STRENGTH_AT + 43
    OPENING_AT = VULNERABLE_AT + 4
    CONTRACT_AT = OPENING_AT + 20
    STATE_AT = CONTRACT_AT + 36
    RECENT_AT = STATE_AT + 37
    MADE_AT = RECENT_AT + RECENT * 39
    FEATURES = MADE_AT + 12 * BIDS

N_ACTIVE, N_FEATURES = ACTIVE, FEATURES


# The number of a shape, 0 = 4-3-3-3 … 38 = 13-0-0-0, by the two longest suits and the shortest.
cdef uint8_t SHAPES[14][7][4]


cdef void number_shapes() noexcept nogil:
    cdef int a, b, d, number = 0
    for a in range(4, 14):
        for b in range(7):
            for d in range(4):
                # The third suit, 13 - a - b - d cards, lies between the second and the last.
                if d <= 13 - a - b - d <= b <= a:
                    SHAPES[a][b][d] = number
                    number += 1


number_shapes()


cdef inline void write_features(
    const Table* table, uint64_t hand, int vulnerable, int16_t* out
) noexcept nogil:
    """Write the numbers of what the player whose turn it is sees, and zeros after them."""
    cdef int seat = turn(table)
    cdef int suit, holding, length, i, who, call, skip, bid = -1, n = 0, points = 0
    cdef int longest = 0, second = 0, shortest = 13
    memset(out, 0, ACTIVE * sizeof(int16_t))

    # The hand.
    for suit in range(4):
        holding = hand >> (13 * suit) & 0x1FFF
        length = bv_count(holding)
        points += 4 * (holding & 1) + 3 * (holding >> 1 & 1)
        points += 2 * (holding >> 2 & 1) + (holding >> 3 & 1)
        if length > longest:
            second, longest = longest, length
        elif length > second:
            second = length
        shortest = min(shortest, length)
        out[n] = HOLDINGS_AT + 448 * suit + 32 * length + (holding & 31)
        out[n + 1] = LENGTHS_AT + 14 * suit + length
        n += 2
    while hand:
        out[n] = CARDS_AT + bv_ctz(hand)
        n += 1
        hand &= hand - 1
    out[n] = POINTS_AT + points
    out[n + 1] = SHAPES_AT + SHAPES[longest][second][shortest]
    out[n + 2] = STRENGTH_AT + points + longest + second - 7
    n += 3

    # How the auction stands.
    out[n] = VULNERABLE_AT + (vulnerable >> (seat & 1) & 1) + 2 * (vulnerable >> (~seat & 1) & 1)
    i = 0
    while i < table.count and table.calls[i] == PASS:
        i += 1
    who = (table.dealer + i - seat) & 3 if i < table.count else 4
    out[n + 1] = OPENING_AT + 5 * min(i, 3) + who
    out[n + 2] = CONTRACT_AT + table.bid + 1
    out[n + 3] = STATE_AT
    if table.bid >= 0:
        out[n + 3] += 1 + 9 * ((table.bidder - seat) & 3) + 3 * table.doubled + min(table.passes, 2)
    n += 4

    # The last calls by when they were made, then all but passes by who made them.
    for i in range(RECENT):
        call = table.calls[table.count - 1 - i] + 1 if i < table.count else 0
        out[n + i] = RECENT_AT + 39 * i + call
    n += RECENT
    skip = -OLDER
    for i in range(table.count):
        skip += table.calls[i] != PASS
    for i in range(table.count):
        call = table.calls[i]
        if call == PASS:
            continue
        if call >= FIRST_BID:
            bid = call - FIRST_BID
        if skip > 0:  # the oldest, of an auction so long
            skip -= 1
            continue
        out[n] = MADE_AT + 12 * bid + ((table.dealer + i - seat) & 3)
        if call < FIRST_BID:
            out[n] += 4 * call
        n += 1


def active_features(Auctions auctions, const uint64_t[::1] hands, const uint8_t[::1] vulnerable):
    """List what is true for the players whose turn it is, holding these hands, int16 (n, 64).

    Numbers of features, in no order, then zeros. The hands are masks, the vulnerability is
    0 nobody, 1 NS, 2 EW, 3 all.
    """
    cdef Py_ssize_t i
    out = np.empty((auctions._n, ACTIVE), dtype=np.int16)
    cdef int16_t[:, ::1] features = out
    with nogil:
        for i in range(auctions._n):
            write_features(&auctions._tables[i], hands[i], vulnerable[i], &features[i, 0])
    return out
