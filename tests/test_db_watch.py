"""The snapshot a running server works with: what it is made of, and when it is swapped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import stat
import subprocess
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import uvloop
from sqlalchemy import select, text

from smsc import reading
from smsc._pdu import Decoder, Pdu, encode, header_only
from smsc.accounts import Accounts
from smsc.app import App
from smsc.config import AccountConfig
from smsc.control import ask
from smsc.db import snapshot
from smsc.db.database import Database
from smsc.db.kept import Kept
from smsc.db.model import Credit, Price, PricePlan, SmppAccount
from smsc.db.watch import Watch
from smsc.errors import ControlError, DatabaseError
from smsc.sim.profile import Profile
from smsc.smpp import Command, Status
from tests.databases import PostgreSQL
from tests.keeper import HASH
from tests.rows import account, customer
from tests.serving import configuration, get, serving, submit
from tests.test_admin import typed
from tests.test_app import until

FIXED = (AccountConfig(system_id=b"fixed", password_hash=HASH),)


def fill(database: Database, *rows: object) -> None:
    with database.changing() as session:
        session.add(customer())
        session.flush()
        session.add_all(rows)


def names(accounts: Accounts) -> list[bytes]:
    return [account.system_id for account in accounts]


# -- what it is made of --------------------------------------------------------------------------


def taken(database: Database) -> snapshot.Snapshot:
    with database.reading() as session:
        return snapshot.read(session, FIXED)


def test_an_account_has_the_settings_it_would_have_in_the_file(database: Database) -> None:
    settings = {
        "rate": "50/s",
        "allowed_addresses": ["192.0.2.0/24"],
        "mailbox": {"max_items": "7"},
    }
    fill(database, account("acme", settings=settings))
    found = taken(database)
    text = f"""
listeners: [{{name: main, port: 0}}]
accounts:
  - system_id: acme
    password_hash: {HASH}
    customer: C-1
    rate: 50/s
    allowed_addresses: [192.0.2.0/24]
    mailbox: {{max_items: 7}}
"""
    assert found.accounts.get(b"acme").config == reading.loads(text).accounts[0]  # type: ignore[union-attr]
    assert names(found.accounts) == [b"fixed", b"acme"]
    assert found.problems == ()


@pytest.mark.parametrize("fields", [{"enabled": False}, {"removed_at": 5}])
def test_one_that_may_not_bind_is_known_and_keeps_its_customer(
    database: Database, fields: dict[str, Any]
) -> None:
    fill(database, account("acme", **fields))
    accounts = taken(database).accounts
    assert accounts.bindable(b"acme") is None
    assert accounts.get(b"acme").config.customer == b"C-1"  # type: ignore[union-attr]


def test_the_file_wins_and_what_can_not_be_used_is_left_out(database: Database) -> None:
    fill(database, account("fixed"), account("bad", settings={"rate": "fast"}), account("good"))
    found = taken(database)
    assert names(found.accounts) == [b"fixed", b"good"]
    assert found.accounts.get(b"fixed").config is FIXED[0]  # type: ignore[union-attr]
    wrong, shadowed = sorted(found.problems)
    assert wrong.startswith("account bad: rate: 'fast' must be like 100/s")
    assert shadowed == "account fixed: the one in the configuration file wins"


def test_what_has_not_changed_is_not_read_anew(database: Database) -> None:
    fill(database, account("same"), account("changed"), account("broken"), account("gone"))
    before = taken(database)
    with database.changing() as session:
        for row in session.scalars(select(SmppAccount)):
            row.settings = {"changed": {"rate": "7/s"}, "broken": {"rate": "fast"}}.get(
                row.system_id, row.settings
            )
            if row.system_id == "gone":
                session.delete(row)
        rows = snapshot.taken(session, 0)
    found = snapshot.made(rows, FIXED, before.known)
    fresh = snapshot.made(rows, FIXED)
    assert [one.config for one in found.accounts] == [one.config for one in fresh.accounts]
    assert names(found.accounts) == [b"fixed", b"changed", b"same"]
    assert found.problems == fresh.problems != ()
    assert set(found.known) == {"changed", "same"}
    was, now = (each.accounts.get(b"same") for each in (before, found))
    assert was is not None and now is not None and was.config is now.config
    again = snapshot.made(rows, FIXED, found.known)
    assert all(a.config is b.config for a, b in zip(found.accounts, again.accounts, strict=True))


# -- when it is swapped --------------------------------------------------------------------------


def watching(
    database: Database, kept: Path, use: Callable[[Watch, list[Accounts]], Awaitable[None]]
) -> None:
    async def run() -> None:
        watch = Watch(database, Kept(kept), FIXED, lambda: 1, interval=0.01)
        swapped = [watch.first()]
        watch.start(swapped.append)
        await use(watch, swapped)
        await watch.stop()

    uvloop.run(run())


def test_a_change_swaps_the_snapshot_and_nothing_else_does(
    database: Database, tmp_path: Path
) -> None:
    async def use(watch: Watch, swapped: list[Accounts]) -> None:
        await asyncio.to_thread(fill, database, account("acme"))
        await until(lambda: len(swapped) == 2)
        assert names(swapped[1]) == [b"fixed", b"acme"]
        looked = watch._revision
        watch.poke()
        await until(lambda: not watch._poked.is_set())
        assert (len(swapped), watch._revision) == (2, looked)

    watching(database, tmp_path / "kept", use)


def test_it_goes_on_while_the_database_is_away(
    cluster: PostgreSQL, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(cluster.new())
    caplog.set_level(logging.INFO, "smsc")

    async def use(watch: Watch, swapped: list[Accounts]) -> None:
        await asyncio.to_thread(cluster.stop)
        try:
            await until(lambda: watch.away)
            for _ in range(3):  # said once, however often it is asked
                watch.poke()
                await until(lambda: not watch._poked.is_set())
        finally:
            await asyncio.to_thread(cluster.start)
        await until(lambda: not watch.away)
        await asyncio.to_thread(fill, database, account("acme"))
        await until(lambda: len(swapped) == 2)

    watching(database, tmp_path / "kept", use)
    said = [record.message for record in caplog.records if record.name == "smsc.db.watch"]
    assert [line for line in said if "going on" in line] == said[:1]
    assert said[1:] == ["the database is back"]


# -- what is kept of it --------------------------------------------------------------------------


def rich(database: Database) -> None:
    """One of everything that a snapshot is made of."""
    with database.changing() as session:
        plan = PricePlan(name="standard", currency="EUR", charged="delivered")
        for destination, since, until in (
            ("*", date(2000, 1, 1), None),
            ("44", date(2026, 1, 1), date(2026, 7, 1)),
        ):
            plan.prices.append(
                Price(
                    destination=destination, direction="out", amount=750, since=since, until=until
                )
            )
        session.add(plan)
        session.flush()
        session.add(
            customer("C-1", plan="standard", prepaid=True, cap_day=5, time_zone="Asia/Tokyo")
        )
        session.add(customer("C-2"))
        session.flush()
        session.add(Credit(customer="C-1", amount=90_000, note="", at=1))
        session.add(account("acme", settings={"rate": "50/s", "senders": ["Example"]}))
        session.add(account("gone", "C-2", removed_at=5))


def told(found: snapshot.Snapshot) -> list[Any]:
    """All that an ``Accounts`` says, as something that can be compared."""
    return [
        (one.config, one.tariff and (vars(one.tariff.plan), one.tariff.zone, one.tariff.credited))
        for one in found.accounts
    ]


def test_what_is_kept_is_what_was_read(database: Database, tmp_path: Path) -> None:
    rich(database)
    kept = Kept(tmp_path / "state" / "kept")
    with database.reading() as session:
        rows = snapshot.taken(session, 17)
    assert kept.read() is None
    for _ in range(2):  # over what was kept before
        kept.write(rows)
    again = kept.read()
    assert again == rows and again.at == 17
    ours, theirs = told(snapshot.made(again, FIXED)), told(snapshot.made(rows, FIXED))
    assert ours == theirs and len(ours) == 3
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert os.listdir(kept.path.parent) == ["kept"], "nothing of what it held before"


def test_what_was_changed_last_is_kept_when_the_watch_ends(
    database: Database, tmp_path: Path
) -> None:
    async def run() -> None:
        watch = Watch(database, Kept(tmp_path / "kept"), FIXED, lambda: 1, interval=3_600)
        watch.first()
        watch.start(lambda accounts: None)
        await asyncio.to_thread(fill, database, account("late"))
        await watch.stop()

    uvloop.run(run())
    rows = Kept(tmp_path / "kept").read()
    assert rows is not None and [row["system_id"] for row in rows.accounts] == ["late"]
    assert rows.revision == database.revision()


def test_a_change_without_a_server_is_kept_for_one_that_starts_without_the_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an account that was removed meanwhile could bind again."""
    desk = typed(tmp_path, f"sqlite:///{tmp_path}/smsc.db", capsys)
    desk("customer add C-1 --name Example")
    desk("account add late --customer C-1")
    kept = Kept(tmp_path / "database.snapshot")
    assert not kept.path.exists(), "no server was ever here"

    async def once() -> None:
        async with serving(tmp_path, url=f"sqlite:///{tmp_path}/smsc.db"):
            pass

    uvloop.run(once())
    owners: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: owners.append((uid, gid)))
    desk("account remove late")
    rows = kept.read()
    assert rows is not None and [row["enabled"] for row in rows.accounts] == ["false"]
    mine = kept.path.stat()
    assert owners == [(mine.st_uid, mine.st_gid)]


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"{}",
        b'{"version": 2}',
        b'{"version": 1}',
        b'{"version": 1, "x": 2}',
    ],
)
def test_what_is_damaged_is_as_good_as_nothing(
    damaged: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "kept"
    path.write_bytes(damaged)
    assert Kept(path).read() is None
    assert "is no snapshot" in caplog.text


def test_a_snapshot_that_can_not_be_kept_is_said_and_counts(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")

    async def use(watch: Watch, swapped: list[Accounts]) -> None:
        assert names(swapped[0]) == [b"fixed"]

    watching(database, tmp_path / "file" / "kept", use)
    assert "a start without the database would not know of this" in caplog.text


def test_a_zone_that_nobody_knows_here_costs_nobody_else(database: Database) -> None:
    with database.changing() as session:
        session.add(customer(time_zone="Moon/Tycho"))
        session.flush()
        session.add(account("acme"))
    found = taken(database)
    assert names(found.accounts) == [b"fixed", b"acme"]
    assert found.problems == (
        "customer C-1: 'Moon/Tycho' must be a time zone like Europe/Berlin, or UTC; it is UTC "
        "until then",
    )


NOWHERE = "postgresql://smsc@/none?host=/nowhere"


def test_with_neither_database_nor_snapshot_no_server_starts(tmp_path: Path) -> None:
    """Messages that are owed would be booked to nobody."""

    async def run() -> None:
        App(configuration(tmp_path, url=NOWHERE))

    with pytest.raises(DatabaseError, match="has no snapshot either"):
        uvloop.run(run())


def test_a_database_of_another_version_is_not_away(database: Database, tmp_path: Path) -> None:
    """It answers: a person is to upgrade it, and would not notice a server that goes on."""
    with database.reading() as session:
        Kept(tmp_path / "database.snapshot").write(snapshot.taken(session, 17))
    with database._engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    async def run() -> None:
        App(configuration(tmp_path, url=database._engine.url.render_as_string(False)))

    with pytest.raises(DatabaseError, match="run a newer one"):
        uvloop.run(run())


def test_a_server_starts_without_its_database_and_finds_it_again(
    cluster: PostgreSQL, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = cluster.new()
    caplog.set_level(logging.INFO, "smsc")

    async def with_it() -> None:
        async with serving(tmp_path, url=url):
            pass

    async def without() -> None:
        async with serving(tmp_path, Profile(), url=url) as app:
            text = (await get(app, "/metrics")).text
            assert "smsc_database_away 1.0" in text
            assert app.accounts_age > 60, "since they were known to be those of the database"
            _, writer = await bind(app)
            writer.close()
            assert (await submit(app, 3)).receipts == 3
            await asyncio.to_thread(cluster.start)
            await until(lambda: not app.database_away)
            assert "smsc_database_away 0.0" in (await get(app, "/metrics")).text
            await asyncio.to_thread(change, database, settings={"rate": "9/s"})
            await until(lambda: app.accounts.get(b"late").config.rate == 9)  # type: ignore[union-attr]

    database = Database(url)
    database.prepare()
    fill(database, account("late", settings={"rate": "7/s"}))
    uvloop.run(with_it())
    kept = Kept(tmp_path / "database.snapshot")
    rows = kept.read()
    assert rows is not None
    kept.write(rows._replace(at=rows.at - 100_000))
    cluster.stop()
    try:
        uvloop.run(without())
    except BaseException:
        with contextlib.suppress(subprocess.CalledProcessError):
            cluster.start()
        raise
    finally:
        database.close()
    said = [record.message for record in caplog.records if record.name == "smsc.db.watch"]
    assert len(said) == 2 and "starting with the accounts as they were at 20" in said[0]
    assert said[1] == "the database is back"


def test_an_older_copy_of_the_database_revives_nothing_and_deletes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """A backup is put back: an account that was removed is in it, and a hold is not."""
    desk = typed(tmp_path, f"sqlite:///{tmp_path}/smsc.db", capsys)
    loaded = reading.load(str(desk._file))
    desk("customer add C-1 --name Example")
    desk("account add late --customer C-1")
    shutil.copyfile(tmp_path / "smsc.db", tmp_path / "backup")
    desk("account remove late")
    desk("hold add case-7 --customer C-1 --reason legal")

    async def run(use: Callable[[App], Awaitable[None]]) -> None:
        async with serving(tmp_path, url=loaded.database.url) as app:
            await use(app)

    async def know(app: App) -> None:
        assert app.accounts.bindable(b"late") is None and app.accounts.get(b"late")
        await asyncio.to_thread(restore)
        await until(lambda: app.database_away)
        assert app.accounts.bindable(b"late") is None

    def restore() -> None:
        shutil.copyfile(tmp_path / "backup", tmp_path / "copy")
        for left in tmp_path.glob("smsc.db*"):
            left.unlink()
        (tmp_path / "copy").rename(tmp_path / "smsc.db")  # whole, whenever it is looked at

    async def go_on(app: App) -> None:
        assert app.database_away and app.accounts.bindable(b"late") is None
        with pytest.raises(ControlError, match="an older copy was put back"):
            await asyncio.to_thread(ask, app.config.control, "POST", "/sweep")
        for words in ("account list", "customer add C-2 --name X"):
            await asyncio.to_thread(desk, words, 1)
            assert "an older copy was put back" in desk.complained, words
        await asyncio.to_thread(desk, "database accept")
        assert desk.said.startswith("the database counts as it is, from revision ")
        await until(lambda: app.accounts.bindable(b"late") is not None)
        assert not app.database_away
        audited = [entry["event"] for entry in app.housekeeping.audit]
        assert "database.accepted" in audited

    uvloop.run(run(know))
    uvloop.run(run(go_on))
    assert "going on with the accounts known so far" in caplog.text
    assert "starting with the accounts as they were" in caplog.text


# -- in the server -------------------------------------------------------------------------------


def change(database: Database, **fields: object) -> None:
    with database.changing() as session:
        row = session.get(SmppAccount, "late")
        for name, value in fields.items():
            setattr(row, name, value)


def decode(octets: bytes) -> Pdu:
    return Decoder(1024).feed(octets)[0]


async def bind(app: App, status: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Bind as the account of the database, and see how that is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", app.listeners[0].port)
    fields = {"system_id": b"late", "password": b"secret", "interface_version": 0x34}
    writer.write(encode(Command.BIND_TRANSCEIVER, 1, 0, (), **fields))
    length = await reader.readexactly(4)
    answer = decode(length + await reader.readexactly(int.from_bytes(length) - 4))
    assert answer.command_status == status
    return reader, writer


def test_an_account_comes_and_goes_while_the_server_runs(
    database: Database, tmp_path: Path
) -> None:
    """It binds once it is there; disabled it is unbound, refused, and its messages go on."""

    async def run() -> None:
        url = database._engine.url.render_as_string(False)
        async with serving(tmp_path, Profile(), url=url) as app:
            poke = app.config.control, "POST", "/accounts"
            assert app.accounts.get(b"late") is None
            await asyncio.to_thread(fill, database, account("late", settings={"rate": "7/s"}))
            await asyncio.to_thread(ask, *poke)
            await until(lambda: app.accounts.get(b"late") is not None)
            reader, writer = await bind(app)
            await until(lambda: len(app.binds) == 1)
            await asyncio.to_thread(change, database, settings={"rate": "9/s"})
            await asyncio.to_thread(ask, *poke)
            await until(lambda: app.binds.accounts[b"late"].limits.rate == 9)
            assert len(app.binds) == 1
            await asyncio.to_thread(change, database, enabled=False)
            await asyncio.to_thread(ask, *poke)
            unbind = decode(await reader.readexactly(16))
            assert unbind.command_id == Command.UNBIND
            writer.write(header_only(Command.UNBIND_RESP, 0, unbind.sequence_number))
            await until(lambda: not app.binds.accounts[b"late"].binds)
            _, refused = await bind(app, Status.ESME_RBINDFAIL)
            assert (await submit(app, 3)).receipts == 3  # the others never noticed
            for one in (writer, refused):
                one.close()

    uvloop.run(run())
