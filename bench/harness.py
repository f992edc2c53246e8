"""The end-to-end harness: server, carrier and load generator, each in a process of its own.

    python bench/harness.py            all scenarios, some minutes
    python bench/harness.py --quick    a short run of each, within a minute

Prints a table and writes ``bench/results/latest.json``. The steadiest figure is the server's CPU
time per message (user and system, all threads, from ``/proc``), since rates depend on how many
cores the other two processes find. Every message of every run is checked; a run that lost one
fails the harness.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from smsc.accounts import hash_password
from smsc.sim.process import NotReady, Process, Usage, module

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
PASSWORD = "bench123"
#: The server's ``fdatasync`` histogram at its metrics endpoint.
SYNCS = re.compile(r'^smsc_fdatasync_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE)
#: The group of a codec benchmark says how many PDUs one of its rounds decodes.
CODEC_GROUP = re.compile(r"decode (\d+) submit_sm")
#: Seconds between two looks at the server's memory.
LOOK = 0.05
#: No limit that a figure here could run into.
PLENTY = 10_000
#: Seconds an owed message must outlive the run; the carrier is away.
CARRIER_AWAY = 1


@dataclass(frozen=True)
class Scale:
    """How much is done: seconds of load per scenario, messages owed, idle binds (0: skipped)."""

    seconds: float
    owed: int
    binds: int
    codec: tuple[str, ...]


FULL = Scale(10.0, 1_000_000, 4000, ("bench",))
QUICK = Scale(
    2.5, 150_000, 0, ("bench/test_codec.py", "-k", "test_decode", "--benchmark-max-time=0.3")
)


@dataclass
class Run:
    """What one scenario came to."""

    name: str
    messages: int
    per_s: float
    cpu_us: float
    rss_mib: float
    fdatasync_p50_ms: float
    response_ms: dict[str, float]
    receipt_ms: dict[str, float]
    passed: bool
    load: dict[str, Any] = field(repr=False)


@dataclass
class Owed:
    """What messages that wait for a carrier cost: octets of memory each, and seconds at start."""

    messages: int
    octets_each: float
    start_s: float
    empty_start_s: float


# -- the three processes -------------------------------------------------------------------------


def configuration(directory: Path, carrier_port: int) -> Path:
    """A server without limits on free ports, with one carrier of several binds."""
    settings = {
        "listeners": [{"name": "main", "port": 0}],
        "accounts": [
            {
                "system_id": "bench",
                "password_hash": hash_password(PASSWORD),
                "rate": "unlimited",
                "binds": PLENTY,
                "window": 1000,
                "delivery_window": 1000,
                "max_queued": 100_000_000,
            }
        ],
        "carriers": [
            {
                "name": "sim",
                "host": "127.0.0.1",
                "port": carrier_port,
                "system_id": "smsc",
                "password": "bench",
                "binds": 4,
                "window": 1000,
            }
        ],
        "routes": [{"name": "all", "to": "*", "carriers": ["sim"]}],
        "storage": {"directory": str(directory / "journal"), "force_filesystem": True},
        "traffic": {"directory": str(directory / "traffic")},
        "metrics": {"port": 0},
        "control": {"socket": str(directory / "control.sock")},
        "limits": {"max_unbound": PLENTY, "max_unbound_per_address": PLENTY},
        "log": {"level": "warning"},
    }
    file = directory / "smsc.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


def start_server(config: Path) -> Process:
    return Process("server", config.parent, *module("smsc", "serve", "--config", str(config)))


@contextmanager
def system(base: Path, carrier: bool) -> Iterator[tuple[Process, Path]]:
    """A fresh server; its carrier runs, or is away for as long as this lasts."""
    directory = Path(tempfile.mkdtemp(dir=base))
    upstream = None
    port = CARRIER_AWAY
    try:
        if carrier:
            command = module("smsc.sim.carrier", "--port", "0", "--quiet")
            upstream = Process("carrier", directory, *command)
            port = upstream.ports["carrier"]
        config = configuration(directory, port)
        with start_server(config) as server:
            yield server, config
    finally:
        if upstream is not None:
            upstream.stop()
        shutil.rmtree(directory, ignore_errors=True)


def load(server: Process, directory: Path, *options: str) -> tuple[dict[str, Any], Usage]:
    """Run the load generator; its result, and the server's usage with its peaks meanwhile."""
    told = directory / "load.json"
    told.unlink(missing_ok=True)
    common = ("--port", str(server.ports["main"]), "--system-id", "bench", "--password", PASSWORD)
    command = [*module("smsc.sim.load"), *common, *options, "--quiet", "--json", str(told)]
    child = subprocess.Popen(command)
    peak = server.usage()
    while child.poll() is None:
        now = server.usage()
        anonymous = max(peak.anonymous, now.anonymous)
        peak = Usage(now.cpu, max(peak.rss, now.rss), anonymous)
        time.sleep(LOOK)
    if not told.exists():
        raise SystemExit(f"the load generator failed: {command}\n{server.output()[-2000:]}")
    return json.loads(told.read_text()), peak


def sync_p50_ms(server: Process) -> float:
    """The median fdatasync of the server's life, from its metrics; 0 if it does not tell."""
    url = f"http://127.0.0.1:{server.ports['metrics']}/metrics"
    with urllib.request.urlopen(url) as answer:
        text = answer.read().decode()
    return quantile([(float(le), float(count)) for le, count in SYNCS.findall(text)], 0.5) * 1000


def quantile(buckets: list[tuple[float, float]], share: float) -> float:
    """A quantile of a cumulative histogram, linear within its bucket."""
    wanted = buckets[-1][1] * share if buckets else 0.0
    below, seen = 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted > seen:
            within = (wanted - seen) / (count - seen)
            return below + (min(bound, 2 * below or bound) - below) * within
        below, seen = bound, count
    return 0.0


# -- scenarios -----------------------------------------------------------------------------------


def measure(name: str, base: Path, carrier: bool, *options: str) -> Run:
    """One load against a fresh server."""
    with system(base, carrier) as (server, config):
        before = server.usage()
        result, peak = load(server, config.parent, *options)
        used = server.usage().cpu - before.cpu
        messages = result["acknowledged"]
        whole_way = result["receipts_wanted"]
        return Run(
            name=name,
            messages=messages,
            per_s=result["whole_way_per_s" if whole_way else "accept_per_s"],
            cpu_us=used / max(messages, 1) * 1e6,
            rss_mib=peak.rss / (1 << 20),
            fdatasync_p50_ms=sync_p50_ms(server),
            response_ms=result["response_ms"],
            receipt_ms=result["receipt_ms"],
            passed=result["passed"],
            load=result,
        )


def shape(connections: int, window: int) -> tuple[str, ...]:
    return ("--connections", str(connections), "--window", str(window))


#: Headline first: (binds, window) of the load.
SHAPES = ((10, 100), (1, 100), (100, 100))


def owed(base: Path, messages: int) -> Owed:
    """Accept while the carrier is away, stop, start again: what do the owed ones cost?

    Memory is compared after a start, where neither has anything but the index.
    """
    with system(base, carrier=False) as (server, config):
        server.stop()
        empty_s, empty = _start(config)
        with start_server(config) as again:
            total = ("--messages", str(messages), "--timeout", "120")
            result, _ = load(again, config.parent, *shape(10, 100), *total)
        start_s, full = _start(config)
        kept = max(result["acknowledged"], 1)
        return Owed(kept, (full - empty) / kept, start_s, empty_s)


def _start(config: Path) -> tuple[float, int]:
    """Start and stop: seconds until ready, and octets of memory then."""
    started = time.monotonic()
    with start_server(config) as server:
        return time.monotonic() - started, server.usage().anonymous


def idle_bind_kib(base: Path, binds: int) -> float:
    """KiB of memory that one more bind with hardly any traffic costs."""
    with system(base, carrier=False) as (server, config):
        traffic = ("--rate", "10", "--duration", "2", "--timeout", "60")
        peaks = []
        # The first round also fills what checking a password has left free in the heap (20 MiB).
        for count in (binds, 2 * binds):
            _, peak = load(server, config.parent, "--connections", str(count), *traffic)
            peaks.append(peak.anonymous)
        return (peaks[1] - peaks[0]) / binds / 1024


def codec(scale: Scale, base: Path) -> dict[str, float]:
    """Run the micro-benchmarks; nanoseconds of each decoder's median per PDU, by name."""
    told = base / "codec.json"
    command = [*module("pytest", "-q", *scale.codec), "--benchmark-json", str(told)]
    subprocess.run(command, cwd=ROOT, check=False)
    figures = {}
    for bench in json.loads(told.read_text())["benchmarks"]:
        match = CODEC_GROUP.fullmatch(bench["group"] or "")
        if match:
            figures[bench["param"]] = bench["stats"]["median"] / int(match[1]) * 1e9
    return figures


def run(scale: Scale, base: Path, console: Console) -> dict[str, Any]:
    """All scenarios in turn; the figures by name."""
    lasting = ("--duration", str(scale.seconds))
    runs: list[Run] = []

    def note(name: str, carrier: bool, *options: str) -> Run:
        console.print(f"[dim]{name} ...[/dim]")
        runs.append(measure(name, base, carrier, *options))
        return runs[-1]

    shapes = SHAPES if scale is FULL else SHAPES[:1]
    accepts = [note(f"accept, {c} x {w}", False, *lasting, *shape(c, w)) for c, w in shapes]
    ways = [
        note(f"whole way, {c} x {w}", True, *lasting, *shape(c, w), "--receipts") for c, w in shapes
    ]
    half = str(accepts[0].per_s / 2)
    calm = note("accept at half load", False, *lasting, *shape(10, 100), "--rate", half)
    console.print("[dim]owed messages, idle binds, codec ...[/dim]")
    waiting = owed(base, scale.owed)
    bind_kib = idle_bind_kib(base, scale.binds) if scale.binds else None
    decoders = codec(scale, base)
    return {
        "accept_per_s": accepts[0].per_s,
        "accept_cpu_us": accepts[0].cpu_us,
        "whole_way_per_s": ways[0].per_s,
        "whole_way_cpu_us": ways[0].cpu_us,
        "resp_p99_ms": calm.response_ms["p99"],
        "fdatasync_p50_ms": calm.fdatasync_p50_ms,
        "decode_submit_ns": decoders.get("ours", 0.0),
        "owed_octets_each": waiting.octets_each,
        "owed_start_s": waiting.start_s,
        "idle_bind_kib": bind_kib,
        "passed": all(each.passed for each in runs),
        "owed": asdict(waiting),
        "decoders_ns": decoders,
        "runs": [asdict(each) for each in runs],
    }


# -- showing -------------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """Where and what this was measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
    }


#: Latencies are p50 / p99 in ms; ``CPU`` is the server's, per message.
COLUMNS = ("scenario", "messages", "/s", "CPU us", "RSS MiB", "sync p50 ms", "response ms",
           "receipt ms", "checks")  # fmt: skip
#: Characters of a line where no terminal says how many there are.
WIDTH = 120


def _p50_p99(latency: dict[str, float]) -> str:
    return f"{latency['p50']:.2f} / {latency['p99']:.2f}" if latency["max"] else "-"


def show(figures: dict[str, Any], console: Console) -> None:
    table = Table(title="smsc, one server process", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "scenario" else "right")
    for each in figures["runs"]:
        table.add_row(
            each["name"],
            f"{each['messages']:,}",
            f"{each['per_s']:,.0f}",
            f"{each['cpu_us']:.1f}",
            f"{each['rss_mib']:,.0f}",
            f"{each['fdatasync_p50_ms']:.2f}",
            _p50_p99(each["response_ms"]),
            _p50_p99(each["receipt_ms"]),
            "passed" if each["passed"] else "FAILED",
        )
    console.print(table)
    waiting = figures["owed"]
    console.print(
        f"owed: {waiting['messages']:,} messages, {waiting['octets_each']:.0f} octets of memory"
        f" each, ready after {waiting['start_s']:.2f} s (empty: {waiting['empty_start_s']:.2f} s)\n"
        f"decode submit_sm: {figures['decode_submit_ns']:.0f} ns"
    )
    if figures["idle_bind_kib"] is not None:
        console.print(f"idle bind: {figures['idle_bind_kib']:.1f} KiB")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the server end to end.")
    parser.add_argument("--quick", action="store_true", help="a short run, within a minute")
    parser.add_argument(
        "--directory",
        type=Path,
        default=ROOT / "var" / "bench",
        help="where the journals lie; its disk is measured too (%(default)s)",
    )
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    options.directory.mkdir(parents=True, exist_ok=True)
    about = machine()
    with tempfile.TemporaryDirectory(dir=options.directory) as base:
        try:
            figures = run(QUICK if options.quick else FULL, Path(base), console)
        except NotReady as error:
            console.print(str(error), markup=False)
            return 1
    RESULTS.mkdir(exist_ok=True)
    latest = {**figures, "quick": options.quick, "machine": about}
    (RESULTS / "latest.json").write_text(json.dumps(latest, indent=2) + "\n")
    show(figures, console)
    return 0 if figures["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
