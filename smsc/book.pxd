from libc.stdint cimport int64_t, uint64_t

cimport cython

from smsc.journal._frame cimport Appender
from smsc.state cimport State


cdef class Book:
    cdef readonly object log
    cdef Appender _journal
    cdef readonly State state
    cdef readonly uint64_t position
    cdef uint64_t _ids
    cdef uint64_t _counter
    cdef object _also

    @cython.locals(position=uint64_t)
    cpdef uint64_t append(self, int kind, int64_t now, bytes head, bytes body=*) except 0
    cpdef together(self, size_t octets)
    cpdef uint64_t next_id(self) except 0
