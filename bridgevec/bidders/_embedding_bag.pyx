"""The embedding bag: sums of the rows of a table, and their gradient; nothing here checks its input.

A list of features has the numbers of rows, then zeros, so that row 0 counts for nothing.
`torch.nn.functional.embedding_bag` does the same, several times as slowly on a CPU.
"""

from libc.stdint cimport int16_t
from libc.string cimport memset


def sum_rows(const int16_t[:, ::1] features, const float[:, ::1] rows, float[:, ::1] out):
    """Write into `out`, (n, k), for each of n lists of features the sum of those of the `rows`."""
    cdef Py_ssize_t i, j, k, width = rows.shape[1]
    cdef const float* row
    cdef float* total
    with nogil:
        for i in range(features.shape[0]):
            total = &out[i, 0]
            memset(total, 0, width * sizeof(float))
            for j in range(features.shape[1]):
                if not features[i, j]:
                    break
                row = &rows[features[i, j], 0]
                for k in range(width):
                    total[k] += row[k]


def add_to_rows(const int16_t[:, ::1] features, const float[:, ::1] parts, float[:, ::1] rows):
    """Add to the `rows` of each of n lists of features a row of `parts`, (n, k)."""
    cdef Py_ssize_t i, j, k, width = rows.shape[1]
    cdef const float* part
    cdef float* row
    with nogil:
        for i in range(features.shape[0]):
            part = &parts[i, 0]
            for j in range(features.shape[1]):
                if not features[i, j]:
                    break
                row = &rows[features[i, j], 0]
                for k in range(width):
                    row[k] += part[k]
