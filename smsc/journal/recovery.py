"""What a log directory holds after anything may have happened to it.

``walk`` reads and judges, ``Recovery`` acts. The judgement rests on one fact: a frame is written
only after the one before it is durable. So an octet that is no frame, with anything of a later
frame behind it, is damage to acknowledged data (CorruptLog, a person decides); with nothing behind
it, it is the torn tail of a frame that was never acknowledged.

The last sound frame has nothing behind it either: it may be no more than the page cache's belief
after a failed sync. It is copied into a new segment and synced before anybody acts on
it, and the copy replaces the original whatever the disk says later. The tail that was cut is kept
beside the segment as ``.torn``. A recovery that is killed anywhere is simply done again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from smsc.errors import CorruptLog
from smsc.journal import _frame, segment
from smsc.journal._frame import Frame, Scan
from smsc.journal.disk import Disk
from smsc.journal.segment import SEGMENT_HEADER, Segment, SegmentHeader
from smsc.ports import Apply, Mark


@dataclass(frozen=True, slots=True)
class Checked:
    """One segment, read and judged."""

    segment: Segment
    data: bytes
    #: Where the scan began.
    start: int
    scan: Scan
    #: Acknowledged data is missing or damaged, here or in an earlier segment.
    problem: CorruptLog | None = None
    #: Octets from ``scan.end`` to ``scan.filled`` are of a frame that was never acknowledged.
    torn: bool = False

    @property
    def last(self) -> Mark | None:
        """Its last sound frame."""
        scan, header = self.scan, self.segment.header
        if not scan.frames:
            return None
        return Mark(
            header.number, header.salt, scan.last, scan.end, scan.number - 1, scan.chain,
            scan.last_time,
        )  # fmt: skip


@dataclass(slots=True)
class Report:
    """What recovery found and did; for metrics and the operator."""

    segments: int = 0
    frames: int = 0
    records: int = 0
    #: Octets of sound frames.
    octets: int = 0
    #: Whether a checkpoint stood for all before.
    from_checkpoint: bool = False
    #: Whether the log had been closed in order.
    clean: bool = False
    #: Octets of torn tail by quarantine file.
    torn: dict[Path, int] = field(default_factory=dict)


def walk(disk: Disk, segments: Sequence[Segment], after: Mark | None = None) -> Iterator[Checked]:
    """Read and judge segments, oldest first; with a mark only what is behind it.

    Nothing is changed.
    """
    number = chain = 0
    start = SEGMENT_HEADER
    if after is not None:
        segments = [item for item in segments if item.number >= after.segment]
        number, chain, start = after.number + 1, after.crc, after.end
    stops = copies_ahead(disk, segments)
    suspect: CorruptLog | None = None
    for item, stop in zip(segments, stops, strict=True):
        data = segment.contents(disk, item)
        scan = _frame.scan(data, start, item.header.salt, number, chain, stop)
        problem, torn = _judge(item, scan, number, stop)
        if suspect and scan.filled > SEGMENT_HEADER:
            problem, suspect = suspect, None
        if torn and not stop:
            suspect = _corrupt("unreadable, but later segments are written", item, scan)
        # Behind damage any number is taken, so that one hole is reported once.
        number, chain = (0, 0) if problem else (scan.number, scan.chain)
        yield Checked(item, data, start, scan, problem, torn)
        start = SEGMENT_HEADER


def copies_ahead(disk: Disk, segments: Sequence[Segment]) -> list[int]:
    """For each segment, the number from which on the segment after it holds a copy; 0: none."""
    stops: list[int] = []
    ahead = 0
    for item in reversed(segments):
        stops.append(ahead)
        first = _first_frame(disk, item)
        if first is not None:
            ahead = first[0] if first[1] & _frame.COPY else 0
    return stops[::-1]


def header_of(disk: Disk, item: Segment, start: int = SEGMENT_HEADER) -> bytes:
    """The octets where a frame's header may stand."""
    fd = disk.open(item.path)
    try:
        return disk.pread(fd, _frame.FRAME_HEADER, start)
    finally:
        disk.close(fd)


def _first_frame(disk: Disk, item: Segment) -> tuple[int, int] | None:
    return _frame.peek(header_of(disk, item), 0, item.header.salt)


def _first_time(disk: Disk, item: Segment) -> int:
    """When its first frame was written; 0 if it has none."""
    found = _frame.stands(header_of(disk, item), 0, item.header.salt)
    return 0 if found is None else found[3]


def _judge(item: Segment, scan: Scan, expected: int, stop: int) -> tuple[CorruptLog | None, bool]:
    """``(problem, torn)`` of one segment by itself."""
    damaged = scan.end < scan.filled and not scan.superseded
    if damaged and scan.later:
        return _corrupt(_out_of_place(scan, expected), item, scan), False
    if damaged and stop and scan.number < stop:
        lost = _frames(scan.number, stop - 1)
        return _corrupt(f"{lost}, acknowledged once, can't be read", item, scan), False
    # Before a copy, a damaged place is where the crash was that the copy was made after.
    return None, damaged


def _out_of_place(scan: Scan, expected: int) -> str:
    found = scan.later_number
    if scan.later > scan.end:
        lost = _frames(scan.number, max(scan.number, found - 1))
        return f"{lost} damaged, though frame {found} stands behind"
    if found > scan.number:
        return f"{_frames(scan.number, found - 1)} missing, frame {found} is here"
    return f"frame {found} stands where {scan.number or expected} belongs"


def _frames(first: int, last: int) -> str:
    return f"frame {first}" if first == last else f"frames {first} to {last}"


def _corrupt(message: str, item: Segment, scan: Scan) -> CorruptLog:
    return CorruptLog(
        f"{message}; {segment.ADVICE}", file=str(item.path), offset=scan.end, frame=scan.number
    )


@dataclass(slots=True)
class Tail:
    """The last sound frame of a log: not proven, to be copied."""

    data: bytes
    start: int
    scan: Scan

    def copy(self, header: SegmentHeader) -> tuple[Frame, int]:
        """The same frame, as the first of a new segment; and its CRC, the next frame's chain."""
        scan, frame = self.scan, Frame()
        number = scan.number - 1
        frame.start(header.number, SEGMENT_HEADER, header.salt, number, scan.last_time)
        frame.take(self.data, self.start)
        chain = frame.finish(scan.last_chain, scan.last_epoch, header.partition, _frame.COPY)
        return frame, chain


class Recovery:
    """Reads a log into ``apply``, all but its tail, and cleans up behind."""

    def __init__(self, disk: Disk, directory: Path, directory_fd: int) -> None:
        self._disk = disk
        self._directory = directory
        self._directory_fd = directory_fd
        self._cuts: list[Checked] = []
        self._empty: list[Segment] = []
        self.report = Report()

    def run(
        self, segments: Sequence[Segment], apply: Apply, after: Mark | None = None
    ) -> Tail | None:
        """Feed every record but those of the last frame to ``apply``; return that frame.

        With a mark only what is behind it. Raises CorruptLog at the first damage.
        """
        tail: tuple[Segment, Tail] | None = None
        self.report.from_checkpoint = after is not None
        for checked in walk(self._disk, segments, after):
            if checked.problem:
                raise checked.problem
            self._account(checked)
            if checked.scan.frames:
                if tail:
                    feed(tail[0], tail[1].data, tail[1].start, tail[1].scan.end, apply)
                scan = checked.scan
                feed(checked.segment, checked.data, checked.start, scan.last, apply)
                tail = checked.segment, Tail(checked.data, scan.last, scan)
        self.report.clean = tail is not None and bool(tail[1].scan.last_flags & _frame.CLEAN)
        return tail[1] if tail else None

    def _account(self, checked: Checked) -> None:
        scan, report = checked.scan, self.report
        report.segments += 1
        report.frames += scan.frames
        report.records += scan.records
        report.octets += scan.end - checked.start
        if scan.filled <= SEGMENT_HEADER:
            self._empty.append(checked.segment)
        elif checked.torn:
            self._cuts.append(checked)

    def clean_up(self) -> list[Segment]:
        """Cut torn tails and remove segments that were never used; the copy must be durable.

        Returns the removed.
        """
        for checked in self._cuts:
            self._quarantine(checked)
            self._cut(checked)
        for item in self._empty:
            self._disk.unlink(item.path)
        self._disk.sync_directory(self._directory_fd)
        return self._empty

    def _quarantine(self, checked: Checked) -> None:
        """Keep the tail as evidence before it is destroyed."""
        disk = self._disk
        path = checked.segment.path.with_suffix(segment.TORN_SUFFIX)
        temporary = path.with_suffix(segment.TORN_SUFFIX + segment.TEMPORARY_SUFFIX)
        fd = disk.create(temporary)
        try:
            disk.pwrite(fd, checked.data[checked.scan.end : checked.scan.filled], 0)
            disk.fdatasync(fd)
        finally:
            disk.close(fd)
        disk.rename(temporary, path)
        disk.sync_directory(self._directory_fd)
        self.report.torn[path] = checked.scan.filled - checked.scan.end

    def _cut(self, checked: Checked) -> None:
        fd = self._disk.open(checked.segment.path, write=True)
        try:
            self._disk.truncate(fd, checked.scan.end)
            self._disk.fdatasync(fd)
        finally:
            self._disk.close(fd)


def look_back(
    disk: Disk, segments: Sequence[Segment], mark: Mark, since: int, apply: Apply
) -> None:
    """Feed every record before the mark, from not later than ``since`` on.

    Raises CorruptLog where one of them can't be read.
    """
    times = [(_first_time(disk, item), item) for item in segments if item.number <= mark.segment]
    first = max((item.number for time, item in times if 0 < time <= since), default=0)
    for checked in walk(disk, [item for item in segments if item.number >= first]):
        if checked.segment.number > mark.segment:
            return
        if checked.problem:
            raise checked.problem
        is_last = checked.segment.number == mark.segment
        end = min(checked.scan.end, mark.end) if is_last else checked.scan.end
        feed(checked.segment, checked.data, SEGMENT_HEADER, end, apply)


def feed(item: Segment, data: bytes, start: int, end: int, apply: Apply) -> None:
    """Give every record of checked frames to ``apply``."""
    if end > start:
        _frame.feed(data, start, end, item.number << 32 | start, apply)
