cimport cython
from libc.stdint cimport uint64_t

from smsc._fresh cimport Fresh
from smsc._spool cimport Slab
from smsc.commit cimport Commit
from smsc.mailbox cimport Mailboxes


cdef int _ALERT


cdef class Desk:
    cdef readonly object bind
    cdef readonly long taken
    cdef public long room
    cdef public list ids
    cdef public list pdus


cdef class Hall:
    cdef readonly int account
    cdef readonly list desks
    cdef readonly int turn
    cdef public bint expectant

    cpdef enter(self, Desk desk)
    cpdef leave(self, Desk desk)
    cpdef pass_on(self)


cdef class Mailroom:
    cdef Mailboxes _mailboxes
    cdef object _log
    cdef Commit _commit
    cdef dict _desks
    cdef list _halls
    cdef list _spare
    cdef Fresh _fresh
    cdef list _expectant
    cdef dict _closed
    cdef list _departed
    cdef public object blocked

    cdef Hall _hall(self, int account)
    @cython.locals(hall=Hall)
    cpdef arrived(self, int account, uint64_t id, bytes pdu)
    cdef _expect(self, Hall hall)
    @cython.locals(desk=Desk, hall=Hall)
    cpdef deliver(self, int account)
    @cython.locals(desk=Desk, slab=Slab, slot=cython.long, id=uint64_t, account=cython.int,
                   full=cython.int, gone=cython.int, kept=cython.int, most=cython.int, run=cython.int)
    cdef list _deal(self, Hall hall)
    cdef bytes _octets(self, uint64_t id, long slot)
    @cython.locals(desk=Desk)
    cdef _notify(self, Hall hall, uint64_t id, bytes pdu)
    cpdef forget(self, uint64_t id)
