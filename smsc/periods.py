"""Billing periods: how they are called, from when to when each is, and which one a moment is in.

    2026-11                  a calendar month
    2026-W48                 a week of ISO 8601, Monday to Sunday
    2026-11@Europe/Berlin    the same on another clock than that of UTC

A name says all there is to know of its period, so that what is sealed under one keeps its time when
its customer's cycle or time zone is changed. Periods of one cycle and zone follow upon each other
without a gap, whatever that place does to its clock; a moment is in the one whose span it is in.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from smsc.zones import Zone, zone

Cycle = Literal["month", "week"]

#: As each cycle's periods are written.
EXAMPLES: Final[Mapping[Cycle, str]] = {
    "month": "a month like 2026-11",
    "week": "a week like 2026-W48",
}

_NAME = re.compile(r"(\d{4})-(?:(0[1-9]|1[0-2])|W(\d\d))(?:@(.+))?", re.ASCII)
_DAY = 86_400_000

#: As far as two clocks are apart (UTC+14 and UTC-12). No period is as short.
APART: Final = 26 * 3_600_000


class Span(NamedTuple):
    """From ``since`` on and before ``until``, ms."""

    since: int
    until: int


@lru_cache(maxsize=4_096)
def span(name: str) -> Span:
    """From when to when a period is. Raises ValueError if it is none."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} must be {' or '.join(EXAMPLES.values())}")
    year, month, week, place = match.groups()
    first = _month(int(year), int(month)) if month else _week(int(year), int(week))
    there = zone(place or "UTC")
    return Span(*(there.moment(day * _DAY) for day in first))


def _month(year: int, month: int) -> tuple[int, int]:
    """The first day and the one after the last, since 1970."""
    first = calendar.timegm((year, month, 1, 0, 0, 0)) * 1_000 // _DAY
    return first, first + calendar.monthrange(year, month)[1]


def _week(year: int, week: int) -> tuple[int, int]:
    first = date.fromisocalendar(year, week, 1).toordinal() - date(1970, 1, 1).toordinal()
    return first, first + 7


def named(cycle: Cycle, there: Zone, at: int) -> str:
    """The period of this cycle and place that a moment is in."""
    local = there.local(at)
    name = _of_local(cycle, there, local)
    since, until = span(name)
    # On the day of a change the clock may show midnight twice, or not at all.
    if at < since:
        return _of_local(cycle, there, local - _DAY)
    return name if at < until else _of_local(cycle, there, local + _DAY)


def _of_local(cycle: Cycle, there: Zone, local: int) -> str:
    if cycle == "month":
        return at_place(month_of(local), there)
    year, week, _ = datetime.fromtimestamp(local // 1_000, UTC).isocalendar()
    return at_place(f"{year}-W{week:02d}", there)


def at_place(name: str, there: Zone) -> str:
    """A period as a customer calls it, on the clock of its place."""
    return name if there.name == "UTC" else f"{name}@{there.name}"


def bare(name: str) -> str:
    """A period's name without the place, which may tell whose it is."""
    return name.partition("@")[0]


def cycle_of(name: str) -> Cycle:
    """What kind of period a name is of."""
    return "week" if "W" in bare(name) else "month"


@lru_cache(maxsize=64)
def _month_of_hour(hour: int) -> str:
    return f"{datetime.fromtimestamp(hour * 3_600, UTC):%Y-%m}"


def month_of(at: int) -> str:
    """The calendar month, UTC, that a time (ms) is in."""
    return _month_of_hour(at // 3_600_000)


class Cycles:
    """One customer's periods. Remembers the one it named last: most moments are in that."""

    __slots__ = ("_name", "_span", "cycle", "zone")

    def __init__(self, cycle: Cycle, zone: Zone) -> None:
        self.cycle = cycle
        self.zone = zone
        self._span = Span(0, 0)
        self._name = ""

    def period(self, at: int) -> str:
        """The period that a time (ms) is in."""
        since, until = self._span
        if not since <= at < until:
            self._name = named(self.cycle, self.zone, at)
            self._span = span(self._name)
        return self._name


class Calendar:
    """Everybody's periods at one moment; of whom nothing is known, months of UTC."""

    __slots__ = ("_cycles",)

    def __init__(self, cycles: Mapping[bytes, Cycles] | None = None) -> None:
        """``cycles`` are by customer."""
        self._cycles = cycles or {}

    def period(self, customer: bytes, at: int) -> str:
        """The period of this customer that a time (ms) is in."""
        cycles = self._cycles.get(customer)
        return month_of(at) if cycles is None else cycles.period(at)


def fitted(wanted: Span, closed: Sequence[Span]) -> Span:
    """What of a span is to be closed, so that no moment is in two closed periods, or in none.

    Where the customer's cycle or clock was changed in between, a period begins where the one before
    it ended, and ends where the one after it began. ``closed`` are the known ones in order; what
    comes back is empty if they hold all of it.
    """
    since, until = wanted
    for known in closed:
        if since - APART < known.until <= since or known.since <= since < known.until:
            since = known.until
    if since >= until:
        return Span(since, since)
    starts = [known.since for known in closed if since <= known.since < until + APART]
    return Span(since, min(starts, default=until))


def closed_at(wanted: Span, closed: Iterable[tuple[Span, int]]) -> int | None:
    """When all of a span was closed; None while some of it is not.

    ``closed`` are a customer's closed periods in order, each with when that was. Before the first
    of them there is nothing to close.
    """
    reached, at = -1, 0
    for (since, until), when in closed:
        if reached < 0:
            reached = max(wanted.since, since)
        if since <= reached < min(until, wanted.until):
            reached, at = until, max(at, when)
    return at if reached >= wanted.until else None
