"""``SimDisk``: a disk in memory that knows what a power loss may leave of it.

Every file has two states: what the page cache shows, and what is on the platter. ``fdatasync``
brings a file's octets and size to the platter, ``sync_directory`` the names. What was not synced
may be on the platter or not, each 512-octet sector, each size and each name by itself, in any
order (Linux ext4(5), fsync(2)). ``crashes`` enumerates these states from the recorded history.
"""

from __future__ import annotations

import errno
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

#: What a disk writes whole or not at all.
SECTOR: Final = 512
#: Up to this many unsynced pieces every subset is enumerated; beyond, a sample.
EXHAUSTIVE: Final = 8
SAMPLES: Final = 32


@dataclass(frozen=True, slots=True)
class Step:
    """One call that changes something; the names of its fields are the calls' arguments."""

    call: str
    path: str = ""
    target: str = ""
    inode: int = 0
    offset: int = 0
    data: bytes = b""


@dataclass(slots=True)
class _Platter:
    """What is safe, and what is on its way."""

    files: dict[int, bytearray] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    writes: list[Step] = field(default_factory=list)
    renames: list[Step] = field(default_factory=list)

    def take(self, step: Step) -> None:
        """Live through one step."""
        if step.call == "fdatasync":
            self._settle(self.writes, [w for w in self.writes if w.inode == step.inode])
        elif step.call == "sync_directory":
            self._settle(self.renames, list(self.renames))
        elif step.call in ("create", "rename", "unlink"):
            self.renames.append(step)
        else:
            self.writes.extend(_pieces(step))

    def _settle(self, pending: list[Step], chosen: list[Step]) -> None:
        for step in chosen:
            self.apply(step)
            pending.remove(step)

    def apply(self, step: Step) -> None:
        """Bring one step to the platter."""
        if step.call in ("pwrite", "truncate"):
            octets = self.files.setdefault(step.inode, bytearray())
            _change(octets, step)
        else:
            self._rename(step)

    def _rename(self, step: Step) -> None:
        if step.call == "create":
            self.names[step.path] = step.inode
        elif step.call == "unlink":
            self.names.pop(step.path, None)
        else:
            # The entry of the source may be lost with its creation; the rename carries the inode.
            self.names.pop(step.path, None)
            self.names[step.target] = step.inode


def _change(octets: bytearray, step: Step) -> None:
    if step.call == "truncate":
        del octets[step.offset :]
    end = step.offset + len(step.data)
    octets.extend(bytes(max(0, end - len(octets))))
    octets[step.offset : end] = step.data


def _pieces(step: Step) -> Iterator[Step]:
    """What of a write may be lost by itself: the sectors, and the size without the octets."""
    if step.call != "pwrite":
        yield step
        return
    end = step.offset + len(step.data)
    yield Step("pwrite", inode=step.inode, offset=end)
    start = step.offset
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        data = step.data[start - step.offset : stop - step.offset]
        yield Step("pwrite", inode=step.inode, offset=start, data=data)
        start = stop


class SimDisk:
    """``Disk`` in memory. ``fault`` is called with each call's name and may raise OSError.

    A dishonest disk says that ``fdatasync`` or ``sync_directory`` is done and does nothing.
    """

    real = False

    def __init__(
        self,
        files: dict[str, bytes] | None = None,
        *,
        capacity: int = 1 << 30,
        dishonest: frozenset[str] = frozenset(),
    ) -> None:
        self.capacity = capacity
        self.dishonest = dishonest
        self.fault: Callable[[str], None] = lambda call: None
        #: Every step so far.
        self.history: list[Step] = []
        self._files: dict[int, bytearray] = {}
        self._names: dict[str, int] = {}
        self._open: dict[int, int] = {}
        self._locked = False
        self._numbers = itertools.count(100)
        self._salts = random.Random("".join(sorted(files or ())))
        for name, data in (files or {}).items():
            self._put(name, data)

    def _put(self, name: str, data: bytes) -> None:
        inode = next(self._numbers)
        self.history += [
            Step("create", name, inode=inode),
            Step("pwrite", inode=inode, data=data),
            Step("fdatasync", inode=inode),
            Step("sync_directory"),
        ]
        self._names[name] = inode
        self._files[inode] = bytearray(data)

    def files(self) -> dict[str, bytes]:
        """What the page cache shows: what a process finds that starts after ``kill -9``."""
        return {name: bytes(self._files[inode]) for name, inode in self._names.items()}

    def kill(self) -> None:
        """The process dies, the machine lives: locks and descriptors go, the page cache stays."""
        self._locked = False
        self._open.clear()

    # -- the calls ---------------------------------------------------------------------------

    def _do(self, step: Step) -> None:
        self.fault(step.call)
        if step.call not in self.dishonest:
            self.history.append(step)

    def lock(self, directory: Path) -> int:
        self.fault("lock")
        if self._locked:
            raise BlockingIOError(errno.EWOULDBLOCK, "locked")
        self._locked = True
        return 0

    def names(self, directory: Path) -> list[str]:
        self.fault("names")
        return list(self._names)

    def create(self, path: Path) -> int:
        if path.name in self._names:
            raise FileExistsError(errno.EEXIST, "file exists")
        inode = next(self._numbers)
        self._do(Step("create", path.name, inode=inode))
        self._names[path.name] = inode
        self._files[inode] = bytearray()
        return self._descriptor(inode)

    def open(self, path: Path, *, write: bool = False) -> int:
        self.fault("open")
        if path.name not in self._names:
            raise FileNotFoundError(errno.ENOENT, "no such file")
        return self._descriptor(self._names[path.name])

    def _descriptor(self, inode: int) -> int:
        fd = next(self._numbers)
        self._open[fd] = inode
        return fd

    def close(self, fd: int) -> None:
        self.fault("close")
        if fd == 0:
            self._locked = False
        else:
            del self._open[fd]

    def size(self, fd: int) -> int:
        self.fault("size")
        return len(self._files[self._open[fd]])

    def pread(self, fd: int, octets: int, offset: int) -> bytes:
        self.fault("pread")
        return bytes(self._files[self._open[fd]][offset : offset + octets])

    def pwrite(self, fd: int, data: bytes, offset: int) -> None:
        inode = self._open[fd]
        grown = max(0, offset + len(data) - len(self._files[inode]))
        if grown > self.free_octets(0):
            raise OSError(errno.ENOSPC, "no space left")
        step = Step("pwrite", inode=inode, offset=offset, data=bytes(data))
        self._do(step)
        _change(self._files[inode], step)

    def fdatasync(self, fd: int) -> None:
        self._do(Step("fdatasync", inode=self._open[fd]))

    def truncate(self, fd: int, octets: int) -> None:
        step = Step("truncate", inode=self._open[fd], offset=octets)
        self._do(step)
        _change(self._files[step.inode], step)

    def rename(self, source: Path, target: Path) -> None:
        inode = self._names[source.name]
        self._do(Step("rename", source.name, target.name, inode))
        del self._names[source.name]
        self._names[target.name] = inode

    def unlink(self, path: Path) -> None:
        self._do(Step("unlink", path.name))
        del self._names[path.name]

    def sync_directory(self, directory_fd: int) -> None:
        self._do(Step("sync_directory"))

    def free_octets(self, directory_fd: int) -> int:
        living = {*self._names.values(), *self._open.values()}
        return self.capacity - sum(len(self._files[inode]) for inode in living)

    def salt(self) -> int:
        return self._salts.getrandbits(64) or 1

    def now_ms(self) -> int:
        return 0


def crashes(history: Sequence[Step], *, seed: int = 0) -> Iterator[dict[str, bytes]]:
    """The distinct directories, name to octets, that a power loss after ``history`` may leave."""
    platter = _Platter()
    for step in history:
        platter.take(step)
    seen: set[tuple[tuple[str, bytes], ...]] = set()
    for lost in _subsets(len(platter.writes) + len(platter.renames), seed):
        directory = _after(platter, lost)
        key = tuple(sorted(directory.items()))
        if key not in seen:
            seen.add(key)
            yield directory


def _after(platter: _Platter, lost: frozenset[int]) -> dict[str, bytes]:
    files = {inode: bytearray(octets) for inode, octets in platter.files.items()}
    end = _Platter(files, dict(platter.names))
    for index, step in enumerate([*platter.writes, *platter.renames]):
        if index not in lost:
            end.apply(step)
    return {name: bytes(files.get(inode, b"")) for name, inode in end.names.items()}


def _subsets(count: int, seed: int) -> Iterator[frozenset[int]]:
    """Which of ``count`` pieces are lost: every subset of a few, else a sample."""
    every = frozenset(range(count))
    if count <= EXHAUSTIVE:
        for size in range(count + 1):
            yield from map(frozenset, itertools.combinations(every, size))
        return
    yield every
    yield frozenset()
    chance = random.Random(seed * 1_000_003 + count)
    for _ in range(SAMPLES):
        share = chance.random()
        yield frozenset(n for n in every if chance.random() < share)
    for piece in chance.sample(sorted(every), SAMPLES if count > SAMPLES else count):
        yield frozenset({piece})
        yield every - {piece}
