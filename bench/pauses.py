"""Does anything stop the loop? A message every 10 ms through all that might: ``make pauses``.

    python -m bench.pauses [--quick]

Through quiet, a load, segments that change under it, bodies carried out of old ones, sweeps, a
thousand accounts read anew, scrapes, and full collections of garbage (which the server does not do
by itself). ``probe`` says what the disk and the machine had to do with each message. Writes
``bench/results/pauses.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import limit, report
from bench.backlog import fill
from bench.machine import RESULTS, ROOT, WIDTH, machine
from bench.probe import Sample
from bench.run import Load, load_command
from bench.timeline import Pauses, Timeline, pauses
from bench.track import scrape
from bench.world import World, password_hash, raise_file_limit, running
from smsc.config import ControlConfig
from smsc.control import ask
from smsc.db import accounts, customers
from smsc.db.database import Database
from smsc.db.model import SmppAccount
from smsc.sim.process import Process, module

#: Accounts that are read anew, of one customer.
ACCOUNTS, CUSTOMER = 1_000, "bench"
#: What makes the log move: texts of a full message, and how many a second.
LOAD = Load(text_octets=250, rate=4_000)
#: Seconds between two looks at the log's directory, and at what was carried, while it moves.
LOOK, SCRAPE = 0.05, 2.0


@dataclass(frozen=True)
class Scale:
    """Seconds of quiet; messages owed; at most seconds of load; times that each thing is done."""

    quiet: float
    owed: int
    load: float
    times: int


FULL = Scale(quiet=20.0, owed=50_000, load=90.0, times=20)
QUICK = Scale(quiet=3.0, owed=5_000, load=5.0, times=3)


def with_database(settings: dict[str, Any]) -> None:
    """Accounts also come from a database, beside the server's other files."""
    directory = Path(settings["traffic"]["directory"]).parent
    settings["database"] = {"url": f"sqlite:///{directory / 'smsc.db'}"}
    database = Database(settings["database"]["url"])
    database.prepare()
    with database.changing() as session:
        customers.add(
            session, CUSTOMER, 0, name=CUSTOMER, contract_start=date(2020, 1, 1), time_zone="UTC"
        )
        session.add_all(
            SmppAccount(
                system_id=f"client{n:04d}",
                customer=CUSTOMER,
                password_hash=password_hash(),
                enabled=True,
                settings={"rate": "50/s"},
                created_at=0,
            )
            for n in range(ACCOUNTS)
        )
    database.close()


def start(config: Path) -> Process:
    command = module("bench.collecting", "serve", "--config", str(config))
    return Process("server", config.parent, *command)


@contextmanager
def probing(world: World, control: Process) -> Iterator[list[Sample]]:
    """Messages all the while; the list is filled at the end."""
    told = world.directory / "probe.json"
    ports = (str(world.server.ports["main"]), str(control.ports["main"]))
    pid = str(world.server.pid)
    child = subprocess.Popen(module("bench.probe", *ports, pid, str(told)))
    samples: list[Sample] = []
    try:
        yield samples
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=30)
        samples += [Sample(*one) for one in json.loads(told.read_text())]
    finally:
        child.kill()
        child.wait()


# -- what might stop it --------------------------------------------------------------------------


class Trial:
    """A world under the probe, and all that is done to it."""

    def __init__(self, world: World, scale: Scale) -> None:
        self._world = world
        self._scale = scale
        self._control = ControlConfig(socket=str(world.directory / "control.sock"))
        self.timeline = Timeline(time.monotonic)

    def steps(self) -> tuple[Callable[[], None], ...]:
        return self.quiet, self.scrape, self.sweep, self.reload, self.collect, self.load

    def quiet(self) -> None:
        with self.timeline.during("quiet"):
            time.sleep(self._scale.quiet)

    def load(self) -> None:
        """Until the log has carried something forward and let go of it, or the time is over."""
        server, directory = self._world.server, self._world.directory
        command = load_command(server, LOAD, "--duration", str(self._scale.load))
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        files, carried, seen = _files(directory), 0.0, time.monotonic()
        try:
            with self.timeline.during("load"):
                while child.poll() is None:
                    looked = time.monotonic()
                    time.sleep(LOOK)
                    now = _files(directory)
                    if now - files:
                        self.timeline.note("segment change", looked)
                    files = now
                    if time.monotonic() - seen > SCRAPE:
                        total = scrape(server).sums["smsc_log_carried_total"]
                        if total > carried:
                            self.timeline.note("compaction", seen)
                        elif carried:
                            break
                        carried, seen = total, time.monotonic()
        finally:
            child.kill()
            child.wait()

    def sweep(self) -> None:
        self._again("sweep", lambda: ask(self._control, "POST", "/sweep", {}))

    def scrape(self) -> None:
        self._again("scrape", lambda: scrape(self._world.server))

    def collect(self) -> None:
        self._again("garbage collection", self._collect)

    def _collect(self) -> None:
        os.kill(self._world.server.pid, signal.SIGUSR1)
        time.sleep(0.1)

    def reload(self) -> None:
        database = Database(f"sqlite:///{self._world.directory / 'smsc.db'}")
        try:
            for n in range(self._scale.times):
                with database.changing() as session:
                    accounts.change(session, "client0000", {"rate": f"{n + 1}/s"})
                with self.timeline.during("reload"):
                    ask(self._control, "POST", "/accounts")
                    time.sleep(1.0)
        finally:
            database.close()

    def _again(self, name: str, do: Callable[[], object]) -> None:
        for _ in range(self._scale.times):
            with self.timeline.during(name):
                do()
            time.sleep(0.3)


def _files(directory: Path) -> set[str]:
    return set(os.listdir(directory / "journal"))


def measure(scale: Scale, base: Path, say: Callable[[str], None]) -> list[Pauses]:
    """All of it, over one server."""
    with ExitStack() as stack:
        control = stack.enter_context(Process("control", base, str(limit.built())))
        world = stack.enter_context(running(base, "limit", with_database, start))
        say(f"{scale.owed:,} owed")
        fill(world, scale.owed, time.monotonic() + 60)
        trial = Trial(world, scale)
        with probing(world, control) as samples:
            time.sleep(1.0)
            for step in trial.steps():
                say(step.__name__)
                step()
    return pauses(trial.timeline, samples)


def _figures(one: Pauses) -> dict[str, Any]:
    return {**one._asdict(), "slowest": one.slowest._asdict(), "cause": one.cause}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.pauses", description="Find pauses.")
    parser.add_argument("--quick", action="store_true", help="half a minute, with less of each")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    raise_file_limit()
    about = machine()
    where = ROOT / "var" / "bench"
    where.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=where) as base:
        scale = QUICK if options.quick else FULL
        found = measure(scale, Path(base), lambda text: console.print(f"[dim]{text} ...[/dim]"))
    RESULTS.mkdir(exist_ok=True)
    told = {"machine": about, "pauses": [_figures(one) for one in found]}
    (RESULTS / "pauses.json").write_text(json.dumps(told, indent=2) + "\n")
    report.show_pauses(found, console)
    report.show_machine(about, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
