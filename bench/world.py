"""What is measured and whom it talks to: each a process of its own, on free ports, begun empty.

Owns the configuration that all figures are taken with: nothing is limited that a figure could run
into, and nothing is left out that ``smsc serve`` does.
"""

from __future__ import annotations

import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from bench import limit
from smsc.accounts import hash_password
from smsc.sim.process import Process, module

#: Who sends and receives, and who is only there.
SYSTEM_ID, IDLER = "bench", "idler"
PASSWORD = "bench123"

#: Destinations that the carrier takes, and such that wait for one that takes next to none.
CARRIED, OWED = "999", "888"

#: Seconds that a start may take, however much is owed.
PATIENCE = 600.0

#: No limit that a figure here could run into.
PLENTY = 10_000

#: What that one takes. (If it were away, the server would look where else its messages could go.)
SLOW = "1/h"

#: Who may be the carrier: the simulator, or C that answers with receipts or without. C costs the
#: machine less, the simulator writes receipts as carriers do.
CARRIERS: Mapping[str, Callable[[], tuple[str, ...]]] = {
    "sim": lambda: module("smsc.sim.carrier", "--port", "0", "--quiet"),
    "limit": lambda: (str(limit.built()), "--receipts"),
    "silent": lambda: (str(limit.built()),),
}

#: Servers to compare with, which store nothing.
PEERS: Mapping[str, Callable[[], tuple[str, ...]]] = {
    "limit": lambda: (str(limit.built()),),
    "limit, receipts": lambda: (str(limit.built()), "--receipts"),
    "smpp34": lambda: (sys.executable, str(Path(__file__).with_name("smpp34_echo.py"))),
}


class World(NamedTuple):
    """A server, its directory, and how it was configured (None for a peer)."""

    server: Process
    directory: Path
    config: Path | None

    def again(self) -> Process:
        """The server, stopped before, on what it had left."""
        assert self.config is not None
        return start_server(self.config)


@cache
def password_hash() -> str:
    return hash_password(PASSWORD)


def settings(directory: Path, carrier_port: int) -> dict[str, Any]:
    """A server without limits on free ports, a carrier of several binds, and a slow one."""
    carrier = {
        "host": "127.0.0.1",
        "port": carrier_port,
        "password": "bench",
        "window": 1000,
    }
    return {
        "listeners": [{"name": "main", "port": 0}],
        "accounts": [
            {
                "system_id": system_id,
                "password_hash": password_hash(),
                "rate": "unlimited",
                "binds": PLENTY,
                "window": 1000,
                "delivery_window": 1000,
                "max_queued": 100_000_000,
            }
            for system_id in (SYSTEM_ID, IDLER)
        ],
        "carriers": [
            {"name": "sim", "system_id": "smsc", "binds": 4, **carrier},
            {"name": "slow", "system_id": "slow", "rate": SLOW, **carrier},
        ],
        "routes": [
            {"name": "owed", "to": OWED, "carriers": ["slow"]},
            {"name": "all", "to": "*", "carriers": ["sim"]},
        ],
        "storage": {
            "directory": str(directory / "journal"),
            "force_filesystem": True,
            "max_owed": 100_000_000,
        },
        "traffic": {"directory": str(directory / "traffic")},
        "keys": {
            "directory": str(directory / "keys"),
            "master_file": str(directory / "master.key"),
        },
        "retention": {"directory": str(directory / "retention")},
        "metrics": {"port": 0},
        "control": {"socket": str(directory / "control.sock")},
        "limits": {"max_unbound": PLENTY, "max_unbound_per_address": PLENTY},
        "log": {"level": "warning"},
    }


def start_server(config: Path) -> Process:
    command = module("smsc", "serve", "--config", str(config))
    return Process("server", config.parent, *command, patience=PATIENCE)


#: What a scenario changes about the configuration.
Change = Callable[[dict[str, Any]], None]


def unchanged(settings: dict[str, Any]) -> None:
    """Leave the configuration as it is."""


@contextmanager
def directory_in(base: Path) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(dir=base))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def running(
    base: Path,
    carrier: str = "sim",
    change: Change = unchanged,
    start: Callable[[Path], Process] = start_server,
) -> Iterator[World]:
    """A fresh server with its carrier."""
    with (
        directory_in(base) as directory,
        Process("carrier", directory, *CARRIERS[carrier]()) as upstream,
    ):
        (port,) = upstream.ports.values()
        configured = settings(directory, port)
        change(configured)
        config = directory / "smsc.yaml"
        config.write_text(yaml.safe_dump(configured))
        with start(config) as server:
            yield World(server, directory, config)


@contextmanager
def running_peer(base: Path, name: str) -> Iterator[World]:
    """A fresh server of somebody else."""
    with directory_in(base) as directory, Process("peer", directory, *PEERS[name]()) as server:
        yield World(server, directory, None)


def raise_file_limit() -> None:
    """Thousands of binds need as many descriptors as this user may have; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
