"""Time zones: both ways, over the changes of the clock, as ``datetime`` has it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smsc.zones import UTC, zone

HOUR = 3_600_000
#: 2026-03-29 01:00 UTC, when clocks in Berlin go from 2 to 3, and 2026-10-25, when they go back.
SPRING, AUTUMN = 1_774_746_000_000, 1_792_890_000_000

NAMES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"]
MOMENTS = st.integers(1_700_000_000_000, 2_000_000_000_000)


@pytest.mark.parametrize(
    ("moment", "ahead"),
    [
        (SPRING - 1, 1),
        (SPRING, 2),
        (SPRING - 1, 1),
        (AUTUMN - 1, 2),
        (AUTUMN, 1),
    ],
)
def test_the_clock_changes_with_the_season(moment: int, ahead: int) -> None:
    assert zone("Europe/Berlin").local(moment) == moment + ahead * HOUR


@given(st.sampled_from(NAMES), MOMENTS)
def test_local_time_is_that_of_the_calendar(name: str, moment: int) -> None:
    there = datetime.fromtimestamp(moment // 1_000, ZoneInfo(name)).replace(tzinfo=ZoneInfo("UTC"))
    assert zone(name).local(moment) // 1_000 == there.timestamp()


@given(st.sampled_from(NAMES), MOMENTS)
@example("Europe/Berlin", SPRING - 1)
@example("Europe/Berlin", SPRING)
@example("Europe/Berlin", SPRING + HOUR)
@example("Europe/Berlin", AUTUMN - HOUR - 1)
@example("Europe/Berlin", AUTUMN + HOUR)
def test_a_local_time_names_a_moment_that_shows_it(name: str, moment: int) -> None:
    there = zone(name)
    shown = there.local(moment)
    assert there.local(there.moment(shown)) == shown


def test_one_zone_of_a_name() -> None:
    assert zone("UTC") is UTC and zone("Europe/Berlin") is zone("Europe/Berlin")
    assert repr(zone("Europe/Berlin")) == "<Zone Europe/Berlin>"
