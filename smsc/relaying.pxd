cimport cython
from libc.stdint cimport int64_t, uint64_t

cimport smsc.records as records
from smsc._pdu cimport Message
from smsc._spool cimport Slab
from smsc.bodies cimport Bodies
from smsc.book cimport Book
from smsc.commit cimport Commit
from smsc.correlation cimport Correlation
from smsc.counters cimport Counters
from smsc.dialect cimport Dialect
from smsc.endings cimport Endings
from smsc.joining cimport Joining
from smsc.reports cimport Reports
from smsc.state cimport State
from smsc.upstream cimport Berth, Upstream

cdef int _ATTEMPT, _ACKED, _ATTEMPTED, _ACKNOWLEDGED, _IN_DOUBT, _SPLIT, _JOINED
cdef int _RECEIPT_ASKED, _BROADCAST, _WHOLE, _ENROUTE, _ROK


cdef class Relaying:
    cdef Book _book
    cdef State _state
    cdef Commit _commit
    cdef object _accounts
    cdef Bodies _bodies
    cdef dict _upstreams
    cdef dict _by_index
    cdef dict _correlations
    cdef set _alive
    cdef Endings _ends
    cdef object _others
    cdef bint _tries_next
    cdef Joining _joining
    cdef object _subjects
    cdef object _restricted
    cdef Reports _reports
    cdef Counters _counters

    @cython.locals(berth=Berth, slot=cython.long, now=int64_t, id=uint64_t, number=int)
    cpdef pump(self, Upstream upstream)
    cpdef Message _message_of(self, long slot)
    @cython.locals(upstream=Upstream, now=int64_t, taken=long, id=uint64_t, number=int, status=long,
                   carrier_id=bytes, slot=long)
    cpdef outcomes(self, bind, batch)
    cpdef doubt(self, long slot, int number, int64_t now, str cause)
    cdef Message _told(self, Upstream upstream, Berth berth, long slot, int64_t now)
    cdef bint _outstanding(self, long slot, int number) except -1
    cdef bint _in_doubt(self, long slot, int number) except -1
    @cython.locals(slab=Slab, stage=int, asked=bint, correlation=Correlation, key=uint64_t,
                   until=int64_t, id=uint64_t, reported=bint)
    cdef _acknowledged(self, Upstream upstream, long slot, int number, bytes carrier_id, int64_t now)
    cdef _refused(self, Upstream upstream, long slot, int number, status, int64_t now)
    cdef _requeue(self, long slot, int number, int64_t due, status, int64_t now)
