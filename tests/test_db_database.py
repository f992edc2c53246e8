"""The database: its schema and versions, transactions, and what is said when it can't be used."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select, text

from smsc.db.database import Database
from smsc.db.model import Base, Consent, Customer, Period, Revision, Total, User
from smsc.errors import DatabaseAway, DatabaseError, DatabaseOlder
from tests import canary
from tests.databases import PostgreSQL

CANARIES = ["canarynamesong"]


def execute(database: Database, statement: str) -> None:
    with database._engine.begin() as connection:
        connection.execute(text(statement))


def customer(reference: str = "C-1") -> Customer:
    return Customer(
        reference=reference,
        name="Example",
        contract_start=date(2026, 11, 1),
        time_zone="UTC",
        cycle="month",
        prepaid=False,
        created_at=1,
    )


# -- schema --------------------------------------------------------------------------------------


def test_the_migrations_make_the_tables_of_the_model(database: Database) -> None:
    with database._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        made = inspect(connection)
        assert set(made.get_table_names()) == {*Base.metadata.tables, "alembic_version"}
        for name, table in Base.metadata.tables.items():
            want = {str(c.name) for c in table.constraints if type(c).__name__ == "CheckConstraint"}
            assert {c["name"] for c in made.get_check_constraints(name)} == want


def test_a_database_that_is_ready_stays_as_it_is(database: Database) -> None:
    before = database.revision()
    database.prepare()
    database.upgrade()
    assert database.revision() == before


def test_another_schema_waits_for_a_person_and_is_upgraded(database: Database) -> None:
    with database._engine.begin() as connection:
        Base.metadata.drop_all(connection)
    execute(database, "DELETE FROM alembic_version")
    with pytest.raises(DatabaseError, match="not of this version"):
        database.prepare()
    database.upgrade()
    database.prepare()


@pytest.mark.parametrize("act", [Database.prepare, Database.upgrade])
def test_a_newer_schema_is_left_alone(database: Database, act: object) -> None:
    execute(database, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseError, match="run a newer one"):
        act(database)  # type: ignore[operator]


def test_nobody_else_reads_the_file(tmp_path: Path) -> None:
    file = tmp_path / "new" / "smsc.db"
    Database(f"sqlite:///{file}").prepare()
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(file.parent).st_mode) == 0o700


# -- transactions --------------------------------------------------------------------------------


def test_a_change_moves_the_revision_and_a_failed_one_does_not(database: Database) -> None:
    before = database.revision()
    with database.changing() as session:
        session.add(customer())
    assert database.revision() == before + 1
    with pytest.raises(ZeroDivisionError), database.changing() as session:
        session.add(customer("C-2"))
        session.flush()
        _ = 1 // 0
    assert database.revision() == before + 1
    with database.reading() as session:
        assert [row.reference for row in session.scalars(select(Customer))] == ["C-1"]


def test_there_is_one_revision(database: Database) -> None:
    with database.reading() as session:
        assert len(session.scalars(select(Revision)).all()) == 1


def test_nobody_is_registered_without_a_consent(database: Database) -> None:
    def user(consent_id: int | None, role: str = "admin") -> User:
        return User(
            email="ops@example.net",
            name="Ops",
            role=role,
            password_hash="x",
            consent_id=consent_id,
            enabled=True,
            created_at=1,
        )

    for consent_id in (None, 17):
        with pytest.raises(DatabaseError, match="refuses"), database.changing() as session:
            session.add(user(consent_id))
    with database.changing() as session:
        given = Consent(version="1", text_sha256="0" * 64, given_at=1, recorded_by="test")
        session.add(given)
        session.flush()
    with pytest.raises(DatabaseError, match="refuses"), database.changing() as session:
        session.add(user(given.id, role="owner"))  # of no customer
    with database.changing() as session:
        session.add(user(given.id))


def test_totals_belong_to_a_period(database: Database) -> None:
    total = {"network": "44", "direction": "out", "price": 1, "messages": 1, "segments": 1}
    with pytest.raises(DatabaseError, match="refuses"), database.changing() as session:
        session.add(Total(customer="C-1", period="2026-11", amount=1, **total))
    with database.changing() as session:
        session.add(customer())
        session.flush()
        period = Period(
            customer="C-1",
            period="2026-11",
            since=1,
            until=2,
            currency="EUR",
            closed_at=3,
            closed_by="test",
        )
        period.totals.append(Total(amount=1, **total))
        session.add(period)
    with database.reading() as session:
        found = session.scalars(select(Period)).one()
        assert [total.amount for total in found.totals] == [1]


# -- when it is older than what was seen of it ---------------------------------------------------


def test_an_older_copy_is_known_and_waits_for_a_person(database: Database) -> None:
    older = Database(database._engine.url.render_as_string(False), known=database.revision() + 3)
    for act in (older.prepare, older.revision):
        with pytest.raises(DatabaseOlder, match=r"is at revision 1, but was seen at 4: .* accept`"):
            act()
    assert older.accept() == older.revision() == 5
    older.prepare()
    older.close()


def test_the_newest_that_was_seen_counts(database: Database) -> None:
    with database.changing() as session:
        session.add(customer())
    assert database.revision() == 2
    execute(database, "UPDATE revisions SET number = 1")
    with pytest.raises(DatabaseOlder):
        database.revision()


@pytest.mark.parametrize("act", [Database.prepare, Database.upgrade])
def test_an_empty_one_is_not_made_ready_in_place_of_one_that_was_known(
    url: str, act: Callable[[Database], None]
) -> None:
    database = Database(url, known=7)
    with pytest.raises(DatabaseAway):
        act(database)
    with pytest.raises(DatabaseAway):
        database.revision()
    assert database.accept() == 8
    act(database)
    database.close()


def test_a_file_that_is_away_is_not_made_anew(tmp_path: Path) -> None:
    """Its disk is not mounted, say."""
    file = tmp_path / "smsc.db"
    database = Database(f"sqlite:///{file}")
    database.prepare()
    file.rename(tmp_path / "elsewhere")
    with pytest.raises(DatabaseAway, match=r"smsc\.db is not there"):
        database.revision()
    assert not file.exists()
    (tmp_path / "elsewhere").rename(file)
    assert database.revision() == 1
    database.close()


# -- when it can't be used -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "no database URL"),
        ("oracle+nothing://x", "can't be used"),
        ("postgresql://u:hunter2@/x?host=/nowhere", "can't be used"),
    ],
)
def test_a_url_that_leads_nowhere_is_named_without_its_password(url: str, message: str) -> None:
    with pytest.raises(DatabaseError, match=message) as caught:
        Database(url).prepare()
    assert "hunter2" not in str(caught.value)


def test_a_directory_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseError, match="file"):
        Database(f"sqlite:///{tmp_path}/file/smsc.db").prepare()


def test_it_is_used_again_when_it_comes_back(cluster: PostgreSQL) -> None:
    database = Database(cluster.new())
    database.prepare()
    before = database.revision()
    cluster.stop()
    try:
        with pytest.raises(DatabaseError):
            database.revision()
    finally:
        cluster.start()
    assert database.revision() == before
    database.close()


def test_an_error_does_not_quote_the_row(database: Database) -> None:
    with database.changing() as session:
        session.add(customer("C-SECRET"))
    with pytest.raises(DatabaseError) as caught, database.changing() as session:
        session.add(customer("C-SECRET"))
    assert "C-SECRET" not in str(caught.value)


def test_nothing_is_left_of_what_was_deleted(url: str, database: Database, tmp_path: Path) -> None:
    with database.changing() as session:
        row = customer("C-1")
        row.name = "canarynamesong"
        session.add(row)
    assert not url.startswith("sqlite") or canary.found(CANARIES, canary.files(tmp_path))
    with database.changing() as session:
        session.delete(session.get_one(Customer, "C-1"))
    database.purge()
    if url.startswith("sqlite"):
        assert canary.found(CANARIES, canary.files(tmp_path)) == []
    with database.reading() as session:
        assert session.get(Customer, "C-1") is None
