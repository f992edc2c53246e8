"""Which charts are made of what was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.backlog import Backlog
from bench.chart import Chart, Point, Series, Tick, number, steps
from bench.matrix import ACCEPT, BASE, Measured
from bench.run import Run
from bench.spread import Spread

#: What latency is drawn of, and the percentiles.
LATENCIES = (
    ("response p50", "response_ms", "p50"),
    ("response p99", "response_ms", "p99"),
    ("response p99.9", "response_ms", "p99.9"),
    ("receipt p50", "receipt_ms", "p50"),
    ("receipt p99", "receipt_ms", "p99"),
)


def point(x: float, runs: Sequence[Run], of: Callable[[Run], float]) -> Point:
    return Point(x, *Spread.of(of(run) for run in runs))


def latency_against_load(paced: Sequence[Measured]) -> Chart:
    """Over the rate that was kept, at shares of what the base line reached."""
    kept = [one.median(lambda run: run.per_s) for one in paced]
    series = [
        Series(
            name,
            [
                point(rate, one.runs, lambda run, of=of, at=at: getattr(run, of)[at])  # type: ignore[misc]
                for rate, one in zip(kept, paced, strict=True)
            ],
        )
        for name, of, at in LATENCIES
    ]
    ticks = [Tick(at, number(at)) for at in steps(max(kept))]
    return Chart("Latency against load, the whole way", "messages per second",
                 "milliseconds, logarithmic", ticks, series, logarithmic=True)  # fmt: skip


def cost_against_connections(lines: Sequence[Measured]) -> Chart:
    """CPU per message over the number of binds, window 100."""

    def along(axis: str, base: str) -> list[Point]:
        found = [one for one in lines if one.line.axis == axis or one.line.name == base]
        found.sort(key=lambda one: one.line.load.connections)
        return [
            point(math.log10(one.line.load.connections), one.runs, lambda run: run.cpu_us)
            for one in found
        ]

    series = [
        Series("the whole way, with receipt", along("connections", BASE.name)),
        Series("accepted", along("accepting", ACCEPT.name)),
    ]
    places = sorted({at.x for one in series for at in one.points})
    ticks = [Tick(x, number(round(10**x))) for x in places]
    return Chart("Cost against connections", "binds, window 100",
                 "CPU of the server, microseconds per message", ticks, series)  # fmt: skip


def cost_against_backlog(backlogs: Sequence[Backlog]) -> Chart:
    """CPU per message of the whole way, over how many others wait."""
    points = [point(n, one.runs, lambda run: run.cpu_us) for n, one in enumerate(backlogs)]
    ticks = [Tick(n, number(one.count)) for n, one in enumerate(backlogs)]
    series = [Series("the whole way, with receipt", points)]
    return Chart("Cost against backlog", "messages that wait meanwhile",
                 "CPU of the server, microseconds per message", ticks, series)  # fmt: skip


def draw(
    lines: Sequence[Measured],
    paced: Sequence[Measured],
    backlogs: Sequence[Backlog],
    directory: Path,
) -> None:
    """Write the charts of what was measured."""
    charts = {}
    if lines:
        charts["latency-against-load"] = latency_against_load(paced)
        charts["cost-against-connections"] = cost_against_connections(lines)
    if backlogs:
        charts["cost-against-backlog"] = cost_against_backlog(backlogs)
    for name, chart in charts.items():
        (directory / f"{name}.svg").write_text(chart.svg())
