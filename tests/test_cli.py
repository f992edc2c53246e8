"""The command line: what each command says, where it says it, and how it ends."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from smsc import __version__, cli
from smsc._record import finished
from smsc.journal import Journal
from smsc.keys import keyring
from smsc.reading import load
from smsc.smpp import MessageState
from smsc.traffic import Traffic
from tests.keeper import START, submit_sm
from tests.serving import CONFIG, HASH

OCTOBER = START + 30 * 86_400_000

#: As argparse ends for a command line that can't be read.
EX_ARGUMENTS = 2

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """One command: its exit status, what it printed, what it complained of."""

    def run(*argv: str) -> tuple[int, str, str]:
        try:
            status = cli.main(list(argv))
        except SystemExit as ended:
            status = int(ended.code or 0)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sound configuration whose data lies beside it."""
    file = tmp_path / "smsc.yaml"
    file.write_text(CONFIG.format(hash=HASH, port=1, directory=tmp_path, accounts="false"))
    return file


# -- help ----------------------------------------------------------------------------------------

#: Every command, and what its help must speak of.
COMMANDS = {
    "": ["serve", "check", "hash-password", "route", "traffic", "log", "sim", "demo"],
    "serve": ["--config FILE", "--ready-file FILE", "SIGTERM"],
    "check": ["--config FILE", "without starting"],
    "hash-password": ["Argon2id"],
    "route": ["explain"],
    "route explain": ["--config FILE", "--to NUMBER", "--from SENDER", "--account", "--json"],
    "carrier": ["show"],
    "carrier show": ["--config FILE", "NAME", "--json", "evidence"],
    "traffic": ["show"],
    "keys": ["init", "show", "rotate"],
    "keys rotate": ["--config FILE", "destroy"],
    "audit": ["verify", "show"],
    "sweep": ["--config FILE", "--dry-run", "--clock-is-right", "--json"],
    "retention": ["status", "close", "hold", "end"],
    "retention close": ["CUSTOMER", "PERIOD"],
    "retention hold": ["CASE", "--reason", "--approver NAME", "--review DAYS"],
    "traffic show": [
        "--purpose TEXT",
        "--config FILE",
        "--period YYYY-MM",
        "--id HEX",
        "--last N",
        "hidden",
    ],
    "log": ["verify", "salvage"],
    "log verify": ["DIRECTORY"],
    "log salvage": ["DIRECTORY", "NEW", "not changed"],
    "sim": ["load", "carrier"],
    "sim load": ["--port", "--window", "--messages"],
    "sim carrier": ["--port"],
    "demo": ["--config FILE", "--messages N"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_helpful(run: Run, command: str) -> None:
    status, said, complaint = run(*command.split(), "--help")
    assert (status, complaint) == (0, "")
    assert said.startswith(f"usage: smsc {command}".strip())
    for word in COMMANDS[command]:
        assert word in said
    description = said.split("\n\n")[1]
    assert re.fullmatch(r"[A-Z][^.]*(\.[^.]+)*\.", description, re.DOTALL), description


def test_the_version_is_told(run: Run) -> None:
    assert run("--version") == (0, f"smsc {__version__}\n", "")


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        ((), "COMMAND"),
        (("nonsense",), "nonsense"),
        (("route",), "COMMAND"),
        (("route", "explain"), "--to"),
        (("log", "verify"), "DIRECTORY"),
        (("traffic", "show", "--last", "-1"), "whole number"),
        (("traffic", "show", "--last", "all"), "whole number"),
        (("traffic", "show", "--id", "xyz"), "hexadecimal"),
        (("demo", "--messages", "0"), "above 0"),
    ],
)
def test_a_command_line_that_can_not_be_read(run: Run, argv: tuple[str, ...], word: str) -> None:
    status, said, complaint = run(*argv)
    assert (status, said) == (EX_ARGUMENTS, "")
    assert word in complaint


# -- the configuration ---------------------------------------------------------------------------


def test_a_sound_configuration(run: Run, file: Path) -> None:
    assert run("check", "--config", str(file)) == (0, f"{file}: sound\n", "")


def broken(file: Path) -> Path:
    """Three lines of it are wrong."""
    text = file.read_text().replace("rate: unlimited", "rate: fast").replace("port: 1,", "port: 0,")
    file.write_text(text + "colour: blue\n")
    return file


def test_every_problem_is_named_with_file_line_and_key(run: Run, file: Path) -> None:
    status, said, complaint = run("check", "--config", str(broken(file)))
    assert (status, said) == (cli.EX_CONFIG, "")
    assert [line.split(": ")[:2] for line in complaint.splitlines()] == [
        [f"{file}:3", "accounts[0].rate"],
        [f"{file}:4", "carriers[0].port"],
        [f"{file}:10", "colour"],
    ]


@pytest.mark.parametrize(
    "command",
    [
        "check",
        "serve",
        "route explain --to 447700900123",
        "traffic show --purpose x",
        "demo --messages 1",
    ],
)
@pytest.mark.parametrize("what", [broken, lambda file: file.with_name("none.yaml")])
def test_no_command_goes_on_without_a_sound_configuration(
    run: Run, file: Path, command: str, what: Callable[[Path], Path]
) -> None:
    before = sorted(file.parent.iterdir())
    status, said, complaint = run(*command.split(), "--config", str(what(file)))
    assert (status, said) == (cli.EX_CONFIG, "")
    assert str(file.parent) in complaint and "Traceback" not in complaint
    assert sorted(file.parent.iterdir()) == before, "nothing was made"


# -- hash-password -------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\nmore\n"])
def test_a_password_is_hashed(run: Run, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("pa55word" + end))
    status, said, complaint = run("hash-password")
    assert (status, complaint) == (0, "")
    assert PasswordHasher().verify(said.rstrip("\n"), "pa55word")


@pytest.mark.parametrize("password", ["", "\n", "ninechars", "äöüäö"])
def test_what_smpp_can_not_carry_is_no_password(
    run: Run, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(password))
    status, said, complaint = run("hash-password")
    assert (status, said) == (cli.EX_FAILURE, "")
    assert "1 to 8 octets" in complaint
    assert not password.strip() or password not in complaint


# -- route explain -------------------------------------------------------------------------------


@pytest.fixture
def routed(file: Path) -> str:
    text = file.read_text()
    routes = "routes: [{name: uk, to: '44', account: acme, carriers: [sim]}]"
    file.write_text(re.sub(r"routes: .*", routes, text))
    return str(file)


def test_the_route_of_a_message(run: Run, routed: str) -> None:
    options = ("--to", "447700900123", "--account", "acme", "--from", "ACME")
    status, said, complaint = run("route", "explain", "--config", routed, *options)
    assert (status, complaint) == (0, "")
    assert "wins   uk: matches by prefix of 2 digits, account" in said
    assert "carrier sim" in said


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--to", "999000000000001", "--account", "acme"), "does not begin with 44"),
        (("--to", "447700900123"), "it is for account acme"),
    ],
)
def test_no_route_is_a_failure_with_a_reason(
    run: Run, routed: str, options: tuple[str, ...], reason: str
) -> None:
    status, said, _complaint = run("route", "explain", "--config", routed, *options)
    assert status == cli.EX_FAILURE
    assert reason in said and "no route: the message is refused" in said


@pytest.mark.parametrize(("account", "winner"), [("acme", "uk"), ("other", None)])
def test_a_route_for_programs(run: Run, routed: str, account: str, winner: str | None) -> None:
    options = ("--to", "447700900123", "--account", account, "--json")
    status, said, _complaint = run("route", "explain", "--config", routed, *options)
    explained = json.loads(said)
    assert (explained["winner"], explained["routes"][0]["route"]) == (winner, "uk")
    assert status == (0 if winner else cli.EX_FAILURE)


# -- traffic show --------------------------------------------------------------------------------

SHOW = ("traffic", "show", "--purpose", "a test")

#: id, accepted, account, source, destination, state of what is in the traffic log.
FINISHED = [
    (0x400000001, START, b"acme", b"447700900001", b"447700900123", MessageState.DELIVERED),
    (0x400000002, START, b"other", b"ACME", b"+447700900124", MessageState.REJECTED),
    (0x800000003, OCTOBER, b"acme", b"80888", b"447700900125", MessageState.EXPIRED),
]


@pytest.fixture
def traffic(file: Path) -> str:
    """A configuration whose traffic log has three records; the file's name."""
    directory = file.parent / "traffic"
    keys = keyring(load(str(file)))
    traffic = Traffic(
        lambda period: Journal(directory / period, segment_octets=4 << 20, force_filesystem=True),
        [],
        keys,
        lambda: START,
    )
    for id, accepted, account, source, destination, state in FINISHED:
        message = submit_sm(
            source_addr=source, destination_addr=destination, short_message=b"a secret of mine"
        )
        end = finished(
            id, False, account, account, b"sim", accepted, accepted + 5, accepted + 1_500,
            accepted + 9_000, 2, state, 0, b"", b"000", message,
        )  # fmt: skip
        traffic.release([end.at(id)])
    traffic.close()
    keys.close()
    return str(file)


def shown(run: Run, traffic: str, *options: str) -> list[dict[str, object]]:
    status, said, complaint = run(*SHOW, "--config", traffic, "--json", *options)
    assert (status, complaint) == (0, "")
    return [json.loads(line) for line in said.splitlines()]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ((), ["400000001", "400000002", "800000003"]),
        (("--period", "2026-09"), ["400000001", "400000002"]),
        (("--account", "acme"), ["400000001", "800000003"]),
        (("--account", "acme", "--period", "2026-10"), ["800000003"]),
        (("--account", "nobody"), []),
        (("--id", "400000002"), ["400000002"]),
        (("--id", "0x400000002"), ["400000002"]),
        (("--id", "2"), ["400000002"]),  # as a client below 3.4 knows it
        (("--id", "4"), []),
        (("--id", "2", "--account", "acme"), []),
        (("--last", "2"), ["400000002", "800000003"]),
        (("--last", "0"), []),
    ],
)
def test_the_records_that_are_asked_for(
    run: Run, traffic: str, options: tuple[str, ...], ids: list[str]
) -> None:
    assert [fields["id"] for fields in shown(run, traffic, *options)] == ids


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_no_content_and_no_whole_number_is_shown(
    run: Run, traffic: str, options: tuple[str, ...]
) -> None:
    status, said, _complaint = run(*SHOW, "--config", traffic, *options)
    assert status == 0
    assert len(said.splitlines()) == 3
    assert "secret" not in said and "content" not in said
    assert not re.search(r"447700900\d", said)
    assert "447700900xxx" in said and "+447700900xxx" in said and "80xxx" in said


def test_a_record_for_people(run: Run, traffic: str) -> None:
    _status, said, _complaint = run(*SHOW, "--config", traffic, "--id", "400000001")
    assert said == (
        "400000001 out acme 2026-09-21T14:13:20.000Z done 2026-09-21T14:13:21.500Z DELIVERED "
        "from 447700900xxx to 447700900xxx via sim parts 1 attempts 2\n"
    )


def test_a_record_for_programs(run: Run, traffic: str) -> None:
    [fields] = shown(run, traffic, "--period", "2026-10")
    assert fields["state"] == "EXPIRED"
    assert fields["accepted"] == "2026-10-21T14:13:20.000Z"
    assert fields["source_addr"] == "80xxx"


def test_a_period_that_is_not_there_is_a_failure(run: Run, traffic: str) -> None:
    status, said, complaint = run(*SHOW, "--config", traffic, "--period", "2031-01")
    assert (status, said) == (cli.EX_FAILURE, "")
    assert "2031-01" in complaint


def test_who_reads_traffic_says_what_for(run: Run, traffic: str) -> None:
    status, said, complaint = run("traffic", "show", "--config", traffic)
    assert (status, said) == (2, "") and "--purpose" in complaint
    shown(run, traffic, "--period", "2026-10")
    audited = json.loads(run("audit", "show", "--config", traffic)[1])
    assert (audited["event"], audited["purpose"]) == ("traffic.read", "a test")
    assert audited["periods"] == ["2026-10"] and audited["by"]


def test_no_traffic_is_no_failure(run: Run, file: Path) -> None:
    assert run(*SHOW, "--config", str(file)) == (0, "", "")


def test_a_reader_that_leaves_is_no_traceback(traffic: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) as closed:
        shown = subprocess.run(
            [sys.executable, "-m", "smsc", *SHOW, "--config", traffic],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (shown.returncode, shown.stderr) == (cli.EX_FAILURE, "")


# -- log -----------------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A log of 30 records in 3 frames."""
    directory = tmp_path / "log"
    journal = Journal(directory, segment_octets=4 << 20, force_filesystem=True)
    journal.replay(lambda *record: None)
    for frame in range(3):
        journal.begin(START)
        for record in range(10):
            journal.append(2, b"head", b"record %d of frame %d" % (record, frame))
        journal.seal()
    journal.close()
    return directory


def damage(directory: Path, octets: bytes) -> None:
    """Change the first octet of this in the log."""
    [file] = [file for file in directory.glob("*.log") if octets in file.read_bytes()]
    data = bytearray(file.read_bytes())
    data[data.index(octets)] ^= 1
    file.write_bytes(data)


def contents(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def test_a_sound_log(run: Run, journal: Path) -> None:
    before = contents(journal)
    status, said, complaint = run("log", "verify", str(journal))
    assert (status, complaint) == (0, "")
    assert re.search(r"\.log: epoch 1, \d+ frames, 30 records, \d+ of 4194304 octets\n", said)
    assert re.search(r"^30 records in \d+ frames read in \d+\.\d\d s$", said, re.MULTILINE)
    assert contents(journal) == before


def test_damage_is_named_and_nothing_is_changed(run: Run, journal: Path) -> None:
    damage(journal, b"record 5 of frame 0")
    before = contents(journal)
    status, said, complaint = run("log", "verify", str(journal))
    assert status == cli.EX_IOERR
    assert re.search(r"\.log at octet \d+ \(frame 1\): ", complaint)
    assert "records in" in said
    assert contents(journal) == before


def test_what_is_sound_is_saved_and_what_is_lost_is_counted(
    run: Run, journal: Path, tmp_path: Path, file: Path
) -> None:
    damage(journal, b"record 5 of frame 1")
    status, said, _complaint = run("log", "salvage", str(journal), str(tmp_path / "new"))
    if status == cli.EX_IOERR:
        pytest.skip("the tests' directory is on a file system that a log refuses")
    assert status == cli.EX_FAILURE, "something is lost"
    assert "saved 20 records" in said and "lost frames 2 to 2" in said
    status, said, _complaint = run("log", "verify", str(tmp_path / "new"))
    assert status == 0 and "20 records" in said


@pytest.mark.parametrize("command", [("verify",), ("salvage", "new")])
def test_a_log_that_is_not_there(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    what, *target = command
    status, _said, complaint = run(
        "log", what, str(tmp_path / "none"), *(str(tmp_path / name) for name in target)
    )
    assert status in (cli.EX_FAILURE, cli.EX_IOERR)
    assert "none" in complaint and "Traceback" not in complaint


# -- carrier show --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [(), ("sim",)])
def test_a_server_that_does_not_run_can_not_be_asked(
    run: Run, file: Path, name: tuple[str, ...]
) -> None:
    status, said, complaint = run("carrier", "show", *name, "--config", str(file))
    assert (status, said) == (cli.EX_FAILURE, "")
    assert complaint == f"smsc: no server is running at {file.parent}/control.sock\n"


# -- serve ---------------------------------------------------------------------------------------


def serve(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "smsc", "serve", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_broken_configuration_ends_a_server_before_it_listens(file: Path) -> None:
    ready = file.with_name("ready")
    served = serve("--config", str(broken(file)), "--ready-file", str(ready))
    assert served.returncode == cli.EX_CONFIG
    assert f"{file}:3: accounts[0].rate" in served.stderr
    assert "Traceback" not in served.stderr
    assert sorted(file.parent.iterdir()) == [file], "no data, no ready file"


def test_a_port_that_is_taken_ends_a_server(file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file.write_text(
            file.read_text().replace("name: main, port: 0", f"name: main, port: {port}")
        )
        served = serve("--config", str(file))
    assert served.returncode == cli.EX_FAILURE
    assert "Traceback" not in served.stderr
    assert str(port) in served.stderr


def journal_of(file: Path, kind: int) -> Path:
    """The server's log, with one record of this kind."""
    directory = file.parent / "journal"
    journal = Journal(directory, segment_octets=4 << 20, force_filesystem=True)
    journal.replay(lambda *record: None)
    journal.begin(START)
    journal.append(kind, b"\1\0\0\0")
    journal.seal()
    journal.begin(START)
    journal.append(1, b"\1\0\0\0")
    journal.close()
    return directory


def test_a_log_of_a_newer_version_ends_a_server(file: Path) -> None:
    journal_of(file, 99)
    served = serve("--config", str(file))
    assert served.returncode == cli.EX_IOERR
    assert "record kind 99 was written by a newer version of smsc" in served.stderr
    assert "Traceback" not in served.stderr
