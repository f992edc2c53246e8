from smsc._pdu cimport Message


cpdef tuple terms(Message message, long long now, limits)
cpdef Message ours(Message message, limits)
