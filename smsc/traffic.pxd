cimport cython
from libc.stdint cimport int64_t, uint64_t

from smsc._pdu cimport Message
from smsc._record cimport Sheaf, text_octets

cdef bytes _NO_PRICE, _SURELY_ONE
cdef int _UDHI
cdef int64_t _HOUR


@cython.final
@cython.no_gc
@cython.freelist(64)
cdef class Finished:
    cdef public uint64_t id
    cdef public uint64_t position
    cdef public bint inbound
    cdef public bytes customer
    cdef public bytes account
    cdef public bytes carrier
    cdef public int64_t accepted
    cdef public int64_t sent
    cdef public int64_t done
    cdef public int64_t expiry
    cdef public int attempts
    cdef public int parts
    cdef public int state
    cdef public uint64_t status
    cdef public bytes network_error
    cdef public bytes error
    cdef public Message message
    cdef public object price
    cdef public bytes network

    cpdef Finished at(self, uint64_t position)


@cython.locals(one=Finished)
cpdef Finished finished(
    uint64_t id, bint inbound, bytes customer, bytes account, bytes carrier, int64_t accepted,
    int64_t sent, int64_t done, int64_t expiry, int attempts, int state, uint64_t status,
    bytes network_error, bytes error, Message message, price=*, int parts=*, bytes network=*)
cpdef long segments(Message message) except -1
cpdef str period_of(int64_t accepted)
cpdef gather(Finished end, Sheaf sheaf)


cdef class _Period:
    cdef readonly object log
    cdef readonly uint64_t covered
    cdef readonly dict sheaves
    cdef list _beyond


cdef class Traffic:
    cdef object _open_log
    cdef object _sealer
    cdef object _clock
    cdef public object calendar
    cdef dict _lent
    cdef Sheaf _last
    cdef dict _logs
    cdef set _tail
    cdef readonly uint64_t covered
    cdef public uint64_t staged
    cdef readonly uint64_t written
    cdef list _settling
    cdef list _unsettled
    cdef uint64_t _settled_up_to
    cdef readonly uint64_t records
    cdef int64_t _hour
    cdef str _month

    @cython.locals(end=Finished)
    cpdef release(self, list staged)
    @cython.locals(hour=int64_t, sheaf=Sheaf)
    cdef _write(self, Finished end)
    @cython.locals(last=Sheaf, found=Sheaf, one=_Period, period=str)
    cdef Sheaf _sheaf(self, Finished end, str month)
    cdef _close_block(self, _Period one, Sheaf sheaf)
    @cython.locals(sheaf=Sheaf)
    cdef _close_blocks(self, _Period one)
