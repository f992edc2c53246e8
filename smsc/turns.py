"""Whose turn it is: how many requests one turn of the loop takes from carriers, and from clients.

The loop reads every peer once in a turn. A thousand clients then bring a thousand windows of new
messages, and a few carriers a window each of what ends old ones: messages would be taken faster
than they end, and their receipts come later and later. So either side has its share of a turn. What
is beyond it waits in memory, no more of a peer than its window, and goes on in the turns that
follow, in the order in which it came. Carriers go first and have the larger share: new work is not
taken faster than old work ends. Responses never wait, as they make room.

A share is no rate. A turn ends when what it took is done, and nothing stands still for the rest: a
carrier that is slow by itself, or away, leaves the time to the clients, and what they bring is
kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

#: Requests that one turn takes from all carriers, and from all clients while a carrier brings
#: anything: some milliseconds each.
CARRIERS: Final = 300
CLIENTS: Final = 150

#: From all clients while none does, or when the first of them has waited for so long (ms) that it
#: may soon give up: no more than make a frame, so that a turn stays short.
LARGE: Final = 2_000
PATIENCE: Final = 5_000


class Waiting(Protocol):
    """A connection with requests that wait for their turn."""

    def go_on(self, most: int, now: int, /) -> int:
        """Serve up to so many of them and say how many those were; the rest waits anew."""


class Share:
    """What one side has of each turn, and who of it waits. ``note``: something was taken of it."""

    def __init__(self, note: Callable[[], None], portion: int) -> None:
        self._note = note
        #: What is left of this turn's.
        self.left = portion
        self._queue: deque[tuple[int, Waiting]] = deque()

    def __len__(self) -> int:
        """How many connections wait."""
        return len(self._queue)

    def take(self, count: int) -> int:
        """How many of so many requests may be served now; none are left while others wait."""
        self._note()
        taken = min(count, self.left)
        self.left -= taken
        return taken

    def wait(self, connection: Waiting, now: int) -> None:
        """It has more requests than that; they go on when it is its turn."""
        self._queue.append((now, connection))

    def waited(self, now: int) -> int:
        """How long the first of them has waited, ms."""
        return now - self._queue[0][0] if self._queue else 0

    def begin(self, portion: int, now: int) -> None:
        """A turn begins, with those who wait."""
        self.left = portion
        while self.left > 0 and self._queue:
            _since, connection = self._queue.popleft()
            self.left -= connection.go_on(self.left, now)


class Turns:
    """Both shares. ``soon(call)`` calls when this turn of the loop is over, and all was read."""

    def __init__(
        self, soon: Callable[[Callable[[], None]], object], clock: Callable[[], int]
    ) -> None:
        self._soon = soon
        self._clock = clock
        self._noted = False
        self.carriers = Share(self._note, CARRIERS)
        self.clients = Share(self._note, LARGE)
        #: Whether a carrier answered anything in this turn.
        self.answered = False

    def _note(self) -> None:
        if not self._noted:
            self._noted = True
            self._soon(self._over)

    def _over(self) -> None:
        self._noted = False
        now = self._clock()
        busy = self.answered or self.carriers.left < CARRIERS
        self.answered = False
        self.carriers.begin(CARRIERS, now)
        hurried = self.clients.waited(now) >= PATIENCE
        self.clients.begin(LARGE if hurried or not busy else CLIENTS, now)
        if self.carriers or self.clients:
            self._note()
