from libc.stdint cimport int64_t, uint64_t

cimport smsc.records as records
from smsc._spool cimport Slab
from smsc.lanes cimport CarrierLanes


cdef class Names:
    cdef dict _index
    cdef readonly list names

    cpdef int index(self, bytes name) except -1


cdef class Spool:
    cdef readonly Slab slab
    cdef readonly Names accounts
    cdef readonly Names carriers
    cdef readonly object owed
    cdef list _lanes

    cpdef CarrierLanes lanes(self, int carrier)
    cpdef ready(self, int slot)
    cdef _queue(self, int slot, int64_t due, int64_t time)
