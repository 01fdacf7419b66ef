"""The rules of the auction on many tables at once; nothing here checks its input.

`bridgevec.auction` is the face of it for one auction, `bridgevec.envs` for many. Calls are numbered
0 pass, 1 double, 2 redouble, 3 + 5·(level−1) + strain. The Laws are those of Duplicate Bridge 2017.
"""

from libc.stdint cimport int8_t, int16_t, int64_t, uint8_t, uint64_t
from libc.string cimport memset

import numpy as np

cdef extern from *:
    """
    #define bv_count(x) __builtin_popcountll(x)
    #define bv_ctz(x) __builtin_ctzll(x)
    """
    int bv_count(uint64_t x) nogil
    int bv_ctz(uint64_t x) nogil

cdef enum:
    PASS, DOUBLE, REDOUBLE, FIRST_BID
    BIDS = 35
    CALLS = 38
    LONGEST = 319  # P P P, then every bid, doubled and redoubled, with two passes after each call
    FEATURES = 6 + 12 * BIDS

# What an array of auctions consists of, one row a table.
TABLE = np.dtype(
    [
        ("count", "i2"),  # calls made
        ("dealer", "u1"),
        ("passes", "u1"),  # since the last other call, or the start
        ("bid", "i1"),  # the last one, 0 = 1C … 34 = 7N; -1 for none
        ("bidder", "i1"),  # whose it is
        ("doubled", "u1"),  # 0, 1 doubled, 2 redoubled
        ("named", "i1", (2, 5)),  # who of a side was the first to bid a strain; -1 for nobody
        ("calls", "u1", LONGEST),
    ]
)

AUCTION_FEATURES = FEATURES

cdef packed struct Table:
    int16_t count
    uint8_t dealer
    uint8_t passes
    int8_t bid
    int8_t bidder
    uint8_t doubled
    int8_t named[10]
    uint8_t calls[LONGEST]

assert TABLE.itemsize == sizeof(Table)


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


cdef inline uint64_t draw(uint64_t* stream) noexcept nogil:
    """SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014."""
    stream[0] += 0x9E3779B97F4A7C15ULL
    cdef uint64_t x = stream[0]
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL
    return x ^ (x >> 31)


cdef inline int random_call(const Table* table, uint64_t* stream) noexcept nogil:
    cdef uint64_t calls = legal(table)
    cdef int skip = ((draw(stream) >> 32) * bv_count(calls)) >> 32
    while skip:
        calls &= calls - 1
        skip -= 1
    return bv_ctz(calls)


cdef inline void write_features(
    const Table* table, float* out, int seat, int vulnerable
) noexcept nogil:
    cdef int i, call, who, bid = -1
    memset(out, 0, FEATURES * sizeof(float))
    out[0] = vulnerable >> (seat & 1) & 1
    out[1] = vulnerable >> (~seat & 1) & 1
    for i in range(table.count):
        call = table.calls[i]
        who = (table.dealer + i - seat) & 3
        if call >= FIRST_BID:
            bid = call - FIRST_BID
            out[6 + 12 * bid + who] = 1
        elif call:
            out[6 + 12 * bid + 4 * call + who] = 1
        elif bid < 0:
            out[2 + who] = 1


def draws(uint64_t[::1] streams, const uint8_t[::1] where):
    """Draw 64 random bits from each stream chosen; 0 for the others."""
    cdef Py_ssize_t i
    out = np.zeros(streams.shape[0], dtype=np.uint64)
    cdef uint64_t[::1] drawn = out
    for i in range(streams.shape[0]):
        if where[i]:
            drawn[i] = draw(&streams[i])
    return out


def _restore(tables):
    auctions = Auctions(len(tables))
    auctions.tables[:] = tables
    return auctions


cdef class Auctions:
    """Auctions at `n` tables, as an array `tables` of dtype `TABLE`.

    Arguments `where` choose tables, uint8 (n,); `seats` are of N, E, S, W = 0..3, uint8 (n,);
    `calls` are int64 (n,), those of tables not chosen being ignored.
    """

    cdef readonly object tables
    cdef Table* _tables
    cdef Py_ssize_t _n

    def __init__(self, Py_ssize_t n):
        self.tables = np.zeros(n, dtype=TABLE)
        cdef uint8_t[::1] raw = self.tables.view(np.uint8)
        self._tables = <Table*>&raw[0]
        self._n = n
        self.start(np.ones(n, dtype=np.uint8), np.zeros(n, dtype=np.uint8))

    def __reduce__(self):
        return _restore, (self.tables,)

    def start(self, const uint8_t[::1] where, const uint8_t[::1] dealers):
        """Begin anew."""
        cdef Py_ssize_t i
        cdef Table* table
        for i in range(self._n):
            if where[i]:
                table = &self._tables[i]
                memset(table, 0, sizeof(Table))
                table.dealer = dealers[i]
                table.bid = table.bidder = -1
                memset(table.named, -1, sizeof(table.named))

    def over(self):
        """Tell which auctions are over, bool (n,)."""
        cdef Py_ssize_t i
        out = np.empty(self._n, dtype=np.uint8)
        cdef uint8_t[::1] over = out
        for i in range(self._n):
            over[i] = is_over(&self._tables[i])
        return out.view(bool)

    def turns(self):
        """Tell whose turn it is, uint8 (n,)."""
        cdef Py_ssize_t i
        out = np.empty(self._n, dtype=np.uint8)
        cdef uint8_t[::1] turns = out
        for i in range(self._n):
            turns[i] = turn(&self._tables[i])
        return out

    def declarers(self):
        """Tell who declares if the last bid stands, int8 (n,), -1 without one.

        He is the first of the side to have named its strain (Laws, Definitions).
        """
        cdef Py_ssize_t i
        cdef const Table* table
        out = np.empty(self._n, dtype=np.int8)
        cdef int8_t[::1] declarers = out
        for i in range(self._n):
            table = &self._tables[i]
            declarers[i] = (
                table.named[5 * (table.bidder & 1) + table.bid % 5] if table.bid >= 0 else -1
            )
        return out

    def legal_masks(self):
        """Mark the calls that may be made, int8 (n, 38)."""
        cdef Py_ssize_t i
        cdef int call
        cdef uint64_t calls
        out = np.empty((self._n, CALLS), dtype=np.int8)
        cdef int8_t[:, ::1] masks = out
        for i in range(self._n):
            calls = legal(&self._tables[i])
            for call in range(CALLS):
                masks[i, call] = calls >> call & 1
        return out

    def are_legal(self, const int64_t[::1] calls):
        """Tell which calls may be made, bool (n,)."""
        cdef Py_ssize_t i
        out = np.empty(self._n, dtype=np.uint8)
        cdef uint8_t[::1] good = out
        for i in range(self._n):
            good[i] = 0 <= calls[i] < CALLS and legal(&self._tables[i]) >> calls[i] & 1
        return out.view(bool)

    def make(self, const uint8_t[::1] where, const int64_t[::1] calls):
        """Make calls, which must be legal."""
        cdef Py_ssize_t i
        for i in range(self._n):
            if where[i]:
                make(&self._tables[i], calls[i])

    def run(self, const uint8_t[::1] where, const uint8_t[::1] policies, uint64_t[::1] streams):
        """Let seats with policy 1 pass and with policy 2 make a random legal call.

        At each table chosen, until the auction is over or a seat has another policy.
        """
        cdef Py_ssize_t i
        cdef int policy
        cdef Table* table
        for i in range(self._n):
            table = &self._tables[i]
            while where[i] and not is_over(table):
                policy = policies[turn(table)]
                if policy == 1:
                    make(table, PASS)
                elif policy == 2:
                    make(table, random_call(table, &streams[i]))
                else:
                    break

    def features(
        self, float[:, :] out, const uint8_t[::1] seats, const uint8_t[::1] vulnerable
    ):
        """Write what `seats` have heard, 426 numbers a table, see `bridgevec.envs.observation`.

        `vulnerable` has bit 0 set for North-South, bit 1 for East-West.
        """
        cdef Py_ssize_t i
        for i in range(self._n):
            write_features(&self._tables[i], &out[i, 0], seats[i], vulnerable[i])
