"""What the operator is told of a log directory, and what can be saved of a damaged one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from smsc.errors import CorruptLog, StorageError
from smsc.journal import Journal
from smsc.journal.inspect import salvage, verify

SEGMENT = 16 * 1024


def opened(directory: Path) -> tuple[Journal, list[bytes]]:
    journal = Journal(directory, segment_octets=SEGMENT, force_filesystem=True)
    heads: list[bytes] = []
    journal.replay(lambda kind, position, time_ms, head: heads.append(head))
    return journal, heads


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Twenty frames over several segments and two epochs, closed in order."""
    directory = tmp_path / "log"
    for epoch in range(2):
        journal, _ = opened(directory)
        for number in range(10):
            journal.begin(1000 * epoch + number)
            journal.append(1, b"%d" % (epoch * 10 + number), b"Z" * 2000)
            journal.append(2, b"")
            journal.seal()
            journal.settle()
        journal.close()
    return directory


def damage(path: Path, offset: int, octets: int) -> None:
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * octets)


def test_a_sound_log_has_no_problems(log: Path) -> None:
    before = {path.name: path.read_bytes() for path in log.iterdir()}
    report = verify(log)
    assert report.problems == [] and report.quarantined == []
    assert report.records == 40
    assert report.frames == 20 + 2, "and the two clean ends; a copy counts for its original"
    assert report.epochs == [1, 2]
    assert [segment.path.name for segment in report.segments] == sorted(before)
    assert {path.name: path.read_bytes() for path in log.iterdir()} == before


def test_a_running_log_can_be_verified(log: Path) -> None:
    journal, _ = opened(log)
    journal.begin(5)
    journal.append(1, b"x")
    journal.seal()
    journal.settle()
    report = verify(log)
    assert report.problems == [] and report.epochs == [1, 2, 3]
    journal.close()


def test_each_damage_is_one_problem_and_the_rest_is_still_read(log: Path) -> None:
    first, *_, last = sorted(log.glob("*.log"))
    damage(first, 3000, 8)
    damage(last, 10, 4)
    report = verify(log)
    assert len(report.problems) == 2
    assert any(first.name in problem and "frame 2" in problem for problem in report.problems)
    assert any(last.name in problem and "header" in problem for problem in report.problems)


def test_a_torn_tail_is_told_and_is_no_problem(log: Path) -> None:
    last = max(log.glob("*.log"))
    damage(last, last.stat().st_size - 20, 4)
    report = verify(log)
    assert report.problems == []
    assert report.segments[-1].torn_octets == 56, "the clean end"
    opened(log)[0].close()
    assert [path.suffix for path in verify(log).quarantined] == [".torn"]


def test_what_is_sound_is_saved_and_what_is_lost_is_counted(log: Path, tmp_path: Path) -> None:
    first = min(log.glob("*.log"))
    before = {path.name for path in log.iterdir()}
    damage(first, 3000, 8)
    with pytest.raises(CorruptLog):
        failing = Journal(log, force_filesystem=True)
        try:
            failing.replay(lambda *record: None)
        finally:
            failing.close()
    saved = salvage(log, tmp_path / "new", force_filesystem=True)
    assert saved.lost == [(2, 2)]
    assert saved.records == 38
    assert {path.name for path in log.iterdir()} == before
    journal, heads = opened(tmp_path / "new")
    assert [head for head in heads if head] == [b"%d" % n for n in range(20) if n != 1]
    assert journal.epoch == 4, "two epochs, the salvage, this one: no message id comes twice"
    journal.close()


def test_salvage_takes_the_copy_of_a_frame_and_loses_no_other(log: Path, tmp_path: Path) -> None:
    saved = salvage(log, tmp_path / "new", force_filesystem=True)
    assert (saved.lost, saved.records) == ([], 40)


def test_salvage_writes_over_no_log(log: Path, tmp_path: Path) -> None:
    shutil.copytree(log, tmp_path / "other")
    with pytest.raises(StorageError, match="already"):
        salvage(log, tmp_path / "other", force_filesystem=True)
