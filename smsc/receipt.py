"""Delivery receipts: ours to build, a carrier's to read, and whose message it speaks of.

What we build is one dialect, to the letter (SMPP 3.4 Appendix B with the width and case that
clients rely on); what we read is whatever carriers send. Ids are compared by ``IdRule``, since
many a carrier answers in one base and reports in another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from smsc._pdu import Message
from smsc._receipt import Reader, Writer, number_of
from smsc._receipt import Receipt as Receipt

UNKNOWN: Final = 7

#: message_state values after which nothing more is to come (5.0 4.7.15).
FINAL_STATES = frozenset({2, 3, 4, 5, 6, 8, 9})


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

_writer = Writer(_TOLD)


def build(
    original: Message,
    message_id: bytes,
    state: int,
    network_error: bytes | None,
    error: int,
    submit_ms: int,
    done_ms: int,
    tlvs: bool = True,
    seconds: bool = False,
) -> bytes:
    """The deliver_sm that tells a client its message's fate, with sequence number 0.

    It is a receipt; of a message that is still on its way (``ENROUTE``) a notification.

    ``message_id`` is what our response said; ``state`` a message_state; ``network_error`` the
    three octets of network_error_code if known; ``error`` the number behind ``err:``, at most
    999; dates are ms on the client's clock and appear to the minute, or to the second if
    ``seconds``. ``tlvs`` is False towards peers below 3.4.

    Raises ValueError if the id leaves the text no room in 255 octets, KeyError for a state that
    does not exist.
    """
    return _writer.write(
        original, message_id, state, network_error, error, submit_ms, done_ms, tlvs, seconds
    )


def error_number(error: bytes, network_error: bytes) -> int:
    """The number behind ``err:`` of ours, from what the carrier's receipt had there.

    Where that is no number, the code of its network_error_code is (3.4 5.3.2.31).
    """
    number = number_of(error)
    return number if number >= 0 else int.from_bytes(network_error[1:3], "big")


# -- reading ----------------------------------------------------------------------------------

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

#: A receipt says what it has to say in 250 octets; a payload of 65,535 is somebody's attempt.
_LONGEST = 1024

#: A label not inside a longer word, then a value up to white space that is not the next label.
_FIELD = re.compile(
    rb"(?<![a-z0-9_])(id|stat|err|done date|text):[ ]?([^\s\0:]{0,64})(?![^\s\0])", re.IGNORECASE
)
_WITH_CENTURY = 14
_DATE_LENGTHS = (10, 12)
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


_reader = Reader(_STATES, UNKNOWN, FINAL_STATES, _searched)


def parse(pdu: Message) -> Receipt | None:
    """What this deliver_sm reports, or None if it is no receipt.

    A receipt is told by esm_class or by its TLVs; TLVs win where the text says something else.
    A receipt without an id in either is still a receipt, with an empty ``id``.
    """
    return _reader.read(pdu)


def date_ms(date: bytes) -> int | None:
    """A receipt's date, in ms since the epoch of its own clock; None if it is none.

    10 digits to the minute, 12 to the second, 14 with the century.
    """
    if len(date) == _WITH_CENTURY:
        date = date[2:]
    if len(date) not in _DATE_LENGTHS or not date.isdigit():
        return None
    year, month, day, hour, minute = (int(date[at : at + 2]) for at in range(0, 10, 2))
    second = int(date[10:] or b"0")
    try:
        there = datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return round(there.timestamp() * 1_000)


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
