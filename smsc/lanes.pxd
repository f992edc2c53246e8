from smsc._spool cimport Slab


cdef class CarrierLanes:
    cdef dict _lists
    cdef set _active
    cdef list _rings
    cdef Slab _slab
    cdef int _turn

    cpdef bint idle(self) except -1
    cpdef put(self, int slot, int account, int lane)
    cdef long _queue(self, int account, int lane) except -1
    cpdef long take(self) except -2
    cdef long _take_from(self, ring) except -2
