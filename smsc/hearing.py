"""Which message a receipt speaks of, and learning from it how its carrier writes.

Owns the look at receipts from which a carrier's ``profile`` learns. A receipt that names no message
by the rule in force is tried by the others before it becomes an orphan, so nothing is lost while
learning; an id in another base may by chance be that of another message, so the addresses must
agree. A verdict that changes is a record.
"""

from __future__ import annotations

from collections.abc import Iterable

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


class Hearing:
    """See the module."""

    def __init__(self, book: Book, bodies: Bodies) -> None:
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
        slab = self._state.spool.slab
        found = -1
        names: tuple[str, ...] = ()
        if slot >= 0 and self._fits(message, slot):
            found, names = slot, correlation.rules_of(receipt.id)
        else:
            for key, speakers in correlation.other_responses(receipt.id):
                other = slab.find_key(key)
                if other >= 0 and self._fits(message, other):
                    found, names = other, speakers
                    break
        profile = correlation.profile
        if found < 0:
            if slot >= 0:
                correlation.look_at = profile.next_look(now)
            return slot
        by_tlv = message.tlv(Tag.RECEIPTED_MESSAGE_ID) is not None
        changed = profile.saw(receipt, by_tlv, slab.sent(found), now)
        self._note(correlation, profile.saw_ids(names) or changed, now)
        correlation.look_at = profile.next_look(now)
        return found

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
