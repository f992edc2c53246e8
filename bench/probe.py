"""A message every 10 ms to a server, and what else could have delayed it.

    python -m bench.probe PORT CONTROL_PORT PID FILE

Sends by the clock, whether or not the one before was answered, until SIGTERM; then FILE gets the
samples as JSON. Three things are watched meanwhile, so that a machine that stood still is not taken
for a server that did: the limit, which gets the same messages at the same moments; a small write to
the same disk, made durable; and how long the server's threads were ready to run and had no core.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import time
from bisect import bisect
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from bench.world import CARRIED, PASSWORD, SYSTEM_ID
from smsc._pdu import Decoder, encode
from smsc.errors import SmscError
from smsc.smpp import Command

#: Seconds between two messages, and that the last ones may take.
EVERY, PATIENCE = 0.01, 5.0


class Sample(NamedTuple):
    """A message: when it was sent, and how long it took (ms); then what went on until it came back.

    The limit's time for the same message, the longest sync, and the wait for a core.
    """

    at: float
    ms: float
    control_ms: float
    disk_ms: float
    waited_ms: float

    @property
    def own_ms(self) -> float:
        """What is left for the server to answer for."""
        return max(self.ms - self.disk_ms - self.coreless_ms, 0.0)

    @property
    def coreless_ms(self) -> float:
        """How long there was no core for it; one that the host took away shows at the limit."""
        return max(self.waited_ms, self.control_ms)


class NotAnswered(SmscError):
    """A peer took the probe's messages and answered not all of them, or not with yes."""


class Line:
    """One bind; a transmitter, so that no receipts of others come to it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._decoder = Decoder()
        self.sent: list[float] = []
        self.took_ms: list[float] = []
        bind = encode(
            Command.BIND_TRANSMITTER,
            1,
            system_id=SYSTEM_ID.encode(),
            password=PASSWORD.encode(),
            interface_version=0x34,
        )
        self.socket.sendall(bind)
        (answer,) = self._decoder.feed(self.socket.recv(4096))
        if answer.command_status:
            raise NotAnswered(f"bind refused with {answer.command_status:#x}")

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, now: float) -> None:
        number = len(self.sent)
        self.sent.append(now)
        self.took_ms.append(0.0)
        self.socket.sendall(
            encode(
                Command.SUBMIT_SM,
                number + 2,
                source_addr=b"447700900000",
                destination_addr=b"%b%012d" % (CARRIED.encode(), number),
                short_message=b"x" * 80,
            )
        )

    def hear(self) -> None:
        data = self.socket.recv(65536)
        now = time.monotonic()
        if not data:
            raise NotAnswered("the connection was closed")
        for pdu in self._decoder.feed(data):
            if pdu.command_id != Command.SUBMIT_SM_RESP:
                continue
            if pdu.command_status:
                raise NotAnswered(f"refused with {pdu.command_status:#x}")
            number = pdu.sequence_number - 2
            self.took_ms[number] = (now - self.sent[number]) * 1000

    @property
    def complete(self) -> bool:
        return all(self.took_ms[-500:])


class Disk(Thread):
    """Writes a little and makes it durable, whenever it is told to and not yet at it."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.pwrite(self._file, bytes(4096), 0)
        self._told = Event()
        self._ending = False
        #: When each began and ended.
        self.syncs: list[tuple[float, float]] = []
        self.poke = self._told.set

    def run(self) -> None:
        while self._told.wait() and not self._ending:
            self._told.clear()
            began = time.monotonic()
            os.pwrite(self._file, began.hex().encode(), 0)
            os.fdatasync(self._file)
            self.syncs.append((began, time.monotonic()))
        os.close(self._file)

    def end(self) -> None:
        self._ending = True
        self.poke()
        self.join()


def waited(pid: int) -> float:
    """Milliseconds that the process's threads have waited for a core so far, taken together.

    A message passes from the loop to the committer and back, so each of their waits delays it.
    """
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[1]) for task in tasks) / 1e6


def run(server: Line, control: Line, disk: Disk, pid: int, stopped: list[int]) -> list[Sample]:
    """Until ``stopped`` holds something and all is answered."""
    lines = (server, control)
    waits: list[tuple[float, float]] = []
    due = time.monotonic()
    deadline = float("inf")
    while not (stopped and server.complete and control.complete):
        now = time.monotonic()
        if stopped:
            deadline = min(deadline, now + PATIENCE)
            due = now + EVERY
            if now > deadline:
                raise NotAnswered("messages were not answered")
        elif now >= due:
            for line in lines:
                line.send(time.monotonic())
            disk.poke()
            # A time that was slept through is not made up for: that would be a burst.
            due = max(due + EVERY, now)
        waits.append((now, waited(pid)))
        for line in select.select(lines, [], [], max(due - now, 0))[0]:
            line.hear()
    waits.append((time.monotonic(), waited(pid)))
    disk.end()
    return [
        Sample(at, ms, control_ms, longest(disk.syncs, at, ms), grown(waits, at, ms))
        for at, ms, control_ms in zip(server.sent, server.took_ms, control.took_ms, strict=True)
    ]


def longest(spans: Sequence[tuple[float, float]], at: float, ms: float) -> float:
    """The longest of (began, ended) that touches the time from ``at`` on, in ms. Pure."""
    found = 0.0
    end = at + ms / 1000
    # Sorted by both; most messages touch one or two.
    for began, ended in spans[bisect(spans, at, key=lambda span: span[1]) :]:
        if began > end:
            break
        found = max(found, (ended - began) * 1000)
    return found


def grown(readings: Sequence[tuple[float, float]], at: float, ms: float) -> float:
    """How much a counter, read at times, grew from ``at`` on for so long; no less. Pure."""
    first = max(bisect(readings, at, key=lambda one: one[0]) - 1, 0)
    last = min(bisect(readings, at + ms / 1000, key=lambda one: one[0]), len(readings) - 1)
    return readings[last][1] - readings[first][1]


def main(port: str, control_port: str, pid: str, file: str) -> None:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    gc.disable()
    disk = Disk(Path(file + ".disk"))
    disk.start()
    with contextlib.ExitStack() as stack:
        server, control = Line(int(port)), Line(int(control_port))
        for line in (server, control):
            stack.callback(line.socket.close)
        samples = run(server, control, disk, int(pid), stopped)
    with open(file + ".new", "w", encoding="ascii") as told:
        json.dump(samples, told)
    os.replace(file + ".new", file)


if __name__ == "__main__":
    main(*sys.argv[1:])
