"""What is blocked waits, what is withdrawn is gone, and a restart changes neither."""

from __future__ import annotations

from typing import Any

import pytest

from smsc._pdu import Message
from smsc.smpp import Command, MessageState, Status, Tag
from smsc.subject import CUSTOMER, NUMBER, Restricted, Subject
from smsc.subjects import Item
from tests.keeper import BASE, Client, Keeper, Relay, deliver_sm, submit_sm
from tests.test_broadcast import pdu
from tests.test_broadcasts import TEXT as BROADCASTS
from tests.test_deliveries import alert

ADA = Subject(NUMBER, "447700900701")
BLOCK = Restricted([ADA.octets])


def to(number: bytes = ADA.octets, **fields: Any) -> Message:
    return submit_sm(destination_addr=number, **fields)


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


def items(keeper: Keeper, subject: Subject = ADA) -> list[Item]:
    return [item for portion in keeper.core.subjects.of(subject) for item in portion]


def withdraw(keeper: Keeper, subject: Subject = ADA) -> list[bool]:
    now = keeper.commit.begin()
    done = [
        keeper.core.subjects.withdraw(item, now)
        for portion in keeper.core.subjects.of(subject)
        for item in portion
    ]
    keeper.run()
    return done


def go_on(keeper: Keeper, subject: Subject = ADA) -> int:
    keeper.core.restrict(None)
    now = keeper.commit.begin()
    found = [i for p in keeper.core.subjects.of(subject, parts=True) for i in p]
    went_on = sum([keeper.core.subjects.go_on(item, now) for item in found])
    keeper.core.subjects.deliver(b"acme")
    keeper.run()
    return went_on


# -- found ---------------------------------------------------------------------------------------


def test_what_is_owed_is_found_by_number_and_by_customer(keeper: Keeper) -> None:
    client, other = Client(keeper), Client(keeper, b"other")
    keeper.submit(client, to(), to(b"447700900702"), submit_sm(source_addr=ADA.octets))
    keeper.submit(other, to())
    keeper.core.inbound(
        Relay(keeper), [deliver_sm(source_addr=ADA.octets, destination_addr=b"80888")]
    )
    assert [(i.account, i.is_mail, i.stage) for i in items(keeper)] == [
        (b"acme", False, "queued"),
        (b"acme", False, "queued"),
        (b"other", False, "queued"),
        (b"acme", True, "waiting"),
    ]
    assert len(items(keeper, Subject(CUSTOMER, "acme"))) == 4
    assert items(keeper, Subject(NUMBER, "447700900703")) == []


# -- blocked -------------------------------------------------------------------------------------


def test_a_new_message_of_a_blocked_number_is_refused(keeper: Keeper) -> None:
    client = Client(keeper)
    keeper.core.restrict(BLOCK)
    messages = [to(), submit_sm(source_addr=ADA.octets), submit_sm()]
    taken = keeper.submit(client, *messages)
    assert taken[:2] == [-Status.ESME_RINVDSTADR, -Status.ESME_RINVSRCADR] and taken[2] > 0
    multi = keeper.core.submit_multi(client, messages[:1])
    assert multi == [-Status.ESME_RINVDSTADR]
    inbound = [deliver_sm(source_addr=ADA.octets, destination_addr=b"80888")]
    assert keeper.core.inbound(Relay(keeper), inbound) == [Status.ESME_RX_R_APPN]


def test_what_waits_is_not_sent_until_the_block_is_over(keeper: Keeper) -> None:
    client, relay = Client(keeper), Relay(keeper)
    blocked, free = keeper.submit(client, to(), submit_sm())
    keeper.core.restrict(BLOCK)
    keeper.core.carrier_up(relay)
    keeper.run(10_000)
    assert [id for id, _attempt, _message in relay.sent] == [free]
    relay.answer(free, 1)
    keeper.run()
    before = keeper.core.state.fingerprint()
    keeper = keeper.crash()
    assert keeper.core.state.fingerprint() == before
    keeper.core.restrict(BLOCK)
    relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    keeper.run(10_000)
    assert relay.sent == []
    assert go_on(keeper) == 1
    assert [(id, attempt) for id, attempt, _message in relay.sent] == [(blocked, 1)]


def test_what_is_blocked_ends_with_its_validity(keeper: Keeper) -> None:
    client, relay = Client(keeper), Relay(keeper)
    keeper.submit(client, to(validity_period=b"000000010000000R"))
    keeper.core.restrict(BLOCK)
    keeper.core.carrier_up(relay)
    keeper.run(50_000)
    assert len(keeper.core.state.spool) == 1
    keeper.run(3_600_000)
    [record] = keeper.records()
    assert (record["state"], record["attempts"], relay.sent) == (MessageState.EXPIRED, 0, [])


def test_a_scheduled_message_keeps_its_time(keeper: Keeper) -> None:
    client, relay = Client(keeper), Relay(keeper)
    keeper.submit(client, to(schedule_delivery_time=b"000001000000000R"))
    keeper.core.restrict(BLOCK)
    assert go_on(keeper) == 0
    keeper.core.carrier_up(relay)
    keeper.run(10_000)
    assert relay.sent == [] and len(keeper.core.state.spool) == 1


def test_what_a_carrier_has_goes_on_to_its_end(keeper: Keeper) -> None:
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.carrier_up(relay)
    [id] = keeper.submit(client, to(registered_delivery=1))
    keeper.core.restrict(BLOCK)
    relay.answer(id, 1, 0, b"c1")
    keeper.run()
    relay.receipt(b"c1", source_addr=ADA.octets)
    keeper.run(1_000)
    assert [record["state"] for record in keeper.records()] == [MessageState.DELIVERED]
    # The receipt speaks of the number, so it waits.
    keeper.core.attach(client)
    keeper.run(1_000)
    assert client.delivered == [] and keeper.core.waiting(b"acme") == 0
    assert go_on(keeper) == 1
    assert len(client.delivered) == 1


def test_a_refused_attempt_is_not_repeated_while_blocked(keeper: Keeper) -> None:
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.carrier_up(relay)
    [id] = keeper.submit(client, to())
    keeper.core.restrict(BLOCK)
    relay.answer(id, 1, Status.ESME_RMSGQFUL)
    keeper.run(60_000)
    assert len(relay.sent) == 1 and len(keeper.core.state.spool) == 1
    assert go_on(keeper) == 1
    assert [attempt for _id, attempt, _message in relay.sent] == [1, 2]


def test_others_mail_is_not_kept_back_by_a_full_box_of_the_blocked(keeper: Keeper) -> None:
    relay = Relay(keeper)
    mails = [deliver_sm(source_addr=ADA.octets, destination_addr=b"80888")] * 1_200
    mails += [deliver_sm(destination_addr=b"80888")]
    keeper.core.inbound(relay, mails)
    keeper.core.restrict(BLOCK)
    client = Client(keeper)
    keeper.core.attach(client)
    keeper.run(1_000)
    assert [mail.source_addr for mail in client.delivered] == [b"447700900123"]


def test_nothing_of_a_blocked_customer_is_sent(keeper: Keeper) -> None:
    client, other, relay = Client(keeper), Client(keeper, b"other"), Relay(keeper)
    keeper.submit(client, submit_sm())
    [free] = keeper.submit(other, submit_sm())
    keeper.core.restrict(Restricted(customers=[b"acme"]))
    keeper.core.carrier_up(relay)
    keeper.run(1_000)
    assert [id for id, _attempt, _message in relay.sent] == [free]
    assert keeper.core.inbound(relay, [deliver_sm(destination_addr=b"80888")]) == [
        Status.ESME_RX_R_APPN
    ]


def test_an_alert_of_the_blocked_reaches_nobody(keeper: Keeper) -> None:
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.attach(client)
    keeper.core.restrict(Restricted([b"447700900123"]))
    keeper.core.alerted(relay, [alert()])
    keeper.run()
    assert client.alerts == []
    keeper.core.restrict(None)
    keeper.core.alerted(relay, [alert()])
    keeper.run()
    assert len(client.alerts) == 1


def test_a_blocked_number_broadcasts_nothing() -> None:
    keeper = Keeper(text=BROADCASTS)
    keeper.core.restrict(BLOCK)
    fields = {"source_addr_ton": 1, "source_addr_npi": 1}
    refused = keeper.core.broadcast(Client(keeper), pdu(source_addr=ADA.octets, **fields))
    assert refused == -Status.ESME_RINVSRCADR
    other = keeper.core.broadcast(Client(keeper), pdu(source_addr=b"447700900702", **fields))
    assert other > 0


# -- withdrawn -----------------------------------------------------------------------------------


def test_what_waits_is_ended_without_a_word(keeper: Keeper) -> None:
    client = Client(keeper)
    keeper.submit(client, to(registered_delivery=1), submit_sm())
    keeper.core.inbound(
        Relay(keeper), [deliver_sm(source_addr=ADA.octets, destination_addr=b"80888")]
    )
    assert withdraw(keeper) == [True, True]
    assert items(keeper) == []
    assert [(r["state"], r["inbound"]) for r in keeper.records()] == [
        (MessageState.DELETED, False),
        (MessageState.DELETED, True),
    ], "each has its traffic record"
    assert len(keeper.core.state.mailboxes) == 0, "and no receipt"
    assert len(keeper.core.state.spool) == 1, "others are not concerned"
    before = keeper.core.state.fingerprint()
    assert keeper.crash().core.state.fingerprint() == before


def test_what_a_carrier_may_have_is_not_ended(keeper: Keeper) -> None:
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.carrier_up(relay)
    acknowledged, doubtful = keeper.submit(client, to(registered_delivery=1), to())
    relay.answer(acknowledged, 1, 0, b"c1")
    keeper.core.carrier_down(relay, [], [(doubtful, 1)])
    assert withdraw(keeper) == [False, False]
    assert sorted(item.stage for item in items(keeper)) == ["acked", "in_doubt"]


def test_a_mail_that_a_client_has_is_ended_too(keeper: Keeper) -> None:
    client = Client(keeper)
    keeper.core.attach(client)
    keeper.core.inbound(
        Relay(keeper), [deliver_sm(source_addr=ADA.octets, destination_addr=b"80888")]
    )
    keeper.run()
    assert len(client.held) == 1
    assert withdraw(keeper) == [True]
    client.answer()
    keeper.run()
    assert len(keeper.records()) == 1, "its answer comes too late and changes nothing"


def test_a_text_in_parts_is_withdrawn_as_a_whole() -> None:
    keeper = Keeper(
        text=BASE.replace("in_doubt: {policy", "long_messages: udh\n    in_doubt: {policy")
    )
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.attach(client)
    keeper.core.carrier_up(relay)
    payload = ((int(Tag.MESSAGE_PAYLOAD), b"word " * 80),)
    # Its route has no other carrier.
    german = Subject(NUMBER, "4915100000")
    long = submit_sm(
        destination_addr=german.octets, short_message=b"", tlvs=payload, registered_delivery=1
    )
    keeper.submit(client, long)
    assert [item.stage for item in items(keeper, german)] == ["split"]
    assert withdraw(keeper, german) == [False], "its parts were sent"
    unsent, relay.outstanding = list(relay.outstanding), []
    keeper.core.carrier_down(relay, unsent, [])
    assert withdraw(keeper, german) == [True]
    assert len(keeper.core.state.spool) == len(keeper.core.state.mailboxes) == 0
    assert [record["state"] for record in keeper.records()] == [MessageState.DELETED]
    before = keeper.core.state.fingerprint()
    assert keeper.crash().core.state.fingerprint() == before


def test_the_edge_is_asked_for_what_was_withdrawn(keeper: Keeper) -> None:
    client = Client(keeper)
    [id] = keeper.submit(client, to())
    withdraw(keeper)
    standing = keeper.ask(client, Command.QUERY_SM, message_id=b"%x" % id)
    assert standing.state == MessageState.DELETED
