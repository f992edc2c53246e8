"""Measure the server end to end, beside others: ``python -m bench``, ``make bench [QUICK=1]``.

Writes ``bench/results/latest.json`` and charts beside it, and prints tables. Every message of every
run is checked; a run that lost one fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import codecs, matrix, report
from bench.backlog import Backlog, backlogs, octets_per_receipt
from bench.crowd import Crowd, crowds
from bench.machine import RESULTS, ROOT, WIDTH, machine
from bench.matrix import Measured
from bench.plots import draw
from bench.run import LoadFailed
from bench.spread import Spread
from bench.world import raise_file_limit
from smsc.sim.process import NotReady


@dataclass(frozen=True)
class Scale:
    """How much is done. ``budget``: seconds for the matrix, and for filling each backlog."""

    lines: tuple[matrix.Line, ...]
    shares: tuple[float, ...]
    times: int
    seconds: float
    budget: float
    owed: tuple[int, ...]
    receipts: int
    binds: int
    rounds: int


FULL = Scale(
    lines=matrix.LINES,
    shares=matrix.SHARES,
    times=5,
    seconds=4.0,
    budget=900.0,
    owed=(1_000_000, 10_000_000),
    receipts=1_000_000,
    binds=9_900,
    rounds=50,
)
QUICK = Scale(
    lines=matrix.FEW,
    shares=(0.5,),
    times=2,
    seconds=1.5,
    budget=70.0,
    owed=(150_000,),
    receipts=0,
    binds=0,
    rounds=10,
)


@dataclass
class Found:
    """All that one run of the harness came to."""

    lines: list[Measured]
    paced: list[Measured]
    calm: list[Measured]
    backlogs: list[Backlog]
    receipt_octets: float | None
    crowds: list[Crowd]
    decoders: dict[str, Spread]

    def __getitem__(self, name: str) -> Measured:
        return next(one for one in self.lines if one.line.name == name)

    @property
    def passed(self) -> bool:
        runs = [run for one in (*self.lines, *self.paced, *self.calm) for run in one.runs]
        runs += [run for one in self.backlogs for run in one.runs]
        runs += [run for one in self.crowds for run in one.runs]
        return all(run.passed for run in runs)

    def ratios(self) -> dict[str, float]:
        """Ours to others', in one run and on the same work: what another machine may repeat."""

        def rates(ours: matrix.Line, other: str) -> float:
            return self._rate(ours.name) / self._rate(other)

        return {
            "accepting, of the rate that the limit reaches": rates(matrix.ACCEPT, "limit"),
            "the whole way, of the rate that the limit reaches": rates(
                matrix.BASE, "limit, receipts"
            ),
            "accepting, of the rate that smpp34 reaches": rates(matrix.ACCEPT, "smpp34"),
            "decoding, of the time that smpp34 takes": self.decoders["ours"].median
            / self.decoders["smpp34"].median,
            "the whole way, owed messages meanwhile, of the CPU without": Spread.of(
                run.cpu_us for run in self.backlogs[-1].runs
            ).median
            / Spread.of(run.cpu_us for run in self.backlogs[0].runs).median,
        }

    def _rate(self, name: str) -> float:
        return self[name].median(lambda run: run.per_s)

    def figures(self) -> dict[str, Any]:
        """For machines: the headline by itself, then everything."""
        accept, way = self[matrix.ACCEPT.name], self[matrix.BASE.name]
        waiting = self.backlogs[-1]
        return {
            "accept_per_s": self._rate(accept.line.name),
            "accept_cpu_us": accept.median(lambda run: run.cpu_us),
            "whole_way_per_s": self._rate(way.line.name),
            "whole_way_cpu_us": way.median(lambda run: run.cpu_us),
            "resp_p99_ms": self.calm[0].median(lambda run: run.response_ms["p99"]),
            "fdatasync_p50_ms": self.calm[0].median(lambda run: run.sync_p50_ms),
            "decode_submit_ns": self.decoders["ours"].median,
            "owed_octets_each": waiting.octets_each(self.backlogs[0]),
            "owed_start_s": waiting.start_s,
            "receipt_octets_each": self.receipt_octets,
            "idle_bind_kib": self.crowds[-1].kib_each(self.crowds[0]) if self.crowds else None,
            "passed": self.passed,
            "ratios": self.ratios(),
            "lines": [_line(one) for one in (*self.lines, *self.paced, *self.calm)],
            "backlogs": [asdict(one) for one in self.backlogs],
            "crowds": [asdict(one) for one in self.crowds],
            "decoders_ns": {name: each._asdict() for name, each in self.decoders.items()},
        }

    def show(self, console: Console) -> None:
        servers = [one for one in self.lines if one.line.axis != "peer"]
        others = [one for one in self.lines if one.line.axis == "peer"]
        report.show_lines("one server process", servers, console)
        report.show_lines("latency at a share of the rate", self.paced + self.calm, console)
        report.show_lines("the same load on who stores nothing", others, console)
        report.show_decoders(self.decoders, console)
        report.show_backlogs(self.backlogs, console)
        if self.receipt_octets is not None:
            console.print(f"awaited receipt: {self.receipt_octets:.0f} octets of memory each")
        if self.crowds:
            report.show_crowds(self.crowds, console)
        report.show_ratios(self.ratios(), console)


def _line(one: Measured) -> dict[str, Any]:
    return {
        "name": one.line.name,
        "axis": one.line.axis,
        "at": one.line.at,
        "carrier": one.line.carrier,
        "load": asdict(one.line.load),
        "runs": [asdict(run) for run in one.runs],
    }


def run(scale: Scale, base: Path, console: Console) -> Found:
    """Everything in turn."""

    def say(text: str) -> None:
        console.print(f"[dim]{text} ...[/dim]")

    def sweep(lines: tuple[matrix.Line, ...], budget: float) -> list[Measured]:
        until = time.monotonic() + budget
        return matrix.in_turn(
            lines,
            scale.times,
            lambda line: line.run(base, scale.seconds),
            say,
            lambda: time.monotonic() < until,
        )

    lines = sweep(scale.lines, scale.budget)
    rates = {one.line.name: one.median(lambda run: run.per_s) for one in lines}
    way, accept = matrix.BASE, matrix.ACCEPT
    shares = tuple(matrix.paced(way, share, rates[way.name]) for share in scale.shares)
    paced = sweep(shares, scale.budget)
    calm = sweep((matrix.paced(accept, 0.5, rates[accept.name]),), scale.budget)
    waiting = backlogs(base, scale.owed, scale.times, scale.seconds, scale.budget, say)
    say("awaited receipts, idle binds, codecs")
    receipt = octets_per_receipt(base, scale.receipts) if scale.receipts else None
    idle = crowds(base, scale.binds, scale.times, scale.seconds, say) if scale.binds else []
    return Found(lines, paced, calm, waiting, receipt, idle, codecs.decoding(scale.rounds))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the server.")
    parser.add_argument("--quick", action="store_true", help="a short run, below three minutes")
    parser.add_argument(
        "--directory",
        type=Path,
        default=ROOT / "var" / "bench",
        help="where the journals lie; its disk is measured too (%(default)s)",
    )
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    options.directory.mkdir(parents=True, exist_ok=True)
    raise_file_limit()
    about = machine()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.directory) as base:
        try:
            found = run(QUICK if options.quick else FULL, Path(base), console)
        except (NotReady, LoadFailed) as error:
            console.print(str(error), markup=False)
            return 1
    about["took_s"] = round(time.monotonic() - began)
    RESULTS.mkdir(exist_ok=True)
    latest = {**found.figures(), "quick": options.quick, "machine": about}
    (RESULTS / "latest.json").write_text(json.dumps(latest, indent=2) + "\n")
    draw(found.lines, found.paced, found.backlogs, RESULTS)
    found.show(console)
    report.show_machine(about, console)
    return 0 if found.passed else 1


if __name__ == "__main__":
    sys.exit(main())
