"""Networks by prefix: what a table may say, what is found in it, and what follows for a message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc import networks, reading
from smsc.networks import Networks
from smsc.placement import Placement
from tests.keeper import BASE, Client, Keeper, Relay, deliver_sm, submit_sm
from tests.settings import problems

EXAMPLE = Path(__file__).parents[1] / "config" / "networks.example.csv"

TABLE = {b"447700900": b"00101", b"4477009001": b"00102", b"999": b"999999"}


# -- the table -----------------------------------------------------------------------------------


def test_the_example_is_a_table() -> None:
    found = networks.table(EXAMPLE.read_text())
    assert found[b"447700900"] == b"00101"
    # Reserved for tests and for private networks: nobody's.
    assert all(network.startswith((b"001", b"999")) for network in found.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prefix,network\n44,00101\n", {b"44": b"00101"}),
        ("# a\n\nnetwork,name,prefix\n00101,\"One, Two\",44\n# b\n", {b"44": b"00101"}),
        ("prefix, network\n44, 00101\n44,00101\n", {b"44": b"00101"}),
        ("prefix,network\n", {}),
    ],
)  # fmt: skip
def test_tables(text: str, expected: dict[bytes, bytes]) -> None:
    assert networks.table(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "prefix,network"),
        ("44,00101\n", "prefix,network"),
        ("prefix,network\n44\n", "line 2: '' must be MCC and MNC"),
        ("# x\nprefix,network\n44,0010\n", "line 3: '0010' must be MCC and MNC"),
        ("prefix,network\n44,00101\n\n+49,00101\n", "line 4: '\\+49' must be the first digits"),
        ("prefix,network\n,00101\n", "line 2: '' must be the first digits"),
        ("prefix,network\n44,00101\n44,00102\n", "line 3: 44 has another network above"),
    ],
)
def test_what_is_no_table(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        networks.table(text)


@pytest.mark.parametrize(
    ("number", "prefix", "network"),
    [
        (b"447700900001", b"447700900", b"00101"),
        (b"+447700900001", b"447700900", b"00101"),
        (b"447700900123", b"4477009001", b"00102"),
        (b"999000000000001", b"999", b"999999"),
        (b"4477008", b"", b""),
        (b"99988", b"", b""),  # a short code
        (b"", b"", b""),
        (b"ACME", b"", b""),
    ],
)
def test_the_longest_prefix_counts(number: bytes, prefix: bytes, network: bytes) -> None:
    table = Networks(TABLE)
    assert (table.prefix(number), table.find(number)) == (prefix, network)


DIGITS = st.text("47", max_size=9).map(str.encode)


@given(st.dictionaries(DIGITS.filter(bool), st.just(b"00101")), DIGITS)
def test_the_table_and_the_rule_agree(prefixes: dict[bytes, bytes], number: bytes) -> None:
    fits = [prefix for prefix in prefixes if number.startswith(prefix)]
    expected = max(fits, key=len, default=b"") if len(number) >= 7 else b""
    assert Networks(prefixes).prefix(number) == expected


@pytest.mark.parametrize("text", ["00101", "310410", "262*", "2*", "26201*"])
def test_patterns(text: str) -> None:
    assert networks.pattern(text) == text.encode()


@pytest.mark.parametrize("text", ["", "*", "2620", "2620101", "2620101*", "26x01", "262**"])
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(ValueError, match="MCC and MNC|must be a network"):
        networks.pattern(text)


# -- in the configuration --------------------------------------------------------------------------

PREFIXES = """
networks:
  prefixes: |
    prefix,network
    447700900,00101
    4477009001,00102
"""
ROUTED = PREFIXES + BASE.replace(
    "  - {name: only-one, to: '49', carriers: [one]}",
    "  - {name: net, network: '00102', carriers: [two]}\n  - {name: uk, to: '44', carriers: [one]}",
)


def test_a_table_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "networks.csv"
    path.write_text("prefix,network\n44,00101\n")
    text = BASE + f"networks: {{file: '{path}'}}\n"
    assert reading.loads(text).networks.prefixes == {b"44": b"00101"}
    path.write_text("prefix,network\n44,1\n")
    [problem] = problems(text)
    assert "networks.file: line 2: '1' must be MCC and MNC" in problem


# -- through the keeper ----------------------------------------------------------------------------


def keeper(text: str = ROUTED) -> tuple[Keeper, Client, Relay, Relay]:
    made = Keeper(text=text)
    client, one, two = Client(made), Relay(made, b"one"), Relay(made, b"two")
    made.core.attach(client)
    return made, client, one, two


def finish(made: Keeper, relay: Relay) -> dict[str, Any]:
    [(id, attempt, _message)] = relay.sent
    relay.answer(id, attempt)
    made.run()
    [record] = made.records()
    return record


@pytest.mark.parametrize(
    ("to", "carrier", "network"),
    [
        (b"447700900123", b"two", b"00102"),
        (b"447700900001", b"one", b"00101"),
        (b"447700" + b"800001", b"one", b""),
        (b"80888", b"one", b""),
    ],
)
def test_a_network_finds_its_route_and_is_in_the_record(
    to: bytes, carrier: bytes, network: bytes
) -> None:
    made, client, one, two = keeper()
    made.core.carrier_up(one)
    made.core.carrier_up(two)
    made.submit(client, submit_sm(destination_addr=to))
    record = finish(made, one if one.sent else two)
    assert (record["carrier"], record["network"]) == (carrier, network)


def test_the_network_is_that_of_the_acceptance_whatever_the_table_says_later() -> None:
    made, client, _one, _two = keeper()
    made.submit(client, submit_sm(destination_addr=b"447700900001"))
    made.text = ROUTED.replace("447700900,00101", "447700900,00109")
    made = made.crash()
    relay = Relay(made, b"one")
    made.core.carrier_up(relay)
    made.run()
    assert finish(made, relay)["network"] == b"00101"


def test_a_message_whose_carrier_is_gone_keeps_to_its_network() -> None:
    text = ROUTED.replace("'00102', carriers: [two]", "'00102', carriers: [two, one]")
    made, client, one, _two = keeper(
        text.replace("to: '44', carriers: [one]", "to: '44', carriers: [two]")
    )
    made.submit(client, submit_sm(destination_addr=b"447700900123"))
    made.core.carrier_up(one)
    made.run(10_000)
    assert finish(made, one)["network"] == b"00102"


# -- why -------------------------------------------------------------------------------------------


def test_an_explanation_says_form_network_and_why() -> None:
    text = ROUTED.replace("{system_id: acme,", "{system_id: acme, numbers: {region: GB},")
    loaded = reading.loads(text)
    explained = Placement(loaded).explain(b"acme", loaded.accounts[0], b"ACME", b"07700900123")
    assert str(explained).splitlines() == [
        "to 447700900123 from ACME account acme",
        "  07700900123 in GB is 447700900123",
        "  network 00102 by prefix 4477009001",
        "  wins   net: matches by network, any destination",
        "  loses  default: matches by any destination; one that names the network is more specific",
        "  loses  uk: matches by prefix of 2 digits; one that names the network is more specific",
        "  carrier two, group 1, weight 1: used",
    ]
    assert explained.as_dict()["network"] == "00102"


def test_an_explanation_without_a_network() -> None:
    explained = str(Placement(reading.loads(ROUTED)).explain(b"x", None, b"", b"999000000000001"))
    assert "network unknown: no prefix of the table fits" in explained
    assert "loses  net: it is for network 00102" in explained
    assert "network" not in str(Placement(reading.loads(BASE)).explain(b"x", None, b"", b"33123"))


@pytest.mark.parametrize(
    ("sender", "network"),
    [
        (b"447700900123", b"00102"),
        (b"+447700900001", b"00101"),
        (b"80888", b""),
        (b"447700900ACME", b""),
        (b"", b""),
    ],
)
@pytest.mark.parametrize("crashed", [False, True])
def test_an_inbound_message_has_its_senders_network(
    sender: bytes, network: bytes, crashed: bool
) -> None:
    made, client, one, _two = keeper()
    made.core.carrier_up(one)
    made.core.inbound(one, [deliver_sm(source_addr=sender, destination_addr=b"80888")])
    made.run()
    client.answer()
    made.run()
    if crashed:  # the traffic log lost what the keeper's log had
        made.traffic_logs.clear()
        made = made.crash()
    [record] = made.records()
    assert (record["inbound"], record["network"]) == (True, network)
