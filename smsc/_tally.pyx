"""Counts of what every message meets, without an object for any of them."""

cimport cython
from libc.stdint cimport uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset


@cython.final
cdef class Tally:
    def __init__(self, Py_ssize_t columns):
        self._columns = columns

    def __dealloc__(self):
        free(self._counts)

    cpdef int count(self, Py_ssize_t row, Py_ssize_t column) except -1:
        if not 0 <= column < self._columns or row < 0:
            raise IndexError(f"no place {row}, {column}")
        if row >= self._rows:
            self._grow(row)
        self._counts[row * self._columns + column] += 1
        return 0

    cdef int _grow(self, Py_ssize_t row) except -1:
        cdef Py_ssize_t rows = max(row + 1, 2 * self._rows)
        cdef uint64_t *counts = <uint64_t *> realloc(
            self._counts, rows * self._columns * sizeof(uint64_t)
        )
        if counts is NULL:
            raise MemoryError
        memset(
            counts + self._rows * self._columns, 0,
            (rows - self._rows) * self._columns * sizeof(uint64_t),
        )
        self._counts = counts
        self._rows = rows
        return 0

    def row(self, Py_ssize_t row):
        cdef Py_ssize_t at = row * self._columns
        if not 0 <= row < self._rows:
            return [0] * self._columns
        return [self._counts[at + column] for column in range(self._columns)]

    def __iter__(self):
        cdef Py_ssize_t row, column
        for row in range(self._rows):
            for column in range(self._columns):
                if self._counts[row * self._columns + column]:
                    yield row, column, self._counts[row * self._columns + column]
