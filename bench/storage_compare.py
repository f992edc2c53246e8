"""Why the log is our own: the same work in four storage engines, CPU and wall time per record.

    python bench/storage_compare.py [--records 300000] [--json FILE]

The work: 220-octet records made durable in batches of 100 and of 500, and deleted again one batch
later, as a store-and-forward spool does. CPU is that of the whole process, all threads, user and
system, the making of segments ahead included. LMDB and RocksDB take part where ``lmdb`` and
``rocksdict`` can be imported.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from smsc.journal import Journal

RECORD = bytes(range(220))
BATCHES = (100, 500)

#: Stores ``count`` records under ids from ``first``, durably, and deletes ``gone`` ids before them.
Batch = Callable[[int, int, int], None]


@contextmanager
def journal(directory: Path) -> Iterator[Batch]:
    log = Journal(directory, force_filesystem=True)
    log.replay(lambda *record: None)
    log.settle()

    def batch(first: int, count: int, gone: int) -> None:
        # What was sent is recorded in the frame that is written anyway: eight octets a message.
        log.begin(0)
        append = log.append
        position = 0
        for n in range(first, first + count):
            position = append(1, n.to_bytes(8, "big"), RECORD)
        for n in range(first - gone, first):
            append(2, n.to_bytes(8, "big"))
        log.seal()
        log.settle()
        log.release(position >> 32)

    yield batch
    log.close()


@contextmanager
def sqlite(directory: Path) -> Iterator[Batch]:
    base = sqlite3.connect(directory / "base", isolation_level=None)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=FULL")
    base.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, pdu BLOB)")

    def batch(first: int, count: int, gone: int) -> None:
        base.execute("BEGIN")
        base.executemany(
            "INSERT INTO message VALUES (?, ?)", ((n, RECORD) for n in range(first, first + count))
        )
        base.executemany(
            "DELETE FROM message WHERE id = ?", ((n,) for n in range(first - gone, first))
        )
        base.execute("COMMIT")

    yield batch
    base.close()


@contextmanager
def lmdb(directory: Path) -> Iterator[Batch]:
    engine: Any = importlib.import_module("lmdb")
    base = engine.open(str(directory), map_size=1 << 30)

    def batch(first: int, count: int, gone: int) -> None:
        with base.begin(write=True) as transaction:
            for n in range(first, first + count):
                transaction.put(n.to_bytes(8, "big"), RECORD, append=True)
            for n in range(first - gone, first):
                transaction.delete(n.to_bytes(8, "big"))

    yield batch
    base.close()


@contextmanager
def rocksdict(directory: Path) -> Iterator[Batch]:
    engine: Any = importlib.import_module("rocksdict")
    base = engine.Rdict(str(directory), engine.Options(raw_mode=True))
    options = engine.WriteOptions()
    options.sync = True

    def batch(first: int, count: int, gone: int) -> None:
        writes = engine.WriteBatch(raw_mode=True)
        for n in range(first, first + count):
            writes.put(n.to_bytes(8, "big"), RECORD)
        for n in range(first - gone, first):
            writes.delete(n.to_bytes(8, "big"))
        base.write(writes, options)

    yield batch
    base.close()


#: By name; an engine that is not in the standard library is named as its module.
ENGINES = {"smsc.journal": journal, "sqlite3": sqlite, "lmdb": lmdb, "rocksdict": rocksdict}


def measure(engine: Any, records: int, size: int) -> tuple[float, float]:
    """CPU and wall time per record, in microseconds."""
    directory = Path(tempfile.mkdtemp(prefix="compare-"))
    try:
        with engine(directory) as batch:
            batch(0, size, 0)
            cpu, wall = time.process_time(), time.perf_counter()
            for first in range(size, size + records, size):
                batch(first, size, size)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    finally:
        shutil.rmtree(directory)
    return cpu / records * 1e6, wall / records * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--records", type=int, default=300_000, help="per engine and batch size")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    table = Table(title="220-octet records, made durable and deleted: microseconds per record")
    table.add_column("engine")
    for size in BATCHES:
        table.add_column(f"CPU, batches of {size}", justify="right")
        table.add_column("wall", justify="right")
    figures: dict[str, dict[str, float]] = {}
    for name, engine in ENGINES.items():
        if importlib.util.find_spec(name) is None:
            table.add_row(name, *["not installed"] * 4)
            continue
        found = [measure(engine, options.records, size) for size in BATCHES]
        figures[name] = {f"cpu_us_{s}": f[0] for s, f in zip(BATCHES, found, strict=True)}
        table.add_row(name, *(f"{value:.2f}" for pair in found for value in pair))
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
