"""The commands of privacy, on a server's directories while none is running."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smsc import cli, privacy
from smsc.keys import keyring
from smsc.reading import load
from smsc.retention import Name
from tests.keeper import START
from tests.serving import CONFIG, HASH

DAY = 86_400_000
MINE = Name(b"acme", "2026-09", "traffic")
#: 2026-10-04T00:00:00Z.
CLOSING = 1_791_072_000_000

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "smsc.yaml"
    file.write_text(CONFIG.format(hash=HASH, port=1, directory=tmp_path, accounts="false"))
    return file


class Wall:
    """The clock of the commands."""

    def __init__(self) -> None:
        self.ms = CLOSING

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    one = Wall()
    monkeypatch.setattr(privacy, "now_ms", one)
    return one


@pytest.fixture
def run(file: Path, wall: Wall, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*argv: str) -> tuple[int, str, str]:
        status = cli.main([*argv, "--config", str(file)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


@pytest.fixture
def sealed(file: Path) -> Path:
    """The configuration of a server that has keys for acme's September."""
    keys = keyring(load(str(file)))
    keys.prepare([MINE, MINE._replace(kind="content")])
    keys.close()
    return file


def test_a_master_key_is_made_once(run: Run, file: Path) -> None:
    assert run("keys", "init")[0] == 0
    assert (file.parent / "master.key").exists()
    status, _said, complaint = run("keys", "init")
    assert status == cli.EX_CONFIG and "there is a master key already" in complaint


def test_no_master_key_is_made_where_keys_want_another(run: Run, sealed: Path) -> None:
    (sealed.parent / "master.key").unlink()
    status, _said, complaint = run("keys", "init")
    assert status == cli.EX_CONFIG and "there are keys already" in complaint
    for command in (("keys", "show"), ("sweep",), ("retention", "status")):
        status, _said, complaint = run(*command)
        assert status == cli.EX_CONFIG and "the master key is missing; put it back" in complaint


def test_keys_are_listed_without_their_secrets(run: Run, sealed: Path) -> None:
    status, said, _complaint = run("keys", "show")
    assert status == 0
    assert [line.split()[1:4] for line in said.splitlines()] == [
        ["2026-09", "content", "acme"],
        ["2026-09", "traffic", "acme"],
    ]


def test_the_master_key_is_replaced(run: Run, sealed: Path) -> None:
    before = (sealed.parent / "master.key").read_text()
    status, said, _complaint = run("keys", "rotate")
    assert status == 0 and "2 keys are wrapped by master key 2" in said
    assert (sealed.parent / "master.key").read_text() != before
    assert "master epoch 2" in run("keys", "show")[1]
    [entry] = map(json.loads, run("audit", "show", "--event", "master.rotated")[1].splitlines())
    assert (entry["epoch"], entry["keys"]) == (2, 2)


def status_of(run: Run) -> dict[str, Any]:
    _status, said, _complaint = run("retention", "status", "--json")
    return {verdict["class"]: verdict for verdict in json.loads(said)}


def test_from_close_to_proof(run: Run, sealed: Path, wall: Wall) -> None:
    assert status_of(run)["traffic"]["stand"] == "unbilled"
    assert "2026-09 traffic: unbilled" in run("retention", "status")[1]
    assert run("sweep")[1].startswith("0 of 2 keys destroyed")
    assert run("retention", "close", "acme", "2026-09")[0] == 0
    assert run("retention", "close", "acme", "2026-09")[0] == 0, "twice is harmless"
    assert status_of(run)["traffic"]["due"] == CLOSING + 90 * DAY
    wall.ms += 90 * DAY
    status, said, complaint = run("sweep")
    assert status == cli.EX_FAILURE and "--clock-is-right" in complaint
    assert "2 of 2 keys would be destroyed" in run("sweep", "--dry-run")[1]
    assert len(status_of(run)) == 2, "said, not done"
    status, said, _complaint = run("sweep", "--clock-is-right")
    assert status == 0 and "2 of 2 keys destroyed\nproof: " in said
    proof = json.loads(Path(said.rsplit("proof: ")[1].strip()).read_text())
    assert {key["class"] for key in proof["destroyed"]} == {"traffic", "content"}
    assert status_of(run) == {}
    status, said, _complaint = run("audit", "verify")
    assert status == 0 and "0 checkpoints" in said


def test_a_hold_keeps_and_its_end_does_not(run: Run, sealed: Path, wall: Wall) -> None:
    run("retention", "close", "acme", "2026-09")
    options = ("--reason", "legal", "--approver", "somebody else", "--customer", "acme")
    assert run("retention", "hold", "case-7", *options)[0] == 0
    wall.ms += 90 * DAY
    assert run("sweep", "--clock-is-right")[1].startswith("0 of 2")
    assert "held for case-7" in run("retention", "status")[1]
    assert run("retention", "end", "case-8")[0] == cli.EX_IOERR
    assert run("retention", "end", "case-7")[0] == 0
    assert "2 of 2 keys destroyed" in run("sweep")[1]


def test_what_is_not_over_is_not_closed(run: Run, wall: Wall) -> None:
    status, _said, complaint = run("retention", "close", "acme", "2026-10")
    assert status == cli.EX_IOERR and "2026-10 is not over" in complaint
    status, _said, complaint = run("retention", "close", "acme", "summer")
    assert status == cli.EX_IOERR and "no period like 2026-09" in complaint


def test_what_is_owed_is_not_closed(
    run: Run, sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privacy, "owed_on_disk", lambda directory, customer: {b"acme": START})
    status, _said, complaint = run("retention", "close", "acme", "2026-09")
    assert status == cli.EX_IOERR and "a message of 2026-09 is not finished" in complaint
    assert "owed" in run("retention", "status")[1]


def test_nobody_approves_their_own_hold(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "ada")
    options = ("--reason", "legal", "--approver", "ada")
    status, _said, complaint = run("retention", "hold", "case-7", *options)
    assert status == cli.EX_IOERR and "by somebody else" in complaint


def test_a_changed_audit_log_is_a_failure(run: Run, sealed: Path) -> None:
    run("keys", "rotate")
    log = sealed.parent / "retention" / "audit.log"
    log.write_bytes(log.read_bytes().replace(b'"epoch":2', b'"epoch":3'))
    status, said, _complaint = run("audit", "verify")
    assert status == cli.EX_FAILURE and "entry 1 was changed" in said
