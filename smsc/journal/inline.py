"""The committer and the executor of a simulated disk: everything in the caller's thread, in order.

A frame is written and synced when ``take`` is called, so that a test decides when, and each call
of the disk is one step of a history that repeats exactly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from smsc.journal._frame import Frame
from smsc.journal.disk import Disk
from smsc.journal.wake import Wake


class InlineCommitter:
    """``Committer`` without a thread."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._queue: deque[tuple[Frame, int]] = deque()
        self._wake = Wake()
        self.error: tuple[int, str] | None = None

    def fileno(self) -> int:
        return self._wake.fileno()

    def wake(self) -> None:
        self._wake.set()

    def submit(self, frame: Frame, fd: int) -> None:
        self._queue.append((frame, fd))
        self.wake()

    def take(self) -> int:
        self._wake.clear()
        frames = 0
        while self._queue and not self.error:
            if self._commit(*self._queue[0]):
                self._queue.popleft()
                frames += 1
        return frames

    def _commit(self, frame: Frame, fd: int) -> bool:
        call = "pwrite"
        try:
            self._disk.pwrite(fd, bytes(frame), frame.offset)
            call = "fdatasync"
            self._disk.fdatasync(fd)
        except OSError as error:
            self.error = error.errno or 0, call
        return self.error is None

    def wait(self) -> None:
        """Nothing to wait for: ``take`` does the work."""

    def busy_us(self) -> int:
        return 0

    def histogram(self) -> tuple[list[int], int]:
        return [0] * 32, 0

    def stop(self) -> None:
        self._wake.close()


class InlineExecutor:
    """What the log uses of a ThreadPoolExecutor, without the threads."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self) -> None:
        """Nothing is running."""
