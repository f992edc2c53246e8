cimport cython
from libc.stdint cimport int64_t, uint64_t

from smsc._spool cimport Slab
from smsc.book cimport Book
from smsc.counters cimport Counters
from smsc.endings cimport Endings
from smsc.mailbox cimport Mailboxes
from smsc.mailroom cimport Mailroom

cdef int _ROK, _DELIVERED


cdef class Deliveries:
    cdef Book _book
    cdef Mailboxes _mailboxes
    cdef object _accounts
    cdef object _router
    cdef Endings _ends
    cdef Mailroom _mailroom
    cdef Counters _counters

    @cython.locals(slab=Slab, slot=cython.long, id=uint64_t, status=cython.long)
    cpdef answered(self, batch, int64_t now)
    cdef _refused(self, long slot, meaning, int64_t now)
    cdef _close(self, long slot)
