"""The real server and a disk that fails, is damaged, is taken, or is full.

Whatever happens to the disk: what was acknowledged is found at the next start, and nothing is
answered of which nobody knows what became of it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import evidence
import pytest
import servers
from servers import until
from test_journal_syscalls import needs_strace

from smsc.cli import EX_IOERR
from smsc.sim.process import Process
from tests.mounts import mounted

pytestmark = pytest.mark.faults

#: Which frame from now on; the first may be the seal of a log that has nothing to do.
FAILING_AT = [2, 5, 30]


def submit(directory: Path, server: Process, messages: int, *options: str) -> dict[str, object]:
    """What a client is told that goes away when its connections do."""
    arguments = ("--messages", str(messages), "--connections", "2", *options)
    client = servers.load(directory, server.ports["main"], *arguments)
    try:
        client.wait(servers.PATIENCE * 2)
    finally:
        client.kill()
        client.wait()
    told: dict[str, object] = json.loads((directory / "load.json").read_text())
    return told


def not_lost(directory: Path) -> bool:
    """Whether a server that starts now still has all that was acknowledged."""
    with servers.serve(directory):
        pass
    return len(evidence.acknowledged(directory)) > 0 and not evidence.lost(directory)


# -- a disk that fails -----------------------------------------------------------------------------


@contextmanager
def failing(server: Process, call: str, when: int) -> Iterator[None]:
    """From now on the server's every thread fails at this call number ``when``."""
    inject = f"inject={call}:error=EIO:when={when}"
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
    tracer = subprocess.Popen([*command, "-p", str(server.pid)])
    tasks = Path(f"/proc/{server.pid}/task")
    try:
        until(
            lambda: tracer.poll() is not None or all(map(traced, tasks.iterdir())),
            "strace does not attach",
        )
        if tracer.poll() is not None:
            pytest.skip("strace may not attach to a process that runs")
        yield
    finally:
        tracer.terminate()
        tracer.wait()


def traced(task: Path) -> bool:
    return "TracerPid:\t0\n" not in (task / "status").read_text()


@needs_strace
@pytest.mark.parametrize("when", FAILING_AT)
@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
def test_a_failing_disk_ends_the_server_without_a_word(
    call: str, when: int, tmp_path: Path
) -> None:
    servers.configuration(tmp_path)
    server = servers.serve(tmp_path)
    try:
        submit(tmp_path, server, 100)
        with failing(server, call, when):
            told = submit(tmp_path, server, 0)
            until(lambda: not server.running, "it goes on with a dead log")
        assert server.stop() == EX_IOERR
    finally:
        server.kill()
    assert told["refused"] == {}, "an error answer could be a lie too"
    assert told["unknown"], "nothing was in flight"
    assert told["connections_lost"] == 2
    assert server.output().count("CRITICAL") == 1, "said once"
    assert "Traceback" not in server.output(), server.output()[-2000:]
    assert not_lost(tmp_path)


# -- a damaged log ---------------------------------------------------------------------------------


def damaged(directory: Path, log: Path, offset: int) -> subprocess.CompletedProcess[str]:
    """How a server starts when an octet of a log's first segment that is in use is another."""
    path = next(
        checked.segment.path
        for checked in evidence.segments(log)
        if checked.scan.end > offset + 100 and checked.scan.frames > 2
    )
    octets = bytearray(path.read_bytes())
    octets[offset] ^= 0xFF
    path.write_bytes(octets)
    ended = servers.refused_to_start(directory)
    assert str(path) in ended.stderr
    return ended


@pytest.mark.parametrize("log", ["journal", "traffic"])
@pytest.mark.parametrize("offset", [20, 70, 140, 700], ids=["segment", "frame", "record", "body"])
def test_damage_to_what_was_acknowledged_stops_the_start(
    log: str, offset: int, tmp_path: Path
) -> None:
    with servers.carrier(tmp_path) as carrier:
        servers.configuration(tmp_path, 0, carrier.ports["carrier"])
        with servers.serve(tmp_path) as server:
            told = submit(tmp_path, server, 200, "--window", "10", "--receipts")
            until(lambda: not evidence.owed(tmp_path / "journal"), "it is not sent")
            submit(tmp_path, server, 200, "--window", "10", "--rate", "400")
            server.kill()
    assert told["acknowledged"] == 200
    directory = tmp_path / log
    if log == "traffic":
        directory = next(directory.iterdir())
    before = {path.name for path in directory.iterdir()}
    ended = damaged(tmp_path, directory, offset)
    assert ended.returncode == EX_IOERR, ended.stderr
    assert "at octet" in ended.stderr, "where it is"
    assert "keep a copy" in ended.stderr and "salvage" in ended.stderr, "what to do about it"
    assert "Traceback" not in ended.stderr
    assert {path.name for path in directory.iterdir()} >= before, "nothing is removed"


# -- somebody else's -------------------------------------------------------------------------------


def test_a_second_server_on_the_same_directory_does_not_start(tmp_path: Path) -> None:
    servers.configuration(tmp_path)
    with servers.serve(tmp_path) as server:
        second = servers.refused_to_start(tmp_path)
        assert second.returncode == EX_IOERR
        assert "another process has this log open" in second.stderr
        assert str(tmp_path / "journal") in second.stderr
        assert submit(tmp_path, server, 10)["acknowledged"] == 10, "the first goes on"
    assert server.stop() == 0
    assert not_lost(tmp_path)


# -- a full disk -----------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for six segments."""
    directory = tmp_path / "disk"
    with mounted(directory, "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs"):
        yield directory


def fill(disk: Path, spare: int) -> Path:
    """Somebody else's file, which leaves only so many octets."""
    stranger = disk / "stranger"
    with stranger.open("wb") as file:
        file.write(bytes(shutil.disk_usage(disk).free - spare))
    return stranger


def test_a_full_disk_refuses_submits_until_there_is_space_again(
    tmp_path: Path, small_disk: Path
) -> None:
    servers.configuration(tmp_path, storage=small_disk / "journal", segment="4MiB")
    (tmp_path / "journal").symlink_to(small_disk / "journal")
    with servers.serve(tmp_path) as server:
        assert submit(tmp_path, server, 100)["refused"] == {}
        stranger = fill(small_disk, 1 << 20)
        told = submit(tmp_path, server, 40_000)
        assert set(told["refused"]) == {"ESME_RMSGQFUL"}, "a full disk is said to be one"
        assert told["acknowledged"], "the segment in use was there already"
        assert told["unknown"] == told["unanswered"] == 0
        assert server.running
        stranger.unlink()
        until(lambda: submit(tmp_path, server, 10)["refused"] == {}, "it does not notice the space")
    assert server.stop() == 0, server.output()[-2000:]
    assert not_lost(tmp_path)


def test_a_traffic_log_without_space_ends_the_server_and_no_record_is_lost(
    tmp_path: Path, small_disk: Path
) -> None:
    (tmp_path / "traffic").symlink_to(small_disk)
    archive = tmp_path / "archive"
    with servers.carrier(tmp_path) as carrier:
        servers.configuration(tmp_path, 0, carrier.ports["carrier"])
        server = servers.serve(tmp_path)
        try:
            until(lambda: len(list(small_disk.glob("*/*.log"))) == 2, "no log to be filled")
            os.kill(carrier.pid, signal.SIGSTOP)
            # Accepted while there is space, and more than the two segments take.
            told = submit(tmp_path, server, 6_000, "--text-octets", "2000")
            assert told["acknowledged"] == 6_000
            stranger = fill(small_disk, 1 << 20)
            os.kill(carrier.pid, signal.SIGCONT)
            until(lambda: not server.running, "it finishes messages without a record")
            assert server.stop() == EX_IOERR
        finally:
            server.kill()
        assert "Traceback" not in server.output(), server.output()[-2000:]
        evidence.keep(tmp_path / "journal", archive)
        refused = servers.refused_to_start(tmp_path)
        assert refused.returncode == EX_IOERR, refused.stderr
        assert "No space left" in refused.stderr
        assert "listening" not in refused.stderr, "it opens its doors on a dead log"
        stranger.unlink()
        with servers.serve(tmp_path) as server:
            until(lambda: not evidence.owed(tmp_path / "journal"), "messages are owed for ever")
        assert server.stop() == 0
        evidence.keep(tmp_path / "journal", archive)
        assert evidence.acknowledged(tmp_path)
        assert evidence.complaints(tmp_path, archive) == []
