from libc.stdint cimport int64_t, uint64_t

from smsc._pdu cimport Message


cdef class Finished:
    cdef readonly uint64_t id
    cdef readonly bint inbound
    cdef readonly bytes customer
    cdef readonly bytes account
    cdef readonly bytes carrier
    cdef readonly int64_t accepted
    cdef readonly int64_t sent
    cdef readonly int64_t done
    cdef readonly int64_t expiry
    cdef readonly int attempts
    cdef readonly int state
    cdef readonly uint64_t status
    cdef readonly bytes network_error
    cdef readonly bytes error
    cdef readonly Message message


cpdef bytes pack(Finished finished, str period, sealer)
