from libc.stdint cimport int64_t, uint64_t

from smsc._finished cimport FinalStates
from smsc.asides cimport Asides
from smsc.correlation cimport Orphans
from smsc.mailbox cimport Mailboxes
from smsc.spool cimport Names, Spool

cdef int _START, _MESSAGE, _ATTEMPT, _ACKED, _QUEUED, _DOUBT
cdef int _FINAL, _MAIL, _MAIL_DONE, _ORPHAN, _ORPHAN_DONE
cdef int _MOVED, _ASIDE, _LEARNED, _PURSE, _STATES, _SPLIT, _JOINED


cdef class State:
    cdef readonly Names accounts
    cdef readonly Names carriers
    cdef readonly FinalStates ended
    cdef readonly Spool spool
    cdef readonly Mailboxes mailboxes
    cdef readonly Orphans orphans
    cdef readonly Asides asides
    cdef readonly object lessons
    cdef readonly object purses
    cdef readonly object epoch
    cdef object _written
    cdef int64_t _began
    cdef int64_t _time
    cdef public object before_end

    cpdef apply(self, int kind, uint64_t position, int64_t time, bytes head)
    cdef _fold(self, int kind, uint64_t position, int64_t time, bytes head)
    cdef _fold_seldom(self, int kind, uint64_t position, int64_t time, bytes head)
    cdef _settle_purse(self, int kind)
