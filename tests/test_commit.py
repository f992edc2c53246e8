"""The clock that never leaps, and group commit: what leaves when, and what never does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc.commit import CONGESTED, FULL_FRAME, MAX_JUMP, Clock, Commit
from smsc.errors import StorageError
from smsc.journal import SimLog
from smsc.records import Kind
from tests.keeper import START, Turn

# -- the clock -----------------------------------------------------------------------------------


class Times:
    """The two clocks of a machine, in seconds."""

    def __init__(self) -> None:
        self.monotonic, self.wall = 1_000.0, START / 1_000

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.monotonic)

    def run(self, clock: Clock, seconds: float, leap: float = 0.0) -> int:
        """Let time pass, the wall clock leaping by the way; milliseconds since START by ours."""
        self.monotonic += seconds
        self.wall += seconds + leap
        return clock() - START


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # (seconds that pass, seconds that the wall clock leaps): what our clock says, ms
        ([(1, 0), (2, 0)], [1_000, 3_000]),
        ([(1, 59), (1, 0)], [60_000, 61_000]),  # within a minute: believed at once
        ([(1, -30), (10, 0), (20, 0), (1, 0)], [0, 0, 1_000, 2_000]),  # stands until it is true
        ([(1, 100), (10, 0)], [2_000, 22_000]),  # beyond: twice the speed of time
        ([(1, 100), (38, 0), (1, 0), (1, 0)], [2_000, 78_000, 80_000, 141_000]),
        ([(10, -7_200), (10, 0)], [5_000, 10_000]),  # half the speed of time
        ([(7_200, 100)], [7_300_000]),  # never beyond the wall clock
        ([(7_200, -100)], [7_100_000]),  # nor behind it
        ([(1, 0), (0, 0)], [1_000, 1_000]),
    ],
)
def test_the_clock_walks_and_does_not_leap(
    steps: list[tuple[float, float]], expected: list[int]
) -> None:
    times = Times()
    clock = times.clock()
    assert [times.run(clock, *step) for step in steps] == expected


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1_000),
            st.one_of(st.just(0.0), st.floats(-1e6, 1e6), st.floats(-100, 100)),
        ),
        max_size=30,
    )
)
def test_the_clock_never_runs_back_nor_away(steps: list[tuple[float, float]]) -> None:
    times = Times()
    clock = times.clock()
    before = clock()
    for seconds, leap in steps:
        times.run(clock, seconds, leap)
        now = clock()
        assert before <= now <= before + 2_000 * seconds + MAX_JUMP + 1
        before = now


@pytest.mark.parametrize("leap", [-7_200, -61, 61, 7_200])
def test_the_clock_comes_to_agree_with_the_wall(leap: float) -> None:
    times = Times()
    clock = times.clock()
    times.run(clock, 1, leap)
    assert clock.skew == pytest.approx(leap * 1_000, rel=0.01)
    for _ in range(300):
        times.run(clock, 60)
    assert clock() == int(times.wall * 1_000)
    assert clock.skew == pytest.approx(0, abs=1)


# -- a commit on a simulated log -----------------------------------------------------------------

#: Octets of the largest record that is written here.
RECORD = 60_000


class Sink:
    """Writes down each release as the list it was."""

    def __init__(self, also: Callable[[], None] = lambda: None) -> None:
        self.released: list[list[object]] = []
        self._also = also

    def release(self, staged: list[object]) -> None:
        self.released.append(staged)
        self._also()


class Bench:
    """A commit, its log and its loop."""

    def __init__(self, segment_octets: int = 16 * 1024 * 1024) -> None:
        self.log = SimLog(hold=True, segment_octets=segment_octets)
        self.log.replay(lambda *record: None)
        self.turn = Turn()
        self.failures: list[Exception] = []
        self.commit = Commit(self.log, self.turn, lambda: START, self.failures.append)  # type: ignore[arg-type]

    def append(self, octets: int = 0) -> None:
        """So many octets or a few more, in records of a size that a log takes."""
        self.commit.begin()
        for _ in range(octets // RECORD + 1):
            self.log.append(Kind.MESSAGE, b"", bytes(min(octets, RECORD)))

    def advance(self, frames: int | None = None) -> None:
        self.log.advance(frames)
        self.turn.run()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_is_staged_leaves_in_order_once_per_sink_and_frame(bench: Bench) -> None:
    one, two, called = Sink(), Sink(), []
    bench.commit.stage(one, 1)
    bench.commit.stage(two, 2)
    bench.commit.then(lambda: called.append((list(one.released), list(two.released))))
    bench.commit.stage(one, 3)
    bench.turn.run()
    assert one.released == two.released == called == []
    bench.advance()
    assert one.released == [[1, 3]]
    assert two.released == [[2]]
    assert called == [([[1, 3]], [[2]])], "calls come after all releases"
    assert bench.commit.frames == 1


def test_frames_grow_while_the_log_is_busy(bench: Bench) -> None:
    sink = Sink()
    for item in range(4):
        bench.commit.stage(sink, item)
        bench.turn.run()
    assert bench.log._number == 2, "one on its way, one that gathers"
    bench.advance()
    assert sink.released == [[0]]
    bench.advance()
    assert sink.released == [[0], [1, 2, 3]]
    assert bench.commit.frames == 2


def test_a_full_frame_does_not_wait_for_the_one_before(bench: Bench) -> None:
    sink = Sink()
    bench.append()
    bench.turn.run()
    for item in range(12):
        bench.append(FULL_FRAME // 10)
        bench.commit.stage(sink, item)
        bench.turn.run()
    sealed = [frame.number for frame in bench.log._frames]
    assert sealed == [1, 2], "the second is sealed while the first is on its way"
    assert len(bench.log._frames[1].records) == 10
    bench.advance(1)
    assert sink.released == []
    bench.advance()
    bench.advance()
    assert sink.released == [list(range(10)), [10, 11]]


def test_frames_are_released_in_order_however_many_come_at_once(bench: Bench) -> None:
    sink = Sink()
    for item in range(3):
        bench.commit.stage(sink, item)
        bench.append(FULL_FRAME)
        bench.turn.run()
    assert len(bench.log._frames) == 3
    bench.advance()
    assert sink.released == [[0], [1], [2]]


def test_what_is_staged_by_a_release_waits_for_the_next_frame(bench: Bench) -> None:
    late = Sink()
    first = Sink(also=lambda: bench.commit.stage(late, "late"))
    bench.commit.stage(first, "first")
    bench.turn.run()
    bench.advance()
    assert (first.released, late.released) == ([["first"]], [])
    bench.advance()
    assert late.released == [["late"]]


def test_what_is_to_be_done_before_a_frame_is_sealed_is_done_once_for_all_of_it(
    bench: Bench,
) -> None:
    sink, calls = Sink(), []

    def call() -> None:
        calls.append(len(sink.released))
        bench.commit.stage(sink, "last")

    bench.commit.stage(sink, "other")
    bench.turn.run()
    bench.commit.before_seal(call)  # by itself a reason to seal
    for _ in range(3):
        bench.turn.run()
    assert calls == [], "the frame before is on its way still, and this one gathers"
    bench.advance()
    assert calls == [0], "and is sealed before the one before is released"
    bench.advance()
    assert sink.released == [["other"], ["last"]] and calls == [0]


def test_one_frame_has_one_time(bench: Bench) -> None:
    assert bench.commit.begin() == bench.commit.begin() == bench.commit.now() == START


def test_all_that_was_staged_is_counted_with_how_long_it_waited(bench: Bench) -> None:
    one, two = Sink(), Sink()
    for sink, item in ((one, 1), (one, 2), (two, 3)):
        bench.commit.stage(sink, item)
    bench.turn.run()
    assert sum(bench.commit.waits) == 0
    bench.advance()
    assert sum(bench.commit.waits) == 3
    assert max(bench.commit.waits) == 3, "they came and left together"


# -- too much ------------------------------------------------------------------------------------


def test_congestion_begins_and_ends_with_what_is_on_its_way(bench: Bench) -> None:
    relieved = []
    bench.commit.on_relief(lambda: relieved.append("relieved"))
    while bench.log.pending_octets <= CONGESTED:
        assert not bench.commit.congested
        bench.append(FULL_FRAME + 1)
        bench.turn.run()
    assert bench.commit.congested
    steps = []
    while bench.commit.congested:
        assert not relieved
        bench.advance(1)
        steps.append(bench.log.pending_octets)
    assert relieved == ["relieved"]
    assert all(octets >= CONGESTED // 4 for octets in steps[:-1]), "relieved too late"
    assert 0 < steps[-1] < CONGESTED // 4, "relieved too early"
    bench.advance()
    assert relieved == ["relieved"], "once"


def test_a_disk_that_stands_still_congests_whatever_is_pending(bench: Bench) -> None:
    relieved = []
    bench.commit.on_relief(lambda: relieved.append("relieved"))
    bench.commit.hold(True)
    assert bench.commit.congested
    bench.append(10)
    bench.turn.run()
    bench.advance()
    assert bench.commit.congested and not relieved
    bench.commit.hold(False)
    assert not bench.commit.congested and relieved == ["relieved"]


# -- the log dies --------------------------------------------------------------------------------


def dies_while_a_frame_is_on_its_way(bench: Bench) -> None:
    bench.turn.run()
    bench.log.fail()


def dies_before_the_frame_is_sealed(bench: Bench) -> None:
    bench.log.fail()


@pytest.mark.parametrize("die", [dies_while_a_frame_is_on_its_way, dies_before_the_frame_is_sealed])
def test_a_dead_log_lets_nothing_out(bench: Bench, die: Callable[[Bench], None]) -> None:
    sink, called = Sink(), []
    bench.commit.stage(sink, "an answer")
    bench.commit.then(lambda: called.append("called"))
    die(bench)
    bench.turn.run()
    bench.log._on_disk = 99  # whatever the disk says afterwards
    bench.turn.run()
    assert sink.released == called == []
    assert len(bench.failures) == 1, "once"
    for refused in (bench.commit.begin, lambda: bench.commit.stage(sink, 2)):
        with pytest.raises(StorageError):
            refused()
    bench.commit.close()
    assert bench.turn._reader is None


def test_what_was_durable_before_the_death_has_left(bench: Bench) -> None:
    sink = Sink()
    bench.commit.stage(sink, 1)
    bench.turn.run()
    bench.advance()
    bench.commit.stage(sink, 2)
    bench.log.fail()
    bench.turn.run()
    assert sink.released == [[1]]


# -- to the end ----------------------------------------------------------------------------------


def drained(what: Callable[[Commit, SimLog], None]) -> tuple[list[list[object]], list[Exception]]:
    """What was released when ``drain`` returned, and failures; ``what`` happens after it began."""
    sink, failures = Sink(), []

    async def run() -> list[list[object]]:
        log = SimLog(hold=True)
        log.replay(lambda *record: None)
        loop = asyncio.get_running_loop()
        commit = Commit(log, loop, lambda: START, failures.append)
        commit.stage(sink, 1)
        draining = [loop.create_task(commit.drain()) for _ in range(2)]
        loop.call_soon(commit.stage, sink, 2)
        loop.call_soon(what, commit, log)
        await asyncio.wait_for(asyncio.gather(*draining), 30)
        commit.close()
        return list(sink.released)

    return asyncio.run(run()), failures


def let_go(commit: Commit, log: SimLog) -> None:
    log.hold = False
    log.advance()


def die_soon(commit: Commit, log: SimLog) -> None:
    log.fail()


def test_a_drain_ends_when_all_is_durable_and_released() -> None:
    released, failures = drained(let_go)
    assert sum(released, []) == [1, 2]
    assert not failures


def test_a_drain_ends_when_the_log_dies() -> None:
    released, failures = drained(die_soon)
    assert not released
    assert len(failures) == 1


def test_there_is_nothing_to_drain() -> None:
    async def run() -> int:
        log = SimLog(hold=True)
        log.replay(lambda *record: None)
        commit = Commit(log, asyncio.get_running_loop(), lambda: START, lambda error: None)
        await commit.drain()
        commit.close()
        return log._number

    assert asyncio.run(run()) == 0, "no frame is made for it"
