"""One load against one server, and what it came to."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import generator
from bench.track import LOOK, Metrics, Track, scrape
from bench.world import CARRIED, PASSWORD, SYSTEM_ID, World
from smsc.sim.process import Process

#: Seconds between two looks at whether all is carried, and for how long; a look costs the server.
SETTLE_LOOK, SETTLE = 0.2, 60.0


@dataclass(frozen=True)
class Load:
    """What the load generator is told."""

    connections: int = 10
    window: int = 100
    receipts: bool = True
    text_octets: int = 80
    data_coding: int = 0
    destinations: str = CARRIED
    rate: float = 0.0

    def options(self) -> tuple[str, ...]:
        numbers = {
            "--connections": self.connections,
            "--window": self.window,
            "--text-octets": self.text_octets,
            "--data-coding": self.data_coding,
            "--destinations": self.destinations,
            "--rate": self.rate,
        }
        words = [str(word) for pair in numbers.items() for word in pair]
        return (*words, "--receipts") if self.receipts else tuple(words)


@dataclass(frozen=True)
class Run:
    """What one load came to. CPU is the server's, microseconds per acknowledged message."""

    messages: int
    per_s: float
    user_us: float
    system_us: float
    rss_mib: float
    syncs_per_s: float
    sync_p50_ms: float
    response_ms: Mapping[str, float]
    receipt_ms: Mapping[str, float]
    passed: bool

    @property
    def cpu_us(self) -> float:
        return self.user_us + self.system_us


class LoadFailed(Exception):
    """The load generator ended without a result."""


def load_command(
    server: Process, load: Load, *more: str, system_id: str = SYSTEM_ID
) -> tuple[str, ...]:
    who = ("--port", str(server.ports["main"]), "--system-id", system_id, "--password", PASSWORD)
    return (str(generator.built()), *who, *load.options(), *more)


def generate(server: Process, directory: Path, load: Load, *how_much: str) -> dict[str, Any]:
    """Run the load generator and watch the server meanwhile; its result, with ``track`` added."""
    told = directory / "load.json"
    command = load_command(server, load, *how_much)
    with told.open("w") as output:
        child = subprocess.Popen(command, stdout=output)
    track = Track(server)
    try:
        while child.poll() is None:
            track.look()
            time.sleep(LOOK)
    finally:
        child.kill()
        child.wait()
    result = told.read_text()
    if not result:
        raise LoadFailed(f"{command}\n{server.output()[-2000:]}")
    return {**json.loads(result), "track": track}


def measure(world: World, load: Load, seconds: float) -> Run:
    """A load of so many seconds. Until all it brought is done: a message is paid for to its end."""
    ours = world.config is not None
    before = scrape(world.server) if ours else None
    result = generate(world.server, world.directory, load, "--duration", str(seconds))
    track: Track = result["track"]
    if before is not None and not load.receipts and load.destinations == CARRIED:
        _settle(world.server, before, track)
    user, system = track.cpu_since(result["began"])
    messages = max(result["acknowledged"], 1)
    syncs = scrape(world.server).syncs.since(before.syncs) if before is not None else None
    return Run(
        messages=result["acknowledged"],
        per_s=result["whole_way_per_s" if load.receipts else "accept_per_s"],
        user_us=user / messages * 1e6,
        system_us=system / messages * 1e6,
        rss_mib=track.rss / (1 << 20),
        syncs_per_s=syncs.count / result["seconds"] if syncs else 0.0,
        sync_p50_ms=syncs.quantile_ms(0.5) if syncs else 0.0,
        response_ms=result["response_ms"],
        receipt_ms=result["receipt_ms"],
        passed=result["passed"],
    )


def _settle(server: Process, before: Metrics, track: Track) -> None:
    """Wait until the server owes no more than before."""
    deadline = time.monotonic() + SETTLE
    while scrape(server).sums["smsc_owed"] > before.sums["smsc_owed"]:
        if time.monotonic() > deadline:
            raise LoadFailed(f"messages are owed {SETTLE:.0f} s after the load")
        time.sleep(SETTLE_LOOK)
        track.look()
    track.look()
