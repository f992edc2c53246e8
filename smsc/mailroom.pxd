from libc.stdint cimport uint64_t

from smsc._spool cimport Slab
from smsc.mailbox cimport Mailboxes


cdef int _ALERT


cdef class Mailroom:
    cdef Mailboxes _mailboxes
    cdef object _log
    cdef object _binds
    cdef dict _taken
    cdef dict _fresh
    cdef object _closed
    cdef list _departed

    cpdef arrived(self, int account, uint64_t id, bytes pdu)
    cpdef answered(self, bind, uint64_t id)
    cpdef deliver(self, int account)
    cdef bint _unwanted(self, int account, uint64_t id, bytes pdu) except -1
    cdef _notify(self, int account, uint64_t id, bytes pdu)
    cpdef forget(self, uint64_t id)
