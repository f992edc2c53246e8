"""Money: read and written without losing any."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc.money import MAX_AMOUNT, UNIT, amount, decimal


@pytest.mark.parametrize(
    ("text", "value", "written"),
    [
        ("0", 0, "0.00"),
        ("0.075", 750, "0.075"),
        ("0.0001", 1, "0.0001"),
        ("12", 120_000, "12.00"),
        ("-3.5", -35_000, "-3.50"),
        ("100000000", MAX_AMOUNT, "100000000.00"),
    ],
)
def test_reads_and_writes(text: str, value: int, written: str) -> None:
    assert (amount(text), decimal(value)) == (value, written)


@pytest.mark.parametrize("text", ["", ".", "1.", ".5", "0.00001", "1e3", "1,5", "٣", "100000001"])
def test_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="at most four places"):
        amount(text)


@given(st.integers(-MAX_AMOUNT, MAX_AMOUNT))
def test_nothing_is_lost(value: int) -> None:
    assert Decimal(decimal(value)) * UNIT == value == amount(decimal(value))
