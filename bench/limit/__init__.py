"""The limit of the machine: a C loop that only parses and answers."""

from __future__ import annotations

from pathlib import Path

from bench import cc


def built() -> Path:
    """The program."""
    return cc.made(Path(__file__).with_name("limit.c"))
