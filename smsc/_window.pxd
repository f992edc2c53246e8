# The map of _window.pyx. Promises to users are in _window.pyi.

from libc.stdint cimport int64_t, uint32_t, uint64_t


cdef struct Sent:
    uint64_t id
    int64_t deadline
    uint32_t sequence
    uint32_t answer      # the command_id that answers it
    uint32_t attempt
    uint32_t older       # neighbours in the order of sending, or NIL
    uint32_t newer       # of one that is free: the next free one


cdef class Window:
    cdef Sent *sent
    cdef uint32_t *table     # by sequence number: where in ``sent``, or NIL
    cdef uint32_t room       # of ``sent``; the table has twice as many places
    cdef uint32_t shift
    cdef uint32_t free
    cdef uint32_t oldest, newest
    cdef readonly uint32_t count
    cdef readonly uint64_t id
    cdef readonly uint32_t attempt

    cdef uint32_t home(self, uint32_t sequence) noexcept
    cdef int grow(self) except -1
    cdef uint32_t place(self, uint32_t sequence) noexcept
    cdef void forget(self, uint32_t place) noexcept
    cpdef bint has(self, uint32_t sequence)
    cpdef int put(self, uint32_t sequence, uint32_t answer, int64_t deadline, uint64_t id,
                  uint32_t attempt=*) except -1
    cpdef bint take(self, uint32_t sequence, uint32_t command_id)
