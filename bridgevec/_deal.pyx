"""Deal the cards that are left, a row of masks a deal; nothing here checks its input.

`bridgevec.simulate` is the face of it. The generator is xoshiro256++ (Blackman and Vigna, 2019).
"""

from libc.math cimport expf
from libc.stdint cimport int8_t, int16_t, uint32_t, uint64_t

cimport cython

from bridgevec._bits cimport bv_count, bv_ctz

import numpy as np

cdef uint64_t FULL = (<uint64_t>1 << 52) - 1


cdef inline uint32_t spread(uint64_t mask, uint64_t* cards) noexcept nogil:
    """Write the cards of a mask one by one, and return how many there are."""
    cdef uint32_t n = 0
    while mask:
        cards[n] = mask & (0 - mask)
        n += 1
        mask &= mask - 1
    return n


@cython.final  # so that the methods below are inlined
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

    cdef inline uint64_t draw(self, uint64_t* cards, uint32_t* n, uint32_t need) noexcept nogil:
        """Draw some of n cards without replacement; the rest are then the first of them."""
        cdef uint64_t drawn = 0
        cdef uint32_t j, left = n[0]
        while need:
            j = self.below(left)
            left -= 1
            drawn |= cards[j]
            cards[j] = cards[left]
            need -= 1
        n[0] = left
        return drawn

    def fill(self, uint64_t[:, ::1] masks):
        """Deal the cards that nobody has, so that all hands have 13, in place."""
        cdef Py_ssize_t row
        cdef uint64_t left
        cdef uint32_t n
        cdef int seat, last
        cdef uint64_t cards[52]
        cdef uint64_t hand
        with nogil:
            for row in range(masks.shape[0]):
                left = FULL ^ (masks[row, 0] | masks[row, 1] | masks[row, 2] | masks[row, 3])
                if not left:
                    continue
                n = spread(left, cards)
                last = 3
                while bv_count(masks[row, last]) == 13:
                    last -= 1
                for seat in range(last):
                    hand = self.draw(cards, &n, 13 - bv_count(masks[row, seat]))
                    masks[row, seat] |= hand
                    left ^= hand
                masks[row, last] |= left

    def fill_hand(self, uint64_t[:, ::1] masks, int seat):
        """Give one seat as many of the cards that nobody has as it needs, in place."""
        cdef Py_ssize_t row
        cdef uint64_t left
        cdef uint32_t n
        cdef uint64_t cards[52]
        with nogil:
            for row in range(masks.shape[0]):
                left = FULL ^ (masks[row, 0] | masks[row, 1] | masks[row, 2] | masks[row, 3])
                n = spread(left, cards)
                masks[row, seat] |= self.draw(cards, &n, 13 - bv_count(masks[row, seat]))

    def fill_lengths(self, uint64_t[:, ::1] masks, int seat, int8_t[:, ::1] lengths):
        """Give a seat so many more spades, hearts, diamonds and clubs, in place."""
        cdef Py_ssize_t row
        cdef uint64_t left
        cdef uint32_t n
        cdef int suit
        cdef uint64_t cards[13]
        with nogil:
            for row in range(masks.shape[0]):
                left = FULL ^ (masks[row, 0] | masks[row, 1] | masks[row, 2] | masks[row, 3])
                for suit in range(4):
                    n = spread(left & (<uint64_t>0x1FFF << 13 * suit), cards)
                    masks[row, seat] |= self.draw(cards, &n, lengths[row, suit])

    def exchange(
        self,
        uint64_t[:, ::1] masks,
        const int8_t[::1] seats,
        const int16_t[::1] numbers,
        const float[:, :, ::1] kinds,
        const float[:, :, ::1] suits,
        float least,
        int steps,
    ):
        """Exchange cards of some seats, so many times a deal, in place.

        Afterwards deals come by chance in proportion to a product over these seats: 1 / (1 + e^-x)
        + least, where x is a number for the hand's shape and points, kinds (seats, shapes, points),
        and one for the holding in each suit, suits (seats, 4, 8192). That is the Metropolis
        algorithm: enough steps forget where they began. Shapes are numbered by 196 spades + 14
        hearts + diamonds.
        """
        cdef Py_ssize_t row
        cdef int step, i, a, b, n = seats.shape[0]
        cdef uint64_t hand[4]
        cdef uint64_t mine, others, one, other
        cdef float worth[4]
        cdef float x, y
        if n < 2:
            return
        with nogil:
            for row in range(masks.shape[0]):
                for i in range(n):
                    hand[i] = masks[row, seats[i]]
                    worth[i] = self.worth(hand[i], i, numbers, kinds, suits, least)
                for step in range(steps):
                    a = self.below(n)
                    b = self.below(n - 1)
                    b += b >= a
                    one = self.card(hand[a])
                    other = self.card(hand[b])
                    mine = hand[a] ^ one | other
                    others = hand[b] ^ other | one
                    x = self.worth(mine, a, numbers, kinds, suits, least)
                    y = self.worth(others, b, numbers, kinds, suits, least)
                    if (self.next() >> 40) * <float>(1.0 / (1 << 24)) * worth[a] * worth[b] < x * y:
                        hand[a], hand[b] = mine, others
                        worth[a], worth[b] = x, y
                for i in range(n):
                    masks[row, seats[i]] = hand[i]

    cdef inline uint64_t card(self, uint64_t hand) noexcept nogil:
        """Draw a card of a hand."""
        cdef uint32_t skip = self.below(bv_count(hand))
        while skip:
            hand &= hand - 1
            skip -= 1
        return hand & (0 - hand)

    cdef inline float worth(
        self,
        uint64_t hand,
        int place,
        const int16_t[::1] numbers,
        const float[:, :, ::1] kinds,
        const float[:, :, ::1] suits,
        float least,
    ) noexcept nogil:
        cdef int suit, points = 0, shape = 0
        cdef uint64_t held
        cdef float x = 0
        for suit in range(4):
            held = hand >> 13 * suit & 0x1FFF
            x += suits[place, suit, held]
            shape = 14 * shape + bv_count(held) if suit < 3 else shape
            points += 4 * (held & 1) + 3 * (held >> 1 & 1) + 2 * (held >> 2 & 1) + (held >> 3 & 1)
        x += kinds[place, numbers[shape], points]
        return 1 / (1 + expf(-x)) + least
