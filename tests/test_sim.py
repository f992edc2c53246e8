"""The simulators: their parts as data, and load against carrier over real sockets.

What is checked here is above all that the load generator *notices*: a check that can't fail would
make every other result worthless.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from smsc import _pdu
from smsc._pdu import Message
from smsc.receipt import IdRule, parse
from smsc.sim import carrier, dialect, load
from smsc.sim.client import BindRefused
from smsc.sim.dialect import DELIVRD, DIALECTS, FAILURES, Outcome, Writer
from smsc.sim.ledger import Ledger, read_receipt
from smsc.sim.load import Pace
from smsc.sim.process import NotReady, Process, module
from smsc.sim.profile import RECEIPTED, Profile
from smsc.sim.report import Histogram, table
from smsc.sim.result import Result, rows
from smsc.sim.template import Template
from smsc.sim.wheel import Wheel
from smsc.smpp import Command, Status, Tag

# -- report --------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=200), st.sampled_from((1, 50, 99, 100)))
def test_percentiles_are_within_a_bucket_of_the_truth(values: list[int], percent: int) -> None:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    rank = max(-(-len(values) * percent // 100), 1)
    truth = sorted(values)[rank - 1]
    assert truth <= histogram.percentile(percent) <= truth + truth // 32


def test_what_never_happened_has_no_latency() -> None:
    assert Histogram().percentiles() == {"p50": 0, "p90": 0, "p99": 0, "p99.9": 0, "max": 0}


def test_a_batch_counts_like_its_messages_one_by_one() -> None:
    batch, single = Histogram(), Histogram()
    batch.record_since([100, 100, 250, 400], 1000)
    for value in (900, 900, 750, 600):
        single.record(value)
    assert (batch.counts, batch.total, batch.longest) == (single.counts, 4, 900)


def test_latencies_beyond_all_bounds_are_counted() -> None:
    histogram = Histogram()
    histogram.record(1 << 60)
    histogram.record(-5)
    assert histogram.total == 2
    assert histogram.percentile(50) == 0


# -- wheel ---------------------------------------------------------------------------------------


def test_the_wheel_hands_out_what_is_due_in_order_of_time() -> None:
    wheel = Wheel()
    out: list[bytes] = []
    for at, pdu in ((20, b"c"), (10, b"a"), (10, b"b"), (30, b"d")):
        wheel.add(at, out.append, pdu)
    assert wheel.next == 10
    for call, pdu in wheel.due(20):
        call(pdu)
    assert out == [b"a", b"b", b"c"]
    assert wheel.next == 30
    assert wheel.due(29) == []
    assert len(wheel.due(30)) == 1
    assert wheel.next is None


# -- profile -------------------------------------------------------------------------------------

FAULTY = Profile(no_response=0.1, errors=((0x58, 0.2), (0x08, 0.3)))


@pytest.mark.parametrize(
    ("roll", "status"),
    [(0.0, None), (0.09, None), (0.11, 0x58), (0.29, 0x58), (0.31, 0x08), (0.59, 0x08), (0.61, 0)],
)
def test_shares_of_statuses_follow_each_other(roll: float, status: int | None) -> None:
    assert FAULTY.status(roll) == status


@pytest.mark.parametrize(
    ("profile", "faultless"),
    [(Profile(), True), (Profile(no_response=0.1), False), (Profile(errors=((8, 0.1),)), False)],
)
def test_a_profile_knows_whether_it_needs_dice(profile: Profile, faultless: bool) -> None:
    assert profile.faultless is faultless


def test_a_mixed_profile_delivers_most_and_fails_in_every_way() -> None:
    outcomes = [Profile(receipt="mixed").outcome(roll / 100) for roll in range(100)]
    assert outcomes.count(DELIVRD) == 80
    assert set(outcomes) == {DELIVRD, *FAILURES}


@pytest.mark.parametrize(
    ("asked", "failure", "success"),
    [(0, False, False), (1, True, True), (2, True, False), (3, False, True)],
)
def test_receipts_are_sent_as_asked(asked: int, failure: bool, success: bool) -> None:
    assert RECEIPTED[asked] == (failure, success)


# -- template ------------------------------------------------------------------------------------


def messages(template: Template, numbers: range, sequence: int = 1) -> list[Message]:
    pdus = _pdu.Decoder().feed(template.batch(sequence, numbers))
    assert all(pdu.decode() == 0 for pdu in pdus)
    return [pdu for pdu in pdus if isinstance(pdu, Message)]


@pytest.mark.parametrize("prefix", ["999", "99", "4477009"])
@pytest.mark.parametrize(
    ("octets", "data_coding", "charset"),
    [(80, 0, "ascii"), (12, 4, "ascii"), (140, 8, "utf-16-be"), (24, 8, "utf-16-be"),
     (254, 0, "ascii"), (255, 0, "ascii"), (1000, 8, "utf-16-be")],
)  # fmt: skip
def test_every_submit_has_its_own_destination_and_number(
    prefix: str, octets: int, data_coding: int, charset: str
) -> None:
    template = Template("447700900000", prefix, octets, data_coding, receipts=True)
    batch = messages(template, range(998, 1003), sequence=7)
    assert [pdu.sequence_number for pdu in batch] == [7, 8, 9, 10, 11]
    assert len({pdu.destination_addr for pdu in batch}) == 5
    for number, pdu in enumerate(batch, 998):
        assert len(pdu.destination_addr) <= 15
        assert pdu.destination_addr.startswith(prefix.encode())
        assert int(pdu.destination_addr[len(prefix) :]) == number
        assert len(pdu.text) == octets
        assert pdu.text.decode(charset).split(" ")[0] == f"{number:012d}"
        assert (pdu.data_coding, pdu.registered_delivery) == (data_coding, 1)
        assert carrier.text_token(pdu.text) == f"{number:012d}"


@pytest.mark.parametrize(("octets", "data_coding"), [(0, 0), (11, 0), (22, 8)])
def test_a_text_too_short_for_the_number_goes_without(octets: int, data_coding: int) -> None:
    template = Template("447700900000", "999", octets, data_coding, receipts=False)
    first, second = messages(template, range(2))
    assert first.destination_addr != second.destination_addr
    assert len(first.text) == octets
    assert (first.text, first.registered_delivery) == (second.text, 0)


@pytest.mark.parametrize(
    ("prefix", "octets", "data_coding"), [("9990000000", 80, 0), ("", 80, 0), ("x", 80, 0),
                                          ("999", 81, 8)],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused(prefix: str, octets: int, data_coding: int) -> None:
    with pytest.raises(ValueError, match="digits|even"):
        Template("447700900000", prefix, octets, data_coding, receipts=False)


# -- dialects ------------------------------------------------------------------------------------

#: How ids of a dialect are compared by whoever reads it; verbatim where nothing is said.
ID_RULES = {
    "decimal": IdRule("hex", "decimal"),
    "upper": IdRule("hex", "hex"),
    "unpadded": IdRule("hex", "hex"),
}


@pytest.mark.parametrize("outcome", [DELIVRD, *FAILURES])
@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_the_server_understands_every_dialect(name: str, outcome: Outcome) -> None:
    number = 0xABC0123456789A
    written = DIALECTS[name]
    (submit,) = messages(Template("447700900000", "999", 80, 0, receipts=True), range(1))
    date = b"261122120000"[: written.date_digits]
    receipt = Writer(written).receipt(submit, number, outcome, date)
    understood = parse(Message.from_raw(receipt))
    assert understood is not None
    rule = ID_RULES.get(name, IdRule("verbatim", "verbatim"))
    assert rule.of_receipt(understood.id) == rule.of_response(written.response_id(number))
    assert understood.state == outcome.message_state


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_a_response_names_the_message_in_its_dialect(name: str) -> None:
    written = DIALECTS[name]
    (response,) = _pdu.Decoder().feed(Writer(written).response(9, 0xAB))
    assert (response.command_id, response.command_status) == (Command.SUBMIT_SM_RESP, 0)
    assert response.sequence_number == 9
    assert response.fields["message_id"] == written.response_id(0xAB)


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_a_receipt_swaps_addresses_and_is_read_by_the_load_generator(name: str) -> None:
    (submit,) = messages(Template("447700900000", "999", 80, 0, receipts=True), range(1))
    writer = Writer(DIALECTS[name])
    receipt = Message.from_raw(writer.receipt(submit, 255, DELIVRD, b"2611221200"))
    assert (receipt.source_addr, receipt.destination_addr) == (
        submit.destination_addr,
        submit.source_addr,
    )
    assert (receipt.source_addr_ton, receipt.dest_addr_ton) == (1, 1)
    assert receipt.esm_class == 0x04
    assert read_receipt(receipt) == (DIALECTS[name].receipt_id(255), 2)


def test_a_receipt_follows_the_standard_to_the_letter() -> None:
    (submit,) = messages(Template("447700900000", "999", 80, 0, receipts=True), range(1))
    receipt = Message.from_raw(
        Writer(DIALECTS["standard"]).receipt(submit, 255, FAILURES[0], b"2611221200")
    )
    assert receipt.text == (
        b"id:ff sub:001 dlvrd:000 submit date:2611221200 done date:2611221200"
        b" stat:EXPIRED err:027 text:000000000000 the qui"
    )


def test_a_receipt_does_not_quote_what_is_no_plain_text() -> None:
    (submit,) = messages(Template("447700900000", "999", 80, 8, receipts=True), range(1))
    receipt = Message.from_raw(Writer(DIALECTS["standard"]).receipt(submit, 1, DELIVRD, b"0"))
    assert receipt.text.endswith(b" err:000 text:")


# -- ledger --------------------------------------------------------------------------------------


def receipt_pdu(text: bytes, *tlvs: tuple[Tag, bytes]) -> Message:
    return Message.from_raw(
        _pdu.encode(
            Command.DELIVER_SM,
            1,
            0,
            [(int(tag), value) for tag, value in tlvs],
            source_addr=b"447700900001",
            destination_addr=b"447700900002",
            esm_class=4,
            short_message=text,
        )
    )


ID, STATE = Tag.RECEIPTED_MESSAGE_ID, Tag.MESSAGE_STATE
STANDARD = (
    b"id:a1 sub:001 dlvrd:001 submit date:2611221200 done date:2611221200 stat:%b err:000 text:"
)


@pytest.mark.parametrize(
    ("pdu", "expected"),
    [
        (receipt_pdu(STANDARD % b"DELIVRD"), (b"a1", 2)),
        (receipt_pdu(STANDARD % b"DELIVRD", (ID, b"a1\0"), (STATE, b"\2")), (b"a1", 2)),
        (receipt_pdu(STANDARD % b"DELIVRD", (ID, b"a1")), (b"a1", 2)),
        (receipt_pdu(STANDARD % b"ENROUTE", (STATE, b"\1")), (b"a1", 1)),
        (receipt_pdu(b"stat:UNDELIV id:a1 err:001"), (b"a1", 5)),
        (receipt_pdu(b"err:001 stat:UNDELIV id:a1"), (b"a1", 5)),
        (receipt_pdu(b"", (ID, b"a1\0"), (STATE, b"\x08")), (b"a1", 8)),
        # Text and TLVs that contradict each other, and receipts that say too little.
        (receipt_pdu(STANDARD % b"DELIVRD", (ID, b"a2\0")), None),
        (receipt_pdu(STANDARD % b"DELIVRD", (STATE, b"\5")), None),
        (receipt_pdu(STANDARD % b"NONSENS"), None),
        (receipt_pdu(b"stat:DELIVRD"), None),
        (receipt_pdu(b"id:a1"), None),
        (receipt_pdu(b"", (ID, b"a1\0")), None),
        (receipt_pdu(b"", (STATE, b"\2")), None),
        (receipt_pdu(b"id: stat:DELIVRD"), None),
        (receipt_pdu(b"hello"), None),
    ],
)
def test_receipts_are_read_strictly(pdu: Message, expected: tuple[bytes, int] | None) -> None:
    assert read_receipt(pdu) == expected


def ack(message_id: bytes) -> tuple[str, bytes, int]:
    return "ack", message_id, 0


def receipt(message_id: bytes, state: int = 2) -> tuple[str, bytes, int]:
    return "receipt", message_id, state


#: What happened -> the counts that differ from zero.
HISTORIES: dict[str, tuple[list[tuple[str, bytes, int]], dict[str, int]]] = {
    "all well": (
        [ack(b"a"), receipt(b"a"), ack(b"b"), receipt(b"b", 5)],
        {"acknowledged": 2, "receipts": 2},
    ),
    "owed": ([ack(b"a")], {"acknowledged": 1, "receipts_missing": 1}),
    "id twice": (
        [ack(b"a"), ack(b"a")],
        {"acknowledged": 1, "duplicate_ids": 1, "receipts_missing": 1, "faults": 1},
    ),
    "no id": ([ack(b"")], {"duplicate_ids": 1, "faults": 1}),
    "id twice, after its receipt": (
        [ack(b"a"), receipt(b"a"), ack(b"a")],
        {"acknowledged": 1, "receipts": 1, "duplicate_ids": 1, "faults": 1},
    ),
    "receipt twice": (
        [ack(b"a"), receipt(b"a"), receipt(b"a")],
        {"acknowledged": 1, "receipts": 1, "receipts_doubled": 1, "faults": 1},
    ),
    "receipt first": (
        [receipt(b"a"), ack(b"a")],
        {"acknowledged": 1, "receipts": 1, "receipts_early": 1},
    ),
    "receipt first, and twice": (
        [receipt(b"a"), receipt(b"a"), ack(b"a")],
        {"acknowledged": 1, "receipts": 1, "receipts_early": 1, "receipts_doubled": 1, "faults": 1},
    ),
    "receipt for nothing": ([receipt(b"x")], {"receipts_unknown": 1, "faults": 1}),
    "on its way": (
        [ack(b"a"), receipt(b"a", 1)],
        {"acknowledged": 1, "intermediate": 1, "receipts_missing": 1},
    ),
}
COUNTS = (
    "acknowledged", "duplicate_ids", "receipts", "receipts_missing", "receipts_doubled",
    "receipts_unknown", "receipts_early", "intermediate", "faults",
)  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_the_ledger_finds_what_is_lost_doubled_or_unknown(name: str) -> None:
    history, expected = HISTORIES[name]
    ledger = Ledger(receipts_wanted=True)
    for event, message_id, number in history:
        if event == "ack":
            ledger.acknowledge(message_id, sent_at=123)
        else:
            ledger.close(message_id, number)
    counts = {count: getattr(ledger, count) for count in COUNTS}
    assert counts == dict.fromkeys(COUNTS, 0) | expected


def test_receipts_nobody_asked_for_are_faults() -> None:
    ledger = Ledger(receipts_wanted=False)
    ledger.acknowledge(b"a", sent_at=1)
    assert (ledger.receipts_missing, ledger.faults) == (0, 0)
    assert ledger.close(b"a", 2) == 0
    assert ledger.faults == 1


# -- pace ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pace", "takes"),
    [
        (Pace(5, 0, 0, start=0), [(3, 0, range(0, 3)), (9, 0, range(3, 5)), (9, 9, range(5, 5))]),
        (
            Pace(0, 1000, 0, start=0),
            [(9, 0, range(0, 1)), (9, 0, range(1, 1)), (9, 3000, range(1, 4)),
             (2, 10_000, range(4, 6)), (99, 10_000, range(6, 11))],
        ),
        (
            Pace(0, 0, 1, start=500),
            [(4, 1_000_499, range(0, 4)), (4, 1_000_500, range(4, 4)), (4, 0, range(4, 4))],
        ),
    ],
    ids=["total", "rate", "duration"],
)  # fmt: skip
def test_the_pace_gives_out_what_is_due(pace: Pace, takes: list[tuple[int, int, range]]) -> None:
    assert [pace.take(most, now) for most, now, _ in takes] == [numbers for _, _, numbers in takes]


class Taker:
    """A connection that takes what it may."""

    transmits = True

    def __init__(self, of: load.Load) -> None:
        self.load = of
        self.took: list[int] = []

    def pump(self, now: int, most: int) -> None:
        self.took.append(len(self.load.due(most, now)))


def test_a_kept_rate_is_kept_over_all_connections_alike() -> None:
    paced = load.Load(replace(QUIET, rate=1e9))
    takers = [Taker(paced) for _ in range(3)]
    paced.clients = set(takers)  # type: ignore[arg-type]
    paced.finishing = True  # no timer
    for messages in (30, 8, 1, 1, 1):
        paced.pace = Pace(messages, 1e9, 0, start=0)
        paced.pump()
    taken = [sorted(took) for took in zip(*(taker.took for taker in takers), strict=True)]
    assert taken == [[10, 10, 10], [2, 3, 3], *[[0, 0, 1]] * 3]
    assert all(sum(taker.took[2:]) == 1 for taker in takers), "another one is the first each time"


# -- load against carrier ------------------------------------------------------------------------

QUIET = load.Options(messages=200, window=20, timeout=10, quiet=True)
FLAWLESS = Profile()
ANYONE = carrier.Options()
#: For runs whose peer withholds something: how long to wait for what will never come.
IN_VAIN = 0.2
Meanwhile = Callable[[carrier.Carrier, load.Load], Awaitable[None]]


def run(
    profile: Profile = FLAWLESS,
    options: load.Options = QUIET,
    upstream: carrier.Options = ANYONE,
    meanwhile: Meanwhile | None = None,
) -> tuple[Result, carrier.Counts]:
    """One run in one loop; ``meanwhile`` happens beside it."""

    async def both() -> tuple[Result, carrier.Counts]:
        simulated, server = await carrier.start(replace(upstream, port=0, profile=profile))
        port = server.sockets[0].getsockname()[1]
        generator = load.Load(replace(options, port=port))
        try:
            async with asyncio.TaskGroup() as group:
                if meanwhile is not None:
                    group.create_task(meanwhile(simulated, generator))
                driving = group.create_task(generator.drive())
            return driving.result(), simulated.counts
        finally:
            server.close()
            simulated.close()

    return uvloop.run(both())


WITH_RECEIPTS = replace(QUIET, receipts=True)

PASSING: dict[str, tuple[Profile, load.Options]] = {
    "plain": (Profile(), QUIET),
    "receipts": (Profile(), WITH_RECEIPTS),
    "several connections": (Profile(), replace(WITH_RECEIPTS, connections=4)),
    "tx": (Profile(), replace(QUIET, bind_type="tx")),
    "tx+rx": (Profile(), replace(WITH_RECEIPTS, bind_type="tx+rx", connections=2)),
    "window of one": (Profile(), replace(WITH_RECEIPTS, window=1)),
    "long text": (Profile(), replace(WITH_RECEIPTS, text_octets=1000)),
    "UCS-2": (Profile(), replace(WITH_RECEIPTS, text_octets=120, data_coding=8)),
    "kept rate": (Profile(), replace(WITH_RECEIPTS, rate=2000.0)),
    "delay": (Profile(delay=3, receipt_delay=5), WITH_RECEIPTS),
    "jitter": (Profile(jitter=10, receipt_delay=2), WITH_RECEIPTS),
    "mixed": (Profile(receipt="mixed"), WITH_RECEIPTS),
    "overtaking": (Profile(overtakes=0.5, delay=2), WITH_RECEIPTS),
    "TLVs only": (Profile(dialect=DIALECTS["tlv-only"]), WITH_RECEIPTS),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_run_in_which_all_is_well_passes(name: str) -> None:
    profile, options = PASSING[name]
    result, counts = run(profile, options)
    assert result.passed, result
    assert result.acknowledged == counts.accepted == options.messages
    assert result.receipts == (options.messages if options.receipts else 0)
    assert counts.receipts_confirmed == result.receipts
    assert result.response_ms["p50"] > 0
    assert "passed" in str(rows(result))
    table("title", rows(result))


def test_a_mixed_profile_shows_in_the_states() -> None:
    result, _ = run(Profile(receipt="mixed"), WITH_RECEIPTS)
    assert set(result.states) == {"DELIVRD", "EXPIRED", "UNDELIV", "REJECTD"}


def test_overtaking_receipts_are_noticed_and_matched() -> None:
    result, _ = run(Profile(overtakes=1.0, delay=5), WITH_RECEIPTS)
    assert result.passed
    assert result.receipts_early == QUIET.messages


FAILING: dict[str, tuple[Profile, load.Options, Callable[[Result], bool]]] = {
    "refusals": (
        Profile(errors=((Status.ESME_RTHROTTLED, 0.5),)),
        QUIET,
        lambda result: (
            result.refused["ESME_RTHROTTLED"] + result.acknowledged == result.submitted
            and not result.unanswered
        ),
    ),
    "no response": (
        Profile(no_response=0.05),
        replace(QUIET, timeout=IN_VAIN),
        lambda result: result.unanswered > 0 and result.submitted > result.acknowledged,
    ),
    "no receipts": (
        Profile(receipt="none"),
        replace(WITH_RECEIPTS, timeout=IN_VAIN),
        lambda result: result.receipts_missing == result.acknowledged == 200,
    ),
    "ids that do not match": (
        Profile(dialect=DIALECTS["decimal"]),
        replace(WITH_RECEIPTS, timeout=IN_VAIN),
        lambda result: result.receipts_unknown + result.receipts_malformed == 200,
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_run_in_which_something_is_missing_fails(name: str) -> None:
    profile, options, expected = FAILING[name]
    result, _ = run(profile, options)
    assert not result.passed
    assert expected(result), result
    assert rows(result)["verdict"] == "FAILED"


def test_a_wrong_password_is_told() -> None:
    upstream = carrier.Options(system_id="demo", password="other")
    with pytest.raises(ExceptionGroup) as caught:
        run(upstream=upstream)
    (error,) = caught.value.exceptions
    assert isinstance(error, BindRefused)
    assert error.status == Status.ESME_RBINDFAIL
    assert str(error) == "bind refused with ESME_RBINDFAIL"


def test_what_a_lost_connection_left_unanswered_is_unknown_and_the_run_goes_on() -> None:
    async def cut(simulated: carrier.Carrier, generator: load.Load) -> None:
        for _ in range(3):
            seen = generator.ledger.acknowledged
            while generator.ledger.acknowledged <= seen or not generator.in_flight:
                await asyncio.sleep(0)
            simulated.drop()

    options = replace(QUIET, reconnect=True, messages=20_000, connections=2)
    result, counts = run(Profile(delay=1), options, meanwhile=cut)
    assert result.submitted == 20_000
    assert result.unknown > 0
    assert result.connections_lost >= 3
    assert result.acknowledged + result.unknown == result.submitted
    assert result.acknowledged <= counts.accepted
    assert not result.passed


def test_without_reconnect_a_lost_connection_ends_the_run() -> None:
    async def cut(simulated: carrier.Carrier, generator: load.Load) -> None:
        while not generator.ledger.acknowledged:
            await asyncio.sleep(0)
        simulated.drop()

    result, _ = run(Profile(delay=1), replace(QUIET, messages=100_000), meanwhile=cut)
    assert result.connections_lost == 1
    assert result.unsent > 0
    assert not result.passed


def test_unconfirmed_receipts_survive_a_lost_connection() -> None:
    async def cut(simulated: carrier.Carrier, generator: load.Load) -> None:
        while not generator.ledger.receipts:
            await asyncio.sleep(0)
        simulated.drop()

    options = replace(WITH_RECEIPTS, reconnect=True, messages=5000)
    result, counts = run(Profile(receipt_delay=20), options, meanwhile=cut)
    assert result.receipts == result.acknowledged
    assert result.receipts_unknown <= result.unknown
    assert counts.receipts_confirmed == counts.receipts


def test_a_flapping_carrier_drops_again_and_again() -> None:
    options = replace(QUIET, reconnect=True, rate=2000.0, messages=1000)
    result, counts = run(Profile(), options, upstream=carrier.Options(flap=0.1))
    assert counts.flaps >= 2
    assert result.connections_lost >= 2
    assert result.acknowledged + result.unknown == 1000


def test_inbound_messages_come_at_their_rate_to_their_number() -> None:
    upstream = carrier.Options(inbound_rate=1000, inbound_to="447700900500")
    result, counts = run(options=replace(QUIET, rate=1000.0), upstream=upstream)
    assert result.passed
    assert 0 < result.inbound <= counts.inbound
    pdu = Message.from_raw(dialect.inbound("447700900500", 7))
    assert (pdu.destination_addr, pdu.esm_class) == (b"447700900500", 0)
    assert pdu.source_addr == b"447700900007"


def test_oracle_and_log_name_the_same_messages(tmp_path: Path) -> None:
    acked, log = tmp_path / "acked", tmp_path / "log"
    profile = Profile(errors=((Status.ESME_RSYSERR, 0.2),), no_response=0.1)
    options = replace(QUIET, acked=str(acked), timeout=IN_VAIN)
    result, counts = run(profile, options, carrier.Options(log=str(log)))
    answered = {tuple(line.split()) for line in acked.read_text().splitlines()}
    taken = [line.split() for line in log.read_text().splitlines()]
    assert len(answered) == result.acknowledged == counts.accepted - counts.unanswered
    assert len(taken) == counts.accepted
    assert answered < {(message_id, str(int(token))) for message_id, _, _, token in taken}
    prefix = "999000000000"
    hashes = {carrier.destination_hash(f"{prefix}{n:03d}".encode()) for n in range(200)}
    assert {line[2] for line in taken} < hashes
    assert prefix not in log.read_text()


@pytest.mark.parametrize(
    ("text", "token"),
    [(b"000000000007 fox", "000000000007"), (b"\0" b"1\0" b"2\0 \0x", "12"), (b"", "-"),
     (b"\x05\x00\x03 x", "-"), (b"\xc3\xa9 x", "-")],
)  # fmt: skip
def test_only_a_plain_first_word_is_logged(text: bytes, token: str) -> None:
    assert carrier.text_token(text) == token


# -- the carrier as an SMPP peer -----------------------------------------------------------------

BIND = _pdu.encode(Command.BIND_TRANSCEIVER, 1, system_id=b"x", interface_version=0x34)
BIND_33 = _pdu.encode(Command.BIND_TRANSMITTER, 1, system_id=b"x", interface_version=0x33)
SUBMIT = Template("447700900000", "999", 20, 0, receipts=False).batch(2, range(1))
NO_SUCH = _pdu.header_only(0x0000000A, 0, 6)

#: What is sent in one write -> (command_id, status, sequence) of each answer.
EXCHANGES: dict[str, tuple[bytes, list[tuple[int, int, int]]]] = {
    "bind": (BIND, [(Command.BIND_TRANSCEIVER_RESP, 0, 1)]),
    "submit unbound": (SUBMIT, [(Command.SUBMIT_SM_RESP, Status.ESME_RINVBNDSTS, 2)]),
    "bind and submit": (
        BIND + SUBMIT,
        [(Command.BIND_TRANSCEIVER_RESP, 0, 1), (Command.SUBMIT_SM_RESP, 0, 2)],
    ),
    "bind twice": (
        BIND + BIND,
        [
            (Command.BIND_TRANSCEIVER_RESP, 0, 1),
            (Command.BIND_TRANSCEIVER_RESP, Status.ESME_RALYBND, 1),
        ],
    ),
    "probe": (
        _pdu.header_only(Command.ENQUIRE_LINK, 0, 5),
        [(Command.ENQUIRE_LINK_RESP, 0, 5)],
    ),
    "unknown request": (NO_SUCH, [(Command.GENERIC_NACK, Status.ESME_RINVCMDID, 6)]),
    "stray response": (
        _pdu.header_only(Command.DELIVER_SM_RESP, 0, 9)
        + _pdu.header_only(Command.QUERY_SM_RESP, 0, 9)
        + _pdu.header_only(Command.ENQUIRE_LINK, 0, 5),
        [(Command.ENQUIRE_LINK_RESP, 0, 5)],
    ),
    "submit and unbind": (
        BIND + SUBMIT + _pdu.header_only(Command.UNBIND, 0, 3),
        [
            (Command.BIND_TRANSCEIVER_RESP, 0, 1),
            (Command.SUBMIT_SM_RESP, 0, 2),
            (Command.UNBIND_RESP, 0, 3),
        ],
    ),
    "no PDU stream": (
        BIND + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        [
            (Command.BIND_TRANSCEIVER_RESP, 0, 1),
            (Command.GENERIC_NACK, Status.ESME_RINVCMDLEN, 0),
        ],
    ),
    "bad submit": (
        BIND + _pdu.header_only(Command.SUBMIT_SM, 0, 8),
        [
            (Command.BIND_TRANSCEIVER_RESP, 0, 1),
            (Command.SUBMIT_SM_RESP, Status.ESME_RINVCMDLEN, 8),
        ],
    ),
}


def exchange(octets: bytes) -> list[_pdu.Pdu]:
    """Send, half-close, and read what comes until the carrier closes."""

    async def talk() -> list[_pdu.Pdu]:
        simulated, server = await carrier.start(carrier.Options(port=0))
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(octets)
        writer.write_eof()
        answers = _pdu.Decoder().feed(await reader.read())
        writer.close()
        server.close()
        simulated.close()
        return answers

    return uvloop.run(talk())


@pytest.mark.parametrize("name", EXCHANGES)
def test_the_carrier_answers_as_an_smsc(name: str) -> None:
    octets, expected = EXCHANGES[name]
    answers = exchange(octets)
    told = [(pdu.command_id, pdu.command_status, pdu.sequence_number) for pdu in answers]
    assert told == expected


@pytest.mark.parametrize(("bind", "tlv"), [(BIND, b"\x34"), (BIND_33, None)])
def test_the_carrier_tells_its_version_to_those_who_can_read_it(
    bind: bytes, tlv: bytes | None
) -> None:
    (answer,) = exchange(bind)
    assert answer.tlv(Tag.SC_INTERFACE_VERSION) == tlv
    assert answer.fields["system_id"] == b"sim"


@pytest.mark.parametrize(
    ("status", "again"),
    [(Status.ESME_RX_T_APPN, True), (Status.ESME_RMSGQFUL, True), (Status.ESME_RX_R_APPN, False)],
)
def test_a_receipt_refused_for_now_is_sent_again(status: Status, again: bool) -> None:
    submit = Template("447700900000", "999", 20, 0, receipts=True).batch(2, range(1))

    async def refuse() -> None:
        simulated, server = await carrier.start(carrier.Options(port=0))
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        decoder = _pdu.Decoder()
        writer.write(BIND + submit)
        seen: list[_pdu.Pdu] = []
        while len(seen) < 3:
            seen += decoder.feed(await reader.read(4096))
        first = seen[2]
        writer.write(_pdu.header_only(Command.DELIVER_SM_RESP, status, first.sequence_number))
        writer.write(_pdu.header_only(Command.ENQUIRE_LINK, 0, 3))
        assert (await reader.readexactly(16))[7] == Command.ENQUIRE_LINK & 0xFF
        assert simulated.counts.receipts_refused == {status: 1}
        assert (simulated.wheel.next is not None) is again
        if again:
            for call, pdu in simulated.wheel.due(1 << 62):
                call(pdu)
            simulated.tick()
            (second,) = decoder.feed(await reader.read(4096))
            assert second.sequence_number == first.sequence_number + 1
            assert second.raw[16:] == first.raw[16:]
        writer.close()
        server.close()
        simulated.close()

    uvloop.run(refuse())


# -- as processes --------------------------------------------------------------------------------


def test_both_as_processes(tmp_path: Path) -> None:
    counts, told = tmp_path / "counts", tmp_path / "result"
    errors = ("--error", "ESME_RSYSERR=0.0", "--error", "0x58=0")
    options = ("--port", "0", "--json", str(counts), *errors)
    with Process("carrier", tmp_path, *module("smsc.sim.carrier", *options)) as upstream:
        port = str(upstream.ports["carrier"])
        command = [sys.executable, "-m", "smsc.sim.load", "--port", port, "--messages", "300"]
        good = subprocess.run(
            [*command, "--receipts", "--json", str(told)], capture_output=True, text=True
        )
        assert good.returncode == 0, good.stderr
        assert "passed" in good.stdout
        assert json.loads(told.read_text())["passed"] is True
        lonely = [*command, "--receipts", "--timeout", str(IN_VAIN), "--from", "447700900009"]
        assert subprocess.run([*lonely, "--window", "0", "--quiet"]).returncode == 1
        bad = subprocess.run([*command, "--quiet", "--destinations", "no"], capture_output=True)
        assert bad.returncode == 2
        assert b"prefix" in bad.stderr
        assert upstream.usage().cpu > 0
        assert upstream.usage().rss > upstream.usage().anonymous > 1 << 20
    assert upstream.stop() == 0
    assert json.loads(counts.read_text())["receipts_confirmed"] == 300
    assert "receipts confirmed" in upstream.output()


def test_a_process_that_ends_before_it_is_ready_says_why(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="unrecognized arguments: --nonsense"):
        Process("carrier", tmp_path, *module("smsc.sim.carrier", "--nonsense"))
