"""The fixtures: each client library, and the server with each carrier behind it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import page
import pytest
import yaml
from worlds import INBOUND_TO, INBOX, PASSWORD, WAITING, Peer, World

from smsc.accounts import hash_password
from smsc.sim.process import Process, module

#: What each test of a peer came to.
RESULTS = pytest.StashKey[page.Results]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RESULTS] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    key = page.key(item) if isinstance(item, pytest.Function) else None
    found = page.outcome(report)
    if key is not None and found is not None:
        item.config.stash[RESULTS][key] = found
    return report


ROOT = Path(__file__).parents[2]
PEERS = Path(__file__).parent / "peers"
#: Where node's packages are kept from one run to the next.
NODE_HOME = ROOT / ".venv" / "interop"
NODE_PACKAGE = "smpp@0.5.1"
#: Each peer has an account of its own, so that none takes another's mail.
ACCOUNTS = ("smpplib", "aiosmpplib", "smpp34", "node", INBOX)


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """node's ``smpp``, installed once and kept."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    modules = NODE_HOME / "node_modules"
    if not (modules / "smpp").is_dir():
        NODE_HOME.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-save", "--prefix", str(NODE_HOME), NODE_PACKAGE]
        installed = subprocess.run(command, capture_output=True, text=True)
        if installed.returncode:
            pytest.skip(f"npm can't install {NODE_PACKAGE}: {installed.stderr[-200:]}")
    return modules


@pytest.fixture(scope="session")
def node(node_modules: Path) -> Peer:
    """node's ``smpp`` as a client."""
    environment = {**os.environ, "NODE_PATH": str(node_modules)}
    return Peer("node", ("node", str(PEERS / "node_client.js")), environment)


@pytest.fixture(params=["smpplib", "aiosmpplib", "smpp34", "node"])
def peer(request: pytest.FixtureRequest) -> Peer:
    """Each client library in turn."""
    name: str = request.param
    if name == "node":
        client: Peer = request.getfixturevalue("node")
        return client
    return Peer(name, (sys.executable, str(PEERS / f"{name}_client.py")), dict(os.environ))


def configuration(directory: Path, carrier_port: int) -> Path:
    """A server on free ports with one carrier and an account for each peer."""
    password_hash = hash_password(PASSWORD)
    account = {"password_hash": password_hash, "rate": "unlimited"}
    carrier = {
        "name": "upstream",
        "host": "127.0.0.1",
        "port": carrier_port,
        "system_id": "smsc",
        "password": "upstream",
        "reconnect": {"min": "100ms", "max": "1s"},
    }
    settings = {
        "listeners": [{"name": "main", "port": 0}],
        "accounts": [{"system_id": name, **account} for name in ACCOUNTS],
        "carriers": [carrier, {**carrier, "name": "away", "port": 1}],
        "routes": [
            {"name": "all", "to": "*", "carriers": ["upstream"]},
            {"name": "waiting", "to": WAITING, "carriers": ["away"]},
        ],
        "inbound": [{"to": INBOUND_TO, "account": INBOX}],
        "storage": {"directory": str(directory / "journal"), "force_filesystem": True},
        "traffic": {"directory": str(directory / "traffic")},
        "metrics": {"port": 0},
        "control": {"socket": str(directory / "control.sock")},
    }
    file = directory / "smsc.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


def _simulated(request: pytest.FixtureRequest, directory: Path, log: Path) -> Process:
    options = ("--port", "0", "--quiet", "--inbound", "10", INBOUND_TO, "--log", str(log))
    return Process("carrier", directory, *module("smsc.sim.carrier", *options))


def _by_node(request: pytest.FixtureRequest, directory: Path, log: Path) -> Process:
    script = str(PEERS / "node_carrier.js")
    path = f"NODE_PATH={request.getfixturevalue('node_modules')}"
    return Process("carrier", directory, "env", path, "node", script, str(log), INBOUND_TO)


def _by_smpp34(request: pytest.FixtureRequest, directory: Path, log: Path) -> Process:
    script = str(PEERS / "smpp34_carrier.py")
    return Process("carrier", directory, sys.executable, script, str(log), INBOUND_TO)


CARRIERS: dict[str, Callable[[pytest.FixtureRequest, Path, Path], Process]] = {
    "sim": _simulated,
    "node": _by_node,
    "smpp34": _by_smpp34,
}


@pytest.fixture(scope="session", params=sorted(CARRIERS))
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The server with each carrier in turn."""
    directory = tmp_path_factory.mktemp(request.param)
    log = directory / "taken"
    log.touch()
    with CARRIERS[request.param](request, directory, log) as carrier:
        config = configuration(directory, carrier.ports["carrier"])
        serve = module("smsc", "serve", "--config", str(config))
        with Process("server", directory, *serve) as server:
            yield World(request.param, server.ports["main"], log)
            assert server.running, server.output()[-2000:]
        assert server.stop() == 0, server.output()[-2000:]
        assert "Traceback" not in server.output(), server.output()[-4000:]
