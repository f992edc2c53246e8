cimport cython
from libc.stdint cimport uint64_t

from smsc._spool cimport Slab
from smsc.commit cimport Commit
from smsc.mailbox cimport Mailboxes


cdef int _ALERT


cdef class Desk:
    cdef readonly object bind
    cdef public dict taken
    cdef public long room
    cdef public list ids
    cdef public list pdus


cdef class Mailroom:
    cdef Mailboxes _mailboxes
    cdef object _log
    cdef Commit _commit
    cdef dict _desks
    cdef object _turns
    cdef dict _fresh
    cdef set _expectant
    cdef dict _closed
    cdef list _departed
    cdef public object blocked

    cpdef arrived(self, int account, uint64_t id, bytes pdu)
    cdef _expect(self, int account)
    @cython.locals(desk=Desk)
    cpdef answered(self, bind, uint64_t id)
    @cython.locals(desk=Desk)
    cpdef deliver(self, int account)
    @cython.locals(desk=Desk, slab=Slab, slot=cython.long, id=uint64_t)
    cdef list _deal(self, int account, turns)
    cdef bytes _octets(self, uint64_t id, long slot)
    @cython.locals(desk=Desk)
    cdef _notify(self, turns, uint64_t id, bytes pdu)
    cpdef forget(self, uint64_t id)
