"""The whole server in the test's own loop, with the simulated carrier behind it, and HTTP to it."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from smsc import reading
from smsc.accounts import hash_password
from smsc.app import App
from smsc.config import Config
from smsc.sim import carrier, load
from smsc.sim.profile import Profile
from smsc.sim.result import Result

PASSWORD = "secret12"
HASH = hash_password(PASSWORD)

CONFIG = """
listeners: [{{name: main, port: 0}}]
accounts: [{{system_id: acme, password_hash: '{hash}', rate: unlimited}}]
carriers: [{{name: sim, host: 127.0.0.1, port: {port}, system_id: smsc, password: pw, window: 100}}]
routes: [{{name: default, to: '*', carriers: [sim]}}]
storage: {{directory: '{directory}/journal', segment: 4MiB, force_filesystem: true}}
traffic: {{directory: '{directory}/traffic', segment: 4MiB}}
metrics: {{port: 0, accounts: {accounts}}}
control: {{socket: '{directory}/control.sock'}}
"""


def configuration(directory: Path, port: int = 1, accounts: bool = False, url: str = "") -> Config:
    """Of a server whose carrier is at ``port``; nobody listens on port 1."""
    told = str(accounts).lower()
    text = CONFIG.format(hash=HASH, port=port, directory=directory, accounts=told)
    return reading.loads(text + f"database: {{url: '{url}'}}" * bool(url))


@asynccontextmanager
async def serving(
    directory: Path, profile: Profile | None = None, accounts: bool = False, url: str = ""
) -> AsyncIterator[App]:
    """A server that is ready; with a profile there is a carrier of that character."""
    loop = asyncio.get_running_loop()
    port, close = 1, []
    if profile is not None:
        simulated, server = await carrier.start(carrier.Options(port=0, profile=profile))
        port = server.sockets[0].getsockname()[1]
        close = [server.close, simulated.close]
    app = App(configuration(directory, port, accounts, url))
    try:
        await app.start()
        while profile is not None and not app.carriers[0].binds[0].up:
            await asyncio.sleep(0)
        yield app
    finally:
        await app.stop()
        for call in close:
            loop.call_soon(call)
        await asyncio.sleep(0)


async def submit(app: App, messages: int) -> Result:
    """What came of so many messages with receipts asked for."""
    options = load.Options(
        port=app.listeners[0].port,
        system_id="acme",
        password=PASSWORD,
        messages=messages,
        receipts=True,
        quiet=True,
        timeout=30,
    )
    return await load.Load(options).drive()


@dataclass(frozen=True)
class Answer:
    """Of an HTTP request."""

    status: int
    kind: str
    text: str


async def get(app: App, path: str, accept: str = "*/*") -> Answer:
    """Ask the server for operators."""
    return await asyncio.to_thread(_get, app.ops.port, path, accept)


def _get(port: int, path: str, accept: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Accept": accept})
        response = connection.getresponse()
        kind = response.headers.get("content-type", "")
        return Answer(response.status, kind, response.read().decode())
    finally:
        connection.close()
