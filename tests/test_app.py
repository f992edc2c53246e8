"""The whole process, from start to stop, and from stop to start."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from smsc.app import App
from smsc.errors import ConfigError, StorageError
from smsc.journal import inspect
from smsc.keys import keyring
from smsc.sim.profile import Profile
from smsc.traffic import periods, read
from tests.serving import configuration, get, serving, submit

MESSAGES = 20

Use = Callable[[App], Awaitable[None]]


def run(directory: Path, use: Use, profile: Profile | None = None) -> App:
    """Use a server and stop it; it may be asked afterwards."""

    async def run() -> App:
        async with serving(directory, profile) as app:
            await use(app)
        return app

    return uvloop.run(run())


async def nothing(app: App) -> None:
    pass


async def until(true: Callable[[], bool]) -> None:
    """Let the server work until this is so."""
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0)


def refused(port: int) -> bool:
    with socket.socket() as talk:
        return talk.connect_ex(("127.0.0.1", port)) != 0


def sound(directory: Path) -> bool:
    return not inspect.verify(directory).problems


# -- start and stop ------------------------------------------------------------------------------


def test_a_server_that_has_started_is_open(tmp_path: Path) -> None:
    async def use(app: App) -> None:
        assert set(app.ports()) == {"main", "metrics"}
        assert not any(refused(port) for port in app.ports().values())
        assert app.ready_at > 0 and app.recovery_ms >= 0
        assert (await get(app, "/readyz")).status == 200

    run(tmp_path, use)


def test_a_thread_that_computes_gives_way_to_the_loop_soon(tmp_path: Path) -> None:
    sys.setswitchinterval(0.005)

    async def use(app: App) -> None:
        assert sys.getswitchinterval() < 0.001

    run(tmp_path, use)


def test_nothing_is_open_before_the_start_nor_after_the_stop(tmp_path: Path) -> None:
    ports: list[int] = []

    async def life() -> None:
        app = App(configuration(tmp_path))
        assert app.ready_at == 0
        with pytest.raises(AssertionError):
            app.ports()
        await app.start()
        ports.extend(app.ports().values())
        await app.stop()
        assert all(refused(port) for port in ports)

    uvloop.run(life())
    assert len(ports) == 2


def test_a_stop_leaves_a_sound_log_and_lets_go_of_it(tmp_path: Path) -> None:
    run(tmp_path, nothing)
    assert sound(tmp_path / "journal")
    app = run(tmp_path, nothing)
    assert app.log.epoch == 2
    assert app.core.state.epoch == 2
    assert not app.log.recovered.torn, "the end was a clean one"


def test_two_servers_do_not_share_a_log(tmp_path: Path) -> None:
    async def use(app: App) -> None:
        with pytest.raises((StorageError, ConfigError)):
            App(configuration(tmp_path))

    run(tmp_path, use)


def test_what_came_is_carried_told_and_recorded(tmp_path: Path) -> None:
    async def use(app: App) -> None:
        result = await submit(app, MESSAGES)
        assert result.passed

    run(tmp_path, use, Profile())
    assert ids(tmp_path) == MESSAGES


def ids(directory: Path) -> int:
    """Messages in the traffic log, each of which is there once."""
    found: Counter[int] = Counter()
    keys = keyring(configuration(directory), read_only=True)
    for period in periods(directory / "traffic"):
        records = inspect.records(directory / "traffic" / period)
        found.update(fields["id"] for fields in read(records, keys))
    assert set(found.values()) <= {1}
    return len(found)


def test_what_is_owed_outlives_a_restart(tmp_path: Path) -> None:
    async def use(app: App) -> None:
        client = asyncio.ensure_future(submit(app, MESSAGES))
        await until(lambda: len(app.core.state.spool) == MESSAGES)
        await app.commit.drain()
        client.cancel()
        await asyncio.gather(client, return_exceptions=True)

    run(tmp_path, use)

    async def again(app: App) -> None:
        # Some may have ended already: the carrier is up as soon as the server is.
        await until(lambda: not len(app.core.state.spool))

    run(tmp_path, again, Profile())
    assert ids(tmp_path) == MESSAGES


# -- the log dies --------------------------------------------------------------------------------


def test_a_dead_log_is_told_once_and_answers_nobody(tmp_path: Path) -> None:
    first, second = StorageError("fdatasync: no device"), StorageError("and again")

    async def use(app: App) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", app.ports()["main"])
        await until(lambda: app.lobby.waiting == 1)
        app._on_failure(first)
        app._on_failure(second)
        assert app.failed.result() is first
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b"", "no answer"
        writer.close()
        assert (await get(app, "/healthz")).status == 503

    run(tmp_path, use)


@pytest.mark.parametrize(
    ("stalled_ms", "told", "slow", "paused"),
    [
        (99, False, False, False),
        (100, True, False, False),
        (500, True, True, False),
        (2_000, True, True, True),
    ],
)
def test_a_sync_that_takes_long_is_heeded(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    stalled_ms: int,
    told: bool,
    slow: bool,
    paused: bool,
) -> None:
    async def use(app: App) -> None:
        app.log.stalled_us = lambda: stalled_ms * 1_000  # type: ignore[method-assign]
        app._heed_disk()
        app._heed_disk()
        assert (app.core.slow, app.commit.congested) == (slow, paused)
        app.log.stalled_us = lambda: 0  # type: ignore[method-assign]
        app._heed_disk()
        assert not app.core.slow and not app.commit.congested

    run(tmp_path, use)
    assert caplog.text.count("has been under way") == told, "once, however often it is looked at"
