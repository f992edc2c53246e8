cimport cython
from libc.stdint cimport int64_t

from smsc._pdu cimport Message
from smsc.account cimport Account
from smsc.admission cimport Admission
from smsc.bodies cimport Bodies
from smsc.book cimport Book
from smsc.commit cimport Commit
from smsc.counters cimport Counters
from smsc.deliveries cimport Deliveries
from smsc.endings cimport Endings
from smsc.mailroom cimport Mailroom
from smsc.placement cimport Placement
from smsc.relaying cimport Relaying
from smsc.reports cimport Reports
from smsc.state cimport State
from smsc.traffic cimport Traffic


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
    cdef object _ancillary
    cdef readonly object repeats
    cdef readonly object subjects
    cdef object _restricted
    cdef public bint slow
    cdef Admission _admission
    cdef long _scan_cursor
    cdef long _mail_cursor

    @cython.locals(account=Account)
    cpdef list submit(self, bind, batch)
