"""One segment file: its header, its name, how it comes into being.

A segment exists under its name only when it is whole: header, an optional first frame, and zeros
up to its full size have been synced before the rename, and the rename before anybody learns of it.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smsc.errors import CorruptLog, StorageError
from smsc.journal._frame import Frame, crc32c
from smsc.journal.disk import Disk

#: Large enough that making and unlinking files costs nothing per message, small enough that one
#: owed message does not keep much else on disk. etcd's WAL has the same.
SEGMENT_OCTETS: Final = 64 * 1024 * 1024
#: Where the first frame of a segment starts.
SEGMENT_HEADER: Final = 64
SUFFIX: Final = ".log"
TORN_SUFFIX: Final = ".torn"
#: A file under work; whatever bears it after a crash was never part of the log.
TEMPORARY_SUFFIX: Final = ".tmp"

#: What to do about damage to what was acknowledged, for the end of an error's text.
ADVICE: Final = (
    "keep a copy of the whole directory; put back an intact copy of this file,"
    " or give up what is damaged with smsc.journal.inspect.salvage"
)

_MAGIC: Final = b"smsclog\n"
_VERSION: Final = 2
_LAYOUT: Final = struct.Struct("<8sHHIQQ4xQQ8x")
_CRC: Final = struct.Struct("<I")
#: Zeros are written and synced in pieces, so that a commit waits behind one piece at most.
_FILL: Final = bytes(1024 * 1024)


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """The first 64 octets."""

    partition: int
    #: The opening of the log for which the segment was made.
    epoch: int
    number: int
    #: Random; in every frame and in every CRC, so that nothing from elsewhere checks here.
    salt: int
    #: Size the file is filled to.
    octets: int
    created_ms: int

    def pack(self) -> bytes:
        octets = _LAYOUT.pack(
            _MAGIC,
            _VERSION,
            self.partition,
            self.epoch,
            self.number,
            self.salt,
            self.octets,
            self.created_ms,
        )
        return octets + _CRC.pack(crc32c(octets))

    @classmethod
    def unpack(cls, data: bytes, path: Path) -> SegmentHeader:
        """Raises CorruptLog if ``data`` is no header, StorageError if it is of a newer version."""
        if len(data) < SEGMENT_HEADER or data[:8] != _MAGIC:
            raise CorruptLog(f"no segment header here; {ADVICE}", file=str(path), offset=0)
        fields = _LAYOUT.unpack_from(data)
        if data[60:64] != _CRC.pack(crc32c(data[:60])):
            raise CorruptLog(f"the segment header is damaged; {ADVICE}", file=str(path), offset=0)
        if fields[1] != _VERSION:
            raise StorageError(
                f"{path}: format version {fields[1]}, this program knows {_VERSION}:"
                " use the program that wrote it, or a newer one"
            )
        return cls(fields[2], fields[3], fields[4], fields[5], fields[6], fields[7])


@dataclass(slots=True)
class Segment:
    """A segment on disk. ``fd`` is open for reading and writing, or -1."""

    header: SegmentHeader
    path: Path
    fd: int = -1

    @property
    def number(self) -> int:
        return self.header.number


def path_of(directory: Path, number: int, suffix: str = SUFFIX) -> Path:
    return directory / f"{number:016x}{suffix}"


def number_of(name: str) -> int | None:
    """The number in a segment's file name; None if the file is none."""
    stem, dot, suffix = name.partition(".")
    if dot + suffix != SUFFIX or len(stem) != 16:
        return None
    with suppress(ValueError):
        return int(stem, 16)
    return None


def find(disk: Disk, directory: Path) -> list[Segment]:
    """The segments of a directory, oldest first, headers checked, files closed."""
    numbers = sorted(n for n in map(number_of, disk.names(directory)) if n is not None)
    return [examine(disk, path_of(directory, number), number) for number in numbers]


def examine(disk: Disk, path: Path, number: int) -> Segment:
    """Check a segment's header. Raises CorruptLog, StorageError for a newer format."""
    fd = disk.open(path)
    try:
        header = SegmentHeader.unpack(disk.pread(fd, SEGMENT_HEADER, 0), path)
    finally:
        disk.close(fd)
    if header.number != number:
        raise CorruptLog(
            f"the header says segment {header.number}: the file was renamed or copied",
            file=str(path),
            offset=0,
        )
    return Segment(header, path)


def contents(disk: Disk, segment: Segment) -> bytes:
    fd = disk.open(segment.path)
    try:
        return disk.pread(fd, disk.size(fd), 0)
    finally:
        disk.close(fd)


def create(
    disk: Disk,
    directory: Path,
    directory_fd: int,
    header: SegmentHeader,
    first: Frame | None = None,
) -> Segment:
    """Make a segment, durably, perhaps with a first frame. A failed one leaves no file behind."""
    path = path_of(directory, header.number)
    named = path.with_suffix(TEMPORARY_SUFFIX)
    fd = disk.create(named)
    try:
        _fill(disk, fd, header, bytes(first) if first else b"")
        disk.rename(named, path)
        named = path
        disk.sync_directory(directory_fd)
    except BaseException:
        # The space may be what is missing: give it back before the error travels on.
        with suppress(OSError):
            disk.unlink(named)
        with suppress(OSError):
            disk.close(fd)
        raise
    return Segment(header, path, fd)


def _fill(disk: Disk, fd: int, header: SegmentHeader, first: bytes) -> None:
    start = header.pack() + first
    disk.pwrite(fd, start, 0)
    # Filled blocks and a settled size leave fdatasync nothing to do but the data: 0.12 ms here
    # against 0.20 ms where it has to write the file's metadata as well. There always is a rest to
    # fill and sync, since no frame is larger than a quarter of a segment.
    for offset in range(len(start), header.octets, len(_FILL)):
        disk.pwrite(fd, _FILL[: header.octets - offset], offset)
        disk.fdatasync(fd)
