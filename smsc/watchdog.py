"""systemd's view of the process: ready, alive, stopping (sd_notify(3)).

Alive means that the loop turns and the log's thread has not stood still with a frame in its hands;
if either stops, no word goes out and systemd restarts the service.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smsc.app import App

#: A frame that takes longer than this, in microseconds, is a stuck disk.
STUCK_US = 15_000_000


class Watchdog:
    """Does nothing unless systemd asks for it by NOTIFY_SOCKET and WATCHDOG_USEC."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._every = int(os.environ.get("WATCHDOG_USEC", "0")) / 1_000_000 / 3
        self._stopping = False

    def ready(self) -> None:
        """The doors are open."""
        self._say("READY=1")
        if self._every:
            self._feed()

    def stopping(self) -> None:
        """The doors are closing."""
        self._stopping = True
        self._say("STOPPING=1")

    def _feed(self) -> None:
        if self._stopping:
            return
        if self.alive():
            self._say("WATCHDOG=1")
        self._app.loop.call_later(self._every, self._feed)

    def alive(self) -> bool:
        """Whether the log's thread gets frames to disk."""
        return self._app.log.stalled_us() < STUCK_US

    def _say(self, what: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        # A full queue at the other end, or nobody there, loses a word and stops nothing of ours.
        with socket.socket(socket.AF_UNIX, kind) as talk, contextlib.suppress(OSError):
            talk.sendto(what.encode(), address)
