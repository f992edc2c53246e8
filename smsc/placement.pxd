from smsc._pdu cimport Message
from smsc.routing cimport Route, Router


cdef class Placement:
    cdef Router _router
    cdef object _networks
    cdef object _lookup

    cpdef bytes network(self, numbering, Message message)
    cpdef Route route(self, bytes account, numbering, Message message, bytes network)
    cpdef bytes question(self, bytes account, numbering, Message message, Route route)
