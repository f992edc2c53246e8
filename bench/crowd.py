"""What binds that do nothing cost: memory each, an idle second, and those who do something."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.backlog import idle_ms_per_s
from bench.run import Load, LoadFailed, Run, load_command, measure
from bench.track import Track, scrape
from bench.world import IDLER, OWED, World, running

#: Seconds that all may take to bind, and between two looks at whether they have.
PATIENCE, LOOK = 120.0, 0.1
#: So that the first password, which costs 20 MiB for a moment, is behind.
FIRST = Load(connections=1, receipts=False, destinations=OWED)


@dataclass
class Crowd:
    """A server with so many idle binds; they bind 64 at a time, which took ``binding_s``."""

    count: int
    binding_s: float
    anonymous: int
    idle_ms_per_s: float
    runs: list[Run] = field(default_factory=list)

    def kib_each(self, empty: Crowd) -> float:
        return (self.anonymous - empty.anonymous) / self.count / 1024 if self.count else 0.0


@contextmanager
def idlers(world: World, binds: int) -> Iterator[float]:
    """So many binds that send nothing; yields how many seconds they took to bind."""
    # One message a day: the first goes at once, to a carrier that takes no second one.
    load = Load(connections=binds, rate=0.00001, receipts=False, destinations=OWED)
    how_long = ("--messages", "2", "--timeout", "86400")
    command = load_command(world.server, load, *how_long, system_id=IDLER)
    started = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while scrape(world.server).sums.get("smsc_client_binds", 0) < binds:
            if child.poll() is not None or time.monotonic() - started > PATIENCE:
                raise LoadFailed(f"not all of {binds} binds came up")
            time.sleep(LOOK)
        yield time.monotonic() - started
    finally:
        child.kill()
        child.wait()


def crowds(
    base: Path, binds: int, times: int, seconds: float, say: Callable[[str], None]
) -> list[Crowd]:
    """A server without and one with idle binds, side by side; the whole way over each in turn."""
    found: list[tuple[World, Crowd]] = []
    with ExitStack() as stack:
        for count in (0, binds):
            say(f"{count:,} idle binds")
            world = stack.enter_context(running(base))
            measure(world, FIRST, 0.5)
            binding_s = stack.enter_context(idlers(world, count)) if count else 0.0
            track = Track(world.server)
            crowd = Crowd(count, binding_s, track.anonymous, idle_ms_per_s(track))
            found.append((world, crowd))
        for turn in range(times):
            for world, crowd in found:
                say(f"whole way, {crowd.count:,} idle binds ({turn + 1} of {times})")
                crowd.runs.append(measure(world, Load(), seconds))
    return [crowd for _, crowd in found]
