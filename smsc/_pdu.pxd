# The map of _pdu.pyx: what a PDU holds. Promises to users are in _pdu.pyi.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t


# A stretch of octets not yet read, or room not yet written. Only take() moves it.
cdef struct Cursor:
    const uint8_t *at
    const uint8_t *end


cdef struct Span:
    uint16_t at      # offset in raw; mandatory parameters end long before 65536
    uint16_t length  # octets, without a terminator


cdef class Pdu:
    cdef readonly bytes raw                 # the whole PDU, owned
    cdef readonly uint32_t command_id
    cdef readonly uint32_t command_status
    cdef readonly uint32_t sequence_number
    cdef bint _is_decoded
    cdef int32_t _status                    # what decode() answered
    cdef int32_t _tlvs_at                   # offset of the first TLV; len(raw) if none is readable
    cdef dict _fields                       # None until read by the tables

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


cdef class Response(Pdu):
    cdef Span _message_id


cdef class Decoder:
    cdef public uint32_t max_pdu_length
    cdef bytearray _held                    # a PDU begun and not complete; None if there is none
    cdef bint _broken                       # a FramingError was raised: boundaries are lost

    cdef Py_ssize_t _hold(self, Cursor *cursor, Py_ssize_t missing) except -1
    cdef int _resume(self, Cursor *cursor, list pdus) except -1
    cdef Py_ssize_t _command_length(self, const Cursor *begun, list pdus) except -1
