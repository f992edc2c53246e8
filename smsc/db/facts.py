"""What the database knows for retention: which periods were closed, and what is held."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.orm import Session

from smsc.db.database import Database
from smsc.db.model import Hold as HoldRow
from smsc.db.model import Period
from smsc.retention import Hold, Months, month_start


class DatabaseFacts:
    """``retention.Facts`` from the database, read anew whenever the holds are asked for.

    Keys are of months in UTC and a customer's billing periods of months on its own clock: a key's
    month is closed when the last of the periods that it reaches into is.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        #: (since, until, closed at) of each customer's closed periods, in order.
        self._closed: dict[bytes, list[tuple[int, int, int]]] = {}

    def closed(self, customer: bytes, period: str) -> int | None:
        spans = self._closed.get(customer, [])
        end = Months().end(customer, period)
        # Before its first period a customer has no messages.
        reached = max(month_start(period), spans[0][0]) if spans else 0
        at = 0
        for since, until, closed_at in spans:
            if since <= reached < until:
                reached, at = until, max(at, closed_at)
        return at if spans and reached >= end else None

    def holds(self) -> Sequence[Hold]:
        # A judgement asks for the holds first, and once.
        with read(self._url) as session:
            self._closed = {}
            for row in session.scalars(select(Period).order_by(Period.since)):
                spans = self._closed.setdefault(row.customer.encode(), [])
                spans.append((row.since, row.until, row.closed_at))
            rows = session.scalars(select(HoldRow).where(HoldRow.ended_at.is_(None)))
            return [_hold(row) for row in rows]


@contextmanager
def read(url: str) -> Iterator[Session]:
    """A session of a connection that is made for it: once a minute, or for one command."""
    database = Database(url)
    try:
        with database.reading() as session:
            yield session
    finally:
        database.close()


def _hold(row: HoldRow) -> Hold:
    """A hold as the rules know it: of a number, it holds all that the number may be in."""
    return Hold(
        case=row.case_id,
        reason=row.reason,
        creator=row.creator,
        approver=row.approver or "",
        review=calendar.timegm(row.review_on.timetuple()) * 1_000,
        customer=row.customer,
        period=row.period or "",
    )
