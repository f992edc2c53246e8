cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t

cimport smsc.receipt as receipts
cimport smsc.records as records
from smsc._finished cimport Remembered, source_check_of
from smsc._pdu cimport Message, hex_id
from smsc._spool cimport Slab, pair_of
from smsc.account cimport Account
from smsc.bodies cimport Bodies, Body
from smsc.book cimport Book
from smsc.commit cimport Commit
from smsc.counters cimport Counters
from smsc.mailroom cimport Mailroom
from smsc.parts cimport Parts
from smsc.state cimport State
from smsc._record cimport Finished, finished
from smsc.traffic cimport Traffic

cdef int _FINAL, _MAIL, _MAIL_DONE, _OLD_PEER, _MEMBER, _PART, _RECEIPT, _INBOUND, _ENROUTE
cdef int _DELIVERED, _ASIDE, _NOTIFY, _ACKNOWLEDGED, _SPLIT, _JOINED
cdef int _APART, _QUEUED, _MOVED
cdef int _WANTS_ALL, _WANTS_FAILURE, _WANTS_SUCCESS

cpdef bytes text_id(uint64_t id, bint old_peer)
cpdef bint wants_receipt(Message message, int state) except -1


cdef class Word:
    cdef uint64_t id
    cdef Account owner
    cdef int account, flags, state
    cdef bytes carrier, network_error, error
    cdef Message message
    cdef int64_t submitted, now, done

@cython.locals(word=Word)
cdef Word word_of(
    uint64_t id, Account owner, int account, bytes carrier, int flags, Body body, int64_t now,
    int state, bytes network_error, bytes error, int64_t done)


cdef class Endings:
    cdef Book _book
    cdef object _till
    cdef State _state
    cdef Commit _commit
    cdef Traffic _traffic
    cdef object _accounts
    cdef Bodies _bodies
    cdef Mailroom _mailroom
    cdef readonly Parts parts
    cdef Counters _counters
    cdef object _network_of_sender
    cdef bint _per_account
    cdef list _owners
    cdef Remembered _remembered
    cdef list _replayed

    @cython.locals(owners=list)
    cdef Account _owner(self, int account)
    @cython.locals(word=Word)
    cpdef finish(self, long slot, int64_t now, int state, status=*, bytes network_error=*,
                 bytes error=*, int64_t done=*, bint quiet=*)
    @cython.locals(slab=Slab, id=uint64_t, key=uint64_t, flags=cython.int, account=bytes,
                   carrier=bytes, members=cython.int, check=uint32_t, head=bytes, owner=Account,
                   account_number=cython.int, carrier_number=cython.int)
    cpdef Word end(self, long slot, int64_t now, int state, status, bytes network_error,
                   bytes error, int64_t done)
    cpdef notify(self, long slot, int64_t now, bint first, bytes network_error=*,
                 bytes error=*)
    cdef _end_part(self, long slot, int64_t now, int state, status, bytes network_error,
                   bytes error)
    cdef _notify(self, long slot, int64_t now, bint first, bytes network_error, bytes error)
    cdef _end_joined(self, long slot, int64_t now, int state, status, bytes network_error,
                     bytes error, int64_t done)
    cdef _end_whole(self, long slot, int64_t now)
    @cython.locals(owner=Account, old=cython.bint, submitted=int64_t, done=int64_t)
    cpdef tell(self, Word word)
    cpdef remember(self, uint64_t key)
    cpdef bint remembers(self, uint64_t key) except -1
    cpdef bint mail(self, Account owner, int kind, bytes carrier, bytes pdu, int64_t now,
                    int64_t lifetime=*) except -1
    @cython.locals(id=uint64_t, expiry=int64_t)
    cdef bint _mail(self, Account owner, int account, int kind, bytes carrier, bytes pdu,
                    int64_t now, int64_t lifetime) except -1
    @cython.locals(slab=Slab, id=uint64_t, position=uint64_t, end=Finished)
    cpdef end_mail(self, long slot, int state, int64_t now)
    cdef _export(self, uint64_t position, Finished end)
    cdef Finished _replayed_final(self, int64_t time, bytes head)
    cdef Finished _replayed_mail(self, int64_t time, bytes head)
    @cython.locals(slab=Slab, sent=int64_t, parts=cython.int, account=bytes, owner=Account)
    cdef Finished _ended(self, long slot, Body body, int64_t time, int state, status,
                         bytes network_error, bytes error, bytes carrier)
    cdef Finished _ended_mail(self, long slot, int64_t time, int state)
