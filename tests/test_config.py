"""The configuration: how each value is read, what is refused, what must agree, and the example."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smsc import config, schema
from smsc.config import Config, RouteConfig, Sender, Share
from smsc.errors import ConfigError
from smsc.smpp import Status
from smsc.zones import UTC, zone

EXAMPLE = Path(__file__).parents[1] / "config" / "smsc.yaml"
HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1"
    "$iusBMW5VkPI5cGMeBJjK8g$1tF2IyP8FLIFT18Gi2moWCPpgL5ynEpImwz8DJK3WkU"
)

LISTENERS = "listeners: [{name: main, port: 0}]\n"
ACCOUNTS = f"accounts:\n- system_id: demo\n  password_hash: {HASH}\n"
CARRIERS = "carriers: [{name: sim, host: 127.0.0.1, port: 2776, system_id: us, password: pw}]\n"
LEAST = LISTENERS + ACCOUNTS


def problems(text: str) -> list[str]:
    return [str(error) for error in config._read(text, "f")[1]]


# -- single values --------------------------------------------------------------------------------

NETWORK = ipaddress.ip_network

VALUES: list[tuple[Callable[[str], Any], str, Any]] = [
    (config.duration, "30s", 30_000),
    (config.duration, "500ms", 500),
    (config.duration, "1.5h", 5_400_000),
    (config.duration, "2 m", 120_000),
    (config.duration, "7d", 604_800_000),
    (config.duration, "0", 0),
    (config.duration, "0s", 0),
    (config.positive_duration, "1ms", 1),
    (config.size(1, 1 << 40), "64MiB", 67_108_864),
    (config.size(1, 1 << 40), "64KiB", 65_536),
    (config.size(1, 1 << 40), "1GiB", 1_073_741_824),
    (config.size(1, 1 << 40), "70000B", 70_000),
    (config.rate, "100/s", 100.0),
    (config.rate, "30/min", 0.5),
    (config.rate, "36/h", 0.01),
    (config.rate, "0.5/s", 0.5),
    (config.rate, "unlimited", math.inf),
    (config.recipient, "+447700900001", config.Sender(1, 1, b"447700900001")),
    (config.recipient, "12345", config.Sender(0, 1, b"12345")),
    (config.predefined, "Hi @", config.Predefined(0, b"Hi \0")),
    (config.predefined, "Привет", config.Predefined(8, "Привет".encode("utf-16-be"))),
    (config.predefined, "x" * 254, config.Predefined(0, b"x" * 254)),
    (config.whole(1, 9), "1", 1),
    (config.whole(1, 9), "9", 9),
    (config.whole(0, 10_000_000), "1_000_000", 1_000_000),
    (config.ascii_text(1, 15), "a" * 15, b"a" * 15),
    (config.ascii_text(0, 8), "", b""),
    (config.prefix, "44", b"44"),
    (config.prefix, "+44", b"44"),
    (config.prefix, "*", b""),
    (config.address, "+447700900001", b"447700900001"),
    (config.address, "12345", b"12345"),
    (config.address, "My Shop", b"My Shop"),
    (config.sender, "+447700900001", Sender(1, 1, b"447700900001")),
    (config.sender, "12345", Sender(0, 1, b"12345")),
    (config.sender, "My Shop", Sender(5, 0, b"My Shop")),
    (config.senders, "+447700900001", b"447700900001"),
    (config.senders, "4477*", b"4477*"),
    (config.senders, "+4477*", b"4477*"),
    (config.senders, "80888", b"80888"),
    (config.senders, "ACME", b"ACME"),
    (config.pattern, "^0(.*)$", "^0(.*)$"),
    (config.replacement, "", ""),
    (config.network, "192.0.2.0/24", NETWORK("192.0.2.0/24")),
    (config.network, "192.0.2.7", NETWORK("192.0.2.7/32")),
    (config.network, "2001:db8::/32", NETWORK("2001:db8::/32")),
    (config.version, "3.3", 0x33),
    (config.version, "3.4", 0x34),
    (config.version, "5.0", 0x50),
    (config.socket_path, "./var/control.sock", "./var/control.sock"),
    (config.zone, "UTC", UTC),
    (config.zone, "Europe/Berlin", zone("Europe/Berlin")),
    (config.learnt_zone, "learn", None),
    (config.learnt_zone, "Asia/Kathmandu", zone("Asia/Kathmandu")),
    (config.status, "ESME_RTHROTTLED", 0x58),
    (config.status, "0x58", 0x58),
    (config.status, "0x0405", 0x405),
    (config.argon2id, HASH, HASH),
]


@pytest.mark.parametrize(("read", "text", "value"), VALUES)
def test_reads(read: Callable[[str], Any], text: str, value: Any) -> None:
    assert read(text) == value
    assert type(read(text)) is type(value)


REFUSED: list[tuple[Callable[[str], Any], str]] = [
    *((config.duration, text) for text in ("30", "s", "-1s", "30x", "1e3s", "", "٣s", "1..5s")),
    *((config.recipient, text) for text in ("ACME", "", "+4477x", "4" * 21)),
    *((config.predefined, text) for text in ("", "x" * 255, "я" * 128, "\U0001f600" * 64)),
    (config.positive_duration, "0"),
    (config.positive_duration, "0.1ms"),
    *((config.size(1, 100), text) for text in ("101B", "0", "1MB", "5", "1KiB")),
    *((config.rate, text) for text in ("100", "0/s", "-1/s", "1/d", "inf", "nan/s", "")),
    *((config.whole(1, 9), text) for text in ("0", "10", "-1", "1.0", "x", "", "0x1", "٣")),
    *((config.ascii_text(1, 15), text) for text in ("", "a" * 16, "ä", "a b", "a\x00", "a\n")),
    *((config.prefix, text) for text in ("", "+", "44x", "4" * 21, "44*", "٣")),
    *((config.address, text) for text in ("", "4" * 21, "ä", "a\x00")),
    *((config.sender, text) for text in ("", "+", "+" + "4" * 16, "TwelveLetter", "Ä", "a\n")),
    *((config.senders, text) for text in ("", "*", "+*", "AC*", "TwelveLetter", "4" * 21)),
    *((config.pattern, text) for text in ("(", "[", "*", "(?P<a")),
    *((config.replacement, text) for text in ("ä", "\0")),
    *((config.network, text) for text in ("", "x", "192.0.2.1/24", "192.0.2.0/33", "localhost")),
    *((config.version, text) for text in ("", "3.40", "34", "0x34")),
    *((config.socket_path, text) for text in ("", "s" * 107, "ä" * 54)),
    *((config.zone, text) for text in ("", "Berlin", "../passwd", "/etc/passwd", "a\0b")),
    *((config.status, text) for text in ("", "88", "RTHROTTLED", "ESME_ROK", "0x0", "0x123456789")),
    *((config.argon2id, text) for text in ("", "demo1234", HASH.replace("argon2id", "argon2i"))),
]


@pytest.mark.parametrize(("read", "text"), REFUSED)
def test_refuses(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ValueError, match="must|is not one of"):
        read(text)


def test_no_secret_is_in_an_error_or_a_repr() -> None:
    found = problems(
        LISTENERS + "accounts: [{system_id: demo, password_hash: s3cret01}]\n"
        "carriers: [{name: a, host: h, port: 1, system_id: us, password: s3cret01-too-long}]"
    )
    assert len(found) == 2
    assert "s3cret01" not in "".join(found)
    loaded = config.loads(LEAST + CARRIERS.replace("pw", "s3cret01"))
    assert loaded.carriers[0].password == b"s3cret01"
    assert "s3cret01" not in repr(loaded)
    assert HASH not in repr(loaded)


# -- the whole ------------------------------------------------------------------------------------


def test_the_least_that_loads() -> None:
    least = config.loads(LEAST)
    assert least.system_id == b"smsc"
    assert least.accounts[0].customer == b"demo"
    assert (least.accounts[0].rate, least.accounts[0].burst) == (100.0, 200.0)
    assert least.metrics.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("limits", "burst"),
    [
        ("rate: 7/s", 14.0),
        ("rate: 7/s, burst: 3", 3.0),
        ("rate: 1/h", 1.0),
        ("rate: unlimited", math.inf),
    ],
)
def test_burst_is_two_seconds_of_the_rate_unless_given(limits: str, burst: float) -> None:
    account = f"accounts: [{{system_id: demo, password_hash: '{HASH}', {limits}}}]\n"
    assert config.loads(LISTENERS + account).accounts[0].burst == burst


def test_errors_complete_and_override_the_defaults() -> None:
    errors = "errors: {ESME_RSUBMITFAIL: retry, 0x58: fail, 0x0405: throttle}}]"
    carrier = config.loads(LEAST + CARRIERS.replace("}]", f", {errors}")).carriers[0]
    expected = {
        Status.ESME_RSUBMITFAIL: "retry",
        Status.ESME_RTHROTTLED: "fail",
        0x405: "throttle",
        Status.ESME_RMSGQFUL: "throttle",
        Status.ESME_RSYSERR: "retry",
        Status.ESME_RINVDSTADR: "fail",
        0xDEADBEEF: "fail",
    }
    assert {status: carrier.action(status) for status in expected} == expected


@pytest.mark.parametrize(
    ("text", "carriers"),
    [
        ("sim", ((Share(b"sim", 1),),)),
        ("[sim]", ((Share(b"sim", 1),),)),
        ("[a, b]", ((Share(b"a", 1),), (Share(b"b", 1),))),
        ("[{a: 3, b: 1}, sim]", ((Share(b"a", 3), Share(b"b", 1)), (Share(b"sim", 1),))),
        ("[{a: 3}]", ((Share(b"a", 3),),)),
    ],
)
def test_a_routes_carriers(text: str, carriers: Any) -> None:
    carrier = CARRIERS.removeprefix("carriers: [").removesuffix("]\n")
    three = ", ".join(carrier.replace("sim", name) for name in ("sim", "a", "b"))
    route = f"routes: [{{name: r, carriers: {text}}}]"
    assert config.loads(f"{LEAST}carriers: [{three}]\n{route}").routes == (
        RouteConfig(name="r", carriers=carriers),
    )


ROUTED = LEAST + CARRIERS
INBOUND = "inbound: [{to: 1, account: demo, keyword: Stop}, "
TWO = "  - {name: main, port: 1}\n  - {name: other, port: 1}\n"

DISAGREE = [
    ("listeners: []\n" + ACCOUNTS, "f:1: listeners: at least one listener is needed"),
    (
        LISTENERS + "accounts: []\n",
        "f:2: accounts: at least one account is needed, or a database that has some",
    ),
    (LISTENERS, "f:1: accounts: at least one account is needed, or a database that has some"),
    ("listeners:\n" + TWO + ACCOUNTS, "f:3: listeners[1].port: 1 is already taken by listeners[0]"),
    (
        LEAST.replace("port: 0", "port: 1") + "metrics: {host: 0.0.0.0, port: 1}",
        "f:5: metrics.port: 1 is already taken by listeners[0]",
    ),
    (LEAST.replace("port: 0", "port: 1") + "metrics: {host: 127.0.0.2, port: 1}", None),
    (LEAST + "metrics: {port: 0}", None),
    (
        LISTENERS + ACCOUNTS + "- system_id: demo\n  password_hash: " + HASH,
        "f:5: accounts[1].system_id: is the same as that of accounts[0]",
    ),
    (
        ROUTED + "routes: [{name: r, carriers: sin}]",
        "f:6: routes[0].carriers[0]: there is no carrier named sin",
    ),
    (
        ROUTED + "routes:\n- name: r\n  carriers:\n  - {sim: 1, sin: 2}",
        "f:9: routes[0].carriers[0]: there is no carrier named sin",
    ),
    (
        ROUTED + "routes: [{name: r, carriers: []}]",
        "f:6: routes[0].carriers: at least one carrier is needed",
    ),
    (
        ROUTED + "routes: [{name: r, carriers: [{}]}]",
        "f:6: routes[0].carriers[0]: must name at least one carrier",
    ),
    (
        ROUTED + "routes: [{name: r, carriers: sim, account: x}]",
        "f:6: routes[0].account: there is no account named x",
    ),
    (
        LEAST + "inbound: [{to: 1, account: x}]",
        "f:5: inbound[0].account: there is no account named x",
    ),
    (
        ROUTED + "routes: [{name: a, to: [1, 2], carriers: sim}, {name: b, to: 2, carriers: sim}]",
        "f:6: routes[1]: matches the same as routes[0] and never wins",
    ),
    (
        ROUTED
        + "routes: [{name: a, to: 2, carriers: sim}, {name: b, to: 2, from: A, carriers: sim}]",
        None,
    ),
    (
        ROUTED
        + "routes: [{name: a, network: '001*', carriers: sim}, {name: b, carriers: sim},"
        + " {name: c, network: ['00101', '001*'], carriers: sim}]",
        "f:6: routes[2]: matches the same as routes[0] and never wins",
    ),
    (
        ROUTED + "lookup: {url: 'http://h/{number}', accounts: x}",
        "f:6: lookup.accounts[0]: there is no account named x",
    ),
    (
        ROUTED + "lookup: {url: 'http://h/{number}', routes: x}",
        "f:6: lookup.routes[0]: there is no route named x",
    ),
    (ROUTED + "lookup: {url: 'http://h/{number}', accounts: demo}", None),
    (
        LEAST + INBOUND + "{to: 1, account: demo, keyword: STOP}]",
        "f:5: inbound[1]: matches the same as inbound[0] and never wins",
    ),
    (LEAST + INBOUND + "{to: 1, account: demo}]", None),
    (
        LEAST + "  default_validity: 8d",
        "f:5: accounts[0].default_validity: is longer than max_validity",
    ),
    (
        LEAST + "  max_validity: 1d",
        "f:3: accounts[0].default_validity: is longer than max_validity",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", reconnect: {min: 2m}}]"),
        "f:5: carriers[0].reconnect: min is longer than max",
    ),
    (
        LEAST + "storage: {slow_sync: {pause: 1ms}}",
        "f:5: storage.slow_sync: must grow from warn over throttle and pause to unready",
    ),
    (
        LEAST + "limits: {timers: {inactivity: 59s}}",
        "f:5: limits.timers.inactivity: must be 0 or at least twice enquire_link",
    ),
    (LEAST + "limits: {timers: {inactivity: 0}}", None),
    (
        LEAST + CARRIERS.replace("}]", ", version: 3.3}]"),
        "f:5: carriers[0].bind: SMPP 3.3 has no transceiver; use tx+rx",
    ),
    (LEAST + CARRIERS.replace("}]", ", version: 3.3, bind: tx+rx}]"), None),
    (
        LEAST + CARRIERS.replace("}]", ", version: 3.3, bind: tx+rx, long_messages: sar}]"),
        "f:5: carriers[0].long_messages: SMPP 3.3 has no TLVs; use udh",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", default_alphabet: ebcdic}]"),
        "f:5: carriers[0].default_alphabet: 'ebcdic' is not one of: gsm0338, latin1, ascii, utf8, "
        "gsm0338-packed",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", data_codings: [0, 0x100]}]"),
        "f:5: carriers[0].data_codings[1]: '0x100' must be a whole number from 0 to 255",
    ),
    (LEAST + CARRIERS.replace("}]", ", data_codings: [0, 0xF1]}]"), None),
    (
        LEAST + CARRIERS.replace("}]", ", numbers: {source: national}}]"),
        "f:5: carriers[0].numbers.source: national numbers need a region",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", numbers: {destination: {form: national}}}]"),
        "f:5: carriers[0].numbers.destination: national numbers need a region",
    ),
    (LEAST + CARRIERS.replace("}]", ", numbers: {source: national, region: GB}}]"), None),
    (
        LEAST + CARRIERS.replace("}]", ", numbers: {senders: number}}]"),
        "f:5: carriers[0].numbers.senders: the other kinds need a replacement",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", numbers: {senders: number, replacement: ACME}}]"),
        "f:5: carriers[0].numbers.replacement: is not of a kind that senders names",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", rewrite: [{field: source, match: '(', replace: x}]}]"),
        "f:5: carriers[0].rewrite[0].match: must be a regular expression: "
        "missing ), unterminated subpattern at position 0",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", rewrite: [{field: source, match: a, replace: '\\1'}]}]"),
        "f:5: carriers[0].rewrite[0].replace: does not fit match: "
        "invalid group reference 1 at position 1",
    ),
    (
        ROUTED + "routes: [{name: r, broadcast: true, carriers: sim}]",
        "f:6: routes[0].carriers[0]: sim has no broadcasts before 5.0",
    ),
    (
        LEAST
        + CARRIERS.replace("}]", ", version: 5.0}]")
        + "routes: [{name: r, to: 44, broadcast: true, carriers: sim}]",
        "f:6: routes[0].to: a broadcast has no destination",
    ),
    (
        LEAST
        + CARRIERS.replace("}]", ", version: 5.0}]")
        + "routes: [{name: r, broadcast: true, carriers: sim}, {name: a, carriers: sim}]",
        None,
    ),
    (
        LEAST + "storage: {directory: d}\ntraffic: {directory: ./d/}",
        "f:6: traffic.directory: must not be storage.directory",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", id_rule: {response: hex}}]"),
        "f:5: carriers[0].id_rule: pins response and receipt, or neither",
    ),
    (LEAST + CARRIERS.replace("}]", ", id_rule: {response: hex, receipt: any}}]"), None),
    (
        LEAST.replace("demo\n", "demo\n  distribution_lists: {none: []}\n"),
        "f:4: accounts[0].distribution_lists.none: must have 1 to 255 numbers",
    ),
    (
        LEAST.replace("demo\n", "demo\n  distribution_lists: {two: ['1', '+2']}\n"),
        None,
    ),
    (
        LEAST + "predefined_messages: {0: x}",
        "f:5: predefined_messages.0: '0' must be a whole number from 1 to 255",
    ),
    (
        LEAST + "storage: {segment: 1MiB}",
        "f:5: storage.segment: must be from 4096KiB to 1048576KiB",
    ),
]


@pytest.mark.parametrize(("text", "problem"), DISAGREE)
def test_what_must_agree(text: str, problem: str | None) -> None:
    assert problems(text) == ([problem] if problem else [])


def test_load_raises_the_first_problem_and_check_gives_all(tmp_path: Path) -> None:
    path = tmp_path / "smsc.yaml"
    path.write_text(
        LISTENERS + "acounts: []\nlog: {level: loud}\n" + ACCOUNTS.replace("demo", "d" * 16)
    )
    found = config.check(str(path))
    assert [(error.line, error.key) for error in found] == [
        (2, "acounts"),
        (3, "log.level"),
        (5, "accounts[0].system_id"),
    ]
    with pytest.raises(ConfigError) as caught:
        config.load(str(path))
    assert str(caught.value) == f"{path}:2: acounts: unknown key; did you mean accounts?"
    assert (caught.value.file, caught.value.line, caught.value.key) == (str(path), 2, "acounts")


@pytest.mark.parametrize(
    ("octets", "reason"), [(None, "No such file"), (b"\xff\xfe\xfa", "is not UTF-8 text")]
)
def test_a_file_that_can_not_be_read(tmp_path: Path, octets: bytes | None, reason: str) -> None:
    path = tmp_path / "smsc.yaml"
    if octets is not None:
        path.write_bytes(octets)
    assert [reason in str(error) for error in config.check(str(path))] == [True]
    with pytest.raises(ConfigError, match=reason):
        config.load(str(path))


# -- the example ----------------------------------------------------------------------------------


def uncommented(text: str) -> str:
    """The example with every `#key: value` line in force; `# text` stays a comment."""
    return re.sub(r"(?m)^( *)#(?=\S)", r"\1", text)


def everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    Path("acme.hash").write_text(HASH)
    Path("north.password").write_text("secret")
    Path("networks.csv").write_text("prefix,network\n447700900,00101\n")
    return config.loads(uncommented(EXAMPLE.read_text()))


def test_the_example_loads() -> None:
    assert config.check(str(EXAMPLE)) == []
    example = config.load(str(EXAMPLE))
    assert [(x.host, x.port) for x in example.listeners] == [("127.0.0.1", 2775)]
    assert [account.system_id for account in example.accounts] == [b"demo"]
    assert [carrier.name for carrier in example.carriers] == [b"sim"]


def test_a_commented_line_of_the_example_shows_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = config.load(str(EXAMPLE))
    full = everything(tmp_path, monkeypatch)
    whole = ("system_id", "listeners", "storage", "traffic", "metrics", "control", "limits", "log")
    for section in whole:
        assert getattr(full, section) == getattr(example, section)
    for section in ("accounts", "carriers", "routes", "inbound"):
        assert getattr(full, section)[:1] == getattr(example, section)
        assert len(getattr(full, section)) > 1


def test_the_example_shows_every_key() -> None:
    shown = set(
        re.findall(r"[{ ,-]([a-z_]+):", uncommented(EXAMPLE.read_text()).replace("\n", "\n "))
    )
    missing = [key for key in schema.keys(Config) if key.rsplit(".", 1)[-1] not in shown]
    assert missing == ["system_id"] * ("system_id" not in shown)


def test_the_dataclasses_are_frozen() -> None:
    least = config.loads(LEAST)
    with pytest.raises(AttributeError):
        least.accounts[0].rate = 1.0  # type: ignore[misc]
