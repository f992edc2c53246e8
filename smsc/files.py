"""Small files that are replaced as a whole, and files that leave nothing behind.

``replace`` lets a file hold either what it held or what it is to hold, whatever crashes, and then
overwrites what it held before. ``remove`` ends a file likewise. ``tidy`` finishes what a crash cut
short. Overwritten means as much as the file system makes of it: one that writes in place (ext4,
XFS) leaves nothing; one that copies on write, or a flash disk below it, keeps old octets until they
are reused. For that reason keys are also wrapped.
"""

from __future__ import annotations

import os
from pathlib import Path

_OLD, _TEMPORARY = ".old", ".tmp"
_PORTION = 1024 * 1024


def replace(path: Path, data: bytes) -> None:
    """Let ``path`` hold ``data``, durably, and overwrite what it held. Raises OSError."""
    temporary, old = _beside(path, _TEMPORARY), _beside(path, _OLD)
    _write(temporary, data)
    if path.exists():
        os.link(path, old)
    os.rename(temporary, path)
    sync_directory(path.parent)
    if old.exists():
        wipe(old)


def wipe(path: Path) -> None:
    """Overwrite a file with zeros, durably, and unlink it."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        octets, at = os.fstat(fd).st_size, 0
        while at < octets:
            at += os.pwrite(fd, bytes(min(_PORTION, octets - at)), at)
        os.fsync(fd)
    finally:
        os.close(fd)
    os.unlink(path)
    sync_directory(path.parent)


def remove(path: Path) -> None:
    """``wipe``, but never found half done under its own name."""
    old = _beside(path, _OLD)
    os.rename(path, old)
    sync_directory(path.parent)
    wipe(old)


def tidy(directory: Path) -> None:
    """Finish what a crash left undone in this directory."""
    for left in sorted([*directory.glob("*" + _TEMPORARY), *directory.glob("*" + _OLD)]):
        finish(left.with_suffix(""))


def finish(path: Path) -> None:
    """Finish what a crash left undone with this file."""
    temporary, old = _beside(path, _TEMPORARY), _beside(path, _OLD)
    if temporary.exists():
        wipe(temporary)
    if old.exists():
        # Until the rename both names are of one file, and that is the one to keep.
        if path.exists() and path.samefile(old):
            old.unlink()
        else:
            wipe(old)


def append(path: Path, data: bytes) -> None:
    """Add ``data`` to the end of a file, made if need be, durably."""
    is_new = not path.exists()
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    if is_new:
        sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make names durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    fd = os.open(path, flags, 0o600)
    try:
        _all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)


def _all(fd: int, data: bytes) -> None:
    written = 0
    while written < len(data):
        written += os.write(fd, data[written:])


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
