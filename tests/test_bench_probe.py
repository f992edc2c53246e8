"""The probe itself: what it sends by the clock comes back, with what went on meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from bench import limit
from bench.probe import Sample
from smsc.sim.process import Process, module


def written(file: Path) -> bool:
    """Whether the disk was written to on behalf of a message."""
    return file.exists() and file.read_bytes()[:1] not in (b"", b"\0")


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_every_message_is_answered_and_told(tmp_path: Path) -> None:
    with Process("limit", tmp_path, str(limit.built())) as peer:
        port = str(peer.ports["main"])
        told = tmp_path / "told.json"
        probe = module("bench.probe", port, port, str(os.getpid()), str(told))
        child = subprocess.Popen(probe)
        try:
            while not written(tmp_path / "told.json.disk"):
                assert child.poll() is None
            child.send_signal(signal.SIGTERM)
            assert child.wait(timeout=60) == 0
        finally:
            child.kill()
            child.wait()
    samples = [Sample(*one) for one in json.loads(told.read_text())]
    assert samples
    assert all(one.ms > 0 and one.control_ms > 0 for one in samples)
    assert [one.at for one in samples] == sorted(one.at for one in samples)
