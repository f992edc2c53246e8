"""Price plans: what a segment costs, by destination, direction and day.

A price is never edited. It ends on a day and another begins, so that what was accepted before keeps
what it was accepted at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from smsc.db.model import Customer, Price, PricePlan
from smsc.errors import DatabaseError

#: Long before the first message.
EVER = date(2000, 1, 1)


def get(session: Session, name: str) -> PricePlan:
    """The plan. Raises DatabaseError if there is none."""
    found = session.get(PricePlan, name)
    if found is None:
        raise DatabaseError(f"there is no price plan {name}")
    return found


def every(session: Session) -> Sequence[PricePlan]:
    """All plans, by name."""
    return session.scalars(select(PricePlan).order_by(PricePlan.name)).all()


def plan(session: Session, name: str, currency: str, charged: str) -> PricePlan:
    """A new plan without prices."""
    if session.get(PricePlan, name) is not None:
        raise DatabaseError(f"there is a price plan {name} already")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise DatabaseError(f"{currency!r} must be a currency of ISO 4217, like EUR")
    made = PricePlan(name=name, currency=currency, charged=charged)
    session.add(made)
    return made


def enter(
    session: Session,
    plan: str,
    destination: str,
    amount: int,
    direction: str = "out",
    since: date = EVER,
) -> Price:
    """What a destination costs from a day on; the price before it ends there."""
    found = get(session, plan)
    destination = _destination(destination)
    if amount < 0:
        raise DatabaseError("a price can't be below 0")
    for price in found.prices:
        if (price.destination, price.direction) != (destination, direction):
            continue
        if price.since >= since:
            raise DatabaseError(f"{destination} has a price from {price.since} on: remove it first")
        if price.until is None or price.until > since:
            price.until = since
    made = Price(destination=destination, direction=direction, amount=amount, since=since)
    found.prices.append(made)
    return made


def remove(session: Session, plan: str, destination: str | None, direction: str = "out") -> None:
    """Take back a plan, or the newest price of a destination: the one before it goes on."""
    found = get(session, plan)
    if destination is None:
        used = select(func.count()).select_from(Customer).where(Customer.plan == plan)
        if count := session.scalars(used).one():
            raise DatabaseError(f"{plan} is the plan of {count} customers")
        session.delete(found)
        return
    destination = _destination(destination)
    prices = [p for p in found.prices if (p.destination, p.direction) == (destination, direction)]
    if not prices:
        raise DatabaseError(f"{plan} has no price for {destination} ({direction})")
    prices.sort(key=lambda price: price.since)
    found.prices.remove(prices[-1])
    if len(prices) > 1:
        prices[-2].until = None


def _destination(text: str) -> str:
    digits = text.removeprefix("+")
    if text == "*" or re.fullmatch(r"\d{1,15}|\d{3}-(\d{2,3}|\*)", digits, re.ASCII):
        return digits
    raise DatabaseError(
        f"{text!r} must be a network (262-01, 262-*), the first digits of numbers (49), or *"
    )
