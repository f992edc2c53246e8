cdef class Share:
    cdef object _note, _queue
    cdef public long left

    cpdef long take(self, long count) except -1


cdef class Turns:
    cdef object _soon, _clock
    cdef bint _noted
    cdef readonly Share carriers, clients
    cdef public bint answered
