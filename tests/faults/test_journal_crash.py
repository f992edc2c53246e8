"""Power loss and kill -9 at every step of a small workload, in every state the disk may be left in.

The promise checked: what was reported durable is there after
recovery, octet for octet and in order; of a frame that was not reported all records are there or
none; recovery may be cut short anywhere and gives the same. The negative controls show that the
checker sees a disk that lies about fdatasync or about directories.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smsc.errors import CorruptLog, StorageError
from smsc.journal import Journal
from smsc.journal.simdisk import SimDisk, Step, crashes

pytestmark = pytest.mark.faults

SEGMENT = 4096
LOG = Path("log")
#: frame, record in frame, records of the frame.
HEAD = struct.Struct("<III")
#: Octets of each record of each frame: smaller and larger than a sector, one and several.
FRAMES = [
    *([20], [700], [10, 10, 10], [400, 400], [900], [5], [600, 30], [300], [1], [800], [40, 7]),
    *([940], [200, 200, 200], [33], [900], [512], [450, 450], [8], [700]),
]
#: After these frames the log is told that nothing is to be done, or that the past may go.
IDLE_AFTER = {2, 12}
RELEASE_AFTER = {17}


def body(frame: int, record: int, octets: int) -> bytes:
    return bytes((frame * 31 + record * 7 + n) % 255 + 1 for n in range(octets))


@dataclass
class Told:
    """What the log said, and when: (steps of the disk so far, number)."""

    durable: list[tuple[int, int]] = field(default_factory=lambda: [(0, -1)])
    released: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])
    sealed: int = -1

    def durable_at(self, step: int) -> int:
        return max(number for at, number in self.durable if at <= step)

    def released_at(self, step: int) -> int:
        return max(number for at, number in self.released if at <= step)


def run(disk: SimDisk, told: Told) -> None:
    """The workload: some frames, a seal, a release, an orderly end."""
    journal = Journal(LOG, segment_octets=SEGMENT, disk=disk)
    journal.replay(lambda *record: None)
    segments: list[int] = []
    for index, sizes in enumerate(FRAMES):
        journal.begin(1000 + index)
        for n, octets in enumerate(sizes):
            head = HEAD.pack(index, n, len(sizes))
            position = journal.append(1, head, body(index, n, octets))
        segments.append(position >> 32)
        told.sealed = index
        number = journal.seal()
        assert journal.poll() == number
        told.durable.append((len(disk.history), index))
        if index in IDLE_AFTER:
            journal.idle(2000)
            journal.poll()
        if index in RELEASE_AFTER:
            gone = [n for n, segment in enumerate(segments) if segment < segments[-1]]
            told.released.append((len(disk.history), gone[-1] + 1))
            journal.release(segments[-1])
            journal.poll()
    journal.close()


@dataclass
class Found:
    """The frames of a log, by the records' own account."""

    journal: Journal = field(init=False)
    frames: list[int] = field(default_factory=list)
    complaint: str = ""

    def take(self, kind: int, position: int, time_ms: int, head: bytes) -> None:
        frame, record, records = HEAD.unpack(head)
        if record == 0:
            self._complain(self.frames != [] and frame != self.frames[-1] + 1, f"gap at {frame}")
            self._complain(bool(self._owed), "half a frame")
            self.frames.append(frame)
            self._owed = records
        self._owed -= 1
        self._positions.append((position, frame, record))

    def __post_init__(self) -> None:
        self._owed = 0
        self._positions: list[tuple[int, int, int]] = []

    def _complain(self, when: bool, what: str) -> None:
        if when and not self.complaint:
            self.complaint = what

    def check_bodies(self) -> None:
        self._complain(self._owed != 0, "half a frame at the end")
        for position, frame, record in self._positions:
            octets = FRAMES[frame][record] if frame < len(FRAMES) else 50
            sound = self.journal.read(position)[2] == body(frame, record, octets)
            self._complain(not sound, f"frame {frame} changed")


def recover(disk: SimDisk) -> Found:
    found = Found()
    try:
        found.journal = Journal(LOG, segment_octets=SEGMENT, disk=disk)
        found.journal.replay(found.take)
        found.check_bodies()
    except CorruptLog as error:
        found.complaint = str(error)
    return found


def judge(disk: SimDisk, durable: int, released: int, sealed: int) -> str:
    """Recover, write on, and recover again. Empty if every promise was kept."""
    found = recover(disk)
    if found.complaint:
        return found.complaint
    first, last = (found.frames[0], found.frames[-1]) if found.frames else (0, -1)
    if last < durable:
        return f"frame {durable} was reported durable, {last} is the last"
    if first > released or last > sealed:
        return f"frames {first} to {last} of {released} to {sealed}"
    return write_on(disk, found, last + 1)


def write_on(disk: SimDisk, found: Found, frame: int) -> str:
    """The log of a recovery is a log: it takes a frame and has it at the next start."""
    found.journal.begin(3000)
    octets = FRAMES[frame][0] if frame < len(FRAMES) else 50
    found.journal.append(1, HEAD.pack(frame, 0, 1), body(frame, 0, octets))
    found.journal.seal()
    found.journal.poll()
    disk.kill()
    again = recover(disk)
    if again.frames != [*found.frames, frame]:
        return again.complaint or f"after recovery {again.frames}, not {[*found.frames, frame]}"
    return again.complaint


def losses(disk: SimDisk, told: Told, steps: Iterator[int]) -> Iterator[str]:
    """What the checker has to say of each state after each crash."""
    for step in steps:
        for files in crashes(disk.history[:step], seed=step):
            complaint = judge(
                SimDisk(files), told.durable_at(step), told.released_at(step), told.sealed
            )
            if complaint:
                yield f"step {step} ({disk.history[step - 1].call}): {complaint}"


def worked(disk: SimDisk) -> Told:
    told = Told()
    run(disk, told)
    return told


def test_power_loss_at_every_step_loses_nothing_that_was_reported() -> None:
    disk = SimDisk()
    told = worked(disk)
    assert list(losses(disk, told, iter(range(1, len(disk.history) + 1)))) == []


@pytest.mark.parametrize("lie", ["fdatasync", "sync_directory"])
def test_control_a_disk_that_lies_is_found_out(lie: str) -> None:
    """Were the log to leave out that call, this suite would turn red."""
    disk = SimDisk(dishonest=frozenset({lie}))
    told = worked(disk)
    complaints = list(losses(disk, told, iter(range(1, len(disk.history) + 1))))
    assert any("was reported durable" in complaint for complaint in complaints)


class Killed(BaseException):
    """Not an Exception: nothing in the log may catch it and go on."""


def killed_after(disk: SimDisk, steps: int, work: Callable[[], object]) -> bool:
    """Do the work, but die before call number ``steps`` that changes something; whether it died."""
    before = len(disk.history)

    def die(call: str) -> None:
        if len(disk.history) - before >= steps:
            raise Killed

    disk.fault = die
    try:
        work()
    except Killed:
        return True
    finally:
        disk.fault = lambda call: None
        disk.kill()
    return False


def test_kill_at_every_step_loses_nothing_that_was_reported() -> None:
    step, died = 0, True
    while died:
        disk, told = SimDisk(), Told()
        died = killed_after(disk, step, lambda d=disk, t=told: run(d, t))  # type: ignore[misc]
        complaint = judge(
            disk, told.durable_at(len(disk.history)), told.released[-1][1], told.sealed
        )
        assert complaint == "", step
        step += 1
    assert step > 50


def test_what_recovery_applied_survives_a_power_loss_after_a_kill() -> None:
    """A kill leaves frames in the page cache that the platter never saw."""
    checked = 0
    for step in range(0, 200, 2):
        disk = SimDisk()
        died = killed_after(disk, step, lambda d=disk: run(d, Told()))  # type: ignore[misc]
        found = recover(disk)
        assert found.complaint == ""
        applied = found.frames[-1] if found.frames else -1
        first = found.frames[0] if found.frames else 0
        for files in crashes(disk.history, seed=step):
            assert judge(SimDisk(files), applied, first, applied) == "", step
            checked += 1
        if not died:
            break
    assert checked > 20


def states_with_a_tail(disk: SimDisk, told: Told) -> Iterator[tuple[int, dict[str, bytes]]]:
    """Crash states in which recovery has most to do: a frame half written."""
    for step in range(1, len(disk.history)):
        last: Step = disk.history[step - 1]
        if last.call == "pwrite" and 0 < len(last.data) < 1024 and last.offset > 64:
            yield from ((step, files) for files in crashes(disk.history[:step], seed=step))


def test_recovery_cut_short_at_every_step_by_kill_or_power_loss_is_done_again() -> None:
    disk = SimDisk()
    told = worked(disk)
    tails = list(states_with_a_tail(disk, told))
    for step, files in tails[:: max(1, len(tails) // 12)]:
        durable, released = told.durable_at(step), told.released_at(step)
        for cut in range(40):
            second = SimDisk(files)
            died = killed_after(second, cut, lambda d=second: recover(d))  # type: ignore[misc]
            for left in [second.files(), *crashes(second.history, seed=cut)]:
                assert judge(SimDisk(left), durable, released, told.sealed) == "", (step, cut)
            if not died:
                break
        else:
            pytest.fail("recovery never ended")


def test_a_storage_error_is_no_corruption() -> None:
    """The two lead to different hands: a new disk, or a decision about data."""
    assert issubclass(CorruptLog, StorageError)
    disk = SimDisk()
    worked(disk)
    disk.kill()

    def fail(call: str) -> None:
        if call == "pread":
            raise OSError(5, "Input/output error")

    disk.fault = fail
    with pytest.raises(StorageError) as caught:
        recover(disk)
    assert not isinstance(caught.value, CorruptLog)
