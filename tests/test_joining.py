"""Parts that clients cut, for a carrier that wants texts whole: one there, each its own here."""

from __future__ import annotations

from typing import Any

import pytest

from smsc import text
from smsc._pdu import Message
from smsc.forgetting import MAX_AGE
from smsc.joining import MAX_COPIES
from smsc.records import Kind
from smsc.smpp import Command, MessageState, Status, Tag
from smsc.spool import Stage
from smsc.state import State
from smsc.text import SAR_TAGS, Part
from tests.keeper import BASE, Client, Keeper, Relay, submit_sm

TEXT = BASE.replace("in_doubt: {policy", "long_messages: payload\n    in_doubt: {policy").replace(
    "carriers: [one, two]}", "carriers: [one, two], on_failure: next}"
)
WORDS = [b"a" * 153, b"b" * 153, b"c" * 20]
WAIT = 60_000


@pytest.fixture
def keeper() -> Keeper:
    return Keeper(text=TEXT)


@pytest.fixture
def client(keeper: Keeper) -> Client:
    client = Client(keeper)
    keeper.core.attach(client)
    return client


@pytest.fixture
def relay(keeper: Keeper) -> Relay:
    relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    return relay


def part(
    number: int, octets: bytes | None = None, total: int = 3, way: str = "8", **fields: Any
) -> Message:
    """One of the parts of WORDS, told by a header with 8 or 16 bits, or by TLVs."""
    words = WORDS[number - 1] if octets is None else octets
    fields = {"registered_delivery": 1, "esm_class": 0x40} | fields
    if way == "sar":
        values = (b"\x12\x34", bytes((total,)), bytes((number,)))
        tlvs = [*zip(SAR_TAGS, values, strict=True), *fields.pop("tlvs", ())]
        return submit_sm(short_message=words, tlvs=tlvs, **fields | {"esm_class": 0})
    header = text.build_udh([Part(7, total, number, way == "16").element()])
    return submit_sm(short_message=header + words, **fields)


def texts(relay: Relay) -> list[tuple[int, bytes]]:
    """What left: if it has a header, and the text."""
    return [(message.esm_class & 0x40, message.text) for _id, _attempt, message in relay.sent]


def stats(client: Client) -> dict[int, bytes]:
    """What the client heard of each of its messages."""
    return {
        int(m.short_message[3:].split(b" ")[0], 16): m.short_message.split(b"stat:")[1][:7]
        for m in client.delivered
    }


WHOLE = [(0, b"".join(WORDS))]


@pytest.mark.parametrize("way", ["8", "16", "sar"])
@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 1, 2, 3)])
def test_parts_are_one_message_there_and_each_its_own_here(
    keeper: Keeper, client: Client, relay: Relay, order: tuple[int, ...], way: str
) -> None:
    ids = [keeper.submit(client, part(number, way=way))[0] for number in order]
    assert texts(relay) == WHOLE and len(set(ids)) == len(order)
    [(whole, attempt, message)] = relay.sent
    assert message.sm_length == 0 and message.tlv(Tag.MESSAGE_PAYLOAD) == WHOLE[0][1]
    assert not any(message.tlv(tag) for tag in SAR_TAGS)
    assert message.registered_delivery == 1
    relay.answer(whole, attempt, carrier_id=b"c")
    relay.receipt(b"c")
    keeper.run()
    assert stats(client) == dict.fromkeys(ids, b"DELIVRD")
    records = keeper.records()
    assert sorted(record["id"] for record in records) == sorted(ids)
    assert {(r["carrier"], r["state"], r["attempts"], bool(r["sent"])) for r in records} == {
        (b"one", MessageState.DELIVERED, 1, True)
    }
    assert len(keeper.core.state.spool) == 0 and keeper.core.state.spool.joins.count == 0
    assert keeper.core.counters.joins == {"joined": 1}


def test_they_may_come_over_several_binds_in_one_read_or_while_the_carrier_is_away(
    keeper: Keeper, client: Client
) -> None:
    other = Client(keeper)
    keeper.submit(client, part(1), part(3))
    keeper.submit(other, part(2))
    keeper.run(2 * WAIT)
    relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    keeper.run()
    assert texts(relay) == WHOLE


def test_the_receipt_asked_for_one_part_is_asked_for_the_whole(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    asked = [0, 0x10, 1]
    only = {"destination_addr": b"4915100123"}
    parts = [part(n, registered_delivery=asked[n - 1], **only) for n in (1, 2, 3)]
    ids = keeper.submit(client, *parts)
    [(whole, attempt, message)] = relay.sent
    assert message.registered_delivery == 0x11
    relay.answer(whole, attempt, Status.ESME_RMSGQFUL)
    keeper.run()
    assert stats(client) == {ids[1]: b"ENROUTE"}
    keeper.run(WAIT)
    relay.answer(whole, 2, carrier_id=b"c")
    relay.receipt(b"c", b"UNDELIV")
    keeper.run(WAIT)
    assert stats(client) == {ids[1]: b"ENROUTE", ids[2]: b"UNDELIV"}
    assert {record["state"] for record in keeper.records()} == {MessageState.UNDELIVERABLE}


def test_what_is_not_complete_in_time_goes_as_it_came(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    ids = keeper.submit(client, part(1), part(2))
    keeper.run(WAIT - 200)
    assert relay.sent == []
    assert keeper.ask(client, Command.QUERY_SM, message_id=b"%x" % ids[0]).state == 1
    keeper.run(400)
    assert texts(relay) == [(0x40, part(n).text) for n in (1, 2)]
    assert [id for id, _, _ in relay.sent] == ids
    keeper.submit(client, part(3))
    keeper.run(2 * WAIT)
    assert texts(relay)[2:] == [(0x40, part(3).text)]
    assert keeper.core.counters.joins == {"incomplete": 2}


def test_no_part_waits_longer_than_half_its_validity(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    keeper.submit(client, part(1, validity_period=b"000000000030000R"))
    keeper.run(14_000)
    assert relay.sent == []
    keeper.run(1_500)
    assert texts(relay) == [(0x40, part(1).text)]


@pytest.mark.parametrize(
    "odd",
    [
        {"data_coding": 4},
        {"destination_addr": b"447700900124"},
        {"source_addr": b"447700900002"},
        {"service_type": b"CMT"},
        {"protocol_id": 1},
        {"total": 2},
        {"way": "16"},
        {"way": "sar"},
        {"tlvs": [(Tag.DESTINATION_PORT, b"\0\1")], "way": "sar"},
    ],
)
def test_only_what_agrees_is_joined(
    keeper: Keeper, client: Client, relay: Relay, odd: dict[str, Any]
) -> None:
    keeper.submit(client, part(1), part(3), part(2, **odd))
    assert relay.sent == []
    keeper.run(WAIT + 1_000)
    assert len(relay.sent) == 3


def test_what_each_part_may_have_its_own_of(keeper: Keeper, client: Client, relay: Relay) -> None:
    more = [(Tag.MORE_MESSAGES_TO_SEND, b"\1")]
    mine = [[(Tag.USER_MESSAGE_REFERENCE, b"\0%c" % n)] for n in range(3)]
    keeper.submit(
        client,
        part(1, way="sar", tlvs=more + mine[0]),
        part(2, way="sar", tlvs=mine[1]),
        part(3, way="sar", tlvs=mine[2], priority_flag=2),
    )
    [(_, _, message)] = relay.sent
    assert message.tlv(Tag.MORE_MESSAGES_TO_SEND) is None
    assert message.tlv(Tag.USER_MESSAGE_REFERENCE) == b"\0\0" and message.priority_flag == 2


def test_the_same_part_with_another_text_is_of_another_message(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    """A reference that comes again before its first text is complete: nothing is mixed."""
    keeper.submit(client, part(1), part(2))
    keeper.submit(client, part(2, b"other"))
    assert texts(relay) == [(0x40, part(1).text), (0x40, part(2).text)]
    keeper.submit(client, part(1, b"an"), part(3, b"one"))
    assert texts(relay)[2:] == [(0, b"anotherone")]


def test_nothing_is_mixed_after_a_crash_either(keeper: Keeper, client: Client) -> None:
    relay = Relay(keeper, window=1)
    keeper.core.carrier_up(relay)
    keeper.submit(client, part(1), part(2))
    keeper.submit(client, submit_sm())  # from here on the bind is full
    keeper.submit(client, part(2, b"other"))
    keeper = keeper.crash()
    relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    client = Client(keeper)
    keeper.submit(client, part(1, b"an"), part(3, b"one"))
    keeper.run(2 * WAIT)
    assert (0, b"anotherone") in texts(relay) or len(texts(relay)) == 5
    assert not [words for header, words in texts(relay) if not header and b"a" * 9 in words]


@pytest.mark.parametrize("before", ["waiting", "joined", "sent", "acknowledged", "ended"])
def test_a_crash_at_any_time_loses_nothing(keeper: Keeper, client: Client, before: str) -> None:
    relay = Relay(keeper, window=0 if before == "joined" else 10)
    ids = keeper.submit(client, part(1), part(2))
    relay.window = 10
    keeper.core.carrier_up(relay)
    keeper.run()
    if before != "waiting":
        ids += keeper.submit(client, part(3))
        whole, attempt, _ = relay.sent[0]
    if before == "joined":
        relay.answer(whole, attempt, Status.ESME_RMSGQFUL)
    if before in ("acknowledged", "ended"):
        relay.answer(whole, attempt, carrier_id=b"c")
        keeper.run()
    if before == "ended":
        relay.receipt(b"c")
    keeper.run()
    replayed = State()
    keeper.log.lose_tail().replay(replayed.apply)
    assert replayed.fingerprint() == keeper.core.state.fingerprint()
    keeper = keeper.crash()
    client = Client(keeper)
    keeper.core.attach(client)
    relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    if before == "waiting":
        ids += keeper.submit(client, part(3))
    keeper.run(3 * WAIT)  # the doubt of what was sent is over
    if before in ("waiting", "joined", "sent"):
        assert texts(relay) == WHOLE
        [(whole, attempt, _)] = relay.sent
        relay.answer(whole, attempt, carrier_id=b"c")
    if before != "ended":
        relay.receipt(b"c")
    keeper.run()
    client.answer()
    assert stats(client) == dict.fromkeys(ids, b"DELIVRD")
    assert sorted(record["id"] for record in keeper.records()) == sorted(ids)
    assert len(keeper.core.state.spool) == 0


@pytest.mark.parametrize("lost", ["whole", "last end"])
def test_a_crash_between_the_records_of_a_join(
    keeper: Keeper, client: Client, relay: Relay, lost: str
) -> None:
    only = {"destination_addr": b"4915100123"}
    ids = keeper.submit(client, *[part(n, **only) for n in (1, 2, 3)])
    [(whole, attempt, _)] = relay.sent
    if lost == "last end":
        relay.answer(whole, attempt, Status.ESME_RINVDSTADR)
        keeper.run()
    kind = Kind.MESSAGE if lost == "whole" else Kind.FINAL
    log = keeper.log.lose_tail()
    last = max(at for at, record in log._records.items() if record[0] == kind)
    for frame in log._frames:
        frame.records = {at: r for at, r in frame.records.items() if at < last}
    log._records = {at: r for at, r in log._records.items() if at < last}
    keeper = Keeper(log, {}, keeper.now + 1_000, TEXT)
    relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    keeper.run(3 * WAIT)
    if lost == "whole":
        assert [id for id, _, _ in relay.sent] == ids
        assert texts(relay) == [(0x40, part(n).text) for n in (1, 2, 3)]
    else:
        assert relay.sent == [] and len(keeper.core.state.spool) == 0
        assert sorted(record["id"] for record in keeper.records()) == sorted(ids)


def test_a_carrier_that_wants_none_whole_gets_the_parts(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    two = Relay(keeper, b"two")
    keeper.core.carrier_up(two)
    ids = keeper.submit(client, part(1), part(2), part(3))
    [(whole, attempt, _)] = relay.sent
    relay.answer(whole, attempt, Status.ESME_RINVDSTADR)
    keeper.run()
    assert [id for id, _, _ in two.sent] == ids
    assert texts(two) == [(0x40, part(n).text) for n in (1, 2, 3)]
    assert keeper.core.counters.joins == {"joined": 1, "dissolved": 1}
    # The first carrier is not asked again, and each part has its own end.
    two.answer(ids[0], 2, Status.ESME_RINVDSTADR)
    two.answer(ids[1], 2, carrier_id=b"x")
    two.answer(ids[2], 2, carrier_id=b"y")
    two.receipt(b"x")
    two.receipt(b"y")
    keeper.run()
    assert stats(client) == {ids[0]: b"REJECTD", ids[1]: b"DELIVRD", ids[2]: b"DELIVRD"}
    assert len(relay.sent) == 1
    replayed = State()
    keeper.log.lose_tail().replay(replayed.apply)
    assert replayed.fingerprint() == keeper.core.state.fingerprint()


def test_its_refusal_is_that_of_each_part(keeper: Keeper, client: Client, relay: Relay) -> None:
    only = {"destination_addr": b"4915100123"}
    ids = keeper.submit(client, *[part(n, **only) for n in (1, 2, 3)])
    relay.answer(relay.sent[0][0], 1, Status.ESME_RINVDSTADR)
    keeper.run()
    assert stats(client) == dict.fromkeys(ids, b"REJECTD")
    assert {r["status"] for r in keeper.records()} == {Status.ESME_RINVDSTADR}


def test_what_a_client_may_ask_of_its_parts(keeper: Keeper, client: Client, relay: Relay) -> None:
    """They are its messages; the whole is nobody's."""
    relay.window = 1
    ids = keeper.submit(client, part(1), part(2), part(3))
    [(whole, attempt, _)] = relay.sent

    def ask(command: Command, id: int, **fields: Any) -> Any:
        return keeper.ask(client, command, message_id=b"%x" % id, **fields)

    assert ask(Command.QUERY_SM, whole) == Status.ESME_RINVMSGID
    assert ask(Command.CANCEL_SM, whole) == Status.ESME_RINVMSGID
    assert ask(Command.QUERY_SM, ids[0])[0] == MessageState.ENROUTE
    assert ask(Command.CANCEL_SM, ids[0]) == Status.ESME_RCANCELFAIL
    relay.answer(whole, attempt, Status.ESME_RMSGQFUL)  # it waits again
    assert ask(Command.CANCEL_SM, ids[0]) == 0
    other = text.build_udh([Part(7, 3, 2).element()]) + b"other"
    assert ask(Command.REPLACE_SM, ids[1], short_message=other, registered_delivery=1) == 0
    keeper.run(2 * WAIT)
    for _ in range(2):
        relay.answer(*relay.sent[-1][:2], carrier_id=b"")
        keeper.run()
    assert texts(relay)[1:] == [(0x40, other), (0x40, part(3).text)]
    assert stats(client)[ids[0]] == b"DELETED"


def test_a_part_in_doubt_says_so(keeper: Keeper, client: Client, relay: Relay) -> None:
    ids = keeper.submit(client, part(1), part(2), part(3))
    keeper.core.timed_out(relay, [relay.sent[0][:2]])
    keeper.run()
    standing = keeper.ask(client, Command.QUERY_SM, message_id=b"%x" % ids[1])
    assert (standing.state, standing.error) == (MessageState.ENROUTE, 254)


def test_a_part_that_was_cancelled_or_replaced_while_it_waited(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    first, second = keeper.submit(client, part(1), part(2))
    assert keeper.ask(client, Command.CANCEL_SM, message_id=b"%x" % first) == 0
    other = text.build_udh([Part(7, 3, 2).element()]) + b"other"
    assert (
        keeper.ask(client, Command.REPLACE_SM, message_id=b"%x" % second, short_message=other) == 0
    )
    keeper.submit(client, part(3))
    assert relay.sent == []
    keeper.submit(client, part(1, b"an"))
    assert texts(relay) == [(0, b"another" + WORDS[2])]


def test_no_other_message_meets_any_of_this(keeper: Keeper, client: Client, relay: Relay) -> None:
    keeper.submit(client, submit_sm(), part(1, total=1, octets=b"x"), part(1, esm_class=0x41))
    assert len(relay.sent) == 3
    off = Keeper(
        text=TEXT.replace("long_messages: payload", "long_messages: payload\n    join_wait: 0s")
    )
    relay = Relay(off)
    off.core.carrier_up(relay)
    off.submit(Client(off), part(1))
    assert texts(relay) == [(0x40, part(1).text)]


def test_a_part_that_was_sent_before_is_not_joined() -> None:
    keeper = Keeper(text=TEXT.replace("[one, two]", "[two, one]"))
    one, two = Relay(keeper), Relay(keeper, b"two")
    for relay in (one, two):
        keeper.core.carrier_up(relay)
    for id in keeper.submit(Client(keeper), part(1), part(2), part(3)):
        two.answer(id, 1, Status.ESME_RINVDSTADR)
    keeper.run()
    assert texts(one) == [(0x40, part(n).text) for n in (1, 2, 3)]


def test_a_header_that_says_more_goes_with_the_whole(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    ports = (text.PORTS_16, b"\0\1\0\2")
    headers = [text.build_udh([Part(7, 2, n).element(), ports]) for n in (1, 2)]
    keeper.submit(
        client,
        *[
            submit_sm(short_message=header + bytes((n,)) * 100, esm_class=0x40, data_coding=4)
            for n, header in enumerate(headers)
        ],
    )
    assert texts(relay) == [(0x40, text.build_udh([ports]) + b"\0" * 100 + b"\1" * 100)]


def test_a_whole_survives_the_segments_it_was_joined_in(client: Client, keeper: Keeper) -> None:
    relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    ids = keeper.submit(client, part(1), part(2), part(3))
    whole, attempt, _ = relay.sent[0]
    relay.answer(whole, attempt, carrier_id=b"c")
    waiting = keeper.submit(client, part(1, destination_addr=b"447700900124"))
    keeper.run(WAIT)
    for _ in range(3):
        keeper.run(MAX_AGE + 1_000)
    assert keeper.core.forgetting.carried >= 4
    keeper = keeper.crash()
    relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    relay.receipt(b"c")
    keeper.run()
    ended = {record["id"] for record in keeper.records()}
    assert ended >= set(ids) and waiting[0] not in ended
    assert not keeper.core.state.spool.joins.count
    stages = {keeper.core.state.spool.slab.state(s) for s in keeper.core.state.spool.slab.slots()}
    assert Stage.JOINED not in stages


def test_255_parts_and_a_text_that_fits_one_message(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    keeper.submit(client, *[part(n, b"%c" % n * 153, total=255) for n in range(1, 256)])
    keeper.submit(client, part(1, b"x", total=2), part(2, b"y", total=2))
    assert len(texts(relay)[0][1]) == 153 * 255
    assert texts(relay)[1] == (0, b"xy") and relay.sent[1][2].sm_length == 2


def test_what_went_another_way_is_let_alone(keeper: Keeper, client: Client) -> None:
    """One of two that wait goes to another carrier, which has it when the other's time is over."""
    one, two = Relay(keeper), Relay(keeper, b"two")
    keeper.core.carrier_up(one)
    keeper.core.carrier_up(two)
    _, first = keeper.submit(client, part(2), part(1, validity_period=b"000000000030000R"))
    keeper.core.carrier_down(one, [], [])
    keeper.run(20_000)
    assert [id for id, _, _ in two.sent] == [first]
    two.answer(first, 1, carrier_id=b"c")
    keeper.core.carrier_up(one)
    keeper.run(WAIT)
    assert texts(one) == [(0x40, part(2).text)]
    two.receipt(b"c")
    keeper.run()
    assert stats(client) == {first: b"DELIVRD"}


def test_nothing_is_kept_of_those_that_went_another_way(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    for n in range(4):
        [id] = keeper.submit(client, part(1, destination_addr=b"44770090%04d" % n))
        keeper.ask(client, Command.CANCEL_SM, message_id=b"%x" % id)
    keeper.run(2 * WAIT)
    assert len(keeper.core.joining) == 4
    for n in range(4):
        keeper.submit(client, part(1, destination_addr=b"44770091%04d" % n))
    assert len(keeper.core.joining) == 4


def test_a_part_that_comes_over_and_over_goes_as_it_came(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    keeper.submit(client, *[part(1)] * (MAX_COPIES + 3))
    assert texts(relay) == [(0x40, part(1).text)] * 3
    assert len(keeper.core.joining) == MAX_COPIES
    keeper.submit(client, part(2), part(3))
    assert texts(relay)[3:] == WHOLE
    assert len(keeper.core.joining) == 0
