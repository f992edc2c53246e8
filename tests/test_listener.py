"""The edge against clients that do what they should, and against hostile ones."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import uvloop
from helpers import (
    ADDRESS,
    FIRST_ID,
    PASSWORD,
    SYSTEM_ID,
    TODAY,
    VECTORS,
    Edge,
    Wire,
    account,
    bind,
    brief,
    deliver,
    submit,
)

from smsc._pdu import Decoder, Pdu, encode, header_only
from smsc.binds import Binds, Lobby
from smsc.client import MAX_REFUSALS, STRANGERS_PDU
from smsc.config import LimitsConfig, TimersConfig
from smsc.connection import MAX_PAUSE
from smsc.endings import text_id
from smsc.links import Links
from smsc.listener import Listener
from smsc.ports import Standing
from smsc.session import State
from smsc.smpp import Command, Status, Tag
from smsc.text import Charset

BIND, BIND_RESP = Command.BIND_TRANSCEIVER, Command.BIND_TRANSCEIVER_RESP
SUBMIT_RESP, NACK = Command.SUBMIT_SM_RESP, Command.GENERIC_NACK
DELIVER_RESP, UNBIND_RESP = Command.DELIVER_SM_RESP, Command.UNBIND_RESP
ENQUIRE, ENQUIRE_RESP = header_only(Command.ENQUIRE_LINK, 0, 7), Command.ENQUIRE_LINK_RESP
UNBIND = header_only(Command.UNBIND, 0, 9)


@contextlib.contextmanager
def edge_with(limits: LimitsConfig | None = None, **changes: Any) -> Iterator[Edge]:
    made = Edge(limits, **changes)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def edge() -> Iterator[Edge]:
    with edge_with() as made:
        yield made


def opened(edge: Edge, how: str) -> Wire:
    if how == "open":
        return edge.connect()
    kind, _, version = how.partition(" ")
    return edge.bound(kind, int(version or "34", 16))


def talk(edge: Edge, wire: Wire, *segments: bytes) -> list[Pdu]:
    """All answers to these segments, with the log made durable after each."""
    return asyncio.run(patient_talk(edge, wire, list(segments)))


def head(command_id: int, sequence: int = 6, status: int = 0) -> bytes:
    return header_only(command_id, status, sequence)


# -- bad and hostile input ------------------------------------------------------------------------

PAYLOAD = [(Tag.MESSAGE_PAYLOAD, b"hello")]
DATA_SM = encode(
    Command.DATA_SM, 6, 0, PAYLOAD, source_addr=b"447700900001", destination_addr=b"447700900123"
)

#: (row, how it begins, segments, answers as (command_id, status, sequence), how it ends)
PART_7: list[tuple[str, str, list[bytes], list[tuple[int, int, int]], str]] = [
    # Framing
    ("3 zero length", "trx", [bytes(16)], [(NACK, 2, 0)], "ending"),
    ("4 short length", "trx", [b"\0\0\0\x0f" + bytes(12)], [(NACK, 2, 0)], "ending"),
    ("5 too long", "trx", [b"\0\x02\0\x01\0\0\0\x04\0\0\0\0\0\0\0\5"], [(NACK, 2, 5)], "ending"),
    ("6 negative", "trx", [b"\x80\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\5"], [(NACK, 2, 5)], "ending"),
    ("7 TLS", "open", [b"\x16\3\1\2\0\1\0\1\xfc\3\3" + bytes(30)], [(NACK, 2, 0)], "ending"),
    ("7 HTTP", "open", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], [(NACK, 2, 0)], "ending"),
    ("9 single octets", "trx", [bytes([o]) for o in ENQUIRE], [(ENQUIRE_RESP, 0, 7)], "open"),
    (
        "11 several and a part",
        "trx",
        [ENQUIRE + head(Command.ENQUIRE_LINK, 8) + submit(9)[:30], submit(9)[30:]],
        [(ENQUIRE_RESP, 0, 7), (ENQUIRE_RESP, 0, 8), (SUBMIT_RESP, 0, 9)],
        "open",
    ),
    ("12 a flood", "trx", [ENQUIRE * 10_000], [(ENQUIRE_RESP, 0, 7)] * 10_000, "open"),
    (
        "13 padding",
        "trx",
        [ENQUIRE + bytes(4) + ENQUIRE],
        [(ENQUIRE_RESP, 0, 7), (NACK, 2, 0)],
        "ending",
    ),
    # Commands and states
    ("14 unknown", "trx", [head(0x0A)], [(NACK, 3, 6)], "open"),
    ("15 of 3.3 only", "trx", [head(0x22) + head(0x23) + head(0x24)], [(NACK, 3, 6)] * 3, "open"),
    ("16 vendor", "trx", [head(0x00010203)], [(NACK, 3, 6)], "open"),
    ("17 unknown response", "trx", [head(0x80003302)], [(NACK, 3, 6)], "open"),
    ("17 nack of a nack", "trx", [head(NACK, 6, 3)], [], "open"),
    ("18 unknown, unbound", "open", [head(0x0A)], [(NACK, 3, 6)], "open"),
    ("19 submit first", "open", [submit(6)], [(SUBMIT_RESP, 4, 6)], "open"),
    (
        "19 query first",
        "open",
        [encode(Command.QUERY_SM, 6)],
        [(Command.QUERY_SM_RESP, 4, 6)],
        "open",
    ),
    ("20 malformed first", "open", [head(Command.SUBMIT_SM)], [(SUBMIT_RESP, 4, 6)], "open"),
    ("21 unbind first", "open", [UNBIND], [(UNBIND_RESP, 4, 9)], "open"),
    ("22 enquire_link first", "open", [ENQUIRE], [(ENQUIRE_RESP, 0, 7)], "open"),
    ("25 bound already", "trx", [bind("trx", 8)], [(BIND_RESP, 5, 8)], "open"),
    (
        "25 bound otherwise",
        "rx",
        [bind("tx", 8, password=b"wrong")],
        [(Command.BIND_TRANSMITTER_RESP, 5, 8)],
        "open",
    ),
    (
        "26 two binds",
        "open",
        [bind() + bind(sequence=2)],
        [(BIND_RESP, 0, 1), (BIND_RESP, 5, 2)],
        "open",
    ),
    (
        "27 bind and submit",
        "open",
        [bind() + submit(2)],
        [(BIND_RESP, 0, 1), (SUBMIT_RESP, 0, 2)],
        "open",
    ),
    (
        "27 bind and a long submit",
        "open",
        [bind() + submit(2, b"x" * 254) * 3],
        [(BIND_RESP, 0, 1), *[(SUBMIT_RESP, 0, 2)] * 3],
        "open",
    ),
    ("29 submit on RX", "rx", [submit(6)], [(SUBMIT_RESP, 4, 6)], "open"),
    ("30 deliver_sm", "trx", [deliver(6)], [(DELIVER_RESP, 4, 6)], "open"),
    ("30 alert", "trx", [head(Command.ALERT_NOTIFICATION)], [(NACK, 4, 6)], "open"),
    ("30 outbind", "trx", [head(Command.OUTBIND)], [(NACK, 4, 6)], "open"),
    ("31 after unbind", "trx", [UNBIND + submit(10) + ENQUIRE], [(UNBIND_RESP, 0, 9)], "ending"),
    (
        "32 unbind behind submits",
        "trx",
        [submit(6) + UNBIND],
        [(SUBMIT_RESP, 0, 6), (UNBIND_RESP, 0, 9)],
        "ending",
    ),
    (
        "34 status in a request",
        "open",
        [bind()[:8] + b"\0\0\0\x58" + bind()[12:]],
        [(BIND_RESP, 0, 1)],
        "open",
    ),
    # Responses
    ("36 unknown sequence", "trx", [head(DELIVER_RESP, 99)], [], "open"),
    ("41 nack of nothing", "trx", [head(NACK, 0, 3)], [], "open"),
    ("42 responses of ours", "trx", [head(SUBMIT_RESP) + head(BIND_RESP)], [], "open"),
    # Sequence numbers
    *[
        (f"44 sequence {number:#x}", "trx", [submit(number)], [(SUBMIT_RESP, 0, number)], "open")
        for number in (0, 0x80000000, 0xFFFFFFFF)
    ],
    ("45 twice the same", "trx", [submit(6) + submit(6)], [(SUBMIT_RESP, 0, 6)] * 2, "open"),
    (
        "46 falling",
        "trx",
        [submit(6) + submit(5)],
        [(SUBMIT_RESP, 0, 6), (SUBMIT_RESP, 0, 5)],
        "open",
    ),
    # Bodies, as far as they concern the session
    (
        "47 no terminator",
        "open",
        [b"\0\0\0\x14\0\0\0\x09\0\0\0\0\0\0\0\1abcd"],
        [(BIND_RESP, 2, 1)],
        "open",
    ),
    ("49 empty submit", "trx", [head(Command.SUBMIT_SM)], [(SUBMIT_RESP, 2, 6)], "open"),
    (
        "53 octets",
        "open",
        [bind(system_id=b"\xff\xfe", password=b"\x80")],
        [(BIND_RESP, 0x0D, 1)],
        "open",
    ),
    (
        "62 data_sm, no text",
        "trx",
        [encode(Command.DATA_SM, 6, destination_addr=b"1")],
        [(Command.DATA_SM_RESP, 0xC3, 6)],
        "open",
    ),
    ("data_sm", "trx", [DATA_SM], [(Command.DATA_SM_RESP, 0, 6)], "open"),
    ("data_sm on RX of 3.4", "rx 34", [DATA_SM], [(Command.DATA_SM_RESP, 0, 6)], "open"),
    ("data_sm on RX of 5.0", "rx 50", [DATA_SM], [(Command.DATA_SM_RESP, 4, 6)], "open"),
    # Connection behaviour
    (
        "80 unbind and more binds",
        "trx",
        [UNBIND + bind(sequence=2)],
        [(UNBIND_RESP, 0, 9)],
        "ending",
    ),
]


@pytest.mark.parametrize(
    ("how", "segments", "answers", "end"),
    [row[1:] for row in PART_7],
    ids=[row[0] for row in PART_7],
)
def test_part_7(
    edge: Edge, how: str, segments: list[bytes], answers: list[tuple[int, int, int]], end: str
) -> None:
    wire = opened(edge, how)
    assert brief(talk(edge, wire, *segments)) == answers
    assert wire.state == end


async def patient_talk(edge: Edge, wire: Wire, segments: list[bytes]) -> list[Pdu]:
    """As ``talk``, with time for the threads that verify passwords."""
    received: list[Pdu] = []
    for segment in segments:
        received += wire.send(segment)
        await finished(edge.listener)
        edge.stage.durable()
        received += wire.received()
    return received


async def finished(listener: Listener) -> None:
    """Return when no password is being verified."""
    while listener._tasks:
        await asyncio.wait(listener._tasks)


BEGINNINGS = {"N07": "open", "N09": "open", "N10": "open", "N28": "rx", "N33": "trx 50"}


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=lambda vector: vector["id"])
def test_bad_vectors(vector: dict[str, str]) -> None:
    sent = bytes.fromhex(vector["hex"])
    with edge_with(broadcast=True) as edge:
        wire = opened(edge, BEGINNINGS.get(vector["id"], "trx"))
        wire.octets()
        answer = wire.exchange(sent)
    assert answer.hex() == (vector["answer"] or "")
    assert wire.state == ("ending" if "close" in vector["then"] else "open")
    edge.stage.durable()
    assert not edge.keeper.submitted


@pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda vector: vector["id"])
def test_no_good_vector_cut_anywhere_raises(
    edge: Edge, vector: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    octets = bytes.fromhex(vector["hex"])
    for kind in ("open", "trx"):
        wire = opened(edge, kind)
        half = len(octets) // 2
        talk(edge, wire, octets[:half], octets[half:] + octets[:-1])
        wire.close(abruptly=True)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not edge.keeper.attached


# -- binding ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "state", "receives"),
    [("tx", State.BOUND_TX, False), ("rx", State.BOUND_RX, True), ("trx", State.BOUND_TRX, True)],
)
def test_a_bind_is_attached_with_what_it_may(
    edge: Edge, kind: str, state: State, receives: bool
) -> None:
    wire = edge.bound(kind)
    (attached,) = edge.keeper.attached
    assert attached is wire.connection
    assert (attached.account, attached.receives, attached.version) == (SYSTEM_ID, receives, 0x34)
    assert attached.credit() == (10 if receives else 0)
    assert wire.connection.session.state is state
    assert edge.lobby.waiting == 0


@pytest.mark.parametrize(
    ("offered", "told"),
    [(0x00, None), (0x01, None), (0x33, None), (0x34, b"\x34"), (0x35, b"\x34")]
    + [(0x50, b"\x50"), (0x51, b"\x50"), (0xFF, b"\x50")],
)
def test_the_bind_response_names_us_and_the_version(
    edge: Edge, offered: int, told: bytes | None
) -> None:
    (answer,) = edge.connect().send(bind(version=offered))
    assert answer.fields["system_id"] == b"smsc"
    assert answer.tlv(Tag.SC_INTERFACE_VERSION) == told


def test_the_answer_to_the_bind_is_out_before_the_keeper_hears_of_it(edge: Edge) -> None:
    wire = edge.connect()
    out: list[int] = []
    edge.keeper.attach = lambda _: out.append(len(wire.transport.writes))  # type: ignore[method-assign]
    wire.send(bind())
    assert out == [1]


@pytest.mark.parametrize(
    ("changes", "request_"),
    [
        ({}, bind(password=b"wrong")),
        ({}, bind(system_id=b"stranger")),
        ({"bind_types": ("rx",)}, bind("trx")),
        ({"allowed_addresses": (ipaddress.ip_network("198.51.100.0/24"),)}, bind()),
    ],
    ids=["password", "system_id", "type", "address"],
)
def test_every_refusal_of_a_bind_looks_the_same(
    changes: dict[str, Any], request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with edge_with(**changes) as edge, caplog.at_level(logging.INFO):
        wire = edge.connect()
        (answer,) = talk(edge, wire, request_)
        assert (answer.command_status, answer.raw[:4]) == (Status.ESME_RBINDFAIL, b"\0\0\0\x10")
        assert wire.state == "open"
        assert not edge.keeper.attached
    assert "pa55word" not in caplog.text and "wrong" not in caplog.text


def test_three_refused_binds_are_enough(edge: Edge) -> None:
    wire = edge.connect()
    binds = [bind(sequence=number, password=b"wrong") for number in range(1, 5)]
    received = talk(edge, wire, *binds)
    assert brief(received) == [
        (BIND_RESP, Status.ESME_RBINDFAIL, n) for n in range(1, MAX_REFUSALS + 1)
    ]
    assert wire.state == "ending"


def test_input_waits_for_the_verdict_on_the_password(edge: Edge) -> None:
    async def main() -> None:
        wire = edge.connect()
        assert wire.send(bind(password=b"wrong"), submit(2)) == []
        assert not wire.transport.reading
        assert wire.send(bind(sequence=3)) == []
        await finished(edge.listener)
        edge.stage.durable()
        assert brief(wire.received()) == [
            (BIND_RESP, Status.ESME_RBINDFAIL, 1),
            (SUBMIT_RESP, Status.ESME_RINVBNDSTS, 2),
            (BIND_RESP, 0, 3),
        ]

    asyncio.run(main())


@pytest.mark.parametrize("password", [PASSWORD, b"wrong"])
def test_a_client_that_hangs_up_while_its_password_is_verified(password: bytes) -> None:
    async def main(edge: Edge) -> None:
        wire = edge.connect()
        wire.send(bind(password=password))
        wire.close(abruptly=True)
        await finished(edge.listener)

    with edge_with(known=False) as edge:
        asyncio.run(main(edge))
        assert edge.lobby.waiting == 0 and not edge.listener.clients
        assert not len(edge.binds) and not edge.keeper.attached


def test_a_client_that_was_reset_before_it_was_accepted(edge: Edge) -> None:
    wire = edge.connect("")
    assert wire.state == "closed"
    assert edge.lobby.waiting == 0 and not edge.listener.clients and not len(edge.links)


def test_a_first_bind_is_verified_in_a_thread() -> None:
    with edge_with(known=False) as edge:
        wire = edge.connect()
        assert brief(talk(edge, wire, bind() + submit(2))) == [
            (BIND_RESP, 0, 1),
            (SUBMIT_RESP, 0, 2),
        ]
        assert wire.transport.reading


def test_binds_of_an_account_are_limited_and_dead_ones_are_found() -> None:
    with edge_with(binds=2) as edge:
        first, second = edge.bound("tx"), edge.bound("rx")
        third = edge.connect()
        assert brief(third.send(bind())) == [(BIND_RESP, Status.ESME_RBINDFAIL, 1)]
        edge.pass_time(1_000)
        for wire in (first, second):
            (probe,) = wire.received()
            assert probe.command_id == Command.ENQUIRE_LINK
        second.send(header_only(ENQUIRE_RESP, 0, 1))
        edge.pass_time(12_000)
        first.pump()
        assert (first.state, second.state) == ("closed", "open")
        assert len(edge.binds) == 1
        edge.bound()


def test_an_unbind_frees_its_slot_at_once() -> None:
    with edge_with(binds=1) as edge:
        wire = edge.bound()
        wire.send(UNBIND)
        assert wire.state == "ending"
        edge.bound()
        assert list(edge.binds) == edge.keeper.attached


# -- strangers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("segment", [b"", ENQUIRE, b"\0\0\0\x20"])
def test_who_does_not_bind_is_closed_in_time(edge: Edge, segment: bytes) -> None:
    wire = edge.connect()
    for _ in range(11):
        wire.send(segment)
        edge.pass_time(1_000)
    assert wire.connection.ending == "no bind in time"
    assert wire.state == "ending"
    edge.pass_time(4_000)
    wire.pump()
    assert wire.state == "closed"
    assert edge.lobby.waiting == 0


@pytest.mark.parametrize("whole", [True, False])
def test_a_stranger_may_not_send_long_pdus(edge: Edge, whole: bool) -> None:
    long = encode(Command.DATA_SM, 5, 0, [(Tag.MESSAGE_PAYLOAD, bytes(STRANGERS_PDU))])
    wire = edge.connect()
    received = wire.send(long if whole else long[:-1])
    assert brief(received) == ([(NACK, Status.ESME_RINVCMDLEN, 5)] if whole else [])
    assert wire.state == "ending"


def test_strangers_are_few_in_all_and_per_address() -> None:
    limits = LimitsConfig(max_unbound=3, max_unbound_per_address=2)
    with edge_with(limits) as edge:
        wires = [edge.connect(), edge.connect(), edge.connect()]
        assert [wire.state for wire in wires] == ["open", "open", "closed"]
        assert edge.connect("192.0.2.8").state == "open"
        assert edge.connect("192.0.2.9").state == "closed"
        assert edge.lobby.refused == 2
        wires[0].send(bind())
        assert edge.connect().state == "open"
        wires[0].close(abruptly=True)
        assert edge.lobby.waiting == 3


# -- submits ---------------------------------------------------------------------------------------


def test_a_submit_is_answered_with_its_id_when_durable(edge: Edge) -> None:
    wire = edge.bound()
    assert wire.send(submit(2), submit(3)) == []
    edge.stage.durable()
    answers = wire.received()
    assert brief(answers) == [(SUBMIT_RESP, 0, 2), (SUBMIT_RESP, 0, 3)]
    assert [answer.fields["message_id"] for answer in answers] == [
        b"%x" % FIRST_ID,
        b"%x" % (FIRST_ID + 1),
    ]
    assert edge.keeper.called("submit") == [(2,)]


@pytest.mark.parametrize(("version", "digits"), [(0x33, 8), (0x34, 16), (0x50, 16)])
def test_ids_are_as_long_as_the_version_allows(edge: Edge, version: int, digits: int) -> None:
    message_id = 0x1234567890ABCDEF
    edge.keeper.submit = lambda _, batch: [message_id] * len(batch)  # type: ignore[method-assign]
    for answer in talk(edge, edge.bound(version=version), submit(2) + DATA_SM):
        assert answer.fields["message_id"] == b"1234567890abcdef"[-digits:]
        assert answer.fields["message_id"] == text_id(message_id, version < 0x34)


def test_refusals_leave_at_once_and_bad_ones_never_reach_the_keeper(edge: Edge) -> None:
    wire = edge.bound()
    received = wire.send(submit(2), submit(3, destination_addr=b""), submit(4, priority_flag=9))
    assert brief(received) == [
        (SUBMIT_RESP, Status.ESME_RINVDSTADR, 3),
        (SUBMIT_RESP, Status.ESME_RINVPRTFLG, 4),
    ]
    assert edge.keeper.called("submit") == [(1,)]
    counters = edge.listener.counters
    assert counters.refused == {Status.ESME_RINVDSTADR: 1, Status.ESME_RINVPRTFLG: 1}
    wire.send(head(Command.SUBMIT_SM))
    assert counters.bad == 1


def test_what_the_keeper_refuses(edge: Edge) -> None:
    edge.keeper.refusal = Status.ESME_RMSGQFUL
    wire = edge.bound()
    received = wire.send(submit(2), DATA_SM)
    assert brief(received) == [
        (SUBMIT_RESP, Status.ESME_RMSGQFUL, 2),
        (Command.DATA_SM_RESP, Status.ESME_RMSGQFUL, 6),
    ]


def test_statuses_are_said_as_the_version_knows_them(edge: Edge) -> None:
    edge.keeper.refusal = Status.ESME_RPROHIBITED
    said = [edge.bound(version=v).send(submit(2))[0].command_status for v in (0x33, 0x34, 0x50)]
    assert said == [Status.ESME_RSUBMITFAIL, Status.ESME_RSUBMITFAIL, Status.ESME_RPROHIBITED]


def test_data_sm_is_a_submit_with_its_text_in_message_payload(edge: Edge) -> None:
    wire = edge.bound()
    wire.send(DATA_SM)
    edge.stage.durable()
    (answer,) = wire.received()
    assert answer.fields["message_id"] == b"%x" % FIRST_ID
    (message,) = edge.keeper.submitted
    assert (message.command_id, message.text) == (Command.SUBMIT_SM, b"hello")


# -- what becomes of submits ----------------------------------------------------------------------

QUERY = encode(Command.QUERY_SM, 6, message_id=b"001A2b3c")
CANCEL = encode(Command.CANCEL_SM, 6, message_id=b"1a2b3c")
REPLACE = encode(Command.REPLACE_SM, 6, message_id=b"1a2b3c", short_message=b"other")


@pytest.mark.parametrize(
    ("version", "state", "told"),
    [
        (0x50, 0, 0), (0x50, 9, 9), (0x34, 0, 1), (0x34, 9, 8), (0x33, 0, 1),
        *[(0x34, state, state) for state in range(1, 9)],
    ],
)  # fmt: skip
@pytest.mark.parametrize(("done", "date"), [(0, b""), (TODAY + 1_500, b"260101000001500+")])
def test_a_query_is_answered_in_words_the_version_has(
    edge: Edge, version: int, state: int, told: int, done: int, date: bytes
) -> None:
    wire = edge.bound(version=version)
    edge.keeper.standing = Standing(state, done, 34)
    assert not wire.send(QUERY), "it may rest on what is not durable yet"
    edge.stage.durable()
    (answer,) = wire.received()
    assert brief([answer]) == [(Command.QUERY_SM_RESP, 0, 6)]
    assert answer.fields == {
        "message_id": b"1a2b3c", "final_date": date, "message_state": told, "error_code": 34,
    }  # fmt: skip


@pytest.mark.parametrize("request_", [QUERY, CANCEL, REPLACE])
def test_what_the_keeper_refuses_is_refused_at_once(edge: Edge, request_: bytes) -> None:
    wire = edge.bound()
    edge.keeper.refusal = Status.ESME_RINVMSGID
    (answer,) = wire.send(request_)
    command_id = int.from_bytes(request_[4:8], "big") | 0x80000000
    assert answer.raw == header_only(command_id, Status.ESME_RINVMSGID, 6)


@pytest.mark.parametrize("request_", [CANCEL, REPLACE])
def test_what_is_done_is_said_when_it_is_durable(edge: Edge, request_: bytes) -> None:
    wire = edge.bound()
    assert not wire.send(request_)
    edge.stage.durable()
    (answer,) = wire.received()
    command_id = int.from_bytes(request_[4:8], "big") | 0x80000000
    assert answer.raw == header_only(command_id, 0, 6)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"schedule_delivery_time": b"301301000000000+"}, Status.ESME_RINVSCHED),
        ({"sm_default_msg_id": 9}, Status.ESME_RINVDFTMSGID),
        ({"short_message": b"x" * 255}, Status.ESME_RINVMSGLEN),
    ],
)
def test_a_bad_replacement_never_reaches_the_keeper(
    edge: Edge, fields: dict[str, Any], status: Status
) -> None:
    wire = edge.bound()
    octets = encode(Command.REPLACE_SM, 6, **{"message_id": b"1", "short_message": b"x"} | fields)
    assert brief(wire.send(octets)) == [(Command.REPLACE_SM_RESP, status, 6)]
    assert not edge.keeper.called("replace")


def submit_multi(*destinations: tuple[Any, ...], **fields: Any) -> bytes:
    values = {"source_addr": b"447700900001", "short_message": b"hello"} | fields
    return encode(Command.SUBMIT_MULTI, 6, dest_address=list(destinations), **values)


ONE, TWO, BAD = (1, 1, 1, b"447700900123"), (1, 1, 1, b"447700900124"), (1, 7, 1, b"4477009001")


def test_a_submit_multi_is_answered_once_with_what_failed(edge: Edge) -> None:
    wire = edge.bound()
    assert not wire.send(submit_multi(ONE, BAD, TWO))
    assert [message.destination_addr for message in edge.keeper.submitted] == [ONE[3], TWO[3]]
    edge.stage.durable()
    (answer,) = wire.received()
    assert brief([answer]) == [(Command.SUBMIT_MULTI_RESP, 0, 6)]
    assert answer.fields == {
        "message_id": b"%x" % FIRST_ID,
        "no_unsuccess": 1,
        "unsuccess_sme": [(*BAD[1:], Status.ESME_RINVDSTTON)],
    }
    (answer,) = talk(edge, wire, submit_multi(ONE))
    assert (answer.fields["no_unsuccess"], answer.fields["unsuccess_sme"]) == (0, [])


@pytest.mark.parametrize(
    ("destinations", "refusal", "status"),
    [
        ([BAD, BAD], 0, Status.ESME_RINVDSTTON),
        ([ONE, TWO], Status.ESME_RMSGQFUL, Status.ESME_RMSGQFUL),
        ([ONE, BAD], Status.ESME_RMSGQFUL, Status.ESME_RSUBMITFAIL),
        ([(2, b"staff")], 0, Status.ESME_RCNTSUBDL),
    ],
)
def test_a_submit_multi_that_fails_whole_is_a_header(
    edge: Edge, destinations: list[Any], refusal: int, status: Status
) -> None:
    wire = edge.bound()
    edge.keeper.refusal = refusal
    (answer,) = wire.send(submit_multi(*destinations))
    assert answer.raw == header_only(Command.SUBMIT_MULTI_RESP, status, 6)


def test_an_old_client_knows_several_by_a_short_id(edge: Edge) -> None:
    edge.keeper._next = 7 << 34 | 0xABC
    (answer,) = talk(edge, edge.bound(version=0x33), submit_multi(ONE, TWO))
    assert answer.fields["message_id"] == b"abc"


def test_a_submit_multi_costs_what_its_destinations_do() -> None:
    with edge_with(rate=1.0, burst=3.0) as edge:
        wire = edge.bound()
        (answer,) = talk(edge, wire, submit_multi(*[ONE] * 5, BAD))
        assert answer.command_status == 0
        throttled = [(SUBMIT_RESP, Status.ESME_RTHROTTLED, 2)]
        edge.clock.now += 3_000
        assert brief(wire.send(submit(2))) == throttled, "three of six are still owed"
        edge.clock.now += 1_000
        assert brief(talk(edge, wire, submit(2))) == [(SUBMIT_RESP, 0, 2)]


@pytest.mark.parametrize("octets", [QUERY, CANCEL, REPLACE])
def test_asking_costs_a_token(octets: bytes) -> None:
    with edge_with(rate=1.0, burst=2.0) as edge:
        edge.keeper.standing = Standing(1, 0, 0)
        answers = talk(edge, edge.bound(), octets * 3)
        assert sorted(pdu.command_status for pdu in answers) == [0, 0, Status.ESME_RTHROTTLED]


def test_whether_a_client_took_its_leave_is_told(edge: Edge) -> None:
    leaving, lost = edge.bound(), edge.bound()
    told = [bind.unbound for bind in edge.keeper.attached]
    binds = list(edge.keeper.attached)
    leaving.send(UNBIND)
    lost.close(abruptly=True)
    assert (told, [bind.unbound for bind in binds]) == ([False, False], [True, False])


def test_the_rate_is_the_accounts_over_all_its_binds() -> None:
    with edge_with(rate=10.0, burst=3.0) as edge:
        one, other = edge.bound(), edge.bound()
        assert talk(edge, one, submit(2) + submit(3))[1].command_status == 0
        received = brief(talk(edge, other, submit(4) + submit(5)))
        assert sorted(received) == [
            (SUBMIT_RESP, 0, 4),
            (SUBMIT_RESP, Status.ESME_RTHROTTLED, 5),
        ]
        edge.clock.now += 100
        assert brief(talk(edge, other, submit(6))) == [(SUBMIT_RESP, 0, 6)]
        assert edge.listener.counters.throttled == 1
        # Throttled before its body is looked at.
        assert brief(talk(edge, one, head(Command.SUBMIT_SM))) == [
            (SUBMIT_RESP, Status.ESME_RTHROTTLED, 6)
        ]


def test_a_read_larger_than_the_burst_gets_the_burst() -> None:
    with edge_with(rate=1.0, burst=3.0) as edge:
        received = talk(edge, edge.bound(), b"".join(map(submit, range(2, 7))))
        statuses = {pdu.sequence_number: pdu.command_status for pdu in received}
        throttled = Status.ESME_RTHROTTLED
        assert statuses == {2: 0, 3: 0, 4: 0, 5: throttled, 6: throttled}


def test_binding_again_does_not_fill_the_bucket() -> None:
    with edge_with(rate=1.0, burst=1.0) as edge:
        wire = edge.bound()
        talk(edge, wire, submit(2), UNBIND)
        (answer,) = talk(edge, edge.bound(), submit(2))
        assert answer.command_status == Status.ESME_RTHROTTLED


def test_more_than_the_window_is_not_read() -> None:
    with edge_with(window=2) as edge:
        wire = edge.bound()
        wire.send(*map(submit, (2, 3, 4)))
        assert not wire.transport.reading
        edge.stage.durable()
        assert wire.transport.reading


def test_after_a_long_pause_submits_are_throttled() -> None:
    with edge_with(window=1) as edge:
        wire = edge.bound()
        wire.send(submit(2), submit(3))
        edge.pass_time(MAX_PAUSE + 1_000)
        assert brief(wire.send(submit(4))) == [(SUBMIT_RESP, Status.ESME_RTHROTTLED, 4)]
        edge.stage.durable()
        assert brief(wire.received()) == [(SUBMIT_RESP, 0, 2), (SUBMIT_RESP, 0, 3)]


def test_a_fault_behind_the_edge_ends_that_connection_alone(
    edge: Edge, caplog: pytest.LogCaptureFixture
) -> None:
    wire, other = edge.bound(), edge.bound()
    edge.keeper.fault = RuntimeError("447700900123")
    wire.send(submit(2))
    assert wire.state == "closed" and other.state == "open"
    assert "447700900" not in caplog.text
    assert edge.keeper.attached == [other.connection]


# -- deliveries ------------------------------------------------------------------------------------


def delivered(edge: Edge) -> list[tuple[int, int]]:
    return [item for (batch,) in edge.keeper.called("delivered") for item in batch]


def test_a_delivery_leaves_when_durable_and_its_outcome_comes_back(edge: Edge) -> None:
    wire = edge.bound()
    (client,) = edge.keeper.attached
    client.deliver([71], [deliver()])
    client.deliver([72], [deliver(text=b"other")])
    assert client.credit() == 8
    assert wire.received() == []
    edge.stage.durable()
    first, second = wire.received()
    assert brief([first, second]) == [(Command.DELIVER_SM, 0, 1), (Command.DELIVER_SM, 0, 2)]
    wire.send(head(DELIVER_RESP, 2, Status.ESME_RX_P_APPN) + head(DELIVER_RESP, 1))
    assert delivered(edge) == [(72, Status.ESME_RX_P_APPN), (71, 0)]
    assert client.credit() == 10


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (head(DELIVER_RESP, 1), 0),
        (encode(Command.DELIVER_SM_RESP, 1, message_id=b"abc"), 0),
        (encode(Command.DELIVER_SM_RESP, 1)[:-1] + b"garbage", 0),
        (head(DELIVER_RESP, 1, 0x22), 0x22),
        (head(DELIVER_RESP, 1, 0x4FF), 0x4FF),
        (head(DELIVER_RESP, 1, 0xFFFFFFFF), 0xFFFFFFFF),
        (head(NACK, 1, 3), 3),
        (head(SUBMIT_RESP, 1), None),
        (head(ENQUIRE_RESP, 1), None),
        (head(NACK, 0, 3), None),
    ],
)
def test_responses_to_a_delivery(edge: Edge, response: bytes, outcome: int | None) -> None:
    wire = edge.bound()
    edge.keeper.attached[0].deliver([71], [deliver()])
    edge.stage.durable()
    wire.received()
    sent = len(response).to_bytes(4, "big") + response[4:]
    assert wire.send(sent, sent) == []
    assert delivered(edge) == ([] if outcome is None else [(71, outcome)])


def test_a_missing_response_is_a_temporary_failure_and_the_session_stays(edge: Edge) -> None:
    wire = edge.bound()
    edge.keeper.attached[0].deliver([71], [deliver()])
    edge.stage.durable()
    edge.pass_time(12_000)
    assert delivered(edge) == [(71, Status.ESME_RX_T_APPN)]
    wire.send(head(DELIVER_RESP, 1))
    assert len(delivered(edge)) == 1
    assert wire.state == "open"


@pytest.mark.parametrize("how", ["unbind", "reset", "half-close"])
def test_a_bind_that_goes_is_detached_at_once(edge: Edge, how: str) -> None:
    wire = edge.bound()
    edge.keeper.attached[0].deliver([71], [deliver()])
    edge.stage.durable()
    if how == "unbind":
        wire.send(UNBIND)
    else:
        wire.close(abruptly=how == "reset")
    assert edge.keeper.attached == []
    assert len(edge.binds) == 0
    # It waits in the mailbox again; an answer that comes now is to nothing.
    wire.send(head(DELIVER_RESP, 1))
    assert delivered(edge) == []


def test_who_does_not_read_gets_no_more_deliveries(edge: Edge) -> None:
    wire = edge.bound()
    (client,) = edge.keeper.attached
    wire.connection.pause_writing()
    assert client.credit() == 0
    wire.connection.resume_writing()
    assert client.credit() == 10
    assert edge.keeper.called("deliverable") == [()]


def test_a_client_of_33_is_sent_no_tlv(edge: Edge) -> None:
    wire = edge.bound(version=0x33)
    tlvs = [(Tag.RECEIPTED_MESSAGE_ID, b"1a\0")]
    receipt = encode(Command.DELIVER_SM, 0, 0, tlvs, short_message=b"id:1a")
    edge.keeper.attached[0].deliver([71], [receipt])
    edge.stage.durable()
    (received,) = wire.received()
    assert received.tlvs == () and received.fields["short_message"] == b"id:1a"


class Bind:
    """A bind that counts how often it was asked for a sign of life."""

    def __init__(self) -> None:
        self.probed = 0

    def probe(self) -> None:
        self.probed += 1


# -- who is let in ---------------------------------------------------------------------------------


def test_the_lobby_counts_who_is_in() -> None:
    lobby = Lobby(limit=3, limit_per_address=2)
    assert [lobby.enter("a"), lobby.enter("a"), lobby.enter("a")] == [True, True, False]
    assert [lobby.enter("b"), lobby.enter("c")] == [True, False]
    assert (lobby.waiting, lobby.refused) == (3, 2)
    lobby.leave("a")
    assert lobby.enter("c")
    assert not lobby.enter("b")


def test_the_lobby_forgets_addresses() -> None:
    lobby = Lobby(limit=10, limit_per_address=1)
    for number in range(1_000):
        assert lobby.enter(str(number))
        lobby.leave(str(number))
    assert lobby.waiting == 0 and not lobby._addresses


def test_leaving_without_having_entered_is_a_bug() -> None:
    with pytest.raises(KeyError):
        Lobby(1, 1).leave("a")


def test_no_bind_is_evicted_and_all_are_asked_whether_they_live() -> None:
    binds: Binds[Bind] = Binds()
    limits = account(binds=2)
    first, second, third = Bind(), Bind(), Bind()
    assert binds.enter(first, limits, 0) is binds.enter(second, limits, 0)
    assert binds.enter(third, limits, 0) is None
    assert (first.probed, second.probed, third.probed) == (1, 1, 0)
    assert set(binds) == {first, second} and len(binds) == 2
    binds.leave(first, SYSTEM_ID)
    binds.leave(first, SYSTEM_ID)
    assert binds.enter(third, limits, 0) is not None


def test_a_bucket_outlives_its_binds() -> None:
    binds: Binds[Bind] = Binds()
    limits = account(rate=1.0, burst=1.0)
    bind = Bind()
    entry = binds.enter(bind, limits, 0)
    assert entry is not None and entry.bucket.take(1, 0)
    binds.leave(bind, SYSTEM_ID)
    again = binds.enter(bind, limits, 500)
    assert again is entry and not again.bucket.take(1, 500)


def test_changed_limits_hold_from_the_next_bind() -> None:
    binds: Binds[Bind] = Binds()
    entry = binds.enter(Bind(), account(rate=1.0, burst=1.0), 0)
    assert binds.enter(Bind(), account(rate=500.0, burst=900.0, binds=2), 0) is entry
    assert entry is not None
    assert (entry.bucket.rate, entry.bucket.burst, entry.limits.binds) == (500.0, 900.0, 2)
    assert binds.enter(Bind(), account(binds=2), 0) is None


# -- the socket ------------------------------------------------------------------------------------


class Client:
    """A client on a real socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._decoder = Decoder()

    async def ask(self, *pdus: bytes) -> list[Pdu]:
        self.writer.write(b"".join(pdus))
        return await self.answers()

    async def answers(self) -> list[Pdu]:
        pdus: list[Pdu] = []
        while not pdus and (data := await self.reader.read(65536)):
            pdus = self._decoder.feed(data)
        return pdus


@contextlib.asynccontextmanager
async def listening(edge: Edge) -> Any:
    loop = asyncio.get_running_loop()
    edge.links = edge.listener.links = Links(
        edge.stage, lambda: int(loop.time() * 1_000), loop.call_soon
    )
    edge.links.start(loop)
    await edge.listener.start()
    try:
        yield edge.listener
    finally:
        await edge.listener.stop()
        edge.links.stop()


async def connected(listener: Listener) -> Client:
    return Client(*await asyncio.open_connection("127.0.0.1", listener.port))


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_over_tcp(edge: Edge, run: Any) -> None:
    async def main() -> None:
        async with listening(edge) as listener:
            client = await connected(listener)
            (answer,) = await client.ask(bind())
            assert answer.command_status == 0
            assert brief(await client.ask(ENQUIRE)) == [(ENQUIRE_RESP, 0, 7)]
            assert brief(await client.ask(UNBIND)) == [(UNBIND_RESP, 0, 9)]
            assert await client.answers() == []
            client.writer.close()
            await client.writer.wait_closed()

    run(main())
    assert not edge.listener.clients


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_half_close_over_tcp_still_gets_the_answer(edge: Edge, run: Any) -> None:
    async def main() -> None:
        async with listening(edge) as listener:
            client = await connected(listener)
            await client.ask(bind())
            client.writer.write(submit(2))
            client.writer.write_eof()
            while not edge.keeper.submitted or edge.keeper.attached:
                await asyncio.sleep(0)
            edge.stage.durable()
            assert brief(await client.answers()) == [(SUBMIT_RESP, 0, 2)]
            assert await client.answers() == []
            client.writer.close()
            await client.writer.wait_closed()

    run(main())


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_stopping_unbinds_everyone_and_takes_no_binds(edge: Edge, run: Any) -> None:
    async def main() -> None:
        async with listening(edge) as listener:
            client, stranger = await connected(listener), await connected(listener)
            await client.ask(bind())
            while len(listener.clients) < 2:
                await asyncio.sleep(0)
            stopping = asyncio.create_task(listener.stop())
            (unbind,) = await client.answers()
            assert unbind.command_id == Command.UNBIND
            client.writer.write(header_only(UNBIND_RESP, 0, unbind.sequence_number))
            assert await stranger.answers() == []
            for each in (client, stranger):
                each.writer.close()
                await each.writer.wait_closed()
            await stopping
            assert not listener.clients and not edge.keeper.attached

    run(main())


def test_a_bind_while_stopping(edge: Edge) -> None:
    wire = edge.connect()
    edge.listener.stopping = True
    assert brief(wire.send(bind())) == [(BIND_RESP, Status.ESME_RSYSERR, 1)]


def test_lines_in_the_log_name_account_address_and_reason(
    edge: Edge, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        edge.bound().close(abruptly=True)
    assert [record.getMessage() for record in caplog.records] == [
        f"= {SYSTEM_ID.decode()} {ADDRESS} bound as trx",
        f"= {SYSTEM_ID.decode()} {ADDRESS} closed: connection lost",
    ]
    assert PASSWORD.decode() not in caplog.text


def test_configured_timers_hold() -> None:
    limits = LimitsConfig(timers=TimersConfig(session_init=3_000))
    with edge_with(limits) as edge:
        wire = edge.connect()
        edge.pass_time(2_000)
        assert wire.state == "open"
        edge.pass_time(2_000)
        assert wire.state == "ending"


# -- alphabets --


def test_a_delivery_is_told_in_the_clients_alphabet() -> None:
    with edge_with(default_alphabet=Charset.LATIN1) as edge:
        wire = edge.bound()
        [bound] = edge.keeper.attached
        bound.deliver([1, 2], [deliver(text=b"\x05\x00"), deliver(text=b"\x10")])
        edge.stage.durable()
        first, second = (pdu.fields for pdu in wire.received())
        assert (first["data_coding"], first["short_message"]) == (0, "é@".encode("latin-1"))
        assert (second["data_coding"], second["short_message"]) == (8, "Δ".encode("utf-16-be"))
