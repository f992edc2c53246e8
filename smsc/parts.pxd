cimport cython
from libc.stdint cimport int64_t, uint64_t

cimport smsc.records as records
from smsc._pdu cimport Message
from smsc._spool cimport Slab, key_of
from smsc.bodies cimport Bodies
from smsc.book cimport Book
from smsc.dialect cimport Dialect
from smsc.records cimport Kin, SplitHead
from smsc.splits cimport Split
from smsc.spool cimport Spool

cdef int _MESSAGE, _FINAL, _SPLIT, _QUEUED, _DELIVERED, _FAILED
cdef int _PART, _RECEIPT_ASKED
cdef bytes _RANKS


cdef class Parts:
    cdef Book _book
    cdef Bodies _bodies
    cdef Spool _spool

    cpdef list cut(self, long slot, Message message, bytes carrier, Dialect dialect, int64_t now)
    @cython.locals(split=Split, head=SplitHead, rank=int)
    cpdef long ended(self, long slot, int64_t now, int state, status, bytes network_error,
                     bytes error) except -2
    cdef _end(self, uint64_t id, int64_t now, int state)
    cpdef long untouched(self, long slot) except -2
