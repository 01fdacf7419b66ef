"""Bits of a mask of cards or calls."""

from libc.stdint cimport uint64_t

cdef extern from *:
    """
    #define bv_count(x) __builtin_popcountll(x)
    #define bv_ctz(x) __builtin_ctzll(x)
    """
    int bv_count(uint64_t x) nogil
    int bv_ctz(uint64_t x) nogil
