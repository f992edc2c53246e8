"""Which message is next: lanes by weight, accounts in turn, each account in order."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from smsc._spool import Slab
from smsc.lanes import FALLBACK, LANES, RETRY_LANE, TURNS, CarrierLanes
from tests.keeper import START


class Bench:
    """The queues of a carrier; messages have the ids 1, 2, 3, ..."""

    def __init__(self) -> None:
        self.slab = Slab()
        self.lanes = CarrierLanes(self.slab)
        self.count = 0

    def put(self, account: int, lane: int, count: int = 1) -> list[int]:
        """So many messages more; their ids."""
        ids = list(range(self.count + 1, self.count + count + 1))
        self.count += count
        for id in ids:
            self.lanes.put(self.add(id, account, lane), account, lane)
        return ids

    def add(self, id: int, account: int, lane: int) -> int:
        return self.slab.add(id, 1 << 32, account, 0, 1, lane, 0, 0, START)

    def take(self, count: int) -> list[int]:
        """The slots of the next ones."""
        return [slot for slot in (self.lanes.take() for _ in range(count)) if slot >= 0]

    def ids(self, count: int) -> list[int]:
        return [self.slab.id(slot) for slot in self.take(count)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


# -- lanes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lanes",
    [
        {3: 8, 2: 4, RETRY_LANE: 4, 1: 2, 0: 1},
        {3: 8, 0: 1},
        {2: 4, 1: 2},
        {RETRY_LANE: 4, 0: 1},
    ],
)
def test_lanes_share_by_weight_and_none_starves(bench: Bench, lanes: dict[int, int]) -> None:
    rounds = 20
    for lane in lanes:
        bench.put(1, lane, rounds * len(TURNS))
    taken = Counter(bench.slab.lane(slot) for slot in bench.take(rounds * len(TURNS)))
    spare = len(TURNS) - sum(lanes.values())
    for lane, weight in lanes.items():
        # Turns of the lanes that have nothing go to the first of those that have.
        first = lane == next(other for other in FALLBACK if other in lanes)
        assert taken[lane] == rounds * (weight + spare * first)


def test_a_lane_alone_gets_every_turn(bench: Bench) -> None:
    for lane in range(LANES):
        ids = bench.put(1, lane, 40)
        assert bench.ids(40) == ids
    assert bench.ids(1) == []


def test_an_urgent_message_passes_a_campaign(bench: Bench) -> None:
    bench.put(1, 0, 10_000)
    bench.take(137)
    [urgent] = bench.put(2, 3)
    assert urgent in bench.ids(2)


def test_what_is_tried_again_does_not_block_first_attempts(bench: Bench) -> None:
    bench.put(1, RETRY_LANE, 10_000)
    first = bench.put(1, 1, 10)
    taken = bench.ids(10 * len(TURNS) // 2 + len(TURNS))
    assert [id for id in taken if id in first] == first


# -- accounts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lane", range(LANES))
def test_one_message_waits_for_one_of_each_other_account(bench: Bench, lane: int) -> None:
    campaign = bench.put(1, lane, 10_000)
    bench.take(5)
    [single] = bench.put(2, lane)
    assert single in bench.ids(2)
    assert bench.ids(3) == campaign[6:9], "and the campaign goes on"


def test_accounts_take_turns_however_much_they_have(bench: Bench) -> None:
    accounts = {1: 10_000, 2: 30, 3: 1, 4: 300}
    for account, count in accounts.items():
        bench.put(account, 1, count)
    taken = [bench.slab.account(slot) for slot in bench.take(1 + 4 * 20)]
    shares = Counter(taken)
    assert shares[3] == 1
    assert max(shares[a] for a in (1, 2, 4)) - min(shares[a] for a in (1, 2, 4)) <= 1


def test_the_order_within_an_account_and_lane_is_kept(bench: Bench) -> None:
    dice = random.Random(1)
    expected: dict[tuple[int, int], list[int]] = {}
    taken: dict[tuple[int, int], list[int]] = {}

    def take(count: int) -> None:
        for slot in bench.take(count):
            key = bench.slab.account(slot), bench.slab.lane(slot)
            taken.setdefault(key, []).append(bench.slab.id(slot))

    for _ in range(2_000):
        account, lane = dice.randrange(6), dice.randrange(LANES)
        expected.setdefault((account, lane), []).extend(bench.put(account, lane))
        take(dice.randrange(2))
    take(2_000)
    assert taken == expected


# -- what is gone --------------------------------------------------------------------------------


def test_messages_that_end_while_they_wait_leave_no_hole(bench: Bench) -> None:
    gone = bench.put(1, 1, 50)
    kept = bench.put(2, 1, 2)
    for id in gone:
        bench.slab.remove(bench.slab.find(id))
    assert bench.lanes.waiting() == 2
    assert bench.ids(3) == kept
    assert bench.lanes.idle()
    later = bench.put(1, 1, 2)
    assert bench.ids(3) == later, "an account that was emptied comes back"


def test_idle_and_waiting(bench: Bench) -> None:
    assert bench.lanes.idle()
    assert bench.lanes.waiting() == 0
    bench.put(1, 0)
    bench.put(2, 3, 2)
    assert not bench.lanes.idle()
    assert bench.lanes.waiting() == 3
    bench.take(3)
    assert bench.lanes.idle()
    assert bench.lanes.waiting() == 0
