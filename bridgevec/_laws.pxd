"""The Laws of the auction, as other compiled modules use them."""

from libc.stdint cimport int8_t, int16_t, uint8_t, uint64_t
from libc.string cimport memset

cdef enum:
    PASS, DOUBLE, REDOUBLE, FIRST_BID
    BIDS = 35
    CALLS = 38
    LONGEST = 319  # P P P, then every bid, doubled and redoubled, with two passes after each call


# A row of `TABLE`, which says what the fields are.
cdef packed struct Table:
    int16_t count
    uint8_t dealer
    uint8_t passes
    int8_t bid
    int8_t bidder
    uint8_t doubled
    int8_t named[10]
    uint8_t calls[LONGEST]


cdef inline bint is_over(const Table* table) noexcept nogil:
    """Law 22A: four passes at the start, or three after another call."""
    return table.passes == 4 or (table.passes == 3 and table.bid >= 0)


cdef inline int turn(const Table* table) noexcept nogil:
    """Law 17C: clockwise from the dealer."""
    return (table.dealer + table.count) & 3


cdef inline uint64_t legal(const Table* table) noexcept nogil:
    """A bit for every call that may be made now."""
    if is_over(table):
        return 0
    # Law 18: a sufficient bid supersedes the last one.
    cdef uint64_t calls = (((<uint64_t>1 << BIDS) - 1) >> (table.bid + 1)) << (
        table.bid + 1 + FIRST_BID
    )
    calls |= 1 << PASS
    if table.bid >= 0:
        # Law 19: the opponents' bid may be doubled, the own side's doubled bid redoubled.
        if (turn(table) ^ table.bidder) & 1:
            if table.doubled == 0:
                calls |= 1 << DOUBLE
        elif table.doubled == 1:
            calls |= 1 << REDOUBLE
    return calls


cdef inline void start(Table* table, int dealer) noexcept nogil:
    memset(table, 0, sizeof(Table))
    table.dealer = dealer
    table.bid = table.bidder = -1
    memset(table.named, -1, sizeof(table.named))


cdef inline void make(Table* table, int call) noexcept nogil:
    cdef int seat = turn(table)
    cdef int8_t* named
    table.calls[table.count] = call
    table.count += 1
    if call == PASS:
        table.passes += 1
        return
    table.passes = 0
    if call < FIRST_BID:
        table.doubled = call
        return
    table.bid = call - FIRST_BID
    table.bidder = seat
    table.doubled = 0
    named = &table.named[5 * (seat & 1) + table.bid % 5]
    if named[0] < 0:
        named[0] = seat


cdef inline int declarer(const Table* table) noexcept nogil:
    """The first of the side to have named the strain (Laws, Definitions); -1 without a bid."""
    if table.bid < 0:
        return -1
    return table.named[5 * (table.bidder & 1) + table.bid % 5]


cdef inline void write_mask(uint64_t calls, int8_t* out) noexcept nogil:
    cdef int call
    for call in range(CALLS):
        out[call] = calls >> call & 1


cdef class Auctions:
    cdef readonly object tables
    cdef Table* _tables
    cdef Py_ssize_t _n
