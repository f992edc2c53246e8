"""A session's window: a pool of small C structs, found by sequence number.

Open addressing with linear probing over a table that is half full at most, deletion by shifting
back (Knuth 6.4, algorithm R). Sequence numbers follow upon each other; multiplied by the golden
ratio they lie evenly apart (Knuth 6.4, theorem S), so that deletion has next to nothing to shift.
Nothing is allocated before the first request: most of many binds never send one.
"""

cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

cdef enum:
    FIRST_ROOM = 8
    GENERIC_NACK = 0x80000000

cdef uint32_t NIL = 0xFFFFFFFF
cdef uint32_t GOLDEN = 2654435769  # 2**32 divided by the golden ratio


@cython.final
@cython.no_gc
cdef class Window:
    def __cinit__(self):
        self.sent = NULL
        self.table = NULL
        self.room = self.count = self.attempt = self.shift = 0
        self.id = 0
        self.free = self.oldest = self.newest = NIL

    def __dealloc__(self):
        free(self.sent)
        free(self.table)

    cdef int grow(self) except -1:
        cdef uint32_t room = 2 * self.room or FIRST_ROOM, at
        cdef Sent *sent = <Sent *>realloc(self.sent, room * sizeof(Sent))
        if sent == NULL:
            raise MemoryError
        self.sent = sent
        cdef uint32_t *table = <uint32_t *>malloc(2 * room * sizeof(uint32_t))
        if table == NULL:
            raise MemoryError
        free(self.table)
        self.table = table
        memset(table, 0xFF, 2 * room * sizeof(uint32_t))
        for at in range(self.room, room):
            sent[at].newer = at + 1 if at + 1 < room else NIL
        self.free = self.room
        self.room = room
        self.shift = 32
        while room:  # as many bits as number the places
            self.shift -= 1
            room >>= 1
        at = self.oldest
        while at != NIL:
            table[self.place(sent[at].sequence)] = at
            at = sent[at].newer
        return 0

    cdef inline uint32_t home(self, uint32_t sequence) noexcept:
        return (sequence * GOLDEN) >> self.shift

    cdef uint32_t place(self, uint32_t sequence) noexcept:
        """Where in the table it is, or would be."""
        cdef uint32_t mask = 2 * self.room - 1, place = self.home(sequence)
        while self.table[place] != NIL and self.sent[self.table[place]].sequence != sequence:
            place = (place + 1) & mask
        return place

    cdef void forget(self, uint32_t place) noexcept:
        """Free what is found there."""
        cdef uint32_t mask = 2 * self.room - 1, at = self.table[place], home
        cdef Sent *one = &self.sent[at]
        if one.older == NIL:
            self.oldest = one.newer
        else:
            self.sent[one.older].newer = one.newer
        if one.newer == NIL:
            self.newest = one.older
        else:
            self.sent[one.newer].older = one.older
        one.newer = self.free
        self.free = at
        self.count -= 1
        cdef uint32_t hole = place
        while True:
            place = (place + 1) & mask
            if self.table[place] == NIL:
                break
            home = self.home(self.sent[self.table[place]].sequence)
            if ((place - home) & mask) >= ((place - hole) & mask):
                self.table[hole] = self.table[place]
                hole = place
        self.table[hole] = NIL

    cpdef bint has(self, uint32_t sequence):
        return self.count != 0 and self.table[self.place(sequence)] != NIL

    cpdef int put(self, uint32_t sequence, uint32_t answer, int64_t deadline, uint64_t id,
                  uint32_t attempt=0) except -1:
        cdef uint32_t at
        cdef Sent *one
        if self.free == NIL:
            self.grow()
        at = self.free
        one = &self.sent[at]
        self.free = one.newer
        one.id, one.attempt = id, attempt
        one.sequence, one.answer, one.deadline = sequence, answer, deadline
        one.older, one.newer = self.newest, NIL
        if self.newest == NIL:
            self.oldest = at
        else:
            self.sent[self.newest].newer = at
        self.newest = at
        self.table[self.place(sequence)] = at
        self.count += 1
        return 0

    cpdef bint take(self, uint32_t sequence, uint32_t command_id):
        cdef uint32_t place
        cdef Sent *one
        if self.count == 0:
            return False
        place = self.place(sequence)
        if self.table[place] == NIL:
            return False
        one = &self.sent[self.table[place]]
        if command_id != one.answer and command_id != <uint32_t>GENERIC_NACK:
            return False
        self.id, self.attempt = one.id, one.attempt
        self.forget(place)
        return True

    def expired(self, int64_t now, int64_t most):
        cdef list overdue = []
        cdef Sent *one
        while self.oldest != NIL and <int64_t>len(overdue) < most:
            one = &self.sent[self.oldest]
            if one.deadline > now:
                break
            overdue.append((one.sequence, one.id, one.attempt))
            self.forget(self.place(one.sequence))
        return overdue

    def leftovers(self):
        cdef list left = []
        cdef Sent *one
        while self.oldest != NIL:
            one = &self.sent[self.oldest]
            left.append((one.id, one.attempt))
            self.forget(self.place(one.sequence))
        return left
