"""The snapshot a running server works with: what it is made of, and when it is swapped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from smsc import reading
from smsc._pdu import Decoder, Pdu, encode, header_only
from smsc.accounts import Accounts
from smsc.app import App
from smsc.config import AccountConfig
from smsc.control import ask
from smsc.db import snapshot
from smsc.db.database import Database
from smsc.db.model import SmppAccount
from smsc.db.watch import Watch
from smsc.errors import DatabaseError
from smsc.sim.profile import Profile
from smsc.smpp import Command, Status
from tests.databases import PostgreSQL
from tests.keeper import HASH
from tests.rows import account, customer
from tests.serving import configuration, serving, submit
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


# -- when it is swapped --------------------------------------------------------------------------


def watching(database: Database, use: Callable[[Watch, list[Accounts]], Awaitable[None]]) -> None:
    async def run() -> None:
        watch = Watch(database, FIXED, lambda: 1, interval=0.01)
        swapped = [watch.first()]
        watch.start(swapped.append)
        await use(watch, swapped)
        await watch.stop()

    uvloop.run(run())


def test_a_change_swaps_the_snapshot_and_nothing_else_does(database: Database) -> None:
    async def use(watch: Watch, swapped: list[Accounts]) -> None:
        await asyncio.to_thread(fill, database, account("acme"))
        await until(lambda: len(swapped) == 2)
        assert names(swapped[1]) == [b"fixed", b"acme"]
        looked = watch._revision
        watch.poke()
        await until(lambda: not watch._poked.is_set())
        assert (len(swapped), watch._revision) == (2, looked)

    watching(database, use)


def test_it_goes_on_while_the_database_is_away(
    cluster: PostgreSQL, caplog: pytest.LogCaptureFixture
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

    watching(database, use)
    said = [record.message for record in caplog.records if record.name == "smsc.db.watch"]
    assert [line for line in said if "going on" in line] == said[:1]
    assert said[1:] == ["the database is back"]


def test_a_server_does_not_start_without_its_database(tmp_path: Path) -> None:
    async def run() -> None:
        App(configuration(tmp_path, url="postgresql://smsc@/none?host=/nowhere"))

    with pytest.raises(DatabaseError):
        uvloop.run(run())


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
