"""The register of disclosures: two people, one time, and an end."""

from __future__ import annotations

from typing import Any

import pytest

from smsc.db import disclosures
from smsc.db.database import Database
from smsc.errors import DatabaseError

SCOPE: dict[str, Any] = {"kind": "number", "what": ["traffic"], "since": 1, "until": 2}


@pytest.fixture
def register(database: Database) -> Database:
    """A request that ada has checked at 10, and that expires at 20."""
    with database.changing() as session:
        disclosures.check(session, "R-1", "Court", "StPO 100g", SCOPE, "ada", 10, 20)
    return database


def test_another_may_release_it_until_it_expires(register: Database) -> None:
    with register.changing() as session:
        assert disclosures.is_open(session, "R-1", 19)
        assert not disclosures.is_open(session, "R-1", 20)
        entry = disclosures.may_release(session, "R-1", "ben", 19)
        assert entry.scope == SCOPE
        entry.releaser, entry.released_at, entry.sha256 = "ben", 19, "0" * 64
    with register.reading() as session:
        assert not disclosures.is_open(session, "R-1", 19)
        assert [one.reference for one in disclosures.every(session)] == ["R-1"]
        with pytest.raises(DatabaseError, match="was released by ben"):
            disclosures.may_release(session, "R-1", "eve", 19)


@pytest.mark.parametrize(
    ("reference", "by", "now", "why"),
    [
        ("R-1", "ada", 15, "somebody else releases it"),
        ("R-1", "ben", 20, "has expired"),
        ("R-2", "ben", 15, "there is no request R-2"),
    ],
)
def test_who_may_not_release_it(
    register: Database, reference: str, by: str, now: int, why: str
) -> None:
    with register.reading() as session, pytest.raises(DatabaseError, match=why):
        disclosures.may_release(session, reference, by, now)


def test_the_database_itself_wants_two(register: Database) -> None:
    with pytest.raises(DatabaseError, match="refuses"), register.changing() as session:
        disclosures.get(session, "R-1").releaser = "ada"


def test_a_reference_is_entered_once(register: Database) -> None:
    with register.changing() as session, pytest.raises(DatabaseError, match="already"):
        disclosures.check(session, "R-1", "Court", "StPO 100g", SCOPE, "eve", 11, 21)
