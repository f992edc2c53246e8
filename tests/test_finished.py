"""The table of final states against a dictionary: what is kept, for how long, and how many."""

from __future__ import annotations

import io
import random
from array import array

import pytest

from smsc._finished import FinalStates, Remembered, error_octet, source_check
from smsc.records import MAX_STATES, STATE_OCTETS

NOW = 1_790_000_000_000
DAY = 86_400_000


def add(table: FinalStates, id: int, time: int = NOW, segment: int = 1, account: int = 1) -> None:
    table.add(id, id & 0xFFFF | 1, time, segment, account, 2, 3, 4, 5)


@pytest.mark.parametrize("seed", range(20))
def test_the_table_against_a_dictionary(seed: int) -> None:
    dice = random.Random(seed)
    most = dice.choice((10, 1_000, 3_000))
    table = FinalStates(DAY, most)
    model: dict[int, int] = {}
    for n in range(6_000):
        id = dice.choice((n + 1, dice.randrange(1, 8) << 34 | n % 500, dice.randrange(1, 1 << 63)))
        model.pop(id, None)
        while len(model) >= most:
            del model[next(iter(model))]
        model[id] = n
        add(table, id, NOW + n)
        assert len(table) == len(model)
        probe = dice.choice(list(model))
        found = table.find(probe, NOW)
        assert found is not None and found.id == probe
    assert [state.id for state in table.held(NOW)] == list(model)
    for short in range(1, 20):
        expected = sorted((id for id in model if id & 0xFFFFFFFF == short), reverse=True)
        assert [state.id for state in table.find_short(short, NOW)] == expected
    assert table.find(1 << 62 | 77, NOW) is None


def test_it_grows_and_shrinks_and_is_dumped_anywhere_on_the_way() -> None:
    most = 30_000
    table = FinalStates(DAY, most)
    ids = [n if n % 3 else 1 << 34 | (n - 1) for n in range(1, 80_001)]
    for n, id in enumerate(ids):
        held = table.octets
        add(table, id, NOW + n)
        if n > 10_000:
            assert (table.octets - held) * 2 < held, "a small part moves, or a piece comes"
        if n % 20_000 == 7:
            facts, pieces = table.dump()
            table, fresh = FinalStates(DAY, most), FinalStates(DAY, most)
            fresh.load(facts, io.BytesIO(b"".join(pieces)).read)
            table.become(fresh, array("H", [0, 1]))
    assert [state.id for state in table.held(NOW)] == ids[-most:]
    for id in ids[-most:]:
        found = table.find(id, NOW)
        assert found is not None and found.id == id
        assert id in [state.id for state in table.find_short(id & 0xFFFFFFFF, NOW)]
    assert not any(table.find(id, NOW) for id in ids[:-most])
    full = table.octets
    add(table, 1, NOW + 2 * DAY)
    assert len(table) == 1 and table.octets * 8 < full


def test_what_is_put_in_comes_out() -> None:
    table = FinalStates(DAY, 10)
    table.add(7 << 34 | 1, 2**32 - 1, NOW + 1_234, 1, 65_535, 9, 255, 31, 254)
    found = table.find(7 << 34 | 1, NOW)
    assert found is not None
    assert (found.check, found.done, found.account) == (2**32 - 1, NOW + 1_000, 65_535)
    assert (found.state, found.error, found.flags, found.members) == (9, 255, 31, 254)


def test_what_is_too_old_is_not_told_and_goes() -> None:
    table = FinalStates(DAY, 10)
    add(table, 1)
    assert table.find(1, NOW + DAY - 1) is not None
    assert table.find(1, NOW + DAY) is None
    assert not table.find_short(1, NOW + DAY) and not table.held(NOW + DAY)
    assert len(table) == 1
    add(table, 2, NOW + DAY + 1_000)
    assert [state.id for state in table.held(NOW)] == [2]


def test_what_a_segment_holds_is_carried_by_account() -> None:
    table = FinalStates(DAY, 1_000)
    for id in range(1, 41):
        add(table, id, segment=1 + id % 2, account=id % 3)
    add(table, 50, NOW - DAY)
    assert table.oldest_segment() == 1
    batches, cursor = table.left_behind(0, 1_000, 2, NOW)
    assert cursor == 0
    sizes = [len(entries) // STATE_OCTETS for _account, entries in batches]
    assert sum(sizes) == 20 and max(sizes) <= MAX_STATES
    assert table.find(50, NOW - DAY) is None, "what is too old is not carried"
    fresh = FinalStates(DAY, 1_000)
    for account, entries in batches:
        table.take(account, entries, 9)
        fresh.take(account, entries, 9)
    assert table.oldest_segment() == 2
    assert fresh.oldest_segment() == 9
    assert len(table) == 40
    for state in fresh.held(NOW):
        kept = table.find(state.id, NOW)
        assert kept is not None
        for name in ("check", "done", "account", "state", "error", "flags", "members"):
            assert getattr(kept, name) == getattr(state, name)


def test_it_is_carried_in_portions() -> None:
    table = FinalStates(DAY, 1_000)
    for id in range(1, 101):
        add(table, id)
    cursor, seen = 0, 0
    for _ in range(100):
        batches, cursor = table.left_behind(cursor, 7, 2, NOW)
        seen += sum(len(entries) // STATE_OCTETS for _account, entries in batches)
        if not cursor:
            break
    assert seen == 100


def test_gaps_close() -> None:
    table = FinalStates(DAY, 100)
    add(table, 1, NOW)
    for id in range(2, 10):
        add(table, id, NOW - DAY)  # as after a replay, behind one that ended later
    table.left_behind(0, 100, 2, NOW)
    assert [state.id for state in table.held(NOW)] == [1]
    for id in range(10, 3_000):
        add(table, id, NOW + id)
    assert len(table) == 100
    assert table.find(2_999, NOW) is not None


def test_half_an_entry_is_none() -> None:
    table = FinalStates(DAY, 100)
    table.take(0, bytes(STATE_OCTETS - 1), 1)
    assert len(table) == 0


def test_it_takes_little_memory() -> None:
    table = FinalStates(DAY, 1 << 16)
    for id in range(1, (1 << 16) + 1):
        add(table, id)
    assert table.octets / len(table) <= 35


def test_a_source_is_compared_and_not_kept() -> None:
    check = source_check(7, 1, 1, b"447700900001")
    assert check == source_check(7, 1, 1, b"447700900001")
    others = [
        source_check(8, 1, 1, b"447700900001"),
        source_check(7, 0, 1, b"447700900001"),
        source_check(7, 1, 0, b"447700900001"),
        source_check(7, 1, 1, b"447700900002"),
        source_check(7, 1, 1, b"44770"),
        source_check(7, 1, 1, b""),
    ]
    assert len({check, *others}) == 7


@pytest.mark.parametrize(
    ("network_error", "error", "status", "octet"),
    [
        (b"", b"", 0, 0),
        (b"\3\0\x22", b"011", 8, 0x22),
        (b"\3\1\x22", b"011", 8, 11),
        (b"\3\0\0", b"000", 8, 8),
        (b"\3\0", b"999", 8, 8),
        (b"", b"-1", 0x400, 0),
        (b"", "٣".encode(), 0, 0),
    ],
)
def test_why_it_failed_fits_an_octet(
    network_error: bytes, error: bytes, status: int, octet: int
) -> None:
    assert error_octet(network_error, error, status) == octet


@pytest.mark.parametrize("least", [1, 1_000, 5_000])
def test_the_newest_keys_are_remembered(least: int) -> None:
    dice, keys = random.Random(7), Remembered(least)
    # Some share the bits that say where they are put.
    order = [dice.getrandbits(48) << 16 | n % 3 or 1 for n in range(5 * least)]
    for at, key in enumerate(order):
        assert not keys.has(key)
        keys.add(key)
        keys.add(key)
        assert keys.has(key)
        assert keys.has(order[max(0, at - least + 1)])
    assert not any(keys.has(key) for key in order[: -2 * least])
    facts, pieces = keys.dump()
    fresh, copy = Remembered(least), Remembered(least)
    fresh.load(facts, io.BytesIO(b"".join(pieces)).read)
    copy.become(fresh)
    assert copy.dump() == keys.dump()
    assert all(copy.has(key) == keys.has(key) for key in order)
    with pytest.raises(ValueError, match="not 0"):
        keys.add(0)
    assert not keys.has(0)
