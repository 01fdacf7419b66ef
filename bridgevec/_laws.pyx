"""Calls and auctions by the Laws, at many tables at once; nothing here checks its input.

`bridgevec.auction` is the face of it for one auction. Calls are numbered 0 pass, 1 double,
2 redouble, 3 + 5·(level−1) + strain. The Laws are those of Duplicate Bridge 2017. What is done
after every call stands in `_laws.pxd`, so that it is compiled into the modules that use it.
"""

from libc.stdint cimport int8_t, int64_t, uint8_t

import numpy as np

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

assert TABLE.itemsize == sizeof(Table)


def restore(kind, arguments, arrays):
    """Make what was pickled again."""
    auctions = kind(*arguments)
    for name, array in arrays.items():
        getattr(auctions, name)[:] = array
    return auctions


cdef class Auctions:
    """Auctions at `n` tables, as an array `tables` of dtype `TABLE`.

    Arguments `where` choose tables, bool (n,); `calls` are int64 (n,), those of tables not chosen
    being ignored; seats are N, E, S, W = 0..3, uint8 (n,).
    """

    def __init__(self, Py_ssize_t n):
        self.tables = np.zeros(n, dtype=TABLE)
        cdef uint8_t[::1] raw = self.tables.view(np.uint8)
        self._tables = <Table*>&raw[0]
        self._n = n
        self.start(np.ones(n, dtype=bool), np.zeros(n, dtype=np.uint8))

    def __reduce__(self):
        return restore, (Auctions, (self._n,), {"tables": self.tables})

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
    cdef int seat = declarer(&table) if table.bid >= 0 else 0
    return wrong, bool(is_over(&table)), table.bid, table.doubled, seat
