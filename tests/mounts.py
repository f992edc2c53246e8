"""File systems of a test's own.

They are mounted in a mount namespace that this process makes for itself: nobody else sees them, and
a run that is killed leaves none behind, because they go with its last process.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

CLONE_NEWNS = 0x00020000  # linux/sched.h


@cache
def _private() -> str:
    """Have a mount namespace of our own. Returns why it can't be had, or an empty text."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        return f"no mount namespace: {os.strerror(ctypes.get_errno())}"
    return _run("mount", "--make-rprivate", "/")


def _run(*command: str) -> str:
    """What the command complains about; an empty text if it did its work."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return f"no {command[0]} here"
    return (done.stderr.strip() or f"{command[0]} failed") if done.returncode else ""


@contextmanager
def mounted(at: Path, *arguments: str) -> Iterator[None]:
    """``mount *arguments at``, for a time. Skips the test where that isn't allowed."""
    at.mkdir()
    if problem := _private() or _run("mount", *arguments, str(at)):
        pytest.skip(f"nothing can be mounted here: {problem}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)


@contextmanager
def disk(image: Path, at: Path) -> Iterator[None]:
    """A file system of 64 MiB in the file ``image``, mounted ``at``; skips without root or mkfs."""
    image.touch()
    os.truncate(image, 64 << 20)
    if problem := _run("mkfs.ext4", "-q", "-F", str(image)):
        pytest.skip(f"no file system can be made here: {problem}")
    with mounted(at, "-o", "loop", str(image)):
        yield
