"""For the operator: what is in a log directory, and what can be saved of a damaged one.

No function here changes the directory it looks at. ``verify`` may be run beside the process that
has the log open; the frame being written then may show as a torn tail, which is no problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from smsc.errors import StorageError
from smsc.journal import _frame, checkpoint, recovery, segment
from smsc.journal.checkpoint import Described
from smsc.journal.disk import Disk, RealDisk
from smsc.journal.log import Journal
from smsc.journal.recovery import Checked
from smsc.journal.segment import SEGMENT_HEADER, Segment
from smsc.ports import Cipher


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """One file."""

    path: Path
    epoch: int
    frames: int
    records: int
    #: Octets of sound frames, of what the file was made for, and of a torn tail.
    octets: int
    size: int
    torn_octets: int


@dataclass(slots=True)
class LogReport:
    """One directory. Sound if ``problems`` is empty."""

    segments: list[SegmentReport] = field(default_factory=list)
    #: Each with file, offset, frames and what can be done.
    problems: list[str] = field(default_factory=list)
    #: Tails that earlier recoveries cut off.
    quarantined: list[Path] = field(default_factory=list)
    #: What the checkpoint says of itself, and why it would not be used.
    checkpoint: Described | None = None
    doubt: str = ""

    @property
    def frames(self) -> int:
        return sum(one.frames for one in self.segments)

    @property
    def records(self) -> int:
        return sum(one.records for one in self.segments)

    @property
    def epochs(self) -> list[int]:
        return sorted({one.epoch for one in self.segments})


def verify(directory: Path | str, disk: Disk | None = None) -> LogReport:
    """Read and check everything. Raises OSError if the directory can't be read."""
    disk, directory, report = disk or RealDisk(), Path(directory), LogReport()
    segments = _examine(disk, directory, report)
    for checked in recovery.walk(disk, segments):
        report.segments.append(_describe(checked))
        if checked.problem:
            report.problems.append(str(checked.problem))
    report.quarantined = sorted(
        directory / name for name in disk.names(directory) if name.endswith(segment.TORN_SUFFIX)
    )
    _look_at_checkpoint(disk, directory, segments, report)
    return report


def _look_at_checkpoint(
    disk: Disk, directory: Path, segments: list[Segment], report: LogReport
) -> None:
    partition = segments[0].header.partition if segments else 0
    try:
        found = checkpoint.find(disk, directory, partition, segments)
    except checkpoint.Doubtful as error:
        report.doubt = str(error)
        return
    if found is not None:
        found.close()
        report.checkpoint = found.described


def _examine(disk: Disk, directory: Path, report: LogReport) -> list[Segment]:
    segments = []
    for name in sorted(disk.names(directory)):
        number = segment.number_of(name)
        if number is not None:
            try:
                segments.append(segment.examine(disk, directory / name, number))
            except StorageError as error:
                report.problems.append(str(error))
    return segments


def _describe(checked: Checked) -> SegmentReport:
    scan, header = checked.scan, checked.segment.header
    return SegmentReport(
        path=checked.segment.path,
        epoch=header.epoch,
        frames=scan.frames,
        records=scan.records,
        octets=scan.end - SEGMENT_HEADER,
        size=header.octets,
        torn_octets=scan.filled - scan.end if checked.torn else 0,
    )


def records(
    directory: Path | str, cipher: Cipher | None = None
) -> Iterator[tuple[int, int, bytes, bytes]]:
    """``(kind, time in ms, head, body)`` of every sound record, oldest first; damage is skipped.

    Sealed bodies are opened, with a cipher; without one they are as they are stored.
    May be run beside the process that has the log open: it sees what was written when it looked.
    """
    report = LogReport()
    found = _sound_frames(_examine(RealDisk(), Path(directory), report))
    data, loaded = b"", None
    for number in sorted(found):
        item, start = found[number]
        if item is not loaded:
            data, loaded = segment.contents(RealDisk(), item), item
        time_ms, inside = _frame.unpack(data, start, cipher)
        for kind, head, body in inside:
            yield kind, time_ms, head, body


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was saved, and what not."""

    frames: int
    records: int
    #: First and last number of each run of frames that is lost.
    lost: list[tuple[int, int]]


def salvage(source: Path | str, target: Path | str, *, force_filesystem: bool = False) -> Salvage:
    """Write every sound frame of a damaged log to a new log, and count what is lost.

    The frames keep their order and times and get new numbers and positions; the epochs go on, so
    that no message id is ever given twice. Raises StorageError if ``target`` has a log already.
    """
    report = LogReport()
    segments = _examine(RealDisk(), Path(source), report)
    journal = Journal(target, force_filesystem=force_filesystem)
    try:
        if journal.epoch > 1:
            raise StorageError(f"{target}: there is a log already")
        journal.epoch = max((item.header.epoch for item in segments), default=0) + 1
        journal.replay(lambda *record: None)
        return _pour(_sound_frames(segments), journal)
    finally:
        journal.close()


def _sound_frames(segments: list[Segment]) -> dict[int, tuple[Segment, int]]:
    """Where each frame stands, by number; of a frame and its copy, the copy."""
    found: dict[int, tuple[Segment, int]] = {}
    for item in segments:
        data = segment.contents(RealDisk(), item)
        start = SEGMENT_HEADER
        while start:
            scan = _frame.scan(data, start, item.header.salt)
            while start < scan.end:
                number, octets, _time = _frame.measure(data, start)
                found[number] = item, start
                start += octets
            start = scan.later
    return found


def _pour(found: dict[int, tuple[Segment, int]], journal: Journal) -> Salvage:
    records, lost, expected = 0, [], min(found, default=0)
    data, loaded = b"", None
    for number in sorted(found):
        item, start = found[number]
        if item is not loaded:
            data, loaded = segment.contents(RealDisk(), item), item
        if number > expected:
            lost.append((expected, number - 1))
        expected = number + 1
        records += _pour_frame(data, start, journal)
    return Salvage(len(found), records, lost)


def _pour_frame(data: bytes, start: int, journal: Journal) -> int:
    """As it is: what is sealed can be read by who has the keys."""
    journal.begin(_frame.measure(data, start)[2])
    records = journal.take(data, start)
    journal.seal()
    journal.settle()
    return records
