"""``smsc subject block|unblock|cases``: with a server, without one, and what anybody then sees."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from smsc import traffic
from smsc.app import App
from smsc.db import users
from smsc.db.database import Database
from smsc.journal import inspect
from smsc.keys import keyring
from smsc.sim.profile import Profile
from smsc.smpp import Status
from tests import canary
from tests.keeper import Client
from tests.rights import ADA, BEN, Desk, submit
from tests.rows import account, customer
from tests.serving import submit as load


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_a_number_is_blocked_while_the_server_runs(desk: Desk) -> None:
    async def use(app: App) -> None:
        assert await submit(app) > 0
        assert await desk.ask(f"subject block number +{ADA} --case D-1") == "blocked for D-1\n"
        assert await submit(app) == -Status.ESME_RINVDSTADR
        assert await submit(app, BEN) > 0
        assert "D-1 already" in await desk.ask(f"subject block number {ADA} --case D-1", 1)
        said = await desk.ask("subject cases")
        assert said.startswith("D-1: block of a number since 20") and ADA not in said
        assert "D-1 no more" in await desk.ask("subject unblock D-1")
        assert await submit(app) > 0
        assert await desk.ask("subject cases") == ""

    desk.serve(use)


def test_a_block_outlasts_a_restart_and_is_made_without_a_server(desk: Desk) -> None:
    desk.run(f"subject block number {ADA} --case D-1")

    async def use(app: App) -> None:
        assert await submit(app) == -Status.ESME_RINVDSTADR

    desk.serve(use)
    desk.run("subject unblock D-1")

    async def again(app: App) -> None:
        assert await submit(app) > 0

    desk.serve(again)
    assert canary.found([ADA], canary.files(desk.directory)) == []


def test_each_act_is_noted_and_nobody_is_named(desk: Desk) -> None:
    desk.run(f"subject block number {ADA} --case D-1")
    desk.run("subject unblock D-1")
    noted = [(e["event"], e["case"], e["of"]) for e in desk.events()]
    assert noted == [("subject.block", "D-1", "number"), ("subject.unblock", "D-1", "number")]
    fetched = [(e["fetched"], e["status"]) for e in desk.accesses()]
    assert fetched == [("smsc subject block number", 200), ("smsc subject unblock number", 200)]
    assert {"address", "at", "fetched", "octets", "status", "agent", "referrer", "user"} == set(
        desk.accesses()[0]
    )
    assert "0 checkpoints" in desk.run("audit verify")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("subject block number 0770 --case D-1", "a number is written with its country code"),
        ("subject block customer nobody --case D-1", "there is no customer nobody"),
        ("subject block user a@example.com --case D-1", "users are in a database"),
        ("subject unblock D-1", "there is no block by the name of D-1"),
    ],
)
def test_what_is_refused_is_said_and_noted_nowhere(desk: Desk, words: str, complaint: str) -> None:
    desk.run("keys init")
    assert complaint in desk.run(words, 1)
    assert desk.events() == desk.accesses() == []


def test_whom_it_is_about_can_be_told_unseen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"+{ADA}\n"))
    assert desk.run("subject block number - --case D-1") == "blocked for D-1\n"


def test_traffic_of_the_blocked_is_shown_to_nobody(desk: Desk) -> None:
    async def use(app: App) -> None:
        assert (await load(app, 5)).receipts == 5

    desk.serve(use, Profile())
    shown = desk.run("traffic show --json --purpose test").splitlines()
    assert len(shown) == 5
    directory = desk.directory / "traffic"
    ring = keyring(desk.config, read_only=True)
    months = traffic.periods(directory)
    records = [r for m in months for r in traffic.read(inspect.records(directory / m), ring)]
    number = records[0]["destination_addr"].decode()
    theirs = [r for r in records if r["destination_addr"].decode() == number]
    desk.run(f"subject block number {number} --case D-1")
    left = [json.loads(line) for line in desk.run("traffic show --json --purpose t").splitlines()]
    assert len(left) == 5 - len(theirs)
    desk.run("subject block customer acme --case D-2")
    assert desk.run("traffic show --purpose test") == ""
    desk.run("subject unblock D-1")
    desk.run("subject unblock D-2")
    assert desk.run("traffic show --json --purpose test").splitlines() == shown


def test_a_blocked_customer_is_seen_out_and_let_in_again(desk: Desk) -> None:
    async def use(app: App) -> None:
        assert app.accounts.bindable(b"acme") is not None
        client = Client(app)  # type: ignore[arg-type]
        await desk.ask("subject block customer acme --case D-1")
        assert app.accounts.bindable(b"acme") is None
        assert await submit(app, account=client.account) == -Status.ESME_RSYSERR
        await desk.ask("subject unblock D-1")
        assert app.accounts.bindable(b"acme") is not None

    desk.serve(use)


def test_a_blocked_user_is_in_no_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str, database: Database
) -> None:
    desk = Desk(tmp_path, capsys, url)
    with database.changing() as session:
        session.add(customer("C-1"))
        session.add(account("ours", "C-1"))
        given = users.consent(session, "v1", b"text", "root", 1)
        users.add(session, given, "ada@example.com", "Ada", "owner", "C-1", "x" * 20, 1)
    desk.run("subject block user Ada@example.com --case D-1")
    assert desk.run("user list") == ""
    with database.reading() as session:
        assert not users.get(session, "ada@example.com").enabled
    assert "there is no such user" in desk.run("subject block user b@example.com --case D-2", 1)
    assert "let them log in" in desk.run("subject unblock D-1")
    assert "ada@example.com" in desk.run("user list")
