"""The address that clients come to: where they are let in, and at the end sent home.

Owns who is connected here. What a client says and hears is its session's (``client``).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Container, Coroutine
from typing import Any

from smsc.accounts import Authenticator
from smsc.binds import Binds, Lobby
from smsc.client import ClientConnection
from smsc.config import LimitsConfig, ListenerConfig, TimersConfig
from smsc.connection import DRAIN, protocol
from smsc.links import Counters, Links
from smsc.ports import Keeper
from smsc.session import Timing

log = logging.getLogger(__name__)

#: Connections that the kernel may hold until they are accepted: a big client's whole reconnect.
BACKLOG = 1_024


def timing(timers: TimersConfig) -> Timing:
    """The configured timers as a session takes them."""
    return Timing(
        session_init=timers.session_init,
        enquire_link=timers.enquire_link,
        inactivity=timers.inactivity,
        response=timers.response,
        pdu_read=timers.pdu_read,
        write_stall=timers.write_stall,
    )


class Listener:
    """One address that clients connect to. Listeners of a process share lobby, binds and links."""

    def __init__(
        self,
        config: ListenerConfig,
        limits: LimitsConfig,
        *,
        system_id: bytes,
        authenticator: Authenticator,
        keeper: Keeper,
        links: Links,
        lobby: Lobby,
        binds: Binds[ClientConnection],
        now: Callable[[], int],
        predefined: Container[int] = (),
    ) -> None:
        self.config = config
        self.limits = limits
        #: Ours, in the answers to binds.
        self.system_id = system_id
        self.authenticator = authenticator
        self.keeper = keeper
        self.links = links
        self.lobby = lobby
        self.binds = binds
        #: The time of day, ms since the epoch, UTC.
        self.now = now
        #: The predefined messages there are, by their numbers.
        self.predefined = predefined
        self.timing = timing(limits.timers)
        self.counters = Counters()
        #: Every connection of this listener, bound or not.
        self.clients: set[ClientConnection] = set()
        self.stopping = False
        self._empty = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on, also where the configuration leaves it to the system."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen. Raises OSError if the address can't be had."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: protocol(ClientConnection(self)),
            self.config.host,
            self.config.port,
            backlog=BACKLOG,
        )
        log.info("listening on %s port %d", self.config.host, self.port)

    async def stop(self) -> None:
        """Accept no one, unbind everyone, and return when all are gone or a response time passed.

        What was acknowledged is durable already; what was delivered unanswered waits in the
        mailbox again.
        """
        self.stopping = True
        if self._server is not None:
            self._server.close()
        for client in tuple(self.clients):
            client.unbind()
        patience = (self.timing.response + DRAIN) / 1_000
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self.clients:
                    self._empty.clear()
                    await self._empty.wait()
        for client in tuple(self.clients):
            client.cut("shutting down")
        for task in tuple(self._tasks):
            task.cancel()

    def gone(self, client: ClientConnection) -> None:
        """A connection has closed."""
        self.clients.discard(client)
        self._empty.set()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run what a bind waits for."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
