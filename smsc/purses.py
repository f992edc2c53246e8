"""What each customer has spent, as a fold over the log.

A PURSE record is the whole of a purse at that moment, so the newest one is all there is to know. It
is written just before the record that changes the purse, a message's or its end's, and counts only
together with that: the last frame before a crash may end between the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from smsc import records
from smsc.rating import EMPTY, Purse

#: A customer's purse, and where it is written.
Written = tuple[bytes, int, Purse]


class Purses:
    """See the module. Bounded by the number of customers that are."""

    def __init__(self) -> None:
        self._held: dict[bytes, tuple[int, Purse]] = {}
        #: How many of them lie in each segment.
        self._segments: Counter[int] = Counter()

    def get(self, customer: bytes) -> Purse:
        """A customer's purse; an empty one for those who never spent anything."""
        held = self._held.get(customer)
        return EMPTY if held is None else held[1]

    def __iter__(self) -> Iterator[tuple[bytes, Purse]]:
        return ((customer, purse) for customer, (_, purse) in self._held.items())

    def before(self, segment: int) -> list[bytes]:
        """The customers whose purse was written in a segment before this one."""
        return [name for name, (position, _) in self._held.items() if position >> 32 < segment]

    def oldest_segment(self) -> int:
        """The oldest segment that still holds one, or -1."""
        return min(self._segments, default=-1)

    def dump(self) -> tuple[Any, ...]:
        """Plain values of which ``load`` makes the same again."""
        return tuple((customer, *held) for customer, held in self._held.items())

    def load(self, values: tuple[Any, ...]) -> None:
        """Become what was dumped. There were none before."""
        for customer, position, purse in values:
            self.take((customer, position, Purse(*purse)))

    # -- the fold ----------------------------------------------------------------------------

    def purse(self, position: int, time: int, head: bytes) -> Written | None:
        """A purse that counts once the record behind it is there; None if it does already."""
        whole, customer, *fields = records.read_purse(head)
        written = customer, position, Purse(*fields)
        if not whole:
            return written
        self.take(written)
        return None

    def take(self, written: Written) -> None:
        """It counts from now on."""
        customer, position, purse = written
        if customer in self._held:
            before = self._held[customer][0] >> 32
            self._segments[before] -= 1
            if not self._segments[before]:
                del self._segments[before]
        self._segments[position >> 32] += 1
        self._held[customer] = position, purse
