"""A session between our connection and a client that may do anything, in any order, at any time.

The client keeps its own account of what it asked and what it was asked. Whatever it sends, in
whatever pieces, however time passes: every request it made is answered at most once and, while the
connection lives, in the end exactly once; nothing comes that answers nothing; and no fault of ours
is met.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from targets import SEEDS

from smsc._pdu import Pdu, encode, header_only
from smsc.config import LimitsConfig, TimersConfig
from smsc.smpp import RESPONSE, Command
from tests.helpers import Edge, Wire, bind, deliver, submit

#: Requests that may come at any time, each under the sequence number it is given.
ASKED = {
    "submit": lambda sequence: submit(sequence),
    "bad submit": lambda sequence: submit(sequence, priority_flag=9),
    "empty submit": lambda sequence: header_only(Command.SUBMIT_SM, 0, sequence),
    "probe": lambda sequence: header_only(Command.ENQUIRE_LINK, 0, sequence),
    "unknown": lambda sequence: header_only(0x0A, 0, sequence),
    "query": lambda sequence: encode(Command.QUERY_SM, sequence, message_id=b"1"),
    "deliver": lambda sequence: deliver(sequence),
    "outbind": lambda sequence: header_only(Command.OUTBIND, 0, sequence),
    "bind": lambda sequence: bind(sequence=sequence),
    "data": lambda sequence: encode(
        Command.DATA_SM, sequence, 0, [(0x0424, b"x")], destination_addr=b"1"
    ),
}

#: What nobody need answer.
ODD = [
    header_only(Command.SUBMIT_SM_RESP, 0, 1),
    header_only(Command.DELIVER_SM_RESP, 0, 0x7FFFFFFF),
    header_only(Command.GENERIC_NACK, 3, 0),
    header_only(Command.UNBIND_RESP, 0, 1),
    header_only(Command.BIND_RECEIVER_RESP, 0, 1),
]

TIMERS = TimersConfig(inactivity=0)


class Pair(RuleBasedStateMachine):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.edge = Edge(LimitsConfig(timers=TIMERS), window=3)
        self.faults: list[logging.LogRecord] = []
        self.handler = logging.Handler(logging.ERROR)
        self.handler.emit = self.faults.append  # type: ignore[method-assign]
        logging.getLogger("smsc").addHandler(self.handler)
        self.sequence = 100
        #: Requests of ours that await an answer, by sequence number: the command.
        self.awaited: dict[int, int] = {}
        #: Deliveries to us, not answered yet.
        self.deliveries: list[int] = []
        self.mails = 0
        #: Whether garbage was sent: then what is awaited may have become part of it.
        self.lost = False
        #: An octet of the last request may still be on its way to the server.
        self.rest = b""

    @initialize(
        kind=st.sampled_from(["tx", "rx", "trx"]), version=st.sampled_from([0x33, 0x34, 0x50])
    )
    def bound(self, kind: str, version: int) -> None:
        self.wire: Wire = self.edge.bound(kind, version)
        self.receives = kind != "tx"

    # -- what the client does --------------------------------------------------------------------

    def send(self, octets: bytes, keep: int = 0) -> None:
        """Send this, but for the last ``keep`` octets, behind what was kept the last time."""
        whole = self.rest + octets
        end = len(whole) - min(keep, len(whole))
        self.rest = whole[end:]
        if whole[:end]:
            self.read(self.wire.send(whole[:end]))

    @rule(names=st.lists(st.sampled_from(sorted(ASKED)), max_size=8), keep=st.integers(0, 20))
    def ask(self, names: list[str], keep: int) -> None:
        octets = b""
        for name in names:
            self.sequence += 1
            request = ASKED[name](self.sequence)
            self.awaited[self.sequence] = int.from_bytes(request[4:8], "big")
            octets += request
        self.send(octets, keep)

    @rule(octets=st.sampled_from(ODD))
    def say_nonsense(self, octets: bytes) -> None:
        self.send(octets)

    @rule(octets=st.one_of(st.sampled_from(SEEDS), st.binary(max_size=64)))
    def send_garbage(self, octets: bytes) -> None:
        self.lost = True
        self.send(octets)

    @precondition(lambda self: self.deliveries)
    @rule(status=st.sampled_from([0, 0, 0x64, 0x65, 0x08, 0x0B, 0x4FF]), data=st.data())
    def answer(self, status: int, data: st.DataObject) -> None:
        sequence = data.draw(st.sampled_from(self.deliveries))
        self.deliveries.remove(sequence)
        self.send(header_only(Command.DELIVER_SM_RESP, status, sequence))

    @rule()
    def half_close(self) -> None:
        if self.wire.state == "open":
            self.wire.close()
            self.read(self.wire.received())

    @rule()
    def stop_reading(self) -> None:
        if self.wire.state == "open":
            self.wire.connection.pause_writing()

    @rule()
    def read_again(self) -> None:
        if self.wire.connection.session.timers.stalled is not None:
            self.wire.connection.resume_writing()
            self.read(self.wire.received())

    # -- what the server does --------------------------------------------------------------------

    @rule(count=st.integers(1, 3))
    def mail(self, count: int) -> None:
        for attached in self.edge.keeper.attached:
            for _ in range(min(count, attached.credit()) if self.receives else 0):
                self.mails += 1
                attached.deliver([self.mails], [deliver()])

    @rule()
    def durable(self) -> None:
        self.edge.stage.durable()
        self.read(self.wire.received())

    @rule(ms=st.sampled_from([100, 1_000, 6_000, 11_000, 31_000]))
    def pass_time(self, ms: int) -> None:
        self.edge.pass_time(ms, step=ms // 10)
        self.read(self.wire.received())

    @rule()
    def our_unbind(self) -> None:
        self.wire.connection.unbind()
        self.read(self.wire.received())

    # -- what must hold --------------------------------------------------------------------------

    def read(self, pdus: list[Pdu]) -> None:
        """Every PDU that comes is a request, or the answer to one of ours, for the first time."""
        for pdu in pdus:
            assert pdu.decode() == 0
            if pdu.command_id == Command.DELIVER_SM:
                self.deliveries.append(pdu.sequence_number)
            elif pdu.command_id & RESPONSE and not self.lost:
                command = self.awaited.pop(pdu.sequence_number)
                assert pdu.command_id in (command | RESPONSE, Command.GENERIC_NACK)

    @invariant()
    def no_fault(self) -> None:
        assert not self.faults, [record.getMessage() for record in self.faults]

    @invariant()
    def bounded(self) -> None:
        connection = self.wire.connection if hasattr(self, "wire") else None
        if connection is not None:
            assert connection.session.window.count <= connection.session.window_size
            decoder = connection._decoder
            assert decoder is None or decoder.buffered <= self.edge.listener.limits.max_pdu

    def teardown(self) -> None:
        """All that was asked is answered, unless the connection came to its end before."""
        try:
            self.finish()
        finally:
            logging.getLogger("smsc").removeHandler(self.handler)
            self.edge.close()

    def finish(self) -> None:
        if not hasattr(self, "wire"):
            return
        if self.wire.connection.session.timers.stalled is not None and self.wire.state == "open":
            self.wire.connection.resume_writing()
        for _ in range(4):
            self.send(b"")
            self.edge.stage.durable()
            self.read(self.wire.received())
        if self.wire.state == "open" and not self.lost and not self.wire.connection.ending:
            assert not self.awaited, self.awaited
        self.wire.close(abruptly=True)
        self.edge.stage.durable()
        assert not self.edge.keeper.attached and not self.edge.listener.clients
        assert self.edge.lobby.waiting == 0 and not len(self.edge.binds)
        self.no_fault()


#: Enough for a test run; `make fuzz` sets the profile that goes on.
Pair.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestPair: Any = Pair.TestCase


def test_a_stranger_may_say_anything() -> None:
    """Every seed, whole and cut in two, before a bind: an answer or an end, and no fault."""

    edge = Edge()

    async def main() -> None:
        for seed in SEEDS:
            wire = edge.connect()
            wire.send(seed[: len(seed) // 2])
            wire.send(seed[len(seed) // 2 :])
            while edge.listener._tasks:
                await asyncio.wait(edge.listener._tasks)
            edge.stage.durable()
            assert wire.connection.ending != "internal fault"
            wire.close(abruptly=True)

    asyncio.run(main())
    assert not edge.listener.clients and edge.lobby.waiting == 0
    edge.close()
