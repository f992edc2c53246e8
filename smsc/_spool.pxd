# The map of _spool.pyx: what an entry holds, and what of the slab other compiled modules call.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from smsc._index cimport Index
from smsc._pdu cimport Cursor, Message


cdef struct Entry:
    uint64_t id          # 0 in a free entry
    uint64_t position    # of the record that holds the body
    uint64_t key         # correlation key, 0 for none; while there is a pair, its two neighbours
    uint32_t due         # tick at which the wheel hands it out
    uint32_t expiry      # tick after which it is no longer worth sending
    uint32_t prev
    uint32_t next
    uint32_t queue       # the list it stands in, NIL for none
    uint32_t sent        # tick of the newest attempt, 0 for none
    uint32_t pair        # hash that the entry is found by among others, 0 for none
    uint16_t account
    uint16_t carrier
    uint8_t state
    uint8_t lane
    uint8_t attempt
    uint8_t flags


cdef struct ListHead:
    uint32_t head
    uint32_t tail
    uint32_t count


cdef class _Ids(Index):
    cdef Slab slab


cdef class _Keys(Index):
    cdef Slab slab


cdef class _Pairs(Index):
    cdef Slab slab

    cdef int join(self, uint32_t slot, Entry *e, uint32_t pair) except -1
    cdef int leave(self, uint32_t slot, Entry *e) except -1


cdef class Slab:
    cdef Entry **chunks
    cdef uint32_t chunk_count
    cdef uint32_t top           # slots ever used
    cdef uint32_t free_head
    cdef readonly uint32_t count
    cdef uint32_t *by_account   # entries of each account
    cdef ListHead *lists
    cdef uint32_t list_count
    cdef uint32_t list_room
    cdef _Ids ids
    cdef _Keys keys
    cdef _Pairs pairs
    cdef uint32_t now           # the wheel's tick: everything due up to it was handed out
    cdef dict segments          # segment -> entries whose body lies there, but for hot_change
    cdef uint64_t hot_segment   # the segment counted last, and what it is off in the dict
    cdef int64_t hot_change

    cdef Entry *entry(self, uint32_t slot) noexcept
    cdef Entry *live(self, uint32_t slot) except NULL
    cdef int _dead(self, uint32_t slot) except -1
    cdef int _grow(self) except -1
    cdef void _unlink(self, Entry *e) noexcept
    cdef void _push(self, uint32_t slot, Entry *e, uint32_t queue) noexcept
    cdef int _allot_lists(self, uint32_t count) except -1
    cdef int _check(self) except -1
    cdef int _check_list(self, uint32_t queue) except -1
    cdef void _bucket(self, uint32_t slot, Entry *e) noexcept
    cdef void _cascade(self, uint32_t queue) noexcept
    cdef int _count_segment(self, uint64_t segment, int change) except -1
    cdef int _fold_hot(self) except -1

    cpdef int64_t add(self, uint64_t id, uint64_t position, uint16_t account, uint16_t carrier, uint8_t state, uint8_t lane, uint8_t attempt, uint8_t flags, int64_t expiry_ms) except -1
    cpdef int remove(self, uint32_t slot) except -1
    cpdef uint32_t of_account(self, uint16_t account) noexcept
    cpdef int64_t find(self, uint64_t id) noexcept
    cpdef int64_t find_key(self, uint64_t key) noexcept
    cpdef int set_key(self, uint32_t slot, uint64_t key) except -1
    cpdef int set_pair(self, uint32_t slot, uint32_t pair) except -1
    cpdef uint32_t pair(self, uint32_t slot) except? 0
    cpdef uint64_t id(self, uint32_t slot) except? 0
    cpdef uint64_t position(self, uint32_t slot) except? 0
    cpdef int move(self, uint32_t slot, uint64_t position) except -1
    cpdef uint64_t key(self, uint32_t slot) except? 0
    cpdef int account(self, uint32_t slot) except -1
    cpdef int carrier(self, uint32_t slot) except -1
    cpdef int state(self, uint32_t slot) except -1
    cpdef int lane(self, uint32_t slot) except -1
    cpdef int attempt(self, uint32_t slot) except -1
    cpdef int flags(self, uint32_t slot) except -1
    cpdef int64_t due(self, uint32_t slot) except -1
    cpdef int64_t expiry(self, uint32_t slot) except -1
    cpdef int set_state(self, uint32_t slot, uint8_t state) except -1
    cpdef int set_attempt(self, uint32_t slot, uint8_t attempt, uint16_t carrier) except -1
    cpdef int64_t sent(self, uint32_t slot) except -1
    cpdef int set_sent(self, uint32_t slot, int64_t sent_ms) except -1
    cpdef int set_flag(self, uint32_t slot, uint8_t flag) except -1
    cpdef int set_flags(self, uint32_t slot, uint8_t flags) except -1
    cpdef int set_expiry(self, uint32_t slot, int64_t expiry_ms) except -1
    cpdef int64_t new_list(self) except -1
    cpdef int push(self, uint32_t slot, uint32_t queue) except -1
    cpdef int push_front(self, uint32_t slot, uint32_t queue) except -1
    cpdef int unlink(self, uint32_t slot) except -1
    cpdef int64_t pop(self, uint32_t queue) except -2
    cpdef int64_t head(self, uint32_t queue) except -2
    cpdef int64_t length(self, uint32_t queue) except -1
    cpdef uint32_t linked(self, uint32_t slot) except? 0
    cpdef int schedule(self, uint32_t slot, int64_t due_ms) except -1
    cpdef int start(self, int64_t now_ms) except -1


cdef uint64_t hash_of(uint64_t h, Cursor value) noexcept nogil
cpdef uint64_t key_of(bytes scope, bytes value) except 0
cpdef uint32_t pair_of(bytes scope, bytes one, bytes other) except 0
cpdef uint32_t pair_in(bytes scope, Message message) except 0
