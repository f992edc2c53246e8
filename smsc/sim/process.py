"""A server or simulator in a process of its own: start it, learn its ports, measure it, stop it.

For harnesses and tests that need the real thing. Linux only where it measures (``/proc``).
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from smsc.errors import SmscError

#: Seconds a part may take until it is ready if nothing else is said, and until it has ended.
PATIENCE = 60.0
#: Seconds between two looks at the ready file.
LOOK = 0.01
#: Octets of a failed part's output that its error shows.
SHOWN = 2000

_TICKS = os.sysconf("SC_CLK_TCK")


class NotReady(SmscError):
    """A part ended, or took too long, before it was ready; shows the end of its output."""


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds of all threads so far; resident octets now, and those of them not of files."""

    user: float
    system: float
    rss: int
    anonymous: int

    @property
    def cpu(self) -> float:
        return self.user + self.system


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a Python module with this interpreter."""
    return (sys.executable, "-m", name, *arguments)


class Process:
    """A command that takes ``--ready-file FILE`` and says there which ports it listens on.

    The file is JSON with a mapping ``ports``. Output goes to ``directory/name.log``. As a context
    manager it is stopped at the end. ``patience``: how many seconds it may take to be ready.
    """

    def __init__(
        self, name: str, directory: Path, *command: str, patience: float = PATIENCE
    ) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        ready = directory / f"{name}.ready"
        ready.unlink(missing_ok=True)
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                [*command, "--ready-file", str(ready)], stdout=output, stderr=subprocess.STDOUT
            )
        try:
            self.ports: dict[str, int] = self._wait(ready, patience)["ports"]
        except BaseException:
            self.kill()
            raise

    def _wait(self, ready: Path, patience: float) -> dict[str, dict[str, int]]:
        deadline = time.monotonic() + patience
        while not ready.exists():
            if self._child.poll() is not None or time.monotonic() > deadline:
                raise NotReady(f"{self.name} is not ready:\n{self.output()[-SHOWN:]}")
            time.sleep(LOOK)
        told: dict[str, dict[str, int]] = json.loads(ready.read_text())
        return told

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def output(self) -> str:
        """What it has written to standard output and standard error."""
        return self.log.read_text(errors="replace")

    def usage(self) -> Usage:
        """Of a running process."""
        stat = Path(f"/proc/{self.pid}/stat").read_text()
        # The name in parentheses may hold anything; what follows it is separated by spaces.
        fields = stat[stat.rindex(")") + 2 :].split()
        user, system = int(fields[11]) / _TICKS, int(fields[12]) / _TICKS
        status = Path(f"/proc/{self.pid}/status").read_text()
        kib = dict(re.findall(r"^(VmRSS|RssAnon):\s+(\d+) kB$", status, re.MULTILINE))
        return Usage(user, system, int(kib["VmRSS"]) << 10, int(kib["RssAnon"]) << 10)

    def stop(self) -> int:
        """End it in order and return its exit status; killed if it takes too long."""
        if self.running:
            self._child.send_signal(signal.SIGTERM)
        try:
            return self._child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End it as a crash would."""
        self._child.kill()
        return self._child.wait()
