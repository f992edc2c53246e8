"""``smsc subject erase``: what goes at once, what is named and dated, and when that goes too."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from smsc import access, privacy
from smsc.app import App
from smsc.cases import read
from smsc.db import users
from smsc.db.database import Database
from smsc.db.model import Consent, Order, Period
from smsc.forgetting import Forgetting
from smsc.keys import Keyring, keyring
from smsc.redaction import Redaction
from smsc.rights import stored
from smsc.sim.profile import Profile
from smsc.subject import Subject
from tests import canary
from tests.keeper import Relay
from tests.mounts import disk
from tests.rights import ADA, BEN, Desk, submit
from tests.rows import customer
from tests.test_canary import readable

DAY = 86_400_000
LATER = b"000001000000000R"


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


async def ends(app: App, id: int) -> None:
    """Wait for the end of a message, and for its record."""
    spool = app.core.state.spool.slab
    while spool.find(id) >= 0 or app.traffic.covered < app.traffic.staged:
        await app.commit.drain()
        await asyncio.sleep(0.01)


def erase(desk: Desk, said: str) -> tuple[dict[str, int], dict[str, dict[str, Any]]]:
    done = json.loads(said)
    return done["gone"], {one["what"]: one for one in done["kept"]}


def test_what_waits_and_every_text_go_at_once(desk: Desk) -> None:
    """And nothing in the directory, opened with every key in it, holds a text of theirs."""

    async def use(app: App) -> None:
        await ends(app, await submit(app, short_message=b"canaryonesong"))
        await ends(app, await submit(app, BEN, short_message=b"othersong"))
        await submit(app, short_message=b"canarytwosong", schedule_delivery_time=LATER)
        await submit(app, BEN, short_message=b"waitingsong", schedule_delivery_time=LATER)
        before = readable(desk.config, app.keys)
        assert b"canaryonesong" in before and b"canarytwosong" in before, "or the search is blind"
        said = await desk.ask(f"subject erase number {ADA} --case D-1 --json")
        gone, kept = erase(desk, said)
        assert (gone["messages and mails"], gone["texts"]) == (1, 2), "its text has a record now"
        assert set(kept) == {"traffic records without their texts"}
        one = kept["traffic records without their texts"]
        assert one["how_many"] == 2 and one["until"] > "2026"
        left = readable(desk.config, app.keys)
        assert b"canary" not in left and b"othersong" in left and b"waitingsong" in left
        assert len(app.core.state.spool) == 1

    desk.serve(use, Profile())
    assert b"canary" not in readable(desk.config, _keys(desk))
    shown = [json.loads(x) for x in desk.run("traffic show --json --purpose t").splitlines()]
    assert [row["destination_addr"] for row in shown] == ["447700900xxx"], "Ben's"


def test_nothing_erased_is_on_the_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also not in the blocks of files that were unlinked."""
    image, at = tmp_path / "image", tmp_path / "mnt"

    async def use(app: App) -> None:
        await ends(app, await submit(app, short_message=b"canaryonesong"))
        await submit(app, short_message=b"canarytwosong", schedule_delivery_time=LATER)
        await desk.ask(f"subject erase number {ADA} --case D-1")

    with disk(image, at):
        desk = Desk(at, capsys)
        desk.serve(use, Profile())
    assert canary.found([ADA, "canaryonesong", "canarytwosong"], [image]) == []


@pytest.mark.parametrize("skipped", ["the renewal of keys", "the carrying of the log"])
def test_control_without_a_part_of_it_a_text_is_found(
    desk: Desk, skipped: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if skipped == "the renewal of keys":
        monkeypatch.setattr(Redaction, "redact", lambda self, wanted: (0, []))
    else:
        monkeypatch.setattr(Forgetting, "hurry", lambda self: -1)

    async def use(app: App) -> None:
        await ends(app, await submit(app, short_message=b"canaryonesong"))
        await submit(app, short_message=b"canarytwosong", schedule_delivery_time=LATER)
        await submit(app, BEN, schedule_delivery_time=LATER)
        await desk.ask(f"subject erase number {ADA} --case D-1")
        assert b"canary" in readable(desk.config, app.keys)

    desk.serve(use, Profile())


def _keys(desk: Desk) -> Keyring:
    return keyring(desk.config, read_only=True)


def test_the_same_without_a_server(desk: Desk) -> None:
    async def use(app: App) -> None:
        await submit(app, short_message=b"canaryonesong", schedule_delivery_time=LATER)

    desk.serve(use)
    gone, _kept = erase(desk, desk.run(f"subject erase number {ADA} --case D-1 --json"))
    assert gone["messages and mails"] == 1
    assert b"canary" not in readable(desk.config, _keys(desk))

    async def again(app: App) -> None:
        assert len(app.core.state.spool) == 0

    desk.serve(again)


def test_what_a_carrier_has_is_named_and_goes_when_it_ends(desk: Desk) -> None:
    async def use(app: App) -> None:
        relay = Relay(app, b"sim")  # type: ignore[arg-type]
        app.core.carrier_up(relay)
        id = await submit(app, short_message=b"canaryonesong", registered_delivery=1)
        relay.answer(id, 1, 0, b"c1")
        gone, kept = erase(desk, await desk.ask(f"subject erase number {ADA} --case D-1 --json"))
        assert (gone["messages and mails"], gone["texts"]) == (0, 0)
        assert kept["messages that a carrier has"]["how_many"] == 1
        relay.receipt(b"c1")
        await app.commit.drain()
        await ends(app, id)
        assert await desk.ask("sweep")
        records = list(stored.records(desk.config, Subject("number", ADA)))
        assert [fields["content"] for _period, fields in records] == [None]
        app.core.carrier_down(relay, [], [])

    desk.serve(use)


def test_when_the_last_has_gone_the_case_is_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing says any more that there was somebody who asked."""

    async def use(app: App) -> None:
        await ends(app, await submit(app))
        await desk.ask(f"subject erase number {ADA} --case D-1")

    desk.serve(use, Profile())
    [case] = read(desk.config)
    month = access.date(case.at)[:7]
    later = case.at + 40 * DAY
    monkeypatch.setattr(privacy, "now_ms", lambda: later)
    desk.run(f"retention close acme {month}")
    desk.run("sweep --clock-is-right")
    assert len(read(desk.config)) == 1, "its bill may be objected to"
    monkeypatch.setattr(privacy, "now_ms", lambda: later + 90 * DAY)
    desk.run("sweep --clock-is-right")
    assert read(desk.config) == []
    assert [e["case"] for e in desk.events() if e["event"] == "erasure.done"] == ["D-1"]
    assert "cases" not in desk.run("keys show")


@pytest.mark.parametrize("scope", ["--customer acme", f"--number {ADA}"])
def test_what_is_held_is_kept_with_its_text(desk: Desk, scope: str) -> None:
    async def use(app: App) -> None:
        await ends(app, await submit(app))
        await desk.ask(f"retention hold case-7 --reason legal --approver other {scope}")
        gone, kept = erase(desk, await desk.ask(f"subject erase number {ADA} --case D-1 --json"))
        assert gone["texts"] == 0
        assert kept["traffic records"]["why"] == "they are held"
        await desk.ask("retention end case-7")
        await desk.ask("sweep")
        records = list(stored.records(desk.config, Subject("number", ADA)))
        assert [fields["content"] for _period, fields in records] == [None]

    desk.serve(use, Profile())


def test_what_came_after_it_was_asked_for_is_another_matter(desk: Desk) -> None:
    async def use(app: App) -> None:
        await desk.ask(f"subject erase number {ADA} --case D-1")
        await ends(app, await submit(app))
        await desk.ask("sweep")
        records = list(stored.records(desk.config, Subject("number", ADA)))
        assert [fields["content"] for _period, fields in records] == [b"Hello"]

    desk.serve(use, Profile())


def test_a_customers_texts_go_and_their_records_are_billed(desk: Desk) -> None:
    async def use(app: App) -> None:
        await ends(app, await submit(app))
        gone, kept = erase(desk, await desk.ask("subject erase customer acme --case D-1 --json"))
        assert gone["texts"] == 1
        assert kept["traffic records without their texts"]["how_many"] == 1

    desk.serve(use, Profile())


# -- the database, and the access logs -----------------------------------------------------------


@pytest.fixture
def registered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str, database: Database
) -> Desk:
    with database.changing() as session:
        session.add(customer("C-1"))
        session.flush()
        given = users.consent(session, "v1", b"text", "root", 1)
        ada = users.add(session, given, "ada@example.com", "Ada", "owner", "C-1", "x" * 20, 1)
        session.add(
            Period(
                customer="C-1", period="2026-09", since=0, until=100, currency="EUR",
                closed_at=1, closed_by="root",
            )
        )  # fmt: skip
        session.flush()
        for at, state, to in ((5, "done", [ADA, BEN]), (6, "done", [f"+{ADA}"]),
                              (200, "done", [ADA]), (7, "working", [ADA])):  # fmt: skip
            session.add(
                Order(
                    customer="C-1", user_id=ada.id, created_at=at, state=state,
                    sender="EXAMPLE", text="Hello", recipients=to,
                    done_at=at + 1 if state == "done" else None,
                )
            )  # fmt: skip
    desk = Desk(tmp_path, capsys, url)
    days = desk.directory / "retention" / access.DIRECTORY
    for user, fetched in ((1, "GET /orders"), (2, "GET /orders"), (2, f"GET /messages?to={ADA}")):
        entry = {"at": 1_790_000_000_000, "fetched": fetched, "referrer": "", "user": user}
        access.write(days, entry | {"customer": "C-1"})
    return desk


KEPT = {"they are being worked on": 1, "they are not billed yet": 1}


def test_a_user_goes_and_so_do_the_orders_that_may(registered: Desk, database: Database) -> None:
    said = registered.run("subject erase user ada@example.com --case D-1 --json")
    done = json.loads(said)
    gone = {"registrations": 1, "orders": 2, "access log entries": 1}
    assert {what: done["gone"][what] for what in gone} == gone
    assert {one["why"]: one["how_many"] for one in done["kept"]} == KEPT
    with database.reading() as session:
        assert users.every(session) == []
        assert session.query(Consent).one().withdrawn_at is not None
        assert [row.user_id for row in session.query(Order)] == [None, None]


def test_a_number_goes_from_orders_and_access_logs(registered: Desk, database: Database) -> None:
    said = registered.run(f"subject erase number {ADA} --case D-1 --json")
    done = json.loads(said)
    assert (done["gone"]["orders"], done["gone"]["access log entries"]) == (2, 1)
    assert {one["why"]: one["how_many"] for one in done["kept"]} == KEPT
    with database.reading() as session:
        left = {row.created_at: row.recipients for row in session.query(Order)}
    assert left == {5: [BEN], 200: [ADA], 7: [ADA]}
    entries = [e for e in registered.accesses() if "user" in e and "customer" in e]
    assert [entry["fetched"] for entry in entries] == ["GET /orders", "GET /orders"]


def test_what_is_not_there_is_said(registered: Desk) -> None:
    assert "no such user" in registered.run("subject erase user x@example.com --case D-1", 1)
    said = registered.run("subject erase number 447700900703 --case D-1")
    assert "kept" not in said and "erased: 0 orders" in said
    assert read(registered.config) == []
