"""What messages that wait cost: memory, the start, an idle second, and other messages."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bench.run import Load, LoadFailed, Run, generate, measure
from bench.track import Track, scrape
from bench.world import OWED, World, running
from smsc.journal.checkpoint import NAME

#: Messages filled in before it is looked whether the time for that is over.
PORTION = 1_000_000
#: Seconds without an answer at which filling is given up.
PATIENCE = "120"
#: Seconds that an idle server is watched, until it calms down no further, and how often at most.
IDLE, LOOKS = 3.0, 20
FILLING = Load(receipts=False, destinations=OWED)

Say = Callable[[str], None]


class Start(NamedTuple):
    """Seconds until a server was ready, and of CPU, which neighbours disturb less."""

    seconds: float
    cpu_s: float


@dataclass
class Backlog:
    """A server with so much owed: octets of memory, CPU of an idle second, and what starts took."""

    count: int
    stopped: Start
    #: After kill -9, and without a checkpoint.
    killed: Start
    whole: Start
    anonymous: int
    idle_ms_per_s: float
    runs: list[Run] = field(default_factory=list)

    def octets_each(self, empty: Backlog) -> float:
        """Memory that one owed message takes."""
        return (self.anonymous - empty.anonymous) / self.count if self.count else 0.0


def fill(world: World, messages: int, until: float) -> int:
    """Have so many messages wait, or as many as there is time for; how many do."""
    waiting = 0
    while waiting < messages and (not waiting or time.monotonic() < until):
        portion = min(PORTION, messages - waiting)
        how_much = ("--messages", str(portion), "--timeout", PATIENCE)
        waiting += generate(world.server, world.directory, FILLING, *how_much)["acknowledged"]
    return waiting


def restart(stack: ExitStack, world: World) -> tuple[World, Start, Track]:
    """The server anew on what it had left, if it is gone, what that took, and its memory then."""
    if world.server.running:
        world.server.stop()
    started = time.monotonic()
    server = stack.enter_context(world.again())
    seconds = time.monotonic() - started
    track = Track(server)
    ready = track.samples[0]
    return world._replace(server=server), Start(seconds, ready.user + ready.system), track


def starts(stack: ExitStack, world: World) -> tuple[World, list[Start], Track]:
    """The server anew after a stop, after a kill, and on what it had left but its checkpoint."""
    world, stopped, _ = restart(stack, world)
    world.server.kill()
    world, killed, _ = restart(stack, world)
    world.server.stop()
    (world.directory / "journal" / NAME).unlink(missing_ok=True)
    world, whole, track = restart(stack, world)
    return world, [stopped, killed, whole], track


def idle_ms_per_s(track: Track) -> float:
    """CPU of a server that has nothing to do, per second, once what a start brings is done."""
    calmest = float("inf")
    for _ in range(LOOKS):
        began = track.samples[-1].at
        time.sleep(IDLE)
        track.look()
        now = sum(track.cpu_since(began)) * 1000 / (track.samples[-1].at - began)
        if now >= calmest:
            break
        calmest = now
    return calmest


def backlogs(
    base: Path, sizes: Sequence[int], times: int, seconds: float, budget: float, say: Say
) -> list[Backlog]:
    """An empty server and one for each size, side by side; the whole way over each of them in turn.

    Memory is compared after a start, where none has anything but the index. What was written lately
    lies in the page cache: a start after one of the machine reads it from the disk.
    """
    found: list[tuple[World, Backlog]] = []
    with ExitStack() as stack:
        for size in (0, *sizes):
            say(f"{size:,} owed")
            world = stack.enter_context(running(base))
            owed = fill(world, size, time.monotonic() + budget)
            world, took, track = starts(stack, world)
            memory = track.samples[0].anonymous
            found.append((world, Backlog(owed, *took, memory, idle_ms_per_s(track))))
        for turn in range(times):
            for world, backlog in found:
                say(f"whole way, {backlog.count:,} owed ({turn + 1} of {times})")
                backlog.runs.append(measure(world, Load(), seconds))
    return [backlog for _, backlog in found]


def awaiting(settings: dict[str, Any]) -> None:
    """The carrier is asked for a receipt of everything (and sends none)."""
    settings["carriers"][0]["receipts"] = "always"


def octets_per_receipt(base: Path, messages: int) -> float:
    """Memory that one message takes that its carrier has and whose receipt is awaited."""
    with ExitStack() as stack:
        world = stack.enter_context(running(base, "silent", awaiting))
        world, _, empty = restart(stack, world)
        generate(world.server, world.directory, Load(receipts=False), "--messages", str(messages))
        deadline = time.monotonic() + float(PATIENCE)
        while scrape(world.server).sums["smsc_submitted_total"] < messages or _in_flight(world):
            if time.monotonic() > deadline:
                raise LoadFailed("the carrier has not got everything")
            time.sleep(1.0)
        _, _, full = restart(stack, world)
        return (full.anonymous - empty.anonymous) / messages


def _in_flight(world: World) -> bool:
    return scrape(world.server).sums["smsc_window_used"] > 0
