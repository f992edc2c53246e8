# The map of _fresh.pyx. Promises to users are in _fresh.pyi.

from libc.stdint cimport uint64_t


cdef enum:
    C_PLACES = 16384


cdef class Fresh:
    cdef uint64_t _ids[C_PLACES]   # 0 where there is nothing
    cdef list _octets

    cpdef keep(self, uint64_t id, bytes octets)
    cpdef bytes take(self, uint64_t id)
