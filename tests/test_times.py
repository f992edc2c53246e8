from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc import times


def ms(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return round(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp() * 1000)


NOW = ms(2025, 11, 22, 10, 30, 15) + 250

ABSOLUTE = [
    (b"300131120000004+", ms(2030, 1, 31, 11, 0, 0)),
    (b"300131120000020-", ms(2030, 1, 31, 17, 0, 0)),
    (b"300131120000022+", ms(2030, 1, 31, 6, 30, 0)),
    (b"300228235959948-", ms(2030, 3, 1, 11, 59, 59) + 900),
    (b"280229000000000+", ms(2028, 2, 29)),
    (b"251231235959900-", ms(2025, 12, 31, 23, 59, 59) + 900),
    (b"300131120000000-", ms(2030, 1, 31, 12, 0, 0)),
    (b"300101000000048+", ms(2029, 12, 31, 12, 0, 0)),
    # The past is a time like any other.
    (b"200101000000000+", ms(2020, 1, 1)),
]

RELATIVE = [
    (b"020610233429000R", ms(2028, 6, 2, 10, 4, 44) + 250),
    (b"000000010000000R", NOW + times.HOUR),
    (b"000001000000000R", NOW + times.DAY),
    (b"000000000000000R", NOW),
    # Tenths and offset mean nothing here.
    (b"000000000001999R", NOW + times.SECOND),
]

MONTH_ENDS = [
    (ms(2025, 1, 31, 8), b"000100000000000R", ms(2025, 2, 28, 8)),
    (ms(2028, 1, 31, 8), b"000100000000000R", ms(2028, 2, 29, 8)),
    (ms(2028, 2, 29, 8), b"010000000000000R", ms(2029, 2, 28, 8)),
    (ms(2025, 12, 31, 8), b"000200000000000R", ms(2026, 2, 28, 8)),
    # Months first, then days: the clamped day is what the days count from.
    (ms(2025, 1, 31, 8), b"000101000000000R", ms(2025, 3, 1, 8)),
    (ms(2025, 11, 1, 8), b"001200000000000R", ms(2026, 11, 1, 8)),
]

MALFORMED = [
    b"300229000000000+",
    b"300131240000000+",
    b"300131120000049+",
    b"30013112000000+",
    b"300131120000000Z",
    b"300131120000000r",
    b"3001311200000000+",
    b"301301000000000+",
    b"300001000000000+",
    b"300100000000000+",
    b"300431000000000+",
    b"300131126000000+",
    b"300131120060000+",
    b"3001311200 0000+",
    b"-00131120000000+",
    b"30013112000000x+",
    b"\xb300131120000000+",
    b"001300000000000R",
    b"000032000000000R",
    b"000000240000000R",
    b"0",
]


@pytest.mark.parametrize(("value", "moment"), ABSOLUTE + RELATIVE)
def test_a_time_names_its_moment(value: bytes, moment: int) -> None:
    assert times.parse(value, NOW) == moment


@pytest.mark.parametrize(("now", "value", "moment"), MONTH_ENDS)
def test_relative_months_end_with_the_month(now: int, value: bytes, moment: int) -> None:
    assert times.parse(value, now) == moment


def test_no_time_is_none() -> None:
    assert times.parse(b"", NOW) is None


@pytest.mark.parametrize("value", MALFORMED)
def test_a_malformed_time_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError):
        times.parse(value, NOW)


@pytest.mark.parametrize(
    ("now", "two_digits", "year"),
    [
        (NOW, b"75", 1975),
        (NOW, b"74", 2074),
        (NOW, b"99", 1999),
        (NOW, b"38", 2038),
        (ms(2040, 6, 1), b"38", 2038),
        (ms(2040, 6, 1), b"90", 1990),
        (ms(2040, 6, 1), b"89", 2089),
        (ms(2099, 6, 1), b"00", 2100),
    ],
)
def test_two_digit_years_slide_with_the_present(now: int, two_digits: bytes, year: int) -> None:
    assert times.parse(two_digits + b"0101000000000+", now) == ms(year, 1, 1)


def test_times_are_written_in_utc_to_the_tenth() -> None:
    assert times.format_absolute(ms(2030, 1, 31, 11, 5, 9) + 987) == b"300131110509900+"
    assert times.format_minute(ms(2030, 1, 31, 11, 5, 59) // times.MINUTE) == b"3001311105"
    assert times.format_minute(ms(2030, 1, 31, 11, 6, 0) // times.MINUTE) == b"3001311106"


@given(st.datetimes(datetime(1980, 1, 1), datetime(2070, 1, 1)))
def test_what_is_written_reads_back(moment: datetime) -> None:
    exact = round(moment.replace(tzinfo=UTC, microsecond=0).timestamp() * 1000)
    tenth = exact + moment.microsecond // 100_000 * 100
    written = times.format_absolute(exact + moment.microsecond // 1000)
    assert times.parse(written, NOW) == tenth


@given(st.binary(max_size=20) | st.from_regex(rb"\d{15}[-+R]", fullmatch=True))
def test_only_value_error_leaves(value: bytes) -> None:
    try:
        moment = times.parse(value, NOW)
    except ValueError:
        return
    assert moment is None or isinstance(moment, int)
