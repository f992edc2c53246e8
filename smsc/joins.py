"""Texts that came in parts and go to their carrier whole, as a fold over the log.

Each part stays the message that its client knows, and one more message, which no client knows of,
is owed to the carrier in the stead of all of them: their *whole*. It counts once its MESSAGE
record is there, behind the JOINED records of its parts. Its FINAL record says how each of them
ends, and those ends follow; with ``DISSOLVED`` it says that the parts go as they came, after all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from smsc.records import FinalHead

#: The state in a FINAL record of a whole that is no end of its parts.
DISSOLVED = 0


class Outcome(NamedTuple):
    """How a whole ended."""

    state: int
    status: int
    network_error: bytes
    error: bytes


class Joins:
    """By the id of the whole."""

    def __init__(self) -> None:
        #: The parts that are not final, in order.
        self._parts: dict[int, dict[int, None]] = {}
        self._whole_of: dict[int, int] = {}
        #: How those ended whose parts have not ended yet.
        self._outcomes: dict[int, Outcome] = {}
        #: How many wholes have parts.
        self.count = 0

    def __iter__(self) -> Iterator[tuple[int, list[int]]]:
        return iter([(whole, list(parts)) for whole, parts in self._parts.items()])

    def parts(self, whole: int) -> list[int]:
        """The ids of its parts that are not final, in order."""
        return list(self._parts.get(whole, ()))

    def whole_of(self, part: int) -> int:
        """The id of the whole that this is a part of; 0 for none."""
        return self._whole_of.get(part, 0)

    def outcome(self, whole: int) -> Outcome | None:
        """How it ended; None while it is owed, or if it never was."""
        return self._outcomes.get(whole)

    # -- as octets ---------------------------------------------------------------------------

    def dump(self) -> tuple[Any, ...]:
        """Plain values of which ``load`` makes the same again."""
        return (
            tuple((whole, tuple(parts)) for whole, parts in self._parts.items()),
            tuple(self._whole_of.items()),
            tuple(self._outcomes.items()),
        )

    def load(self, values: tuple[Any, ...]) -> None:
        """Become what was dumped."""
        parts, whole_of, outcomes = values
        self._parts = {whole: dict.fromkeys(ids) for whole, ids in parts}
        self._whole_of = dict(whole_of)
        self._outcomes = {whole: Outcome(*outcome) for whole, outcome in outcomes}
        self.count = len(self._parts)

    # -- the fold ----------------------------------------------------------------------------

    def joined(self, part: int, whole: int) -> None:
        self._parts.setdefault(whole, {})[part] = None
        self._whole_of[part] = whole
        self.count = len(self._parts)

    def left(self, part: int) -> None:
        """It is no part of a whole any more, if it was one."""
        whole = self._whole_of.pop(part, 0)
        parts = self._parts.get(whole)
        if parts is not None:
            parts.pop(part)
            if not parts:
                del self._parts[whole]
                self._outcomes.pop(whole, None)
                self.count = len(self._parts)

    def ended(self, end: FinalHead) -> list[int]:
        """A message has its final state; the ids of the parts that go as they came for that."""
        self.left(end.id)
        parts = self.parts(end.id)
        if not parts:
            return []
        if end.state != DISSOLVED:
            self._outcomes[end.id] = Outcome(end.state, end.status, end.network_error, end.error)
            return []
        for part in parts:
            self.left(part)
        return parts
