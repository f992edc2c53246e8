"""What encryption costs on the message path: ``pytest bench/test_sealing.py``.

A message's body is sealed when it is appended to the keeper's log, its receipt's too; its traffic
record is sealed in a block of all that ended between two ticks. Compare each with its plain twin.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsc.journal import Journal, SimLog
from smsc.keys import Keyring, Master
from smsc.sealing import SealedJournal
from smsc.traffic import Plain, Sealer, Traffic, finished
from tests.keeper import START, submit_sm

RECORDS = 1_000
HEAD, BODY = os.urandom(80), os.urandom(140)


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keyring]:
    ring = Keyring(tmp_path / "keys", Master.create(tmp_path / "m"), tmp_path / "destroyed")
    yield ring
    ring.close()


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
def test_bodies(
    sealed: bool, keys: Keyring, tmp_path: Path, benchmark: Callable[..., None]
) -> None:
    """1,000 bodies of 140 octets."""
    kind = SealedJournal if sealed else Journal
    log = kind(tmp_path / "log", force_filesystem=True)
    if isinstance(log, SealedJournal):
        log.seal_with(keys)
    log.replay(lambda *record: None)

    def ready() -> None:
        log.settle()
        log.begin(START)

    def append() -> None:
        for _ in range(RECORDS):
            log.append(2, HEAD, BODY)
        log.seal()

    benchmark.pedantic(append, setup=ready, rounds=100)  # type: ignore[attr-defined]
    log.close()


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
def test_records(sealed: bool, keys: Keyring, benchmark: Callable[..., None]) -> None:
    """1,000 traffic records of one customer, between two ticks."""
    sealer: Sealer = keys if sealed else Plain()
    traffic = Traffic(lambda period: SimLog(segment_octets=16 << 20), [], sealer, lambda: START)
    end = finished(
        1, False, b"C-1", b"acme", b"sim", START, START, START, START, 1, 2, 0, b"", b"000",
        submit_sm(short_message=bytes(80)),
    )  # fmt: skip
    ends = [(n, end) for n in range(RECORDS)]

    def write() -> None:
        traffic.release(ends)
        traffic.sync()

    benchmark(write)
