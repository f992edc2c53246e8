"""What a receipt costs to build and to read: ``pytest bench/test_receipt.py``.

The plain case is what nearly all traffic is: GSM text, three TLVs built, a standard text read.
The others are what they cost where the quick ways do not apply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smsc import receipt
from smsc._pdu import Message, encode
from smsc.smpp import Command, Tag

SUBMITTED = 1_763_802_959_000
DONE = SUBMITTED + 61_000
ID = b"4010000001234"

ADDRESSES: dict[str, Any] = {
    "source_addr_ton": 5,
    "source_addr": b"ACME",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": b"447700900123",
    "registered_delivery": 1,
}
TEXT = b"The quick brown fox jumps over the lazy dog."


def submitted(tlvs: tuple[tuple[int, bytes], ...] = (), **fields: Any) -> Message:
    return Message.from_raw(encode(Command.SUBMIT_SM, 7, 0, tlvs, **ADDRESSES | fields))


def delivered(text: bytes, tlvs: tuple[tuple[int, bytes], ...] = ()) -> Message:
    fields = ADDRESSES | {"esm_class": 0x04, "short_message": text}
    return Message.from_raw(encode(Command.DELIVER_SM, 7, 0, tlvs, **fields))


PLAIN = submitted(short_message=TEXT)

BUILT: dict[str, tuple[Message, bytes | None, bool]] = {
    "plain": (PLAIN, b"\3\0\0", True),
    "plain, below 3.4": (PLAIN, None, False),
    "with a reference": (
        submitted(((Tag.USER_MESSAGE_REFERENCE, b"\0\7"),), short_message=TEXT),
        b"\3\0\0",
        True,
    ),
    "text in the payload": (submitted(((Tag.MESSAGE_PAYLOAD, TEXT * 10),)), b"\3\0\0", True),
    "UCS-2": (submitted(short_message=b"\0H\0i", data_coding=8), b"\3\0\0", True),
    "an extension character": (submitted(short_message=b"5 \x1be please"), b"\3\0\0", True),
}

STANDARD = (
    b"id:4010000001234 sub:001 dlvrd:001 submit date:2511220915 done date:2511220916"
    b" stat:DELIVRD err:000 text:The quick brown fox "
)
TLVS = ((Tag.RECEIPTED_MESSAGE_ID, ID + b"\0"), (Tag.MESSAGE_STATE, b"\2"))

READ: dict[str, Message] = {
    "standard text": delivered(STANDARD),
    "standard text and TLVs": delivered(STANDARD, (*TLVS, (Tag.NETWORK_ERROR_CODE, b"\3\0\0"))),
    "TLVs alone": delivered(b"", TLVS),
    "a carrier's own text": delivered(b"id:4010000001234 stat:DELIVRD err:0 text:The quick"),
    "no receipt": submitted(short_message=TEXT),
}


def building(name: str) -> Callable[[], bytes]:
    original, network_error, tlvs = BUILT[name]
    build = receipt.build
    return lambda: build(original, ID, 2, network_error, 0, SUBMITTED, DONE, tlvs)


def reading(name: str) -> Callable[[], object]:
    parse, pdu = receipt.parse, READ[name]
    return lambda: parse(pdu)


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.benchmark(group="build a receipt")
def test_build(benchmark: Any, name: str) -> None:
    benchmark(building(name))


@pytest.mark.parametrize("name", READ)
@pytest.mark.benchmark(group="read a receipt")
def test_parse(benchmark: Any, name: str) -> None:
    benchmark(reading(name))


@pytest.mark.benchmark(group="build a receipt")
def test_nothing(benchmark: Any) -> None:
    """What the lambda and the measuring itself take."""
    benchmark(lambda: None)
