"""What recovery makes of damaged directories: a torn tail is cut, corruption stops the start.

Logs are made on a simulated disk, damaged as octets, and opened again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from smsc.errors import CorruptLog, StorageError
from smsc.journal import Journal
from smsc.journal.segment import SEGMENT_HEADER
from smsc.journal.simdisk import SimDisk

SEGMENT = 8192
FIRST = "0000000000000001.log"
SECOND = "0000000000000002.log"
THIRD = "0000000000000003.log"

Files = dict[str, bytes]


def opened(disk: SimDisk) -> tuple[Journal, list[bytes]]:
    journal = Journal(Path("log"), segment_octets=SEGMENT, disk=disk)
    heads: list[bytes] = []
    journal.replay(lambda kind, position, time_ms, head: heads.append(head))
    return journal, heads


def commit(journal: Journal, head: bytes, octets: int = 40) -> int:
    journal.begin(1000)
    position = journal.append(1, head, b"Z" * octets)
    journal.seal()
    journal.poll()
    return position


def logged(frames: int, octets: int = 40, disk: SimDisk | None = None) -> Files:
    """The files of a log of so many frames of one record each, whose process was killed."""
    disk = disk or SimDisk()
    journal, _ = opened(disk)
    for number in range(frames):
        commit(journal, b"%d" % number, octets)
    return disk.files()


def heads_of(files: Files) -> list[bytes]:
    """What is found, and found again by the start after that, with a frame in between."""
    disk = SimDisk(files)
    journal, heads = opened(disk)
    commit(journal, b"after")
    journal.close()
    disk.kill()
    again = opened(disk)[1]
    assert again == [*heads, b"after"]
    return heads


def first(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def used(data: bytes) -> int:
    """Where the last frame ends; frames are padded to multiples of 8."""
    return -(-len(data.rstrip(b"\0")) // 8) * 8


def test_a_killed_log_loses_nothing() -> None:
    assert heads_of(logged(5)) == first(5)


def test_the_tail_torn_at_every_octet() -> None:
    """Cut, and filled with zeros, ones, and octets that were a frame elsewhere."""
    whole = logged(3)
    end = used(whole[FIRST])
    start = used(logged(2)[FIRST])
    alien = logged(3, 48, SimDisk({"salts": b""}))[FIRST][SEGMENT_HEADER:]
    for cut in range(start + 1, end - 5):
        kept = whole[FIRST][:cut]
        for filler in (b"", bytes(SEGMENT - cut), b"\xff" * 700, alien):
            assert heads_of({**whole, FIRST: kept + filler}) == first(2), cut


def test_a_torn_tail_is_kept_as_evidence_and_goes_with_its_segment() -> None:
    whole = logged(3)
    end = used(whole[FIRST])
    disk = SimDisk({**whole, FIRST: whole[FIRST][: end - 20]})
    journal, heads = opened(disk)
    torn = Path("log/0000000000000001.torn")
    assert heads == first(2)
    assert journal.recovered.torn == {torn: disk_size(disk, torn)}
    assert disk_size(disk, torn) > 40
    position = commit(journal, b"new")
    assert journal.release(position >> 32) == 1
    assert torn.name not in disk.files() and FIRST not in disk.files()


def disk_size(disk: SimDisk, path: Path) -> int:
    return len(disk.files()[path.name])


def test_a_bit_flipped_anywhere_is_corruption_or_a_torn_tail_never_a_changed_message() -> None:
    """Every octet of a log of four frames; the last one is not proven, all before it are."""
    whole = logged(4)
    data = whole[FIRST]
    last = used(logged(3)[FIRST])
    chance = random.Random(5)
    for octet in range(used(data)):
        bits = range(8) if octet % 8 == 0 else [chance.randrange(8)]
        for bit in bits:
            damaged = bytearray(data)
            damaged[octet] ^= 1 << bit
            files = {**whole, FIRST: bytes(damaged)}
            if octet < last:
                with pytest.raises((CorruptLog, StorageError)):
                    heads_of(files)
            else:
                assert heads_of(files) == first(3), (octet, bit)


def test_a_seal_makes_damage_to_the_last_frame_corruption() -> None:
    disk = SimDisk()
    journal, _ = opened(disk)
    position = commit(journal, b"0")
    journal.idle(2000)
    journal.poll()
    files = disk.files()
    damaged = bytearray(files[FIRST])
    damaged[(position & 0xFFFFFFFF) + 12] ^= 1
    with pytest.raises(CorruptLog):
        opened(SimDisk({**files, FIRST: bytes(damaged)}))


def test_damage_in_an_older_segment_is_corruption_even_at_its_end() -> None:
    """Something was written after it, so that it had been durable."""
    whole = logged(30, 1000)
    data = bytearray(whole[FIRST])
    data[used(whole[FIRST]) - 30] ^= 1
    with pytest.raises(CorruptLog) as caught:
        opened(SimDisk({**whole, FIRST: bytes(data)}))
    assert caught.value.file.endswith(FIRST)


@pytest.mark.parametrize("octets", [512, 4096])
def test_a_hole_of_zeros_names_its_place_and_what_to_do(octets: int) -> None:
    whole = logged(12, 500)
    data = bytearray(whole[FIRST])
    data[1024 : 1024 + octets] = bytes(octets)
    with pytest.raises(CorruptLog) as caught:
        opened(SimDisk({**whole, FIRST: bytes(data)}))
    error = caught.value
    assert error.file.endswith(FIRST) and error.frame == 2
    assert error.offset < 1024
    assert "salvage" in str(error) and "copy of the whole directory" in str(error)


def without_the_second(files: Files) -> Files:
    return {name: data for name, data in files.items() if name != SECOND}


def with_the_second_twice(files: Files) -> Files:
    return {**files, "0000000000000009.log": files[SECOND]}


def with_two_swapped(files: Files) -> Files:
    return {**files, SECOND: files[THIRD], THIRD: files[SECOND]}


def with_the_second_empty(files: Files) -> Files:
    return {**files, SECOND: files[SECOND][:SEGMENT_HEADER] + bytes(SEGMENT - SEGMENT_HEADER)}


def with_the_second_cut_short(files: Files) -> Files:
    return {**files, SECOND: files[SECOND][: SEGMENT // 4]}


def with_the_second_as_the_first(files: Files) -> Files:
    return {**files, FIRST: files[SECOND]}


def with_a_header_cut(files: Files) -> Files:
    return {**files, SECOND: files[SECOND][:30]}


@pytest.mark.parametrize(
    "damage",
    [
        without_the_second,
        with_the_second_twice,
        with_two_swapped,
        with_the_second_empty,
        with_the_second_cut_short,
        with_the_second_as_the_first,
        with_a_header_cut,
    ],
)
def test_segments_missing_doubled_swapped_or_cut_stop_the_start(
    damage: Callable[[Files], Files],
) -> None:
    files = logged(30, 1000)
    assert heads_of(files) == first(30)
    before = damage(files)
    disk = SimDisk(before)
    with pytest.raises(CorruptLog):
        opened(disk)
    disk.kill()
    assert disk.files() == before, "nothing was destroyed"


def test_a_segment_of_a_newer_format_is_refused_by_name() -> None:
    from smsc.journal._frame import crc32c

    files = logged(1)
    header = bytearray(files[FIRST][:60])
    header[8] = 3
    newer = bytes(header) + crc32c(bytes(header)).to_bytes(4, "little")
    with pytest.raises(StorageError, match="version 3"):
        opened(SimDisk({**files, FIRST: newer + files[FIRST][64:]}))


def test_another_partitions_log_is_refused() -> None:
    with pytest.raises(StorageError, match="partition 0"):
        Journal(Path("log"), partition=3, disk=SimDisk(logged(1)))


def test_temporary_files_are_no_part_of_the_log() -> None:
    disk = SimDisk({**logged(2), "0000000000000007.tmp": b"half a segment"})
    assert opened(disk)[1] == first(2)
    assert "0000000000000007.tmp" not in disk.files()


def test_other_files_are_left_alone() -> None:
    disk = SimDisk({**logged(2), "README": b"hello"})
    opened(disk)
    assert disk.files()["README"] == b"hello"


def test_recovery_reports_what_it_found() -> None:
    disk = SimDisk(logged(4))
    journal, _ = opened(disk)
    report = journal.recovered
    assert (report.frames, report.records, report.clean, report.torn) == (4, 4, False, {})
    journal.close()
    disk.kill()
    assert opened(disk)[0].recovered.clean


def test_starts_that_write_nothing_leave_no_growing_heap() -> None:
    """A crash loop must not fill the disk with prepared segments."""
    disk = SimDisk(logged(2))
    sizes = []
    for _ in range(6):
        opened(disk)
        disk.kill()
        sizes.append(sum(map(len, disk.files().values())))
    assert opened(disk)[1] == first(2)
    assert sizes[-1] - sizes[-2] <= SEGMENT


def test_the_copy_of_the_tail_survives_the_loss_of_the_original() -> None:
    """What was applied out of the page cache stays, though the disk never had it there."""
    whole = logged(3)
    tail_start = used(logged(2)[FIRST])
    disk = SimDisk(whole)
    assert opened(disk)[1] == first(3)
    disk.kill()
    files = disk.files()
    lost = files[FIRST][: tail_start + 8] + bytes(SEGMENT - tail_start - 8)
    assert heads_of({**files, FIRST: lost}) == first(3)


def test_damage_before_a_copy_is_corruption_still() -> None:
    disk = SimDisk(logged(4))
    journal, _ = opened(disk)
    commit(journal, b"4")
    files = disk.files()
    start_of_second = used(logged(1)[FIRST]) + 8
    cut = files[FIRST][:start_of_second] + bytes(SEGMENT - start_of_second)
    with pytest.raises(CorruptLog) as caught:
        opened(SimDisk({**files, FIRST: cut}))
    assert "frames 2 to 3" in str(caught.value)
