# The map of _finished.pyx: what is kept of a finished message.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from smsc._index cimport Index
from smsc._pdu cimport Message


cdef packed struct Kept:
    uint64_t id          # 0 where one was discarded
    uint32_t check       # of its source address, see source_check
    uint32_t done        # seconds since the epoch
    uint32_t segment     # of the log, where this is written
    uint16_t account
    uint8_t state
    uint8_t error
    uint8_t flags
    uint8_t members


cdef class FinalState:
    cdef readonly uint64_t id
    cdef readonly uint32_t check
    cdef readonly int64_t done
    cdef readonly int account, state, error, flags, members


cdef class _Ids(Index):
    cdef FinalStates states


cdef class FinalStates:
    cdef Kept **chunks          # a ring of them
    cdef uint64_t wrap          # there is room for so many but one
    cdef uint64_t first, next   # these numbers are held
    cdef _Ids ids
    cdef readonly int64_t keep
    cdef readonly uint64_t most
    cdef readonly uint64_t count
    cdef dict segments          # segment -> how many are written there, but for the hot one's change
    cdef uint32_t hot_segment
    cdef int64_t hot_change

    cdef Kept *_at(self, uint64_t number) noexcept
    cdef int _grow(self) except -1
    cdef int _widen(self, uint64_t room) except -1
    cdef int _put(self, const Kept *kept) except -1
    cdef int _discard(self, uint64_t number) except -1
    cdef int _shift(self) except -1
    cdef int _close_up(self) except -1
    cdef int _count_segment(self, uint32_t segment, int change) except -1
    cdef int _fold_hot(self) except -1
    cdef FinalState _value(self, const Kept *kept)

    cpdef int add(self, uint64_t id, uint32_t check, int64_t time, uint32_t segment, int account,
                  int state, int error, int flags, int members) except -1
    cpdef int take(self, int account, bytes entries, uint32_t segment) except -1


cdef class Remembered:
    cdef uint64_t *newer     # 0 where there is no key
    cdef uint64_t *older
    cdef uint64_t mask
    cdef readonly uint64_t least
    cdef uint64_t count      # keys in the newer one

    cdef uint64_t *_place(self, uint64_t *table, uint64_t key) noexcept
    cdef bytes _sorted(self, size_t address)
    cpdef int add(self, uint64_t key) except -1
    cpdef bint has(self, uint64_t key) except -1


cpdef uint32_t source_check(uint64_t id, int ton, int npi, bytes address) except 0
cpdef uint32_t source_check_of(uint64_t id, Message message) except 0
cpdef int error_octet(bytes network_error, bytes error, uint32_t status) except -1
