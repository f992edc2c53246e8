from libc.stdint cimport int64_t, uint64_t

cimport smsc.records as records
from smsc._pdu cimport Message
from smsc._spool cimport Slab
from smsc.bodies cimport Bodies, Body
from smsc.commit cimport Commit
from smsc.mailbox cimport Mailboxes
from smsc.mailroom cimport Mailroom
from smsc.spool cimport Spool
from smsc.state cimport State
from smsc.traffic cimport Finished, Traffic, finished
from smsc.upstream cimport Upstream

cdef int _MESSAGE, _ATTEMPT, _ACKED, _FINAL, _MAIL, _MAIL_DONE
cdef int _QUEUED, _ATTEMPTED, _ACKNOWLEDGED, _IN_DOUBT
cdef int _OLD_PEER, _RECEIPT_ASKED, _ENROUTE, _DELIVERED, _ROK


cdef class Counters:
    cdef readonly uint64_t accepted
    cdef readonly object refused
    cdef readonly object submitted
    cdef readonly object outcomes
    cdef readonly object finished
    cdef readonly object retried
    cdef readonly object in_doubt
    cdef readonly object resolved
    cdef readonly uint64_t confirmed_duplicates
    cdef readonly object orphans
    cdef readonly uint64_t repeated_receipts
    cdef readonly object inbound
    cdef readonly uint64_t inbound_unrouted
    cdef readonly uint64_t mailed
    cdef readonly object mail_done
    cdef readonly object by_account


cdef class Ids:
    cdef uint64_t _base
    cdef uint64_t _counter

    cdef uint64_t next(self) except 0


cdef class Core:
    cdef object _config
    cdef object _accounts
    cdef object _log
    cdef Commit _commit
    cdef Traffic _traffic
    cdef object _router
    cdef object _inbound_router
    cdef readonly State state
    cdef readonly Counters counters
    cdef readonly Bodies bodies
    cdef readonly dict upstreams
    cdef dict _by_index
    cdef dict _correlations
    cdef set _alive
    cdef readonly Mailroom mailroom
    cdef readonly object forgetting
    cdef Ids _ids
    cdef uint64_t _dice
    cdef uint64_t _batch
    cdef set _known
    cdef set _known_before
    cdef uint64_t _position
    cdef bint _room
    cdef public bint slow
    cdef uint64_t _max_owed
    cdef bint _per_account
    cdef long _scan_cursor
    cdef long _mail_cursor
    cdef list _replayed

    cdef uint64_t _append(self, int kind, int64_t now, bytes head, bytes body=*) except 0
    cdef _append_end(self, int kind, int64_t now, bytes head)
    cdef _accept(self, account, int index, bind, Message message, int64_t now)
    cdef bint _outstanding(self, long slot, int number) except -1
    cdef bint _in_doubt(self, long slot, int number) except -1
    cdef _acknowledged(self, Upstream upstream, long slot, int number, bytes carrier_id, int64_t now)
    cdef _refused(self, Upstream upstream, long slot, int number, status, int64_t now)
    cdef _requeue(self, long slot, int number, int64_t due, status, int64_t now)
    cdef _doubt(self, long slot, int number, int64_t now, str cause)
    cdef _inbound(self, Upstream upstream, Message message, int64_t now)
    cdef _finish(self, long slot, int64_t now, int state, status=*, bytes network_error=*, bytes error=*)
    cdef _mail_receipt(self, uint64_t id, bytes account, bytes carrier, int flags, Body body,
                       int64_t now, int state, bytes network_error, bytes error)
    cdef _remember(self, uint64_t key)
    cdef bint _mail(self, uint64_t id, owner, int kind, bytes carrier, bytes pdu, int64_t now) except -1
    cdef _mail_end(self, uint64_t id, int state, str cause, int64_t now)
    cdef Finished _describe(self, int kind, int64_t time, bytes head)
    cdef Finished _describe_message(self, int64_t time, records.FinalHead end)
    cdef Finished _describe_mail(self, int64_t time, records.MailDoneHead end)
