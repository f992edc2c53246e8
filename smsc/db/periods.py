"""Closed billing periods and their totals: written once, never changed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from smsc.billing import Bill, Line, Sum
from smsc.db.model import Period, Total
from smsc.periods import Span


def get(session: Session, customer: str, period: str) -> Period | None:
    """The period if it is closed."""
    return session.get(Period, (customer, period))


def every(session: Session, customer: str) -> Sequence[Period]:
    """All closed periods of a customer, oldest first."""
    found = select(Period).where(Period.customer == customer).order_by(Period.since)
    return session.scalars(found).all()


def close(
    session: Session,
    customer: str,
    period: str,
    when: Span,
    currency: str,
    made: Bill,
    by: str,
    now: int,
) -> Period:
    """Write down what a period came to. One that is closed stays as it is."""
    known = get(session, customer, period)
    if known is not None:
        return known
    closed = Period(
        customer=customer,
        period=period,
        since=when.since,
        until=when.until,
        currency=currency,
        closed_at=now,
        closed_by=by,
        totals=[_total(line, made.lines[line]) for line in sorted(made.lines, key=_order)],
    )
    session.add(closed)
    return closed


def _total(line: Line, total: Sum) -> Total:
    return Total(
        network=line.network,
        direction=line.direction,
        price=line.price,
        messages=total.messages,
        segments=total.segments,
        amount=total.amount,
    )


def _order(line: Line) -> tuple[str, str, int]:
    return line.direction, line.network, -1 if line.price is None else line.price
