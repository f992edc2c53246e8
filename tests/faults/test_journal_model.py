"""A log and a list beside it, through whatever may come in any order.

Hypothesis opens, appends, seals, rotates, releases, closes, kills and cuts the power; the list says
what must then be there. A failing run is shrunk to the few steps that matter. (That a frame is
whole or absent is test_journal_crash.py's to show.)
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from smsc.journal import Journal
from smsc.journal.simdisk import SimDisk, crashes

pytestmark = pytest.mark.faults

SEGMENT = 4096

Record = tuple[int, bytes, bytes]
BODIES = st.integers(0, 800).map(lambda octets: bytes(n % 255 + 1 for n in range(octets)))
RECORDS = st.tuples(st.integers(1, 254), st.binary(max_size=12), BODIES)


class LogMachine(RuleBasedStateMachine):
    """The model: records in order; how many must be there, how many at the start need not."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = SimDisk()
        self.records: list[Record] = []
        self.certain = 0
        self.sealed = 0
        self.released = 0
        self.open_log()

    def open_log(self) -> None:
        """A new run: what it replays is what the model has from now on."""
        self.log = Journal(Path("log"), segment_octets=SEGMENT, disk=self.disk)
        found: list[int] = []
        self.log.replay(lambda kind, position, time_ms, head: found.append(position))
        self.kept = {position: self.log.read(position) for position in found}
        self.check(list(self.kept.values()))
        self.records = list(self.kept.values())
        self.certain = self.sealed = len(self.records)
        self.released = 0

    def check(self, found: list[Record]) -> None:
        """A run of the records that begins with or before the first kept and has all certain."""
        assert any(
            found == self.records[first : first + len(found)] and first + len(found) >= self.certain
            for first in range(self.released + 1)
        )

    @rule(records=st.lists(RECORDS, min_size=1, max_size=4), now=st.integers(0, 10**6))
    def append(self, records: list[Record], now: int) -> None:
        self.log.begin(now)
        for record in records:
            position = self.log.append(*record)
            assert position > max(self.kept, default=0)
            self.kept[position] = record
            self.records.append(record)

    @precondition(lambda self: self.log.open_octets)
    @rule()
    def seal(self) -> None:
        self.log.seal()
        self.sealed = len(self.records)

    @rule()
    def poll(self) -> None:
        self.log.poll()
        self.certain = self.sealed

    @precondition(lambda self: not self.log.open_octets)
    @rule(now=st.integers(0, 10**6))
    def idle(self, now: int) -> None:
        self.log.idle(now)

    @rule()
    def rotate(self) -> None:
        self.log.rotate()

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.log.release(data.draw(st.sampled_from(sorted(self.kept))) >> 32)
        gone = [one for one in self.kept if one >> 32 < self.log.oldest_segment()]
        for position in gone:
            del self.kept[position]
        self.released += len(gone)

    @rule()
    def close(self) -> None:
        self.log.close()
        self.certain = len(self.records)
        self.disk.kill()
        self.open_log()

    @rule()
    def kill(self) -> None:
        self.disk.kill()
        self.open_log()

    @rule(data=st.data())
    def lose_power(self, data: st.DataObject) -> None:
        states = list(crashes(self.disk.history, seed=len(self.disk.history)))
        self.disk = SimDisk(data.draw(st.sampled_from(states)))
        self.open_log()

    @invariant()
    def everything_kept_can_be_read(self) -> None:
        for position, record in self.kept.items():
            assert self.log.read(position) == record


TestLogMachine = LogMachine.TestCase
TestLogMachine.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
