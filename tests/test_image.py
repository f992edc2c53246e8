"""A state as octets: what is loaded is, in every respect, what was dumped, and goes on like it."""

from __future__ import annotations

import gc
import io
import random
import sys
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsc import image, records
from smsc.journal import SimLog
from smsc.records import Flag, Kind
from smsc.spool import Stage
from smsc.state import State
from tests.keeper import BASE, START, Client, Keeper, Relay, submit_sm
from tests.test_state import HISTORIES, SEGMENT, Record, apply


def octets(state: State) -> bytes:
    return b"".join(image.octets(state))


def loaded(octets: bytes, state: State | None = None) -> State:
    state = State() if state is None else state
    image.load(state, io.BytesIO(octets).read)
    return state


@given(HISTORIES, st.integers(0, 40))
@settings(max_examples=300, deadline=None)
def test_what_is_loaded_anywhere_goes_on_as_if_all_had_been_replayed(
    history: list[Record], at: int
) -> None:
    before = apply(State(), history[:at])
    after = loaded(octets(before))
    assert octets(after) == octets(before)
    assert after.fingerprint() == before.fingerprint()
    whole = apply(State(), history)
    rest = [(at + n, record) for n, record in enumerate(history[at:])]
    for n, (kind, head) in rest:
        after.apply(kind, SEGMENT + 8 * n, START + 1_000 * n, head)
    # All of it: queues in order, buckets of the wheel, chains of pairs, counts per account.
    assert octets(after) == octets(whole)
    assert after.fingerprint() == whole.fingerprint()
    assert after.oldest_segment() == whole.oldest_segment()


def many(count: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """A history in which messages come, are sent, and end, more of them than fit in one piece."""
    dice = random.Random(seed)
    owed: list[int] = []
    for id in range(1, count):
        account = b"account-%d" % dice.randrange(3)
        expiry = START + dice.randrange(10**8)
        head = records.message(
            id, START, START + dice.choice((0, 50_000, 10**9)), expiry, 0, 0, Stage.QUEUED,
            dice.randrange(4), 0, dice.choice((0, int(Flag.BROADCAST))), account, b"one", None,
            None, dice.randrange(1, 1000),
        )  # fmt: skip
        yield Kind.MESSAGE, head
        owed.append(id)
        if dice.random() < 0.5:
            yield Kind.ACKED, records.acked(dice.choice(owed), 1, expiry, id << 20, b"")
        if dice.random() < 0.4:
            end = owed.pop(dice.randrange(len(owed)))
            yield Kind.FINAL, records.final(end, 2, 0, b"", b"", b"one", 1, 0, 0, account)
        if dice.random() < 0.1:
            yield Kind.MAIL, records.mail(id << 1, START, expiry, 1, account, b"one")


def test_more_than_a_piece_of_it() -> None:
    history = list(many(60_000, 7))
    state = apply(State(), history)
    copy = loaded(octets(state))
    assert octets(copy) == octets(state)
    slab, other = state.spool.slab, copy.spool.slab
    assert len(slab) > 30_000
    for pair in range(1, 1000):
        assert slab.find_pair(pair, 0, -1 & 0xFF, 50) == other.find_pair(pair, 0, -1 & 0xFF, 50)
    now = START + 3_600_000
    while due := slab.expire(now, 1_000):
        assert other.expire(now, 1_000) == due
    lanes, others = state.spool.lanes(0), copy.spool.lanes(0)
    while (slot := lanes.take()) >= 0:
        assert others.take() == slot
    assert others.take() == -1


def test_names_and_lists_that_are_there_before_stay_as_they_are() -> None:
    state = apply(State(), list(many(500, 3)))
    copy = State()
    assert copy.carriers.index(b"two") == 0
    assert copy.accounts.index(b"nobody") == 0
    own = copy.spool.slab.new_list()
    queues = copy.spool.lanes(1)
    loaded(octets(state), copy)
    assert copy.fingerprint() == state.fingerprint()
    assert copy.carriers.names == [b"two", b"one"]
    assert copy.spool.slab.length(own) == 0
    assert copy.spool.lanes(1) is queues
    slab, other = state.spool.slab, copy.spool.slab
    ids = [slab.id(slot) for slot in iter(state.spool.lanes(0).take, -1)]
    assert [other.id(slot) for slot in iter(queues.take, -1)] == ids
    for name in state.accounts.names:
        here, there = state.accounts.index(name), copy.accounts.index(name)
        assert slab.of_account(here) == other.of_account(there)
        assert state.spool.broadcasts[here] == copy.spool.broadcasts[there]
        mails, others = state.mailboxes.slab, copy.mailboxes.slab
        assert mails.of_account(here) == others.of_account(there)
        assert state.mailboxes.waiting(here) == copy.mailboxes.waiting(there)


def test_the_state_goes_on_as_the_other_does() -> None:
    history = list(many(3_000, 5))
    whole = apply(State(), history)
    for at in (0, 1, 1_500, len(history) - 1):
        state = loaded(octets(apply(State(), history[:at])))
        for n, (kind, head) in enumerate(history[at:], at):
            state.apply(kind, SEGMENT + 8 * n, START + 1_000 * n, head)
        assert octets(state) == octets(whole)


def test_what_was_cut_or_is_of_another_build_or_kept_otherwise_changes_nothing() -> None:
    state = apply(State(), list(many(300, 1)))
    good = octets(state)
    (size,) = [int.from_bytes(good[:4], "little")]
    _build, values = msgpack.unpackb(good[4 : 4 + size], use_list=False)
    another = msgpack.packb((image.build() ^ 1, values))
    nonsense = msgpack.packb((image.build(), values[:3]))
    bad = [good[:at] for at in (0, 3, 4, 100, 4 + size, 5_000, len(good) - 1)] + [
        len(packed).to_bytes(4, "little") + packed for packed in (another, nonsense, b"\xc1")
    ]
    empty = octets(State())
    for one in bad:
        target = State()
        with pytest.raises(ValueError):
            loaded(one, target)
        assert octets(target) == empty
    for target in (State(keep=1), State(kept=1)):
        with pytest.raises(ValueError, match="kept for another time"):
            loaded(good, target)


def test_no_nonsense_leads_out_of_the_memory() -> None:
    """A sum guards it; but what passes even so must not end the process."""
    good = octets(apply(State(), list(many(400, 2))))
    (size,) = [int.from_bytes(good[:4], "little")]
    for place in range(4 + size, len(good), 97):
        bad = bytearray(good)
        bad[place] ^= 0xFF
        try:
            state = loaded(bytes(bad))
        except ValueError:
            continue
        slab = state.spool.slab
        for slot in slab.slots():
            slab.find(slab.id(slot))


def test_a_checkpoint_newer_than_the_traffic_log_is_of_no_use() -> None:
    state = apply(State(), list(many(100, 4)))
    assert state.newest_end > SEGMENT
    for covered, used in ((state.newest_end - 1, False), (state.newest_end, True)):
        log = SimLog()
        log.keep(7, state.newest_end, octets(state))
        fresh = State()
        assert (image.restore(log, fresh, covered) is not None) is used
        assert (fresh.fingerprint() == state.fingerprint()) is used
        assert bool(log.doubted) is not used


def test_every_module_that_folds_is_summed_up() -> None:
    state = apply(State(), list(many(50, 6)))
    found: set[str] = set()
    seen: set[int] = set()
    todo: list[Any] = [state]
    while todo:
        item = todo.pop()
        if id(item) in seen or isinstance(item, type) or type(item).__name__ == "module":
            continue
        seen.add(id(item))
        name = type(item).__module__
        if name.startswith("smsc."):
            found.add(name)
        if name.startswith("smsc.") or isinstance(item, dict | list | tuple | set):
            todo += gc.get_referents(item)
    summed = {module.__name__ for module in image.MODULES}
    assert found <= summed
    assert {"smsc.state", "smsc.records"} <= summed
    assert all(module.__file__ for module in map(sys.modules.get, summed) if module)


# -- in a keeper -----------------------------------------------------------------------------------


@pytest.mark.parametrize("from_checkpoint", (False, True))
def test_a_receipt_that_comes_again_after_a_start_waits_for_nobody(from_checkpoint: bool) -> None:
    keeper = Keeper()
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.attach(client)
    keeper.core.carrier_up(relay)
    (id,) = keeper.submit(client, submit_sm(registered_delivery=1))
    keeper.run()
    relay.answer(id, 1, carrier_id=b"c1")
    relay.receipt(b"c1")
    keeper.run()
    assert not len(keeper.core.state.spool)
    # Its end is in the checkpoint: no record behind it speaks of it.
    if from_checkpoint:
        keeper.check_point(keeper.log.durable)
        keeper.submit(client, submit_sm())
    keeper = keeper.crash()
    assert (keeper.log.checkpoint() is not None) is from_checkpoint
    again = Relay(keeper)
    keeper.core.carrier_up(again)
    again.receipt(b"c1")
    assert not len(keeper.core.state.orphans)
    again.receipt(b"c2")
    assert len(keeper.core.state.orphans) == 1


def test_so_is_one_of_the_carrier_that_a_message_left() -> None:
    keeper = Keeper(text=BASE.replace("[one, two]}", "[one, two], on_failure: next}"))
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.attach(client)
    keeper.core.carrier_up(relay)
    (id,) = keeper.submit(client, submit_sm(registered_delivery=1))
    keeper.run()
    relay.answer(id, 1, carrier_id=b"c1")
    keeper.run()
    slab = keeper.core.state.spool.slab
    key = slab.key(slab.find(id))
    keeper.core.carrier_up(Relay(keeper, b"two"))
    relay.receipt(b"c1", b"UNDELIV")
    keeper.run()
    assert slab.key(slab.find(id)) == 0
    replayed = State()
    keeper.log.lose_tail().replay(replayed.apply)
    assert keeper.core.state.spool.remembered.has(key)
    assert replayed.spool.remembered.has(key)
