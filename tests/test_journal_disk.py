"""``RealDisk``: the calls mean what the log takes them to mean."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smsc.journal import RealDisk

DISK = RealDisk()


def test_octets_come_back_and_end_with_the_file(tmp_path: Path) -> None:
    fd = DISK.create(tmp_path / "f")
    DISK.pwrite(fd, b"abcdef", 2)
    DISK.fdatasync(fd)
    assert DISK.pread(fd, 100, 0) == b"\0\0abcdef"
    assert DISK.pread(fd, 3, 2) == b"abc"
    assert DISK.pread(fd, 3, 50) == b""
    assert DISK.size(fd) == 8
    DISK.truncate(fd, 3)
    assert DISK.pread(fd, 100, 0) == b"\0\0a"
    DISK.close(fd)


def test_a_short_write_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: whole(fd, data[:3], offset))
    fd = DISK.create(tmp_path / "f")
    DISK.pwrite(fd, b"0123456789", 1)
    assert DISK.pread(fd, 100, 1) == b"0123456789"
    DISK.close(fd)


def test_a_short_read_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, octets, offset: whole(fd, min(octets, 3), offset))
    fd = DISK.create(tmp_path / "f")
    DISK.pwrite(fd, b"0123456789", 0)
    assert DISK.pread(fd, 8, 1) == b"12345678"
    DISK.close(fd)


def test_a_file_is_made_once_and_read_only_unless_asked(tmp_path: Path) -> None:
    DISK.close(DISK.create(tmp_path / "f"))
    with pytest.raises(FileExistsError):
        DISK.create(tmp_path / "f")
    fd = DISK.open(tmp_path / "f")
    with pytest.raises(OSError):
        DISK.pwrite(fd, b"x", 0)
    DISK.close(fd)
    fd = DISK.open(tmp_path / "f", write=True)
    DISK.pwrite(fd, b"x", 0)
    DISK.close(fd)


def test_a_directory_is_made_with_its_parents_and_locked_once(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    fd = DISK.lock(directory)
    with pytest.raises(BlockingIOError):
        DISK.lock(directory)
    assert DISK.free_octets(fd) > 0
    DISK.close(fd)
    DISK.close(DISK.lock(directory))


def test_names_follow_renames_and_unlinks(tmp_path: Path) -> None:
    fd = DISK.lock(tmp_path)
    DISK.close(DISK.create(tmp_path / "a"))
    DISK.rename(tmp_path / "a", tmp_path / "b")
    DISK.sync_directory(fd)
    assert DISK.names(tmp_path) == ["b"]
    DISK.unlink(tmp_path / "b")
    assert DISK.names(tmp_path) == []
    DISK.close(fd)


def test_salts_differ_and_are_never_zero() -> None:
    salts = {DISK.salt() for _ in range(100)}
    assert len(salts) == 100 and 0 not in salts
