from smsc._pdu cimport Message


cpdef bytes build(
    Message original, bytes message_id, int state, network_error, int error,
    long long submit_ms, long long done_ms, bint tlvs=*)
cdef bytes _tlvs(Message original, bytes message_id, int state, network_error)
cpdef parse(Message pdu)
cdef int _state(bytes word) except -1
cdef tuple _told(bytes text)
