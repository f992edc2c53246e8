"""All that one run of the harness came to: for machines, for people, and as ratios."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console

from bench import matrix, report
from bench.backlog import Backlog
from bench.crowd import Crowd
from bench.matrix import Measured
from bench.run import Run
from bench.spread import Spread


@dataclass
class Found:
    """All that one run of the harness came to; what was not asked for is empty."""

    lines: list[Measured] = field(default_factory=list)
    paced: list[Measured] = field(default_factory=list)
    calm: list[Measured] = field(default_factory=list)
    backlogs: list[Backlog] = field(default_factory=list)
    receipt_octets: float | None = None
    crowds: list[Crowd] = field(default_factory=list)
    decoders: dict[str, Spread] = field(default_factory=dict)

    def of(self, name: str, figure: Callable[[Run], float]) -> float:
        """The median of a line."""
        return next(one.median(figure) for one in self.lines if one.line.name == name)

    def rate(self, name: str) -> float:
        return self.of(name, lambda run: run.per_s)

    @property
    def passed(self) -> bool:
        runs = [run for one in (*self.lines, *self.paced, *self.calm) for run in one.runs]
        runs += [run for one in self.backlogs for run in one.runs]
        runs += [run for one in self.crowds for run in one.runs]
        return all(run.passed for run in runs)

    def ratios(self) -> dict[str, float]:
        """Ours to others', in one run and on the same work: what another machine may repeat."""
        found = {}
        if self.lines:
            way, accept = self.rate(matrix.BASE.name), self.rate(matrix.ACCEPT.name)
            found["accepting, of the rate that the limit reaches"] = accept / self.rate("limit")
            found["accepting, of the rate that smpp34 reaches"] = accept / self.rate("smpp34")
            limit = self.rate("limit, receipts")
            found["the whole way, of the rate that the limit reaches"] = way / limit
        if self.decoders:
            ours, theirs = self.decoders["ours"], self.decoders["smpp34"]
            found["decoding, of the time that smpp34 takes"] = ours.median / theirs.median
        for standing, beside in ((self.backlogs, "owed"), (self.crowds, "idle binds")):
            if standing:
                name = (
                    f"the whole way, {standing[-1].count:,} {beside} meanwhile, of the CPU without"
                )
                found[name] = _cpu(standing[-1].runs) / _cpu(standing[0].runs)
        return found

    def figures(self) -> dict[str, Any]:
        """For machines: the headline by itself, then everything."""
        head: dict[str, Any] = {}
        if self.lines:
            for name, line in (("accept", matrix.ACCEPT), ("whole_way", matrix.BASE)):
                head[f"{name}_per_s"] = self.rate(line.name)
                head[f"{name}_cpu_us"] = self.of(line.name, lambda run: run.cpu_us)
        for one in self.calm:
            head["resp_p99_ms"] = one.median(lambda run: run.response_ms["p99"])
            head["fdatasync_p50_ms"] = one.median(lambda run: run.sync_p50_ms)
        if self.decoders:
            head["decode_submit_ns"] = self.decoders["ours"].median
        if self.backlogs:
            head["owed_octets_each"] = self.backlogs[-1].octets_each(self.backlogs[0])
            head["owed_start_s"] = self.backlogs[-1].stopped.seconds
            head["owed_killed_start_s"] = self.backlogs[-1].killed.seconds
        if self.receipt_octets is not None:
            head["receipt_octets_each"] = self.receipt_octets
        if self.crowds:
            head["idle_bind_kib"] = self.crowds[-1].kib_each(self.crowds[0])
        return {
            **head,
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
        report.show_receipts(self.receipt_octets, console)
        report.show_crowds(self.crowds, console)
        report.show_ratios(self.ratios(), console)


def _cpu(runs: list[Run]) -> float:
    return Spread.of(run.cpu_us for run in runs).median


def _line(one: Measured) -> dict[str, Any]:
    return {
        "name": one.line.name,
        "axis": one.line.axis,
        "at": one.line.at,
        "carrier": one.line.carrier,
        "load": asdict(one.line.load),
        "runs": [asdict(run) for run in one.runs],
    }
