"""The composition root: builds the process from its configuration, starts it, stops it, in order.

The only module that knows every concrete class. ``start`` and ``stop`` read as checklists.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from smsc import carriers, holding
from smsc.accounts import Accounts, Authenticator
from smsc.binds import Binds, Lobby
from smsc.carrier import Carrier
from smsc.checkpointing import Checkpointing
from smsc.claims import Claims
from smsc.client import ClientConnection
from smsc.commit import CONGESTED, IDLE, Clock, Commit
from smsc.config import AccountConfig, Config
from smsc.control import Asked, Control
from smsc.core import Core
from smsc.errors import StorageError
from smsc.housekeeping import Housekeeping
from smsc.journal import Journal
from smsc.keys import Keyring, keyring
from smsc.links import Links
from smsc.listener import Listener
from smsc.months import mend
from smsc.ops import Ops
from smsc.outbind import Outbinds
from smsc.periods import Calendar
from smsc.ports import Log
from smsc.retention import CONTENT, TRAFFIC, Name
from smsc.sealing import SealedJournal
from smsc.throttle import congestion_state
from smsc.traffic import DAY, Traffic, periods
from smsc.unfinished import Unfinished
from smsc.watchdog import Watchdog

if TYPE_CHECKING:
    from smsc.db.watch import Watch
    from smsc.lookup import Lookup

log = logging.getLogger("smsc")

J = TypeVar("J", bound=Journal)

#: How often what is due is looked at, seconds.
TICK = 0.1

#: How long a thread may go on while the loop waits for the interpreter, seconds. The loop gives it
#: up at every system call, so that one message may wait for it several times while accounts are
#: read or the log is swept: with Python's own 5 ms it took 40 ms.
TURN = 0.0005

#: How often a month that begins within a day is looked for, seconds.
KEEP_PERIODS = 600.0


def steady_ms() -> int:
    """Milliseconds that never run back; for what is measured within this run."""
    return time.monotonic_ns() // 1_000_000


@asynccontextmanager
async def resting(config: Config) -> AsyncIterator[App]:
    """A server that does not run: recovered, asked, and put away again. Nobody is connected."""
    app = App(config)
    try:
        await app.recover()
        yield app
        await app.commit.drain()
    finally:
        if app.watch is not None:
            await app.watch.stop()
        app.close()


def settle_memory() -> None:
    """Spare the garbage collector what lives as long as the process, and most of its rounds.

    The message path makes no cycles; what it makes is freed by counting. A full round would walk
    every message at hand and stop the loop for it. A round over the youngest takes a millisecond
    for ten thousand of them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 1_000, 100)


class App:
    """One server process. ``failed`` is set when the log is dead and the process must end."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.loop = asyncio.get_running_loop()
        self.failed: asyncio.Future[StorageError] = self.loop.create_future()
        self.clock = Clock()
        self.watch = self._watch_database()
        self.accounts = self.watch.first() if self.watch else Accounts(config.accounts)
        #: All of them, also those that are blocked.
        self._known = self.accounts
        self.authenticator = Authenticator(self.accounts)
        storage = config.storage
        sealed = self._open_log(Path(storage.directory), storage.segment, SealedJournal)
        self.log: Journal = sealed
        self.keys = self._open_keys()
        sealed.seal_with(self.keys)
        self.commit = Commit(self.log, self.loop, self.clock, self._on_failure)
        self.traffic = self._open_traffic()
        self.lookup = self._make_lookup()
        self.core = Core(config, self.accounts, self.log, self.commit, self.traffic, self.lookup)
        self.links = Links(self.commit, steady_ms, self.loop.call_soon)
        self.lobby = Lobby(config.limits.max_unbound, config.limits.max_unbound_per_address)
        self.binds: Binds[ClientConnection] = Binds()
        self.listeners = [
            Listener(
                listener,
                config.limits,
                system_id=config.system_id,
                authenticator=self.authenticator,
                keeper=self.core,
                links=self.links,
                lobby=self.lobby,
                binds=self.binds,
                now=self.clock,
                predefined=config.predefined_messages,
            )
            for listener in config.listeners
        ]
        self.carriers = [
            Carrier(carrier, config.limits, keeper=self.core, links=self.links, now=self.clock)
            for carrier in config.carriers
        ]
        self.outbinds = Outbinds(self.listeners[0])
        self.ops = Ops(self)
        self.control = Control(config.control)
        carriers.register(self.control, self)
        holding.register(self.control, self.keys)
        self.control.add("POST", "/accounts", self._look_again)
        self.control.add("GET", "/purses/{customer}", self._purse)
        self.unfinished = Unfinished(self, self.control)
        self.claims = Claims(self, self.control)
        self.housekeeping = Housekeeping(self, self.control)
        self.checkpointing = Checkpointing(self)
        self.watchdog = Watchdog(self)
        self._ticker: asyncio.TimerHandle | None = None
        self._keeper: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None
        self._quiet_since = self.loop.time()
        self._frames = 0
        self._warned = False
        #: When ``start`` was done, and how long recovery took, ms.
        self.ready_at = 0
        self.recovery_ms = 0

    # -- building ----------------------------------------------------------------------------

    def _watch_database(self) -> Watch | None:
        config = self.config.database
        if not config.url:
            return None
        from smsc.db.database import Database  # loaded by those who have one
        from smsc.db.kept import Kept
        from smsc.db.watch import Watch

        kept = Kept(Path(config.snapshot))
        return Watch(Database.of(config), kept, self.config.accounts, self.clock)

    def _open_log(self, directory: Path, segment: int, kind: type[J]) -> J:
        return kind(
            directory,
            segment_octets=segment,
            force_filesystem=self.config.storage.force_filesystem,
        )

    def _open_keys(self) -> Keyring:
        keys = keyring(self.config)
        if keys.interrupted:
            log.warning("%d keys were destroyed that a crash had spared", len(keys.interrupted))
        if keys.revived:
            log.error(
                "%d keys were back that had been destroyed: %s was restored from an older copy. "
                "They are destroyed again; what else was restored with them is to be looked at",
                len(keys.revived),
                self.config.keys.directory,
            )
        return keys

    def _open_traffic(self) -> Traffic:
        directory = Path(self.config.traffic.directory)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        mend(directory)
        calendar = self.accounts.calendar
        return Traffic(self._open_period, periods(directory), self.keys, self.clock, calendar)

    def _make_lookup(self) -> Lookup | None:
        config = self.config.lookup
        if config is None:
            return None
        from smsc.lookup import HttpDirectory, Lookup  # loaded by those who look numbers up

        return Lookup(config, HttpDirectory(config), steady_ms)

    def _open_period(self, period: str) -> Log:
        directory = Path(self.config.traffic.directory)
        return self._open_log(directory / period, self.config.traffic.segment, Journal)

    # -- life --------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Rebuild the state from the log, and give the traffic log what a crash kept from it."""
        began = steady_ms()
        self.core.recover()
        self.claims.enforce()
        await self.commit.drain()
        self.recovery_ms = steady_ms() - began
        self._log_recovery()
        await self._open_missing_period()

    async def start(self) -> None:
        """Recover, then open the doors: carriers first, so that the first message finds a way."""
        await self.recover()
        self.links.start(self.loop)
        self._tick()
        if self.failed.done():
            raise self.failed.result()
        self._keep_periods()
        await self.ops.start()
        self.control.start()
        for carrier in self.carriers:
            carrier.start()
        for listener in self.listeners:
            await listener.start()
        settle_memory()
        sys.setswitchinterval(TURN)
        self.ready_at = steady_ms()
        if self.watch is not None:
            self.watch.start(self._adopt)
        self.housekeeping.start()
        self.checkpointing.start()
        self.watchdog.ready()
        log.info("ready")

    def ports(self) -> dict[str, int]:
        """What is listened on: per listener by its name, and ``metrics``."""
        ports = {listener.config.name: listener.port for listener in self.listeners}
        return ports | {"metrics": self.ops.port}

    def _log_recovery(self) -> None:
        state = self.core.state
        log.info(
            "epoch %d: %d messages owed, %d mails waiting, recovered in %d ms from %s%d octets",
            self.log.epoch,
            len(state.spool),
            len(state.mailboxes),
            self.recovery_ms,
            "a checkpoint and " if self.log.recovered.from_checkpoint else "",
            self.log.recovered.octets,
        )
        if self.log.doubted:
            log.warning("the checkpoint was not used: %s", self.log.doubted)
        for path, octets in self.log.recovered.torn.items():
            log.warning("cut a torn tail of %d octets, kept in %s", octets, path)

    async def stop(self) -> None:
        """Accept nothing new, let windows drain, make all durable, leave."""
        self.watchdog.stopping()
        if self.watch is not None:
            await self.watch.stop()
        await asyncio.gather(*(listener.stop() for listener in self.listeners))
        await asyncio.gather(*(carrier.stop() for carrier in self.carriers))
        if self.lookup is not None:
            await self.lookup.close()
        await self.commit.drain()
        for timer in (self._ticker, self._keeper):
            if timer is not None:
                timer.cancel()
        if self._opening is not None:
            await self._opening
        self.links.stop()
        await self.checkpointing.stop()
        await asyncio.gather(self.ops.stop(), self.control.stop(), self.housekeeping.stop())
        self.close()

    def close(self) -> None:
        """Make what is written durable, and let go of all that is open."""
        self.authenticator.close()
        self.commit.close()
        self.traffic.close()
        self.log.close()
        self.keys.close()

    # -- accounts ----------------------------------------------------------------------------

    def _adopt(self, accounts: Accounts) -> None:
        """Work with these accounts from now on, and see out those that may bind no more."""
        self._known = accounts
        accounts = accounts.without(self.claims.blocked)
        self.accounts = self.authenticator.accounts = accounts
        self.traffic.calendar = accounts.calendar
        self.core.adopt(accounts)
        for client in self.binds.renew(self._limits, steady_ms()):
            client.unbind()
        log.info("%d accounts", len(accounts))

    def renew_accounts(self) -> None:
        """Other customers are blocked than before."""
        self._adopt(self._known)

    def _limits(self, system_id: bytes) -> AccountConfig | None:
        account = self.accounts.bindable(system_id)
        return None if account is None else account.config

    async def _look_again(self, asked: Asked) -> None:
        """The database was changed by somebody who does not want to wait for the next look."""
        self.look_again()

    def look_again(self) -> None:
        """See what was changed in the database at once."""
        if self.watch is not None:
            self.watch.poke()

    async def _purse(self, asked: Asked) -> dict[str, int]:
        """What a customer has spent, for those who pay ahead or have a cap."""
        return self.core.state.purses.get(asked.path["customer"].encode())._asdict()

    @property
    def accounts_age(self) -> float:
        """Since the accounts were last known to be those of the database, seconds; 0 without."""
        return (self.clock() - self.watch.seen) / 1_000 if self.watch is not None else 0.0

    @property
    def database_away(self) -> bool:
        """Whether they may be others by now, since the database can't be asked."""
        return self.watch is not None and self.watch.away

    # -- what time brings --------------------------------------------------------------------

    def _tick(self) -> None:
        self._ticker = self.loop.call_later(TICK, self._tick)
        if self.failed.done():
            return
        self.links.look()
        try:
            self.core.tick()
            self.traffic.sync()
            self._seal_when_idle()
            self._heed_disk()
            self.outbinds.tick(self.links.now)
        except StorageError as error:
            self._on_failure(error)

    def _keep_periods(self) -> None:
        """Have each month's traffic log made before its first message, off the loop."""
        self._keeper = self.loop.call_later(KEEP_PERIODS, self._keep_periods)
        if self._opening is None or self._opening.done():
            self._opening = self.loop.create_task(self._open_missing_period())

    async def _open_missing_period(self) -> None:
        try:
            await asyncio.to_thread(self.keys.prepare, self._coming_keys())
        except StorageError as error:
            self._on_failure(error)
        period = self.traffic.missing(self.clock())
        if period is None:
            return
        try:
            opened = await asyncio.to_thread(self._open_period, period)
            self.traffic.adopt(period, opened)
        except StorageError as error:
            self._on_failure(error)

    def _coming_keys(self) -> list[Name]:
        """Of all that is needed within a day."""
        now, calendar = self.clock(), self.accounts.calendar or Calendar()
        customers = {one.config.customer for one in self.accounts if one.config.enabled}
        times, kinds = (now, now + DAY), (TRAFFIC, CONTENT)
        return [
            Name(customer, calendar.period(customer, at), kind)
            for customer, at, kind in itertools.product(customers, times, kinds)
        ]

    def _seal_when_idle(self) -> None:
        if self.commit.frames != self._frames:
            self._frames = self.commit.frames
            self._quiet_since = self.loop.time()
        elif self.loop.time() - self._quiet_since > IDLE:
            self.log.idle(self.clock())

    def _heed_disk(self) -> None:
        """Take less the longer a sync takes: none of it is lost while the disk is merely slow."""
        stalled = self.log.stalled_us() // 1_000
        limits = self.config.storage.slow_sync
        if stalled >= limits.warn and not self._warned:
            log.warning("a sync of the log has been under way for %d ms", stalled)
        self._warned = stalled >= limits.warn
        self.core.slow = stalled >= limits.throttle
        self.commit.hold(stalled >= limits.pause)
        self.links.load = congestion_state(
            self.log.pending_octets / CONGESTED,
            len(self.core.state.spool) / self.config.storage.max_owed,
            stalled / limits.throttle,
        )

    def _on_failure(self, error: StorageError) -> None:
        """The log is dead: nobody gets an answer any more, since either one could be a lie."""
        if not self.failed.done():
            log.critical("storage failed, closing all connections without answers: %s", error)
            self.links.abort()
            self.failed.set_result(error)
