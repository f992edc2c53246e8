"""What clients ask of what they have submitted, from every stage, and over crashes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from smsc import ancillary, records
from smsc.ancillary import OUTCOME_UNKNOWN
from smsc.ports import Standing
from smsc.rating import Plan, Price, Tariff
from smsc.records import Kind
from smsc.smpp import Command, MessageState, Status, Tag
from smsc.state import State
from smsc.zones import UTC
from tests.keeper import BASE, SOURCE, START, Client, Keeper, Relay, request, submit_sm

DAY = 86_400_000
TO = {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": b"447700900123"}
NOWHERE = {"source_addr_ton": 0, "source_addr_npi": 0, "source_addr": b""}
PREDEFINED = BASE + "predefined_messages: {9: Parcel, 255: Late}\n"


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def client(keeper: Keeper) -> Client:
    client = Client(keeper)
    keeper.core.attach(client)
    return client


def query(keeper: Keeper, client: Client, id: int, **fields: Any) -> Standing | int:
    return keeper.ask(client, Command.QUERY_SM, **{"message_id": b"%x" % id} | fields)


def cancel(keeper: Keeper, client: Client, id: int, **fields: Any) -> int:
    message_id = b"%x" % id if id else b""
    return keeper.ask(client, Command.CANCEL_SM, message_id=message_id, **fields)


def replace(keeper: Keeper, client: Client, id: int, **fields: Any) -> int:
    asked = {"message_id": b"%x" % id, "short_message": b"Other"} | fields
    return keeper.ask(client, Command.REPLACE_SM, **asked)


def states(keeper: Keeper) -> dict[int, int]:
    """The final state of every finished message, as billed."""
    return {record["id"]: record["state"] for record in keeper.records()}


def check_replay(keeper: Keeper) -> None:
    replayed = State()
    keeper.log.lose_tail().replay(replayed.apply)
    assert replayed.fingerprint() == keeper.core.state.fingerprint()


#: How to bring a message, alone in its world, to each stage.
STAGES = ("queued", "scheduled", "attempt", "acked", "in doubt", "final")


def at(keeper: Keeper, client: Client, stage: str, **fields: Any) -> tuple[int, Relay]:
    relay = Relay(keeper)
    if stage not in ("queued", "scheduled"):
        keeper.core.carrier_up(relay)
    schedule = b"000000010000000R" if stage == "scheduled" else b""
    message = submit_sm(registered_delivery=1, schedule_delivery_time=schedule, **fields)
    [id] = keeper.submit(client, message)
    if stage in ("acked", "final"):
        relay.answer(id, 1, carrier_id=b"x")
    if stage == "in doubt":
        keeper.core.timed_out(relay, [(id, 1)])
    if stage == "final":
        relay.receipt(b"x")
    keeper.run()
    return id, relay


# -- query_sm ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "standing"),
    [
        ("queued", (MessageState.ENROUTE, 0, 0)),
        ("scheduled", (MessageState.SCHEDULED, 0, 0)),
        ("attempt", (MessageState.ENROUTE, 0, 0)),
        ("acked", (MessageState.ENROUTE, 0, 0)),
        ("in doubt", (MessageState.ENROUTE, 0, OUTCOME_UNKNOWN)),
        ("final", (MessageState.DELIVERED, START, 0)),
    ],
)
def test_a_query_tells_where_a_message_stands(
    keeper: Keeper, client: Client, stage: str, standing: tuple[int, int, int]
) -> None:
    id, _relay = at(keeper, client, stage)
    assert query(keeper, client, id) == standing
    assert query(keeper, client, id, message_id=b"000%X" % id) == standing


def test_a_schedule_that_has_come_is_no_schedule(keeper: Keeper, client: Client) -> None:
    id, _relay = at(keeper, client, "scheduled")
    keeper.run(3_700_000)
    assert query(keeper, client, id) == (MessageState.ENROUTE, 0, 0)


def test_a_final_state_outlives_restarts_and_is_forgotten_in_time(
    keeper: Keeper, client: Client
) -> None:
    id, _relay = at(keeper, client, "final")
    told = query(keeper, client, id)
    keeper = keeper.crash()
    client = Client(keeper)
    assert query(keeper, client, id) == told
    keeper.run(DAY - 10_000)
    assert query(keeper, client, id) == told
    keeper.run(10_000)
    assert query(keeper, client, id) == Status.ESME_RINVMSGID


def test_a_message_that_nobody_awaits_a_receipt_of_has_no_final_date(
    keeper: Keeper, client: Client
) -> None:
    relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    [id] = keeper.submit(client, submit_sm())
    relay.answer(id, 1, carrier_id=b"x")
    assert query(keeper, client, id) == (MessageState.ENROUTE, 0, 0)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("command", [Command.QUERY_SM, Command.CANCEL_SM, Command.REPLACE_SM])
def test_only_who_submitted_may_ask(
    keeper: Keeper, client: Client, stage: str, command: Command
) -> None:
    id, _relay = at(keeper, client, stage)
    mismatch = {
        Command.QUERY_SM: Status.ESME_RQUERYFAIL,
        Command.CANCEL_SM: Status.ESME_RCANCELFAIL,
        Command.REPLACE_SM: Status.ESME_RREPLACEFAIL,
    }[command]
    before = keeper.core.state.fingerprint()

    def ask(bind: Client, **fields: Any) -> Any:
        return keeper.ask(bind, command, **{"message_id": b"%x" % id} | fields)

    assert ask(Client(keeper, b"other")) == Status.ESME_RINVMSGID
    for other in ({"source_addr_ton": 2}, {"source_addr_npi": 0}, {"source_addr": b"1"}, NOWHERE):
        assert ask(client, **other) == mismatch
    for unknown in (b"%x" % (id + 1), b"nope", b"", b"5", b"0x5", b"1_0", b"f" * 16, b"0" * 64):
        status = mismatch if command == Command.CANCEL_SM and not unknown else 0x0C
        assert ask(client, message_id=unknown) == status
    assert keeper.core.state.fingerprint() == before


def test_a_source_that_was_left_out_is_left_out(keeper: Keeper) -> None:
    keeper = Keeper(text=BASE.replace("acme, ", "acme, default_sender: '+447700900009', ", 1))
    client = Client(keeper)
    [id] = keeper.submit(client, submit_sm(**NOWHERE))
    assert query(keeper, client, id) == Status.ESME_RQUERYFAIL
    assert query(keeper, client, id, **NOWHERE) == (MessageState.ENROUTE, 0, 0)
    assert cancel(keeper, client, id, **NOWHERE) == 0
    assert query(keeper, client, id, **NOWHERE) == (MessageState.DELETED, START, 0)


@pytest.mark.parametrize("ended", [False, True])
def test_a_short_id_is_found_over_restarts(keeper: Keeper, ended: bool) -> None:
    ids, sources = [], [b"447700900001", b"447700900002", b"447700900003"]
    for source in sources:
        client = Client(keeper)
        client.version = 0x33
        [id] = keeper.submit(client, submit_sm(source_addr=source))
        if ended:
            assert cancel(keeper, client, id & 0xFFFFFFFF, source_addr=source) == 0
        ids.append(id)
        keeper.run()
        keeper = keeper.crash()
    assert len({id & 0xFFFFFFFF for id in ids}) == 1, "each is the first of its epoch"
    client = Client(keeper)
    client.version = 0x33
    for id, source in zip(ids, sources, strict=True):
        for name in (id, id & 0xFFFFFFFF):
            told = query(keeper, client, name, source_addr=source)
            assert isinstance(told, Standing)
            assert told.state == (MessageState.DELETED if ended else MessageState.ENROUTE)
    short = ids[0] & 0xFFFFFFFF
    assert query(keeper, client, short, source_addr=b"4") == Status.ESME_RQUERYFAIL
    other = Client(keeper, b"other")
    assert query(keeper, other, short, source_addr=sources[0]) == Status.ESME_RINVMSGID


def test_a_long_id_has_no_short_form(keeper: Keeper, client: Client) -> None:
    id, _relay = at(keeper, client, "queued")
    assert query(keeper, client, id & 0xFFFFFFFF) == Status.ESME_RINVMSGID


def test_why_it_failed_is_told_in_an_octet(keeper: Keeper, client: Client) -> None:
    relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    [id] = keeper.submit(client, submit_sm())
    relay.answer(id, 1, Status.ESME_RINVDSTADR)
    assert query(keeper, client, id) == (MessageState.REJECTED, START, Status.ESME_RINVDSTADR)


# -- cancel_sm -----------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
def test_what_waits_can_be_cancelled(keeper: Keeper, client: Client, stage: str) -> None:
    id, relay = at(keeper, client, stage)
    waits = stage in ("queued", "scheduled")
    assert cancel(keeper, client, id) == (0 if waits else Status.ESME_RCANCELFAIL)
    keeper.run()
    assert (states(keeper).get(id) == MessageState.DELETED) is waits
    assert (b"stat:DELETED" in b"".join(m.short_message for m in client.delivered)) is waits
    if waits:
        assert query(keeper, client, id) == (MessageState.DELETED, START, 0)
        assert cancel(keeper, client, id) == Status.ESME_RCANCELFAIL, "it has ended"
        keeper.core.carrier_up(relay)
        keeper.run(DAY)
        assert not relay.sent
    check_replay(keeper)


@pytest.mark.parametrize(("asked", "told"), [(0, False), (1, True), (2, True), (3, False)])
def test_a_receipt_of_the_deletion_is_sent_to_who_asked(
    keeper: Keeper, client: Client, asked: int, told: bool
) -> None:
    [id] = keeper.submit(client, submit_sm(registered_delivery=asked))
    assert cancel(keeper, client, id) == 0
    keeper.run()
    assert len(client.delivered) == told


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        (TO, True),
        ({"service_type": b"CMT"}, True),
        (TO | {"service_type": b"CMT"}, True),
        ({"service_type": b"WAP"}, False),
        (TO | {"destination_addr": b"447700900124"}, False),
        (TO | {"dest_addr_ton": 2}, False),
    ],
)
@pytest.mark.parametrize("by_id", [True, False])
def test_what_else_a_cancel_says_must_be_so(
    keeper: Keeper, client: Client, by_id: bool, fields: dict[str, Any], matches: bool
) -> None:
    [id] = keeper.submit(client, submit_sm(service_type=b"CMT"))
    fields = fields if by_id else TO | fields
    assert cancel(keeper, client, id if by_id else 0, **fields) == (0 if matches else 0x11)
    assert (query(keeper, client, id)[0] == MessageState.DELETED) is matches


def test_a_group_is_cancelled_by_its_addresses(keeper: Keeper, client: Client) -> None:
    other_to = submit_sm(destination_addr=b"447700900124")
    other_from = submit_sm(source_addr=b"447700900002")
    kept = [*keeper.submit(client, other_to, other_from), *keeper.submit(
        Client(keeper, b"other"), submit_sm()
    )]  # fmt: skip
    ids = keeper.submit(client, *[submit_sm(service_type=type) for type in (b"", b"CMT", b"WAP")])
    keeper.run()
    keeper = keeper.crash()
    client = Client(keeper)
    assert cancel(keeper, client, 0, **TO, service_type=b"CMT") == 0
    keeper.run()
    assert set(states(keeper)) == {ids[1]}
    assert cancel(keeper, client, 0, **TO) == 0
    keeper.run()
    assert set(states(keeper)) == set(ids)
    assert cancel(keeper, client, 0, **TO) == Status.ESME_RCANCELFAIL
    assert cancel(keeper, client, 0) == Status.ESME_RCANCELFAIL, "a group has two addresses"
    assert len(keeper.core.state.spool) == len(kept)


def test_a_group_does_not_take_what_is_on_its_way(keeper: Keeper, client: Client) -> None:
    relay = Relay(keeper, window=1)
    keeper.core.carrier_up(relay)
    ids = keeper.submit(client, submit_sm(), submit_sm(), submit_sm())
    assert cancel(keeper, client, 0, **TO) == 0
    keeper.run()
    assert set(states(keeper)) == set(ids[1:])


def test_a_large_group_is_cancelled_by_asking_again(
    keeper: Keeper, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ancillary, "GROUP", 2)
    keeper.submit(client, *[submit_sm()] * 5)
    asked = [cancel(keeper, client, 0, **TO) for _ in range(4)]
    assert asked == [0x11, 0x11, 0, 0x11]
    assert not keeper.core.state.spool


def test_what_was_carried_forward_is_still_found_by_its_addresses(
    keeper: Keeper, client: Client
) -> None:
    ids = keeper.submit(client, submit_sm(), submit_sm())
    keeper.run(2 * 3_600_000)
    assert keeper.core.forgetting.carried >= 2
    keeper = keeper.crash()
    assert cancel(keeper, Client(keeper), 0, **TO) == 0
    keeper.run()
    assert set(states(keeper)) == set(ids)


# -- replace_sm ----------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("crash", [False, True])
def test_what_waits_can_be_replaced(
    keeper: Keeper, client: Client, stage: str, crash: bool
) -> None:
    id, relay = at(keeper, client, stage, data_coding=3, esm_class=0x80)
    waits = stage in ("queued", "scheduled")
    assert replace(keeper, client, id) == (0 if waits else Status.ESME_RREPLACEFAIL)
    if not waits:
        return
    check_replay(keeper)
    if crash:
        keeper = keeper.crash()
        relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    keeper.run()
    assert bool(relay.sent) is (stage == "queued"), "what is empty keeps the schedule"
    keeper.run(3_700_000)
    [(sent, number, message)] = relay.sent
    assert (sent, number, message.text) == (id, 1, b"Other")
    assert (message.data_coding, message.esm_class, message.registered_delivery) == (3, 0x80, 0)
    relay.answer(id, 1, carrier_id=b"x")
    keeper.run()
    [record] = keeper.records()
    assert (record["id"], record["content"]) == (id, b"Other")


def test_the_submit_date_is_that_of_the_replacement(keeper: Keeper, client: Client) -> None:
    id, _relay = at(keeper, client, "queued")
    keeper.run(3_600_000)
    assert replace(keeper, client, id, registered_delivery=1) == 0
    assert cancel(keeper, client, id) == 0
    keeper.run()
    assert [record["accepted"] for record in keeper.records()] == [START + 3_600_000]
    [receipt] = client.delivered
    assert receipt.short_message.endswith(b"text:Other")


@pytest.mark.parametrize(
    ("stage", "schedule", "after"),
    [
        ("queued", b"000000020000000R", 2),
        ("scheduled", b"000000020000000R", 2),
        ("scheduled", b"000000000000000R", 0),
        ("scheduled", b"200101000000000+", 0),
    ],
)
@pytest.mark.parametrize("crash", [False, True])
def test_a_schedule_moves_it(
    keeper: Keeper, client: Client, stage: str, schedule: bytes, after: int, crash: bool
) -> None:
    id, relay = at(keeper, client, stage)
    assert replace(keeper, client, id, schedule_delivery_time=schedule) == 0
    if crash:
        keeper = keeper.crash()
        relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    keeper.run(100 if not after else after * 3_600_000 - 60_000)
    assert bool(relay.sent) is (not after)
    keeper.run(120_000)
    assert [sent[2].schedule_delivery_time for sent in relay.sent] == [b""]


@pytest.mark.parametrize(
    ("validity", "days"), [(b"", 2), (b"000001000000000R", 1), (b"000020000000000R", 7)]
)
def test_a_validity_is_kept_or_set_anew(
    keeper: Keeper, client: Client, validity: bytes, days: int
) -> None:
    id, _relay = at(keeper, client, "queued")
    assert replace(keeper, client, id, validity_period=validity) == 0
    check_replay(keeper)
    keeper = keeper.crash()
    keeper.run(days * DAY - 10_000)
    assert len(keeper.core.state.spool) == 1
    keeper.run(60_000)
    assert states(keeper) == {id: MessageState.EXPIRED}


def test_what_is_past_its_validity_is_not_replaced(keeper: Keeper, client: Client) -> None:
    [id] = keeper.submit(client, submit_sm(validity_period=b"000000000100000R"))
    keeper.now += 61_000
    assert replace(keeper, client, id, validity_period=b"000001000000000R") == 0x13


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"schedule_delivery_time": b"301301000000000+"}, Status.ESME_RINVSCHED),
        ({"validity_period": b"301301000000000+"}, Status.ESME_RINVEXPIRY),
        ({"validity_period": b"200101000000000+"}, Status.ESME_RINVEXPIRY),
        ({"schedule_delivery_time": b"000005000000000R"}, Status.ESME_RINVEXPIRY),
        ({"short_message": b"x" * 255}, Status.ESME_RINVMSGLEN),
        ({"sm_default_msg_id": 9}, Status.ESME_RINVDFTMSGID),
        ({"tlvs": [(Tag.MESSAGE_PAYLOAD, b"both")]}, Status.ESME_RTLVNOTALLWD),
    ],
)
def test_a_bad_replacement_changes_nothing(
    keeper: Keeper, client: Client, fields: dict[str, Any], status: Status
) -> None:
    id, _relay = at(keeper, client, "queued")
    before = keeper.core.state.fingerprint()
    assert replace(keeper, client, id, **fields) == status
    assert keeper.core.state.fingerprint() == before


def test_a_text_that_is_none_of_the_message_fails(keeper: Keeper, client: Client) -> None:
    [header] = keeper.submit(client, submit_sm(esm_class=0x40, short_message=b"\2\x24\0Hi"))
    [wide] = keeper.submit(client, submit_sm(data_coding=8, short_message=b"\0H\0i"))
    assert replace(keeper, client, header) == Status.ESME_RREPLACEFAIL, "it starts no header"
    assert replace(keeper, client, header, short_message=b"\2\x24\0Ho") == 0
    assert replace(keeper, client, wide) == Status.ESME_RINVMSGLEN, "it ends within a character"
    assert replace(keeper, client, wide, short_message=b"\0H\0o") == 0


def test_receipts_may_not_be_had_by_replacing(client: Client) -> None:
    keeper = Keeper(text=BASE.replace("acme, ", "acme, receipts: false, ", 1))
    [id] = keeper.submit(Client(keeper), submit_sm())
    status = replace(keeper, Client(keeper), id, registered_delivery=1)
    assert status == Status.ESME_RINVREGDLVFLG


def test_a_payload_may_take_the_place_of_a_text(keeper: Keeper, client: Client) -> None:
    id, relay = at(keeper, client, "queued")
    client.version = 0x50
    payload = b"x" * 300
    tlvs = [(Tag.MESSAGE_PAYLOAD, payload)]
    assert replace(keeper, client, id, tlvs=tlvs) == 0, "the payload wins where both are given"
    assert keeper.core.bodies.octets < 1_000
    keeper.core.carrier_up(relay)
    keeper.run()
    [(_id, _number, message)] = relay.sent
    assert (message.text, message.sm_length) == (payload, 0)
    assert message.tlvs == tuple(tlvs)


def test_a_full_disk_takes_no_replacement(keeper: Keeper, client: Client) -> None:
    id, _relay = at(keeper, client, "queued")
    keeper.log.room = False
    keeper.run()
    assert replace(keeper, client, id) == Status.ESME_RMSGQFUL
    assert cancel(keeper, client, id) == 0, "an end is always taken"


# -- replace_if_present_flag ---------------------------------------------------------------------


def test_a_new_message_takes_the_place_of_one_that_waits(keeper: Keeper, client: Client) -> None:
    others = keeper.submit(
        client,
        submit_sm(registered_delivery=1, service_type=b"WAP"),
        submit_sm(registered_delivery=1, dest_addr_npi=0),
        submit_sm(registered_delivery=1, source_addr=b"447700900002"),
    )
    [old] = keeper.submit(client, submit_sm(registered_delivery=1))
    [new] = keeper.submit(client, submit_sm(replace_if_present_flag=1, short_message=b"New"))
    assert new not in (old, *others)
    keeper.run()
    assert states(keeper) == {old: MessageState.DELETED}
    assert not client.delivered, "nobody is told of it"
    check_replay(keeper)
    relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    keeper.run()
    assert {sent[0] for sent in relay.sent} == {new, *others}
    assert {sent[2].replace_if_present_flag for sent in relay.sent} == {0}, "it is ours to do"


@pytest.mark.parametrize("stage", [None, "attempt", "acked", "in doubt", "final"])
def test_without_one_that_waits_it_is_a_new_message(
    keeper: Keeper, client: Client, stage: str | None
) -> None:
    if stage is not None:
        at(keeper, client, stage)
    [new] = keeper.submit(client, submit_sm(replace_if_present_flag=1))
    assert new > 0
    assert MessageState.DELETED not in states(keeper).values()


def test_the_newest_gives_way(keeper: Keeper, client: Client) -> None:
    ids = keeper.submit(client, submit_sm(), submit_sm(), submit_sm())
    keeper.submit(client, submit_sm(replace_if_present_flag=1))
    keeper.run()
    assert states(keeper) == {ids[2]: MessageState.DELETED}


# -- predefined messages -------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "text"), [(9, b"Parcel"), (255, b"Late")])
def test_a_predefined_text_is_named_by_its_number(number: int, text: bytes) -> None:
    keeper = Keeper(text=PREDEFINED)
    client, relay = Client(keeper), Relay(keeper)
    [id] = keeper.submit(client, submit_sm())
    fields = {"message_id": b"%x" % id, "sm_default_msg_id": number}
    assert keeper.core.replace(client, request(Command.REPLACE_SM, **fields)) == 0
    header = {"esm_class": 0x40, "data_coding": 8, "short_message": b"\2\x24\0\0x"}
    keeper.submit(client, submit_sm(sm_default_msg_id=number, **header))
    keeper.core.carrier_up(relay)
    keeper.run()
    assert [sent[2].text for sent in relay.sent] == [text, text]
    for _id, _number, message in relay.sent:
        assert (message.data_coding, message.sm_default_msg_id, message.esm_class) == (0, 0, 0)


def test_a_predefined_text_is_in_no_clients_alphabet() -> None:
    text = BASE.replace("acme, ", "acme, default_alphabet: latin1, ", 1)
    keeper = Keeper(text=text + "predefined_messages: {9: '@'}\n")
    client, relay = Client(keeper), Relay(keeper)
    [id] = keeper.submit(client, submit_sm())
    fields = {"message_id": b"%x" % id, "sm_default_msg_id": 9}
    assert keeper.core.replace(client, request(Command.REPLACE_SM, **fields)) == 0
    keeper.core.carrier_up(relay)
    keeper.run()
    assert [sent[2].text for sent in relay.sent] == [b"\0"]


# -- submit_multi --------------------------------------------------------------------------------

NUMBERS = [b"447700900123", b"447700900124", b"447700900125"]


def multi(keeper: Keeper, client: Client, *numbers: bytes, **fields: Any) -> list[int]:
    members = [submit_sm(destination_addr=number, **fields) for number in numbers or NUMBERS]
    results = keeper.core.submit_multi(client, members)
    keeper.turn.run()
    return results


def test_members_have_ids_in_a_row_and_answer_to_the_first(keeper: Keeper, client: Client) -> None:
    first, *rest = ids = multi(keeper, client)
    assert rest == [first + 1, first + 2]
    assert query(keeper, client, first) == (MessageState.ENROUTE, 0, 0)
    for id in rest:
        assert query(keeper, client, id) == Status.ESME_RINVMSGID, "no client was given it"
        assert cancel(keeper, client, id) == Status.ESME_RINVMSGID
    assert cancel(keeper, client, first) == 0
    keeper.run()
    assert states(keeper) == dict.fromkeys(ids, MessageState.DELETED)
    for _ in range(2):
        assert query(keeper, client, first) == (MessageState.DELETED, START, 0)
        assert query(keeper, client, rest[0]) == Status.ESME_RINVMSGID
        check_replay(keeper)
        keeper = keeper.crash()
        client = Client(keeper)


def test_each_member_has_its_own_receipt_under_their_id(keeper: Keeper, client: Client) -> None:
    relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    ids = multi(keeper, client, registered_delivery=1)
    for n, (id, stat) in enumerate(zip(ids, (b"DELIVRD", b"EXPIRED", b"DELIVRD"), strict=True)):
        assert query(keeper, client, ids[0]) == (MessageState.ENROUTE, 0, 0)
        relay.answer(id, 1, carrier_id=b"%d" % n)
        relay.receipt(b"%d" % n, stat)
        keeper.run(1_000)
    assert query(keeper, client, ids[0]) == (MessageState.EXPIRED, START + 2_000, 0), "the worst"
    assert [m.source_addr for m in client.delivered] == NUMBERS
    assert {m.short_message.split()[0] for m in client.delivered} == {b"id:%x" % ids[0]}
    assert len(keeper.records()) == 3


def test_a_destination_that_is_refused_takes_no_id(client: Client) -> None:
    keeper = Keeper(text=BASE.replace("to: '*'", "to: '4477009001'"))
    client = Client(keeper)
    ids = multi(keeper, client, b"3" * 12, NUMBERS[0], b"4" * 12, NUMBERS[1])
    assert ids[0] == ids[2] == -Status.ESME_RINVDSTADR
    assert ids[3] == ids[1] + 1
    assert cancel(keeper, client, ids[1], **TO) == 0, "one of them"
    keeper.run()
    assert set(states(keeper)) == {ids[1]}
    assert query(keeper, client, ids[1]) == (MessageState.ENROUTE, 0, 0)


def test_a_full_queue_takes_as_many_as_fit() -> None:
    keeper = Keeper(text=BASE + "storage: {max_owed: 2}\n")
    ids = multi(keeper, Client(keeper))
    assert ids[2] == -Status.ESME_RMSGQFUL and min(ids[:2]) > 0


@pytest.mark.parametrize("ended", [False, True])
def test_nobody_elses_message_is_taken_for_a_member_that_could_not_be_paid(ended: bool) -> None:
    plan = Plan("EUR", "submitted", [Price("out", "44", 100, date(2000, 1, 1), None)])
    keeper = Keeper(tariffs={b"acme": Tariff(b"acme", plan, UTC, prepaid=True, credited=200)})
    client, other = Client(keeper), Client(keeper, b"other")
    ids = multi(keeper, client)
    assert ids[1] == ids[0] + 1 and ids[2] < 0
    [theirs] = keeper.submit(other, submit_sm())
    assert theirs == ids[0] + 2
    if ended:
        assert cancel(keeper, other, theirs) == 0
        keeper.run(1_000)
    assert cancel(keeper, client, ids[0]) == 0
    assert query(keeper, client, ids[0]) == (
        MessageState.DELETED, START + 1_000 * ended, 0
    )  # fmt: skip
    assert (query(keeper, other, theirs)[0] == MessageState.DELETED) is ended


def test_all_members_that_wait_are_replaced(keeper: Keeper, client: Client) -> None:
    relay = Relay(keeper, window=1)
    keeper.core.carrier_up(relay)
    ids = multi(keeper, client)
    assert replace(keeper, client, ids[0]) == 0
    relay.window = 10
    keeper.core.sendable(relay)
    keeper.run()
    assert [(id, message.text) for id, _number, message in relay.sent] == [
        (ids[0], b"Hello"), (ids[1], b"Other"), (ids[2], b"Other"),
    ]  # fmt: skip


@pytest.mark.parametrize(("slow", "status"), [(True, 0x58), (False, 0x08)])
def test_nothing_of_several_is_taken_in_bad_times(keeper: Keeper, slow: bool, status: int) -> None:
    client = Client(keeper, b"acme" if slow else b"gone")
    keeper.core.slow = slow
    assert multi(keeper, client) == [-status] * 3
    assert keeper.submit(client, submit_sm()) == [-status]
    if slow:
        assert replace(keeper, client, 1) == status
    else:
        assert query(keeper, client, 1) == cancel(keeper, client, 1) == status


# -- final states over the log's forgetting ------------------------------------------------------


def test_final_states_are_carried_out_of_segments_that_go(keeper: Keeper, client: Client) -> None:
    ids = keeper.submit(client, *[submit_sm(short_message=b"%d" % n) for n in range(30)])
    for id in ids:
        assert cancel(keeper, client, id) == 0
    other = Client(keeper, b"other")
    [theirs] = keeper.submit(other, submit_sm())
    assert cancel(keeper, other, theirs) == 0
    for hours in range(1, 23):
        keeper.run(3_600_000)
        if hours == 12:
            keeper = keeper.crash()
            client, other = Client(keeper), Client(keeper, b"other")
    assert keeper.log.oldest_segment() > 1
    kinds = [kind for kind, _head, _body in keeper.log._records.values()]
    assert Kind.STATES in kinds and Kind.FINAL not in kinds
    batches = [
        records.read_states(head)
        for kind, head, _body in keeper.log._records.values()
        if kind == Kind.STATES
    ]
    assert sum(len(batch.entries) for batch in batches) <= 2 * 31 * records.STATE_OCTETS
    check_replay(keeper)
    for id in ids:
        assert query(keeper, client, id) == (MessageState.DELETED, START, 0)
    assert query(keeper, other, theirs) == (MessageState.DELETED, START, 0)
    keeper.run(2 * 3_600_000)
    assert query(keeper, client, ids[0]) == Status.ESME_RINVMSGID
    [last] = keeper.submit(client, submit_sm())
    keeper.run(2 * 3_600_000)
    assert Kind.STATES not in [kind for kind, _head, _body in keeper.log._records.values()]
    assert len(keeper.core.state.ended) == 0, "and nothing is held"


def test_nothing_is_kept_where_nothing_is_to_be_kept() -> None:
    keeper = Keeper(text=BASE + "finished: {keep: 0}\n")
    client = Client(keeper)
    [id] = keeper.submit(client, submit_sm())
    assert cancel(keeper, client, id) == 0
    assert query(keeper, client, id) == Status.ESME_RINVMSGID


def test_the_source_is_in_no_record_of_an_end(keeper: Keeper, client: Client) -> None:
    ids = keeper.submit(client, submit_sm(), submit_sm())
    for id in ids:
        cancel(keeper, client, id)
    heads = [head for kind, head, _body in keeper.log._records.values() if kind == Kind.FINAL]
    assert not any(SOURCE["source_addr"] in head for head in heads)
    assert len({records.read_final(head).check for head in heads}) == 2, "not even as a pseudonym"
