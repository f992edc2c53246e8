from libc.stdint cimport int64_t, uint64_t

from smsc.mailbox cimport Mailboxes
from smsc.spool cimport Names, Spool


cdef class State:
    cdef readonly Names accounts
    cdef readonly Names carriers
    cdef readonly Spool spool
    cdef readonly Mailboxes mailboxes
    cdef readonly object orphans
    cdef readonly object epoch
    cdef int64_t _time
    cdef public object before_end
    cdef dict _fold
