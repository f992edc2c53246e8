"""What clients ask of messages they have submitted: query, cancel, replace.

Owns no state: it finds messages by the id their client knows, or by what they are, looks whether
they are the client's to ask about, and lets ``Endings`` and the book do the rest.

An id stands for one message, or for all members of a submit_multi, whose ids are consecutive; it is
told by the first of them. Clients below 3.4 know the last eight digits of an id only, which several
messages may share after restarts: the one that the source address fits is meant, the newest first.
Only what waits can be cancelled or replaced. What a carrier has, or may have, is beyond recall.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from smsc import intake, records
from smsc import message as rules
from smsc._finished import FinalState, source_check
from smsc._pdu import Message, Pdu
from smsc._spool import pair_of
from smsc.bodies import Bodies, Body
from smsc.book import Book
from smsc.config import AccountConfig
from smsc.dialect import Unsayable, heard
from smsc.endings import Endings
from smsc.intake import Predefineds
from smsc.joining import Joining
from smsc.ports import Standing
from smsc.records import Flag, Kind
from smsc.smpp import MessageState, Status
from smsc.spool import UNSENT, Stage
from smsc.text import Charset
from smsc.till import Till

#: The largest id that a client below 3.4 may know; ours are longer, since an epoch stands before.
_SHORT = 0xFFFFFFFF

#: Messages that one cancel_sm without an id ends at most: a few milliseconds of the loop. More of
#: them fail it, and asking again goes on with the rest.
GROUP = 500

#: States in which something may be waiting.
_RECALLABLE = UNSENT | 1 << Stage.SPLIT | 1 << Stage.JOINED

#: What no client knows, and what is asked after by commands of its own.
_APART = Flag.PART | Flag.WHOLE | Flag.BROADCAST

#: error_code of a message in doubt, which is ENROUTE like any other that has no final state: a
#: carrier may have it or not.
OUTCOME_UNKNOWN = 254

_HEX = frozenset(b"0123456789abcdefABCDEF")

#: Of the members of one submit_multi the worst is told, which stands last here.
_WORSE = (
    MessageState.DELIVERED,
    MessageState.ACCEPTED,
    MessageState.ENROUTE,
    MessageState.UNKNOWN,
    MessageState.SKIPPED,
    MessageState.DELETED,
    MessageState.EXPIRED,
    MessageState.REJECTED,
    MessageState.UNDELIVERABLE,
)
_BADNESS = {int(state): badness for badness, state in enumerate(_WORSE)}

Address = tuple[int, int, bytes]


def id_of(text: bytes) -> int:
    """The number that a client's message_id stands for; 0 if it is none of ours."""
    if not text or len(text) > 16 or not _HEX.issuperset(text):
        return 0
    return int(text, 16)


def _source(message: Message) -> Address:
    return message.source_addr_ton, message.source_addr_npi, message.source_addr


def _destination(message: Message) -> Address:
    return message.dest_addr_ton, message.dest_addr_npi, message.destination_addr


class _Found(NamedTuple):
    """What an id stands for: slots of what is owed, and final states."""

    owed: list[int]
    ended: list[FinalState]


class Ancillary:
    """See the module. The account is known by its number in the state and its limits."""

    def __init__(
        self,
        book: Book,
        till: Till,
        bodies: Bodies,
        ends: Endings,
        joining: Joining,
        predefined: Predefineds,
    ) -> None:
        self._book = book
        self._till = till
        self._state = book.state
        self._slab = book.state.spool.slab
        self._ended = book.state.ended
        self._bodies = bodies
        self._ends = ends
        self._joining = joining
        self._predefined = predefined

    # -- what clients ask --------------------------------------------------------------------

    def query(
        self, account: int, limits: AccountConfig, request: Pdu, version: int, now: int
    ) -> Standing | int:
        """How it stands with a message, or the command_status that refuses to say."""
        found = self._find(account, limits, request, now, Status.ESME_RQUERYFAIL)
        if isinstance(found, int):
            return found
        if found.owed:
            return self._standing(found.owed[0], now)
        worst = max(found.ended, key=lambda end: _BADNESS.get(end.state, len(_BADNESS)))
        # An acknowledged message that nobody awaits a receipt of is on its way, for all we know.
        done = 0 if worst.state == MessageState.ENROUTE else max(e.done for e in found.ended)
        return Standing(worst.state, done, worst.error)

    def cancel(
        self, account: int, limits: AccountConfig, request: Pdu, version: int, now: int
    ) -> int:
        """Delete what waits; 0, or the command_status of the failure."""
        if request.fields["message_id"]:
            found = self._find(account, limits, request, now, Status.ESME_RCANCELFAIL)
            if isinstance(found, int):
                return found
            pending = list(self._pending(found.owed, request))
        else:
            pending = self._group(account, limits, request)
        for slot in pending[:GROUP]:
            if self._slab.state(slot) == Stage.SPLIT:
                self._ends.withdraw(slot, now, MessageState.DELETED)
            else:
                self._joining.recalled(slot, now)
                self._ends.finish(slot, now, MessageState.DELETED)
        return 0 if 0 < len(pending) <= GROUP else Status.ESME_RCANCELFAIL

    def replace(
        self, account: int, limits: AccountConfig, request: Pdu, version: int, now: int
    ) -> int:
        """Give what waits another text; 0, or the command_status of the failure.

        The values of the request's fields were checked by the edge (``message``).
        """
        asked = request.fields
        if asked["registered_delivery"] & rules.ANY_WISH and not limits.receipts:
            return Status.ESME_RINVREGDLVFLG
        found = self._find(account, limits, request, now, Status.ESME_RREPLACEFAIL)
        if isinstance(found, int):
            return found
        slab = self._slab
        pending = [
            slot
            for slot in found.owed
            if slab.expiry(slot) > now
            and (slab.state(slot) == Stage.QUEUED or self._joining.recallable(slot))
        ]
        if not pending:
            return Status.ESME_RREPLACEFAIL
        return self._rewrite(pending, limits, request, version, now)

    def displace(self, account: int, pair: int, message: Message, id: int, now: int) -> None:
        """End the newest waiting message that the new one, ``id``, replaces, if there is one."""
        for slot in self._slab.find_pair(pair, account, UNSENT, GROUP):
            other = self._body(slot).message
            if (
                self._slab.id(slot) != id
                and _source(other) == _source(message)
                and _destination(other) == _destination(message)
                and other.service_type == message.service_type
            ):
                self._ends.finish(slot, now, MessageState.DELETED, quiet=True)
                return

    # -- finding -----------------------------------------------------------------------------

    def _find(
        self, account: int, limits: AccountConfig, request: Pdu, now: int, mismatch: int
    ) -> _Found | int:
        """What the request's id stands for, if its source address fits."""
        asked = request.fields
        source = intake.source(
            asked["source_addr_ton"], asked["source_addr_npi"], asked["source_addr"], limits
        )
        known = False
        for id in self._candidates(account, id_of(asked["message_id"]), now):
            found = self._members(account, id, now)
            if found is None:
                continue
            known = True
            if self._is_from(found, source):
                return found
        return mismatch if known else Status.ESME_RINVMSGID

    def _candidates(self, account: int, id: int, now: int) -> list[int]:
        if id > _SHORT or not id:
            return [id]
        slab = self._slab
        owed = [slot for slot in slab.find_short(id) if slab.flags(slot) & Flag.OLD_PEER]
        ended = [end for end in self._ended.find_short(id, now) if end.flags & Flag.OLD_PEER]
        return sorted([*map(slab.id, owed), *(end.id for end in ended)], reverse=True)

    def _members(self, account: int, id: int, now: int) -> _Found | None:
        """All that an id stands for, its own message among them; None if its client has no such."""
        count = self._count(account, id, now)
        if not count:
            return None
        owed, ended = [], []
        for member in range(id, id + count):
            slot = self._slab.find(member)
            end = self._ended.find(member, now) if slot < 0 else None
            if not self._belongs(slot, end, id, member):
                break  # fewer were taken than were to be
            if slot >= 0:
                owed.append(slot)
            elif end is not None:
                ended.append(end)
        return _Found(owed, ended)

    def _belongs(self, slot: int, end: FinalState | None, id: int, member: int) -> bool:
        """Whether nothing speaks against it that ``member`` is one of those known by ``id``."""
        if member == id:
            return True
        if slot >= 0:
            kin = self._body(slot).kin
            return kin is not None and kin.group == id
        return end is None or (bool(end.flags & Flag.MEMBER) and not end.members)

    def _count(self, account: int, id: int, now: int) -> int:
        """How many messages an id of this account stands for; 0 for an id that nobody was given."""
        slot = self._slab.find(id)
        if slot >= 0:
            flags = self._slab.flags(slot)
            if self._slab.account(slot) != account or flags & _APART:
                return 0
            kin = self._body(slot).kin if flags & Flag.MEMBER else None
            return 1 if kin is None else kin.count if kin.index == 0 else 0
        end = self._ended.find(id, now)
        if end is None or end.account != account or end.flags & _APART:
            return 0
        return end.members if end.flags & Flag.MEMBER else 1

    def _is_from(self, found: _Found, source: Address) -> bool:
        if found.owed:
            return _source(self._body(found.owed[0]).message) == source
        end = found.ended[0]
        return end.check == source_check(end.id, *source)

    def _body(self, slot: int) -> Body:
        return self._bodies.get(self._slab.id(slot), self._slab.position(slot))

    # -- doing -------------------------------------------------------------------------------

    def _standing(self, slot: int, now: int) -> Standing:
        slab = self._slab
        stage = slab.state(slot)
        if stage == Stage.JOINED:
            whole = self._state.spool.joins.whole_of(slab.id(slot))
            stage = slab.state(slab.find(whole))
        elif self._is_scheduled(slot, now):
            return Standing(MessageState.SCHEDULED, 0, 0)
        unknown = stage == Stage.IN_DOUBT
        return Standing(MessageState.ENROUTE, 0, OUTCOME_UNKNOWN if unknown else 0)

    def _is_scheduled(self, slot: int, now: int) -> bool:
        slab = self._slab
        untried = slab.state(slot) == Stage.QUEUED and not slab.attempt(slot)
        return untried and slab.due(slot) > now and not self._state.asides.get(slab.id(slot)).waited

    def _waits(self, slot: int) -> bool:
        """Whether nothing of a message was sent, as far as that matters now."""
        stage = self._slab.state(slot)
        if stage == Stage.SPLIT:
            return self._ends.parts.untouched(slot) >= 0
        return stage == Stage.QUEUED or self._joining.recallable(slot)

    def _pending(self, slots: list[int], request: Pdu) -> Iterator[int]:
        """Those that wait and are what else a cancel_sm says of them."""
        asked = request.fields
        service_type = asked["service_type"]
        to = asked["dest_addr_ton"], asked["dest_addr_npi"], asked["destination_addr"]
        for slot in slots:
            if not self._waits(slot):
                continue
            message = self._body(slot).message
            if (not to[2] or _destination(message) == to) and (
                not service_type or message.service_type == service_type
            ):
                yield slot

    def _group(self, account: int, limits: AccountConfig, request: Pdu) -> list[int]:
        """What waits between two addresses: up to one more than may be cancelled at once."""
        asked = request.fields
        source = intake.source(
            asked["source_addr_ton"], asked["source_addr_npi"], asked["source_addr"], limits
        )
        if not asked["destination_addr"]:
            return []
        pair = pair_of(limits.system_id, source[2], asked["destination_addr"])
        slots = self._slab.find_pair(pair, account, _RECALLABLE, GROUP + 1)
        return [
            slot
            for slot in self._pending(slots, request)
            if _source(self._body(slot).message) == source
        ]

    def _rewrite(
        self, slots: list[int], limits: AccountConfig, request: Pdu, version: int, now: int
    ) -> int:
        slab = self._slab
        rewritten = []
        for slot in slots:
            body = self._body(slot)
            try:
                message = intake.replaced(body.message, request, self._predefined)
                # A predefined text is in our own alphabet.
                foreign = limits.default_alphabet is not Charset.GSM
                if foreign and not request.fields["sm_default_msg_id"]:
                    message = heard(message, limits.default_alphabet)
            except Unsayable as error:
                return error.status
            except ValueError:  # what it has and what it gets do not fit one PDU
                return Status.ESME_RREPLACEFAIL
            status = rules.check(message, version, now)
            if status:
                # The fields are sound; a text that is no text of this message fails the replacing.
                unfit = status == Status.ESME_RINVESMCLASS
                return Status.ESME_RREPLACEFAIL if unfit else status
            due, expiry = intake.revised(request, slab.due(slot), slab.expiry(slot), now, limits)
            if expiry <= due:
                return Status.ESME_RINVEXPIRY
            charge = self._till.amended(body, message)
            if isinstance(charge, int):
                return charge
            rewritten.append((slot, body, message, due, expiry, charge))
        for slot, body, message, due, expiry, charge in rewritten:
            self._write(slot, body, message, due, expiry, charge, now)
        return 0

    def _write(
        self,
        slot: int,
        body: Body,
        message: Message,
        due: int,
        expiry: int,
        charge: bytes | None,
        now: int,
    ) -> None:
        """The record of a message that was replaced, which is the whole of it from now on."""
        slab = self._slab
        self._joining.recalled(slot, now)
        id = slab.id(slot)
        flags = slab.flags(slot) & ~Flag.RECEIPT_ASKED
        if message.registered_delivery & rules.ANY_WISH:
            flags |= Flag.RECEIPT_ASKED
        account = self._state.accounts[slab.account(slot)]
        carrier = self._state.carriers[slab.carrier(slot)]
        self._till.amend(body.charge, charge, now)
        head = records.message(
            id, now, due, expiry, slab.sent(slot), 0, Stage.QUEUED, slab.lane(slot),
            slab.attempt(slot), flags, account, carrier, body.kin, charge, slab.pair(slot),
            body.network,
        )  # fmt: skip
        self._book.append(Kind.MESSAGE, now, head, message.raw)
        self._bodies.drop(id)
        self._bodies.put(id, message, now, body.kin, charge, body.network)
