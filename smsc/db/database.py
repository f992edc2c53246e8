"""A database: how it is opened, what version its schema has, and its transactions.

``reading`` and ``changing`` are the only ways in. A change moves the revision in its own
transaction, so that whoever sees another number sees the change. Every error that leaves here is a
DatabaseError that a person can act on, and never holds the URL, which may have a password in it.

The number never runs back. Where it is less than one that was seen, an older copy was put back: in
it live accounts and keys that were removed, and holds and closes are missing. It is not worked with
unless a person says so (``accept``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, insert, inspect, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from smsc.config import Config, DatabaseConfig
from smsc.db.kept import Kept
from smsc.db.model import Revision
from smsc.errors import ConfigError, DatabaseAway, DatabaseError, DatabaseOlder

#: Tables that hold something personal.
_PERSONAL = ("customers", "users", "orders", "credits", "accounts", "api_keys")

#: How long a database may take to answer, seconds: what waits for it is a person or the poller.
PATIENCE = 5

_OLDER = (
    "the database is at revision {}, but was seen at {}: an older copy was put back, or it is"
    " another. Put the right one back, or take this one as it is with `smsc database accept`"
)


class Database:
    """See the module. Safe to use from several threads; connects when first used."""

    def __init__(self, url: str, known: int = 0) -> None:
        """``known`` is the newest revision that was seen of it."""
        self.known = known
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise DatabaseError("database.url is no database URL") from None
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self._file = parsed.database if parsed.get_backend_name() == "sqlite" else None
        try:
            self._engine = create_engine(
                parsed, connect_args=_connect_args(self._file), pool_pre_ping=not self._file
            )
        except (SQLAlchemyError, ImportError) as error:
            raise DatabaseError(f"database.url can't be used: {error}") from None
        if self._file is not None:
            event.listen(self._engine, "connect", _pragmas)
            event.listen(self._engine, "do_connect", self._must_be_there)
            event.listen(self._engine, "checkout", self._must_be_the_same)

    @classmethod
    def of(cls, config: DatabaseConfig) -> Database:
        """The configured one, and no older copy of it."""
        return cls(config.url, Kept(Path(config.snapshot)).revision())

    def _must_be_there(self, *_: Any) -> None:
        # SQLite would make an empty one, where perhaps only a disk is not mounted.
        if self._file and self._file != ":memory:" and not os.path.exists(self._file):
            raise DatabaseAway(f"{self._file} is not there")

    def _must_be_the_same(self, _connection: Any, record: Any, _proxy: Any) -> None:
        # An open file is read on after it was taken away, or another put in its place.
        if self._file and self._file != ":memory:":
            there = os.stat(self._file).st_ino if os.path.exists(self._file) else 0
            if record.info.setdefault("inode", there) != there:
                raise DisconnectionError

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    # -- schema ------------------------------------------------------------------------------

    def prepare(self) -> None:
        """See that the schema is this version's; make it if the database is empty.

        Raises DatabaseError if it is older (``upgrade`` is a person's decision) or newer, and
        DatabaseOlder if its content is (``accept`` is another).
        """
        if not self.known:
            self._make_file()
        with _told():
            with self._engine.connect() as connection:
                empty = not inspect(connection).get_table_names()
                version = MigrationContext.configure(connection).get_current_revision()
            if empty:
                self.upgrade()
            elif version != _steps().get_current_head():
                raise DatabaseError(_mismatch(version))
        self.revision()

    def accept(self) -> int:
        """Take what is there for right, on a person's word; the revision from which on it is."""
        newest, self.known = self.known, 0
        self.prepare()
        number = max(newest, self.known) + 1
        with _told(), self._engine.begin() as connection:
            connection.execute(update(Revision).values(number=number))
        self.known = number
        return number

    def upgrade(self) -> None:
        """Bring the schema to this version's. Raises DatabaseError for one that is newer."""
        if not self.known:
            self._make_file()
        with _told(), self._engine.begin() as connection:
            version = MigrationContext.configure(connection).get_current_revision()
            if version is None and self.known and not inspect(connection).get_table_names():
                raise DatabaseOlder(_OLDER.format(0, self.known))
            if version is not None and version not in _known():
                raise DatabaseError(_mismatch(version))
            command.upgrade(_alembic(connection), "head")
            if connection.execute(select(Revision.number)).first() is None:
                connection.execute(insert(Revision).values(id=1, number=1))

    def _make_file(self) -> None:
        # Made here, since SQLite would let everybody read it.
        if self._file and self._file != ":memory:" and not os.path.exists(self._file):
            try:
                Path(self._file).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))
            except OSError as error:
                raise DatabaseAway(f"{self._file}: {error.strerror}") from error

    # -- transactions ------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that sees one state and changes nothing."""
        with _told(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def changing(self) -> Iterator[Session]:
        """A transaction that is committed at its end, or not at all."""
        with _told(), Session(self._engine, expire_on_commit=False) as session, session.begin():
            # First, so that changes stand in line from here on and each sees the one before.
            session.execute(update(Revision).values(number=Revision.number + 1))
            yield session

    def purge(self) -> None:
        """Have nothing left of rows that were deleted: neither in pages nor in a log beside them.

        SQLite overwrites pages by itself. What a system keeps of its own write-ahead log for copies
        and standbys, PostgreSQL's above all, is out of our reach.
        """
        if self._file is not None:
            statement = "PRAGMA wal_checkpoint(TRUNCATE)"
        else:
            statement = f"VACUUM FULL {', '.join(_PERSONAL)}"
        with _told(), self._engine.connect() as connection:
            # Neither is one for a transaction.
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql(statement)

    def revision(self) -> int:
        """A number that is greater after every change. Raises DatabaseOlder if it is less."""
        with self.reading() as session:
            number = session.scalars(select(Revision.number)).one()
        if number < self.known:
            raise DatabaseOlder(_OLDER.format(number, self.known))
        self.known = number
        return number


@contextmanager
def _told() -> Iterator[None]:
    """Errors of the libraries in words, without the statement and what it was given."""
    try:
        yield
    except IntegrityError as error:
        raise DatabaseError(f"the database refuses it: {_first_line(error)}") from None
    except SQLAlchemyError as error:
        raise DatabaseAway(f"the database can't be used: {_first_line(error)}") from None


def _first_line(error: SQLAlchemyError) -> str:
    # PostgreSQL's DETAIL, on a line of its own, quotes the row.
    said = str(getattr(error, "orig", None) or error).strip()
    return said.splitlines()[0] if said else type(error).__name__


def _connect_args(file: str | None) -> dict[str, Any]:
    if file is not None:
        return {"timeout": PATIENCE}
    return {
        "connect_timeout": PATIENCE,
        "tcp_user_timeout": PATIENCE * 1_000,
        "options": f"-c statement_timeout={PATIENCE * 1_000} -c lock_timeout={PATIENCE * 1_000}",
    }


def _pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # What is deleted is overwritten, so that no page keeps it.
    for pragma in ("foreign_keys=ON", "journal_mode=WAL", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


# -- the configured one --------------------------------------------------------------------------


@contextmanager
def opened(config: Config) -> Iterator[Database]:
    """The configured database, ready. Raises ConfigError if there is none, or DatabaseError."""
    with closing(config) as database:
        database.prepare()
        yield database


@contextmanager
def closing(config: Config) -> Iterator[Database]:
    """The configured database, whatever its version."""
    if not config.database.url:
        raise ConfigError("there is no database: set database.url", key="database")
    database = Database.of(config.database)
    try:
        yield database
    finally:
        database.close()


# -- migrations ----------------------------------------------------------------------------------


def _alembic(connection: Connection | None = None) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _steps() -> ScriptDirectory:
    return ScriptDirectory.from_config(_alembic())


def _known() -> set[str]:
    return {step.revision for step in _steps().walk_revisions()}


def _mismatch(version: str | None) -> str:
    if version in _known():
        return "the database is of an older version: run `smsc database upgrade`"
    return "the database is not of this version of smsc: run a newer one, or another URL is meant"
