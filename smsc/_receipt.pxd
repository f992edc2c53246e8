# The map of _receipt.pyx. Promises to users are in _receipt.pyi.

from libc.stdint cimport int64_t, uint8_t

from smsc._pdu cimport Cursor, Message


cdef struct Minute:
    int64_t number    # since the epoch
    char digits[10]   # YYMMDDhhmm


cdef class Told:
    cdef uint8_t state     # the message_state a client is told
    cdef uint8_t esm_class # and as what: a receipt, or a notification on the way to one
    cdef bytes until_date  # the text from behind the id to the first date
    cdef bytes until_err   # the text from behind the second date to the error


cdef class Writer:
    cdef list _told           # by message_state
    cdef Minute _minutes[256]

    cdef const char *_digits(self, int64_t minute) except NULL
    cdef int _put_date(self, Cursor *room, int64_t ms, bint seconds) except -1
    cdef int _put_text(
        self, Cursor *room, Message original, bytes message_id, Told told, int error,
        int64_t submit_ms, int64_t done_ms, bint seconds) except -1
    cpdef bytes write(
        self, Message original, bytes message_id, int state, bytes network_error, int error,
        int64_t submit_ms, int64_t done_ms, bint tlvs, bint seconds)


cdef class Receipt:
    cdef readonly bytes id
    cdef readonly int state
    cdef readonly bint final
    cdef readonly bytes error
    cdef readonly bytes done
    cdef readonly bytes network_error


cdef class Reader:
    cdef dict _states           # word: message_state
    cdef bint _final[256]       # by message_state
    cdef int _unknown
    cdef object _searched
    cdef bytes _word            # the last one that was looked up,
    cdef int _word_state        # and what it means
    cdef bytes _error           # what the last one said
    cdef bytes _done

    cdef int _state(self, bytes word) except -1
    cpdef Receipt read(self, Message pdu)


cpdef int number_of(bytes digits) except? -1
