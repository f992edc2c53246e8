"""Closes and holds from the database; whose an account is while no server runs."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

from smsc.config import DatabaseConfig
from smsc.db import customer_of, facts_of
from smsc.db.database import Database
from smsc.db.facts import DatabaseFacts
from smsc.db.model import Hold as HoldRow
from smsc.db.model import Period
from smsc.facts import FileFacts
from smsc.retention import Hold
from tests.rows import account, customer
from tests.serving import configuration

CLOSED = 1_791_072_000_000


def fill(database: Database, *rows: Any) -> None:
    with database.changing() as session:
        session.add(customer())
        session.flush()
        session.add_all(rows)


HOUR = 3_600_000
DAY = 24 * HOUR
#: 2026-09-01 and 2026-10-01, UTC.
BEGIN, END = 1_788_220_800_000, 1_790_812_800_000


def period(
    reference: str, name: str = "2026-09", since: int = BEGIN, until: int = END, at: int = CLOSED
) -> Period:
    return Period(
        customer=reference, period=name, since=since, until=until, currency="EUR", closed_at=at,
        closed_by="ada",
    )  # fmt: skip


def hold(reference: str, case: str, ended_at: int | None = None) -> HoldRow:
    return HoldRow(
        customer=reference, period=None, pseudonyms=None, reason="legal", case_id=case,
        creator="ada", approver=None, review_on=date(2026, 10, 4), created_at=1, ended_at=ended_at,
    )  # fmt: skip


def test_what_was_closed_and_what_is_held(url: str, database: Database, tmp_path: Path) -> None:
    reference = customer().reference
    fill(database, period(reference), hold(reference, "case-7"), hold(reference, "case-8", 5))
    facts = DatabaseFacts(DatabaseConfig(url=url, snapshot=str(tmp_path / "kept")))
    assert facts.holds() == [
        Hold("case-7", "legal", "ada", "", review=CLOSED, customer=reference),
    ]
    assert facts.closed(reference.encode(), "2026-09") == CLOSED
    assert facts.closed(reference.encode(), "2026-10") is None
    assert facts.closed(b"another", "2026-09") is None


def test_a_month_is_closed_when_all_periods_in_it_are(
    url: str, database: Database, tmp_path: Path
) -> None:
    """A customer two hours ahead of UTC: its September ends before the month does."""
    reference, early = customer().reference, 2 * HOUR
    facts = DatabaseFacts(DatabaseConfig(url=url, snapshot=str(tmp_path / "kept")))
    fill(database, period(reference, since=BEGIN - early, until=END - early))
    facts.holds()
    assert facts.closed(reference.encode(), "2026-09") is None, "two hours of it are October's"
    october = period(reference, "2026-10", END - early, END + 31 * DAY - early, CLOSED + 31 * DAY)
    with database.changing() as session:
        session.add(october)
    facts.holds()
    assert facts.closed(reference.encode(), "2026-09") == CLOSED + 31 * DAY


def test_before_its_first_period_a_customer_has_nothing(
    url: str, database: Database, tmp_path: Path
) -> None:
    """A customer behind UTC, new in September."""
    reference = customer().reference
    fill(database, period(reference, since=BEGIN + 5 * HOUR, until=END + 5 * HOUR))
    facts = DatabaseFacts(DatabaseConfig(url=url, snapshot=str(tmp_path / "kept")))
    facts.holds()
    assert facts.closed(reference.encode(), "2026-09") == CLOSED
    assert facts.closed(reference.encode(), "2026-10") is None


def test_a_later_close_is_met(url: str, database: Database, tmp_path: Path) -> None:
    facts = DatabaseFacts(DatabaseConfig(url=url, snapshot=str(tmp_path / "kept")))
    assert facts.holds() == []
    reference = customer().reference
    fill(database, period(reference))
    facts.holds()
    assert facts.closed(reference.encode(), "2026-09") == CLOSED


def test_without_a_database_there_is_a_file(tmp_path: Path, url: str) -> None:
    config = configuration(tmp_path)
    assert isinstance(facts_of(config), FileFacts)
    config = dataclasses.replace(config, database=DatabaseConfig(url=url))
    assert isinstance(facts_of(config), DatabaseFacts)


def test_whose_an_account_is(tmp_path: Path, url: str, database: Database) -> None:
    fill(database, account("third"))
    config = configuration(tmp_path)
    customers = customer_of(dataclasses.replace(config, database=DatabaseConfig(url=url)))
    assert customers(b"acme") == b"acme"
    assert customers(b"third") == b"C-1"
    assert customers(b"nobody") == b"nobody"
