"""HTTP for operators, over a real socket, of a real server."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from smsc.app import App
from smsc.errors import StorageError
from smsc.journal import RealDisk
from smsc.ops import Ops
from tests.serving import Answer, configuration, get, serving

UNIT = Path(__file__).parent.parent / "systemd/smsc.service"


# -- states --------------------------------------------------------------------------------------


def break_log(app: App) -> None:
    app.failed.set_result(StorageError("pwrite: no device"))


def stall_disk(app: App) -> None:
    """From now on any sync takes longer than is allowed, even the one of 0 us that is none."""
    slow = dataclasses.replace(app.config.storage.slow_sync, unready=-1)
    storage = dataclasses.replace(app.config.storage, slow_sync=slow)
    app.config = dataclasses.replace(app.config, storage=storage)


def begin_to_stop(app: App) -> None:
    app.listeners[0].stopping = True


def begin_to_start(app: App) -> None:
    app.ready_at = 0


@pytest.mark.parametrize(
    ("change", "health", "ready", "reason"),
    [
        (lambda app: None, 200, 200, "ok"),
        (break_log, 503, 503, "the log is dead"),
        (stall_disk, 200, 503, "the disk does not answer"),
        (begin_to_stop, 200, 503, "stopping"),
        (begin_to_start, 200, 503, "starting"),
    ],
)
def test_health_and_readiness(
    tmp_path: Path, change: Callable[[App], None], health: int, ready: int, reason: str
) -> None:
    async def run() -> tuple[Answer, Answer]:
        async with serving(tmp_path) as app:
            change(app)
            return await get(app, "/healthz"), await get(app, "/readyz")

    healthz, readyz = uvloop.run(run())
    assert healthz.status == health
    assert (readyz.status, readyz.text) == (ready, reason + "\n")


def test_a_full_disk_is_alive_and_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RealDisk, "free_octets", lambda disk, directory: 0)

    async def run() -> tuple[Answer, Answer]:
        async with serving(tmp_path) as app:
            return await get(app, "/healthz"), await get(app, "/readyz")

    healthz, readyz = uvloop.run(run())
    assert healthz.status == 200
    assert (readyz.status, readyz.text) == (503, "the disk is full\n")


# -- paths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "accounts", "status"),
    [
        ("/metrics", False, 200),
        ("/metrics/accounts", False, 404),
        ("/metrics/accounts", True, 200),
        ("/", False, 404),
    ],
)
def test_series_per_account_only_where_configured(
    tmp_path: Path, path: str, accounts: bool, status: int
) -> None:
    async def run() -> Answer:
        async with serving(tmp_path, accounts=accounts) as app:
            return await get(app, path)

    assert uvloop.run(run()).status == status


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "text/plain; version="),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text; version="),
    ],
)
def test_the_exposition_is_as_asked(tmp_path: Path, accept: str, kind: str) -> None:
    async def run() -> Answer:
        async with serving(tmp_path) as app:
            return await get(app, "/metrics", accept)

    assert uvloop.run(run()).kind.startswith(kind)


# -- life ----------------------------------------------------------------------------------------


def alone(tmp_path: Path, use: Callable[[App, Ops], Awaitable[None]], port: int = 0) -> None:
    """An Ops of a server that was never started."""

    async def run() -> None:
        app = App(configuration(tmp_path))
        metrics = dataclasses.replace(app.config.metrics, port=port)
        app.config = dataclasses.replace(app.config, metrics=metrics)
        try:
            await use(app, app.ops)
        finally:
            await app.ops.stop()
            app.authenticator.close()
            app.commit.close()
            app.traffic.close()
            app.log.close()

    uvloop.run(run())


def test_the_port_is_free_again_after_a_stop(tmp_path: Path) -> None:
    async def use(app: App, ops: Ops) -> None:
        await ops.start()
        port = ops.port
        assert (await get(app, "/healthz")).status == 200
        await ops.stop()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)

    alone(tmp_path, use)


def test_a_taken_port_stops_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:

        async def use(app: App, ops: Ops) -> None:
            with pytest.raises(OSError, match="[Aa]ddress"):
                await ops.start()

        alone(tmp_path, use, taken.getsockname()[1])


def test_signals_stay_with_the_process(tmp_path: Path) -> None:
    async def use(app: App, ops: Ops) -> None:
        before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        await ops.start()
        await get(app, "/healthz")
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before

    alone(tmp_path, use)


# -- systemd -------------------------------------------------------------------------------------


def test_systemd_is_told_of_ready_alive_and_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(address))
    monkeypatch.setenv("WATCHDOG_USEC", "30000")

    words: list[bytes] = []

    async def run(told: socket.socket) -> None:
        alive = asyncio.Event()

        def hear() -> None:
            words.append(told.recv(100))
            if words.count(b"WATCHDOG=1") == 3:
                alive.set()

        asyncio.get_running_loop().add_reader(told, hear)
        async with serving(tmp_path):
            await asyncio.wait_for(alive.wait(), 30)
        asyncio.get_running_loop().remove_reader(told)

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(address))
        told.setblocking(False)
        uvloop.run(run(told))
    assert words[0] == b"READY=1"
    assert words[3:].count(b"STOPPING=1") == 1
    assert set(words[1:]) == {b"WATCHDOG=1", b"STOPPING=1"}


needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SYSTEMD_PAGER": "", "SYSTEMD_LOG_TARGET": "console"}
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, env=environment
    )


@needs_systemd
def test_the_unit_is_sound(tmp_path: Path) -> None:
    unit = tmp_path / "smsc.service"
    unit.write_text(UNIT.read_text().replace("/opt/smsc/bin/smsc", sys.executable))
    checked = analyze("verify", "--man=no", str(unit))
    assert (checked.returncode, checked.stderr) == (0, "")


@needs_systemd
def test_the_unit_leaves_little_open() -> None:
    checked = analyze("security", "--offline=true", "--threshold=15", "--no-pager", str(UNIT))
    assert checked.returncode == 0, checked.stdout[-300:]


def test_who_asked_is_written_down(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as app:
            await get(app, "/healthz")
            await get(app, "/nothing?here=1")

    asyncio.run(main())
    [day] = (tmp_path / "retention" / "access").iterdir()
    lines = [json.loads(line) for line in day.read_text().splitlines()]
    assert [(line["fetched"], line["status"]) for line in lines] == [
        ("GET /healthz", 200),
        ("GET /nothing?here=1", 404),
    ]
    assert all(line["address"] == "127.0.0.1" for line in lines)
