"""The settings: their defaults, what follows from what is given, and the example."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest

from smsc import reading, schema
from smsc.config import Config, RouteConfig
from smsc.kinds import Share
from smsc.smpp import Status
from tests.settings import CARRIERS, HASH, LEAST, LISTENERS

EXAMPLE = Path(__file__).parents[1] / "config" / "smsc.yaml"


def test_the_least_that_loads() -> None:
    least = reading.loads(LEAST)
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
    assert reading.loads(LISTENERS + account).accounts[0].burst == burst


def test_errors_complete_and_override_the_defaults() -> None:
    errors = "errors: {ESME_RSUBMITFAIL: retry, 0x58: fail, 0x0405: throttle}}]"
    carrier = reading.loads(LEAST + CARRIERS.replace("}]", f", {errors}")).carriers[0]
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
    assert reading.loads(f"{LEAST}carriers: [{three}]\n{route}").routes == (
        RouteConfig(name="r", carriers=carriers),
    )


def test_the_dataclasses_are_frozen() -> None:
    least = reading.loads(LEAST)
    with pytest.raises(AttributeError):
        least.accounts[0].rate = 1.0  # type: ignore[misc]


# -- the example ----------------------------------------------------------------------------------


def uncommented(text: str) -> str:
    """The example with every `#key: value` line in force; `# text` stays a comment."""
    return re.sub(r"(?m)^( *)#(?=\S)", r"\1", text)


def everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    Path("acme.hash").write_text(HASH)
    Path("north.password").write_text("secret")
    Path("networks.csv").write_text("prefix,network\n447700900,00101\n")
    return reading.loads(uncommented(EXAMPLE.read_text()))


def test_the_example_loads() -> None:
    assert reading.check(str(EXAMPLE)) == []
    example = reading.load(str(EXAMPLE))
    assert [(x.host, x.port) for x in example.listeners] == [("127.0.0.1", 2775)]
    assert [account.system_id for account in example.accounts] == [b"demo"]
    assert [carrier.name for carrier in example.carriers] == [b"sim"]


def test_a_commented_line_of_the_example_shows_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = reading.load(str(EXAMPLE))
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
