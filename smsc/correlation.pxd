from libc.stdint cimport uint64_t

from smsc._spool cimport key_of


cdef class Correlation:
    cdef bytes _carrier
    cdef object _rule
    cdef bint _as_written

    cpdef uint64_t of_response(self, bytes carrier_id) except 0
    cpdef uint64_t of_receipt(self, bytes carrier_id) except 0


cdef class Orphans:
    cdef object _waiting
    cdef object _segments

    cpdef get(self, uint64_t key)
    cdef _drop(self, uint64_t key)
    cdef _uncount(self, orphan)
