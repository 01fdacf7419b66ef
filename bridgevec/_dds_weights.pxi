# The weights of the move ordering, in the order of the enums in _dds.pyx; written by
# benchmarks/tune_dds.py.
WEIGHTS = [
    # leads at notrump
    -18, -8, 4, -4, 68, 30, 15, 30, 20, 30,
    # leads of a side suit
    -10, -8, 12, -2, 72, 4, 15, 30, 0, 30,
    # leads of trumps
    -8, 0, 12, -4, 120, 30, 15, 30, 0, 30,
    # played second at notrump
    1, 18, -27, 0, -35, -5, 30, -40, -15, -15, -10, 0, 17, -22, 23, 0,
    0, 5, 0, 5, 0, 12, 12, 0,
    # played third at notrump
    1, 29, -36, -17, 0, 11, 30, -40, -15, -15, -10, 0, 13, -2, 55, 8,
    -4, 1, -20, 1, -2, 20, 0, 0,
    # played fourth at notrump
    1, 36, 0, -34, 0, -1, 30, -40, -15, -15, -10, 0, 13, -42, 107, 0,
    -16, 3, 4, 5, 16, 28, 0, 0,
    # played second with trumps
    1, 26, -17, 0, -23, -5, 30, -40, -35, -3, -10, 0, 3, -22, 9, 4,
    -2, 9, -16, 9, 0, -4, 16, -8,
    # played third with trumps
    1, 29, -12, -17, 0, 3, 30, -68, -15, 9, -110, -24, 5, -10, 15, 4,
    0, 1, -8, 17, 10, 16, 0, -32,
    # played fourth with trumps
    1, 40, 0, -50, 0, 11, 58, -72, -15, -15, -114, 12, 9, -30, -15, 0,
    -2, 3, -8, 9, 0, 4, 0, 8,
]
