"""Keeps a running server in step with its database.

A thread asks for the revision twice a second, or at once when poked; another number means that the
snapshot is read anew, kept on disk, and handed to the loop in one piece. While the database is away
the server goes on with the snapshot it has, or starts with the one that was kept: that is said
once, and again when the database is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable

from smsc.accounts import Accounts
from smsc.config import AccountConfig
from smsc.db import snapshot
from smsc.db.database import Database
from smsc.db.kept import Kept
from smsc.db.snapshot import Rows, Snapshot
from smsc.errors import DatabaseAway, DatabaseError, fault

log = logging.getLogger(__name__)

#: How often the revision is looked at, seconds: with the reading, a change counts within one.
INTERVAL = 0.5


class Watch:
    """See the module. ``adopt`` is called on the loop with what replaces the snapshot before."""

    def __init__(
        self,
        database: Database,
        kept: Kept,
        fixed: Iterable[AccountConfig],
        clock: Callable[[], int],
        interval: float = INTERVAL,
    ) -> None:
        self._database = database
        self._kept = kept
        self._fixed = tuple(fixed)
        self._clock = clock
        self._interval = interval
        self._prepared = False
        self._revision = 0
        self._problems: tuple[str, ...] = ()
        self._read = snapshot.NOBODY
        self._poked = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[tuple[Rows, Snapshot] | None] | None = None
        #: When the snapshot was last known to be what is in the database.
        self.seen = 0
        #: Whether the database could not be asked the last time, and in which way.
        self.away = False
        self._lost_as: type[DatabaseError] | None = None

    def first(self) -> Accounts:
        """The snapshot to start with. Blocks.

        Raises DatabaseError if the database is of another version, or is away and nothing was
        kept: without its accounts, messages that are owed would be booked to nobody.
        """
        try:
            return self._told(*self._first())
        except BaseException:
            self._database.close()
            raise

    def _first(self) -> tuple[Rows, Snapshot]:
        try:
            found = self._changed()
            assert found is not None
            self.seen = self._clock()
        except DatabaseAway as error:
            rows = self._kept.read()
            if rows is None:
                raise DatabaseError(f"{error}; {self._kept.path} has no snapshot either") from None
            self.seen, self.away, self._lost_as = rows.at, True, type(error)
            log.error(
                "%s; starting with the accounts as they were at %s",
                error, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(rows.at // 1_000)),
            )  # fmt: skip
            found = rows, snapshot.made(rows, self._fixed)
        return found

    def start(self, adopt: Callable[[Accounts], None]) -> None:
        """Look from now on."""
        self._running = asyncio.get_running_loop().create_task(self._watch(adopt))

    def poke(self) -> None:
        """Something was changed: look at once."""
        self._poked.set()

    async def stop(self) -> None:
        """Look a last time, so that what is kept is what there was, and let go of the database."""
        if self._running is not None:
            self._running.cancel()
            # A thread can't be stopped: it gives its connection back to a pool that is there yet.
            asked = [self._running] if self._asking is None else [self._running, self._asking]
            await asyncio.gather(*asked, return_exceptions=True)
        if not self.away:
            with contextlib.suppress(DatabaseError):
                await asyncio.to_thread(self._changed)
        self._database.close()

    async def _watch(self, adopt: Callable[[Accounts], None]) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._poked.wait()
            self._poked.clear()
            try:
                self._asking = asyncio.create_task(asyncio.to_thread(self._changed))
                found = await asyncio.shield(self._asking)
                self._back()
                if found is not None:
                    adopt(self._told(*found))
            except DatabaseError as error:
                self._lost(error)
            except Exception as error:  # the border
                log.error("the accounts could not be read: %s", fault(error))

    def _changed(self) -> tuple[Rows, Snapshot] | None:
        """What is in the database if it is not what is known; it is kept before it counts.

        And what is made of it, here in a thread: a tenth of a second for a thousand new accounts.
        """
        if not self._prepared:
            self._database.prepare()
            self._prepared = True
        elif self._database.revision() == self._revision:
            return None
        with self._database.reading() as session:
            rows = snapshot.taken(session, self._clock())
        self._kept.write(rows)
        return rows, snapshot.made(rows, self._fixed, self._read)

    def _told(self, rows: Rows, made: Snapshot) -> Accounts:
        self._revision = rows.revision
        accounts, problems, self._read = made
        for problem in problems:
            if problem not in self._problems:
                log.warning("%s", problem)
        self._problems = problems
        return accounts

    def _back(self) -> None:
        self.seen = self._clock()
        if self.away:
            self.away, self._lost_as = False, None
            log.info("the database is back")

    def _lost(self, error: DatabaseError) -> None:
        self.away = True
        if type(error) is not self._lost_as:
            self._lost_as = type(error)
            log.error("%s; going on with the accounts known so far", error)
