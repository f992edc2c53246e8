"""The demo: what it changes in a configuration, what it calls a success, and one run of it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from smsc import demo, reading
from smsc.demo import Outcome

CONFIG = Path(__file__).parent.parent / "config/smsc.yaml"
MESSAGES = 200


# -- the configuration ---------------------------------------------------------------------------


def test_only_ports_and_places_are_changed(tmp_path: Path) -> None:
    text = CONFIG.read_text().replace("port: 2776", "port: 2776\n    errors: {0x0405: retry}")
    before, after = reading.loads(text), reading.loads(demo.adapted(text, tmp_path, 4711))
    assert [listener.port for listener in after.listeners] == [0]
    assert [carrier.port for carrier in after.carriers] == [4711]
    assert after.carriers[0].errors[0x0405] == "retry"
    assert after.metrics.port == 0
    assert after.control.socket == str(tmp_path / "control.sock")
    assert after.storage.directory == str(tmp_path / "journal")
    assert after.traffic.directory == str(tmp_path / "traffic")
    assert after.keys.directory == str(tmp_path / "keys")
    assert after.retention.directory == str(tmp_path / "retention")
    assert after.database.snapshot == str(tmp_path / "database.snapshot")
    unchanged = replace(
        after,
        listeners=before.listeners,
        carriers=tuple(replace(one, port=2776) for one in after.carriers),
        metrics=before.metrics,
        database=before.database,
        control=before.control,
        storage=before.storage,
        traffic=before.traffic,
        keys=before.keys,
        retention=before.retention,
    )
    assert unchanged == before


# -- the verdict ---------------------------------------------------------------------------------

GOOD = Outcome(
    load={"acknowledged": 5, "receipts": 5, "passed": True},
    carrier={"accepted": 5},
    records=5,
    messages=5,
    sample={},
    metrics_url="",
    metrics="",
)


@pytest.mark.parametrize(
    ("outcome", "faults"),
    [
        (GOOD, []),
        (
            replace(GOOD, load=dict(GOOD.load) | {"acknowledged": 4}),
            ["4 of 5 messages acknowledged"],
        ),
        (replace(GOOD, carrier={"accepted": 6}), ["6 of 5 messages carried"]),
        (replace(GOOD, load=dict(GOOD.load) | {"receipts": 0}), ["0 of 5 messages receipted"]),
        (replace(GOOD, records=6), ["6 of 5 messages recorded"]),
        (replace(GOOD, messages=4), ["4 of 5 messages recorded once"]),
        (replace(GOOD, load=dict(GOOD.load) | {"passed": False}), ["the client's checks failed"]),
    ],
)
def test_every_broken_promise_is_named(outcome: Outcome, faults: list[str]) -> None:
    assert list(outcome.faults(5)) == faults


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
def test_a_run_needs_messages(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    demo.add_arguments(parser)
    assert parser.parse_args([]).messages == 10_000
    with pytest.raises(SystemExit):
        parser.parse_args([f"--messages={text}"])
    assert "must be a whole number above 0" in capsys.readouterr().err


# -- the run -------------------------------------------------------------------------------------


def moved(tmp_path: Path) -> Path:
    """The example configuration with its data under the test's directory."""
    moved = tmp_path / "smsc.yaml"
    moved.write_text(CONFIG.read_text().replace("./var/", f"{tmp_path}/var/"))
    return moved


def test_a_run_keeps_every_promise_and_leaves_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = Namespace(config=str(moved(tmp_path)), messages=MESSAGES)
    status = demo.run(options)
    said = capfd.readouterr().out
    assert status == 0, said
    assert f"smsc_accepted_total {MESSAGES}.0" in said
    assert "p99" in said
    assert "999000000000xxx" in said
    assert not re.search(r"999\d{12}|4477\d{8}", said)
    assert list((tmp_path / "var").iterdir()) == []


def test_a_part_that_does_not_start_is_a_failure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = moved(tmp_path)
    file.write_text(
        file.read_text()
        .replace("system_id: demo", "system_id: other")
        .replace("account: demo", "account: other")
    )
    assert demo.run(Namespace(config=str(file), messages=1)) == 1
    assert "the client could not do its work" in capfd.readouterr().err
    assert list((tmp_path / "var").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_everything(tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "import sys; from argparse import Namespace; from smsc import demo;"
        "sys.exit(demo.run(Namespace(config=sys.argv[1], messages=100_000_000)))"
    )
    with subprocess.Popen(
        [sys.executable, "-u", "-c", code, str(moved(tmp_path))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"COLUMNS": "200"},
    ) as running:
        assert running.stdout is not None and running.stderr is not None
        said = running.stdout.readline()
        running.send_signal(number)
        complaint = running.stderr.read()
        assert running.wait() == 130, complaint
    assert "Traceback" not in complaint
    port = urlsplit(said.split()[-1]).port
    assert port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert list((tmp_path / "var").iterdir()) == []
