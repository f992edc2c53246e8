"""What an append and a commit cost: 220-octet records in frames of 1, 100 and 500.

    pytest bench/test_journal.py --benchmark-only

Times are of one frame: begin, appends, seal, and the wait until it is durable. CPU of the process
per record, all threads, is in ``extra_info``, since wall time is the disk's; making a segment of
64 MiB, once in 290,000 such records, is not in it.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smsc.journal import Journal

HEAD = bytes(24)
BODY = bytes(range(196))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, force_filesystem=True)
    journal.replay(lambda *record: None)
    journal.settle()
    yield journal
    journal.close()


def commit(journal: Journal, records: int) -> None:
    journal.begin(0)
    append = journal.append
    for _ in range(records):
        append(1, HEAD, BODY)
    number = journal.seal()
    while journal.poll() < number:
        select.select([journal.fileno()], [], [])


@pytest.mark.parametrize("records", [1, 100, 500])
def test_append_and_commit(benchmark: Any, journal: Journal, records: int) -> None:
    start, frames = time.process_time(), journal.durable
    benchmark.pedantic(commit, (journal, records), rounds=200, iterations=1, warmup_rounds=20)
    done = (journal.durable - frames) * records
    benchmark.extra_info["cpu_us_per_record"] = (time.process_time() - start) * 1e6 / done


def test_append_alone(benchmark: Any, journal: Journal) -> None:
    """No disk: 1,000 records into an open frame."""

    def fill() -> None:
        append = journal.append
        for _ in range(1000):
            append(1, HEAD, BODY)

    def afresh() -> None:
        if journal.open_octets:
            journal.seal()
            journal.settle()
        journal.begin(0)

    benchmark.pedantic(fill, setup=afresh, rounds=200)


def test_replay(benchmark: Any, tmp_path: Path) -> None:
    """300,000 small records into an ``apply`` that counts; making a new segment included."""
    journal = Journal(tmp_path, force_filesystem=True)
    journal.replay(lambda *record: None)
    for _ in range(300):
        journal.begin(0)
        for _ in range(1000):
            journal.append(1, HEAD, b"")
        journal.seal()
    journal.close()

    def start() -> None:
        again = Journal(tmp_path, force_filesystem=True)
        counted = 0

        def apply(kind: int, position: int, time_ms: int, head: bytes) -> None:
            nonlocal counted
            counted += 1

        begun = time.perf_counter()
        again.replay(apply)
        elapsed = time.perf_counter() - begun
        again.close()
        assert counted == 300_000
        benchmark.extra_info["records_per_s"] = counted / elapsed

    benchmark.pedantic(start, rounds=3)
