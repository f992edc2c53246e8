"""Holds in the database: on the word of two people, with a server and without."""

from __future__ import annotations

import asyncio
import json
from datetime import date, timedelta
from pathlib import Path

import pytest
import uvloop

from smsc import reading
from smsc.audit import Audit
from smsc.db import facts_of
from smsc.db.database import Database
from smsc.keys import keyring
from smsc.retention import Hold, Name, held_under
from tests.serving import serving
from tests.test_admin import Typed, typed

NUMBER = "447700900123"
TRAFFIC = Name(b"C-1", "2026-11", "traffic")


@pytest.fixture
def desk(
    tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Typed:
    monkeypatch.setenv("SUDO_USER", "ada")
    made = typed(tmp_path, url, capsys)
    made("customer add C-1 --name Example --time-zone Asia/Tokyo")
    return made


def in_force(desk: Typed) -> list[Hold]:
    return list(facts_of(reading.load(str(desk._file))).holds())


def test_a_hold_from_first_to_last(desk: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    made = desk.json("hold add case-7 --customer C-1 --period 2026-11 --reason legal")
    assert (made["creator"], made["approver"], made["numbers"]) == ("ada", None, None)
    assert date.fromisoformat(made["review"]) - date.today() in (
        timedelta(days=89), timedelta(days=90), timedelta(days=91),
    )  # fmt: skip
    [hold] = in_force(desk)
    assert hold.period == "2026-11@Asia/Tokyo", "the customer's own November"
    assert hold.covers(TRAFFIC) and hold.covers(TRAFFIC._replace(period="2026-10"))
    assert not hold.covers(TRAFFIC._replace(period="2026-12"))
    desk("hold change case-7 --approve", 1)
    assert desk.complained == "smsc: a hold is approved by somebody else\n"
    monkeypatch.setenv("SUDO_USER", "bob")
    changed = desk.json("hold change case-7 --approve --review 2099-01-01")
    assert (changed["approver"], changed["review"]) == ("bob", "2099-01-01")
    assert [row["case"] for row in desk.json("hold list --customer C-1")] == ["case-7"]
    desk("hold remove case-7")
    assert desk.json("hold list") == [] == in_force(desk)
    assert desk.json("hold show case-7")["ended"]
    for words in ("remove case-7", "change case-7 --approve"):
        desk(f"hold {words}", 1)
        assert desk.complained == "smsc: the hold for case-7 is over\n"
    audit = Audit.of(reading.load(str(desk._file)), lambda: 0)
    assert [(entry["event"], entry["by"], entry["case"]) for entry in audit] == [
        ("hold.begun", "ada", "case-7"),
        ("hold.approved", "bob", "case-7"),
        ("hold.ended", "bob", "case-7"),
    ]


REFUSED = [
    ("add case-7 --customer C-1 --reason legal", 1, "there is a hold for case-7 already"),
    ("add case-8 --customer C-9 --reason legal", 1, "there is no customer C-9"),
    ("add case-8 --customer C-1 --reason whim", 2, "invalid choice"),
    ("add case-8 --customer C-1 --reason legal --period 2026-W48", 1, "must be a month like"),
    ("add case-8 --customer C-1 --reason legal --review 2020-01-01", 2, "is not to come"),
    (f"add +{NUMBER} --customer C-1 --reason legal", 2, "by no telephone number"),
    (f"add case-8 --customer C-1 --reason legal --number 0{NUMBER[2:]}", 2, "country code"),
    ("show case-9", 1, "there is no hold for case-9"),
    ("change case-9 --approve", 1, "there is no hold for case-9"),
]


def test_what_is_refused_is_said(desk: Typed) -> None:
    desk("hold add case-7 --customer C-1 --reason legal")
    for words, status, complaint in REFUSED:
        desk(f"hold {words}", status)
        assert complaint in desk.complained, words
    assert [row["case"] for row in desk.json("hold list")] == ["case-7"]


def test_a_hold_by_number_has_no_number(
    desk: Typed, database: Database, tmp_path: Path, url: str
) -> None:
    """The same with a running server, which has the keys, and without one."""
    words = "hold add {} --customer C-1 --reason dispute --number +{} --number 447700900124"

    async def run() -> None:
        async with serving(tmp_path, url=url):
            await asyncio.to_thread(desk, words.format("case-8", NUMBER))

    desk(words.format("case-7", NUMBER))
    uvloop.run(run())
    holds = in_force(desk)
    assert [(hold.case, len(hold.pseudonyms)) for hold in holds] == [("case-7", 2), ("case-8", 2)]
    keys = keyring(reading.load(str(desk._file)), read_only=True)
    assert all(held_under(hold) in keys for hold in holds)
    assert NUMBER not in json.dumps([desk.json("hold show case-7"), desk.json("hold list")])
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or NUMBER.encode() not in path.read_bytes()
