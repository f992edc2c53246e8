"""The till: what a message is charged at acceptance, and what becomes of that when it ends.

Owns nothing: what it decides is in ``rating``, what it changes are the purses of the keeper's
state, by records in its book. Only customers who pay ahead or have a cap have a purse.
"""

from __future__ import annotations

from smsc import records
from smsc._pdu import Message
from smsc.account import Account
from smsc.bodies import Body
from smsc.book import Book
from smsc.rating import MAX_CHARGE, Charge, Purse, read_charge
from smsc.records import Kind
from smsc.smpp import Status
from smsc.traffic import segments


class Till:
    """See the module. ``refusal`` is the command_status for who can't pay."""

    def __init__(self, book: Book, refusal: int) -> None:
        self._book = book
        self._refusal = refusal

    def charge(self, account: Account, message: Message, network: bytes, now: int) -> bytes | int:
        """What a message is charged, as its record says it, or the command_status that refuses it.

        What is taken aside for it is written down at once: the message's own record comes next.
        Where a plan has no price there is nothing to sell.
        """
        tariff, numbering = account.tariff, account.numbering
        assert tariff is not None
        number = numbering.destination(message) if numbering else message.destination_addr
        day = tariff.day(now)
        price = tariff.plan.price("out", network, number, day)
        if price is None:
            return Status.ESME_RINVDSTADR
        amount = price * segments(message)
        if amount > MAX_CHARGE:
            return self._refusal
        bounded = tariff.bounded
        charge = Charge(tariff.customer, amount, day, tariff.plan.on_delivery, bounded)
        if bounded:
            purse = self._book.state.purses.get(tariff.customer)
            if not tariff.affords(purse, amount, day):
                return self._refusal
            self._write(tariff.customer, purse.reserve(charge), now)
        return charge.packed()

    def settle(self, packed: bytes, due: int, now: int) -> None:
        """To be called just before the record of the message's end is written."""
        charge = read_charge(packed)
        if charge.reserved:
            purse = self._book.state.purses.get(charge.customer)
            self._write(charge.customer, purse.settle(charge, due), now)

    def amended(self, body: Body, message: Message) -> bytes | int | None:
        """The charge of a message that gets another text, or the status that refuses this.

        A longer text may be beyond what its customer can pay, and what they had is spoken for: who
        has a purse gets no more segments by replacing.
        """
        if body.charge is None:
            return None
        charge = read_charge(body.charge)
        amount = charge.amount // segments(body.message) * segments(message)
        if amount > MAX_CHARGE or (charge.reserved and amount > charge.amount):
            return Status.ESME_RREPLACEFAIL
        return charge._replace(amount=amount).packed()

    def amend(self, before: bytes | None, after: bytes | None, now: int) -> None:
        """To be called just before the record of the message with its new text is written."""
        if before is None or after is None or before == after:
            return
        charge, fresh = read_charge(before), read_charge(after)
        if charge.reserved:
            purse = self._book.state.purses.get(charge.customer)
            self._write(charge.customer, purse.lower(charge, charge.amount - fresh.amount), now)

    def _write(self, customer: bytes, purse: Purse, now: int) -> None:
        self._book.append(Kind.PURSE, now, records.purse(False, customer, *purse))
