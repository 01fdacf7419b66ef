"""Deal the cards that are left, a row of masks a deal; nothing here checks its input.

`bridgevec.simulate` is the face of it. The generator is xoshiro256++ (Blackman and Vigna, 2019).
"""

from libc.stdint cimport int8_t, uint32_t, uint64_t

import numpy as np

cdef extern from *:
    """
    #define bv_count(x) __builtin_popcountll(x)
    #define bv_ctz(x) __builtin_ctzll(x)
    """
    int bv_count(uint64_t x) nogil
    int bv_ctz(uint64_t x) nogil

cdef uint64_t FULL = (<uint64_t>1 << 52) - 1


cdef class Shuffler:
    """A source of random cards.

    Parameters
    ----------
    generator : numpy.random.Generator
        Gives the state to begin with.
    """

    cdef uint64_t s[4]

    def __init__(self, generator):
        for i, word in enumerate(generator.integers(1, 2**63, 4, dtype=np.uint64)):
            self.s[i] = word

    cdef inline uint64_t next(self) noexcept nogil:
        cdef uint64_t x = self.s[0] + self.s[3]
        cdef uint64_t result = ((x << 23) | (x >> 41)) + self.s[0]
        cdef uint64_t t = self.s[1] << 17
        self.s[2] ^= self.s[0]
        self.s[3] ^= self.s[1]
        self.s[1] ^= self.s[2]
        self.s[0] ^= self.s[3]
        self.s[2] ^= t
        self.s[3] = (self.s[3] << 45) | (self.s[3] >> 19)
        return result

    cdef inline uint32_t below(self, uint32_t n) noexcept nogil:
        """Draw from 0 … n - 1, all alike (Lemire, 2019)."""
        cdef uint64_t m = (self.next() >> 32) * n
        cdef uint32_t least
        if <uint32_t>m < n:
            least = (0 - n) % n
            while <uint32_t>m < least:
                m = (self.next() >> 32) * n
        return m >> 32

    def fill(self, uint64_t[:, ::1] masks):
        """Deal the cards that nobody has, so that all hands have 13, in place."""
        cdef Py_ssize_t row
        cdef uint64_t left
        cdef uint32_t n, j, need
        cdef int seat, last
        cdef uint64_t cards[52]
        cdef uint64_t hand
        with nogil:
            for row in range(masks.shape[0]):
                left = FULL ^ (masks[row, 0] | masks[row, 1] | masks[row, 2] | masks[row, 3])
                if not left:
                    continue
                n = 0
                hand = left
                while hand:
                    cards[n] = hand & (0 - hand)
                    n += 1
                    hand &= hand - 1
                last = 3
                while bv_count(masks[row, last]) == 13:
                    last -= 1
                for seat in range(last):
                    need = 13 - bv_count(masks[row, seat])
                    hand = 0
                    while need:
                        j = self.below(n)
                        n -= 1
                        hand |= cards[j]
                        cards[j] = cards[n]
                        need -= 1
                    masks[row, seat] |= hand
                    left ^= hand
                masks[row, last] |= left

    def fill_hand(self, uint64_t[:, ::1] masks, int seat):
        """Give one seat as many of the cards that nobody has as it needs, in place."""
        cdef Py_ssize_t row
        cdef uint64_t left, hand
        cdef uint32_t n, j, need
        cdef uint64_t cards[52]
        with nogil:
            for row in range(masks.shape[0]):
                left = FULL ^ (masks[row, 0] | masks[row, 1] | masks[row, 2] | masks[row, 3])
                n = 0
                while left:
                    cards[n] = left & (0 - left)
                    n += 1
                    left &= left - 1
                need = 13 - bv_count(masks[row, seat])
                hand = 0
                while need:
                    j = self.below(n)
                    n -= 1
                    hand |= cards[j]
                    cards[j] = cards[n]
                    need -= 1
                masks[row, seat] |= hand

    def fill_lengths(self, uint64_t[:, ::1] masks, int seat, int8_t[:, ::1] lengths):
        """Give a seat so many more spades, hearts, diamonds and clubs, in place."""
        cdef Py_ssize_t row
        cdef uint64_t left, hand
        cdef uint32_t n, j, need
        cdef int suit
        cdef uint64_t cards[13]
        with nogil:
            for row in range(masks.shape[0]):
                left = FULL ^ (masks[row, 0] | masks[row, 1] | masks[row, 2] | masks[row, 3])
                for suit in range(4):
                    need = lengths[row, suit]
                    hand = left & (<uint64_t>0x1FFF << 13 * suit)
                    n = 0
                    while hand:
                        cards[n] = hand & (0 - hand)
                        n += 1
                        hand &= hand - 1
                    while need:
                        j = self.below(n)
                        n -= 1
                        masks[row, seat] |= cards[j]
                        cards[j] = cards[n]
                        need -= 1
