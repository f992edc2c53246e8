"""Small programs of C, made by the machine's own compiler when they are first needed."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from bench.machine import ROOT

#: Beside what else is built, and as little kept.
BUILD = ROOT / "build" / "bench"
HEADERS = ROOT / "bench"
FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror")


def compiler() -> list[str]:
    return shlex.split(os.environ.get("CC", "cc"))


def made(source: Path, *flags: str) -> Path:
    """What the source compiles to; made anew if that, or any header here, has changed."""
    target = BUILD / source.stem
    read = (source, *HEADERS.rglob("*.h"))
    if not target.exists() or target.stat().st_mtime < max(one.stat().st_mtime for one in read):
        BUILD.mkdir(parents=True, exist_ok=True)
        # Elsewhere first: two who build at once must not run each other's half.
        fresh = BUILD / f"{source.stem}.{os.getpid()}"
        command = [*compiler(), *FLAGS, *flags, "-o", str(fresh), str(source)]
        subprocess.run(command, check=True)
        fresh.replace(target)
    return target
