"""The segments of one log: those kept, the one being written, the one being made.

Making and unlinking a segment takes the disk a while, so a worker does both ahead of need and
behind it; ``wake`` is called from there when something is amiss, and ``tend`` then says what.
Everything here raises OSError as it comes: that it is the end of the log is the log's to decide.
"""

from __future__ import annotations

import errno
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from smsc.errors import BadSeal, CorruptLog
from smsc.journal import _frame, checkpoint, segment
from smsc.journal._frame import Frame, Group
from smsc.journal.checkpoint import Described
from smsc.journal.disk import Disk
from smsc.journal.inline import InlineExecutor
from smsc.journal.segment import Segment, SegmentHeader
from smsc.ports import Cipher

#: Descriptors kept for reading. 64 of 64 MiB are 4 GiB of backlog without one call of open().
OPEN_FILES: Final = 64
#: What one pread fetches of a record of unknown size; most are smaller.
READ_OCTETS: Final = 512
#: Groups of sealed records kept open: those of a backlog are wanted one after the other.
OPEN_GROUPS: Final = 8
#: Free space, in segments, below which there is no room for more than finishing.
LOW_WATER: Final = 2
#: Seconds between two looks at a full disk.
RETRY_S: Final = 1.0
#: Errors of making a segment that pass by themselves; until then the log lives off the last one.
PASSING: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})


T = TypeVar("T")


class Shelf:
    """Owns the segment files of a locked directory, their descriptors and the worker."""

    def __init__(
        self,
        disk: Disk,
        directory: Path,
        directory_fd: int,
        *,
        partition: int,
        segment_octets: int,
        wake: Callable[[], None],
    ) -> None:
        self._disk = disk
        self._directory = directory
        self._directory_fd = directory_fd
        self._partition = partition
        self._segment_octets = segment_octets
        self._wake = wake
        #: For new segments; set once the old ones have told it.
        self.epoch = 1
        #: Segment of the newest durable frame: from here on files are written.
        self.written_from = 0
        #: What is kept, oldest first.
        self.segments: dict[int, Segment] = {}
        #: What the checkpoint says of itself that is there or, by and by, will be.
        self.checkpoint: Described | None = None
        #: Whether there is space for segments to come.
        self.room = True
        self._next_number = 1
        self._next: Future[Segment] | None = None
        # Open for reading or writing, least recently used first.
        self._opened: OrderedDict[int, Segment] = OrderedDict()
        # Opened last; positions are never used again, so they stay true.
        self._groups: deque[Group] = deque(maxlen=OPEN_GROUPS)
        #: What the worker is to do, but for making segments.
        self._tasks: deque[Future[None]] = deque()
        self._retry: threading.Timer | None = None
        self._worker = ThreadPoolExecutor(1, "journal") if disk.real else InlineExecutor()

    def adopt(self, items: Iterable[Segment]) -> None:
        """Take over what earlier runs left, oldest first."""
        for item in items:
            self.segments[item.number] = item
            self._next_number = item.number + 1
            self.epoch = max(self.epoch, item.header.epoch + 1)

    @property
    def octets(self) -> int:
        """Disk space that the kept segments were made for."""
        return sum(item.header.octets for item in self.segments.values())

    # -- making ------------------------------------------------------------------------------

    def header(self) -> SegmentHeader:
        """A header for a new segment."""
        number, self._next_number = self._next_number, self._next_number + 1
        return SegmentHeader(
            partition=self._partition,
            epoch=self.epoch,
            number=number,
            salt=self._disk.salt(),
            octets=self._segment_octets,
            created_ms=self._disk.now_ms(),
        )

    def create(self, header: SegmentHeader, first: Frame | None = None) -> Segment:
        """Make a segment and put it on the shelf."""
        return self._take(self._make(header, first))

    def _make(self, header: SegmentHeader, first: Frame | None = None) -> Segment:
        return segment.create(self._disk, self._directory, self._directory_fd, header, first)

    def _take(self, item: Segment) -> Segment:
        self.segments[item.number] = item
        self._keep_open(item)
        return item

    def _keep_open(self, item: Segment) -> None:
        """Remember an open file; close another if there are many."""
        self._opened[item.number] = item
        if len(self._opened) > OPEN_FILES:
            unused = [number for number in self._opened if number < self.written_from]
            for number in unused[:1]:
                self._close(self._opened.pop(number))

    def prepare(self) -> None:
        """Have the next segment made while this one fills."""
        self._next = self._worker.submit(self._make, self.header())
        self._next.add_done_callback(self._report)
        self._look_at_space()

    def advance(self) -> Segment:
        """The next segment; waits if it is not ready."""
        if self._next is None or self._starved:
            self.prepare()
        assert self._next is not None
        item = self._take(self._next.result())
        self.prepare()
        return item

    @property
    def _starved(self) -> bool:
        """Whether the next segment could not be made for want of something that may come back."""
        error = _error_of(self._next)
        return isinstance(error, OSError) and error.errno in PASSING

    def _report(self, future: Future[Segment] | Future[None]) -> None:
        if future.exception() is not None:
            self._wake()

    def tend(self) -> None:
        """See what became of the worker's tasks, and whether a full disk has space again."""
        while self._tasks and self._tasks[0].done():
            self._tasks.popleft().result()
        error = _error_of(self._next)
        if error is not None and not self._starved:
            raise error
        if not self.room or error is not None:
            self._look_at_space()
            if self.room and self._starved:
                self.prepare()

    def _look_at_space(self) -> None:
        free = self._disk.free_octets(self._directory_fd)
        self.room = free >= LOW_WATER * self._segment_octets
        if not self.room and self._disk.real and self._retry is None:
            self._retry = threading.Timer(RETRY_S, self._look_again)
            self._retry.daemon = True
            self._retry.start()

    def _look_again(self) -> None:
        self._retry = None
        self._wake()

    # -- reading -----------------------------------------------------------------------------

    def read(self, position: int, cipher: Cipher | None = None) -> tuple[int, bytes, bytes]:
        """A record from disk, opened if it is sealed.

        KeyError if its segment is not kept, CorruptLog if it is unsound or can't be opened.
        """
        for group in self._groups:
            if group.start < position < group.end:
                return group.read(position)
        item, offset = self.segments[position >> 32], position & 0xFFFFFFFF
        if item.fd < 0:
            item.fd = self._disk.open(item.path)
            self._keep_open(item)
        self._opened.move_to_end(item.number)
        data = self._disk.pread(item.fd, READ_OCTETS, offset)
        octets = _frame.record_octets(data)
        if octets > READ_OCTETS:
            data = self._disk.pread(item.fd, octets, offset)
        record = _frame.record(data, item.header.salt, offset)
        if record is None:
            raise CorruptLog("no sound record here", file=str(item.path), offset=offset)
        if cipher is None or not record[2]:
            return record
        group = self._group(item, offset - _frame.back(data), cipher)
        if not group.start < position < group.end:
            raise CorruptLog("the seal of another record", file=str(item.path), offset=offset)
        return group.read(position)

    def _group(self, item: Segment, offset: int, cipher: Cipher) -> Group:
        """The records that a seal covers. Neighbours are mostly wanted too."""
        start = max(offset, 0)
        octets = _frame.group_octets(self._disk.pread(item.fd, READ_OCTETS, start))
        data = self._disk.pread(item.fd, octets, start)
        try:
            group = _frame.group(data, item.header.salt, item.number << 32 | start, cipher)
        except BadSeal as error:
            raise CorruptLog(str(error), file=str(item.path), offset=start) from None
        if group is None:
            raise CorruptLog("no sound seal here", file=str(item.path), offset=start)
        self._groups.append(group)
        return group

    def _close(self, item: Segment) -> None:
        fd, item.fd = item.fd, -1
        self._disk.close(fd)

    # -- removing ----------------------------------------------------------------------------

    def release(self, limit: int) -> int:
        """Forget the segments below ``limit`` at once and unlink them by and by; how many."""
        limit = min(limit, self.written_from)
        gone = [item for number, item in self.segments.items() if number < limit]
        self.forget(gone)
        if gone:
            made = self.checkpoint
            if made is not None and made.mark.segment < limit:
                self.checkpoint = None
                self._have_done(self._drop_checkpoint, checkpoint.NAME)
            self._have_done(self._unlink, [item.path for item in gone])
        return len(gone)

    def _have_done(self, what: Callable[[T], None], of: T) -> None:
        task = self._worker.submit(what, of)
        task.add_done_callback(self._report)
        self._tasks.append(task)

    def forget(self, items: Iterable[Segment]) -> None:
        self._groups.clear()
        for item in items:
            del self.segments[item.number]
            if self._opened.pop(item.number, None):
                self._close(item)

    def _unlink(self, paths: list[Path]) -> None:
        names = set(self._disk.names(self._directory))
        for path in paths:
            self._disk.unlink(path)
            torn = path.with_suffix(segment.TORN_SUFFIX)
            if torn.name in names:
                self._disk.unlink(torn)
            # One by one: were a later unlink on disk before an earlier one, recovery would find a
            # hole between the segments and call it damage.
            self._disk.sync_directory(self._directory_fd)

    # -- the checkpoint ----------------------------------------------------------------------

    def behind(self) -> int:
        """Octets of the segments that are written no more behind that of the checkpoint."""
        made = self.checkpoint
        first = -1 if made is None else made.mark.segment
        segments = self.segments.values()
        return sum(s.header.octets for s in segments if first < s.number < self.written_from)

    def adopt_checkpoint(self, made: Described) -> None:
        """Put a checkpoint in its place that lies there under its temporary name."""
        if made.mark.segment in self.segments:
            self.checkpoint = made
            self._have_done(self._put_checkpoint, made)
        else:  # forgotten while it was made
            self._have_done(self._drop_checkpoint, checkpoint.TEMPORARY)

    def _put_checkpoint(self, made: Described) -> None:
        try:
            checkpoint.put(self._disk, self._directory, self._directory_fd)
        except OSError:  # without it a start takes longer, and nothing else is lost
            if self.checkpoint is made:
                self.checkpoint = None

    def _drop_checkpoint(self, name: str) -> None:
        checkpoint.remove(self._disk, self._directory, self._directory_fd, name)

    def settle(self) -> None:
        """Wait until the worker has nothing to do."""
        for task in list(self._tasks):
            task.exception()
        if self._next is not None:
            self._next.exception()

    # -- end ---------------------------------------------------------------------------------

    def trim(self, item: Segment, octets: int) -> None:
        """Cut the unused end of a segment that is not written any more."""
        self._disk.truncate(item.fd, octets)
        self._disk.fdatasync(item.fd)

    def close(self, *, tidy: bool) -> None:
        """End the worker and close all files; if ``tidy``, remove the segment made for nothing."""
        if self._retry is not None:
            self._retry.cancel()
        self._worker.shutdown()
        if self._next is not None and _error_of(self._next) is None:
            unused = self._next.result()
            self._opened[unused.number] = unused
            if tidy:
                # Recovery removes it if this does not.
                with suppress(OSError):
                    self._disk.unlink(unused.path)
        for item in self._opened.values():
            with suppress(OSError):
                self._disk.close(item.fd)
        self._opened.clear()


def _error_of(future: Future[Segment] | None) -> BaseException | None:
    """What went wrong in a finished task; None also while it runs."""
    return future.exception() if future is not None and future.done() else None
