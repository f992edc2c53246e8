"""The audit log: what is in it stays in it, and what was done to it shows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smsc.audit import ROOT, Audit, hash_of, line_of


def clock() -> int:
    return 1_790_000_000_000


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    one = Audit(tmp_path / "a", clock, str(tmp_path / "points"))
    for number in range(5):
        one.add("keys.destroyed", count=number)
    return one


def test_entries_are_a_chain(audit: Audit) -> None:
    entries = list(audit)
    assert [entry["n"] for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry["prev"] for entry in entries] == [ROOT, *(e["hash"] for e in entries[:-1])]
    assert entries[2] == {
        "at": clock(), "count": 2, "event": "keys.destroyed", "n": 3,
        "prev": entries[1]["hash"], "hash": entries[2]["hash"],
    }  # fmt: skip
    found = audit.verify()
    assert (found.entries, found.checkpoints, found.problems) == (5, 5, [])
    assert found.head == entries[-1]["hash"] == (audit.newest() or {})["hash"]


def test_an_empty_log_is_sound(tmp_path: Path) -> None:
    one = Audit(tmp_path / "a", clock)
    assert (one.verify().problems, one.newest(), list(one)) == ([], None, [])


def changed(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b'"count":1', b'"count":7'), *lines[2:]]


def rehashed(lines: list[bytes]) -> list[bytes]:
    entry = json.loads(lines[1]) | {"count": 7}
    entry["hash"] = hash_of(entry)
    return [lines[0], line_of(entry) + b"\n", *lines[2:]]


TAMPERED: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "changed": (changed, "entry 2 was changed"),
    "changed and hashed": (rehashed, "entry 3 does not follow"),
    "taken out": (lambda lines: lines[:2] + lines[3:], "entry 3 calls itself 4"),
    "put twice": (lambda lines: [*lines, lines[-1]], "entry 6 calls itself 5"),
    "swapped": (lambda lines: [lines[1], lines[0], *lines[2:]], "entry 1 calls itself 2"),
    "written over": (lambda lines: [b"x\n", *lines[1:]], "entry 1 can't be read"),
    "spaced": (lambda lines: [lines[0].replace(b",", b", "), *lines[1:]], "entry 1 was changed"),
    "cut": (lambda lines: lines[:3], "ends before entry 4"),
    "emptied": (lambda lines: [], "ends before entry 1"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_what_was_done_to_it_shows(how: str, audit: Audit) -> None:
    tamper, said = TAMPERED[how]
    audit.path.write_bytes(b"".join(tamper(audit.path.read_bytes().splitlines(keepends=True))))
    assert said in audit.verify().problems[0]


def test_a_whole_new_chain_shows_by_the_second_place(audit: Audit, tmp_path: Path) -> None:
    forged = Audit(tmp_path / "b", clock)
    for number in range(5):
        forged.add("keys.destroyed", count=number + 10)
    assert forged.verify().problems == []
    audit.path.write_bytes(forged.path.read_bytes())
    assert "entry 1 is not the one that" in audit.verify().problems[0]


@pytest.mark.parametrize("octets", [1, 10, 100])
def test_a_torn_line_is_cut_and_said(octets: int, audit: Audit) -> None:
    data = audit.path.read_bytes()
    start = data.rfind(b"\n", 0, -1) + 1
    audit.path.write_bytes(data[: start + octets])
    Path(audit._file).write_bytes(b"")
    assert (audit.verify().torn, audit.verify().problems) == (octets, [])
    entry = audit.add("sweep")
    assert (entry["n"], entry["cut"]) == (5, octets)
    assert audit.verify().problems == []


def test_a_long_entry_is_found_again(audit: Audit) -> None:
    audit.add("sweep", keys=["0" * 16] * 2_000)
    assert audit.add("sweep")["n"] == 7
    assert audit.verify().problems == []


def test_several_processes_make_one_chain(audit: Audit) -> None:
    code = (
        "import sys; from pathlib import Path; from smsc.audit import Audit\n"
        "one = Audit(Path(sys.argv[1]), lambda: 1)\n"
        "for _ in range(40): one.add('sweep')"
    )
    command = [sys.executable, "-c", code, str(audit.path.parent)]
    running = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    found = audit.verify()
    assert (found.entries, found.problems) == (125, [])


def test_a_command_is_given_the_checkpoint(tmp_path: Path) -> None:
    one = Audit(tmp_path, clock, checkpoint_command=f"cat >> {tmp_path}/told")
    entry = one.add("sweep")
    told = json.loads((tmp_path / "told").read_text())
    assert told == {name: entry[name] for name in ("n", "at", "hash")}


def test_a_second_place_that_is_away_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = Audit(tmp_path, clock, str(tmp_path / "none" / "points"), "exit 3")
    assert one.add("sweep")["n"] == 1
    assert "no checkpoint of audit entry 1" in caplog.text
