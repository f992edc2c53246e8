"""Instructions per message, counted by valgrind: nearly the same in every run.

    python -m bench.instructions            count, and compare with ``bench/instructions.json``
    python -m bench.instructions --record   write that anew (``make instructions``)

Clock and neighbours make microseconds doubtful on a shared machine; what the server's own process
executes in user mode does not depend on them. The kernel's and uvloop's part is not in it. Another
compiler, interpreter or processor counts otherwise, so figures say what they were taken with and
are compared with nothing else.
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
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.counted import UNITS
from bench.machine import ROOT
from smsc import _pdu

RECORDED = ROOT / "bench" / "instructions.json"
#: The least share by which a figure that has grown counts as grown.
TOLERANCE = 0.03
#: That of the work that is not ours: beyond it, something is another that the names do not tell.
SAME = 0.02

#: What ``callgrind`` writes.
NAME = re.compile(r"^desc: Trigger: Client Request: (\w+)$", re.MULTILINE)
TOTAL = re.compile(r"^totals: (\d+)$", re.MULTILINE)

HEADER = Path("/usr/include/valgrind/callgrind.h")
#: What a processor has that libraries choose their code by.
FEATURES = frozenset(
    ("aes", "avx", "avx2", "bmi2", "erms", "fsrm", "pclmulqdq", "sha_ni", "sse4_2", "vaes",
     "vpclmulqdq")
)  # fmt: skip


def missing() -> str:
    """Why nothing can be counted here; empty if it can."""
    if shutil.which("valgrind") is None or not HEADER.exists():
        return "valgrind is not there (apt-get install valgrind)"
    return "" if shutil.which("cc") else "there is no C compiler"


def toolchain() -> dict[str, str]:
    """All that the count depends on beside our code."""
    compiled = re.search(rb"GCC: \([^)]*\) [\d.]+", Path(_pdu.__file__).read_bytes())
    told = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True)
    flags = re.search(r"^flags\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    features = FEATURES & set(flags[1].split()) if flags else set()
    return {
        "compiled": compiled[0].decode() if compiled else "",
        "python": f"{platform.python_version()} {platform.python_compiler()}",
        "cython": version("cython"),
        "cryptography": version("cryptography"),
        "valgrind": told.stdout.strip(),
        "processor": f"{platform.machine()} {' '.join(sorted(features))}",
    }


def count() -> dict[str, float]:
    """Instructions per unit of each piece of work (``counted``): the least of its rounds."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "out"
        callgrind = ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
        work = [sys.executable, "-m", "bench.counted", directory]
        # Which bind takes a message follows from a hash, and so does the order of sets.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        told = subprocess.run(
            ["valgrind", "--quiet", *callgrind, *work],
            cwd=ROOT, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        if told.returncode:
            raise RuntimeError(told.stderr[-2000:])
        return least(file.read_text() for file in Path(directory).glob("out.*"))


def least(dumps: Iterable[str]) -> dict[str, float]:
    """Per unit, from what callgrind wrote; what happens now and then is not in all rounds."""
    found: dict[str, float] = {}
    for dump in dumps:
        name, total = NAME.search(dump), TOTAL.search(dump)
        if name is not None and total is not None:
            each = int(total[1]) / UNITS[name[1]]
            found[name[1]] = min(each, found.get(name[1], each))
    return {name: found[name] for name in UNITS if name in found}


# -- comparing -----------------------------------------------------------------------------------


def incomparable(recorded: Mapping[str, Any], chain: Mapping[str, str]) -> str:
    """Why figures taken with this toolchain mean nothing beside the recorded ones; empty if not."""
    differing = [
        f"{name} {chain[name]!r}, recorded with {known!r}"
        for name, known in recorded["toolchain"].items()
        if chain.get(name) != known
    ]
    return "; ".join(differing)


def drifted(recorded: Mapping[str, float], now: Mapping[str, float]) -> bool:
    """Whether even what is not ours counts otherwise."""
    before = recorded["interpreter"]
    return abs(now["interpreter"] - before) > SAME * before


def grown(recorded: Mapping[str, float], now: Mapping[str, float]) -> list[str]:
    """What costs more than it did, in words."""
    return [
        f"{name}: {before:,.0f} instructions, now {now[name]:,.0f} ({now[name] / before - 1:+.1%})"
        for name, before in recorded.items()
        if now[name] > before * (1 + TOLERANCE)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.instructions")
    parser.add_argument("--record", action="store_true", help="these are the figures from now on")
    options = parser.parse_args()
    if missing():
        print(missing(), file=sys.stderr)
        return 1
    chain, now = toolchain(), count()
    known = json.loads(RECORDED.read_text()) if RECORDED.exists() else None
    for name, figure in now.items():
        before = known["instructions"][name] if known else figure
        print(f"{name:12} {figure:12,.0f}  {figure / before - 1:+.1%}")
    if options.record:
        figures = {name: round(figure) for name, figure in now.items()}
        written = {"toolchain": chain, "instructions": figures}
        RECORDED.write_text(json.dumps(written, indent=2) + "\n")
        return 0
    if known and (why := incomparable(known, chain)):
        print(f"not comparable: {why}")
        return 0
    return int(bool(known and grown(known["instructions"], now)))


if __name__ == "__main__":
    sys.exit(main())
