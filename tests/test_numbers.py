"""Numbers in every form that clients write them, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc import numbers
from smsc.numbers import CACHED, e164, kind, national

MOBILE = b"447700900123"
#: 999 is a country code that nobody has.
NOBODYS = b"999000000000001"

#: TON, NPI, address, region, E.164 digits.
FORMS: list[tuple[int, int, bytes, str, bytes | None]] = [
    # International as it stands, whatever the region.
    (1, 1, MOBILE, "", MOBILE),
    (1, 1, b"+" + MOBILE, "DE", MOBILE),
    (1, 0, MOBILE, "GB", MOBILE),
    (1, 1, NOBODYS, "DE", NOBODYS),
    (0, 0, b"+" + MOBILE, "", MOBILE),
    (0, 1, b"+" + MOBILE, "DE", MOBILE),
    # Unknown type: with a prefix for abroad, or without.
    (0, 1, MOBILE, "", MOBILE),
    (0, 0, MOBILE, "GB", MOBILE),
    (0, 1, MOBILE, "DE", MOBILE),
    (0, 1, b"00" + MOBILE, "", MOBILE),
    (0, 1, b"00" + MOBILE, "DE", MOBILE),
    (0, 1, b"00" + MOBILE, "GB", MOBILE),
    (0, 1, b"011" + MOBILE, "US", MOBILE),
    # National, with the trunk prefix and without.
    (0, 1, b"07700900123", "GB", MOBILE),
    (2, 1, b"07700900123", "GB", MOBILE),
    (2, 8, b"7700900123", "GB", MOBILE),
    (0, 8, b"7700900123", "GB", MOBILE),
    (2, 1, b"2015550123", "US", b"1" + b"2015550123"),
    # Could be Egypt's: who leaves out the prefix has to say that it is national.
    (0, 1, b"2015550123", "US", b"2015550123"),
    (0, 1, b"7015550123", "US", b"1" + b"7015550123"),
    # In Italy the 0 belongs to the number.
    (0, 1, b"0655512345", "IT", b"39" + b"0655512345"),
    # Called international, and written as nobody writes that.
    (1, 1, b"07700900123", "GB", MOBILE),
    (1, 1, b"00" + MOBILE, "DE", MOBILE),
    # National, and of which nation is not said.
    (2, 1, b"07700900123", "", None),
    (0, 1, b"07700900123", "", None),
    # No number of the world: short codes, names, other plans, too long, too short.
    (0, 1, b"80888", "DE", None),
    (0, 1, b"80888", "GB", None),
    (1, 1, b"80888", "GB", None),
    (3, 1, MOBILE, "GB", None),
    (4, 1, MOBILE, "GB", None),
    (6, 1, MOBILE, "GB", None),
    (5, 0, b"ACME", "GB", None),
    (5, 0, MOBILE, "GB", None),
    (1, 3, MOBILE, "GB", None),
    (1, 14, b"192.0.2.1", "GB", None),
    (1, 1, b"4" * 16, "GB", None),
    (0, 1, b"0" * 18, "DE", None),
    (0, 1, b"0770", "GB", None),
    (0, 1, b"", "GB", None),
    (0, 1, b"+", "GB", None),
    (0, 1, b"+" + MOBILE[:-1] + b"x", "GB", None),
    (2, 1, b"+07700900123", "GB", None),
]


@pytest.mark.parametrize(("ton", "npi", "address", "region", "digits"), FORMS)
def test_reads(ton: int, npi: int, address: bytes, region: str, digits: bytes | None) -> None:
    assert e164(ton, npi, address, region) == digits


@given(
    st.integers(0, 255),
    st.integers(0, 255),
    st.one_of(st.binary(max_size=20), st.from_regex(rb"\A\+?[0-9]{0,20}\Z")),
    st.sampled_from(["", "DE", "GB", "US", "IT"]),
)
def test_whatever_comes_is_a_number_or_none(
    ton: int, npi: int, address: bytes, region: str
) -> None:
    digits = e164(ton, npi, address, region)
    assert digits is None or (digits.isdigit() and 7 <= len(digits) <= 15)
    # What was read is read as itself, by anyone.
    assert digits is None or e164(1, 1, digits, region) == digits


@pytest.mark.parametrize(
    ("digits", "region", "rest"),
    [
        (MOBILE, "GB", b"7700900123"),
        (MOBILE, "DE", None),
        (b"39" + b"0655512345", "IT", b"0655512345"),
        (NOBODYS, "GB", None),
    ],
)
def test_national(digits: bytes, region: str, rest: bytes | None) -> None:
    assert national(digits, region) == rest


@pytest.mark.parametrize(
    ("ton", "address", "what"),
    [
        (5, b"ACME", "alphanumeric"),
        (5, MOBILE, "alphanumeric"),
        (1, MOBILE, "number"),
        (0, b"+" + MOBILE, "number"),
        (0, b"80888", "short_code"),
        (1, b"+80888", "short_code"),
        (3, MOBILE, "short_code"),
        (6, MOBILE, "short_code"),
        (0, b"", "short_code"),
    ],
)
def test_kinds_of_senders(ton: int, address: bytes, what: str) -> None:
    assert kind(ton, address) == what


def test_what_was_read_is_remembered_within_bounds() -> None:
    numbers._read.cache_clear()
    for _ in range(3):
        assert e164(0, 1, b"07700900123", "GB") == MOBILE
    assert numbers._read.cache_info()[:3] == (2, 1, CACHED)
    e164(1, 1, MOBILE, "GB")  # international as it stands: nobody is asked
    assert numbers._read.cache_info().misses == 1


@pytest.mark.parametrize("text", ["DE", "GB", "US"])
def test_regions(text: str) -> None:
    assert numbers.region(text) == text


@pytest.mark.parametrize("text", ["", "de", "UK", "Germany", "49"])
def test_what_is_no_region(text: str) -> None:
    with pytest.raises(ValueError, match="two letters"):
        numbers.region(text)
