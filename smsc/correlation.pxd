from libc.stdint cimport int64_t, uint64_t

from smsc._spool cimport key_of


cdef class Correlation:
    cdef readonly bytes carrier
    cdef readonly object profile
    cdef public int64_t look_at
    cdef bytes _sample
    cdef bytes _receipt_sample
    cdef object _rule
    cdef bint _as_written
    cdef bytes _done
    cdef int64_t _moment

    cpdef uint64_t of_response(self, bytes carrier_id) except 0
    cpdef uint64_t of_receipt(self, bytes carrier_id) except 0
    cpdef int64_t moment(self, bytes done) except? -1


cdef class Orphans:
    cdef object _waiting
    cdef object _segments

    cpdef get(self, uint64_t key)
    cdef _drop(self, uint64_t key)
    cdef _uncount(self, orphan)
