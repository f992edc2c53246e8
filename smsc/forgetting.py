"""Letting go of old segments: what is neither owed nor unexported has no business on the disk.

Only a prefix of the log can be forgotten. A segment is let go when no body in it is needed and the
traffic records of every message that ended before are durable. A few needed bodies in an old
segment would keep thousands of strangers' texts alive, so they are carried forward: written again,
as they stand, into the newest frame, and so are the final states that clients may still ask about.
That is done when the log takes more than twice the space of what is owed, so each octet is carried
about once for each that is written (the cleaning cost of Rosenblum and Ousterhout's log-structured
file system at half utilisation), and when a segment is older than an hour, which also begins a new
one.
"""

from __future__ import annotations

from typing import Protocol

from smsc import records
from smsc.asides import NONE
from smsc.commit import Commit
from smsc.ports import Log
from smsc.records import Kind
from smsc.state import State
from smsc.traffic import Traffic

#: Entries looked at, and carried, per tick; and final states.
SCAN_PORTION = 50_000
CARRY_PORTION = 500
STATES_PORTION = 10_000

#: Age at which a segment is begun anew and the remains of an old one are carried, ms.
MAX_AGE = 3_600_000

#: Octets a record takes beside its PDU: frame share, record header, head.
RECORD_OVERHEAD = 110

#: Octets that carrying a final state takes.
STATE_OCTETS = 25

#: Disk space that is never worth tidying: two segments.
SLACK = 128 * 1024 * 1024


class Append(Protocol):
    def __call__(self, kind: int, now: int, head: bytes, body: bytes = b"") -> int: ...


class Forgetting:
    """See the module. ``tick`` does a bounded portion."""

    def __init__(
        self, log: Log, commit: Commit, state: State, traffic: Traffic, append: Append
    ) -> None:
        self._log = log
        self._commit = commit
        self._state = state
        self._traffic = traffic
        self._append = append
        #: (segment below which nothing is needed, end that must be exported before it goes).
        self._candidate: tuple[int, int] | None = None
        #: Whether all that was carried forward before it is durable.
        self._settled = False
        #: Segment below which bodies are being carried; 0 for none.
        self._below = 0
        self._cursors = [0, 0]
        self._states_cursor = 0
        self._newest = 0
        self._begun: dict[int, int] = {}
        #: Newest position, and up to where nothing in the newest segment has to go for its age.
        self._position = 0
        self._fresh = 0
        #: The segment that the log was told to leave for its age.
        self._rotated = 0
        #: Bodies carried forward and segments unlinked so far.
        self.carried = 0
        self.released = 0

    def appended(self, position: int, now: int) -> None:
        """Take note of where the log stands: called with the newest position now and then."""
        self._position = position
        segment = position >> 32
        if segment != self._newest:
            self._newest = segment
            self._begun[segment] = now

    def hurry(self) -> int:
        """Carry all that is owed into a new segment, as if every other were old.

        What was ended before can be read by nobody once the segment that is returned is gone, and
        with it the keys of its time.
        """
        for segment in range(self._log.oldest_segment(), self._newest + 1):
            self._begun[segment] = 0
        return self._newest - (self._position == self._fresh)

    def tick(self, now: int) -> None:
        self._age(now)
        if self._below:
            self._carry(now)
        elif self._untidy(now):
            self._below = self._log.oldest_segment() + 1
            self._cursors = [0, 0]
            self._states_cursor = 0
        self._release()

    def _age(self, now: int) -> None:
        begun = self._begun.get(self._newest)
        if begun is None or now - begun <= MAX_AGE or self._position == self._fresh:
            return
        if self._rotated != self._newest:
            self._rotated = self._newest
            self._log.rotate()
        # A log where nothing happens begins no segment by itself, so something happens. A frame
        # that is open still goes to the old segment: then the next one will not.
        epoch = records.start(self._state.epoch)
        position = self._append(Kind.START, self._commit.begin(), epoch)
        if position >> 32 != self._newest:
            self._fresh = position

    def _untidy(self, now: int) -> bool:
        oldest = self._log.oldest_segment()
        needed = self._state.oldest_segment()
        if oldest >= self._newest or needed < 0 or needed > oldest:
            return False
        if now - self._begun.setdefault(oldest, now) > MAX_AGE:
            return True
        state = self._state
        live = (len(state.spool) + len(state.mailboxes)) * (RECORD_OVERHEAD + self._mean_octets())
        live += len(state.ended) * STATE_OCTETS
        return self._log.octets > 2 * live + SLACK

    def _mean_octets(self) -> int:
        # A text of a full short message with its addresses; only a yardstick for tidiness.
        return 200

    def _carry(self, now: int) -> None:
        slabs = (self._state.spool.slab, self._state.mailboxes.slab)
        carriers = (self._carry_message, self._carry_mail)
        done = True
        for which, (slab, carry) in enumerate(zip(slabs, carriers, strict=True)):
            if self._cursors[which] < 0:
                continue
            slots, cursor = slab.scan_segment(self._cursors[which], SCAN_PORTION, self._below)
            for slot in slots[:CARRY_PORTION]:
                carry(slot)
            if len(slots) > CARRY_PORTION:
                done = False  # the same portion again: what was carried has moved
                continue
            self._cursors[which] = cursor or -1
            done = done and not cursor
        if self._states_cursor >= 0:
            self._carry_states(now)
            done = done and self._states_cursor < 0
        if done:
            purses = self._state.purses
            for customer in purses.before(self._below):
                purse = records.purse(True, customer, *purses.get(customer))
                self._append(Kind.PURSE, self._commit.begin(), purse)
            for orphan in self._state.orphans.before(self._below):
                self._append(Kind.ORPHAN, self._commit.begin(), records.orphan(*orphan.head))
            for lesson in self._state.lessons.before(self._below):
                self._append(Kind.LEARNED, self._commit.begin(), records.learned(*lesson))
            for split in self._state.spool.splits.before(self._below):
                assert split.head is not None
                self._append(Kind.SPLIT, self._commit.begin(), records.split(*split.head))
            self._below = 0

    def _carry_message(self, slot: int) -> None:
        state = self._state
        slab = state.spool.slab
        row = slab.row(slot)
        id, position, key, due, expiry, sent, account, carrier, stage, lane, attempt, flags = row
        _kind, head, body = self._log.read(position)
        old = records.read_message(head)
        fresh = records.message(
            id, old.submitted, due, expiry, sent, key, stage, lane, attempt, flags,
            state.accounts[account], state.carriers[carrier], old.kin, old.charge, old.pair,
            old.network,
        )  # fmt: skip
        now = self._commit.begin()
        self._append(Kind.MESSAGE, now, fresh, body)
        aside = state.asides.get(id)
        if aside is not NONE:
            self._append(Kind.ASIDE, now, records.aside(id, *aside))
        whole = state.spool.joins.whole_of(id)
        if whole:
            self._append(Kind.JOINED, now, records.joined(id, whole))
        doubt = state.spool.doubts.get(id)
        if doubt is not None:
            self._append(Kind.DOUBT, now, records.doubt(id, attempt, due, doubt.cause))
        self.carried += 1

    def _carry_mail(self, slot: int) -> None:
        _kind, head, body = self._log.read(self._state.mailboxes.slab.position(slot))
        self._append(Kind.MAIL, self._commit.begin(), head, body)
        self.carried += 1

    def _carry_states(self, now: int) -> None:
        batches, cursor = self._state.ended.left_behind(
            self._states_cursor, STATES_PORTION, self._below, now
        )
        quiet = self._position == self._fresh
        for account, entries in batches:
            head = records.states(self._state.accounts[account], entries)
            self._position = self._append(Kind.STATES, self._commit.begin(), head)
        if quiet:
            self._fresh = self._position  # they are nothing that should go for its age
        self._states_cursor = cursor or -1

    def _release(self) -> None:
        if self._candidate is None:
            needed = self._state.oldest_segment()
            floor = self._newest if needed < 0 else min(needed, self._newest)
            if floor > self._log.oldest_segment():
                self._candidate = (floor, self._traffic.staged)
                self._settled = False
                self._commit.then(self._settle)
        elif self._settled and self._traffic.covered >= self._candidate[1]:
            floor, self._candidate = self._candidate[0], None
            self.released += self._log.release(floor)
            for segment in [segment for segment in self._begun if segment < floor]:
                del self._begun[segment]

    def _settle(self) -> None:
        self._settled = True
