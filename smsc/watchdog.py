"""systemd's view of the process: ready, alive, stopping (sd_notify(3)).

Alive means that the loop turns and the log's thread has not stood still with a frame in its hands;
if either stops, no word goes out and systemd restarts the service.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smsc.app import App

#: A frame that takes longer than this, in seconds, is a stuck disk.
STUCK = 15.0


class Watchdog:
    """Does nothing unless systemd asks for it by NOTIFY_SOCKET and WATCHDOG_USEC."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._every = int(os.environ.get("WATCHDOG_USEC", "0")) / 1_000_000 / 3
        self._durable = 0
        self._moved = 0.0

    def ready(self) -> None:
        """The doors are open."""
        self._say("READY=1")
        if self._every:
            self._feed()

    def stopping(self) -> None:
        """The doors are closing."""
        self._say("STOPPING=1")

    def _feed(self) -> None:
        if self.alive():
            self._say("WATCHDOG=1")
        self._app.loop.call_later(self._every, self._feed)

    def alive(self) -> bool:
        """Whether the log's thread gets frames to disk."""
        log, now = self._app.log, self._app.loop.time()
        if log.durable != self._durable or not log.busy:
            self._durable, self._moved = log.durable, now
        return now - self._moved < STUCK

    def _say(self, what: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as talk:
            talk.sendto(what.encode(), address)
