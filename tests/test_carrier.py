"""The relay against carriers on loopback sockets that do exactly what the test says."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import uvloop
from helpers import TODAY, VECTORS, Clock, RecordingKeeper, Stage, brief, deliver, submit

from smsc import broadcast
from smsc._pdu import Decoder, Message, Pdu, encode, header_only
from smsc.carrier import BINDS, Carrier, CarrierBind
from smsc.config import (
    CarrierConfig,
    CarrierNumbersConfig,
    FormConfig,
    LimitsConfig,
    ReconnectConfig,
    RewriteConfig,
)
from smsc.connection import MAX_PAUSE
from smsc.links import Links
from smsc.smpp import RESPONSE, Command, Status, Tag
from smsc.throttle import backoff

SUBMIT, SUBMIT_RESP = Command.SUBMIT_SM, Command.SUBMIT_SM_RESP
#: Real seconds after which a test that waits for something is broken.
PATIENCE = 30


class Peer:
    """The carrier's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._decoder = Decoder()
        self._read: list[Pdu] = []

    async def receive(self) -> Pdu | None:
        """The next PDU; None at the end of the stream."""
        while not self._read:
            data = await self._reader.read(65536)
            if not data:
                return None
            self._read = self._decoder.feed(data)
        return self._read.pop(0)

    async def expect(self, *command_ids: int) -> list[Pdu]:
        """The next PDUs, which must be these."""
        pdus = [await self.receive() for _ in command_ids]
        assert [pdu and pdu.command_id for pdu in pdus] == list(command_ids)
        return [pdu for pdu in pdus if pdu is not None]

    def send(self, *pdus: bytes) -> None:
        self._writer.write(b"".join(pdus))

    async def accept_bind(self, version: int | None = 0x34) -> Pdu:
        pdu = await self.receive()
        assert pdu is not None
        tlvs = [] if version is None else [(Tag.SC_INTERFACE_VERSION, bytes([version]))]
        self.send(encode(pdu.command_id | RESPONSE, pdu.sequence_number, 0, tlvs, system_id=b"c"))
        return pdu

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def reset(self) -> None:
        self._writer.transport.abort()
        await self.close()


class Upstream:
    """A carrier with everything that stands before it, and the world around."""

    def __init__(self, port: int, accepted: asyncio.Queue[Peer], **changes: Any) -> None:
        self.accepted = accepted
        self.clock = Clock()
        self.stage = Stage()
        self.keeper = RecordingKeeper()
        self.links = Links(self.stage, self.clock, asyncio.get_running_loop().call_soon)
        values: dict[str, Any] = {
            "name": b"carrier",
            "host": "127.0.0.1",
            "port": port,
            "system_id": b"smsc",
            "password": b"carrier1",
            "reconnect": ReconnectConfig(min=1, max=2),
            **changes,
        }
        self.carrier = Carrier(
            CarrierConfig(**values),
            LimitsConfig(),
            keeper=self.keeper,
            links=self.links,
            now=lambda: TODAY,
        )
        self._peers: list[Peer] = []

    async def peer(self) -> Peer:
        """The next connection that comes in."""
        peer = await self.accepted.get()
        self._peers.append(peer)
        return peer

    async def bound(self) -> tuple[CarrierBind, Peer]:
        """The first bind, up, and the carrier's end of what it sends on."""
        for _ in BINDS[self.carrier.config.bind]:
            peer = await self.peer()
            await peer.accept_bind()
        await self.until(lambda: bool(self.keeper.up))
        return self.carrier.binds[0], peer

    async def until(self, true: Callable[[], bool]) -> None:
        while not true():
            await asyncio.sleep(0)

    async def called(self, name: str) -> tuple[Any, ...]:
        """The first call of the keeper by this name."""
        await self.until(lambda: bool(self.keeper.called(name)))
        return self.keeper.called(name)[0]

    def send(self, bind: CarrierBind, *message_ids: int, **changes: Any) -> None:
        """Hand the bind a first attempt at each message."""
        for message_id in message_ids:
            bind.send([(message_id, 1)], [Message.from_raw(submit(99, **changes))])

    def pass_time(self, ms: int) -> None:
        for _ in range(ms // 100):
            self.clock.now += 100
            self.links.tick()

    async def close(self) -> None:
        self.stage.durable()
        for peer in self._peers:
            await peer.close()
        while not self.accepted.empty():
            await self.accepted.get_nowait().close()
        await self.carrier.stop()


@contextlib.asynccontextmanager
async def upstream(**changes: Any) -> AsyncIterator[Upstream]:
    accepted: asyncio.Queue[Peer] = asyncio.Queue()
    server = await asyncio.start_server(
        lambda reader, writer: accepted.put_nowait(Peer(reader, writer)), "127.0.0.1", 0
    )
    made = Upstream(server.sockets[0].getsockname()[1], accepted, **changes)
    made.carrier.start()
    try:
        yield made
    finally:
        server.close()
        await made.close()


def on_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a coroutine test on uvloop, within ``PATIENCE``."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def main() -> None:
            async with asyncio.timeout(PATIENCE):
                await test(*args, **kwargs)

        uvloop.run(main())

    return run


# -- binding ---------------------------------------------------------------------------------------


@on_loop
async def test_it_binds_as_configured_and_tells_the_keeper() -> None:
    async with upstream(system_type=b"vma") as world:
        peer = await world.peer()
        request = await peer.accept_bind()
        assert request.command_id == Command.BIND_TRANSCEIVER
        assert request.decode() == 0
        assert request.fields == {
            "system_id": b"smsc",
            "password": b"carrier1",
            "system_type": b"vma",
            "interface_version": 0x34,
            "addr_ton": 0,
            "addr_npi": 0,
            "address_range": b"",
        }
        await world.until(lambda: bool(world.keeper.up))
        (bind,) = world.keeper.up
        assert (bind.carrier, bind.credit()) == (b"carrier", 10)


@on_loop
async def test_a_pair_is_up_when_both_halves_are() -> None:
    async with upstream(bind="tx+rx") as world:
        receiver = await world.peer()
        assert (await receiver.accept_bind()).command_id == Command.BIND_RECEIVER
        transmitter = await world.peer()
        assert not world.keeper.up
        assert (await transmitter.accept_bind()).command_id == Command.BIND_TRANSMITTER
        await world.until(lambda: bool(world.keeper.up))
        world.send(world.carrier.binds[0], 1)
        world.stage.durable()
        await transmitter.expect(SUBMIT)
        receiver.send(deliver(4))
        await world.called("inbound")


@pytest.mark.parametrize("half", [0, 1])
@on_loop
async def test_half_a_pair_is_no_bind(half: int) -> None:
    async with upstream(bind="tx+rx") as world:
        peers = [await world.peer()]
        await peers[0].accept_bind()
        peers.append(await world.peer())
        await peers[1].accept_bind()
        await world.until(lambda: bool(world.keeper.up))
        world.send(world.carrier.binds[0], 1)
        await peers[half].close()
        assert await world.called("carrier_down") == ([(1, 1)], [])
        assert await peers[1 - half].receive() is None
        await (await world.peer()).accept_bind()


@pytest.mark.parametrize(
    ("ours", "theirs", "rules"),
    [(0x34, 0x50, 0x34), (0x34, 0x33, 0x33), (0x50, 0x34, 0x34), (0x50, None, 0x50)],
)
@on_loop
async def test_the_lower_version_holds(ours: int, theirs: int | None, rules: int) -> None:
    async with upstream(version=ours) as world:
        await (await world.peer()).accept_bind(theirs)
        await world.until(lambda: bool(world.keeper.up))
        assert world.carrier.binds[0]._connections[0].session.version == rules


@pytest.mark.parametrize("how", ["refused", "nacked", "closed", "silent"])
@on_loop
async def test_a_bind_that_fails_is_tried_again(how: str, caplog: pytest.LogCaptureFixture) -> None:
    async with upstream(response_timeout=50) as world:
        peer = await world.peer()
        request = await peer.receive()
        assert request is not None
        if how == "refused":
            peer.send(header_only(request.command_id | RESPONSE, Status.ESME_RBINDFAIL, 1))
        elif how == "nacked":
            peer.send(header_only(Command.GENERIC_NACK, 0, 1))
        elif how == "closed":
            await peer.close()
        await (await world.peer()).accept_bind()
        await world.until(lambda: bool(world.keeper.up))
        assert (world.carrier.binds[0].failed, world.carrier.binds[0].made) == (1, 1)
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert "127.0.0.1" not in caplog.text and "carrier1" not in caplog.text


@on_loop
async def test_a_bind_that_is_lost_is_made_again() -> None:
    async with upstream() as world:
        bind, peer = await world.bound()
        await peer.reset()
        await world.called("carrier_down")
        await (await world.peer()).accept_bind()
        await world.until(lambda: bind.made == 2)
        assert world.keeper.up == [bind]


@on_loop
async def test_a_bind_that_ends_as_it_begins_is_never_up() -> None:
    async with upstream() as world:
        peer = await world.peer()
        request = await peer.receive()
        assert request is not None
        peer.send(
            encode(request.command_id | RESPONSE, request.sequence_number),
            header_only(Command.UNBIND, 0, 1),
        )
        await (await world.peer()).accept_bind()
        await world.until(lambda: bool(world.keeper.up))
        assert world.keeper.calls == []


@on_loop
async def test_failures_are_tried_again_more_and_more_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attempts: list[int] = []

    def noted(attempt: int, low: int, high: int, dice: float) -> int:
        attempts.append(attempt)
        return backoff(attempt, low, high, dice)

    monkeypatch.setattr("smsc.carrier.backoff", noted)
    async with upstream() as world:
        for _ in range(2):
            await (await world.peer()).close()
        _, peer = await world.bound()
        await peer.close()
        _, peer = await world.bound()
        assert attempts == [0, 1, 2]
        world.clock.now += 60_000
        await peer.close()
        await world.bound()
        assert attempts == [0, 1, 2, 0]


@on_loop
async def test_several_binds_share_one_pace() -> None:
    async with upstream(binds=2, rate=20.0) as world:
        for _ in range(2):
            await (await world.peer()).accept_bind()
        await world.until(lambda: len(world.keeper.up) == 2)
        first, second = world.carrier.binds
        assert (first.credit(), second.credit()) == (2, 2)
        world.send(first, 1, 2)
        assert (first.credit(), second.credit()) == (0, 0)
        world.clock.now += 50
        world.links.look()
        assert (first.credit(), second.credit()) == (1, 1)


# -- sending ---------------------------------------------------------------------------------------


@on_loop
async def test_nothing_can_leave_any_more_once_the_carrier_takes_its_leave() -> None:
    async with upstream(window=3) as world:
        bind, peer = await world.bound()
        assert bind.open
        peer.send(header_only(Command.UNBIND, 0, 5))
        await peer.expect(Command.UNBIND_RESP)
        assert not bind.open and bind.credit() == 0
        await peer.close()
        await world.called("carrier_down")
        assert not bind.open


@on_loop
async def test_attempts_leave_when_durable_and_take_room() -> None:
    async with upstream(window=3) as world:
        bind, peer = await world.bound()
        world.send(bind, 11, 12, 13)
        assert (bind.credit(), world.carrier.outstanding) == (0, 3)
        peer.send(header_only(Command.ENQUIRE_LINK, 0, 5))
        await peer.expect(Command.ENQUIRE_LINK_RESP)
        world.stage.durable()
        sent = await peer.expect(SUBMIT, SUBMIT, SUBMIT)
        sequences = [pdu.sequence_number for pdu in sent]
        assert len(set(sequences)) == 3
        peer.send(
            encode(Command.SUBMIT_SM_RESP, sequences[1], message_id=b"abc"),
            header_only(SUBMIT_RESP, 0x58, sequences[0]),
            header_only(Command.GENERIC_NACK, 0, sequences[2]),
        )
        (batch,) = await world.called("outcomes")
        assert batch == [
            (12, 1, 0, b"abc"),
            (11, 1, Status.ESME_RTHROTTLED, b""),
            (13, 1, Status.ESME_RUNKNOWNERR, b""),
        ]
        assert world.carrier.outstanding == 0


@pytest.mark.parametrize(
    ("policy", "asked", "sent"),
    [
        ("as_asked", 0x00, 0x00),
        ("as_asked", 0x12, 0x12),
        ("as_asked", 0x10, 0x11),
        ("always", 0x00, 0x01),
        ("always", 0x02, 0x01),
        ("always", 0x14, 0x15),
        ("never", 0x01, 0x00),
    ],
)
@on_loop
async def test_receipts_asked_of_the_carrier(policy: str, asked: int, sent: int) -> None:
    async with upstream(receipts=policy) as world:
        bind, peer = await world.bound()
        world.send(bind, 1, registered_delivery=asked)
        world.stage.durable()
        (pdu,) = await peer.expect(SUBMIT)
        assert pdu.fields["registered_delivery"] == sent
        assert pdu.fields["short_message"] == b"hello"


@on_loop
async def test_addresses_are_sent_as_the_carrier_wants_them() -> None:
    rule = RewriteConfig(field="source", match="^80888$", replace="808", ton=3)
    numbers = CarrierNumbersConfig(destination=FormConfig(form="plus"))
    async with upstream(numbers=numbers, rewrite=(rule,)) as world:
        bind, peer = await world.bound()
        tlvs = [(Tag.USER_MESSAGE_REFERENCE, b"\0\7")]
        addresses = {"source_addr": b"80888", "destination_addr": b"447700900123"}
        raw = encode(SUBMIT, 1, 0, tlvs, **addresses, dest_addr_ton=1, short_message=b"text")
        bind.send([(1, 1)], [Message.from_raw(raw)])
        world.stage.durable()
        (pdu,) = await peer.expect(SUBMIT)
        assert (pdu.fields["source_addr_ton"], pdu.fields["source_addr"]) == (3, b"808")
        assert pdu.fields["destination_addr"] == b"+447700900123"
        assert (pdu.tlvs, pdu.fields["short_message"]) == (tuple(tlvs), b"text")


@on_loop
async def test_a_carrier_of_33_is_sent_no_tlv() -> None:
    async with upstream(version=0x33) as world:
        bind, peer = await world.bound()
        raw = encode(SUBMIT, 1, 0, [(Tag.MESSAGE_PAYLOAD, b"text")], destination_addr=b"1")
        bind.send([(1, 1)], [Message.from_raw(raw)])
        world.stage.durable()
        (pdu,) = await peer.expect(SUBMIT)
        assert (pdu.tlvs, pdu.fields["short_message"]) == ((), b"text")


@on_loop
async def test_throttling_slows_all_binds_down() -> None:
    async with upstream(errors={0x99: "throttle"}, window=1000) as world:
        bind, peer = await world.bound()
        world.send(bind, *range(1, 101))
        world.stage.durable()
        sent = await peer.expect(*[SUBMIT] * 100)
        assert bind.credit() == 900
        peer.send(header_only(SUBMIT_RESP, 0x99, sent[0].sequence_number))
        await world.called("outcomes")
        assert world.carrier.pace.cuts == 1
        assert bind.credit() < 100


@on_loop
async def test_an_overdue_response_is_in_doubt_and_still_counts_when_it_comes() -> None:
    async with upstream(response_timeout=5_000) as world:
        bind, peer = await world.bound()
        world.send(bind, 11)
        world.stage.durable()
        (pdu,) = await peer.expect(SUBMIT)
        world.send(bind, 12)
        world.pass_time(7_000)
        assert world.keeper.called("timed_out") == [([(11, 1)],)]
        late = encode(SUBMIT_RESP, pdu.sequence_number, message_id=b"abc")
        peer.send(late, late)
        assert await world.called("outcomes") == ([(11, 1, 0, b"abc")],)
        peer.send(header_only(Command.ENQUIRE_LINK, 0, 5))
        await peer.expect(Command.ENQUIRE_LINK_RESP)
        assert len(world.keeper.called("outcomes")) == 1
        assert world.carrier.counters.unmatched == 1


@on_loop
async def test_what_is_remembered_of_overdue_attempts_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("smsc.carrier.MAX_LATE", 2)
    async with upstream(response_timeout=1_000) as world:
        bind, peer = await world.bound()
        world.send(bind, 11, 12, 13)
        world.stage.durable()
        sent = await peer.expect(SUBMIT, SUBMIT, SUBMIT)
        world.pass_time(3_000)
        peer.send(*[header_only(SUBMIT_RESP, 0, pdu.sequence_number) for pdu in sent])
        await world.called("outcomes")
        outcomes = [item for (batch,) in world.keeper.called("outcomes") for item in batch]
        assert outcomes == [(12, 1, 0, b""), (13, 1, 0, b"")]


@on_loop
async def test_a_bind_that_is_being_cut_takes_nothing() -> None:
    async with upstream() as world:
        bind, _ = await world.bound()
        assert bind.credit() == 10
        bind.cut("for a reason")
        assert bind.credit() == 0


@pytest.mark.parametrize("released", [0, 1, 3])
@pytest.mark.parametrize("how", ["close", "reset", "unbind"])
@on_loop
async def test_what_was_lost_is_split_by_whether_it_left(how: str, released: int) -> None:
    async with upstream() as world:
        bind, peer = await world.bound()
        attempts = [(11, 1), (12, 1), (13, 1)]
        for message_id, _ in attempts[:released]:
            world.send(bind, message_id)
        world.stage.durable()
        await peer.expect(*[SUBMIT] * released)
        for message_id, _ in attempts[released:]:
            world.send(bind, message_id)
        if how == "unbind":
            peer.send(header_only(Command.UNBIND, 0, 8))
            await peer.expect(Command.UNBIND_RESP)
            assert bind.credit() == 0
        await (peer.reset() if how == "reset" else peer.close())
        assert await world.called("carrier_down") == (attempts[released:], attempts[:released])
        world.stage.durable()
        assert bind.credit() == 0
        assert world.keeper.up == []


@on_loop
async def test_the_link_is_probed_and_given_up() -> None:
    async with upstream(enquire_link=5_000, response_timeout=5_000) as world:
        bind, peer = await world.bound()
        world.send(bind, 1)
        world.stage.durable()
        await peer.expect(SUBMIT)
        world.pass_time(6_500)
        await peer.expect(Command.ENQUIRE_LINK)
        world.pass_time(6_500)
        await world.called("carrier_down")
        assert bind.made == 1


@on_loop
async def test_room_in_the_output_is_told() -> None:
    async with upstream() as world:
        bind, _ = await world.bound()
        connection = bind._connections[0]
        connection.pause_writing()
        assert bind.credit() == 0
        connection.resume_writing()
        assert (bind.credit(), world.keeper.called("sendable")) == (10, [()])


# -- inbound ---------------------------------------------------------------------------------------

DATA_SM = encode(
    Command.DATA_SM, 6, 0, [(Tag.MESSAGE_PAYLOAD, b"hello")], destination_addr=b"447700900123"
)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [(deliver(6), Command.DELIVER_SM_RESP), (DATA_SM, Command.DATA_SM_RESP)],
)
@on_loop
async def test_inbound_is_answered_when_durable(request_: bytes, answer: int) -> None:
    async with upstream() as world:
        _, peer = await world.bound()
        peer.send(request_)
        await world.called("inbound")
        (message,) = world.keeper.received
        assert (message.command_id, message.text) == (Command.DELIVER_SM, b"hello")
        peer.send(header_only(Command.ENQUIRE_LINK, 0, 7))
        await peer.expect(Command.ENQUIRE_LINK_RESP)
        world.stage.durable()
        (response,) = await peer.expect(answer)
        assert response.raw == encode(answer, 6)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (deliver(6), Status.ESME_RX_T_APPN),
        (header_only(Command.DELIVER_SM, 0, 6), Status.ESME_RINVCMDLEN),
    ],
)
@on_loop
async def test_inbound_that_is_not_taken_is_answered_at_once(request_: bytes, status: int) -> None:
    async with upstream() as world:
        world.keeper.refusal = Status.ESME_RX_T_APPN
        _, peer = await world.bound()
        peer.send(request_)
        assert brief(await peer.expect(Command.DELIVER_SM_RESP)) == [
            (Command.DELIVER_SM_RESP, status, 6)
        ]


@on_loop
async def test_inbound_that_waits_too_long_is_to_be_sent_again() -> None:
    async with upstream() as world:
        bind, peer = await world.bound()
        world.stage.congested = True
        peer.send(deliver(6))
        await world.called("inbound")
        world.pass_time(MAX_PAUSE + 1_000)
        peer.send(deliver(7))
        assert brief(await peer.expect(Command.DELIVER_SM_RESP)) == [
            (Command.DELIVER_SM_RESP, Status.ESME_RX_T_APPN, 7)
        ]
        assert world.keeper.called("inbound") == [(1,)]


@on_loop
async def test_outcomes_before_receipts_in_one_read() -> None:
    async with upstream() as world:
        bind, peer = await world.bound()
        world.send(bind, 1)
        world.stage.durable()
        (pdu,) = await peer.expect(SUBMIT)
        peer.send(deliver(5), encode(SUBMIT_RESP, pdu.sequence_number, message_id=b"a"))
        await world.called("inbound")
        assert [call[0] for call in world.keeper.calls] == ["outcomes", "inbound"]


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (header_only(Command.ALERT_NOTIFICATION, 0, 6), None),
        (submit(6), (SUBMIT_RESP, Status.ESME_RINVBNDSTS, 6)),
        *(
            (header_only(unknown, 0, 6), (Command.GENERIC_NACK, Status.ESME_RINVCMDID, 6))
            for unknown in (0x0A, 0x22, 0x10203, 0x80003302, Command.BROADCAST_SM)
        ),
        # What an ESME sends, and what a centre must not send when it is bound to.
        *(
            (header_only(command, 0, 6), (command | RESPONSE, Status.ESME_RINVBNDSTS, 6))
            for command in (
                Command.BIND_RECEIVER,
                Command.BIND_TRANSCEIVER,
                Command.SUBMIT_MULTI,
                Command.QUERY_SM,
                Command.CANCEL_SM,
                Command.REPLACE_SM,
            )
        ),
        (
            encode(Command.OUTBIND, 6, system_id=b"x"),
            (Command.GENERIC_NACK, Status.ESME_RINVBNDSTS, 6),
        ),
        # Answers to nothing.
        (header_only(Command.DELIVER_SM_RESP, 0, 6), None),
        (header_only(Command.SUBMIT_SM_RESP, 0, 6), None),
        (header_only(Command.BIND_TRANSCEIVER_RESP, 0, 6), None),
        (header_only(Command.GENERIC_NACK, 3, 0), None),
    ],
)
@on_loop
async def test_other_requests_of_a_carrier(
    request_: bytes, answer: tuple[int, int, int] | None
) -> None:
    async with upstream() as world:
        _, peer = await world.bound()
        peer.send(request_, header_only(Command.ENQUIRE_LINK, 0, 7))
        last = (Command.ENQUIRE_LINK_RESP, 0, 7)
        expected = [answer, last] if answer else [last]
        assert brief(await peer.expect(*[command for command, _, _ in expected])) == expected


@on_loop
async def test_an_outbind_before_the_bind_is_answered_changes_nothing() -> None:
    async with upstream() as world:
        peer = await world.peer()
        peer.send(encode(Command.OUTBIND, 1, system_id=b"c", password=b"pw"))
        await peer.accept_bind()
        await world.until(lambda: bool(world.keeper.up))


@on_loop
async def test_an_alert_is_handed_over_and_not_answered() -> None:
    async with upstream() as world:
        _, peer = await world.bound()
        peer.send(encode(Command.ALERT_NOTIFICATION, 6, esme_addr=b"80888"))
        (batch,) = await world.called("alerted")
        assert [pdu.fields["esme_addr"] for pdu in batch] == [b"80888"]
        peer.send(header_only(Command.ENQUIRE_LINK, 0, 7))
        assert brief(await peer.expect(Command.ENQUIRE_LINK_RESP)) == [
            (Command.ENQUIRE_LINK_RESP, 0, 7)
        ]


@pytest.mark.parametrize(
    ("version", "command"), [(0x33, Command.SUBMIT_SM), (0x34, Command.DATA_SM)]
)
@on_loop
async def test_messages_by_data_sm_where_it_exists(version: int, command: Command) -> None:
    async with upstream(submit_with="data_sm", receipts="always") as world:
        peer = await world.peer()
        await peer.accept_bind(version)
        await world.until(lambda: bool(world.keeper.up))
        world.send(world.carrier.binds[0], 1)
        world.stage.durable()
        (pdu,) = await peer.expect(command)
        assert (pdu.fields["registered_delivery"], pdu.fields["esm_class"]) == (1, 0)
        text = pdu.tlv(Tag.MESSAGE_PAYLOAD)
        assert text == (b"hello" if command == Command.DATA_SM else None)
        peer.send(encode(command | RESPONSE, pdu.sequence_number, message_id=b"a"))
        (batch,) = await world.called("outcomes")
        assert batch == [(1, 1, 0, b"a")]


@on_loop
async def test_a_broadcast_and_its_answer() -> None:
    async with upstream(version=0x50) as world:
        peer = await world.peer()
        await peer.accept_bind(0x50)
        await world.until(lambda: bool(world.keeper.up))
        asked = next(v for v in VECTORS["good"] if v["id"] == "V39")
        (pdu,) = Decoder().feed(bytes.fromhex(asked["hex"]))
        world.carrier.binds[0].broadcast(1, 1, broadcast.kept(pdu))
        world.stage.durable()
        (sent,) = await peer.expect(Command.BROADCAST_SM)
        assert (sent.fields, sent.tlvs) == (pdu.fields, pdu.tlvs)
        peer.send(encode(Command.BROADCAST_SM_RESP, sent.sequence_number, message_id=b"a"))
        (batch,) = await world.called("outcomes")
        assert batch == [(1, 1, 0, b"a")]


@pytest.mark.parametrize(
    ("validity", "lives"),
    [
        (b"", None),
        (b"000000010000000R", 3_600),
        (b"260101003000000+", 1_800),
        # Over already: the carrier is to hear so, and zero means no limit to many.
        (b"251231235959000+", 1),
    ],
)
@on_loop
async def test_a_validity_goes_along_by_data_sm(validity: bytes, lives: int | None) -> None:
    async with upstream(submit_with="data_sm") as world:
        bind, peer = await world.bound()
        world.send(bind, 1, validity_period=validity)
        world.stage.durable()
        (pdu,) = await peer.expect(Command.DATA_SM)
        told = pdu.tlv(Tag.QOS_TIME_TO_LIVE)
        assert told == (None if lives is None else lives.to_bytes(4, "big"))


@on_loop
async def test_a_late_data_sm_resp_still_counts() -> None:
    async with upstream(submit_with="data_sm", response_timeout=5_000) as world:
        bind, peer = await world.bound()
        world.send(bind, 1)
        world.stage.durable()
        (pdu,) = await peer.expect(Command.DATA_SM)
        world.pass_time(6_500)
        await world.called("timed_out")
        peer.send(encode(Command.DATA_SM_RESP, pdu.sequence_number, message_id=b"a"))
        (batch,) = await world.called("outcomes")
        assert batch == [(1, 1, 0, b"a")]


#: What a carrier says of its version, and the rules that hold then.
@pytest.mark.parametrize(
    ("ours", "theirs", "agreed"),
    [
        (0x34, 0x34, 0x34),
        (0x34, 0x50, 0x34),
        (0x34, 0x33, 0x33),
        (0x34, 0x00, 0x33),
        (0x34, 0x35, 0x34),
        (0x34, 0xFF, 0x34),
        (0x34, None, 0x34),
        (0x50, 0x34, 0x34),
        (0x50, 0x4F, 0x34),
        (0x50, 0x51, 0x50),
        (0x33, 0x50, 0x33),
    ],
)
@on_loop
async def test_a_carriers_version(ours: int, theirs: int | None, agreed: int) -> None:
    async with upstream(version=ours) as world:
        peer = await world.peer()
        assert (await peer.accept_bind(theirs)).fields["interface_version"] == ours
        await world.until(lambda: bool(world.keeper.up))
        assert world.carrier.binds[0].version == agreed


# -- stopping --------------------------------------------------------------------------------------


@on_loop
async def test_stopping_lets_the_window_drain_then_unbinds() -> None:
    async with upstream() as world:
        bind, peer = await world.bound()
        world.send(bind, 1)
        world.stage.durable()
        (pdu,) = await peer.expect(SUBMIT)
        stopping = asyncio.create_task(world.carrier.stop())
        await world.until(lambda: world.carrier.stopping)
        assert bind.credit() == 0
        # Two round trips: an unbind that does not wait would have come by now.
        for sequence in (5, 6):
            peer.send(header_only(Command.ENQUIRE_LINK, 0, sequence))
            await peer.expect(Command.ENQUIRE_LINK_RESP)
        peer.send(encode(SUBMIT_RESP, pdu.sequence_number, message_id=b"a"))
        (unbind,) = await peer.expect(Command.UNBIND)
        peer.send(header_only(Command.UNBIND_RESP, 0, unbind.sequence_number))
        assert await peer.receive() is None
        await peer.close()
        await stopping
        assert world.keeper.called("outcomes") == [([(1, 1, 0, b"a")],)]
        assert world.keeper.called("carrier_down") == [([], [])]


@on_loop
async def test_stopping_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsc.carrier.DRAIN", 10)
    async with upstream(response_timeout=50) as world:
        bind, peer = await world.bound()
        world.send(bind, 1)
        world.stage.durable()
        await peer.expect(SUBMIT)
        await world.carrier.stop()
        assert world.keeper.called("carrier_down") == [([], [(1, 1)])]


@on_loop
async def test_stopping_while_not_bound() -> None:
    async with upstream() as world:
        peer = await world.peer()
        await peer.receive()
        await world.carrier.stop()
        assert await peer.receive() is None
        assert not world.keeper.calls


@on_loop
async def test_lines_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with upstream() as world:
            _, peer = await world.bound()
            peer.send(header_only(Command.UNBIND, 0, 1))
            await peer.expect(Command.UNBIND_RESP)
            await peer.close()
            await world.called("carrier_down")
    lines = [record.getMessage() for record in caplog.records]
    assert lines[:2] == ["= carrier bound", "= carrier closed: unbound"]
