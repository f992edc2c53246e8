cimport cython

cimport smsc.batches as batches
from smsc._pdu cimport Pdu
from smsc.connection cimport Connection
from smsc.session cimport Session
from smsc.throttle cimport Pace


cdef class CarrierConnection(Connection):
    cdef CarrierBind _bind
    cdef object _late
    cdef public object bound

    @cython.locals(answers=list, refused=list)
    cpdef _inbound(self, list messages, list requests, bytes answer)


cdef class CarrierBind:
    cdef public object owner
    cdef public bytes carrier
    cdef public bint up
    cdef public long made, failed
    cdef public list _connections
    cdef list _registered
    cdef bint _by_data_sm
    cdef object _outgoing, _gone, _idle

    @cython.locals(connection=CarrierConnection, session=Session, pace=Pace)
    cpdef long credit(self) except? -1
    @cython.locals(connection=CarrierConnection, session=Session, sequences=list, pdus=list,
                   by_data_sm=bint)
    cpdef send(self, list attempts, list messages)
    cpdef outcomes(self, list batch)
    cpdef list inbound(self, list messages)
