"""What the committer needs to see of a frame."""

from libc.stdint cimport int64_t, uint32_t, uint64_t


cdef class Frame:
    cdef unsigned char *data         # malloc'ed; header and records
    cdef size_t capacity             # octets allocated at ``data``
    cdef uint64_t salt               # of the segment
    cdef object cipher               # ``Cipher``, or None
    cdef size_t group                # where the seal of the bodies still in clear is; 0 if none
    cdef bint finished               # whether records have their CRC
    cdef readonly size_t octets      # used at ``data``
    cdef readonly size_t offset      # of the frame in its segment
    cdef readonly uint32_t records   # not counting seals
    cdef readonly uint64_t segment
    cdef readonly uint64_t number
    cdef readonly uint64_t time_ms
    cdef int reserve(self, size_t octets) except -1
    cdef uint64_t put(self, int kind, const char *head, size_t head_octets,
                      const char *body, size_t body_octets) except 0
    cdef size_t add(self, int kind, size_t length, size_t head_octets) except 0
    cdef int close_group(self) except -1
    cdef uint32_t sum_up(self) noexcept nogil


cdef class Appender:
    cdef public int64_t partition
    cdef public int64_t epoch
    cdef public int64_t durable
    cdef public int64_t pending_octets
    cdef readonly size_t frame_octets  # no frame grows beyond this many octets
    cdef public object cipher          # hides bodies of frames opened from now on; None: leaves them
    cdef Frame open

    cpdef uint64_t append(self, int kind, bytes head, bytes body=*) except 0
    cpdef together(self, size_t octets)
