"""What came a moment ago, at hand: a fixed number of places, each for the newest that falls on it.

Whoever asks soon finds it; who finds nothing reads it back from the log. By id, since ids of what
comes together follow upon each other, so that few share a place.
"""

cimport cython
from libc.stdint cimport uint64_t

PLACES = <int> C_PLACES


@cython.final
cdef class Fresh:
    def __cinit__(self):
        self._octets = [None] * C_PLACES

    cpdef keep(self, uint64_t id, bytes octets):
        self._ids[id % C_PLACES] = id
        self._octets[<Py_ssize_t> (id % C_PLACES)] = octets

    cpdef bytes take(self, uint64_t id):
        cdef Py_ssize_t place = id % C_PLACES
        cdef bytes octets = None
        if self._ids[place] == id:
            octets = <bytes> self._octets[place]
            self._octets[place] = None
            self._ids[place] = 0
        return octets
