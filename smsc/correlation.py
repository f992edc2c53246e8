"""Which message a carrier's receipt speaks of, and the receipts that nobody waits for yet.

A carrier names a message twice: in its response and in its receipt, not always in the same way
(``receipt.IdRule``); in which way is found out from its traffic (``profile``). The key is 64 bits
over carrier and canonical id, so that two carriers that count alike are never confused. The entry
itself is a field of the message in the spool.

A receipt whose key is unknown is an *orphan*: it overtook its response, or its message is long
final. It is durable, waits, and is matched when the response comes.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from typing import Any, NamedTuple

from smsc import records
from smsc._spool import key_of
from smsc.profile import RULES, Profile, consistent, writings
from smsc.receipt import IdRule
from smsc.records import OrphanHead


class Orphan(NamedTuple):
    """A receipt without a message, and where it is on disk."""

    position: int
    head: OrphanHead


class Correlation:
    """Keys of one carrier's message ids, by what its profile says of them."""

    def __init__(self, carrier: bytes, profile: Profile) -> None:
        self.carrier = carrier
        self.profile = profile
        #: When a receipt should be looked at for the profile, ms.
        self.look_at = 0
        self._sample = b""
        self._receipt_sample = b""
        self.adopt()

    def adopt(self) -> None:
        """The profile may have changed its mind."""
        self._rule = self.profile.rule
        self._as_written = self._rule == IdRule()
        self._done, self._moment = b"", 0

    def of_response(self, carrier_id: bytes) -> int:
        """The key of an id as a submit_sm_resp gave it."""
        self._sample = carrier_id
        if not self._as_written:
            carrier_id = self._rule.of_response(carrier_id)
        return key_of(self.carrier, carrier_id)

    def of_receipt(self, carrier_id: bytes) -> int:
        """The key of an id as a receipt gave it."""
        if not self._as_written:
            carrier_id = self._rule.of_receipt(carrier_id)
        return key_of(self.carrier, carrier_id)

    def moment(self, done: bytes) -> int:
        """As the profile has it; receipts come in streams, and most say the same."""
        if done != self._done:
            self._done, self._moment = done, self.profile.moment(done)
        return self._moment

    # -- while it is not known how the carrier writes ------------------------------------------

    def rules_of(self, receipt_id: bytes) -> tuple[str, ...]:
        """The rules that speak for a message which was found by ``of_receipt``."""
        if self._as_written:
            return consistent(receipt_id, receipt_id)
        return (self.profile.ids.verdict or "verbatim",)

    def other_responses(self, receipt_id: bytes) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Keys of messages that this receipt may speak of, and the rules that would say so.

        Messages may have been acknowledged before the present rule was adopted.
        """
        if self.profile.pinned_rule is not None:
            return
        self._receipt_sample = receipt_id
        for name, rule in RULES.items():
            yield key_of(self.carrier, rule.of_receipt(receipt_id)), (name,)
        for writing in writings(receipt_id, self._sample):
            yield key_of(self.carrier, writing), consistent(writing, receipt_id)

    def other_receipts(self, response_id: bytes) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Keys of receipts that may have come before this response, and the rules likewise."""
        if not self.profile.asks:
            return
        for writing in writings(response_id, self._receipt_sample):
            yield key_of(self.carrier, writing), consistent(response_id, writing)


class Orphans:
    """The receipts that wait, as a fold over the log. One per key: the last one counts."""

    def __init__(self) -> None:
        # Ordered: finding the oldest of a plain dict means walking over all that left before it.
        self._waiting: OrderedDict[int, Orphan] = OrderedDict()
        self._segments: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Orphan]:
        return iter(self._waiting.values())

    def get(self, key: int) -> Orphan | None:
        return self._waiting.get(key)

    def oldest(self) -> int | None:
        """The key of the one that came first."""
        return next(iter(self._waiting), None)

    def past(self, now: int) -> list[int]:
        """Keys of those that have waited long enough; they stand in order of arrival."""
        keys = []
        for key, orphan in self._waiting.items():
            if orphan.head.until > now:
                break
            keys.append(key)
        return keys

    def before(self, segment: int) -> list[Orphan]:
        """Those that lie in a segment before this one."""
        return [o for o in self._waiting.values() if o.position >> 32 < segment]

    def oldest_segment(self) -> int:
        """The oldest segment that still holds one, or -1."""
        return min(self._segments, default=-1)

    def dump(self) -> tuple[Any, ...]:
        """Plain values of which ``load`` makes the same again."""
        return tuple((one.position, records.orphan(*one.head)) for one in self)

    def load(self, values: tuple[Any, ...]) -> None:
        """Become what was dumped. There were none before."""
        for position, head in values:
            self.orphan(position, 0, head)

    # -- the fold ----------------------------------------------------------------------------

    def orphan(self, position: int, time: int, head: bytes) -> None:
        orphan = Orphan(position, records.read_orphan(head))
        key = orphan.head.key
        known = self._waiting.get(key)
        if known is not None and tuple(known.head) == tuple(orphan.head):
            self._uncount(known)  # carried forward: it keeps its turn
        else:
            self._drop(key)
        self._waiting[key] = orphan
        self._segments[position >> 32] += 1

    def orphan_done(self, position: int, time: int, head: bytes) -> None:
        self._drop(records.read_orphan_done(head))

    def _drop(self, key: int) -> None:
        orphan = self._waiting.pop(key, None)
        if orphan is not None:
            self._uncount(orphan)

    def _uncount(self, orphan: Orphan) -> None:
        segment = orphan.position >> 32
        self._segments[segment] -= 1
        if not self._segments[segment]:
            del self._segments[segment]
