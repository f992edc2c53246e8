"""submit_sm PDUs by the batch: encoded once, then only sequence, destination and number patched.

Each message has a destination of its own and, where the text has room, begins with its number
(the *token*), so that what arrives at the far end can be told apart and accounted for.
"""

from __future__ import annotations

from collections.abc import Callable

from smsc import _pdu
from smsc.smpp import Command, Tag

#: Digits of a message's number, in the destination and in the text.
DIGITS = 12
#: Digits of an international number at most (E.164).
ADDRESS_DIGITS = 15
#: Fewer would repeat destinations within a short run.
LEAST_DIGITS = 6
#: Longest short_message in 3.4; longer text goes into message_payload.
SHORT_MESSAGE = 254
UCS2 = 8

_FILLER = "the quick brown fox jumps over the lazy dog "
_SEQUENCE = slice(12, 16)


def _narrow(digits: bytes) -> bytes:
    return digits


def _wide(digits: bytes) -> bytes:
    return digits.decode().encode("utf-16-be")


def _none(digits: bytes) -> bytes:
    return b""


class Template:
    """All submits of one run. Raises ValueError for a text or prefix that can't be sent."""

    def __init__(
        self, source: str, prefix: str, text_octets: int, data_coding: int, receipts: bool
    ) -> None:
        wide = data_coding == UCS2
        if wide and text_octets % 2:
            raise ValueError("UCS-2 text needs an even number of octets")
        varying = min(DIGITS, ADDRESS_DIGITS - len(prefix))
        if varying < LEAST_DIGITS or not prefix.isdigit():
            raise ValueError(f"a destination prefix is 1 to {ADDRESS_DIGITS - LEAST_DIGITS} digits")
        self._cut = DIGITS - varying
        token_octets = DIGITS * 2 if wide else DIGITS
        self._token: Callable[[bytes], bytes] = _wide if wide else _narrow
        if text_octets < token_octets:
            self._token, token_octets = _none, 0
        text = _text(text_octets, token_octets, "utf-16-be" if wide else "ascii")
        destination = (prefix + "0" * varying).encode()
        pdu = _encode(source, destination, text, data_coding, receipts)
        number_at = pdu.rindex(destination + b"\0", 0, len(pdu) - len(text)) + len(prefix)
        text_at = len(pdu) - len(text)
        self._head = pdu[: _SEQUENCE.start]
        self._before = pdu[_SEQUENCE.stop : number_at]
        self._between = pdu[number_at + varying : text_at]
        self._after = pdu[text_at + token_octets :]

    def batch(self, sequence_number: int, numbers: range) -> bytes:
        """One PDU for each number, under consecutive sequence numbers."""
        head, before, between, after = self._head, self._before, self._between, self._after
        cut, token = self._cut, self._token
        parts: list[bytes] = []
        for number in numbers:
            digits = b"%012d" % number
            parts += (
                head,
                sequence_number.to_bytes(4, "big"),
                before,
                digits[cut:],
                between,
                token(digits),
                after,
            )
            sequence_number += 1
        return b"".join(parts)


def _text(octets: int, token_octets: int, charset: str) -> bytes:
    """Room for the token, then a space and a pangram over and over."""
    filler = (" " + _FILLER * (octets // len(_FILLER) + 1)).encode(charset)
    return b"0" * token_octets + filler[: octets - token_octets]


def _encode(
    source: str, destination: bytes, text: bytes, data_coding: int, receipts: bool
) -> bytes:
    short = len(text) <= SHORT_MESSAGE
    return _pdu.encode(
        Command.SUBMIT_SM,
        1,
        0,
        [] if short else [(int(Tag.MESSAGE_PAYLOAD), text)],
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=source.encode(),
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=destination,
        registered_delivery=int(receipts),
        data_coding=data_coding,
        short_message=text if short else b"",
    )
