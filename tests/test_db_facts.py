"""Closes and holds from the database; whose an account is while no server runs."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

from smsc.config import DatabaseConfig
from smsc.db.database import Database
from smsc.db.facts import DatabaseFacts, customer_of, facts_of
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


def period(reference: str) -> Period:
    return Period(
        customer=reference, period="2026-09", since=0, until=1, currency="EUR", closed_at=CLOSED,
        closed_by="ada",
    )  # fmt: skip


def hold(reference: str, case: str, ended_at: int | None = None) -> HoldRow:
    return HoldRow(
        customer=reference, period=None, pseudonyms=None, reason="legal", case_id=case,
        creator="ada", approver=None, review_on=date(2026, 10, 4), created_at=1, ended_at=ended_at,
    )  # fmt: skip


def test_what_was_closed_and_what_is_held(url: str, database: Database) -> None:
    reference = customer().reference
    fill(database, period(reference), hold(reference, "case-7"), hold(reference, "case-8", 5))
    facts = DatabaseFacts(url)
    assert facts.holds() == [
        Hold("case-7", "legal", "ada", "", review=CLOSED, customer=reference),
    ]
    assert facts.closed(reference.encode(), "2026-09") == CLOSED
    assert facts.closed(reference.encode(), "2026-10") is None
    assert facts.closed(b"another", "2026-09") is None


def test_a_later_close_is_met(url: str, database: Database) -> None:
    facts = DatabaseFacts(url)
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
