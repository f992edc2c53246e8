"""The slab against a dictionary, the lists against lists, the wheel against a sort."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc._spool import BASE_MS, FIRST_LIST, NO_LIST, TICK_MS, Slab, key_of, pair_of

NOW = 1_790_000_000_000


def add(slab: Slab, id: int, position: int = 1 << 32) -> int:
    return slab.add(id, position, 1, 2, 1, 0, 0, 0, NOW)


@pytest.mark.parametrize("seed", range(20))
def test_entries_and_indexes_against_a_dictionary(seed: int) -> None:
    dice = random.Random(seed)
    slab = Slab()
    model: dict[int, tuple[int, int, int]] = {}  # id -> slot, position, key
    for _ in range(5_000):
        action = dice.random()
        if action < 0.5 or not model:
            # Consecutive and scattered ids, so that both the hash and the probing are met.
            id = dice.randrange(1, 1 << 63) if dice.random() < 0.5 else 1 + len(model) * 7
            if id in model:
                with pytest.raises(KeyError):
                    add(slab, id)
                continue
            position = dice.randrange(1, 9) << 32 | dice.randrange(1 << 20)
            model[id] = (add(slab, id, position), position, 0)
        elif action < 0.8:
            id = dice.choice(list(model))
            slab.remove(model.pop(id)[0])
            assert slab.find(id) == -1
        else:
            id = dice.choice(list(model))
            slot, position, old = model[id]
            key = 0 if old else key_of(b"carrier", b"%d" % id)
            slab.set_key(slot, key)
            model[id] = (slot, position, key)
            if old:
                assert slab.find_key(old) == -1
    assert len(slab) == len(model) == slab.of_account(1)
    assert slab.of_account(0) == 0
    assert slab.slots() == sorted(slot for slot, _, _ in model.values())
    segments: dict[int, int] = {}
    for id, (slot, position, key) in model.items():
        assert slab.find(id) == slot
        assert slab.id(slot) == id
        assert slab.position(slot) == position
        if key:
            assert slab.find_key(key) == slot
        segments[position >> 32] = segments.get(position >> 32, 0) + 1
    assert slab.segment_counts() == segments
    assert slab.oldest_segment() == min(segments)


def reloaded(slab: Slab) -> Slab:
    """What is made of its octets."""
    facts, pieces = slab.dump()
    fresh = Slab()
    fresh.load(facts, io.BytesIO(b"".join(pieces)).read)
    return fresh


@pytest.mark.parametrize("seed", range(3))
def test_it_grows_and_shrinks_and_is_dumped_anywhere_on_the_way(seed: int) -> None:
    dice = random.Random(seed)
    slab = Slab()
    model: dict[int, tuple[int, int, int]] = {}  # id -> slot, key, pair
    empty, fullest = slab.octets, 0
    next_id = 1
    for target in (3_000, 70_000, 60_000, 200, 9_000, 0):
        while len(model) < target:
            id, next_id = next_id | dice.randrange(3) << 34, next_id + 1
            slot, key, pair = add(slab, id), 0, 0
            if dice.random() < 0.5:
                key = key_of(b"carrier", b"%d" % id)
                slab.set_key(slot, key)
            else:
                pair = dice.randrange(1, 50_000)
                slab.set_pair(slot, pair)
            model[id] = slot, key, pair
        for id in dice.sample(list(model), len(model) - target):
            slab.remove(model.pop(id)[0])
        fullest = max(fullest, slab.octets)
        slab = reloaded(slab)
        by_pair: dict[int, set[int]] = {}
        for id, (slot, key, pair) in model.items():
            assert slab.find(id) == slot
            assert slot in slab.find_short(id & 0xFFFFFFFF)
            if key:
                assert slab.find_key(key) == slot
            else:
                by_pair.setdefault(pair, set()).add(slot)
        for pair, slots in by_pair.items():
            assert set(slab.find_pair(pair, 1, 1 << 1, 1 << 30)) == slots
    # Entries are kept for others to come, but not what finds them.
    assert fullest - slab.octets > 70_000 * 8
    assert reloaded(Slab()).octets == empty


def test_no_put_moves_all_that_is_there() -> None:
    """What doubles at once is a small part, as the memory that is held says."""
    slab = Slab()
    held = slab.octets
    for id in range(1, 110_000):
        slot = add(slab, id)
        if id % 2:
            slab.set_pair(slot, id)
        else:
            slab.set_key(slot, key_of(b"carrier", b"%d" % id))
        grown, held = slab.octets - held, slab.octets
        if id > 10_000 and id % 16_384 != 1:  # there it was room for entries
            assert grown * 100 < held


def _first(facts: tuple[Any, ...], sizes: bytes) -> tuple[Any, ...]:
    """With other sizes of the tables that find ids."""
    return (*facts[:5], sizes, *facts[6:])


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda facts, octets: (_first(facts, facts[5][:-1]), octets),
        lambda facts, octets: (_first(facts, b"\x20" * len(facts[5])), octets),
        lambda facts, octets: (_first(facts, bytes(len(facts[5]))), octets),
        lambda facts, octets: (facts, octets[:-1]),
        # The last table, of three pairs, is all zeros: it has no end; or leads to where nothing is.
        lambda facts, octets: (facts, octets[:-64] + bytes(64)),
        lambda facts, octets: (facts, octets[:-4] + b"\xfe\0\0\0"),
        lambda facts, octets: ((facts[0], 99, *facts[2:]), octets),
        lambda facts, octets: ((*facts[:2], facts[2] + 1, *facts[3:]), octets),
    ],
    ids=["fewer tables", "huge", "none", "cut", "endless", "nowhere", "free", "count"],
)
def test_what_was_never_a_slab_is_refused(
    spoilt: Callable[[tuple[Any, ...], bytes], tuple[tuple[Any, ...], bytes]],
) -> None:
    slab = Slab()
    for id in range(1, 4):
        slab.set_pair(add(slab, id), id)
    facts, pieces = slab.dump()
    octets = b"".join(pieces)
    Slab().load(facts, io.BytesIO(octets).read)
    facts, octets = spoilt(facts, octets)
    with pytest.raises(ValueError):
        Slab().load(facts, io.BytesIO(octets).read)


@pytest.mark.parametrize("portion", [1, 7, 1_000])
@pytest.mark.parametrize("lane", [-1, 1])
def test_the_oldest_of_each_account(portion: int, lane: int) -> None:
    dice = random.Random(7)
    slab = Slab()
    model: dict[int, tuple[int, int]] = {}
    for id in dice.sample(range(1, 1 << 62), 500):
        account, its = dice.randrange(4), dice.randrange(3)
        slot = slab.add(id, id >> 8, account, 0, 1, its, 0, 0, NOW)
        if dice.random() < 0.2:
            slab.remove(slot)
        elif lane in (-1, its):
            model[account] = min(model.get(account, (id, 0)), (id, id >> 8))
    model = {account: (id, id >> 8) for account, (id, _) in model.items()}
    found: dict[int, tuple[int, int]] = {}
    cursor, steps = slab.scan_oldest(0, portion, lane, found), 1
    while cursor:
        cursor, steps = slab.scan_oldest(cursor, portion, lane, found), steps + 1
    assert found == model
    assert (steps == 1) == (portion == 1_000)


@pytest.mark.parametrize("seed", range(20))
def test_pairs_against_lists(seed: int) -> None:
    dice = random.Random(seed)
    slab = Slab()
    pairs = [dice.randrange(1, 1 << 32) for _ in range(dice.choice((3, 3_000)))]
    model: dict[int, list[int]] = {pair: [] for pair in pairs}
    slots: dict[int, int] = {}
    for id in range(1, 6_000):
        action = dice.random()
        if action < 0.6 or not slots:
            slot = add(slab, id)
            slots[slot] = pair = dice.choice(pairs)
            slab.set_pair(slot, pair)
            model[pair].insert(0, slot)
            assert (slab.pair(slot), slab.key(slot), slab.row(slot)[2]) == (pair, 0, 0)
            continue
        slot = dice.choice(list(slots))
        model[slots.pop(slot)].remove(slot)
        if action < 0.8:
            slab.remove(slot)
        else:
            key = key_of(b"carrier", b"%d" % id) if action < 0.9 else 0
            slab.set_key(slot, key)
            assert (slab.pair(slot), slab.key(slot)) == (0, key)
            if key:
                assert slab.find_key(key) == slot
    for pair, expected in model.items():
        assert slab.find_pair(pair, 1, 1 << 1, 1 << 30) == expected
        assert slab.find_pair(pair, 1, 1 << 1, 2) == expected[:2]
        assert slab.find_pair(pair, 2, 1 << 1, 1 << 30) == [], "another account's"
        assert slab.find_pair(pair, 1, 1 << 2, 1 << 30) == [], "in another state"


def test_ids_are_found_by_their_low_half() -> None:
    slab = Slab()
    ids = [epoch << 34 | counter for epoch in (1, 2, 9) for counter in range(1, 2_000)]
    for id in ids:
        add(slab, id)
    for short in (1, 77, 1_999):
        assert [slab.id(slot) for slot in slab.find_short(short)] == [
            9 << 34 | short, 2 << 34 | short, 1 << 34 | short,
        ]  # fmt: skip
    assert slab.find_short(2_000) == []
    slab.remove(slab.find(2 << 34 | 77))
    assert len(slab.find_short(77)) == 2


def test_a_pair_is_of_all_three() -> None:
    several = [(b"a", b"b", b"c"), (b"ab", b"", b"c"), (b"a", b"bc", b""), (b"a", b"c", b"b")]
    several += [(b"a" * 8, b"b" * 8, b"c"), (b"a" * 8, b"b" * 9, b"c"), (b"a" * 9, b"b" * 8, b"c")]
    assert len({pair_of(*each) for each in several}) == len(several)
    assert pair_of(b"acme", b"1", b"2") == pair_of(b"acme", b"1", b"2") != 0


@pytest.mark.parametrize("seed", range(10))
def test_lists_against_lists(seed: int) -> None:
    dice = random.Random(seed)
    slab = Slab()
    queues = {slab.new_list(): [] for _ in range(80)}
    assert min(queues) == FIRST_LIST
    slots = [add(slab, id) for id in range(1, 60)]
    for _ in range(4_000):
        slot, (queue, model) = dice.choice(slots), dice.choice(list(queues.items()))
        action = dice.choice(("push", "push_front", "unlink", "pop"))
        if action == "pop":
            assert slab.pop(queue) == (model.pop(0) if model else -1)
            continue
        for other in queues.values():
            if slot in other:
                other.remove(slot)
        if action == "push":
            slab.push(slot, queue)
            model.append(slot)
        elif action == "push_front":
            slab.push_front(slot, queue)
            model.insert(0, slot)
        else:
            slab.unlink(slot)
            assert slab.linked(slot) == NO_LIST
        assert slab.length(queue) == len(model)
        assert slab.head(queue) == (model[0] if model else -1)
    for queue, model in queues.items():
        assert [slab.pop(queue) for _ in range(len(model) + 1)] == [*model, -1]


#: Up to the far end of every level of the wheel: 25.6 s, 1.8 h, 19 days, years.
DELAYS = st.one_of(
    st.integers(0, 30_000),
    st.integers(0, 8_000_000),
    st.integers(0, 2_000_000_000),
    st.integers(0, 200_000_000_000),
)


@given(st.lists(DELAYS, min_size=1, max_size=40), st.lists(st.integers(1, 10**8), max_size=8))
def test_the_wheel_hands_out_what_is_due_and_nothing_else(
    delays: list[int], steps: list[int]
) -> None:
    slab = Slab()
    slab.start(NOW)
    due = {}
    for number, delay in enumerate(delays, 1):
        slot = add(slab, number)
        slab.schedule(slot, NOW + delay)
        due[slot] = max(slab.due(slot), NOW + TICK_MS)
        assert 0 <= slab.due(slot) - (NOW + delay) < TICK_MS
    now = NOW
    for step in steps:
        now += step
        expected = {slot for slot, at in due.items() if at <= now - (now - BASE_MS) % TICK_MS}
        got = slab.expire(now, 1_000)
        assert set(got) == expected and len(got) == len(expected)
        assert [due[slot] for slot in got] == sorted(due[slot] for slot in got)
        for slot in got:
            del due[slot]
            assert slab.linked(slot) == NO_LIST


def test_the_wheel_goes_on_after_a_limit() -> None:
    slab = Slab()
    slab.start(NOW)
    slots = [add(slab, id) for id in range(1, 101)]
    for slot in slots:
        slab.schedule(slot, NOW + 500)
    got = []
    while portion := slab.expire(NOW + 10_000, 7):
        assert len(portion) <= 7
        got += portion
    assert got == slots


def test_what_is_cancelled_never_comes() -> None:
    slab = Slab()
    slab.start(NOW)
    kept, unlinked, removed = (add(slab, id) for id in (1, 2, 3))
    for slot in (kept, unlinked, removed):
        slab.schedule(slot, NOW + 3_600_000)
    slab.unlink(unlinked)
    slab.remove(removed)
    assert slab.expire(NOW + 4_000_000, 10) == [kept]


def test_expired_entries_are_found_in_portions() -> None:
    slab = Slab()
    early = [slab.add(id, 1, 0, 0, 1, 0, 0, 0, NOW + 1_000) for id in range(1, 1001)]
    slab.add(5_000, 1, 0, 0, 1, 0, 0, 0, NOW + 10_000)
    slab.set_state(early[0], 3)
    found, cursor, portions = [], 0, 0
    while True:
        slots, cursor = slab.scan_expired(cursor, 100, NOW + 2_000, 1 << 1)
        found += slots
        portions += 1
        if not cursor:
            break
    assert found == early[1:]
    assert portions == 11


def test_a_freed_slot_is_refused() -> None:
    slab = Slab()
    slot = add(slab, 1)
    slab.remove(slot)
    for call in (slab.id, slab.remove, slab.unlink, slab.state):
        with pytest.raises(IndexError):
            call(slot)
        with pytest.raises(IndexError):
            call(slot + 100)
    with pytest.raises(IndexError):
        slab.pop(5)  # one of the wheel's own


def test_an_entry_costs_less_than_100_octets() -> None:
    slab = Slab()
    for id in range(1, 200_001):
        slot = slab.add(id, id << 32, 0, 0, 1, 0, 0, 0, NOW)
        slab.set_key(slot, key_of(b"c", b"%d" % id))
    assert slab.octets / len(slab) < 100


def test_keys_differ_by_scope_and_value() -> None:
    keys = {key_of(scope, value) for scope in (b"a", b"ab", b"b") for value in (b"", b"1", b"b1")}
    assert len(keys) == 9
    assert 0 not in keys
