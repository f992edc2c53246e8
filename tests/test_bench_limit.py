"""The C loop that stands for the limit: it parses, it answers, and it keeps to the protocol."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import limit
from smsc._pdu import Decoder, Pdu, encode, header_only
from smsc.sim.ledger import read_receipt
from smsc.sim.process import Process
from smsc.smpp import Command, Status

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")

SUBMIT: dict[str, Any] = {
    "source_addr": b"447700900001",
    "destination_addr": b"447700900123",
    "registered_delivery": 1,
    "short_message": b"hello",
}


class Peer:
    """One connection to it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.decoder = Decoder()

    def ask(self, octets: bytes, answers: int) -> list[Any]:
        self.socket.sendall(octets)
        got: list[Pdu] = []
        while len(got) < answers:
            data = self.socket.recv(65536)
            assert data, "it closed the connection"
            got += self.decoder.feed(data)
        for pdu in got:
            assert not pdu.decode()
        return got


@pytest.fixture(scope="module", params=[(), ("--receipts",)], ids=["answers", "receipts"])
def process(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Process]:
    directory: Path = tmp_path_factory.mktemp("limit")
    with Process("limit", directory, str(limit.built()), *request.param) as running:
        yield running


@pytest.fixture
def peer(process: Process) -> Iterator[Peer]:
    peer = Peer(process.ports["main"])
    yield peer
    peer.socket.close()


@pytest.fixture
def receipts(request: pytest.FixtureRequest) -> bool:
    return "receipts" in request.node.callspec.id


@pytest.mark.parametrize("name", ["TRANSCEIVER", "TRANSMITTER", "RECEIVER"])
def test_it_takes_every_bind(peer: Peer, name: str) -> None:
    (answer,) = peer.ask(encode(Command[f"BIND_{name}"], 7, system_id=b"a", password=b"b"), 1)
    assert answer.command_id == Command[f"BIND_{name}_RESP"]
    assert (answer.command_status, answer.sequence_number) == (0, 7)
    assert answer.fields["system_id"] == b"limit"


def test_each_message_gets_an_id_and_its_receipt_if_one_is_sent(peer: Peer, receipts: bool) -> None:
    octets = encode(Command.SUBMIT_SM, 1, **SUBMIT) + encode(Command.SUBMIT_SM, 2, **SUBMIT)
    heard = peer.ask(octets, 4 if receipts else 2)
    answers = [pdu for pdu in heard if pdu.command_id == Command.SUBMIT_SM_RESP]
    assert [pdu.sequence_number for pdu in answers] == [1, 2]
    ids = [pdu.message_id for pdu in answers]
    assert len(set(ids)) == 2
    told = [pdu for pdu in heard if pdu.command_id == Command.DELIVER_SM]
    assert [read_receipt(pdu) for pdu in told] == ([(id, 2) for id in ids] if receipts else [])
    for pdu in told:
        assert pdu.source_addr == SUBMIT["destination_addr"]
        assert pdu.destination_addr == SUBMIT["source_addr"]
        assert pdu.esm_class == 4


def test_nobody_gets_a_receipt_who_did_not_ask(peer: Peer) -> None:
    octets = encode(Command.SUBMIT_SM, 1, **{**SUBMIT, "registered_delivery": 0})
    enquire = header_only(Command.ENQUIRE_LINK, 0, 2)
    assert [pdu.sequence_number for pdu in peer.ask(octets + enquire, 2)] == [1, 2]


@pytest.mark.parametrize("at", range(1, 60, 7))
def test_a_pdu_may_come_in_two_reads(peer: Peer, at: int) -> None:
    octets = header_only(Command.ENQUIRE_LINK, 0, 1) + encode(Command.SUBMIT_SM, 2, **SUBMIT)
    peer.socket.sendall(octets[:at])
    heard = peer.ask(octets[at:], 2)
    assert [pdu.command_status for pdu in heard[:2]] == [0, 0]


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_cut_body_is_refused_and_the_session_kept(peer: Peer, cut: int) -> None:
    whole = encode(Command.SUBMIT_SM, 3, **SUBMIT)[:-cut]
    octets = len(whole).to_bytes(4, "big") + whole[4:]
    refused, kept = peer.ask(octets + header_only(Command.ENQUIRE_LINK, 0, 4), 2)
    assert refused.command_status == Status.ESME_RINVCMDLEN
    assert kept.command_id == Command.ENQUIRE_LINK_RESP


def test_what_it_does_not_know_is_nacked_and_unbind_answered(peer: Peer) -> None:
    heard = peer.ask(
        header_only(Command.QUERY_SM, 0, 5)
        + header_only(Command.DELIVER_SM_RESP, 0, 6)
        + header_only(Command.UNBIND, 0, 7),
        2,
    )
    assert [pdu.command_id for pdu in heard] == [Command.GENERIC_NACK, Command.UNBIND_RESP]
    assert heard[0].command_status == Status.ESME_RINVCMDID


def test_a_length_that_cannot_be_closes_the_connection(peer: Peer) -> None:
    peer.socket.sendall(b"\0\0\0\x0f" + bytes(12))
    assert peer.socket.recv(1) == b""
