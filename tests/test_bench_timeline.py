"""Which message fell into what, and who is to blame for a late one."""

from __future__ import annotations

import pytest

from bench.probe import Sample, grown, longest
from bench.timeline import Event, Timeline, pauses


def sample(at: float, ms: float = 1.0, control: float = 0.5, disk: float = 0.0, wait: float = 0.0):  # type: ignore[no-untyped-def]
    return Sample(at, ms, control, disk, wait)


@pytest.mark.parametrize(
    "at, ms, touched",
    [
        (9.0, 1.0, False),
        (9.0, 1500.0, True),
        (10.5, 1.0, True),
        (11.05, 1.0, True),
        (11.2, 1.0, False),
    ],
)
def test_an_event_has_what_was_under_way_and_a_little_after(
    at: float, ms: float, touched: bool
) -> None:
    assert Event("sweep", 10.0, 11.0).touches(sample(at, ms)) is touched


def clock(*times: float):  # type: ignore[no-untyped-def]
    left = list(times)
    return lambda: left.pop(0)


def test_what_happens_within_something_goes_before_it() -> None:
    timeline = Timeline(clock(10.0, 13.0, 20.0))
    with timeline.during("load"):
        timeline.note("segment change", 12.0)
    found = timeline.split([sample(at) for at in (5.0, 11.0, 12.5, 15.0, 30.0)])
    assert {name: [one.at for one in samples] for name, samples in found.items()} == {
        "load": [11.0, 15.0],
        "segment change": [12.5],
    }


def test_each_name_has_a_line_with_how_often_it_was() -> None:
    timeline = Timeline(clock(0, 1, 2, 3, 4, 5))
    for name in ("quiet", "sweep", "sweep"):
        with timeline.during(name):
            pass
    quiet, sweep = pauses(timeline, [sample(0.5), sample(2.5, 8), sample(4.5, 30)])
    assert (quiet.name, quiet.times, quiet.messages, quiet.slowest.ms) == ("quiet", 1, 1, 1)
    assert (sweep.name, sweep.times, sweep.messages, sweep.slowest.ms) == ("sweep", 2, 2, 30)
    assert (sweep.p50, sweep.p99) == (8, 30)


def test_what_had_no_messages_has_no_line() -> None:
    timeline = Timeline(clock(0, 1))
    with timeline.during("quiet"):
        pass
    assert pauses(timeline, [sample(9)]) == []


@pytest.mark.parametrize(
    "late, cause, found",
    [
        (sample(1, ms=20), "-", False),
        (sample(1, ms=50), "sweep", True),
        (sample(1, ms=50, disk=40), "the disk", False),
        (sample(1, ms=50, wait=40), "no core", False),
        (sample(1, ms=50, control=45), "no core", False),
        (sample(1, ms=90, disk=30, wait=30), "several", True),
        (sample(1, ms=30, disk=60), "the disk", False),
    ],
)
def test_a_pause_is_what_neither_disk_nor_machine_made(
    late: Sample, cause: str, found: bool
) -> None:
    timeline = Timeline(clock(0, 2))
    with timeline.during("sweep"):
        pass
    (line,) = pauses(timeline, [sample(1), late])
    assert (line.cause, line.found) == (cause, found)


SPANS = [(1.0, 1.2), (2.0, 2.1), (3.0, 3.9)]


@pytest.mark.parametrize(
    "at, ms, found",
    [
        (0.0, 500, 0),
        (0.5, 600, 200),
        (1.1, 1, 200),
        (1.5, 200, 0),
        (1.5, 600, 100),
        (1.1, 5000, 900),
    ],
)
def test_the_longest_sync_that_touches_a_message(at: float, ms: float, found: float) -> None:
    assert longest(SPANS, at, ms) == pytest.approx(found)


#: A counter of milliseconds, read every second.
READINGS = [(0.0, 0.0), (1.0, 5.0), (2.0, 5.0), (3.0, 9.0)]


@pytest.mark.parametrize(
    "at, ms, found", [(0.0, 100, 5), (0.5, 100, 5), (1.0, 100, 0), (1.5, 600, 4), (2.5, 9000, 4)]
)
def test_a_counter_grows_between_the_readings_around(at: float, ms: float, found: float) -> None:
    assert grown(READINGS, at, ms) == found
