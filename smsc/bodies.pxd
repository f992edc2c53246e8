from libc.stdint cimport int64_t, uint64_t

from smsc._pdu cimport Message
from smsc.records cimport Kin


cdef class Body:
    cdef readonly Message message
    cdef readonly int64_t submitted
    cdef readonly Kin kin
    cdef readonly bytes charge, network


cdef class Bodies:
    cdef object _log
    cdef long _room
    cdef object _held
    cdef readonly long octets
    cdef readonly long misses

    cpdef put(self, uint64_t id, Message message, int64_t submitted, Kin kin=*,
              bytes charge=*, bytes network=*)
    cpdef Body get(self, uint64_t id, uint64_t position)
    cpdef drop(self, uint64_t id)
    cdef _forget(self, Body body)
