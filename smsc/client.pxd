cimport cython

cimport smsc.batches as batches
from smsc._pdu cimport Pdu
from smsc.connection cimport Connection
from smsc.dialect cimport Dialect
from smsc.session cimport Session


cdef class ClientConnection(Connection):
    cdef object _listener
    cdef public object _entry
    cdef bint _in_lobby
    cdef int _refusals
    cdef bint _attached
    cdef unsigned long long _id_mask
    cdef long _delivery
    cdef object _manners
    cdef bint _may_broadcast, _payload_wins, _sheds, _tells_load, _tolerates_nul
    cdef public bytes expected, summons
    cdef Dialect _dialect
    cdef public bytes account
    cdef public bint receives
    cdef public object version

    cpdef list _admitted(self, list run, now)
    @cython.locals(sound=list, refused=list)
    cpdef list _judged(self, list run)
    @cython.locals(verdicts=list, answers=list, refused=list)
    cpdef _submit(self, list messages, list requests, answer)
    cpdef long credit(self) except -1
    @cython.locals(session=Session, sequences=list)
    cpdef deliver(self, list mail_ids, list pdus)
