"""The keeper's book: the log, and the state that follows from it.

``append`` is the only way to change either: a record goes into the log and is applied to the state,
in this order, always both. A replay of the log is the same calls of ``State.apply``, so it ends
where the run stood. The book also gives the ids, since an epoch of the log is what makes them
unique.
"""

from __future__ import annotations

from smsc import image, records
from smsc.journal._frame import Appender
from smsc.ports import Apply, Log, Mark
from smsc.records import Kind
from smsc.state import State


class Book:
    """See the module. ``position`` is that of the newest record."""

    def __init__(self, log: Log, state: State) -> None:
        self.log = log
        #: The same, where it can be called as C.
        self._journal = log if isinstance(log, Appender) else None
        self.state = state
        self.position = 0
        self._ids = 0
        self._counter = 0
        self._also: Apply | None = None

    def replay(self, covered: int, also: Apply | None = None) -> Mark | None:
        """Rebuild the state from the log. Once, before the first ``append``.

        What ended after ``covered`` is met, and so is all else but what a checkpoint has; its mark
        is returned if there is one. ``also`` is called with each record, after it was applied.
        Raises CorruptLog if acknowledged data can't be read, NewerLog for a newer format.
        """
        mark = image.restore(self.log, self.state, covered)
        self._also = also
        self.log.replay(self._apply, mark)
        self._also = None
        # Message ids: partition 9 bits, epoch 20, counter 34. Unique for ever, never 0, and below
        # 2**63: what is negative where an id is expected is a refusal.
        self._ids = self.log.partition << 54 | self.log.epoch << 34
        return mark

    def _apply(self, kind: int, position: int, time: int, head: bytes) -> None:
        # Not State.apply itself: compiled, that is a C function without its object.
        self.state.apply(kind, position, time, head)
        if self._also is not None:
            self._also(kind, position, time, head)

    def start(self, now: int) -> None:
        """Note in the log that a new epoch begins."""
        self.append(Kind.START, now, records.start(self.log.epoch))

    def append(self, kind: int, now: int, head: bytes, body: bytes = b"") -> int:
        """Write a record at the open frame's time ``now``, apply it, and return its position."""
        if self._journal is not None:
            position = self._journal.append(kind, head, body)
        else:
            position = self.log.append(kind, head, body)
        self.position = position
        self.state.apply(kind, position, now, head)
        return position

    def together(self, octets: int) -> None:
        """Have the records that come next, of so many octets, in one frame: all or none."""
        if self._journal is not None:
            self._journal.together(octets)
        else:
            self.log.together(octets)

    @property
    def first_id(self) -> int:
        """Below the ids of this epoch, and above those of every one before."""
        return self._ids

    def next_id(self) -> int:
        """An id for a message or a mail."""
        self._counter += 1
        return self._ids | self._counter
