# The map of _tally.pyx. Promises to users are in _tally.pyi.

from libc.stdint cimport uint64_t


cdef class Tally:
    cdef uint64_t *_counts      # row after row
    cdef Py_ssize_t _columns, _rows

    cpdef int count(self, Py_ssize_t row, Py_ssize_t column) except -1
    cdef int _grow(self, Py_ssize_t row) except -1
