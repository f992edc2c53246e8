"""Mailboxes: what is owed to clients, receipts and inbound messages, as a fold over the log.

One per account, durable, in order of arrival, emptied to any live bind of the account. A mail is
WAITING, TAKEN by a bind that has not answered yet, or DEFERRED until the client may want it again.
Only WAITING is on disk: after a restart what was taken waits again, so a client may see a mail
twice, never not at all. The methods named after records are the fold (see ``spool``).
"""

from __future__ import annotations

from collections import defaultdict
from enum import IntEnum

from smsc import records
from smsc._spool import Slab
from smsc.spool import Names


class MailState(IntEnum):
    """Where a mail stands."""

    WAITING = 1
    TAKEN = 2
    DEFERRED = 3


#: States in which the end of its lifetime ends a mail.
PERISHABLE = 1 << MailState.WAITING | 1 << MailState.DEFERRED


class Mailboxes:
    """All accounts' mailboxes. ``slab`` is for reading."""

    def __init__(self, accounts: Names, carriers: Names) -> None:
        self.slab = Slab()
        self.accounts = accounts
        self.carriers = carriers
        #: Mails per account, by its number, in any state.
        self.held: defaultdict[int, int] = defaultdict(int)
        self._lists: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.slab)

    def _list(self, account: int) -> int:
        queue = self._lists.get(account, -1)
        if queue < 0:
            queue = self._lists[account] = self.slab.new_list()
        return queue

    def waiting(self, account: int) -> int:
        """How many mails an account has that no bind has taken."""
        return self.slab.length(self._list(account))

    def take(self, account: int) -> int:
        """The slot of the oldest waiting mail, now TAKEN; -1 when none waits."""
        slot = self.slab.pop(self._list(account))
        if slot >= 0:
            self.slab.set_state(slot, MailState.TAKEN)
        return slot

    def put_back(self, slot: int) -> None:
        """A taken mail was not delivered: it is its account's next."""
        self.slab.set_state(slot, MailState.WAITING)
        self.slab.push_front(slot, self._list(self.slab.account(slot)))

    def defer(self, slot: int, due: int) -> None:
        """The client can't take it now: it waits again from ``due`` on."""
        self.slab.set_state(slot, MailState.DEFERRED)
        self.slab.schedule(slot, due)

    def tried(self, slot: int) -> int:
        """How often a mail was offered in vain, this time included; a restart forgets it."""
        slab = self.slab
        tries = slab.attempt(slot) + 1
        slab.set_attempt(slot, tries, slab.carrier(slot))
        return tries

    def recall(self, slot: int) -> None:
        """A deferred mail's time has come."""
        self.slab.set_state(slot, MailState.WAITING)
        self.slab.push(slot, self._list(self.slab.account(slot)))

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
        slot = slab.add(m.id, position, account, carrier, MailState.WAITING, m.kind, 0, 0, m.expiry)
        self.held[account] += 1
        slab.push(slot, self._list(account))

    def mail_done(self, position: int, time: int, head: bytes) -> None:
        slab = self.slab
        slot = slab.find(records.read_mail_done(head).id)
        if slot >= 0:
            self.held[slab.account(slot)] -= 1
            slab.remove(slot)
