"""Other people's codecs beside ours, on one and the same PDU, in one process.

The PDU is a submit_sm with 80 octets of text. Ours is measured as it is used, a read of many PDUs
at once, the others by their own whole-PDU decoders; all figures are per PDU. What decodes eagerly
to Python objects (the others) does more per PDU than what keeps octets until asked (ours), so
``ours, every field`` also reads each field once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import aiosmpplib
import smpp34
import smpplib.client
import smpplib.command
import smpplib.smpp

from bench.spread import Spread
from smsc import _pdu
from smsc.smpp import Command

BATCH = 400
PDU = _pdu.encode(
    Command.SUBMIT_SM,
    7,
    source_addr_ton=1,
    source_addr_npi=1,
    source_addr=b"447700900001",
    dest_addr_ton=1,
    dest_addr_npi=1,
    destination_addr=b"447700900123",
    registered_delivery=1,
    short_message=b"The quick brown fox jumps over the lazy dog. "
    b"Then it rests until noon, till one.",
)
READ = PDU * BATCH
MESSAGE = _pdu.Message.from_raw(PDU)
NAMES = tuple(MESSAGE.fields)


def ours_framing(decoder: _pdu.Decoder) -> None:
    decoder.feed(READ)


def ours_decode(decoder: _pdu.Decoder) -> None:
    for pdu in decoder.feed(READ):
        pdu.decode()


def ours_every_field(decoder: _pdu.Decoder) -> None:
    for pdu in decoder.feed(READ):
        pdu.decode()
        for name in NAMES:
            getattr(pdu, name)


def smpp34_decode(_: Any) -> None:
    for _ in range(BATCH):
        smpp34.decode(PDU)


def smpp34_every_field(_: Any) -> None:
    for _ in range(BATCH):
        pdu = smpp34.decode(PDU)
        for name in NAMES:
            getattr(pdu, name)


def smpplib_decode(client: Any) -> None:
    for _ in range(BATCH):
        smpplib.smpp.parse_pdu(PDU, client=client)


def aiosmpplib_decode(_: Any) -> None:
    for _ in range(BATCH):
        header = aiosmpplib.SubmitSm.parse_header(PDU[:16])
        aiosmpplib.SubmitSm.from_pdu(PDU, header, "latin-1")


class Client:
    """What smpplib's decoder asks of the client it works for."""

    sequence = 1

    def next_sequence(self) -> int:
        return 1


DECODERS: dict[str, tuple[Callable[[Any], None], Any]] = {
    "ours, framing only": (ours_framing, _pdu.Decoder()),
    "ours": (ours_decode, _pdu.Decoder()),
    "ours, every field": (ours_every_field, _pdu.Decoder()),
    "smpp34": (smpp34_decode, None),
    "smpp34, every field": (smpp34_every_field, None),
    "smpplib": (smpplib_decode, Client()),
    "aiosmpplib": (aiosmpplib_decode, None),
}


def decoding(rounds: int) -> dict[str, Spread]:
    """Nanoseconds of CPU per PDU by decoder, each in turn, so many times."""
    found: dict[str, list[float]] = {name: [] for name in DECODERS}
    for _ in range(rounds):
        for name, (decode, argument) in DECODERS.items():
            started = time.thread_time_ns()
            decode(argument)
            found[name].append((time.thread_time_ns() - started) / BATCH)
    return {name: Spread.of(times) for name, times in found.items()}
