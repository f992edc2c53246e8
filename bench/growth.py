"""What is the greatest that one more message costs at once? ``python -m bench.growth``.

Everything that grows with the number of messages, filled one by one: CPU of this thread in the
slowest single call since the size before. A neighbour takes the core away, and not this time; what
its caches cost is in it.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable

from smsc._finished import FinalStates
from smsc._spool import Slab

SIZES = (400_000, 1_600_000, 10_000_000)
NOW = 1_790_000_000_000


def measure(name: str, put: Callable[[int], object]) -> None:
    """Put them in up to each size, and say what was slowest."""
    done = 0
    for size in SIZES:
        slowest = 0.0
        for n in range(done, size):
            began = time.thread_time()
            put(n)
            slowest = max(slowest, time.thread_time() - began)
        done = size
        print(f"{name:12} {size:12,} {slowest * 1e3:9.2f} ms")


def main() -> None:
    gc.disable()
    slab, ended, dice = Slab(), FinalStates(1 << 40, 1 << 30), random.Random(1)
    measure("id", lambda n: slab.add(n + 1, 1 << 32, 1, 1, 1, 0, 0, 0, NOW))
    measure("pair", lambda n: slab.set_pair(n, dice.randrange(1, 1 << 32)))
    measure("key", lambda n: slab.set_key(n, dice.randrange(1, 1 << 64)))
    measure("final state", lambda n: ended.add(n + 1, 1, NOW, 1, 1, 2, 0, 0, 0))
    for what, held in ("owed message", slab.octets), ("final state", ended.octets):
        print(f"{what:12} {held / SIZES[-1]:22.1f} octets")


if __name__ == "__main__":
    main()
