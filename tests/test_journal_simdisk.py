"""The model of a disk: what is synced stays, what is not may go in pieces."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from smsc.journal.simdisk import SECTOR, SimDisk, crashes

A, B = Path("log/a"), Path("log/b")


def named(disk: SimDisk, data: bytes = b"") -> int:
    """A file whose name and octets are safe."""
    fd = disk.create(A)
    disk.pwrite(fd, data, 0)
    disk.fdatasync(fd)
    disk.sync_directory(0)
    return fd


def states(disk: SimDisk) -> list[dict[str, bytes]]:
    return list(crashes(disk.history))


def test_what_is_synced_stays() -> None:
    disk = SimDisk()
    named(disk, b"safe")
    assert states(disk) == [{"a": b"safe"}]


def test_octets_that_were_not_synced_may_go_and_so_may_the_size() -> None:
    disk = SimDisk()
    fd = named(disk, b"safe")
    disk.pwrite(fd, b"new", 4)
    assert sorted(state["a"] for state in states(disk)) == [b"safe", b"safe\0\0\0", b"safenew"]


def test_a_write_is_torn_at_sectors_in_any_order() -> None:
    disk = SimDisk()
    fd = named(disk, bytes(2 * SECTOR))
    disk.pwrite(fd, b"x" * 2 * SECTOR, 0)
    old, new = bytes(SECTOR), b"x" * SECTOR
    assert {state["a"] for state in states(disk)} == {old + old, old + new, new + old, new + new}


def test_a_name_that_was_not_synced_may_go_though_its_octets_are_safe() -> None:
    disk = SimDisk()
    fd = disk.create(A)
    disk.pwrite(fd, b"octets", 0)
    disk.fdatasync(fd)
    assert {"a": b"octets"} in states(disk) and {} in states(disk)


def test_a_rename_moves_whole_or_not_at_all() -> None:
    disk = SimDisk()
    named(disk, b"x")
    disk.rename(A, B)
    assert sorted(map(str, states(disk))) == ["{'a': b'x'}", "{'b': b'x'}"]


def test_unlinks_may_be_on_disk_in_any_order() -> None:
    disk = SimDisk({"a": b"1", "b": b"2"})
    disk.unlink(A)
    disk.unlink(B)
    assert {tuple(state) for state in states(disk)} == {(), ("a",), ("b",), ("a", "b")}


def test_a_truncate_that_was_not_synced_may_be_undone() -> None:
    disk = SimDisk()
    fd = named(disk, b"long")
    disk.truncate(fd, 1)
    assert {state["a"] for state in states(disk)} == {b"long", b"l"}


def test_the_page_cache_shows_everything() -> None:
    disk = SimDisk()
    fd = disk.create(A)
    disk.pwrite(fd, b"octets", 3)
    assert disk.files() == {"a": b"\0\0\0octets"}
    assert disk.pread(fd, 4, 3) == b"octe"
    disk.kill()
    assert disk.files() == {"a": b"\0\0\0octets"}


def test_a_dishonest_disk_keeps_nothing_for_certain() -> None:
    disk = SimDisk(dishonest=frozenset({"fdatasync"}))
    named(disk, b"octets")
    assert {"a": b""} in states(disk)


def test_a_full_disk_says_so_and_has_space_again_after_an_unlink() -> None:
    disk = SimDisk(capacity=10)
    fd = disk.create(A)
    disk.pwrite(fd, bytes(10), 0)
    with pytest.raises(OSError) as caught:
        disk.pwrite(fd, b"x", 10)
    assert caught.value.errno == errno.ENOSPC
    disk.pwrite(fd, b"x", 9)
    disk.close(fd)
    disk.unlink(A)
    assert disk.free_octets(0) == 10


def test_a_history_repeats() -> None:
    def history() -> list[object]:
        disk = SimDisk()
        named(disk, disk.salt().to_bytes(8, "little"))
        return [disk.history, states(disk)]

    assert history() == history()
