from libc.stdint cimport int64_t, uint64_t

cimport smsc.records as records
from smsc._spool cimport Slab


cdef class Asides:
    cdef Slab _slab
    cdef dict _of
    cdef readonly long count

    cpdef get(self, uint64_t id)
    cpdef aside(self, uint64_t position, int64_t time, bytes head)
    cpdef final(self, uint64_t position, int64_t time, bytes head)
