cimport cython

from smsc._pdu cimport Pdu

cdef long _RESPONSE, _GENERIC_NACK, _LAST


cdef class Timers:
    cdef readonly object timing
    cdef public object began
    cdef public object heard
    cdef public object enquired
    cdef public object partial
    cdef public object stalled
    cdef public object unbound
    cdef public object patience

    cpdef hear(self, now)


cdef class Session:
    cdef readonly object role
    cdef readonly object state
    cdef readonly object version
    cdef readonly bint tlvs
    cdef public long window_size
    cdef readonly Timers timers
    cdef readonly dict verdicts
    cdef tuple _sendable
    cdef public long _sequence   # public, so that a test can stand before the wrap
    cdef bint _wrapped
    cdef dict _window
    cdef dict _link

    cpdef long request(self, long command_id, context, long long now) except -1
    @cython.locals(window=dict, answer=object, deadline=object, sequence=object)
    cpdef list requests(self, long command_id, list contexts, long long now)
    @cython.locals(sequence=long)
    cdef long _next(self) except -1
    @cython.locals(entry=tuple, answer=long)
    cpdef answered(self, Pdu pdu)
    @cython.locals(pdu=Pdu)
    cpdef tuple settle(self, list responses)
