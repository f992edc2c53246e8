"""Customers: who is billed, from when to when, by which plan, and how far their money goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from smsc.db.model import (
    ApiKey,
    Credit,
    Customer,
    Hold,
    Order,
    Period,
    PricePlan,
    SmppAccount,
    User,
)
from smsc.errors import DatabaseError


def get(session: Session, reference: str) -> Customer:
    """The customer. Raises DatabaseError if there is none."""
    found = session.get(Customer, reference)
    if found is None:
        raise DatabaseError(f"there is no customer {reference}")
    return found


def every(session: Session) -> Sequence[Customer]:
    """All customers, by reference."""
    return session.scalars(select(Customer).order_by(Customer.reference)).all()


def add(session: Session, reference: str, now: int, **fields: Any) -> Customer:
    """A new customer; ``fields`` are columns."""
    if session.get(Customer, reference) is not None:
        raise DatabaseError(f"there is a customer {reference} already")
    made = Customer(reference=reference, cycle="month", created_at=now, prepaid=False)
    _set(session, made, fields)
    session.add(made)
    return made


def change(session: Session, reference: str, **fields: Any) -> Customer:
    """Set columns of a customer."""
    found = get(session, reference)
    _set(session, found, fields)
    return found


def _set(session: Session, customer: Customer, fields: dict[str, Any]) -> None:
    plan = fields.get("plan")
    if plan is not None:
        _may_have(session, customer, plan)
    for name, value in fields.items():
        setattr(customer, name, value)
    start: date = customer.contract_start
    if customer.contract_end is not None and customer.contract_end < start:
        raise DatabaseError("the contract would end before it starts")
    capped = customer.cap_day is not None or customer.cap_month is not None
    if (customer.prepaid or capped) and customer.plan is None:
        raise DatabaseError("a customer who pays ahead or has a cap needs a price plan")


def _may_have(session: Session, customer: Customer, plan: str) -> None:
    fresh = session.get(PricePlan, plan)
    if fresh is None:
        raise DatabaseError(f"there is no price plan {plan}")
    before = session.get(PricePlan, customer.plan) if customer.plan else None
    if before is not None and before.currency != fresh.currency:
        raise DatabaseError(
            f"{plan} is in {fresh.currency}, but {customer.reference} is billed in"
            f" {before.currency}: a customer keeps one currency"
        )


def credit(session: Session, reference: str, amount: int, note: str, now: int) -> int:
    """Take down a payment (or what is paid back, below 0); the sum of all."""
    customer = get(session, reference)
    session.add(Credit(customer=customer.reference, amount=amount, note=note, at=now))
    session.flush()
    return credited(session, reference)


def credited(session: Session, reference: str) -> int:
    """All that was ever paid in."""
    paid = select(func.coalesce(func.sum(Credit.amount), 0)).where(Credit.customer == reference)
    return int(session.scalars(paid).one())


def remove(session: Session, reference: str) -> None:
    """Take back a customer who was entered by mistake. One who had anything is terminated."""
    found = get(session, reference)
    for table, what in ((SmppAccount, "accounts"), (User, "users"), (Period, "closed periods"),
                        (Credit, "payments"), (ApiKey, "API keys"), (Order, "orders"),
                        (Hold, "holds")):  # fmt: skip
        held = select(func.count()).select_from(table).where(table.customer == reference)
        count = session.scalars(held).one()
        if count:
            raise DatabaseError(f"{reference} has {count} {what}, so it can't be taken back")
    session.delete(found)
