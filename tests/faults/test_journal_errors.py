"""Errors of the disk at the N-th call, for every N (the loop is SQLite's).

Whatever fails, once or for good: the log either goes on and keeps every promise, or is dead and
makes none; and the next start, on a sound disk, finds what was reported.
"""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path

import pytest
from test_journal_crash import LOG, SEGMENT, Told, judge, run

from smsc.errors import StorageError
from smsc.journal import Journal
from smsc.journal.simdisk import SimDisk, crashes

pytestmark = pytest.mark.faults


class Fault:
    """Raises ``code`` at call number ``at``, and at every later one if ``lasting``."""

    def __init__(self, at: int, code: int, *, lasting: bool) -> None:
        self.at = at
        self.code = code
        self.lasting = lasting
        self.calls = 0
        self.struck = False

    def __call__(self, call: str) -> None:
        self.calls += 1
        if self.calls == self.at or (self.lasting and self.calls > self.at):
            self.struck = True
            raise OSError(self.code, f"simulated at {call}")


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EMFILE], ids=errno.errorcode.get)
def test_an_error_at_every_call(code: int, lasting: bool) -> None:
    at, struck = 1, True
    while struck:
        disk, told = SimDisk(), Told()
        disk.fault = fault = Fault(at, code, lasting=lasting)
        with suppress(StorageError):
            run(disk, told)
        struck = fault.struck
        disk.fault = lambda call: None
        disk.kill()
        durable, released = told.durable[-1][1], told.released[-1][1]
        left = [disk.files(), *(crashes(disk.history, seed=at) if at % 5 == 0 else ())]
        for files in left:
            assert judge(SimDisk(files), durable, released, told.sealed) == "", at
        at += 1
    assert at > 80, "the loop ended before the workload did"


@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
def test_after_the_first_error_nothing_is_promised_any_more(call: str) -> None:
    disk = SimDisk()
    journal = Journal(LOG, segment_octets=SEGMENT, disk=disk)
    journal.replay(lambda *record: None)
    journal.begin(1)
    position = journal.append(1, b"kept")
    journal.seal()
    assert journal.poll() == 1

    def fail(name: str) -> None:
        if name == call:
            raise OSError(errno.EIO, "Input/output error")

    disk.fault = fail
    journal.begin(2)
    journal.append(1, b"lost")
    journal.seal()
    with pytest.raises(StorageError, match=call):
        journal.poll()
    disk.fault = lambda name: None
    assert journal.failed is not None and journal.durable == 1
    for attempt in (
        journal.poll,
        journal.seal,
        lambda: journal.begin(3),
        lambda: journal.append(1, b""),
        lambda: journal.release(9),
        lambda: journal.idle(3),
    ):
        with pytest.raises(StorageError):
            attempt()
    before = len(disk.history)
    assert journal.read(position) == (1, b"kept", b""), "what is durable can still be read"
    journal.close()
    assert len(disk.history) == before, "a dead log touches nothing"


def test_a_full_disk_stops_admission_and_not_completion() -> None:
    """The segment in use was filled ahead, so that no write into it can want space."""
    disk = SimDisk(capacity=5 * SEGMENT)
    journal = Journal(Path("log"), segment_octets=SEGMENT, disk=disk)
    journal.replay(lambda *record: None)
    assert journal.room
    number = 0
    while journal.room:
        number = commit(journal, number + 1)
    segments = [name for name in disk.files() if name.endswith(".log")]
    assert len(segments) >= 3
    for _ in range(5):
        number = commit(journal, number + 1)
    assert not journal.room
    journal.release(9)
    journal.poll()
    assert journal.room
    commit(journal, number + 1)


def test_a_disk_that_stays_full_ends_the_log_when_the_last_segment_is_full() -> None:
    disk = SimDisk(capacity=3 * SEGMENT)
    journal = Journal(Path("log"), segment_octets=SEGMENT, disk=disk)
    journal.replay(lambda *record: None)
    durable = 0
    with pytest.raises(StorageError, match="next segment"):
        while True:
            durable = commit(journal, durable + 1)
    journal.close()
    disk.kill()
    again = Journal(Path("log"), segment_octets=SEGMENT, disk=disk)
    disk.capacity = 9 * SEGMENT
    again.replay(lambda *record: None)
    assert again.durable == durable


def commit(journal: Journal, number: int) -> int:
    journal.begin(number)
    journal.append(1, b"", bytes(500))
    assert journal.seal() == number
    assert journal.poll() == number
    return number
