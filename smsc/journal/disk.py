"""The seam between the log and the operating system: every call that touches storage.

``Disk`` is what the log asks for, ``RealDisk`` is Linux, ``smsc.journal.simdisk`` the model that
loses what was not synced. Calls raise OSError and retry nothing: what a failure means is the log's
to decide. Frames on a real disk are written by the committer thread, on descriptors from here.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Protocol


class Disk(Protocol):
    """Files of one directory, by descriptor."""

    #: Whether descriptors are the kernel's, so that threads may write to them.
    real: bool

    def lock(self, directory: Path) -> int:
        """Create the directory if need be, durably, and lock it. BlockingIOError if it is taken."""

    def names(self, directory: Path) -> list[str]: ...

    def create(self, path: Path) -> int: ...

    def open(self, path: Path, *, write: bool = False) -> int: ...

    def close(self, fd: int) -> None: ...

    def size(self, fd: int) -> int: ...

    def pread(self, fd: int, octets: int, offset: int) -> bytes:
        """Up to ``octets``; fewer only at the end of the file."""

    def pwrite(self, fd: int, data: bytes, offset: int) -> None:
        """All of ``data``, or an error."""

    def fdatasync(self, fd: int) -> None: ...

    def truncate(self, fd: int, octets: int) -> None: ...

    def rename(self, source: Path, target: Path) -> None: ...

    def unlink(self, path: Path) -> None: ...

    def sync_directory(self, directory_fd: int) -> None: ...

    def free_octets(self, directory_fd: int) -> int:
        """What an unprivileged process may still fill."""

    def salt(self) -> int:
        """64 random bits, never 0."""

    def now_ms(self) -> int:
        """When a file was made, for people to read; nothing is decided by it."""


class RealDisk:
    """Linux."""

    real = True

    def lock(self, directory: Path) -> int:
        self._make(directory)
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            raise
        return fd

    def _make(self, directory: Path) -> None:
        if directory.is_dir():
            return
        self._make(directory.parent)
        directory.mkdir(mode=0o700)
        parent = os.open(directory.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)

    def names(self, directory: Path) -> list[str]:
        return os.listdir(directory)

    def create(self, path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open(self, path: Path, *, write: bool = False) -> int:
        access = os.O_RDWR if write else os.O_RDONLY
        return os.open(path, access | os.O_CLOEXEC | os.O_NOFOLLOW)

    def close(self, fd: int) -> None:
        os.close(fd)

    def size(self, fd: int) -> int:
        return os.fstat(fd).st_size

    def pread(self, fd: int, octets: int, offset: int) -> bytes:
        data = os.pread(fd, octets, offset)
        while 0 < len(data) < octets:
            more = os.pread(fd, octets - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def pwrite(self, fd: int, data: bytes, offset: int) -> None:
        written = 0
        with memoryview(data) as octets:
            while written < len(octets):
                written += os.pwrite(fd, octets[written:], offset + written)

    def fdatasync(self, fd: int) -> None:
        os.fdatasync(fd)

    def truncate(self, fd: int, octets: int) -> None:
        os.ftruncate(fd, octets)

    def rename(self, source: Path, target: Path) -> None:
        os.rename(source, target)

    def unlink(self, path: Path) -> None:
        os.unlink(path)

    def sync_directory(self, directory_fd: int) -> None:
        os.fsync(directory_fd)

    def free_octets(self, directory_fd: int) -> int:
        stat = os.fstatvfs(directory_fd)
        return stat.f_bavail * stat.f_frsize

    def salt(self) -> int:
        return int.from_bytes(os.urandom(8), "little") or 1

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000
