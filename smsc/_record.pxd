# The map of _record.pyx. Promises to users are in _record.pyi.

from libc.stdint cimport int64_t, uint8_t, uint64_t

from smsc._pdu cimport Message


cdef struct Growing:
    uint8_t *start   # malloc'ed
    size_t used
    size_t room


cdef class Sheaf:
    cdef readonly bytes customer
    cdef readonly str month, period
    cdef readonly uint64_t newest
    cdef readonly size_t octets
    cdef size_t records
    cdef Growing _ends, _traffic, _contents

    cpdef clear(self)
    cpdef int add(
        self, uint64_t position, uint64_t id, bint inbound, int64_t accepted, int64_t sent,
        int64_t done, int64_t expiry, Message message, int state, uint64_t status,
        bytes network_error, bytes error, uint64_t parts, uint64_t attempts, bytes network,
        bytes carrier, bytes account, bytes price) except -1


cpdef Py_ssize_t text_octets(Message message) except -1
