cimport cython
from libc.stdint cimport int64_t, uint32_t

cimport smsc.dialect as dialect
from smsc._pdu cimport Message
from smsc._spool cimport Slab, pair_in
from smsc.dialect cimport Dialect
from smsc.lanes cimport CarrierLanes
from smsc.spool cimport Names


cdef class Berth:
    cdef readonly object bind
    cdef readonly int parked
    cdef public long room
    cdef public unsigned long long batch
    cdef readonly long slot
    cdef list _attempts
    cdef list _messages

    cpdef long ask(self) except? -1
    cpdef load(self, unsigned long long id, int attempt, Message message)
    @cython.locals(attempts=list)
    cpdef long send(self) except -1
    cpdef list unload(self)


cdef class Upstream:
    cdef readonly object config
    cdef readonly bytes name
    cdef readonly int index
    cdef readonly CarrierLanes lanes
    cdef public object away_since
    cdef readonly Dialect dialect
    cdef readonly bint joins
    cdef readonly int64_t receipt_wait
    cdef Names _accounts
    cdef Slab _slab
    cdef list _berths
    cdef int _stranded
    cdef int _asked
    cdef unsigned long long _behind
    cdef bint _asking
    cdef bint _ask_again
    cdef bint _always
    cdef bint _as_asked

    cdef _speak(self, int version)
    cpdef Message say(self, Message message)
    cpdef bint asks_receipt(self, bint client_asked)
    @cython.locals(berth=Berth)
    cpdef bint has_work(self) except -1
    cpdef first(self, int slot)
    cpdef ahead(self, Berth berth, list slots)
    cdef long _stranded_count(self) except -1
    cdef Berth _berth(self, uint32_t pair)
    @cython.locals(berth=Berth)
    cpdef Berth direct(self, uint32_t pair, unsigned long long batch)
    cpdef stand(self, unsigned long long batch)
    @cython.locals(sent=long, berth=Berth)
    cpdef long send(self) except -1
    @cython.locals(berth=Berth)
    cpdef bint ask(self) except -1
    @cython.locals(berth=Berth, pair=uint32_t)
    cpdef Berth take(self, message_of)
    cdef long _next(self) except -2
