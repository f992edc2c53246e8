"""What the keeper has of somebody, and what becomes of it when they say so (privacy.md R12).

Finds the messages and mails of a subject, ends those that may still be ended, and keeps back what
is blocked. Blocked means: kept, and not processed. What waits is put off until its validity is
over, as a record, where it comes to its turn; so a block costs nothing until then, and nobody has
to look for what it is about. What a carrier has goes on to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from smsc import records
from smsc._pdu import Message
from smsc._spool import Slab
from smsc.account import Account
from smsc.accounts import Accounts
from smsc.bodies import Bodies
from smsc.book import Book
from smsc.endings import Endings
from smsc.joining import Joining
from smsc.mailbox import MailState
from smsc.mailroom import Mailroom
from smsc.records import Flag, Kind, MailKind
from smsc.smpp import MessageState
from smsc.spool import Stage
from smsc.subject import CUSTOMER, NUMBER, Restricted, Subject, parties

#: Slots looked at, of which some are read from the log, in one step.
PORTION: Final = 1_000

#: A slab is scanned for what expires before a time, in some states: this is all of it.
_NEVER, _ANY = 1 << 52, 0xFF

#: Two times of the slab are the same within this, ms: it keeps tenths of a second.
_SAME: Final = 1_000

_APART, _ALERT = int(Flag.PART | Flag.WHOLE), int(MailKind.ALERT)


class Item(NamedTuple):
    """A message or mail that is owed. Good until the keeper is called again."""

    slot: int
    id: int
    is_mail: bool
    #: A mail that is a receipt, or a message from a carrier.
    is_receipt: bool
    account: bytes
    customer: bytes
    #: When it came, and until when it lives, ms.
    came: int
    expiry: int
    #: When what is waited for is waited for no more.
    due: int
    #: Where it stands, as a word.
    stage: str
    carrier: bytes
    message: Message


class Subjects:
    """See the module."""

    def __init__(
        self,
        book: Book,
        accounts: Accounts,
        bodies: Bodies,
        ends: Endings,
        joining: Joining,
        mailroom: Mailroom,
    ) -> None:
        self._book = book
        self._state = book.state
        self._accounts = accounts
        self._bodies = bodies
        self._ends = ends
        self._joining = joining
        self._mailroom = mailroom
        self._restricted: Restricted | None = None

    def adopt(self, accounts: Accounts) -> None:
        """Work with these accounts from now on."""
        self._accounts = accounts

    # -- blocks ------------------------------------------------------------------------------

    def restrict(self, restricted: Restricted | None) -> None:
        """Whose messages are kept back."""
        self._restricted = restricted
        self._mailroom.blocked = None if restricted is None else self._blocks_mail

    def refusal(self, account: Account, message: Message) -> int:
        """What a client is told that submits this; 0 if nothing is in the way."""
        assert self._restricted is not None
        return self._restricted.refusal(message, self._accounts.region(account.system_id))

    def is_blocked(self, slot: int) -> bool:
        """Whether a message whose turn has come is kept back."""
        slab = self._state.spool.slab
        account = self._state.accounts[slab.account(slot)]
        message = self._bodies.get(slab.id(slot), slab.position(slot)).message
        return self._concerns(account, message)

    def closes(self, owner: Account, message: Message) -> bool:
        """Whether a message from a carrier is not taken."""
        return self._restricted is not None and self._concerns(owner.system_id, message)

    def _blocks_mail(self, account: int, pdu: bytes) -> bool:
        return self._concerns(self._state.accounts[account], Message.from_raw(pdu))

    def _concerns(self, account: bytes, message: Message) -> bool:
        restricted, owner = self._restricted, self._accounts.get(account)
        assert restricted is not None
        customer = account if owner is None else owner.config.customer
        region = self._accounts.region(account)
        return customer in restricted.customers or restricted.concerns(message, region)

    def go_on(self, item: Item, now: int) -> bool:
        """What was put off for a block comes to its turn again; False if this was not."""
        if item.is_mail:
            if self._state.mailboxes.slab.state(item.slot) != MailState.DEFERRED:
                return False
            self._state.mailboxes.recall(item.slot)
            return True
        slab = self._state.spool.slab
        waits = slab.state(item.slot) == Stage.QUEUED
        if not waits or slab.due(item.slot) + _SAME < slab.expiry(item.slot):
            return False
        head = records.queued(item.id, slab.attempt(item.slot), now, 0)
        self._book.append(Kind.QUEUED, now, head)
        return True

    # -- what there is -----------------------------------------------------------------------

    def of(self, subject: Subject, *, parts: bool = False) -> Iterator[list[Item]]:
        """What is owed to or of a subject, a portion of the looking at a time.

        Between two portions the keeper may do whatever it does. ``parts``: also what no client
        knows of, the parts that a text is sent in, or the whole of parts.
        """
        for slab, read in (
            (self._state.spool.slab, self._message),
            (self._state.mailboxes.slab, self._mail),
        ):
            cursor, more = 0, True
            while more:
                slots, cursor = slab.scan_expired(cursor, PORTION, _NEVER, _ANY)
                if slab is self._state.spool.slab and not parts:
                    slots = [slot for slot in slots if not slab.flags(slot) & _APART]
                yield self._items(slab, slots, read, subject)
                more = bool(cursor)

    def _items(
        self, slab: Slab, slots: list[int], read: Callable[[int], Item], subject: Subject
    ) -> list[Item]:
        found = []
        for slot in slots:
            account = self._state.accounts[slab.account(slot)]
            owner = self._accounts.get(account)
            customer = account if owner is None else owner.config.customer
            if subject.kind == CUSTOMER:
                if customer == subject.octets:
                    found.append(read(slot))
            elif subject.kind == NUMBER and not self._is_alert(slab, slot):
                item = read(slot)
                if subject.octets in parties(item.message, self._accounts.region(account)):
                    found.append(item)
        return found

    def _is_alert(self, slab: Slab, slot: int) -> bool:
        # It lives for minutes, and is of no message.
        return slab is self._state.mailboxes.slab and slab.lane(slot) == _ALERT

    def _message(self, slot: int) -> Item:
        slab = self._state.spool.slab
        body = self._bodies.get(slab.id(slot), slab.position(slot))
        stage = Stage(slab.state(slot)).name.lower()
        return self._item(slab, slot, False, stage, body.submitted, body.message)

    def _mail(self, slot: int) -> Item:
        slab = self._state.mailboxes.slab
        came, message = self._mailroom.read(slab.position(slot))
        stage = MailState(slab.state(slot)).name.lower()
        return self._item(slab, slot, True, stage, came, message)

    def _item(
        self, slab: Slab, slot: int, is_mail: bool, stage: str, came: int, message: Message
    ) -> Item:
        account = self._state.accounts[slab.account(slot)]
        owner = self._accounts.get(account)
        return Item(
            slot,
            slab.id(slot),
            is_mail,
            is_mail and slab.lane(slot) == MailKind.RECEIPT,
            account,
            account if owner is None else owner.config.customer,
            came,
            slab.expiry(slot),
            slab.due(slot),
            stage,
            self._state.carriers[slab.carrier(slot)],
            message,
        )

    # -- what becomes of it ------------------------------------------------------------------

    def withdraw(self, item: Item, now: int) -> bool:
        """End it as DELETED, with no word to its client; False if a carrier has it, or may."""
        if item.is_mail:
            self._ends.end_mail(item.slot, MessageState.DELETED, now)
            return True
        slab = self._state.spool.slab
        self._joining.recalled(item.slot, now)
        stage = slab.state(item.slot)
        parts: list[int] = []
        if stage == Stage.SPLIT and self._ends.parts.untouched(item.slot) >= 0:
            parts = sorted(self._state.spool.splits[item.id].parts)
        elif stage != Stage.QUEUED:
            return False
        self._ends.finish(item.slot, now, MessageState.DELETED, quiet=True)
        for part in parts:  # of nothing now, so that they end nothing
            self._ends.finish(slab.find(part), now, MessageState.DELETED)
        return True

    def deliver(self, account: bytes) -> None:
        """Hand out an account's mail."""
        self._mailroom.deliver(self._state.accounts.index(account))
