"""Makes the next checkpoint of a log: ``python -m smsc.fold DIRECTORY``, beside the server.

A process of its own, and the least important one of the machine: it loads the checkpoint before,
folds the segments that were written since and are written no more, and leaves the image of the
state under the checkpoint's temporary name. It needs no key, since heads are in clear, and changes
nothing else: whoever started it holds the log, and puts the checkpoint in its place. A segment may
be forgotten while it is read; then none is made, and the next one is made of what is left.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from smsc import image
from smsc.errors import SmscError
from smsc.journal import checkpoint, recovery, segment
from smsc.journal.checkpoint import Described, Doubtful
from smsc.journal.disk import Disk, RealDisk
from smsc.ports import Mark
from smsc.state import State

#: Exit status when nothing was written since the checkpoint before.
NOTHING = 3


def fold(
    disk: Disk,
    directory: Path,
    partition: int,
    below: int,
    state: State,
    go_on: Callable[[], None] = lambda: None,
) -> Described | None:
    """Write a checkpoint of all segments below one; None if the one that is there says as much.

    All before ``below`` must be durable, and a frame of it. ``go_on`` is called now and then, and
    may raise. Raises OSError, CorruptLog.
    """
    numbers = sorted(n for n in map(segment.number_of, disk.names(directory)) if n is not None)
    paths = [(segment.path_of(directory, number), number) for number in numbers if number <= below]
    segments = [segment.examine(disk, path, number) for path, number in paths]
    mark = newest = _begin(disk, directory, partition, segments, state)
    for checked in recovery.walk(disk, segments, mark):
        if checked.segment.number == below:
            break
        if checked.problem is not None:
            raise checked.problem
        go_on()
        recovery.feed(checked.segment, checked.data, checked.start, checked.scan.end, state.apply)
        newest = checked.last or newest
    if newest is None or newest == mark:
        return None
    pieces = _going_on(image.octets(state), go_on)
    return checkpoint.write(disk, directory, partition, newest, state.newest_end, pieces)


def _going_on(pieces: Iterator[bytes], go_on: Callable[[], None]) -> Iterator[bytes]:
    for piece in pieces:
        go_on()
        yield piece


def _begin(
    disk: Disk, directory: Path, partition: int, segments: list[segment.Segment], state: State
) -> Mark | None:
    """Make the state what the checkpoint before says; its mark, None if there is none of use."""
    with suppress(Doubtful, ValueError):
        found = checkpoint.find(disk, directory, partition, segments)
        if found is not None:
            with closing(found):
                image.load(state, found.read)
                return found.mark
    return None


def main() -> int:
    """What the process does; its exit status."""
    options = _options()
    parent = os.getppid()

    def go_on() -> None:
        if os.getppid() != parent:
            raise SystemExit(1)

    # Neither is sure to be allowed.
    with suppress(OSError):
        os.nice(19)
    with suppress(OSError):  # of the two the server is the one that must not be out of memory
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    state = State(options.keep, options.kept)
    try:
        made = fold(RealDisk(), options.directory, options.partition, options.below, state, go_on)
    except (OSError, SmscError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if made is not None else NOTHING


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m smsc.fold", description=__doc__)
    parser.add_argument("directory", type=Path, metavar="DIRECTORY", help="the log")
    for name, what in (
        ("partition", "which log it is"),
        ("below", "the segment before which all is durable"),
        ("keep", "for how long final states are kept, ms"),
        ("kept", "and how many"),
    ):
        parser.add_argument(f"--{name}", type=int, required=True, help=what)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
