"""Sessions: states, who may send what when, versions, sequence numbers, windows, ends, timers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import raw
from cases import CLOSES, STAYS, Case, by_name, check, opened, play
from loopback import Carrier, Client, Desk, Server
from raw import (
    accepted,
    bind,
    bound,
    broadcast,
    cancel,
    data,
    header,
    multi,
    nack,
    pdu,
    query,
    refused,
    replace,
    sm,
)

from smsc.config import LimitsConfig, TimersConfig
from smsc.connection import MAX_PAUSE
from smsc.session import State
from smsc.smpp import Command
from tests.helpers import Edge, Wire, brief, deliver

ENQUIRE, ALIVE = pdu(raw.ENQUIRE, 7), pdu(raw.ENQUIRE | raw.RESP, 7)
UNBIND, PARTED = pdu(raw.UNBIND, 9), pdu(raw.UNBIND | raw.RESP, 9)


@pytest.fixture
def edge() -> Iterator[Edge]:
    """The edge without a socket, on a clock that the test sets."""
    made = Edge(LimitsConfig(timers=TimersConfig(inactivity=300_000)))
    yield made
    made.close()


def lasts(edge: Edge, wire: Wire, ms: int) -> bool:
    """Whether the server still keeps the connection when so much time has passed."""
    edge.pass_time(ms)
    wire.pump()
    return wire.state == "open"


# -- 3.1, 3.2 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "state"),
    [
        (raw.BIND_TX, State.BOUND_TX),
        (raw.BIND_RX, State.BOUND_RX),
        (raw.BIND_TRX, State.BOUND_TRX),
    ],
    ids=["BOUND_TX", "BOUND_RX", "BOUND_TRX"],
)
def test_3_1_state(edge: Edge, command: int, state: State) -> None:
    """OPEN until the positive answer to the bind is out, then bound; CLOSED at the end."""
    wire = edge.connect()
    session = wire.connection.session
    assert session.state is State.OPEN
    wire.send(bind(command))
    assert session.state is state
    wire.close()
    wire.close(abruptly=True)
    assert session.state is State.CLOSED


def test_3_1_refused_bind_leaves_open(edge: Edge) -> None:
    """A refused bind leaves OPEN."""
    wire = edge.connect()
    assert wire.exchange(bind(system_id=b"s" * 16)) == refused(9, raw.SYSID, 1)
    assert wire.connection.session.state is State.OPEN


def test_3_1_unbound(edge: Edge) -> None:
    """From the unbind on UNBOUND: what is still asked is refused or dropped."""
    wire = edge.bound()
    wire.connection.unbind()
    assert wire.connection.session.state is State.UNBOUND
    assert brief(wire.received()) == [(Command.UNBIND, 0, 1)]
    assert wire.exchange(sm()) == refused(4, raw.BNDSTS)


HEADS = ("open", "tx", "rx", "trx")
BOUND = 5, 5, 5
#: command, PDU, and for OPEN, TX, RX, TRX: the status, None for no answer at all.
MATRIX: list[tuple[str, bytes, tuple[int | None, ...]]] = [
    ("bind_receiver", bind(raw.BIND_RX, 6), (0, *BOUND)),
    ("bind_transmitter", bind(raw.BIND_TX, 6), (0, *BOUND)),
    ("bind_transceiver", bind(raw.BIND_TRX, 6), (0, *BOUND)),
    ("submit_sm", sm(), (4, 0, 4, 0)),
    ("submit_multi", multi(raw.to(b"447700900123")), (4, 0, 4, 0)),
    ("query_sm", query(b"nope"), (4, raw.MSGID, 4, raw.MSGID)),
    ("cancel_sm", cancel(b"nope"), (4, raw.MSGID, 4, raw.MSGID)),
    ("replace_sm", replace(b"nope"), (4, raw.MSGID, 4, raw.MSGID)),
    ("data_sm", data(), (4, 0, 0, 0)),
    ("deliver_sm", sm(raw.DELIVER), (4, 4, 4, 4)),
    ("deliver_sm_resp", pdu(raw.DELIVER | raw.RESP, 6, b"\0"), (None,) * 4),
    ("data_sm_resp", pdu(raw.DATA | raw.RESP, 6, b"\0"), (None,) * 4),
    ("unbind_resp", pdu(raw.UNBIND | raw.RESP), (None,) * 4),
    ("enquire_link", pdu(raw.ENQUIRE), (0, 0, 0, 0)),
    ("enquire_link_resp", pdu(raw.ENQUIRE | raw.RESP), (None,) * 4),
    ("generic_nack", nack(raw.CMDID), (None,) * 4),
    ("submit_sm_resp", pdu(raw.SUBMIT | raw.RESP), (None,) * 4),
]
CELLS = [
    (f"{name}, {how}", octets, how, status)
    for name, octets, row in MATRIX
    for how, status in zip(HEADS, row, strict=True)
]


@pytest.mark.parametrize(
    ("octets", "how", "status"), [c[1:] for c in CELLS], ids=[c[0] for c in CELLS]
)
def test_3_2_from_an_esme(server: Server, octets: bytes, how: str, status: int | None) -> None:
    """What an ESME may send, by state: done, refused, or dropped without an answer."""
    command, _, sequence = header(octets)
    with opened(server, how) as client:
        client.send(octets)
        if status is not None:
            assert header(client.read()) == (command | raw.RESP, status, sequence)
        assert client.settled() == []


@pytest.mark.parametrize("command", [raw.BROADCAST, raw.QUERY_BROADCAST, raw.CANCEL_BROADCAST])
@pytest.mark.parametrize(("how", "status"), [("open", 4), ("rx 50", 4)])
def test_3_2_broadcasts(server: Server, command: int, how: str, status: int) -> None:
    """The three commands of broadcasts in sessions that may not."""
    octets = broadcast() if command == raw.BROADCAST else pdu(command, 6, b"\0\0\0\0\0\0")
    play(server, Case("", how, octets, refused(command, status)))


UNBOUND = [
    ("bind_transceiver", bind(sequence=6), 4),
    ("submit_sm", sm(), 4),
    ("query_sm", query(b"1"), 4),
    ("data_sm", data(), 4),
    ("unbind", pdu(raw.UNBIND), 0),
    ("enquire_link", pdu(raw.ENQUIRE), 0),
]


@pytest.mark.parametrize(
    ("octets", "status"), [u[1:] for u in UNBOUND], ids=[u[0] for u in UNBOUND]
)
def test_3_2_unbound(edge: Edge, octets: bytes, status: int) -> None:
    """What an ESME may send when we have sent an unbind."""
    wire = edge.bound()
    wire.connection.unbind()
    wire.received()
    command, _, sequence = header(octets)
    assert wire.exchange(octets) == pdu(command | raw.RESP, sequence, b"", status)


def test_3_2_late_answers_count_in_unbound(edge: Edge) -> None:
    """A deliver_sm_resp that was outstanding at our unbind still counts."""
    wire = edge.bound()
    (attached,) = edge.keeper.attached
    attached.deliver([100], [deliver()])
    edge.stage.durable()
    wire.connection.unbind()
    delivery, _unbind = wire.received()
    wire.send(pdu(raw.DELIVER | raw.RESP, delivery.sequence_number, b"\0"))
    assert edge.keeper.called("delivered") == [([(100, 0)],)]


def test_3_2_no_deliveries_to_a_transmitter(
    north: Carrier, connect: Callable[[], Client], account: bytes
) -> None:
    """deliver_sm goes to RX and TRX only: a transmitter gets none, a receiver does."""
    destination = b"99913201"
    sender = connect().bind(raw.BIND_TX, system_id=account)
    sender.submit(destination_addr=destination, registered_delivery=1)
    north.receipt(north.answer(north.submitted(destination)))
    assert sender.settled() == []
    assert header(connect().bind(raw.BIND_RX, system_id=account).read())[0] == raw.DELIVER


def test_3_2_bind_answer_comes_before_deliveries(
    north: Carrier, connect: Callable[[], Client], account: bytes
) -> None:
    """A waiting delivery never comes before the answer to the bind."""
    destination = b"99913202"
    connect().bind(raw.BIND_TX, system_id=account).submit(
        destination_addr=destination, registered_delivery=1
    )
    north.receipt(north.answer(north.submitted(destination)))
    client = connect()
    client.send(bind(system_id=account))
    assert client.read() == bound()
    assert header(client.read())[0] == raw.DELIVER


def test_3_2_outbind(
    north: Carrier, server: Server, desk: Desk, connect: Callable[[], Client]
) -> None:
    """Mail waits and no receiver is bound: the centre calls, says who it is, and is bound to."""
    destination = b"99913210"
    sender = connect().bind(raw.BIND_TX, system_id=b"called")
    sender.submit(destination_addr=destination, registered_delivery=1)
    north.receipt(north.answer(north.submitted(destination)))
    with desk.answered() as called:
        octets = called.read()
        assert header(octets)[:2] == (raw.OUTBIND, 0)
        assert octets[16:] == raw.cstr(b"smsc") + raw.cstr(b"ours")
        called.send(bind(raw.BIND_RX, system_id=b"called"))
        assert called.read() == bound(raw.BIND_RX)
        assert header(called.read())[0] == raw.DELIVER


# -- 3.3 ---------------------------------------------------------------------------------------

VERSIONS = [
    Case(f"interface_version {offered:#04x}", "open", bind(version=offered), bound(version=told))
    for offered, told in [
        *[(0x00, None), (0x33, None), (0x34, 0x34), (0x50, 0x50)],
        *[(0x35, 0x34), (0x4F, 0x34), (0x51, 0x50), (0xFF, 0x50)],
    ]
]
VERSIONS += [
    Case("bind_transceiver of 3.3", "open", bind(version=0x33), bound(version=None)),
    Case("broadcast in 3.4", "trx 34", broadcast(), nack(raw.CMDID), policy="not of this version"),
    Case(
        "TLVs from 3.3 are honoured", "trx 33", sm(text=b"", tlvs=raw.tlv(0x0424, b"x")),
        accepted(), policy="many bind with 0x00 and mean 3.4",
    ),
]  # fmt: skip


@by_name(VERSIONS)
def test_3_3_version(server: Server, case: Case) -> None:
    play(server, case)


def test_3_3_ids_of_3_3(connect: Callable[[], Client]) -> None:
    """message_id to a session of 3.3: at most 8 hexadecimal digits."""
    assert len(connect().bind(version=0x33).submit()) <= 8


def test_3_3_receipts_of_3_3(north: Carrier, connect: Callable[[], Client], account: bytes) -> None:
    """A receipt to a session of 3.3 has no TLV and the short id."""
    destination = b"99913303"
    client = connect().bind(system_id=account, version=0x33)
    name = client.submit(destination_addr=destination, registered_delivery=1)
    north.receipt(north.answer(north.submitted(destination)))
    octets = client.read()
    assert b"id:" + name + b" sub:001" in octets
    assert octets.endswith(b"text:x")


# -- 3.4 ---------------------------------------------------------------------------------------


def test_3_4_ours_start_at_1(edge: Edge) -> None:
    """Our sequence numbers: 1, then one more for each request; a new session begins again."""
    for _ in range(2):
        wire = edge.bound()
        attached = edge.keeper.attached[-1]
        for mail in (1, 2, 3):
            attached.deliver([mail], [deliver()])
        edge.stage.durable()
        assert [each.sequence_number for each in wire.received()] == [1, 2, 3]


def test_3_4_ours_wrap_and_skip(edge: Edge) -> None:
    """After 0x7FFFFFFF comes 1, and what is outstanding is skipped."""
    wire = edge.bound()
    (attached,) = edge.keeper.attached
    attached.deliver([1], [deliver()])
    wire.connection.session._sequence = 0x7FFFFFFE
    attached.deliver([2], [deliver()])
    attached.deliver([3], [deliver()])
    edge.stage.durable()
    assert [each.sequence_number for each in wire.received()] == [1, 0x7FFFFFFF, 2]


SEQUENCES = [
    Case(f"theirs {number:#x}", "trx", sm(sequence=number), accepted(sequence=number))
    for number in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
]
SEQUENCES += [
    Case("theirs twice", "trx", sm() + sm(), [accepted(), accepted()]),
    Case("generic_nack echoes the sequence", "trx", pdu(0x0A, 99), nack(raw.CMDID, 99)),
    Case("generic_nack without a header", "trx", bytes(16), nack(raw.CMDLEN, 0), CLOSES),
]


@by_name(SEQUENCES)
def test_3_4(server: Server, case: Case) -> None:
    play(server, case)


def test_3_4_equal_in_both_directions(
    north: Carrier, connect: Callable[[], Client], account: bytes
) -> None:
    """The same number in both directions at the same time is two requests."""
    destination = b"99913404"
    client = connect().bind(system_id=account)
    client.submit(destination_addr=destination, registered_delivery=1)
    north.receipt(north.answer(north.submitted(destination)))
    delivery = client.read()
    assert header(delivery) == (raw.DELIVER, 0, 1)
    client.send(sm(sequence=1) + pdu(raw.DELIVER | raw.RESP, 1, b"\0"))
    check(client, [accepted(sequence=1)], STAYS)


# -- 3.5 ---------------------------------------------------------------------------------------


@pytest.mark.by_policy("the order is kept where that is free")
def test_3_5_answers_in_order(connect: Callable[[], Client]) -> None:
    """Pipelined submits are answered in their order."""
    client = connect().bind()
    client.send(b"".join(sm(sequence=n) for n in range(1, 201)))
    assert [header(client.read())[2] for _ in range(200)] == list(range(1, 201))


def test_3_5_send_window(edge: Edge) -> None:
    """Deliveries without an answer: at most the window (10 by default)."""
    edge.bound()
    (attached,) = edge.keeper.attached
    for mail in range(10):
        assert attached.credit() == 10 - mail
        attached.deliver([mail], [deliver()])
    assert attached.credit() == 0


def test_3_5_receive_window() -> None:
    """Submits without an answer beyond the window: not read, then throttled, never lost."""
    edge = Edge(window=5)
    wire = edge.bound()
    wire.send(*[sm(sequence=n) for n in range(1, 8)])
    assert not wire.transport.reading
    wire.send(sm(sequence=8))
    edge.pass_time(MAX_PAUSE + 1_000)
    assert brief(wire.received()) == [(Command.SUBMIT_SM_RESP, raw.THROTTLED, 8)]
    edge.stage.durable()
    assert [each.sequence_number for each in wire.received()] == list(range(1, 8))
    edge.close()


@pytest.mark.parametrize("version", [0x33, 0x34])
def test_3_5_no_congestion_state_before_5_0(connect: Callable[[], Client], version: int) -> None:
    """congestion_state goes to sessions of 5.0 only."""
    answer = connect().bind(version=version).ask(sm())
    assert answer[16:].partition(b"\0")[2] == b""


def test_3_5_congestion_state(connect: Callable[[], Client]) -> None:
    """A positive answer in a session of 5.0 says how busy we are, 0 to 100."""
    answer = connect().bind(version=0x50).ask(sm())
    area = answer[16:].partition(b"\0")[2]
    assert area[:4] == b"\4\x28\0\1" and area[4] <= 100


# -- 3.6 ---------------------------------------------------------------------------------------


def test_3_6_unbind(connect: Callable[[], Client]) -> None:
    """unbind: what runs is answered, then unbind_resp, then the end of the stream."""
    client = connect().bind()
    client.send(sm(sequence=1) + sm(sequence=2) + UNBIND)
    assert [header(each)[2] for each in client.rest()] == [1, 2, 9]


def test_3_6_half_close_then_drain(edge: Edge) -> None:
    """After unbind_resp the socket is half-closed and drained, so that no RST destroys it."""
    wire = edge.bound()
    assert wire.exchange(UNBIND) == PARTED
    assert wire.transport.half_closed and not wire.transport.closed
    wire.send(sm() * 10)
    assert not wire.transport.closed
    assert not lasts(edge, wire, 3_000) and wire.transport.closed


def test_3_6_undelivered_goes_back(edge: Edge) -> None:
    """deliver_sm without an answer at the end: back to the queue."""
    wire = edge.bound()
    (attached,) = edge.keeper.attached
    attached.deliver([100], [deliver()])
    edge.stage.durable()
    wire.send(UNBIND)
    assert not edge.keeper.attached and not edge.keeper.called("delivered")


def test_3_6_our_unbind(edge: Edge) -> None:
    """We unbind: probes are answered while unbind_resp is awaited, then the end."""
    wire = edge.bound()
    wire.connection.unbind()
    assert brief(wire.received()) == [(Command.UNBIND, 0, 1)]
    assert wire.exchange(ENQUIRE) == ALIVE
    wire.send(pdu(raw.UNBIND | raw.RESP, 1))
    assert wire.state == "ending"


def test_3_6_our_unbind_unanswered(edge: Edge) -> None:
    """No unbind_resp within the response timer: closed."""
    wire = edge.bound()
    wire.connection.unbind()
    assert lasts(edge, wire, 9_000)
    assert not lasts(edge, wire, 3_000)


def test_3_6_crossing_unbinds(edge: Edge) -> None:
    """Unbinds that cross: theirs is answered, and is the answer to ours."""
    wire = edge.bound()
    wire.connection.unbind()
    wire.received()
    assert wire.exchange(UNBIND) == PARTED
    assert wire.state == "ending"


def test_3_6_peer_closes(edge: Edge) -> None:
    """The peer closes without unbind: its deliveries go back, its slot is free."""
    wire = edge.bound()
    wire.close()
    assert wire.state == "closed"
    assert not edge.keeper.attached and not len(edge.binds)


def test_3_6_half_closed_by_the_peer(connect: Callable[[], Client]) -> None:
    """The peer half-closes: its requests are still answered."""
    client = connect().bind()
    client.send(sm())
    client.half_close()
    check(client, [accepted()], CLOSES)


# -- 3.7 ---------------------------------------------------------------------------------------


def test_3_7_session_init(edge: Edge) -> None:
    """session_init: no bind within 10 s: closed; enquire_link does not extend it."""
    wire = edge.connect()
    assert lasts(edge, wire, 9_000)
    assert wire.exchange(ENQUIRE) == ALIVE
    assert not lasts(edge, wire, 2_000)


def test_3_7_enquire_link(edge: Edge) -> None:
    """enquire_link: nothing heard for 30 s: we probe."""
    wire = edge.bound()
    edge.pass_time(29_000)
    assert not wire.received()
    edge.pass_time(2_000)
    assert brief(wire.received()) == [(Command.ENQUIRE_LINK, 0, 1)]


def test_3_7_inactivity(edge: Edge) -> None:
    """inactivity: 300 s with nothing but answers that keep it below: closed at the end of it."""
    quiet = Edge(LimitsConfig(timers=TimersConfig(enquire_link=100_000, inactivity=300_000)))
    wire = quiet.bound()
    assert lasts(quiet, wire, 90_000)
    wire.send(ENQUIRE)
    for _ in range(2):
        assert lasts(quiet, wire, 99_000)
        wire.send(ENQUIRE)
    quiet.close()


def test_3_7_response(edge: Edge) -> None:
    """response: a delivery unanswered for 10 s failed; a probe unanswered ends the session."""
    wire = edge.bound()
    (attached,) = edge.keeper.attached
    attached.deliver([100], [deliver()])
    edge.stage.durable()
    assert lasts(edge, wire, 12_000)
    assert edge.keeper.called("delivered") == [([(100, raw.RETRY_LATER)],)]
    wire.connection.probe()
    wire.connection.flush()
    assert not lasts(edge, wire, 12_000)


def test_3_7_pdu_read(edge: Edge) -> None:
    """PDU read: begun and not complete for 30 s: closed."""
    wire = edge.bound()
    wire.send(sm()[:20])
    assert lasts(edge, wire, 29_000)
    assert not lasts(edge, wire, 2_000)


def test_3_7_write_stall(edge: Edge) -> None:
    """Write stall: output that has not drained for 30 s: closed."""
    wire = edge.bound()
    wire.connection.pause_writing()
    assert lasts(edge, wire, 29_000)
    assert not lasts(edge, wire, 2_000)


def test_3_7_any_pdu_proves_the_link(edge: Edge) -> None:
    """Any PDU of the peer answers our probe."""
    wire = edge.bound()
    edge.pass_time(31_000)
    assert brief(wire.received()) == [(Command.ENQUIRE_LINK, 0, 1)]
    wire.send(sm())
    assert lasts(edge, wire, 15_000)
