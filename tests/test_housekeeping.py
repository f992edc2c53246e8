"""Retention in the running server: what is owed, what is lent, what operators are told."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from smsc import control, traffic
from smsc.app import App
from smsc.errors import ControlError
from smsc.facts import FileFacts
from smsc.journal import inspect
from smsc.keys import keyring
from smsc.periods import month_of
from smsc.retention import Stand
from smsc.sim.profile import Profile
from tests.serving import configuration, serving, submit

MESSAGES = 20
DAY = 86_400_000

Use = Callable[[App], Awaitable[None]]


def run(directory: Path, use: Use, profile: Profile | None = None) -> None:
    async def main() -> None:
        async with serving(directory, profile) as app:
            await use(app)

    asyncio.run(main())


async def ask(app: App, method: str, path: str, **body: Any) -> Any:
    config = app.config.control
    return await asyncio.to_thread(control.ask, config, method, path, body or None)


def stands(answer: Any) -> set[str]:
    return {verdict["stand"] for verdict in answer["verdicts"]}


def test_a_message_that_is_owed_keeps_its_period(tmp_path: Path) -> None:
    async def use(app: App) -> None:
        client = asyncio.ensure_future(submit(app, 1))
        while len(app.core.state.spool) < 1:
            await asyncio.sleep(0)
        await app.commit.drain()
        answer = await ask(app, "GET", "/retention")
        this = month_of(app.clock())
        owed = {v["period"] for v in answer["verdicts"] if v["stand"] == "owed"}
        assert owed >= {this}
        assert app.housekeeping.verdicts
        client.cancel()
        await asyncio.gather(client, return_exceptions=True)

    run(tmp_path, use)


def test_a_closed_period_is_swept_while_the_server_runs(tmp_path: Path) -> None:
    """Messages go on coming in; the keys of the month die, the month's log is rewritten."""

    async def use(app: App) -> None:
        assert (await submit(app, MESSAGES)).passed
        app.traffic.sync()
        this = month_of(app.clock())
        facts = FileFacts(Path(app.config.retention.directory) / "facts")
        facts.close(b"acme", this, app.clock() - 90 * DAY)
        dry = await ask(app, "POST", "/sweep", dry_run=True)
        assert "due" in stands(dry) and not dry["keys"]
        app.housekeeping._app.traffic.sync()
        done = await ask(app, "POST", "/sweep")
        assert {key["period"] for key in done["keys"]} == {this}
        assert done["removed"] == [this] and done["put_off"] == []
        again = await submit(app, MESSAGES)
        assert again.passed

    run(tmp_path, use, Profile())
    config = configuration(tmp_path)
    keys = keyring(config, read_only=True)
    directory = Path(config.traffic.directory)
    left = [
        fields["id"]
        for month in traffic.periods(directory)
        for fields in traffic.read(inspect.records(directory / month), keys)
    ]
    assert len(left) == len(set(left)) == MESSAGES, "those that came after"


def test_a_clock_that_leapt_deletes_nothing(tmp_path: Path) -> None:
    async def use(app: App) -> None:
        app.housekeeping.audit._clock = lambda: app.clock() - 30 * DAY
        app.housekeeping.audit.add("long ago")
        with pytest.raises(ControlError, match="the clock says 30.0 days after"):
            await ask(app, "POST", "/sweep")
        assert (await ask(app, "POST", "/sweep", clock_is_right=True))["keys"] == []

    run(tmp_path, use)


def test_keys_are_wrapped_anew_while_messages_come(tmp_path: Path) -> None:
    async def use(app: App) -> None:
        epochs = []
        for _ in range(3):
            client = asyncio.ensure_future(submit(app, MESSAGES))
            done = await ask(app, "POST", "/keys/rotate", by="ada")
            epochs.append(done["epoch"])
            assert (await client).passed
        assert epochs == [2, 3, 4]
        rotated = [one for one in app.housekeeping.audit if one["event"] == "master.rotated"]
        assert [(one["by"], one["epoch"]) for one in rotated] == [("ada", n) for n in epochs]

    run(tmp_path, use, Profile())
    config = configuration(tmp_path)
    keys = keyring(config, read_only=True)
    assert {key.epoch for key in keys} == {4}
    directory = Path(config.traffic.directory)
    read = [
        fields["id"]
        for month in traffic.periods(directory)
        for fields in traffic.read(inspect.records(directory / month), keys)
    ]
    assert len(set(read)) == len(read) == 3 * MESSAGES


def test_a_rotation_that_can_not_be_done_is_said_and_harms_nobody(tmp_path: Path) -> None:
    """The master key is a credential of systemd, say: another file is to be given to it there."""

    async def use(app: App) -> None:
        app.keys._master.path = tmp_path / "gone" / "master.key"
        with pytest.raises(ControlError, match=r"master\.key: No such file"):
            await ask(app, "POST", "/keys/rotate")
        assert (await submit(app, MESSAGES)).passed

    run(tmp_path, use, Profile())
    assert {key.epoch for key in keyring(configuration(tmp_path), read_only=True)} == {1}


def test_keys_that_come_back_with_a_backup_are_said_and_die_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(app: App) -> None:
        assert (await submit(app, MESSAGES)).passed

    run(tmp_path, use, Profile())
    config = configuration(tmp_path)
    shutil.copytree(config.keys.directory, tmp_path / "backup")
    keys = keyring(config)
    keys.destroy([key.id for key in keys if key.name.kind == "traffic"])
    keys.close()
    shutil.rmtree(config.keys.directory)
    shutil.copytree(tmp_path / "backup", config.keys.directory)

    async def again(app: App) -> None:
        assert not [key for key in app.keys if key.name.customer == b"acme" and key.id in gone]

    gone = set(keys.destroyed._ends)
    run(tmp_path, again)
    assert "keys were back that had been destroyed" in caplog.text


def test_the_server_sweeps_by_itself(tmp_path: Path) -> None:
    async def use(app: App) -> None:
        while not app.housekeeping.swept:
            await asyncio.sleep(0)
        assert {v.stand for v in app.housekeeping.verdicts} == {Stand.UNBILLED}
        assert [entry["event"] for entry in app.housekeeping.audit] == ["sweep.done"]

    run(tmp_path, use)
