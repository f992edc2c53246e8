from libc.stdint cimport int64_t, uint64_t

cimport smsc.records as records
from smsc._finished cimport FinalStates, Remembered, error_octet
from smsc._spool cimport Slab
from smsc.joins cimport Joins
from smsc.lanes cimport CarrierLanes
from smsc.splits cimport Splits

cdef int _QUEUED, _ATTEMPT, _ACKED, _IN_DOUBT, _SPLIT, _JOINED, _MAY_REPEAT, _PART
cdef int _BROADCAST, _WHOLE, _APART


cdef class Names:
    cdef dict _index
    cdef readonly list names
    cdef bytes _last
    cdef int _last_number

    cpdef int index(self, bytes name) except -1


cdef class Spool:
    cdef readonly Slab slab
    cdef readonly FinalStates ended
    cdef readonly Names accounts
    cdef readonly Names carriers
    cdef readonly Splits splits
    cdef readonly Joins joins
    cdef readonly object broadcasts
    cdef readonly object doubts
    cdef readonly Remembered remembered
    cdef readonly uint64_t newest_end
    cdef list _lanes

    cpdef CarrierLanes lanes(self, int carrier)
    cpdef ready(self, int slot)
    cpdef message(self, uint64_t position, int64_t time, bytes head)
    cpdef attempt(self, uint64_t position, int64_t time, bytes head)
    cpdef acked(self, uint64_t position, int64_t time, bytes head)
    cpdef queued(self, uint64_t position, int64_t time, bytes head)
    cpdef moved(self, uint64_t position, int64_t time, bytes head)
    cpdef doubt(self, uint64_t position, int64_t time, bytes head)
    cdef _relatives_sent(self, int slot, int64_t time)
    cdef _sent_with(self, int relative, int slot, int64_t time)
    cdef _as_it_came(self, uint64_t part, bytes carrier, int64_t time)
    cpdef final(self, uint64_t position, int64_t time, bytes head)
    cpdef joined(self, uint64_t position, int64_t time, bytes head)
    cpdef split(self, uint64_t position, int64_t time, bytes head)
    cpdef states(self, uint64_t position, int64_t time, bytes head)
    cdef _revise(self, int slot, records.MessageHead m, int64_t time)
    cdef _queue(self, int slot, int64_t due, int64_t time, bint is_ready=*)
