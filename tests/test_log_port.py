"""What every log promises, whatever it is made of: the conformance suite of ``smsc.ports.Log``."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smsc.journal import Journal, SimLog
from smsc.journal.simdisk import SimDisk
from smsc.ports import Log

SEGMENT = 64 * 1024
PEAK = 1_700_000_000_000


class Subject:
    """A log that can be closed and opened again."""

    def __init__(self, open_it: Callable[[], Any]) -> None:
        self._open = open_it
        self.log: Any = None

    def open(self) -> tuple[Any, list[tuple[int, int, int, bytes]]]:
        """The next run of the log, and what it replayed."""
        if self.log is not None:
            self.log.close()
        self.log = self._open()
        records: list[tuple[int, int, int, bytes]] = []
        self.log.replay(lambda *record: records.append(record))
        return self.log, records


def on_disk(tmp_path: Path) -> Subject:
    return Subject(lambda: Journal(tmp_path, segment_octets=SEGMENT, force_filesystem=True))


def on_simulated_disk(tmp_path: Path) -> Subject:
    disk = SimDisk()
    return Subject(lambda: Journal(tmp_path, segment_octets=SEGMENT, disk=disk))


def in_memory(tmp_path: Path) -> Subject:
    def open_it() -> SimLog:
        if subject.log is None:
            return SimLog(segment_octets=SEGMENT)
        return subject.log.lose_tail()

    subject = Subject(open_it)
    return subject


@pytest.fixture(params=[on_disk, on_simulated_disk, in_memory])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    subject = request.param(tmp_path)
    yield subject
    if subject.log is not None:
        subject.log.close()


@pytest.fixture
def log(subject: Subject) -> Log:
    return subject.open()[0]


def commit(log: Log, *records: tuple[int, bytes, bytes], now: int = PEAK) -> list[int]:
    """One frame, made durable; the positions of its records."""
    log.begin(now)
    positions = [log.append(*record) for record in records]
    number = log.seal()
    until_durable(log, number)
    return positions


def until_durable(log: Log, number: int) -> None:
    while log.poll() < number:
        assert select.select([log.fileno()], [], [], 10)[0], "no news of the frame"


def test_a_new_log_is_empty_and_in_its_first_epoch(subject: Subject) -> None:
    log, records = subject.open()
    assert (records, log.epoch, log.durable, log.partition) == ([], 1, 0, 0)
    assert (log.busy, log.open_octets, log.pending_octets, log.room) == (False, 0, 0, True)


def test_what_was_durable_is_replayed_in_order_with_its_frames_time(subject: Subject) -> None:
    log, _ = subject.open()
    first = commit(log, (1, b"a", b"A"), (254, b"", b""), now=PEAK)
    second = commit(log, (2, b"h" * 255, b"B" * 1000), now=PEAK + 5)
    log, records = subject.open()
    assert [(kind, time, head) for kind, _, time, head in records] == [
        (1, PEAK, b"a"),
        (254, PEAK, b""),
        (2, PEAK + 5, b"h" * 255),
    ]
    assert [log.read(record[1]) for record in records] == [
        (1, b"a", b"A"),
        (254, b"", b""),
        (2, b"h" * 255, b"B" * 1000),
    ]
    assert first == sorted(first) and first[-1] < second[0]


def test_each_opening_is_an_epoch_and_numbers_go_on(subject: Subject) -> None:
    for epoch in range(1, 5):
        log, records = subject.open()
        assert log.epoch == epoch
        assert len(records) == epoch - 1
        before = log.durable
        commit(log, (1, b"x", b"y"))
        assert log.durable > before


def test_positions_grow_across_openings(subject: Subject) -> None:
    positions = [commit(subject.open()[0], (1, b"x", b"y"))[0] for _ in range(3)]
    assert positions == sorted(set(positions))


def test_durable_and_pending_follow_the_frame(log: Log) -> None:
    log.begin(PEAK)
    log.append(1, b"head", b"body" * 50)
    assert log.pending_octets >= 200 and log.open_octets >= 200
    number = log.seal()
    assert (log.open_octets, log.busy) == (0, True)
    until_durable(log, number)
    assert (log.durable, log.busy, log.pending_octets) == (number, False, 0)


@pytest.mark.parametrize("filled", range(0, SEGMENT // 4, 1_000))
def test_what_is_to_be_together_is_in_one_frame(log: Log, filled: int) -> None:
    log.begin(PEAK)
    log.append(1, b"before", bytes(min(filled, SEGMENT // 4 - 200)))
    log.together(3 * 1_200)
    before = log.open_octets
    for _ in range(3):
        log.append(1, b"x" * 100, bytes(1_000))
    assert before + 3 * 1_100 <= log.open_octets, "none of them began another frame"


def test_more_than_a_frame_is_together_as_far_as_it_goes(log: Log) -> None:
    log.begin(PEAK)
    log.together(SEGMENT)
    number = log.seal()
    log.begin(PEAK)
    log.append(1, b"before")
    log.together(SEGMENT)
    log.append(1, b"behind")
    assert log.seal() == number + 2


def test_a_second_frame_gathers_while_the_first_is_on_its_way(log: Log) -> None:
    log.begin(PEAK)
    log.append(1, b"first")
    first = log.seal()
    log.begin(PEAK)
    position = log.append(1, b"second")
    second = log.seal()
    assert second == first + 1
    assert log.read(position) == (1, b"second", b"")
    until_durable(log, second)


def test_a_record_is_readable_open_sealed_and_durable(log: Log) -> None:
    log.begin(PEAK)
    position = log.append(7, b"head", b"body")
    assert log.read(position) == (7, b"head", b"body")
    number = log.seal()
    assert log.read(position) == (7, b"head", b"body")
    until_durable(log, number)
    assert log.read(position) == (7, b"head", b"body")


def test_begin_keeps_the_open_frame_and_its_time(log: Log) -> None:
    assert log.begin(PEAK) == PEAK
    assert log.begin(PEAK + 1000) == PEAK
    until_durable(log, log.seal())


def test_time_never_runs_backwards_not_even_over_a_restart(subject: Subject) -> None:
    log, _ = subject.open()
    commit(log, (1, b"", b""), now=PEAK)
    assert log.begin(PEAK - 60_000) == PEAK
    until_durable(log, log.seal())
    log, _ = subject.open()
    assert log.begin(5) == PEAK
    until_durable(log, log.seal())


def test_an_empty_frame_is_a_frame(log: Log) -> None:
    log.begin(PEAK)
    number = log.seal()
    until_durable(log, number)
    assert log.durable == number


def test_a_frame_that_outgrows_its_limit_goes_on_in_the_next(subject: Subject) -> None:
    log, _ = subject.open()
    log.begin(PEAK)
    first = log.append(1, b"", bytes(1000))
    positions = [log.append(1, b"%d" % n, bytes(1000)) for n in range(200)]
    number = log.seal()
    assert number > 5
    until_durable(log, number)
    assert log.pending_octets == 0
    _, records = subject.open()
    assert [record[1] for record in records[:-1]] == [first, *positions[:-1]]
    assert {record[2] for record in records} == {PEAK}


@pytest.mark.parametrize(
    ("kind", "head", "body"),
    [(0, b"", b""), (256, b"", b""), (1, bytes(256), b""), (1, b"", bytes(200_000))],
    ids=["kind 0", "kind 256", "long head", "huge body"],
)
def test_what_is_no_record_is_refused_and_harmless(
    log: Log, kind: int, head: bytes, body: bytes
) -> None:
    log.begin(PEAK)
    before = log.open_octets
    with pytest.raises(ValueError):
        log.append(kind, head, body)
    assert log.open_octets == before
    until_durable(log, log.seal())


def test_calls_out_of_order_are_refused(log: Log) -> None:
    with pytest.raises(RuntimeError):
        log.append(1, b"")
    with pytest.raises(RuntimeError):
        log.seal()
    with pytest.raises(RuntimeError):
        log.replay(lambda *record: None)


def test_replay_comes_before_the_first_append(subject: Subject) -> None:
    subject.open()
    subject.log.close()
    fresh = subject._open()
    try:
        with pytest.raises(RuntimeError):
            fresh.begin(PEAK)
    finally:
        fresh.close()


def fill(log: Log, segments: int) -> list[int]:
    """Commit until ``segments`` more have been begun; the first position in each."""
    firsts = commit(log, (1, b"", bytes(8000)))
    while len(firsts) <= segments:
        position = commit(log, (1, b"", bytes(8000)))[0]
        if position >> 32 > firsts[-1] >> 32:
            firsts.append(position)
    return firsts


def test_release_forgets_whole_segments_from_the_oldest_on(subject: Subject) -> None:
    log, _ = subject.open()
    firsts = fill(log, 3)
    taken = log.octets
    assert log.oldest_segment() <= firsts[0] >> 32
    assert log.release(firsts[2] >> 32) == 2
    assert log.oldest_segment() == firsts[2] >> 32
    assert log.octets < taken
    with pytest.raises(KeyError):
        log.read(firsts[1])
    assert log.read(firsts[2])[0] == 1
    assert log.release(firsts[2] >> 32) == 0
    log, records = subject.open()
    assert records[0][1] == firsts[2]


def test_release_never_takes_the_newest_durable_frame(subject: Subject) -> None:
    log, _ = subject.open()
    firsts = fill(log, 1)
    log.release((firsts[-1] >> 32) + 50)
    before = log.durable
    assert log.read(firsts[-1])[0] == 1
    log, _ = subject.open()
    assert log.durable >= before


def test_rotate_puts_the_next_frame_in_a_new_segment(log: Log) -> None:
    first = commit(log, (1, b"", b""))[0]
    log.rotate()
    second = commit(log, (1, b"", b""))[0]
    assert second >> 32 == (first >> 32) + 1
    assert log.release(second >> 32) >= 1
    assert log.oldest_segment() == second >> 32


def test_rotate_with_a_frame_open_waits_for_the_next(log: Log) -> None:
    log.begin(PEAK)
    first = log.append(1, b"")
    log.rotate()
    assert log.append(1, b"") >> 32 == first >> 32
    until_durable(log, log.seal())
    assert commit(log, (1, b"", b""))[0] >> 32 == (first >> 32) + 1


def test_close_makes_the_open_frame_durable_and_may_be_repeated(subject: Subject) -> None:
    log, _ = subject.open()
    log.begin(PEAK)
    log.append(9, b"last")
    log.close()
    log.close()
    _, records = subject.open()
    assert [record[3] for record in records] == [b"last"]


def test_idle_costs_nothing_and_loses_nothing(subject: Subject) -> None:
    log, _ = subject.open()
    commit(log, (1, b"x", b""))
    log.idle(PEAK + 1)
    log.idle(PEAK + 2)
    _, records = subject.open()
    assert len(records) == 1


def test_a_log_knows_whether_the_last_run_closed_it(subject: Subject) -> None:
    log, _ = subject.open()
    assert not log.ended_clean
    log.begin(PEAK)
    log.append(2, b"x")
    log.seal()
    log, _ = subject.open()
    assert log.ended_clean
