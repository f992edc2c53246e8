"""What an operator does to the database, as they type it, and what they are told."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from smsc import cli
from smsc.accounts import matches
from smsc.db import accounts, users
from smsc.db.database import Database
from smsc.db.model import Consent
from tests.rows import account, customer
from tests.serving import CONFIG, HASH


class Typed:
    """Runs commands; ``said`` and ``complained`` are what they wrote last."""

    def __init__(self, file: Path, capture: pytest.CaptureFixture[str]) -> None:
        self._file = file
        self._capture = capture
        self.said = self.complained = ""

    def __call__(self, words: str, status: int = 0) -> str:
        argv = re.findall(r"'[^']*'|\S+", words)
        argv = [word.strip("'") for word in argv] + ["--config", str(self._file)]
        try:
            found = cli.main(argv)
        except SystemExit as error:  # argparse's own
            found = int(error.code or 0)
        self.said, self.complained = self._capture.readouterr()
        assert found == status, self.complained
        return self.said

    def json(self, words: str) -> Any:
        return json.loads(self(words + " --json"))


def typed(directory: Path, url: str, capture: pytest.CaptureFixture[str]) -> Typed:
    """Commands on a configuration with this database."""
    file = directory / "smsc.yaml"
    text = CONFIG.format(hash=HASH, port=1, directory=directory, accounts="false")
    file.write_text(text + f"database: {{url: '{url}'}}\n")
    return Typed(file, capture)


@pytest.fixture
def smsc(tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]) -> Typed:
    return typed(tmp_path, url, capsys)


# -- customers -----------------------------------------------------------------------------------


def test_a_customer_from_first_to_last(smsc: Typed) -> None:
    assert smsc("customer list") == ""
    smsc("price add standard --currency EUR")
    smsc("customer add C-1 --name 'Example GmbH' --start 2026-11-01 --time-zone Europe/Berlin")
    smsc("customer change C-1 --plan standard --cap-day 99.5 --itemised --prepaid")
    smsc("customer credit C-1 50 --note 'bank 17'")
    shown = smsc.json("customer show C-1")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown.pop("itemised_since"))
    assert shown == {
        "reference": "C-1",
        "name": "Example GmbH",
        "contract_start": "2026-11-01",
        "contract_end": None,
        "time_zone": "Europe/Berlin",
        "billing_cycle": "month",
        "price_plan": "standard",
        "prepaid": True,
        "credited": "50.00",
        "cap_day": "99.50",
        "cap_month": None,
    }
    listed = smsc("customer list").splitlines()
    assert [line.split()[0] for line in listed] == ["reference", "C-1"]
    smsc("customer change C-1 --cap-day none --no-prepaid --no-itemised --plan none")
    assert smsc.json("customer show C-1")["cap_day"] is None
    smsc("customer remove C-1", 1)
    assert smsc.complained == "smsc: C-1 has 1 payments, so it can't be taken back\n"
    smsc("customer add C-2 --name Slip")
    smsc("customer remove C-2")
    assert [row["reference"] for row in smsc.json("customer list")] == ["C-1"]


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        ("customer show C-9", 1, "there is no customer C-9"),
        ("customer add C-1 --name Again", 1, "there is a customer C-1 already"),
        ("customer add C-2", 1, "--name is missing"),
        ("customer add 'C 2' --name X", 2, "must not contain spaces"),
        ("customer add C-2 --name X --start 1.11.2026", 2, "must be a date like 2026-11-01"),
        ("customer add C-2 --name X --time-zone Berlin", 2, "must be a time zone like"),
        ("customer add C-2 --name X --start 2026-11-02 --end 2026-11-01", 1, "before it starts"),
        ("customer change C-1 --plan gold", 1, "there is no price plan gold"),
        ("customer change C-1 --prepaid", 1, "needs a price plan"),
        ("customer change C-1 --cap-day 5", 1, "needs a price plan"),
        ("customer add C-2 --name X --cycle year", 2, "'year' must be month or week"),
        ("customer change C-1 --cycle none", 1, "--cycle can't be none"),
        ("customer change C-1 --name none", 1, "--name can't be none"),
        ("customer change C-1 --cap-day -5", 2, "cap-day"),
        ("customer credit C-1 0.00001", 2, "at most four places"),
        ("account add late --customer C-9", 1, "there is no customer C-9"),
        (
            "account add late --customer C-1 --set rate=fast",
            1,
            "account late: rate: 'fast' must be like",
        ),
        (
            "account add late --customer C-1 --set 'outbind={host: h, port: 1, password: x}'",
            1,
            "outbind.password: no secret is kept in clear; name a password_file",
        ),
        ("account add late --customer C-1 --set rat=5/s", 1, "did you mean rate?"),
        ("account add late --customer C-1 --set rate", 1, "must be KEY=VALUE"),
        ("account add late --customer C-1 --set enabled=false", 1, "has an option of its own"),
        ("account add late --customer C-1 --set allowed_addresses=[", 1, "is no YAML"),
        ("account add late --customer C-1 --set max_validity=1h", 1, "longer than max_validity"),
        ("account add sixteen-octets-x --customer C-1", 2, "1 to 15 printable"),
        ("account show nobody", 1, "there is no account nobody in the database"),
        ("price change gold 49 0.1", 1, "there is no price plan gold"),
        ("price add gold --currency Euro", 1, "must be a currency of ISO 4217"),
        ("user show a@example.net", 1, "there is no such user"),
    ],
)
def test_what_is_refused_is_said(smsc: Typed, words: str, status: int, complaint: str) -> None:
    smsc("customer add C-1 --name Example")
    before = smsc.json("customer list"), smsc.json("account list"), smsc.json("price list")
    smsc(words, status)
    assert complaint in smsc.complained
    after = smsc.json("customer list"), smsc.json("account list"), smsc.json("price list")
    assert after == before


def test_a_customer_keeps_one_currency(smsc: Typed) -> None:
    smsc("price add euro --currency EUR")
    smsc("price add pound --currency GBP")
    smsc("customer add C-1 --name Example --plan euro")
    smsc("customer change C-1 --plan pound", 1)
    assert "a customer keeps one currency" in smsc.complained
    smsc("price remove euro", 1)
    assert "euro is the plan of 1 customers" in smsc.complained


def test_without_a_database_there_is_nothing_to_change(smsc: Typed) -> None:
    file = smsc._file
    file.write_text(file.read_text().rsplit("database:", 1)[0])
    smsc("customer list", cli.EX_CONFIG)
    assert smsc.complained == "smsc: database: there is no database: set database.url\n"


# -- accounts ------------------------------------------------------------------------------------


def test_a_password_is_shown_once_and_is_the_right_one(smsc: Typed, database: Database) -> None:
    smsc("customer add C-1 --name Example")
    made = smsc.json("account add late --customer C-1 --set rate=50/s 'mailbox={lifetime: 1d}'")
    password = made.pop("password")
    assert re.fullmatch(f"[{accounts.PASSWORD_CHARACTERS}]{{8}}", password)
    assert made["settings"] == {"rate": "50/s", "mailbox": {"lifetime": "1d"}}
    with database.reading() as session:
        assert matches(accounts.get(session, "late").password_hash, password.encode())
    assert "password" not in smsc("account show late")
    assert smsc.json("account change late --new-password")["password"] != password


def test_a_password_comes_from_standard_input(
    smsc: Typed, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    smsc("customer add C-1 --name Example")
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    assert "secret" not in smsc("account add late --customer C-1 --ask-password")
    with database.reading() as session:
        assert matches(accounts.get(session, "late").password_hash, b"secret")
    monkeypatch.setattr("sys.stdin", io.StringIO("too-long-for-smpp\n"))
    smsc("account change late --ask-password", 1)
    assert smsc.complained == "smsc: a password must be 1 to 8 printable ASCII characters\n"


def test_an_account_is_changed_disabled_and_removed_for_good(smsc: Typed) -> None:
    smsc("customer add C-1 --name Example")
    smsc("customer add C-2 --name Other")
    smsc("account add late --customer C-1 --set rate=50/s receipts=false")
    changed = smsc.json("account change late --no-enabled --set rate= burst=7")
    assert (changed["customer"], changed["enabled"]) == ("C-1", False)
    assert changed["settings"] == {"receipts": "false", "burst": "7"}
    assert [row["system_id"] for row in smsc.json("account list --customer C-1")] == ["late"]
    assert smsc.json("account list --customer C-2") == []
    smsc("account remove late")
    assert smsc.json("account list") == []
    assert smsc.json("account show late")["removed"]
    for words in ("add late --customer C-1", "change late --enabled", "remove late"):
        smsc(f"account {words}", 1)
        assert "its name is not given again" in smsc.complained


def test_check_says_what_the_file_overrides_and_what_is_missing(
    smsc: Typed, database: Database
) -> None:
    file = smsc._file
    file.write_text(file.read_text() + "inbound: [{to: 1, account: gone}, {to: 2, account: late}]")
    smsc("check")
    assert "warning: inbound[1].account: there is no account named late" in smsc.complained
    with database.changing() as session:
        session.add(customer())
        session.flush()
        session.add_all([account("acme"), account("late")])
    assert smsc("check").endswith("sound\n")
    assert smsc.complained.splitlines() == [
        f"{file}: warning: account acme: the one in the configuration file wins",
        f"{file}: warning: inbound[0].account: there is no account named gone",
    ]


# -- users ---------------------------------------------------------------------------------------


def test_a_user_is_registered_after_consent_and_forgotten_after_withdrawal(
    smsc: Typed, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smsc("customer add C-1 --name Example")
    text = tmp_path / "consent.txt"
    text.write_text("I agree.")
    who = "user add Ada@Example.net --name Ada --role owner --customer C-1"
    smsc(who, 2)
    assert "--consent" in smsc.complained
    made = smsc.json(f"{who} --consent 2026-1 --consent-text {text}")
    password = made.pop("password")
    assert (made["email"], made["consent"]) == ("ada@example.net", "2026-1")
    with database.reading() as session:
        assert users.matches(users.get(session, "ADA@example.net"), password)
        assert not users.matches(users.get(session, "ada@example.net"), password + "x")
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    smsc("user change ada@example.net --ask-password", 1)
    assert smsc.complained == "smsc: a password has 15 to 256 characters\n"
    smsc("user change ada@example.net --role admin", 1)
    assert "admin is no role of a customer's people" in smsc.complained
    assert smsc.json("user change ada@example.net --role member --no-enabled")["enabled"] is False
    assert [row["email"] for row in smsc.json("user list")] == ["ada@example.net"]
    smsc("user remove ada@example.net")
    assert smsc.json("user list") == []
    with database.reading() as session:
        consent = session.get(Consent, 1)
        assert consent is not None and consent.withdrawn_at is not None


# -- prices --------------------------------------------------------------------------------------


def test_a_price_ends_where_the_next_begins(smsc: Typed) -> None:
    smsc("price add standard --currency EUR --charged delivered")
    smsc("price change standard '*' 0.09")
    smsc("price change standard 262-01 0.075")
    smsc("price change standard 262-01 0.08 --from 2027-01-01")
    shown = smsc.json("price show standard")
    assert (shown["currency"], shown["charged"]) == ("EUR", "delivered")
    assert [tuple(price.values()) for price in shown["prices"]] == [
        ("*", "out", "0.09", None, None),
        ("262-01", "out", "0.075", None, "2027-01-01"),
        ("262-01", "out", "0.08", "2027-01-01", None),
    ]
    smsc("price change standard 262-01 0.07 --from 2026-12-01", 1)
    assert "262-01 has a price from 2027-01-01 on: remove it first" in smsc.complained
    smsc("price remove standard 262-01")
    assert smsc.json("price show standard")["prices"][-1]["until"] is None
    smsc("price remove standard 44", 1)
    assert "standard has no price for 44 (out)" in smsc.complained
    smsc("price change standard 4x 1", 1)
    assert "must be a network (262-01, 262-*)" in smsc.complained
    smsc("price remove standard")
    assert smsc("price list") == ""


def test_an_older_database_is_upgraded_by_its_command(smsc: Typed, tmp_path: Path) -> None:
    assert smsc("database upgrade") == "the database is of this version\n"


# -- what other commands make of it --------------------------------------------------------------


def test_a_route_is_explained_for_an_account_of_the_database(smsc: Typed) -> None:
    """How it writes numbers decides what a number is, and so the route."""
    smsc("customer add C-1 --name Example --start 2026-11-01")
    smsc("account add acme2 --customer C-1 --set 'numbers={region: GB}'")
    explain = "route explain --to 07700900123 --account"
    assert "07700900123 in GB is 447700900123" in smsc(f"{explain} acme2")
    assert "in GB" not in smsc(f"{explain} acme")
