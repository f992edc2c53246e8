"""Frames and records in memory: building them, checking them, walking through them.

The octets are specified in the docstring of ``smsc.journal``. Nothing here touches a file, a clock
or a thread; every access of foreign octets goes through ``check_header`` or ``check_record``, which
compare each length with what is left before they look further.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from smsc.errors import BadSeal

cdef extern from "crc32c.h" nogil:
    void crc32c_init()
    uint32_t crc32c_update(uint32_t crc, const unsigned char *p, size_t n)
    uint32_t crc32c_by_table(uint32_t crc, const unsigned char *p, size_t n)

crc32c_init()

FRAME_HEADER = 56
RECORD_HEADER = 10
#: Largest record: a submit_sm with a 64 KiB payload and as much again in other TLVs fits.
MAX_RECORD = 192 * 1024
#: The frame is a copy that recovery made; it replaces the frame of that number in older segments.
COPY = 1
#: The frame was written by an orderly close.
CLEAN = 2
#: The kind of a seal; what a log's user appends is of a kind below.
SEAL = 255

cdef uint32_t C_MAGIC = 0x46736D73      # b"smsF"
cdef enum:
    C_VERSION = 1
    C_FRAME_HEADER = 56
    C_RECORD_HEADER = 10
    C_MAX_RECORD = 192 * 1024
    C_SEAL = 255
    SEAL_RECORD = 48         # octets of a seal, padded
    BACK = 4                 # octets before a sealed body: how far back its seal is
    GROUP_OCTETS = 32 * 1024 # sealed together; what reading one of them back costs at most
    KIND = 8                 # where in a record its kind stands
    FIRST_CAPACITY = 64 * 1024


cdef packed struct Header:
    uint32_t magic
    uint8_t version
    uint8_t flags
    uint16_t partition
    uint64_t salt
    uint32_t epoch
    uint32_t records
    uint64_t number
    uint64_t time_ms
    uint32_t octets
    uint32_t chain       # ``crc`` of the frame before
    uint32_t digest      # over the CRCs of the records
    uint32_t crc         # over all of this header before it


cdef packed struct Record:
    uint32_t crc
    uint32_t length      # of header, head and body; the padding is not counted, but is covered
    uint8_t kind
    uint8_t head_length


cdef packed struct Seal:     # the head of a seal
    uint8_t nonce[12]
    uint8_t tag[16]
    uint32_t octets          # of the seal and the records it covers


cdef inline size_t padded(size_t octets) noexcept nogil:
    return (octets + 7) & ~<size_t>7


cdef inline uint32_t salted(uint64_t salt) noexcept nogil:
    return crc32c_update(0xFFFFFFFF, <const unsigned char *>&salt, 8)


cdef inline uint32_t record_crc(
    const unsigned char *record, size_t octets, uint32_t seed, uint32_t offset
) noexcept nogil:
    """Of a padded record at ``offset`` in its segment: a record that has moved does not check."""
    cdef uint32_t crc = crc32c_update(seed, <const unsigned char *>&offset, 4)
    return ~crc32c_update(crc, record + 4, octets - 4)


cdef inline uint32_t header_crc(const Header *header) noexcept nogil:
    return ~crc32c_update(0xFFFFFFFF, <const unsigned char *>header, C_FRAME_HEADER - 4)


cdef size_t check_record(
    const unsigned char *p, size_t left, uint32_t seed, size_t offset
) noexcept nogil:
    """Octets of the sound record at ``p``, padding included; 0 if there is none."""
    cdef Record head
    cdef size_t octets
    if left < C_RECORD_HEADER:
        return 0
    memcpy(&head, p, C_RECORD_HEADER)
    octets = padded(head.length)
    if head.length > C_MAX_RECORD or octets > left or head.kind == 0:
        return 0
    if head.length < C_RECORD_HEADER + <size_t>head.head_length:
        return 0
    return octets if record_crc(p, octets, seed, <uint32_t>offset) == head.crc else 0


cdef bint check_header(
    const unsigned char *p, size_t left, uint64_t salt, Header *header
) noexcept nogil:
    """Whether a header of this segment stands at ``p``. The frame behind it may still be cut."""
    if left < C_FRAME_HEADER:
        return False
    memcpy(header, p, C_FRAME_HEADER)
    if header.magic != C_MAGIC or header.version != C_VERSION or header.salt != salt:
        return False
    return header_crc(header) == header.crc


cdef bint check_records(
    const unsigned char *p, size_t left, uint32_t seed, size_t offset, const Header *header
) noexcept nogil:
    """Whether the frame at ``p`` is whole: each record, their number and their digest."""
    cdef size_t at = C_FRAME_HEADER, octets
    cdef uint32_t digest = 0xFFFFFFFF, count = 0
    if header.octets < C_FRAME_HEADER or header.octets > left:
        return False
    while at < header.octets:
        octets = check_record(p + at, header.octets - at, seed, offset + at)
        if octets == 0:
            return False
        digest = crc32c_update(digest, p + at, 4)
        count += p[at + KIND] != C_SEAL
        at += octets
    return count == header.records and digest == header.digest


@cython.final
cdef class Frame:
    """One frame, in memory that stays where it is from ``finish`` to the next ``start``."""

    def __dealloc__(self):
        free(self.data)

    cdef int reserve(self, size_t octets) except -1:
        cdef size_t capacity = self.capacity or FIRST_CAPACITY
        cdef unsigned char *data
        if self.octets + octets <= self.capacity:
            return 0
        while capacity < self.octets + octets:
            capacity *= 2
        data = <unsigned char *>realloc(self.data, capacity)
        if data == NULL:
            raise MemoryError
        self.data = data
        self.capacity = capacity
        return 0

    def start(self, uint64_t segment, size_t offset, uint64_t salt, uint64_t number,
              uint64_t time_ms, object cipher=None):
        """Become frame ``number``, empty, at ``offset`` in ``segment``."""
        self.octets = 0
        self.reserve(C_FRAME_HEADER)
        self.octets = C_FRAME_HEADER
        self.segment = segment
        self.offset = offset
        self.salt = salt
        self.number = number
        self.time_ms = time_ms
        self.cipher = cipher
        self.group = 0
        self.records = 0
        self.finished = False

    cdef uint64_t put(self, int kind, const char *head, size_t head_octets,
                      const char *body, size_t body_octets) except 0:
        """Put a record at the end and return its position. Its CRC waits for ``finish``."""
        cdef size_t length = C_RECORD_HEADER + head_octets + body_octets
        cdef bint sealed = self.cipher is not None and body_octets > 0
        cdef size_t at
        if sealed:
            length += BACK
            if self.group and self.octets - self.group + padded(length) > GROUP_OCTETS:
                self.close_group()
            if not self.group:
                self.group = self.octets
                self.records -= 1
                self.add(C_SEAL, C_RECORD_HEADER + sizeof(Seal), sizeof(Seal))
        at = self.add(kind, length, head_octets)
        cdef unsigned char *p = self.data + at + C_RECORD_HEADER
        memcpy(p, head, head_octets)
        p += head_octets
        cdef uint32_t back
        if sealed:
            back = <uint32_t>(at - self.group)
            memcpy(p, &back, BACK)
            p += BACK
        memcpy(p, body, body_octets)
        return self.segment << 32 | (self.offset + at)

    cdef size_t add(self, int kind, size_t length, size_t head_octets) except 0:
        """Make room for a record, write its header, and return where in the frame it is."""
        cdef size_t octets = padded(length), at = self.octets
        cdef Record record
        self.reserve(octets)
        record.crc = 0
        record.length = <uint32_t>length
        record.kind = <uint8_t>kind
        record.head_length = <uint8_t>head_octets
        memcpy(self.data + at, &record, C_RECORD_HEADER)
        memset(self.data + at + length, 0, octets - length)
        self.octets = at + octets
        self.records += 1
        return at

    cdef int close_group(self) except -1:
        """Seal the bodies that are still in clear."""
        cdef unsigned char *p = self.data + self.group
        cdef size_t octets = self.octets - self.group
        cdef Seal seal
        bound, bodies = gather(p + SEAL_RECORD, octets - SEAL_RECORD)
        cdef bytes nonce, sealed
        nonce, sealed = self.cipher.seal(bound, bodies)
        cdef const char *octet = PyBytes_AS_STRING(sealed)
        cdef size_t inside = PyBytes_GET_SIZE(bodies)
        if PyBytes_GET_SIZE(nonce) != sizeof(seal.nonce):
            raise ValueError("a nonce has 12 octets")
        if <size_t>PyBytes_GET_SIZE(sealed) != inside + sizeof(seal.tag):
            raise ValueError("a tag has 16 octets")
        scatter(p + SEAL_RECORD, octets - SEAL_RECORD, octet)
        memcpy(seal.nonce, PyBytes_AS_STRING(nonce), sizeof(seal.nonce))
        memcpy(seal.tag, octet + inside, sizeof(seal.tag))
        seal.octets = <uint32_t>octets
        memcpy(p + C_RECORD_HEADER, &seal, sizeof(Seal))
        self.group = 0
        return 0

    def take(self, const unsigned char[::1] data not None, size_t start):
        """Add every record of the checked frame at ``data[start:]``, sealed as it is."""
        cdef Header header
        memcpy(&header, &data[start], C_FRAME_HEADER)
        cdef size_t octets = header.octets - C_FRAME_HEADER
        if octets:
            self.reserve(octets)
            memcpy(self.data + self.octets, &data[start + C_FRAME_HEADER], octets)
        self.octets += octets
        self.records += header.records

    def finish(self, uint32_t chain, uint32_t epoch, uint16_t partition, uint8_t flags=0) -> int:
        """Seal, sum up, write the header. Returns the CRC that the next frame's ``chain`` is."""
        cdef Header header
        if self.group:
            self.close_group()
        header.magic = C_MAGIC
        header.version = C_VERSION
        header.flags = flags
        header.partition = partition
        header.salt = self.salt
        header.epoch = epoch
        header.records = self.records
        header.number = self.number
        header.time_ms = self.time_ms
        header.octets = <uint32_t>self.octets
        header.chain = chain
        header.digest = self.sum_up()
        header.crc = 0
        header.crc = header_crc(&header)
        memcpy(self.data, &header, C_FRAME_HEADER)
        self.finished = True
        return header.crc

    cdef uint32_t sum_up(self) noexcept nogil:
        """Write every record's CRC and return the digest over them."""
        cdef uint32_t seed = salted(self.salt), digest = 0xFFFFFFFF, crc
        cdef size_t at = C_FRAME_HEADER, octets
        cdef Record record
        cdef unsigned char *p
        while at < self.octets:
            p = self.data + at
            memcpy(&record, p, C_RECORD_HEADER)
            octets = padded(record.length)
            crc = record_crc(p, octets, seed, <uint32_t>(self.offset + at))
            memcpy(p, &crc, 4)
            digest = crc32c_update(digest, p, 4)
            at += octets
        return digest

    def __bytes__(self) -> bytes:
        return PyBytes_FromStringAndSize(<char *>self.data, self.octets)

    def read(self, uint64_t position):
        """The record at ``position``, or None if it is not one of this frame's."""
        cdef uint64_t first = self.segment << 32 | self.offset
        cdef Record record
        cdef size_t at
        if not first <= position < first + self.octets:
            return None
        at = position - first
        if at < C_FRAME_HEADER or at + C_RECORD_HEADER > self.octets:
            return None
        if self.finished and not check_record(
            self.data + at, self.octets - at, salted(self.salt), self.offset + at
        ):
            return None
        memcpy(&record, self.data + at, C_RECORD_HEADER)
        if self.cipher is None or not body_octets(&record):
            return as_tuple(self.data + at, 0)
        if self.group and at > self.group:
            return as_tuple(self.data + at, BACK)  # not sealed yet
        at -= back_of(self.data + at)
        return opened(self.data + at, first + at, self.cipher).read(position)


cdef inline size_t body_octets(const Record *record) noexcept nogil:
    return record.length - C_RECORD_HEADER - record.head_length


cdef tuple as_tuple(const unsigned char *p, size_t skip):
    """``(kind, head, body)`` of the checked record at ``p``; of its body without its beginning."""
    cdef Record record
    cdef const char *head = <const char *>p + C_RECORD_HEADER
    memcpy(&record, p, C_RECORD_HEADER)
    return (
        record.kind,
        PyBytes_FromStringAndSize(head, record.head_length),
        PyBytes_FromStringAndSize(head + record.head_length + skip, body_octets(&record) - skip),
    )


# -- sealed bodies ---------------------------------------------------------------------------


cdef uint32_t back_of(const unsigned char *p) noexcept nogil:
    """How far before the record at ``p``, which has a sealed body, its seal is."""
    cdef uint32_t back
    memcpy(&back, p + C_RECORD_HEADER + p[KIND + 1], BACK)
    return back


cdef inline size_t hidden(const Record *record) noexcept nogil:
    """Octets of a record that are sealed."""
    cdef size_t octets = body_octets(record)
    return octets - BACK if octets else 0


cdef tuple gather(const unsigned char *p, size_t octets):
    """What a seal binds and what it hides: of each record all but its CRC and its body, and the
    bodies."""
    cdef Record record
    cdef size_t at = 0, clear_octets = 0, hidden_octets = 0
    while at < octets:
        memcpy(&record, p + at, C_RECORD_HEADER)
        hidden_octets += hidden(&record)
        clear_octets += record.length - hidden(&record) - 4
        at += padded(record.length)
    cdef bytes bound = PyBytes_FromStringAndSize(NULL, clear_octets)
    cdef bytes bodies = PyBytes_FromStringAndSize(NULL, hidden_octets)
    cdef char *clear = PyBytes_AS_STRING(bound)
    cdef char *inside = PyBytes_AS_STRING(bodies)
    at = 0
    while at < octets:
        memcpy(&record, p + at, C_RECORD_HEADER)
        hidden_octets = hidden(&record)
        clear_octets = record.length - hidden_octets - 4
        memcpy(clear, p + at + 4, clear_octets)
        memcpy(inside, p + at + 4 + clear_octets, hidden_octets)
        clear += clear_octets
        inside += hidden_octets
        at += padded(record.length)
    return bound, bodies


cdef void scatter(unsigned char *p, size_t octets, const char *bodies) noexcept nogil:
    """Put other octets of the same lengths in the place of the bodies."""
    cdef Record record
    cdef size_t at = 0, inside
    while at < octets:
        memcpy(&record, p + at, C_RECORD_HEADER)
        inside = hidden(&record)
        memcpy(p + at + record.length - inside, bodies, inside)
        bodies += inside
        at += padded(record.length)


cdef int open_group(unsigned char *p, object cipher) except -1:
    """Put the bodies of the checked group at ``p`` in clear. What the cipher raises goes through."""
    cdef Seal seal
    memcpy(&seal, p + C_RECORD_HEADER, sizeof(Seal))
    bound, bodies = gather(p + SEAL_RECORD, seal.octets - SEAL_RECORD)
    cdef bytes nonce = seal.nonce[:sizeof(seal.nonce)]
    cdef bytes tag = seal.tag[:sizeof(seal.tag)]
    cdef bytes plain = cipher.open(nonce, bound, bodies + tag)
    if len(plain) != len(bodies):
        raise ValueError("what was opened is as long as what was sealed")
    scatter(p + SEAL_RECORD, seal.octets - SEAL_RECORD, PyBytes_AS_STRING(plain))
    return 0


@cython.final
cdef class Group:
    """Records whose bodies were sealed together, opened. They lie from ``start`` to ``end``."""

    cdef bytearray data
    cdef readonly uint64_t start
    cdef readonly uint64_t end

    def read(self, uint64_t position):
        """The record at ``position``, one of this group's."""
        cdef Record record
        cdef const unsigned char *p = <const unsigned char *>PyByteArray_AS_STRING(self.data)
        if not self.start < position < self.end:
            raise ValueError("no record of this group")
        p += position - self.start
        memcpy(&record, p, C_RECORD_HEADER)
        return as_tuple(p, BACK if body_octets(&record) else 0)


cdef Group opened(const unsigned char *p, uint64_t start, object cipher):
    cdef Seal seal
    cdef Group group = Group.__new__(Group)
    memcpy(&seal, p + C_RECORD_HEADER, sizeof(Seal))
    group.data = PyByteArray_FromStringAndSize(<const char *>p, seal.octets)
    group.start = start
    group.end = start + seal.octets
    open_group(<unsigned char *>PyByteArray_AS_STRING(group.data), cipher)
    return group


def back(const unsigned char[::1] data not None) -> int:
    """How many octets before the checked record at the start of ``data`` its seal stands.

    0: its body is not sealed, or it has none.
    """
    cdef Record record
    memcpy(&record, &data[0], C_RECORD_HEADER)
    return back_of(&data[0]) if body_octets(&record) >= BACK else 0


def group_octets(const unsigned char[::1] data not None) -> int:
    """How many octets the seal at the start of ``data`` says that it covers; 0 if there is none."""
    cdef Seal seal
    if <size_t>data.shape[0] < SEAL_RECORD or data[KIND] != C_SEAL:
        return 0
    memcpy(&seal, &data[C_RECORD_HEADER], sizeof(Seal))
    return seal.octets


cdef bint is_group(const unsigned char *p, size_t left) noexcept nogil:
    """Whether the sound records from ``p`` on begin with a seal and what it says it covers."""
    cdef Record record
    cdef Seal seal
    cdef size_t at = SEAL_RECORD
    if left < SEAL_RECORD:
        return False
    memcpy(&record, p, C_RECORD_HEADER)
    memcpy(&seal, p + C_RECORD_HEADER, sizeof(Seal))
    if record.kind != C_SEAL or record.length != C_RECORD_HEADER + sizeof(Seal):
        return False
    if record.head_length != sizeof(Seal) or not SEAL_RECORD < seal.octets <= left:
        return False
    while at < seal.octets:
        memcpy(&record, p + at, C_RECORD_HEADER)
        if record.kind == C_SEAL or 0 < body_octets(&record) <= BACK:
            return False
        at += padded(record.length)
    return at == seal.octets


def group(const unsigned char[::1] data not None, uint64_t salt, uint64_t position, object cipher):
    """The ``Group`` that ``data`` is, which lies at ``position``; None if it is not sound."""
    cdef size_t size = data.shape[0], at = 0, octets
    cdef uint32_t seed = salted(salt), offset = <uint32_t>position
    while at < size:
        octets = check_record(&data[at], size - at, seed, offset + at)
        if octets == 0:
            return None
        at += octets
    if size == 0 or not is_group(&data[0], size) or <size_t>group_octets(data) != size:
        return None
    return opened(&data[0], position, cipher)


cdef class Appender:
    """The half of a log that runs once per record: the open frame, and what is not yet durable."""

    def __init__(self, int64_t partition, size_t frame_octets):
        self.partition = partition
        self.frame_octets = frame_octets
        self.cipher = None

    @property
    def open_frame(self):
        """The open frame, or None."""
        return self.open

    @open_frame.setter
    def open_frame(self, Frame frame):
        self.open = frame

    @property
    def open_octets(self) -> int:
        return 0 if self.open is None else self.open.octets

    cpdef uint64_t append(self, int kind, bytes head, bytes body=b"") except 0:
        cdef size_t head_octets, body_octets, length, octets, before
        cdef uint64_t position
        if head is None or body is None:
            raise TypeError("a record has a head and a body")
        head_octets = PyBytes_GET_SIZE(head)
        body_octets = PyBytes_GET_SIZE(body)
        length = C_RECORD_HEADER + head_octets + body_octets
        octets = padded(length)
        if not 1 <= kind < C_SEAL or head_octets > 255:
            raise ValueError("a record has a kind from 1 to 254 and a head of at most 255 octets")
        if self.cipher is not None:
            octets += SEAL_RECORD + 8  # of which it may need all
        if length > C_MAX_RECORD - BACK or C_FRAME_HEADER + octets > self.frame_octets:
            raise ValueError(f"a record of {length} octets is larger than this log takes")
        if self.open is None or self.open.octets + octets > self.frame_octets:
            self.next_frame()
        before = self.open.octets
        position = self.open.put(kind, PyBytes_AS_STRING(head), head_octets,
                                 PyBytes_AS_STRING(body), body_octets)
        self.pending_octets += self.open.octets - before
        return position

    cpdef together(self, size_t octets):
        if self.open is not None and self.open.records:
            if self.open.octets + octets > self.frame_octets:
                self.next_frame()

    def take(self, const unsigned char[::1] data not None, size_t start) -> int:
        """Append every record of the checked frame at ``data[start:]`` as it is; how many."""
        cdef size_t before = self.open.octets, records = self.open.records
        self.open.take(data, start)
        self.pending_octets += self.open.octets - before
        return self.open.records - records

    def next_frame(self):
        """Called when a record does not fit: leave a frame open that takes it, or raise."""
        raise NotImplementedError


@cython.final
cdef class Scan:
    """What ``scan`` found in one segment."""

    #: Sound frames and the records in them.
    cdef readonly size_t frames
    cdef readonly size_t records
    #: Number and chain that the frame at ``end`` must carry; number 0 if still unknown.
    cdef readonly uint64_t number
    cdef readonly uint32_t chain
    #: Where the sound frames end, and where the last of them starts (0 if none).
    cdef readonly size_t end
    cdef readonly size_t last
    #: Behind the last octet that is not zero.
    cdef readonly size_t filled
    #: A sound header after ``end``: the proof that all before it was durable once. 0 if none.
    cdef readonly size_t later
    cdef readonly uint64_t later_number
    #: Whether the scan ended at a frame that a later copy replaces.
    cdef readonly bint superseded
    #: Facts of the last sound frame.
    cdef readonly uint32_t last_epoch
    cdef readonly uint64_t last_time
    cdef readonly uint32_t last_chain
    cdef readonly uint8_t last_flags


def scan(const unsigned char[::1] data not None, size_t start, uint64_t salt, uint64_t number=0,
         uint32_t chain=0, uint64_t stop=0) -> Scan:
    """Check the frames of a segment from ``start`` on.

    ``number`` and ``chain`` are what its first frame must carry; number 0 takes any. A frame of
    number ``stop`` or above ends the scan as superseded (0: none is).
    """
    cdef Scan found = Scan.__new__(Scan)
    cdef size_t size = data.shape[0]
    found.end = start
    found.number = number
    found.chain = chain
    if size > start:
        with nogil:
            walk(found, &data[0], size, salt, stop)
            find_end(found, &data[0], size)
            if found.end < found.filled and not found.superseded:
                find_later(found, &data[0], size, salt)
    return found


cdef void walk(Scan found, const unsigned char *data, size_t size, uint64_t salt,
               uint64_t stop) noexcept nogil:
    cdef Header header
    cdef uint32_t seed = salted(salt)
    cdef const unsigned char *p
    while check_header(data + found.end, size - found.end, salt, &header):
        p = data + found.end
        if found.number == 0:
            found.number = header.number
            found.chain = header.chain
        if stop and header.number >= stop:
            found.superseded = True
            return
        if header.number != found.number or header.chain != found.chain:
            return
        if not check_records(p, size - found.end, seed, found.end, &header):
            return
        found.frames += 1
        found.records += header.records
        found.number = header.number + 1
        found.chain = header.crc
        found.last = found.end
        found.last_epoch = header.epoch
        found.last_time = header.time_ms
        found.last_chain = header.chain
        found.last_flags = header.flags
        found.end += header.octets


cdef void find_end(Scan found, const unsigned char *data, size_t size) noexcept nogil:
    cdef uint64_t word
    while size >= found.end + 8:
        memcpy(&word, data + size - 8, 8)
        if word:
            break
        size -= 8
    while size > found.end and data[size - 1] == 0:
        size -= 1
    found.filled = size


cdef void find_later(Scan found, const unsigned char *data, size_t size,
                     uint64_t salt) noexcept nogil:
    """A sound header of another frame than the expected, from the damaged place on.

    The salt is random and stays on this disk, so that no client can send octets that pass for one.
    """
    cdef Header header
    cdef size_t at = found.end
    while at + C_FRAME_HEADER <= size:
        if check_header(data + at, size - at, salt, &header) and (
            header.number != found.number or header.chain != found.chain
        ):
            found.later = at
            found.later_number = header.number
            return
        at += 8


def peek(const unsigned char[::1] data not None, size_t start, uint64_t salt):
    """``(number, flags)`` of the frame whose sound header stands at ``start``, else None."""
    cdef Header header
    if <size_t>data.shape[0] <= start:
        return None
    if not check_header(&data[start], data.shape[0] - start, salt, &header):
        return None
    return header.number, header.flags


def stands(const unsigned char[::1] data not None, size_t start, uint64_t salt):
    """``(number, crc, octets, time_ms)`` by the sound header at ``start``, else None."""
    cdef Header header
    if <size_t>data.shape[0] <= start:
        return None
    if not check_header(&data[start], data.shape[0] - start, salt, &header):
        return None
    return header.number, header.crc, header.octets, header.time_ms


def feed(const unsigned char[::1] data not None, size_t start, size_t end, uint64_t position,
         object apply) -> None:
    """Call ``apply(kind, position, time_ms, head)`` for each record of the checked frames.

    ``position`` is that of ``data[start]``.
    """
    cdef Header header
    cdef Record record
    cdef size_t at = start, frame_end
    cdef object time_ms, head
    while at < end:
        memcpy(&header, &data[at], C_FRAME_HEADER)
        time_ms = header.time_ms
        frame_end = at + header.octets
        at += C_FRAME_HEADER
        while at < frame_end:
            memcpy(&record, &data[at], C_RECORD_HEADER)
            if record.kind != C_SEAL:
                head = PyBytes_FromStringAndSize(
                    <const char *>&data[at] + C_RECORD_HEADER, record.head_length
                )
                apply(record.kind, position + (at - start), time_ms, head)
            at += padded(record.length)


def measure(const unsigned char[::1] data not None, size_t start):
    """``(number, octets, time_ms)`` of the checked frame at ``start``."""
    cdef Header header
    memcpy(&header, &data[start], C_FRAME_HEADER)
    return header.number, header.octets, header.time_ms


def unpack(const unsigned char[::1] data not None, size_t start, object cipher=None):
    """``(time_ms, [(kind, head, body), ...])`` of the checked frame at ``start``.

    Sealed bodies are opened, with a cipher; without one they are as they are stored.
    """
    cdef Header header
    cdef Record record
    memcpy(&header, &data[start], C_FRAME_HEADER)
    cdef bytearray frame = PyByteArray_FromStringAndSize(
        <const char *>&data[start], header.octets
    )
    cdef unsigned char *p = <unsigned char *>PyByteArray_AS_STRING(frame)
    cdef size_t at = C_FRAME_HEADER, sealed = 0
    records = []
    while at < header.octets:
        memcpy(&record, p + at, C_RECORD_HEADER)
        if record.kind != C_SEAL:
            records.append(as_tuple(p + at, BACK if at < sealed and body_octets(&record) else 0))
        elif cipher is not None:
            if not is_group(p + at, header.octets - at):
                raise BadSeal("no sound seal here")
            open_group(p + at, cipher)
            sealed = at + <size_t>group_octets(frame[at:])
        at += padded(record.length)
    return header.time_ms, records


def record_octets(const unsigned char[::1] data not None) -> int:
    """How many octets the record at the start of ``data`` claims, padded; 0 if that can't be."""
    cdef Record record
    if data.shape[0] < C_RECORD_HEADER:
        return 0
    memcpy(&record, &data[0], C_RECORD_HEADER)
    return padded(record.length) if C_RECORD_HEADER <= record.length <= C_MAX_RECORD else 0


def record(const unsigned char[::1] data not None, uint64_t salt, size_t offset):
    """``(kind, head, body)`` of the record at ``data[0]``, ``offset`` in the segment, or None."""
    if data.shape[0] == 0 or not check_record(&data[0], data.shape[0], salted(salt), offset):
        return None
    return as_tuple(&data[0], 0)


def crc32c(bytes data not None, uint32_t before=0) -> int:
    """CRC32C as RFC 3720 B.4 has it; of what has ``before`` and then ``data``."""
    return (~crc32c_update(
        ~before, <const unsigned char *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)
    )) & 0xFFFFFFFF


def crc32c_without_instruction(bytes data not None) -> int:
    """The same by tables, as a CPU without SSE4.2 computes it."""
    return (~crc32c_by_table(
        0xFFFFFFFF, <const unsigned char *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)
    )) & 0xFFFFFFFF
