"""``SimLog``: the log in memory, for deterministic tests of whatever stands on a log.

It keeps the port's promises and can break what a disk can break: delay (``hold``, ``advance``),
lose what is not durable (``lose_tail``), die (``fail``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from smsc.errors import StorageError
from smsc.journal._frame import FRAME_HEADER, MAX_RECORD, RECORD_HEADER
from smsc.journal.segment import SEGMENT_HEADER
from smsc.journal.wake import Wake
from smsc.ports import Apply, Mark

#: Small, so that tests see segments come and go.
SEGMENT_OCTETS: Final = 1024 * 1024

Record = tuple[int, bytes, bytes]


@dataclass(slots=True)
class _SimFrame:
    number: int
    time_ms: int
    records: dict[int, Record] = field(default_factory=dict)
    octets: int = FRAME_HEADER


def _feed(frames: list[_SimFrame], apply: Apply) -> None:
    for frame in frames:
        for position, (kind, head, _) in frame.records.items():
            apply(kind, position, frame.time_ms, head)


class _SimCheckpoint:
    def __init__(self, mark: Mark, settled: int, octets: bytes) -> None:
        self.mark = mark
        self.settled = settled
        self._octets = octets
        self._at = 0

    def read(self, octets: int) -> bytes:
        self._at += octets
        return self._octets[self._at - octets : self._at]

    def close(self) -> None:
        self._at = 0


class SimLog:
    """The ``Log`` port in memory; ``room`` may be set by a test.

    With ``hold`` a sealed frame becomes durable when ``advance`` says so, else at once; the owner
    learns of it from ``poll`` either way.
    """

    def __init__(
        self, partition: int = 0, *, hold: bool = False, segment_octets: int = SEGMENT_OCTETS
    ) -> None:
        self.partition = partition
        self.epoch = 1
        self.durable = 0
        self.pending_octets = 0
        self.failed: StorageError | None = None
        self.room = True
        self.octets = segment_octets
        self.hold = hold
        self.segment_octets = segment_octets
        self.frame_octets = segment_octets // 4
        self._frames: list[_SimFrame] = []
        self._records: dict[int, Record] = {}
        self._open: _SimFrame | None = None
        self._number = 0
        self._on_disk = 0
        self._time = 0
        self._segment = 1
        self._offset = SEGMENT_HEADER
        self._rotating = False
        self._oldest = 1
        self._replayed = False
        self._closed = False
        self.ended_clean = False
        self.doubted = ""
        self._checkpoint: _SimCheckpoint | None = None
        self._wake = Wake()

    # -- the port ----------------------------------------------------------------------------

    def checkpoint(self) -> _SimCheckpoint | None:
        return self._checkpoint

    def doubt(self, reason: str) -> None:
        self.doubted = reason
        self._checkpoint = None

    def glance(self, apply: Apply, mark: Mark, since: int) -> None:
        self.replay_to(apply, mark.number)

    def replay(self, apply: Apply, after: Mark | None = None) -> None:
        if self._replayed:
            raise RuntimeError("a log is replayed once")
        self._alive()
        _feed([f for f in self._frames if after is None or f.number > after.number], apply)
        self._replayed = True

    def begin(self, now: int) -> int:
        self._alive()
        if not self._replayed:
            raise RuntimeError("a log is replayed before it is appended to")
        if self._open is None:
            self._time = max(self._time, now)
            self._next_frame()
        return self._time

    def _next_frame(self) -> _SimFrame:
        full = self._offset + self.frame_octets > self.segment_octets
        if full or (self._rotating and self._offset > SEGMENT_HEADER):
            self._segment += 1
            self._offset = SEGMENT_HEADER
            self._rotating = False
            self._take_stock()
        self._number += 1
        self._open = _SimFrame(self._number, self._time)
        return self._open

    def together(self, octets: int) -> None:
        frame = self._open
        if frame is not None and frame.records and frame.octets + octets > self.frame_octets:
            self.seal()
            self._next_frame()

    def append(self, kind: int, head: bytes, body: bytes = b"") -> int:
        self._alive()
        octets = RECORD_HEADER + len(head) + len(body) + 7 & ~7
        if not 1 <= kind <= 254 or len(head) > 255:
            raise ValueError("a record has a kind from 1 to 254 and a head of at most 255 octets")
        if octets > MAX_RECORD or FRAME_HEADER + octets > self.frame_octets:
            raise ValueError(f"a record of {octets} octets is larger than this log takes")
        frame = self._open
        if frame is None:
            raise RuntimeError("append needs an open frame: call begin first")
        if frame.octets + octets > self.frame_octets:
            self.seal()
            frame = self._next_frame()
        position = self._segment << 32 | self._offset + frame.octets
        frame.records[position] = self._records[position] = kind, head, body
        frame.octets += octets
        self.pending_octets += octets
        return position

    def seal(self) -> int:
        self._alive()
        frame = self._open
        if frame is None:
            raise RuntimeError("no frame is open")
        self._open = None
        self._frames.append(frame)
        self._offset += frame.octets
        if not self.hold:
            self.advance()
        return frame.number

    @property
    def busy(self) -> bool:
        return self.durable < (self._frames[-1].number if self._frames else 0)

    @property
    def open_octets(self) -> int:
        return self._open.octets if self._open else 0

    def fileno(self) -> int:
        return self._wake.fileno()

    def poll(self) -> int:
        self._wake.clear()
        self._alive()
        for frame in self._frames:
            if self.durable < frame.number <= self._on_disk:
                self.pending_octets -= frame.octets - FRAME_HEADER
        self.durable = max(self.durable, self._on_disk)
        return self.durable

    def read(self, position: int) -> Record:
        return self._records[position]

    def rotate(self) -> None:
        self._rotating = True

    def _take_stock(self) -> None:
        self.octets = (self._segment + 1 - self._oldest) * self.segment_octets

    def oldest_segment(self) -> int:
        return self._oldest

    def release(self, segment: int) -> int:
        self._alive()
        durable = [f for f in self._frames if f.number <= self.durable and f.records]
        newest = max((min(f.records) >> 32 for f in durable), default=0)
        before, self._oldest = self._oldest, max(self._oldest, min(segment, newest))
        for position in [p for p in self._records if p >> 32 < self._oldest]:
            del self._records[position]
        self._frames = [f for f in self._frames if not f.records or self._keeps(f)]
        self._take_stock()
        return self._oldest - before

    def _keeps(self, frame: _SimFrame) -> bool:
        return min(frame.records) >> 32 >= self._oldest

    def idle(self, now: int) -> None:
        """There is no medium here that could be damaged, and nothing to prove."""

    def close(self) -> None:
        if self._closed or self.failed:
            return
        if self._open is not None:
            self.seal()
        self.advance()
        self.poll()
        self._closed = True

    # -- what a test does to it --------------------------------------------------------------

    def advance(self, frames: int | None = None) -> None:
        """Let the next ``frames`` sealed frames become durable; None: all."""
        waiting = [f.number for f in self._frames if f.number > self._on_disk][:frames]
        if waiting:
            self._on_disk = waiting[-1]
            self._wake.set()

    def lose_tail(self, keep: int = 0) -> SimLog:
        """Crash: return the log that the next start finds.

        What is not durable is gone, but for ``keep`` sealed frames: a disk may have written what
        it did not come to confirm.
        """
        after = SimLog(self.partition, hold=self.hold, segment_octets=self.segment_octets)
        after._frames = [f for f in self._frames if f.number <= self._on_disk]
        after._frames += [f for f in self._frames if f.number > self._on_disk][:keep]
        after._records = {p: r for f in after._frames for p, r in f.records.items()}
        after.epoch = self.epoch + 1
        after.ended_clean = self._closed
        after._oldest = self._oldest
        found = self._checkpoint
        if found is not None and any(f.number > found.mark.number for f in after._frames):
            after._checkpoint = found
        after._segment = self._segment + 1
        if after._frames:
            last = after._frames[-1]
            after._number = after._on_disk = after.durable = last.number
            after._time = last.time_ms
        return after

    def replay_to(self, apply: Apply, frame: int) -> None:
        """Feed ``apply`` what is in the frames up to this one."""
        _feed([f for f in self._frames if f.number <= frame], apply)

    def keep(self, frame: int, settled: int, octets: bytes) -> None:
        """Have a checkpoint that was made of all frames up to this one."""
        self._checkpoint = _SimCheckpoint(Mark(0, 0, 0, 0, frame, 0, 0), settled, octets)

    def fail(self, reason: str = "simulated failure") -> None:
        """The disk dies: from now on nothing is promised any more."""
        self.failed = StorageError(reason)
        self._open = None
        self._wake.set()

    def _alive(self) -> None:
        if self.failed is not None:
            raise StorageError(str(self.failed)) from self.failed
        if self._closed:
            raise RuntimeError("the log is closed")
