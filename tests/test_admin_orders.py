"""API keys, orders and consents, as an operator types them, and what they are told."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from smsc.db import orders
from smsc.db.database import Database
from smsc.db.model import ApiKey, Order, Period, User
from tests.test_admin import Typed, typed

TEXT = "A text that nobody else is to read"
NUMBER = "447700900123"


@pytest.fixture
def desk(tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]) -> Typed:
    made = typed(tmp_path, url, capsys)
    made("customer add C-1 --name Example")
    made("customer add C-2 --name Other")
    return made


# -- keys ----------------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_only_its_hash_is_kept(desk: Typed, database: Database) -> None:
    made = desk.json("key add C-1 --name 'web shop'")
    key, id = made.pop("key"), made["id"]
    assert re.fullmatch(rf"smsc_{id}_[\w-]{{43}}", key)
    with database.reading() as session:
        row = session.get(ApiKey, id)
        assert row is not None and row.sha256 == hashlib.sha256(key.encode()).hexdigest()
    secret = key.removeprefix(f"smsc_{id}_")
    for words in (f"key show {id}", "key list", "key list --json"):
        assert secret not in desk(words) and "web shop" in desk.said
    assert desk.json("key add C-1 --name 'web shop'")["id"] != id


def test_a_key_is_called_otherwise_and_removed_for_good(desk: Typed) -> None:
    id = desk.json("key add C-1 --name old")["id"]
    desk("key add C-2 --name theirs")
    assert desk.json(f"key change {id} --name new")["name"] == "new"
    assert [row["name"] for row in desk.json("key list --customer C-1")] == ["new"]
    desk(f"key remove {id}")
    assert [row["name"] for row in desk.json("key list")] == ["theirs"]
    assert desk.json(f"key show {id}")["removed"]
    for words in (f"key remove {id}", f"key change {id} --name again"):
        desk(words, 1)
        assert desk.complained == f"smsc: API key {id} was removed\n"


# -- orders --------------------------------------------------------------------------------------


@pytest.fixture
def order(desk: Typed, tmp_path: Path) -> Callable[..., str]:
    (tmp_path / "text").write_text(TEXT)
    (tmp_path / "numbers").write_text(f"+{NUMBER}\n\n44 7700 900124\n")

    def words(customer: str = "C-1", *, numbers: str = "numbers", more: str = "") -> str:
        files = f"--text {tmp_path}/text --recipients {tmp_path}/{numbers}"
        return f"order add {customer} --sender Example {files} {more}"

    return words


def close(database: Database, since: int, until: int) -> None:
    with database.changing() as session:
        session.add(
            Period(
                customer="C-1", period="2026-11", since=since, until=until, currency="EUR",
                closed_at=until, closed_by="ada",
            )
        )  # fmt: skip


def test_an_order_is_shown_without_its_text_and_with_numbers_cut(
    desk: Typed, order: Callable[..., str], database: Database
) -> None:
    made = desk.json(order())
    assert (made["state"], made["recipients"], made["done"]) == ("new", 2, None)
    shown = desk.json("order show 1")
    assert shown["recipients"] == [{"to": "447700900xxx"}] * 2
    assert (shown["sender"], shown["characters"]) == ("Example", len(TEXT))
    for words in ("order show 1", "order list"):
        desk(words)
        assert TEXT not in desk.said and NUMBER not in desk.said
    with database.reading() as session:
        row = orders.get(session, 1)
        assert (row.text, row.recipients) == (TEXT, [NUMBER, "447700900124"])
    desk(order("C-2"))
    assert [row["id"] for row in desk.json("order list --customer C-2")] == [2]


def test_an_order_goes_on_and_is_deleted_when_it_is_billed(
    desk: Typed, order: Callable[..., str], database: Database
) -> None:
    desk(order())
    desk("order remove 1", 1)
    assert "order 1 is in work: it can be deleted when it is done and billed" in desk.complained
    assert desk.json("order change 1 --state working")["done"] is None
    assert desk.json("order change 1 --state done")["done"]
    desk("order change 1 --state done")  # again is harmless
    desk("order change 1 --state working", 1)
    assert "order 1 is done, so it can't become working" in desk.complained
    desk("order remove 1", 1)
    assert "order 1 is not billed: it can be deleted when its period is closed" in desk.complained
    with database.reading() as session:
        row = orders.get(session, 1)
        created, done = row.created_at, row.done_at
    assert done is not None
    close(database, created - 1, done)
    desk("order remove 1", 1)  # its last message may be in the next period
    with database.changing() as session:
        session.query(Period).update({Period.until: done + 1})
    desk("order remove 1")
    with database.reading() as session:
        assert session.query(Order).count() == 0


REFUSED = [
    ("numbers", "--user nobody@example.net", 1, "there is no such user"),
    ("missing", "", 1, "missing: No such file or directory"),
    ("bad", "", 1, "bad:2: a number is written with its country code"),
    ("empty", "", 1, "an order without recipients"),
    ("binary", "", 1, "binary: is no text"),
    ("numbers", "--sender 'a name that is far too long'", 2, "1 to 20 printable"),
    ("numbers", "--text /dev/null", 1, "an order without a text"),
]


def test_what_is_no_order_is_refused(
    desk: Typed, order: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "bad").write_text(f"{NUMBER}\n07700900555\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for numbers, more, status, complaint in REFUSED:
        desk(order(numbers=numbers, more=more), status)
        assert complaint in desk.complained and "07700900555" not in desk.complained
    assert desk.json("order list") == []


def test_an_order_is_of_its_own_customers_people(
    desk: Typed, order: Callable[..., str], tmp_path: Path
) -> None:
    register(desk, tmp_path)
    assert desk.json(order(more="--user ada@example.net"))["id"] == 1
    desk(order("C-2", more="--user ada@example.net"), 1)
    assert "that user is none of this customer's people" in desk.complained
    desk("customer remove C-2")
    desk("customer remove C-1", 1)


# -- consents ------------------------------------------------------------------------------------


def register(desk: Typed, directory: Path) -> None:
    (directory / "consent").write_text("I agree.")
    desk(
        "user add ada@example.net --name Ada --role owner --customer C-1 --consent 2026-1"
        f" --consent-text {directory}/consent"
    )


def test_another_text_is_agreed_to_and_the_one_before_is_over(
    desk: Typed, database: Database, tmp_path: Path
) -> None:
    register(desk, tmp_path)
    (tmp_path / "newer").write_text("I agree, too.")
    added = desk.json(f"consent add ada@example.net --version 2026-2 --text {tmp_path}/newer")
    assert added["text_sha256"] == hashlib.sha256(b"I agree, too.").hexdigest()
    listed = desk.json("consent list")
    assert [(row["version"], bool(row["withdrawn"])) for row in listed] == [
        ("2026-1", True),
        ("2026-2", False),
    ]
    assert "ada" not in desk("consent list").replace(listed[0]["recorded_by"], "")
    assert [row["id"] for row in desk.json("consent list --version 2026-2")] == [2]
    assert desk.json("user show ada@example.net")["consent"] == "2026-2"
    desk(f"consent add ada@example.net --version 2026-3 --text {tmp_path}/missing", 1)
    assert "missing: No such file" in desk.complained


def test_a_consent_that_is_withdrawn_takes_its_user_along(
    desk: Typed, database: Database, tmp_path: Path
) -> None:
    register(desk, tmp_path)
    assert desk.json("consent remove 1") == {"withdrawn": 1, "user": "deleted"}
    assert desk.json("user list") == []
    assert desk.json("consent show 1")["withdrawn"]
    for id, complaint in ((1, "consent 1 is withdrawn already"), (9, "there is no consent 9")):
        desk(f"consent remove {id}", 1)
        assert desk.complained == f"smsc: {complaint}\n"
    with database.reading() as session:
        assert session.query(User).count() == 0


def test_what_is_not_there_is_said(desk: Typed) -> None:
    for words in (
        "key show x",
        "key add C-9 --name x",
        "order show 9",
        "order remove 9",
        "consent show 9",
        "consent add nobody@example.net --version 1 --text /dev/null",
    ):
        desk(words, 1)
        assert desk.complained.startswith("smsc: there is no "), words
