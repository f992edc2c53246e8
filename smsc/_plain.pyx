"""Whether a message is so plain that no rule of ``message`` can have anything against it.

Most are: digits for addresses, no times, no TLVs but that of the text. Told here in some dozen
comparisons of octets, where one match of a regular expression took half a microsecond. What is
allowed comes as tables from ``message``, which owns the rules; whatever is not plain goes by those.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t

from smsc._pdu cimport Cursor, Message, Span, find, left, text_of


NOTHING, FIELDS, ALL = range(3)

cdef enum:
    _NOTHING = 0
    _FIELDS = 1
    _ALL = 2

cdef enum:
    _RELATIVE  # or none
    _ABSOLUTE
    _NEITHER

cdef enum:
    _UDHI = 0x40
    _PAYLOAD = 0x0424


@cython.final
cdef class Plain:
    """Built from tables of 256 octets each: what is allowed (1) at an octet's value.

    ``codings``: 0 never plain, 1 with any length of text, 2 with an even one.
    """

    def __init__(self, bytes tons, bytes npis, bytes classes, bytes codings, int alphanumeric,
                 int longest_name, int longest_text, int highest_priority):
        cdef int value
        if not len(tons) == len(npis) == len(classes) == len(codings) == 256:
            raise ValueError("a table has 256 octets")
        for value in range(256):
            self._tons[value] = tons[value]
            self._npis[value] = npis[value]
            self._classes[value] = classes[value]
            self._codings[value] = codings[value]
        self._alphanumeric = alphanumeric
        self._longest_name = longest_name
        self._longest_text = longest_text
        self._highest_priority = highest_priority

    cpdef int look(self, Message message) except -1:
        """How much of a decoded message is plain: ALL of it, its FIELDS, or NOTHING certain."""
        cdef uint8_t coding = self._codings[message.data_coding]
        cdef bint sound = (
            message._schedule.length == 0
            and self._classes[message.esm_class]
            and message.priority_flag <= self._highest_priority
            and message.replace_if_present_flag == 0
            and message.sm_default_msg_id == 0
            and message.sm_length <= self._longest_text
            and coding != 0
            and self._npis[message.source_addr_npi]
            and self._npis[message.dest_addr_npi]
            and self._tons[message.dest_addr_ton]
            and message._destination_addr.length > 0
            and _digits(message.raw, &message._destination_addr)
            and self._source(message)
        )
        cdef int validity = _validity(message.raw, &message._validity) if sound else _NEITHER
        if validity == _NEITHER:
            return _NOTHING
        if validity == _ABSOLUTE or not _is_sound_text(message, coding == 2):
            return _FIELDS  # these must fit together, which is for the rules to say
        return _ALL

    cdef bint _source(self, Message message) except -1:
        if message.source_addr_ton == self._alphanumeric:
            return (
                message._source_addr.length <= self._longest_name
                and _printable(message.raw, &message._source_addr)
            )
        return self._tons[message.source_addr_ton] and _digits(message.raw, &message._source_addr)


cdef bint _is_sound_text(Message message, bint wide) except -1:
    """Whether a header fits in, characters are whole, and no TLV says anything but the text."""
    cdef Cursor text
    cdef Py_ssize_t octets, header = 0
    cdef Py_ssize_t tlvs = PyBytes_GET_SIZE(message.raw) - message._tlvs_at
    text_of(message, &text)
    octets = left(&text)
    if tlvs and (message.sm_length or tlvs != 4 + octets or not find(message, _PAYLOAD, &text)):
        return False
    if message.esm_class & _UDHI:
        header = text.at[0] + 1 if octets else 1
    return header <= octets and not (wide and (octets - header) % 2)


cdef int _validity(bytes raw, const Span *span) noexcept:
    """What an absent or possible validity_period is (3.4 section 7.1.1); _NEITHER for any other."""
    cdef const uint8_t *d = <const uint8_t *>PyBytes_AS_STRING(raw) + span.at
    cdef int i
    cdef bint some = False
    if span.length == 0:
        return _RELATIVE
    if span.length != 16:
        return _NEITHER
    for i in range(15):
        if not 0x30 <= d[i] <= 0x39:
            return _NEITHER
        some = some or (i < 12 and d[i] != 0x30)
    if d[15] == c"+" or d[15] == c"-":
        return _ABSOLUTE
    # A relative one that ends at once is for the rules, and so is one that is no time at all.
    if (
        d[15] == c"R"
        and some
        and _pair(d + 2) <= 12
        and _pair(d + 4) <= 31
        and _pair(d + 6) <= 23
        and _pair(d + 8) <= 59
        and _pair(d + 10) <= 59
    ):
        return _RELATIVE
    return _NEITHER


cdef int _pair(const uint8_t *digits) noexcept:
    return (digits[0] - 0x30) * 10 + digits[1] - 0x30


# A decoded message's spans lie within its octets: the decoder's cursor saw to it.


cdef bint _digits(bytes raw, const Span *span) noexcept:
    cdef const uint8_t *octets = <const uint8_t *>PyBytes_AS_STRING(raw) + span.at
    cdef int i
    for i in range(span.length):
        if not 0x30 <= octets[i] <= 0x39:
            return False
    return True


cdef bint _printable(bytes raw, const Span *span) noexcept:
    cdef const uint8_t *octets = <const uint8_t *>PyBytes_AS_STRING(raw) + span.at
    cdef int i
    for i in range(span.length):
        if not 0x20 <= octets[i] <= 0x7E:
            return False
    return True
