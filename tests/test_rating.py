"""What a message costs, on which day, and whether its customer may spend that much."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc.rating import Charge, Plan, Price, Purse, Tariff, month_of, read_charge
from smsc.smpp import MessageState
from smsc.zones import zone

EVER = date(2000, 1, 1)
TURN = date(2027, 1, 1)
BEFORE, AFTER = (TURN - date(1970, 1, 1)).days - 1, (TURN - date(1970, 1, 1)).days


def price(destination: str, amount: int, direction: str = "out", **days: date) -> Price:
    known = {"since": EVER, "until": None} | days
    return Price(direction, destination, amount, known["since"], known["until"])  # type: ignore[arg-type]


PLAN = Plan(
    "EUR",
    "submitted",
    [
        price("*", 900),
        price("44", 800, until=TURN),
        price("44", 850, since=TURN),
        price("4477", 700),
        price("262-*", 600),
        price("262-01", 500),
        price("4477", 10, "in"),
    ],
)


@pytest.mark.parametrize(
    ("direction", "network", "number", "day", "amount"),
    [
        ("out", b"", b"999123", BEFORE, 900),
        ("out", b"", b"441234", BEFORE, 800),
        ("out", b"", b"+441234", AFTER, 850),
        ("out", b"", b"447700900123", AFTER, 700),
        ("out", b"26201", b"447700900123", AFTER, 500),
        ("out", b"26202", b"447700900123", AFTER, 600),
        ("out", b"23415", b"447700900123", AFTER, 700),
        ("in", b"", b"447700900123", AFTER, 10),
        ("in", b"", b"441234", AFTER, None),
    ],
)
def test_the_nearest_price_of_the_day(
    direction: str, network: bytes, number: bytes, day: int, amount: int | None
) -> None:
    assert PLAN.price(direction, network, number, day) == amount  # type: ignore[arg-type]


def test_no_price_before_its_first_day() -> None:
    plan = Plan("EUR", "submitted", [price("*", 1, since=TURN)])
    assert plan.price("out", b"", b"44", BEFORE) is None
    assert plan.price("out", b"", b"44", AFTER) == 1


def test_a_day_is_one_of_the_customers() -> None:
    midnight = AFTER * 86_400_000
    tariffs = [Tariff(b"C", PLAN, zone(name)) for name in ("UTC", "Europe/Berlin", "America/Lima")]
    assert [tariff.day(midnight - 1) for tariff in tariffs] == [BEFORE, AFTER, BEFORE]
    assert [tariff.day(midnight) for tariff in tariffs] == [AFTER, AFTER, BEFORE]


# -- charges -------------------------------------------------------------------------------------


@given(st.binary(max_size=64), st.integers(0, 2**32 - 1), st.integers(0, 65535), st.booleans())
def test_a_charge_is_read_as_it_was_written(name: bytes, amount: int, day: int, yes: bool) -> None:
    for charge in (Charge(name, amount, day, yes, not yes), Charge(name, amount, day, yes, yes)):
        assert read_charge(charge.packed()) == charge


@pytest.mark.parametrize("on_delivery", [False, True])
@pytest.mark.parametrize("acknowledged", [False, True])
@pytest.mark.parametrize("state", MessageState)
def test_when_a_charge_is_due(on_delivery: bool, acknowledged: bool, state: MessageState) -> None:
    charge = Charge(b"C", 7, 1, on_delivery, False)
    delivered = state in (MessageState.DELIVERED, MessageState.ENROUTE)
    due = delivered or (acknowledged and not on_delivery)
    assert charge.due(state, acknowledged) == 7 * due


# -- purses --------------------------------------------------------------------------------------


def charged(amount: int, day: int) -> Charge:
    return Charge(b"C", amount, day, False, True)


def tariff(**limits: int | bool) -> Tariff:
    return Tariff(b"C", PLAN, zone("UTC"), **limits)  # type: ignore[arg-type]


def test_who_pays_ahead_has_what_is_neither_spent_nor_reserved() -> None:
    purse = Purse(spent=30, reserved=20)
    paid = tariff(prepaid=True, credited=100)
    assert paid.affords(purse, 50, AFTER)
    assert not paid.affords(purse, 51, AFTER)
    assert tariff(credited=0).affords(purse, 51, AFTER)  # the others get an invoice


def test_a_cap_counts_its_day_and_month() -> None:
    purse = Purse().reserve(charged(60, BEFORE))
    daily, monthly = tariff(cap_day=100), tariff(cap_month=100)
    assert daily.affords(purse, 40, BEFORE) and not daily.affords(purse, 41, BEFORE)
    assert monthly.affords(purse, 40, BEFORE) and not monthly.affords(purse, 41, BEFORE)
    assert daily.affords(purse, 100, AFTER) and monthly.affords(purse, 100, AFTER)
    assert not monthly.affords(purse.on(BEFORE - 1), 41, BEFORE)


def test_what_costs_nothing_is_given_back_where_it_was_taken() -> None:
    purse = Purse().reserve(charged(60, BEFORE)).reserve(charged(10, AFTER))
    assert purse == Purse(0, 70, AFTER, 10, 10)
    assert purse.settle(charged(60, BEFORE), 0) == Purse(0, 10, AFTER, 10, 10)
    assert purse.settle(charged(10, AFTER), 0) == Purse(0, 60, AFTER, 0, 0)
    assert purse.settle(charged(10, AFTER), 10) == Purse(10, 60, AFTER, 10, 10)
    same_month = Purse().reserve(charged(5, AFTER)).reserve(charged(6, AFTER + 1))
    assert same_month.settle(charged(5, AFTER), 0) == Purse(0, 6, AFTER + 1, 6, 6)


@given(st.integers(0, 40_000))
def test_months_are_the_calendars(day: int) -> None:
    when = date.fromordinal(day + date(1970, 1, 1).toordinal())
    assert divmod(month_of(day), 12) == (when.year, when.month - 1)
