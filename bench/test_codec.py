"""The codec beside other people's, on one and the same PDU: ``pytest bench/test_codec.py``.

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
import pytest
import smpp34
import smpplib.client
import smpplib.command
import smpplib.smpp

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
NAMES = tuple(_pdu.Message.from_raw(PDU).fields)
MESSAGE = _pdu.Message.from_raw(PDU)


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

WRITERS: dict[str, Callable[[], object]] = {
    "submit_sm_resp": lambda: _pdu.submit_sm_resp(7, 0x0000_0401_0000_1234),
    "forward": lambda: MESSAGE.forward(7, 1),
    "resequence": lambda: _pdu.resequence(PDU, 7),
    "header_only": lambda: _pdu.header_only(Command.ENQUIRE_LINK, 0, 7),
    "encode submit_sm": lambda: _pdu.encode(
        Command.SUBMIT_SM, 7, source_addr=b"1", destination_addr=b"2", short_message=b"3"
    ),
    "calling a function": lambda: len(PDU),
}


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.benchmark(group=f"decode {BATCH} submit_sm")
def test_decode(benchmark: Any, name: str) -> None:
    decode, argument = DECODERS[name]
    benchmark(decode, argument)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.benchmark(group="write one PDU")
def test_write(benchmark: Any, name: str) -> None:
    benchmark(WRITERS[name])


def nanoseconds(name: str) -> float:
    """Best of several rounds, per PDU: the figure least disturbed by neighbours."""
    decode, argument = DECODERS[name]
    best = float("inf")
    for _ in range(15):
        started = time.perf_counter_ns()
        decode(argument)
        best = min(best, time.perf_counter_ns() - started)
    return best / BATCH


def test_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    figures = {name: nanoseconds(name) for name in DECODERS}
    with capsys.disabled():
        print("\n\ndecoding a submit_sm with 80 octets of text, all in this process and run")
        for name, figure in figures.items():
            print(f"  {name:20} {figure:9.0f} ns  {figure / figures['ours']:7.1f} x ours")
    assert figures["smpp34"] > 3 * figures["ours"]
    assert figures["ours"] < 250
