from libc.stdint cimport int64_t, uint64_t

cimport smsc.records as records
from smsc._spool cimport Slab
from smsc.spool cimport Names


cdef class Mailboxes:
    cdef readonly Slab slab
    cdef readonly Names accounts
    cdef readonly Names carriers
    cdef readonly object held
    cdef dict _lists

    cdef long _list(self, int account) except -1
    cpdef long take(self, int account) except -2
    cpdef mail(self, uint64_t position, int64_t time, bytes head)
    cpdef mail_done(self, uint64_t position, int64_t time, bytes head)
