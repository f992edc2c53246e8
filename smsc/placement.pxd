from smsc._pdu cimport Message
from smsc.routing cimport Route, Router


cdef class Placement:
    cdef Router _router
    cdef object _networks

    cpdef bytes network(self, numbering, Message message)
    cpdef Route route(self, bytes account, numbering, Message message, bytes network)
