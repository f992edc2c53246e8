"""Closing a period with a server and without one, and what is exported of it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from smsc import cli, money, reading
from smsc.admin import billing
from smsc.app import App
from smsc.audit import Audit
from smsc.billing import BillingError
from smsc.db import prices
from smsc.db.database import Database
from smsc.db.model import Customer, Period
from smsc.periods import bare, month_of, named, span
from smsc.sim.profile import Profile
from smsc.zones import zone
from tests.keeper import Client, submit_sm
from tests.rows import customer
from tests.serving import CONFIG, HASH, serving, submit

NOW = time.time_ns() // 1_000_000
MONTH = month_of(NOW)
LATER = NOW + 40 * 86_400_000
BEFORE = "2026-01"

Use = Callable[[App], Awaitable[None]]


@pytest.fixture
def file(tmp_path: Path, url: str) -> Path:
    path = tmp_path / "smsc.yaml"
    text = CONFIG.format(hash=HASH, port=1, directory=tmp_path, accounts="false")
    path.write_text(text + f"database: {{url: '{url}'}}\n")
    return path


@pytest.fixture
def billed(database: Database) -> Database:
    """Customer acme, whose segments cost 0.075 once they are delivered."""
    with database.changing() as session:
        prices.plan(session, "standard", "EUR", "delivered")
        session.flush()
        prices.enter(session, "standard", "*", money.amount("0.075"))
        session.add(customer("acme", plan="standard"))
    return database


def serve(directory: Path, url: str, use: Use, profile: Profile | None = None) -> None:
    async def run() -> None:
        async with serving(directory, profile, url=url) as app:
            await use(app)

    uvloop.run(run())


def close(file: Path, database: Database, now: int = LATER) -> Period:
    return billing.close(reading.load(str(file)), database, "acme", MONTH, now)


def totals(period: Period) -> list[tuple[int | None, int, int, int]]:
    return [(one.price, one.messages, one.segments, one.amount) for one in period.totals]


async def owe(app: App) -> str:
    (id,) = app.core.submit(Client(app), [submit_sm()])  # type: ignore[arg-type]
    await app.commit.drain()
    return f"{id:x}"


def test_a_running_server_says_what_a_customer_spent(
    tmp_path: Path,
    file: Path,
    url: str,
    billed: Database,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with billed.changing() as session:
        found = session.get(Customer, "acme")
        assert found is not None
        found.cap_day = money.amount("0.30")

    async def use(app: App) -> None:
        assert (await submit(app, 5)).refused == {"0x450": 1}
        words = "customer show acme --json"
        shown = json.loads(await asyncio.to_thread(command, capsys, file, words))
        assert (shown["spent"], shown["reserved"]) == ("0.30", "0.00")

    serve(tmp_path, url, use, Profile())
    assert "spent" not in json.loads(command(capsys, file, "customer show acme --json"))


# -- closing -------------------------------------------------------------------------------------


def test_a_period_is_closed_while_the_server_runs(
    tmp_path: Path, file: Path, url: str, billed: Database
) -> None:
    async def use(app: App) -> None:
        assert (await submit(app, 5)).receipts == 5
        closed = await asyncio.to_thread(close, file, billed)
        assert totals(closed) == [(750, 5, 5, 3_750)]
        assert (await submit(app, 2)).receipts == 2
        again = await asyncio.to_thread(close, file, billed)
        assert (totals(again), again.closed_at) == (totals(closed), closed.closed_at)

    serve(tmp_path, url, use, Profile())


def test_what_is_owed_is_named_and_keeps_a_period_open(
    tmp_path: Path, file: Path, url: str, billed: Database
) -> None:
    ids = []

    async def use(app: App) -> None:
        ids.append(await owe(app))
        with pytest.raises(BillingError) as caught:
            await asyncio.to_thread(close, file, billed)
        assert str(caught.value) == (
            f"{MONTH} of acme can't be closed: 1 of its messages are not finished,"
            f" 0 of them in doubt: {ids[0]}"
        )

    serve(tmp_path, url, use)
    # The same without a server; and what was looked at is still owed.
    with pytest.raises(BillingError, match=f"1 of its messages .* {ids[0]}"):
        close(file, billed)

    async def still_owed(app: App) -> None:
        assert len(app.core.state.spool) == 1

    serve(tmp_path, url, still_owed)
    with billed.reading() as session:
        assert session.get(Period, ("acme", MONTH)) is None


def test_a_period_is_closed_without_a_server(
    tmp_path: Path, file: Path, url: str, billed: Database
) -> None:
    async def use(app: App) -> None:
        assert (await submit(app, 3)).receipts == 3

    serve(tmp_path, url, use, Profile())
    assert totals(close(file, billed)) == [(750, 3, 3, 2_250)]
    close(file, billed)
    entries = [e for e in Audit.of(reading.load(str(file)), lambda: NOW) if "period" in e]
    assert [(e["event"], e["period"], e["messages"]) for e in entries] == [
        ("period.closed", MONTH, 3)
    ], "once, however often it is closed"


def test_the_others_messages_are_in_nobodys_way(
    tmp_path: Path, file: Path, url: str, billed: Database
) -> None:
    with billed.changing() as session:
        session.add(customer("other"))

    async def use(app: App) -> None:
        await owe(app)
        loaded = reading.load(str(file))
        closed = await asyncio.to_thread(billing.close, loaded, billed, "other", MONTH, LATER)
        assert totals(closed) == []

    serve(tmp_path, url, use)


def test_weeks_of_another_clock_are_billed_and_sealed_by_themselves(
    tmp_path: Path, file: Path, url: str, billed: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    command(capsys, file, "customer change acme --cycle week --time-zone Asia/Tokyo")
    week = named("week", zone("Asia/Tokyo"), NOW)

    async def use(app: App) -> None:
        assert (await submit(app, 3)).receipts == 3
        periods = {key.name.period for key in app.keys if key.name.customer == b"acme"}
        assert week in periods and all(period.endswith("@Asia/Tokyo") for period in periods)

    serve(tmp_path, url, use, Profile())
    with pytest.raises(BillingError, match="must be a week like 2026-W48"):
        close(file, billed)
    loaded = reading.load(str(file))
    closed = billing.close(loaded, billed, "acme", bare(week), LATER)
    assert totals(closed) == [(750, 3, 3, 2_250)]
    assert (closed.since, closed.until) == span(week)
    # Back to months: each message is billed once, and the rest of the month can be closed.
    command(capsys, file, "customer change acme --cycle month --time-zone UTC")
    month = close(file, billed)
    assert totals(month) == []
    assert month.until <= closed.since or closed.until <= month.since


def test_a_month_is_not_closed_before_it_is_over(file: Path, billed: Database) -> None:
    with pytest.raises(BillingError, match=f"{MONTH} of acme is not over"):
        close(file, billed, NOW)


# -- the commands --------------------------------------------------------------------------------


def command(capsys: pytest.CaptureFixture[str], file: Path, words: str, status: int = 0) -> str:
    assert cli.main([*words.split(), "--config", str(file)]) == status
    said = capsys.readouterr()
    return said.err if status else said.out


def test_what_is_shown_and_exported(
    tmp_path: Path,
    file: Path,
    url: str,
    billed: Database,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def use(app: App) -> None:
        assert (await submit(app, 2)).receipts == 2

    serve(tmp_path, url, use, Profile())
    close(file, billed)
    capsys.readouterr()
    whole = {"direction": "out", "network": None, "price": "0.075", "messages": 2, "segments": 2}
    whole |= {"amount": "0.15"}
    shown = json.loads(command(capsys, file, f"billing show acme {MONTH} --json"))
    assert (shown["state"], shown["currency"], shown["amount"]) == ("closed", "EUR", "0.15")
    assert shown["totals"] == [whole]
    listed = command(capsys, file, "billing show acme").splitlines()
    assert listed[1].split()[:3] == ["acme", MONTH, "closed"]
    exported = json.loads(command(capsys, file, f"billing export acme {MONTH} --format json"))
    assert exported == shown
    (row,) = csv.DictReader(io.StringIO(command(capsys, file, f"billing export acme {MONTH}")))
    assert row == {"customer": "acme", "period": MONTH} | {
        key: "" if value is None else str(value) for key, value in whole.items()
    }
    itemised = f"billing export acme {MONTH} --itemised"
    assert "did not ask for itemised" in command(capsys, file, itemised, 1)
    with billed.changing() as session:
        row_ = session.get(Customer, "acme")
        assert row_ is not None
        row_.itemised_since = NOW - 1
    items = list(csv.DictReader(io.StringIO(command(capsys, file, itemised))))
    assert [(item["segments"], item["amount"]) for item in items] == [("1", "0.075")] * 2
    assert all(item["to"].endswith("xxx") for item in items)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("billing close nobody 2026-01", "there is no customer nobody"),
        ("billing close acme 2026-1", "'2026-1' must be a month like 2026-11"),
        ("billing close acme 2099-01", "2099-01 of acme is not over"),
        ("billing show nobody", "there is no customer nobody"),
        ("billing show acme 2026-01", "2026-01 of acme is not closed"),
        ("billing export acme 2026-01", "2026-01 of acme is not closed"),
    ],
)
def test_what_is_refused_is_said(
    file: Path, billed: Database, capsys: pytest.CaptureFixture[str], words: str, complaint: str
) -> None:
    assert command(capsys, file, words, 1) == f"smsc: {complaint}\n"


def test_a_month_without_messages_comes_to_nothing(
    file: Path, billed: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = json.loads(command(capsys, file, f"billing close acme {BEFORE} --json"))
    assert (closed["amount"], closed["totals"]) == ("0.00", [])
