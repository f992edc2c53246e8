from smsc._pdu cimport Message
from smsc.account cimport Account


cdef int _MODE, _DATAGRAM

cpdef long long due(Message message, long long now) except? -1
cpdef long long expiry(Message message, long long now, Account account) except? -1
cpdef source(int ton, int npi, bytes address, limits)
cpdef Message ours(Message message, Account account, predefined=*)
