from libc.stdint cimport int64_t, uint64_t

cimport smsc.dialect as dialect
cimport smsc.records as records
from smsc._pdu cimport Message
from smsc._spool cimport Slab
from smsc.bodies cimport Bodies
from smsc.book cimport Book
from smsc.counters cimport Counters
from smsc.state cimport State
from smsc.upstream cimport Upstream

cdef int _QUEUED, _JOINED, _PART, _WHOLE, _RECEIPT_ASKED
cdef int _MESSAGE_KIND, _JOINED_KIND, _QUEUED_KIND, _ASIDE_KIND


cdef class _Group:
    cdef readonly int64_t until
    cdef readonly dict ids


cdef class Joining:
    cdef Book _book
    cdef State _state
    cdef Bodies _bodies
    cdef Counters _counters
    cdef dict _groups
    cdef dict _waits_in

    cpdef list instead(self, long slot, Message message, Upstream upstream, int64_t now)
    cdef tuple _key(self, long slot, bytes common)
    cdef _Group _group(self, tuple key, int number, Message message, int64_t now)
    cdef _prune(self, tuple key, int number=*)
    cdef _tidy(self, int64_t now)
    cdef bint _waits(self, uint64_t id, tuple key, int number) except -1
    cdef _enter(self, tuple key, int number, uint64_t id)
    cdef _leave(self, uint64_t id)
    cdef _hold(self, long slot, int64_t until, int64_t now)
    cdef _note(self, uint64_t id, int before, tuple tried, int64_t now)
    cdef _give_up(self, uint64_t id, int64_t now)
    cdef Message _message(self, uint64_t id)
