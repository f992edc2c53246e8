"""Space: a full disk is noticed, waited for in the background, and told when it is over."""

from __future__ import annotations

import select
from pathlib import Path

import pytest

from smsc.journal import Journal, RealDisk

SEGMENT = 16 * 1024


class Filling(RealDisk):
    """A real disk that says it is full as long as a test wants."""

    full = False

    def free_octets(self, directory_fd: int) -> int:
        return 0 if self.full else 1 << 40


def test_a_disk_with_space_again_is_noticed_without_being_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsc.journal.shelf.RETRY_S", 0.01)
    disk = Filling()
    journal = Journal(tmp_path, segment_octets=SEGMENT, disk=disk, force_filesystem=True)
    disk.full = True
    journal.replay(lambda *record: None)
    journal.settle()
    assert not journal.room
    disk.full = False
    assert select.select([journal.fileno()], [], [], 10)[0], "nobody looked again"
    journal.poll()
    assert journal.room
    journal.close()


def test_a_look_at_a_full_disk_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsc.journal.shelf.RETRY_S", 0.01)
    disk = Filling()
    journal = Journal(tmp_path, segment_octets=SEGMENT, disk=disk, force_filesystem=True)
    disk.full = True
    journal.replay(lambda *record: None)
    for _ in range(3):
        assert select.select([journal.fileno()], [], [], 10)[0]
        journal.poll()
        assert not journal.room
    journal.close()


def test_octets_follow_the_segments(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_octets=SEGMENT, force_filesystem=True)
    journal.replay(lambda *record: None)
    assert journal.octets == SEGMENT
    positions = []
    for _ in range(3):
        journal.begin(1)
        positions.append(journal.append(1, b""))
        journal.seal()
        journal.settle()
        journal.rotate()
    assert journal.octets == 3 * SEGMENT
    journal.release(positions[-1] >> 32)
    assert journal.octets == SEGMENT
    journal.close()
