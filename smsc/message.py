"""What a decoded submit_sm or data_sm means, as far as no account or route is needed.

The codec has found every field and its length sound; here the values are judged, one rule per
field in wire order, then TLV values, then what must fit together, so that the same PDU always gets
the same answer (protocol order: SMPP 3.4 section 5, 5.0 section 4). Statuses are those of 5.0; the
session puts them into what an older peer knows.

This centre stores before it answers and answers before it delivers. So transaction mode (the
response tells the outcome) is refused as unsupported rather than taken and not honoured.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from smsc import times
from smsc._pdu import Message, Pdu, encode
from smsc._plain import ALL, FIELDS, NOTHING, Plain
from smsc.smpp import RULES, Status, Tag, Version
from smsc.text import CHARSETS, SAR_TAGS, Charset, sar

ALPHANUMERIC = 5
IP = 14

#: Type of number and numbering plan indicator (5.0 4.7.1, 4.7.2).
TONS = frozenset(range(7))
NPIS = frozenset({0, 1, 3, 4, 6, 8, 9, 10, 14, 18})

#: TONs whose addresses may begin with "+".
_PLUS_TONS = frozenset({0, 1})
#: GSM carries eleven characters of an alphanumeric address (3GPP TS 23.040 9.1.2.5).
_MAX_ALPHANUMERIC = 11
_PRINTABLE = bytes(range(0x20, 0x7F))

# Plain integers: looking an enum's member up costs as much as a rule.
_OK: Final = 0
_V50: Final = int(Version.V50)
_MESSAGE_PAYLOAD: Final = int(Tag.MESSAGE_PAYLOAD)
_QOS_TIME_TO_LIVE: Final = int(Tag.QOS_TIME_TO_LIVE)
_UCS2: Final = Charset.UCS2
_RESERVED: Final = Charset.RESERVED

_UDHI: Final = 0x40
_TYPE = 0x3C
MODE: Final = 0x03
DATAGRAM: Final = 0x01
_TRANSACTION = 0x02
_SUCCESS_ONLY: Final = 0x03
#: registered_delivery: notifications on the way, and those or a receipt (5.0 4.7.21).
NOTIFY: Final = 0x10
ANY_WISH: Final = 0x13
_NEW_PREDEFINED: Final = 255
#: Message types that an ESME may send (3.4 5.2.12); 5.0 has one table for both directions.
_TYPES_34 = frozenset({0x00, 0x08, 0x10})
_TYPES_50 = _TYPES_34 | {0x04, 0x18, 0x20}

#: broadcast_sm alone has a fifth.
PRIORITIES = frozenset(range(4))


class Manners(NamedTuple):
    """What the specification leaves open, as it is decided for an account.

    Of the readings that differ from ours the first is more lenient, the next two are stricter.
    """

    #: short_message and message_payload may both be given before 5.0 too; the payload counts.
    both_texts: bool = False
    #: registered_delivery 11 is reserved before 5.0 (3.4 5.2.17), ESME_RINVREGDLVFLG.
    registered_delivery: bool = False
    #: A schedule in the past is ESME_RINVSCHED; otherwise it means now.
    past_schedule: bool = False
    #: The predefined messages there are, by their numbers.
    predefined: Container[int] = ()


OURS: Final = Manners()


class _Subject(NamedTuple):
    """One message under judgement."""

    #: A Message, or what has its attributes.
    sm: Any
    now: int
    #: Whether the rules of 5.0 hold.
    modern: bool
    manners: Manners

    def payload(self) -> bytes:
        octets: bytes | None = self.sm.tlv(_MESSAGE_PAYLOAD)
        return octets or b""

    def text(self) -> bytes:
        """message_payload overrides short_message where both may be given (5.0 4.8.4.36)."""
        octets: bytes = self.payload() or self.sm.short_message
        return octets

    def udhi(self) -> bool:
        return bool(self.sm.esm_class & _UDHI)


#: What a data_sm lacks and a rule may ask for.
_DATA_SM_DEFAULTS: dict[str, Any] = {
    "priority_flag": 0,
    "schedule_delivery_time": b"",
    "validity_period": b"",
    "replace_if_present_flag": 0,
    "sm_default_msg_id": 0,
    "short_message": b"",
}


def _as_message(pdu: Pdu) -> Any:
    """A data_sm with a Message's attributes."""
    if isinstance(pdu, Message):
        return pdu
    return SimpleNamespace(**_DATA_SM_DEFAULTS | pdu.fields, tlv=pdu.tlv, tlvs=pdu.tlvs)


# -- fields -----------------------------------------------------------------------------------

_FieldRule = Callable[[Any, _Subject], int]


def _one_of(values: frozenset[int], status: Status) -> _FieldRule:
    return lambda value, _: _OK if value in values else status


def bare_address(ton: int, address: bytes) -> bytes:
    """The address without the "+" that some clients put before international numbers.

    It is no part of an address (5.0 4.2.6.1.1), so routing and accounting must not see it.
    """
    return address[1:] if ton in _PLUS_TONS and address[:1] == b"+" else address


def _dotted_quad(address: bytes) -> bool:
    numbers = address.split(b".")
    return len(numbers) == 4 and all(n.isdigit() and len(n) < 4 and int(n) < 256 for n in numbers)


def _sound_address(ton: int, npi: int, address: bytes) -> bool:
    if ton == ALPHANUMERIC:
        return len(address) <= _MAX_ALPHANUMERIC and not address.translate(None, _PRINTABLE)
    if npi == IP:
        return _dotted_quad(address)
    return bare_address(ton, address).isdigit()


def _source_addr(address: bytes, subject: _Subject) -> int:
    if not address:
        return _OK
    sound = _sound_address(subject.sm.source_addr_ton, subject.sm.source_addr_npi, address)
    return _OK if sound else Status.ESME_RINVSRCADR


def _destination_addr(address: bytes, subject: _Subject) -> int:
    sound = _sound_address(subject.sm.dest_addr_ton, subject.sm.dest_addr_npi, address)
    return _OK if sound else Status.ESME_RINVDSTADR


def _esm_class(value: int, subject: _Subject) -> int:
    types = _TYPES_50 if subject.modern else _TYPES_34
    sound = value & MODE != _TRANSACTION and value & _TYPE in types
    return _OK if sound else Status.ESME_RINVESMCLASS


def _time(status: Status) -> _FieldRule:
    def rule(value: bytes, subject: _Subject) -> int:
        try:
            times.parse(value, subject.now)
        except ValueError:
            return status
        return _OK

    return rule


def _schedule(value: bytes, subject: _Subject) -> int:
    if status := _malformed_schedule(value, subject):
        return status
    due = times.parse(value, subject.now) if subject.manners.past_schedule else None
    return Status.ESME_RINVSCHED if due is not None and due < subject.now else _OK


_malformed_schedule = _time(Status.ESME_RINVSCHED)


def _registered_delivery(value: int, subject: _Subject) -> int:
    reserved = value & _SUCCESS_ONLY == _SUCCESS_ONLY and not subject.modern
    return Status.ESME_RINVREGDLVFLG if reserved and subject.manners.registered_delivery else _OK


def _sm_default_msg_id(value: int, subject: _Subject) -> int:
    """255 is a number since 5.0 (4.7.27)."""
    known = value in subject.manners.predefined and (value < _NEW_PREDEFINED or subject.modern)
    return _OK if not value or known else Status.ESME_RINVDFTMSGID


def _data_coding(value: int, _: _Subject) -> int:
    return Status.ESME_RINVDCS if CHARSETS[value] is _RESERVED else _OK


def _short_message(value: bytes, subject: _Subject) -> int:
    limit = RULES[Version.V50 if subject.modern else Version.V34].sm_length
    return Status.ESME_RINVMSGLEN if len(value) > limit else _OK


#: Wire order. Of registered_delivery the reserved bits are masked off, and 11 reads as "success
#: only" in any version unless the account is held to the letter.
_FIELD_RULES: dict[str, _FieldRule] = {
    "source_addr_ton": _one_of(TONS, Status.ESME_RINVSRCTON),
    "source_addr_npi": _one_of(NPIS, Status.ESME_RINVSRCNPI),
    "source_addr": _source_addr,
    "dest_addr_ton": _one_of(TONS - {ALPHANUMERIC}, Status.ESME_RINVDSTTON),
    "dest_addr_npi": _one_of(NPIS, Status.ESME_RINVDSTNPI),
    "destination_addr": _destination_addr,
    "esm_class": _esm_class,
    "priority_flag": _one_of(PRIORITIES, Status.ESME_RINVPRTFLG),
    "schedule_delivery_time": _schedule,
    "validity_period": _time(Status.ESME_RINVEXPIRY),
    "registered_delivery": _registered_delivery,
    "replace_if_present_flag": _one_of(frozenset({0, 1}), Status.ESME_RINVREPFLAG),
    "data_coding": _data_coding,
    "sm_default_msg_id": _sm_default_msg_id,
    "short_message": _short_message,
}


_values = attrgetter(*_FIELD_RULES)
_value_rules = tuple(_FIELD_RULES.values())


def _fields(subject: _Subject) -> int:
    for value, rule in zip(_values(subject.sm), _value_rules, strict=True):
        if status := rule(value, subject):
            return status
    return _OK


# -- the plain case ---------------------------------------------------------------------------


def _table(values: Iterable[int]) -> bytes:
    """256 octets: 1 at each of these values."""
    allowed = frozenset(values)
    return bytes(value in allowed for value in range(256))


#: What each field may hold when no rule has anything against it in any version; what is rare (IP
#: addresses, "+", schedules) is left to the rules.
PLAIN: Final = Plain(
    tons=_table(TONS - {ALPHANUMERIC}),
    npis=_table(NPIS - {IP}),
    classes=_table(
        features | type_ | mode
        for features in (0x00, 0x40, 0x80, 0xC0)
        for type_ in _TYPES_34
        for mode in (0, 1, 3)
    ),
    codings=bytes(
        0 if charset is _RESERVED else 2 if charset is _UCS2 else 1 for charset in CHARSETS
    ),
    alphanumeric=ALPHANUMERIC,
    longest_name=_MAX_ALPHANUMERIC,
    longest_text=RULES[Version.V34].sm_length,
    highest_priority=max(PRIORITIES),
)


# -- TLVs, and what must fit together ---------------------------------------------------------


def _validity(subject: _Subject) -> int:
    """The one field that a plain message may have unread."""
    value = subject.sm.validity_period
    return _FIELD_RULES["validity_period"](value, subject) if value else _OK


def _segments(subject: _Subject) -> int:
    """The SAR TLVs count only together, and not beside a user data header."""
    if subject.sm.tlv(SAR_TAGS[0]) is None or subject.udhi():
        return _OK
    complete = None not in map(subject.sm.tlv, SAR_TAGS)
    return Status.ESME_RINVTLVVAL if complete and sar(subject.sm) is None else _OK


def _one_text(subject: _Subject) -> int:
    if subject.modern or subject.manners.both_texts:
        return _OK
    both = subject.sm.short_message and subject.payload()
    return Status.ESME_RTLVNOTALLWD if both else _OK


def _header(subject: _Subject) -> int:
    if subject.udhi():
        text = subject.text()
        if not text or text[0] >= len(text):
            return Status.ESME_RINVESMCLASS
    return _OK


def _lifetime(subject: _Subject) -> int:
    end = _end(subject.sm, subject.now)
    over = end is not None and end <= _start(subject.sm, subject.now)
    return Status.ESME_RINVEXPIRY if over else _OK


def _whole_characters(subject: _Subject) -> int:
    if CHARSETS[subject.sm.data_coding] is not _UCS2:
        return _OK
    text = subject.text()
    header = text[0] + 1 if subject.udhi() else 0
    return Status.ESME_RINVMSGLEN if (len(text) - header) % 2 else _OK


#: TLVs of one octet whose values have a status of their own, or that others depend on; what is only
#: passed on is not judged.
_LISTED: Final[dict[int, tuple[frozenset[int], Status]]] = {
    Tag.DEST_ADDR_SUBUNIT: (frozenset(range(5)), Status.ESME_RINVDSTADDRSUBUNIT),
    Tag.SOURCE_ADDR_SUBUNIT: (frozenset(range(5)), Status.ESME_RINVSRCADDRSUBUNIT),
    Tag.NUMBER_OF_MESSAGES: (frozenset(range(100)), Status.ESME_RINVNUMMSGS),
    Tag.DEST_ADDR_NP_RESOLUTION: (frozenset(range(3)), Status.ESME_RINVTLVVAL),
}

#: TLVs that a value of another makes mandatory: (tag, value or None for any, what it needs).
_NEEDED: Final = (
    (Tag.DEST_ADDR_NP_RESOLUTION, b"\2", Tag.DEST_ADDR_NP_INFORMATION),
    (Tag.DEST_ADDR_NP_RESOLUTION, b"\2", Tag.DEST_ADDR_NP_COUNTRY),
    (Tag.SOURCE_NETWORK_ID, None, Tag.SOURCE_NODE_ID),
    (Tag.DEST_NETWORK_ID, None, Tag.DEST_NODE_ID),
)


def _tlv_values(subject: _Subject) -> int:
    tlvs = subject.sm.tlvs
    if not tlvs:
        return _OK
    for tag, value in tlvs:
        listed = _LISTED.get(tag)
        if listed is not None and value[0] not in listed[0]:
            return listed[1]
    for tag, wanted, needed in _NEEDED:
        value = subject.sm.tlv(tag)
        if value is None or (wanted is not None and value != wanted):
            continue
        if subject.sm.tlv(needed) is None:
            return Status.ESME_RMISSINGTLV
    return _OK


_RULES: tuple[Callable[[_Subject], int], ...] = (
    _validity,
    _tlv_values,
    _segments,
    _one_text,
    _header,
    _lifetime,
    _whole_characters,
)


def check(pdu: Pdu, version: int, now: int, manners: Manners = OURS) -> int:
    """0, or the command_status to refuse this submit_sm or data_sm with; it must be decoded.

    ``version`` is the session's interface_version; ``now`` in ms is what relative times count
    from. Whether the sender may, and whether there is a way, is for others to say.
    """
    if type(pdu) is not Message:
        if pdu.tlv(_MESSAGE_PAYLOAD) is None:
            return Status.ESME_RMISSINGTLV
        return _judge(pdu, version, now, manners, fields_sound=False)
    # What is plain has nothing that the manners speak of but registered_delivery.
    strict = manners is not OURS and manners.registered_delivery
    plain = NOTHING if strict else PLAIN.look(pdu)
    if plain == ALL:
        return _OK
    return _judge(pdu, version, now, manners, fields_sound=plain == FIELDS)


def check_fields(sm: Any, names: Iterable[str], version: int, now: int) -> int:
    """0, or the status of the first of these fields that breaks its rule; for other PDUs."""
    subject = _Subject(sm, now, version >= _V50, OURS)
    for name in names:
        if status := _FIELD_RULES[name](getattr(sm, name), subject):
            return status
    return _OK


def check_lifetime(sm: Any, version: int, now: int) -> int:
    """0, or the status of what ends before it may begin; for other PDUs."""
    return _lifetime(_Subject(sm, now, version >= _V50, OURS))


def _judge(pdu: Pdu, version: int, now: int, manners: Manners, fields_sound: bool) -> int:
    subject = _Subject(_as_message(pdu), now, version >= _V50, manners)
    if not fields_sound and (status := _fields(subject)):
        return status
    for rule in _RULES:
        if status := rule(subject):
            return status
    return _OK


#: What a replace_sm gives of a message, in wire order (3.4 4.10.1).
_REPLACED = (
    "schedule_delivery_time",
    "validity_period",
    "registered_delivery",
    "sm_default_msg_id",
    "short_message",
)


def check_replacement(pdu: Pdu, version: int, now: int, manners: Manners = OURS) -> int:
    """``check`` for a decoded replace_sm, by itself: what it says, not what it would lead to."""
    sm = SimpleNamespace(**pdu.fields, tlv=pdu.tlv)
    subject = _Subject(sm, now, version >= _V50, manners)
    for name in _REPLACED:
        if status := _FIELD_RULES[name](pdu.fields[name], subject):
            return status
    return _one_text(subject)


# -- another message out of one --------------------------------------------------------------


def changed(
    message: Message, tlvs: Sequence[tuple[int, bytes]] | None = None, /, **fields: Any
) -> Message:
    """The same message with these mandatory parameters, and TLVs if any, instead of its own.

    Raises ValueError for a value that the field can't hold.
    """
    values = message.fields | fields
    del values["sm_length"]
    tlvs = message.tlvs if tlvs is None else tlvs
    raw = encode(message.command_id, message.sequence_number, 0, tlvs, **values)
    return Message.from_raw(raw)


# -- times ------------------------------------------------------------------------------------


def datagram(sm: Any) -> bool:
    """Whether a submit asks for one attempt and no more: no schedule, no receipt (3.4 2.10.2)."""
    return bool(sm.esm_class & MODE == DATAGRAM)


def _start(sm: Any, now: int) -> int:
    if datagram(sm):
        return now
    schedule = times.parse(sm.schedule_delivery_time, now)
    return now if schedule is None or schedule < now else schedule


def _end(sm: Any, now: int) -> int | None:
    """qos_time_to_live overrides validity_period (5.0 4.8.4.46)."""
    seconds = sm.tlv(_QOS_TIME_TO_LIVE)
    if seconds is not None:
        return now + int.from_bytes(seconds, "big") * times.SECOND
    return times.parse(sm.validity_period, now)


def due(pdu: Pdu, now: int) -> int:
    """When the first attempt may be made, in ms: the schedule, or ``now`` if that is past.

    Like ``expiry`` for a PDU that ``check`` has passed; raises ValueError over a malformed time.
    """
    return _start(_as_message(pdu), now)


def expiry(pdu: Pdu, now: int, default_ms: int, cap_ms: int) -> int:
    """When the last attempt may be made, in ms.

    As the sender says, or ``default_ms`` after it is due; in no case more than ``cap_ms`` after.
    """
    sm = _as_message(pdu)
    start = _start(sm, now)
    end = _end(sm, now)
    return min(start + default_ms if end is None else end, start + cap_ms)
