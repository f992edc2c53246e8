# The map of _index.pyx: what owners of numbers say to it, and what they call.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t


cdef enum:
    PART_BITS = 9
    PARTS = 512


cdef struct Part:
    uint32_t *places    # numbers, and NIL where there is none
    uint32_t mask       # there are so many places but one
    uint32_t used


cdef class Index:
    cdef Part parts[PARTS]

    cdef uint64_t value(self, uint32_t number) noexcept
    cdef Part *part(self, uint64_t value) noexcept
    cdef uint32_t *place(self, uint64_t value) noexcept
    cdef uint32_t get(self, uint64_t value) noexcept
    cdef list sharing(self, uint32_t low)
    cdef int put(self, uint64_t value, uint32_t number) except -1
    cdef int drop(self, uint64_t value, uint32_t number) except -1
    cdef int resize(self, Part *part, uint64_t size) except -1
    cdef bytes sizes(self)
    cdef int64_t load(self, bytes sizes, uint32_t below, read) except -1
    cdef uint64_t octets(self) noexcept


cdef int fill(char *target, size_t size, read) except -1


cdef inline uint64_t mix(uint64_t x) noexcept nogil:
    # The finaliser of splitmix64: ids are consecutive, places must not be.
    x ^= x >> 30
    x *= <uint64_t>0xBF58476D1CE4E5B9
    x ^= x >> 27
    x *= <uint64_t>0x94D049BB133111EB
    x ^= x >> 31
    return x
