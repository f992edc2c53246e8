"""``smsc demo``: the main job, for anyone to see.

Runs a server with the given configuration, a simulated carrier and a client that submits messages
and asks for receipts, each as a process of its own, and then checks what came of it: every message
acknowledged, carried, receipted, and recorded once in the traffic log.

The configuration is used as it is but for three things, so that a demo disturbs nothing: data lies
in a directory made for it beside the configured one (on the disk that is configured, since its
syncs are what is shown) and is removed at the end; every port is a free one; and every carrier is
the simulated one. The client binds as ``demo``, the account that ``config/smsc.yaml`` comes with.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from smsc import reading, traffic
from smsc.config import Config
from smsc.journal import inspect
from smsc.keys import keyring
from smsc.sim.process import SHOWN, NotReady, Process, module
from smsc.sim.report import table

#: Unanswered submits: within the window that the configuration grants the account.
WINDOW = 200
CONNECTIONS = 4

#: What the summary shows of the metrics.
SHOWN_METRICS = (
    "smsc_accepted_total",
    "smsc_submitted_total",
    "smsc_finished_total",
    "smsc_owed ",
    "smsc_fdatasync_seconds_count",
    "smsc_fdatasync_seconds_sum",
    "process_resident_memory_bytes",
)

#: What of a traffic record the summary shows: nothing of its content, no whole number.
SHOWN_FIELDS = (
    "id", "account", "carrier", "source_addr", "destination_addr", "accepted", "sent", "done",
    "state", "attempts", "parts", "data_coding", "registered_delivery",
)  # fmt: skip
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    #: What the client counted (``smsc.sim.result``) and what the carrier did.
    load: Mapping[str, Any]
    carrier: Mapping[str, Any]
    #: Records of the traffic log, and messages in them; one record.
    records: int
    messages: int
    sample: Mapping[str, Any]
    #: Where the metrics were, and what they said at the end.
    metrics_url: str
    metrics: str

    def faults(self, wanted: int) -> Iterator[str]:
        """What is wrong with it; nothing if every promise was kept."""
        for what, count in (
            ("acknowledged", self.load["acknowledged"]),
            ("carried", self.carrier["accepted"]),
            ("receipted", self.load["receipts"]),
            ("recorded", self.records),
            ("recorded once", self.messages),
        ):
            if count != wanted:
                yield f"{count:,} of {wanted:,} messages {what}"
        if not self.load["passed"]:
            yield "the client's checks failed"


# -- the run -------------------------------------------------------------------------------------


def adapted(text: str, directory: Path, carrier: int) -> str:
    """The configuration with its data under ``directory``, free ports, and one carrier's port.

    Done on YAML's nodes, so that everything else stays as it is written.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    sections = {key.value: value for key, value in root.value}
    for listener in sections["listeners"].value:
        _put(listener, port="0")
    for upstream in sections["carriers"].value:
        _put(upstream, host="127.0.0.1", port=str(carrier))
    for name, values in (
        ("metrics", {"port": "0"}),
        ("control", {"socket": str(directory / "control.sock")}),
        ("traffic", {"directory": str(directory / "traffic")}),
        ("keys", {"directory": str(directory / "keys"), "master_file": str(directory / "master")}),
        ("retention", {"directory": str(directory / "retention")}),
        ("storage", {"directory": str(directory / "journal"), "force_filesystem": "true"}),
    ):
        section = sections.get(name)
        if not isinstance(section, yaml.MappingNode):
            section = yaml.MappingNode(f"{_TAG}map", [])
        _put(section, **values)
        root.value = [pair for pair in root.value if pair[0].value != name]
        root.value.append((yaml.ScalarNode(f"{_TAG}str", name), section))
    return str(yaml.serialize(root))


def _put(mapping: yaml.MappingNode, **values: str) -> None:
    kept = [pair for pair in mapping.value if pair[0].value not in values]
    tag = f"{_TAG}str"
    fresh = [(yaml.ScalarNode(tag, k), yaml.ScalarNode(tag, v)) for k, v in values.items()]
    mapping.value = kept + fresh


def perform(file: str, messages: int, directory: Path, console: Console) -> Outcome:
    """Run all three until the client is done, and read what they left.

    Raises NotReady if a part does not start or the client can't do its work.
    """
    counts, result = directory / "carrier.json", directory / "load.json"
    simulate = module("smsc.sim.carrier", "--port", "0", "--quiet", "--json", str(counts))
    with Process("carrier", directory, *simulate) as carrier:
        here = directory / "smsc.yaml"
        here.write_text(adapted(Path(file).read_text(), directory, *carrier.ports.values()))
        serve = module("smsc", "serve", "--config", str(here))
        with Process("server", directory, *serve) as server:
            ports = dict(server.ports)
            url = f"http://127.0.0.1:{ports.pop('metrics')}/metrics"
            console.print(f"server on port {next(iter(ports.values()))}, metrics at {url}")
            _load(next(iter(ports.values())), messages, result)
            metrics = scrape(url)
    records, ids, sample = read_traffic(reading.load(str(here)))
    load, carried = json.loads(result.read_text()), json.loads(counts.read_text())
    return Outcome(load, carried, records, ids, sample, url, metrics)


def _load(port: int, messages: int, result: Path) -> None:
    """Run the client; its progress goes to our standard error."""
    sizes = (("--connections", CONNECTIONS), ("--window", WINDOW), ("--messages", messages))
    options = [word for name, value in sizes for word in (name, str(value))]
    command = module("smsc.sim.load", "--port", str(port), "--receipts", *options)
    # A session of its own: an interrupt from the keyboard is ours to handle.
    child = subprocess.Popen(
        [*command, "--json", str(result)], stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        child.wait()
    finally:
        child.kill()
        child.wait()
    if not result.exists():
        raise NotReady("the client could not do its work")


def scrape(url: str) -> str:
    """The metrics as text. Raises OSError."""
    with urllib.request.urlopen(url, timeout=10) as response:
        return str(response.read(), "utf-8")


def read_traffic(loaded: Config) -> tuple[int, int, dict[str, Any]]:
    """Of a stopped server's traffic log: its records, how many messages they are of, and one."""
    records, ids = 0, set()
    sample: dict[str, Any] = {}
    directory, keys = Path(loaded.traffic.directory), keyring(loaded, read_only=True)
    for period in traffic.periods(directory):
        for sample in traffic.read(inspect.records(directory / period), keys):
            records += 1
            ids.add(sample["id"])
    return records, len(ids), sample


# -- the summary ---------------------------------------------------------------------------------


def show(outcome: Outcome, wanted: int, console: Console) -> None:
    """Print what a run came to."""
    load = outcome.load
    rows = {
        "messages": wanted,
        "acknowledged": load["acknowledged"],
        "carried": outcome.carrier["accepted"],
        "receipted": load["receipts"],
        "traffic records": outcome.records,
        "acknowledged per second": load["accept_per_s"],
        "the whole way per second": load["whole_way_per_s"],
        "submit_sm_resp after, ms": percentiles(load["response_ms"]),
        "receipt after, ms": percentiles(load["receipt_ms"]),
    }
    console.print(table("what became of it", rows))
    console.print(table("the traffic record of one message", shown(outcome.sample)))
    console.print(f"from {outcome.metrics_url}:")
    for line in outcome.metrics.splitlines():
        if line.startswith(SHOWN_METRICS):
            console.print(f"  {line}", highlight=False)
    faults = list(outcome.faults(wanted))
    for fault in faults:
        console.print(f"FAILED: {fault}")
    if not faults:
        console.print("every message was acknowledged, carried, receipted and recorded once")


def percentiles(values: Mapping[str, float]) -> str:
    """``p50 1.20  p90 2.30  p99 3.40  max 4.50``: what fits on a line."""
    return "  ".join(f"{name} {values[name]:.2f}" for name in ("p50", "p90", "p99", "max"))


def shown(record: Mapping[str, Any]) -> dict[str, object]:
    """A traffic record as it may be shown without a reason given: what ``traffic show`` prints."""
    fields = traffic.shown(dict(record))
    return {name: fields[name] for name in SHOWN_FIELDS}


# -- command line --------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``smsc demo``."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        default="config/smsc.yaml",
        help="the configuration (default: %(default)s)",
    )
    parser.add_argument(
        "--messages",
        type=_count,
        default=10_000,
        metavar="N",
        help="how many are submitted (default: %(default)s)",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("must be a whole number above 0")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """0 if every promise was kept, 1 if not, 130 if interrupted. Raises ConfigError."""
    beside = Path(reading.load(options.config).storage.directory).absolute().parent
    beside.mkdir(parents=True, exist_ok=True)
    # To be told to end is to be interrupted: nothing may be left running.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="demo-", dir=beside) as directory:
            return _run(options.config, options.messages, Path(directory))
    except KeyboardInterrupt:
        print("interrupted; all is stopped", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(file: str, messages: int, directory: Path) -> int:
    console = Console()
    try:
        outcome = perform(file, messages, directory, console)
    except (NotReady, OSError) as error:
        print(f"smsc demo: {error}", file=sys.stderr)
        for log in sorted(directory.glob("*.log")):
            print(f"-- {log.name}\n{log.read_text()[-SHOWN:]}", file=sys.stderr)
        return 1
    show(outcome, messages, console)
    return 1 if any(outcome.faults(messages)) else 0
