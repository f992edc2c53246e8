"""What the database knows for retention: which periods were closed, and what is held."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.orm import Session

from smsc.config import DatabaseConfig
from smsc.db.database import Database
from smsc.db.model import Customer, Period
from smsc.db.model import Hold as HoldRow
from smsc.periods import Span, at_place, closed_at, span
from smsc.retention import Hold
from smsc.zones import zone


class DatabaseFacts:
    """``retention.Facts`` from the database, read anew whenever the holds are asked for.

    A key's period is closed when all of it is in billing periods that are: mostly that is its own.
    """

    def __init__(self, config: DatabaseConfig) -> None:
        self._config = config
        #: Each customer's closed periods in order, with when they were closed.
        self._closed: dict[bytes, list[tuple[Span, int]]] = {}

    def closed(self, customer: bytes, period: str) -> int | None:
        return closed_at(span(period), self._closed.get(customer, ()))

    def holds(self) -> Sequence[Hold]:
        # A judgement asks for the holds first, and once.
        with read(self._config) as session:
            self._closed = {}
            for row in session.scalars(select(Period).order_by(Period.since)):
                spans = self._closed.setdefault(row.customer.encode(), [])
                spans.append((Span(row.since, row.until), row.closed_at))
            found = select(HoldRow, Customer).join(Customer).where(HoldRow.ended_at.is_(None))
            return [_hold(row, customer) for row, customer in session.execute(found)]


@contextmanager
def read(config: DatabaseConfig) -> Iterator[Session]:
    """A session of a connection that is made for it: now and then, or for one command."""
    database = Database.of(config)
    try:
        database.revision()  # not of an older copy
        with database.reading() as session:
            yield session
    finally:
        database.close()


def _hold(row: HoldRow, customer: Customer) -> Hold:
    """A hold as the rules know it."""
    return Hold(
        case=row.case_id,
        reason=row.reason,
        creator=row.creator,
        approver=row.approver or "",
        review=calendar.timegm(row.review_on.timetuple()) * 1_000,
        customer=row.customer,
        pseudonyms=tuple(row.pseudonyms or ()),
        period=at_place(row.period, zone(customer.time_zone)) if row.period else "",
    )
