"""The server, the carrier behind it, and a watch that nothing went wrong inside."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator

import pytest
from loopback import FRESH, Carrier, Client, Desk, Server, settings

#: No test is given the account of another.
_fresh = itertools.count()


@pytest.fixture(scope="module")
def north() -> Iterator[Carrier]:
    """The carrier that a test plays."""
    carrier = Carrier()
    yield carrier
    carrier.close()


@pytest.fixture(scope="module")
def south() -> Iterator[Carrier]:
    """One that takes short messages alone."""
    carrier = Carrier()
    yield carrier
    carrier.close()


@pytest.fixture(scope="module")
def west() -> Iterator[Carrier]:
    """One that wants texts whole."""
    carrier = Carrier()
    yield carrier
    carrier.close()


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """Where the account ``called`` waits for an outbind."""
    waiting = Desk()
    yield waiting
    waiting.close()


@pytest.fixture(scope="module")
def server(
    north: Carrier,
    south: Carrier,
    west: Carrier,
    desk: Desk,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """One server for the tests of a part; each has its own connections.

    None outlives its part: what it logs would be found in the tests of others.
    """
    carriers = {"north": north, "south": south, "west": west}
    ports = {name: carrier.port for name, carrier in carriers.items()}
    running = Server(settings(tmp_path_factory.mktemp("conformance"), ports, desk.port))
    for carrier in carriers.values():
        carrier.await_bind()
    yield running
    running.stop()


@pytest.fixture
def account() -> bytes:
    """An account that no other test uses."""
    return FRESH[next(_fresh)].encode()


@pytest.fixture
def connect(server: Server) -> Iterator[Callable[..., Client]]:
    """Clients that are closed when the test is over."""
    clients: list[Client] = []

    def made() -> Client:
        clients.append(Client(server.port))
        return clients[-1]

    yield made
    for client in clients:
        client.close()


@pytest.fixture(autouse=True)
def no_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No input makes the server log an error: that is how it says that a bug was met."""
    yield
    faults = [each for each in caplog.get_records("call") if each.levelno >= logging.ERROR]
    assert not faults, [each.getMessage() for each in faults]
