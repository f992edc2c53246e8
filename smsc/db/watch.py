"""Keeps a running server in step with its database.

A thread asks for the revision every second, or at once when poked; another number means that the
snapshot is read anew and handed to the loop in one piece. While the database is away the server
goes on with the snapshot it has: that is said once, and again when it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable

from smsc.accounts import Accounts
from smsc.config import AccountConfig
from smsc.db import snapshot
from smsc.db.database import Database
from smsc.db.snapshot import Snapshot
from smsc.errors import DatabaseError, fault

log = logging.getLogger(__name__)

#: How often the revision is looked at, seconds.
INTERVAL = 1.0


class Watch:
    """See the module. ``adopt`` is called on the loop with what replaces the snapshot before."""

    def __init__(
        self,
        database: Database,
        fixed: Iterable[AccountConfig],
        clock: Callable[[], int],
        interval: float = INTERVAL,
    ) -> None:
        self._database = database
        self._fixed = tuple(fixed)
        self._clock = clock
        self._interval = interval
        self._revision = 0
        self._problems: tuple[str, ...] = ()
        self._poked = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        #: When the snapshot was last known to be what is in the database.
        self.seen = 0
        #: Whether the database could not be asked the last time.
        self.away = False

    def first(self) -> Accounts:
        """The snapshot to start with. Blocks; raises DatabaseError if the database can't be had."""
        self._database.prepare()
        return self._told(self._read())

    def start(self, adopt: Callable[[Accounts], None]) -> None:
        """Look from now on."""
        self._running = asyncio.get_running_loop().create_task(self._watch(adopt))

    def poke(self) -> None:
        """Something was changed: look at once."""
        self._poked.set()

    async def stop(self) -> None:
        """Look no more, and let go of the database."""
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
        self._database.close()

    async def _watch(self, adopt: Callable[[Accounts], None]) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._poked.wait()
            self._poked.clear()
            try:
                read = await asyncio.to_thread(self._changed)
                self._back()
                if read is not None:
                    adopt(self._told(read))
            except DatabaseError as error:
                self._lost(error)
            except Exception as error:  # the border
                log.error("the accounts could not be read: %s", fault(error))

    def _changed(self) -> tuple[int, Snapshot] | None:
        return None if self._database.revision() == self._revision else self._read()

    def _read(self) -> tuple[int, Snapshot]:
        # The number first: a change in between is then met again.
        number = self._database.revision()
        with self._database.reading() as session:
            return number, snapshot.read(session, self._fixed)

    def _told(self, read: tuple[int, Snapshot]) -> Accounts:
        self._revision, (accounts, problems) = read
        self.seen = self._clock()
        for problem in problems:
            if problem not in self._problems:
                log.warning("%s", problem)
        self._problems = problems
        return accounts

    def _back(self) -> None:
        self.seen = self._clock()
        if self.away:
            self.away = False
            log.info("the database is back")

    def _lost(self, error: DatabaseError) -> None:
        if not self.away:
            self.away = True
            log.warning("%s; going on with the accounts known so far", error)
