"""The codec, decoding beside other people's (``codecs.py``): ``pytest bench/test_codec.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench.codecs import BATCH, DECODERS, MESSAGE, PDU, decoding
from smsc import _pdu
from smsc.smpp import Command

WRITERS: dict[str, Callable[[], object]] = {
    "id_resp": lambda: _pdu.id_resp(Command.SUBMIT_SM_RESP, 7, 0x0000_0401_0000_1234),
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


def test_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    """By the best of several rounds, which neighbours disturb least."""
    figures = {name: spread.least for name, spread in decoding(15).items()}
    with capsys.disabled():
        print("\n\ndecoding a submit_sm with 80 octets of text, all in this process and run")
        for name, figure in figures.items():
            print(f"  {name:20} {figure:9.0f} ns  {figure / figures['ours']:7.1f} x ours")
    assert figures["smpp34"] > 3 * figures["ours"]
    assert figures["ours"] < 250
