"""What was learned of each carrier, as a fold over the log; ``profile`` says what it means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from smsc import records


class Lesson(NamedTuple):
    """The numbers of one carrier's profile; 0 is always "not known"."""

    carrier: bytes
    ids: int
    ahead: int
    place: int
    digits: int
    error: int


class Lessons:
    """The newest of each carrier, and where it lies on disk."""

    def __init__(self) -> None:
        self._of: dict[bytes, tuple[int, Lesson]] = {}

    def __iter__(self) -> Iterator[tuple[int, Lesson]]:
        return iter(self._of.values())

    def get(self, carrier: bytes) -> Lesson | None:
        known = self._of.get(carrier)
        return known[1] if known is not None else None

    def before(self, segment: int) -> list[Lesson]:
        """Those that lie in a segment before this one."""
        return [lesson for position, lesson in self._of.values() if position >> 32 < segment]

    def oldest_segment(self) -> int:
        """The oldest segment that still holds one, or -1."""
        return min((position >> 32 for position, _ in self._of.values()), default=-1)

    def dump(self) -> tuple[Any, ...]:
        """Plain values of which ``load`` makes the same again."""
        return tuple(self._of.values())

    def load(self, values: tuple[Any, ...]) -> None:
        """Become what was dumped."""
        lessons = [(position, Lesson(*fields)) for position, fields in values]
        self._of = {lesson.carrier: (position, lesson) for position, lesson in lessons}

    # -- the fold ----------------------------------------------------------------------------

    def learned(self, position: int, time: int, head: bytes) -> None:
        lesson = Lesson(*records.read_learned(head))
        self._of[lesson.carrier] = (position, lesson)
