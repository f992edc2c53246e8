"""The load generator in C: it sends what the simulator would, and no broken promise escapes it."""

from __future__ import annotations

import contextlib
import json
import select
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bench import generator, limit
from bench.run import Load, generate
from bench.world import running
from smsc._pdu import Decoder, Pdu, encode, header_only
from smsc.sim.process import Process
from smsc.sim.template import Template
from smsc.smpp import Command, Status, Tag

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")

#: Seconds that anything here may take at most, and after which silence is given up.
PATIENCE, IN_VAIN = 30, "1"
MESSAGES = 3
TEXT = b"id:%b sub:001 dlvrd:001 submit date:2611220915 done date:2611220916 stat:%b err:000 text:"

#: What the peer says to a submit_sm; None: it closes the connection.
Answer = Callable[[Pdu], bytes | None]


def response(pdu: Pdu, message_id: bytes | None = None, status: int = 0) -> bytes:
    told = b"%x" % pdu.sequence_number if message_id is None else message_id
    if status:
        return header_only(Command.SUBMIT_SM_RESP, status, pdu.sequence_number)
    return encode(Command.SUBMIT_SM_RESP, pdu.sequence_number, message_id=told)


def receipt(
    pdu: Pdu,
    stat: bytes = b"DELIVRD",
    message_id: bytes | None = None,
    tlvs: list[tuple[int, bytes]] | None = None,
    text: bytes | None = None,
    esm_class: int = 4,
) -> bytes:
    told = b"%x" % pdu.sequence_number if message_id is None else message_id
    return encode(
        Command.DELIVER_SM,
        pdu.sequence_number,
        0,
        tlvs or [],
        esm_class=esm_class,
        short_message=TEXT % (told, stat) if text is None else text,
    )


class Peer:
    """A server that says to each submit_sm what it was told to; asks for the link after each.

    With ``most`` it unbinds after so many: nobody waits in vain for what it owes.
    """

    def __init__(self, answer: Answer, bound: int = 0, most: int = 0) -> None:
        self._answer = answer
        self._bound = bound
        self._most = most
        self.submits: list[list[bytes]] = []
        #: command_ids of what else was heard.
        self.heard: list[int] = []

    def run(self, *options: str) -> tuple[int, Any]:
        """Serve one load to its end; its exit code, and what it printed."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = str(listener.getsockname()[1])
            command = [str(generator.built()), "--port", port, *options]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
                self._serve(listener, child)
                told = child.communicate(timeout=PATIENCE)[0]
        return child.returncode, json.loads(told) if told else None

    def _serve(self, listener: socket.socket, child: subprocess.Popen[str]) -> None:
        decoders: dict[socket.socket, tuple[Decoder, list[bytes]]] = {}
        assert child.stdout is not None
        while True:
            readable, _, _ = select.select([listener, child.stdout, *decoders], [], [], PATIENCE)
            assert readable, "the generator hangs"
            if readable == [child.stdout] and not decoders:
                break
            for one in readable:
                if one is child.stdout:
                    continue
                if one is listener:
                    connection, _ = listener.accept()
                    self.submits.append([])
                    decoders[connection] = Decoder(), self.submits[-1]
                elif not self._read(one, *decoders[one]):
                    del decoders[one]
                    one.close()

    def _read(self, one: socket.socket, decoder: Decoder, submits: list[bytes]) -> bool:
        """Whether the connection goes on."""
        with contextlib.suppress(ConnectionError):
            data = one.recv(65536)
            for pdu in decoder.feed(data):
                said = self._say(pdu, submits)
                if said is None:
                    return False
                one.sendall(said)
            return bool(data)
        return False

    def _say(self, pdu: Any, submits: list[bytes]) -> bytes | None:
        if pdu.command_id == Command.SUBMIT_SM:
            submits.append(pdu.raw)
            said = self._answer(pdu)
            asked = header_only(Command.ENQUIRE_LINK, 0, pdu.sequence_number)
            ended = UNBIND if len(submits) == self._most else b""
            return None if said is None else said + asked + ended
        self.heard.append(pdu.command_id)
        if pdu.command_id == Command.BIND_TRANSCEIVER:
            answered = encode(Command.BIND_TRANSCEIVER_RESP, pdu.sequence_number, system_id=b"peer")
            refused = header_only(Command.BIND_TRANSCEIVER_RESP, self._bound, pdu.sequence_number)
            return refused if self._bound else answered
        if pdu.command_id == Command.UNBIND:
            return header_only(Command.UNBIND_RESP, 0, pdu.sequence_number)
        return b""


def only(n: int, special: Answer, otherwise: Answer) -> Answer:
    """The n-th message is a special one. (The bind took sequence number 1.)"""
    return lambda pdu: (special if pdu.sequence_number == n + 1 else otherwise)(pdu)


def well(pdu: Pdu) -> bytes:
    return response(pdu) + receipt(pdu)


ID, STATE = int(Tag.RECEIPTED_MESSAGE_ID), int(Tag.MESSAGE_STATE)
UNBIND = header_only(Command.UNBIND, 0, 99)
TLVS = [(ID, b"2\0"), (STATE, b"\x02")]
PAYLOAD = [(int(Tag.MESSAGE_PAYLOAD), TEXT % (b"2", b"DELIVRD"))]
ALL = {"acknowledged": MESSAGES, "receipts": MESSAGES}

#: What a peer may do, and what is counted then.
KEPT: dict[str, tuple[Answer, dict[str, Any]]] = {
    "well": (well, {"states": {"DELIVRD": 3}}),
    "receipt first": (lambda pdu: receipt(pdu) + response(pdu), {"receipts_early": 3}),
    "undelivered": (lambda pdu: response(pdu) + receipt(pdu, b"UNDELIV"),
                    {"states": {"UNDELIV": 3}}),
    "on its way": (lambda pdu: response(pdu) + receipt(pdu, b"ENROUTE") + receipt(pdu),
                   {"intermediate": 3}),
    "TLVs alone": (only(1, lambda pdu: response(pdu) + receipt(pdu, tlvs=TLVS, text=b""), well),
                   {"states": {"DELIVRD": 3}}),
    "TLVs and text": (only(1, lambda pdu: response(pdu) + receipt(pdu, tlvs=TLVS), well), {}),
    "payload": (only(1, lambda pdu: response(pdu) + receipt(pdu, tlvs=PAYLOAD, text=b""), well),
                {}),
    "a message": (only(1, lambda pdu: well(pdu) + receipt(pdu, esm_class=0), well),
                  {"inbound": 1}),
    "link broken behind the last": (only(3, lambda pdu: well(pdu) + UNBIND, well), {}),
}  # fmt: skip
BROKEN: dict[str, tuple[Answer, dict[str, Any]]] = {
    "refused": (only(2, lambda pdu: response(pdu, status=Status.ESME_RMSGQFUL), well),
                {"acknowledged": 2, "receipts": 2, "refused": {"0x14": 1}}),
    "nacked": (only(2, lambda pdu: header_only(Command.GENERIC_NACK, 3, pdu.sequence_number), well),
               {"acknowledged": 2, "receipts": 2, "refused": {"0x3": 1}}),
    "closed": (only(2, lambda pdu: None, well),
               {"acknowledged": 1, "receipts": 1, "unknown": 2, "connections_lost": 1}),
    "unbound": (only(2, lambda pdu: UNBIND, well),
                {"acknowledged": 1, "receipts": 1, "unknown": 2, "connections_lost": 1}),
    "no receipt": (only(2, response, well), {**ALL, "receipts": 2, "receipts_missing": 1}),
    "two receipts": (only(2, lambda pdu: well(pdu) + receipt(pdu), well),
                     {**ALL, "receipts_doubled": 1}),
    "two receipts first": (only(2, lambda pdu: receipt(pdu) + receipt(pdu) + response(pdu), well),
                           {**ALL, "receipts_doubled": 1, "receipts_early": 1}),
    "receipt of another": (only(2, lambda pdu: well(pdu) + receipt(pdu, message_id=b"ff"), well),
                           {**ALL, "receipts_unknown": 1}),
    "receipt of none": (only(2, lambda pdu: response(pdu) + receipt(pdu, text=b"?"), well),
                        {**ALL, "receipts": 2, "receipts_missing": 1, "receipts_malformed": 1}),
    "two readings": (only(2, lambda pdu: response(pdu) + receipt(pdu, tlvs=TLVS), well),
                     {**ALL, "receipts": 2, "receipts_missing": 1, "receipts_malformed": 1}),
    "two states": (
        only(2, lambda pdu: response(pdu) + receipt(pdu, tlvs=[(STATE, b"\x05")]), well),
        {**ALL, "receipts": 2, "receipts_missing": 1, "receipts_malformed": 1},
    ),
    "id twice": (only(2, lambda pdu: response(pdu, b"2"), well),
                 {"acknowledged": 2, "receipts": 2, "duplicate_ids": 1}),
    "no id": (only(2, lambda pdu: response(pdu, b""), well),
              {"acknowledged": 2, "receipts": 2, "duplicate_ids": 1}),
    "answered twice": (only(2, lambda pdu: well(pdu) + response(pdu), well), {**ALL, "strays": 1}),
    "no frame": (only(2, lambda pdu: bytes(16), well),
                 {"acknowledged": 1, "receipts": 1, "strays": 1, "unknown": 2}),
}  # fmt: skip
COUNTS = {
    "unknown", "unanswered", "unsent", "duplicate_ids", "strays", "receipts_missing",
    "receipts_doubled", "receipts_unknown", "receipts_malformed", "receipts_early", "intermediate",
    "inbound",
}  # fmt: skip


THREE = ("--messages", str(MESSAGES), "--receipts")


@pytest.mark.parametrize("name", KEPT)
def test_a_peer_that_keeps_its_promises_passes(name: str) -> None:
    answer, counted = KEPT[name]
    peer = Peer(answer)
    code, told = peer.run(*THREE)
    assert (code, told["passed"], told["submitted"]) == (0, True, MESSAGES)
    expected = {**ALL, "faults": 0, **counted}
    assert {key: told[key] for key in expected} == expected
    assert not any(told[key] for key in COUNTS - counted.keys())
    assert 0 < told["response_ms"]["p50"] <= told["response_ms"]["max"]
    assert 0 < told["receipt_ms"]["p50"] <= told["receipt_ms"]["max"]
    # Whatever came was answered.
    assert peer.heard.count(Command.DELIVER_SM_RESP) >= MESSAGES
    assert peer.heard.count(Command.ENQUIRE_LINK_RESP) >= MESSAGES - 1


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise_is_counted_and_does_not_pass(name: str) -> None:
    answer, counted = BROKEN[name]
    code, told = Peer(answer, most=MESSAGES).run(*THREE)
    assert (code, told["passed"], told["submitted"]) == (1, False, MESSAGES)
    assert {key: told[key] for key in counted} == counted
    assert not any(told[key] for key in COUNTS - counted.keys())


@pytest.mark.parametrize(
    ("octets", "coding", "prefix", "receipts"),
    [(80, 0, "999", True), (140, 8, "999", False), (400, 0, "9", True), (5, 4, "999000000", False)],
)
def test_it_sends_what_the_simulator_would(
    octets: int, coding: int, prefix: str, receipts: bool
) -> None:
    peer = Peer(well)
    options = ("--text-octets", str(octets), "--data-coding", str(coding))
    wanted = ("--receipts",) if receipts else ()
    code, _ = peer.run("--messages", "12", "--destinations", prefix, *options, *wanted)
    expected = Template("447700900000", prefix, octets, coding, receipts).batch(2, range(12))
    assert b"".join(peer.submits[0]) == expected
    assert code == (0 if receipts else 1)


def test_silence_is_given_up() -> None:
    code, told = Peer(only(2, lambda pdu: b"", well)).run(*THREE, "--timeout", IN_VAIN)
    assert (code, told["passed"]) == (1, False)
    assert (told["acknowledged"], told["receipts"], told["unanswered"]) == (2, 2, 1)
    assert (told["unknown"], told["connections_lost"]) == (0, 0)


def test_an_answer_may_come_long_after_later_ones() -> None:
    held: list[Pdu] = []

    def last(pdu: Pdu) -> bytes:
        if pdu.sequence_number == 2:
            held.append(pdu)
            return b""
        return response(pdu) + (response(held.pop()) if len(peer.submits[0]) == 100 else b"")

    peer = Peer(last)
    code, told = peer.run("--messages", "100", "--window", "2")
    assert (code, told["acknowledged"], told["strays"]) == (0, 100, 0)


def test_what_is_due_at_once_goes_to_all_connections() -> None:
    ids = count()
    peer = Peer(lambda pdu: response(pdu, b"%d" % next(ids)))
    code, told = peer.run("--connections", "4", "--messages", "100", "--rate", "1e9")
    assert (code, told["acknowledged"]) == (0, 100)
    assert sorted(map(len, peer.submits)) == [25] * 4


def test_a_paced_message_has_waited_since_it_was_due() -> None:
    # All are due at once and go one by one: half of them wait for half of the run.
    options = ("--messages", "200", "--window", "1")
    _, paced = Peer(response).run(*options, "--rate", "1e9")
    assert paced["response_ms"]["max"] > paced["seconds"] * 1000 / 2
    _, free = Peer(response).run(*options)
    assert free["response_ms"]["p50"] < free["seconds"] * 1000 / 20


def test_a_rate_ends_with_its_time() -> None:
    code, told = Peer(response).run("--rate", "1000", "--duration", "0.1")
    assert code == 0
    assert 1 <= told["acknowledged"] == told["submitted"] <= 100


@pytest.mark.parametrize(
    "options",
    [("--nonsense",), ("--window",), ("--messages", "many"), ("--destinations", "0123456789"),
     ("--text-octets", "3", "--data-coding", "8"), ("--connections", "0"), ()],
    ids=" ".join,
)  # fmt: skip
def test_what_cannot_begin_says_why(options: tuple[str, ...]) -> None:
    # Nobody listens at port 1.
    command = [str(generator.built()), "--port", "1", *options]
    ended = subprocess.run(command, capture_output=True, timeout=PATIENCE)
    assert ended.returncode == 2
    assert ended.stderr.startswith(b"generator: ")
    assert not ended.stdout


def test_a_bind_that_is_refused_ends_it() -> None:
    assert Peer(well, bound=Status.ESME_RINVPASWD).run() == (2, None)


# -- against what it is for ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def peer(tmp_path_factory: Any) -> Iterator[Process]:
    directory: Path = tmp_path_factory.mktemp("limit")
    with Process("limit", directory, str(limit.built()), "--receipts") as process:
        yield process


@pytest.mark.parametrize(
    "load",
    [Load(), Load(connections=1, window=1), Load(connections=200, window=3, receipts=False),
     Load(rate=50_000), Load(text_octets=20_000)],
    ids=["10 x 100", "1 x 1", "200 x 3", "paced", "long"],
)  # fmt: skip
def test_the_limit_passes(peer: Process, tmp_path: Path, load: Load) -> None:
    told = generate(peer, tmp_path, load, "--messages", "5000")
    assert told["passed"]
    assert told["acknowledged"] == 5_000
    assert told["receipts"] == (5_000 if load.receipts else 0)


def test_our_server_passes(tmp_path: Path) -> None:
    with running(tmp_path, "limit") as world:
        told = generate(world.server, world.directory, Load(), "--messages", "2000")
        assert (told["passed"], told["acknowledged"], told["receipts"]) == (True, 2_000, 2_000)
