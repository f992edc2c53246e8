from libc.stdint cimport uint64_t

from smsc.records cimport FinalHead


cdef class Joins:
    cdef dict _parts
    cdef dict _whole_of
    cdef dict _outcomes
    cdef readonly long count

    cpdef list parts(self, uint64_t whole)
    cpdef uint64_t whole_of(self, uint64_t part) except? 0
    cpdef joined(self, uint64_t part, uint64_t whole)
    cpdef left(self, uint64_t part)
    cpdef list ended(self, FinalHead end)
