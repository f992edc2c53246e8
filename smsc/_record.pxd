# The map of _record.pyx. Promises to users are in _record.pyi.

from libc.stdint cimport int64_t, uint8_t, uint64_t

from smsc._pdu cimport Message


cdef struct Growing:
    uint8_t *start   # malloc'ed
    size_t used
    size_t room


cdef class Finished:
    cdef public uint64_t id
    cdef public uint64_t position
    cdef public bint inbound
    cdef public bytes customer, account, carrier
    cdef public int64_t accepted, sent, done, expiry
    cdef public int attempts, parts, state
    cdef public uint64_t status
    cdef public bytes network_error, error
    cdef public Message message
    cdef public object price
    cdef public bytes network

    cpdef Finished at(self, uint64_t position)


cdef class Sheaf:
    cdef readonly bytes customer
    cdef readonly str month, period
    cdef readonly uint64_t newest
    cdef readonly size_t octets
    cdef size_t records
    cdef Growing _ends, _traffic, _contents

    cpdef clear(self)
    cpdef int add(self, Finished end, uint64_t parts, bytes price) except -1


cpdef Finished finished(
    uint64_t id, bint inbound, bytes customer, bytes account, bytes carrier, int64_t accepted,
    int64_t sent, int64_t done, int64_t expiry, int attempts, int state, uint64_t status,
    bytes network_error, bytes error, Message message, price=*, int parts=*, bytes network=*)
cpdef Py_ssize_t text_octets(Message message) except -1
