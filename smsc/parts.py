"""Texts that are sent in parts: how they are cut, and how the ends of parts become one end.

The text stays owed as its client sent it; its parts are messages of their own that no client knows
of, and go to the carrier like any other, with the reference they were given once. A part leaves
neither traffic record nor receipt. When the last part is final the text ends as the worst of them
did; once one has failed, those that were not sent are not.
"""

from __future__ import annotations

from smsc import records
from smsc._pdu import Message
from smsc._spool import key_of
from smsc.bodies import Bodies
from smsc.book import Book
from smsc.dialect import Dialect
from smsc.records import Flag, Kin, Kind
from smsc.smpp import MessageState
from smsc.spool import Stage

# Plain numbers, as in ``spool``.
_MESSAGE, _FINAL, _SPLIT = int(Kind.MESSAGE), int(Kind.FINAL), int(Kind.SPLIT)
_PART, _RECEIPT_ASKED = int(Flag.PART), int(Flag.RECEIPT_ASKED)
_QUEUED = int(Stage.QUEUED)
_DELIVERED = int(MessageState.DELIVERED)

#: Message states, the better first; those from EXPIRED on are failures.
_RANKING = (
    MessageState.DELIVERED,
    MessageState.ACCEPTED,
    MessageState.ENROUTE,
    MessageState.UNKNOWN,
    MessageState.EXPIRED,
    MessageState.DELETED,
    MessageState.UNDELIVERABLE,
    MessageState.REJECTED,
)
_FAILED = _RANKING.index(MessageState.EXPIRED)
#: The rank of each state; SKIPPED, and what a carrier may invent, is a failure.
_RANKS = bytes([_RANKING.index(state) if state in _RANKING else _FAILED for state in range(256)])


class Parts:
    """See the module."""

    def __init__(self, book: Book, bodies: Bodies) -> None:
        self._book = book
        self._bodies = bodies
        self._spool = book.state.spool

    def cut(
        self, slot: int, message: Message, carrier: bytes, dialect: Dialect, now: int
    ) -> list[int]:
        """Put the parts of a queued message in its place; their slots in order.

        Raises Unsayable, and then nothing has changed.
        """
        slab = self._spool.slab
        id = slab.id(slot)
        pair = key_of(message.source_addr, message.destination_addr)
        # Another one than before for a text that is cut anew: some of it may be out.
        seed = id + slab.attempt(slot)
        reference, wide = self._spool.splits.reference(pair, seed, dialect.wide)
        parts = dialect.cut(message, reference, wide)
        submitted = self._bodies.get(id, slab.position(slot)).submitted
        account = self._spool.accounts[slab.account(slot)]
        expiry, lane = slab.expiry(slot), slab.lane(slot)
        flags = slab.flags(slot) & _RECEIPT_ASKED | _PART
        slots = []
        for index, part in enumerate(parts):
            part_id = self._book.next_id()
            kin = Kin(id, index, len(parts))
            head = records.message(
                part_id, submitted, now, expiry, 0, 0, _QUEUED, lane, 0, flags, account, carrier,
                kin,
            )  # fmt: skip
            self._book.append(_MESSAGE, now, head, part.raw)
            self._bodies.put(part_id, part, submitted, kin)
            slots.append(slab.find(part_id))
        head = records.split(id, pair, reference, wide, len(parts), _DELIVERED, 0, b"", b"")
        self._book.append(_SPLIT, now, head)
        return slots

    def ended(
        self, slot: int, now: int, state: int, status: int, network_error: bytes, error: bytes
    ) -> int:
        """A part has its final state; the text's slot if that was the last one, or -1."""
        slab = self._spool.slab
        id = slab.id(slot)
        split = self._spool.splits.of_part(id)
        head = None if split is None else split.head
        if split is None or head is None:  # the text was ended, or moved, for its own reason
            self._end(id, now, state)
            return -1
        rank = _RANKS[state]
        # Before the part's own end: it must not be forgotten why, should we crash between the two.
        if rank > _RANKS[head.state]:
            worse = records.split(
                split.id, head.pair, head.reference, head.wide, head.parts,
                state, status, network_error, error,
            )  # fmt: skip
            self._book.append(_SPLIT, now, worse)
        self._end(id, now, state)
        if rank >= _FAILED:
            for part in sorted(split.parts):
                if slab.state(slab.find(part)) == _QUEUED:
                    self._end(part, now, state)
        return -1 if split.parts else slab.find(split.id)

    def _end(self, id: int, now: int, state: int) -> None:
        slab = self._spool.slab
        carrier = self._spool.carriers[slab.carrier(slab.find(id))]
        self._book.append(_FINAL, now, records.final(id, state, 0, b"", b"", carrier))
        self._bodies.drop(id)

    def untouched(self, slot: int) -> int:
        """The slot of a part of this text if none of them was sent or is final, else -1."""
        slab = self._spool.slab
        split = self._spool.splits[slab.id(slot)]
        assert split.head is not None
        parts = [slab.find(part) for part in split.parts]
        if len(parts) < split.head.parts:
            return -1
        return parts[0] if all([slab.state(part) == _QUEUED for part in parts]) else -1

    def recover(self, now: int) -> list[int]:
        """Put away what a crash cut short; slots of texts whose parts have all ended."""
        ended = []
        for whole, split in list(self._spool.splits):
            if split.head is None:
                for part in sorted(split.parts):
                    self._end(part, now, MessageState.DELETED)
            elif not split.parts:
                # The end of the last part is in the log, and its own is not.
                ended.append(self._spool.slab.find(whole))
        return ended
