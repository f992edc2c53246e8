cimport cython

from libc.stdint cimport int64_t, uint32_t, uint64_t

from smsc._window cimport Window

cdef long _RESPONSE, _LAST


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
    cdef readonly Window window
    cdef dict _link

    cpdef long request(self, long command_id, uint64_t id, int attempt, int64_t now) except -1
    @cython.locals(answer=uint32_t, deadline=int64_t, window=Window, sequence=uint32_t,
                   id=uint64_t, attempt=cython.int)
    cpdef list requests(self, long command_id, list attempts, int64_t now)
    @cython.locals(answer=uint32_t, deadline=int64_t, window=Window, sequence=uint32_t,
                   id=uint64_t)
    cpdef list deliveries(self, long command_id, list ids, int64_t now)
    cdef long _answer(self, long command_id) except -1
    @cython.locals(sequence=long)
    cdef long _next(self) except -1
