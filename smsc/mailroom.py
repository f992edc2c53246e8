"""Which mail goes to which bind: a mailbox empties, in order, to all live binds of its account.

The binds take turns, each as far as its window goes. What a bind has taken and not confirmed waits
again, before all else, when the bind is gone. Mail that no client will answer for, because nobody
wants it or nobody need, departs: its end is for others to write down.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque

from smsc import records
from smsc._pdu import Message
from smsc.mailbox import Mailboxes
from smsc.ports import EdgeBind, Log
from smsc.records import MailKind
from smsc.smpp import MessageState

#: New mails whose octets are kept so that they need not be read back, over all accounts.
FRESH = 20_000

#: Destinations that are remembered as closed; forgetting one costs an offer, and no mail.
MAX_CLOSED = 1_000

_ALERT = int(MailKind.ALERT)


class Mailroom:
    """Hands mail out; knows who has which. The mailboxes themselves are in the state."""

    def __init__(self, mailboxes: Mailboxes, log: Log) -> None:
        self._mailboxes = mailboxes
        self._log = log
        self._binds: defaultdict[int, deque[EdgeBind]] = defaultdict(deque)
        #: Per bind the ids it has taken and not answered, in order.
        self._taken: dict[EdgeBind, dict[int, None]] = {}
        self._fresh: dict[int, bytes] = {}
        #: (account, destination) and the id before which nothing of it is wanted.
        self._closed: OrderedDict[tuple[int, bytes], int] = OrderedDict()
        self._departed: list[tuple[int, int, str]] = []

    def attach(self, account: int, bind: EdgeBind) -> None:
        """A receiving bind of the account is up."""
        self._binds[account].append(bind)
        self._taken[bind] = {}
        self.deliver(account)

    def detach(self, account: int, bind: EdgeBind) -> None:
        """It is gone. Harmless for a bind that was never attached."""
        taken = self._taken.pop(bind, None)
        if taken is None:
            return
        self._binds[account].remove(bind)
        for id in reversed(taken):
            slot = self._mailboxes.slab.find(id)
            if slot >= 0:
                self._mailboxes.put_back(slot)
        self.deliver(account)

    def arrived(self, account: int, id: int, pdu: bytes) -> None:
        """A new mail is in the mailbox."""
        if self._binds[account]:
            if len(self._fresh) < FRESH:
                self._fresh[id] = pdu
            self.deliver(account)

    def answered(self, bind: EdgeBind, id: int) -> None:
        """The bind has answered for a mail, whatever it said."""
        taken = self._taken.get(bind)
        if taken is not None:
            taken.pop(id, None)

    def deliver(self, account: int) -> None:
        """Give the account's binds what they can take now."""
        binds = self._binds[account]
        slab = self._mailboxes.slab
        full = 0
        while full < len(binds):
            bind = binds[0]
            if bind.credit() <= 0:
                binds.rotate(-1)
                full += 1
                continue
            slot = self._mailboxes.take(account)
            if slot < 0:
                return  # it stays this bind's turn
            id = slab.id(slot)
            pdu = self._fresh.pop(id, None)
            if pdu is None:
                pdu = self._log.read(slab.position(slot))[2]
            if slab.lane(slot) == _ALERT:
                self._notify(account, id, pdu)
                continue
            if self._closed and self._unwanted(account, id, pdu):
                self._departed.append((id, int(MessageState.REJECTED), "refused"))
                continue
            binds.rotate(-1)
            full = 0
            self._taken[bind][id] = None
            bind.deliver(id, pdu)

    def _notify(self, account: int, id: int, pdu: bytes) -> None:
        """Give an alert_notification to the first bind that knows of such; no one answers it."""
        for bind in self._binds[account]:
            if bind.version >= 0x34:
                bind.notify(pdu)
                self._departed.append((id, int(MessageState.DELIVERED), "delivered"))
                return
        self._departed.append((id, int(MessageState.EXPIRED), "expired"))

    def close(self, account: int, destination: bytes, before: int) -> None:
        """Offer nothing more to this destination of what has an id below ``before``."""
        self._closed[account, destination] = before
        self._closed.move_to_end((account, destination))
        if len(self._closed) > MAX_CLOSED:
            self._closed.popitem(last=False)

    def _unwanted(self, account: int, id: int, pdu: bytes) -> bool:
        key = account, Message.from_raw(pdu).destination_addr
        return id < self._closed.get(key, 0)

    def departed(self) -> list[tuple[int, int, str]]:
        """``(id, message_state, cause)`` of the mails that departed since the last time."""
        departed, self._departed = self._departed, []
        return departed

    def forget(self, id: int) -> None:
        """A mail has ended otherwise."""
        self._fresh.pop(id, None)

    def read(self, position: int) -> tuple[int, Message]:
        """When a mail came, and what it says."""
        _kind, head, body = self._log.read(position)
        return records.read_mail(head).received, Message.from_raw(body)
