# cython: auto_pickle=False
"""The octets of receipts. All access goes through the cursor of ``_pdu.pxd``, by its rule: what
``take`` returned may be indexed up to what was taken, and nothing else may.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport INT64_MIN, int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memchr, memcmp, memcpy, strlen

from smsc._pdu cimport (
    HEADER,
    Cursor,
    Message,
    body,
    find,
    left,
    over,
    put_header,
    put_octet,
    put_octets,
    rest,
    take,
    text_of,
    within,
)

from smsc.text import CHARSETS, ESC as _ESC, PREVIEW_CHARACTERS, Charset, preview
from smsc.times import format_minute

cdef enum:
    DELIVER_SM = 0x00000005
    USER_MESSAGE_REFERENCE = 0x0204
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_STATE = 0x0427
    RECEIPTED_MESSAGE_ID = 0x001E

    # Bits of esm_class.
    RECEIPT = 0x04
    NOTIFICATION = 0x20
    UDHI = 0x40

    ENROUTE = 1
    DELIVERED = 2
    MS_PER_MINUTE = 60000
    MS_PER_SECOND = 1000
    DIGITS = 10
    # Several times what the longest text, 255 octets, takes with all that stands around it.
    ROOM = 1024
    MAX_TEXT = 255
    # Three characters is what parsers in the field take.
    MAX_ERROR = 999
    # Where it is a number, more than this says no more.
    MAX_NUMBER = 0xFFFFFF
    # What is longer than a message_id can be is no value.
    MAX_VALUE = 64


# -- building ----------------------------------------------------------------------------------

cdef int PREVIEWED = PREVIEW_CHARACTERS
cdef uint8_t ESC = _ESC
#: Values of data_coding that mean the GSM alphabet.
cdef bint IS_GSM[256]
for _data_coding, _charset in enumerate(CHARSETS):
    IS_GSM[<uint8_t> _data_coding] = _charset is Charset.GSM

#: From protocol_id to sm_default_msg_id: all is 0 or empty.
cdef bytes FLAGS = bytes(8)


cdef inline int put(Cursor *room, const void *octets, Py_ssize_t length) except -1:
    cdef uint8_t *start = <uint8_t *> take(room, length)
    if start is NULL:
        raise ValueError("no room")
    memcpy(start, octets, length)
    return 0


cdef inline int put_literal(Cursor *room, const char *octets) except -1:
    return put(room, octets, strlen(octets))


cdef inline int put_rest(Cursor *room, Cursor octets) except -1:
    return put(room, octets.at, left(&octets))


cdef inline int put_tlv_head(Cursor *room, uint16_t tag, Py_ssize_t length) except -1:
    put_octet(room, <uint8_t> (tag >> 8))
    put_octet(room, <uint8_t> tag)
    put_octet(room, <uint8_t> (length >> 8))
    return put_octet(room, <uint8_t> length)


cdef inline int put_error(Cursor *room, int error) except -1:
    """At least three digits."""
    cdef int number = min(error, <int> MAX_ERROR)
    if number < 0:
        return put_octets(room, b"%03d" % number)
    put_octet(room, <uint8_t> (c"0" + number // 100))
    put_octet(room, <uint8_t> (c"0" + number // 10 % 10))
    return put_octet(room, <uint8_t> (c"0" + number % 10))


cdef int put_preview(Cursor *room, Message original) except -1:
    """As ``text.preview``, which is asked wherever octets are not simply characters."""
    cdef Cursor text
    cdef const uint8_t *head
    cdef uint8_t *shown
    cdef Py_ssize_t length, at
    text_of(original, &text)
    length = min(left(&text), PREVIEWED)
    if IS_GSM[original.data_coding] and not original.esm_class & UDHI:
        head = take(&text, length)
        if memchr(head, ESC, length) is NULL:
            shown = <uint8_t *> take(room, length)
            if shown is NULL:
                raise ValueError("no room")
            for at in range(length):
                shown[at] = head[at] if 0 < head[at] < 0x80 else c"?"
            return 0
    return put_octets(
        room, preview(original.text, original.data_coding, original.esm_class & UDHI != 0)
    )


cdef int put_tlvs(
    Cursor *room, Message original, bytes message_id, Told told, bytes network_error
) except -1:
    cdef Cursor reference
    put_tlv_head(room, RECEIPTED_MESSAGE_ID, PyBytes_GET_SIZE(message_id) + 1)
    put_octets(room, message_id)
    put_octet(room, 0)
    put_tlv_head(room, MESSAGE_STATE, 1)
    put_octet(room, told.state)
    if network_error:
        put_tlv_head(room, NETWORK_ERROR_CODE, PyBytes_GET_SIZE(network_error))
        put_octets(room, network_error)
    if find(original, USER_MESSAGE_REFERENCE, &reference):
        put_tlv_head(room, USER_MESSAGE_REFERENCE, left(&reference))
        put_rest(room, reference)
    return 0


@cython.cdivision(False)
cdef inline int64_t minute_of(int64_t ms):
    """The minute since the epoch, before which they count down."""
    return ms // MS_PER_MINUTE


@cython.cdivision(False)
cdef inline int second_of(int64_t ms):
    """The second within its minute."""
    return ms // MS_PER_SECOND % 60


@cython.final
cdef class Told:
    """What the text says of a state; between and around it are the dates and the error."""

    def __init__(self, bint delivered, uint8_t state, bytes word not None):
        self.state = state
        # What is not final yet is no receipt (5.0 4.7.12).
        self.esm_class = NOTIFICATION if state == ENROUTE else RECEIPT
        self.until_date = b" sub:001 dlvrd:%03d submit date:" % delivered
        self.until_err = b" stat:%b err:" % word


@cython.final
cdef class Writer:
    def __init__(self, told):
        cdef int slot
        self._told = [None] * (max(told) + 1)
        for state, (shown, word) in told.items():
            self._told[state] = Told(state == DELIVERED, shown, word)
        for slot in range(256):
            self._minutes[slot].number = INT64_MIN

    cdef const char *_digits(self, int64_t minute) except NULL:
        """The ten digits of a minute. Receipts come in streams: nearly all tell of the same few."""
        cdef Minute *kept = &self._minutes[minute & 255]
        cdef bytes digits
        if kept.number != minute:
            digits = format_minute(minute)
            if PyBytes_GET_SIZE(digits) != DIGITS:
                raise ValueError(f"a minute of {len(digits)} digits")
            memcpy(kept.digits, PyBytes_AS_STRING(digits), DIGITS)
            kept.number = minute
        return kept.digits

    cdef int _put_date(self, Cursor *room, int64_t ms, bint seconds) except -1:
        cdef int second
        put(room, self._digits(minute_of(ms)), DIGITS)
        if seconds:
            second = second_of(ms)
            put_octet(room, <uint8_t> (c"0" + second // 10))
            put_octet(room, <uint8_t> (c"0" + second % 10))
        return 0

    cdef int _put_text(
        self, Cursor *room, Message original, bytes message_id, Told told, int error,
        int64_t submit_ms, int64_t done_ms, bint seconds,
    ) except -1:
        cdef uint8_t *sm_length = <uint8_t *> take(room, 1)
        cdef Py_ssize_t size = left(room)
        if sm_length is NULL:
            raise ValueError("no room")
        put_literal(room, b"id:")
        put_octets(room, message_id)
        put_octets(room, told.until_date)
        self._put_date(room, submit_ms, seconds)
        put_literal(room, b" done date:")
        self._put_date(room, done_ms, seconds)
        put_octets(room, told.until_err)
        put_error(room, error)
        put_literal(room, b" text:")
        put_preview(room, original)
        size -= left(room)
        if size > MAX_TEXT:
            raise ValueError(f"a receipt's text of {size} octets, at most {MAX_TEXT}")
        sm_length[0] = <uint8_t> size
        return 0

    cpdef bytes write(
        self, Message original, bytes message_id, int state, bytes network_error, int error,
        int64_t submit_ms, int64_t done_ms, bint tlvs, bint seconds,
    ):
        cdef uint8_t octets[ROOM]
        cdef Cursor room = over(octets, ROOM)
        cdef Told told = None
        cdef Py_ssize_t size
        if 0 <= state < len(self._told):
            told = self._told[state]
        if told is None:
            raise KeyError(state)
        if original is None or message_id is None:
            raise TypeError("a receipt speaks of a message and its id")
        # Spans are good once the body has been decoded.
        original._decoded()
        take(&room, HEADER)
        put_rest(&room, within(original.raw, &original._service_type))
        put_octet(&room, 0)
        put_octet(&room, original.dest_addr_ton)
        put_octet(&room, original.dest_addr_npi)
        put_rest(&room, within(original.raw, &original._destination_addr))
        put_octet(&room, 0)
        put_octet(&room, original.source_addr_ton)
        put_octet(&room, original.source_addr_npi)
        put_rest(&room, within(original.raw, &original._source_addr))
        put_octet(&room, 0)
        put_octet(&room, told.esm_class)
        put_octets(&room, FLAGS)
        self._put_text(&room, original, message_id, told, error, submit_ms, done_ms, seconds)
        if tlvs:
            put_tlvs(&room, original, message_id, told, network_error)
        size = ROOM - left(&room)
        room = over(octets, HEADER)
        put_header(&room, <uint32_t> size, DELIVER_SM, 0, 0)
        return PyBytes_FromStringAndSize(<char *> octets, size)


cpdef int number_of(bytes digits) except? -1:
    cdef Cursor left_over = body(digits, 0)
    cdef const uint8_t *octet = take(&left_over, 1)
    cdef int number = 0
    if octet is NULL:
        return -1
    while octet is not NULL:
        if not c"0" <= octet[0] <= c"9":
            return -1
        number = min(number * 10 + (octet[0] - c"0"), <int> MAX_NUMBER)
        octet = take(&left_over, 1)
    return number


# -- reading -----------------------------------------------------------------------------------

cdef struct Standard:
    Cursor id
    Cursor done
    Cursor word
    Cursor error


cdef inline bint ends_value(uint8_t octet) noexcept nogil:
    """White space, as a regular expression has it, or NUL."""
    # Hardly any octet is, and the first look sees that.
    return octet <= c" " and (octet == c" " or c"\t" <= octet <= c"\r" or octet == 0)


cdef inline bint take_literal(Cursor *text, const char *expected) noexcept nogil:
    cdef const uint8_t *start = take(text, strlen(expected))
    return start is not NULL and memcmp(start, expected, strlen(expected)) == 0


cdef inline bint take_value(Cursor *text, Py_ssize_t least, Cursor *value) noexcept nogil:
    """Take what belongs to a value, never more than it may have."""
    cdef Cursor ahead = text[0]
    cdef Py_ssize_t limit = min(left(text), <Py_ssize_t> MAX_VALUE)
    cdef const uint8_t *octets = take(&ahead, limit)
    cdef Py_ssize_t length = 0
    while length < limit and not ends_value(octets[length]):
        length += 1
    value[0] = over(take(text, length), length)
    return length >= least


cdef inline bint skip_to_space(Cursor *text) noexcept nogil:
    cdef const void *space = memchr(text.at, c" ", left(text))
    return space is not NULL and take(text, <const uint8_t *> space - text.at) is not NULL


cdef bint take_standard(Cursor text, Standard *told) noexcept nogil:
    """The fields as Appendix B orders them, up to the label of the text."""
    return (
        take_literal(&text, b"id:") and take_value(&text, 1, &told.id)
        and take_literal(&text, b" sub:") and skip_to_space(&text)
        and take_literal(&text, b" dlvrd:") and skip_to_space(&text)
        and take_literal(&text, b" submit date:") and skip_to_space(&text)
        and take_literal(&text, b" done date:") and take_value(&text, 0, &told.done)
        and take_literal(&text, b" stat:") and take_value(&text, 1, &told.word)
        and take_literal(&text, b" err:") and take_value(&text, 0, &told.error)
        and take_literal(&text, b" text:")
    )


cdef inline bytes again(Cursor value, bytes last):
    """A copy, or the one that was made last: most receipts of a stream say the same."""
    if left(&value) == PyBytes_GET_SIZE(last) and not memcmp(
        value.at, PyBytes_AS_STRING(last), left(&value)
    ):
        return last
    return rest(&value)


cdef bytes stripped(Cursor value):
    """Without the NULs and blanks at its end."""
    cdef Py_ssize_t length = left(&value)
    cdef const uint8_t *octets = take(&value, length)
    while length and (octets[length - 1] == 0 or octets[length - 1] == c" "):
        length -= 1
    return PyBytes_FromStringAndSize(<const char *> octets, length)


@cython.final
@cython.freelist(64)
cdef class Receipt:
    def __init__(
        self,
        bytes id not None,
        int state,
        bint final,
        bytes error not None,
        bytes done not None,
        bytes network_error not None,
    ):
        self.id = id
        self.state = state
        self.final = final
        self.error = error
        self.done = done
        self.network_error = network_error

    def __eq__(self, other):
        cdef Receipt one
        if not isinstance(other, Receipt):
            return NotImplemented
        one = other
        return (
            self.state == one.state
            and self.final == one.final
            and self.id == one.id
            and self.error == one.error
            and self.done == one.done
            and self.network_error == one.network_error
        )

    def __repr__(self):
        return f"<Receipt state={self.state} final={bool(self.final)}>"


@cython.final
cdef class Reader:
    def __init__(self, states, int unknown, final, searched):
        cdef uint8_t state
        self._states = dict(states)
        self._unknown = unknown
        self._searched = searched
        self._word = self._error = self._done = b""
        self._word_state = unknown
        for state in final:
            self._final[state] = True

    cdef int _state(self, bytes word) except -1:
        if word is not self._word:
            state = self._states.get(word)
            if state is None:
                state = self._states.get(word.upper(), self._unknown)
            self._word, self._word_state = word, state
        return self._word_state

    cpdef Receipt read(self, Message pdu):
        cdef Cursor text, tlv
        cdef Standard told
        cdef Receipt receipt
        cdef bytes word = None
        cdef bint named
        if pdu is None:
            raise TypeError("no PDU")
        named = find(pdu, RECEIPTED_MESSAGE_ID, &tlv)
        if not named and not pdu.esm_class & (RECEIPT | NOTIFICATION):
            return None
        receipt = Receipt.__new__(Receipt)
        if named:
            receipt.id = stripped(tlv)
        text_of(pdu, &text)
        if take_standard(text, &told):
            receipt.id = receipt.id or rest(&told.id)
            word = again(told.word, self._word)
            receipt.error = self._error = again(told.error, self._error)
            receipt.done = self._done = again(told.done, self._done)
        else:
            found, word, receipt.error, receipt.done = self._searched(rest(&text))
            receipt.id = receipt.id or found
        if find(pdu, MESSAGE_STATE, &tlv) and left(&tlv):
            receipt.state = take(&tlv, 1)[0]
        else:
            receipt.state = self._state(word)
        receipt.final = self._final[<uint8_t> receipt.state] and not pdu.esm_class & NOTIFICATION
        receipt.network_error = rest(&tlv) if find(pdu, NETWORK_ERROR_CODE, &tlv) else b""
        return receipt
