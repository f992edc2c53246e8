"""A checkpoint: what somebody made of a log up to the end of one frame, in one file beside it.

A cache, and never more: the log says all that it says. It is taken only if it is whole, and of
this very log, and of a frame that nothing has replaced and behind which another one stands; else it
is as if it were not there. It goes with the segment of the frame that it names.

    log.checkpoint       the newest; another takes its place in one step
    log.checkpoint.tmp   under work; removed at the next start

All integers are little-endian. CRC is CRC32C.

    octets  what
         8  "smscckp" and a line feed
         2  version of this format: 1
         2  partition
         4  CRC of the frame's header
         8  segment of the frame
         8  its salt
         8  number of the frame
         8  time of the frame, milliseconds since 1970 UTC
         4  octet of the segment at which the frame starts
         4  octets of the frame
         8  position of the newest record up to here that must have had its effect elsewhere, or 0
         8  octets of the payload
         4  CRC of the payload
         4  CRC of all before
            payload: its maker's
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from smsc.errors import SmscError
from smsc.journal import _frame, segment
from smsc.journal.disk import Disk
from smsc.journal.recovery import copies_ahead, header_of
from smsc.journal.segment import SEGMENT_HEADER, TEMPORARY_SUFFIX, Segment
from smsc.ports import Mark

NAME: Final = "log.checkpoint"
TEMPORARY: Final = NAME + TEMPORARY_SUFFIX

_MAGIC: Final = b"smscckp\n"
_VERSION: Final = 1
_LAYOUT: Final = struct.Struct("<8sHHIQQQQIIQQI")
_CRC: Final = struct.Struct("<I")
HEADER: Final = _LAYOUT.size + _CRC.size
#: Written and synced in pieces, so that a commit waits behind one piece at most.
_PIECE: Final = 1024 * 1024


class Doubtful(SmscError):
    """A checkpoint is not to be used. The text says why."""


class Described(NamedTuple):
    """What a header says."""

    partition: int
    mark: Mark
    #: Position of the newest record that must have had its effect elsewhere.
    settled: int
    octets: int
    crc: int

    def pack(self) -> bytes:
        mark = self.mark
        octets = _LAYOUT.pack(
            _MAGIC, _VERSION, self.partition, mark.crc, mark.segment, mark.salt, mark.number,
            mark.time_ms, mark.start, mark.end - mark.start, self.settled, self.octets, self.crc,
        )  # fmt: skip
        return octets + _CRC.pack(_frame.crc32c(octets))

    @classmethod
    def unpack(cls, data: bytes) -> Described:
        """Raises Doubtful."""
        if len(data) < HEADER or data[:8] != _MAGIC:
            raise Doubtful("it has no header")
        if data[_LAYOUT.size : HEADER] != _CRC.pack(_frame.crc32c(data[: _LAYOUT.size])):
            raise Doubtful("its header is damaged")
        (_, version, partition, frame_crc, number, salt, frame, time, start, size, *rest) = (
            _LAYOUT.unpack_from(data)
        )
        if version != _VERSION:
            raise Doubtful(f"it has version {version}, this program writes {_VERSION}")
        mark = Mark(number, salt, start, start + size, frame, frame_crc, time)
        return cls(partition, mark, *rest)


class Checkpoint:
    """One that was found sound. ``read`` gives its payload, bit by bit."""

    def __init__(self, disk: Disk, fd: int, described: Described) -> None:
        self._disk = disk
        self._fd = fd
        self.described = described
        self.mark = described.mark
        self.settled = described.settled
        self._at = HEADER

    def close(self) -> None:
        """It was read."""
        self._disk.close(self._fd)

    def read(self, octets: int) -> bytes:
        """The next octets; fewer only at the end."""
        data = self._disk.pread(self._fd, octets, self._at)
        self._at += len(data)
        return data


def write(
    disk: Disk, directory: Path, partition: int, mark: Mark, settled: int, pieces: Iterable[bytes]
) -> Described:
    """Write one, durably, under its temporary name, over what somebody may have left there."""
    path = directory / TEMPORARY
    if TEMPORARY in disk.names(directory):
        disk.unlink(path)
    fd = disk.create(path)
    try:
        at, crc = HEADER, 0
        for piece in _regular(pieces):
            disk.pwrite(fd, piece, at)
            disk.fdatasync(fd)
            at, crc = at + len(piece), _frame.crc32c(piece, crc)
        described = Described(partition, mark, settled, at - HEADER, crc)
        disk.pwrite(fd, described.pack(), 0)
        disk.fdatasync(fd)
    except BaseException:
        with suppress(OSError):
            disk.unlink(path)
        raise
    finally:
        disk.close(fd)
    return described


def _regular(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same octets in pieces that are worth a sync."""
    held: list[bytes] = []
    octets = 0
    for piece in pieces:
        held.append(piece)
        octets += len(piece)
        if octets >= _PIECE:
            yield b"".join(held)
            held, octets = [], 0
    if held:
        yield b"".join(held)


def put(disk: Disk, directory: Path, directory_fd: int) -> None:
    """What was written under the temporary name takes the place of the one before."""
    disk.rename(directory / TEMPORARY, directory / NAME)
    disk.sync_directory(directory_fd)


def remove(disk: Disk, directory: Path, directory_fd: int, name: str = NAME) -> None:
    """Have none any more."""
    if name in disk.names(directory):
        disk.unlink(directory / name)
        disk.sync_directory(directory_fd)


def describe(path: Path) -> Described:
    """What the header says of one. Raises Doubtful, OSError."""
    with path.open("rb") as file:
        return Described.unpack(file.read(HEADER))


def find(
    disk: Disk, directory: Path, partition: int, segments: Sequence[Segment]
) -> Checkpoint | None:
    """The one that is there, checked in every respect; None without one. Raises Doubtful.

    ``segments`` are those of the log, oldest first.
    """
    if NAME not in disk.names(directory):
        return None
    try:
        fd = disk.open(directory / NAME)
        try:
            described = Described.unpack(disk.pread(fd, HEADER, 0))
            if described.partition != partition:
                raise Doubtful(f"it is of partition {described.partition}")
            _check_payload(disk, fd, described)
            _check_mark(disk, described.mark, segments)
        except BaseException:
            disk.close(fd)
            raise
    except OSError as error:
        raise Doubtful(f"it can't be read: {error.strerror}") from error
    return Checkpoint(disk, fd, described)


def _check_payload(disk: Disk, fd: int, described: Described) -> None:
    end = HEADER + described.octets
    if disk.size(fd) != end:
        raise Doubtful("it is cut, or longer than it says")
    crc = 0
    for at in range(HEADER, end, _PIECE):
        crc = _frame.crc32c(disk.pread(fd, min(_PIECE, end - at), at), crc)
    if crc != described.crc:
        raise Doubtful("it is damaged")


def _check_mark(disk: Disk, mark: Mark, segments: Sequence[Segment]) -> None:
    kept = [item for item in segments if item.number >= mark.segment]
    if not kept or (kept[0].number, kept[0].header.salt) != (mark.segment, mark.salt):
        raise Doubtful("the segment that it names is not there")
    if _header(disk, kept[0], mark.start) != (
        mark.number, mark.crc, mark.end - mark.start, mark.time_ms,
    ):  # fmt: skip
        raise Doubtful("the frame that it names is not there")
    stop = copies_ahead(disk, kept)[0]
    if stop and mark.number >= stop:
        raise Doubtful("the frame that it names was replaced")
    if not _goes_on(disk, mark, kept):
        raise Doubtful("nothing stands behind the frame that it names")


def _header(disk: Disk, item: Segment, start: int) -> tuple[int, int, int, int] | None:
    return _frame.stands(header_of(disk, item, start), 0, item.header.salt)


def _goes_on(disk: Disk, mark: Mark, kept: Sequence[Segment]) -> bool:
    """Whether the frame behind the named one is sound: the newest of a log is never trusted."""
    start = mark.end
    for item in kept:
        if _header(disk, item, start) is not None:
            data = segment.contents(disk, item)
            scan = _frame.scan(
                data, start, item.header.salt, mark.number + 1, mark.crc, mark.number + 2
            )
            return scan.frames == 1
        start = SEGMENT_HEADER
    return False
