cdef class Counters:
    cdef public long pdus_in, pdus_out, bad, broken, throttled, unmatched
    cdef public dict refused


cdef class Links:
    cdef readonly object commit, clock, turns
    cdef list _slots
    cdef int _slot
    cdef readonly object now
    cdef object _ticked, _timer
    cdef public object load
    cdef set _congested

    cpdef look(self)
