"""What carriers bring: receipts for messages they took, and messages of their own.

Owns what a receipt does: it ends its message, or tells of its way, or waits as an orphan when its
message is not known yet. Which message it speaks of is found by the carrier's ``Correlation`` and,
where that fails, by ``Hearing``. An inbound message goes to the mailbox of the account that its
destination and keyword name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from smsc import receipt as receipts
from smsc import records
from smsc._pdu import Message
from smsc.accounts import Accounts
from smsc.addressing import international
from smsc.book import Book
from smsc.commit import Commit
from smsc.correlation import Correlation
from smsc.counters import Counters
from smsc.endings import END_OCTETS, Endings, Word
from smsc.failover import FAILURES, Failover
from smsc.hearing import Hearing, Unclaimed
from smsc.records import Flag, Kind, MailKind
from smsc.routing import InboundRouter
from smsc.smpp import MessageState, Status
from smsc.subjects import Subjects
from smsc.upstream import Upstream

#: Receipts without a message are kept this long (ms), and at most so many of them.
ORPHAN_WAIT = 3_600_000
MAX_ORPHANS = 100_000

#: How many deliver_sm are taken at a time: what of them must stay together fits a frame.
PORTION = 64

_ROK, _APART = int(Status.ESME_ROK), int(Flag.PART | Flag.WHOLE)


class Reports:
    """See the module. ``others``: where a reported failure may make another carrier try."""

    def __init__(
        self,
        book: Book,
        commit: Commit,
        accounts: Accounts,
        ends: Endings,
        hearing: Hearing,
        others: Failover | None,
        subjects: Subjects,
        correlations: Mapping[bytes, Correlation],
        router: InboundRouter,
        counters: Counters,
    ) -> None:
        self._book = book
        self._state = book.state
        self._commit = commit
        self._accounts = accounts
        self._ends = ends
        self._hearing = hearing
        self._others = others
        self._subjects = subjects
        self._correlations = correlations
        self._router = router
        self._counters = counters
        #: What is to be told of messages that have ended, as soon as the others of the read have.
        self._words: list[Word] = []
        #: How many others may still do so.
        self._rest = 0

    def adopt(self, accounts: Accounts) -> None:
        """Inbound messages go to these accounts from now on."""
        self._accounts = accounts

    def recall(self) -> None:
        """The log was read: what it says of the carriers is known again."""
        self._hearing.recall(self._correlations.values())

    def heard(self, upstream: Upstream, batch: Sequence[Message], now: int) -> list[int]:
        """deliver_sm of a carrier, in our words; the status to answer each with."""
        statuses: list[int] = []
        for start in range(0, len(batch), PORTION):
            self._heard(upstream, list(batch[start : start + PORTION]), now, statuses)
        return statuses

    def _heard(
        self, upstream: Upstream, batch: list[Message], now: int, statuses: list[int]
    ) -> None:
        # In passes, so that the code for each stays in the processor's cache (``admission``).
        correlation = self._correlations[upstream.name]
        parsed = []
        for message in batch:
            receipt = receipts.parse(message)
            parsed.append(receipt)
            statuses.append(self._message(upstream, message, now) if receipt is None else _ROK)
        # Inbound messages, which may be large, are kept by now.
        self._book.together(len(batch) * END_OCTETS)
        try:
            for at in range(len(batch)):
                receipt, self._rest = parsed[at], len(batch) - at - 1
                if receipt is not None and receipt.id:
                    self._receipt(upstream, correlation, batch[at], receipt, now)
        finally:
            self._tell()

    def _tell(self) -> None:
        """Say the words that are owed for what has ended."""
        if not self._words:
            return
        words, self._words = self._words, []
        for word in words:
            self._ends.tell(word)

    def _receipt(
        self,
        upstream: Upstream,
        correlation: Correlation,
        message: Message,
        receipt: receipts.Receipt,
        now: int,
    ) -> None:
        """Do what a receipt means."""
        key = correlation.of_receipt(receipt.id)
        slab = self._state.spool.slab
        slot = slab.find_key(key)
        if slot < 0 or now >= correlation.look_at:
            slot = self._hearing.of(correlation, message, receipt, slot, now)
            if slot >= 0 and slab.key(slot) != key:
                self._ends.remember(key)  # found in another way, as its repetition will be
        if not receipt.final:
            if slot >= 0 and receipt.state != MessageState.UNKNOWN:
                self._ends.notify(slot, now, False, receipt.network_error, receipt.error)
        elif slot >= 0:
            done = correlation.moment(receipt.done)
            self._end(slot, now, receipt.state, receipt.network_error, receipt.error, done)
        elif self._ends.remembers(key):
            self._counters.repeated_receipts += 1
        else:
            self._wait(upstream, key, receipt, now)
            self._hearing.defer(Unclaimed(now, key, correlation, message, receipt))

    def _end(
        self,
        slot: int,
        now: int,
        state: int,
        network_error: bytes,
        error: bytes,
        done: int,
    ) -> None:
        """A receipt says how a message ended, at ``done`` if that is known; ``_tell`` is next."""
        failed = self._others is not None and state in FAILURES
        apart = failed or self._state.spool.slab.flags(slot) & _APART
        if apart:  # it may take more of the log than was asked for
            self._tell()
        if not (failed and self._others is not None and self._others.next(slot, 0, now)):
            word = self._ends.end(slot, now, state, 0, network_error, error, done)
            if word is not None:
                self._words.append(word)
        if apart:
            self._tell()
            self._book.together(self._rest * END_OCTETS)

    def _message(self, upstream: Upstream, message: Message, now: int) -> int:
        region = upstream.config.numbers.region
        if region:
            message = international(message, region)
        words = message.text.split(None, 1)
        account = self._router.find(message.destination_addr, words[0] if words else b"")
        owner = self._accounts.get(account) if account is not None else None
        if owner is None:
            self._counters.inbound_unrouted += 1
            return Status.ESME_RX_R_APPN
        if self._subjects.closes(owner, message):
            return Status.ESME_RX_R_APPN
        self._counters.inbound[upstream.name] += 1
        if not self._ends.mail(owner, MailKind.INBOUND, upstream.name, message.raw, now):
            return Status.ESME_RX_T_APPN
        return _ROK

    # -- orphans -----------------------------------------------------------------------------

    def _wait(self, upstream: Upstream, key: int, receipt: receipts.Receipt, now: int) -> None:
        orphans = self._state.orphans
        if len(orphans) >= MAX_ORPHANS:
            oldest = orphans.oldest()
            if oldest is not None:
                self._done(oldest, "dropped", now)
        self._counters.orphans["kept"] += 1
        head = records.orphan(
            key,
            now + ORPHAN_WAIT,
            receipt.state,
            receipt.final,
            upstream.name,
            receipt.error[:16],
            receipt.network_error[:3],
        )
        self._book.append(Kind.ORPHAN, now, head)

    def _done(self, key: int, why: str, now: int) -> None:
        self._counters.orphans[why] += 1
        self._book.append(Kind.ORPHAN_DONE, now, records.orphan_done(key))

    def responded(
        self, correlation: Correlation, slot: int, key: int, carrier_id: bytes, now: int
    ) -> None:
        """A message is acknowledged: its receipt may have come before.

        Whoever says so has had the book keep all of this ``together`` with the acknowledgement.
        """
        orphan = self._hearing.orphan(correlation, key, carrier_id, now)
        if orphan is not None:
            waited = orphan.head
            self._done(waited.key, "matched", now)
            self._end(slot, now, waited.state, waited.network_error, waited.error, 0)
            self._tell()

    def claim(self, now: int) -> None:
        """End messages whose orphans are found by other rules than their keys are of."""
        for slot, unclaimed in self._hearing.late(now):
            time = self._commit.begin()
            key, receipt = unclaimed.key, unclaimed.receipt
            self._book.together(END_OCTETS)
            self._done(key, "matched", time)
            self._ends.remember(key)
            done = unclaimed.correlation.moment(receipt.done)
            self._end(slot, time, receipt.state, receipt.network_error, receipt.error, done)
            self._tell()

    def give_up(self, keys: Iterable[int], now: int) -> None:
        """These have waited long enough."""
        for key in keys:
            self._done(key, "expired", now)
