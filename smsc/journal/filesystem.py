"""Whether a directory is fit to hold a log.

Refused are file systems that forget at power loss, that leave durability to somebody else, or that
were mounted so as to skip the disk's cache flush; and a process in which fdatasync does nothing.
"""

from __future__ import annotations

import os
import statistics
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smsc.errors import StorageError

#: ``fuse`` and what begins with it, too.
UNFIT_TYPES: Final = frozenset(
    ("tmpfs", "ramfs", "overlay", "aufs", "nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "ceph")
)
UNFIT_OPTIONS: Final = frozenset({"nobarrier", "barrier=0", "data=writeback"})
PROBES: Final = 20
PROBE_OCTETS: Final = 4096


@dataclass(frozen=True, slots=True)
class Filesystem:
    """Where a directory lies."""

    mount_point: str
    type: str
    options: frozenset[str]

    def objection(self) -> str | None:
        """Why it can't be trusted with a log; None if it can."""
        if self.type in UNFIT_TYPES or self.type.startswith("fuse"):
            return f"file system {self.type} does not keep what was synced through a power loss"
        unsafe = self.options & UNFIT_OPTIONS
        return f"mounted with {', '.join(sorted(unsafe))}" if unsafe else None


def filesystem_of(directory: Path, mountinfo: str) -> Filesystem:
    """The file system of ``directory``, by the text of /proc/self/mountinfo (proc(5))."""
    best = Filesystem("", "unknown", frozenset())
    path = os.path.realpath(directory)
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, tail = before.split(), after.split()
        mount_point = fields[4].replace("\\040", " ")
        inside = path == mount_point or path.startswith(mount_point.rstrip("/") + "/")
        # Of two mounts on one point, the later hides the earlier.
        if inside and len(mount_point) >= len(best.mount_point):
            options = frozenset(fields[5].split(",") + tail[2].split(","))
            best = Filesystem(mount_point, tail[0], options)
    return best


def check(directory: Path, *, force: bool) -> Filesystem:
    """Raise StorageError if a log must not live here; ``force`` overrules all but eatmydata."""
    maps = Path("/proc/self/maps").read_text()
    if "libeatmydata" in maps or "eatmydata" in os.environ.get("LD_PRELOAD", ""):
        raise StorageError("libeatmydata is loaded: fdatasync does nothing in this process")
    found = filesystem_of(directory, Path("/proc/self/mountinfo").read_text())
    objection = found.objection()
    if objection and not force:
        raise StorageError(f"{directory} ({found.mount_point}): {objection}")
    return found


def measure(directory: Path) -> int:
    """Median time of one fdatasync here, in microseconds. Below 20 or so, something lies."""
    path = directory / "probe.tmp"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        return round(statistics.median(_probe(fd, index) for index in range(PROBES)))
    finally:
        os.close(fd)
        with suppress(FileNotFoundError):
            path.unlink()


def _probe(fd: int, index: int) -> float:
    os.pwrite(fd, bytes(PROBE_OCTETS), index * PROBE_OCTETS)
    start = time.perf_counter_ns()
    os.fdatasync(fd)
    return (time.perf_counter_ns() - start) / 1000
