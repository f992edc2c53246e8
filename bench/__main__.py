"""Measure the server end to end, beside others: ``python -m bench``, ``make bench [QUICK=1]``.

Writes ``bench/results/latest.json`` and charts beside it, and prints tables; ``--only PART`` does a
part of it. Every message of every run is checked; a run that lost one fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from bench import codecs, matrix, report
from bench.backlog import backlogs, octets_per_receipt
from bench.crowd import crowds
from bench.found import Found
from bench.machine import RESULTS, ROOT, WIDTH, machine
from bench.matrix import Measured
from bench.plots import draw
from bench.run import LoadFailed
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
    times=3,
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


#: What may be asked for by itself.
PARTS = ("matrix", "backlog", "receipts", "binds", "codecs")


def run(
    scale: Scale, parts: Sequence[str], base: Path, console: Console, keep: Callable[[Found], None]
) -> Found:
    """Each part in turn; what there is so far is kept after each, should the next be cut off."""
    found = Found()

    def say(text: str) -> None:
        console.print(f"[dim]{text} ...[/dim]")

    def sweep(lines: Sequence[matrix.Line]) -> list[Measured]:
        until = time.monotonic() + scale.budget
        return matrix.in_turn(
            lines,
            scale.times,
            lambda line: line.run(base, scale.seconds),
            say,
            lambda: time.monotonic() < until,
        )

    if "matrix" in parts:
        found.lines = sweep(scale.lines)
        way, accept = matrix.BASE, matrix.ACCEPT
        rate = found.rate(way.name)
        found.paced = sweep([matrix.paced(way, share, rate) for share in scale.shares])
        found.calm = sweep([matrix.paced(accept, 0.5, found.rate(accept.name))])
        keep(found)
    if "backlog" in parts:
        sizes = scale.owed
        found.backlogs = backlogs(base, sizes, scale.times, scale.seconds, scale.budget, say)
        keep(found)
    if "receipts" in parts and scale.receipts:
        say("awaited receipts")
        found.receipt_octets = octets_per_receipt(base, scale.receipts)
        keep(found)
    if "binds" in parts and scale.binds:
        found.crowds = crowds(base, scale.binds, scale.times, scale.seconds, say)
        keep(found)
    if "codecs" in parts:
        found.decoders = codecs.decoding(scale.rounds)
        keep(found)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the server.")
    parser.add_argument("--quick", action="store_true", help="a short run, below three minutes")
    parser.add_argument(
        "--directory",
        type=Path,
        default=ROOT / "var" / "bench",
        help="where the journals lie; its disk is measured too (%(default)s)",
    )
    parser.add_argument(
        "--budget", type=float, metavar="SECONDS", help="for each part; once at least is measured"
    )
    parser.add_argument(
        "--only", action="append", choices=PARTS, help="this part; may be given more than once"
    )
    options = parser.parse_args()
    parts = options.only or PARTS
    scale = QUICK if options.quick else FULL
    if options.budget is not None:
        scale = replace(scale, budget=options.budget)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    options.directory.mkdir(parents=True, exist_ok=True)
    raise_file_limit()
    about = machine()
    began = time.monotonic()
    RESULTS.mkdir(exist_ok=True)
    file = "latest.json" if parts == PARTS else f"latest-{'-'.join(parts)}.json"

    def keep(found: Found) -> None:
        about["took_s"] = round(time.monotonic() - began)
        latest = {**found.figures(), "quick": options.quick, "machine": about}
        (RESULTS / file).write_text(json.dumps(latest, indent=2) + "\n")
        draw(found.lines, found.paced, found.backlogs, RESULTS)

    with tempfile.TemporaryDirectory(dir=options.directory) as base:
        try:
            found = run(scale, parts, Path(base), console, keep)
        except (NotReady, LoadFailed) as error:
            console.print(str(error), markup=False)
            return 1
    found.show(console)
    report.show_machine(about, console)
    return 0 if found.passed else 1


if __name__ == "__main__":
    sys.exit(main())
