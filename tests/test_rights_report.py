"""``smsc subject report``: all that is stored, in the words of the data and in those of people."""

from __future__ import annotations

import asyncio
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from smsc.app import App
from smsc.db import accounts, users
from smsc.db.database import Database
from smsc.db.model import ApiKey, Credit, Order
from smsc.rights.page import page
from smsc.rights.report import SECTIONS
from smsc.sim.profile import Profile
from tests.rights import ADA, BEN, Desk, submit
from tests.rows import customer

SECRET = "canarysecretpassword"


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def told(desk: Desk, said: str) -> dict[str, Any]:
    """The report behind what the command said."""
    as_json, as_html = map(Path, said.split())
    assert as_json.stat().st_mode & 0o777 == as_html.stat().st_mode & 0o777 == 0o600
    made: dict[str, Any] = json.loads(as_json.read_text())
    assert as_html.read_text() == page(made)
    return made


def rows(made: dict[str, Any], key: str) -> list[dict[str, Any]]:
    (section,) = [one for one in made["sections"] if one["key"] == key]
    found: list[dict[str, Any]] = section["rows"]
    return found


def test_a_number_gets_what_is_on_its_way_and_what_has_ended(desk: Desk) -> None:
    async def use(app: App) -> None:
        done = await submit(app, registered_delivery=0, short_message=b"delivered")
        while app.core.state.spool.slab.find(done) >= 0:
            await asyncio.sleep(0.01)
        later = b"000001000000000R"
        await submit(app, short_message=b"waits", schedule_delivery_time=later)
        await submit(app, BEN, schedule_delivery_time=later)
        said = await desk.ask(f"subject report number {ADA} --case D-1 --to {desk.directory}/out")
        made = told(desk, said)
        (owed,), (ended,) = rows(made, "owed"), rows(made, "traffic")
        assert (owed["to"], owed["from"], owed["text"]) == (ADA, "447700900xxx", "waits")
        assert owed["state"] == "waits to be sent"
        assert (ended["to"], ended["from"], ended["text"]) == (ADA, "447700900xxx", "delivered")
        assert (ended["direction"], ended["parts"]) == ("out", 1)
        assert ended["kept"] == "a message of the period is not finished"
        assert ended["until"] and ended["accepted"]

    desk.serve(use, Profile())
    said = desk.run(f"subject report number {ADA} --case D-2 --to {desk.directory}/out")
    made = told(desk, said)
    assert len(rows(made, "owed")) == len(rows(made, "traffic")) == 1, "also without a server"
    assert {(e["event"], e["of"]) for e in desk.events() if "of" in e} == {
        ("subject.report", "number")
    }
    octets = [e["octets"] for e in desk.accesses() if e["fetched"] == "smsc subject report number"]
    sizes = sum(path.stat().st_size for path in (desk.directory / "out").glob("D-1.*"))
    assert octets[0] == sizes


def test_nobody_is_told_what_others_have(desk: Desk) -> None:
    desk.run("keys init")
    made = told(desk, desk.run(f"subject report number {ADA} --case D-1 --to {desk.directory}/o"))
    assert all(section["rows"] == [] for section in made["sections"])
    assert "Nothing is stored." in page(made)


def test_a_report_is_never_written_over(desk: Desk) -> None:
    desk.run("keys init")
    words = f"subject report number {ADA} --case D-1 --to {desk.directory}/out"
    desk.run(words)
    assert "File exists" in desk.run(words, 1)
    assert desk.accesses()[-1]["status"] == 500


@pytest.fixture
def url(tmp_path: Path) -> str:
    """One engine is enough here: what is asked of both is asked in the tests of ``smsc.db``."""
    return f"sqlite:///{tmp_path}/smsc.db"


@pytest.fixture
def registered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str, database: Database
) -> Desk:
    with database.changing() as session:
        session.add(customer("C-1", name="Example GmbH"))
        session.flush()
        accounts.add(session, "ours", "C-1", "secret12", {"rate": "50/s"}, 1)
        given = users.consent(session, "v1", b"text", "root", 1_790_000_000_000)
        ada = users.add(session, given, "ada@example.com", "Ada", "owner", "C-1", SECRET, 1)
        session.flush()
        session.add(
            Order(
                customer="C-1", user_id=ada.id, created_at=1, state="done", done_at=2,
                sender="EXAMPLE", text="Hello", recipients=[f"+{ADA}", BEN],
            )
        )  # fmt: skip
        session.add(ApiKey(id="k", customer="C-1", name="shop", sha256="0" * 64, created_at=1))
        session.add(Credit(customer="C-1", amount=10_000, at=1, note="invoice 7"))
    return Desk(tmp_path, capsys, url)


def test_a_customer_gets_what_is_registered_and_no_secret(registered: Desk) -> None:
    said = registered.run(f"subject report customer C-1 --case D-1 --to {registered.directory}/o")
    made = told(registered, said)
    assert rows(made, "contract")[0]["name"] == "Example GmbH"
    assert rows(made, "accounts")[0]["system_id"] == "ours"
    assert rows(made, "registration")[0]["email"] == "ada@example.com"
    assert rows(made, "consents")[0]["given"] == "2026-09-21 14:13:20"
    assert rows(made, "orders")[0]["to"] == ["+447700900xxx", "447700900xxx"]
    assert rows(made, "api_keys")[0]["name"] == "shop"
    assert rows(made, "payments")[0]["amount"] == "1.00"
    stored = json.dumps([section["rows"] for section in made["sections"]])
    assert not [secret for secret in ("argon2", SECRET, "0" * 64) if secret in stored]


def test_a_user_gets_their_registration_and_orders(registered: Desk) -> None:
    said = registered.run(
        f"subject report user ada@example.com --case D-1 --to {registered.directory}/o"
    )
    made = told(registered, said)
    assert rows(made, "registration")[0]["name"] == "Ada"
    assert len(rows(made, "consents")) == len(rows(made, "orders")) == 1


def test_a_recipient_is_told_of_the_order_and_not_of_the_others(registered: Desk) -> None:
    said = registered.run(f"subject report number {ADA} --case D-1 --to {registered.directory}/o")
    (order,) = rows(told(registered, said), "orders")
    assert (order["to"], order["from"], order["text"]) == ([ADA], "EXAMPLE", "Hello")
    said = registered.run(
        f"subject report number 447700900703 --case D-2 --to {registered.directory}/o"
    )
    assert rows(told(registered, said), "orders") == []


# -- the page ------------------------------------------------------------------------------------


def example(text: str = "Your parcel has arrived") -> dict[str, Any]:
    """A report in which every section and column has something."""
    return {
        "about": {"kind": "number", "value": ADA},
        "case": "D-17",
        "made": "2026-11-02 12:00:00",
        "by": "smsc 0.1.0",
        "open": [{"case": "D-17", "act": "block", "since": "2026-11-01 00:00:00"}],
        "days": {"objection": 90, "content": 7, "maximum": 180, "access_log": 7},
        "sections": [
            {
                **section._asdict(),
                "columns": dict(section.columns),
                "count": 2,
                "rows": [{key: text for key, _head in section.columns}] * 2,
            }
            for section in SECTIONS
        ],
    }


class Found(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_page_stands_alone() -> None:
    found = Found()
    found.feed(page(example()))
    assert not {"script", "link", "img", "iframe", "form"} & set(found.tags)
    assert all(address.startswith("#") for address in found.addresses)
    assert "default-src 'none'" in page(example())
    assert "url(" not in page(example()) and "@import" not in page(example())


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "\"'><b>", "\u202eevil", "a\0b\x1b["]
)
def test_what_others_wrote_stays_text(text: str) -> None:
    plain, evil = Found(), Found()
    plain.feed(page(example()))
    evil.feed(page(example(text)))
    assert plain.tags == evil.tags
    assert not {"\u202e", "\0", "\x1b"} & set("".join(evil.texts))


def test_a_long_list_is_cut_on_the_page_alone() -> None:
    made = example()
    made["sections"][0] |= {"rows": [{"reference": str(n)} for n in range(1_500)], "count": 1_500}
    text = page(made)
    assert "The newest 1,000 of 1,500." in text and ">1499<" in text and ">499<" not in text
