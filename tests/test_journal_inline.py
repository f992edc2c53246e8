"""The committer and the executor of a simulated disk, and the flag they share with ``SimLog``."""

from __future__ import annotations

import errno
import select
from pathlib import Path

import pytest

from smsc.journal._frame import Frame
from smsc.journal.inline import InlineCommitter, InlineExecutor
from smsc.journal.simdisk import SimDisk
from smsc.journal.wake import Wake


def readable(fd: int) -> bool:
    return bool(select.select([fd], [], [], 0)[0])


def test_the_flag_is_readable_while_set_whenever_its_descriptor_was_asked_for() -> None:
    early, late = Wake(), Wake()
    early.fileno()
    for wake in (early, late):
        wake.set()
        wake.set()
        assert readable(wake.fileno())
        wake.clear()
        wake.clear()
        assert not readable(wake.fileno())
        wake.close()
        wake.close()


def frame(number: int) -> Frame:
    made = Frame()
    made.start(1, number * 64, 7, number, 0)
    made.finish(0, 1, 0)
    return made


def test_frames_are_written_and_synced_when_taken_and_not_before() -> None:
    disk = SimDisk()
    fd = disk.create(Path("f"))
    committer = InlineCommitter(disk)
    for number in range(3):
        committer.submit(frame(number), fd)
    assert readable(committer.fileno())
    assert disk.size(fd) == 0
    assert committer.take() == 3
    assert not readable(committer.fileno())
    calls = [step.call for step in disk.history]
    assert calls == ["create", *["pwrite", "fdatasync"] * 3]
    committer.stop()


@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
def test_the_first_error_is_the_end(call: str) -> None:
    disk = SimDisk()
    fd = disk.create(Path("f"))
    committer = InlineCommitter(disk)

    def fail(name: str) -> None:
        if name == call:
            raise OSError(errno.EIO, "Input/output error")

    disk.fault = fail
    committer.submit(frame(1), fd)
    committer.submit(frame(2), fd)
    assert committer.take() == 0
    assert committer.error == (errno.EIO, call)
    disk.fault = lambda name: None
    before = len(disk.history)
    assert committer.take() == 0
    assert len(disk.history) == before
    committer.stop()


def test_an_executor_keeps_results_and_errors() -> None:
    executor = InlineExecutor()
    assert executor.submit(divmod, 7, 2).result() == (3, 1)
    assert isinstance(executor.submit(divmod, 7, 0).exception(), ZeroDivisionError)
    executor.shutdown()
