"""The bidding game at many tables at once: deals, seats, results and what a seat sees.

Nothing here checks its input; `bridgevec.envs.game` is the face of it.
"""

from libc.stdint cimport int8_t, int16_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from bridgevec._bits cimport bv_count, bv_ctz
from bridgevec._laws cimport (
    BIDS,
    CALLS,
    FIRST_BID,
    PASS,
    Auctions,
    Table,
    declarer,
    is_over,
    legal,
    make,
    start,
    turn,
    write_mask,
)

import numpy as np

from bridgevec._laws import restore

cdef enum:
    FEATURES = 6 + 12 * BIDS

# What is known of a deal.
DEAL = np.dtype(
    [
        ("masks", "u8", 4),
        ("tricks", "i1", (5, 4)),
        ("par", "i2", (2, 4)),  # points for North-South by the dealer's side and the vulnerability
    ]
)

AUCTION_FEATURES = FEATURES

cdef packed struct Deal:
    uint64_t masks[4]
    int8_t tricks[20]
    int16_t par[8]

assert DEAL.itemsize == sizeof(Deal)


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


cdef inline void write_cards(uint64_t hand, float* out) noexcept nogil:
    cdef int card
    for card in range(52):
        out[card] = hand >> card & 1


cdef inline void write_auction(
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


cdef str _misshapen(float[:, :] out, Py_ssize_t n, Py_ssize_t size):
    return f"out has shape {(out.shape[0], out.shape[1])}, expected {(n, size)}"


cdef class Tables(Auctions):
    """The bidding game: deals at the tables, and who sits in the seats.

    `policies` tell for each seat who calls: 0 the agent, 1 somebody who passes, 2 who makes random
    legal calls, 3 a bidder outside. A table's stream of random numbers is a 64-bit state.
    `viewers` are the agent's seats that are to call, or, where the deal has ended, were the last
    to; `done` tells where the deal has ended, `refused` where by a call that was not legal.
    `vectors`, float32 (n, 4, d), describe the four hands in numbers that somebody has chosen.
    """

    cdef readonly object deals, vectors, policies, streams, vulnerable, viewers, done, refused
    cdef Deal* _deals
    cdef const uint8_t[::1] _policies
    cdef uint64_t[::1] _streams
    cdef uint8_t[::1] _vulnerable, _viewers, _done, _refused
    cdef float[:, :, ::1] _vectors

    def __init__(self, Py_ssize_t n, policies, Py_ssize_t dims):
        Auctions.__init__(self, n)
        self.deals = np.zeros(n, dtype=DEAL)
        self._vectors = self.vectors = np.zeros((n, 4, dims), dtype=np.float32)
        cdef uint8_t[::1] raw = self.deals.view(np.uint8)
        self._deals = <Deal*>&raw[0]
        self._policies = self.policies = policies
        self._streams = self.streams = np.zeros(n, dtype=np.uint64)
        self._vulnerable = self.vulnerable = np.zeros(n, dtype=np.uint8)
        self._viewers = self.viewers = np.zeros(n, dtype=np.uint8)
        self.done, self.refused = np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
        self._done, self._refused = self.done.view(np.uint8), self.refused.view(np.uint8)

    def __reduce__(self):
        names = ("tables", "deals", "vectors", "streams", "vulnerable", "viewers", "done")
        names += ("refused",)
        arrays = {name: getattr(self, name) for name in names}
        return restore, (Tables, (self._n, self.policies, self.vectors.shape[2]), arrays)

    def draw(self, const int64_t[::1] rows):
        """Draw for each row 64 random bits, a dealer and a vulnerability."""
        cdef Py_ssize_t i, k = rows.shape[0]
        out = np.empty(k, dtype=np.uint64), np.empty(k, dtype=np.uint8), np.empty(k, dtype=np.uint8)
        cdef uint64_t[::1] bits = out[0]
        cdef uint8_t[::1] dealers = out[1], vulnerable = out[2]
        for i in range(k):
            bits[i] = draw(&self._streams[rows[i]])
            dealers[i] = draw(&self._streams[rows[i]]) >> 62
            vulnerable[i] = draw(&self._streams[rows[i]]) >> 62
        return out

    def begin(
        self,
        const int64_t[::1] rows,
        deals,
        vectors,
        const uint8_t[::1] dealers,
        const uint8_t[::1] vulnerable,
    ):
        """Put deals on the tables of these rows; the others call until it is the agent's turn."""
        cdef Py_ssize_t i, row
        self.deals[rows], self.vectors[rows] = deals, vectors
        for i in range(rows.shape[0]):
            row = rows[i]
            start(&self._tables[row], dealers[i])
            self._vulnerable[row] = vulnerable[i]
            self._done[row] = self._refused[row] = 0
            self._others_call(row)

    cdef inline bint _is_legal(self, Py_ssize_t row, int64_t call) noexcept nogil:
        return 0 <= call < CALLS and legal(&self._tables[row]) >> call & 1

    cdef inline void _others_call(self, Py_ssize_t row) noexcept nogil:
        """Until it is the turn of the agent or of a bidder outside, or the auction is over."""
        cdef Table* table = &self._tables[row]
        cdef int policy
        while not is_over(table):
            policy = self._policies[turn(table)]
            if policy == 1:
                make(table, PASS)
            elif policy == 2:
                make(table, random_call(table, &self._streams[row]))
            else:
                if policy == 0:
                    self._viewers[row] = turn(table)
                return
        self._done[row] = 1

    def waiting(self):
        """List the rows at which it is the turn of a bidder outside."""
        cdef Py_ssize_t i
        out = np.zeros(self._n, dtype=bool)
        cdef uint8_t[::1] found = out.view(np.uint8)
        for i in range(self._n):
            found[i] = not self._done[i] and self._policies[turn(&self._tables[i])] == 3
        return out.nonzero()[0]

    def play(self, const int64_t[::1] rows, const int64_t[::1] calls, bint penalty):
        """Make the calls `calls[rows]`; the others call until it is the agent's turn.

        Returns at how many rows the deal has ended by that; or, nothing being changed, -1 - row of
        the first at which it had ended before or, without a penalty, the call is not legal.
        """
        cdef Py_ssize_t i, row, ended = 0
        for i in range(rows.shape[0]):
            row = rows[i]
            if self._done[row] or not (penalty or self._is_legal(row, calls[row])):
                return -1 - row
        for i in range(rows.shape[0]):
            row = rows[i]
            if self._is_legal(row, calls[row]):
                make(&self._tables[row], calls[row])
                self._others_call(row)
            else:
                self._done[row] = self._refused[row] = 1
            ended += self._done[row]
        return ended

    def results(self, const int64_t[::1] rows):
        """Tell for each row the contract, by number, the tricks, the vulnerability and par.

        A contract's number is 0 if the deal was passed out, else 1 + 12·bid + 3·declarer + doubled.
        """
        cdef Py_ssize_t i, row
        cdef const Table* table
        cdef const Deal* deal
        cdef int seat
        out = np.zeros((4, rows.shape[0]), dtype=np.int64)
        cdef int64_t[:, ::1] found = out
        for i in range(rows.shape[0]):
            row = rows[i]
            table, deal = &self._tables[row], &self._deals[row]
            if table.bid >= 0:
                seat = declarer(table)
                found[0, i] = 1 + 12 * table.bid + 3 * seat + table.doubled
                found[1, i] = deal.tricks[4 * (table.bid % 5) + seat]
            found[2, i] = self._vulnerable[row]
            found[3, i] = deal.par[4 * (table.dealer & 1) + self._vulnerable[row]]
        return out

    def hands(self, const uint8_t[::1] seats):
        """Give the hands in these seats as masks, uint64 (n,)."""
        cdef Py_ssize_t i
        out = np.empty(self._n, dtype=np.uint64)
        cdef uint64_t[::1] masks = out
        for i in range(self._n):
            masks[i] = self._deals[i].masks[seats[i] & 3]
        return out

    def write(self, const uint8_t[::1] seats, bint cards, float[:, ::1] out):
        """Write what these seats see, a row each: vector, cards if asked for, and auction."""
        cdef Py_ssize_t i, dims = self._vectors.shape[2], at = dims + 52 * cards
        if out.shape[0] != self._n or out.shape[1] != at + FEATURES:
            raise ValueError(_misshapen(out, self._n, at + FEATURES))
        for i in range(self._n):
            if dims:
                memcpy(&out[i, 0], &self._vectors[i, seats[i] & 3, 0], dims * sizeof(float))
            if cards:
                write_cards(self._deals[i].masks[seats[i] & 3], &out[i, dims])
            write_auction(&self._tables[i], &out[i, at], seats[i], self._vulnerable[i])

    def write_auctions(self, const uint8_t[::1] seats, float[:, :] out):
        """Write the auctions as these seats hear them, 426 numbers a row, such as ``out[:, dims:]``.

        The layout is described in `bridgevec.envs.observation`.
        """
        cdef Py_ssize_t i
        if out.shape[0] != self._n or out.shape[1] != FEATURES:
            raise ValueError(_misshapen(out, self._n, FEATURES))
        if out.strides[1] != sizeof(float):
            raise ValueError("the numbers of a row of out do not lie side by side")
        for i in range(self._n):
            write_auction(&self._tables[i], &out[i, 0], seats[i], self._vulnerable[i])

    def action_masks(self):
        """Mark the calls that the viewers may make, int8 (n, 38).

        Where the deal has ended, a pass that changes nothing, so that a policy has a choice.
        """
        cdef Py_ssize_t i
        out = np.empty((self._n, CALLS), dtype=np.int8)
        cdef int8_t[:, ::1] masks = out
        for i in range(self._n):
            write_mask(1 << PASS if self._done[i] else legal(&self._tables[i]), &masks[i, 0])
        return out
