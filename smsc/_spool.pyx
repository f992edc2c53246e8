"""The index of what is owed: a slab of small C structs, intrusive lists, and a timing wheel.

``Slab`` holds one 64-octet entry per owed thing and no Python object. Every entry is found by its
id, optionally by a 64-bit key or, as long as it has no key, by a 32-bit hash that it may share with
others (its *pair*), and stands in at most one list: a queue, or a bucket of the wheel. All operations are O(1) but the scans, which the caller bounds. Entries are named by *slot*, a small
integer that is valid until ``remove``.

The slab knows nothing of messages: states, lanes and flags are numbers to it. Times are
milliseconds since the Unix epoch at the border and 100 ms ticks since 2024 inside, which fit 32
bits until 2037 and are then moved by raising ``BASE_MS``.

The wheel is a hierarchical timing wheel (Varghese and Lauck, 1987): four levels of 256 buckets,
the lowest 100 ms wide, so that scheduling, moving and cancelling cost the same for one entry and
for ten million.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

from smsc._index cimport Index, fill, mix
from smsc._pdu cimport Cursor, Message, body, left, within

BASE_MS = 1_704_067_200_000  # 2024-01-01T00:00:00Z
TICK_MS = 100

cdef int64_t _BASE_MS = 1704067200000
cdef int64_t _TICK_MS = 100
cdef uint32_t NIL = 0xFFFFFFFF
cdef uint32_t LAST_TICK = 0xFFFFFFFE

cdef enum:
    CHUNK_BITS = 14  # 16,384 entries: 1 MiB grown at a time, never copied
    CHUNK = 16384
    WHEEL_LISTS = 1024
    ACCOUNTS = 65536  # as many numbers of accounts there are
    PIECE = 1048576  # octets that are dumped at a time

NO_LIST = 0xFFFFFFFF
#: The first list number ``new_list`` gives; below are the wheel's buckets.
FIRST_LIST = WHEEL_LISTS


cdef inline uint32_t _tick(int64_t ms) noexcept nogil:
    if ms <= _BASE_MS:
        return 0
    ms = (ms - _BASE_MS) // _TICK_MS
    return LAST_TICK if ms > <int64_t>LAST_TICK else <uint32_t>ms


cdef inline bint _within(uint32_t number, uint32_t count) noexcept nogil:
    return number == NIL or number < count


def _cut(size_t address, size_t size):
    """The octets at an address, in pieces."""
    cdef size_t at
    for at in range(0, size, PIECE):
        yield PyBytes_FromStringAndSize(<const char *>address + at, min(<size_t>PIECE, size - at))


cpdef uint64_t key_of(bytes scope, bytes value) except 0:
    """A 64-bit key for ``value`` within ``scope``: FNV-1a, mixed; the same in every process.

    Two keys of one carrier meet by chance with probability n / 2**64: 5e-13 for ten million.
    """
    cdef uint64_t h = <uint64_t>0xCBF29CE484222325
    cdef const uint8_t *p = scope
    cdef Py_ssize_t i
    for i in range(len(scope)):
        h = (h ^ p[i]) * <uint64_t>0x100000001B3
    h = (h ^ 0xFF) * <uint64_t>0x100000001B3
    p = value
    for i in range(len(value)):
        h = (h ^ p[i]) * <uint64_t>0x100000001B3
    h = mix(h)
    return h if h else 1


cdef uint64_t hash_of(uint64_t h, Cursor value) noexcept nogil:
    """Take ``value`` and its length into a hash, eight octets at a time."""
    cdef const uint8_t *p = value.at
    cdef Py_ssize_t rest = left(&value)
    cdef uint64_t word
    h ^= <uint64_t>rest
    while rest > 0:
        word = 0
        memcpy(&word, p, 8 if rest > 8 else rest)
        h = mix(h ^ word) * <uint64_t>0x100000001B3
        p += 8
        rest -= 8
    return h


cpdef uint32_t pair_of(bytes scope, bytes one, bytes other) except 0:
    """A 32-bit hash of two values within ``scope``; the same in every process.

    Others may have the same, so whoever finds by it looks at what is found.
    """
    return _pair(body(scope, 0), body(one, 0), body(other, 0))


cpdef uint32_t pair_in(bytes scope, Message message) except 0:
    """``pair_of`` of a decoded message's addresses."""
    return _pair(
        body(scope, 0),
        within(message.raw, &message._source_addr),
        within(message.raw, &message._destination_addr),
    )


cdef uint32_t _pair(Cursor scope, Cursor one, Cursor other) noexcept nogil:
    cdef uint32_t h = <uint32_t>hash_of(hash_of(hash_of(1, scope), one), other)
    return h if h else 1


@cython.final
cdef class _Ids(Index):
    def __cinit__(self, Slab slab):
        self.slab = slab

    cdef uint64_t value(self, uint32_t slot) noexcept:
        return self.slab.entry(slot).id


@cython.final
cdef class _Keys(Index):
    def __cinit__(self, Slab slab):
        self.slab = slab

    cdef uint64_t value(self, uint32_t slot) noexcept:
        return self.slab.entry(slot).key


@cython.final
cdef class _Pairs(Index):
    """Chains of the entries that share a hash: O(1) to join and to leave, however many they are.

    An entry's neighbours lie in its ``key``, which it has no other use for as long. Only the first
    of a chain, the newest, is a number in here.
    """

    def __cinit__(self, Slab slab):
        self.slab = slab

    cdef uint64_t value(self, uint32_t slot) noexcept:
        return self.slab.entry(slot).pair

    cdef int join(self, uint32_t slot, Entry *e, uint32_t pair) except -1:
        cdef uint32_t *first = self.place(pair)
        e.pair = pair
        e.key = _neighbours(NIL, first[0])
        if first[0] == NIL:
            return self.put(pair, slot)
        _set_before(self.slab.entry(first[0]), slot)
        first[0] = slot
        return 0

    cdef int leave(self, uint32_t slot, Entry *e) except -1:
        cdef uint32_t before = _before(e), after = _after(e)
        cdef uint32_t *first
        if after != NIL:
            _set_before(self.slab.entry(after), before)
        if before != NIL:
            _set_after(self.slab.entry(before), after)
        elif after == NIL:
            self.drop(e.pair, slot)
        else:
            first = self.place(e.pair)
            if first[0] == slot:
                first[0] = after
        e.pair = 0
        e.key = 0
        return 0


cdef inline uint64_t _neighbours(uint32_t before, uint32_t after) noexcept nogil:
    return <uint64_t>before << 32 | after


cdef inline uint32_t _before(Entry *e) noexcept nogil:
    return <uint32_t>(e.key >> 32)


cdef inline uint32_t _after(Entry *e) noexcept nogil:
    return <uint32_t>e.key


cdef inline void _set_before(Entry *e, uint32_t before) noexcept nogil:
    e.key = _neighbours(before, _after(e))


cdef inline void _set_after(Entry *e, uint32_t after) noexcept nogil:
    e.key = _neighbours(_before(e), after)


@cython.final
cdef class Slab:
    """Entries, their indexes, their lists and their timing wheel. See the module."""

    def __cinit__(self):
        self.chunks = NULL
        self.chunk_count = 0
        self.top = 0
        self.free_head = NIL
        self.count = 0
        self.list_room = WHEEL_LISTS + 64
        self.list_count = WHEEL_LISTS
        self.lists = <ListHead *>malloc(self.list_room * sizeof(ListHead))
        self.by_account = <uint32_t *>calloc(ACCOUNTS, sizeof(uint32_t))
        if self.lists == NULL or self.by_account == NULL:
            raise MemoryError
        memset(self.lists, 0xFF, self.list_room * sizeof(ListHead))
        cdef uint32_t i
        for i in range(self.list_room):
            self.lists[i].count = 0
        self.now = 0
        self.segments = {}
        self.ids = _Ids(self)
        self.keys = _Keys(self)
        self.pairs = _Pairs(self)

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.chunk_count):
            free(self.chunks[i])
        free(self.chunks)
        free(self.by_account)
        free(self.lists)

    def __len__(self):
        return self.count

    cdef inline Entry *entry(self, uint32_t slot) noexcept:
        return &self.chunks[slot >> CHUNK_BITS][slot & (CHUNK - 1)]

    cdef inline Entry *live(self, uint32_t slot) except NULL:
        # Inlined into whatever asks for one field: hence raised elsewhere.
        if slot >= self.top or self.entry(slot).id == 0:
            self._dead(slot)
        return self.entry(slot)

    cdef int _dead(self, uint32_t slot) except -1:
        raise IndexError(f"slot {slot} is free" if slot < self.top else f"no slot {slot}")

    # -- entries -----------------------------------------------------------------------------

    cdef int _grow(self) except -1:
        cdef Entry **chunks = <Entry **>realloc(
            self.chunks, (self.chunk_count + 1) * sizeof(Entry *)
        )
        if chunks == NULL:
            raise MemoryError
        self.chunks = chunks
        chunks[self.chunk_count] = <Entry *>calloc(CHUNK, sizeof(Entry))
        if chunks[self.chunk_count] == NULL:
            raise MemoryError
        self.chunk_count += 1
        return 0

    cpdef int64_t add(self, uint64_t id, uint64_t position, uint16_t account, uint16_t carrier,
            uint8_t state, uint8_t lane, uint8_t attempt, uint8_t flags, int64_t expiry_ms) except -1:
        """A new entry in no list; its slot. ``id`` is not 0 and not in the slab."""
        cdef uint32_t slot
        cdef Entry *e
        if id == 0 or self.ids.get(id) != NIL:
            raise KeyError(f"id {id:x} is 0 or already owed")
        if self.free_head != NIL:
            slot = self.free_head
            e = self.entry(slot)
            self.free_head = e.next
        else:
            if self.top == self.chunk_count * CHUNK:
                self._grow()
            slot = self.top
            self.top += 1
            e = self.entry(slot)
        e.id = id
        e.position = position
        e.key = 0
        e.due = 0
        e.sent = 0
        e.pair = 0
        e.expiry = _tick(expiry_ms + _TICK_MS - 1)
        e.prev = e.next = e.queue = NIL
        e.account = account
        e.carrier = carrier
        e.state = state
        e.lane = lane
        e.attempt = attempt
        e.flags = flags
        self.ids.put(id, slot)
        self.count += 1
        self.by_account[account] += 1
        self._count_segment(position >> 32, 1)
        return slot

    cpdef int remove(self, uint32_t slot) except -1:
        """Forget an entry; its slot may be given out again."""
        cdef Entry *e = self.live(slot)
        self._unlink(e)
        self.ids.drop(e.id, slot)
        if e.pair:
            self.pairs.leave(slot, e)
        elif e.key:
            self.keys.drop(e.key, slot)
        self._count_segment(e.position >> 32, -1)
        e.id = 0
        e.key = 0
        e.next = self.free_head
        self.free_head = slot
        self.count -= 1
        self.by_account[e.account] -= 1

    cpdef uint32_t of_account(self, uint16_t account) noexcept:
        """How many entries an account has."""
        return self.by_account[account]

    cpdef int64_t find(self, uint64_t id) noexcept:
        """The slot of ``id``, or -1."""
        cdef uint32_t slot = self.ids.get(id)
        return -1 if slot == NIL else <int64_t>slot

    def find_short(self, uint32_t short):
        """Every slot whose id ends in these 32 bits, the highest id first."""
        cdef list found = self.ids.sharing(short)
        return sorted(found, key=self.id, reverse=True)

    def find_pair(self, uint32_t pair, uint16_t account, uint32_t states, uint32_t limit):
        """Up to ``limit`` slots of an account that have this pair, the newest first.

        Of those whose state's bit is set in ``states``.
        """
        cdef uint32_t slot = self.pairs.get(pair)
        cdef Entry *e
        cdef list found = []
        while slot != NIL and <uint32_t>len(found) < limit:
            e = self.entry(slot)
            if e.account == account and (states >> e.state) & 1:
                found.append(slot)
            slot = _after(e)
        return found

    cpdef int64_t find_key(self, uint64_t key) noexcept:
        """The slot that carries ``key``, or -1."""
        cdef uint32_t slot = self.keys.get(key)
        return -1 if slot == NIL else <int64_t>slot

    cpdef int set_key(self, uint32_t slot, uint64_t key) except -1:
        """Give the entry a key, or take it away (0). Its pair is gone with that."""
        cdef Entry *e = self.live(slot)
        if e.pair:
            self.pairs.leave(slot, e)
        elif e.key:
            self.keys.drop(e.key, slot)
            e.key = 0
        if key:
            e.key = key
            self.keys.put(key, slot)

    cpdef int set_pair(self, uint32_t slot, uint32_t pair) except -1:
        """Have the entry found by this hash (not 0), until it gets a key."""
        self.set_key(slot, 0)
        self.pairs.join(slot, self.live(slot), pair)

    cpdef uint32_t pair(self, uint32_t slot) except? 0:
        """The hash it is found by, 0 for none."""
        return self.live(slot).pair

    cpdef uint64_t id(self, uint32_t slot) except? 0:
        return self.live(slot).id

    cpdef uint64_t position(self, uint32_t slot) except? 0:
        return self.live(slot).position

    cpdef int move(self, uint32_t slot, uint64_t position) except -1:
        """The body now lies at ``position``."""
        cdef Entry *e = self.live(slot)
        self._count_segment(e.position >> 32, -1)
        e.position = position
        self._count_segment(position >> 32, 1)

    cpdef uint64_t key(self, uint32_t slot) except? 0:
        cdef Entry *e = self.live(slot)
        return 0 if e.pair else e.key

    cpdef int account(self, uint32_t slot) except -1:
        return self.live(slot).account

    cpdef int carrier(self, uint32_t slot) except -1:
        return self.live(slot).carrier

    cpdef int state(self, uint32_t slot) except -1:
        return self.live(slot).state

    cpdef int lane(self, uint32_t slot) except -1:
        return self.live(slot).lane

    cpdef int attempt(self, uint32_t slot) except -1:
        return self.live(slot).attempt

    cpdef int flags(self, uint32_t slot) except -1:
        return self.live(slot).flags

    cpdef int64_t due(self, uint32_t slot) except -1:
        """When the wheel hands it out, in ms; only meaningful after ``schedule``."""
        return _BASE_MS + <int64_t>self.live(slot).due * _TICK_MS

    cpdef int64_t expiry(self, uint32_t slot) except -1:
        return _BASE_MS + <int64_t>self.live(slot).expiry * _TICK_MS

    cpdef int set_state(self, uint32_t slot, uint8_t state) except -1:
        self.live(slot).state = state

    cpdef int set_attempt(self, uint32_t slot, uint8_t attempt, uint16_t carrier) except -1:
        cdef Entry *e = self.live(slot)
        e.attempt = attempt
        e.carrier = carrier

    cpdef int64_t sent(self, uint32_t slot) except -1:
        """When it was last handed to a bind, in ms; 0 if never."""
        cdef uint32_t sent = self.live(slot).sent
        return _BASE_MS + <int64_t>sent * _TICK_MS if sent else 0

    cpdef int set_sent(self, uint32_t slot, int64_t sent_ms) except -1:
        self.live(slot).sent = _tick(sent_ms)

    cpdef int set_flag(self, uint32_t slot, uint8_t flag) except -1:
        self.live(slot).flags |= flag

    cpdef int set_flags(self, uint32_t slot, uint8_t flags) except -1:
        self.live(slot).flags = flags

    cpdef int set_expiry(self, uint32_t slot, int64_t expiry_ms) except -1:
        self.live(slot).expiry = _tick(expiry_ms + _TICK_MS - 1)

    def row(self, uint32_t slot):
        """``(id, position, key, due, expiry, sent, account, carrier, state, lane, attempt,
        flags)``."""
        cdef Entry *e = self.live(slot)
        return (
            e.id, e.position, 0 if e.pair else e.key, _BASE_MS + <int64_t>e.due * _TICK_MS,
            _BASE_MS + <int64_t>e.expiry * _TICK_MS,
            _BASE_MS + <int64_t>e.sent * _TICK_MS if e.sent else 0,
            e.account, e.carrier, e.state, e.lane, e.attempt, e.flags,
        )

    # -- lists -------------------------------------------------------------------------------

    cpdef int64_t new_list(self) except -1:
        """Make an empty queue and return its number."""
        cdef ListHead *lists
        if self.list_count == self.list_room:
            lists = <ListHead *>realloc(self.lists, self.list_room * 2 * sizeof(ListHead))
            if lists == NULL:
                raise MemoryError
            self.lists = lists
            self.list_room *= 2
        self.lists[self.list_count].head = NIL
        self.lists[self.list_count].tail = NIL
        self.lists[self.list_count].count = 0
        self.list_count += 1
        return self.list_count - 1

    cdef void _unlink(self, Entry *e) noexcept:
        cdef ListHead *q
        if e.queue == NIL:
            return
        q = &self.lists[e.queue]
        if e.prev == NIL:
            q.head = e.next
        else:
            self.entry(e.prev).next = e.next
        if e.next == NIL:
            q.tail = e.prev
        else:
            self.entry(e.next).prev = e.prev
        q.count -= 1
        e.prev = e.next = e.queue = NIL

    cdef void _push(self, uint32_t slot, Entry *e, uint32_t queue) noexcept:
        cdef ListHead *q = &self.lists[queue]
        self._unlink(e)
        e.queue = queue
        e.prev = q.tail
        e.next = NIL
        if q.tail == NIL:
            q.head = slot
        else:
            self.entry(q.tail).next = slot
        q.tail = slot
        q.count += 1

    cdef int _check_list(self, uint32_t queue) except -1:
        if queue < WHEEL_LISTS or queue >= self.list_count:
            raise IndexError(f"no list {queue}")
        return 0

    cpdef int push(self, uint32_t slot, uint32_t queue) except -1:
        """Put the entry at the end of a queue, out of wherever it stands."""
        self._check_list(queue)
        self._push(slot, self.live(slot), queue)

    cpdef int push_front(self, uint32_t slot, uint32_t queue) except -1:
        """Put the entry at the head of a queue: it is the next to leave."""
        cdef Entry *e = self.live(slot)
        cdef ListHead *q
        self._check_list(queue)
        self._unlink(e)
        q = &self.lists[queue]
        e.queue = queue
        e.prev = NIL
        e.next = q.head
        if q.head == NIL:
            q.tail = slot
        else:
            self.entry(q.head).prev = slot
        q.head = slot
        q.count += 1

    cpdef int unlink(self, uint32_t slot) except -1:
        """Take the entry out of its list, if it stands in one."""
        self._unlink(self.live(slot))

    cpdef int64_t pop(self, uint32_t queue) except -2:
        """Take the head of a queue and return its slot, or -1."""
        cdef uint32_t slot
        self._check_list(queue)
        slot = self.lists[queue].head
        if slot == NIL:
            return -1
        self._unlink(self.entry(slot))
        return <int64_t>slot

    cpdef int64_t head(self, uint32_t queue) except -2:
        """The slot at the head of a queue, or -1."""
        self._check_list(queue)
        return -1 if self.lists[queue].head == NIL else <int64_t>self.lists[queue].head

    cpdef int64_t length(self, uint32_t queue) except -1:
        self._check_list(queue)
        return self.lists[queue].count

    cpdef uint32_t linked(self, uint32_t slot) except? 0:
        """The number of the list the entry stands in (a wheel's bucket too), or NO_LIST."""
        return self.live(slot).queue

    # -- the wheel ---------------------------------------------------------------------------

    cdef void _bucket(self, uint32_t slot, Entry *e) noexcept:
        cdef uint32_t due = e.due
        cdef uint32_t delta
        if due <= self.now:
            due = self.now + 1
        delta = due - self.now
        if delta < 256:
            self._push(slot, e, due & 255)
        elif delta < 65536:
            self._push(slot, e, 256 + ((due >> 8) & 255))
        elif delta < 16777216:
            self._push(slot, e, 512 + ((due >> 16) & 255))
        else:
            self._push(slot, e, 768 + ((due >> 24) & 255))

    cpdef int schedule(self, uint32_t slot, int64_t due_ms) except -1:
        """Take the entry out of its list and hand it out at ``due_ms`` (or the next tick)."""
        cdef Entry *e = self.live(slot)
        e.due = _tick(due_ms + _TICK_MS - 1)
        self._bucket(slot, e)

    cdef void _cascade(self, uint32_t queue) noexcept:
        cdef uint32_t slot = self.lists[queue].head
        cdef uint32_t following
        cdef Entry *e
        # Take the whole bucket first: an entry may land in the same bucket again (far future).
        self.lists[queue].head = NIL
        self.lists[queue].tail = NIL
        self.lists[queue].count = 0
        while slot != NIL:
            e = self.entry(slot)
            following = e.next
            e.queue = e.prev = e.next = NIL
            if e.due <= self.now:
                self._push(slot, e, self.now & 255)
            else:
                self._bucket(slot, e)
            slot = following

    cpdef int start(self, int64_t now_ms) except -1:
        """Set the wheel's clock, once, before anything is scheduled."""
        if self.now == 0:
            self.now = _tick(now_ms)

    def expire(self, int64_t now_ms, uint32_t limit):
        """Up to ``limit`` slots that are due at ``now_ms``, taken out of the wheel, in order.

        Exactly ``limit`` back means that there may be more: call again.
        """
        cdef uint32_t target = _tick(now_ms)
        cdef uint32_t slot
        cdef list out = []
        while True:
            # The bucket of `now` may hold a rest from a call that met its limit.
            slot = self.lists[self.now & 255].head
            while slot != NIL and self.entry(slot).due <= self.now:
                if <uint32_t>len(out) >= limit:
                    return out
                self._unlink(self.entry(slot))
                out.append(slot)
                slot = self.lists[self.now & 255].head
            if self.now >= target:
                return out
            self.now += 1
            if self.now & 255 == 0:
                if self.now & 0xFFFF == 0:
                    if self.now & 0xFFFFFF == 0:
                        self._cascade(768 + (self.now >> 24))
                    self._cascade(512 + ((self.now >> 16) & 255))
                self._cascade(256 + ((self.now >> 8) & 255))

    # -- bounded scans -----------------------------------------------------------------------

    def scan_expired(self, uint32_t cursor, uint32_t limit, int64_t now_ms, uint32_t states):
        """``(slots, cursor)``: entries past their expiry whose state's bit is set in ``states``.

        Looks at ``limit`` slots from ``cursor``; a cursor of 0 comes back after the last one.
        """
        cdef uint32_t now = _tick(now_ms)
        cdef uint32_t end = min(self.top, cursor + limit)
        cdef Entry *e
        cdef list out = []
        while cursor < end:
            e = self.entry(cursor)
            if e.id != 0 and e.expiry <= now and (states >> e.state) & 1:
                out.append(cursor)
            cursor += 1
        return out, (0 if cursor >= self.top else cursor)

    def scan_segment(self, uint32_t cursor, uint32_t limit, uint32_t below):
        """``(slots, cursor)``: entries whose body lies in a segment before ``below``."""
        cdef uint32_t end = min(self.top, cursor + limit)
        cdef Entry *e
        cdef list out = []
        while cursor < end:
            e = self.entry(cursor)
            if e.id != 0 and (e.position >> 32) < below:
                out.append(cursor)
            cursor += 1
        return out, (0 if cursor >= self.top else cursor)

    def scan_oldest(self, uint32_t cursor, uint32_t limit, int lane, dict oldest):
        """Put each account's entry with the least id into ``oldest``: id and position by account.

        Of one lane, or of all where that is below 0. Returns the cursor.
        """
        cdef uint32_t end = min(self.top, cursor + limit)
        cdef Entry *e
        cdef int account = -1
        cdef uint64_t least = 0
        cdef object known
        while cursor < end:
            e = self.entry(cursor)
            if e.id != 0 and (lane < 0 or e.lane == lane):
                if e.account != account:
                    account = e.account
                    known = oldest.get(account)
                    least = <uint64_t>-1 if known is None else known[0]
                if e.id < least:
                    least = e.id
                    oldest[account] = (e.id, e.position)
            cursor += 1
        return 0 if cursor >= self.top else cursor

    def in_state(self, uint8_t state):
        """Every slot in a state. For the start, and for tests."""
        cdef uint32_t slot
        cdef Entry *e
        cdef list out = []
        for slot in range(self.top):
            e = self.entry(slot)
            if e.id != 0 and e.state == state:
                out.append(slot)
        return out

    def slots(self):
        """Every slot in use, lowest first. For the start, and for tests."""
        cdef uint32_t slot
        return [slot for slot in range(self.top) if self.entry(slot).id != 0]

    cdef int _count_segment(self, uint64_t segment, int change) except -1:
        # Nearly always the segment is that of the call before, so the dict is left alone.
        if segment != self.hot_segment:
            self._fold_hot()
            self.hot_segment = segment
        self.hot_change += change
        return 0

    cdef int _fold_hot(self) except -1:
        cdef int64_t n
        if self.hot_change:
            n = self.segments.get(self.hot_segment, 0) + self.hot_change
            self.hot_change = 0
            if n:
                self.segments[self.hot_segment] = n
            else:
                del self.segments[self.hot_segment]
        return 0

    def oldest_segment(self):
        """The oldest segment that still holds a body, or -1."""
        self._fold_hot()
        return min(self.segments) if self.segments else -1

    def segment_counts(self):
        """How many bodies lie in which segment."""
        self._fold_hot()
        return dict(self.segments)

    # -- as octets ---------------------------------------------------------------------------

    def dump(self):
        """``(facts, pieces)`` of which ``load`` makes the same again; nothing may change meanwhile."""
        facts = (
            self.top, self.free_head, self.count, self.now, self.list_count,
            self.ids.sizes(), self.keys.sizes(), self.pairs.sizes(),
            tuple(sorted(self.segment_counts().items())),
        )
        return facts, self._pieces()

    def _pieces(self):
        cdef uint32_t i
        for i in range(self.chunk_count):
            if self.top > i * CHUNK:
                octets = min(CHUNK, self.top - i * CHUNK) * sizeof(Entry)
                yield PyBytes_FromStringAndSize(<const char *>self.chunks[i], octets)
        yield from _cut(<size_t>self.lists, self.list_count * sizeof(ListHead))
        yield from self.ids.pieces()
        yield from self.keys.pieces()
        yield from self.pairs.pieces()

    def load(self, tuple facts, read):
        """Become what was dumped; ``read(n)`` gives the next ``n`` octets of its pieces.

        This slab is new, and of no use after a ValueError: it can't have been dumped so.
        """
        cdef uint32_t first
        cdef size_t count
        (
            self.top, self.free_head, self.count, self.now, lists,
            ids, keys, pairs, segments,
        ) = facts
        for first in range(0, self.top, CHUNK):
            self._grow()
            count = min(CHUNK, self.top - first)
            fill(<char *>self.chunks[first >> CHUNK_BITS], count * sizeof(Entry), read)
        self._allot_lists(lists)
        fill(<char *>self.lists, self.list_count * sizeof(ListHead), read)
        if self.ids.load(ids, self.top, read) != self.count:
            raise ValueError("not every entry is found by its id")
        self.keys.load(keys, self.top, read)
        self.pairs.load(pairs, self.top, read)
        self.segments = dict(segments)
        self._check()

    cdef int _allot_lists(self, uint32_t count) except -1:
        cdef ListHead *lists = <ListHead *>realloc(self.lists, (count + 64) * sizeof(ListHead))
        if lists == NULL:
            raise MemoryError
        self.lists = lists
        self.list_room = count + 64
        self.list_count = count
        return 0

    cdef int _check(self) except -1:
        """Nothing here leads out of the memory that is ours."""
        cdef uint32_t slot, top = self.top, live = 0
        cdef bint sound = _within(self.free_head, top)
        cdef Entry *e
        for slot in range(top):
            e = self.entry(slot)
            live += e.id != 0
            sound &= _within(e.prev, top) and _within(e.next, top)
            sound &= _within(e.queue, self.list_count)
            if e.pair:
                sound &= _within(_before(e), top) and _within(_after(e), top)
        for slot in range(self.list_count):
            sound &= _within(self.lists[slot].head, top) and _within(self.lists[slot].tail, top)
        sound &= live == self.count
        if not sound or self.list_count < WHEEL_LISTS:
            raise ValueError("no slab was ever like this")
        return 0

    def become(self, Slab other, const uint16_t[::1] accounts, const uint16_t[::1] carriers):
        """Become what another is, which is of no use any more.

        Account ``n`` of the other one is ``accounts[n]`` here, and so with carriers. Lists that were
        made here stay, and the other's come behind them: returned is how much higher their numbers
        are here.
        """
        cdef uint32_t own = self.list_count, more = other.list_count - WHEEL_LISTS
        cdef uint32_t slot, shift = own - WHEEL_LISTS
        cdef Entry *e
        if self.count:
            raise ValueError("something is owed here already")
        for slot in range(other.top):
            e = other.entry(slot)
            if e.id and not (e.account < accounts.shape[0] and e.carrier < carriers.shape[0]):
                raise ValueError("of an account or a carrier without a name")
        self._allot_lists(own + more)
        memcpy(self.lists, other.lists, WHEEL_LISTS * sizeof(ListHead))
        memcpy(self.lists + own, other.lists + WHEEL_LISTS, more * sizeof(ListHead))
        self.chunks, other.chunks = other.chunks, self.chunks
        self.chunk_count, other.chunk_count = other.chunk_count, self.chunk_count
        self.top, self.free_head, self.count = other.top, other.free_head, other.count
        other.top = other.count = 0
        self.now = other.now
        self.ids, self.keys, self.pairs = other.ids, other.keys, other.pairs
        self.ids.slab = self.keys.slab = self.pairs.slab = self
        self.segments = other.segments
        for slot in range(self.top):
            e = self.entry(slot)
            if e.id:
                e.account = accounts[e.account]
                self.by_account[e.account] += 1
                e.carrier = carriers[e.carrier]
                if e.queue != NIL and e.queue >= WHEEL_LISTS:
                    e.queue += shift
        return shift

    @property
    def octets(self):
        """Memory held by entries, indexes and lists."""
        return (
            <uint64_t>self.chunk_count * CHUNK * sizeof(Entry)
            + self.ids.octets() + self.keys.octets() + self.pairs.octets()
            + self.list_room * sizeof(ListHead)
        )
