"""What was measured, for people: tables on a terminal or in a log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.backlog import Backlog
from bench.crowd import Crowd
from bench.matrix import Measured
from bench.spread import Spread
from bench.timeline import Pauses

#: Latencies are p50 / p99 / p99.9 in ms; CPU is the server's, us per message.
COLUMNS = ("line", "runs", "/s", "CPU us", "user + system", "spread", "RSS MiB", "sync/s",
           "response ms", "receipt ms", "checks")  # fmt: skip


def _latencies(runs: Measured, of: str) -> str:
    shown = [
        runs.median(lambda run, name=name: getattr(run, of)[name])  # type: ignore[misc]
        for name in ("p50", "p99", "p99.9")
    ]
    return " / ".join(f"{ms:.2f}" if ms < 10 else f"{ms:,.0f}" for ms in shown) if shown[2] else "-"


def _cells(one: Measured) -> tuple[str, ...]:
    cpu = one.spread(lambda run: run.cpu_us)
    return (
        str(len(one.runs)),
        f"{one.median(lambda run: run.per_s):,.0f}",
        f"{cpu.median:.1f}",
        f"{one.median(lambda run: run.user_us):.1f} + {one.median(lambda run: run.system_us):.1f}",
        f"{cpu.width:.0%}",
        f"{one.median(lambda run: run.rss_mib):,.0f}",
        f"{one.median(lambda run: run.syncs_per_s):,.0f}",
        _latencies(one, "response_ms"),
        _latencies(one, "receipt_ms"),
        "passed" if all(run.passed for run in one.runs) else "FAILED",
    )


def _table(title: str, columns: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for n, column in enumerate(columns):
        table.add_column(column, justify="right" if n else "left")
    return table


def show_lines(title: str, lines: Sequence[Measured], console: Console) -> None:
    if not lines:
        return
    table = _table(title, COLUMNS)
    for one in lines:
        table.add_row(one.line.name, *_cells(one))
    console.print(table)


def show_backlogs(backlogs: Sequence[Backlog], console: Console) -> None:
    if not backlogs:
        return
    table = _table(
        "messages that wait",
        (
            "owed",
            "start s",
            "its CPU s",
            "after a kill",
            "without a checkpoint",
            "octets each",
            "idle ms/s",
            "/s",
            "CPU us",
        ),
    )
    for one in backlogs:
        cost = one.octets_each(backlogs[0])
        start = (f"{one.stopped.seconds:.1f}", f"{one.stopped.cpu_s:.1f}")
        others = (f"{one.killed.seconds:.1f}", f"{one.whole.seconds:.1f}")
        table.add_row(f"{one.count:,}", *start, *others, f"{cost:.0f}", *_standing(one))
    console.print(table)


def show_receipts(octets: float | None, console: Console) -> None:
    if octets is not None:
        console.print(f"awaited receipt: {octets:.0f} octets of memory each")


def show_crowds(crowds: Sequence[Crowd], console: Console) -> None:
    if not crowds:
        return
    table = _table("idle binds", ("binds", "all bound s", "KiB each", "idle ms/s", "/s", "CPU us"))
    for one in crowds:
        cost = one.kib_each(crowds[0])
        table.add_row(f"{one.count:,}", f"{one.binding_s:.1f}", f"{cost:.1f}", *_standing(one))
    console.print(table)


def _standing(one: Backlog | Crowd) -> tuple[str, ...]:
    """What the whole way costs beside what stands there."""
    rate = Spread.of(run.per_s for run in one.runs)
    cpu = Spread.of(run.cpu_us for run in one.runs)
    spread = f"{cpu.median:.1f} ({cpu.least:.1f} to {cpu.most:.1f})"
    return f"{one.idle_ms_per_s:.0f}", f"{rate.median:,.0f}", spread


def show_decoders(decoders: Mapping[str, Spread], console: Console) -> None:
    if not decoders:
        return
    table = _table("decoding a submit_sm of 80 octets", ("decoder", "ns", "x ours"))
    ours = decoders["ours"].median
    for name, spread in decoders.items():
        table.add_row(name, f"{spread.median:,.0f}", f"{spread.median / ours:.1f}")
    console.print(table)


def show_pauses(found: Iterable[Pauses], console: Console) -> None:
    columns = ("meanwhile", "times", "messages", "p50 ms", "p99 ms", "slowest ms", "disk then",
               "no core then", "limit then", "because of", "own ms at most")  # fmt: skip
    table = _table("a message every 10 ms", columns)
    for one in found:
        slowest = one.slowest
        took = (one.p50, one.p99, slowest.ms)
        then = (slowest.disk_ms, slowest.waited_ms, slowest.control_ms)
        shown = (f"{ms:.1f}" for ms in (*took, *then))
        own = f"{one.own:.1f}" + (" PAUSE" if one.found else "")
        table.add_row(one.name, str(one.times), str(one.messages), *shown, one.cause, own)
    console.print(table)


def show_ratios(ratios: Mapping[str, float], console: Console) -> None:
    if not ratios:
        return
    table = _table("ratios within this run", ("what", "times"))
    for what, ratio in ratios.items():
        table.add_row(what, f"{ratio:.3g}")
    console.print(table)


def show_machine(about: Mapping[str, Any], console: Console) -> None:
    console.print("  ".join(f"{name} {value}" for name, value in about.items()), markup=False)
