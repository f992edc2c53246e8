"""What is varied around one point, and the measuring of all of it in turn.

Not the full product of all axes: each is varied alone around ``BASE``, the whole way of a message
of 80 octets with its receipt over 10 binds of window 100. The lines are measured one after the
other, several times over, so that a bad minute of the machine falls on all of them alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.run import Load, Run, measure
from bench.spread import Spread
from bench.world import OWED, PEERS, Change, World, running, running_peer, unchanged


@dataclass(frozen=True)
class Line:
    """One thing to measure. ``at`` is where it lies on its axis, if that has numbers."""

    name: str
    axis: str
    load: Load
    at: float = 0.0
    carrier: str = "sim"
    change: Change = unchanged

    def world(self, base: Path) -> AbstractContextManager[World]:
        if self.name in PEERS:
            return running_peer(base, self.name)
        return running(base, self.carrier, self.change)

    def run(self, base: Path, seconds: float) -> Run:
        with self.world(base) as world:
            return measure(world, self.load, seconds)


@dataclass
class Measured:
    """A line and what it came to, each time."""

    line: Line
    runs: list[Run] = field(default_factory=list)

    def spread(self, of: Callable[[Run], float]) -> Spread:
        return Spread.of(of(run) for run in self.runs)

    def median(self, of: Callable[[Run], float]) -> float:
        return self.spread(of).median


#: UCS-2 in one short message: 70 characters.
UCS2, ONE_UCS2 = 8, 140
#: Three short messages with a header each take 306 to 459 characters.
THREE_PARTS = 400


def in_parts(settings: dict[str, Any]) -> None:
    """The carrier wants long texts cut."""
    settings["carriers"][0]["long_messages"] = "udh"


def accepting(name: str, **load: Any) -> Line:
    """A message made durable and answered; its carrier takes next to none."""
    return Line(
        f"accept, {name}",
        "accepting",
        Load(receipts=False, destinations=OWED, **load),
        at=load["connections"],
    )


BASE = Line("whole way", "base", Load(), at=1.0)
#: The same with a carrier that leaves the machine to the server.
LIGHT = replace(BASE, name="whole way, carrier in C", axis="carrier", carrier="limit")
NOT_ASKED = Line("carried, no receipts", "receipts", Load(receipts=False))
ACCEPT = accepting("10 x 100", connections=10)


def connections(count: int) -> Line:
    load = Load(connections=count)
    return Line(f"whole way, {count:,} x 100", "connections", load, at=count)


def window(width: int) -> Line:
    return Line(f"whole way, 10 x {width}", "window", Load(window=width), at=width)


SERVERS = (
    BASE,
    LIGHT,
    NOT_ASKED,
    connections(1),
    connections(100),
    connections(1_000),
    window(1),
    window(10),
    window(500),
    Line("whole way, 160 octets", "text", Load(text_octets=160)),
    Line("whole way, UCS-2", "text", Load(text_octets=ONE_UCS2, data_coding=UCS2)),
    Line("whole way, three parts", "text", Load(text_octets=THREE_PARTS), change=in_parts),
    ACCEPT,
    accepting("1 x 100", connections=1),
    accepting("100 x 100", connections=100),
    accepting("1,000 x 100", connections=1_000),
)

#: The same load on those who store nothing.
OTHERS = (
    Line("limit", "peer", Load(receipts=False)),
    Line("limit, receipts", "peer", Load()),
    Line("smpp34", "peer", Load(receipts=False)),
)

LINES = (*SERVERS, *OTHERS)
FEW = (BASE, connections(1), ACCEPT, *OTHERS)

#: Shares of the rate that ``BASE`` reached, for latency against load.
SHARES = (0.125, 0.25, 0.5, 0.75, 0.9)


def paced(base: Line, share: float, rate: float) -> Line:
    """The line at a share of the rate that it reaches."""
    load = replace(base.load, rate=rate * share)
    return replace(base, name=f"{base.name}, {share:.0%} load", axis="load", at=share, load=load)


def in_turn(
    lines: Sequence[Line],
    times: int,
    run: Callable[[Line], Run],
    say: Callable[[str], None],
    more: Callable[[], bool],
) -> list[Measured]:
    """Run all lines in turn, so many times over, or until there is time for no more.

    Each is run once at least.
    """
    found = [Measured(line) for line in lines]
    for turn in range(times):
        for one in found:
            if turn and not more():
                return found
            say(f"{one.line.name} ({turn + 1} of {times})")
            one.runs.append(run(one.line))
    return found
