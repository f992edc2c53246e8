"""outbind: asking a receiver to bind because mail waits for it (3.4 2.2.1, 5.0 2.3.2).

Owns when an account is called: only while mail waits and none of its receiving binds is up, once at
a time, and after a call in vain more and more slowly. The connection itself is a client's like any
other, but for who opened it: what is expected on it is a bind of that account.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final

from smsc.accounts import Accounts
from smsc.client import ClientConnection
from smsc.config import AccountConfig, OutbindConfig
from smsc.connection import printable, protocol
from smsc.listener import Listener
from smsc.throttle import backoff

log = logging.getLogger(__name__)

#: How long to wait from one call to the next, ms: a client that is not there is not worth more.
SOONEST: Final = 10_000
LATEST: Final = 600_000


class Call:
    """The calls to one account."""

    def __init__(self, listener: Listener, dice: Callable[[], float]) -> None:
        #: Whose client the account becomes.
        self.listener = listener
        self._dice = dice
        self.under_way = False
        self._vain = 0
        self._not_before = 0

    def consider(self, account: AccountConfig, outbind: OutbindConfig, now: int) -> None:
        """Call if there is a reason to, and not yet too often."""
        if self.under_way or now < self._not_before or not self._needed(account.system_id):
            return
        self.under_way = True
        self.listener.spawn(self._make(account.system_id, outbind))

    def _needed(self, system_id: bytes) -> bool:
        if not self.listener.keeper.waiting(system_id):
            return False
        known = self.listener.binds.accounts.get(system_id)
        return known is None or not any(bind.receives for bind in known.binds)

    async def _make(self, system_id: bytes, outbind: OutbindConfig) -> None:
        listener = self.listener
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(listener.timing.response / 1_000):
                await loop.create_connection(
                    lambda: protocol(OutboundConnection(self, system_id, outbind.password)),
                    outbind.host,
                    outbind.port,
                )
        except (OSError, TimeoutError) as error:
            log.info("= %s not reached by outbind: %s", printable(system_id), type(error).__name__)
            self.over(bound=False)

    def over(self, bound: bool) -> None:
        """A call has ended, with or without the account having bound."""
        self.under_way = False
        self._vain = 0 if bound else self._vain + 1
        pause = backoff(self._vain, SOONEST, LATEST, self._dice())
        self._not_before = self.listener.links.clock() + pause


class OutboundConnection(ClientConnection):
    """A client's connection that we opened."""

    __slots__ = ("_caller",)

    def __init__(self, call: Call, system_id: bytes, password: bytes) -> None:
        super().__init__(call.listener)
        self._caller = call
        self.expected = system_id
        self.summons = password

    def on_lost(self) -> None:
        super().on_lost()
        self._caller.over(bool(self.account))


class Outbinds:
    """All accounts that may be called. Call ``tick`` now and then."""

    def __init__(self, listener: Listener, dice: Callable[[], float] = random.random) -> None:
        self._listener = listener
        self._dice = dice
        self._seen: Accounts | None = None
        self._callable: list[tuple[Call, AccountConfig, OutbindConfig]] = []
        self._calls: dict[bytes, Call] = {}

    def tick(self, now: int) -> None:
        """Call whom there is a reason to call."""
        accounts = self._listener.authenticator.accounts
        if accounts is not self._seen:
            self._look_at(accounts)
        if not self._listener.stopping:
            for call, account, outbind in self._callable:
                call.consider(account, outbind, now)

    def _look_at(self, accounts: Accounts) -> None:
        self._seen = accounts
        self._callable = []
        for account in accounts:
            if account.config.outbind is not None:
                call = self._calls.setdefault(account.system_id, Call(self._listener, self._dice))
                self._callable.append((call, account.config, account.config.outbind))
