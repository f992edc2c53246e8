from libc.stdint cimport int64_t


cdef class Commit:
    cdef object _log
    cdef object _loop
    cdef object _clock
    cdef object _on_failure
    cdef dict _staged
    cdef list _calls
    cdef object _frames
    cdef bint _scheduled
    cdef bint _failed
    cdef list _relief
    cdef list _draining
    cdef readonly bint congested
    cdef bint _held
    cdef list _last
    cdef readonly long frames
    cdef readonly list waits
    cdef readonly int64_t waits_us
    cdef int64_t _opened

    cpdef int64_t begin(self) except -1
    cpdef stage(self, sink, item)
    cpdef stage_all(self, sink, list items)
