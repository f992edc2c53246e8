"""A month of the traffic log written anew: in a directory beside it, which then takes its place.

Killed anywhere, ``mend`` finishes or undoes it. Nobody else may have the month's log open
(``Traffic.lend``).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from smsc import files, traffic
from smsc.config import Config
from smsc.journal import Journal, inspect
from smsc.traffic import BLOCK, CURSOR, FULL_FRAME

_OLD, _NEW = ".old", ".new"

#: What becomes of a block: its head and body as they are to be, or nothing.
Change = Callable[[bytes, bytes], "tuple[bytes, bytes] | None"]


def rewrite(config: Config, month: str, change: Change) -> None:
    """Write a month's log anew, each block as ``change`` has it. Raises OSError, StorageError."""
    directory = Path(config.traffic.directory) / month
    fresh = directory.with_name(month + _NEW)
    if fresh.exists():
        shutil.rmtree(fresh)
    _copy(config, directory, fresh, change)
    _exchange(directory, fresh)


def remove(config: Config, month: str) -> None:
    """Take a month's log away."""
    _exchange(Path(config.traffic.directory) / month, None)


def _copy(config: Config, source: Path, target: Path, change: Change) -> None:
    newest = cursor(source)
    journal = Journal(
        target,
        segment_octets=config.traffic.segment,
        force_filesystem=config.storage.force_filesystem,
    )
    try:
        journal.replay(lambda *record: None)
        journal.begin(0)
        journal.append(CURSOR, traffic.cursor(newest))
        for kind, at, head, body in inspect.records(source):
            left = change(head, body) if kind == BLOCK else None
            if left is None:
                continue
            if not journal.open_octets:
                journal.begin(at)
                journal.append(CURSOR, traffic.cursor(newest))
            journal.append(BLOCK, *left)
            if journal.open_octets > FULL_FRAME:
                journal.seal()
                journal.settle()
    finally:
        journal.close()


def cursor(directory: Path) -> int:
    """How far the newest cursor of a log reaches."""
    found = 0
    for kind, _time, head, _body in inspect.records(directory):
        if kind == CURSOR:
            found = int.from_bytes(head, "little")
    return found


def _exchange(directory: Path, fresh: Path | None) -> None:
    """Put ``fresh`` (or nothing) in a directory's place, durably; ``mend`` finishes it."""
    old = directory.with_name(directory.name + _OLD)
    os.rename(directory, old)
    files.sync_directory(directory.parent)
    if fresh is not None:
        os.rename(fresh, directory)
        files.sync_directory(directory.parent)
    _unlink(old)


def mend(parent: Path) -> None:
    """Finish or undo what a crash left of a month's exchange."""
    for old in sorted(parent.glob("*" + _OLD)):
        directory, fresh = old.with_suffix(""), old.with_suffix(_NEW)
        if directory.exists():
            _unlink(old)
        elif fresh.exists():
            os.rename(fresh, directory)
            files.sync_directory(parent)
            _unlink(old)
        else:
            os.rename(old, directory)
            files.sync_directory(parent)
    for fresh in sorted(parent.glob("*" + _NEW)):
        _unlink(fresh)


def _unlink(directory: Path) -> None:
    shutil.rmtree(directory)
    files.sync_directory(directory.parent)
