"""The tour of docs/retention.md: each of its commands runs, at the dates it gives."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from calendar import timegm
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsc import cli, privacy
from smsc.commit import Clock
from smsc.sim.profile import Profile
from tests import canary
from tests.serving import CONFIG, HASH, serving, submit

TOUR = Path(__file__).parent.parent / "docs" / "retention.md"
STEP = re.compile(r"^    \$ smsc (.+)$|^<!-- (\d+)-(\d+)-(\d+) -->$", re.MULTILINE)

#: Commands that go on until they are stopped: the test has a server and a client of its own.
LIVING = {"serve", "sim load"}


def steps() -> Iterator[tuple[int, str]]:
    """``(time in ms, command)`` in the order of the tour."""
    now = 0
    for found in STEP.finditer(TOUR.read_text()):
        if found[1] is None:
            now = timegm((int(found[2]), int(found[3]), int(found[4]), 12, 0, 0)) * 1_000
        else:
            yield now, found[1]


async def sends(directory: Path) -> None:
    async with serving(directory, Profile()) as app:
        assert (await submit(app, 20)).passed


def test_the_tour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "smsc.yaml"
    file.write_text(CONFIG.format(hash=HASH, port=1, directory=tmp_path, accounts="false"))
    monkeypatch.chdir(tmp_path)
    said: dict[str, str] = {}
    for now, command in steps():
        monkeypatch.setattr(privacy, "now_ms", lambda now=now: now)
        monkeypatch.setattr(Clock, "__call__", lambda self, now=now: now)
        if command in LIVING:
            if command == "serve":
                asyncio.run(sends(tmp_path))
            continue
        words = [word.replace("demo", "acme") for word in shlex.split(command)]
        status = cli.main([*words, "--config", str(file)])
        output = capsys.readouterr()
        assert (status, output.err) == (0, ""), command
        said[command] = output.out
    assert "acme 2026-11 traffic: unbilled" in said["retention status"]
    assert "would be destroyed" in said["sweep --dry-run"]
    [proof] = re.findall(r"proof: (.+)", said["sweep --clock-is-right"])
    destroyed = json.loads(Path(proof).read_text())["destroyed"]
    assert {key["class"] for key in destroyed if key["period"] == "2026-11"} == {
        "traffic",
        "content",
    }
    assert (tmp_path / "out" / "D-17.html").exists()
    assert said["subject cases"].startswith("D-18: block of a number")
    assert "2026-11 traffic" not in said["keys show"]
    assert "0 checkpoints" in said["audit verify"]
    # And the key of the hold that was ended.
    assert json.loads(said["audit show --event sweep.done"].splitlines()[-1])["keys"] == 3
    seen = canary.found(["447700900123"], canary.files(tmp_path))
    assert seen == []
