"""Broadcasts from their sender to a carrier and back, through a whole keeper and a whole edge."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import Edge, brief

from smsc import broadcast, broadcasts
from smsc._pdu import Decoder, Pdu, encode
from smsc.broadcast import View
from smsc.rating import Plan, Price, Tariff
from smsc.smpp import RESPONSE, Command, MessageState, Status, Tag
from smsc.zones import UTC
from tests.keeper import BASE, Client, Keeper, Relay, submit_sm
from tests.test_broadcast import REFERENCE, pdu
from tests.test_till import EVER

TEXT = (
    BASE.replace("{name: two, host", "{name: two, version: '5.0', host")
    .replace("{system_id: acme,", "{system_id: acme, broadcast: true,")
    .replace("inbound:", "  - {name: cells, broadcast: true, carriers: [two]}\ninbound:")
)
HOUR = 3_600_000
LATER = b"000000010000000R"


@pytest.fixture
def keeper() -> Keeper:
    return Keeper(text=TEXT)


@pytest.fixture
def client(keeper: Keeper) -> Client:
    return Client(keeper)


def relay(keeper: Keeper) -> Relay:
    bind = Relay(keeper, b"two")
    keeper.core.carrier_up(bind)
    return bind


def send(keeper: Keeper, client: Client, *changed: tuple[int, bytes], **fields: Any) -> int:
    verdict = keeper.core.broadcast(client, pdu(*changed, **fields))
    keeper.turn.run()
    return verdict


def request(command: Command, *tlvs: tuple[int, bytes], **fields: Any) -> Pdu:
    values = {"source_addr": b"7777"} | fields
    (one,) = Decoder().feed(encode(command, 51, 0, tlvs, **values))
    return one


def query(keeper: Keeper, client: Client, *tlvs: tuple[int, bytes], **fields: Any) -> View | None:
    return keeper.core.query_broadcast(client, request(Command.QUERY_BROADCAST_SM, *tlvs, **fields))


def cancel(keeper: Keeper, client: Client, *tlvs: tuple[int, bytes], **fields: Any) -> int:
    status = keeper.core.cancel_broadcast(
        client, request(Command.CANCEL_BROADCAST_SM, *tlvs, **fields)
    )
    keeper.run()
    return status


def named(id: int) -> bytes:
    return b"%x" % id


# -- the keeper ------------------------------------------------------------------------------------


def test_a_broadcast_goes_to_a_carrier_that_broadcasts(keeper: Keeper, client: Client) -> None:
    id = send(keeper, client)
    two = relay(keeper)
    keeper.run()
    assert two.broadcasts == [id]
    ((sent, attempt, message),) = two.sent
    assert (sent, attempt) == (id, 1)
    assert broadcast.request(message, 50) == pdu().raw
    two.answer(id, 1, 0, b"cbc-1")
    view = query(keeper, client, message_id=named(id))
    assert view is not None and view.state == MessageState.ENROUTE
    assert view.areas == [b"\0Dublin"]
    keeper.run(49 * HOUR)
    assert not keeper.core.state.spool and not client.delivered
    (record,) = keeper.records()
    assert (record["state"], record["carrier"]) == (MessageState.UNKNOWN, b"two")
    view = query(keeper, client, message_id=named(id))
    assert view is not None and (view.state, view.areas) == (MessageState.UNKNOWN, [])


def test_a_message_never_goes_where_broadcasts_go_nor_the_other_way(client: Client) -> None:
    keeper = Keeper(text=TEXT.replace("carriers: [two]}", "carriers: [two], from: ACME}"))
    client = Client(keeper)
    assert send(keeper, client) == -Status.ESME_RBCASTFAIL
    assert send(keeper, client, source_addr_ton=5, source_addr=b"ACME") > 0


def test_a_refused_broadcast_ends_or_is_tried_again(keeper: Keeper, client: Client) -> None:
    two = relay(keeper)
    first, second = send(keeper, client), send(keeper, client)
    two.answer(first, 1, Status.ESME_RBCASTFAIL)
    two.answer(second, 1, Status.ESME_RSYSERR)
    keeper.run(15_000)
    assert two.broadcasts == [first, second, second]
    (record,) = keeper.records()
    assert (record["id"], record["state"]) == (first, MessageState.REJECTED)


def test_a_crash_forgets_nothing_of_it(keeper: Keeper, client: Client) -> None:
    id = send(keeper, client, REFERENCE)
    acked = send(keeper, client)
    keeper.turn.run()
    again = keeper.crash()
    other = Client(again)
    view = query(again, other, REFERENCE)
    assert view is not None and view.id == id
    two = relay(again)
    again.run()
    assert two.broadcasts == [id, acked]


def test_one_that_has_ended_is_told_of_by_what_is_kept(keeper: Keeper, client: Client) -> None:
    two = relay(keeper)
    id = send(keeper, client, REFERENCE)
    two.answer(id, 1, Status.ESME_RBCASTFAIL)
    keeper.run()
    ended = keeper.now
    keeper = keeper.crash()
    client = Client(keeper)
    view = query(keeper, client, message_id=named(id).upper())
    assert view is not None and (view.id, view.state) == (id, MessageState.REJECTED)
    assert abs(view.done - ended) <= 1_000
    (answer,) = Decoder().feed(broadcast.answer(view, 51, named(id)))
    assert answer.decode() == 0
    assert [tag for tag, _ in answer.tlvs] == [Tag.MESSAGE_STATE, Tag.BROADCAST_END_TIME]
    assert query(keeper, client, message_id=named(id), source_addr=b"7778") is None
    assert query(keeper, client, REFERENCE, message_id=named(id)) is None
    assert query(keeper, Client(keeper, b"other"), message_id=named(id)) is None
    message_id = keeper.submit(client, submit_sm(destination_addr=b"nobody"))[0]
    assert query(keeper, client, message_id=named(abs(message_id))) is None
    keeper.run(25 * HOUR)
    assert query(keeper, client, message_id=named(id)) is None


def test_a_schedule_is_kept_here(keeper: Keeper, client: Client) -> None:
    two = relay(keeper)
    id = send(keeper, client, schedule_delivery_time=LATER)
    view = query(keeper, client, message_id=named(id))
    assert view is not None and view.state == MessageState.SCHEDULED
    keeper.run(HOUR + 60_000)
    assert two.broadcasts == [id]
    assert two.sent[0][2].schedule_delivery_time == b""


#: How a request names the broadcast with the reference 7 from 7777, and whether it does.
NAMES: list[tuple[list[tuple[int, bytes]], dict[str, Any], bool]] = [
    ([], {"message_id": b"ID"}, True),
    ([], {"message_id": b"id"}, True),
    ([REFERENCE], {}, True),
    ([REFERENCE], {"message_id": b"ID"}, True),
    ([], {}, False),
    ([], {"message_id": b"nope"}, False),
    ([], {"message_id": b"ID", "source_addr": b"7778"}, False),
    ([], {"message_id": b"ID", "source_addr_ton": 1}, False),
    ([(Tag.USER_MESSAGE_REFERENCE, b"\0\x08")], {}, False),
    ([(Tag.USER_MESSAGE_REFERENCE, b"\0\x08")], {"message_id": b"ID"}, False),
]


def resolved(fields: dict[str, Any], id: int) -> dict[str, Any]:
    form = {b"ID": named(id).upper(), b"id": named(id)}
    return {name: form.get(value, value) for name, value in fields.items()}


@pytest.mark.parametrize(("tlvs", "fields", "found"), NAMES)
def test_how_a_broadcast_is_named(
    keeper: Keeper,
    client: Client,
    tlvs: list[tuple[int, bytes]],
    fields: dict[str, Any],
    found: bool,
) -> None:
    id = send(keeper, client, REFERENCE)
    view = query(keeper, client, *tlvs, **resolved(fields, id))
    assert (view is not None and view.id == id) == found
    assert query(keeper, Client(keeper, b"other"), *tlvs, **resolved(fields, id)) is None
    failed = 0 if found else Status.ESME_RBCASTCANCELFAIL
    assert cancel(keeper, client, *tlvs, **resolved(fields, id)) == failed
    assert bool(keeper.core.state.spool) == (not found)


@pytest.mark.parametrize(
    ("tlvs", "fields", "status"),
    [
        ([], {"service_type": b"CBS"}, 0),
        ([], {"service_type": b"CMT"}, Status.ESME_RBCASTCANCELFAIL),
        ([(Tag.BROADCAST_CONTENT_TYPE, b"\0\0\x33")], {}, 0),
        ([(Tag.BROADCAST_CONTENT_TYPE, b"\0\0\x34")], {}, Status.ESME_RBCASTCANCELFAIL),
    ],
)
def test_what_else_a_cancel_names_must_be_so(
    keeper: Keeper,
    client: Client,
    tlvs: list[tuple[int, bytes]],
    fields: dict[str, Any],
    status: int,
) -> None:
    id = send(keeper, client)
    assert cancel(keeper, client, *tlvs, message_id=named(id), **fields) == status
    assert [r["state"] for r in keeper.records()] == [MessageState.DELETED] * (not status)


def test_what_a_carrier_has_had_is_not_cancelled(keeper: Keeper, client: Client) -> None:
    two = relay(keeper)
    id = send(keeper, client)
    assert cancel(keeper, client, message_id=named(id)) == Status.ESME_RBCASTCANCELFAIL
    two.answer(id, 1)
    assert cancel(keeper, client, message_id=named(id)) == Status.ESME_RBCASTCANCELFAIL


def test_a_replacement_ends_what_it_replaces(keeper: Keeper, client: Client) -> None:
    first = send(keeper, client, REFERENCE)
    second = send(keeper, client, replace_if_present_flag=1, message_id=named(first))
    assert second > first
    third = send(keeper, client, REFERENCE, replace_if_present_flag=1)
    assert third == -Status.ESME_RBCASTFAIL, "the second has no reference"
    keeper.run()
    assert [r["state"] for r in keeper.records()] == [MessageState.DELETED]
    two = relay(keeper)
    keeper.run()
    assert two.broadcasts == [second]
    sent = send(keeper, client, replace_if_present_flag=1, message_id=named(second))
    assert sent == -Status.ESME_RBCASTFAIL, "a carrier has had it"


def paying(*prices: tuple[str, int]) -> Keeper:
    """Where the account has 1,000 to spend, at these prices."""
    plan = Plan("EUR", "submitted", [Price("out", to, n, EVER, None) for to, n in prices])
    tariff = Tariff(customer=b"acme", plan=plan, zone=UTC, prepaid=True, credited=1_000)
    return Keeper(text=TEXT, tariffs={b"acme": tariff})


def left(keeper: Keeper) -> int:
    purse = keeper.core.state.purses.get(b"acme")
    return 1_000 - purse.spent - purse.reserved


@pytest.mark.parametrize(
    ("to", "price", "status", "kept"),
    [
        ("*", 100, 0, 900),
        ("44", 100, Status.ESME_RBCASTFAIL, 1_000),
        ("*", 5_000, 0x450, 1_000),
    ],
)
def test_a_broadcast_costs_what_a_message_to_anywhere_does(
    to: str, price: int, status: int, kept: int
) -> None:
    keeper = paying((to, price))
    verdict = send(keeper, Client(keeper))
    assert max(0, -verdict) == status
    assert left(keeper) == left(keeper.crash()) == kept


def test_a_replacement_is_paid_for_and_what_it_replaced_is_not() -> None:
    keeper = paying(("*", 100))
    client = Client(keeper)
    first = send(keeper, client, REFERENCE)
    assert send(keeper, client, REFERENCE, replace_if_present_flag=1) > first
    assert left(keeper) == left(keeper.crash()) == 900


def test_an_account_has_so_many(
    keeper: Keeper, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasts, "MAX_OWED", 2)
    verdicts = [send(keeper, client) for _ in range(3)]
    assert verdicts[2] == -Status.ESME_RMSGQFUL
    cancel(keeper, client, message_id=named(verdicts[0]))
    assert send(keeper, client) > 0


@pytest.mark.parametrize(
    ("changed", "status"),
    [("slow", Status.ESME_RTHROTTLED), ("full", Status.ESME_RMSGQFUL)],
)
def test_when_nothing_is_taken(keeper: Keeper, client: Client, changed: str, status: int) -> None:
    if changed == "slow":
        keeper.core.slow = True
    else:
        keeper.log.room = False
        keeper.run()
    assert send(keeper, client) == -status


def test_without_a_route_nothing_is_offered() -> None:
    assert not Keeper().core.broadcasting
    assert Keeper(text=TEXT).core.broadcasting


# -- the edge --------------------------------------------------------------------------------------

BROADCAST = pdu().raw
QUERY = encode(Command.QUERY_BROADCAST_SM, 50, message_id=b"1a", source_addr=b"7777")
CANCEL = encode(Command.CANCEL_BROADCAST_SM, 50, message_id=b"1a", source_addr=b"7777")
KEPT = View(0x1A, MessageState.ENROUTE, broadcast.kept(pdu()))
INVALID = pdu(priority_flag=9).raw

#: (version, is it offered, may the account, request, answer, status)
EDGE: list[tuple[int, bool, bool, bytes, int, int]] = [
    *((0x34, True, True, octets, Command.GENERIC_NACK, 3) for octets in (BROADCAST, QUERY, CANCEL)),
    *((0x33, True, True, octets, Command.GENERIC_NACK, 3) for octets in (BROADCAST, QUERY, CANCEL)),
    *((0x50, False, True, octets, Command.GENERIC_NACK, 3) for octets in (BROADCAST, QUERY)),
    (0x50, True, False, BROADCAST, Command.BROADCAST_SM_RESP, 0x101),
    (0x50, True, False, QUERY, Command.QUERY_BROADCAST_SM_RESP, 0x101),
    (0x50, True, False, CANCEL, Command.CANCEL_BROADCAST_SM_RESP, 0x101),
    (0x50, True, True, BROADCAST, Command.BROADCAST_SM_RESP, 0),
    (0x50, True, True, INVALID, Command.BROADCAST_SM_RESP, Status.ESME_RINVPRTFLG),
    (0x50, True, True, QUERY, Command.QUERY_BROADCAST_SM_RESP, 0),
    (0x50, True, True, CANCEL, Command.CANCEL_BROADCAST_SM_RESP, 0),
]


@pytest.mark.parametrize(("version", "offered", "may", "octets", "command", "status"), EDGE)
def test_how_a_request_is_answered(
    version: int, offered: bool, may: bool, octets: bytes, command: int, status: int
) -> None:
    edge = Edge(broadcast=may)
    edge.keeper.broadcasting = offered
    edge.keeper.view = KEPT
    wire = edge.bound(version=version)
    found = wire.send(octets)
    edge.stage.durable()
    (answer,) = found + wire.received()
    assert brief([answer]) == [(command, status, 50)]
    assert (found != []) == bool(status), "what is done is answered when it is durable"
    if not status:
        assert answer.decode() == 0 and answer.tlv(Tag.CONGESTION_STATE) == b"\0"
    edge.close()


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (BROADCAST, Status.ESME_RMSGQFUL),
        (QUERY, Status.ESME_RBCASTQUERYFAIL),
        (CANCEL, Status.ESME_RMSGQFUL),
    ],
)
def test_what_the_keeper_refuses(octets: bytes, status: int) -> None:
    edge = Edge(broadcast=True)
    edge.keeper.refusal = Status.ESME_RMSGQFUL
    (answer,) = edge.bound(version=0x50).send(octets)
    command = int.from_bytes(octets[4:8], "big") | RESPONSE
    assert brief([answer]) == [(command, status, 50)]
    edge.close()
