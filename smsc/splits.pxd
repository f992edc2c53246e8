cimport cython
from libc.stdint cimport uint64_t

cimport smsc.records as records
from smsc.records cimport SplitHead


cdef class Split:
    cdef readonly uint64_t id
    cdef readonly uint64_t position
    cdef public SplitHead head
    cdef readonly set parts

    cpdef record(self, uint64_t position, SplitHead head)


cdef class Splits:
    cdef dict _splits
    cdef dict _of_part
    cdef dict _taken
    cdef dict _segments
    cdef readonly long count

    cpdef Split of_part(self, uint64_t id)
    @cython.locals(split=Split)
    cpdef bint has(self, uint64_t id) except -1
    @cython.locals(split=Split)
    cpdef uint64_t whole_of(self, uint64_t part) except? 0
    @cython.locals(step=cython.long, count=cython.long)
    cpdef tuple reference(self, uint64_t pair, uint64_t seed, bint wide)
    @cython.locals(split=Split)
    cpdef part(self, uint64_t id, uint64_t whole)
    @cython.locals(split=Split)
    cdef Split _of(self, uint64_t whole)
    @cython.locals(split=Split, read=SplitHead, segment=uint64_t, taken=set)
    cpdef uint64_t split(self, uint64_t position, bytes head) except? 0
    @cython.locals(split=Split)
    cpdef part_ended(self, uint64_t id)
    @cython.locals(split=Split)
    cpdef undone(self, uint64_t id)
    @cython.locals(split=Split)
    cpdef ended(self, uint64_t id)
    @cython.locals(head=SplitHead, taken=set)
    cdef _forget(self, Split split)
    cdef _uncount(self, Split split)
