"""``smsc subject correct``: what is registered can be set right, what was sent can't."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsc.db import customers, users
from smsc.db.database import Database
from tests.rights import ADA, Desk
from tests.rows import customer


@pytest.fixture
def url(tmp_path: Path) -> str:
    """One engine is enough here: what is asked of both is asked in the tests of ``smsc.db``."""
    return f"sqlite:///{tmp_path}/smsc.db"


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str, database: Database) -> Desk:
    with database.changing() as session:
        session.add(customer("C-1", name="Exmaple"))
        session.flush()
        for name in ("ada", "ben"):
            given = users.consent(session, "v1", b"text", "root", 1)
            users.add(session, given, f"{name}@example.com", name, "owner", "C-1", "x" * 20, 1)
    return Desk(tmp_path, capsys, url)


def test_what_is_registered_is_set_right(desk: Desk, database: Database) -> None:
    desk.run("subject correct user ada@example.com --case D-1 --name Ada --email a@example.com")
    desk.run("subject correct customer C-1 --case D-2 --name Example")
    with database.reading() as session:
        assert users.get(session, "a@example.com").name == "Ada"
        assert customers.get(session, "C-1").name == "Example"
    noted = [(e["event"], e["case"], e["fields"]) for e in desk.events()]
    assert noted == [
        ("subject.correct", "D-1", ["email", "name"]),
        ("subject.correct", "D-2", ["name"]),
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (f"number {ADA} --name Ada", "which say what was"),
        ("user ada@example.com", "--name or --email"),
        ("user ada@example.com --email ben@example.com", "of this address already"),
        ("user eve@example.com --name Eve", "no such user"),
        ("customer C-1 --email a@example.com", "a customer has no address here"),
    ],
)
def test_what_can_not_be_is_said(desk: Desk, words: str, complaint: str) -> None:
    assert complaint in desk.run(f"subject correct {words} --case D-1", 1)
