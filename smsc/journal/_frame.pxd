"""What the committer needs to see of a frame."""

from libc.stdint cimport uint32_t, uint64_t


cdef class Frame:
    cdef unsigned char *data         # malloc'ed; header and records
    cdef size_t capacity             # octets allocated at ``data``
    cdef uint32_t seed               # CRC register after the segment's salt
    cdef uint32_t digest             # CRC register over the records' CRCs so far
    cdef uint64_t salt               # of the segment
    cdef readonly size_t octets      # used at ``data``
    cdef readonly size_t offset      # of the frame in its segment
    cdef readonly uint32_t records
    cdef readonly uint64_t segment
    cdef readonly uint64_t number
    cdef readonly uint64_t time_ms
    cdef int reserve(self, size_t octets) except -1
    cdef uint64_t add(self, int kind, const char *head, size_t head_octets,
                      const char *body, size_t body_octets) except 0
