"""The real log in a process of its own, killed or failed at its N-th system call.

``strace`` does both, without help from the program. Skipped where it is missing or may not trace.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from journal_child import SEGMENT, body

from smsc.journal import Journal

pytestmark = pytest.mark.faults

FRAMES = 24
CHILD = Path(__file__).with_name("journal_child.py")
CALLS = ["pwrite64", "fdatasync", "fsync", "rename", "ftruncate", "unlink"]
#: Past these the calls only repeat themselves: several segments were made and one removed.
LAST = 60
FAILED_AT = [1, 2, 3, 5, 9, 20]


def strace_works() -> bool:
    strace = shutil.which("strace")
    if strace is None:
        return False
    tried = subprocess.run([strace, "-f", "-e", "trace=none", "true"], capture_output=True)
    return tried.returncode == 0


needs_strace = pytest.mark.skipif(not strace_works(), reason="strace is missing or not allowed")


def run(directory: Path, *wrapper: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*wrapper, sys.executable, "-S", str(CHILD), str(directory), str(FRAMES)],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=60,
    )


def inject(what: str) -> tuple[str, ...]:
    calls = ",".join(CALLS)
    return ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}",
            "-e", f"inject={what}")  # fmt: skip


def check(directory: Path, told: bytes) -> None:
    """Every frame the child told is there, unchanged, with no gap behind it."""
    journal = Journal(directory, segment_octets=SEGMENT, force_filesystem=True)
    found: list[tuple[int, int]] = []
    journal.replay(lambda kind, position, time_ms, head: found.append((int(head), position)))
    for number, position in found:
        assert journal.read(position)[2] == body(number)
    journal.close()
    numbers = [number for number, _ in found]
    durable = [int(line) for line in told.split()]
    first = numbers[0] if numbers else 0
    last = numbers[-1] if numbers else -1
    assert numbers == list(range(first, last + 1))
    assert last >= max(durable, default=-1)
    assert first <= max((number for number in durable if number % 12 == 11), default=0)


@needs_strace
@pytest.mark.parametrize("call", CALLS)
def test_killed_at_every_call(call: str, tmp_path: Path) -> None:
    for when in [*range(1, 10), *range(10, LAST, 7)]:
        directory = tmp_path / str(when)
        ended = run(directory, *inject(f"{call}:signal=KILL:when={when}"))
        check(directory, ended.stdout)
        if ended.returncode == 0:
            assert when > 1, f"{call} was never called"
            return
        assert ended.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), ended.stderr


@needs_strace
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "fsync", "rename", "ftruncate"])
def test_failed_at_every_call(call: str, error: str, tmp_path: Path) -> None:
    for when in FAILED_AT:
        directory = tmp_path / str(when)
        ended = run(directory, *inject(f"{call}:error={error}:when={when}"))
        assert ended.returncode in (0, 3), ended.stderr
        check(directory, ended.stdout)
        if ended.returncode == 0 and error == "EIO":
            assert when > 1, f"{call} was never called"
            return


@needs_strace
def test_no_frame_is_told_before_its_sync_has_returned(tmp_path: Path) -> None:
    """What the simulated disk can't show: that the committer thread itself writes, then syncs."""
    trace = tmp_path / "trace"
    calls = "trace=pwrite64,fdatasync,write"
    ended = run(tmp_path / "log", "strace", "-f", "-qq", "-o", str(trace), "-e", calls)
    assert ended.returncode == 0
    lines = [line.split(maxsplit=1) for line in trace.read_text().splitlines()]
    committer = next(
        thread for thread, call in lines if call.startswith("pwrite64(") and "smsF" in call
    )
    written = synced = told = 0
    for thread, call in lines:
        if thread == committer and call.startswith("pwrite64("):
            assert written == synced, "a frame is written only after the one before is durable"
            written += 1
        elif thread == committer and "fdatasync" in call and call.endswith("= 0"):
            synced += 1
        elif call.startswith("write(1, "):
            told += 1
            assert synced >= told
    assert told == FRAMES


def test_killed_at_no_call(tmp_path: Path) -> None:
    """The child by itself does what the others are killed at."""
    ended = run(tmp_path / "log")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert [int(line) for line in ended.stdout.split()] == list(range(FRAMES))
    check(tmp_path / "log", ended.stdout)
