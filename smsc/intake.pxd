from smsc._pdu cimport Message
from smsc.account cimport Account


cdef int _MODE, _DATAGRAM

cpdef tuple terms(Message message, long long now, Account account)
cpdef source(int ton, int npi, bytes address, limits)
cpdef Message ours(Message message, Account account, predefined=*)
