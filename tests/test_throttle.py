"""Throttling: what holds for any sequence of demands, and the figures of single cases."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc import throttle
from smsc.throttle import Pace, Penalty, TokenBucket, backoff, congestion_state

RATES = st.floats(0.1, 10_000)
BURSTS = st.floats(1, 10_000)
STEPS = st.lists(st.tuples(st.integers(0, 2_000), st.floats(0.1, 100)), max_size=50)


@given(RATES, BURSTS, STEPS)
def test_a_bucket_never_gives_more_than_rate_and_burst(
    rate: float, burst: float, steps: list[tuple[int, float]]
) -> None:
    bucket, now, given_out, largest = TokenBucket(rate, burst), 0, 0.0, 0.0
    for elapsed, cost in steps:
        now += elapsed
        if bucket.take(cost, now):
            given_out += cost
            largest = max(largest, cost)
        assert given_out <= (burst + rate * now / 1_000 + max(0.0, largest - burst)) * (1 + 1e-9)


@given(RATES, BURSTS, st.integers(1, 100))
def test_a_bucket_gives_its_rate_to_who_asks_often(rate: float, burst: float, every: int) -> None:
    bucket = TokenBucket(rate, burst)
    cost = min(1.0, rate * every / 1_000)
    taken = sum(cost for now in range(0, 10_000, every) if bucket.take(cost, now))
    assert taken >= min(rate * (10 - every / 1_000), cost * len(range(0, 10_000, every))) - 2


@given(RATES, BURSTS, STEPS, st.floats(0.1, 20_000))
def test_wait_says_when_take_succeeds(
    rate: float, burst: float, steps: list[tuple[int, float]], cost: float
) -> None:
    bucket, now = TokenBucket(rate, burst), 0
    for elapsed, spent in steps:
        now += elapsed
        bucket.spend(spent, now)
    wait = bucket.wait(cost, now)
    if wait > 1:
        assert not bucket.take(cost, now + wait - 2)
    assert bucket.take(cost, now + wait + 1)


@given(RATES, BURSTS, st.integers(-(10**12), 10**12))
def test_a_jump_of_the_clock_gives_at_most_a_burst_and_stalls_nothing(
    rate: float, burst: float, jump: int
) -> None:
    bucket = TokenBucket(rate, burst, 0)
    bucket.spend(burst, 0)
    assert bucket.available(jump) <= burst
    assert bucket.take(1, jump + math.ceil(1_000 / rate) + 1)


def test_a_jump_back_gives_nothing() -> None:
    bucket = TokenBucket(1, 1, 1_000_000)
    assert bucket.take(1, 1_000_000)
    assert not bucket.take(1, 5_000)
    assert not bucket.take(1, 5_999)
    assert bucket.take(1, 6_000)


def test_a_cost_above_the_burst_needs_it_whole_and_leaves_a_debt() -> None:
    bucket = TokenBucket(rate=1, burst=2)
    assert bucket.take(5, 0)
    assert bucket.available(0) == -3
    assert bucket.wait(5, 0) == 5_000
    assert not bucket.take(5, 4_999)
    assert bucket.take(5, 5_001)


def test_an_unlimited_bucket_always_gives() -> None:
    bucket = TokenBucket(math.inf, math.inf)
    assert all(bucket.take(10**9, now) for now in (0, 0, 1, 1, 0))
    assert bucket.wait(10**9, 1) == 0


def test_change_keeps_what_is_saved_up() -> None:
    bucket = TokenBucket(rate=10, burst=10)
    bucket.spend(10, 0)
    bucket.change(rate=100, burst=5, now=500)
    assert bucket.available(500) == 5
    bucket.change(rate=100, burst=50, now=500)
    assert bucket.available(600) == 15


# -- pace -----------------------------------------------------------------------------------------

EVENTS = st.lists(
    st.tuples(st.integers(0, 3_000), st.sampled_from(["send", "throttled"])), max_size=60
)


@given(st.one_of(RATES, st.just(math.inf)), EVENTS)
def test_a_pace_stays_within_its_bounds(limit: float, events: list[tuple[int, str]]) -> None:
    pace, now = Pace(limit), 0
    for elapsed, event in events:
        now += elapsed
        if event == "send":
            pace.sent(min(pace.available(now), 1_000), now)
        else:
            before = pace.rate(now)
            pace.throttled(now)
            assert pace.rate(now) <= max(before, min(limit, throttle.SLOWEST))
        assert min(limit, throttle.SLOWEST) * throttle.CUT <= pace.rate(now) <= limit
        assert pace.available(now) >= 0


@given(RATES, st.integers(1, 20))
def test_a_pace_comes_back(limit: float, cuts: int) -> None:
    pace = Pace(limit)
    for second in range(cuts):
        pace.throttled(second * 1_000)
    enough = 2_000_000 * max(1, math.ceil(limit))
    assert pace.rate(cuts * 1_000 + enough) == limit


def test_a_throttled_carrier_is_sent_half_and_the_rest_comes_back_evenly() -> None:
    pace = Pace(1_000)
    for now in range(0, 2_000, 100):
        pace.sent(100, now)
    pace.throttled(2_000)
    assert pace.rate(2_000) == 500
    pace.throttled(2_999)
    assert pace.cuts == 1
    assert pace.rate(7_000) == 750
    assert pace.rate(12_000) == 1_000
    assert pace.rate(60_000) == 1_000


def test_a_cut_starts_from_what_was_sent_where_there_is_no_limit() -> None:
    pace = Pace(math.inf)
    assert pace.available(0) == 1_000_000
    for now in range(0, 5_000, 100):
        pace.sent(40, now)
    pace.throttled(5_000)
    assert pace.rate(5_000) == 200
    assert pace.available(5_000) == 20
    assert pace.rate(15_000) == 400
    assert pace.rate(65_000) == 1_400


def test_a_pace_says_when_to_come_back() -> None:
    pace = Pace(10)
    assert (pace.available(0), pace.wait(0)) == (1, 0)
    pace.sent(1, 0)
    assert (pace.available(0), pace.wait(0)) == (0, 100)
    assert (pace.available(100), pace.wait(100)) == (1, 0)
    pace.sent(1, 100)
    pace.sent(1, 100)
    assert (pace.available(100), pace.wait(100)) == (0, 200)


# -- penalty and back-off -------------------------------------------------------------------------


def test_refusals_grow_and_end() -> None:
    penalty, now, refusals = Penalty(free=3, forgive=10**9), 0, []
    for _ in range(12):
        penalty.failed(now)
        start = now
        while penalty.refuses(now):
            now += 100
        refusals.append(now - start)
    assert refusals == [0, 0, 0, *(1_000 << at for at in range(6)), 60_000, 60_000, 60_000]


def test_failures_are_forgiven() -> None:
    penalty = Penalty(free=3, forgive=1_000)
    for now in range(0, 100_000, 1_000):
        penalty.failed(now)
        assert not penalty.refuses(now)
    for _ in range(4):
        penalty.failed(100_000)
    assert penalty.refuses(100_000)


@given(st.lists(st.integers(0, 100_000), max_size=100), st.integers(0, 10), st.integers(1, 10**6))
def test_nobody_is_locked_out(steps: list[int], free: int, forgive: int) -> None:
    penalty, now = Penalty(free, forgive), 0
    for step in steps:
        now += step
        penalty.failed(now)
    assert not penalty.refuses(now + throttle.LONGEST_REFUSAL)


@given(
    st.integers(0, 10**6),
    st.integers(1, 10_000),
    st.integers(0, 10**6),
    st.floats(0, 1, exclude_max=True),
)
def test_a_delay_lies_between_low_and_high(attempt: int, low: int, more: int, dice: float) -> None:
    assert low <= backoff(attempt, low, low + more, dice) <= low + more


@pytest.mark.parametrize(
    ("attempt", "dice", "delay"),
    [(0, 0.0, 1_000), (0, 0.5, 1_500), (1, 0.5, 2_500), (3, 0.5, 8_500), (9, 0.5, 30_500)],
)
def test_delays_double(attempt: int, dice: float, delay: int) -> None:
    assert backoff(attempt, 1_000, 60_000, dice) == delay


@pytest.mark.parametrize(
    ("shares", "state"),
    [((0.0, 0.0), 0), ((0.2, 0.85, 0.1), 85), ((1.0,), 100), ((7.5, 0.1), 100), ((-0.1, -1.0), 0)],
)
def test_the_fullest_share_is_the_congestion(shares: tuple[float, ...], state: int) -> None:
    assert congestion_state(*shares) == state
