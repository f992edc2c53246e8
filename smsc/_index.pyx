"""Numbers that are found by 64-bit values, and no put that waits for all the others to move.

Open addressing without tombstones, spread over many small tables by a hash of the value. Each of
them doubles by itself when it is three quarters full and halves when it is nearly empty: 5.3 to
10.7 octets a number, and of ten million a put moves no more than twenty thousand.

Sixteen values that follow upon each other have their homes on one line of the processor's cache, as
ids that are given together are asked for together; such lines are laid out by the golden ratio,
which keeps those that follow upon each other evenly apart (Knuth 6.4, theorem S).

The values are not kept here: ``value``, which whoever owns the numbers overrides, says them. All
that share the low half of their value have one home, so that they are met on one walk.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

cdef uint32_t NIL = 0xFFFFFFFF

cdef enum:
    LINE_BITS = 4
    LINE = 16  # places on a line of 64 octets
    LEAST = 16  # places of a table that was ever put into
    PIECE = 1048576  # octets that are loaded at a time

#: The one place of every table that was never put into. Nothing is written there.
cdef uint32_t _NOWHERE = NIL


cdef inline uint64_t spread(uint64_t value) noexcept nogil:
    """Where the line of a value lies, as a part of 2**64."""
    return <uint64_t>(<uint32_t>value >> LINE_BITS) * <uint64_t>0x9E3779B97F4A7C15


cdef inline uint32_t home(const Part *part, uint64_t value) noexcept nogil:
    """The place of its table that a value belongs to."""
    cdef uint64_t lines = (part.mask + <uint64_t>1) >> LINE_BITS
    cdef uint64_t line = ((spread(value) << PART_BITS) >> 32) * lines >> 32
    return (<uint32_t>(line << LINE_BITS) | <uint32_t>value & (LINE - 1)) & part.mask


cdef int fill(char *target, size_t size, read) except -1:
    """Put the next ``size`` octets of ``read`` there."""
    cdef size_t at, octets
    cdef bytes piece
    for at in range(0, size, PIECE):
        octets = min(<size_t>PIECE, size - at)
        piece = read(octets)
        if <size_t>PyBytes_GET_SIZE(piece) != octets:
            raise ValueError("there is less than was said")
        memcpy(target + at, PyBytes_AS_STRING(piece), octets)
    return 0


cdef class Index:
    """See the module."""

    def __cinit__(self):
        cdef uint32_t n
        for n in range(PARTS):
            self.parts[n].places = &_NOWHERE

    def __dealloc__(self):
        cdef uint32_t n
        for n in range(PARTS):
            if self.parts[n].mask:
                free(self.parts[n].places)

    cdef uint64_t value(self, uint32_t number) noexcept:
        """What a number is found by; it stays as long as the number is in here."""
        return number

    cdef inline Part *part(self, uint64_t value) noexcept:
        return &self.parts[spread(value) >> (64 - PART_BITS)]

    cdef uint32_t *place(self, uint64_t value) noexcept:
        """Where the number with this value stands, or an empty place."""
        cdef Part *part = self.part(value)
        cdef uint32_t at = home(part, value)
        while part.places[at] != NIL and self.value(part.places[at]) != value:
            at = (at + 1) & part.mask
        return &part.places[at]

    cdef uint32_t get(self, uint64_t value) noexcept:
        """The number with this value, or NIL."""
        return self.place(value)[0]

    cdef list sharing(self, uint32_t low):
        """Every number whose value ends in these 32 bits."""
        cdef Part *part = self.part(low)
        cdef uint32_t at = home(part, low)
        cdef list found = []
        while part.places[at] != NIL:
            if <uint32_t>self.value(part.places[at]) == low:
                found.append(part.places[at])
            at = (at + 1) & part.mask
        return found

    cdef int put(self, uint64_t value, uint32_t number) except -1:
        cdef Part *part = self.part(value)
        cdef uint32_t at
        if (part.used + 1) * <uint64_t>4 > (part.mask + <uint64_t>1) * 3:
            self.resize(part, 2 * (part.mask + <uint64_t>1) if part.mask else LEAST)
        at = home(part, value)
        while part.places[at] != NIL:
            at = (at + 1) & part.mask
        part.places[at] = number
        part.used += 1
        return 0

    cdef int drop(self, uint64_t value, uint32_t number) except -1:
        cdef Part *part = self.part(value)
        cdef uint32_t at = home(part, value), hole, its
        while part.places[at] != number:
            if part.places[at] == NIL:
                return 0
            at = (at + 1) & part.mask
        # Backward-shift deletion (Knuth 6.4, algorithm R).
        hole = at
        while True:
            at = (at + 1) & part.mask
            if part.places[at] == NIL:
                break
            its = home(part, self.value(part.places[at]))
            if ((at - its) & part.mask) >= ((at - hole) & part.mask):
                part.places[hole] = part.places[at]
                hole = at
        part.places[hole] = NIL
        part.used -= 1
        if part.mask >= LEAST and part.used < part.mask >> 3:
            self.resize(part, (part.mask + <uint64_t>1) >> 1)
        return 0

    cdef int resize(self, Part *part, uint64_t size) except -1:
        cdef uint32_t *places = <uint32_t *>malloc(size * sizeof(uint32_t))
        cdef Part fresh
        cdef uint32_t number, at
        cdef uint64_t old
        if places == NULL:
            raise MemoryError
        memset(places, 0xFF, size * sizeof(uint32_t))
        fresh.places, fresh.mask, fresh.used = places, <uint32_t>(size - 1), part.used
        for old in range(part.mask + <uint64_t>1):
            number = part.places[old]
            if number != NIL:
                at = home(&fresh, self.value(number))
                while places[at] != NIL:
                    at = (at + 1) & fresh.mask
                places[at] = number
        if part.mask:
            free(part.places)
        part[0] = fresh
        return 0

    # -- as octets ---------------------------------------------------------------------------

    cdef bytes sizes(self):
        """What ``load`` has to know before: of each table's size the logarithm."""
        cdef uint8_t found[PARTS]
        cdef uint32_t n, mask
        for n in range(PARTS):
            mask, found[n] = self.parts[n].mask, 0
            while mask:
                mask >>= 1
                found[n] += 1
        return PyBytes_FromStringAndSize(<const char *>found, PARTS)

    def pieces(self):
        """The octets of all tables."""
        cdef uint32_t n
        for n in range(PARTS):
            if self.parts[n].mask:
                yield PyBytes_FromStringAndSize(
                    <const char *>self.parts[n].places,
                    (self.parts[n].mask + <size_t>1) * sizeof(uint32_t),
                )

    cdef int64_t load(self, bytes sizes, uint32_t below, read) except -1:
        """Become what was dumped, by ``read`` of its pieces; how many numbers it has.

        There was none in here before. All must lie below so much.
        """
        cdef uint32_t n
        cdef uint64_t at
        cdef int64_t total = 0
        cdef Part *part
        if PyBytes_GET_SIZE(sizes) != PARTS:
            raise ValueError("no index has so many tables")
        for n in range(PARTS):
            if sizes[n] == 0:
                continue
            if sizes[n] > 31:
                raise ValueError("no table has so many places")
            part = &self.parts[n]
            self.resize(part, <uint64_t>1 << <uint8_t>sizes[n])
            fill(<char *>part.places, (part.mask + <size_t>1) * sizeof(uint32_t), read)
            for at in range(part.mask + <uint64_t>1):
                if part.places[at] != NIL:
                    if part.places[at] >= below:
                        raise ValueError("a number leads nowhere")
                    part.used += 1
            if part.used > part.mask:
                raise ValueError("a table has no end")
            total += part.used
        return total

    cdef uint64_t octets(self) noexcept:
        """Memory held."""
        cdef uint64_t total = sizeof(self.parts)
        cdef uint32_t n
        for n in range(PARTS):
            if self.parts[n].mask:
                total += (self.parts[n].mask + <uint64_t>1) * sizeof(uint32_t)
        return total
