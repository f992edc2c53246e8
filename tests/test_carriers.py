"""What is said of carriers: by a running server on its control socket, and in words."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import uvloop

from smsc import carriers, cli
from smsc.app import App
from smsc.control import ask
from smsc.errors import ControlError
from smsc.sim.dialect import DIALECTS
from smsc.sim.profile import Profile
from tests.serving import CONFIG, HASH, serving, submit

MESSAGES = 300


async def asked(app: App, path: str = "/carriers") -> Any:
    return await asyncio.to_thread(ask, app.config.control, "GET", path)


# -- a running server ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "ids", "place", "digits"),
    [
        ("standard", "verbatim", "text+tlv", 10),
        ("text-only", "verbatim", "text", 10),
        ("tlv-only", "verbatim", "tlv", 0),
        ("decimal", "hex-decimal", "text+tlv", 10),
        ("upper", "any", "text+tlv", 10),
        ("unpadded", "any", "text+tlv", 10),
        ("seconds", "verbatim", "text+tlv", 12),
        ("shuffled", "verbatim", "text", 10),
    ],
)
def test_a_carrier_of_any_dialect_is_understood_and_what_was_learned_is_shown(
    tmp_path: Path, dialect: str, ids: str, place: str, digits: int
) -> None:
    async def run() -> tuple[bool, Any]:
        async with serving(tmp_path, Profile(dialect=DIALECTS[dialect])) as app:
            result = await submit(app, MESSAGES)
            return result.passed and not len(app.core.state.spool), await asked(app)

    passed, [told] = uvloop.run(run())
    assert passed, "every message has its receipt"
    learned = told["learned"]
    assert learned["ids"]["verdict"] == ids
    assert learned["receipts"]["verdict"]["place"] == place
    assert learned["receipts"]["verdict"]["digits"] == digits
    assert learned["clock"]["verdict"] == ("+00:00" if digits else None)
    assert told["binds"] == [{"up": True, "unanswered": 0, "made": 1, "failed": 0}]
    assert (told["waiting"], told["in_doubt"]) == (0, [])


def test_nothing_is_known_of_a_carrier_that_is_away(tmp_path: Path) -> None:
    async def run() -> Any:
        async with serving(tmp_path) as app:
            return await asked(app, "/carriers/sim")

    [told] = uvloop.run(run())
    assert told["learned"]["ids"] == {"verdict": None, "seen": [], "in_a_row": 0}
    assert not told["binds"][0]["up"]


def test_the_command_prints_what_the_server_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "smsc.yaml"
    file.write_text(CONFIG.format(hash=HASH, port=1, directory=tmp_path, accounts="false"))
    command = ["carrier", "show", "--config", str(file)]

    async def run() -> list[int]:
        async with serving(tmp_path, Profile(dialect=DIALECTS["decimal"])) as app:
            await submit(app, MESSAGES)
            every = await asyncio.to_thread(cli.main, command)
            one = await asyncio.to_thread(cli.main, [*command, "sim", "--json"])
            return [every, one, await asyncio.to_thread(cli.main, [*command, "north"])]

    assert uvloop.run(run()) == [0, 0, cli.EX_FAILURE]
    printed = capsys.readouterr()
    words, _, told = printed.out.partition("[\n")
    assert "  ids       learned: hexadecimal in responses, decimal in receipts" in words
    assert "  binds     1 of 1 up; made 1 times, failed 0 times" in words
    assert json.loads("[" + told)[0]["carrier"] == "sim"
    assert printed.err == "smsc: there is no carrier named north\n"


def test_a_carrier_that_there_is_not(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as app:
            with pytest.raises(ControlError, match="^there is no carrier named north$"):
                await asked(app, "/carriers/north")

    uvloop.run(run())


def test_no_number_and_no_text_is_told(tmp_path: Path) -> None:
    async def run() -> str:
        async with serving(tmp_path, Profile()) as app:
            await submit(app, MESSAGES)
            told = await asked(app)
            return repr(told) + carriers.text(told)

    assert not re.search(r"\d{7}", uvloop.run(run()))


# -- in words ------------------------------------------------------------------------------------


def told(**changes: Any) -> dict[str, Any]:
    nothing = {"verdict": None, "seen": [], "in_a_row": 0}
    return {
        "carrier": "one",
        "configured": {
            "host": "smsc.example.net", "port": 2775, "version": "3.4", "bind": "trx",
            "receipts": "as_asked", "id_rule": {"response": "learn", "receipt": "learn"},
            "receipt_time_zone": "learn",
        } | changes.pop("configured", {}),
        "binds": [
            {"up": True, "unanswered": 3, "made": 2, "failed": 0},
            {"up": False, "unanswered": 0, "made": 1, "failed": 4},
        ],
        "waiting": 7,
        "in_doubt": changes.pop("in_doubt", []),
        "learned": {"ids": nothing, "clock": nothing, "receipts": nothing} | changes,
    }  # fmt: skip


def seen(verdict: Any, *lately: Any, count: int) -> dict[str, Any]:
    return {"verdict": verdict, "seen": list(lately), "in_a_row": count}


PATTERN = {"place": "text+tlv", "digits": 10, "error": "digits"}


@pytest.mark.parametrize(
    ("one", "lines"),
    [
        (
            told(),
            [
                "one: smsc.example.net:2775, SMPP 3.4, trx",
                "  binds     1 of 2 up; made 3 times, failed 4 times",
                "  messages  7 waiting, 3 unanswered",
                "  ids       not known: no receipts",
                "  clock     not known: no receipts",
                "  receipts  not known: no receipts",
            ],
        ),
        (
            told(ids=seen("hex-decimal", "hex-decimal", count=12)),
            ["  ids       learned: hexadecimal in responses, decimal in receipts "
             "(12 receipts in a row)"],
        ),
        (
            told(ids=seen("any", count=0)),
            ["  ids       learned: the same but for case and leading zeros (0 receipts in a row)"],
        ),
        (
            told(clock=seen("+02:00", "+01:00", count=3)),
            ["  clock     learned: UTC+02:00; lately: UTC+01:00 (3 of 10 receipts in a row)"],
        ),
        (
            told(clock=seen(None, "-05:00", count=3)),
            ["  clock     not known: UTC-05:00 (3 of 10 receipts in a row)"],
        ),
        (
            told(receipts=seen(PATTERN, PATTERN, count=10)),
            ["  receipts  learned: text+tlv, dates of 10 digits, err: digits "
             "(10 receipts in a row)"],
        ),
        (
            told(
                configured={
                    "id_rule": {"response": "hex", "receipt": "decimal"},
                    "receipt_time_zone": "Europe/Berlin",
                }
            ),
            [
                "  ids       pinned: hex in responses, decimal in receipts",
                "  clock     pinned: Europe/Berlin",
            ],
        ),
        (
            told(in_doubt=[{"cause": "bind_lost", "open": 2, "oldest_seconds": 61.5}]),
            ["  in doubt  2 by bind_lost, the oldest for 62 s"],
        ),
    ],
)  # fmt: skip
def test_words(one: dict[str, Any], lines: Sequence[str]) -> None:
    said = carriers.text([one]).splitlines()
    assert set(lines) <= set(said), said


@pytest.mark.parametrize(
    ("quarters", "shown"), [(0, "+00:00"), (8, "+02:00"), (23, "+05:45"), (-14, "-03:30")]
)
def test_a_clock_in_words(quarters: int, shown: str) -> None:
    assert carriers._clock(quarters) == shown
