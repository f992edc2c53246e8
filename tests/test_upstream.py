"""A carrier's queue, its binds, and its absence: who sends what, and in which order."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from smsc import reading, records
from smsc._pdu import Message
from smsc._spool import pair_in
from smsc.records import Kind
from smsc.spool import Stage
from smsc.state import State
from smsc.upstream import PARKED, Upstream
from tests.keeper import BASE, START, submit_sm

CARRIERS = {carrier.name: carrier for carrier in reading.loads(BASE).carriers}
ACCOUNT = b"acme"


class Bind:
    """A carrier's bind: takes as many attempts as its window has room."""

    def __init__(self, window: int) -> None:
        self.carrier = b"one"
        self.version = 0x34
        self.window = window
        self.open = True
        self.sent: list[int] = []

    def credit(self) -> int:
        return self.window - len(self.sent)

    def send(self, attempts: list[tuple[int, int]], messages: list[Message]) -> None:
        assert len(attempts) == len(messages) <= self.credit()
        self.sent += [id for id, _ in attempts]


class Bench:
    """A carrier among the state, with messages that have the ids 1, 2, 3, ..."""

    def __init__(self, carrier: bytes = b"one") -> None:
        self.state = State()
        self.upstream = Upstream(CARRIERS[carrier], self.state)
        self.messages: dict[int, Message] = {}
        self.slab = self.state.spool.slab
        self.batch = 0

    def direct(self, message: Message) -> Bind | None:
        """The bind that takes a message which comes by itself."""
        self.batch += 1
        berth = self.upstream.direct(pair_in(ACCOUNT, message), self.batch)
        if berth is None:
            return None
        assert isinstance(berth.bind, Bind)
        return berth.bind

    def put(self, to: Iterable[bytes], lane: int = 0) -> list[int]:
        """A message to each of these, ready to be sent; their ids."""
        ids = []
        for destination in to:
            id = len(self.messages) + 1
            self.messages[id] = submit_sm(destination_addr=destination)
            head = records.message(
                id,
                START,
                START,
                START + 86_400_000,
                0,
                0,
                Stage.QUEUED,
                lane,
                0,
                0,
                ACCOUNT,
                b"one",
            )
            self.state.apply(Kind.MESSAGE, 1 << 32 | id, START, head)
            ids.append(id)
        return ids

    def message_of(self, slot: int) -> Message:
        return self.messages[self.slab.id(slot)]

    def load(self, most: int) -> list[int]:
        """Load up to so many of what can be sent now; their ids, in order."""
        loaded: list[int] = []
        while len(loaded) < most and (berth := self.upstream.take(self.message_of)) is not None:
            slot = berth.slot
            id = self.slab.id(slot)
            assert self.slab.linked(slot) == 0xFFFFFFFF, "it stands in no list any more"
            self.slab.set_state(slot, Stage.ATTEMPT)
            berth.load(id, 1, self.messages[id])
            loaded.append(id)
        return loaded

    def pump(self) -> list[int]:
        """Send what can be sent; the ids, in the order of sending."""
        sent = []
        while self.upstream.ask():
            sent += self.load(1 << 30)
            if not self.upstream.send():
                break
        return sent

    def drain(self) -> list[int]:
        """All that there is, by a bind without limit."""
        self.upstream.add(Bind(1 << 30))
        return self.pump()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def numbers(count: int) -> list[bytes]:
    return [b"447700900%03d" % n for n in range(count)]


# -- binds ---------------------------------------------------------------------------------------


def test_what_waited_goes_in_order_when_a_bind_comes(bench: Bench) -> None:
    ids = bench.put(numbers(50))
    assert bench.pump() == []
    assert bench.drain() == ids
    assert not bench.upstream.has_work()


def test_all_of_an_order_key_go_over_one_bind(bench: Bench) -> None:
    dice = random.Random(2)
    binds = [Bind(7) for _ in range(4)]
    for bind in binds:
        bench.upstream.add(bind)
    by_number: dict[bytes, list[int]] = {}
    sent: dict[int, list[int]] = {n: [] for n in range(4)}
    for _ in range(300):
        to = dice.choice(numbers(20))
        by_number.setdefault(to, []).extend(bench.put([to]))
        bench.pump()
        for n, bind in enumerate(binds):
            if dice.random() < 0.2:  # the window opens
                sent[n] += bind.sent
                bind.sent = []
    for _ in range(100):
        bench.pump()
        for n, bind in enumerate(binds):
            sent[n] += bind.sent
            bind.sent = []
    assert sorted(sum(sent.values(), [])) == sorted(bench.messages)
    assert sum(bool(ids) for ids in sent.values()) > 1
    for to, ids in by_number.items():
        took = [n for n in sent if set(ids) & set(sent[n])]
        assert len(took) == 1, "one bind per key"
        mine = [id for id in sent[took[0]] if bench.messages[id].destination_addr == to]
        assert mine == ids, "in order"


def keys_of(bench: Bench, bind: Bind) -> list[bytes]:
    """Numbers whose messages this bind takes."""
    return [to for to in numbers(100) if bench.direct(submit_sm(destination_addr=to)) is bind]


def test_a_batch_takes_no_more_than_the_credit_at_its_beginning(bench: Bench) -> None:
    bind = Bind(3)
    bench.upstream.add(bind)
    taken = []
    for to in numbers(5):
        berth = bench.upstream.direct(pair_in(ACCOUNT, submit_sm(destination_addr=to)), 7)
        taken.append(berth is not None)
        if berth is not None:
            berth.load(len(taken), 1, submit_sm(destination_addr=to))
    assert taken == [True] * 3 + [False] * 2
    assert bind.sent == []
    assert bench.upstream.send()
    assert bind.sent == [1, 2, 3]
    assert not bench.upstream.send(), "nothing is sent twice"


def test_what_a_bind_is_about_to_be_given_counts_against_its_credit(bench: Bench) -> None:
    bind = Bind(3)
    bench.upstream.add(bind)
    bench.put(numbers(6))
    assert bench.upstream.ask()
    bench.load(2)
    bench.pump()
    assert bind.sent == [1, 2, 3]


def test_a_bind_that_ends_gets_nothing_and_what_it_was_to_have_is_given_back(bench: Bench) -> None:
    bind = Bind(3)
    bench.upstream.add(bind)
    bench.put(numbers(2))
    assert bench.upstream.ask()
    bench.load(2)
    bind.open = False
    assert bench.upstream.send() == 0 and not bind.sent
    assert bench.upstream.remove(bind) == [(1, 1), (2, 1)]


def test_binds_that_share_a_rate_do_not_each_take_all_of_it(bench: Bench) -> None:
    class Shared(Bind):
        """Binds of a carrier whose rate allows so many more, together."""

        left = 10

        def credit(self) -> int:
            return Shared.left

        def send(self, attempts: list[tuple[int, int]], messages: list[Message]) -> None:
            Shared.left -= len(attempts)
            self.sent += [id for id, _ in attempts]

    binds = [Shared(0) for _ in range(4)]
    for bind in binds:
        bench.upstream.add(bind)
    bench.put(numbers(100))
    bench.pump()
    assert -len(binds) < Shared.left <= 0


def test_a_full_bind_does_not_stop_the_others(bench: Bench) -> None:
    full, free = Bind(100), Bind(100)
    bench.upstream.add(full)
    bench.upstream.add(free)
    [slow, *_], [quick, *_] = keys_of(bench, full), keys_of(bench, free)
    full.window = 0
    parked = bench.put([slow] * PARKED)
    passing = bench.put([quick] * 3)
    assert bench.pump() == passing
    assert bench.upstream.waiting() == PARKED
    full.window = 1 << 30
    assert bench.pump() == parked


def test_a_bind_with_too_much_parked_stops_the_queue_until_it_has_room(bench: Bench) -> None:
    full, free = Bind(100), Bind(100)
    bench.upstream.add(full)
    bench.upstream.add(free)
    [slow, *_], [quick, *_] = keys_of(bench, full), keys_of(bench, free)
    full.window = 0
    parked = bench.put([slow] * (PARKED + 1))
    behind = bench.put([quick])
    assert bench.pump() == []
    assert bench.upstream.waiting() == PARKED + 2
    full.window = 1
    assert bench.pump() == [parked[0], *behind], "the last one is parked, the queue goes on"
    full.window = 1 << 30
    assert bench.pump() == parked[1:]


@pytest.mark.parametrize("count", [3, PARKED, PARKED + 1, PARKED + 40])
@pytest.mark.parametrize("others", [0, 1])
def test_the_order_outlives_the_bind_that_was_full(bench: Bench, count: int, others: int) -> None:
    full = Bind(100)
    bench.upstream.add(full)
    for _ in range(others):
        bench.upstream.add(Bind(100))
    [slow, *_] = keys_of(bench, full)
    full.window = 0
    ids = bench.put([slow] * count)
    bench.pump()
    bench.upstream.remove(full)
    for bind in bench.upstream.binds:
        bench.upstream.remove(bind)
    assert bench.upstream.waiting() == count
    ids += bench.put([slow] * 2)
    assert bench.drain() == ids


def test_what_was_taken_and_not_sent_goes_before_all_else(bench: Bench) -> None:
    bind = Bind(5)
    bench.upstream.add(bind)
    ids = bench.put([b"447700900123"] * 10)
    bench.pump()
    bench.upstream.remove(bind)
    for id in reversed(bind.sent[2:]):
        bench.upstream.first(bench.slab.find(id))
    assert bench.drain() == ids[2:]


def test_a_bind_that_is_not_there_is_removed_without_harm(bench: Bench) -> None:
    bench.upstream.remove(Bind(1))
    assert not bench.upstream.alive


# -- at once -------------------------------------------------------------------------------------


def test_a_message_goes_at_once_only_if_nothing_stands_before_it(bench: Bench) -> None:
    message = submit_sm()
    assert bench.direct(message) is None, "no bind"
    bind = Bind(1)
    bench.upstream.add(bind)
    assert bench.upstream.alive
    assert bench.direct(message) is bind
    bench.put([b"447700900124"])
    assert bench.direct(message) is None, "one is in the lanes"
    bench.pump()
    assert bench.direct(message) is None, "no credit"
    bench.put([b"447700900125"])
    bench.pump()  # parks it
    bind.window = 5
    assert bench.direct(message) is None, "one is parked"
    bench.pump()
    assert bench.direct(message) is bind
    bench.upstream.remove(bind)
    stranded = bench.put([b"447700900126"])
    bench.upstream.leave(10, lambda slot: False)
    bench.upstream.add(bind)
    assert bench.direct(message) is None, "one is stranded"
    assert bench.upstream.has_work()
    assert bench.pump() == stranded
    assert bench.direct(message) is bind


@pytest.mark.parametrize(
    ("receipts", "asked", "answer"),
    [
        ("as_asked", True, True),
        ("as_asked", False, False),
        ("always", False, True),
        ("never", True, False),
    ],
)
def test_receipts_are_asked_of_it_as_configured(receipts: str, asked: bool, answer: bool) -> None:
    text = BASE.replace("password: pw\n", f"password: pw\n    receipts: {receipts}\n")
    [one, _two] = reading.loads(text).carriers
    assert Upstream(one, State()).asks_receipt(asked) is answer


# -- while it is away ----------------------------------------------------------------------------


class Other:
    """Another carrier: takes the messages it can carry, once it is back."""

    def __init__(self, bench: Bench, carries: Iterable[int]) -> None:
        self._bench = bench
        self._carries = set(carries)
        self.took: list[int] = []
        self.asked: list[int] = []

    def __call__(self, slot: int) -> bool:
        id = self._bench.slab.id(slot)
        self.asked.append(id)
        if id not in self._carries:
            return False
        self._bench.slab.unlink(slot)
        self.took.append(id)
        return True


def test_messages_leave_in_portions_and_the_rest_waits_in_order(bench: Bench) -> None:
    ids = bench.put(numbers(20))
    other = Other(bench, ids[::2])
    for taken in (3, 5, 8, 10, 10):
        bench.upstream.leave(5, other)
        assert other.took == ids[::2][:taken]
    assert other.asked == ids, "each is asked for once"
    assert bench.upstream.waiting() == 10
    assert bench.drain() == ids[1::2]


def test_each_is_asked_for_again_when_another_carrier_is_back(bench: Bench) -> None:
    ids = bench.put(numbers(20))
    nobody = Other(bench, ())
    bench.upstream.leave(100, nobody)
    bench.upstream.leave(100, nobody)
    assert nobody.asked == ids
    bench.upstream.recheck()
    other = Other(bench, ids[10:])
    for _ in range(5):
        bench.upstream.leave(7, other)
    assert other.asked == ids
    assert other.took == ids[10:]
    assert bench.drain() == ids[:10]


def test_what_was_parked_may_leave_when_the_carrier_is_away(bench: Bench) -> None:
    full, free = Bind(100), Bind(100)
    bench.upstream.add(full)
    bench.upstream.add(free)
    [slow, *_] = keys_of(bench, full)
    full.window = 0
    ids = bench.put([slow] * (PARKED + 5))
    assert bench.pump() == []
    bench.upstream.remove(full)
    bench.upstream.remove(free)
    other = Other(bench, ids)
    bench.upstream.leave(1_000, other)
    assert other.took == ids


@pytest.mark.parametrize("portion", [1, 3, 5, 100])
@pytest.mark.parametrize("times", range(8))
def test_the_order_outlives_any_asking(bench: Bench, portion: int, times: int) -> None:
    """Messages come, another carrier comes again and again and takes none, then ours is back."""
    nobody = Other(bench, ())
    ids = bench.put([b"447700900123"] * 6)
    bench.upstream.leave(portion, nobody)
    for _ in range(times):
        bench.upstream.recheck()
        ids += bench.put([b"447700900123"] * 2)
        bench.upstream.leave(portion, nobody)
    bind = Bind(4)
    bench.upstream.add(bind)
    sent = bench.pump()
    bench.upstream.remove(bind)
    for id in reversed(sent[1:]):  # what had not left
        bench.upstream.first(bench.slab.find(id))
    bench.upstream.leave(portion, nobody)
    assert sent[:1] + bench.drain() == ids


def test_a_second_asking_reaches_all(bench: Bench) -> None:
    ids = bench.put(numbers(10))
    nobody = Other(bench, ())
    bench.upstream.leave(10, nobody)
    bench.upstream.recheck()
    bench.upstream.leave(4, nobody)
    bench.upstream.recheck()  # while the first is under way
    other = Other(bench, ids)
    for _ in range(10):
        bench.upstream.leave(4, other)
    assert sorted(other.took) == ids
    assert bench.upstream.waiting() == 0


def test_leaving_nothing_ends(bench: Bench) -> None:
    bench.upstream.recheck()
    bench.upstream.recheck()
    bench.upstream.leave(1_000_000, Other(bench, ()))
    assert bench.upstream.waiting() == 0
