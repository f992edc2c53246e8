"""Messages to carriers: sent as binds have room, and what the carriers answer.

Owns what an answer means: acknowledged, to be tried again, failed, in doubt. An attempt is on disk
before its submit_sm leaves. Which message is next is ``upstream``'s to say, how it is put to its
carrier is ``dialect``'s, how it ends is in ``endings``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from smsc import records
from smsc._pdu import Message
from smsc.accounts import Accounts
from smsc.addressing import Numbering
from smsc.bodies import Bodies
from smsc.book import Book
from smsc.commit import Commit
from smsc.correlation import Correlation
from smsc.counters import Counters
from smsc.dialect import Unsayable
from smsc.endings import END_OCTETS, Endings
from smsc.failover import Failover
from smsc.joining import Joining
from smsc.message import datagram
from smsc.ports import RelayBind
from smsc.records import Flag, Kind
from smsc.reports import Reports
from smsc.smpp import MessageState, Status
from smsc.spool import Stage
from smsc.subject import Restricted
from smsc.subjects import Subjects
from smsc.upstream import Berth, Upstream

#: After a carrier said that it is asked too much, ms. Its bind slows down by itself.
THROTTLED_DELAY = 1_000

#: Statuses from here on are counted as one, so that a carrier can't make us count without bound.
UNHEARD_OF = 0x1000

# Plain numbers for what every message meets: comparing with an enum's member is slower (``spool``).
_ATTEMPT, _ACKED = int(Kind.ATTEMPT), int(Kind.ACKED)
_ATTEMPTED = int(Stage.ATTEMPT)
_ACKNOWLEDGED, _IN_DOUBT = int(Stage.ACKED), int(Stage.IN_DOUBT)
_SPLIT, _JOINED = int(Stage.SPLIT), int(Stage.JOINED)
_RECEIPT_ASKED = int(Flag.RECEIPT_ASKED)
_BROADCAST, _WHOLE = int(Flag.BROADCAST), int(Flag.WHOLE)
_ENROUTE = int(MessageState.ENROUTE)
_ROK = int(Status.ESME_ROK)


class Relaying:
    """See the module. ``alive`` are the carriers with a bind; it is kept here.

    ``tries_next``: some route sends what one carrier failed to another.
    """

    def __init__(
        self,
        book: Book,
        commit: Commit,
        accounts: Accounts,
        bodies: Bodies,
        upstreams: Mapping[bytes, Upstream],
        correlations: Mapping[bytes, Correlation],
        alive: set[bytes],
        ends: Endings,
        others: Failover,
        tries_next: bool,
        joining: Joining,
        subjects: Subjects,
        reports: Reports,
        counters: Counters,
    ) -> None:
        self._book = book
        self._state = book.state
        self._commit = commit
        self._accounts = accounts
        self._bodies = bodies
        self._upstreams = upstreams
        self._by_index = {upstream.index: upstream for upstream in upstreams.values()}
        self._correlations = correlations
        self._alive = alive
        self._ends = ends
        self._others = others
        self._tries_next = tries_next
        self._joining = joining
        self._subjects = subjects
        self._restricted: Restricted | None = None
        self._reports = reports
        self._counters = counters

    def adopt(self, accounts: Accounts) -> None:
        """Numbers are written as these accounts say from now on."""
        self._accounts = accounts

    def restrict(self, restricted: Restricted | None) -> None:
        """What is of these waits from now on, when it comes to its turn."""
        self._restricted = restricted

    # -- binds and sending -------------------------------------------------------------------

    def up(self, bind: RelayBind) -> None:
        """See ``ports.Keeper.carrier_up``."""
        upstream = self._upstreams[bind.carrier]
        upstream.add(bind)
        if bind.carrier not in self._alive:
            self._alive.add(bind.carrier)
            for other in self._upstreams.values():
                other.recheck()
        self.pump(upstream)

    def down(
        self,
        bind: RelayBind,
        unsent: Sequence[tuple[int, int]],
        unanswered: Sequence[tuple[int, int]],
    ) -> None:
        """See ``ports.Keeper.carrier_down``."""
        upstream = self._upstreams[bind.carrier]
        unsent = [*unsent, *upstream.remove(bind)]
        now = self._commit.begin()
        if not upstream.alive:
            upstream.away_since = now
            self._alive.discard(bind.carrier)
        slab = self._state.spool.slab
        for id, number in reversed(unsent):  # the last of them first, so that the first is next
            slot = slab.find(id)
            if self._outstanding(slot, number):
                self._requeue(slot, number - 1, now, 0, now)
                upstream.first(slot)
        for id, number in unanswered:
            slot = slab.find(id)
            if self._outstanding(slot, number):
                self.doubt(slot, number, now, "bind_lost")
        self.pump(upstream)

    def timed_out(self, bind: RelayBind, batch: Sequence[tuple[int, int]]) -> None:
        """No response came to these attempts, on a bind that lives: they are in doubt."""
        now = self._commit.begin()
        for id, number in batch:
            slot = self._state.spool.slab.find(id)
            if self._outstanding(slot, number):
                self.doubt(slot, number, now, "response_timeout")

    def _outstanding(self, slot: int, number: int) -> bool:
        slab = self._state.spool.slab
        return slot >= 0 and slab.state(slot) == _ATTEMPTED and slab.attempt(slot) == number

    def pump(self, upstream: Upstream) -> None:
        """Send what waits for a carrier, as far as its binds take it now."""
        slab = self._state.spool.slab
        now = 0
        while upstream.has_work() and upstream.ask():
            changed = False
            while (berth := upstream.take(self._message_of)) is not None:
                slot = berth.slot
                if not now:  # only now: while all binds are full there is no frame
                    now = self._commit.begin()
                if slab.expiry(slot) <= now:
                    self._ends.finish(slot, now, MessageState.EXPIRED)
                    berth.room += 1
                    continue
                if self._restricted is not None and self._subjects.is_blocked(slot):
                    # Until its validity is over, or the block is.
                    self._requeue(slot, slab.attempt(slot), slab.expiry(slot), 0, now)
                    berth.room += 1
                    changed = True
                    continue
                message = self._told(upstream, berth, slot, now)
                if message is None:
                    berth.room += 1
                    changed = True
                    continue
                id, number = slab.id(slot), slab.attempt(slot) + 1
                self._book.append(_ATTEMPT, now, records.attempt(id, number, upstream.name))
                if slab.flags(slot) & _BROADCAST:
                    self._counters.submitted[upstream.name] += 1
                    berth.bind.broadcast(id, number, message)
                    continue
                if self._accounts.numbering:
                    message = self._canonical(slot, message)
                berth.load(id, number, message)
            sent = upstream.send()
            self._counters.submitted[upstream.name] += sent
            if not sent and not changed:
                return

    def _canonical(self, slot: int, message: Message) -> Message:
        numbering = self.numbering_of(self._state.accounts[self._state.spool.slab.account(slot)])
        return message if numbering is None else numbering.canonical(message)

    def numbering_of(self, account: bytes) -> Numbering | None:
        """How an account's numbers are written; None: as they come, or it is gone."""
        owner = self._accounts.get(account)
        return None if owner is None else owner.numbering

    def _message_of(self, slot: int) -> Message:
        slab = self._state.spool.slab
        return self._bodies.get(slab.id(slot), slab.position(slot)).message

    def _told(self, upstream: Upstream, berth: Berth, slot: int, now: int) -> Message | None:
        """A message as the carrier needs it. None: others go in its stead, or it has failed."""
        message = self._message_of(slot)
        dialect = upstream.dialect
        flags = self._state.spool.slab.flags(slot)
        if flags & _WHOLE and not upstream.joins:
            upstream.ahead(berth, self._joining.dissolve(slot, upstream.name, now))
            return None
        if dialect is None or flags & _BROADCAST:
            return message
        try:
            instead = None
            if upstream.joins and not flags & _WHOLE:
                instead = self._joining.instead(slot, message, upstream, now)
            if instead is None:
                told: Message | None = dialect.say(message)
                if told is not None:
                    return told
                instead = self._ends.parts.cut(slot, message, upstream.name, dialect, now)
        except Unsayable as error:
            text = self._others.anew(slot, upstream.name, now)
            if text >= 0:
                upstream.ahead(berth, [text])
            elif not self._others.next(slot, error.status, now):
                self._ends.finish(slot, now, MessageState.REJECTED, error.status)
            return None
        upstream.ahead(berth, instead)
        return None

    # -- outcomes ----------------------------------------------------------------------------

    def outcomes(self, bind: RelayBind, batch: Sequence[tuple[int, int, int, bytes]]) -> None:
        """See ``ports.Keeper.outcomes``."""
        upstream: Upstream = self._upstreams[bind.carrier]
        now = self._commit.begin()
        taken = 0
        for id, number, status, carrier_id in batch:
            if status == _ROK:
                taken += 1
            else:
                self._counters.outcomes[(upstream.name, min(status, UNHEARD_OF))] += 1
            slot = self._state.spool.slab.find(id)
            if slot < 0:
                continue  # final already: nothing is undone
            if status == _ROK:
                self._acknowledged(upstream, slot, number, carrier_id, now)
            elif self._outstanding(slot, number) or self._in_doubt(slot, number):
                self._refused(upstream, slot, number, status, now)
        self._counters.outcomes[(upstream.name, _ROK)] += taken
        self.pump(upstream)

    def _in_doubt(self, slot: int, number: int) -> bool:
        slab = self._state.spool.slab
        return slab.state(slot) == _IN_DOUBT and slab.attempt(slot) == number

    def _acknowledged(
        self, upstream: Upstream, slot: int, number: int, carrier_id: bytes, now: int
    ) -> None:
        slab = self._state.spool.slab
        stage = slab.state(slot)
        if stage == _ACKNOWLEDGED or (number < slab.attempt(slot) and stage == _ATTEMPTED):
            # Two attempts reached the carrier, or will have: it was in doubt and tried again.
            self._counters.confirmed_duplicates += 1
            if stage == _ACKNOWLEDGED:
                return
        if stage in (_SPLIT, _JOINED):  # it was in doubt, and others are now sent in its stead
            self._counters.confirmed_duplicates += 1
            return
        if stage == _IN_DOUBT:
            self._counters.resolved["late_response"] += 1
        asked = upstream.asks_receipt(bool(slab.flags(slot) & _RECEIPT_ASKED))
        correlation: Correlation = self._correlations[upstream.name]
        key = correlation.of_response(carrier_id) if carrier_id else 0
        until = now + upstream.receipt_wait
        id = slab.id(slot)
        if slab.flags(slot) & _BROADCAST:
            # Nobody will report on it; it can be asked for until its validity is over.
            until = max(now, slab.expiry(slot))
        elif not asked:
            self._ends.finish(slot, now, _ENROUTE)
            return
        reported = key and len(self._state.orphans)
        if reported:  # it may have ended, too
            self._book.together(END_OCTETS)
        self._book.append(_ACKED, now, records.acked(id, number, until, key, carrier_id))
        if reported:
            self._reports.responded(correlation, slot, key, carrier_id, now)

    def _refused(self, upstream: Upstream, slot: int, number: int, status: int, now: int) -> None:
        slab = self._state.spool.slab
        config = upstream.config
        if slab.state(slot) == _IN_DOUBT:
            self._counters.resolved["refused"] += 1
        action = config.action(status)
        if action != "fail" and datagram(self._message_of(slot)):
            action = "fail"  # it asked for one attempt
        # Those that another carrier made before do not count here.
        tries = number - self._state.asides.get(slab.id(slot)).before
        if action == "throttle":
            delay = THROTTLED_DELAY  # not the message's fault: only its validity ends this
        elif action == "retry" and tries < config.retry.attempts:
            delay = config.retry.delays[min(tries, len(config.retry.delays)) - 1]
        elif self._tries_next and self._others.next(slot, status, now):
            return
        else:
            self._ends.finish(slot, now, MessageState.REJECTED, status)
            return
        if now + delay >= slab.expiry(slot):
            self._ends.finish(slot, now, MessageState.EXPIRED, status)
            return
        self._counters.retried[upstream.name] += 1
        self._ends.notify(slot, now, True)
        # Attempt numbers are one octet: past 255 they stay there.
        self._requeue(slot, min(number, 254), now + delay, status, now)

    def _requeue(self, slot: int, number: int, due: int, status: int, now: int) -> None:
        id = self._state.spool.slab.id(slot)
        self._book.append(Kind.QUEUED, now, records.queued(id, number, due, status))

    def doubt(self, slot: int, number: int, now: int, cause: str) -> None:
        """Nobody knows what became of an attempt; its carrier's policy says what comes next."""
        slab = self._state.spool.slab
        upstream = self._by_index.get(slab.carrier(slot))
        carrier = self._state.carriers[slab.carrier(slot)]
        self._counters.in_doubt[(carrier, cause)] += 1
        policy = upstream.config.in_doubt if upstream is not None else None
        hold = 0 if policy is None or policy.policy == "requeue" else policy.hold
        head = records.doubt(slab.id(slot), number, now + hold, cause.encode())
        self._book.append(Kind.DOUBT, now, head)

    def resolve(self, slot: int, now: int) -> None:
        """The hold of a doubt is over and nothing has settled it: the carrier's policy does."""
        slab = self._state.spool.slab
        upstream = self._by_index.get(slab.carrier(slot))
        at_most_once = upstream is not None and upstream.config.in_doubt.policy == "fail"
        if at_most_once or datagram(self._message_of(slot)):
            self._counters.resolved["failed"] += 1
            self._ends.finish(slot, now, MessageState.UNKNOWN)
        elif slab.expiry(slot) <= now:
            self._counters.resolved["expired"] += 1
            self._ends.finish(slot, now, MessageState.EXPIRED)
        else:
            self._counters.resolved["requeued"] += 1
            self._requeue(slot, slab.attempt(slot), now, 0, now)
