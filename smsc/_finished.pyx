"""What clients may still ask about messages that have ended: a bounded table of final states.

26 octets each, in the order in which they ended, found by their ids; none is a Python object, and
none is moved. A source address is not kept: of it there is a hash, salted with the message's id,
that an address somebody names can be compared with. The oldest go when there are more than so many
(``most``), and none is told of after so long (``keep``, ms).

A fold over the log: ``add`` takes what a FINAL record says, ``take`` what a STATES record carries
forward. After a replay those that were carried stand behind some that ended later. So which of them
give way when there are too many may differ after a restart, and nothing else does.
"""

from array import array

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from smsc._index cimport Index, fill, mix
from smsc._pdu cimport Cursor, Message, body, within
from smsc._receipt cimport number_of
from smsc._spool cimport hash_of
from smsc.records import MAX_STATES, STATE_OCTETS

cdef uint32_t NIL = 0xFFFFFFFF

cdef enum:
    CHUNK_BITS = 12
    CHUNK = 4096  # 104 KiB, which go when all in them are gone
    NUMBERS = 0x7FFFFFFF  # what of a number is in the index
    LEAST = 2048  # places of a table of keys

cdef uint32_t _MAX_STATES = MAX_STATES


cdef packed struct StateLayout:
    uint64_t id
    uint32_t check
    uint32_t done
    uint8_t state
    uint8_t error
    uint8_t flags
    uint8_t members


if sizeof(StateLayout) != STATE_OCTETS:
    raise ImportError("the states' layout is not that of their records")


cpdef uint32_t source_check(uint64_t id, int ton, int npi, bytes address) except 0:
    """What is kept of a message's source address. It can't be 0, and tells nothing without the id.

    Of two addresses one in four thousand million passes for the other.
    """
    return _check(id, ton, npi, body(address, 0))


cpdef uint32_t source_check_of(uint64_t id, Message message) except 0:
    message._decoded()
    return _check(
        id, message.source_addr_ton, message.source_addr_npi,
        within(message.raw, &message._source_addr),
    )


cdef uint32_t _check(uint64_t id, int ton, int npi, Cursor address) noexcept:
    cdef uint64_t h = hash_of(mix(id) ^ <uint64_t>(ton << 8 | npi), address)
    return <uint32_t>h if <uint32_t>h else 1


cpdef int error_octet(bytes network_error, bytes error, uint32_t status) except -1:
    """The error_code of a query_sm_resp: the first of these that was given and fits an octet.

    The network's error code, the number behind a receipt's ``err:``, the carrier's command_status.
    """
    cdef const uint8_t *code = <const uint8_t *>PyBytes_AS_STRING(network_error)
    cdef int number
    if PyBytes_GET_SIZE(network_error) == 3 and code[1] == 0 and code[2]:
        return code[2]
    number = number_of(error)
    if 0 < number < 256:
        return number
    return status if status < 256 else 0


@cython.final
cdef class FinalState:
    pass


@cython.final
cdef class _Ids(Index):
    def __cinit__(self, FinalStates states):
        self.states = states

    cdef uint64_t value(self, uint32_t number) noexcept:
        return self.states._at(number).id


@cython.final
cdef class FinalStates:
    """See the module."""

    def __cinit__(self, int64_t keep, uint64_t most):
        self.keep = keep
        self.most = most
        self.segments = {}
        self.ids = _Ids(self)
        self._widen(1)

    def __dealloc__(self):
        while self.first >> CHUNK_BITS << CHUNK_BITS < self.next:
            free(self.chunks[self.first >> CHUNK_BITS & self.wrap])
            self.first += CHUNK
        free(self.chunks)

    def __len__(self):
        return self.count

    cdef inline Kept *_at(self, uint64_t number) noexcept:
        return &self.chunks[number >> CHUNK_BITS & self.wrap][number & (CHUNK - 1)]

    # -- finding -----------------------------------------------------------------------------

    cdef FinalState _value(self, const Kept *kept):
        cdef FinalState value = FinalState.__new__(FinalState)
        value.id = kept.id
        value.check = kept.check
        value.done = <int64_t>kept.done * 1000
        value.account = kept.account
        value.state = kept.state
        value.error = kept.error
        value.flags = kept.flags
        value.members = kept.members
        return value

    def find(self, uint64_t id, int64_t now):
        """How ``id`` ended, or None if that is not known or too long ago at ``now``."""
        cdef uint32_t number = self.ids.get(id)
        if number == NIL or <int64_t>self._at(number).done * 1000 + self.keep <= now:
            return None
        return self._value(self._at(number))

    def find_short(self, uint32_t short, int64_t now):
        """All whose id ends in these 32 bits, the highest id first."""
        cdef list found = []
        cdef uint32_t number
        for number in self.ids.sharing(short):
            if <int64_t>self._at(number).done * 1000 + self.keep > now:
                found.append(self._value(self._at(number)))
        return sorted(found, key=_by_id, reverse=True)

    # -- the fold ----------------------------------------------------------------------------

    cpdef int add(self, uint64_t id, uint32_t check, int64_t time, uint32_t segment, int account,
                  int state, int error, int flags, int members) except -1:
        """A message has ended at ``time``, says a record in this segment."""
        cdef Kept kept
        cdef uint32_t horizon
        kept.id = id
        kept.check = check
        kept.done = <uint32_t>(time // 1000)
        kept.segment = segment
        kept.account = account
        kept.state = state
        kept.error = error
        kept.flags = flags
        kept.members = members
        # What is too old goes: they stand in the order in which they ended, or nearly.
        horizon = <uint32_t>((time - self.keep) // 1000) if time > self.keep else 0
        while self.first != self.next and self._at(self.first).done < horizon:
            self._shift()
        return self._put(&kept)

    cpdef int take(self, int account, bytes entries, uint32_t segment) except -1:
        """What a record carries forward into this segment, as it was written by ``left_behind``."""
        cdef StateLayout f
        cdef Kept kept
        cdef size_t at = 0, end = <size_t>PyBytes_GET_SIZE(entries)
        cdef uint32_t number
        while at + sizeof(f) <= end:
            memcpy(&f, PyBytes_AS_STRING(entries) + at, sizeof(f))
            at += sizeof(f)
            number = self.ids.get(f.id)
            if number != NIL:
                self._count_segment(self._at(number).segment, -1)
                self._count_segment(segment, 1)
                self._at(number).segment = segment
                continue
            kept.id = f.id
            kept.check = f.check
            kept.done = f.done
            kept.segment = segment
            kept.account = account
            kept.state = f.state
            kept.error = f.error
            kept.flags = f.flags
            kept.members = f.members
            self._put(&kept)
        return 0

    cdef int _put(self, const Kept *kept) except -1:
        cdef uint32_t number = self.ids.get(kept.id)
        if number != NIL:  # the last word counts
            self._discard(number)
            self._close_up()
        if not self.most:
            return 0
        while self.count >= self.most:
            self._shift()
        if self.next & (CHUNK - 1) == 0:
            self._grow()
        self._at(self.next)[0] = kept[0]
        self.ids.put(kept.id, <uint32_t>(self.next & NUMBERS))
        self.next += 1
        self.count += 1
        return self._count_segment(kept.segment, 1)

    cdef int _shift(self) except -1:
        """Let the first one go."""
        self._discard(self.first)
        return self._close_up()

    cdef int _close_up(self) except -1:
        """There is no gap before the first one."""
        while self.first != self.next and self._at(self.first).id == 0:
            self.first += 1
            if self.first & (CHUNK - 1) == 0:
                free(self.chunks[(self.first - 1) >> CHUNK_BITS & self.wrap])
        return 0

    cdef int _discard(self, uint64_t number) except -1:
        """Let the one with this number go."""
        cdef Kept *kept = self._at(number)
        self.ids.drop(kept.id, <uint32_t>(number & NUMBERS))
        self._count_segment(kept.segment, -1)
        kept.id = 0
        self.count -= 1
        return 0

    cdef int _grow(self) except -1:
        """Make room for the next ones: a chunk begins."""
        cdef Kept *chunk
        if (self.next >> CHUNK_BITS) - (self.first >> CHUNK_BITS) > self.wrap:
            self._widen(2 * (self.wrap + 1))
        chunk = <Kept *>malloc(CHUNK * sizeof(Kept))
        if chunk == NULL:
            raise MemoryError
        self.chunks[self.next >> CHUNK_BITS & self.wrap] = chunk
        return 0

    cdef int _widen(self, uint64_t room) except -1:
        """Have room for so many chunks, a power of two."""
        cdef Kept **chunks = <Kept **>malloc(room * sizeof(Kept *))
        cdef uint64_t n
        if chunks == NULL:
            raise MemoryError
        for n in range(self.first >> CHUNK_BITS, (self.next + CHUNK - 1) >> CHUNK_BITS):
            chunks[n & (room - 1)] = self.chunks[n & self.wrap]
        free(self.chunks)
        self.chunks, self.wrap = chunks, room - 1
        return 0

    # -- forgetting --------------------------------------------------------------------------

    cdef int _count_segment(self, uint32_t segment, int change) except -1:
        # As in the slab: mostly it is the segment of the call before.
        if segment != self.hot_segment:
            self._fold_hot()
            self.hot_segment = segment
        self.hot_change += change
        return 0

    cdef int _fold_hot(self) except -1:
        cdef int64_t n = self.segments.get(self.hot_segment, 0) + self.hot_change
        self.hot_change = 0
        if n:
            self.segments[self.hot_segment] = n
        else:
            self.segments.pop(self.hot_segment, None)
        return 0

    def oldest_segment(self):
        """The oldest segment that says how something ended, or -1."""
        self._fold_hot()
        return min(self.segments) if self.segments else -1

    def left_behind(self, uint64_t cursor, uint64_t limit, uint32_t below, int64_t now):
        """``([(account, entries)], cursor)``: what is written in segments before ``below``.

        Looks at ``limit`` of them from ``cursor``; a cursor of 0 comes back after the last one. The
        entries are those of STATES records; what is too old is let go.
        """
        cdef uint64_t number = max(cursor, self.first), end = min(self.next, number + limit)
        cdef dict gathered = {}
        cdef list full = []
        cdef StateLayout f
        cdef Kept *kept
        cdef list entries
        while number < end:
            kept = self._at(number)
            number += 1
            if kept.id == 0 or kept.segment >= below:
                continue
            if <int64_t>kept.done * 1000 + self.keep <= now:
                self._discard(number - 1)
                continue
            f.id = kept.id
            f.check = kept.check
            f.done = kept.done
            f.state = kept.state
            f.error = kept.error
            f.flags = kept.flags
            f.members = kept.members
            entries = gathered.setdefault(kept.account, [])
            entries.append(PyBytes_FromStringAndSize(<const char *>&f, sizeof(f)))
            if <uint32_t>len(entries) == _MAX_STATES:
                full.append((kept.account, b"".join(gathered.pop(kept.account))))
        self._close_up()
        full += [(account, b"".join(entries)) for account, entries in gathered.items()]
        return full, (0 if number >= self.next else number)

    # -- as octets ---------------------------------------------------------------------------

    def dump(self):
        """``(facts, pieces)`` of which ``load`` makes the same again; nothing may change meanwhile."""
        self._fold_hot()
        facts = self.keep, self.most, self.next - self.first, tuple(sorted(self.segments.items()))
        return facts, self._pieces()

    def _pieces(self):
        cdef uint64_t number = self.first, count
        while number < self.next:
            count = min(CHUNK - (number & (CHUNK - 1)), self.next - number)
            yield PyBytes_FromStringAndSize(<const char *>self._at(number), count * sizeof(Kept))
            number += count

    def load(self, tuple facts, read):
        """Become what was dumped; ``read(n)`` gives the next ``n`` octets of its pieces.

        This one is new, and of no use after a ValueError: others would be kept here.
        """
        cdef uint64_t count, number, end
        keep, most, end, segments = facts
        if (keep, most) != (self.keep, self.most):
            raise ValueError("final states are kept for another time, or another number of them")
        while self.next < end:
            self._grow()
            number = self.next
            count = min(<uint64_t>CHUNK, end - number)
            self.next += count
            fill(<char *>self._at(number), count * sizeof(Kept), read)
            for number in range(number, self.next):
                if self._at(number).id:
                    self.ids.put(self._at(number).id, <uint32_t>(number & NUMBERS))
                    self.count += 1
        self.segments = dict(segments)

    def become(self, FinalStates other, const uint16_t[::1] accounts):
        """Become what another is, which is of no use any more.

        Account ``n`` of the other one is ``accounts[n]`` here.
        """
        cdef uint64_t number
        cdef Kept *kept
        if self.next != self.first:
            raise ValueError("something is kept here already")
        for number in range(other.first, other.next):
            if other._at(number).account >= accounts.shape[0]:
                raise ValueError("of an account without a name")
        for number in range(other.first, other.next):
            kept = other._at(number)
            kept.account = accounts[kept.account]
        self.chunks, other.chunks = other.chunks, self.chunks
        self.wrap, other.wrap = other.wrap, self.wrap
        self.ids, other.ids = other.ids, self.ids
        self.ids.states, other.ids.states = self, other
        self.first, self.next, self.count = other.first, other.next, other.count
        other.first = other.next = other.count = 0
        self.segments = other.segments

    # -- for tests and metrics ---------------------------------------------------------------

    def held(self, int64_t now):
        """All that may be told at ``now``."""
        cdef uint64_t number
        cdef list found = []
        cdef Kept *kept
        for number in range(self.first, self.next):
            kept = self._at(number)
            if kept.id and <int64_t>kept.done * 1000 + self.keep > now:
                found.append(self._value(kept))
        return found

    @property
    def octets(self):
        """Memory held."""
        cdef uint64_t chunks = (self.next + CHUNK - 1 >> CHUNK_BITS) - (self.first >> CHUNK_BITS)
        return chunks * CHUNK * sizeof(Kept) + self.ids.octets()


@cython.final
cdef class Remembered:
    """See _finished.pyi. Two tables with open addressing; the older one goes as a whole."""

    def __cinit__(self, uint64_t least):
        cdef uint64_t size = LEAST
        while size < 2 * least:
            size *= 2
        self.least = least
        self.mask = size - 1
        self.newer = <uint64_t *>calloc(size, sizeof(uint64_t))
        self.older = <uint64_t *>calloc(size, sizeof(uint64_t))
        if self.newer == NULL or self.older == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.newer)
        free(self.older)

    cdef uint64_t *_place(self, uint64_t *table, uint64_t key) noexcept:
        """Where a key is, or would be put."""
        cdef uint64_t at = key & self.mask
        while table[at] != 0 and table[at] != key:
            at = (at + 1) & self.mask
        return &table[at]

    cpdef int add(self, uint64_t key) except -1:
        cdef uint64_t *place
        if key == 0:
            raise ValueError("a key is not 0")
        if self.count >= self.least:
            self.newer, self.older = self.older, self.newer
            memset(self.newer, 0, (self.mask + 1) * sizeof(uint64_t))
            self.count = 0
        place = self._place(self.newer, key)
        if place[0] != key:
            place[0] = key
            self.count += 1
        return 0

    cpdef bint has(self, uint64_t key) except -1:
        if key == 0:
            return False
        return self._place(self.newer, key)[0] == key or self._place(self.older, key)[0] == key

    def dump(self):
        """``(facts, pieces)`` of which ``load`` makes the same again."""
        pieces = self._sorted(<size_t>self.older), self._sorted(<size_t>self.newer)
        return (self.least, len(pieces[0]), len(pieces[1])), pieces

    cdef bytes _sorted(self, size_t address):
        cdef uint64_t *table = <uint64_t *>address
        cdef uint64_t at
        return array("Q", sorted([table[at] for at in range(self.mask + 1) if table[at]])).tobytes()

    def load(self, tuple facts, read):
        """Become what was dumped; ``read(n)`` gives the next ``n`` octets of its pieces.

        This one is new, and of no use after a ValueError.
        """
        cdef uint64_t key
        least, older, newer = facts
        if least != self.least or max(newer, older) > 8 * least:
            raise ValueError("another number of keys is remembered")
        for octets in (older, newer):
            self.newer, self.older = self.older, self.newer
            self.count = 0
            for key in array("Q", read(octets)):
                self.add(key)

    def become(self, Remembered other):
        """Become what another is, as many are remembered there; it is of no use any more."""
        self.newer, other.newer = other.newer, self.newer
        self.older, other.older = other.older, self.older
        self.count = other.count


def _by_id(FinalState value):
    return value.id
