"""Calling a client: when there is a reason to, what it hears, and what it may do then."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import uvloop
from helpers import PASSWORD, SYSTEM_ID, Edge, bind, brief, deliver

from smsc._pdu import Decoder, Pdu, encode, header_only
from smsc.accounts import Accounts
from smsc.config import OutbindConfig
from smsc.outbind import LATEST, SOONEST, Outbinds
from smsc.smpp import Command, Status

#: Real seconds after which a test that waits for something is broken.
PATIENCE = 30


class Esme:
    """The client that is called: its end of the connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        self._decoder = Decoder()
        self._read: list[Pdu] = []

    async def receive(self) -> Pdu | None:
        while not self._read:
            data = await self._reader.read(65536)
            if not data:
                return None
            self._read = self._decoder.feed(data)
        return self._read.pop(0)

    async def ask(self, octets: bytes) -> Pdu | None:
        self.writer.write(octets)
        return await self.receive()


class World:
    """An edge that may call, and a port where calls arrive."""

    def __init__(self, edge: Edge, calls: asyncio.Queue[Esme], dice: float) -> None:
        self.edge = edge
        self.calls = calls
        self.outbinds = Outbinds(edge.listener, dice=lambda: dice)

    def tick(self, ms: int = 0) -> None:
        self.edge.pass_time(ms)
        self.outbinds.tick(self.edge.clock.now)

    async def settle(self) -> None:
        """Until nobody is on the way to anybody."""
        while self.edge.listener._tasks or self.edge.listener.clients:
            await asyncio.sleep(0)

    async def until(self, true: Callable[[], bool]) -> None:
        while not true():
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def world(dice: float = 0.0, **changes: Any) -> AsyncIterator[World]:
    calls: asyncio.Queue[Esme] = asyncio.Queue()
    esmes: list[Esme] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        esmes.append(Esme(reader, writer))
        await calls.put(esmes[-1])

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    outbind = OutbindConfig(host="127.0.0.1", port=port, password=b"smsc0001")
    edge = Edge(known=False, **{"outbind": outbind, **changes})
    edge.keeper.mails = 1
    try:
        async with asyncio.timeout(PATIENCE):
            yield World(edge, calls, dice)
    finally:
        for client in tuple(edge.listener.clients):
            client.cut("over")
        for esme in esmes:
            esme.writer.close()
        server.close()
        await asyncio.sleep(0)
        edge.close()


def on_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a coroutine test on uvloop."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        uvloop.run(test(*args, **kwargs))

    return run


@on_loop
async def test_a_receiver_is_called_binds_and_gets_its_mail() -> None:
    async with world() as w:
        w.tick()
        esme = await w.calls.get()
        call = await esme.receive()
        assert call is not None and call.command_id == Command.OUTBIND
        assert call.fields == {"system_id": b"smsc", "password": b"smsc0001"}
        answer = await esme.ask(bind("rx", 5))
        assert answer is not None
        assert brief([answer]) == [(Command.BIND_RECEIVER_RESP, 0, 5)]
        (client,) = w.edge.keeper.attached
        client.deliver([71], [deliver()])
        w.edge.stage.durable()
        mail = await esme.receive()
        assert mail is not None and mail.command_id == Command.DELIVER_SM
        esme.writer.write(header_only(Command.DELIVER_SM_RESP, 0, mail.sequence_number))
        await w.until(lambda: bool(w.edge.keeper.called("delivered")))
        # It is bound: nobody calls again.
        w.tick(SOONEST + 1_000)
        assert w.calls.empty() and len(w.edge.binds) == 1


@pytest.mark.parametrize("reason", ["no mail", "bound", "not allowed", "stopping"])
@on_loop
async def test_without_a_reason_nobody_is_called(reason: str) -> None:
    changes = {"outbind": None} if reason == "not allowed" else {}
    async with world(**changes) as w:
        await w.edge.authenticator.verify(SYSTEM_ID, PASSWORD, "192.0.2.7")
        if reason == "no mail":
            w.edge.keeper.mails = 0
        elif reason == "bound":
            w.edge.bound("rx")
        elif reason == "stopping":
            w.edge.listener.stopping = True
        w.tick()
        assert not w.edge.listener._tasks


@on_loop
async def test_a_transmitter_is_no_reason_to_wait() -> None:
    async with world() as w:
        await w.edge.authenticator.verify(SYSTEM_ID, PASSWORD, "192.0.2.7")
        w.edge.bound("tx")
        w.tick()
        await w.calls.get()


@on_loop
async def test_one_call_at_a_time_and_ever_slower_while_it_is_in_vain() -> None:
    async with world(dice=0.99) as w:
        pauses = []
        w.tick()
        for _ in range(4):
            esme = await w.calls.get()
            await esme.receive()
            await w.until(lambda: not w.edge.listener._tasks)
            w.tick(1_000)
            assert w.calls.empty() and not w.edge.listener._tasks
            esme.writer.close()
            await w.settle()
            began = w.edge.clock.now
            while not w.edge.listener._tasks:
                w.tick(1_000)
            pauses.append(w.edge.clock.now - began)
        assert pauses == sorted(pauses) and SOONEST <= pauses[0] < pauses[-1] <= LATEST


@on_loop
async def test_who_is_not_there_is_tried_again() -> None:
    nowhere = OutbindConfig(host="127.0.0.1", port=1)
    async with world(outbind=nowhere) as w:
        for _ in range(2):
            w.tick()
            assert len(w.edge.listener._tasks) == 1
            await w.settle()
            w.tick(1_000)
            assert not w.edge.listener._tasks
            w.edge.clock.now += LATEST


@pytest.mark.parametrize(
    ("request_", "command", "status"),
    [
        (bind("trx", 5), Command.BIND_TRANSCEIVER_RESP, 0),
        (bind("rx", 5, password=b"wrong"), Command.BIND_RECEIVER_RESP, Status.ESME_RBINDFAIL),
        (
            bind("rx", 5, system_id=b"esme02"),
            Command.BIND_RECEIVER_RESP,
            Status.ESME_RBINDFAIL,
        ),
        (header_only(Command.ENQUIRE_LINK, 0, 5), Command.ENQUIRE_LINK_RESP, 0),
        (encode(Command.SUBMIT_SM, 5), Command.SUBMIT_SM_RESP, Status.ESME_RINVBNDSTS),
        (header_only(Command.UNBIND, 0, 5), Command.UNBIND_RESP, Status.ESME_RINVBNDSTS),
    ],
)
@on_loop
async def test_what_the_called_may_do(request_: bytes, command: int, status: int) -> None:
    async with world() as w:
        # Another account, which is good for itself and was not called.
        account = w.edge.authenticator.accounts[0].config
        other = type(account)(system_id=b"esme02", password_hash=account.password_hash)
        w.edge.authenticator.accounts = Accounts([account, other])
        w.tick()
        esme = await w.calls.get()
        await esme.receive()
        answer = await esme.ask(request_)
        assert answer is not None
        assert brief([answer]) == [(command, status, 5)]


@on_loop
async def test_who_does_not_bind_is_hung_up_on() -> None:
    async with world() as w:
        w.tick()
        esme = await w.calls.get()
        await esme.receive()
        esme.writer.write(header_only(Command.GENERIC_NACK, 3, 1))
        w.edge.pass_time(11_000)
        assert await esme.receive() is None


@on_loop
async def test_accounts_that_come_are_called_too() -> None:
    async with world() as w:
        account = w.edge.authenticator.accounts[0].config
        w.edge.authenticator.accounts = Accounts([])
        w.tick()
        assert not w.edge.listener._tasks
        w.edge.authenticator.accounts = Accounts([account])
        w.tick()
        await w.calls.get()
