"""Parts that clients cut, joined for a carrier that wants texts whole.

A part is stored and answered like any message. When its turn comes it waits for the others, for a
bounded time: no longer than its carrier's ``join_wait``, nor than half of what is left of its
validity. When the last one is here the text goes as one message, its *whole* (``joins``), and what
becomes of that becomes of each part (``endings``). What is not complete by then goes as it came,
and so does a text that another carrier gets which wants none whole, or one of whose parts is
cancelled or replaced. A part that was attempted before, or cut by us, is never joined.

Which parts wait for one another is derived and not on disk; that they wait, and how long, is.
"""

from __future__ import annotations

import itertools

from smsc import dialect, records
from smsc._pdu import Message
from smsc._spool import FIRST_LIST
from smsc.bodies import Bodies
from smsc.book import Book
from smsc.counters import Counters
from smsc.joins import DISSOLVED
from smsc.message import ANY_WISH, datagram
from smsc.records import Flag, Kind
from smsc.spool import Stage
from smsc.upstream import Upstream

#: How often a part may come while it waits; beyond that it goes as it came. So a group is small.
MAX_COPIES = 4

#: How many groups are looked at for each that is begun.
TIDIED = 2

# Plain numbers, as in ``spool``.
_QUEUED, _JOINED = int(Stage.QUEUED), int(Stage.JOINED)
_PART, _WHOLE, _RECEIPT_ASKED = int(Flag.PART), int(Flag.WHOLE), int(Flag.RECEIPT_ASKED)
_MESSAGE_KIND, _JOINED_KIND = int(Kind.MESSAGE), int(Kind.JOINED)
_QUEUED_KIND, _ASIDE_KIND = int(Kind.QUEUED), int(Kind.ASIDE)

#: What the parts of one text have in common: the account, the carrier, and all of ``part_of``.
_Key = tuple[int, bytes, bytes]


class _Group:
    """Parts of one text that wait, by their numbers, each with its copies, until when at most."""

    def __init__(self, until: int) -> None:
        self.until = until
        self.ids: dict[int, list[int]] = {}


class Joining:
    """See the module."""

    def __init__(self, book: Book, bodies: Bodies, counters: Counters) -> None:
        self._book = book
        self._state = book.state
        self._bodies = bodies
        self._counters = counters
        self._groups: dict[_Key, _Group] = {}
        #: The group in which a part waits, its number there, and where its record lies.
        self._waits_in: dict[int, tuple[_Key, int, int]] = {}

    def __len__(self) -> int:
        return len(self._waits_in)

    # -- a part's turn -----------------------------------------------------------------------

    def instead(
        self, slot: int, message: Message, upstream: Upstream, now: int
    ) -> list[int] | None:
        """The slots of what goes in stead of a message whose turn has come; None if it goes itself.

        None are named while a part waits.
        """
        slab = self._state.spool.slab
        id = slab.id(slot)
        if self._state.asides.get(id).waited:
            self._give_up(id, now)
            return None
        if slab.attempt(slot) or slab.flags(slot) & _PART or datagram(message):
            return None
        found = dialect.part_of(message)
        if found is None or found[0].total == 1:
            return None
        part = found[0]
        key = self._key(slot, found[1])
        group = self._group(key, part.number, message, now)
        until = now + min(upstream.config.join_wait, (slab.expiry(slot) - now) // 2)
        if group is None:
            self._tidy(now)
            group = self._groups[key] = _Group(until)
        elif len(group.ids.get(part.number, ())) >= MAX_COPIES:
            return None
        self._enter(key, part.number, id)
        if len(group.ids) == part.total:
            self._prune(key)
        if len(group.ids) < part.total:
            self._hold(slot, min(group.until, until), now)
            return []
        return [self._join(key, upstream, now)]

    def _key(self, slot: int, common: bytes) -> _Key:
        slab = self._state.spool.slab
        return slab.account(slot), self._state.carriers[slab.carrier(slot)], common

    def _group(self, key: _Key, number: int, message: Message, now: int) -> _Group | None:
        """The group that a part belongs to, of those that still wait.

        The same part with another text is of another message, and then nobody knows of which the
        rest is.
        """
        group = self._groups.get(key)
        if group is None:
            return None
        self._prune(key, number)
        others = group.ids.get(number)
        if others and self._message(others[0]).text != message.text:
            self._give_up(others[0], now)
        return self._groups.get(key)

    def _prune(self, key: _Key, number: int = 0) -> None:
        """Take out what went another way: cancelled, expired, at another carrier.

        Only copies of this part, if one is named.
        """
        ids = self._groups[key].ids
        for part in [number] if number else list(ids):
            for id in list(ids.get(part, ())):
                if not self._waits(id, key, part):
                    self._leave(id)

    def _tidy(self, now: int) -> None:
        """Look at the oldest groups: there may be nothing left of them."""
        for key in list(itertools.islice(self._groups, TIDIED)):
            if self._groups[key].until < now:
                self._groups[key] = self._groups.pop(key)  # the next time others are looked at
                self._prune(key)

    def _waits(self, id: int, key: _Key, number: int) -> bool:
        """Whether a part still waits here, and is what it was."""
        slab = self._state.spool.slab
        slot = slab.find(id)
        if slot < 0 or slab.state(slot) != _QUEUED or slab.attempt(slot):
            return False
        carrier = self._state.carriers[slab.carrier(slot)]
        if self._waits_in[id][2] == slab.position(slot) and key[1] == carrier:
            return True  # its record is the same
        found = dialect.part_of(self._message(id))
        return found is not None and found[0].number == number and self._key(slot, found[1]) == key

    def _enter(self, key: _Key, number: int, id: int) -> None:
        self._groups[key].ids.setdefault(number, []).append(id)
        slab = self._state.spool.slab
        self._waits_in[id] = key, number, slab.position(slab.find(id))

    def _leave(self, id: int) -> None:
        key, number, _position = self._waits_in.pop(id)
        ids = self._groups[key].ids
        ids[number].remove(id)
        if not ids[number]:
            del ids[number]
        if not ids:
            del self._groups[key]

    def _hold(self, slot: int, until: int, now: int) -> None:
        id = self._state.spool.slab.id(slot)
        self._book.append(_QUEUED_KIND, now, records.queued(id, 0, until, 0))
        self._note(id, 0, (), now)

    def _note(self, id: int, before: int, tried: tuple[bytes, ...], now: int) -> None:
        """It has waited; and what its whole has been through."""
        notified = self._state.asides.get(id).notified
        self._book.append(_ASIDE_KIND, now, records.aside(id, notified, before, tried, True))

    def _give_up(self, id: int, now: int) -> None:
        """A part waits no more, nor do those that waited with it. No record says so."""
        if id not in self._waits_in:
            return
        key = self._waits_in[id][0]
        self._counters.joins["incomplete"] += 1
        slab = self._state.spool.slab
        for other in [other for ids in self._groups[key].ids.values() for other in ids]:
            self._leave(other)
            slot = slab.find(other)
            waits = slot >= 0 and slab.state(slot) == _QUEUED
            if waits and slab.linked(slot) < FIRST_LIST:
                slab.schedule(slot, now)
                self._state.spool.ready(slot)

    def _message(self, id: int) -> Message:
        slab = self._state.spool.slab
        return self._bodies.get(id, slab.position(slab.find(id))).message

    # -- the whole ---------------------------------------------------------------------------

    def _join(self, key: _Key, upstream: Upstream, now: int) -> int:
        slab = self._state.spool.slab
        group = self._groups.pop(key)
        numbers = sorted(group.ids)
        ids = [id for number in numbers for id in group.ids[number]]
        first = slab.find(ids[0])
        message = dialect.joined([self._message(group.ids[number][0]) for number in numbers])
        bodies = [self._bodies.get(id, slab.position(slab.find(id))) for id in ids]
        submitted = min(body.submitted for body in bodies)
        flags = _WHOLE | (_RECEIPT_ASKED if message.registered_delivery & ANY_WISH else 0)
        whole = self._book.next_id()
        head = records.message(
            whole, submitted, now, min(slab.expiry(slab.find(id)) for id in ids), 0, 0, _QUEUED,
            max(slab.lane(slab.find(id)) for id in ids), 0, flags,
            self._state.accounts[slab.account(first)], upstream.name, None, None, 0,
            bodies[0].network,
        )  # fmt: skip
        for id in ids:
            del self._waits_in[id]
            self._book.append(_JOINED_KIND, now, records.joined(id, whole))
        self._book.append(_MESSAGE_KIND, now, head, message.raw)
        self._bodies.put(whole, message, submitted, None, None, bodies[0].network)
        self._counters.joins["joined"] += 1
        return slab.find(whole)

    def dissolve(self, slot: int, carrier: bytes, now: int) -> list[int]:
        """Let the parts of a whole that nobody has go to this carrier as they came; their slots."""
        slab = self._state.spool.slab
        id = slab.id(slot)
        aside = self._state.asides.get(id)
        parts = self._state.spool.joins.parts(id)
        for part in parts:
            self._note(part, aside.before, aside.tried, now)
        self._book.append(Kind.FINAL, now, records.final(id, DISSOLVED, 0, b"", b"", carrier))
        self._bodies.drop(id)
        self._counters.joins["dissolved"] += 1
        return [slab.find(part) for part in parts]

    def recalled(self, slot: int, now: int) -> bool:
        """Make a part of a whole that nobody has a message like any other; False if one has it."""
        spool = self._state.spool
        whole = spool.slab.find(spool.joins.whole_of(spool.slab.id(slot)))
        if not self.recallable(slot):
            return False
        self.dissolve(whole, self._state.carriers[spool.slab.carrier(whole)], now)
        return True

    def recallable(self, slot: int) -> bool:
        """Whether this is a part of a whole that no carrier has, as far as is known."""
        spool = self._state.spool
        if spool.slab.state(slot) != _JOINED:
            return False
        whole = spool.slab.find(spool.joins.whole_of(spool.slab.id(slot)))
        return whole >= 0 and spool.slab.state(whole) == _QUEUED

    # -- after a start -----------------------------------------------------------------------

    def resume(self, upstreams: dict[bytes, Upstream], now: int) -> None:
        """Know again which parts wait for one another."""
        slab = self._state.spool.slab
        for id, aside in sorted(self._state.asides):
            slot = slab.find(id)
            upstream = upstreams.get(self._state.carriers[slab.carrier(slot)])
            if not aside.waited or slab.state(slot) != _QUEUED or slab.due(slot) <= now:
                continue
            message = self._message(id)
            found = dialect.part_of(message)
            if found is None or upstream is None or slab.attempt(slot):
                continue
            key = self._key(slot, found[1])
            if self._group(key, found[0].number, message, now) is None:
                self._groups[key] = _Group(slab.due(slot))
            self._enter(key, found[0].number, id)
