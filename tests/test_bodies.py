"""The bounded cache of messages: what is kept, what makes room, what is read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc import records
from smsc._pdu import Message
from smsc.bodies import FIRST_PLACES, MOST_PLACES, OVERHEAD, Bodies
from smsc.errors import CorruptLog
from smsc.journal import SimLog
from smsc.records import Kind
from tests.keeper import START, submit_sm


class Damaged(SimLog):
    """A log whose records can't be read any more."""

    def read(self, position: int) -> tuple[int, bytes, bytes]:
        raise CorruptLog("a checksum is wrong", file="1.log", offset=position)


class Bench:
    """A cache with room for ``room`` messages, over a log that has all of them."""

    def __init__(self, room: int, log: SimLog | None = None) -> None:
        self.log = log or SimLog()
        self.log.replay(lambda *record: None)
        self.log.begin(START)
        self.cost = len(self.message(0).raw) + OVERHEAD
        self.bodies = Bodies(self.log, room * self.cost)
        self.positions: dict[int, int] = {}

    def message(self, id: int) -> Message:
        return submit_sm(short_message=b"%04d" % (id % 10_000))

    def put(self, *ids: int) -> None:
        for id in ids:
            head = records.message(id, START + id, 0, START, 0, 0, 1, 0, 0, 0, b"acme", b"one")
            self.positions[id] = self.log.append(Kind.MESSAGE, head, self.message(id).raw)
            self.bodies.put(id, self.message(id), START + id)

    def get(self, id: int) -> tuple[bytes, int]:
        body = self.bodies.get(id, self.positions[id])
        return body.message.short_message, body.submitted


@pytest.mark.parametrize("id", range(1, 6))
def test_a_message_is_had_whether_it_was_kept_or_not(id: int) -> None:
    bench = Bench(3)
    bench.put(1, 2, 3, 4, 5)
    assert bench.get(id) == (b"%04d" % id, START + id)
    assert bench.bodies.misses == (id <= 2), "the oldest made room"


def test_room_is_never_exceeded_and_wholly_given_back() -> None:
    bench = Bench(10)
    for id in range(1, 100):
        bench.put(id)
        assert bench.bodies.octets == min(id, 10) * bench.cost
    for id in range(1, 100):
        bench.bodies.drop(id)
        bench.bodies.drop(id)
    assert bench.bodies.octets == 0


def test_what_is_larger_than_the_room_is_read_back() -> None:
    bench = Bench(0)
    bench.put(1)
    assert bench.bodies.octets == 0
    assert bench.get(1) == (b"0001", START + 1)


def test_a_miss_takes_no_room() -> None:
    bench = Bench(2)
    bench.put(1, 2, 3)
    for _ in range(3):
        bench.get(1)
    assert bench.bodies.misses == 3
    assert [bench.get(id)[0] for id in (2, 3)] == [b"0002", b"0003"]
    assert bench.bodies.misses == 3


def test_what_was_dropped_leaves_the_others_in_their_order() -> None:
    bench = Bench(3)
    bench.put(1, 2, 3)
    bench.bodies.drop(2)
    bench.put(4, 5)
    for id in (3, 4, 5):
        bench.get(id)
    assert bench.bodies.misses == 0
    bench.get(1)
    assert bench.bodies.misses == 1


def test_what_was_taken_is_held_no_more() -> None:
    bench = Bench(3)
    bench.put(1, 2, 3)
    for misses, ids in enumerate(((2, 1, 3), (1,))):
        for id in ids:
            body = bench.bodies.take(id, bench.positions[id])
            assert (body.message.short_message, body.submitted) == (b"%04d" % id, START + id)
        assert (bench.bodies.misses, bench.bodies.octets) == (misses, 0)
    bench.put(4, 5)
    assert bench.get(4) == (b"0004", START + 4)
    assert bench.bodies.misses == 1


def test_damage_is_not_hidden() -> None:
    bench = Bench(1, Damaged())
    bench.put(1, 2)
    bench.get(2)
    with pytest.raises(CorruptLog):
        bench.get(1)


def test_what_it_has_to_do_with_others_is_kept_and_read_back() -> None:
    bench = Bench(1)
    kin = records.Kin(7, 1, 3)
    head = records.message(8, START, 0, START, 0, 0, 1, 0, 0, 0, b"acme", b"one", kin)
    bench.positions[8] = bench.log.append(Kind.MESSAGE, head, bench.message(8).raw)
    bench.bodies.put(8, bench.message(8), START, kin)
    kept = bench.bodies.get(8, bench.positions[8]).kin
    bench.bodies.drop(8)
    read = bench.bodies.get(8, bench.positions[8]).kin
    assert bench.bodies.misses == 1
    assert kept is not None and read is not None
    assert tuple(kept) == tuple(read) == (7, 1, 3)


def test_what_takes_the_place_of_another_leaves_nothing_of_it() -> None:
    bench = Bench(2)
    bench.put(1, 2, 1)
    assert bench.bodies.octets == 2 * bench.cost
    bench.bodies.drop(1)
    bench.put(3, 4)
    assert bench.bodies.octets == 2 * bench.cost
    assert [bench.get(id)[0] for id in (3, 4)] == [b"0003", b"0004"]
    assert bench.bodies.misses == 0


def test_places_grow_with_what_is_held() -> None:
    bench = Bench(4 * FIRST_PLACES)
    ids = range(1, 3 * FIRST_PLACES)
    bench.put(*ids)
    for id in ids:
        assert bench.get(id) == (b"%04d" % id, START + id)
    assert bench.bodies.misses == 0 and bench.bodies.octets == len(ids) * bench.cost


def test_a_place_is_the_newest_ones_and_the_next_oldest_makes_room_then() -> None:
    bench = Bench(3)
    old, older, newer = 5, 6, 5 + MOST_PLACES
    bench.put(old, older, newer)
    assert bench.bodies.octets == 2 * bench.cost
    bench.get(old)
    assert bench.bodies.misses == 1
    bench.put(newer + 8, newer + 9)
    for id in (newer, newer + 8, newer + 9):
        bench.get(id)
    assert bench.bodies.misses == 1
    bench.get(older)
    assert bench.bodies.misses == 2


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "drop", "take"]), st.integers(1, 20)),
        max_size=60,
    ),
    st.integers(0, 6),
)
def test_room_holds_whatever_shares_a_place(steps: list[tuple[str, int]], room: int) -> None:
    bench = Bench(room)
    spread = MOST_PLACES // 4  # so that they share places
    for what, number in steps:
        id = number * spread + number % 3
        if what == "put":
            bench.put(id)
        elif what == "drop":
            bench.bodies.drop(id)
        elif id in bench.positions:
            assert bench.bodies.take(id, bench.positions[id]).submitted == START + id
        assert bench.bodies.octets <= room * bench.cost
    for number in range(1, 21):
        bench.bodies.drop(number * spread + number % 3)
    assert bench.bodies.octets == 0
