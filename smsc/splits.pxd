cimport cython
from libc.stdint cimport uint64_t

from smsc.records cimport SplitHead


cdef class Split:
    cdef readonly uint64_t position
    cdef public SplitHead head
    cdef readonly set parts

    cpdef record(self, uint64_t position, SplitHead head)


cdef class Splits:
    cdef dict _splits
    cdef dict _whole_of
    cdef dict _taken
    cdef dict _segments
    cdef readonly long count

    cpdef bint has(self, uint64_t id) except -1
    cpdef uint64_t whole_of(self, uint64_t part) except? 0
    @cython.locals(step=cython.long, count=cython.long)
    cpdef tuple reference(self, uint64_t pair, uint64_t seed, bint wide)
    cpdef part(self, uint64_t id, uint64_t whole)
    cdef Split _of(self, uint64_t whole)
    cpdef uint64_t split(self, uint64_t position, bytes head) except? 0
    cpdef part_ended(self, uint64_t id)
    cpdef undone(self, uint64_t id)
    cpdef ended(self, uint64_t id)
    cdef _forget(self, Split split)
    cdef _uncount(self, Split split)
