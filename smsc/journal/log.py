"""``Journal``: the log under the keeper, as segment files.

Owns the directory's lock, the open frame and the frames on their way to disk. One thread calls it;
the committer thread writes frames, and the shelf's worker makes and unlinks segments, so that no
call here waits for the disk except ``replay``, ``settle``, ``close``, a ``read`` of what is not in
memory, and a ``begin`` that outran the making of its segment.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from smsc.errors import StorageError
from smsc.journal import _frame, checkpoint, filesystem, segment
from smsc.journal._committer import Committer
from smsc.journal._frame import Appender, Frame
from smsc.journal.checkpoint import Checkpoint, Described, Doubtful
from smsc.journal.disk import Disk, RealDisk
from smsc.journal.filesystem import Filesystem
from smsc.journal.inline import InlineCommitter
from smsc.journal.recovery import Recovery, Report, look_back
from smsc.journal.segment import SEGMENT_HEADER, SEGMENT_OCTETS, Segment
from smsc.journal.shelf import Shelf
from smsc.ports import Apply, Mark

#: A frame beyond this gains nothing: syncing it takes longer than the sync saves.
FRAME_OCTETS: Final = 1024 * 1024
#: Frames kept for reuse, with their memory.
SPARE_FRAMES: Final = 4


class Journal(Appender):
    """The ``Log`` port on segment files. The format is in the docstring of ``smsc.journal``.

    A frame that would outgrow ``frame_octets`` is sealed by ``append`` itself and followed by
    another of the same time; ``seal`` then returns the number of the last. Sealed frames queue up
    behind a slow disk: ``pending_octets`` is what to bound.

    The first error of the disk is the last: from then on every call that would promise anything
    raises StorageError, and ``failed`` says why.
    """

    def __init__(
        self,
        directory: Path | str,
        *,
        partition: int = 0,
        segment_octets: int = SEGMENT_OCTETS,
        disk: Disk | None = None,
        force_filesystem: bool = False,
    ) -> None:
        """Lock the directory (made if need be) and read the segments' headers.

        Raises StorageError if another process has it, if the file system is unfit, or if it holds
        another partition's log; CorruptLog if a header is damaged. ``segment_octets`` is the size
        of segments made from now on.
        """
        super().__init__(partition, min(FRAME_OCTETS, segment_octets // 4))
        self.directory = Path(directory)
        self.failed: StorageError | None = None
        self.filesystem: Filesystem | None = None
        #: Median of some fdatasyncs at the start, in microseconds; 0 on a simulated disk.
        self.fdatasync_us = 0
        #: What ``replay`` found.
        self.recovered = Report()
        #: Why there was a checkpoint and it was not used; empty if that is not so.
        self.doubted = ""
        # Where the next frame goes.
        self._number = 1
        self._chain = 0
        self._time = 0
        self._segment: Segment | None = None
        self._offset = 0
        self._rotating = False
        # Frames sealed and not yet durable, oldest first; and frames to be used again.
        self._flight: deque[Frame] = deque()
        self._spare: list[Frame] = []
        self._proven = True
        self._closed = False
        self._disk = disk or RealDisk()
        self._directory_fd = self._lock()
        self._committer = Committer() if self._disk.real else InlineCommitter(self._disk)
        self._shelf = Shelf(
            self._disk,
            self.directory,
            self._directory_fd,
            partition=partition,
            segment_octets=segment_octets,
            wake=self._committer.wake,
        )
        try:
            self._examine(force_filesystem)
        except BaseException:
            self._let_go()
            raise

    # -- start -------------------------------------------------------------------------------

    def _lock(self) -> int:
        try:
            return self._disk.lock(self.directory)
        except BlockingIOError as error:
            raise StorageError(f"{self.directory}: another process has this log open") from error
        except OSError as error:
            raise StorageError(f"{self.directory}: {error.strerror}") from error

    def _examine(self, force: bool) -> None:
        with self._fatal("opening the log"):
            if self._disk.real:
                self.filesystem = filesystem.check(self.directory, force=force)
                self.fdatasync_us = filesystem.measure(self.directory)
            self._discard_temporaries()
            found = segment.find(self._disk, self.directory)
        for item in found:
            if item.header.partition != self.partition:
                raise StorageError(f"{item.path}: of partition {item.header.partition}")
        self._shelf.adopt(found)
        self.epoch = self._shelf.epoch

    def _discard_temporaries(self) -> None:
        for name in sorted(self._disk.names(self.directory)):
            if name.endswith(segment.TEMPORARY_SUFFIX):
                self._disk.unlink(self.directory / name)

    def checkpoint(self) -> Checkpoint | None:
        """The one beside this log, beyond doubt, or None; one that is doubtful is removed."""
        kept = list(self._shelf.segments.values())
        try:
            found = checkpoint.find(self._disk, self.directory, self.partition, kept)
        except Doubtful as error:
            self.doubt(str(error))
            return None
        self._shelf.checkpoint = None if found is None else found.described
        return found

    def doubt(self, reason: str) -> None:
        """The checkpoint was of no use: there is none any more."""
        self.doubted = reason
        self._shelf.checkpoint = None
        with self._fatal("removing a checkpoint"):
            checkpoint.remove(self._disk, self.directory, self._directory_fd)

    def glance(self, apply: Apply, mark: Mark, since: int) -> None:
        """Feed ``apply`` again what is before the mark, from not later than a time on."""
        kept = list(self._shelf.segments.values())
        with self._fatal("reading what was before"):
            look_back(self._disk, kept, mark, since, apply)

    def replay(self, apply: Apply, after: Mark | None = None) -> None:
        """Feed every record on disk to ``apply``, oldest first. Once, before the first append.

        With a checkpoint's mark only those that are behind it. The log is ready to append
        afterwards. Raises CorruptLog if acknowledged data is damaged, StorageError if the disk
        fails; after either only ``close`` is left.
        """
        if self._segment is not None:
            raise RuntimeError("a log is replayed once")
        self._alive()
        self._shelf.epoch = self.epoch
        recovery = Recovery(self._disk, self.directory, self._directory_fd)
        with self._fatal("recovering the log"):
            tail = recovery.run(list(self._shelf.segments.values()), apply, after)
            header = self._shelf.header()
            copy, chain = tail.copy(header) if tail else (None, 0)
            self._write_to(self._shelf.create(header, copy))
            self._shelf.written_from = header.number
            self._shelf.forget(recovery.clean_up())
            self._shelf.prepare()
        self.recovered = recovery.report
        if copy is not None:
            self._continue_from(copy, chain)
            position = copy.segment << 32 | copy.offset
            _frame.feed(bytes(copy), 0, copy.octets, position, apply)

    @property
    def ended_clean(self) -> bool:
        return self.recovered.clean

    def _continue_from(self, copy: Frame, chain: int) -> None:
        self._offset += copy.octets
        self._number = copy.number + 1
        self._chain = chain
        self._time = copy.time_ms
        self.durable = copy.number

    def _write_to(self, item: Segment) -> None:
        self._segment = item
        self._offset = SEGMENT_HEADER

    # -- the message path --------------------------------------------------------------------

    def begin(self, now: int) -> int:
        """Open a frame at time ``now`` unless one is open; return the open frame's time."""
        frame = self.open_frame
        if frame is not None:
            return frame.time_ms
        self._alive()
        if self._segment is None:
            raise RuntimeError("a log is replayed before it is appended to")
        self._time = max(self._time, now)
        self._open()
        return self._time

    def _open(self) -> None:
        assert self._segment is not None
        full = self._offset + self.frame_octets > self._segment.header.octets
        if full or (self._rotating and self._offset > SEGMENT_HEADER):
            self._advance()
        header = self._segment.header
        frame = self._spare.pop() if self._spare else Frame()
        frame.start(header.number, self._offset, header.salt, self._number, self._time, self.cipher)
        self.open_frame = frame

    def next_frame(self) -> None:
        """The open frame is full, or there is none."""
        self._alive()
        if self.open_frame is None:
            raise RuntimeError("append needs an open frame: call begin first")
        self.seal()
        self._open()

    def seal(self) -> int:
        """Close the open frame, start making it durable, and return its number."""
        self._alive()
        if self.open_frame is None:
            raise RuntimeError("no frame is open")
        return self._submit(0)

    def _submit(self, flags: int) -> int:
        frame, item = self.open_frame, self._segment
        assert frame is not None and item is not None
        self.open_frame = None
        self._chain = frame.finish(self._chain, self.epoch, self.partition, flags)
        self._number = frame.number + 1
        self._offset = frame.offset + frame.octets
        self._flight.append(frame)
        self._committer.submit(frame, item.fd)
        self._proven = not frame.records
        return frame.number

    def idle(self, now: int) -> None:
        """Nothing is to be done: prove the last frame durable by an empty one behind it.

        Without it, damage of the medium to the last frame would look like a torn tail.
        """
        self._alive()
        if not self._proven and not self._flight and self.open_frame is None:
            self.begin(now)
            self.seal()

    @property
    def busy(self) -> bool:
        """Whether a sealed frame is still on its way to disk."""
        return bool(self._flight)

    def fileno(self) -> int:
        """A descriptor that becomes readable when ``poll`` has news."""
        return self._committer.fileno()

    def poll(self) -> int:
        """Take the news: return the new ``durable``. Raises StorageError once the log is dead."""
        for _ in range(self._committer.take()):
            self._settled(self._flight.popleft())
        error = self._committer.error
        if error and self.failed is None:
            raise self._die(f"{error[1]}: {os.strerror(error[0])}")
        self._alive()
        with self._fatal("making or removing a segment"):
            self._shelf.tend()
        return self.durable

    def _settled(self, frame: Frame) -> None:
        self.durable = frame.number
        self._shelf.written_from = frame.segment
        self.pending_octets -= frame.octets - _frame.FRAME_HEADER
        if len(self._spare) < SPARE_FRAMES:
            self._spare.append(frame)

    def read(self, position: int) -> tuple[int, bytes, bytes]:
        """``(kind, head, body)`` of a record, checked; also before it is durable.

        Raises CorruptLog if it does not check, KeyError if its segment was released, StorageError
        if the disk can't read; none of them is the end of the log.
        """
        record = self._from_memory(position)
        if record is not None:
            return record
        try:
            return self._shelf.read(position, self.cipher)
        except OSError as error:
            raise StorageError(f"{self.directory}: reading: {error.strerror}") from error

    def _from_memory(self, position: int) -> tuple[int, bytes, bytes] | None:
        frame = self.open_frame
        record = frame.read(position) if frame is not None else None
        for frame in self._flight:
            record = record or frame.read(position)
        return record

    # -- segments ----------------------------------------------------------------------------

    def rotate(self) -> None:
        """Begin a new segment with the next frame, so that the one before can be forgotten."""
        self._rotating = True

    def _advance(self) -> None:
        with self._fatal("making the next segment"):
            self._write_to(self._shelf.advance())
        self._rotating = False

    def oldest_segment(self) -> int:
        """Number of the oldest segment that is still kept."""
        return next(iter(self._shelf.segments))

    def release(self, segment: int) -> int:
        """Forget every segment below ``segment``; return how many.

        Their positions are invalid at once; the files are unlinked, oldest first, by the worker
        (``settle`` waits for it). The segment of the newest durable frame always stays.
        """
        self._alive()
        with self._fatal("closing a segment"):
            return self._shelf.release(segment)

    # -- the checkpoint ----------------------------------------------------------------------

    @property
    def sealed(self) -> int:
        """Number of the segment before which all is durable and nothing is written any more."""
        return self._shelf.written_from

    @property
    def kept_checkpoint(self) -> Described | None:
        """What the newest checkpoint says of itself."""
        return self._shelf.checkpoint

    @property
    def behind(self) -> int:
        """Octets of the sealed segments behind that of the checkpoint, or of all."""
        return self._shelf.behind()

    def adopt_checkpoint(self, made: Described) -> None:
        """Have what was written under the temporary name as checkpoint, by and by.

        If its segment is forgotten meanwhile, it is removed.
        """
        self._alive()
        self._shelf.adopt_checkpoint(made)

    @property
    def octets(self) -> int:
        """Disk space the log takes, in octets."""
        return self._shelf.octets

    @property
    def room(self) -> bool:
        """Whether new messages should be admitted. What is under way may finish either way."""
        return self._shelf.room

    @property
    def free_octets(self) -> int:
        """Free space of the file system."""
        with self._fatal("asking for free space"):
            return self._disk.free_octets(self._directory_fd)

    # -- figures -----------------------------------------------------------------------------

    def sync_histogram(self) -> tuple[list[int], int]:
        """fdatasync durations: bucket n counts those below 2**n microseconds; and their sum."""
        return self._committer.histogram()

    def stalled_us(self) -> int:
        """For how long the commit under way has been; 0 when none is."""
        return self._committer.busy_us()

    # -- end ---------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until all that is under way is done: frames durable, released segments unlinked."""
        self._committer.wait()
        self._shelf.settle()
        self.poll()

    def close(self) -> None:
        """Make what was appended durable, mark a clean end, let go of the directory.

        Of a log that is already dead it only lets go.
        """
        if self._closed:
            return
        try:
            if self.failed is None and self._segment is not None:
                self._finish()
        finally:
            self._closed = True
            self._let_go()

    def _finish(self) -> None:
        if self.open_frame is not None:
            self._submit(0)
        self._open()
        self._submit(_frame.CLEAN)
        self.settle()
        with self._fatal("closing the log"):
            assert self._segment is not None
            self._shelf.trim(self._segment, self._offset)

    def _let_go(self) -> None:
        self._committer.stop()
        self._shelf.close(tidy=self.failed is None)
        self.open_frame = None
        with suppress(OSError):
            self._disk.close(self._directory_fd)

    # -- failure -----------------------------------------------------------------------------

    def _alive(self) -> None:
        if self.failed is not None:
            raise StorageError(str(self.failed)) from self.failed
        if self._closed:
            raise RuntimeError("the log is closed")

    def _die(self, reason: str) -> StorageError:
        """The log is dead: nothing is retried on its descriptors, nothing promised."""
        self.failed = StorageError(f"{self.directory}: {reason}; the log is dead until reopened")
        self.open_frame = None
        return self.failed

    @contextmanager
    def _fatal(self, action: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._die(f"{action}: {error.strerror or error}") from error
