"""``Journal`` on the real disk: what only the operating system can show."""

from __future__ import annotations

import multiprocessing
import os
import select
from pathlib import Path

import pytest

from smsc.errors import CorruptLog, StorageError
from smsc.journal import Journal
from smsc.journal.log import FRAME_OCTETS

SEGMENT = 256 * 1024


def opened(directory: Path, **options: int) -> Journal:
    journal = Journal(directory, force_filesystem=True, **{"segment_octets": SEGMENT, **options})
    journal.replay(lambda *record: None)
    return journal


def commit(journal: Journal, body: bytes = b"body") -> int:
    journal.begin(1000)
    position = journal.append(1, b"head", body)
    journal.seal()
    journal.settle()
    return position


def test_a_second_opener_is_refused_in_the_same_process(tmp_path: Path) -> None:
    with_it = opened(tmp_path)
    with pytest.raises(StorageError, match="another process"):
        Journal(tmp_path, force_filesystem=True)
    with_it.close()
    opened(tmp_path).close()


def _try_to_open(directory: Path, answer: multiprocessing.connection.Connection) -> None:
    try:
        Journal(directory, force_filesystem=True)
        answer.send("opened")
    except StorageError as error:
        answer.send(str(error))


def test_a_second_opener_is_refused_in_another_process(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_try_to_open, args=(tmp_path, theirs))
    process.start()
    assert "another process" in ours.recv()
    process.join()
    journal.close()


def test_the_directory_is_made_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    opened(tmp_path / "deep" / "log").close()
    assert (tmp_path / "deep" / "log").stat().st_mode & 0o777 == 0o700
    segment = next((tmp_path / "deep" / "log").glob("*.log"))
    assert segment.stat().st_mode & 0o777 == 0o600


def test_a_segment_that_is_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0000000000000001.log").symlink_to("/etc/hostname")
    with pytest.raises(StorageError):
        Journal(tmp_path, force_filesystem=True)


def test_news_come_by_the_descriptor(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    assert not select.select([journal.fileno()], [], [], 0)[0]
    journal.begin(1)
    number = journal.seal()
    assert select.select([journal.fileno()], [], [], 10)[0]
    assert journal.poll() == number
    assert not select.select([journal.fileno()], [], [], 0)[0]
    journal.close()


def test_a_frame_on_disk_is_what_was_appended(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    position = commit(journal, b"0123456789" * 30)
    data = (tmp_path / "0000000000000001.log").read_bytes()
    assert len(data) == SEGMENT, "filled ahead"
    offset = position & 0xFFFFFFFF
    assert data[offset + 14 :].startswith(b"0123456789" * 30)
    journal.close()
    assert (tmp_path / "0000000000000001.log").stat().st_size < SEGMENT, "trimmed at the end"


def test_records_of_all_sizes_are_read_back_from_disk(tmp_path: Path) -> None:
    journal = opened(tmp_path, segment_octets=8 * 1024 * 1024)
    sizes = [0, 1, 7, 8, 497, 498, 499, 511, 512, 513, 4096, 65_535, 150_000]
    positions = [commit(journal, bytes([n]) * size) for n, size in enumerate(sizes)]
    for n, (position, size) in enumerate(zip(positions, sizes, strict=True)):
        assert journal.read(position) == (1, b"head", bytes([n]) * size)
    journal.close()


def test_a_position_that_is_no_record_is_told(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    position = commit(journal)
    for wrong in (position + 8, position - 8, (position >> 32) << 32, position + (1 << 30)):
        with pytest.raises(CorruptLog):
            journal.read(wrong)
    journal.close()


def test_a_bit_flipped_under_a_running_log_never_reaches_anybody(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    position = commit(journal, b"a text")
    with open(tmp_path / "0000000000000001.log", "r+b") as file:
        file.seek((position & 0xFFFFFFFF) + 15)
        octet = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([octet ^ 4]))
    with pytest.raises(CorruptLog, match="0000000000000001"):
        journal.read(position)
    journal.close()


def test_only_so_many_files_are_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsc.journal.shelf.OPEN_FILES", 4)
    journal = opened(tmp_path, segment_octets=16 * 1024)
    positions = [commit(journal, bytes([n]) * 4000) for n in range(40)]
    before = len(os.listdir("/proc/self/fd"))
    for n, position in enumerate(positions):
        assert journal.read(position)[2] == bytes([n]) * 4000
        journal.begin(1)
        journal.seal()
        journal.settle()
    assert len(os.listdir("/proc/self/fd")) <= before + 5
    journal.close()


def test_nothing_stays_open_after_close(tmp_path: Path) -> None:
    opened(tmp_path).close()
    before = sorted(os.listdir("/proc/self/fd"))
    journal = opened(tmp_path)
    commit(journal)
    journal.close()
    del journal
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_release_unlinks_while_the_log_goes_on(tmp_path: Path) -> None:
    journal = opened(tmp_path, segment_octets=64 * 1024)
    last = 0
    for _ in range(40):
        last = commit(journal, bytes(8000))
    oldest = journal.oldest_segment()
    assert journal.release(last >> 32) > 3
    journal.settle()
    names = sorted(path.name for path in tmp_path.glob("*.log"))
    assert names[0] == f"{last >> 32:016x}.log" and f"{oldest:016x}.log" not in names
    journal.close()


def test_sync_times_are_counted(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    for _ in range(5):
        commit(journal)
    counts, total_us = journal.sync_histogram()
    assert sum(counts) == 5 and total_us > 0
    assert journal.stalled_us() == 0
    assert journal.fdatasync_us > 0
    assert journal.filesystem is not None and journal.filesystem.type != "unknown"
    journal.close()


def test_a_frame_is_at_most_a_quarter_of_a_segment_and_a_megabyte(tmp_path: Path) -> None:
    journal = opened(tmp_path, segment_octets=8192)
    assert journal.frame_octets == 2048
    with pytest.raises(ValueError):
        journal.begin(1)
        journal.append(1, b"", bytes(2048))
    journal.close()
    assert FRAME_OCTETS == 1024 * 1024


def test_an_apply_that_raises_leaves_the_log_to_close(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    commit(journal)
    commit(journal)
    journal.close()
    again = Journal(tmp_path, force_filesystem=True)

    def refuse(kind: int, position: int, time_ms: int, head: bytes) -> None:
        raise LookupError(kind)

    with pytest.raises(LookupError):
        again.replay(refuse)
    again.close()
    opened(tmp_path).close()
