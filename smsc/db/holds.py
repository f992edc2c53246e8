"""Holds: what must not be deleted for now. Whoever takes one down is not who approves of it.

A hold is in force from the moment that it is taken down: what it is about might be due today. Its
row stays when it is over, so that its case is never given to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from smsc import billing
from smsc.db import customers
from smsc.db.model import Hold
from smsc.errors import DatabaseError
from smsc.zones import zone


def get(session: Session, case: str) -> Hold:
    """The hold of this case, over or not. Raises DatabaseError if there is none."""
    found = session.scalars(select(Hold).where(Hold.case_id == case)).first()
    if found is None:
        raise DatabaseError(f"there is no hold for {case}")
    return found


def every(session: Session, customer: str | None = None) -> Sequence[Hold]:
    """All holds in force, or those on a customer, the oldest first."""
    query = select(Hold).where(Hold.ended_at.is_(None))
    if customer is not None:
        query = query.where(Hold.customer == customer)
    return session.scalars(query.order_by(Hold.id)).all()


def add(
    session: Session,
    case: str,
    customer: str,
    period: str | None,
    reason: str,
    creator: str,
    review_on: date,
    now: int,
) -> Hold:
    """Take one down. Its pseudonyms, if it is by number, are set when it is sure to be wanted."""
    if session.scalars(select(Hold.id).where(Hold.case_id == case)).first() is not None:
        raise DatabaseError(f"there is a hold for {case} already, or was one")
    whose = customers.get(session, customer)
    if period is not None:
        billing.span(period, whose.cycle, zone(whose.time_zone))
    made = Hold(
        customer=customer,
        period=period,
        reason=reason,
        case_id=case,
        creator=creator,
        review_on=review_on,
        created_at=now,
    )
    session.add(made)
    session.flush()
    return made


def change(
    session: Session, case: str, *, approver: str | None = None, review_on: date | None = None
) -> Hold:
    """Approve of a hold, or say when it is to be looked at again."""
    found = _in_force(session, case)
    if approver is not None:
        if approver == found.creator:
            raise DatabaseError("a hold is approved by somebody else")
        found.approver = approver
    if review_on is not None:
        found.review_on = review_on
    return found


def end(session: Session, case: str, now: int) -> None:
    """It is over: the old clock goes on."""
    _in_force(session, case).ended_at = now


def _in_force(session: Session, case: str) -> Hold:
    found = get(session, case)
    if found.ended_at is not None:
        raise DatabaseError(f"the hold for {case} is over")
    return found
