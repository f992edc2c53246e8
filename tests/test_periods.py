"""Billing periods: each moment is in one, whatever a place does to its clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as some

from smsc.periods import (
    APART,
    EXAMPLES,
    Calendar,
    Cycle,
    Cycles,
    Span,
    at_place,
    bare,
    closed_at,
    cycle_of,
    fitted,
    named,
    span,
)
from smsc.retention import Hold, Name, Rules, Stand, judge
from smsc.zones import Zone, zone

HOUR, DAY = 3_600_000, 86_400_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000


@pytest.mark.parametrize(
    ("name", "since", "until"),
    [
        ("2026-11", "2026-11-01T00:00", "2026-12-01T00:00"),
        ("2026-12", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("2024-02", "2024-02-01T00:00", "2024-03-01T00:00"),
        ("2026-10@Europe/Berlin", "2026-09-30T22:00", "2026-10-31T23:00"),  # the clock changes
        ("2026-11@America/Lima", "2026-11-01T05:00", "2026-12-01T05:00"),
        ("2026-11@Asia/Kathmandu", "2026-10-31T18:15", "2026-11-30T18:15"),
        ("2026-W01", "2025-12-29T00:00", "2026-01-05T00:00"),
        ("2026-W53", "2026-12-28T00:00", "2027-01-04T00:00"),
        ("2026-W43@Europe/Berlin", "2026-10-18T22:00", "2026-10-25T23:00"),
        # A Friday that Samoa never had.
        ("2011-W52@Pacific/Apia", "2011-12-26T10:00", "2012-01-01T10:00"),
    ],
)
def test_from_when_to_when(name: str, since: str, until: str) -> None:
    found = span(name)
    assert found == (ms(since), ms(until))
    there = zone(name.partition("@")[2] or "UTC")
    for at in (found.since, found.until - 1):
        assert named(cycle_of(name), there, at) == name
    assert named(cycle_of(name), there, found.since - 1) != name
    assert named(cycle_of(name), there, found.until) != name
    assert at_place(bare(name), there) == name


@pytest.mark.parametrize(
    "name",
    ["", "2026-13", "2026-00", "0000-01", "26-11", "2026-1", "2026-11-01", "2025-W53", "2026-W00",
     "2026-11@", "2026-11@Moon/Tycho", "2026-11@../../etc/passwd", "spool", "１"],
)  # fmt: skip
def test_what_is_no_period(name: str) -> None:
    with pytest.raises(ValueError, match="must be a|is out of range|Invalid week"):
        span(name)


#: Half hours, quarters, southern summers, changes at midnight and on the first of a month, a day
#: that was left out, both ends of the day.
PLACES = (
    "UTC", "Europe/Berlin", "America/New_York", "America/Havana", "America/Asuncion",
    "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Chatham", "Asia/Kathmandu", "Asia/Beirut",
    "Africa/Casablanca", "Pacific/Apia", "Pacific/Kiritimati", "Etc/GMT+12", "Africa/Cairo",
)  # fmt: skip
places = some.sampled_from(PLACES).map(zone)
cycles = some.sampled_from(get_args(Cycle))
times = some.integers(ms("2001-01-01"), ms("2037-12-31"))
#: Around midnight before the first of a month, where the bounds of periods are.
edges = some.builds(
    lambda year, month, hours: ms(f"{year}-{month:02d}-01") + int(hours * HOUR),
    some.integers(2001, 2037),
    some.integers(1, 12),
    some.floats(-15, 15),
)


@given(cycle=cycles, there=places, at=times | edges)
def test_each_moment_is_in_one_period_and_they_leave_no_gap(
    cycle: Cycle, there: Zone, at: int
) -> None:
    name = named(cycle, there, at)
    since, until = span(name)
    assert since <= at < until
    after = named(cycle, there, until)
    assert span(after).since == until
    assert named(cycle, there, since - 1) < name < after
    assert until - since > 5 * DAY > APART


def test_a_calendar_knows_its_customers_and_takes_the_others_for_utc() -> None:
    calendar = Calendar(
        {b"C-1": Cycles("week", zone("Asia/Tokyo")), b"C-2": Cycles("month", zone("UTC"))}
    )
    night = ms("2026-11-29T18:00")
    assert [calendar.period(b"C-1", at) for at in (night, night - DAY, night)] == [
        "2026-W49@Asia/Tokyo",
        "2026-W48@Asia/Tokyo",
        "2026-W49@Asia/Tokyo",
    ]
    assert calendar.period(b"C-2", night) == calendar.period(b"C-3", night) == "2026-11"


def test_the_cycles_are_the_ones_there_are_words_for() -> None:
    assert tuple(EXAMPLES) == get_args(Cycle)


# -- closing over a change of cycle or clock -----------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "closed", "found"),
    [
        ((10, 20), [], (10, 20)),
        ((10, 20), [(0, 10), (20, 30)], (10, 20)),
        ((10, 20), [(0, 8)], (8, 20)),  # further west
        ((10, 20), [(0, 12)], (12, 20)),  # further east
        ((10, 20), [(22, 30)], (10, 22)),
        ((10, 20), [(18, 30)], (10, 18)),
        ((10, 20), [(-9, 2)], (10, 20)),  # another period lies between
        ((10, 20), [(13, 15), (15, 17)], (10, 13)),  # shorter ones from some time on
        ((10, 20), [(8, 15), (15, 17)], (17, 20)),  # until some time
        ((10, 20), [(0, 30)], (30, 30)),
        ((10, 20), [(10, 20)], (20, 20)),
        ((10, 20), [(0, 20), (22, 30)], (20, 20)),
    ],
)
def test_a_period_is_fitted_between_those_that_are_closed(
    wanted: tuple[int, int], closed: list[tuple[int, int]], found: tuple[int, int]
) -> None:
    unit = APART // 4
    spans = [Span(since * unit, until * unit) for since, until in closed]
    assert fitted(Span(wanted[0] * unit, wanted[1] * unit), spans) == Span(
        found[0] * unit, found[1] * unit
    )


@dataclass
class Billed:
    """Facts of C-1, whose periods were closed."""

    closes: list[tuple[Span, int]] = field(default_factory=list)

    def close(self, name: str, at: int) -> None:
        found = fitted(span(name), [one for one, _ in self.closes])
        if found.since < found.until:
            self.closes = sorted([*self.closes, (found, at)])

    def closed(self, customer: bytes, period: str) -> int | None:
        return closed_at(span(period), self.closes) if customer == b"C-1" else None

    def holds(self) -> Sequence[Hold]:
        return ()


RULES = Rules(objection=30 * DAY, content=None, maximum=900 * DAY)
BILLED_WITHIN = 3 * DAY


def verdict_at(facts: Billed, period: str, now: int) -> Stand:
    (verdict,) = judge([Name(b"C-1", period, "traffic")], facts, {}, RULES, now)
    return verdict.stand


@given(
    first=some.tuples(cycles, places),
    second=some.tuples(cycles, places),
    begin=some.integers(ms("2024-01-01"), ms("2034-01-01")),
    changed=some.integers(0, 150),
    data=some.data(),
)
def test_nothing_unbilled_dies_and_nobody_waits_for_more_than_its_own_period(
    first: tuple[Cycle, Zone], second: tuple[Cycle, Zone], begin: int, changed: int,
    data: some.DataObject,
) -> None:  # fmt: skip
    """A customer's cycle and clock are changed once, at any time; each period is closed in turn."""
    change = begin + changed * DAY
    old, new = Cycles(*first), Cycles(*second)
    ages = data.draw(some.lists(some.integers(0, 200 * DAY), min_size=1, max_size=20))
    keys: dict[str, list[int]] = {}
    for at in sorted(begin + age for age in ages):
        keys.setdefault((old if at < change else new).period(at), []).append(at)
    facts = Billed()
    at, end = begin, begin + 300 * DAY
    while at < end:
        # Whoever bills goes by the calendar of the day on which it does.
        until = span(old.period(at)).until
        calendar = old if until + BILLED_WITHIN < change else new
        name = calendar.period(at)
        facts.close(name, span(name).until + BILLED_WITHIN)
        at = max(span(name).until, at + 1)
    for period, records in keys.items():
        own = span(period)
        closes = [
            when for one, when in facts.closes if one.since < own.until and own.since < one.until
        ]
        for at in records:
            assert sum(one.since <= at < one.until for one, _ in facts.closes) == 1, "billed once"
        due = max(closes) + RULES.objection
        assert verdict_at(facts, period, due - 1) in (Stand.WAITING, Stand.UNBILLED)
        assert verdict_at(facts, period, due) is Stand.DUE
        if first == second:
            assert due == own.until + BILLED_WITHIN + RULES.objection
