cimport cython
from libc.stdint cimport int64_t, uint64_t

from smsc._pdu cimport Message
from smsc.records cimport Kin


cdef long _OVERHEAD

cdef class Body:
    cdef readonly uint64_t id
    cdef readonly Message message
    cdef readonly int64_t submitted
    cdef readonly Kin kin
    cdef readonly bytes charge, network
    cdef Body older, newer

@cython.locals(body=Body)
cdef Body body_of(uint64_t id, Message message, int64_t submitted, Kin kin, bytes charge,
                  bytes network)


cdef class Bodies:
    cdef object _log
    cdef long _room
    cdef dict _held
    cdef Body _oldest, _newest
    cdef readonly long octets
    cdef readonly long misses

    @cython.locals(body=Body)
    cpdef put(self, uint64_t id, Message message, int64_t submitted, Kin kin=*,
              bytes charge=*, bytes network=*)
    cpdef Body get(self, uint64_t id, uint64_t position)
    @cython.locals(body=Body)
    cpdef Body take(self, uint64_t id, uint64_t position)
    cdef Body _read(self, uint64_t id, uint64_t position)
    cpdef drop(self, uint64_t id)
    @cython.locals(older=Body, newer=Body)
    cdef _leave(self, Body body)
