"""The keeper's decisions, from a submit to the receipt; time and durability are method calls."""

from __future__ import annotations

import pytest

from smsc.smpp import MessageState, Status
from smsc.spool import Stage
from tests.keeper import BASE, START, Client, Keeper, Relay, deliver_sm, submit_sm


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


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


def stage_of(keeper: Keeper, message_id: int) -> int | None:
    slab = keeper.core.state.spool.slab
    slot = slab.find(message_id)
    return None if slot < 0 else slab.state(slot)


def test_the_whole_way(keeper: Keeper, client: Client, relay: Relay) -> None:
    [message_id] = keeper.submit(client, submit_sm(registered_delivery=1))
    assert message_id > 0
    assert [(sent[0], sent[1]) for sent in relay.sent] == [(message_id, 1)]
    relay.answer(message_id, 1, carrier_id=b"abc1")
    assert relay.receipt(b"abc1") == 0
    keeper.run()
    [receipt] = client.delivered
    assert receipt.short_message.startswith(b"id:%x sub:001 dlvrd:001" % message_id)
    assert receipt.destination_addr == b"447700900001"
    client.answer()
    keeper.run()
    assert len(keeper.core.state.spool) == len(keeper.core.state.mailboxes) == 0
    [record] = keeper.records()
    assert record["id"] == message_id
    assert record["state"] == MessageState.DELIVERED
    assert record["content"] == b"Hello"
    assert record["account"] == record["customer"] == b"acme"
    assert record["carrier"] == b"one"


def test_nothing_leaves_before_it_is_durable(keeper: Keeper, client: Client, relay: Relay) -> None:
    keeper.log.hold = True
    keeper.submit(client, submit_sm())
    assert relay.outstanding and not relay.sent
    keeper.log.advance()
    keeper.turn.run()
    assert relay.sent


def test_a_dead_log_lets_nothing_out_and_takes_nothing_in(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    keeper.log.hold = True
    keeper.submit(client, submit_sm())
    keeper.log.fail()
    keeper.turn.run()
    assert keeper.failures and not relay.sent
    with pytest.raises(type(keeper.failures[0])):
        keeper.core.submit(client, [submit_sm()])


def test_a_message_without_a_receipt_ends_with_its_acknowledgement(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    [message_id] = keeper.submit(client, submit_sm())
    relay.answer(message_id, 1, carrier_id=b"1")
    keeper.run()
    assert not keeper.core.state.spool
    assert not client.delivered
    assert [record["state"] for record in keeper.records()] == [MessageState.ENROUTE]


def test_a_receipt_before_its_response_waits(keeper: Keeper, client: Client, relay: Relay) -> None:
    [message_id] = keeper.submit(client, submit_sm(registered_delivery=1))
    relay.receipt(b"early")
    keeper.run()
    assert len(keeper.core.state.orphans) == 1
    again = keeper.crash()
    assert len(again.core.state.orphans) == 1, "it is durable"
    relay.answer(message_id, 1, carrier_id=b"early")
    keeper.run()
    assert len(keeper.core.state.orphans) == 0
    assert len(client.delivered) == 1


def test_an_orphan_is_given_up_after_an_hour(keeper: Keeper, relay: Relay) -> None:
    relay.receipt(b"nobody")
    keeper.run(3_700_000)
    assert len(keeper.core.state.orphans) == 0
    assert keeper.core.counters.orphans["expired"] == 1


def test_a_repeated_receipt_is_known(keeper: Keeper, client: Client, relay: Relay) -> None:
    [message_id] = keeper.submit(client, submit_sm(registered_delivery=1))
    relay.answer(message_id, 1, carrier_id=b"x")
    relay.receipt(b"x")
    relay.receipt(b"x")
    keeper.run()
    assert keeper.core.counters.repeated_receipts == 1
    assert len(keeper.core.state.orphans) == 0
    assert len(client.delivered) == 1
    assert len(keeper.records()) == 1


def test_ids_of_two_carriers_are_not_confused(keeper: Keeper, client: Client, relay: Relay) -> None:
    other = Relay(keeper, b"two")
    keeper.core.carrier_up(other)
    [message_id] = keeper.submit(client, submit_sm(registered_delivery=1))
    relay.answer(message_id, 1, carrier_id=b"same")
    other.receipt(b"same")
    keeper.run()
    assert stage_of(keeper, message_id) == Stage.ACKED
    assert len(keeper.core.state.orphans) == 1


@pytest.mark.parametrize(
    ("registered_delivery", "stat", "told"),
    [
        (0, b"DELIVRD", False),
        (1, b"DELIVRD", True),
        (1, b"UNDELIV", True),
        (2, b"DELIVRD", False),
        (2, b"EXPIRED", True),
        (3, b"DELIVRD", True),
        (3, b"REJECTD", False),
    ],
)
def test_the_client_hears_of_what_it_asked_for(
    registered_delivery: int, stat: bytes, told: bool
) -> None:
    keeper = Keeper(
        text=BASE.replace("    password: pw\n", "    password: pw\n    receipts: always\n")
    )
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.attach(client)
    keeper.core.carrier_up(relay)
    [message_id] = keeper.submit(client, submit_sm(registered_delivery=registered_delivery))
    relay.answer(message_id, 1, carrier_id=b"x")
    relay.receipt(b"x", stat)
    keeper.run()
    assert len(client.delivered) == told
    assert len(keeper.records()) == 1


@pytest.mark.parametrize(
    ("error", "told"),
    [(b"034", b"034"), (b"1024", b"999"), (b"9" * 64, b"999"), (b"-1", b"000"), (b"", b"000")],
)
def test_whatever_a_carrier_calls_its_error_the_client_gets_a_receipt(
    keeper: Keeper, client: Client, relay: Relay, error: bytes, told: bytes
) -> None:
    [message_id] = keeper.submit(client, submit_sm(registered_delivery=1))
    relay.answer(message_id, 1, carrier_id=b"x")
    text = b"id:x sub:001 dlvrd:000 submit date:2611220915 done date:2611220916 stat:UNDELIV err:%b"
    receipt = deliver_sm(esm_class=4, short_message=text % error)
    assert keeper.core.inbound(relay, [receipt]) == [0]
    keeper.run()
    assert b"stat:UNDELIV err:%b" % told in client.delivered[0].short_message
    assert [record["error"] for record in keeper.records()] == [error]


@pytest.mark.parametrize("past_the_tenth", [0, 1, 50, 99])
def test_no_record_says_that_a_message_was_sent_before_it_came(past_the_tenth: int) -> None:
    keeper = Keeper(now=START + past_the_tenth)
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.carrier_up(relay)
    [sent] = keeper.submit(client, submit_sm())
    relay.answer(sent, 1, carrier_id=b"1")
    keeper.core.carrier_down(relay, [], [])
    keeper.submit(client, submit_sm(validity_period=b"000000000100000R"))
    keeper.run(90_000)
    times = [(record["sent"], record["accepted"]) for record in keeper.records()]
    assert times == [(START + past_the_tenth,) * 2, (0, START + past_the_tenth)]


def test_an_intermediate_receipt_ends_nothing(keeper: Keeper, client: Client, relay: Relay) -> None:
    [message_id] = keeper.submit(client, submit_sm(registered_delivery=1))
    relay.answer(message_id, 1, carrier_id=b"x")
    relay.receipt(b"x", b"ENROUTE")
    assert stage_of(keeper, message_id) == Stage.ACKED


# -- a carrier that is away ----------------------------------------------------------------------


def test_a_dead_carrier_costs_no_message(keeper: Keeper, client: Client) -> None:
    to_one = [submit_sm(destination_addr=b"49151000%04d" % n) for n in range(100)]
    ids = keeper.submit(client, *to_one)
    assert all(message_id > 0 for message_id in ids)
    keeper.run(86_400_000)
    assert len(keeper.core.state.spool) == 100
    relay = Relay(keeper, window=1000)
    keeper.core.carrier_up(relay)
    keeper.turn.run()
    assert [sent[0] for sent in relay.sent] == ids, "in the order they came"


def test_another_carrier_of_the_route_takes_over(keeper: Keeper, client: Client) -> None:
    two = Relay(keeper, b"two")
    one = Relay(keeper, b"one", window=1)
    keeper.core.carrier_up(one)
    keeper.core.carrier_up(two)
    [first, second] = keeper.submit(client, submit_sm(), submit_sm())
    assert [sent[0] for sent in one.sent] == [first]
    assert not two.sent, "the first group is alive, so the second message waits for it"
    keeper.core.carrier_down(one, [], [])
    keeper.run(10_000)
    assert [sent[0] for sent in two.sent] == [second]


def test_a_message_that_only_the_dead_carrier_may_have_waits(
    keeper: Keeper, client: Client
) -> None:
    two = Relay(keeper, b"two")
    keeper.core.carrier_up(two)
    ids = keeper.submit(client, *[submit_sm(destination_addr=b"4915100000")] * 3)
    keeper.run(60_000)
    assert not two.sent
    one = Relay(keeper)
    keeper.core.carrier_up(one)
    keeper.turn.run()
    assert [sent[0] for sent in one.sent] == ids


@pytest.mark.parametrize("waited", [0, 1_000])
def test_another_carrier_takes_what_waited_at_a_full_bind(
    keeper: Keeper, client: Client, waited: int
) -> None:
    one, two = Relay(keeper, b"one", window=1), Relay(keeper, b"two")
    keeper.core.carrier_up(one)
    keeper.core.carrier_up(two)
    ids = keeper.submit(client, *[submit_sm()] * 5)
    keeper.run(waited)
    keeper.core.carrier_down(one, [], [(ids[0], 1)])
    keeper.run(10_000)
    assert [sent[0] for sent in two.sent] == ids[1:]


@pytest.mark.parametrize("waited", [0, 1_000])
def test_what_was_not_sent_keeps_its_place(keeper: Keeper, client: Client, waited: int) -> None:
    one = Relay(keeper, b"one", window=4)
    keeper.core.carrier_up(one)
    ids = keeper.submit(client, *[submit_sm(destination_addr=b"4915100000")] * 8)
    keeper.run(waited)
    keeper.core.carrier_down(one, unsent=[(id, 1) for id in ids[1:4]], unanswered=[(ids[0], 1)])
    back = Relay(keeper)
    keeper.core.carrier_up(back)
    keeper.turn.run()
    assert [sent[0] for sent in back.sent] == ids[1:]


# -- what is unsure ------------------------------------------------------------------------------


def test_unsent_goes_again_and_unanswered_is_in_doubt(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    ids = keeper.submit(client, *[submit_sm(destination_addr=b"4915100000")] * 2)
    keeper.core.carrier_down(relay, unsent=[(ids[0], 1)], unanswered=[(ids[1], 1)])
    keeper.run()
    assert stage_of(keeper, ids[0]) == Stage.QUEUED
    assert stage_of(keeper, ids[1]) == Stage.IN_DOUBT
    back = Relay(keeper)
    keeper.core.carrier_up(back)
    keeper.turn.run()
    assert [(s[0], s[1]) for s in back.sent] == [(ids[0], 1)], "never counted as an attempt"
    keeper.run(61_000)
    assert [(s[0], s[1]) for s in back.sent] == [(ids[0], 1), (ids[1], 2)]
    assert keeper.core.counters.resolved["requeued"] == 1


def test_a_late_acknowledgement_beats_the_doubt(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    [message_id] = keeper.submit(client, submit_sm(registered_delivery=1))
    keeper.core.timed_out(relay, [(message_id, 1)])
    assert stage_of(keeper, message_id) == Stage.IN_DOUBT
    relay.answer(message_id, 1, carrier_id=b"late")
    assert stage_of(keeper, message_id) == Stage.ACKED
    keeper.run(120_000)
    assert len(relay.sent) == 1


def test_an_acknowledgement_is_never_undone(keeper: Keeper, client: Client, relay: Relay) -> None:
    [message_id] = keeper.submit(client, submit_sm(registered_delivery=1))
    relay.answer(message_id, 1, carrier_id=b"x")
    relay.answer(message_id, 1, Status.ESME_RSYSERR)
    keeper.core.timed_out(relay, [(message_id, 1)])
    keeper.core.carrier_down(relay, [], [(message_id, 1)])
    assert stage_of(keeper, message_id) == Stage.ACKED


def test_a_policy_of_at_most_once_fails_what_is_in_doubt() -> None:
    keeper = Keeper(text=BASE.replace("policy: hold", "policy: fail"))
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.attach(client)
    keeper.core.carrier_up(relay)
    [message_id] = keeper.submit(client, submit_sm(registered_delivery=1))
    keeper.core.timed_out(relay, [(message_id, 1)])
    keeper.run(61_000)
    assert stage_of(keeper, message_id) is None
    assert b"stat:UNKNOWN" in client.delivered[0].short_message
    assert len(relay.sent) == 1


# -- what a carrier answers ----------------------------------------------------------------------


def test_a_temporary_refusal_is_tried_again(keeper: Keeper, client: Client, relay: Relay) -> None:
    [message_id] = keeper.submit(client, submit_sm())
    relay.answer(message_id, 1, Status.ESME_RSYSERR)
    keeper.run(9_000)
    assert len(relay.sent) == 1
    keeper.run(2_000)
    assert [(s[0], s[1]) for s in relay.sent] == [(message_id, 1), (message_id, 2)]


def test_a_final_refusal_ends_it(keeper: Keeper, client: Client, relay: Relay) -> None:
    [message_id] = keeper.submit(client, submit_sm(registered_delivery=1))
    relay.answer(message_id, 1, Status.ESME_RINVDSTADR)
    keeper.run()
    assert stage_of(keeper, message_id) is None
    assert b"stat:REJECTD" in client.delivered[0].short_message
    [record] = keeper.records()
    assert (record["state"], record["status"]) == (MessageState.REJECTED, Status.ESME_RINVDSTADR)


def test_validity_ends_a_message_that_was_never_sent(keeper: Keeper, client: Client) -> None:
    keeper.submit(client, submit_sm(registered_delivery=1, validity_period=b"000000000100000R"))
    keeper.run(59_000)
    assert len(keeper.core.state.spool) == 1
    keeper.run(30_000)
    assert not keeper.core.state.spool
    assert b"stat:EXPIRED" in client.delivered[0].short_message


def test_a_receipt_that_never_comes_is_given_up(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    [message_id] = keeper.submit(client, submit_sm(registered_delivery=1))
    relay.answer(message_id, 1, carrier_id=b"x")
    keeper.run(3 * 86_400_000 + 1_000)
    assert stage_of(keeper, message_id) is None
    assert b"stat:UNKNOWN" in client.delivered[0].short_message


def test_a_schedule_is_kept_here_and_not_passed_on(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    keeper.submit(client, submit_sm(schedule_delivery_time=b"000000000500000R"))
    keeper.run(290_000)
    assert not relay.sent
    again = keeper.crash()
    relay = Relay(again)
    again.core.carrier_up(relay)
    again.run(20_000)
    assert [sent[2].schedule_delivery_time for sent in relay.sent] == [b""]


# -- limits --------------------------------------------------------------------------------------


def test_no_route_is_a_bad_destination() -> None:
    keeper = Keeper(text=BASE.replace("  - {name: default, to: '*', carriers: [one, two]}\n", ""))
    assert keeper.submit(Client(keeper), submit_sm()) == [-Status.ESME_RINVDSTADR]


def test_a_full_queue_says_so() -> None:
    keeper = Keeper(text=BASE + "storage: {max_owed: 2}\n")
    results = keeper.submit(Client(keeper), *[submit_sm()] * 3)
    assert results[2] == -Status.ESME_RMSGQFUL and min(results[:2]) > 0


def test_a_full_disk_says_so(keeper: Keeper, client: Client) -> None:
    keeper.log.room = False
    keeper.run()
    assert keeper.submit(client, submit_sm()) == [-Status.ESME_RMSGQFUL]


# -- mailboxes -----------------------------------------------------------------------------------


def test_mail_waits_for_a_bind_and_goes_to_all_in_turn(keeper: Keeper, relay: Relay) -> None:
    for n in range(6):
        assert keeper.core.inbound(
            relay, [deliver_sm(destination_addr=b"80888", short_message=b"%d" % n)]
        ) == [0]
    keeper.turn.run()
    again = keeper.crash()
    a, b = Client(again, window=2), Client(again, window=2)
    again.core.attach(a)
    again.core.attach(b)
    again.turn.run()
    assert [len(a.delivered), len(b.delivered)] == [2, 2]
    a.answer()
    b.answer()
    again.turn.run()
    texts = sorted(message.short_message for message in a.delivered + b.delivered)
    assert texts == [b"0", b"1", b"2", b"3", b"4", b"5"]


def test_what_a_lost_bind_had_goes_to_the_next(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    keeper.core.inbound(relay, [deliver_sm(destination_addr=b"80888", short_message=b"hi")])
    keeper.turn.run()
    assert len(client.delivered) == 1
    keeper.core.detach(client)
    other = Client(keeper)
    keeper.core.attach(other)
    keeper.turn.run()
    assert [message.short_message for message in other.delivered] == [b"hi"]
    other.answer()
    assert not keeper.core.state.mailboxes
    keeper.run()
    [record] = keeper.records()
    assert record["inbound"] and record["content"] == b"hi"


def test_a_client_that_cannot_now_is_asked_later(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    keeper.core.inbound(relay, [deliver_sm(destination_addr=b"80888")])
    keeper.turn.run()
    client.answer(Status.ESME_RX_T_APPN)
    keeper.run(20_000)
    assert len(client.delivered) == 1
    keeper.run(15_000)
    assert len(client.delivered) == 2
    client.answer(Status.ESME_RX_R_APPN)
    assert not keeper.core.state.mailboxes


def test_an_inbound_message_for_nobody_is_refused(keeper: Keeper, relay: Relay) -> None:
    assert keeper.core.inbound(relay, [deliver_sm(destination_addr=b"99")]) == [
        Status.ESME_RX_R_APPN
    ]


# -- replay --------------------------------------------------------------------------------------


def test_a_crash_leaves_what_was_durable_and_doubts_what_was_sent(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    ids = keeper.submit(client, *[submit_sm(registered_delivery=1)] * 3)
    relay.answer(ids[0], 1, carrier_id=b"a")
    keeper.run()
    keeper.log.hold = True
    keeper.submit(client, submit_sm())
    again = keeper.crash()
    assert len(again.core.state.spool) == 3
    assert stage_of(again, ids[0]) == Stage.ACKED
    assert stage_of(again, ids[1]) == stage_of(again, ids[2]) == Stage.IN_DOUBT
    relay = Relay(again)
    again.core.carrier_up(relay)
    relay.receipt(b"a")
    assert stage_of(again, ids[0]) is None


def test_ids_are_unique_over_restarts(keeper: Keeper, client: Client) -> None:
    first = keeper.submit(client, submit_sm())
    again = keeper.crash()
    assert again.submit(Client(again), submit_sm())[0] not in first


def test_messages_of_a_carrier_that_is_gone_from_the_configuration_go_elsewhere(
    keeper: Keeper, client: Client
) -> None:
    ids = keeper.submit(client, *[submit_sm() for _ in range(3)])
    without = (
        BASE.replace("  - name: one\n", "  - name: three\n")
        .replace("carriers: [one, two]", "carriers: [three, two]")
        .replace("carriers: [one]", "carriers: [two]")
    )
    keeper.text = without
    again = keeper.crash()
    relay = Relay(again, b"three")
    again.core.carrier_up(relay)
    again.run()
    assert [sent[0] for sent in relay.sent] == ids


def test_a_slow_disk_takes_nothing_new(keeper: Keeper, client: Client) -> None:
    keeper.core.slow = True
    assert keeper.submit(client, submit_sm()) == [-Status.ESME_RTHROTTLED]
    keeper.core.slow = False
    assert keeper.submit(client, submit_sm())[0] > 0


# -- datagrams -----------------------------------------------------------------------------------


def test_a_datagram_is_attempted_once(keeper: Keeper, client: Client, relay: Relay) -> None:
    [message_id] = keeper.submit(client, submit_sm(esm_class=1, registered_delivery=1))
    relay.answer(message_id, 1, Status.ESME_RSYSERR)
    keeper.run(120_000)
    assert [(id, attempt) for id, attempt, _ in relay.sent] == [(message_id, 1)]
    assert relay.sent[0][2].registered_delivery == 0
    assert not client.delivered
    [record] = keeper.records()
    assert (record["state"], record["status"]) == (MessageState.REJECTED, Status.ESME_RSYSERR)


def test_a_datagram_in_doubt_is_not_sent_again(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    keeper.submit(client, submit_sm(esm_class=1))
    again = keeper.crash()
    other = Relay(again)
    again.core.carrier_up(other)
    again.run(120_000)
    assert not other.sent
    [record] = again.records()
    assert record["state"] == MessageState.UNKNOWN


def test_a_datagram_that_never_left_is_still_to_be_attempted(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    [message_id] = keeper.submit(client, submit_sm(esm_class=1))
    keeper.core.carrier_down(relay, [(message_id, 1)], [])
    other = Relay(keeper)
    keeper.core.carrier_up(other)
    keeper.run()
    assert [(id, attempt) for id, attempt, _ in other.sent] == [(message_id, 1)]
    other.answer(message_id, 1)
    keeper.run()
    assert not keeper.core.state.spool
