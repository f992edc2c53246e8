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
from smsc.deliveries cimport Deliveries
from smsc.endings cimport Endings
from smsc.mailbox cimport Mailboxes
from smsc.mailroom cimport Mailroom
from smsc.placement cimport Placement
from smsc.records cimport Kin
from smsc.relaying cimport Relaying
from smsc.reports cimport Reports
from smsc.routing cimport Route
from smsc.spool cimport Spool
from smsc.state cimport State
from smsc.traffic cimport Traffic
from smsc.upstream cimport Berth, Upstream

cdef int _MESSAGE, _QUEUED, _ATTEMPTED
cdef int _OLD_PEER, _RECEIPT_ASKED, _HELD, _MEMBER, _BROADCAST, _V34, _ANY_WISH


cdef class Core:
    cdef object _config
    cdef object _accounts
    cdef object _log
    cdef Commit _commit
    cdef Traffic _traffic
    cdef Book _book
    cdef object _till
    cdef Endings _ends
    cdef Deliveries _deliveries
    cdef object _broadcasts
    cdef readonly bint broadcasting
    cdef Placement _placement
    cdef object _inquiries
    cdef object _inbound_router
    cdef readonly State state
    cdef readonly Counters counters
    cdef readonly Bodies bodies
    cdef readonly dict upstreams
    cdef readonly dict correlations
    cdef readonly object joining
    cdef Reports _reports
    cdef Relaying _relaying
    cdef object _others
    cdef set _alive
    cdef readonly Mailroom mailroom
    cdef readonly object forgetting
    cdef object _predefined
    cdef object _ancillary
    cdef readonly object repeats
    cdef readonly object subjects
    cdef object _restricted
    cdef uint64_t _dice
    cdef uint64_t _batch
    cdef set _loaded
    cdef set _to_cut
    cdef bint _room
    cdef public bint slow
    cdef uint64_t _max_owed
    cdef bint _per_account
    cdef long _scan_cursor
    cdef long _mail_cursor

    @cython.locals(message=Message, account=Account, version=int, now=int64_t)
    cpdef list submit(self, bind, batch)
    cdef long long _accept(
        self, Account account, int index, int version, Message message, int64_t now
    ) except? -1
    cdef _way(self, Account account, int index, Message message, int ahead)
    cdef bint _has_room(self, Account account, int index, int ahead) except -1
    @cython.locals(upstream=Upstream, target=Berth, told=Message, due=int64_t, expiry=int64_t,
                   until=int64_t, sent=int64_t, flags=int, pair=uint32_t, id=uint64_t,
                   stage=int, number=int, lane=int, network=bytes, name=bytes)
    cdef long long _store(self, Account account, int index, int version, Message message,
                          int64_t now, Route route, Kin of) except? -1
    cdef bytes _carrier(self, Route route, bytes account, Message message)
