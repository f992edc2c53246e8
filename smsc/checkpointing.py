"""Checkpoints in the running server: when the next one is made, by whom, and how that went.

A child process makes it (``smsc.fold``), so that nothing here waits for it, however much is owed.
There is one at a time, it ends with the server, and what goes wrong with it is never more than
noted: without a checkpoint a start only takes longer.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from contextlib import suppress
from typing import Protocol

from smsc import fold
from smsc.config import Config
from smsc.core import Core
from smsc.journal import Journal, checkpoint
from smsc.journal.checkpoint import Described, Doubtful
from smsc.traffic import Traffic

log = logging.getLogger(__name__)

#: How often it is looked whether one is due, and after a failure, seconds.
LOOK, AFTER_FAILURE = 5.0, 60.0

#: How often it is looked whether a child is done, seconds.
GLANCE = 0.1


class Served(Protocol):
    """What takes part in it of ``smsc.app.App``."""

    config: Config
    loop: asyncio.AbstractEventLoop
    log: Journal
    traffic: Traffic
    core: Core


class Checkpointing:
    """See the module. ``look`` does what is due."""

    def __init__(self, app: Served) -> None:
        self._app = app
        self._every = app.config.storage.checkpoint
        self._running: asyncio.Task[None] | None = None
        #: The process that makes one, while it does.
        self.child: subprocess.Popen[str] | None = None
        #: How many were made in this run, and how often that failed.
        self.made = 0
        self.failures = 0

    def start(self) -> None:
        """Look now and then from now on."""
        if self._every:
            self._running = self._app.loop.create_task(self._run())

    async def stop(self) -> None:
        """Give up what is under way."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            failures = self.failures
            await self.look()
            if self.failures > failures:
                await asyncio.sleep(AFTER_FAILURE)

    @property
    def due(self) -> bool:
        """Whether so much was written since the last one that another pays."""
        journal = self._app.log
        last = journal.kept_checkpoint
        return journal.behind >= max(self._every, 1, 0 if last is None else last.octets)

    async def look(self) -> None:
        """Have one made, if it is due and there is space for it."""
        if not self.due or not self._has_space():
            return
        try:
            made = await self._make()
            if made is not None:
                await self._adopt(made)
        except (OSError, Doubtful) as error:
            self.failures += 1
            log.warning("no checkpoint: %s", error)

    def _has_space(self) -> bool:
        """Whether the log has enough of it left besides."""
        state, journal = self._app.core.state, self._app.log
        size = state.spool.slab.octets + state.mailboxes.slab.octets + state.ended.octets
        return journal.room and journal.free_octets > 2 * (size + self._app.config.storage.segment)

    async def _make(self) -> Described | None:
        """What a child says of the one it has written; None if there was nothing to add."""
        journal = self._app.log
        ended = self._app.core.state.ended
        command = [
            sys.executable, "-m", "smsc.fold", str(journal.directory),
            f"--partition={journal.partition}", f"--below={journal.sealed}",
            f"--keep={ended.keep}", f"--kept={ended.most}",
        ]  # fmt: skip
        self.child = child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            while child.poll() is None:
                await asyncio.sleep(GLANCE)
            assert child.stderr is not None
            said = child.stderr.read().strip().splitlines()
        finally:
            self._end(child)
        if child.returncode == fold.NOTHING:
            return None
        if child.returncode:
            raise Doubtful(said[-1] if said else f"its maker ended with {child.returncode}")
        return checkpoint.describe(journal.directory / checkpoint.TEMPORARY)

    def _end(self, child: subprocess.Popen[str]) -> None:
        self.child = None
        if child.poll() is None:
            child.kill()
            with suppress(OSError):
                (self._app.log.directory / checkpoint.TEMPORARY).unlink()
        # That closes the pipe, too.
        child.communicate()

    async def _adopt(self, made: Described) -> None:
        """Put it in its place, once the traffic log has all that a start would not meet again."""
        while self._app.traffic.covered < made.settled:
            await asyncio.sleep(GLANCE)
        self._app.traffic.note()
        self._app.log.adopt_checkpoint(made)
        self.made += 1
