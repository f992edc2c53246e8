cimport cython
from libc.stdint cimport int64_t, uint64_t

from smsc._pdu cimport Message
from smsc.records cimport Kin


cdef long _OVERHEAD, _MOST_PLACES

cdef class Body:
    cdef readonly uint64_t id
    cdef readonly Message message
    cdef readonly int64_t submitted
    cdef readonly Kin kin
    cdef readonly bytes charge, network

@cython.locals(body=Body)
cdef Body body_of(uint64_t id, Message message, int64_t submitted, Kin kin, bytes charge,
                  bytes network)


cdef class Bodies:
    cdef object _log
    cdef long _room
    cdef list _places
    cdef Py_ssize_t _mask, _hand
    cdef readonly long octets
    cdef readonly long misses

    @cython.locals(at=Py_ssize_t)
    cpdef put(self, uint64_t id, Message message, int64_t submitted, Kin kin=*,
              bytes charge=*, bytes network=*)
    @cython.locals(at=Py_ssize_t, held=Body)
    cdef Py_ssize_t _vacate(self, uint64_t id) except -1
    @cython.locals(before=list, body=Body, oldest=uint64_t)
    cdef _grow(self)
    @cython.locals(at=Py_ssize_t, body=Body)
    cdef Py_ssize_t _find(self, uint64_t id) except? -1
    @cython.locals(at=Py_ssize_t, held=Body)
    cpdef Body get(self, uint64_t id, uint64_t position)
    @cython.locals(body=Body)
    cpdef Body take(self, uint64_t id, uint64_t position)
    cdef Body _read(self, uint64_t id, uint64_t position)
    @cython.locals(at=Py_ssize_t)
    cpdef drop(self, uint64_t id)
    @cython.locals(body=Body)
    cdef _leave(self, Py_ssize_t at)
