"""Which mail goes to which bind: a mailbox empties, in order, to all live binds of its account.

The binds take turns, each as far as its window goes. What a bind has taken and not confirmed waits
again, before all else, when the bind is gone. Mail that arrives is handed out when its frame of the
log is about to be sealed, so that a bind is called once for all that it gets. Mail that no client
will answer for, because nobody wants it or nobody need, departs: its end is for others to write
down.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from smsc import records
from smsc._fresh import PLACES, Fresh
from smsc._pdu import Message
from smsc.commit import Commit
from smsc.mailbox import Mailboxes
from smsc.ports import EdgeBind, Log
from smsc.records import MailKind
from smsc.smpp import MessageState

#: New mails whose octets are kept so that they need not be read back, over all accounts.
FRESH = PLACES

#: Destinations of an account that are remembered as closed, while its mailbox is not empty;
#: forgetting one costs an offer, and no mail.
MAX_CLOSED = 100

#: Mails that a bind gets before the next one's turn: each bind's are a write, and one to read.
RUN = 8

#: Mails that depart at a time, so that a mailbox full of them does not stop the loop.
DEPARTING = 500

_ALERT = int(MailKind.ALERT)


class Desk:
    """A bind, and what it has of its account's mail."""

    def __init__(self, bind: EdgeBind, taken: int) -> None:
        self.bind = bind
        #: The list of the mails that it took and has not answered, in order.
        self.taken = taken
        #: The credit left to the delivery under way; -1 before the bind was asked.
        self.room = -1
        self.ids: list[int] = []
        self.pdus: list[bytes] = []


class Hall:
    """The desks of an account."""

    def __init__(self, account: int) -> None:
        self.account = account
        self.desks: list[Desk] = []
        #: Which of them is served next.
        self.turn = 0
        #: Whether it has got mail since the last frame of the log.
        self.expectant = False

    def enter(self, desk: Desk) -> None:
        """It is served when all others were."""
        self.desks.insert(self.turn, desk)
        self.pass_on()

    def leave(self, desk: Desk) -> None:
        at = self.desks.index(desk)
        del self.desks[at]
        if at < self.turn:
            self.turn -= 1
        elif self.turn == len(self.desks):
            self.turn = 0

    def pass_on(self) -> None:
        """It is the next one's turn."""
        self.turn += 1
        if self.turn >= len(self.desks):
            self.turn = 0


class Mailroom:
    """Hands mail out; knows who has which. The mailboxes themselves are in the state."""

    def __init__(self, mailboxes: Mailboxes, log: Log, commit: Commit) -> None:
        self._mailboxes = mailboxes
        self._log = log
        self._commit = commit
        self._desks: dict[EdgeBind, Desk] = {}
        #: By the account's number.
        self._halls: list[Hall] = []
        #: Lists of desks that are gone.
        self._spare: list[int] = []
        self._fresh = Fresh()
        self._expectant: list[Hall] = []
        #: Per account the destinations, and the id before which nothing for each is wanted.
        self._closed: dict[int, OrderedDict[bytes, int]] = {}
        self._departed: list[tuple[int, int]] = []
        #: Says of an account's mail whether it is kept back for now; None: nothing is.
        self.blocked: Callable[[int, bytes], bool] | None = None

    def _hall(self, account: int) -> Hall:
        while len(self._halls) <= account:
            self._halls.append(Hall(len(self._halls)))
        return self._halls[account]

    def attach(self, account: int, bind: EdgeBind) -> None:
        """A receiving bind of the account is up."""
        taken = self._spare.pop() if self._spare else self._mailboxes.slab.new_list()
        desk = self._desks[bind] = Desk(bind, taken)
        self._hall(account).enter(desk)
        self.deliver(account)

    def detach(self, account: int, bind: EdgeBind) -> None:
        """It is gone. Harmless for a bind that was never attached."""
        desk = self._desks.pop(bind, None)
        if desk is None:
            return
        self._hall(account).leave(desk)
        self._mailboxes.put_back(desk.taken)
        self._spare.append(desk.taken)
        self.deliver(account)

    def arrived(self, account: int, id: int, pdu: bytes) -> None:
        """A new mail is in the mailbox."""
        hall = self._hall(account)
        if hall.desks:
            self._fresh.keep(id, pdu)
            self._expect(hall)

    def _expect(self, hall: Hall) -> None:
        if hall.expectant:
            return
        if not self._expectant:
            self._commit.before_seal(self._hand_out)
        hall.expectant = True
        self._expectant.append(hall)

    def _hand_out(self) -> None:
        expectant, self._expectant = self._expectant, []
        for hall in expectant:
            hall.expectant = False
            self.deliver(hall.account)

    def deliver(self, account: int) -> None:
        """Give the account's binds what they can take now."""
        if not self._mailboxes.waiting(account):
            self._closed.pop(account, None)
            return
        hall = self._hall(account)
        served = self._deal(hall)
        if served and hall.desks[hall.turn].ids:
            hall.pass_on()
        for desk in served:
            ids, desk.ids = desk.ids, []
            pdus, desk.pdus = desk.pdus, []
            desk.bind.deliver(ids, pdus)

    def _deal(self, hall: Hall) -> list[Desk]:
        """Take mail for each desk in turn; the desks that have got some."""
        account, slab = hall.account, self._mailboxes.slab
        served: list[Desk] = []
        for desk in hall.desks:
            desk.room = -1
        full, gone, kept, most, run = 0, 0, 0, DEPARTING, RUN
        closed = self._closed.get(account)
        while full < len(hall.desks) and gone < most:
            desk = hall.desks[hall.turn]
            if desk.room < 0:
                desk.room = desk.bind.credit()
            if desk.room <= 0:
                hall.pass_on()
                full += 1
                continue
            slot = self._mailboxes.take(account)
            if slot < 0:
                self._closed.pop(account, None)
                break  # it stays this desk's turn
            id = slab.id(slot)
            pdu = self._octets(id, slot)
            if slab.lane(slot) == _ALERT:
                self._notify(hall, id, pdu)
                gone += 1
                continue
            if closed is not None and id < closed.get(Message.from_raw(pdu).destination_addr, 0):
                self._departed.append((id, int(MessageState.REJECTED)))
                gone += 1
                continue
            if self.blocked is not None and self.blocked(account, pdu):
                # Until its life is over, or the block is.
                self._mailboxes.defer(slot, slab.expiry(slot))
                kept += 1
                if kept == most:
                    self._expect(hall)  # the rest of them, when others had their turn
                    break
                continue
            full = 0
            if not desk.ids:
                served.append(desk)
            desk.room -= 1
            slab.push(slot, desk.taken)
            desk.ids.append(id)
            desk.pdus.append(pdu)
            if len(desk.ids) % run == 0:
                hall.pass_on()
        return served

    def _octets(self, id: int, slot: int) -> bytes:
        pdu = self._fresh.take(id)
        return self._log.read(self._mailboxes.slab.position(slot))[2] if pdu is None else pdu

    def _notify(self, hall: Hall, id: int, pdu: bytes) -> None:
        """Give an alert_notification to a bind that is well and knows such; none answers it."""
        for desk in hall.desks[hall.turn :] + hall.desks[: hall.turn]:
            if desk.bind.version >= 0x34 and desk.bind.credit() > 0:
                desk.bind.notify(pdu)
                self._departed.append((id, int(MessageState.DELIVERED)))
                return
        self._departed.append((id, int(MessageState.EXPIRED)))

    def close(self, account: int, destination: bytes, before: int) -> None:
        """Offer nothing more to this destination of what has an id below ``before``."""
        closed = self._closed.setdefault(account, OrderedDict())
        closed[destination] = before
        closed.move_to_end(destination)
        if len(closed) > MAX_CLOSED:
            closed.popitem(last=False)

    def departed(self) -> list[tuple[int, int]]:
        """``(id, message_state)`` of the mails that departed since the last time.

        There may be more of an account's: ``deliver`` once these have ended.
        """
        departed, self._departed = self._departed, []
        return departed

    def forget(self, id: int) -> None:
        """A mail has ended otherwise."""
        self._fresh.take(id)

    def read(self, position: int) -> tuple[int, Message]:
        """When a mail came, and what it says."""
        _kind, head, body = self._log.read(position)
        return records.read_mail(head).received, Message.from_raw(body)
