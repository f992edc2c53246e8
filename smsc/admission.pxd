cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t

cimport smsc.intake as intake
cimport smsc.records as records
from smsc._pdu cimport Message
from smsc._spool cimport Slab, pair_in
from smsc.account cimport Account
from smsc.bodies cimport Bodies
from smsc.book cimport Book
from smsc.commit cimport Commit
from smsc.counters cimport Counters
from smsc.placement cimport Placement
from smsc.records cimport Kin
from smsc.relaying cimport Relaying
from smsc.routing cimport Route
from smsc.state cimport State
from smsc.upstream cimport Berth, Upstream

cdef int _MESSAGE, _QUEUED, _ATTEMPTED
cdef int _OLD_PEER, _RECEIPT_ASKED, _HELD, _MEMBER, _V34, _ANY_WISH


cdef class Draft:
    cdef Message message, told
    cdef Upstream upstream
    cdef Berth target
    cdef bytes network, sought
    cdef int refusal, flags, lane
    cdef uint32_t pair
    cdef bint replaces
    cdef uint64_t id
    cdef int64_t due, until, expiry


cdef class Admission:
    cdef Book _book
    cdef Commit _commit
    cdef State _state
    cdef Placement _placement
    cdef object _till
    cdef Bodies _bodies
    cdef dict _upstreams
    cdef set _alive
    cdef object _ancillary
    cdef object _inquiries
    cdef object _subjects
    cdef Relaying _relaying
    cdef Counters _counters
    cdef object _predefined
    cdef uint64_t _max_owed
    cdef bint _per_account
    cdef object _restricted
    cdef object _repeats
    cdef public bint room
    cdef uint64_t _dice
    cdef uint64_t _batch
    cdef set _loaded
    cdef set _to_cut

    @cython.locals(slab=Slab)
    cpdef bint has_room(self, Account account, int index, int ahead) except -1
    cpdef bytes pick(self, Route route, bytes account, Message message)
    cpdef list take(self, bind, Account account, batch, int64_t now)
    cpdef list take_group(self, Account account, int version, members, int64_t now)
    @cython.locals(index=int, count=int, drafts=list, draft=Draft, message=Message)
    cdef list _take(self, Account account, int version, batch, int64_t now, bint together)
    @cython.locals(first=uint64_t, taken=int, draft=Draft)
    cdef _keep_group(self, Account account, int index, list drafts, int count, int64_t now)
    cpdef _send(self)
    @cython.locals(draft=Draft, route=Route, name=bytes, network=bytes, sought=bytes, due=int64_t,
                   upstream=Upstream, told=Message)
    cdef Draft _judge(self, Account account, int index, int version, Message message, int64_t now,
                      int ahead)
    cdef _way(self, Account account, int index, Message message, int ahead)
    @cython.locals(message=Message, charge=bytes, id=uint64_t, kin=Kin, flags=int, sent=int64_t,
                   stage=int, number=int)
    cdef _keep(self, Account account, int index, Draft draft, Kin of, int64_t now)
    @cython.locals(draft=Draft, id=uint64_t)
    cdef list _load(self, Account account, int index, list drafts)
