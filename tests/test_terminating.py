"""``smsc customer terminate``: from the last message to the proof that nothing is left."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from smsc import access, privacy
from smsc.app import App
from smsc.cases import read
from smsc.commit import Clock
from smsc.db import accounts, customers, users
from smsc.db.database import Database
from smsc.db.model import ApiKey, Consent, Credit, Order, Period, SmppAccount
from smsc.keys import Keyring, keyring
from smsc.sim.profile import Profile
from smsc.sweeper import Sweeper
from tests import canary
from tests.keeper import Relay
from tests.mounts import disk
from tests.rights import ADA, Desk, submit
from tests.rows import customer
from tests.test_canary import readable
from tests.test_erasing import LATER, ends

DAY = 86_400_000
TERMINATE = "customer terminate C-1 --case T-1"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/smsc.db"


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str, database: Database) -> Desk:
    """Customer C-1 with all that a customer may have, and C-2, whom it is no matter of."""
    with database.changing() as session:
        session.add_all([customer("C-1", name="canarynamesong"), customer("C-2")])
        session.flush()
        for name, whose in (("ours", "C-1"), ("others", "C-2")):
            accounts.add(session, name, whose, "secret12", {}, 1)
        given = users.consent(session, "v1", b"text", "root", 1)
        ada = users.add(session, given, "ada@example.com", "Ada", "owner", "C-1", "x" * 20, 1)
        session.flush()
        session.add_all(
            [
                ApiKey(id="k", customer="C-1", name="shop", sha256="0" * 64, created_at=1),
                Credit(customer="C-1", amount=10_000, at=1, note="canarynotesong"),
                Order(
                    customer="C-1", user_id=ada.id, created_at=1, done_at=2, state="done",
                    sender="EXAMPLE", text="Hello", recipients=[ADA],
                ),
            ]
        )  # fmt: skip
    desk = Desk(tmp_path, capsys, url)
    entry = {"at": 1_790_000_000_000, "fetched": "GET /orders", "referrer": "", "customer": "C-1"}
    access.write(desk.directory / "retention" / access.DIRECTORY, entry)
    return desk


async def out(app: App) -> None:
    while app.accounts.bindable(b"ours") is not None:
        await asyncio.sleep(0.01)


def kept(said: str) -> dict[str, Any]:
    return {one["what"]: one for one in json.loads(said)["kept"]}


def test_all_of_a_customer_goes_in_its_time(
    desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(app: App) -> None:
        await ends(app, await submit(app, account=b"ours", short_message=b"canaryonesong"))
        await ends(app, await submit(app, account=b"others", short_message=b"othersong"))
        await submit(
            app, account=b"ours", short_message=b"canarytwosong", schedule_delivery_time=LATER
        )
        said = await desk.ask(f"{TERMINATE} --json")
        assert set(kept(said)) == {"messages that are owed"}
        await out(app)
        assert app.accounts.bindable(b"others") is not None
        said = await desk.ask(f"{TERMINATE} --cancel --json")
        gone = json.loads(said)["gone"]
        assert (gone["messages and mails"], gone["periods closed"]) == (1, 1)
        assert (gone["registrations"], gone["orders"], gone["API keys"]) == (1, 1, 1)
        assert [what.split()[0] for what in kept(said)] == ["content", "traffic"]
        assert {one["why"] for one in kept(said).values()} == {"its day has not come"}

    desk.serve(use, Profile())
    with database.reading() as session:
        assert session.query(Period).one().totals[0].messages == 2
        assert session.query(Consent).one().withdrawn_at is not None
        at = read(desk.config)[0].at
    later = at + 91 * DAY
    monkeypatch.setattr(privacy, "now_ms", lambda: later)
    monkeypatch.setattr(Clock, "__call__", lambda self: later)
    desk.run("sweep --clock-is-right")
    said = desk.run(TERMINATE)
    assert said.splitlines()[-1] == "all of C-1 is gone", said
    assert read(desk.config) == []
    with database.reading() as session:
        assert [row.system_id for row in session.query(SmppAccount)] == ["others"]
        row = customers.get(session, "C-1")
        assert (row.name, session.query(Credit).one().note) == ("C-1", "")
        assert session.query(Period).count() == 1, "totals stay, as tax law has it"
    ring = keyring(desk.config, read_only=True)
    assert not [key for key in ring if key.name.customer == b"C-1"]
    left = readable(desk.config, ring)
    assert b"canary" not in left and b"othersong" in left
    canaries = ["canarynamesong", "canarynotesong", "canaryonesong", "canarytwosong"]
    assert canary.found(canaries, canary.files(desk.directory.parent)) == []
    assert [e for e in desk.accesses() if e.get("customer") == "C-1"] == []
    [proof] = (desk.directory / "retention" / "proofs").glob("*-T-1.json")
    told = json.loads(proof.read_text())
    assert told["gone"]["accounts"] == 1 and "C-1" not in proof.read_text()
    events = [e["event"] for e in desk.events()]
    assert events.count("period.closed") == 1 and events[-1] == "customer.terminated"


def test_nothing_of_a_customer_who_left_is_on_the_disk(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    url: str,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also not in the blocks of files that were unlinked; the database is elsewhere."""
    image, at = tmp_path / "image", tmp_path / "mnt"
    with database.changing() as session:
        session.add(customer("C-1"))
        session.flush()
        accounts.add(session, "ours", "C-1", "secret12", {}, 1)

    async def use(app: App) -> None:
        await ends(app, await submit(app, account=b"ours", short_message=b"canaryonesong"))
        await desk.ask(TERMINATE)
        await out(app)

    with disk(image, at):
        desk = Desk(at, capsys, url)
        desk.serve(use, Profile())
        later = read(desk.config)[0].at + 91 * DAY
        monkeypatch.setattr(privacy, "now_ms", lambda: later)
        monkeypatch.setattr(Clock, "__call__", lambda self: later)
        desk.run("sweep --clock-is-right")
        assert "all of C-1 is gone" in desk.run(TERMINATE)
    assert canary.found([ADA, "canaryonesong"], [image]) == []


def test_control_without_the_shred_the_texts_are_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(app: App) -> None:
        await ends(app, await submit(app, account=b"ours", short_message=b"canaryonesong"))
        await desk.ask(TERMINATE)

    desk.serve(use, Profile())
    monkeypatch.setattr(Keyring, "destroy", lambda self, ids: None)
    monkeypatch.setattr(Sweeper, "_prove", lambda *arguments: None)
    later = read(desk.config)[0].at + 91 * DAY
    monkeypatch.setattr(privacy, "now_ms", lambda: later)
    desk.run("sweep --clock-is-right")
    assert b"canaryonesong" in readable(desk.config, keyring(desk.config, read_only=True))


def test_mail_that_nobody_will_fetch_goes_at_once(desk: Desk) -> None:
    async def use(app: App) -> None:
        relay = Relay(app, b"sim")  # type: ignore[arg-type]
        app.core.carrier_up(relay)
        id = await submit(app, account=b"ours", registered_delivery=1)
        relay.answer(id, 1, 0, b"c1")
        relay.receipt(b"c1", source_addr=ADA.encode())
        await ends(app, id)
        assert len(app.core.state.mailboxes) == 1
        assert json.loads(await desk.ask(f"{TERMINATE} --json"))["gone"]["messages and mails"] == 1
        assert len(app.core.state.mailboxes) == 0
        app.core.carrier_down(relay, [], [])

    desk.serve(use)


def test_a_customer_who_never_sent_is_gone_at_once(desk: Desk) -> None:
    assert desk.run(TERMINATE).splitlines()[-1] == "all of C-1 is gone"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("customer terminate C-9 --case T-1", "there is no customer C-9"),
        ("customer terminate acme --case T-1", "accounts in the configuration file"),
    ],
)
def test_what_can_not_be_ended_is_said(
    desk: Desk, database: Database, words: str, complaint: str
) -> None:
    assert complaint in desk.run(words, 1)
    assert desk.events() == []


def test_a_case_is_of_one_matter(desk: Desk) -> None:
    desk.run(f"subject block number {ADA} --case T-1")
    assert "there is a case T-1 already" in desk.run(TERMINATE, 1)
