"""Traffic records: what they say, and as they are laid out for a block, in C.

The order is that of ``traffic.FIELDS``. What msgpack has several forms for is written in the
shortest, as its own packer does.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from smsc._pdu cimport Cursor, Message, left, text_of, within

cdef enum:
    FIELDS = 28
    # What an integer, a boolean, or the head of an octet string takes at most.
    MOST = 9
    LONGEST = 0xFFFF
    FIRST_ROOM = 1024


cdef struct End:
    uint64_t id
    uint64_t position


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Finished:
    cpdef Finished at(self, uint64_t position):
        self.position = position
        return self


cpdef Finished finished(
    uint64_t id, bint inbound, bytes customer, bytes account, bytes carrier, int64_t accepted,
    int64_t sent, int64_t done, int64_t expiry, int attempts, int state, uint64_t status,
    bytes network_error, bytes error, Message message, price=None, int parts=0, bytes network=b"",
):
    cdef Finished one = Finished.__new__(Finished)
    one.id = id
    one.inbound = inbound
    one.customer = customer
    one.account = account
    one.carrier = carrier
    one.accepted = accepted
    one.sent = sent
    one.done = done
    one.expiry = expiry
    one.attempts = attempts
    one.state = state
    one.status = status
    one.network_error = network_error
    one.error = error
    one.message = message
    one.price = price
    one.parts = parts
    one.network = network
    return one


cdef inline uint8_t *extend(Growing *octets, size_t more) except NULL:
    """Where so many may be written next; who writes them moves ``used``."""
    cdef size_t room = octets.room or FIRST_ROOM
    cdef uint8_t *start
    if octets.used + more > octets.room:
        while room < octets.used + more:
            room *= 2
        start = <uint8_t *>realloc(octets.start, room)
        if start == NULL:
            raise MemoryError
        octets.start = start
        octets.room = room
    return octets.start + octets.used


cdef bytes copied(const Growing *octets):
    return PyBytes_FromStringAndSize(<const char *>octets.start, octets.used)


cdef inline uint8_t *put_big(uint8_t *at, uint64_t value, int octets) noexcept:
    cdef int n
    for n in range(octets):
        at[n] = <uint8_t>(value >> (8 * (octets - 1 - n)))
    return at + octets


cdef uint8_t *put_uint(uint8_t *at, uint64_t value) noexcept:
    if value < 0x80:
        at[0] = <uint8_t>value
        return at + 1
    if value <= <uint64_t>0xFF:
        at[0] = 0xCC
        return put_big(at + 1, value, 1)
    if value <= <uint64_t>0xFFFF:
        at[0] = 0xCD
        return put_big(at + 1, value, 2)
    if value <= <uint64_t>0xFFFFFFFF:
        at[0] = 0xCE
        return put_big(at + 1, value, 4)
    at[0] = 0xCF
    return put_big(at + 1, value, 8)


cdef uint8_t *put_bin(uint8_t *at, const void *octets, Py_ssize_t length) noexcept:
    if length <= 0xFF:
        at[0] = 0xC4
        at = put_big(at + 1, <uint64_t>length, 1)
    else:
        at[0] = 0xC5
        at = put_big(at + 1, <uint64_t>length, 2)
    memcpy(at, octets, length)
    return at + length


cdef inline uint8_t *put_name(uint8_t *at, bytes name) noexcept:
    return put_bin(at, PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name))


cdef inline uint8_t *put_stretch(uint8_t *at, const Cursor *stretch) noexcept:
    return put_bin(at, stretch.at, left(stretch))


cpdef Py_ssize_t text_octets(Message message) except -1:
    cdef Cursor text
    text_of(message, &text)
    return left(&text)


@cython.final
cdef class Sheaf:
    def __init__(self, bytes customer not None, str month not None, str period not None):
        self.customer = customer
        self.month = month
        self.period = period

    def __dealloc__(self):
        free(self._ends.start)
        free(self._traffic.start)
        free(self._contents.start)

    def __len__(self):
        return self.records

    cpdef clear(self):
        self._ends.used = self._traffic.used = self._contents.used = 0
        self.records = 0
        self.newest = 0
        self.octets = 0

    @property
    def ends(self):
        return copied(&self._ends)

    @property
    def traffic(self):
        return copied(&self._traffic)

    @property
    def contents(self):
        return copied(&self._contents)

    cpdef int add(self, Finished end, uint64_t parts, bytes price) except -1:
        cdef Cursor source, destination, text
        cdef size_t room
        cdef End written
        cdef Message message = end.message
        cdef uint8_t *start
        cdef uint8_t *at
        if message is None or price is None:
            raise TypeError("no message, or no price")
        if end.accepted < 0 or end.sent < 0 or end.done < 0 or end.expiry < 0:
            raise ValueError("a time before 1970")
        text_of(message, &text)
        source = within(message.raw, &message._source_addr)
        destination = within(message.raw, &message._destination_addr)
        room = (
            3 + FIELDS * MOST + left(&source) + left(&destination)
            + PyBytes_GET_SIZE(end.network_error) + PyBytes_GET_SIZE(end.error)
            + PyBytes_GET_SIZE(end.network) + PyBytes_GET_SIZE(end.carrier)
            + PyBytes_GET_SIZE(self.customer) + PyBytes_GET_SIZE(end.account)
            + PyBytes_GET_SIZE(price)
        )
        if room > LONGEST:
            raise ValueError(f"a record of up to {room} octets")
        # Room for all of it first: a record is in all three or in none.
        extend(&self._ends, sizeof(End))
        extend(&self._contents, MOST + left(&text))
        start = at = extend(&self._traffic, room)
        at[0] = 0xDC  # an array of up to 65,535
        at = put_big(at + 1, FIELDS, 2)
        at = put_uint(at, end.id)
        at[0] = 0xC3 if end.inbound else 0xC2
        at = put_uint(at + 1, <uint64_t>end.accepted)
        at = put_uint(at, <uint64_t>end.sent)
        at = put_uint(at, <uint64_t>end.done)
        at = put_uint(at, <uint64_t>end.expiry)
        at = put_uint(at, message.source_addr_ton)
        at = put_uint(at, message.source_addr_npi)
        at = put_stretch(at, &source)
        at = put_uint(at, message.dest_addr_ton)
        at = put_uint(at, message.dest_addr_npi)
        at = put_stretch(at, &destination)
        at = put_uint(at, <uint64_t>end.state)
        at = put_uint(at, end.status)
        at = put_name(at, end.network_error)
        at = put_name(at, end.error)
        at = put_uint(at, message.data_coding)
        at = put_uint(at, message.esm_class)
        at = put_uint(at, message.protocol_id)
        at = put_uint(at, message.priority_flag)
        at = put_uint(at, message.registered_delivery)
        at = put_uint(at, parts)
        at = put_uint(at, <uint64_t>end.attempts)
        at = put_name(at, end.network)
        at = put_name(at, end.carrier)
        at = put_name(at, self.customer)
        at = put_name(at, end.account)
        memcpy(at, PyBytes_AS_STRING(price), PyBytes_GET_SIZE(price))
        at += PyBytes_GET_SIZE(price)
        self._traffic.used += at - start
        start = extend(&self._contents, 0)
        self._contents.used += put_stretch(start, &text) - start
        written.id = end.id
        written.position = end.position
        memcpy(extend(&self._ends, 0), &written, sizeof(End))
        self._ends.used += sizeof(End)
        self.octets = self._traffic.used + self._contents.used
        self.newest = max(self.newest, end.position)
        self.records += 1
        return 0
