"""Which message a carrier gets next: lanes by priority, and accounts in turn within a lane.

Owns the ready queues, one per (carrier, lane, account), over lists of the slab. A message is in one
of them when it may be sent now. Order inside a queue is arrival order. Lanes share a carrier by
weight, so that a one-time password passes a campaign and a campaign still moves; messages that are
being tried again have a lane of their own, so that they never block first attempts; accounts take
turns (deficit round robin with equal quanta, Shreedhar and Varghese 1996), so that one client's
campaign does not delay another client's message by more than one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from smsc._spool import Slab

#: Lanes 0 to 3 are priority_flag; the last is for messages that were tried before.
RETRY_LANE = 4
LANES = 5

#: Turns of the lanes when all have work: 8 : 4 : 4 : 2 : 1 for 3, 2, retry, 1, 0, spread evenly.
TURNS = (3, 2, 3, 4, 3, 1, 3, 2, 4, 3, 0, 3, 2, 3, 4, 1, 3, 2, 4)
#: Where to look when the lane whose turn it is has nothing.
FALLBACK = (3, 4, 2, 1, 0)


class CarrierLanes:
    """The ready queues of one carrier."""

    def __init__(self, slab: Slab) -> None:
        self._slab = slab
        self._lists: dict[tuple[int, int], int] = {}
        #: Per lane the lists that may hold something; an emptied one leaves when it is met.
        self._rings: list[deque[int]] = [deque() for _ in range(LANES)]
        self._active: set[int] = set()
        self._turn = 0

    def put(self, slot: int, account: int, lane: int) -> None:
        """Add a message behind the others of its account and lane."""
        queue = self._queue(account, lane)
        self._slab.push(slot, queue)

    def _queue(self, account: int, lane: int) -> int:
        queue = self._lists.get((account, lane), -1)
        if queue < 0:
            queue = self._lists[(account, lane)] = self._slab.new_list()
        if queue not in self._active:
            self._active.add(queue)
            self._rings[lane].append(queue)
        return queue

    def idle(self) -> bool:
        """Certainly nothing waits. (An emptied list may still look like something.)"""
        return not self._active

    def waiting(self) -> int:
        """How many messages are ready."""
        return sum(self._slab.length(queue) for queue in self._lists.values())

    def dump(self) -> tuple[Any, ...]:
        """Plain values of which ``load`` makes the same again."""
        return tuple(self._lists.items()), tuple(map(tuple, self._rings)), self._turn

    def load(self, values: tuple[Any, ...], later: int, accounts: Sequence[int]) -> None:
        """Become what was dumped: with lists numbered so much higher, and accounts anew."""
        lists, rings, self._turn = values
        self._lists = {(accounts[of], lane): queue + later for (of, lane), queue in lists}
        self._rings = [deque([queue + later for queue in ring]) for ring in rings]
        self._active = {queue for ring in self._rings for queue in ring}

    def take(self) -> int:
        """The slot of the message to send next, out of its queue; -1 when nothing waits."""
        rings = self._rings
        self._turn = (self._turn + 1) % len(TURNS)
        lane = TURNS[self._turn]
        if rings[lane]:
            slot = self._take_from(rings[lane])
            if slot >= 0:
                return slot
        for lane in FALLBACK:
            if rings[lane]:
                slot = self._take_from(rings[lane])
                if slot >= 0:
                    return slot
        return -1

    def _take_from(self, ring: deque[int]) -> int:
        slab = self._slab
        while ring:
            queue = ring[0]
            slot = slab.pop(queue)
            if slot >= 0 and slab.length(queue):
                ring.rotate(-1)
            else:
                self._active.discard(ring.popleft())
            if slot >= 0:
                return slot
        return -1
