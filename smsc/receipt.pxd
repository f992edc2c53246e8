from libc.stdint cimport int64_t

from smsc._pdu cimport Message
from smsc._receipt cimport Reader, Receipt as _Receipt, Writer, number_of


cdef Writer _writer
cdef Reader _reader

cpdef bytes build(
    Message original, bytes message_id, int state, bytes network_error, int error,
    int64_t submit_ms, int64_t done_ms, bint tlvs=*, bint seconds=*)
cpdef int error_number(bytes error, bytes network_error) except -1
cpdef _Receipt parse(Message pdu)
