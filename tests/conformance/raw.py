"""PDUs by hand: octets put together as SMPP prints them, good and bad, without any code of ours.

What is tested here must not be built by what is tested: every PDU that the conformance tests send
or expect comes from these few functions or is a vector.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "pdus.json").read_text())
GOOD = {vector["id"]: bytes.fromhex(vector["hex"]) for vector in VECTORS["good"]}

RESP = 0x80000000
NACK = 0x80000000
BIND_RX, BIND_TX, BIND_TRX = 0x01, 0x02, 0x09
QUERY, SUBMIT, DELIVER, UNBIND, REPLACE, CANCEL = 0x03, 0x04, 0x05, 0x06, 0x07, 0x08
OUTBIND, ENQUIRE, MULTI, ALERT, DATA = 0x0B, 0x15, 0x21, 0x102, 0x103
BROADCAST, QUERY_BROADCAST, CANCEL_BROADCAST = 0x111, 0x112, 0x113

#: command_status by the meanings that the tests speak of.
OK, MSGLEN, CMDLEN, CMDID, BNDSTS, ALYBND, PRTFLG, REGDLV, SYSERR = range(9)
SRCADR, DSTADR, MSGID, BINDFAIL, PASWD, SYSID = 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F
CANCELFAIL, REPLACEFAIL, MSGQFUL, SERTYP = 0x11, 0x13, 0x14, 0x15
NUMDESTS, DLNAME, DESTFLAG, SUBREP, ESMCLASS, CNTSUBDL, SUBMITFAIL = (
    0x33, 0x34, 0x40, 0x42, 0x43, 0x44, 0x45,
)  # fmt: skip
SRCTON, SRCNPI, DSTTON, DSTNPI, SYSTYP, REPFLAG = 0x48, 0x49, 0x50, 0x51, 0x53, 0x54
THROTTLED, SCHED, EXPIRY, DFTMSGID = 0x58, 0x61, 0x62, 0x63
RETRY_LATER, GIVE_UP, REJECT_ONE, QUERYFAIL = 0x64, 0x65, 0x66, 0x67
TLVSTREAM, TLVNOTALLWD, TLVLEN, MISSINGTLV, TLVVAL = 0xC0, 0xC1, 0xC2, 0xC3, 0xC4
DELIVERYFAILURE, PROHIBITED, DCS = 0xFE, 0x101, 0x104
BCASTFREQINT, BCASTALIAS, BCASTAREAFMT, NUMBCASTAREAS, BCASTCNTTYPE, BCASTMSGCLASS = range(
    0x107, 0x10D
)
BCASTFAIL, BCASTQUERYFAIL, BCASTCANCELFAIL, BCASTREP, BCASTCHANIND = (
    0x10D, 0x10E, 0x10F, 0x110, 0x112,
)  # fmt: skip

PAYLOAD = 0x0424


def word(value: int) -> bytes:
    return value.to_bytes(4, "big")


def cstr(value: bytes) -> bytes:
    return value + b"\0"


def tlv(tag: int, value: bytes = b"") -> bytes:
    return tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


def pdu(command: int, sequence: int = 6, body: bytes = b"", status: int = 0) -> bytes:
    return word(16 + len(body)) + word(command) + word(status) + word(sequence) + body


def header(octets: bytes) -> tuple[int, int, int]:
    """(command_id, command_status, sequence_number)."""
    command, status, sequence = (int.from_bytes(octets[at : at + 4], "big") for at in (4, 8, 12))
    return command, status, sequence


def cut(octets: bytes, length: int) -> bytes:
    """The PDU ending early, with a command_length that says so."""
    return word(length) + octets[4:length]


def bind(
    command: int = BIND_TRX,
    sequence: int = 1,
    system_id: bytes = b"esme01",
    password: bytes = b"pa55word",
    system_type: bytes = b"",
    version: int = 0x34,
    address_range: bytes = b"",
    status: int = 0,
) -> bytes:
    body = cstr(system_id) + cstr(password) + cstr(system_type)
    return pdu(command, sequence, body + bytes([version, 0, 0]) + cstr(address_range), status)


_SOURCE = {"source_addr_ton": 1, "source_addr_npi": 1, "source_addr": b"447700900001"}
_DESTINATION = {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": b"447700900123"}
_CONTENT = {
    "esm_class": 0,
    "protocol_id": 0,
    "priority_flag": 0,
    "schedule_delivery_time": b"",
    "validity_period": b"",
    "registered_delivery": 0,
    "replace_if_present_flag": 0,
    "data_coding": 0,
    "sm_default_msg_id": 0,
}


def _laid(defaults: dict[str, Any], changes: dict[str, Any]) -> bytes:
    """The fields in wire order: octets as C-strings, numbers as one octet."""
    unknown = changes.keys() - defaults
    assert not unknown, f"no such field: {unknown}"
    values = (defaults | changes).values()
    return b"".join(cstr(v) if isinstance(v, bytes) else bytes([v]) for v in values)


def sm(
    command: int = SUBMIT,
    sequence: int = 6,
    text: bytes = b"x",
    tlvs: bytes = b"",
    sm_length: int | None = None,
    **fields: Any,
) -> bytes:
    """A submit_sm, or a deliver_sm, which has the same layout."""
    body = _laid({"service_type": b""} | _SOURCE | _DESTINATION | _CONTENT, fields)
    length = bytes([len(text) if sm_length is None else sm_length])
    return pdu(command, sequence, body + length + text + tlvs)


def to(address: bytes) -> bytes:
    """A destination of submit_multi."""
    return b"\1\1\1" + cstr(address)


def to_list(name: bytes) -> bytes:
    """A distribution list in the destinations of submit_multi."""
    return b"\2" + cstr(name)


def multi(
    *dests: bytes,
    sequence: int = 6,
    text: bytes = b"x",
    tlvs: bytes = b"",
    number_of_dests: int | None = None,
    **fields: Any,
) -> bytes:
    count = len(dests) if number_of_dests is None else number_of_dests
    source = {name: fields.pop(name) for name in _SOURCE.keys() & fields}
    body = cstr(b"") + _laid(_SOURCE, source) + bytes([count]) + b"".join(dests)
    return pdu(MULTI, sequence, body + _laid(_CONTENT, fields) + bytes([len(text)]) + text + tlvs)


def data(sequence: int = 6, tlvs: bytes | None = None, **fields: Any) -> bytes:
    content = {"esm_class": 0, "registered_delivery": 0, "data_coding": 0}
    body = _laid({"service_type": b""} | _SOURCE | _DESTINATION | content, fields)
    return pdu(DATA, sequence, body + (tlv(PAYLOAD, b"x") if tlvs is None else tlvs))


def query(message_id: bytes, sequence: int = 6, **source: Any) -> bytes:
    return pdu(QUERY, sequence, cstr(message_id) + _laid(_SOURCE, source))


def cancel(message_id: bytes = b"", sequence: int = 6, **fields: Any) -> bytes:
    names = {"service_type": b"", "message_id": message_id}
    return pdu(CANCEL, sequence, _laid(names | _SOURCE | _DESTINATION, fields))


def replace(
    message_id: bytes, sequence: int = 6, text: bytes = b"y", tlvs: bytes = b"", **fields: Any
) -> bytes:
    content = {
        "schedule_delivery_time": b"",
        "validity_period": b"",
        "registered_delivery": 0,
        "sm_default_msg_id": 0,
    }
    body = cstr(message_id) + _laid(_SOURCE | content, fields)
    return pdu(REPLACE, sequence, body + bytes([len(text)]) + text + tlvs)


#: The TLVs without which there is no broadcast: an area by name, weather, three times, 31 minutes.
AREA = tlv(0x0606, b"\0North")
BROADCAST_TLVS = AREA + tlv(0x0601, b"\0\0\x33") + tlv(0x0604, b"\0\3") + tlv(0x0605, b"\x09\0\x1f")


def broadcast(sequence: int = 6, tlvs: bytes = BROADCAST_TLVS, **fields: Any) -> bytes:
    content = {
        "message_id": b"",
        "priority_flag": 0,
        "schedule_delivery_time": b"",
        "validity_period": b"",
        "replace_if_present_flag": 0,
        "data_coding": 0,
        "sm_default_msg_id": 0,
    }
    body = _laid({"service_type": b"CBS"} | _SOURCE | content, fields)
    return pdu(BROADCAST, sequence, body + tlvs)


def refused(command: int, status: int, sequence: int = 6) -> bytes:
    """The answer to a request that is not done: header only (5.0 3.2.1.3)."""
    return pdu(command | RESP, sequence, b"", status)


def nack(status: int, sequence: int = 6) -> bytes:
    return pdu(NACK, sequence, b"", status)


class Accepted(NamedTuple):
    """A positive answer with an id of ours: at most 16 lower-case hexadecimal digits."""

    command: int
    sequence: int

    def fits(self, octets: bytes) -> bool:
        head = word(len(octets)) + word(self.command | RESP) + word(0) + word(self.sequence)
        return octets[:16] == head and _ID.fullmatch(octets[16:]) is not None


#: An id, and congestion_state, which 5.0 lets any response carry.
_ID = re.compile(rb"[0-9a-f]{1,16}\0(?:\x04\(\0\x01.)?", re.DOTALL)

#: An expected answer: these octets, or an acceptance.
Expected = bytes | Accepted


def accepted(command: int = SUBMIT, sequence: int = 6) -> Accepted:
    return Accepted(command, sequence)


def bound(
    command: int = BIND_TRX, sequence: int = 1, version: int | None = 0x34, name: bytes = b"smsc"
) -> bytes:
    """A positive answer to a bind."""
    told = b"" if version is None else tlv(0x0210, bytes([version]))
    return pdu(command | RESP, sequence, cstr(name) + told)


def same(got: bytes, expected: Expected) -> bool:
    return got == expected if isinstance(expected, bytes) else expected.fits(got)


def message_id(answer: bytes) -> bytes:
    """What a positive answer calls the message."""
    return answer[16:].partition(b"\0")[0]
