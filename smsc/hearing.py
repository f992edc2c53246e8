"""Which message a receipt speaks of, and learning from it how its carrier writes.

Owns the look at receipts from which a carrier's ``profile`` learns. A receipt that names no message
by the rule in force is tried by the others, so nothing is lost while learning, nor when a carrier
changes its ways; an id in another base may by chance be that of another message, so the addresses
must agree. A verdict that changes is a record.

Before there is a verdict the others are tried at once. Afterwards a receipt without a message has,
nearly always, only overtaken its response: it is tried by the others once it has waited
``PATIENCE`` in vain.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from smsc import records
from smsc._pdu import Message
from smsc.bodies import Bodies
from smsc.book import Book
from smsc.correlation import Correlation, Orphan
from smsc.receipt import Receipt
from smsc.records import Kind
from smsc.smpp import Tag

#: By so many digits at their end two writings of a number are taken for the same.
TAIL = 7


#: How long a response may be behind its receipt before the receipt is tried by the other rules, ms.
PATIENCE: Final = 1_000

#: How many are tried in one go: some milliseconds.
PORTION: Final = 200


class Unclaimed(NamedTuple):
    """A receipt that may have overtaken its response; ``key`` is that of its orphan."""

    since: int
    key: int
    correlation: Correlation
    message: Message
    receipt: Receipt


class Hearing:
    """See the module."""

    def __init__(self, book: Book, bodies: Bodies) -> None:
        self._unclaimed: deque[Unclaimed] = deque()
        self._book = book
        self._state = book.state
        self._bodies = bodies

    def recall(self, correlations: Iterable[Correlation]) -> None:
        """The log was read: what it says of the carriers is known again."""
        for correlation in correlations:
            lesson = self._state.lessons.get(correlation.carrier)
            if lesson is not None:
                correlation.profile.recall(lesson)
                correlation.adopt()

    def of(
        self, correlation: Correlation, message: Message, receipt: Receipt, slot: int, now: int
    ) -> int:
        """The slot of the message that a receipt speaks of, and what there is to be learned.

        ``slot`` is what the rule in force says, -1 for none; so is the answer.
        """
        found = -1
        names: tuple[str, ...] = ()
        if slot >= 0 and self._fits(message, slot):
            found, names = slot, correlation.rules_of(receipt.id)
        elif slot >= 0 or correlation.profile.asks:
            found, names = self._search(correlation, message, receipt)
        profile = correlation.profile
        if found < 0:
            if slot >= 0:
                correlation.look_at = profile.next_look(now)
            return slot
        self._learn(correlation, message, receipt, found, names, now)
        return found

    def defer(self, unclaimed: Unclaimed) -> None:
        """A receipt became an orphan: look for its message by the other rules, but not now."""
        profile = unclaimed.correlation.profile
        if profile.pinned_rule is None and not profile.asks:
            self._unclaimed.append(unclaimed)

    def late(self, now: int) -> Iterator[tuple[int, Unclaimed]]:
        """Those that no response claimed in time but another rule does, with their slots."""
        waiting = self._unclaimed
        searches = 0
        while waiting and waiting[0].since + PATIENCE <= now and searches < PORTION:
            it = waiting.popleft()
            if self._state.orphans.get(it.key) is None:
                continue
            searches += 1
            found, names = self._search(it.correlation, it.message, it.receipt)
            if found >= 0:
                self._learn(it.correlation, it.message, it.receipt, found, names, now)
                yield found, it

    def _search(
        self, correlation: Correlation, message: Message, receipt: Receipt
    ) -> tuple[int, tuple[str, ...]]:
        """The slot that a rule other than the one in force finds, -1 if none, and all that do."""
        slab = self._state.spool.slab
        for key, names in correlation.other_responses(receipt.id):
            slot = slab.find_key(key)
            if slot >= 0 and self._fits(message, slot):
                return slot, names
        return -1, ()

    def _learn(
        self,
        correlation: Correlation,
        message: Message,
        receipt: Receipt,
        slot: int,
        names: tuple[str, ...],
        now: int,
    ) -> None:
        """What a receipt shows, now that its message is known."""
        profile = correlation.profile
        by_tlv = message.tlv(Tag.RECEIPTED_MESSAGE_ID) is not None
        changed = profile.saw(receipt, by_tlv, self._state.spool.slab.sent(slot), now)
        self._note(correlation, profile.saw_ids(names) or changed, now)
        correlation.look_at = profile.next_look(now)

    def orphan(
        self, correlation: Correlation, key: int, response_id: bytes, now: int
    ) -> Orphan | None:
        """The receipt that came before this response, whose key is ``key`` by the rule in force."""
        orphan = self._state.orphans.get(key)
        if orphan is not None:
            return orphan
        for other, names in correlation.other_receipts(response_id):
            orphan = self._state.orphans.get(other)
            if orphan is not None:
                self._note(correlation, correlation.profile.saw_ids(names), now)
                return orphan
        return None

    def _fits(self, message: Message, slot: int) -> bool:
        """Whether a receipt's addresses are those of a message, however they are written."""
        slab = self._state.spool.slab
        original = self._bodies.get(slab.id(slot), slab.position(slot)).message
        digits = original.destination_addr[-TAIL:]
        return digits in (message.source_addr[-TAIL:], message.destination_addr[-TAIL:])

    def _note(self, correlation: Correlation, changed: bool, now: int) -> None:
        if changed:
            correlation.adopt()
            lesson = correlation.profile.lesson(correlation.carrier)
            self._book.append(Kind.LEARNED, now, records.learned(*lesson))
