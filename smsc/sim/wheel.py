"""What is due when: PDUs put off by a delay, grouped by millisecond.

Owns no clock and no timer; ``now`` is an argument and the owner asks when to come back. One list
per distinct millisecond makes putting off a message as cheap as an append.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

Call = tuple[Callable[[bytes], None], bytes]


class Wheel:
    """PDUs and where they go by the millisecond. Those of one millisecond keep their order."""

    __slots__ = ("_calls", "_due")

    def __init__(self) -> None:
        self._calls: dict[int, list[Call]] = {}
        self._due: list[int] = []

    def add(self, at: int, call: Callable[[bytes], None], pdu: bytes) -> None:
        """Have ``(call, pdu)`` handed back once ``at`` (ms) has come."""
        calls = self._calls.get(at)
        if calls is None:
            self._calls[at] = calls = []
            heapq.heappush(self._due, at)
        calls.append((call, pdu))

    def due(self, now: int) -> list[Call]:
        """Take all calls whose time has come, in order of time."""
        calls: list[Call] = []
        while self._due and self._due[0] <= now:
            calls += self._calls.pop(heapq.heappop(self._due))
        return calls

    @property
    def next(self) -> int | None:
        """When the next call is due (ms); None when none is waiting."""
        return self._due[0] if self._due else None
