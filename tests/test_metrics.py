"""Metrics: what a scrape says after real traffic, and what it never says."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvloop
import yaml
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from smsc import metrics
from smsc.metrics import ACCOUNT_FAMILIES, FAMILIES, HISTOGRAMS, Family, Histogram, Stages, messages
from smsc.sim.profile import Profile
from smsc.spool import Stage
from tests.keeper import Client, Keeper, Relay, submit_sm
from tests.serving import get, serving, submit

ROOT = Path(__file__).parent.parent
MESSAGES = 300
#: A command_status of a carrier that spells a number.
TELLTALE = 447700900

#: Every label there is on /metrics, with those of the process and platform collectors.
LABELS = {
    "by", "carrier", "cause", "class", "event", "le", "name", "side", "stage", "stand", "state",
    "status", "type",
    "version", "implementation", "major", "minor", "patchlevel",
}  # fmt: skip


def families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def samples(text: str) -> dict[str, float]:
    """Sums over all labels, by sample name."""
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0) + sample.value
    return sums


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What was exposed after some messages, a tenth of which the carrier refused oddly."""

    async def run() -> dict[str, str]:
        profile = Profile(errors=((TELLTALE, 0.1),))
        async with serving(tmp_path_factory.mktemp("server"), profile, accounts=True) as app:
            assert (await submit(app, MESSAGES)).acknowledged == MESSAGES
            return {
                "text": (await get(app, "/metrics")).text,
                "openmetrics": (await get(app, "/metrics", "application/openmetrics-text")).text,
                "accounts": (await get(app, "/metrics/accounts")).text,
            }

    return uvloop.run(run())


# -- what is said --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("smsc_accepted_total", MESSAGES),
        ("smsc_submitted_total", MESSAGES),
        ("smsc_outcomes_total", MESSAGES),
        ("smsc_finished_total", MESSAGES),
        ("smsc_mails_total", MESSAGES),
        ("smsc_mails_ended_total", MESSAGES),
        ("smsc_traffic_records_total", MESSAGES),
        ("smsc_owed", 0),
        ("smsc_owed_by_stage", 0),
        ("smsc_window_used", 0),
        ("smsc_window_size", 100),
        ("smsc_carrier_binds", 1),
        ("smsc_carrier_binds_made_total", 1),
        ("smsc_log_epoch", 1),
        ("smsc_log_room", 1),
        ("smsc_log_failed", 0),
        ("smsc_log_pending_bytes", 0),
    ],
)
def test_a_message_counts_once_wherever_it_passes(
    scraped: dict[str, str], name: str, value: int
) -> None:
    assert samples(scraped["text"])[name] == value


def test_the_ends_are_told_apart(scraped: dict[str, str]) -> None:
    ended = {s.labels["state"]: s.value for s in families(scraped["text"])["smsc_finished"].samples}
    assert set(ended) == {"DELIVERED", "REJECTED"}
    assert ended["DELIVERED"] > ended["REJECTED"] > 0


def test_every_answer_and_attempt_has_a_response_time(scraped: dict[str, str]) -> None:
    found = samples(scraped["text"])
    assert found["smsc_response_seconds_count"] >= 2 * MESSAGES
    mean = found["smsc_response_seconds_sum"] / found["smsc_response_seconds_count"]
    sync = found["smsc_fdatasync_seconds_sum"] / found["smsc_fdatasync_seconds_count"]
    assert sync / 10 < mean < 5


def test_every_frame_was_synced_once(scraped: dict[str, str]) -> None:
    found = samples(scraped["text"])
    assert 1 < found["smsc_fdatasync_seconds_count"] <= found["smsc_log_durable_frame"]
    assert found["smsc_fdatasync_seconds_sum"] > 0


def test_accounts_are_on_their_own_path(scraped: dict[str, str]) -> None:
    found = families(scraped["accounts"])
    assert set(found) == {family.name.removesuffix("_total") for family in ACCOUNT_FAMILIES}
    delivered = [
        sample.value
        for sample in found["smsc_account_messages"].samples
        if sample.labels == {"account": "acme", "event": "delivered"}
    ]
    assert delivered == [
        sample.value
        for sample in families(scraped["text"])["smsc_finished"].samples
        if sample.labels["state"] == "DELIVERED"
    ]


# -- what is never said --------------------------------------------------------------------------


def label_values(text: str) -> Iterator[tuple[str, str]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield from sample.labels.items()


def test_labels_are_a_fixed_set(scraped: dict[str, str]) -> None:
    assert {name for name, _ in label_values(scraped["text"])} <= LABELS
    assert "account" in {name for name, _ in label_values(scraped["accounts"])}


@pytest.mark.parametrize("path", ["text", "accounts"])
def test_no_label_looks_like_a_number(scraped: dict[str, str], path: str) -> None:
    told = {value for name, value in label_values(scraped[path]) if name != "le"}
    assert told
    assert not {value for value in told if re.search(r"\d{5,}|0x", value)}


def test_a_status_that_no_one_defined_shares_a_word(scraped: dict[str, str]) -> None:
    told = {value for name, value in label_values(scraped["text"]) if name == "status"}
    assert told == {"ESME_ROK", "reserved"}


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (0x00, "ESME_ROK"),
        (0x58, "ESME_RTHROTTLED"),
        (0x3FF, "reserved"),
        (0x400, "vendor"),
        (0x4FF, "vendor"),
        (0x500, "reserved"),
        (TELLTALE, "reserved"),
    ],
)
def test_statuses_by_name(status: int, name: str) -> None:
    assert metrics.status_name(status) == name


@pytest.mark.parametrize(("state", "name"), [(2, "DELIVERED"), (9, "SKIPPED"), (77, "reserved")])
def test_states_by_name(state: int, name: str) -> None:
    assert metrics.state_name(state) == name


# -- form ----------------------------------------------------------------------------------------


def test_both_expositions_say_the_same(scraped: dict[str, str]) -> None:
    parsed = {
        family.name for family in openmetrics.text_string_to_metric_families(scraped["openmetrics"])
    }
    assert parsed == set(families(scraped["text"]))


@pytest.mark.parametrize(
    "family", [*FAMILIES, *ACCOUNT_FAMILIES, *HISTOGRAMS], ids=lambda f: f.name
)
def test_names_follow_the_conventions(family: Family | Histogram) -> None:
    assert re.fullmatch(r"smsc(_[a-z]+)+", family.name)
    assert not re.search(r"_(ms|us|octets|count|sum|bucket)(_total)?$", family.name)
    assert family.help.endswith(".")
    if isinstance(family, Histogram):
        assert family.name.endswith("_seconds")


def test_equal_labels_add_up() -> None:
    family = Family("smsc_x_total", "x.", ("a",), lambda _: [(("p",), 1), (("q",), 5), (("p",), 2)])
    found = {s.labels["a"]: s.value for s in family.metric(None).samples}  # type: ignore[arg-type]
    assert found == {"p": 3, "q": 5}


def test_a_histogram_is_cumulative_and_in_seconds() -> None:
    counts = [0] * 32
    counts[3], counts[10], counts[31] = 1, 2, 4
    histogram = Histogram("smsc_x_seconds", "x.", lambda _: (counts, 2_500_000))
    found = {
        sample.labels.get("le", sample.name): sample.value
        for sample in histogram.metric(None).samples  # type: ignore[arg-type]
    }
    expected = {"1.6e-05": 1, "0.000512": 1, "0.001024": 3, "16.777216": 3, "+Inf": 7}
    assert {le: found[le] for le in expected} == expected
    assert found["smsc_x_seconds_count"] == 7
    assert found["smsc_x_seconds_sum"] == 2.5


# -- queues --------------------------------------------------------------------------------------


def read(keeper: Keeper, name: str) -> dict[tuple[str, ...], float]:
    """A metric of a keeper without a server around it."""
    family = next(family for family in FAMILIES if family.name == name)
    looked_at: Any = SimpleNamespace(core=keeper.core, clock=lambda: keeper.now)
    return dict(family.read(looked_at))


def test_the_oldest_that_waits_has_its_age() -> None:
    keeper = Keeper()
    client = Client(keeper)
    assert read(keeper, "smsc_ready_oldest_age_seconds") == {("one",): 0, ("two",): 0}
    for _ in range(3):
        keeper.submit(client, submit_sm())
        keeper.run(2_000)
    assert read(keeper, "smsc_ready") == {("one",): 3, ("two",): 0}
    assert read(keeper, "smsc_ready_oldest_age_seconds") == {("one",): 6, ("two",): 0}
    keeper.core.carrier_up(Relay(keeper, window=1))
    assert read(keeper, "smsc_ready") == {("one",): 2, ("two",): 0}
    assert read(keeper, "smsc_ready_oldest_age_seconds") == {("one",): 4, ("two",): 0}


def test_open_doubts_are_counted_by_cause_and_the_oldest_has_its_age() -> None:
    keeper = Keeper()
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.carrier_up(relay)
    keeper.run()
    ids = keeper.submit(client, *(submit_sm() for _ in range(5)))
    assert read(keeper, "smsc_in_doubt_open") == {}
    assert read(keeper, "smsc_in_doubt_oldest_age_seconds") == {("one",): 0, ("two",): 0}
    keeper.core.timed_out(relay, [(ids[0], 1)])
    keeper.run(10_000)
    keeper.core.carrier_down(relay, [], [(id, 1) for id in ids[1:]])
    assert read(keeper, "smsc_in_doubt_open") == {
        ("one", "response_timeout"): 1, ("one", "bind_lost"): 4,
    }  # fmt: skip
    assert read(keeper, "smsc_in_doubt_oldest_age_seconds") == {("one",): 10, ("two",): 0}


def test_stages_are_counted_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "SURVEY_PORTION", 2)
    keeper = Keeper()
    client, relay = Client(keeper), Relay(keeper, window=5)
    keeper.core.carrier_up(relay)
    ids = keeper.submit(client, *(submit_sm(registered_delivery=1) for _ in range(8)))
    for id in ids[:2]:
        relay.answer(id, 1, carrier_id=b"%x" % id)
    keeper.core.carrier_down(relay, [], [(id, 1) for id in ids[2:5]])
    keeper.run()
    stages = Stages()
    asyncio.run(stages.survey(keeper.core.state.spool.slab))
    # Five went out; two answers made room for two more.
    expected = {
        Stage.QUEUED: 1,
        Stage.ATTEMPT: 2,
        Stage.ACKED: 2,
        Stage.IN_DOUBT: 3,
        Stage.SPLIT: 0,
        Stage.JOINED: 0,
    }
    assert stages.counts == expected


# -- what is built on them -----------------------------------------------------------------------


def rules() -> Iterator[tuple[str, str]]:
    loaded = yaml.safe_load((ROOT / "config/prometheus/smsc.rules.yml").read_text())
    for group in loaded["groups"]:
        for rule in group["rules"]:
            yield rule.get("alert") or rule["record"], rule["expr"]


def panels() -> Iterator[tuple[str, str]]:
    loaded = json.loads((ROOT / "config/grafana/smsc.json").read_text())
    for panel in loaded["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


QUERIES = [*rules(), *panels()]


@pytest.mark.parametrize(("name", "query"), QUERIES, ids=[name for name, _ in QUERIES])
def test_queries_use_what_exists(scraped: dict[str, str], name: str, query: str) -> None:
    known = {family.name for family in FAMILIES}
    known |= {h.name + tail for h in HISTOGRAMS for tail in ("_bucket", "_sum", "_count")}
    known |= {name for name in samples(scraped["text"]) if name.startswith("process_")}
    known |= {family.name for family in ACCOUNT_FAMILIES} | {"smsc_owed_by_stage"}
    used = set(re.findall(r"\b(?:smsc|process)_\w+", query))
    assert used and used <= known
    labels = set(re.findall(r"(\w+)\s*[=!]~?\"", query))
    for listed in re.findall(r"(?:by|on|without)\s*\(([^)]*)\)", query):
        labels |= {label.strip() for label in listed.split(",")}
    assert labels <= LABELS | {"account", "outcome", "job", "instance"}


def test_every_metric_is_looked_at() -> None:
    """What no panel shows and no alert names nobody would find when it is needed."""
    shown = " ".join(query for _, query in QUERIES)
    for family in (*FAMILIES, *ACCOUNT_FAMILIES, *HISTOGRAMS):
        assert re.search(rf"\b{family.name}(?:_bucket|_by_stage)?\b", shown), family.name


def test_every_alert_says_what_to_do() -> None:
    loaded = yaml.safe_load((ROOT / "config/prometheus/smsc.rules.yml").read_text())
    for rule in (rule for group in loaded["groups"] for rule in group["rules"]):
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description"}
