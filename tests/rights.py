"""What the tests of rights share: the commands, with a server and without one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from smsc import cli, reading
from smsc.app import App
from smsc.audit import Audit
from smsc.config import Config
from smsc.sim.profile import Profile
from tests.keeper import Client, submit_sm
from tests.serving import CONFIG, HASH, serving

ADA = "447700900701"
BEN = "447700900702"

Use = Callable[[App], Awaitable[None]]


class Desk:
    """Where an operator sits: a configuration, and commands on it."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str], url: str = "") -> None:
        self.directory = directory / "var"
        self.directory.mkdir()
        self.url = url
        self.file = directory / "smsc.yaml"
        text = CONFIG.format(hash=HASH, port=1, directory=self.directory, accounts="false")
        self.file.write_text(text + f"database: {{url: '{url}'}}\n" * bool(url))
        self._capsys = capsys

    @property
    def config(self) -> Config:
        return reading.load(str(self.file))

    def run(self, words: str, status: int = 0) -> str:
        """What a command says: on standard output, or, if it fails, on standard error."""
        got = cli.main([*words.split(), "--config", str(self.file)])
        said = self._capsys.readouterr()
        assert got == status, said.err
        return said.err if status else said.out

    async def ask(self, words: str, status: int = 0) -> str:
        """The same beside a server in this loop."""
        return await asyncio.to_thread(self.run, words, status)

    def serve(self, use: Use, profile: Profile | None = None) -> None:
        async def run() -> None:
            async with serving(self.directory, profile, url=self.url) as app:
                await use(app)

        uvloop.run(run())

    def events(self) -> list[dict[str, Any]]:
        """The audit log."""
        return list(Audit.of(self.config, lambda: 0))

    def accesses(self) -> list[dict[str, Any]]:
        days = sorted((self.directory / "retention" / "access").glob("*.log"))
        return [json.loads(line) for day in days for line in day.read_text().splitlines()]


async def submit(app: App, number: str = ADA, account: bytes = b"acme", **fields: Any) -> int:
    """Have a client send one message; its id, or its refusal negated."""
    message = submit_sm(destination_addr=number.encode(), **fields)
    (id,) = app.core.submit(Client(app, account), [message])  # type: ignore[arg-type]
    await app.commit.drain()
    return id
