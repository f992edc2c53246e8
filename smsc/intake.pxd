from smsc._pdu cimport Message


cdef int _MODE, _DATAGRAM

cpdef tuple terms(Message message, long long now, limits)
cpdef source(int ton, int npi, bytes address, limits)
cpdef Message ours(Message message, limits, predefined=*)
