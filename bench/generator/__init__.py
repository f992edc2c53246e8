"""The load generator: a C loop that submits, and checks every response and every receipt."""

from __future__ import annotations

from pathlib import Path

from bench import cc


def built() -> Path:
    """The program."""
    return cc.made(Path(__file__).with_name("generator.c"))
