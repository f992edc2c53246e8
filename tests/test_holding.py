"""A hold by number is told to the server that has the keys, or taken down without one."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from smsc import cli, control, holding
from smsc.app import App
from smsc.errors import ControlError
from smsc.facts import FileFacts
from smsc.keys import keyring
from smsc.retention import Hold, held_under
from tests.serving import CONFIG, HASH, configuration, serving

CASE = Hold("case-7", "legal", "ada", "bob", review=0, customer="acme")
NUMBER = "447700900123"


def test_with_and_without_a_server_a_number_is_called_the_same(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    before = holding.pseudonyms(config, CASE, [NUMBER, "447700900124", NUMBER])
    assert len(before) == 2 and not any(NUMBER in each for each in before)
    # Else the server's first sweep would destroy the key.
    FileFacts(tmp_path / "retention" / "facts").hold(replace(CASE, pseudonyms=before))

    async def run() -> tuple[str, ...]:
        async with serving(tmp_path):
            return await asyncio.to_thread(holding.pseudonyms, config, CASE, [NUMBER])

    (during,) = uvloop.run(run())
    assert during in before
    assert [key.name for key in keyring(config, read_only=True) if key.name.kind == "held"] == [
        held_under(CASE)
    ]
    assert holding.pseudonyms(config, CASE, []) == ()


@pytest.mark.parametrize("body", [None, [], {}, {"case": "c", "customer": "x", "numbers": None}])
def test_what_is_no_hold_is_refused(tmp_path: Path, body: object) -> None:
    async def run() -> None:
        async with serving(tmp_path) as app:
            await refused(app)

    async def refused(app: App) -> None:
        config = app.config.control
        with pytest.raises(ControlError, match="a hold names its case, customer and numbers"):
            await asyncio.to_thread(control.ask, config, "POST", "/holds/pseudonyms", body)

    uvloop.run(run())


def test_a_number_is_read_in_its_whole_and_not_repeated() -> None:
    assert holding.number("+44 7700 900123") == NUMBER
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        holding.number("07700900123")
    assert "07700" not in str(caught.value)


def test_the_command_takes_down_pseudonyms_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "smsc.yaml"
    file.write_text(CONFIG.format(hash=HASH, port=1, directory=tmp_path, accounts="false"))
    words = ["retention", "hold", "case-7", "--reason", "legal", "--approver", "the other one"]
    words += ["--number", "+44 7700 900123", "--config", str(file)]
    assert cli.main(words) == 0
    [hold] = FileFacts(tmp_path / "retention" / "facts").holds()
    assert len(hold.pseudonyms) == 1 and held_under(hold) in keyring(
        configuration(tmp_path), read_only=True
    )
    assert cli.main(words) == cli.EX_IOERR
    assert "there is a hold for case-7 already" in capsys.readouterr().err
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"7700" not in path.read_bytes()
