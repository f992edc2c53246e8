"""What several tests of the session layer share: a clock, a transport, a stage, a keeper, a peer.

None of it stands in for a module of ours: the transport is asyncio's port, the stage and the keeper
are implementations of ``links.Committing`` and ``ports.Keeper`` that hold everything in memory
and do only what the test says.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import argon2

from smsc._pdu import Decoder, Message, Pdu, encode
from smsc.accounts import Accounts, Authenticator
from smsc.binds import Binds, Lobby
from smsc.broadcast import View
from smsc.client import ClientConnection
from smsc.config import AccountConfig, LimitsConfig, ListenerConfig
from smsc.connection import Connection
from smsc.links import Links
from smsc.listener import Listener
from smsc.ports import EdgeBind, RelayBind, Sink, Standing
from smsc.smpp import Command, Status

VECTORS = json.loads((Path(__file__).parent / "vectors" / "pdus.json").read_text())

#: The time of day in these tests: 2026-01-01, so that the vectors' times lie in the future.
TODAY = 1_767_225_600_000

#: Any message id of ours that the keeper gives first.
FIRST_ID = 0x1A2B3C

SYSTEM_ID = b"esme01"
PASSWORD = b"pa55word"
ADDRESS = "192.0.2.7"

#: One bind of every kind, by its name in the configuration.
BIND_COMMANDS = {
    "tx": Command.BIND_TRANSMITTER,
    "rx": Command.BIND_RECEIVER,
    "trx": Command.BIND_TRANSCEIVER,
}


class Clock:
    """Milliseconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


class Stage:
    """What a commit promises, in memory: staged octets leave when ``durable`` is called."""

    def __init__(self) -> None:
        self.congested = False
        self._staged: dict[Sink[bytes], list[bytes]] = {}
        self._relief: list[Callable[[], None]] = []

    def stage(self, sink: Sink[bytes], octets: bytes, /) -> None:
        self._staged.setdefault(sink, []).append(octets)

    def stage_all(self, sink: Sink[bytes], items: list[bytes], /) -> None:
        if items:
            self._staged.setdefault(sink, []).extend(items)

    def on_relief(self, call: Callable[[], None], /) -> None:
        self._relief.append(call)

    def durable(self) -> None:
        staged, self._staged = self._staged, {}
        for sink, octets in staged.items():
            sink.release(octets)

    def relieve(self) -> None:
        self.congested = False
        relief, self._relief = self._relief, []
        for call in relief:
            call()


class RecordingKeeper:
    """``ports.Keeper``: remembers every call, and answers as its attributes say."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.attached: list[EdgeBind] = []
        self.up: list[RelayBind] = []
        #: What submits and inbound messages are refused with; 0 takes them.
        self.refusal = 0
        #: What a query is told; no message is known at first.
        self.standing: Standing | int = Status.ESME_RINVMSGID
        self._next = FIRST_ID
        self.submitted: list[Message] = []
        self.received: list[Message] = []
        self.broadcasting = True
        #: What every query of a broadcast finds.
        self.view: View | None = None
        #: How many mails wait for every account.
        self.mails = 0
        #: Called in ``submit``, for faults.
        self.fault: Exception | None = None

    def attach(self, bind: EdgeBind) -> None:
        self.attached.append(bind)

    def detach(self, bind: EdgeBind) -> None:
        self.attached.remove(bind)

    def submit(self, bind: EdgeBind, batch: Sequence[Message]) -> list[int]:
        if self.fault is not None:
            raise self.fault
        self.calls.append(("submit", len(batch)))
        if self.refusal:
            return [-self.refusal] * len(batch)
        self.submitted += batch
        first, self._next = self._next, self._next + len(batch)
        return list(range(first, self._next))

    def broadcast(self, bind: EdgeBind, pdu: Pdu) -> int:
        self.calls.append(("broadcast", pdu))
        self._next += 1
        return -self.refusal or self._next - 1

    def query_broadcast(self, bind: EdgeBind, pdu: Pdu) -> View | None:
        self.calls.append(("query_broadcast", pdu))
        return self.view

    def cancel_broadcast(self, bind: EdgeBind, pdu: Pdu) -> int:
        self.calls.append(("cancel_broadcast", pdu))
        return self.refusal

    def waiting(self, account: bytes) -> int:
        return self.mails

    def submit_multi(self, bind: EdgeBind, members: Sequence[Message]) -> list[int]:
        return self.submit(bind, members)

    def query(self, bind: EdgeBind, request: Pdu) -> Standing | int:
        self.calls.append(("query", request))
        return self.refusal or self.standing

    def cancel(self, bind: EdgeBind, request: Pdu) -> int:
        self.calls.append(("cancel", request))
        return self.refusal

    def replace(self, bind: EdgeBind, request: Pdu) -> int:
        self.calls.append(("replace", request))
        return self.refusal

    def delivered(self, bind: EdgeBind, batch: Sequence[tuple[int, int]]) -> None:
        self.calls.append(("delivered", list(batch)))

    def deliverable(self, bind: EdgeBind) -> None:
        self.calls.append(("deliverable",))

    def carrier_up(self, bind: RelayBind) -> None:
        self.up.append(bind)

    def carrier_down(
        self,
        bind: RelayBind,
        unsent: Sequence[tuple[int, int]],
        unanswered: Sequence[tuple[int, int]],
    ) -> None:
        self.up.remove(bind)
        self.calls.append(("carrier_down", list(unsent), list(unanswered)))

    def outcomes(self, bind: RelayBind, batch: Sequence[tuple[int, int, int, bytes]]) -> None:
        self.calls.append(("outcomes", list(batch)))

    def timed_out(self, bind: RelayBind, batch: Sequence[tuple[int, int]]) -> None:
        self.calls.append(("timed_out", list(batch)))

    def inbound(self, bind: RelayBind, batch: Sequence[Message]) -> list[int]:
        self.calls.append(("inbound", len(batch)))
        if not self.refusal:
            self.received += batch
        return [self.refusal] * len(batch)

    def alerted(self, bind: RelayBind, batch: Sequence[Pdu]) -> None:
        self.calls.append(("alerted", list(batch)))

    def sendable(self, bind: RelayBind) -> None:
        self.calls.append(("sendable",))

    def called(self, name: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]


class FakeTransport(asyncio.Transport):
    """A TCP transport without a network: octets go nowhere, and the peer reads when told to."""

    def __init__(self, address: str = ADDRESS) -> None:
        super().__init__()
        self.address = address
        #: Each write, as it was made.
        self.writes: list[bytes] = []
        self.reading = True
        self.half_closed = False
        self.closed = False
        self.aborted = False
        self.limits: tuple[int | None, int | None] = (None, None)
        #: Octets that the peer has not taken yet.
        self.unsent = 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return (self.address, 40_000) if name == "peername" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.limits = (high, low)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: Any) -> None:
        assert not self.half_closed, "written after the half-close"
        if not self.closed:
            self.writes.append(bytes(data))

    def write_eof(self) -> None:
        self.half_closed = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def pause_reading(self) -> None:
        assert self.reading, "paused twice"
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading, "resumed twice"
        self.reading = True


class Wire:
    """The peer's end of one connection over a ``FakeTransport``.

    ``soon`` is what the loop calls in its next turn; without it no turn ends here.
    """

    def __init__(
        self,
        connection: Connection[Any],
        address: str = ADDRESS,
        soon: list[Callable[[], None]] | None = None,
    ) -> None:
        self.connection = connection
        self._soon = [] if soon is None else soon
        self.transport = FakeTransport(address)
        self._decoder = Decoder()
        self._read = 0
        self._waiting = b""
        self._lost = False
        connection.connection_made(self.transport)
        self.pump()

    def send(self, *pdus: bytes) -> list[Pdu]:
        """One TCP segment with these octets; what comes back at once."""
        self._waiting += b"".join(pdus)
        return self.received()

    def exchange(self, octets: bytes) -> bytes:
        """As ``send``, but the answer as it is."""
        self._waiting += octets
        return self.octets()

    def pump(self) -> None:
        """Let asyncio do what it would do next."""
        while self._waiting and self.transport.reading and not self.transport.closed:
            data, self._waiting = self._waiting, b""
            self.connection.data_received(data)
            while self._soon:
                self._soon.pop(0)()
        if self.transport.closed and not self._lost:
            self._lost = True
            self.connection.connection_lost(None)

    def received(self) -> list[Pdu]:
        """Everything that arrived since the last time, as PDUs."""
        self.pump()
        writes, self._read = self.transport.writes[self._read :], len(self.transport.writes)
        return self._decoder.feed(b"".join(writes))

    def octets(self) -> bytes:
        """Everything that arrived since the last time, as it is."""
        self.pump()
        writes, self._read = self.transport.writes[self._read :], len(self.transport.writes)
        return b"".join(writes)

    def close(self, *, abruptly: bool = False) -> None:
        """Half-close as ``shutdown`` does, or reset."""
        if abruptly:
            self._lost = True
            self.transport.closed = True
            self.connection.connection_lost(ConnectionResetError())
        elif not self.connection.eof_received():
            self.transport.close()
        self.pump()

    @property
    def state(self) -> str:
        """``open``, ``ending`` (half-closed by us) or ``closed``."""
        if self.transport.closed:
            return "closed"
        return "ending" if self.transport.half_closed else "open"


@functools.cache
def _password_hash() -> str:
    """As cheap as Argon2id can be; what it costs is a test of ``accounts``."""
    return argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def account(**changes: Any) -> AccountConfig:
    """The account that the tests bind as."""
    values = {
        "system_id": SYSTEM_ID,
        "password_hash": _password_hash(),
        "rate": float("inf"),
        "burst": float("inf"),
        **changes,
    }
    return AccountConfig(**values)


class Edge:
    """A listener with everything behind it, but no socket."""

    def __init__(
        self,
        limits: LimitsConfig | None = None,
        *,
        known: bool = True,
        listener: dict[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        self.clock = Clock()
        self.stage = Stage()
        self.keeper = RecordingKeeper()
        self.soon: list[Callable[[], None]] = []
        self.links = Links(self.stage, self.clock, self.soon.append)
        self.authenticator = Authenticator(Accounts([account(**changes)]))
        limits = limits or LimitsConfig()
        self.lobby = Lobby(limits.max_unbound, limits.max_unbound_per_address)
        self.binds: Binds[ClientConnection] = Binds()
        self.listener = Listener(
            ListenerConfig(name="test", port=0, **(listener or {})),
            limits,
            system_id=b"smsc",
            authenticator=self.authenticator,
            keeper=self.keeper,
            links=self.links,
            lobby=self.lobby,
            binds=self.binds,
            now=lambda: TODAY,
        )
        if known:
            # The client has bound before: its next bind is decided without a thread.
            asyncio.run(self.authenticator.verify(SYSTEM_ID, PASSWORD, ADDRESS))

    def connect(self, address: str = ADDRESS) -> Wire:
        """A client that has not bound."""
        return Wire(ClientConnection(self.listener), address, self.soon)

    def bound(self, kind: str = "trx", version: int = 0x34) -> Wire:
        """A client that has."""
        wire = self.connect()
        (answer,) = wire.send(bind(kind, version=version))
        assert answer.command_status == Status.ESME_ROK
        return wire

    def close(self) -> None:
        """Let go of the threads."""
        self.authenticator.close()

    def pass_time(self, ms: int, step: int = 100) -> None:
        """Let the clock run, ticking as the process would."""
        for _ in range(ms // step):
            self.clock.now += step
            self.links.tick()


def bind(
    kind: str = "trx",
    sequence: int = 1,
    system_id: bytes = SYSTEM_ID,
    password: bytes = PASSWORD,
    version: int = 0x34,
) -> bytes:
    return encode(
        BIND_COMMANDS[kind],
        sequence,
        system_id=system_id,
        password=password,
        interface_version=version,
    )


def submit(sequence: int = 2, text: bytes = b"hello", **changes: Any) -> bytes:
    return encode(Command.SUBMIT_SM, sequence, **{**_ADDRESSES, "short_message": text, **changes})


def deliver(sequence: int = 0, text: bytes = b"hello", **changes: Any) -> bytes:
    return encode(Command.DELIVER_SM, sequence, **{**_ADDRESSES, "short_message": text, **changes})


_ADDRESSES = {
    "source_addr_ton": 1,
    "source_addr_npi": 1,
    "source_addr": b"447700900001",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": b"447700900123",
}


def brief(pdus: Sequence[Pdu]) -> list[tuple[int, int, int]]:
    """(command_id, command_status, sequence_number) of each."""
    return [(pdu.command_id, pdu.command_status, pdu.sequence_number) for pdu in pdus]
