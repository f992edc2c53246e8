cimport cython
from libc.stdint cimport int64_t, uint64_t

cimport smsc.receipt as receipts
cimport smsc.records as records
from smsc._pdu cimport Message
from smsc._receipt cimport Receipt
from smsc._spool cimport Slab
from smsc.book cimport Book
from smsc.commit cimport Commit
from smsc.correlation cimport Correlation
from smsc.counters cimport Counters
from smsc.endings cimport Endings, Word
from smsc.state cimport State
from smsc.upstream cimport Upstream

cdef int _ROK, _APART


cdef class Reports:
    cdef Book _book
    cdef State _state
    cdef Commit _commit
    cdef object _accounts
    cdef Endings _ends
    cdef object _hearing
    cdef object _others
    cdef object _subjects
    cdef dict _correlations
    cdef object _router
    cdef Counters _counters
    cdef list _words
    cdef Py_ssize_t _rest

    cpdef list heard(self, Upstream upstream, batch, int64_t now)
    @cython.locals(correlation=Correlation, message=Message, receipt=Receipt, parsed=list,
                   at=Py_ssize_t)
    cdef _heard(self, Upstream upstream, list batch, int64_t now, list statuses)
    @cython.locals(words=list, word=Word)
    cdef _tell(self)
    @cython.locals(slab=Slab, key=uint64_t, slot=cython.long, done=int64_t)
    cdef _receipt(self, Upstream upstream, Correlation correlation, Message message,
                  Receipt receipt, int64_t now)
    cdef int _message(self, Upstream upstream, Message message, int64_t now) except -1
    cpdef responded(self, Correlation correlation, long slot, uint64_t key, bytes carrier_id,
                    int64_t now)
    @cython.locals(failed=bint, apart=bint, word=Word)
    cdef _end(self, long slot, int64_t now, int state, bytes network_error, bytes error,
              int64_t done)
    cdef _done(self, uint64_t key, str why, int64_t now)
