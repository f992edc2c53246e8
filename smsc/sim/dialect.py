"""How a carrier writes: its ids, its receipts, its inbound messages.

Pure. Built here by hand and not with ``smsc.receipt``: what checks a reader of receipts must not
be written by the reader's own author, and this is the simulator's hottest path.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from smsc import _pdu
from smsc._pdu import Message
from smsc.smpp import Command, Tag

#: Source addresses of inbound messages: numbers reserved for fiction (Ofcom, +44 7700 900xxx).
INBOUND_SOURCE = b"447700900%03d"

SUBMIT_SM_RESP = int(Command.SUBMIT_SM_RESP)
DELIVER_SM = int(Command.DELIVER_SM)

_HEADER = struct.Struct(">IIII")
#: From esm_class (0x04, a receipt) to sm_default_msg_id.
_FLAGS = b"\x04\0\0\0\0\0\0\0\0"
_ID_TLV = [struct.pack(">HH", Tag.RECEIPTED_MESSAGE_ID, length) for length in range(66)]
_STATE_TLV = [struct.pack(">HHB", Tag.MESSAGE_STATE, 1, state) for state in range(10)]
_OCTET = [bytes((value,)) for value in range(256)]
#: Stands for the id while a text is prepared; no date or state has it.
_MARK = b"\x00"


class Outcome(NamedTuple):
    """A final state as receipts write it (SMPP 3.4 appendix B, 5.2.28)."""

    stat: bytes
    message_state: int
    err: bytes


DELIVRD = Outcome(b"DELIVRD", 2, b"000")
#: What goes wrong in a ``mixed`` profile, in equal shares.
FAILURES = (
    Outcome(b"EXPIRED", 3, b"027"),
    Outcome(b"UNDELIV", 5, b"001"),
    Outcome(b"REJECTD", 8, b"011"),
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a carrier names a message in its response and in its receipt, and what else it writes.

    ``text`` is a %-template over id, dlvrd, submit, done, stat and err, and ends where the
    message's own text begins; ``date_digits`` is 10 (to the minute) or 12 (to the second).
    """

    says: str
    response_id: Callable[[int], bytes]
    receipt_id: Callable[[int], bytes]
    text: bytes
    tlvs: bool = True
    date_digits: int = 10


def _hex(number: int) -> bytes:
    return b"%x" % number


def _upper(number: int) -> bytes:
    return b"%X" % number


def _decimal(number: int) -> bytes:
    return b"%d" % number


def _padded(number: int) -> bytes:
    return b"%020x" % number


_STANDARD = (
    b"id:%(id)b sub:001 dlvrd:%(dlvrd)b submit date:%(submit)b done date:%(done)b"
    b" stat:%(stat)b err:%(err)b text:"
)
_SHUFFLED = (
    b"stat:%(stat)b id:%(id)b done date:%(done)b submit date:%(submit)b"
    b" err:%(err)b dlvrd:%(dlvrd)b sub:001 text:"
)

DIALECTS: dict[str, Dialect] = {
    "standard": Dialect("hex id, text and TLVs", _hex, _hex, _STANDARD),
    "text-only": Dialect("hex id, no TLVs", _hex, _hex, _STANDARD, tlvs=False),
    "tlv-only": Dialect("hex id, no text", _hex, _hex, b""),
    "decimal": Dialect("hex in the response, decimal in the receipt", _hex, _decimal, _STANDARD),
    "upper": Dialect("lower case in the response, upper in the receipt", _hex, _upper, _STANDARD),
    "unpadded": Dialect("zeros before the id in the response only", _padded, _hex, _STANDARD),
    "seconds": Dialect("dates of 12 digits", _hex, _hex, _STANDARD, date_digits=12),
    "shuffled": Dialect("fields in another order, no TLVs", _hex, _hex, _SHUFFLED, tlvs=False),
}


class Writer:
    """Writes responses and receipts in one dialect.

    What is equal for all receipts of a second is written once.
    """

    __slots__ = ("_date", "_hex", "_texts", "dialect")

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        #: Ids as our own codec writes them, which it does fastest.
        self._hex = dialect.response_id is _hex
        self._date = b""
        self._texts: dict[bytes, list[bytes]] = {}

    def response(self, sequence_number: int, number: int) -> bytes:
        """The submit_sm_resp that takes a message."""
        if self._hex:
            return _pdu.id_resp(SUBMIT_SM_RESP, sequence_number, number)
        message_id = self.dialect.response_id(number)
        length = 17 + len(message_id)
        return _HEADER.pack(length, SUBMIT_SM_RESP, 0, sequence_number) + message_id + b"\0"

    def receipt(self, message: Message, number: int, outcome: Outcome, date: bytes) -> bytes:
        """The deliver_sm that says how a sound message ended, sequence number 0."""
        message_id = self.dialect.receipt_id(number)
        text = b""
        if self.dialect.text:
            before, after = self._text(outcome, date)
            text = before + message_id + after + _preview(message)
        tlvs = b""
        if self.dialect.tlvs:
            head = _ID_TLV[len(message_id) + 1]
            tlvs = head + message_id + b"\0" + _STATE_TLV[outcome.message_state]
        # service_type, then source and destination with their TON and NPI, which change places.
        raw = message.raw
        source_at = raw.index(0, 16) + 1
        destination_at = raw.index(0, source_at + 2) + 1
        end = raw.index(0, destination_at + 2) + 1
        body = (
            raw[16:source_at],
            raw[destination_at:end],
            raw[source_at:destination_at],
            _FLAGS,
            _OCTET[len(text)],
            text,
            tlvs,
        )
        length = end + len(_FLAGS) + 1 + len(text) + len(tlvs)
        return _HEADER.pack(length, DELIVER_SM, 0, 0) + b"".join(body)

    def _text(self, outcome: Outcome, date: bytes) -> list[bytes]:
        """What stands before and after the id."""
        if date != self._date:
            self._date = date
            self._texts.clear()
        parts = self._texts.get(outcome.stat)
        if parts is None:
            whole = self.dialect.text % {
                b"id": _MARK,
                b"dlvrd": b"001" if outcome is DELIVRD else b"000",
                b"submit": date,
                b"done": date,
                b"stat": outcome.stat,
                b"err": outcome.err,
            }
            self._texts[outcome.stat] = parts = whole.split(_MARK)
        return parts


def _preview(message: Message) -> bytes:
    """The first 20 octets, of plain text in the default alphabet alone.

    Without 0x00 (an ``@``), which ends the receipt for many a client.
    """
    if message.data_coding or message.esm_class & 0x40:
        return b""
    return message.text[:20].replace(b"\0", b"")


def inbound(to: str, number: int) -> bytes:
    """A mobile-originated deliver_sm, sequence number 0."""
    return _pdu.encode(
        Command.DELIVER_SM,
        0,
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=INBOUND_SOURCE % (number % 1000),
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=to.encode(),
        short_message=b"Inbound %d" % number,
    )
