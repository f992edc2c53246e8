# The map of _pdu.pyx: what a PDU holds. Promises to users are in _pdu.pyi.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy


cdef enum:
    HEADER = 16


# A stretch of octets not yet read, or room not yet written. Only take() moves it.
cdef struct Cursor:
    const uint8_t *at
    const uint8_t *end


cdef struct Span:
    uint16_t at      # offset in raw; mandatory parameters end long before 65536
    uint16_t length  # octets, without a terminator


cdef inline Py_ssize_t left(const Cursor *cursor) noexcept nogil:
    return cursor.end - cursor.at


cdef inline const uint8_t *take(Cursor *cursor, Py_ssize_t count) noexcept nogil:
    """Move on by ``count`` octets; where they begin, or NULL if fewer are left."""
    cdef const uint8_t *start = cursor.at
    if count > cursor.end - start:
        return NULL
    cursor.at = start + count
    return start


cdef inline Cursor over(const void *start, Py_ssize_t length) noexcept nogil:
    cdef Cursor cursor
    cursor.at = <const uint8_t *> start
    cursor.end = cursor.at + length
    return cursor


cdef inline Cursor body(bytes raw, Py_ssize_t offset) noexcept:
    """What of a PDU lies behind ``offset``."""
    cdef Cursor cursor = over(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))
    take(&cursor, offset)
    return cursor


cdef inline bytes rest(const Cursor *cursor):
    """A copy of all that is left."""
    return PyBytes_FromStringAndSize(<const char *> cursor.at, left(cursor))


cdef inline Cursor within(bytes raw, const Span *span) noexcept:
    """What of a PDU a span names; nothing if the PDU does not reach that far."""
    cdef Cursor cursor = body(raw, span.at)
    cdef const uint8_t *start = take(&cursor, span.length)
    return over(cursor.at, 0) if start is NULL else over(start, span.length)


cdef inline void put_u32(uint8_t *room, uint32_t value) noexcept nogil:
    room[0] = <uint8_t> (value >> 24)
    room[1] = <uint8_t> (value >> 16)
    room[2] = <uint8_t> (value >> 8)
    room[3] = <uint8_t> value


cdef inline int put_octet(Cursor *room, uint8_t value) except -1:
    cdef uint8_t *octet = <uint8_t *> take(room, 1)
    if octet is NULL:
        raise ValueError("no room")
    octet[0] = value
    return 0


cdef inline int put_header(
    Cursor *room, uint32_t length, uint32_t command_id, uint32_t status, uint32_t sequence_number
) except -1:
    cdef uint8_t *header = <uint8_t *> take(room, HEADER)
    if header is NULL:
        raise ValueError("no room for a header")
    put_u32(header, length)
    put_u32(&header[4], command_id)
    put_u32(&header[8], status)
    put_u32(&header[12], sequence_number)
    return 0


cdef inline int put_octets(Cursor *room, bytes octets) except -1:
    cdef uint8_t *start = <uint8_t *> take(room, PyBytes_GET_SIZE(octets))
    if start is NULL:
        raise ValueError("no room")
    memcpy(start, PyBytes_AS_STRING(octets), PyBytes_GET_SIZE(octets))
    return 0


cdef class Pdu:
    cdef readonly bytes raw                 # the whole PDU, owned
    cdef readonly uint32_t command_id
    cdef readonly uint32_t command_status
    cdef readonly uint32_t sequence_number
    cdef bint _is_decoded
    cdef int32_t _status                    # what decode() answered
    cdef int32_t _tlvs_at                   # offset of the first TLV; len(raw) if none is readable
    cdef dict _fields                       # None until read by the tables

    cpdef int decode(self) except -1
    cdef int _decoded(self) except -1       # the status, decoding first if need be
    cdef int _decode_body(self) except -1   # decode, whatever was decoded before


cdef class Message(Pdu):
    cdef readonly uint8_t source_addr_ton
    cdef readonly uint8_t source_addr_npi
    cdef readonly uint8_t dest_addr_ton
    cdef readonly uint8_t dest_addr_npi
    cdef readonly uint8_t esm_class
    cdef readonly uint8_t protocol_id
    cdef readonly uint8_t priority_flag
    cdef readonly uint8_t registered_delivery
    cdef readonly uint8_t replace_if_present_flag
    cdef readonly uint8_t data_coding
    cdef readonly uint8_t sm_default_msg_id
    cdef readonly uint8_t sm_length
    cdef readonly bint timeless, bare       # see _pdu.pyi
    cdef uint16_t _registered_at            # offset of registered_delivery, which forward() changes
    cdef Span _service_type
    cdef Span _source_addr
    cdef Span _destination_addr
    cdef Span _schedule
    cdef Span _validity
    cdef Span _short_message

    cdef int _decode_mandatory(self, Cursor *cursor) noexcept
    cdef int _decode_content(self, Cursor *cursor) noexcept
    cdef int _take_string(self, Cursor *cursor, int size, Span *span) noexcept
    cdef int _take_time(self, Cursor *cursor, Span *span) noexcept
    cdef bytes _octets(self, const Span *span)
    cpdef bytes forward(self, uint32_t sequence_number, int registered_delivery=*)

    cpdef Message reworded(
        self, uint8_t esm_class, uint8_t registered_delivery, uint8_t data_coding, bytes text, tlvs)


cdef class Response(Pdu):
    cdef readonly bytes message_id          # empty if none can be read


cdef class Decoder:
    cdef public uint32_t max_pdu_length
    cdef bytearray _held                    # a PDU begun and not complete; None if there is none
    cdef bint _broken                       # a FramingError was raised: boundaries are lost

    cdef Py_ssize_t _hold(self, Cursor *cursor, Py_ssize_t missing) except -1
    cdef int _resume(self, Cursor *cursor, list pdus) except -1
    cdef Py_ssize_t _command_length(self, const Cursor *begun, list pdus) except -1


cpdef bytes id_resp(uint32_t command_id, uint32_t sequence_number, uint64_t message_id)
cpdef bytes resequence(bytes pdu, uint32_t sequence_number)

# Stretches of a PDU's own octets, good for as long as it lives. Both decode first.
cdef bint find(Pdu pdu, uint16_t tag, Cursor *value) except -1   # the first TLV with that tag
cdef int text_of(Message message, Cursor *text) except -1        # as Message.text

cpdef bytes hex_id(uint64_t message_id)
