cimport cython
from libc.stdint cimport int64_t, uint64_t

cimport smsc.records as records
from smsc._spool cimport Slab
from smsc.spool cimport Names

cdef int _WAITING, _TAKEN, _DEFERRED, _INBOUND

cdef class Mailboxes:
    cdef readonly Slab slab
    cdef readonly Names accounts
    cdef readonly Names carriers
    cdef readonly uint64_t newest_end
    cdef list _lists

    cdef long _list(self, int account) except -1
    cpdef long waiting(self, int account) except -1
    @cython.locals(slot=cython.long)
    cpdef long take(self, int account) except -2
    cpdef defer(self, long slot, int64_t due)
    @cython.locals(slab=Slab)
    cpdef int tried(self, long slot) except -1
    @cython.locals(slab=Slab, slot=cython.long, account=cython.int, carrier=cython.int)
    cpdef mail(self, uint64_t position, int64_t time, bytes head)
    @cython.locals(slab=Slab, slot=cython.long)
    cpdef mail_done(self, uint64_t position, int64_t time, bytes head)
