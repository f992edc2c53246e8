"""All connections of the process together: one ticker, relief for all, the end of all.

A connection is here a ``Link``, of which no more is known than what it must be told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Protocol

from smsc.ports import Sink
from smsc.turns import Turns

#: A pause or a standstill of ours that is longer, ms, is not held against the peer.
FORGIVEN = 1_000

#: Every connection is looked at this often, ms; each look takes one of ``SLOTS`` parts of them,
#: so that ten thousand connections cause no long turn of the loop.
TICK = 1_000
SLOTS = 10


class Link(Protocol):
    """A live connection."""

    def tick(self, now: int, /) -> None:
        """See what is due."""

    def forgive(self, now: int, /) -> None:
        """The process stood still: hold nothing of the time before ``now`` against the peer."""

    def relieve(self) -> None:
        """The log has caught up: read again."""

    def cut(self, reason: str, /) -> None:
        """End without another octet."""


class Committing(Protocol):
    """What a connection needs of ``commit.Commit``."""

    congested: bool

    def stage(self, sink: Sink[bytes], octets: bytes, /) -> None:
        """Release ``octets`` to ``sink`` once all that was appended so far is durable."""

    def stage_all(self, sink: Sink[bytes], items: list[bytes], /) -> None:
        """``stage`` for several at once, in order; the list is the caller's no more."""

    def on_relief(self, call: Callable[[], None], /) -> None:
        """Call once when ``congested`` has become false."""


class Counters:
    """What a listener or a carrier has seen, over all its connections, ever. For metrics."""

    __slots__ = ("bad", "broken", "pdus_in", "pdus_out", "refused", "throttled", "unmatched")

    def __init__(self) -> None:
        self.pdus_in = 0
        self.pdus_out = 0
        #: Requests refused, by command_status.
        self.refused: dict[int, int] = {}
        #: PDUs whose body could not be decoded.
        self.bad = 0
        #: Streams given up because their framing was lost.
        self.broken = 0
        self.throttled = 0
        #: Responses that matched nothing.
        self.unmatched = 0


class Links:
    """All live connections of the process: one ticker for all, relief for all, the end of all.

    ``clock`` gives ms that never run back; it is not the time of day, so that a wrong wall clock
    expires nothing.
    """

    def __init__(
        self,
        commit: Committing,
        clock: Callable[[], int],
        soon: Callable[[Callable[[], None]], object],
    ) -> None:
        self.commit = commit
        self.clock = clock
        self.turns = Turns(soon, self.look)
        self._slots: list[set[Link]] = [set() for _ in range(SLOTS)]
        self._slot = 0
        #: The clock as last looked at: at every read and every tick.
        self.now = self._ticked = clock()
        self._timer: asyncio.TimerHandle | None = None
        #: congestion_state, as the process last found it.
        self.load = 0
        self._congested: set[Link] = set()

    def __iter__(self) -> Iterator[Link]:
        return (connection for slot in self._slots for connection in slot)

    def __len__(self) -> int:
        return sum(map(len, self._slots))

    def add(self, connection: Link) -> None:
        """Tick it from now on."""
        min(self._slots, key=len).add(connection)

    def discard(self, connection: Link) -> None:
        """It is gone."""
        for slot in self._slots:
            slot.discard(connection)
        self._congested.discard(connection)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tick by this loop until ``stop``."""
        self.tick()
        self._timer = loop.call_later(TICK / SLOTS / 1_000, self.start, loop)

    def stop(self) -> None:
        """Tick no more."""
        if self._timer is not None:
            self._timer.cancel()

    def look(self) -> int:
        """Look at the clock; ``now`` is what it says until the next look, a turn of the loop."""
        self.now = self.clock()
        return self.now

    def tick(self) -> None:
        """Look after the connections whose turn it is."""
        now = self.look()
        if now - self._ticked > TICK / SLOTS + FORGIVEN:
            # The process stood still; what peers sent meanwhile is still in the socket buffers.
            for slot in self._slots:
                for connection in slot:
                    connection.forgive(now)
        self._ticked = now
        self._slot = (self._slot + 1) % SLOTS
        for connection in tuple(self._slots[self._slot]):
            connection.tick(now)

    def await_relief(self, connection: Link) -> None:
        """Have it read again when the log has caught up."""
        if not self._congested:
            self.commit.on_relief(self._relieve)
        self._congested.add(connection)

    def _relieve(self) -> None:
        relieved, self._congested = self._congested, set()
        for connection in relieved:
            connection.relieve()

    def abort(self) -> None:
        """Cut every connection without another octet: nobody knows what became of what."""
        for slot in self._slots:
            for connection in tuple(slot):
                connection.cut("storage failed")
