"""SMPP's times <-> milliseconds since the epoch, UTC (SMPP 3.4 7.1, 5.0 4.7.23).

``YYMMDDhhmmsstnnp``: 16 characters, or none for "not given". The calendar is computed, never
asked of the system: no time zone or clock of the machine takes part.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import NamedTuple

LENGTH = 16

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_QUARTER = 15 * MINUTE

#: Offsets beyond 12 hours do not exist on the wire.
_MAX_QUARTERS = 48
#: date.toordinal() of 1970-01-01.
_EPOCH = date(1970, 1, 1).toordinal()
#: A two-digit year is the one from 50 before now to 49 after: it slides with the present, since
#: 3.4 Appendix C's fixed window fails from 2038.
_YEARS_BACK = 50


class _Time(NamedTuple):
    """A time as read: ``ms`` since the epoch, or a span of calendar months and ``ms``."""

    ms: int
    months: int
    relative: bool


@lru_cache(maxsize=64)
def _first_year(day: int) -> int:
    return date.fromordinal(day + _EPOCH).year - _YEARS_BACK


def _absolute(digits: list[int], tail: bytes, first_year: int) -> _Time:
    year, month, day, hour, minute, second = digits
    tenths, quarters = int(tail[:1]), int(tail[1:3])
    if quarters > _MAX_QUARTERS:
        raise ValueError("offset from UTC beyond 48 quarter hours")
    year = first_year + (year - first_year) % 100
    # Its own ValueError speaks of a day or month out of range and holds nothing of the peer's.
    days = date(year, month, day).toordinal() - _EPOCH
    local = days * DAY + hour * HOUR + minute * MINUTE + second * SECOND + tenths * 100
    ahead = quarters * _QUARTER
    return _Time(local - ahead if tail.endswith(b"+") else local + ahead, 0, False)


def _relative(digits: list[int]) -> _Time:
    years, months, days, hours, minutes, seconds = digits
    if months > 12 or days > 31:
        raise ValueError("relative time out of range")
    span = days * DAY + hours * HOUR + minutes * MINUTE + seconds * SECOND
    return _Time(span, years * 12 + months, True)


#: Clients send the same few values over and over.
@lru_cache(maxsize=1024)
def _read(value: bytes, first_year: int) -> _Time:
    if len(value) != LENGTH or not value[:15].isdigit() or value[15:] not in (b"+", b"-", b"R"):
        raise ValueError("a time is 15 digits and one of +, -, R")
    digits = [int(value[at : at + 2]) for at in range(0, 12, 2)]
    if digits[3] > 23 or digits[4] > 59 or digits[5] > 59:
        raise ValueError("time of day out of range")
    return _relative(digits) if value.endswith(b"R") else _absolute(digits, value[12:], first_year)


def _months_on(now: int, months: int) -> int:
    """[P] The same day so many months later, or that month's last (the specs do not say)."""
    start = date.fromordinal(now // DAY + _EPOCH)
    count = start.year * 12 + start.month - 1 + months
    year, month = count // 12, count % 12 + 1
    moved = date(year, month, min(start.day, monthrange(year, month)[1]))
    return now + (moved - start).days * DAY


def parse(value: bytes, now: int) -> int | None:
    """The moment that an absolute or relative time names, in ms; None if it is empty.

    A relative time counts from ``now``. Raises ValueError for anything malformed.
    """
    if not value:
        return None
    ms, months, relative = _read(value, _first_year(now // DAY))
    if not relative:
        return ms
    return (_months_on(now, months) if months else now) + ms


def format_absolute(moment: int) -> bytes:
    """``moment`` as 16 characters in UTC, to the tenth of a second."""
    minute, rest = divmod(moment, MINUTE)
    seconds, ms = divmod(rest, SECOND)
    return b"%b%02d%d00+" % (format_minute(minute), seconds, ms // 100)


#: Receipts come in streams: nearly all dates are those of the last minutes.
@lru_cache(maxsize=4096)
def format_minute(minute: int) -> bytes:
    """A minute since the epoch as ``YYMMDDhhmm`` in UTC, the date of a receipt's text."""
    days, of_day = divmod(minute, DAY // MINUTE)
    day = date.fromordinal(days + _EPOCH)
    return b"%02d%02d%02d%02d%02d" % (day.year % 100, day.month, day.day, *divmod(of_day, 60))
