"""What is to be remembered of the few messages to which something unusual happened.

Owns two folds over the log. *Asides*: which carriers a message was tried with in vain, how often
its client was notified on the way, and whether it has waited for the other parts of its text.
*Doubts*: since when the outcome of an attempt is unknown, and why. Nothing is held of a message
that goes the common way, and nothing once a message is final.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from smsc import records
from smsc._spool import Slab


class Aside(NamedTuple):
    """Of one message."""

    #: Notifications that its client was sent.
    notified: int = 0
    #: Attempts that were made before it came to its present carrier.
    before: int = 0
    #: The carriers that failed it.
    tried: tuple[bytes, ...] = ()
    #: It waited for the other parts of its text, or does.
    waited: bool = False


#: Of a message that went the common way.
NONE = Aside()


class Asides:
    """By message id. ``slab`` tells what is owed."""

    def __init__(self, slab: Slab) -> None:
        self._slab = slab
        self._of: dict[int, Aside] = {}
        #: How many messages there is something to remember of.
        self.count = 0

    def __iter__(self) -> Iterator[tuple[int, Aside]]:
        return iter(self._of.items())

    def get(self, id: int) -> Aside:
        return self._of.get(id, NONE)

    def dump(self) -> tuple[Any, ...]:
        """Plain values of which ``load`` makes the same again."""
        return tuple(self._of.items())

    def load(self, values: tuple[Any, ...]) -> None:
        """Become what was dumped."""
        self._of = {id: Aside(*aside) for id, aside in values}
        self.count = len(self._of)

    # -- the fold ----------------------------------------------------------------------------

    def aside(self, position: int, time: int, head: bytes) -> None:
        a = records.read_aside(head)
        if self._slab.find(a.id) >= 0:
            self._of[a.id] = Aside(a.notified, a.before, a.tried, a.waited)
            self.count = len(self._of)

    def final(self, position: int, time: int, head: bytes) -> None:
        self._of.pop(records.read_final(head).id, None)
        self.count = len(self._of)


class Doubt(NamedTuple):
    """Of one attempt."""

    #: When it became in doubt, ms.
    since: int
    #: The number of the carrier that may have it.
    carrier: int
    cause: bytes


class Doubts:
    """Those that are open, by message id, the oldest first."""

    def __init__(self) -> None:
        self._of: dict[int, Doubt] = {}

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[Doubt]:
        return iter(self._of.values())

    def get(self, id: int) -> Doubt | None:
        return self._of.get(id)

    def survey(self) -> dict[tuple[int, bytes], tuple[int, int]]:
        """How many there are and since when, by carrier's number and cause."""
        found: dict[tuple[int, bytes], tuple[int, int]] = {}
        for since, carrier, cause in self:
            count, oldest = found.get((carrier, cause), (0, since))
            found[(carrier, cause)] = (count + 1, min(oldest, since))
        return found

    def dump(self) -> tuple[Any, ...]:
        """Plain values of which ``load`` makes the same again."""
        return tuple(self._of.items())

    def load(self, values: tuple[Any, ...], carriers: Sequence[int]) -> None:
        """Become what was dumped, with carriers numbered anew."""
        self._of = {
            id: Doubt(since, carriers[carrier], cause) for id, (since, carrier, cause) in values
        }

    # -- the fold ----------------------------------------------------------------------------

    def open(self, id: int, doubt: Doubt) -> None:
        """One that is known already keeps its time."""
        self._of.setdefault(id, doubt)

    def settled(self, id: int) -> None:
        self._of.pop(id, None)
