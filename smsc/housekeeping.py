"""Retention in the running server: the sweep by its schedule, and how things stand.

The work is the sweeper's, in a thread; the loop only says what is owed and lends a month's log for
as long as it is rewritten. What operators ask and metrics show is what the last look found.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from typing import Any, Protocol

from smsc import records
from smsc._spool import Slab
from smsc.accounts import Accounts
from smsc.audit import Audit
from smsc.claims import Claims
from smsc.commit import Clock
from smsc.config import Config
from smsc.control import Asked, Control
from smsc.core import Core
from smsc.db import facts_of
from smsc.erasing import Eraser, Outcome
from smsc.errors import ControlError, SmscError, StorageError, fault
from smsc.journal import Journal
from smsc.keys import Keyring
from smsc.records import MailKind
from smsc.retention import Stand, Verdict
from smsc.sweeper import ClockDoubtful, Sweeper, Swept
from smsc.terminating import Terminator
from smsc.traffic import Traffic

log = logging.getLogger(__name__)

#: How often it is looked whether a sweep is due, seconds: a look walks over all that is owed.
LOOK = 600.0
#: A log that is not lent at once is asked for again after so many seconds, so many times.
ASK_AGAIN, PATIENCE = 0.2, 20

#: Slots looked at between two turns of the loop: well below a millisecond.
PORTION = 20_000


class Served(Protocol):
    """What is kept in order: the parts of ``smsc.app.App`` that take part in it."""

    config: Config
    loop: asyncio.AbstractEventLoop
    clock: Clock
    accounts: Accounts
    claims: Claims
    keys: Keyring
    traffic: Traffic
    core: Core
    log: Journal


class Housekeeping:
    """See the module."""

    def __init__(self, app: Served, control: Control) -> None:
        self._app = app
        self.audit = Audit.of(app.config, app.clock)
        self._sweeper = Sweeper(
            app.config,
            app.keys,
            self.audit,
            facts_of(app.config),
            lend=self._lend,
            take_back=self._take_back,
            region=lambda account: app.accounts.region(account),
        )
        self._eraser = Eraser(
            app.config,
            app.keys,
            self.audit,
            facts_of(app.config),
            lend=self._lend,
            take_back=self._take_back,
        )
        self.terminator = Terminator(app.config, app.keys, self.audit, facts_of(app.config))
        self._running: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[Swept] | None = None
        self._one_at_a_time = asyncio.Lock()
        #: How things stood at the last look, and when that was, ms.
        self.verdicts: list[Verdict] = []
        self.looked = 0
        #: Of the last sweep that was done, ms; sweeps that failed; whether the clock is doubted.
        self.swept = 0
        self.failures = 0
        self.doubtful = False
        control.add("POST", "/sweep", self._asked_to_sweep)
        control.add("GET", "/retention", self._asked_for_status)
        control.add("POST", "/keys/rotate", self._asked_to_rotate)

    def start(self) -> None:
        """Look now and then from now on."""
        self._running = self._app.loop.create_task(self._run())

    async def stop(self) -> None:
        """Finish what is under way."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        if self._sweeping is not None:
            await asyncio.gather(self._sweeping, return_exceptions=True)
        async with self._one_at_a_time:
            pass

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
                if self._app.clock() - self.swept >= self._app.config.retention.sweep:
                    self._sweeping = self._app.loop.create_task(self.sweep())
                    await asyncio.shield(self._sweeping)
            except ClockDoubtful as error:
                if not self.doubtful:
                    log.error("nothing is deleted: %s", error)
                self.doubtful = True
            except SmscError as error:
                self.failures += 1
                log.error("no sweep: %s", error)
            except Exception as error:  # the border
                self.failures += 1
                log.error("no sweep: %s", fault(error))
            await asyncio.sleep(LOOK)

    # -- work --------------------------------------------------------------------------------

    async def look(self) -> list[Verdict]:
        """See how things stand."""
        self.verdicts = self._sweeper.verdicts(await self._owed(), self._app.clock())
        self.looked = self._app.clock()
        return self.verdicts

    async def sweep(self, *, is_right: bool = False) -> Swept:
        """Delete what is due. Raises ClockDoubtful, StorageError."""
        await self._app.claims.resume()
        async with self._one_at_a_time:
            now = self._app.clock()
            if not is_right:
                self._sweeper.believe(now)
            self.doubtful = False
            owed = await self._owed()
            swept = await asyncio.to_thread(self._sweeper.sweep, owed, now)
            await asyncio.to_thread(self._carry_out, owed, now)
            self.swept = self._app.clock()
        for verdict in swept.verdicts:
            if verdict.stand is Stand.EXPIRED:
                log.error(
                    "traffic data of %s was deleted unbilled: never closed", verdict.name.period
                )
        if swept.keys:
            log.info("%d keys destroyed; the proof is %s", len(swept.keys), swept.proof)
        await self.look()
        return swept

    async def erase(self) -> dict[str, Outcome]:
        """Carry out the erasures and ends of contracts that are not over; by case."""
        async with self._one_at_a_time:
            owed, now = await self._owed(), self._app.clock()
            return await asyncio.to_thread(self._carry_out, owed, now)

    def _carry_out(self, owed: dict[bytes, int], now: int) -> dict[str, Outcome]:
        erased = self._eraser.carry_out(self._app.accounts, owed, now)
        return erased | self.terminator.carry_out(owed, now)

    async def _owed(self) -> dict[bytes, int]:
        """When each customer's oldest unfinished message came."""
        state = self._app.core.state
        oldest: dict[bytes, int] = {}
        for slab, inbound in ((state.spool.slab, False), (state.mailboxes.slab, True)):
            for account, position in (await _heads(slab, inbound)).items():
                _kind, head, _body = self._app.log.read(position)
                came = (
                    records.read_mail(head).received
                    if inbound
                    else records.read_message(head).submitted
                )
                name = state.accounts[account]
                owner = self._app.accounts.get(name)
                customer = name if owner is None else owner.config.customer
                oldest[customer] = min(came, oldest.get(customer, came))
        return oldest

    # -- from the sweeper's thread -----------------------------------------------------------

    def _lend(self, month: str) -> bool:
        async def ask() -> bool:
            for _ in range(PATIENCE):
                if self._app.traffic.lend(month):
                    return True
                await asyncio.sleep(ASK_AGAIN)
            return False

        return asyncio.run_coroutine_threadsafe(ask(), self._app.loop).result()

    def _take_back(self, month: str) -> None:
        async def give() -> None:
            self._app.traffic.take_back(month)

        asyncio.run_coroutine_threadsafe(give(), self._app.loop).result()

    # -- from operators ----------------------------------------------------------------------

    async def _asked_to_sweep(self, asked: Asked) -> Any:
        wanted = asked.body or {}
        try:
            if wanted.get("dry_run"):
                return told(Swept(await self.look()))
            return told(await self.sweep(is_right=bool(wanted.get("clock_is_right"))))
        except SmscError as error:
            raise ControlError(str(error)) from error

    async def _asked_to_rotate(self, asked: Asked) -> Any:
        """Messages go on being sealed: their keys stay, and only what wraps them is another."""
        async with self._one_at_a_time:  # a sweep reads the keys from disk
            try:
                return await asyncio.to_thread(
                    rotated, self._app.keys, self.audit, str((asked.body or {}).get("by", ""))
                )
            except StorageError as error:
                raise ControlError(str(error)) from error

    async def _asked_for_status(self, asked: Asked) -> Any:
        return told(Swept(await self.look()))


async def _heads(slab: Slab, inbound: bool) -> dict[int, int]:
    """Position of each account's oldest entry; of mails only those that are messages."""
    oldest: dict[int, tuple[int, int]] = {}
    lane = int(MailKind.INBOUND) if inbound else -1
    cursor, more = 0, True
    while more:
        cursor = slab.scan_oldest(cursor, PORTION, lane, oldest)
        more = bool(cursor)
        await asyncio.sleep(0)
    return {account: position for account, (_id, position) in oldest.items()}


def rotated(keys: Keyring, audit: Audit, by: str) -> dict[str, int]:
    """Wrap all keys by a new master key, on somebody's word. Raises StorageError."""
    found = {"epoch": keys.rotate(), "keys": len(keys)}
    audit.add("master.rotated", by=by, **found)
    return found


def told(swept: Swept) -> dict[str, Any]:
    """As plain values, for JSON."""
    values = asdict(swept)
    values["verdicts"] = [
        {
            "customer": verdict.name.customer.decode("ascii", "backslashreplace"),
            "period": verdict.name.period,
            "class": verdict.name.kind,
            "stand": verdict.stand.value,
            "due": verdict.due,
            "why": verdict.why,
            "late": verdict.late,
        }
        for verdict in swept.verdicts
    ]
    return values
