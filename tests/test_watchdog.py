"""What systemd hears, on a real socket, with time as a method call."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsc.watchdog import STUCK_US, Watchdog


class Server:
    """As much of a server as a watchdog looks at: its loop's timers and how long the disk takes."""

    def __init__(self) -> None:
        self.loop = self.log = self
        self.stalled = 0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def stalled_us(self) -> int:
        return self.stalled

    def call_later(self, delay: float, call: Callable[[], None]) -> None:
        self.timers.append((delay, call))

    def pass_time(self) -> float:
        """Until the next timer fires; how long that took."""
        [(delay, call)], self.timers = self.timers, []
        call()
        return delay


class Systemd:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def heard(self) -> list[bytes]:
        words = []
        while True:
            try:
                words.append(self.socket.recv(100))
            except BlockingIOError:
                return words


@pytest.fixture(params=["path", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Systemd]:
    path = str(tmp_path / "notify")
    abstract = request.param == "abstract"
    systemd = Systemd("\0" + path if abstract else path)
    monkeypatch.setenv("NOTIFY_SOCKET", "@" + path if abstract else path)
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    yield systemd
    systemd.socket.close()


def watchdog() -> tuple[Watchdog, Server]:
    server = Server()
    return Watchdog(server), server  # type: ignore[arg-type]


def test_systemd_hears_of_ready_alive_and_stopping(systemd: Systemd) -> None:
    dog, server = watchdog()
    assert systemd.heard() == []
    dog.ready()
    assert systemd.heard() == [b"READY=1", b"WATCHDOG=1"]
    for _ in range(3):
        assert server.pass_time() == 10, "a third of what systemd waits"
        assert systemd.heard() == [b"WATCHDOG=1"]
    dog.stopping()
    assert systemd.heard() == [b"STOPPING=1"]
    server.pass_time()
    assert systemd.heard() == [], "stopping takes as long as it takes"
    assert not server.timers


@pytest.mark.parametrize(
    ("stalled", "alive"), [(0, True), (STUCK_US - 1, True), (STUCK_US, False), (10**9, False)]
)
def test_a_stuck_disk_is_not_alive(systemd: Systemd, stalled: int, alive: bool) -> None:
    dog, server = watchdog()
    dog.ready()
    systemd.heard()
    server.stalled = stalled
    assert dog.alive() is alive
    server.pass_time()
    assert systemd.heard() == [b"WATCHDOG=1"] * alive
    server.stalled = 0
    server.pass_time()
    assert systemd.heard() == [b"WATCHDOG=1"], "it may come to again"


def test_without_a_deadline_there_is_nothing_to_feed(
    systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WATCHDOG_USEC")
    dog, server = watchdog()
    dog.ready()
    dog.stopping()
    assert systemd.heard() == [b"READY=1", b"STOPPING=1"]
    assert not server.timers


def test_without_systemd_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    dog, server = watchdog()
    dog.ready()
    dog.stopping()
    assert not server.timers


def leave(systemd: Systemd) -> None:
    systemd.socket.close()


def do_not_read(systemd: Systemd) -> None:
    address = systemd.socket.getsockname()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            for _ in range(100_000):
                other.sendto(b"WATCHDOG=1", address)


@pytest.mark.parametrize("trouble", [leave, do_not_read])
def test_a_systemd_in_trouble_is_no_trouble_of_ours(
    systemd: Systemd, trouble: Callable[[Systemd], None]
) -> None:
    dog, server = watchdog()
    trouble(systemd)
    dog.ready()
    server.pass_time()
    dog.stopping()
