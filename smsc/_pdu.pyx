# cython: auto_pickle=False
"""Octets <-> PDU values. The tables of ``smsc.smpp``, compiled at import, decode and encode every
PDU; the PDUs that carry the traffic have decoders of their own, tested to be equal to the tables.

All access to octets goes through a Cursor: ``take`` moves it, or says that too little is left.
What ``take`` returned may be indexed up to what was taken, and nothing else may. The cursor and the
writers of single values are in ``_pdu.pxd``, since ``_receipt`` inlines them too.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memset

from smsc import smpp
from smsc.errors import FramingError

cdef enum:
    RESPONSE_BIT = 0x80000000

    # What cstring() says in place of a length.
    ENDED = -1     # the PDU ends before the terminator
    OVERLONG = -2  # no terminator within the field's size

    SUBMIT_SM = 0x00000004
    DELIVER_SM = 0x00000005
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM_RESP = 0x80000005
    DATA_SM_RESP = 0x80000103
    MESSAGE_PAYLOAD = 0x0424
    QOS_TIME_TO_LIVE = 0x0017

    # Of esm_class.
    MODE = 0x03
    DATAGRAM = 0x01

    ESME_RINVMSGLEN = 0x01
    ESME_RINVCMDLEN = 0x02
    ESME_RINVCMDID = 0x03
    ESME_RINVSRCADR = 0x0A
    ESME_RINVDSTADR = 0x0B
    ESME_RINVSERTYP = 0x15
    ESME_RINVDESTFLAG = 0x40
    ESME_RINVSCHED = 0x61
    ESME_RINVEXPIRY = 0x62
    ESME_RINVTLVSTREAM = 0xC0
    ESME_RINVTLVLEN = 0xC2
    ESME_RMISSINGTLV = 0xC3

    # Sizes of the fields of submit_sm, terminators included.
    SERVICE_TYPE = 6
    ADDRESS = 21
    TIME = 17
    MESSAGE_ID = 65

cdef int MAX_TLVS = smpp.MAX_TLVS
cdef int KIND_LENGTH = smpp.Kind.LENGTH
cdef int KIND_OCTETS = smpp.Kind.OCTETS


# -- the cursor --------------------------------------------------------------------------------

cdef inline Py_ssize_t offset_of(const Cursor *cursor, bytes raw) noexcept:
    return PyBytes_GET_SIZE(raw) - left(cursor)


cdef inline uint32_t u32(const uint8_t *octets) noexcept nogil:
    return (
        <uint32_t> octets[0] << 24 | <uint32_t> octets[1] << 16
        | <uint32_t> octets[2] << 8 | octets[3]
    )


cdef inline uint16_t u16(const uint8_t *octets) noexcept nogil:
    return <uint16_t> (octets[0] << 8 | octets[1])


cdef inline int cstring(Cursor *cursor, size_t size, const uint8_t **start) noexcept nogil:
    """Take a string and its terminator; its length without it, or ENDED or OVERLONG."""
    cdef size_t limit = left(cursor)
    cdef const uint8_t *end
    start[0] = cursor.at
    if limit == 0:
        return ENDED
    # Most strings of a submit_sm are empty, and memchr costs more than this look.
    if start[0][0] == 0:
        take(cursor, 1)
        return 0
    if limit > size:
        limit = size
    end = <const uint8_t *> memchr(start[0], 0, limit)
    if end is NULL:
        return OVERLONG if limit == size else ENDED
    take(cursor, end - start[0] + 1)
    return <int> (end - start[0])


cdef inline int timestring(Cursor *cursor, int size, const uint8_t **start) noexcept nogil:
    """A string that is empty or fills its size; any other length is OVERLONG."""
    cdef int length = cstring(cursor, size, start)
    return length if length <= 0 or length == size - 1 else OVERLONG


cdef inline int fault(int length, int status) noexcept nogil:
    """What to answer when cstring() gave no length: a field's own status if the field is there."""
    return ESME_RINVCMDLEN if length == ENDED else status


# -- the tables, compiled ----------------------------------------------------------------------

cdef struct FieldRule:
    int kind
    int size
    int status
    int blank               # octets, all NUL, when it is 0 or empty; -1 if it can't be

cdef struct Layout:
    uint64_t bit            # this command among the commands of a TlvRule
    bint response
    int count
    FieldRule fields[20]
    int required_count
    uint16_t required[4]

cdef struct TlvRule:
    int least
    int most
    int step
    uint64_t commands       # where it is expected

cdef struct Tlv:
    uint16_t tag
    uint16_t length
    const uint8_t *value

cdef enum:
    MAX_COMMAND = 0x200     # of the ids without the response bit
    MAX_LAYOUTS = 64        # as many as fit TlvRule.commands
    MAX_TAG = 0x1400        # vendors' tags begin here
    MAX_RULES = 128

cdef Layout LAYOUTS[MAX_LAYOUTS]
cdef uint8_t LAYOUT_INDEX[2][MAX_COMMAND]
cdef Layout DEST_LAYOUTS[3]
cdef Layout UNSUCCESS_LAYOUT
cdef TlvRule TLV_RULES[MAX_RULES]
cdef uint8_t TLV_INDEX[MAX_TAG]
#: Field names of LAYOUTS, and the commands' own.
cdef list FIELD_NAMES = [()]
cdef list COMMAND_NAMES = ["unknown"]


cdef inline int index_of(uint32_t command_id) noexcept nogil:
    """Index into LAYOUTS; 0 for an unknown command."""
    cdef uint32_t number = command_id & ~<uint32_t> RESPONSE_BIT
    if number >= MAX_COMMAND:
        return 0
    return LAYOUT_INDEX[command_id != number][number]


cdef inline const Layout *layout_of(uint32_t command_id) noexcept nogil:
    return &LAYOUTS[index_of(command_id)]


cdef dict BLANK = {
    smpp.Kind.LENGTH: 1,
    smpp.Kind.CSTRING: 1,
    smpp.Kind.TIME: 1,
    smpp.Kind.OCTETS: 0,
    smpp.Kind.DESTS: -1,
    smpp.Kind.UNSUCCESS: 0,
}


cdef int compile_fields(Layout *layout, fields) except -1:
    if len(fields) > 20:
        raise ValueError("a layout has more fields than Layout holds")
    layout.count = len(fields)
    for i, field in enumerate(fields):
        layout.fields[i].kind = field.kind
        layout.fields[i].size = field.size
        layout.fields[i].status = field.status
        layout.fields[i].blank = field.size if field.kind == smpp.Kind.INT else BLANK[field.kind]
    return 0


cdef int compile_commands() except -1:
    cdef Layout *layout
    for index, (command, fields) in enumerate(smpp.LAYOUTS.items(), 1):
        layout = &LAYOUTS[index]
        layout.bit = <uint64_t> 1 << <int> index
        layout.response = bool(command & smpp.RESPONSE)
        compile_fields(layout, fields)
        required = smpp.REQUIRED_TLVS.get(command, ())
        layout.required_count = len(required)
        for i, tag in enumerate(required):
            layout.required[i] = tag
        LAYOUT_INDEX[layout.response][<uint32_t> command & ~<uint32_t> RESPONSE_BIT] = index
        FIELD_NAMES.append(tuple([field.name for field in fields]))
        COMMAND_NAMES.append(command.name.lower())
    for flag, fields in smpp.DEST_ADDRESS.items():
        compile_fields(&DEST_LAYOUTS[<int> flag], fields)
    return compile_fields(&UNSUCCESS_LAYOUT, smpp.UNSUCCESS_SME)


cdef int compile_tlvs() except -1:
    for index, (tag, tlv) in enumerate(smpp.TLVS.items(), 1):
        TLV_INDEX[<int> tag] = index
        TLV_RULES[<int> index].least = min(tlv.lengths)
        TLV_RULES[<int> index].most = max(tlv.lengths)
        TLV_RULES[<int> index].step = tlv.lengths.step
        for command in tlv.commands:
            TLV_RULES[<int> index].commands |= layout_of(command).bit
    return 0


compile_commands()
compile_tlvs()


# -- TLVs --------------------------------------------------------------------------------------

cdef inline bint fits(const Tlv *tlv, uint64_t command_bit) noexcept nogil:
    """Whether the length is right, which is asked of known TLVs in the PDUs that expect them."""
    cdef const TlvRule *rule
    if tlv.tag >= MAX_TAG or TLV_INDEX[tlv.tag] == 0:
        return True
    rule = &TLV_RULES[TLV_INDEX[tlv.tag]]
    if not rule.commands & command_bit:
        return True
    return rule.least <= tlv.length <= rule.most and (tlv.length - rule.least) % rule.step == 0


cdef inline bint take_tlv(Cursor *cursor, Tlv *tlv) noexcept nogil:
    """Take one TLV; false if what is left is not a whole one."""
    cdef const uint8_t *head = take(cursor, 4)
    if head is NULL:
        return False
    tlv.tag = u16(head)
    tlv.length = u16(&head[2])
    tlv.value = take(cursor, tlv.length)
    return tlv.value is not NULL


cdef int check_tlvs(Cursor cursor, const Layout *layout) noexcept nogil:
    """The status that a request's TLVs deserve."""
    cdef Tlv tlv
    cdef int count = 0
    cdef bint misfit = False
    while left(&cursor):
        count += 1
        if count > MAX_TLVS or not take_tlv(&cursor, &tlv):
            return ESME_RINVTLVSTREAM
        if not fits(&tlv, layout.bit):
            misfit = True
    return ESME_RINVTLVLEN if misfit else 0


cdef int check_required(Cursor cursor, const Layout *layout) noexcept nogil:
    cdef Tlv tlv
    cdef int i
    for i in range(layout.required_count):
        if not find_tlv(cursor, layout, layout.required[i], &tlv):
            return ESME_RMISSINGTLV
    return 0


cdef bint next_tlv(Cursor *cursor, const Layout *layout, Tlv *tlv) noexcept nogil:
    """Take the next TLV that is sound. In a request that decoded all of them are."""
    while take_tlv(cursor, tlv):
        if fits(tlv, layout.bit):
            return True
    return False


cdef bint find_tlv(Cursor cursor, const Layout *layout, uint16_t tag, Tlv *tlv) noexcept nogil:
    while next_tlv(&cursor, layout, tlv):
        if tlv.tag == tag:
            return True
    return False


cdef bytes value_of(const Tlv *tlv):
    return PyBytes_FromStringAndSize(<const char *> tlv.value, tlv.length)


cdef bint find(Pdu pdu, uint16_t tag, Cursor *value) except -1:
    cdef Tlv found
    cdef Cursor tlvs
    pdu._decoded()
    tlvs = body(pdu.raw, pdu._tlvs_at)
    if not left(&tlvs) or not find_tlv(tlvs, layout_of(pdu.command_id), tag, &found):
        return False
    value[0] = over(found.value, found.length)
    return True


# -- reading by the tables ---------------------------------------------------------------------

# One for each smpp.Kind. ``announced`` is what the LENGTH before said; a fault goes to ``status``.
ctypedef object (*Reader)(Cursor *cursor, const FieldRule *rule, int announced, int *status)
cdef Reader READERS[7]


cdef object read_int(Cursor *cursor, const FieldRule *rule, int announced, int *status):
    cdef const uint8_t *octets = take(cursor, rule.size)
    cdef uint64_t number = 0
    cdef int i
    if octets is NULL:
        status[0] = ESME_RINVCMDLEN
        return None
    for i in range(rule.size):
        number = number << 8 | octets[i]
    return number


cdef object read_cstring(Cursor *cursor, const FieldRule *rule, int announced, int *status):
    cdef const uint8_t *start
    cdef int length = cstring(cursor, rule.size, &start)
    if length < 0:
        status[0] = fault(length, rule.status)
        return None
    return PyBytes_FromStringAndSize(<const char *> start, length)


cdef object read_time(Cursor *cursor, const FieldRule *rule, int announced, int *status):
    cdef const uint8_t *start
    cdef int length = timestring(cursor, rule.size, &start)
    if length < 0:
        status[0] = fault(length, rule.status)
        return None
    return PyBytes_FromStringAndSize(<const char *> start, length)


cdef object read_octets(Cursor *cursor, const FieldRule *rule, int announced, int *status):
    cdef const uint8_t *octets = take(cursor, announced)
    if octets is NULL:
        status[0] = rule.status
        return None
    return PyBytes_FromStringAndSize(<const char *> octets, announced)


cdef object read_dests(Cursor *cursor, const FieldRule *rule, int announced, int *status):
    cdef const uint8_t *flag
    cdef list entries = []
    if announced == 0:
        status[0] = rule.status
    for _ in range(announced):
        flag = take(cursor, 1)
        if flag is NULL:
            status[0] = ESME_RINVCMDLEN
        elif flag[0] not in (1, 2):
            status[0] = ESME_RINVDESTFLAG
        else:
            entries.append((flag[0], *read_values(cursor, &DEST_LAYOUTS[flag[0]], status)))
        if status[0]:
            break
    return entries


cdef object read_unsuccess(Cursor *cursor, const FieldRule *rule, int announced, int *status):
    cdef list entries = []
    for _ in range(announced):
        entries.append(tuple(read_values(cursor, &UNSUCCESS_LAYOUT, status)))
        if status[0]:
            break
    return entries


READERS[<int> smpp.Kind.INT] = read_int
READERS[<int> smpp.Kind.LENGTH] = read_int
READERS[<int> smpp.Kind.CSTRING] = read_cstring
READERS[<int> smpp.Kind.TIME] = read_time
READERS[<int> smpp.Kind.OCTETS] = read_octets
READERS[<int> smpp.Kind.DESTS] = read_dests
READERS[<int> smpp.Kind.UNSUCCESS] = read_unsuccess


cdef list read_values(Cursor *cursor, const Layout *layout, int *status):
    """The values of a layout in wire order, up to the first fault."""
    cdef const FieldRule *rule
    cdef int i, announced = 0
    cdef list values = []
    for i in range(layout.count):
        rule = &layout.fields[i]
        value = READERS[rule.kind](cursor, rule, announced, status)
        if status[0]:
            break
        values.append(value)
        if rule.kind == KIND_LENGTH:
            announced = value
    return values


cdef int table_decode(bytes raw, uint32_t command_id, dict fields, int32_t *tlvs_at) except -1:
    """Fill ``fields`` and say where the TLVs are; the status to answer with.

    A fault leaves both empty, and in a response it is none.
    """
    cdef int index = index_of(command_id)
    cdef const Layout *layout = &LAYOUTS[index]
    cdef Cursor cursor = body(raw, HEADER)
    cdef int status = 0
    tlvs_at[0] = <int32_t> PyBytes_GET_SIZE(raw)
    if index == 0:
        return ESME_RINVCMDID
    # Whatever follows the header of unbind and enquire_link is ignored.
    if layout.count == 0 and not layout.response:
        return 0
    values = read_values(&cursor, layout, &status)
    if status == 0 and not layout.response:
        status = check_tlvs(cursor, layout) or check_required(cursor, layout)
    if status:
        return 0 if layout.response else status
    fields.update(zip(FIELD_NAMES[index], values, strict=True))
    tlvs_at[0] = <int32_t> offset_of(&cursor, raw)
    return 0


cdef tuple table_tlvs(bytes raw, uint32_t command_id, int32_t tlvs_at):
    cdef Cursor cursor = body(raw, tlvs_at)
    cdef Tlv tlv
    cdef list found = []
    while next_tlv(&cursor, layout_of(command_id), &tlv):
        found.append((tlv.tag, value_of(&tlv)))
    return tuple(found)


def decode_by_table(raw: bytes) -> tuple:
    cdef int32_t tlvs_at = 0
    cdef dict fields = {}
    command_id = checked_command(raw)
    status = table_decode(raw, command_id, fields, &tlvs_at)
    return status, fields, table_tlvs(raw, command_id, tlvs_at)


cdef uint32_t checked_command(bytes raw) except? 0:
    """The command_id of what is one whole PDU."""
    cdef Cursor cursor = body(raw, 0)
    cdef const uint8_t *header = take(&cursor, HEADER)
    if header is NULL or <Py_ssize_t> u32(header) != PyBytes_GET_SIZE(raw):
        raise ValueError(f"{len(raw)} octets that are not one PDU")
    return u32(&header[4])


# -- PDUs --------------------------------------------------------------------------------------

@cython.no_gc
cdef class Pdu:
    def __init__(self):
        raise TypeError("PDUs come from Decoder.feed or Message.from_raw")

    cdef int _decoded(self) except -1:
        if not self._is_decoded:
            if self.raw is None:
                raise TypeError("a PDU without octets")
            self._status = self._decode_body()
            self._is_decoded = True
        return self._status

    cdef int _decode_body(self) except -1:
        self._fields = {}
        return table_decode(self.raw, self.command_id, self._fields, &self._tlvs_at)

    cpdef int decode(self) except -1:
        return self._decoded()

    @property
    def fields(self):
        cdef int32_t tlvs_at = 0
        self._decoded()
        if self._fields is None:
            self._fields = {}
            table_decode(self.raw, self.command_id, self._fields, &tlvs_at)
        return self._fields

    @property
    def tlvs(self):
        self._decoded()
        return table_tlvs(self.raw, self.command_id, self._tlvs_at)

    def tlv(self, uint16_t tag):
        cdef Cursor value
        return rest(&value) if find(self, tag, &value) else None

    def __repr__(self):
        name = COMMAND_NAMES[index_of(self.command_id)]
        return (
            f"<{name} {self.command_id:#010x} status={self.command_status:#x}"
            f" sequence={self.sequence_number} octets={len(self.raw)}>"
        )


cdef inline bint is_payload(const Cursor *tlvs) noexcept:
    """Whether a message_payload is all that there is."""
    cdef const uint8_t *head = tlvs.at
    return (
        left(tlvs) >= 4
        and u16(head) == MESSAGE_PAYLOAD
        and u16(&head[2]) == left(tlvs) - 4
    )


@cython.final
@cython.no_gc
cdef class Message(Pdu):
    @staticmethod
    def from_raw(bytes raw not None):
        cdef uint32_t command_id = checked_command(raw)
        cdef Message message
        if command_id != SUBMIT_SM and command_id != DELIVER_SM:
            raise ValueError("neither submit_sm nor deliver_sm")
        message = <Message> own(raw, command_id)
        if message._decoded():
            raise ValueError(f"undecodable, status {message._status:#x}")
        return message

    cdef int _decode_body(self) except -1:
        cdef Cursor cursor = body(self.raw, HEADER)
        cdef Tlv tlv
        cdef int status = self._decode_mandatory(&cursor)
        if status:
            self._tlvs_at = <int32_t> PyBytes_GET_SIZE(self.raw)
            return status
        self._tlvs_at = <int32_t> offset_of(&cursor, self.raw)
        if left(&cursor):
            status = check_tlvs(cursor, layout_of(self.command_id))
            if status:
                self._tlvs_at = <int32_t> PyBytes_GET_SIZE(self.raw)
                return status
        self.timeless = (
            self._schedule.length == 0
            and self._validity.length == 0
            and not find_tlv(cursor, layout_of(self.command_id), QOS_TIME_TO_LIVE, &tlv)
        )
        self.bare = (
            self.timeless
            and (left(&cursor) == 0 or (self.sm_length == 0 and is_payload(&cursor)))
            and self._source_addr.length != 0
            and self.esm_class & MODE != DATAGRAM
            and self.replace_if_present_flag == 0
            and self.sm_default_msg_id == 0
        )
        return 0

    cdef inline int _decode_mandatory(self, Cursor *cursor) noexcept:
        cdef const uint8_t *octets
        cdef int length = self._take_string(cursor, SERVICE_TYPE, &self._service_type)
        if length < 0:
            return fault(length, ESME_RINVSERTYP)

        octets = take(cursor, 2)
        if octets is NULL:
            return ESME_RINVCMDLEN
        self.source_addr_ton = octets[0]
        self.source_addr_npi = octets[1]
        length = self._take_string(cursor, ADDRESS, &self._source_addr)
        if length < 0:
            return fault(length, ESME_RINVSRCADR)

        octets = take(cursor, 2)
        if octets is NULL:
            return ESME_RINVCMDLEN
        self.dest_addr_ton = octets[0]
        self.dest_addr_npi = octets[1]
        length = self._take_string(cursor, ADDRESS, &self._destination_addr)
        if length < 0:
            return fault(length, ESME_RINVDSTADR)
        return self._decode_content(cursor)

    cdef inline int _decode_content(self, Cursor *cursor) noexcept:
        cdef const uint8_t *octets = take(cursor, 3)
        cdef int length
        if octets is NULL:
            return ESME_RINVCMDLEN
        self.esm_class = octets[0]
        self.protocol_id = octets[1]
        self.priority_flag = octets[2]
        length = self._take_time(cursor, &self._schedule)
        if length < 0:
            return fault(length, ESME_RINVSCHED)
        length = self._take_time(cursor, &self._validity)
        if length < 0:
            return fault(length, ESME_RINVEXPIRY)

        self._registered_at = <uint16_t> offset_of(cursor, self.raw)
        octets = take(cursor, 5)
        if octets is NULL:
            return ESME_RINVCMDLEN
        self.registered_delivery = octets[0]
        self.replace_if_present_flag = octets[1]
        self.data_coding = octets[2]
        self.sm_default_msg_id = octets[3]
        self.sm_length = octets[4]
        self._short_message.at = <uint16_t> offset_of(cursor, self.raw)
        if take(cursor, self.sm_length) is NULL:
            return ESME_RINVMSGLEN
        self._short_message.length = self.sm_length
        return 0

    cdef inline int _take_string(self, Cursor *cursor, int size, Span *span) noexcept:
        cdef const uint8_t *start
        cdef int length
        span.at = <uint16_t> offset_of(cursor, self.raw)
        length = cstring(cursor, size, &start)
        span.length = <uint16_t> length if length > 0 else 0
        return length

    cdef inline int _take_time(self, Cursor *cursor, Span *span) noexcept:
        cdef const uint8_t *start
        cdef int length
        span.at = <uint16_t> offset_of(cursor, self.raw)
        length = timestring(cursor, TIME, &start)
        span.length = <uint16_t> length if length > 0 else 0
        return length

    cdef bytes _octets(self, const Span *span):
        cdef Cursor octets
        self._decoded()
        octets = within(self.raw, span)
        return rest(&octets)

    @property
    def service_type(self):
        return self._octets(&self._service_type)

    @property
    def source_addr(self):
        return self._octets(&self._source_addr)

    @property
    def destination_addr(self):
        return self._octets(&self._destination_addr)

    @property
    def schedule_delivery_time(self):
        return self._octets(&self._schedule)

    @property
    def validity_period(self):
        return self._octets(&self._validity)

    @property
    def short_message(self):
        return self._octets(&self._short_message)

    @property
    def text(self):
        cdef Cursor text
        text_of(self, &text)
        return rest(&text)

    cpdef bytes forward(self, uint32_t sequence_number, int registered_delivery=-1):
        cdef Py_ssize_t length = PyBytes_GET_SIZE(self.raw)
        cdef bytes copy
        cdef Cursor room
        if self._decoded():
            raise ValueError(f"undecodable, status {self._status:#x}")
        if registered_delivery > 255:
            raise ValueError("registered_delivery is one octet")
        copy = PyBytes_FromStringAndSize(PyBytes_AS_STRING(self.raw), length)
        room = body(copy, 0)
        put_header(&room, <uint32_t> length, SUBMIT_SM, 0, sequence_number)
        if registered_delivery >= 0:
            room = body(copy, self._registered_at)
            put_octet(&room, <uint8_t> registered_delivery)
        return copy

    cpdef Message reworded(
        self, uint8_t esm_class, uint8_t registered_delivery, uint8_t data_coding, bytes text, tlvs
    ):
        cdef Py_ssize_t size, length = PyBytes_GET_SIZE(text)
        cdef bytes copy
        cdef Cursor room
        if self._decoded():
            raise ValueError(f"undecodable, status {self._status:#x}")
        if length > 255:
            raise ValueError(f"short_message has {length} octets")
        size = self._short_message.at + length
        for _, value in tlvs:
            size += 4 + len(value)
        copy = PyBytes_FromStringAndSize(NULL, size)
        memcpy(PyBytes_AS_STRING(copy), PyBytes_AS_STRING(self.raw), self._short_message.at)
        room = body(copy, 0)
        put_header(&room, <uint32_t> size, self.command_id, 0, self.sequence_number)
        # Behind a terminated address.
        room = body(copy, self._destination_addr.at + self._destination_addr.length + 1)
        put_octet(&room, esm_class)
        room = body(copy, self._registered_at)
        put_octet(&room, registered_delivery)
        take(&room, 1)
        put_octet(&room, data_coding)
        take(&room, 1)
        put_octet(&room, <uint8_t> length)
        put_octets(&room, text)
        for tag, value in tlvs:
            write_tlv(&room, tag, value)
        return Message.from_raw(copy)


cdef int text_of(Message message, Cursor *text) except -1:
    if message._decoded() or message.sm_length or not find(message, MESSAGE_PAYLOAD, text):
        text[0] = within(message.raw, &message._short_message)
    return 0


@cython.final
@cython.no_gc
cdef class Response(Pdu):
    cdef int _decode_body(self) except -1:
        cdef Cursor cursor = body(self.raw, HEADER)
        cdef const uint8_t *start
        cdef int length = cstring(&cursor, MESSAGE_ID, &start)
        if length < 0:
            self.message_id = b""
            self._tlvs_at = <int32_t> PyBytes_GET_SIZE(self.raw)
        else:
            self.message_id = PyBytes_FromStringAndSize(<const char *> start, length)
            self._tlvs_at = <int32_t> offset_of(&cursor, self.raw)
        return 0


cdef inline Pdu own(bytes raw, uint32_t command_id):
    """The object for a whole PDU's octets, which it keeps."""
    cdef Cursor cursor = body(raw, 8)
    cdef const uint8_t *rest = take(&cursor, 8)
    cdef Pdu pdu
    if command_id == SUBMIT_SM or command_id == DELIVER_SM:
        pdu = Message.__new__(Message)
    elif command_id in (SUBMIT_SM_RESP, DELIVER_SM_RESP, DATA_SM_RESP):
        pdu = Response.__new__(Response)
    else:
        pdu = Pdu.__new__(Pdu)
    pdu.raw = raw
    pdu.command_id = command_id
    pdu.command_status = u32(rest)
    pdu.sequence_number = u32(&rest[4])
    if type(pdu) is Response:
        pdu._decoded()  # so that its id is there
    return pdu


# -- framing -----------------------------------------------------------------------------------

@cython.final
@cython.no_gc
cdef class Decoder:
    def __init__(self, uint32_t max_pdu_length=131072):
        self.max_pdu_length = max_pdu_length

    @property
    def buffered(self):
        return 0 if self._held is None else len(self._held)

    def feed(self, bytes data not None):
        cdef list pdus = []
        cdef Cursor cursor = body(data, 0)
        cdef Py_ssize_t length
        cdef const uint8_t *start
        if self._broken:
            return pdus
        if self._held is not None:
            self._resume(&cursor, pdus)
        while left(&cursor):
            length = self._command_length(&cursor, pdus)
            start = take(&cursor, length) if length else NULL
            if start is NULL:
                self._held = PyByteArray_FromStringAndSize(<char *> cursor.at, left(&cursor))
                break
            pdus.append(
                own(PyBytes_FromStringAndSize(<const char *> start, length), u32(&start[4]))
            )
        return pdus

    cdef int _resume(self, Cursor *cursor, list pdus) except -1:
        """Go on with the PDU that has begun: its header first, then all of it."""
        cdef Py_ssize_t missing = HEADER - len(self._held)
        cdef Cursor held
        cdef bytes raw
        if missing > 0:
            self._hold(cursor, missing)
        held = over(PyByteArray_AS_STRING(self._held), len(self._held))
        missing = self._command_length(&held, pdus) - len(self._held)
        if missing > 0:
            missing -= self._hold(cursor, missing)
        if missing == 0:
            raw = bytes(self._held)
            self._held = None
            held = body(raw, 4)
            pdus.append(own(raw, u32(take(&held, 4))))
        return 0

    cdef Py_ssize_t _hold(self, Cursor *cursor, Py_ssize_t missing) except -1:
        """Take at most ``missing`` octets into what is held; how many it took."""
        cdef Py_ssize_t count = min(missing, left(cursor))
        self._held += PyBytes_FromStringAndSize(<const char *> take(cursor, count), count)
        return count

    cdef Py_ssize_t _command_length(self, const Cursor *begun, list pdus) except -1:
        """Length of the PDU that has begun, 0 while its header is incomplete.

        A length that can't be right is refused before anything is kept for it. One that is too
        long waits for the rest of the header, for the sequence number to answer with.
        """
        cdef Cursor cursor = begun[0]
        cdef const uint8_t *header = take(&cursor, 4)
        cdef uint32_t length, sequence_number = 0
        if header is NULL:
            return 0
        length = u32(header)
        header = take(&cursor, HEADER - 4)
        if length >= HEADER and header is NULL:
            return 0
        if HEADER <= length <= self.max_pdu_length:
            return length
        if length >= HEADER and known(u32(header)):
            sequence_number = u32(&header[8])
        self._broken = True
        self._held = None
        raise FramingError(
            f"command_length {length} is not within {HEADER}..{self.max_pdu_length}",
            ESME_RINVCMDLEN,
            sequence_number,
            pdus,
        )


# -- writing -----------------------------------------------------------------------------------

# One for each smpp.Kind. Errors name the field and measure its value, but never show it.
ctypedef int (*Writer)(Cursor *room, const FieldRule *rule, str name, object value) except -1
cdef Writer WRITERS[7]


cdef int write_int(Cursor *room, const FieldRule *rule, str name, object value) except -1:
    cdef int overflow = 0
    cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
    cdef int shift
    if overflow or number < 0 or number >> 8 * rule.size:
        raise ValueError(f"{name} is not a number of {rule.size} octets")
    for shift in range(8 * rule.size - 8, -1, -8):
        put_octet(room, <uint8_t> (number >> shift))
    return 0


cdef int write_cstring(Cursor *room, const FieldRule *rule, str name, object value) except -1:
    cdef bytes octets = value
    if PyBytes_GET_SIZE(octets) >= rule.size:
        raise ValueError(f"{name} of {len(octets)} octets, at most {rule.size - 1}")
    if memchr(PyBytes_AS_STRING(octets), 0, PyBytes_GET_SIZE(octets)) is not NULL:
        raise ValueError(f"{name} has a NUL inside")
    put_octets(room, octets)
    return put_octet(room, 0)


cdef int write_time(Cursor *room, const FieldRule *rule, str name, object value) except -1:
    if len(value) not in (0, rule.size - 1):
        raise ValueError(f"{name} of {len(value)} octets, not 0 or {rule.size - 1}")
    return write_cstring(room, rule, name, value)


cdef int write_octets(Cursor *room, const FieldRule *rule, str name, object value) except -1:
    return put_octets(room, value)


cdef int write_dests(Cursor *room, const FieldRule *rule, str name, object value) except -1:
    if not value:
        raise ValueError(f"{name} is empty")
    for flag, *values in value:
        if flag not in smpp.DEST_ADDRESS:
            raise ValueError(f"{name} with dest_flag {flag}")
        put_octet(room, flag)
        write_entry(room, &DEST_LAYOUTS[<int> flag], name, values)
    return 0


cdef int write_unsuccess(Cursor *room, const FieldRule *rule, str name, object value) except -1:
    for values in value:
        write_entry(room, &UNSUCCESS_LAYOUT, name, values)
    return 0


cdef int write_entry(Cursor *room, const Layout *layout, str name, object values) except -1:
    cdef int i
    if len(values) != layout.count:
        raise ValueError(f"{name} with an entry of {len(values)} values, not {layout.count}")
    for i in range(layout.count):
        WRITERS[layout.fields[i].kind](room, &layout.fields[i], name, values[i])
    return 0


WRITERS[<int> smpp.Kind.INT] = write_int
WRITERS[<int> smpp.Kind.LENGTH] = write_int
WRITERS[<int> smpp.Kind.CSTRING] = write_cstring
WRITERS[<int> smpp.Kind.TIME] = write_time
WRITERS[<int> smpp.Kind.OCTETS] = write_octets
WRITERS[<int> smpp.Kind.DESTS] = write_dests
WRITERS[<int> smpp.Kind.UNSUCCESS] = write_unsuccess

cdef Py_ssize_t bound(const Layout *layout, tlvs) except -1:
    """As many octets as this PDU can have."""
    cdef Py_ssize_t octets = HEADER
    cdef int i
    for i in range(layout.count):
        # An entry of a list, the largest of which is an unsuccess_sme, has 27 octets.
        octets += layout.fields[i].size * (27 if layout.fields[i].kind > KIND_OCTETS else 1)
    for _, value in tlvs:
        octets += 4 + len(value)
    return octets


cdef int write_fields(Cursor *room, const Layout *layout, tuple names, dict fields) except -1:
    cdef const FieldRule *rule
    cdef int i, given = 0
    cdef str name
    for i in range(layout.count):
        rule = &layout.fields[i]
        name = names[i]
        value = fields.get(name)
        given += value is not None
        if rule.kind == KIND_LENGTH:
            value = announced(name, value, names[i + 1], fields)
        if value is None and rule.blank >= 0:
            put_blank(room, rule.blank)
        else:
            WRITERS[rule.kind](room, rule, name, () if value is None else value)
    if given != len(fields):
        strange = [name for name in fields if fields[name] is None or name not in names]
        raise ValueError(f"no such field, or no value: {', '.join(strange)}")
    return 0


cdef object announced(str name, object value, str follower, dict fields):
    """The LENGTH of the field that follows, with which a value that was given must agree."""
    length = len(fields.get(follower) or ())
    if value is not None and value != length:
        raise ValueError(f"{name} is {value}, but {follower} has {length}")
    return length


cdef inline int put_blank(Cursor *room, int length) except -1:
    cdef uint8_t *start = <uint8_t *> take(room, length)
    if start is NULL:
        raise ValueError("no room")
    memset(start, 0, length)
    return 0


cdef int write_tlv(Cursor *room, tag, bytes value) except -1:
    cdef uint8_t *head
    if not 0 <= tag <= 0xFFFF or len(value) > 0xFFFF:
        raise ValueError(f"TLV {tag:#x} of {len(value)} octets")
    head = <uint8_t *> take(room, 4)
    if head is NULL:
        raise ValueError("no room")
    put_u32(head, <uint32_t> tag << 16 | <uint32_t> len(value))
    return put_octets(room, value)


def encode(
    uint32_t command_id, uint32_t sequence_number, uint32_t command_status=0, tlvs=(), /, **fields
):
    cdef int index = index_of(command_id)
    cdef const Layout *layout = &LAYOUTS[index]
    cdef Py_ssize_t size
    cdef uint8_t *start
    cdef Cursor room
    if index == 0:
        raise ValueError(f"unknown command {command_id:#x}")
    if layout.response and command_status and not fields and not tlvs:
        return header_only(command_id, command_status, sequence_number)
    size = bound(layout, tlvs)
    start = <uint8_t *> PyMem_Malloc(size)
    if start is NULL:
        raise MemoryError
    try:
        room = over(start, size)
        take(&room, HEADER)
        write_fields(&room, layout, FIELD_NAMES[index], fields)
        for tag, value in tlvs:
            write_tlv(&room, tag, value)
        size -= left(&room)
        room = over(start, HEADER)
        put_header(&room, <uint32_t> size, command_id, command_status, sequence_number)
        return PyBytes_FromStringAndSize(<char *> start, size)
    finally:
        PyMem_Free(start)


def header_only(uint32_t command_id, uint32_t command_status, uint32_t sequence_number):
    cdef bytes pdu = PyBytes_FromStringAndSize(NULL, HEADER)
    cdef Cursor room = body(pdu, 0)
    put_header(&room, HEADER, command_id, command_status, sequence_number)
    return pdu


cpdef bytes id_resp(uint32_t command_id, uint32_t sequence_number, uint64_t message_id):
    cdef int digits = hex_digits(message_id)
    cdef bytes pdu = PyBytes_FromStringAndSize(NULL, HEADER + digits + 1)
    cdef Cursor room = body(pdu, 0)
    put_header(&room, HEADER + digits + 1, command_id, 0, sequence_number)
    put_hex(&room, message_id, digits)
    put_octet(&room, 0)
    return pdu


cpdef bytes resequence(bytes pdu, uint32_t sequence_number):
    cdef Py_ssize_t length
    cdef bytes copy
    cdef Cursor room
    cdef uint8_t *octets
    if pdu is None:
        raise TypeError("no PDU")
    length = PyBytes_GET_SIZE(pdu)
    copy = PyBytes_FromStringAndSize(PyBytes_AS_STRING(pdu), length)
    room = body(copy, 12)
    octets = <uint8_t *> take(&room, 4)
    if length < HEADER or octets is NULL:
        raise ValueError(f"{length} octets are no PDU")
    put_u32(octets, sequence_number)
    return copy


cpdef bytes hex_id(uint64_t message_id):
    cdef int digits = hex_digits(message_id)
    cdef bytes text = PyBytes_FromStringAndSize(NULL, digits)
    cdef Cursor room = body(text, 0)
    put_hex(&room, message_id, digits)
    return text


cdef inline int hex_digits(uint64_t value) noexcept nogil:
    cdef int digits = 1
    while value > 15:
        value >>= 4
        digits += 1
    return digits


cdef inline int put_hex(Cursor *room, uint64_t value, int digits) except -1:
    cdef uint8_t *start = <uint8_t *> take(room, digits)
    if start is NULL:
        raise ValueError("no room")
    while digits > 0:
        digits -= 1
        start[digits] = b"0123456789abcdef"[value & 15]
        value >>= 4
    return 0


def known(uint32_t command_id):
    return index_of(command_id) != 0
