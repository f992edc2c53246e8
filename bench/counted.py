"""The work whose instructions are counted; ``instructions`` runs this under valgrind.

    python -m bench.counted DIRECTORY

Each piece of work is done once before it counts, so that what happens only the first time does not.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import cc, way
from bench.codecs import BATCH, MESSAGE, PDU, READ
from smsc import _pdu
from smsc.journal import Journal
from smsc.smpp import Command

#: Rounds of all clients (``way``) before counting, and counted.
BEFORE, COUNTED = 2, 2
#: What comes in in a round, one read after the other.
STEPS = ("accept", "acknowledge", "receipt", "confirm")
#: Texts that go to the carrier in parts: how many octets, and what their steps are counted as.
THREE_PARTS = 400
IN_PARTS = tuple(f"parts_{step}" for step in STEPS)

SUBMIT_SM_RESP = int(Command.SUBMIT_SM_RESP)
RECORD = bytes(range(220))
RECORDS, FRAMES = 100, 20

COUNTER = Path(__file__).with_name("counting.c")


class Counter:
    """What happens within ``counting`` is counted under a name."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(str(cc.made(COUNTER, "-shared", "-fPIC")))

    @contextmanager
    def counting(self, name: str) -> Iterator[None]:
        self._library.begin()
        yield
        self._library.end(name.encode())


def interpreter() -> None:
    """Nothing of ours: if this costs another number, it is another interpreter or compiler."""
    found: dict[bytes, int] = {}
    for n in range(2_000):
        word = b"%d" % (n % 97)
        found[word] = found.get(word, 0) + len(word.hex())
    zlib.crc32(RECORD * 100)
    sorted(found.items(), key=lambda item: item[1])


def decode() -> None:
    for pdu in _pdu.Decoder().feed(READ):
        pdu.decode()


def write() -> None:
    for n in range(BATCH):
        _pdu.id_resp(SUBMIT_SM_RESP, n, n)
        MESSAGE.forward(n, 1)
        _pdu.resequence(PDU, n)


def count_journal(counter: Counter, directory: Path) -> None:
    """Records appended, framed, written, synced, forgotten."""
    log = Journal(directory, force_filesystem=True)
    log.replay(lambda *record: None)
    log.settle()

    def frames() -> None:
        position = 0
        for _ in range(FRAMES):
            log.begin(0)
            for n in range(RECORDS):
                position = log.append(1, n.to_bytes(8, "big"), RECORD)
            log.seal()
            log.settle()
        log.release(position >> 32)

    frames()
    with counter.counting("journal"):
        frames()
    log.close()


def count_way(
    counter: Counter, directory: Path, names: Sequence[str], octets: int, long_messages: str
) -> None:
    """Messages from the client's submit to its answer to the receipt, step by step."""
    server = way.Server(directory, True, long_messages)
    steps = iter([*names] * COUNTED)

    def feed(reads: way.Reads) -> None:
        with counter.counting(next(steps)):
            server.feed(reads)

    peers = way.Peers(server, server.feed, octets)
    for _ in range(BEFORE):
        peers.round()
    peers.feed = feed
    for _ in range(COUNTED):
        peers.round()
    server.close()


#: Work without a place on the disk, and how many units of it there are.
PLAIN: dict[str, tuple[Callable[[], None], int]] = {
    "interpreter": (interpreter, 1),
    "decode": (decode, BATCH),
    "write": (write, BATCH),
}
#: How many units there are each time that a name is counted.
UNITS = {
    **{name: units for name, (_, units) in PLAIN.items()},
    "journal": FRAMES * RECORDS,
    **dict.fromkeys((*STEPS, *IN_PARTS), way.CLIENTS * way.READ),
}


def main(directory: str) -> None:
    counter = Counter()
    gc.disable()
    for name, (work, _) in PLAIN.items():
        work()
        with counter.counting(name):
            work()
    count_journal(counter, Path(directory) / "journal")
    count_way(counter, Path(directory) / "way", STEPS, 80, "pass")
    count_way(counter, Path(directory) / "parts", IN_PARTS, THREE_PARTS, "udh")


if __name__ == "__main__":
    main(*sys.argv[1:])
