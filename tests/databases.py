"""A fresh database of either engine. PostgreSQL is Debian's, run by the tests on a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from smsc.db.database import Database

ENGINES = ("sqlite", "postgresql")

_numbers = count(1)


@cache
def binaries() -> Path | None:
    """Where PostgreSQL's programs are, the newest of several; None without it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    return found[-1].parent if found else None


class PostgreSQL:
    """A cluster of its own in a new directory; root runs it as somebody without rights."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self.directory = Path(tempfile.mkdtemp(prefix="pg-"))
        self._as: list[str] = []
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("postgres")
            os.chown(self.directory, nobody.pw_uid, nobody.pw_gid)
            self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        data = self.directory / "data"
        self._run("initdb", "-D", data, "-A", "trust", "-U", "smsc", "-E", "UTF8", "--no-sync")
        self.start()

    def _run(self, program: str, *options: object) -> None:
        subprocess.run(
            [*self._as, self._programs / program, *map(str, options)],
            check=True,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self.directory} -c fsync=off"
        data, log = self.directory / "data", self.directory / "log"
        self._run("pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.directory / "data", "-m", "immediate", "-w", "stop")

    def url(self, name: str) -> str:
        return f"postgresql://smsc@/{name}?host={self.directory}"

    def new(self) -> str:
        """The URL of a new, empty database."""
        name = f"d{next(_numbers)}"
        engine = create_engine(
            self.url("postgres").replace("postgresql", "postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
        )
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self.url(name)


@pytest.fixture(scope="session")
def cluster() -> Iterator[PostgreSQL]:
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    started = PostgreSQL(programs)
    yield started
    started.stop()
    shutil.rmtree(started.directory)


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database, once of each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/smsc.db"
    made: str = request.getfixturevalue("cluster").new()
    return made


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A database that is ready."""
    made = Database(url)
    made.prepare()
    yield made
    made.close()
