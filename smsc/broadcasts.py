"""Broadcasts that are owed: taken, found again by their senders, cancelled, replaced.

A broadcast is a message of the spool with ``Flag.BROADCAST``; it is sent, tried again and ended as
any other. What differs is here: the routes are those with ``broadcast``, and acknowledged ones stay
until their validity is over, so that they can be asked for, since nobody reports on them.
"""

from __future__ import annotations

from typing import Final

from smsc import intake, records
from smsc import message as rules
from smsc._finished import source_check
from smsc._pdu import Message, Pdu
from smsc.account import Account
from smsc.ancillary import id_of
from smsc.bodies import Bodies
from smsc.book import Book
from smsc.broadcast import View
from smsc.config import RouteConfig
from smsc.endings import Endings
from smsc.records import Flag, Kind
from smsc.routing import Route, Router
from smsc.smpp import MessageState, Status, Tag
from smsc.spool import Stage
from smsc.till import Till

#: Broadcasts that an account may have owed at a time; each is looked at when one is asked for.
MAX_OWED: Final = 1_000

#: A broadcast costs what a message to anywhere costs; without such a price it is not sold.
_UNPRICED: Final = Status.ESME_RBCASTFAIL

_SOURCE = ("source_addr_ton", "source_addr_npi", "source_addr")


class Broadcasts:
    """See the module."""

    def __init__(
        self, routes: tuple[RouteConfig, ...], book: Book, bodies: Bodies, ends: Endings, till: Till
    ) -> None:
        self._router = Router(routes, broadcast=True)
        self.offered = any(route.broadcast for route in routes)
        self._book = book
        self._spool = book.state.spool
        self._bodies = bodies
        self._ends = ends
        self._till = till

    def route(self, account: bytes, source: bytes) -> Route | None:
        """The way of an account's broadcasts from this source, if there is one."""
        return self._router.find(account, source, b"")

    def accept(
        self, account: Account, index: int, pdu: Pdu, message: Message, carrier: bytes, now: int
    ) -> int:
        """Keep a sound broadcast_sm for this carrier as ``message``, which ``broadcast.kept`` made.

        Its id, or the command_status to refuse it with, negated.
        """
        if len(self._spool.broadcasts[index]) >= MAX_OWED:
            return -Status.ESME_RMSGQFUL
        former = -1
        if pdu.fields["replace_if_present_flag"]:
            former = self._find(index, pdu)
            if former < 0 or self._spool.slab.state(former) != Stage.QUEUED:
                return -Status.ESME_RBCASTFAIL
        limits = account.config
        due, expiry = intake.due(message, now), intake.expiry(message, now, account)
        if message.schedule_delivery_time:
            message = rules.changed(message, schedule_delivery_time=b"")
        charge = None
        if account.tariff is not None:
            agreed = self._till.charge(account, message, b"", now)
            if isinstance(agreed, int):
                # Without a destination there is none to blame.
                return -(_UNPRICED if agreed == Status.ESME_RINVDSTADR else agreed)
            charge = agreed
        id = self._book.next_id()
        head = records.message(
            id,
            now,
            due,
            expiry,
            0,
            0,
            Stage.QUEUED,
            min(message.priority_flag, limits.max_priority),
            0,
            Flag.BROADCAST,
            limits.system_id,
            carrier,
            None,
            charge,
        )
        self._book.append(Kind.MESSAGE, now, head, message.raw)
        self._bodies.put(id, message, now, None, charge)
        if former >= 0:
            self._ends.finish(former, now, MessageState.DELETED)
        return id

    def view(self, index: int, pdu: Pdu, now: int) -> View | None:
        """What a query_broadcast_sm of this account asks for."""
        slot = self._find(index, pdu)
        if slot < 0:
            return self._ended(index, pdu, now)
        slab = self._spool.slab
        scheduled = slab.state(slot) == Stage.QUEUED and slab.due(slot) > now
        state = MessageState.SCHEDULED if scheduled else MessageState.ENROUTE
        return View(slab.id(slot), state, self._message(slot))

    def _ended(self, index: int, pdu: Pdu, now: int) -> View | None:
        """One that has ended is known by its id alone."""
        if pdu.tlv(Tag.USER_MESSAGE_REFERENCE) is not None:
            return None
        id = id_of(pdu.fields["message_id"])
        end = self._book.state.ended.find(id, now)
        if end is None or end.account != index or not end.flags & Flag.BROADCAST:
            return None
        if end.check != source_check(id, *(pdu.fields[name] for name in _SOURCE)):
            return None
        return View(id, end.state, None, end.done)

    def cancel(self, index: int, pdu: Pdu, now: int) -> int:
        """End what a cancel_broadcast_sm of this account names, if no carrier has had it yet."""
        slot = self._find(index, pdu)
        if slot < 0 or self._spool.slab.state(slot) != Stage.QUEUED:
            return Status.ESME_RBCASTCANCELFAIL
        message = self._message(slot)
        given = (
            (pdu.fields["service_type"], message.service_type),
            (pdu.tlv(Tag.BROADCAST_CONTENT_TYPE), message.tlv(Tag.BROADCAST_CONTENT_TYPE)),
        )
        if any(named and named != own for named, own in given):
            return Status.ESME_RBCASTCANCELFAIL
        self._ends.finish(slot, now, MessageState.DELETED)
        return Status.ESME_ROK

    def _message(self, slot: int) -> Message:
        slab = self._spool.slab
        return self._bodies.get(slab.id(slot), slab.position(slot)).message

    def _find(self, index: int, pdu: Pdu) -> int:
        """The newest broadcast of an account with the id or reference, and the source, of a PDU."""
        message_id = pdu.fields["message_id"].lower()
        reference = pdu.tlv(Tag.USER_MESSAGE_REFERENCE)
        if not message_id and reference is None:
            return -1
        for id in sorted(self._spool.broadcasts[index], reverse=True):
            if message_id and message_id != b"%x" % id:
                continue
            slot = self._spool.slab.find(id)
            message = self._message(slot)
            if reference is not None and reference != message.tlv(Tag.USER_MESSAGE_REFERENCE):
                continue
            if all(pdu.fields[name] == message.fields[name] for name in _SOURCE):
                return slot
        return -1
