"""The traffic log: what a record says, and that there is exactly one, whatever crashes."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from smsc._pdu import Message, encode
from smsc._record import Finished, finished
from smsc.errors import KeyDestroyed, NewerLog
from smsc.journal import SimLog
from smsc.smpp import Command, MessageState, Tag
from smsc.traffic import (
    BLOCK,
    CURSOR,
    FIELDS,
    FULL_FRAME,
    Block,
    Plain,
    Traffic,
    masked,
    opened,
    period_of,
    periods,
    read,
    segments,
    shown,
)
from tests.keeper import START, deliver_sm, submit_sm

#: 2026-09-21 and 2026-10-21: START, and a month on.
SEPTEMBER, OCTOBER = START, START + 30 * 86_400_000
MIB = 1024 * 1024

PDUS = {
    "plain": submit_sm(),
    "all fields": submit_sm(
        service_type=b"CMT", esm_class=0x40, protocol_id=0x7F, priority_flag=3,
        registered_delivery=1, data_coding=8, short_message=bytes(range(120)),
    ),
    "inbound": deliver_sm(short_message=b"hi", data_coding=4),
}  # fmt: skip


def ended(id: int, accepted: int = SEPTEMBER, message: Message | None = None) -> Finished:
    return finished(
        id=id, inbound=False, customer=b"C-1047", account=b"acme", carrier=b"one",
        accepted=accepted, sent=accepted + 10, done=accepted + 2_000, expiry=accepted + 86_400_000,
        attempts=3, state=MessageState.UNDELIVERABLE, status=0x0B, network_error=b"\3\0\x22",
        error=b"034", message=message or PDUS["plain"],
    )  # fmt: skip


class Bench:
    """The traffic logs of a run over its crashes. Ends are what the keeper's log says for ever."""

    def __init__(self, logs: dict[str, SimLog] | None = None, **log: Any) -> None:
        self.options = log
        self.logs = {} if logs is None else logs
        self.traffic = Traffic(self.open, sorted(self.logs), Plain(), lambda: START)

    def open(self, period: str) -> SimLog:
        return self.logs.setdefault(period, SimLog(**self.options))

    def records(self) -> list[dict[str, Any]]:
        """What is in the logs' blocks, durable or not."""
        return [
            fields
            for log in self.logs.values()
            for fields in read(
                ((kind, 0, head, body) for kind, head, body in log._records.values()), Plain()
            )
        ]

    def crash(self, ends: list[Finished], keep: int = 0) -> Bench:
        """Lose what is not durable, but for ``keep`` frames; meet the ends behind the cursor."""
        logs = {period: log.lose_tail(keep) for period, log in self.logs.items()}
        after = Bench(logs, **self.options)
        after.traffic.again([end for end in ends if end.position > after.traffic.covered])
        return after

    def settle(self) -> None:
        for log in self.logs.values():
            log.hold = False
            log.advance()
        for _ in range(3):
            self.traffic.sync()
            for log in self.logs.values():
                log.advance()


# -- what a record says --------------------------------------------------------------------------


@pytest.mark.parametrize("name", PDUS)
def test_a_record_says_all_of_a_message(name: str) -> None:
    message, bench = PDUS[name], Bench()
    end = ended(0x4000000001, message=message)
    bench.traffic.release([end.at(7)])
    bench.traffic.sync()
    [fields] = bench.records()
    assert fields == {
        "id": 0x4000000001, "inbound": False, "accepted": SEPTEMBER, "sent": SEPTEMBER + 10,
        "done": SEPTEMBER + 2_000, "expiry": SEPTEMBER + 86_400_000,
        "source_addr_ton": message.source_addr_ton, "source_addr_npi": message.source_addr_npi,
        "source_addr": message.source_addr, "dest_addr_ton": message.dest_addr_ton,
        "dest_addr_npi": message.dest_addr_npi, "destination_addr": message.destination_addr,
        "state": 5, "status": 0x0B, "network_error": b"\3\0\x22", "error": b"034",
        "data_coding": message.data_coding, "esm_class": message.esm_class,
        "protocol_id": message.protocol_id, "priority_flag": message.priority_flag,
        "registered_delivery": message.registered_delivery, "parts": 1, "attempts": 3,
        "network": b"", "carrier": b"one", "customer": b"C-1047", "account": b"acme",
        "price": None, "content": message.short_message,
    }  # fmt: skip
    assert set(fields) == {*FIELDS, "content"}


class Sealed:
    """A sealer that shows what it was given, and forgets what it is told to."""

    def __init__(self) -> None:
        self.given: list[tuple[bytes, str, str]] = []
        self.gone: set[str] = set()

    def seal(self, customer: bytes, period: str, kind: str, plain: bytes) -> tuple[bytes, bytes]:
        self.given.append((customer, period, kind))
        return kind[:1].encode() * 8, plain[::-1]

    def open(self, kind: str, key: bytes, sealed: bytes) -> bytes:
        assert key == kind[:1].encode() * 8
        if kind in self.gone:
            raise KeyDestroyed
        return sealed[::-1]


def blocks(log: SimLog) -> list[tuple[bytes, bytes]]:
    return [(head, body) for kind, head, body in log._records.values() if kind == BLOCK]


def test_the_two_classes_are_sealed_each_for_itself() -> None:
    log, sealer = SimLog(), Sealed()
    traffic = Traffic(lambda period: log, [], sealer, lambda: START)
    traffic.release([ended(1).at(7), ended(2).at(8)])
    traffic.sync()
    assert sealer.given == [(b"C-1047", "2026-09", kind) for kind in ("traffic", "content")]
    [(head, body)] = blocks(log)
    assert b"Hello" not in body and b"447700900123" not in body and b"olleH" in body
    assert Block.read(head) == (8, b"t" * 8, b"c" * 8, 2)
    assert [fields["content"] for fields in opened(head, body, sealer)] == [b"Hello"] * 2
    sealer.gone = {"content"}
    assert [fields["content"] for fields in opened(head, body, sealer)] == [None] * 2
    sealer.gone = {"traffic"}
    assert list(read([(BLOCK, 0, head, body)], sealer)) == []


def test_a_block_is_of_one_customer_and_one_of_its_periods() -> None:
    class Odd:
        def period(self, customer: bytes, at: int) -> str:
            return f"even-{at % 2}"

        def end(self, customer: bytes, period: str) -> int:
            return 0

    log, sealer = SimLog(), Sealed()
    traffic = Traffic(lambda period: log, [], sealer, lambda: START, Odd())
    mine, other = ended(1, SEPTEMBER), ended(2, SEPTEMBER + 1)
    strange = ended(3, SEPTEMBER)
    strange.customer = b"C-2"
    traffic.release([mine.at(7), other.at(8), strange.at(9), ended(1).at(10)])
    traffic.sync()
    assert [name[:2] for name in sealer.given[::2]] == [
        (b"C-1047", "even-0"),
        (b"C-1047", "even-1"),
        (b"C-2", "even-0"),
    ]
    assert [Block.read(head).records for head, _body in blocks(log)] == [2, 1, 1]


def test_a_large_content_is_a_block_like_any() -> None:
    bench = Bench()
    raw = encode(Command.SUBMIT_SM, 1, 0, ((PAYLOAD, bytes(65_000)),))
    large = ended(1, message=Message.from_raw(raw))
    bench.traffic.release([ended(2).at(7), large.at(8), ended(3).at(9)])
    bench.traffic.sync()
    assert [len(fields["content"]) for fields in bench.records()] == [5, 65_000, 5]


def test_another_versions_records_are_not_passed_over() -> None:
    log = SimLog()
    log.replay(lambda *record: None)
    log.begin(START)
    log.append(1, b"")
    log.seal()
    with pytest.raises(NewerLog, match="another version"):
        Bench({"2026-09": log.lose_tail()})


PAYLOAD = int(Tag.MESSAGE_PAYLOAD)


@pytest.mark.parametrize(
    ("data_coding", "octets", "parts"),
    [
        (0, 0, 1), (0, 140, 1), (0, 160, 1), (0, 161, 2), (0, 306, 2), (0, 307, 3),
        (0, 65_000, 425),
        (4, 140, 1), (4, 141, 2), (4, 268, 2), (4, 269, 3),
        (8, 140, 1), (8, 142, 2), (8, 268, 2), (8, 270, 3),
        (0xF5, 141, 2), (0xF1, 160, 1),
    ],
)  # fmt: skip
def test_what_a_handset_needs_is_billed(data_coding: int, octets: int, parts: int) -> None:
    raw = encode(Command.SUBMIT_SM, 1, 0, ((PAYLOAD, bytes(octets)),), data_coding=data_coding)
    assert segments(Message.from_raw(raw)) == parts


# -- periods -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "period"),
    [
        (1_790_812_799_999, "2026-09"),
        (1_790_812_800_000, "2026-10"),  # 2026-10-01T00:00:00Z
        (1_798_761_599_999, "2026-12"),
        (1_798_761_600_000, "2027-01"),
        (1_709_164_800_000, "2024-02"),  # the 29th
        (1_709_251_200_000, "2024-03"),
    ],
)
def test_a_period_is_a_month_in_utc(
    accepted: int, period: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    assert period_of(accepted) == period
    bench = Bench()
    bench.traffic.release([ended(1, accepted).at(1)])
    assert list(bench.logs) == list(bench.traffic) == [period]


DAY = 86_400_000

#: 2026-10-01T00:00:00Z.
NEXT_MONTH = 1_790_812_800_000


@pytest.mark.parametrize(
    ("now", "have", "missing"),
    [
        (START, [], "2026-09"),
        (START, ["2026-09"], None),
        (NEXT_MONTH - DAY - 1, ["2026-09"], None),
        (NEXT_MONTH - DAY, ["2026-09"], "2026-10"),
        (NEXT_MONTH - DAY, ["2026-10"], "2026-09"),
        (NEXT_MONTH - DAY, ["2026-09", "2026-10"], None),
        (NEXT_MONTH, ["2026-09"], "2026-10"),
    ],
)
def test_a_month_is_missed_a_day_before_it_begins(
    now: int, have: list[str], missing: str | None
) -> None:
    bench = Bench({period: SimLog() for period in have})
    assert bench.traffic.missing(now) == missing


def test_a_log_that_was_opened_ahead_is_used() -> None:
    bench, ahead = Bench(), SimLog()
    bench.traffic.adopt("2026-09", ahead)
    assert bench.traffic.missing(START) is None
    bench.traffic.release([ended(1).at(1)])
    assert bench.logs == {}, "none was opened in haste"
    bench.traffic.sync()
    assert [kind for kind, _, _ in ahead._records.values()] == [CURSOR, BLOCK]


def test_a_log_that_came_too_late_is_let_go() -> None:
    bench, late = Bench(), SimLog()
    bench.traffic.release([ended(1).at(1)])
    bench.traffic.adopt("2026-09", late)
    with pytest.raises(RuntimeError, match="closed"):
        late.replay(lambda *record: None)
    bench.traffic.release([ended(2).at(2)])
    bench.traffic.sync()
    assert len(bench.records()) == 2


def test_periods_are_directories_of_months(tmp_path: Path) -> None:
    for name in ("2026-10", "2026-09", "2026-9", "keys", "2026-09-01", "lost+found"):
        (tmp_path / name).mkdir()
    assert periods(tmp_path) == ["2026-09", "2026-10"]


# -- for a person's eyes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        (b"447700900123", b"447700900xxx"),
        (b"+447700900123", b"+447700900xxx"),
        (b"0044 7700 900123", b"0044 7700 900xxx"),
        (b"192.0.2.7", b"192.0.xxx"),
        (b"80888", b"80xxx"),
        (b"112", b"112"),
        (b"", b""),
        (b"ACME", b"ACME"),
        (b"Bank24", b"Bank24"),
    ],
)
def test_a_number_is_not_shown_whole(address: bytes, seen: bytes) -> None:
    assert masked(address) == seen


def test_what_is_shown_has_no_content_and_fits_json() -> None:
    bench = Bench()
    message = submit_sm(source_addr=b"ACME", source_addr_ton=5, short_message=b"a secret \xff")
    bench.traffic.release([ended(0xAB, message=message).at(1)])
    bench.traffic.sync()
    [fields] = bench.records()
    view = shown(fields | {"sent": 0})
    assert json.loads(json.dumps(view)) == view
    assert "secret" not in str(view) and "447700900123" not in str(view)
    assert (view["id"], view["state"], view["sent"]) == ("ab", "UNDELIVERABLE", "-")
    assert (view["accepted"], view["source_addr"]) == ("2026-09-21T14:13:20.000Z", "ACME")
    assert "content" not in view


# -- exactly once --------------------------------------------------------------------------------


def write(bench: Bench) -> None:
    pass


def start_sync(bench: Bench) -> None:
    bench.traffic.sync()


def make_durable(bench: Bench) -> None:
    bench.traffic.sync()
    for log in bench.logs.values():
        log.advance()


def note_durable(bench: Bench) -> None:
    make_durable(bench)
    bench.traffic.sync()


def write_cursor(bench: Bench) -> None:
    note_durable(bench)
    bench.traffic.release([ended(3).at(30)])
    make_durable(bench)


@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("then", [write, start_sync, make_durable, note_durable, write_cursor])
@pytest.mark.parametrize("months", [(SEPTEMBER, SEPTEMBER), (SEPTEMBER, OCTOBER)])
def test_a_crash_leaves_one_record_each(months: tuple[int, int], then: Any, keep: int) -> None:
    ends = [ended(n, accepted).at(10 * n) for n, accepted in enumerate(months, 1)]
    bench = Bench(hold=True)
    bench.traffic.release(ends)
    then(bench)
    ends.append(ended(3).at(30))
    again = bench.crash(ends, keep)
    again = again.crash(ends, keep)  # at once
    again.settle()
    assert sorted(fields["id"] for fields in again.records()) == [1, 2, 3]
    assert again.traffic.covered == again.traffic.written == 30


def test_the_cursor_moves_only_with_what_is_durable_in_all_periods() -> None:
    bench = Bench(hold=True)
    bench.traffic.release([ended(1, SEPTEMBER).at(10), ended(2, OCTOBER).at(20)])
    bench.traffic.sync()
    bench.logs["2026-09"].advance()
    bench.traffic.sync()
    assert bench.traffic.covered == 0, "the other period is not on disk"
    bench.logs["2026-10"].advance()
    bench.traffic.release([ended(3).at(30)])
    bench.traffic.sync()
    assert bench.traffic.covered == 20, "what came later is not in it"
    make_durable(bench)
    bench.traffic.sync()
    assert bench.traffic.covered == 30


def test_ends_met_again_must_be_durable_like_any() -> None:
    """What is released of the keeper's log asks ``staged`` and ``covered``."""
    ends = [ended(1).at(10), ended(2).at(20), ended(3, OCTOBER).at(30)]
    bench = Bench(hold=True)
    bench.traffic.release([ends[2]])
    make_durable(bench)
    bench = bench.crash(ends)
    assert bench.traffic.staged == 30
    assert bench.traffic.covered == 0
    for log in bench.logs.values():
        log.hold = True
    bench.traffic.sync()
    bench.traffic.sync()
    assert bench.traffic.covered == 0, "written again, and on its way"
    bench.settle()
    assert bench.traffic.covered == 30


@pytest.mark.parametrize("segment_octets", [MIB, 16 * MIB])
def test_a_large_batch_makes_many_frames(segment_octets: int) -> None:
    count, message = 5 * FULL_FRAME // 250, submit_sm(short_message=bytes(140))
    ends = [ended(n, OCTOBER if n % 3 else SEPTEMBER, message).at(n) for n in range(1, count + 1)]
    bench = Bench(hold=True, segment_octets=segment_octets)
    bench.traffic.release(ends)
    assert len(bench.logs["2026-10"]._frames) >= 2, "no frame waits for the sync to be full"
    kept = len(bench.logs["2026-10"].lose_tail(keep=1)._records)
    assert 0 < kept < count * 2 // 3
    again = bench.crash(ends, keep=1)
    again.settle()
    assert Counter(fields["id"] for fields in again.records()) == Counter(range(1, count + 1))
    assert again.traffic.covered == count


def test_a_close_makes_all_durable() -> None:
    bench = Bench(hold=True)
    ends = [ended(1).at(10), ended(2, OCTOBER).at(20)]
    bench.traffic.release(ends)
    bench.traffic.close()
    again = bench.crash(ends)
    assert sorted(fields["id"] for fields in again.records()) == [1, 2]


def test_every_frame_says_how_far_the_records_reach() -> None:
    bench = Bench()
    for n in range(1, 4):
        bench.traffic.release([ended(n).at(n * 10)])
        bench.traffic.sync()
        bench.traffic.sync()
    kinds = [kind for kind, _, _ in bench.logs["2026-09"]._records.values()]
    assert kinds == [CURSOR, BLOCK] * 3
    assert Bench({"2026-09": bench.logs["2026-09"].lose_tail()}).traffic.covered == 20


def test_what_ends_while_a_log_is_lent_waits_and_holds_the_cursor() -> None:
    bench = Bench(hold=True)
    bench.traffic.release([ended(1).at(10)])
    assert not bench.traffic.lend("2026-09"), "not written"
    bench.traffic.sync()
    assert not bench.traffic.lend("2026-09"), "not durable"
    bench.settle()
    assert bench.traffic.lend("2026-09")
    kept = bench.logs["2026-09"] = bench.logs["2026-09"].lose_tail()
    bench.traffic.release([ended(2).at(20), ended(3, OCTOBER).at(30)])
    bench.settle()
    assert bench.traffic.covered == 19, "the end at 20 is nowhere yet"
    crashed = Bench({p: log.lose_tail() for p, log in bench.logs.items()})
    assert crashed.traffic.covered < 20
    bench.logs["2026-09"] = kept.lose_tail()
    bench.traffic.take_back("2026-09")
    bench.settle()
    assert bench.traffic.covered == 30
    assert sorted(fields["id"] for fields in bench.records()) == [1, 2, 3]


@pytest.mark.parametrize("seed", range(40))
def test_any_course_of_things_leaves_one_record_each(seed: int) -> None:
    dice = random.Random(seed)
    bench, ends = Bench(hold=True), []
    for _ in range(60):
        what = dice.random()
        if what < 0.4:
            batch = []
            for _ in range(dice.randrange(1, 6)):
                month = dice.choice((SEPTEMBER, OCTOBER))
                batch.append(ended(len(ends) + 1, month).at(10 * len(ends) + 10))
                ends.append(batch[-1])
            bench.traffic.release(batch)
        elif what < 0.65:
            bench.traffic.sync()
        elif what < 0.95 and bench.logs:
            dice.choice(list(bench.logs.values())).advance(dice.choice((1, 2, None)))
        else:
            bench = bench.crash(ends, dice.randrange(3))
        durable = Bench({p: log.lose_tail() for p, log in bench.logs.items()}).records()
        assert {f["id"] for f in durable} >= {
            e.id for e in ends if e.position <= bench.traffic.covered
        }
    bench = bench.crash(ends)
    bench.settle()
    assert sorted(fields["id"] for fields in bench.records()) == [end.id for end in ends]
