"""The real server in a process of its own between the simulators, to be killed and starved."""

from __future__ import annotations

import random
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from smsc.accounts import hash_password
from smsc.sim.process import Process, module

PASSWORD = "secret12"
HASH = hash_password(PASSWORD)
#: Seconds after which something that has not happened won't.
PATIENCE = 30.0
HASTY = Path(__file__).with_name("hasty.py")


def until(done: Callable[[], bool], what: str) -> None:
    """Look again and again until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def free_port(dice: random.Random) -> int:
    """A port that is still free at the next start.

    None that the kernel gives to outgoing connections: a client that tries to come back while the
    server is down could else be given the very port it calls, and be connected with itself.
    """
    least = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = dice.randrange(min(20_000, least - 1_000), least)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def configuration(
    directory: Path,
    port: int = 0,
    carrier_port: int = 1,
    *,
    window: int = 100,
    storage: Path | None = None,
    traffic: Path | None = None,
    segment: str = "16MiB",
) -> Path:
    """Write one, with both witnesses' empty files beside it; nobody listens on port 1."""
    carrier = {
        "name": "sim",
        "host": "127.0.0.1",
        "port": carrier_port,
        "system_id": "smsc",
        "password": "pw",
        "window": window,
        "reconnect": {"min": "50ms", "max": "200ms"},
        "in_doubt": {"policy": "hold", "hold": "100ms"},
    }
    settings: dict[str, Any] = {
        "listeners": [{"name": "main", "port": port}],
        "accounts": [{"system_id": "acme", "password_hash": HASH, "rate": "unlimited"}],
        "carriers": [carrier],
        "routes": [{"name": "all", "to": "*", "carriers": ["sim"]}],
        "storage": {
            "directory": str(storage or directory / "journal"),
            "segment": segment,
            "force_filesystem": True,
        },
        "traffic": {"directory": str(traffic or directory / "traffic"), "segment": "4MiB"},
        "metrics": {"port": 0},
        "control": {"socket": str(directory / "control.sock")},
    }
    for name in ("acked", "taken"):
        (directory / name).touch()
    file = directory / "smsc.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


def serve(directory: Path, *, hasty: bool = False) -> Process:
    """The server, ready. ``hasty``: one that answers before the disk does."""
    return Process("server", directory, *command(directory, hasty=hasty))


def command(directory: Path, *, hasty: bool = False) -> tuple[str, ...]:
    program = module("smsc")
    if hasty:
        program = (program[0], str(HASTY))
    return (*program, "serve", "--config", str(directory / "smsc.yaml"))


def refused_to_start(directory: Path) -> subprocess.CompletedProcess[str]:
    """What a server says that does not start."""
    return subprocess.run(command(directory), capture_output=True, text=True, timeout=PATIENCE)


def carrier(directory: Path, *options: str) -> Process:
    """The simulated carrier, which writes down what it takes in ``taken``."""
    arguments = ("--port", "0", "--quiet", "--log", str(directory / "taken"), *options)
    return Process("carrier", directory, *module("smsc.sim.carrier", *arguments))


def load(directory: Path, port: int, *options: str) -> subprocess.Popen[bytes]:
    """A client that writes down what is acknowledged in ``acked``, and in the end ``load.json``."""
    arguments = (
        *("--port", str(port), "--system-id", "acme", "--password", PASSWORD, "--quiet"),
        *("--acked", str(directory / "acked"), "--json", str(directory / "load.json"), *options),
    )
    with (directory / "load.log").open("ab") as output:
        return subprocess.Popen(
            module("smsc.sim.load", *arguments), stdout=output, stderr=subprocess.STDOUT
        )
