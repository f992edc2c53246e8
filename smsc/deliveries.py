"""What a client's answer to a delivery means, and what follows from it for its mail.

Done; failed; to be offered again, for as long as the mail lives or a few times; or failed together
with all that waits for the same destination (3.4 5.1.3, 5.2.35; 5.0 4.7.6). alert_notifications are
mail too, but short-lived, and nobody answers them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

from smsc._pdu import Pdu
from smsc.accounts import Accounts
from smsc.book import Book
from smsc.counters import Counters
from smsc.endings import Endings
from smsc.mailroom import Mailroom
from smsc.records import MailKind
from smsc.routing import InboundRouter
from smsc.smpp import MessageState, Status

#: Before a client that could not take a delivery is offered it again, ms.
DEFERRAL: Final = 30_000

#: How often a mail is offered to a client that refuses it for no reason the specification knows.
OFFERS: Final = 5

#: That a handset can be reached is news for this long, ms.
ALERT_LIFETIME: Final = 900_000


class Meaning(Enum):
    """What an answer to a delivery says that is not ESME_ROK: the client does not have it."""

    #: Not now.
    LATER = auto()
    #: Nothing that is known: perhaps later.
    UNCLEAR = auto()
    #: Not this one, ever.
    NEVER = auto()
    #: Nothing to this destination, of what there is so far.
    CLOSED = auto()


MEANINGS: Final[dict[int, Meaning]] = {
    Status.ESME_RX_T_APPN: Meaning.LATER,
    Status.ESME_RMSGQFUL: Meaning.LATER,
    Status.ESME_RTHROTTLED: Meaning.LATER,
    Status.ESME_RX_R_APPN: Meaning.NEVER,
    Status.ESME_RX_P_APPN: Meaning.CLOSED,
    # What is wrong with the PDU itself will be wrong again.
    **dict.fromkeys(range(Status.ESME_RINVMSGLEN, Status.ESME_RINVMSGID + 1), Meaning.NEVER),
    Status.ESME_RINVESMCLASS: Meaning.NEVER,
    Status.ESME_RINVSRCTON: Meaning.NEVER,
    Status.ESME_RINVSRCNPI: Meaning.NEVER,
    Status.ESME_RINVDSTTON: Meaning.NEVER,
    Status.ESME_RINVDSTNPI: Meaning.NEVER,
    Status.ESME_RINVTLVSTREAM: Meaning.NEVER,
    Status.ESME_RTLVNOTALLWD: Meaning.NEVER,
    Status.ESME_RINVTLVLEN: Meaning.NEVER,
    Status.ESME_RMISSINGTLV: Meaning.NEVER,
    Status.ESME_RINVTLVVAL: Meaning.NEVER,
    Status.ESME_RSYSERR: Meaning.LATER,
}


# Plain numbers, as in ``spool``.
_ROK, _DELIVERED = int(Status.ESME_ROK), int(MessageState.DELIVERED)


class Deliveries:
    """See the module."""

    def __init__(
        self,
        book: Book,
        accounts: Accounts,
        router: InboundRouter,
        ends: Endings,
        mailroom: Mailroom,
        counters: Counters,
    ) -> None:
        self._book = book
        self._mailboxes = book.state.mailboxes
        self._accounts = accounts
        self._router = router
        self._ends = ends
        self._mailroom = mailroom
        self._counters = counters

    def adopt(self, accounts: Accounts) -> None:
        """Work with these accounts from now on."""
        self._accounts = accounts

    def answered(self, batch: Sequence[tuple[int, int]], now: int) -> None:
        """``(mail id, command_status)`` of what clients have answered for."""
        slab = self._mailboxes.slab
        for id, status in batch:
            slot = slab.find(id)
            if slot < 0:
                continue
            if status == _ROK:
                self._ends.end_mail(slot, _DELIVERED, now)
            else:
                self._refused(slot, MEANINGS.get(status, Meaning.UNCLEAR), now)

    def _refused(self, slot: int, meaning: Meaning, now: int) -> None:
        if meaning is Meaning.LATER or (
            meaning is Meaning.UNCLEAR and self._mailboxes.tried(slot) < OFFERS
        ):
            self._mailboxes.defer(slot, now + DEFERRAL)
            return
        if meaning is Meaning.CLOSED:
            self._close(slot)
        self._ends.end_mail(slot, MessageState.REJECTED, now)

    def _close(self, slot: int) -> None:
        """What waits for the destination of this mail ends when its turn comes."""
        slab = self._mailboxes.slab
        _, message = self._mailroom.read(slab.position(slot))
        until = self._book.next_id()
        self._mailroom.close(slab.account(slot), message.destination_addr, until)

    def settle(self, departed: Sequence[tuple[int, int]], now: int) -> None:
        """End what left the mailroom without a client's answer (``Mailroom.departed``)."""
        slab = self._mailboxes.slab
        accounts = set()
        for id, state in departed:
            slot = slab.find(id)
            if slot >= 0:
                accounts.add(slab.account(slot))
                self._ends.end_mail(slot, state, now)
        for account in accounts:
            self._mailroom.deliver(account)

    def alert(self, carrier: bytes, pdu: Pdu, now: int) -> None:
        """A carrier says that a handset can be reached again."""
        account = self._router.find(pdu.fields["esme_addr"], b"")
        owner = self._accounts.get(account) if account is not None else None
        if owner is None:
            self._counters.inbound_unrouted += 1
            return
        self._ends.mail(owner, MailKind.ALERT, carrier, pdu.raw, now, ALERT_LIFETIME)
