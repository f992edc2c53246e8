from libc.stdint cimport uint8_t

from smsc._pdu cimport Message


cdef class Plain:
    cdef uint8_t[256] _tons
    cdef uint8_t[256] _npis
    cdef uint8_t[256] _classes
    cdef uint8_t[256] _codings
    cdef int _alphanumeric
    cdef int _longest_name
    cdef int _longest_text
    cdef int _highest_priority

    cpdef int look(self, Message message) except -1
    cdef bint _source(self, Message message) except -1
