cimport cython
from libc.stdint cimport int64_t, uint64_t

from smsc._pdu cimport Message
from smsc._record cimport Finished, Sheaf, text_octets

cdef bytes _NO_PRICE, _SURELY_ONE
cdef int _UDHI
cdef int64_t _HOUR
cdef size_t _FULL_BLOCK


cpdef long segments(Message message) except -1
cpdef str period_of(int64_t accepted)

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
    @cython.locals(hour=int64_t, sheaf=Sheaf, price=bytes)
    cdef _write(self, Finished end)
    @cython.locals(last=Sheaf, found=Sheaf, one=_Period, period=str)
    cdef Sheaf _sheaf(self, Finished end, str month)
    cdef _close_block(self, _Period one, Sheaf sheaf)
    @cython.locals(sheaf=Sheaf)
    cdef _close_blocks(self, _Period one)
