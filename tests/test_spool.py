"""The fold of a message's records: from every stage by every record, and what is void."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smsc import records
from smsc._finished import FinalStates
from smsc._spool import NO_LIST, key_of
from smsc.records import Flag
from smsc.spool import UNSENT, Names, Spool, Stage
from tests.keeper import START

SEGMENT = 1 << 32
MINUTE = 60_000
KEY = key_of(b"one", b"abc")
EXPIRY = START + 86_400_000

#: A stage, or none for what is not owed.
At = Stage | None


class Bench:
    """A spool with one message, id 1, of account ``acme`` to carrier ``one``, on its attempt 2."""

    def __init__(self, stage: At = None) -> None:
        self.spool = Spool(Names(), Names(), FinalStates(86_400_000, 1_000))
        self.slab = self.spool.slab
        self.slab.start(START)
        if stage is not None:
            self.message(stage)

    def message(
        self, stage: Stage, position: int = SEGMENT, due: int = START, id: int = 1, number: int = 2
    ) -> None:
        key = KEY if stage == Stage.ACKED else 0
        head = records.message(
            id, START, due, EXPIRY, START, key, stage, 1, number, 0, b"acme", b"one"
        )
        self.spool.message(position, START, head)

    @property
    def slot(self) -> int:
        return self.slab.find(1)

    @property
    def stage(self) -> At:
        return None if self.slot < 0 else Stage(self.slab.state(self.slot))

    def due(self) -> int:
        """When the wheel hands the message out, ms after START; -1 if it is not in the wheel."""
        for ms in range(0, 3 * MINUTE, 100):
            if self.slot in self.slab.expire(START + ms, 10):
                return ms
        return -1

    def ready(self) -> bool:
        """Whether the message is next at its carrier."""
        lanes = self.spool.lanes(self.slab.carrier(self.slot))
        return lanes.waiting() == 1 and lanes.take() == self.slot


def attempt(bench: Bench) -> None:
    bench.spool.attempt(SEGMENT, START + 500, records.attempt(1, 3, b"two"))


def acked(bench: Bench) -> None:
    bench.spool.acked(SEGMENT, START, records.acked(1, 2, START + MINUTE, KEY, b"abc"))


def queued(bench: Bench) -> None:
    bench.spool.queued(SEGMENT, START, records.queued(1, 2, START + MINUTE, 8))


def doubt(bench: Bench) -> None:
    bench.spool.doubt(SEGMENT, START, records.doubt(1, 2, START + MINUTE, b"bind_lost"))


def doubt_of_another(bench: Bench) -> None:
    bench.spool.doubt(SEGMENT, START, records.doubt(1, 1, START + MINUTE, b"bind_lost"))


def final(bench: Bench) -> None:
    bench.spool.final(SEGMENT, START, records.final(1, 2, 0, b"", b"", b"one"))


Q, A, K, D = Stage.QUEUED, Stage.ATTEMPT, Stage.ACKED, Stage.IN_DOUBT


@pytest.mark.parametrize(
    ("record", "moves"),
    [
        (attempt, {Q: A, A: A, K: A, D: A, None: None}),
        (acked, {Q: K, A: K, K: K, D: K, None: None}),
        (queued, {Q: Q, A: Q, K: K, D: Q, None: None}),
        (doubt, {Q: Q, A: D, K: K, D: D, None: None}),
        (doubt_of_another, {Q: Q, A: A, K: K, D: D, None: None}),
        (final, {Q: None, A: None, K: None, D: None, None: None}),
    ],
)
def test_every_record_in_every_stage(record: Callable[[Bench], None], moves: dict[At, At]) -> None:
    found = {}
    for stage in (Q, A, K, D, None):
        bench = Bench(stage)
        record(bench)
        found[stage] = bench.stage
    assert found == moves


@pytest.mark.parametrize("record", [attempt, acked, queued, doubt, final])
def test_what_is_said_of_a_message_that_is_not_owed_is_void(
    record: Callable[[Bench], None],
) -> None:
    bench = Bench(Stage.ACKED)
    final(bench)
    before = bench.slab.slots(), bench.slab.of_account(0)
    record(bench)
    assert (bench.slab.slots(), bench.slab.of_account(0)) == before == ([], 0)


# -- what a stage means --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "due", "ready", "wheel"),
    [
        (Stage.QUEUED, START, True, -1),
        (Stage.QUEUED, START - MINUTE, True, -1),
        (Stage.QUEUED, START + MINUTE, False, MINUTE),
        (Stage.ATTEMPT, START, False, -1),
        (Stage.ACKED, START + MINUTE, False, MINUTE),
        (Stage.IN_DOUBT, START + MINUTE, False, MINUTE),
    ],
)
def test_a_message_stands_where_its_stage_says(
    stage: Stage, due: int, ready: bool, wheel: int
) -> None:
    bench = Bench()
    bench.message(stage, due=due)
    assert bench.spool.lanes(0).waiting() == ready
    assert bench.due() == wheel


@pytest.mark.parametrize(
    ("record", "stage", "wheel"),
    [(acked, A, MINUTE), (acked, D, MINUTE), (queued, A, MINUTE), (queued, D, MINUTE),
     (doubt, A, MINUTE), (attempt, Q, -1), (final, K, -1), (final, Q, -1)],
)  # fmt: skip
def test_a_record_moves_it_there(record: Callable[[Bench], None], stage: Stage, wheel: int) -> None:
    bench = Bench(stage)
    record(bench)
    assert bench.spool.lanes(0).waiting() == 0
    assert bench.due() == wheel


def test_an_attempt_is_of_a_carrier_at_a_time() -> None:
    bench = Bench(Stage.QUEUED)
    attempt(bench)
    slab, slot = bench.slab, bench.slot
    assert slab.linked(slot) == NO_LIST
    assert (slab.attempt(slot), slab.sent(slot)) == (3, START + 500)
    assert bench.spool.carriers[slab.carrier(slot)] == b"two"


def test_an_acknowledgement_is_found_by_its_key_until_the_end() -> None:
    bench = Bench(Stage.ATTEMPT)
    assert bench.slab.find_key(KEY) == -1
    acked(bench)
    assert bench.slab.find_key(KEY) == bench.slot
    final(bench)
    assert bench.slab.find_key(KEY) == -1


def test_the_first_acknowledgement_stands() -> None:
    bench = Bench(Stage.ATTEMPT)
    acked(bench)
    other = records.acked(1, 1, START + 2 * MINUTE, key_of(b"one", b"xyz"), b"xyz")
    bench.spool.acked(SEGMENT, START, other)
    assert bench.slab.key(bench.slot) == KEY
    assert bench.due() == MINUTE


@pytest.mark.parametrize(("stage", "repeats"), [(A, 0), (Q, 0), (D, Flag.MAY_REPEAT)])
def test_what_was_in_doubt_may_repeat(stage: Stage, repeats: int) -> None:
    bench = Bench(stage)
    queued(bench)
    assert bench.slab.flags(bench.slot) == repeats


@pytest.mark.parametrize(("number", "order"), [(0, [2, 1]), (1, [1, 2]), (7, [1, 2])])
def test_what_was_tried_before_has_a_lane_of_its_own(number: int, order: list[int]) -> None:
    """The retry lane comes before lane 1; within lane 1 the other message is the older."""
    bench = Bench(Stage.ATTEMPT)
    bench.message(Stage.QUEUED, id=2, number=0)
    bench.spool.queued(SEGMENT, START, records.queued(1, number, START, 8))
    lanes = bench.spool.lanes(0)
    assert [bench.slab.id(lanes.take()) for _ in order] == order


def test_a_reroute_takes_it_to_the_other_carrier() -> None:
    bench = Bench()
    bench.message(Stage.QUEUED)
    two = bench.spool.carriers.index(b"two")
    bench.spool.reroute(bench.slot, two)
    assert bench.spool.lanes(0).waiting() == 0
    assert bench.slab.carrier(bench.slot) == two
    assert bench.ready()


def test_a_message_that_is_carried_forward_only_moves() -> None:
    bench = Bench(Stage.ATTEMPT)
    acked(bench)
    row = bench.slab.row(bench.slot)
    bench.message(Stage.QUEUED, position=9 * SEGMENT)  # whatever it says, we know better
    assert bench.slab.row(bench.slot) == (row[0], 9 * SEGMENT, *row[2:])
    assert bench.slab.of_account(0) == 1
    assert bench.due() == MINUTE


def test_what_an_account_owes_is_counted() -> None:
    bench = Bench()
    for id in (1, 2, 3):
        bench.message(Stage.QUEUED, id=id)
    assert (len(bench.spool), bench.slab.of_account(0)) == (3, 3)
    final(bench)
    assert (len(bench.spool), bench.slab.of_account(0)) == (2, 2)


def test_only_what_waits_to_be_sent_expires() -> None:
    bench = Bench()
    for id, stage in enumerate(Stage, 1):
        bench.message(stage, id=id)
    slots, _cursor = bench.slab.scan_expired(0, 100, EXPIRY, UNSENT)
    assert [bench.slab.id(slot) for slot in slots] == [Stage.QUEUED]
    assert bench.slab.scan_expired(0, 100, EXPIRY - 100, UNSENT) == ([], 0)


def test_names_keep_their_numbers() -> None:
    names = Names()
    assert [names.index(name) for name in (b"b", b"a", b"b", b"", b"a")] == [0, 1, 0, 2, 1]
    assert [names[n] for n in range(3)] == [b"b", b"a", b""]
