"""Delivery receipts: ours to build, a carrier's to read, and whose message it speaks of.

What we build is one dialect, to the letter (SMPP 3.4 Appendix B with the width and case that
clients rely on); what we read is whatever carriers send. Ids are compared by ``IdRule``, since
many a carrier answers in one base and reports in another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

from smsc._pdu import Message
from smsc.smpp import HEADER_LENGTH, Command, Tag
from smsc.text import preview
from smsc.times import MINUTE, format_minute

DELIVERED: Final = 2
UNKNOWN: Final = 7

#: message_state values after which nothing more is to come (5.0 4.7.15).
FINAL_STATES = frozenset({2, 3, 4, 5, 6, 8, 9})

_RECEIPT: Final = 0x04
_NOTIFICATION: Final = 0x20
_UDHI: Final = 0x40

_RECEIPTED_MESSAGE_ID: Final = int(Tag.RECEIPTED_MESSAGE_ID)
_MESSAGE_STATE: Final = int(Tag.MESSAGE_STATE)
_NETWORK_ERROR_CODE: Final = int(Tag.NETWORK_ERROR_CODE)
_USER_MESSAGE_REFERENCE: Final = int(Tag.USER_MESSAGE_REFERENCE)
_DELIVER_SM: Final = int(Command.DELIVER_SM)


# -- building ---------------------------------------------------------------------------------

#: message_state as told, and its word. States that exist only since 5.0 (0 SCHEDULED, 9 SKIPPED)
#: leave as what every client knows.
_TOLD = {
    0: (1, b"ENROUTE"),
    1: (1, b"ENROUTE"),
    2: (2, b"DELIVRD"),
    3: (3, b"EXPIRED"),
    4: (4, b"DELETED"),
    5: (5, b"UNDELIV"),
    6: (6, b"ACCEPTD"),
    7: (7, b"UNKNOWN"),
    8: (8, b"REJECTD"),
    9: (8, b"REJECTD"),
}
#: Three characters is what parsers in the field take.
_MAX_ERROR = 999


#: Receipts come in streams: nearly all tell of the same few minutes, states and errors.
@lru_cache(maxsize=4096)
def _middle(state: int, error: int, submit_minute: int, done_minute: int) -> bytes:
    """The text between the id and the first characters of the message, of fixed width."""
    return b" sub:001 dlvrd:%03d submit date:%b done date:%b stat:%b err:%03d text:" % (
        state == DELIVERED,
        format_minute(submit_minute),
        format_minute(done_minute),
        _TOLD[state][1],
        min(error, _MAX_ERROR),
    )


_LABEL = b"id:"
_LABEL_LENGTH = len(_LABEL)

_OCTETS = tuple(bytes((value,)) for value in range(256))
#: After command_length: the rest of the header, with sequence number 0.
_HEADER = _DELIVER_SM.to_bytes(4, "big") + bytes(8)
#: From destination_addr's terminator to sm_default_msg_id: esm_class says receipt, the rest is 0.
_FLAGS = b"\0" + _OCTETS[_RECEIPT] + bytes(8)
#: receipted_message_id, at most 65 octets with its terminator, and message_state.
_TLVS = b"%b\0%%c%%b\0%b\0\1%%c" % (
    Tag.RECEIPTED_MESSAGE_ID.to_bytes(2, "big"),
    Tag.MESSAGE_STATE.to_bytes(2, "big"),
)
_NETWORK_ERROR_HEAD = Tag.NETWORK_ERROR_CODE.to_bytes(2, "big") + b"\0\3"
_REFERENCE_HEAD = Tag.USER_MESSAGE_REFERENCE.to_bytes(2, "big") + b"\0\2"


def build(
    original: Message,
    message_id: bytes,
    state: int,
    network_error: bytes | None,
    error: int,
    submit_ms: int,
    done_ms: int,
    tlvs: bool = True,
) -> bytes:
    """The deliver_sm that tells a client its message's fate, with sequence number 0.

    ``message_id`` is what our response said; ``state`` a message_state; ``network_error`` the
    three octets of network_error_code if known; ``error`` the number behind ``err:``, at most
    999; dates are ms and appear in UTC. ``tlvs`` is False towards peers below 3.4.
    """
    middle = _middle(state, error, submit_ms // MINUTE, done_ms // MINUTE)
    shown = preview(original.text, original.data_coding, original.esm_class & _UDHI != 0)
    # Octet by octet, since ``encode`` takes any PDU's fields by name and as long as all of this.
    body = b"".join(
        (
            original.service_type,
            b"\0",
            _OCTETS[original.dest_addr_ton],
            _OCTETS[original.dest_addr_npi],
            original.destination_addr,
            b"\0",
            _OCTETS[original.source_addr_ton],
            _OCTETS[original.source_addr_npi],
            original.source_addr,
            _FLAGS,
            _OCTETS[_LABEL_LENGTH + len(message_id) + len(middle) + len(shown)],
            _LABEL,
            message_id,
            middle,
            shown,
            _tlvs(original, message_id, state, network_error) if tlvs else b"",
        )
    )
    return (HEADER_LENGTH + len(body)).to_bytes(4, "big") + _HEADER + body


def _tlvs(original: Message, message_id: bytes, state: int, network_error: bytes | None) -> bytes:
    octets = _TLVS % (len(message_id) + 1, message_id, _TOLD[state][0])
    if network_error:
        octets += _NETWORK_ERROR_HEAD + network_error
    reference = original.tlv(_USER_MESSAGE_REFERENCE)
    return octets if reference is None else octets + _REFERENCE_HEAD + reference


# -- reading ----------------------------------------------------------------------------------


class Receipt(NamedTuple):
    """What a carrier's receipt says. Octets as they came, empty where it does not say."""

    #: The carrier's id of the message; empty if the receipt can't be told to belong to any.
    id: bytes
    #: A message_state; UNKNOWN if absent or a word nobody knows.
    state: int
    #: Whether nothing more is to come: a final state, and not an intermediate notification.
    final: bool
    #: The text's ``err``, of any form.
    error: bytes
    #: The text's ``done date``, of 10 to 14 digits and the carrier's time zone.
    done: bytes
    #: The three octets of network_error_code.
    network_error: bytes


#: Words for a message_state: the standard ones first, then others seen in the field.
_STATES = {
    b"ENROUTE": 1,
    b"DELIVRD": 2,
    b"EXPIRED": 3,
    b"DELETED": 4,
    b"UNDELIV": 5,
    b"ACCEPTD": 6,
    b"UNKNOWN": 7,
    b"REJECTD": 8,
    b"SKIPPED": 9,
    b"BUFFRED": 1,
    b"DELIVERED": 2,
    b"UNDELIVERABLE": 5,
    b"FAILED": 5,
    b"ACCEPTED": 6,
    b"REJECTED": 8,
}

#: id, stat, err, done date.
_Told: TypeAlias = tuple[bytes, bytes, bytes, bytes]


def parse(pdu: Message) -> Receipt | None:
    """What this deliver_sm reports, or None if it is no receipt.

    A receipt is told by esm_class or by its TLVs; TLVs win where the text says something else.
    A receipt without an id in either is still a receipt, with an empty ``id``.
    """
    kind = pdu.esm_class
    tlv_id = pdu.tlv(_RECEIPTED_MESSAGE_ID)
    if not kind & (_RECEIPT | _NOTIFICATION) and tlv_id is None:
        return None
    text_id, word, error, done = _told(pdu.text)
    tlv_state = pdu.tlv(_MESSAGE_STATE)
    state = tlv_state[0] if tlv_state else _state(word)
    return Receipt(
        (tlv_id.rstrip(b"\0 ") if tlv_id else b"") or text_id,
        state,
        state in FINAL_STATES and not kind & _NOTIFICATION,
        error,
        done,
        pdu.tlv(_NETWORK_ERROR_CODE) or b"",
    )


def _state(word: bytes) -> int:
    return _STATES.get(word) or _STATES.get(word.upper(), UNKNOWN)


#: The fields as Appendix B orders them, up to the label of the text. What is longer than a
#: message_id can be is no value.
_STANDARD = re.compile(
    rb"id:([^\s\0]{1,64}+) sub:[^ ]*+ dlvrd:[^ ]*+ submit date:[^ ]*+"
    rb" done date:([^\s\0]{0,64}+) stat:([^\s\0]{1,64}+) err:([^\s\0]{0,64}+) text:"
)


def _told(text: bytes) -> _Told:
    standard = _STANDARD.match(text)
    if standard is None:
        return _searched(text)
    message_id, done, word, error = standard.groups()
    return message_id, word, error, done


#: A receipt says what it has to say in 250 octets; a payload of 65,535 is somebody's attempt.
_LONGEST = 1024

#: A label not inside a longer word, then a value up to white space that is not the next label.
_FIELD = re.compile(
    rb"(?<![a-z0-9_])(id|stat|err|done date|text):[ ]?([^\s\0:]{0,64})(?![^\s\0])", re.IGNORECASE
)
_TEXT = re.compile(rb"(?<![a-z0-9_])text:", re.IGNORECASE)


def _searched(text: bytes) -> _Told:
    """The fields in any order; what follows ``text:`` is a stranger's unless we lack the rest."""
    text = text[:_LONGEST]
    if text[1:4].lower() == b"id:":
        # A length octet that crept in before the text; it may look like a letter.
        text = text[1:]
    cut = _TEXT.search(text)
    found = _fields(text[: cut.start()] if cut else text)
    if cut and not (b"id" in found and b"stat" in found):
        found = _fields(text[cut.end() :]) | found
    return (
        found.get(b"id", b""),
        found.get(b"stat", b""),
        found.get(b"err", b""),
        found.get(b"done date", b""),
    )


def _fields(text: bytes) -> dict[bytes, bytes]:
    """The first value of each label."""
    found: dict[bytes, bytes] = {}
    for label, value in _FIELD.findall(text):
        found.setdefault(label.lower(), value)
    return found


# -- correlation ------------------------------------------------------------------------------

IdBase: TypeAlias = Literal["verbatim", "hex", "decimal", "any"]

#: SMPP's longest message_id; longer octets are compared as they are.
_MAX_ID = 64
#: Marks a key that is no number, so that it never equals one: ids hold no control characters.
_NOT_A_NUMBER = b"\x01"
_RADIX = {"hex": 16, "decimal": 10}


def normalise(carrier_id: bytes, base: IdBase) -> bytes:
    """The key under which a carrier's id is looked up.

    ``hex`` and ``decimal`` read it as a number, whatever its case and leading zeros, and give
    equal keys for equal numbers; what is no such number stays itself. ``any`` ignores case and
    leading zeros alone. ``verbatim`` changes nothing.
    """
    if base == "verbatim":
        return carrier_id
    if base == "any":
        return carrier_id.lower().lstrip(b"0") or carrier_id[-1:]
    # isalnum() keeps out the signs, spaces and underscores that int() would take.
    if len(carrier_id) <= _MAX_ID and carrier_id.isalnum():
        try:
            return b"%x" % int(carrier_id, _RADIX[base])
        except ValueError:
            pass
    return _NOT_A_NUMBER + carrier_id


@dataclass(frozen=True, slots=True)
class IdRule:
    """How a carrier writes its ids in responses and in receipts; equal messages, equal keys."""

    resp: IdBase = "verbatim"
    receipt: IdBase = "verbatim"

    def of_response(self, message_id: bytes) -> bytes:
        """The key of the message_id of a submit_sm_resp."""
        return normalise(message_id, self.resp)

    def of_receipt(self, message_id: bytes) -> bytes:
        """The key of the id that a receipt names."""
        return normalise(message_id, self.receipt)
