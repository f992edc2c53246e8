"""The committer thread, on real descriptors, good ones and bad ones."""

from __future__ import annotations

import errno
import gc
import os
import select
from pathlib import Path

from smsc.journal._committer import Committer
from smsc.journal._frame import Appender, Frame


def frame(body: bytes = b"body", offset: int = 0) -> Frame:
    maker = Appender(0, 1 << 20)
    built = Frame()
    built.start(1, offset, 42, 1, 0)
    maker.open_frame = built
    maker.append(1, b"", body)
    built.finish(0, 1, 0)
    return built


def until(committer: Committer, frames: int) -> int:
    done = 0
    while done < frames and committer.error is None:
        assert select.select([committer.fileno()], [], [], 10)[0], "no news"
        done += committer.take()
    return done


def test_frames_are_written_whole_at_their_offset_and_counted(tmp_path: Path) -> None:
    committer = Committer()
    fd = os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT)
    frames = [frame(b"x" * 100_000, 64)]
    frames.append(frame(b"y" * 300, 64 + frames[0].octets))
    for one in frames:
        committer.submit(one, fd)
    assert until(committer, 2) == 2
    assert os.pread(fd, 1 << 20, 64) == bytes(frames[0]) + bytes(frames[1])
    counts, total_us = committer.histogram()
    assert sum(counts) == 2 and total_us > 0
    assert committer.busy_us() == 0
    committer.stop()
    os.close(fd)


def test_wait_returns_when_all_is_durable(tmp_path: Path) -> None:
    committer = Committer()
    fd = os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT)
    for n in range(10):
        committer.submit(frame(offset=n * 1000), fd)
    committer.wait()
    assert committer.take() == 10
    committer.stop()
    os.close(fd)


def test_a_failed_write_is_the_last_thing_it_does(tmp_path: Path) -> None:
    committer = Committer()
    full = os.open("/dev/full", os.O_RDWR)
    good = os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT)
    committer.submit(frame(), full)
    committer.submit(frame(), good)
    committer.wait()
    assert committer.error == (errno.ENOSPC, "pwrite")
    assert select.select([committer.fileno()], [], [], 10)[0], "a failure is news"
    assert committer.take() == 0
    committer.stop()
    assert os.fstat(good).st_size == 0, "the frame behind the failed one was not written"
    os.close(full)
    os.close(good)


def test_a_failed_sync_is_told_by_name() -> None:
    committer = Committer()
    fd = os.open("/dev/null", os.O_RDWR)
    committer.submit(frame(), fd)
    committer.wait()
    assert committer.error == (errno.EINVAL, "fdatasync")
    committer.stop()
    os.close(fd)


def test_frames_live_as_long_as_the_thread_may_read_them(tmp_path: Path) -> None:
    committer = Committer()
    fd = os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT)
    for n in range(200):
        committer.submit(frame(bytes([n]) * 5000, n * 8192), fd)
    gc.collect()
    committer.wait()
    for n in range(200):
        assert os.pread(fd, 5000, n * 8192 + 56 + 10) == bytes([n]) * 5000
    committer.stop()
    os.close(fd)


def test_it_can_be_dropped_at_work(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT)
    committer = Committer()
    for n in range(50):
        committer.submit(frame(bytes(100_000), n * 131_072), fd)
    del committer
    os.close(fd)


def test_stop_may_be_repeated() -> None:
    committer = Committer()
    committer.stop()
    committer.stop()
