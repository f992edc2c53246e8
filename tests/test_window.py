"""The window against a model of it, in whatever order answers come."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from smsc._window import Window
from smsc.smpp import Command

RESP, NACK = Command.SUBMIT_SM_RESP, Command.GENERIC_NACK


@dataclass(frozen=True)
class Sent:
    sequence: int
    deadline: int
    id: int
    attempt: int


class Model(RuleBasedStateMachine):
    """A dict that keeps its order does the same."""

    def __init__(self) -> None:
        super().__init__()
        self.window = Window()
        self.sent: dict[int, Sent] = {}
        self.next = 1
        self.now = 0

    @rule(skip=st.sampled_from([1, 1, 1, 2, 8, 64, 1 << 20]), id=st.integers(1, 2**63 - 1))
    def put(self, skip: int, id: int) -> None:
        self.next += skip
        one = Sent(self.next, self.now + 10, id, self.next % 256)
        self.sent[one.sequence] = one
        self.window.put(one.sequence, RESP, one.deadline, one.id, one.attempt)

    @rule(at=st.integers(0, 1 << 30), command=st.sampled_from([RESP, NACK]))
    def answered(self, at: int, command: int) -> None:
        if self.sent:
            one = self.sent.pop(list(self.sent)[at % len(self.sent)])
            assert not self.window.take(one.sequence, Command.DELIVER_SM_RESP)
            assert self.window.take(one.sequence, command)
            assert (self.window.id, self.window.attempt) == (one.id, one.attempt)
            assert not self.window.take(one.sequence, command)

    @rule(sequence=st.integers(1, 100))
    def answered_by_chance(self, sequence: int) -> None:
        known = self.sent.pop(sequence, None)
        assert self.window.take(sequence, RESP) == (known is not None)

    @rule(ms=st.integers(0, 12), most=st.integers(0, 5))
    def time_passes(self, ms: int, most: int) -> None:
        self.now += ms
        overdue = [one for one in self.sent.values() if one.deadline <= self.now][:most]
        expected = [(one.sequence, one.id, one.attempt) for one in overdue]
        assert self.window.expired(self.now, most) == expected
        for one in overdue:
            del self.sent[one.sequence]

    @rule()
    def lost(self) -> None:
        assert self.window.leftovers() == [(one.id, one.attempt) for one in self.sent.values()]
        self.sent.clear()

    @invariant()
    def as_many(self) -> None:
        assert self.window.count == len(self.sent)
        for sequence in (*self.sent, self.next + 1):
            assert self.window.has(sequence) == (sequence in self.sent)


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


@given(st.permutations(range(1, 200)), st.integers(0, 2**31 - 1_000))
def test_any_order_of_answers_finds_all(order: list[int], first: int) -> None:
    window = Window()
    for sequence in range(1, 200):
        window.put(first + sequence, RESP, 0, sequence)
    for sequence in order:
        assert window.take(first + sequence, RESP) and window.id == sequence
    assert window.count == 0 and window.leftovers() == []


@pytest.mark.parametrize("stride", [1, 8, 16, 64, 1 << 16, 1 << 24])
def test_numbers_far_apart_do_not_make_it_grow(stride: int) -> None:
    window = Window()
    for n in range(1, 100):
        window.put(n * stride, RESP, 0, n)
        if n > 4:
            assert window.take((n - 4) * stride, RESP) and window.id == n - 4
    assert window.count == 4
    assert window.leftovers() == [(96, 0), (97, 0), (98, 0), (99, 0)]


def test_one_that_was_never_used_takes_next_to_nothing() -> None:
    tracemalloc.start()
    try:
        windows = [Window() for _ in range(1_000)]
        octets, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not windows[0].has(1) and not windows[0].take(1, RESP)
    assert octets < 200 * len(windows)
