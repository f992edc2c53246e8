"""What is forgiven: PDUs that break the letter in ways that clients in the field do.

Each function takes a PDU as it came and gives the one that was meant, or the same PDU where it
can't tell. Nothing is forgiven unless the configuration says so.
"""

from __future__ import annotations

from typing import Final

from smsc._pdu import Decoder, Pdu
from smsc.smpp import HEADER_LENGTH, Status

#: The longest password, in octets, that is taken where more than SMPP's 8 are.
MAX_PASSWORD: Final = 64


def _with_body(pdu: Pdu, body: bytes) -> Pdu:
    length = (HEADER_LENGTH + len(body)).to_bytes(4, "big")
    (other,) = Decoder().feed(length + pdu.raw[4:HEADER_LENGTH] + body)
    return other


def without_trailing_nul(pdu: Pdu) -> Pdu:
    """A request without the one NUL that stands behind its last field."""
    if pdu.decode() != Status.ESME_RINVTLVSTREAM or pdu.raw[-1]:
        return pdu
    shorter = _with_body(pdu, pdu.raw[HEADER_LENGTH:-1])
    return pdu if shorter.decode() else shorter


def without_password(bind: Pdu) -> tuple[Pdu, bytes]:
    """A bind whose password is too long, with an empty one in its place; and the password."""
    parts = bind.raw[HEADER_LENGTH:].split(b"\0", 2)
    if len(parts) < 3 or len(parts[1]) > MAX_PASSWORD:
        return bind, b""
    system_id, password, rest = parts
    return _with_body(bind, b"\0".join((system_id, b"", rest))), password
