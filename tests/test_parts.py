"""Texts that go in parts: one answer, one receipt and one record, whatever becomes of the parts."""

from __future__ import annotations

from typing import Any

import pytest

from smsc import text
from smsc._pdu import Message
from smsc.core import FAILOVER_GRACE
from smsc.forgetting import MAX_AGE
from smsc.message import changed
from smsc.records import Kind
from smsc.smpp import Command, MessageState, Status, Tag
from smsc.spool import Stage
from smsc.state import State
from smsc.text import SAR_TAGS, Part
from tests.keeper import BASE, Client, Keeper, Relay, submit_sm

TEXT = BASE.replace("in_doubt: {policy", "long_messages: udh\n    in_doubt: {policy").replace(
    "{name: two,", "{name: two, long_messages: sar,"
)
LONG = b"a" * 400
HOUR = 3_600_000


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


def long(octets: bytes = LONG, **fields: Any) -> Message:
    if len(octets) <= 254:
        return submit_sm(short_message=octets, registered_delivery=1, **fields)
    message = submit_sm(short_message=b"", registered_delivery=1, **fields)
    return changed(message, [(Tag.MESSAGE_PAYLOAD, octets)])


def part_of(message: Message) -> Part | None:
    if message.esm_class & 0x40:
        return text.concat(text.parse_udh(message.text)[0])
    return text.sar(message)


def numbers(relay: Relay) -> list[int]:
    """The part numbers that left, in order."""
    found = [part_of(message) for _id, _attempt, message in relay.sent]
    return [part.number if part else 0 for part in found]


def acknowledge(relay: Relay, prefix: bytes = b"p") -> list[bytes]:
    """Say yes to all that is outstanding; the ids given."""
    ids = []
    for at, (id, attempt) in enumerate(list(relay.outstanding)):
        ids.append(prefix + b"%d" % at)
        relay.answer(id, attempt, carrier_id=ids[-1])
    return ids


def receipts(client: Client) -> list[bytes]:
    return [message.short_message.split(b"stat:")[1][:7] for message in client.delivered]


def test_a_long_text_is_one_message_to_its_client(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    [id] = keeper.submit(client, long())
    assert numbers(relay) == [1, 2, 3]
    assert b"".join(message.text[6:] for _, _, message in relay.sent) == LONG
    assert len({part_of(message).reference for _, _, message in relay.sent}) == 1  # type: ignore[union-attr]
    *first, last = acknowledge(relay)
    for carrier_id in first:
        relay.receipt(carrier_id)
    keeper.run()
    assert not client.delivered and not keeper.records()
    relay.receipt(last)
    keeper.run()
    [receipt] = client.delivered
    assert receipt.short_message.startswith(b"id:%x " % id)
    assert receipts(client) == [b"DELIVRD"]
    [record] = keeper.records()
    assert (record["id"], record["parts"], record["attempts"]) == (id, 3, 1)
    assert record["content"] == LONG and record["sent"] and record["carrier"] == b"one"
    assert len(keeper.core.state.spool) == 0
    finished = keeper.core.counters.finished.row(keeper.core.state.carriers.index(b"one"))
    assert (finished[MessageState.DELIVERED], sum(finished)) == (1, 1)
    assert keeper.core.counters.accepted == 1


def test_a_text_that_fits_is_sent_as_it_came(keeper: Keeper, client: Client, relay: Relay) -> None:
    keeper.submit(client, long(b"a" * 160))
    [(_, _, message)] = relay.sent
    assert (message.esm_class, message.text) == (0, b"a" * 160)


def test_nobody_is_asked_for_receipts_that_the_client_did_not_ask_for(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    [id] = keeper.submit(client, submit_sm(short_message=b"a" * 200))
    assert {message.registered_delivery for _, _, message in relay.sent} == {0}
    acknowledge(relay)
    keeper.run()
    [record] = keeper.records()
    assert (record["id"], record["state"], record["parts"]) == (id, MessageState.ENROUTE, 2)
    assert not client.delivered


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_worst_end_of_a_part_is_the_end_of_the_text(
    keeper: Keeper, client: Client, relay: Relay, number: int
) -> None:
    keeper.submit(client, long())
    for at, carrier_id in enumerate(acknowledge(relay), 1):
        relay.receipt(carrier_id, b"UNDELIV" if at == number else b"DELIVRD")
    keeper.run()
    assert receipts(client) == [b"UNDELIV"]
    [record] = keeper.records()
    assert record["state"] == MessageState.UNDELIVERABLE


def test_what_the_carrier_said_of_the_failure_is_kept(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    keeper.submit(client, long(b"a" * 200))
    (first, _), (second, _) = relay.outstanding
    relay.answer(first, 1, Status.ESME_RINVDSTADR)
    relay.answer(second, 1, carrier_id=b"b")
    relay.receipt(b"b")
    keeper.run()
    [record] = keeper.records()
    assert (record["state"], record["status"]) == (MessageState.REJECTED, Status.ESME_RINVDSTADR)
    assert receipts(client) == [b"REJECTD"]


def test_once_a_part_has_failed_the_unsent_ones_are_not_sent(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    relay.window = 1
    keeper.submit(client, long())
    assert numbers(relay) == [1]
    relay.answer(relay.sent[0][0], 1, Status.ESME_RINVDSTADR)
    keeper.run()
    assert numbers(relay) == [1]
    assert receipts(client) == [b"REJECTD"]
    assert len(keeper.core.state.spool) == 0 and len(keeper.records()) == 1


def test_parts_go_in_order_and_before_what_came_later(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    relay.window = 1
    keeper.submit(client, long(), submit_sm())
    for _ in range(4):
        acknowledge(relay)
        keeper.run()
    assert numbers(relay) == [1, 2, 3, 0]


def test_all_parts_go_over_one_bind(keeper: Keeper, client: Client) -> None:
    relays = [Relay(keeper) for _ in range(3)]
    for relay in relays:
        keeper.core.carrier_up(relay)
    for at in range(5):
        keeper.submit(client, long(destination_addr=b"44770090%04d" % at))
    sent = [numbers(relay) for relay in relays]
    assert sum(sent, []).count(1) == 5
    assert all(each == [1, 2, 3] * (len(each) // 3) for each in sent)


def test_a_part_is_tried_again_with_the_same_reference(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    keeper.submit(client, long())
    (_, _, first), (id, _, before), _ = relay.sent
    relay.answer(id, 1, Status.ESME_RSYSERR)
    keeper.run(60_000)
    assert relay.sent[-1][:2] == (id, 2) and relay.sent[-1][2].raw == before.raw
    for carrier_id in acknowledge(relay):
        relay.receipt(carrier_id)
    keeper.run()
    assert receipts(client) == [b"DELIVRD"]
    assert keeper.records()[0]["attempts"] == 2


def test_references_differ_while_both_texts_are_owed(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    relay.window = 10_000
    keeper.submit(client, *[long(b"a" * 161) for _ in range(300)])
    found = [part_of(message) for _, _, message in relay.sent]
    references = [(part.reference, part.wide) for part in found if part and part.number == 1]
    assert len(references) == len(set(references)) == 300
    assert [wide for _, wide in references] == [False] * 256 + [True] * 44
    # To somebody else they are free.
    keeper.submit(client, long(b"a" * 161, destination_addr=b"447700900124"))
    assert not part_of(relay.sent[-1][2]).wide  # type: ignore[union-attr]


def test_more_than_255_parts_are_refused_at_once(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    most = 152 * 255
    accepted, refused = keeper.submit(client, long(b"a" * most), long(b"a" * (most + 1)))
    assert accepted > 0 and refused == -Status.ESME_RINVMSGLEN
    assert len(keeper.core.state.spool.splits[accepted].parts) == 254


def test_a_text_waits_whole_until_it_can_be_sent(keeper: Keeper, client: Client) -> None:
    [id] = keeper.submit(client, long(destination_addr=b"4915100000"))
    slab = keeper.core.state.spool.slab
    assert len(slab) == 1 and slab.state(slab.find(id)) == Stage.QUEUED
    keeper.run(3 * 86_400_000)
    [record] = keeper.records()
    assert (record["state"], record["parts"]) == (MessageState.EXPIRED, 3)


def test_parts_expire_like_any_message(keeper: Keeper, client: Client, relay: Relay) -> None:
    relay.window = 1
    keeper.submit(client, long(destination_addr=b"4915100000"))
    relay.window = 0
    acknowledge(relay)
    keeper.run(3 * 86_400_000 + HOUR)
    assert receipts(client) == [b"EXPIRED"]
    [record] = keeper.records()
    assert (record["state"], record["parts"]) == (MessageState.EXPIRED, 3)


def test_what_is_left_goes_to_another_carrier_in_its_way(keeper: Keeper, client: Client) -> None:
    one, two = Relay(keeper, window=1), Relay(keeper, b"two")
    keeper.core.carrier_up(one)
    keeper.submit(client, long())
    [(id, attempt)] = one.outstanding
    one.answer(id, attempt, carrier_id=b"x")
    second = one.outstanding[0]
    keeper.core.carrier_up(two)
    keeper.core.carrier_down(one, [second], [])
    keeper.run(20_000)
    assert numbers(two) == [2, 3]
    assert [message.esm_class for _, _, message in two.sent] == [0, 0]
    assert {part_of(message).total for _, _, message in two.sent} == {3}  # type: ignore[union-attr]
    keeper.core.carrier_up(one)
    one.receipt(b"x")
    for carrier_id in acknowledge(two, b"t"):
        two.receipt(carrier_id)
    keeper.run()
    assert receipts(client) == [b"DELIVRD"]
    assert keeper.records()[0]["carrier"] == b"two"


# -- over crashes -----------------------------------------------------------------------------


def test_parts_that_were_sent_are_in_doubt_after_a_crash_and_the_text_ends_once(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    relay.window = 2
    [id] = keeper.submit(client, long())
    reference = part_of(relay.sent[0][2])
    first, _ = acknowledge(relay)[:2]
    keeper.run()
    again = keeper.crash()
    client, relay = Client(again), Relay(again)
    again.core.attach(client)
    again.core.carrier_up(relay)
    relay.receipt(first)
    again.run(120_000)
    assert numbers(relay)[-1] == 3
    assert part_of(relay.sent[-1][2]).reference == reference.reference  # type: ignore[union-attr]
    for carrier_id in [b"p1", *acknowledge(relay, b"again")]:
        relay.receipt(carrier_id)
    again.run()
    assert receipts(client) == [b"DELIVRD"]
    assert [(record["id"], record["parts"]) for record in again.records()] == [(id, 3)]


def test_a_failure_is_remembered_over_a_crash(keeper: Keeper, client: Client, relay: Relay) -> None:
    keeper.submit(client, long(b"a" * 200))
    (first, _), (second, _) = relay.outstanding
    relay.answer(second, 1, carrier_id=b"b")
    relay.answer(first, 1, Status.ESME_RINVDSTADR)
    keeper.run()
    again = keeper.crash()
    relay = Relay(again)
    again.core.carrier_up(relay)
    relay.receipt(b"b")
    again.run()
    [record] = again.records()
    assert (record["state"], record["status"]) == (MessageState.REJECTED, Status.ESME_RINVDSTADR)


def cut_after(keeper: Keeper, kind: Kind, count: int) -> Keeper:
    """The keeper that starts on the log up to the ``count``-th record of a kind."""
    keeper.run()
    log = keeper.log.lose_tail()
    for frame in log._frames:
        for position, record in list(frame.records.items()):
            if not count:
                del frame.records[position]
            count -= bool(count) and record[0] == kind
    return Keeper(log, {}, keeper.now + 1_000, keeper.text)


@pytest.mark.parametrize("messages", [2, 3, 4])
def test_a_split_without_its_record_never_was(
    keeper: Keeper, client: Client, relay: Relay, messages: int
) -> None:
    """Its frame was full, and the next one is not on disk."""
    [id] = keeper.submit(client, long())
    again = cut_after(keeper, Kind.MESSAGE, messages)
    slab = again.core.state.spool.slab
    assert len(slab) == 1 and slab.state(slab.find(id)) == Stage.QUEUED
    relay = Relay(again)
    again.core.carrier_up(relay)
    again.run()
    assert numbers(relay) == [1, 2, 3]
    assert not again.records()


def test_a_text_whose_last_part_has_ended_ends_at_the_start(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    [id] = keeper.submit(client, long(b"a" * 200))
    for carrier_id in acknowledge(relay):
        relay.receipt(carrier_id)
    again = cut_after(keeper, Kind.FINAL, 2)
    again.run()
    assert [(record["id"], record["parts"]) for record in again.records()] == [(id, 2)]
    assert len(again.core.state.spool) == 0


def test_what_is_known_of_a_split_outlives_its_segment(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    [id] = keeper.submit(client, long(b"a" * 200, destination_addr=b"4915100000"))
    (first, _), (second, _) = relay.outstanding
    relay.answer(second, 1, carrier_id=b"b")
    relay.answer(first, 1, Status.ESME_RINVDSTADR)
    keeper.run(4 * MAX_AGE)
    assert keeper.core.forgetting.released
    again = keeper.crash()
    relay = Relay(again)
    again.core.carrier_up(relay)
    relay.receipt(b"b")
    again.run()
    [record] = again.records()
    assert (record["id"], record["state"]) == (id, MessageState.REJECTED)


# -- cancelling -------------------------------------------------------------------------------


def cancel(keeper: Keeper, client: Client, id: int) -> int:
    status: int = keeper.ask(client, Command.CANCEL_SM, message_id=b"%x" % id)
    return status


def test_a_text_of_which_nothing_was_sent_can_be_cancelled(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    [id] = keeper.submit(client, long(destination_addr=b"4915100000"))
    assert keeper.ask(client, Command.QUERY_SM, message_id=b"%x" % id)[0] == MessageState.ENROUTE
    assert cancel(keeper, client, id) == Status.ESME_RCANCELFAIL
    unsent, relay.outstanding = list(relay.outstanding), []
    keeper.core.carrier_down(relay, unsent, [])
    assert cancel(keeper, client, id) == 0
    keeper.run()
    assert receipts(client) == [b"DELETED"]
    assert len(keeper.core.state.spool) == 0 and len(keeper.records()) == 1


def test_a_text_of_which_a_part_has_ended_can_not(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    [id] = keeper.submit(client, long(b"a" * 200, destination_addr=b"4915100000"))
    first, _ = relay.outstanding
    relay.answer(*first, carrier_id=b"a")
    relay.receipt(b"a")
    keeper.core.carrier_down(relay, list(relay.outstanding), [])
    assert cancel(keeper, client, id) == Status.ESME_RCANCELFAIL


# -- late evidence ----------------------------------------------------------------------------


def test_a_late_yes_to_the_whole_text_changes_nothing_of_its_parts() -> None:
    """It was in doubt at a carrier that takes it whole, and went to one that does not."""
    keeper = Keeper(text=TEXT.replace("long_messages: udh", "long_messages: pass"))
    client, one, two = Client(keeper), Relay(keeper), Relay(keeper, b"two")
    keeper.core.attach(client)
    keeper.core.carrier_up(one)
    [id] = keeper.submit(client, long())
    keeper.core.carrier_down(one, [], [(id, 1)])
    keeper.core.carrier_up(two)
    keeper.run(120_000)
    assert numbers(two) == [1, 2, 3]
    keeper.core.carrier_up(one)
    keeper.core.outcomes(one, [(id, 1, 0, b"late")])
    assert keeper.core.counters.confirmed_duplicates == 1
    for carrier_id in acknowledge(two):
        two.receipt(carrier_id)
    keeper.run()
    assert receipts(client) == [b"DELIVRD"] and len(keeper.records()) == 1
    replayed = State()
    keeper.log.lose_tail().replay(replayed.apply)
    assert replayed.fingerprint() == keeper.core.state.fingerprint()


# -- parts that clients submit ----------------------------------------------------------------


def test_all_parts_of_a_text_go_to_one_carrier() -> None:
    shared = TEXT.replace("carriers: [one, two]", "carriers: [{one: 1, two: 1}]")
    keeper = Keeper(text=shared)
    client, relays = Client(keeper), [Relay(keeper), Relay(keeper, b"two")]
    for relay in relays:
        keeper.core.carrier_up(relay)
    for reference in range(20):
        for number in range(1, 4):
            header = text.build_udh([Part(reference, 3, number).element()])
            keeper.submit(client, submit_sm(short_message=header + b"x", esm_class=0x40))
    by_carrier = [
        {part_of(message).reference for _, _, message in relay.sent}  # type: ignore[union-attr]
        for relay in relays
    ]
    assert all(by_carrier) and not by_carrier[0] & by_carrier[1]


def test_notifications_of_parts_are_of_the_text(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    [id] = keeper.submit(client, changed(long(), registered_delivery=0x11))
    assert {message.registered_delivery for _, _, message in relay.sent} == {0x11}
    first, second, _third = acknowledge(relay)
    for carrier_id in (first, second):
        relay.receipt(carrier_id, b"ENROUTE", esm_class=0x20)
    keeper.run()
    assert receipts(client) == [b"ENROUTE"] * 2
    assert {m.short_message.split(b" ")[0] for m in client.delivered} == {b"id:%x" % id}
    assert {m.esm_class for m in client.delivered} == {0x20}


def test_the_first_failed_attempt_of_a_part_is_told(
    keeper: Keeper, client: Client, relay: Relay
) -> None:
    keeper.submit(client, changed(long(), registered_delivery=0x10))
    for part, attempt in list(relay.outstanding):
        relay.answer(part, attempt, Status.ESME_RSYSERR)
    keeper.run()
    assert receipts(client) == [b"ENROUTE"]


# -- another carrier -----------------------------------------------------------------------------

#: What one carrier fails the other gets, which knows no alphabet but UCS-2.
NARROW = TEXT.replace("carriers: [one, two]}", "carriers: [one, two], on_failure: next}").replace(
    "long_messages: sar,", "long_messages: udh, data_codings: [8],"
)


def both(text: str = NARROW, window: int = 100) -> tuple[Keeper, Client, Relay, Relay]:
    keeper = Keeper(text=text)
    client, one, two = Client(keeper), Relay(keeper, window=window), Relay(keeper, b"two")
    keeper.core.attach(client)
    keeper.core.carrier_up(one)
    keeper.core.carrier_up(two)
    return keeper, client, one, two


def said(relay: Relay) -> str:
    """The text of the parts that left, if they share one reference."""
    parts = [(part_of(message), message) for _, _, message in relay.sent]
    assert len({part.reference for part, _ in parts if part}) == 1
    assert numbers(relay) == list(range(1, len(parts) + 1))
    return b"".join(message.text[6:] for _, message in parts).decode("utf-16-be")


@pytest.mark.parametrize("how", ["refused", "reported"])
def test_a_text_that_one_carrier_failed_is_cut_anew_for_the_next(how: str) -> None:
    keeper, client, one, two = both()
    [id] = keeper.submit(client, long())
    before = part_of(one.sent[0][2])
    if how == "refused":
        one.answer(one.sent[1][0], 1, Status.ESME_RINVDSTADR)
        late = one.sent[0][0]
        one.answer(late, 1, carrier_id=b"late")
    else:
        ids = acknowledge(one)
        one.receipt(ids[2], b"UNDELIV")
        one.receipt(ids[0], b"DELIVRD")
    keeper.run()
    assert said(two) == LONG.decode()
    reference = part_of(two.sent[0][2])
    assert before and reference and reference.reference != before.reference
    for carrier_id in acknowledge(two, b"q"):
        two.receipt(carrier_id)
    keeper.run()
    assert receipts(client) == [b"DELIVRD"] and len(keeper.core.state.spool) == 0
    [record] = keeper.records()
    assert (record["id"], record["carrier"], record["parts"]) == (id, b"two", 6)
    replayed = State()
    keeper.log.lose_tail().replay(replayed.apply)
    assert replayed.fingerprint() == keeper.core.state.fingerprint()


def test_when_nobody_is_left_the_text_ends_as_its_part_did() -> None:
    keeper, client, one, two = both()
    keeper.submit(client, long())
    one.answer(one.sent[0][0], 1, Status.ESME_RINVDSTADR)
    keeper.run()
    two.answer(two.sent[0][0], 1, Status.ESME_RINVDSTADR)
    for carrier_id in acknowledge(two):
        two.receipt(carrier_id)
    keeper.run()
    assert receipts(client) == [b"REJECTD"] and len(keeper.core.state.spool) == 0
    assert len(keeper.records()) == 1


def test_a_crash_before_the_old_parts_are_put_away_sends_none_of_them() -> None:
    keeper, client, one, _two = both(window=2)
    [id] = keeper.submit(client, long())
    one.answer(one.sent[0][0], 1, Status.ESME_RINVDSTADR)
    keeper.run()
    log = keeper.log.lose_tail()
    moved = max(at for at, record in log._records.items() if record[0] == Kind.MOVED)
    for frame in log._frames:
        frame.records = {at: r for at, r in frame.records.items() if at <= moved}
    log._records = {at: r for at, r in log._records.items() if at <= moved}
    keeper = Keeper(log, {}, keeper.now + 1_000, NARROW)
    assert [keeper.core.state.spool.slab.id(s) for s in keeper.core.state.spool.slab.slots()] == [
        id
    ]
    one, two = Relay(keeper), Relay(keeper, b"two")
    keeper.core.carrier_up(one)
    keeper.core.carrier_up(two)
    keeper.run()
    assert one.sent == [] and said(two) == LONG.decode()


@pytest.mark.parametrize("sent", [False, True])
def test_a_text_whose_carrier_is_gone_is_cut_anew_if_nothing_of_it_is_out(sent: bool) -> None:
    text = NARROW.replace(", on_failure: next", "")
    keeper, client, one, two = both(text, window=1)
    keeper.submit(client, submit_sm(), long())
    if sent:
        one.answer(*one.sent[0][:2])
    out = [item for item in one.outstanding]
    keeper.core.carrier_down(one, [], out)
    keeper.run(FAILOVER_GRACE + 1_000)
    if not sent:
        assert said(two) == LONG.decode()
    else:
        assert two.sent == []
        keeper.run(120_000)
        assert receipts(client) == [b"REJECTD"]


# -- a carrier that is older than was agreed -----------------------------------------------------


@pytest.mark.parametrize("long_messages", ["pass", "sar", "payload"])
def test_a_carrier_that_turns_out_to_speak_3_3_gets_no_tlv(long_messages: str) -> None:
    """It answered the bind so; there a text in message_payload would be no text at all."""
    text = TEXT.replace("long_messages: udh", f"long_messages: {long_messages}")
    keeper = Keeper(text=text)
    old, new = Relay(keeper), Relay(keeper)
    old.version = 0x33
    tlvs = [*zip(SAR_TAGS, (b"\0\1", b"\2", b"\1"), strict=True)]
    client = Client(keeper)
    ids = keeper.submit(client, long(), submit_sm(short_message=b"a", tlvs=tlvs))
    assert all(id > 0 for id in ids)
    keeper.core.carrier_up(old)
    keeper.run()
    assert numbers(old) == [1, 2, 3, 1]
    assert not any(message.tlvs for _, _, message in old.sent)
    # A bind that knows TLVs does not change it while the other is there.
    keeper.core.carrier_up(new)
    keeper.submit(client, long())
    assert numbers(old)[4:] + numbers(new) == [1, 2, 3]
