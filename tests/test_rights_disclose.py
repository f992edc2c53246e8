"""``smsc disclose``: checked by one, released by another, once, in time, and nothing beyond."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from smsc import privacy
from smsc.app import App
from smsc.cases import read
from smsc.db.database import Database
from smsc.rights.report import report
from smsc.sim.profile import Profile
from smsc.subject import Subject
from tests import canary
from tests.rights import ADA, BEN, Desk, submit
from tests.rows import customer
from tests.test_erasing import ends

TODAY = f"{datetime.now(UTC):%Y-%m-%d}"
DAYS = f"--since {TODAY} --until 2099-01-01"
ASKED = f"--agency Court --basis StPO-100g --what traffic {DAYS}"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """One engine is enough here: what is asked of both is asked in the tests of ``smsc.db``."""
    return f"sqlite:///{tmp_path}/smsc.db"


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str, database: Database) -> Desk:
    """Ada's messages, and Ben's, have been delivered."""
    with database.changing() as session:
        session.add(customer("acme", name="Example GmbH"))
    desk = Desk(tmp_path, capsys, url)

    async def use(app: App) -> None:
        await ends(app, await submit(app, short_message=b"canaryonesong"))
        await ends(app, await submit(app, BEN, short_message=b"canarytwosong"))

    desk.serve(use, Profile())
    return desk


@pytest.fixture
def act(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What one of the operators does."""

    def act(who: str, words: str, status: int = 0) -> str:
        monkeypatch.setenv("SUDO_USER", who)
        return desk.run(words, status)

    return act


def test_exactly_what_was_asked_for_is_given(desk: Desk, act: Any) -> None:
    file = desk.directory / "out" / "given.json"
    said = act("ada", f"disclose check number {ADA} --case R-1 {ASKED}")
    assert said.startswith("R-1 may be released by somebody else until 20")
    said = act("ben", f"disclose release R-1 --to {file}")
    assert file.stat().st_mode & 0o777 == 0o600
    given = json.loads(file.read_text())
    assert given["about"] == {"kind": "number", "value": ADA}
    (message,) = given["messages"]
    assert message["to"] == ADA and message["from"] == "447700900001"
    assert set(message) == {"accepted", "sent", "done", "from", "to", "state", "network"}
    assert "canary" not in file.read_text() and "registration" not in given
    assert hashlib.sha256(file.read_bytes()).hexdigest() in said
    assert "released" in act("ben", "disclose list") and ADA not in act("ben", "disclose list")


def test_a_text_is_given_only_where_it_was_asked_for(desk: Desk, act: Any) -> None:
    asked = ASKED.replace("--what traffic", "--what content registration")
    act("ada", f"disclose check customer acme --case R-1 {asked}")
    act("ben", f"disclose release R-1 --to {desk.directory}/given.json")
    given = json.loads((desk.directory / "given.json").read_text())
    assert [set(message) for message in given["messages"]] == [{"accepted", "text"}] * 2
    assert given["registration"]["contract"][0]["name"] == "Example GmbH"


def test_nobody_releases_what_they_have_checked(desk: Desk, act: Any) -> None:
    act("ada", f"disclose check number {ADA} --case R-1 {ASKED}")
    release = f"disclose release R-1 --to {desk.directory}/given.json"
    assert "somebody else releases it" in act("ada", release, 1)
    assert not (desk.directory / "given.json").exists()
    act("ben", release)
    assert "it is done once" in act("eve", release.replace("given", "again"), 1)


def test_it_expires_and_is_forgotten(desk: Desk, act: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    act("ada", f"disclose check number {ADA} --case R-1 {ASKED} --expires 3")
    now = privacy.now_ms()
    monkeypatch.setattr(privacy, "now_ms", lambda: now + 3 * 86_400_000)
    said = act("ben", f"disclose release R-1 --to {desk.directory}/given.json", 1)
    assert "has expired" in said
    act("ben", "sweep --clock-is-right")
    assert read(desk.config) == []
    assert "expired" in act("ben", "disclose list")


def test_no_list_report_or_log_of_others_tells_of_it(desk: Desk, act: Any) -> None:
    act("ada", f"disclose check number {ADA} --case R-1 {ASKED}")
    assert act("eve", "subject cases") == ""
    made = report(desk.config, Subject("number", ADA), "D-1", privacy.now_ms())
    assert made["open"] == [] and "R-1" not in json.dumps(made)
    assert canary.found([ADA], canary.files(desk.directory)) == []
    events = [e for e in desk.events() if e["event"].startswith("disclosure")]
    assert [(e["event"], e["case"], e["by"]) for e in events] == [
        ("disclosure.check", "R-1", "ada")
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (f"check number {ADA} --agency C --basis B --what traffic", "--since and --until"),
        (f"check number {ADA} --agency C --basis B --what registration", "is registered nowhere"),
        (f"check customer nobody {ASKED}", "there is no customer nobody"),
        ("release R-9 --to /nowhere/x", "there is no request R-9"),
    ],
)
def test_what_is_refused_leaves_nothing(desk: Desk, act: Any, words: str, complaint: str) -> None:
    case = "" if words.startswith("release") else " --case R-1"
    assert complaint in act("ada", f"disclose {words}{case}", 1)
    assert act("ada", "disclose list") == "" and read(desk.config) == []
