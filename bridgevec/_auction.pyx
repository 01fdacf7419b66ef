"""The auction at many tables at once, and the game around it; nothing here checks its input.

`bridgevec.auction` is the face of `Auctions` for one auction, `bridgevec.envs` that of `Tables`.
Calls are numbered 0 pass, 1 double, 2 redouble, 3 + 5·(level−1) + strain. The Laws are those of
Duplicate Bridge 2017.
"""

from libc.stdint cimport int8_t, int16_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

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
    # What a bidder sees: `PLACES` numbers of features, 0 for none, see `bridgevec.bidders.features`.
    PLACES = 64
    RECENT = 12  # calls that are seen by when they were made
    OLDER = PLACES - 28 - RECENT  # at most: calls other than passes that are seen by who made them
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
    BIDDER_FEATURES = MADE_AT + 12 * BIDS

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

# What is known of a deal.
DEAL = np.dtype(
    [
        ("masks", "u8", 4),
        ("tricks", "i1", (5, 4)),
        ("par", "i2", (2, 4)),  # points for North-South by the dealer's side and the vulnerability
    ]
)

AUCTION_FEATURES = FEATURES
N_PLACES, N_BIDDER_FEATURES = PLACES, BIDDER_FEATURES

cdef packed struct Table:
    int16_t count
    uint8_t dealer
    uint8_t passes
    int8_t bid
    int8_t bidder
    uint8_t doubled
    int8_t named[10]
    uint8_t calls[LONGEST]

cdef packed struct Deal:
    uint64_t masks[4]
    int8_t tricks[20]
    int16_t par[8]

assert TABLE.itemsize == sizeof(Table) and DEAL.itemsize == sizeof(Deal)


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


cdef inline void write_mask(uint64_t calls, int8_t* out) noexcept nogil:
    cdef int call
    for call in range(CALLS):
        out[call] = calls >> call & 1


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


cdef inline void write_places(
    const Table* table, uint64_t hand, int vulnerable, int16_t* out
) noexcept nogil:
    """Write the numbers of what the player whose turn it is sees, and zeros after them."""
    cdef int seat = turn(table)
    cdef int suit, holding, length, i, who, call, skip, bid = -1, n = 0, points = 0
    cdef int longest = 0, second = 0, shortest = 13
    memset(out, 0, PLACES * sizeof(int16_t))

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


def sum_rows(const int16_t[:, ::1] places, const float[:, ::1] rows, float[:, ::1] out):
    """Write into `out`, (n, k), for each of n lists of places the sum of those of the `rows`."""
    cdef Py_ssize_t i, j, k, width = rows.shape[1]
    cdef const float* row
    cdef float* total
    with nogil:
        for i in range(places.shape[0]):
            total = &out[i, 0]
            memset(total, 0, width * sizeof(float))
            for j in range(PLACES):
                if not places[i, j]:
                    break
                row = &rows[places[i, j], 0]
                for k in range(width):
                    total[k] += row[k]


def add_to_rows(const int16_t[:, ::1] places, const float[:, ::1] parts, float[:, ::1] rows):
    """Add to the `rows` of each of n lists of places a row of `parts`, (n, k)."""
    cdef Py_ssize_t i, j, k, width = rows.shape[1]
    cdef const float* part
    cdef float* row
    with nogil:
        for i in range(places.shape[0]):
            part = &parts[i, 0]
            for j in range(PLACES):
                if not places[i, j]:
                    break
                row = &rows[places[i, j], 0]
                for k in range(width):
                    row[k] += part[k]


cdef inline int declarer(const Table* table) noexcept nogil:
    """The first of the side to have named the strain (Laws, Definitions); -1 without a bid."""
    if table.bid < 0:
        return -1
    return table.named[5 * (table.bidder & 1) + table.bid % 5]


def _restore(kind, arguments, arrays):
    auctions = kind(*arguments)
    for name, array in arrays.items():
        getattr(auctions, name)[:] = array
    return auctions


cdef class Auctions:
    """Auctions at `n` tables, as an array `tables` of dtype `TABLE`.

    Arguments `where` choose tables, bool (n,); `calls` are int64 (n,), those of tables not chosen
    being ignored; seats are N, E, S, W = 0..3, uint8 (n,).
    """

    cdef readonly object tables
    cdef Table* _tables
    cdef Py_ssize_t _n

    def __init__(self, Py_ssize_t n):
        self.tables = np.zeros(n, dtype=TABLE)
        cdef uint8_t[::1] raw = self.tables.view(np.uint8)
        self._tables = <Table*>&raw[0]
        self._n = n
        self.start(np.ones(n, dtype=bool), np.zeros(n, dtype=np.uint8))

    def __reduce__(self):
        return _restore, (Auctions, (self._n,), {"tables": self.tables})

    def start(self, where, const uint8_t[::1] dealers):
        """Begin anew."""
        cdef const uint8_t[::1] chosen = where.view(np.uint8)
        cdef Py_ssize_t i
        for i in range(self._n):
            if chosen[i]:
                start(&self._tables[i], dealers[i])

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
        """Tell who declares if the last bid stands, int8 (n,), -1 without one."""
        cdef Py_ssize_t i
        out = np.empty(self._n, dtype=np.int8)
        cdef int8_t[::1] declarers = out
        for i in range(self._n):
            declarers[i] = declarer(&self._tables[i])
        return out

    def legal_masks(self):
        """Mark the calls that may be made, int8 (n, 38)."""
        cdef Py_ssize_t i
        out = np.empty((self._n, CALLS), dtype=np.int8)
        cdef int8_t[:, ::1] masks = out
        for i in range(self._n):
            write_mask(legal(&self._tables[i]), &masks[i, 0])
        return out

    def are_legal(self, const int64_t[::1] calls):
        """Tell which calls may be made, bool (n,)."""
        cdef Py_ssize_t i
        out = np.empty(self._n, dtype=np.uint8)
        cdef uint8_t[::1] good = out
        for i in range(self._n):
            good[i] = 0 <= calls[i] < CALLS and legal(&self._tables[i]) >> calls[i] & 1
        return out.view(bool)

    def places(self, const uint64_t[::1] hands, const uint8_t[::1] vulnerable):
        """Tell what the players whose turn it is see, holding these hands, int16 (n, 64).

        Numbers of features that are 1, in no order, then zeros; `bridgevec.bidders.features` has
        the list. The hands are masks, the vulnerability is 0 nobody, 1 NS, 2 EW, 3 all.
        """
        cdef Py_ssize_t i
        out = np.empty((self._n, PLACES), dtype=np.int16)
        cdef int16_t[:, ::1] places = out
        with nogil:
            for i in range(self._n):
                write_places(&self._tables[i], hands[i], vulnerable[i], &places[i, 0])
        return out

    def take(self, rows):
        """Copy the auctions of these rows to as many new tables."""
        taken = Auctions(len(rows))
        taken.tables[:] = self.tables[rows]
        return taken

    def make(self, where, const int64_t[::1] calls):
        """Make calls, which must be legal."""
        cdef const uint8_t[::1] chosen = where.view(np.uint8)
        cdef Py_ssize_t i
        for i in range(self._n):
            if chosen[i]:
                make(&self._tables[i], calls[i])


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
        return _restore, (Tables, (self._n, self.policies, self.vectors.shape[2]), arrays)

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
        """Write the auctions as these seats hear them, 426 numbers a row, such as ``out[:, 8:]``.

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


def replay(const uint8_t[::1] calls, int dealer):
    """Follow one auction from its first call to its last.

    Returns
    -------
    wrong : int
        The place of the first call that is not legal; -1 if all are.
    over : bool
    bid : int
        The last one that is legal, 0 = 1C … 34 = 7N; -1 for none.
    doubled, declarer : int
    """
    cdef Table table
    cdef Py_ssize_t i, wrong = -1
    start(&table, dealer)
    for i in range(calls.shape[0]):
        if not legal(&table) >> calls[i] & 1:
            wrong = i
            break
        make(&table, calls[i])
    cdef int declarer = 0
    if table.bid >= 0:
        declarer = table.named[5 * (table.bidder & 1) + table.bid % 5]
    return wrong, bool(is_over(&table)), table.bid, table.doubled, declarer
