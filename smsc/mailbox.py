"""Mailboxes: what is owed to clients, receipts and inbound messages, as a fold over the log.

One per account, durable, in order of arrival, emptied to any live bind of the account. A mail is
WAITING, TAKEN by a bind that has not answered yet, or DEFERRED until the client may want it again.
Only WAITING is on disk: after a restart what was taken waits again, so a client may see a mail
twice, never not at all. The methods named after records are the fold (see ``spool``).
"""

from __future__ import annotations

from array import array
from enum import IntEnum
from typing import Any

from smsc import records
from smsc._spool import Slab
from smsc.records import MailKind
from smsc.spool import Names

_INBOUND = int(MailKind.INBOUND)


class MailState(IntEnum):
    """Where a mail stands."""

    WAITING = 1
    TAKEN = 2
    DEFERRED = 3


# Plain numbers, as in ``spool``.
_WAITING, _TAKEN = int(MailState.WAITING), int(MailState.TAKEN)
_DEFERRED = int(MailState.DEFERRED)

#: States in which the end of its lifetime ends a mail.
PERISHABLE = 1 << MailState.WAITING | 1 << MailState.DEFERRED


class Mailboxes:
    """All accounts' mailboxes. ``slab`` is for reading."""

    def __init__(self, accounts: Names, carriers: Names) -> None:
        self.slab = Slab()
        self.accounts = accounts
        self.carriers = carriers
        #: Position of the record that ended an inbound message last.
        self.newest_end = 0
        #: Per account, by its number, the list of its mails that wait.
        self._lists: list[int] = []

    def __len__(self) -> int:
        return len(self.slab)

    def _list(self, account: int) -> int:
        while len(self._lists) <= account:
            self._lists.append(self.slab.new_list())
        return self._lists[account]

    def waiting(self, account: int) -> int:
        """How many mails an account has that no bind has taken."""
        return self.slab.length(self._list(account))

    def take(self, account: int) -> int:
        """The slot of the oldest waiting mail, now TAKEN and in no list; -1 when none waits."""
        slot = self.slab.pop(self._list(account))
        if slot >= 0:
            self.slab.set_state(slot, _TAKEN)
        return slot

    def put_back(self, taken: int) -> None:
        """The mails of this list were not delivered: they are their account's next, in order."""
        slab = self.slab
        slots = []
        while (slot := slab.pop(taken)) >= 0:
            slots.append(slot)
        for slot in reversed(slots):
            slab.set_state(slot, _WAITING)
            slab.push_front(slot, self._list(slab.account(slot)))

    def defer(self, slot: int, due: int) -> None:
        """The client can't take it now: it waits again from ``due`` on."""
        self.slab.set_state(slot, _DEFERRED)
        self.slab.schedule(slot, due)

    def tried(self, slot: int) -> int:
        """How often a mail was offered in vain, this time included; a restart forgets it."""
        slab = self.slab
        tries = slab.attempt(slot) + 1
        slab.set_attempt(slot, tries, slab.carrier(slot))
        return tries

    def recall(self, slot: int) -> None:
        """A deferred mail's time has come."""
        self.slab.set_state(slot, _WAITING)
        self.slab.push(slot, self._list(self.slab.account(slot)))

    # -- as octets ---------------------------------------------------------------------------

    def dump(self) -> tuple[Any, ...]:
        """Plain values of which ``load``, with the slab, makes the same again."""
        return tuple(self._lists), self.newest_end

    def load(
        self, values: tuple[Any, ...], slab: Slab, accounts: array[int], carriers: array[int]
    ) -> None:
        """Become what was dumped, with names numbered anew. Nothing was held here before."""
        lists, self.newest_end = values
        later = self.slab.become(slab, accounts, carriers)
        for of, queue in enumerate(lists):
            while len(self._lists) <= accounts[of]:
                self._lists.append(-1)
            self._lists[accounts[of]] = queue + later
        self._lists = [queue if queue >= 0 else self.slab.new_list() for queue in self._lists]

    # -- the fold ----------------------------------------------------------------------------

    def mail(self, position: int, time: int, head: bytes) -> None:
        m = records.read_mail(head)
        slab = self.slab
        slot = slab.find(m.id)
        if slot >= 0:
            slab.move(slot, position)
            return
        account = self.accounts.index(m.account)
        carrier = self.carriers.index(m.carrier)
        slot = slab.add(m.id, position, account, carrier, _WAITING, m.kind, 0, 0, m.expiry)
        slab.push(slot, self._list(account))

    def mail_done(self, position: int, time: int, head: bytes) -> None:
        slab = self.slab
        slot = slab.find(records.read_mail_done(head).id)
        if slot >= 0:
            if slab.lane(slot) == _INBOUND:
                self.newest_end = position
            slab.remove(slot)
