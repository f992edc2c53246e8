"""The limit of the machine: a C loop that only parses and answers, and how it is made."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("limit.c")
#: Beside what else is built, and as little kept.
MADE = SOURCE.parents[2] / "build" / "limit"
FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror")


def built() -> Path:
    """The program, made anew by the machine's own compiler if its source has changed."""
    if not MADE.exists() or MADE.stat().st_mtime < SOURCE.stat().st_mtime:
        MADE.parent.mkdir(parents=True, exist_ok=True)
        # Elsewhere first: two who build at once must not run each other's half.
        fresh = MADE.with_name(f"limit.{os.getpid()}")
        compiler = shlex.split(os.environ.get("CC", "cc"))
        subprocess.run([*compiler, *FLAGS, "-o", str(fresh), str(SOURCE)], check=True)
        fresh.replace(MADE)
    return MADE
