"""Checkpoints of a log: what they spare a start, and that no start is led astray by one."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsc import fold, image
from smsc.errors import CorruptLog
from smsc.journal import Journal, _frame, checkpoint, inspect, segment
from smsc.journal.checkpoint import HEADER, NAME, TEMPORARY, Described
from smsc.journal.simdisk import SimDisk, crashes
from smsc.state import State
from tests.keeper import START
from tests.test_image import many, octets

LOG = Path("log")
SEGMENT = 16 * 1024
#: Where no traffic log stands behind.
ALL = 1 << 63


class Run:
    """One life of a keeper's log that has no keeper: its records and the state they make."""

    def __init__(self, disk: SimDisk, *, partition: int = 0, covered: int = ALL) -> None:
        self.disk = disk
        self.state = State()
        self.journal = Journal(LOG, segment_octets=SEGMENT, disk=disk, partition=partition)
        self.mark = image.restore(self.journal, self.state, covered)
        self.journal.replay(self.state.apply, self.mark)
        self._now = START

    def write(self, records: Iterator[tuple[int, bytes]], frames: int) -> None:
        for _ in range(frames):
            self._now = self.journal.begin(self._now + 100)
            for kind, head in [next(records) for _ in range(5)]:
                position = self.journal.append(kind, head)
                self.state.apply(kind, position, self._now, head)
            self.journal.seal()
            self.journal.poll()

    def fold(self) -> Described | None:
        return fold.fold(self.disk, LOG, 0, self.journal.sealed, State())

    def check_point(self) -> Described:
        made = self.fold()
        assert made is not None
        self.journal.adopt_checkpoint(made)
        self.journal.poll()
        return made


def copy(disk: SimDisk) -> SimDisk:
    return SimDisk(disk.files())


def without(disk: SimDisk) -> SimDisk:
    return SimDisk({name: data for name, data in disk.files().items() if name != NAME})


def by_replay(disk: SimDisk) -> bytes:
    """What a start finds that reads the whole log."""
    run = Run(without(disk))
    assert run.mark is None
    return octets(run.state)


@pytest.fixture(scope="module")
def logged() -> SimDisk:
    """A log over several segments with a checkpoint in the midst, killed while it was written."""
    disk = SimDisk()
    records = many(4_000, 11)
    run = Run(disk)
    run.write(records, 200)
    run.check_point()
    run.write(records, 100)
    disk.kill()
    return disk


# -- a start with one ------------------------------------------------------------------------------


@pytest.mark.parametrize("end", (SimDisk.kill, None))
def test_a_start_with_one_ends_where_a_start_without_does(
    end: Callable[[SimDisk], None] | None,
) -> None:
    disk, records = SimDisk(), many(9_000, 12)
    whole = 0
    for life in range(4):
        expected = by_replay(disk) if life else octets(State())
        run = Run(disk)
        assert octets(run.state) == expected
        assert (run.mark is not None) == (life > 0)
        assert run.journal.recovered.frames < max(1, whole)
        for _ in range(2):
            run.write(records, 120)
            run.check_point()
        run.write(records, 60)
        whole = run.journal.durable
        if end is None:
            run.journal.close()
        else:
            end(disk)
    assert by_replay(disk) == octets(Run(disk).state)


def test_one_is_made_of_the_one_before_and_what_came_since() -> None:
    disk, records = SimDisk(), many(9_000, 13)
    run = Run(disk)
    assert run.fold() is None
    run.write(records, 150)
    first = run.check_point()
    assert run.fold() is None, "nothing has come since"
    run.write(records, 150)
    second = run.check_point()
    assert second.mark.segment > first.mark.segment
    data = disk.files()[NAME]
    run.journal.doubt("none before")
    assert run.fold() is not None
    assert disk.files()[TEMPORARY] == data


def test_nothing_of_an_old_start_is_left_over(logged: SimDisk) -> None:
    disk = SimDisk(logged.files() | {TEMPORARY: b"half of it"})
    run = Run(disk)
    assert run.mark is not None
    assert TEMPORARY not in disk.files()


def test_what_was_before_can_be_looked_at_again(logged: SimDisk) -> None:
    run = Run(copy(logged))
    assert run.mark is not None
    everything: list[int] = []
    Journal(LOG, segment_octets=SEGMENT, disk=without(logged)).replay(
        lambda kind, position, time, head: everything.append(position)
    )
    for since, all_of_it in ((0, True), (run.mark.time_ms, False)):
        seen: list[tuple[int, int]] = []
        run.journal.glance(
            lambda kind, position, time, head, seen=seen: seen.append((position, time)),
            run.mark,
            since,
        )
        positions = [position for position, _time in seen]
        last = everything.index(positions[-1])
        assert positions == everything[last + 1 - len(positions) : last + 1]
        assert seen[-1][1] == run.mark.time_ms
        assert (len(positions) == last + 1) is all_of_it
        assert seen[0][1] <= max(since, START + 100)


# -- in doubt --------------------------------------------------------------------------------------


def started(disk: SimDisk, expected: bytes, why: str = "") -> None:
    """A start that uses no checkpoint, and says why."""
    run = Run(disk)
    assert run.mark is None
    assert why in run.journal.doubted
    assert run.journal.doubted
    assert NAME not in disk.files()
    assert octets(run.state) == expected


def test_one_that_is_cut_anywhere_is_not_used(logged: SimDisk) -> None:
    expected, data = by_replay(logged), logged.files()[NAME]
    for size in [*range(0, HEADER + 9), *range(HEADER + 10, len(data), 4_999), len(data) - 1]:
        started(SimDisk(logged.files() | {NAME: data[:size]}), expected)
    started(SimDisk(logged.files() | {NAME: data + b"\0"}), expected, "longer")


def test_a_bit_that_flips_anywhere_is_seen(logged: SimDisk) -> None:
    expected, data = by_replay(logged), logged.files()[NAME]
    places = [*range(0, HEADER + 8), *range(HEADER + 9, len(data), 4_999), len(data) - 1]
    for number, place in enumerate(places):
        bad = bytearray(data)
        bad[place] ^= 1 << number % 8
        started(SimDisk(logged.files() | {NAME: bytes(bad)}), expected)


def test_one_of_another_version_partition_or_log_is_not_used(logged: SimDisk) -> None:
    expected, data = by_replay(logged), logged.files()[NAME]
    described = Described.unpack(data)
    newer = bytearray(data)
    newer[8] += 1
    newer[HEADER - 4 : HEADER] = _frame.crc32c(bytes(newer[: HEADER - 4])).to_bytes(4, "little")
    mark = described.mark
    other = SimDisk()
    Run(other).write(many(4_000, 99), 250)
    for header, why in (
        (bytes(newer[:HEADER]), "version"),
        (described._replace(partition=1).pack(), "partition 1"),
        (described._replace(mark=mark._replace(salt=7)).pack(), "segment that it names"),
        (described._replace(mark=mark._replace(segment=99)).pack(), "segment that it names"),
        (described._replace(mark=mark._replace(number=mark.number + 1)).pack(), "frame that it"),
        (described._replace(mark=mark._replace(crc=mark.crc ^ 1)).pack(), "frame that it"),
        (described._replace(mark=mark._replace(time_ms=1)).pack(), "frame that it"),
        (described._replace(mark=mark._replace(start=mark.start + 8)).pack(), "frame that it"),
        (described._replace(mark=mark._replace(end=mark.end + 8)).pack(), "frame that it"),
    ):
        changed = SimDisk(logged.files() | {NAME: header + data[HEADER:]})
        started(changed, expected, why)
    theirs = SimDisk(other.files() | {NAME: data})
    started(theirs, by_replay(other), "is not there")


def test_one_that_knows_more_than_the_traffic_log_is_not_used(logged: SimDisk) -> None:
    settled = Described.unpack(logged.files()[NAME]).settled
    assert Run(copy(logged), covered=settled).mark is not None
    run = Run(copy(logged), covered=settled - 1)
    assert run.mark is None
    assert "newer than the traffic log" in run.journal.doubted
    assert octets(run.state) == by_replay(logged)


def test_whoever_verifies_a_log_hears_of_it(logged: SimDisk) -> None:
    report = inspect.verify(LOG, copy(logged))
    assert report.checkpoint == Described.unpack(logged.files()[NAME])
    assert not report.doubt and not report.problems
    report = inspect.verify(LOG, SimDisk(logged.files() | {NAME: b"short"}))
    assert report.checkpoint is None
    assert report.doubt == "it has no header"
    assert not report.problems, "without it nothing is lost"
    report = inspect.verify(LOG, without(logged))
    assert (report.checkpoint, report.doubt) == (None, "")


def newest(disk: SimDisk) -> checkpoint.Mark:
    """The last frame of a log."""
    segments = segment.find(disk, LOG)
    return [one.last for one in inspect.recovery.walk(disk, segments) if one.last][-1]


def with_one_of(disk: SimDisk, mark: checkpoint.Mark, state: State) -> SimDisk:
    checkpoint.write(disk, LOG, 0, mark, 0, image.octets(state))
    files = disk.files()
    files[NAME] = files.pop(TEMPORARY)
    return SimDisk(files)


def test_the_newest_frame_of_a_log_is_never_trusted() -> None:
    disk = SimDisk()
    run = Run(disk)
    run.write(many(4_000, 14), 100)
    disk.kill()
    mark = newest(disk)
    expected = by_replay(disk)
    started(with_one_of(copy(disk), mark, run.state), expected, "nothing stands behind")
    # Its octets may be what the page cache believed: then they are cut off, or replaced by a copy.
    name = segment.path_of(LOG, mark.segment).name
    torn = bytearray(disk.files()[name])
    torn[mark.end - 1] ^= 1
    cut = SimDisk(disk.files() | {name: bytes(torn)})
    started(with_one_of(copy(cut), mark, run.state), by_replay(cut), "nothing stands behind")
    torn[mark.start] ^= 1
    cut = SimDisk(disk.files() | {name: bytes(torn)})
    started(with_one_of(copy(cut), mark, run.state), by_replay(cut), "frame that it names is not")
    again = Run(disk)
    again.write(many(4_000, 15), 3)
    disk.kill()
    started(with_one_of(copy(disk), mark, run.state), by_replay(disk), "was replaced")


def test_damage_behind_one_is_damage(logged: SimDisk) -> None:
    mark = Described.unpack(logged.files()[NAME]).mark
    name = segment.path_of(LOG, mark.segment + 1).name
    bad = bytearray(logged.files()[name])
    bad[len(bad) // 2] ^= 1
    with pytest.raises(CorruptLog):
        Run(SimDisk(logged.files() | {name: bytes(bad)}))


# -- while it is written ---------------------------------------------------------------------------


def test_a_crash_at_any_step_leaves_a_log_that_starts() -> None:
    disk, records = SimDisk(), many(4_000, 16)
    run = Run(disk)
    run.write(records, 120)
    run.check_point()
    run.write(records, 80)
    began = len(disk.history)
    run.check_point()
    disk.kill()
    expected = by_replay(disk)
    used = 0
    for step in range(began, len(disk.history) + 1):
        for files in crashes(disk.history[:step], seed=step):
            found = Run(SimDisk(files))
            used += found.mark is not None
            assert octets(found.state) == expected
    assert used


def test_a_disk_that_is_full_costs_nothing_but_the_checkpoint() -> None:
    disk = SimDisk()
    run = Run(disk)
    run.write(many(4_000, 17), 150)
    disk.capacity -= disk.free_octets(0) - 100
    with pytest.raises(OSError, match="space"):
        run.fold()
    assert TEMPORARY not in disk.files()


@pytest.mark.parametrize("at", ("first", "last"))
def test_one_that_is_given_up_leaves_nothing(at: str) -> None:
    disk = SimDisk()
    run = Run(disk)
    run.write(many(4_000, 18), 150)
    calls: list[int] = []
    fold.fold(copy(disk), LOG, 0, run.journal.sealed, State(), lambda: calls.append(0))
    left = 1 if at == "first" else len(calls)

    def stop() -> None:
        nonlocal left
        left -= 1
        if not left:
            raise SystemExit(1)

    with pytest.raises(SystemExit):
        fold.fold(disk, LOG, 0, run.journal.sealed, State(), stop)
    assert not left
    assert TEMPORARY not in disk.files()


def test_segments_that_are_forgotten_meanwhile() -> None:
    disk = SimDisk()
    run = Run(disk)
    run.write(many(4_000, 18), 300)
    oldest, below = run.journal.oldest_segment(), run.journal.sealed

    def forget() -> None:
        run.journal.release(oldest + 3)
        run.journal.settle()

    with pytest.raises(FileNotFoundError):
        fold.fold(disk, LOG, 0, below, State(), forget)
    assert TEMPORARY not in disk.files()
    made = run.fold()
    assert made is not None
    run.journal.release(below)
    run.journal.adopt_checkpoint(made)
    run.journal.settle()
    assert not {NAME, TEMPORARY} & disk.files().keys()
    assert run.journal.kept_checkpoint is None


def test_it_goes_with_the_segment_that_it_names() -> None:
    disk, records = SimDisk(), many(9_000, 19)
    run = Run(disk)
    run.write(records, 150)
    mark = run.check_point().mark
    assert run.journal.behind == 0
    run.write(records, 150)
    between = run.journal.sealed - mark.segment - 1
    assert between > 1
    assert run.journal.behind == SEGMENT * between
    run.journal.release(mark.segment)
    run.journal.settle()
    assert NAME in disk.files()
    run.journal.release(mark.segment + 1)
    run.journal.settle()
    assert NAME not in disk.files()
    assert run.journal.kept_checkpoint is None
    disk.kill()
    assert octets(Run(copy(disk)).state) == by_replay(disk)


def test_one_that_can_not_be_put_in_its_place_is_not_there() -> None:
    disk = SimDisk()
    run = Run(disk)
    run.write(many(4_000, 20), 150)
    made = run.fold()
    assert made is not None

    def refuse(call: str) -> None:
        if call == "rename":
            raise OSError(errno.EIO, "broken")

    disk.fault = refuse
    run.journal.adopt_checkpoint(made)
    run.journal.poll()
    assert run.journal.kept_checkpoint is None
    assert run.journal.failed is None
