"""Another carrier for a message: because its own is away, or because its own has failed it.

Owns the second choice; the first is ``core``'s. What waits for a carrier that is gone moves without
a record, since nothing has happened to it. What a carrier has refused for good, or reported as
failed, goes on where its route says ``on_failure: next``: to the next carrier that it was not tried
with, until all were or its validity is over. That is a record, and the client hears of the last
outcome alone. An outcome that is unknown is no failure, and nothing moves because of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set

from smsc import records
from smsc.bodies import Bodies
from smsc.book import Book
from smsc.config import RouteConfig
from smsc.counters import Counters
from smsc.dialect import gathered
from smsc.endings import Endings
from smsc.message import datagram
from smsc.records import Flag, Kind
from smsc.routing import Route, reachable
from smsc.smpp import MessageState
from smsc.upstream import Upstream

#: Final states after which another carrier may do better.
FAILURES = frozenset((MessageState.EXPIRED, MessageState.UNDELIVERABLE, MessageState.REJECTED))

#: How many carriers that failed a message are remembered, and so how many get it, at most.
MAX_TRIED = 14

#: Those that need not have the carrier that a route of theirs named: they have what another had.
_DERIVED = int(Flag.PART | Flag.WHOLE)


class Failover:
    """See the module. ``route_of`` a message, by its slot; ``alive`` are carriers with a bind."""

    def __init__(
        self,
        book: Book,
        routes: Sequence[RouteConfig],
        route_of: Callable[[int], Route | None],
        upstreams: Mapping[bytes, Upstream],
        alive: Set[bytes],
        bodies: Bodies,
        ends: Endings,
        counters: Counters,
    ) -> None:
        self._book = book
        self._state = book.state
        self._routes = routes
        #: By account and carrier (numbers of the state), and whether today's routes chose it.
        self._reachable: dict[tuple[int, int, bool], frozenset[bytes]] = {}
        self._route_of = route_of
        self._upstreams = upstreams
        self._alive = alive
        self._bodies = bodies
        self._ends = ends
        self._counters = counters
        self._dice = 0

    def elsewhere(self, slot: int) -> bool:
        """Give a message whose carrier is gone to another of its route. True if it was moved."""
        slab = self._state.spool.slab
        carrier = self._state.carriers[slab.carrier(slot)]
        if carrier in self._alive:
            return False
        if carrier in self._upstreams and not self._alive & self._others(slot):
            return False  # one that is configured no more is left, whoever is alive
        route = self._route_of(slot)
        if route is None:
            return False
        tried = self._state.asides.get(slab.id(slot)).tried
        self._dice += 1
        message = self._bodies.get(slab.id(slot), slab.position(slot)).message
        account = self._state.accounts[slab.account(slot)]
        dice = gathered(account, message) or self._dice
        other = route.another(self._alive, tried, dice) if tried else route.pick(self._alive, dice)
        if other is None or other == carrier:
            return False
        self._state.spool.reroute(slot, self._upstreams[other].index)
        return True

    def _others(self, slot: int) -> frozenset[bytes]:
        """All carriers that it may go to, and perhaps some more: told without reading its body.

        What came in this epoch was given its carrier by a route of today. What came before may have
        any of its account's.
        """
        slab = self._state.spool.slab
        chosen = slab.id(slot) >= self._book.first_id and not slab.flags(slot) & _DERIVED
        key = slab.account(slot), slab.carrier(slot), chosen
        found = self._reachable.get(key)
        if found is None:
            account, carrier = self._state.accounts[key[0]], self._state.carriers[key[1]]
            found = reachable(self._routes, account, carrier if chosen else b"") - {carrier}
            self._reachable[key] = found
        return found

    def next(self, slot: int, status: int, now: int) -> bool:
        """Give a message that its carrier has failed to the next of its route, if that says so.

        A part that was failed has failed its text, which then goes whole, or is cut anew. What the
        carrier said, and may say later, is void. True if there is a next.
        """
        slab = self._state.spool.slab
        if slab.flags(slot) & Flag.PART:
            slot = slab.find(self._state.spool.splits.whole_of(slab.id(slot)))
            if slot < 0:
                return False
        route = self._route_of(slot)
        if route is None or not route.tries_next or slab.expiry(slot) <= now:
            return False
        id, number = slab.id(slot), slab.attempt(slot)
        if datagram(self._bodies.get(id, slab.position(slot)).message):
            return False  # it is tried once
        carrier = self._state.carriers[slab.carrier(slot)]
        tried = (*self._state.asides.get(id).tried, carrier)
        self._dice += 1
        other = route.another(self._alive, tried, self._dice)
        if other is None or len(tried) > MAX_TRIED:
            return False
        self._counters.moved[carrier] += 1
        self._ends.notify(slot, now, True)
        aside = self._state.asides.get(id)
        noted = records.aside(id, aside.notified, number, tried, aside.waited)
        self._book.append(Kind.ASIDE, now, noted)
        # Attempt numbers are one octet, and the next attempt has the next.
        self._ends.move(slot, min(number, 254), status, other, now)
        return True

    def anew(self, slot: int, carrier: bytes, now: int) -> int:
        """The slot of a text that this carrier is to have cut anew, since it can't have this part.

        -1 if the message is no part, or another carrier has one.
        """
        slab = self._state.spool.slab
        whole = slab.find(self._state.spool.splits.whole_of(slab.id(slot)))
        if whole < 0 or self._ends.parts.untouched(whole) < 0:
            return -1
        self._ends.move(whole, slab.attempt(whole), 0, carrier, now)
        return whole
