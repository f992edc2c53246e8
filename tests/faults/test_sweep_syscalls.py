"""The real ``smsc sweep`` in a process of its own, killed at its N-th system call.

Whatever the call was: what is open, owed or held can still be read, and the next sweep leaves
nothing that was due.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_journal_syscalls import needs_strace

from smsc.months import mend
from tests.serving import CONFIG, HASH
from tests.test_sweeper import ALL, CLOSED, DAY, LATER, Site, months

pytestmark = pytest.mark.faults

CALLS = ["write", "pwrite64", "fsync", "fdatasync", "link", "rename", "unlink", "unlinkat", "rmdir"]
KILLED_AT = [1, 2, 4, 8, 16]


def sweep(directory: Path, *wrapper: str) -> int:
    command = [sys.executable, "-m", "smsc", "sweep", "--clock-is-right"]
    done = subprocess.run(
        [*wrapper, *command, "--config", str(directory / "smsc.yaml")],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=120,
    )
    return done.returncode


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three customers; the September of two is closed, and its days are over."""
    directory = tmp_path_factory.mktemp("filled")
    site = Site(directory)
    site.fill()
    for customer in (b"C-1", b"C-2"):
        site.facts.close(customer, "2026-09", CLOSED - 100 * DAY)
    return directory


@needs_strace
@pytest.mark.parametrize("call", CALLS)
def test_killed_at_every_call(call: str, filled: Path, tmp_path: Path) -> None:
    for when in KILLED_AT:
        directory = tmp_path / str(when)
        shutil.copytree(filled, directory)
        text = CONFIG.format(hash=HASH, port=1, directory=directory, accounts="false")
        (directory / "smsc.yaml").write_text(text)
        inject = f"inject={call}:signal=KILL:when={when}"
        wrapper = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject)
        status = sweep(directory, *wrapper)
        site = Site(directory)
        mend(Path(site.config.traffic.directory))
        known = site.readable()
        assert known[b"C-3"] == ALL[b"C-3"] and known[b"C-1"] >= LATER
        assert site.sweep().put_off == []
        assert site.readable() == {b"C-1": LATER, b"C-3": ALL[b"C-3"]}
        assert months(site) == ["2026-09", "2026-10"]
        assert site.audit.verify().problems == []
        shutil.rmtree(directory)
        if status == 0:
            return
