"""Which message a receipt speaks of, and the receipts that wait for theirs."""

from __future__ import annotations

import pytest

from smsc import records
from smsc.correlation import Correlation, Orphans
from smsc.profile import Profile
from smsc.receipt import IdBase, IdRule
from tests.keeper import START

SEGMENT = 1 << 32


@pytest.mark.parametrize(
    ("response", "receipt", "in_response", "in_receipt", "same"),
    [
        ("verbatim", "verbatim", b"abc1", b"abc1", True),
        ("verbatim", "verbatim", b"abc1", b"ABC1", False),
        ("verbatim", "verbatim", b"7", b"07", False),
        ("hex", "decimal", b"1A2B", b"0000006699", True),
        ("hex", "decimal", b"1A2B", b"6698", False),
        ("decimal", "hex", b"6699", b"1a2b", True),
        ("any", "any", b"00AB", b"ab", True),
        ("any", "any", b"AB", b"AC", False),
        ("hex", "hex", b"1g", b"1g", True),
        ("hex", "hex", b"10", b"16", False),
    ],
)
def test_keys_meet_as_the_carrier_writes_its_ids(
    response: IdBase, receipt: IdBase, in_response: bytes, in_receipt: bytes, same: bool
) -> None:
    keys = Correlation(b"one", Profile(IdRule(response, receipt)))
    assert (keys.of_response(in_response) == keys.of_receipt(in_receipt)) is same


def test_two_carriers_that_count_alike_are_not_confused() -> None:
    one, two = (Correlation(name, Profile()) for name in (b"one", b"two"))
    ids = [b"%x" % n for n in range(1_000)]
    ones, twos = ({keys.of_response(id) for id in ids} for keys in (one, two))
    assert len(ones | twos) == 2_000


def test_a_name_and_an_id_do_not_run_into_each_other() -> None:
    assert Correlation(b"a", Profile()).of_response(b"bc") != Correlation(
        b"ab", Profile()
    ).of_response(b"c")


def test_keys_are_the_same_in_every_process() -> None:
    """They are on disk."""
    keys = Correlation(b"one", Profile(IdRule("hex", "decimal")))
    assert keys.of_response(b"1A2B") == keys.of_receipt(b"6699") == 0x6488FEFDE73D6B0B


# -- orphans -------------------------------------------------------------------------------------


class Bench:
    """Orphans with what they were made of."""

    def __init__(self) -> None:
        self.orphans = Orphans()

    def put(self, key: int, position: int = SEGMENT, until: int = START, state: int = 2) -> None:
        head = records.orphan(key, until, state, True, b"one", b"000", b"")
        self.orphans.orphan(position, START, head)

    def done(self, key: int) -> None:
        self.orphans.orphan_done(SEGMENT, START, records.orphan_done(key))

    @property
    def keys(self) -> list[int]:
        return [orphan.head.key for orphan in self.orphans]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_orphan_waits_until_it_is_matched(bench: Bench) -> None:
    bench.put(7, SEGMENT | 5, START + 1, 8)
    orphan = bench.orphans.get(7)
    assert orphan is not None
    assert orphan.position == SEGMENT | 5
    assert tuple(orphan.head) == (7, START + 1, 8, True, b"one", b"000", b"")
    assert bench.orphans.get(8) is None
    bench.done(8)
    assert len(bench.orphans) == 1
    bench.done(7)
    bench.done(7)
    assert len(bench.orphans) == 0
    assert bench.orphans.get(7) is None


def test_the_last_receipt_of_a_key_counts(bench: Bench) -> None:
    bench.put(7, SEGMENT, state=5)
    bench.put(8)
    bench.put(7, 2 * SEGMENT, state=2)
    orphan = bench.orphans.get(7)
    assert orphan is not None and orphan.head.state == 2
    assert bench.keys == [8, 7], "and it came last"
    assert bench.orphans.oldest() == 8


@pytest.mark.parametrize(
    ("now", "past"),
    [(START - 1, []), (START, [1]), (START + 10, [1, 2]), (START + 99, [1, 2, 3])],
)
def test_those_that_waited_long_enough_are_told(bench: Bench, now: int, past: list[int]) -> None:
    for key, until in ((1, START), (2, START + 10), (3, START + 20)):
        bench.put(key, until=until)
    assert bench.orphans.past(now) == past
    assert len(bench.orphans) == 3, "only a record ends them"


def test_the_oldest_segment_follows_from_those_that_wait(bench: Bench) -> None:
    assert bench.orphans.oldest_segment() == -1
    assert bench.orphans.oldest() is None
    for key, segment in ((1, 3), (2, 3), (3, 5), (4, 9)):
        bench.put(key, segment * SEGMENT | key)
    assert bench.orphans.oldest_segment() == 3
    bench.done(1)
    assert bench.orphans.oldest_segment() == 3
    bench.put(2, 9 * SEGMENT)  # carried forward
    assert bench.orphans.oldest_segment() == 5
    assert [orphan.head.key for orphan in bench.orphans.before(9)] == [3]
    for key in (2, 3, 4):
        bench.done(key)
    assert bench.orphans.oldest_segment() == -1
