"""How messages and mails end: one final state, one traffic record, and the word to the client.

Every end goes through here, whatever brought it about: a receipt, a refusal, validity, a doubt that
a policy settled, a client's answer to a delivery. What is to be known of a message is taken down
before its end is in the book, since afterwards it is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smsc import message as rules
from smsc import receipt as receipts
from smsc import records
from smsc._finished import source_check_of
from smsc._pdu import Message, hex_id
from smsc._record import Finished, finished
from smsc._spool import pair_of
from smsc.account import Account
from smsc.accounts import Accounts
from smsc.bodies import Bodies, Body
from smsc.book import Book
from smsc.commit import Commit
from smsc.counters import DELIVERED, FAILED, Counters
from smsc.mailroom import Mailroom
from smsc.parts import Parts
from smsc.rating import read_charge
from smsc.records import Flag, Kind, MailKind
from smsc.smpp import MessageState
from smsc.spool import Stage
from smsc.till import Till
from smsc.traffic import Traffic, segments

#: A carrier may report on one message without end; its client hears of it this often.
MAX_NOTIFICATIONS = 10

#: Octets in the log that the end of a message takes at most, with all that belongs to it: what is
#: charged, that it ended, and the word to its client. A crash leaves all of it or nothing.
END_OCTETS = 4_096

#: registered_delivery bits 1-0: which final states the client wants to hear of.
_WANTS_ALL, _WANTS_FAILURE, _WANTS_SUCCESS = 1, 2, 3

# Plain numbers for what every message meets: comparing with an enum's member is slower (``spool``).
_FINAL, _MAIL, _MAIL_DONE = int(Kind.FINAL), int(Kind.MAIL), int(Kind.MAIL_DONE)
_OLD_PEER, _MEMBER, _PART = int(Flag.OLD_PEER), int(Flag.MEMBER), int(Flag.PART)
_RECEIPT, _INBOUND = int(MailKind.RECEIPT), int(MailKind.INBOUND)
_APART = int(Flag.PART | Flag.WHOLE)
_ASIDE, _NOTIFY = int(Kind.ASIDE), rules.NOTIFY
_QUEUED, _MOVED = int(Kind.QUEUED), int(Kind.MOVED)
_ACKNOWLEDGED, _SPLIT, _JOINED = int(Stage.ACKED), int(Stage.SPLIT), int(Stage.JOINED)
_ENROUTE, _DELIVERED = int(MessageState.ENROUTE), int(MessageState.DELIVERED)


#: States in which we end what no carrier has.
_OUR_ENDS = frozenset((MessageState.EXPIRED, MessageState.DELETED, MessageState.REJECTED))


def text_id(id: int, old_peer: bool) -> bytes:
    """A message id as its client knows it: hexadecimal, at most 8 digits below 3.4."""
    return hex_id(id & 0xFFFFFFFF if old_peer else id)


def wants_receipt(message: Message, state: int) -> bool:
    """Whether the client asked to hear of this final state (registered_delivery bits 1-0)."""
    wish = message.registered_delivery & 3
    return wish == _WANTS_ALL or wish == (_WANTS_SUCCESS if state == _DELIVERED else _WANTS_FAILURE)


def _due(charge: bytes, state: int, status: int, stage: int) -> Any:
    """What a message that was rated costs if it ends like this."""
    acknowledged = stage == _ACKNOWLEDGED
    if stage in (_SPLIT, _JOINED):  # what was sent in its stead is gone; how that ended says it
        acknowledged = not status and state not in _OUR_ENDS
    return read_charge(charge).due(state, acknowledged)


class Word:
    """What a client is to be told of a message: the id that it knows it by, and how it stands."""

    id: int
    owner: Account
    #: The account's number, and the carrier.
    account: int
    carrier: bytes
    flags: int
    message: Message
    submitted: int
    now: int
    state: int
    network_error: bytes
    error: bytes
    done: int


def word_of(
    id: int,
    owner: Account,
    account: int,
    carrier: bytes,
    flags: int,
    body: Body,
    now: int,
    state: int,
    network_error: bytes,
    error: bytes,
    done: int,
) -> Word:
    """A ``Word``: a function, since compiled it takes machine integers as they are."""
    word = Word.__new__(Word)
    # One of several is known by the first of them.
    word.id = body.kin.group if body.kin is not None and flags & _MEMBER else id
    word.owner, word.account = owner, account
    word.carrier, word.flags = carrier, flags
    word.message, word.submitted = body.message, body.submitted
    word.now, word.done = now, done
    word.state, word.network_error, word.error = state, network_error, error
    return word


class Endings:
    """See the module. ``per_account``: count by account too."""

    def __init__(
        self,
        book: Book,
        till: Till,
        commit: Commit,
        traffic: Traffic,
        accounts: Accounts,
        bodies: Bodies,
        mailroom: Mailroom,
        counters: Counters,
        network_of_sender: Callable[[Message], bytes],
        per_account: bool,
    ) -> None:
        self._book = book
        self._till = till
        self._state = book.state
        self._commit = commit
        self._traffic = traffic
        self._accounts = accounts
        self._bodies = bodies
        self._mailroom = mailroom
        self.parts = Parts(book, bodies)
        self._counters = counters
        self._network_of_sender = network_of_sender
        self._per_account = per_account
        #: As many accounts of the state as were met, by its numbers; None for what is no account.
        self._owners: list[Account | None] = []
        self._remembered = book.state.spool.remembered
        self._replayed: list[Finished] = []

    def adopt(self, accounts: Accounts) -> None:
        """Work with these accounts from now on."""
        self._accounts = accounts
        self._owners = []

    def _owner(self, account: int) -> Account | None:
        """The account with this number in the state, if there is one of its name."""
        owners = self._owners
        while len(owners) <= account:
            owners.append(self._accounts.get(self._state.accounts.names[len(owners)]))
        return owners[account]

    # -- messages ----------------------------------------------------------------------------

    def finish(
        self,
        slot: int,
        now: int,
        state: int,
        status: int = 0,
        network_error: bytes = b"",
        error: bytes = b"",
        done: int = 0,
        quiet: bool = False,
    ) -> None:
        """End a message: ``state`` is a message_state, the rest what its carrier said of it.

        ``done`` is when that came about, if it was before ``now``. A ``quiet`` end is one the
        client is not sent a receipt of, whatever it asked for.
        """
        self._book.together(END_OCTETS)
        word = self.end(slot, now, state, status, network_error, error, done)
        if word is not None and not quiet:
            self.tell(word)

    def end(
        self,
        slot: int,
        now: int,
        state: int,
        status: int,
        network_error: bytes,
        error: bytes,
        done: int,
    ) -> Word | None:
        """End a message; what its client asked to be told of that, if anything.

        Whoever ends several at once tells of all of them afterwards, and has the book keep it
        ``together``.
        """
        slab = self._state.spool.slab
        id, flags = slab.id(slot), slab.flags(slot)
        if flags & _APART:
            if flags & _PART:
                self._end_part(slot, now, state, status, network_error, error)
            else:
                self._end_joined(slot, now, state, status, network_error, error, done)
            return None
        account_number, carrier_number = slab.account(slot), slab.carrier(slot)
        account = self._state.accounts.names[account_number]
        carrier = self._state.carriers.names[carrier_number]
        owner = self._owner(account_number)
        body = self._bodies.take(id, slab.position(slot))
        end = self._ended(slot, body, now, state, status, network_error, error, carrier)
        if body.charge is not None:
            self._till.settle(body.charge, end.price, now)
        message, kin = body.message, body.kin if flags & _MEMBER else None
        members = kin.count if kin is not None and kin.index == 0 else 0
        check = source_check_of(id, message)
        head = records.final(
            id, state, status, network_error, error, carrier, check, members, flags, account
        )
        self._export(self._book.append(_FINAL, now, head), end)
        self._counters.finished.count(carrier_number, state)
        if self._per_account:
            event = DELIVERED if state in (_DELIVERED, _ENROUTE) else FAILED
            self._counters.by_account.count(account_number, event)
        if owner is None or state == _ENROUTE or not wants_receipt(message, state):
            return None
        # A carrier's clock may be off, but nothing ends before it began.
        done = min(max(done, body.submitted), now) if done else now
        return word_of(
            id, owner, account_number, carrier, flags, body, now, state, network_error, error, done
        )

    def notify(
        self,
        slot: int,
        now: int,
        first: bool,
        network_error: bytes = b"",
        error: bytes = b"",
    ) -> None:
        """Tell a client that asked for it that its message is still on its way (5.0 4.7.21).

        With ``first`` only if it was not told so before. What is no message that the client knows
        is told of as those that are.
        """
        spool = self._state.spool
        id = spool.slab.id(slot)
        if not spool.slab.flags(slot) & _APART:
            self._notify(slot, now, first, network_error, error)
            return
        whole = spool.splits.whole_of(id)
        for known in [whole] if whole else spool.joins.parts(id):
            self._notify(spool.slab.find(known), now, first, network_error, error)

    def _notify(self, slot: int, now: int, first: bool, network_error: bytes, error: bytes) -> None:
        slab = self._state.spool.slab
        id = slab.id(slot)
        body = self._bodies.get(id, slab.position(slot))
        if not body.message.registered_delivery & _NOTIFY:
            return
        aside = self._state.asides.get(id)
        if aside.notified >= (1 if first else MAX_NOTIFICATIONS):
            return
        noted = records.aside(id, aside.notified + 1, aside.before, aside.tried, aside.waited)
        self._book.append(_ASIDE, now, noted)
        account = slab.account(slot)
        owner = self._owner(account)
        carrier = self._state.carriers.names[slab.carrier(slot)]
        if owner is not None:
            word = word_of(
                id, owner, account, carrier, slab.flags(slot), body, now, _ENROUTE, network_error,
                error, now,
            )  # fmt: skip
            self.tell(word)

    def _end_part(
        self, slot: int, now: int, state: int, status: int, network_error: bytes, error: bytes
    ) -> None:
        whole = self.parts.ended(slot, now, state, status, network_error, error)
        if whole >= 0:
            self._end_whole(whole, now)

    def _end_whole(self, slot: int, now: int) -> None:
        """The last part of a text has ended: the text ends as the worst of them did."""
        head = self._state.spool.splits[self._state.spool.slab.id(slot)].head
        assert head is not None
        self.finish(slot, now, head.state, head.status, head.network_error, head.error)

    def _end_joined(
        self,
        slot: int,
        now: int,
        state: int,
        status: int,
        network_error: bytes,
        error: bytes,
        done: int,
    ) -> None:
        """The whole of parts has ended, and so has each of them. Its record stands for theirs."""
        slab = self._state.spool.slab
        id = slab.id(slot)
        carrier = self._state.carriers.names[slab.carrier(slot)]
        parts = self._state.spool.joins.parts(id)
        head = records.final(id, state, status, network_error, error, carrier)
        self._book.append(_FINAL, now, head)
        self._bodies.drop(id)
        for part in parts:
            self.finish(slab.find(part), now, state, status, network_error, error, done)

    def _recover_joined(self, now: int) -> None:
        """End the parts of what ended; let those wait whose whole did not come to be."""
        slab = self._state.spool.slab
        for whole, parts in self._state.spool.joins:
            outcome = self._state.spool.joins.outcome(whole)
            if slab.find(whole) >= 0:
                continue
            for part in parts:
                slot = slab.find(part)
                if outcome is not None:
                    self.finish(slot, now, *outcome)
                else:
                    self._book.append(_QUEUED, now, records.queued(part, 0, now, 0))

    def move(self, slot: int, number: int, status: int, carrier: bytes, now: int) -> None:
        """Queue a message at another carrier. What the one before says, also of parts, is void."""
        slab = self._state.spool.slab
        id = slab.id(slot)
        parts = []
        if slab.state(slot) == _SPLIT:
            parts = sorted(self._state.spool.splits[id].parts)
        message = self._bodies.get(id, slab.position(slot)).message
        account = self._state.accounts.names[slab.account(slot)]
        pair = pair_of(account, message.source_addr, message.destination_addr)
        head = records.moved(id, number, now, status, carrier, pair)
        self._book.append(_MOVED, now, head)
        for part in parts:
            self.finish(slab.find(part), now, MessageState.DELETED)

    def withdraw(self, slot: int, now: int, state: int) -> bool:
        """End a text that is sent in parts; False, and nothing is done, if one of them was sent."""
        part = self.parts.untouched(slot)
        if part >= 0:
            self.finish(part, now, state)
        return part >= 0

    def tell(self, word: Word) -> None:
        """Send a client the receipt that it asked for."""
        owner, old = word.owner, bool(word.flags & _OLD_PEER)
        submitted, done = word.submitted, word.done
        zone = owner.time_zone
        if zone is not None:
            submitted, done = zone.local(submitted), zone.local(done)
        pdu = receipts.build(
            word.message,
            text_id(word.id, old),
            word.state,
            word.network_error or None,
            receipts.error_number(word.error, word.network_error),
            submitted,
            done,
            not old,
            owner.receipt_seconds,
        )
        self._mail(owner, word.account, _RECEIPT, word.carrier, pdu, word.now, 0)

    def remember(self, key: int) -> None:
        """Know a receipt with this key as a repeated one."""
        self._remembered.add(key)

    def remembers(self, key: int) -> bool:
        """Whether what this correlation key stood for ended not long ago."""
        return self._remembered.has(key)

    # -- mails -------------------------------------------------------------------------------

    def mail(
        self, owner: Account, kind: int, carrier: bytes, pdu: bytes, now: int, lifetime: int = 0
    ) -> bool:
        """Put a deliver_sm into an account's mailbox; False if that is full.

        It lives for ``lifetime`` ms, or as long as the account's mail does.
        """
        account = self._state.accounts.index(owner.system_id)
        return self._mail(owner, account, kind, carrier, pdu, now, lifetime)

    def _mail(
        self,
        owner: Account,
        account: int,
        kind: int,
        carrier: bytes,
        pdu: bytes,
        now: int,
        lifetime: int,
    ) -> bool:
        if self._state.mailboxes.slab.of_account(account) >= owner.max_mails:
            self._counters.mails_refused += 1
            return False
        id = self._book.next_id()
        expiry = now + (lifetime or owner.mail_lifetime)
        head = records.mail(id, now, expiry, kind, owner.system_id, carrier)
        self._book.append(_MAIL, now, head, pdu)
        self._counters.mailed += 1
        self._mailroom.arrived(account, id, pdu)
        return True

    def end_mail(self, slot: int, state: int, now: int) -> None:
        """End a mail. An inbound message has its traffic record then; a receipt has none."""
        slab = self._state.mailboxes.slab
        id = slab.id(slot)
        end = self._ended_mail(slot, now, state) if slab.lane(slot) == _INBOUND else None
        position = self._book.append(_MAIL_DONE, now, records.mail_done(id, state))
        if end is not None:
            self._export(position, end)
        self._counters.mails_ended.count(0, state)
        self._mailroom.forget(id)

    # -- traffic records ---------------------------------------------------------------------

    def _export(self, position: int, end: Finished) -> None:
        self._traffic.staged = position
        self._commit.stage(self._traffic, end.at(position))

    def at_replay(self, kind: int, position: int, time: int, head: bytes) -> None:
        """Take down an end that is met at the replay and may not be in the traffic log yet."""
        if position <= self._traffic.covered:
            return
        end = (
            self._replayed_final(time, head) if kind == _FINAL else self._replayed_mail(time, head)
        )
        if end is not None:
            self._replayed.append(end.at(position))

    def replayed(self, now: int) -> None:
        """The replay is over: the traffic log takes what it has not; what was begun is ended."""
        self._traffic.again(self._replayed)
        self._replayed = []
        for slot in self.parts.recover(now):
            self._end_whole(slot, now)
        self._recover_joined(now)

    def _replayed_final(self, time: int, head: bytes) -> Finished | None:
        f = records.read_final(head)
        slab = self._state.spool.slab
        slot = slab.find(f.id)
        if slot < 0 or slab.flags(slot) & _APART:
            return None
        body = self._bodies.get(f.id, slab.position(slot))
        return self._ended(slot, body, time, f.state, f.status, f.network_error, f.error, f.carrier)

    def _replayed_mail(self, time: int, head: bytes) -> Finished | None:
        done = records.read_mail_done(head)
        slab = self._state.mailboxes.slab
        slot = slab.find(done.id)
        if slot < 0 or slab.lane(slot) != _INBOUND:
            return None
        return self._ended_mail(slot, time, done.state)

    def _ended(
        self,
        slot: int,
        body: Body,
        time: int,
        state: int,
        status: int,
        network_error: bytes,
        error: bytes,
        carrier: bytes,
    ) -> Finished:
        slab = self._state.spool.slab
        account = self._state.accounts.names[slab.account(slot)]
        owner = self._owner(slab.account(slot))
        sent = slab.sent(slot)
        if sent:  # kept to a tenth of a second
            sent = max(sent, body.submitted)
        parts = 0
        if slab.state(slot) == _SPLIT:
            split = self._state.spool.splits[slab.id(slot)]
            parts = split.head.parts if split.head else 0
        return finished(
            slab.id(slot),
            False,
            account if owner is None else owner.customer,
            account,
            carrier,
            body.submitted,
            sent,
            time,
            slab.expiry(slot),
            slab.attempt(slot),
            state,
            status,
            network_error,
            error,
            body.message,
            None if body.charge is None else _due(body.charge, state, status, slab.state(slot)),
            parts,
            body.network,
        )

    def _ended_mail(self, slot: int, time: int, state: int) -> Finished:
        slab = self._state.mailboxes.slab
        account = self._state.accounts.names[slab.account(slot)]
        owner = self._owner(slab.account(slot))
        received, message = self._mailroom.read(slab.position(slot))
        return finished(
            slab.id(slot),
            True,
            account if owner is None else owner.customer,
            account,
            self._state.carriers.names[slab.carrier(slot)],
            received,
            time,
            time,
            slab.expiry(slot),
            1,
            state,
            0,
            b"",
            b"",
            message,
            None if owner is None else self._inbound_price(owner, message, received, state),
            network=self._network_of_sender(message),
        )

    def _inbound_price(self, owner: Account, message: Message, received: int, state: int) -> Any:
        tariff = owner.tariff
        if tariff is None:
            return None
        day = tariff.day(received)
        price = tariff.plan.price("in", b"", message.source_addr, day)
        if price is None:
            return None
        return price * segments(message) if state == _DELIVERED else 0
