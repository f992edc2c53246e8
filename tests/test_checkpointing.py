"""Checkpoints of a running server: made beside it, used by the next start, and never in its way."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from smsc import checkpointing
from smsc.app import App
from smsc.journal.checkpoint import NAME, TEMPORARY
from tests.serving import configuration, get, submit


@asynccontextmanager
async def serving(directory: Path, every: int = 1) -> AsyncIterator[App]:
    """A server that nobody takes messages from, and that makes a checkpoint of any segment."""
    config = configuration(directory)
    app = App(replace(config, storage=replace(config.storage, checkpoint=every)))
    try:
        await app.start()
        yield app
    finally:
        await app.stop()


async def fill(app: App, messages: int) -> None:
    """Have messages waiting, and the segment finished that they are in."""
    client = asyncio.ensure_future(submit(app, messages))
    owed = len(app.core.state.spool) + messages
    while len(app.core.state.spool) < owed:
        await asyncio.sleep(0)
    client.cancel()
    await asyncio.gather(client, return_exceptions=True)
    app.log.rotate()
    app.core.append(1, app.commit.begin(), app.log.epoch.to_bytes(4, "little"))
    await app.commit.drain()


def run(coroutine: object) -> None:
    asyncio.run(coroutine)  # type: ignore[arg-type]


def test_the_next_start_begins_with_the_one_that_was_made(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as app:
            await fill(app, 30)
            await app.checkpointing.look()
            assert app.log.kept_checkpoint is not None
            assert app.checkpointing.child is None
            assert not app.checkpointing.due
            told = (await get(app, "/metrics")).text
            assert "smsc_checkpoints_made_total 1.0" in told
            assert "smsc_recovered_from_checkpoint 0.0" in told
            await fill(app, 5)
            app.log.settle()
        whole = tmp_path / "whole"
        shutil.copytree(tmp_path, whole, ignore=shutil.ignore_patterns("*.sock", NAME))
        prints, octets = [], []
        for directory, spared in ((tmp_path, True), (whole, False)):
            async with serving(directory) as app:
                assert app.log.recovered.from_checkpoint is spared
                assert not app.log.doubted
                assert len(app.core.state.spool) == 35
                prints.append(app.core.state.fingerprint())
                octets.append(app.log.recovered.octets)
        assert prints[0] == prints[1]
        assert octets[0] < octets[1]

    run(main())


def test_one_that_is_doubted_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with serving(tmp_path) as app:
            await fill(app, 3)
            await app.checkpointing.look()
            app.log.settle()
        with (tmp_path / "journal" / NAME).open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"x")
        async with serving(tmp_path) as app:
            assert len(app.core.state.spool) == 3
            assert "the checkpoint was not used: it is damaged" in caplog.text
            assert "smsc_recovered_checkpoint_doubted 1.0" in (await get(app, "/metrics")).text

    run(main())


def test_what_goes_wrong_is_noted_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with serving(tmp_path) as app:
            await fill(app, 3)
            blocked = tmp_path / "journal" / TEMPORARY
            blocked.mkdir()
            await app.checkpointing.look()
            assert (app.checkpointing.made, app.checkpointing.failures) == (0, 1)
            assert "no checkpoint: " in caplog.text
            blocked.rmdir()
            await app.checkpointing.look()
            assert (app.checkpointing.made, app.checkpointing.failures) == (1, 1)

    run(main())


def test_none_is_made_before_it_is_worth_it_or_if_nobody_wants_one(tmp_path: Path) -> None:
    async def main() -> None:
        for every in (1 << 30, 0):
            async with serving(tmp_path / str(every), every) as app:
                await fill(app, 3)
                assert app.checkpointing.due is (every == 0)
                assert (app.checkpointing._running is not None) is (every > 0)
                if every:
                    await app.checkpointing.look()
                assert app.log.kept_checkpoint is None

    run(main())


def test_its_maker_ends_with_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpointing, "LOOK", 0.0)

    async def main() -> None:
        async with serving(tmp_path) as app:
            await fill(app, 3)
            while (child := app.checkpointing.child) is None:
                await asyncio.sleep(0)
            os.kill(child.pid, signal.SIGSTOP)
        assert child.returncode == -signal.SIGKILL
        assert not (tmp_path / "journal" / TEMPORARY).exists()

    run(main())
