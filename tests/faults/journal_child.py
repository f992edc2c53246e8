"""A process to be killed: commits frame after frame and tells each once it is durable.

    journal_child.py DIRECTORY FRAMES

Writes ``number`` and a line feed to standard output when frame ``number`` is durable; ends with
status 3 on StorageError.
"""

from __future__ import annotations

import os
import select
import sys

from smsc.errors import StorageError
from smsc.journal import Journal

SEGMENT = 16 * 1024


def body(number: int) -> bytes:
    return bytes([number % 251 + 1]) * (300 + number * 37 % 2000)


def main(directory: str, frames: int) -> None:
    journal = Journal(directory, segment_octets=SEGMENT, force_filesystem=True)
    known: list[int] = []
    journal.replay(lambda kind, position, time_ms, head: known.append(int(head)))
    first = known[-1] + 1 if known else 0
    for number in range(first, first + frames):
        journal.begin(number)
        position = journal.append(1, b"%d" % number, body(number))
        frame = journal.seal()
        while journal.poll() < frame:
            select.select([journal.fileno()], [], [])
        os.write(1, b"%d\n" % number)
        if number % 12 == 11:
            journal.release(position >> 32)
    journal.close()


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]))
    except StorageError as error:
        os.write(2, f"{error}\n".encode())
        sys.exit(3)
