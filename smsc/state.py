"""Everything that follows from the log, and the one ``apply`` by which it follows.

The live run and a replay call the same function with the same records in the same order, so they
end in the same state: ``fingerprint`` shows it. Time comes only from the frame a record is in.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from smsc import records
from smsc._finished import FinalStates, Remembered
from smsc._spool import Slab
from smsc.asides import Asides
from smsc.correlation import Orphans
from smsc.errors import NewerLog
from smsc.lessons import Lessons
from smsc.mailbox import Mailboxes
from smsc.purses import Purses, Written
from smsc.rating import Purse
from smsc.records import Kind
from smsc.spool import Names, Spool, Stage

# Plain numbers, as in ``spool``.
_START, _MESSAGE, _ATTEMPT = int(Kind.START), int(Kind.MESSAGE), int(Kind.ATTEMPT)
_ACKED, _QUEUED, _DOUBT = int(Kind.ACKED), int(Kind.QUEUED), int(Kind.DOUBT)
_FINAL, _MAIL, _MAIL_DONE = int(Kind.FINAL), int(Kind.MAIL), int(Kind.MAIL_DONE)
_ORPHAN, _ORPHAN_DONE = int(Kind.ORPHAN), int(Kind.ORPHAN_DONE)
_MOVED, _ASIDE, _LEARNED = int(Kind.MOVED), int(Kind.ASIDE), int(Kind.LEARNED)
_PURSE = int(Kind.PURSE)
_STATES = int(Kind.STATES)

#: How long final states may be asked about, ms, and how many are kept, unless somebody says.
KEEP = 24 * 3_600_000
KEPT = 1_000_000
_SPLIT, _JOINED = int(Kind.SPLIT), int(Kind.JOINED)


class State:
    """Owed messages, mailboxes, orphaned receipts, final states, and what was learned."""

    def __init__(self, keep: int = KEEP, kept: int = KEPT) -> None:
        self.accounts = Names()
        self.carriers = Names()
        self.ended = FinalStates(keep, kept)
        self.spool = Spool(self.accounts, self.carriers, self.ended)
        self.mailboxes = Mailboxes(self.accounts, self.carriers)
        self.orphans = Orphans()
        self.asides = Asides(self.spool.slab)
        self.lessons = Lessons()
        self.purses = Purses()
        #: A purse that counts once the next record is there.
        self._written: Written | None = None
        #: The epoch of the newest START record.
        self.epoch = 0
        self._began = 0
        self._time = 0
        #: Called with (kind, position, time, head) of a FINAL or MAIL_DONE before it is applied.
        self.before_end: Callable[[int, int, int, bytes], None] | None = None

    def apply(self, kind: int, position: int, time: int, head: bytes) -> None:
        """Take one record into account. Raises NewerLog for a kind this version doesn't know."""
        self._time = time
        if not self._began:
            self._began = time
            self.spool.slab.start(time)
            self.mailboxes.slab.start(time)
        if self.before_end is not None and kind in (_FINAL, _MAIL_DONE):
            self.before_end(kind, position, time, head)
        if self._written is not None:
            self._settle_purse(kind)
        self._fold(kind, position, time, head)

    def _fold(self, kind: int, position: int, time: int, head: bytes) -> None:
        # One branch per kind of record, the frequent ones first. Compiled these are comparisons of
        # machine integers; a table of bound methods cost three times what the folds do.
        if kind == _MESSAGE:
            self.spool.message(position, time, head)
        elif kind == _MAIL:
            self.mailboxes.mail(position, time, head)
        elif kind == _FINAL:
            self.spool.final(position, time, head)
            if self.asides.count:
                self.asides.final(position, time, head)
        elif kind == _ACKED:
            self.spool.acked(position, time, head)
        elif kind == _MAIL_DONE:
            self.mailboxes.mail_done(position, time, head)
        elif kind == _ATTEMPT:
            self.spool.attempt(position, time, head)
        elif kind == _QUEUED:
            self.spool.queued(position, time, head)
        elif kind == _DOUBT:
            self.spool.doubt(position, time, head)
        elif kind == _ORPHAN:
            self.orphans.orphan(position, time, head)
        elif kind == _ORPHAN_DONE:
            self.orphans.orphan_done(position, time, head)
        else:
            self._fold_seldom(kind, position, time, head)

    def _fold_seldom(self, kind: int, position: int, time: int, head: bytes) -> None:
        if kind == _MOVED:
            self.spool.moved(position, time, head)
        elif kind == _ASIDE:
            self.asides.aside(position, time, head)
        elif kind == _PURSE:
            self._written = self.purses.purse(position, time, head)
        elif kind == _LEARNED:
            self.lessons.learned(position, time, head)
        elif kind == _STATES:
            self.spool.states(position, time, head)
        elif kind == _SPLIT:
            self.spool.split(position, time, head)
        elif kind == _JOINED:
            self.spool.joined(position, time, head)
        elif kind == _START:
            self._start(position, time, head)
        else:
            raise NewerLog(f"record kind {kind} was written by a newer version of smsc")

    def _settle_purse(self, kind: int) -> None:
        # A start right behind it means that a crash cut off the record it came with.
        written, self._written = self._written, None
        if written is not None and kind != _START:
            self.purses.take(written)

    def _start(self, position: int, time: int, head: bytes) -> None:
        self.epoch = records.read_start(head)

    def oldest_segment(self) -> int:
        """The oldest segment that something owed still needs, or -1 for none."""
        needed = (
            self.spool.slab.oldest_segment(),
            self.mailboxes.slab.oldest_segment(),
            self.orphans.oldest_segment(),
            self.lessons.oldest_segment(),
            self.purses.oldest_segment(),
            self.ended.oldest_segment(),
            self.spool.splits.oldest_segment(),
        )
        return min((segment for segment in needed if segment >= 0), default=-1)

    @property
    def newest_end(self) -> int:
        """Position of the newest record that ended what leaves a traffic record."""
        return max(self.spool.newest_end, self.mailboxes.newest_end)

    # -- as octets ---------------------------------------------------------------------------

    def dump(self) -> tuple[tuple[Any, ...], Iterator[bytes]]:
        """``(values, pieces)`` of which ``load`` makes the same state again.

        Nothing may change while the pieces are taken. Values are plain.
        """
        spool, pieces = self.spool.slab.dump()
        mailboxes, more = self.mailboxes.slab.dump()
        ended, rest = self.ended.dump()
        remembered, last = self.spool.remembered.dump()
        values = (
            (self.epoch, self._began, self._time, self._written),
            (tuple(self.accounts.names), tuple(self.carriers.names)),
            (spool, mailboxes, ended, remembered),
            (self.spool.dump(), self.mailboxes.dump()),
            (self.asides.dump(), self.lessons.dump(), self.purses.dump(), self.orphans.dump()),
        )
        return values, chain(pieces, more, rest, last)

    def load(self, values: tuple[Any, ...], read: Callable[[int], bytes]) -> None:
        """Become the state that was dumped; ``read(n)`` gives the next ``n`` octets of its pieces.

        No record was applied to this one before, but there may be names in it, and lists. After a
        ValueError, where no state was ever like this, nothing has changed.
        """
        (epoch, began, time, written), names, facts, folds, seldom = values
        spool, mailboxes = Slab(), Slab()
        ended = FinalStates(self.ended.keep, self.ended.most)
        spool.load(facts[0], read)
        mailboxes.load(facts[1], read)
        ended.load(facts[2], read)
        remembered = Remembered(self.spool.remembered.least)
        remembered.load(facts[3], read)
        accounts = array("H", [self.accounts.index(name) for name in names[0]])
        carriers = array("H", [self.carriers.index(name) for name in names[1]])
        self.ended.become(ended, accounts)
        self.spool.remembered.become(remembered)
        self.spool.load(folds[0], spool, accounts, carriers)
        self.mailboxes.load(folds[1], mailboxes, accounts, carriers)
        asides, lessons, purses, orphans = seldom
        self.asides.load(asides)
        self.lessons.load(lessons)
        self.purses.load(purses)
        self.orphans.load(orphans)
        self.epoch, self._began, self._time = epoch, began, time
        self._written = None if written is None else (*written[:2], Purse(*written[2]))

    def fingerprint(self) -> str:
        """A hash over everything the log determines, in an order that does not depend on history.

        What no record says is left out: who stands where in a ready queue, and which bind has
        taken a mail.
        """
        digest = hashlib.sha256()
        slab = self.spool.slab
        for row in sorted(slab.row(slot) for slot in slab.slots()):
            (id, position, key, due, expiry, sent, account, carrier, *rest) = row
            state = rest[0]
            # A message that is only queued may be moved to another carrier without a record, also
            # one that is then sent in parts, or as one.
            movable = state in (Stage.QUEUED, Stage.SPLIT, Stage.JOINED)
            settled: list[object] = [] if movable else [self.carriers[carrier]]
            settled += [due] if state in (Stage.ACKED, Stage.IN_DOUBT) else []
            owner = self.accounts[account]
            digest.update(repr((id, position, key, expiry, sent, owner, rest, settled)).encode())
        mail = self.mailboxes.slab
        for row in sorted(mail.row(slot) for slot in mail.slots()):
            digest.update(repr((row[0], row[1], row[4], self.accounts[row[6]])).encode())
        for position, head in sorted((o.position, tuple(o.head)) for o in self.orphans):
            digest.update(repr((position, head)).encode())
        for told in (sorted(self.asides), sorted(self.lessons)):
            digest.update(repr(told).encode())
        for purse in sorted(self.purses):
            digest.update(repr(purse).encode())
        for e in sorted(self.ended.held(self._time), key=lambda e: e.id):
            owner = self.accounts[e.account]
            ended = (e.id, e.check, e.done, owner, e.state, e.error, e.flags, e.members)
            digest.update(repr(ended).encode())
        for id, split in sorted(self.spool.splits):
            newest = tuple(split.head) if split.head else None
            digest.update(repr((id, split.position, newest, sorted(split.parts))).encode())
        for whole, parts in sorted(self.spool.joins):
            outcome = self.spool.joins.outcome(whole)
            digest.update(repr((whole, sorted(parts), outcome)).encode())
        return digest.hexdigest()
