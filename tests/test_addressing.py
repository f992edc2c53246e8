"""Addresses: who may send as whom, what carriers are sent, and that the rest stays as it came."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc import reading
from smsc._pdu import Message
from smsc.addressing import Numbering, Outgoing, international
from smsc.config import AccountConfig, CarrierConfig
from smsc.smpp import Status
from tests.keeper import BASE, Client, Keeper, Relay, deliver_sm, submit_sm

MOBILE, OURS = b"447700900123", b"447700900001"

Address = tuple[int, int, bytes]


def account(options: str) -> AccountConfig:
    text = BASE.replace("{system_id: acme,", "{system_id: acme, " + options + ",")
    return reading.loads(text).accounts[0]


def carrier(options: str) -> CarrierConfig:
    text = BASE.replace("{name: two,", "{name: two, " + options + ",")
    return reading.loads(text).carriers[1]


def message(source: Address, destination: Address = (1, 1, MOBILE)) -> Message:
    return submit_sm(
        source_addr_ton=source[0],
        source_addr_npi=source[1],
        source_addr=source[2],
        dest_addr_ton=destination[0],
        dest_addr_npi=destination[1],
        destination_addr=destination[2],
    )


def source(message: Message) -> Address:
    return message.source_addr_ton, message.source_addr_npi, message.source_addr


def destination(message: Message) -> Address:
    return message.dest_addr_ton, message.dest_addr_npi, message.destination_addr


# -- who may send as whom -------------------------------------------------------------------------

LIST = 'senders: [ACME, "+447700900001", "80888", "4477009002*"], numbers: {region: GB}'

SENDERS: list[tuple[str, Address, bool]] = [
    (LIST, (5, 0, b"ACME"), True),
    (LIST, (5, 0, b"acme"), False),
    (LIST, (5, 0, b"ACMEX"), False),
    (LIST, (1, 1, OURS), True),
    (LIST, (1, 1, b"+" + OURS), True),
    (LIST, (2, 1, b"07700900001"), True),
    (LIST, (0, 1, b"00" + OURS), True),
    (LIST, (1, 1, b"447700900002"), False),
    (LIST, (0, 1, b"80888"), True),
    (LIST, (3, 0, b"80888"), True),
    (LIST, (0, 1, b"80889"), False),
    (LIST, (1, 1, b"447700900234"), True),
    (LIST, (2, 1, b"07700900234"), True),
    (LIST, (5, 0, b"4477009002" + b"3"), False),
    (LIST, (5, 0, b"4477009002X"), False),
    (LIST, (0, 0, b""), False),
    (LIST + ", default_sender: OTHER", (0, 0, b""), True),
    ("numbers: {region: GB}", (5, 0, b"ANYTHING"), True),
    ("numbers: {region: GB}", (0, 0, b""), True),
    ("senders: '447700900*'", (0, 1, b"07700900001"), False),
    ("senders: '447700900*'", (0, 1, b"+" + OURS), True),
]


@pytest.mark.parametrize(("options", "sender", "allowed"), SENDERS)
def test_allowed_senders(options: str, sender: Address, allowed: bool) -> None:
    numbering = Numbering.of(account(options))
    assert numbering is not None
    assert numbering.allows(message(sender)) is allowed


def test_who_asks_for_nothing_has_nothing() -> None:
    assert Numbering.of(account("window: 7")) is None
    assert Outgoing.of(carrier("window: 7")) is None
    assert Outgoing.of(carrier("numbers: {region: GB}")) is None
    assert Outgoing.of(carrier("numbers: {destination: {form: as_is}}")) is None


# -- what carriers are sent -----------------------------------------------------------------------

NATIONAL = "numbers: {region: GB, source: national, destination: national}"
KINDS = "numbers: {senders: [number], replacement: '+447700900001'}"

SOURCES: list[tuple[str, Address, Address]] = [
    ("numbers: {source: e164}", (0, 1, b"+" + OURS), (1, 1, OURS)),
    ("numbers: {source: e164}", (5, 0, b"ACME"), (5, 0, b"ACME")),
    ("numbers: {source: e164}", (0, 1, b"80888"), (0, 1, b"80888")),
    ("numbers: {source: e164}", (0, 1, b"07700900001"), (0, 1, b"07700900001")),
    ("numbers: {source: e164, region: GB}", (0, 1, b"07700900001"), (1, 1, OURS)),
    ("numbers: {source: plus}", (1, 1, OURS), (1, 1, b"+" + OURS)),
    ("numbers: {source: {form: plus, ton: 0, npi: 0}}", (1, 1, OURS), (0, 0, b"+" + OURS)),
    (NATIONAL, (1, 1, OURS), (2, 1, b"7700900001")),
    (NATIONAL, (1, 1, b"999000000000001"), (1, 1, b"999000000000001")),
    # Kinds of senders.
    (KINDS, (5, 0, b"ACME"), (1, 1, OURS)),
    (KINDS, (0, 1, b"80888"), (1, 1, OURS)),
    (KINDS, (1, 1, b"447700900002"), (1, 1, b"447700900002")),
    (KINDS, (0, 0, b""), (0, 0, b"")),
    (KINDS.replace("[number]", "[number, alphanumeric]"), (5, 0, b"ACME"), (5, 0, b"ACME")),
    # A replaced sender is in the carrier's form too.
    (KINDS.replace("{", "{source: {form: plus, ton: 0}, "), (5, 0, b"A"), (0, 1, b"+" + OURS)),
    # Rules: in order, each on what the ones before have left.
    ("rewrite: [{field: source, match: '^44', replace: '0', ton: 2}]", (1, 1, OURS),
     (2, 1, b"07700900001")),
    ("rewrite: [{field: source, match: '^44(.*)1$', replace: '0\\1', npi: 8}]", (1, 1, OURS),
     (1, 8, b"0770090000")),
    ("rewrite: [{field: source, match: ACME, replace: Shop}, "
     "{field: source, match: '^Shop$', replace: '80888', ton: 0, npi: 1}]", (5, 0, b"ACME"),
     (0, 1, b"80888")),
    ("rewrite: [{field: source, match: '^$', replace: ACME, ton: 5}]", (0, 0, b""),
     (5, 0, b"ACME")),
    ("rewrite: [{field: source, match: '4', replace: '5'}]", (1, 1, OURS), (1, 1, b"5" + OURS[1:])),
    # What would be no address is not applied.
    ("rewrite: [{field: source, match: '.*', replace: ''}]", (1, 1, OURS), (1, 1, OURS)),
    ("rewrite: [{field: source, match: '^', replace: '123456789'}]", (1, 1, OURS), (1, 1, OURS)),
    ("rewrite: [{field: destination, match: '.*', replace: '1'}]", (1, 1, OURS), (1, 1, OURS)),
]  # fmt: skip


@pytest.mark.parametrize(("options", "before", "after"), SOURCES)
def test_a_source_as_the_carrier_wants_it(options: str, before: Address, after: Address) -> None:
    outgoing = Outgoing.of(carrier(options))
    assert outgoing is not None
    assert source(outgoing.apply(message(before))) == after


@pytest.mark.parametrize(
    ("options", "before", "after"),
    [
        ("numbers: {destination: plus}", (0, 1, MOBILE), (1, 1, b"+" + MOBILE)),
        ("numbers: {destination: {form: e164, ton: 0}}", (1, 1, MOBILE), (0, 1, MOBILE)),
        (NATIONAL, (1, 1, MOBILE), (2, 1, b"7700900123")),
        ("rewrite: [{field: destination, match: '^44', replace: '0044', ton: 0}]",
         (1, 1, MOBILE), (0, 1, b"00" + MOBILE)),
        ("rewrite: [{field: source, match: '.*', replace: 'X'}]", (1, 1, MOBILE), (1, 1, MOBILE)),
    ],
)  # fmt: skip
def test_a_destination_as_the_carrier_wants_it(
    options: str, before: Address, after: Address
) -> None:
    outgoing = Outgoing.of(carrier(options))
    assert outgoing is not None
    assert destination(outgoing.apply(message((1, 1, OURS), before))) == after


def test_what_needs_no_change_is_the_same_message() -> None:
    outgoing = Outgoing.of(carrier("numbers: {source: e164, destination: e164}"))
    assert outgoing is not None
    plain = message((1, 1, OURS))
    assert outgoing.apply(plain) is plain
    assert international(plain, "GB") is plain


ADDRESSES: Any = st.tuples(
    st.integers(0, 6),
    st.sampled_from([0, 1, 8]),
    st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=20).map(
        lambda text: text.encode("latin-1")
    ),
)


@given(ADDRESSES, ADDRESSES)
def test_no_address_breaks_a_carriers_rules(one: Address, other: Address) -> None:
    rules = "rewrite: [{field: source, match: '(.)$', replace: '\\1\\1'}], "
    outgoing = Outgoing.of(carrier(rules + NATIONAL))
    assert outgoing is not None
    after = outgoing.apply(message(one, other))
    assert after.short_message == b"Hello"


# -- through the keeper ---------------------------------------------------------------------------

REGION = BASE.replace(
    "{system_id: acme,", "{system_id: acme, numbers: {region: GB}, senders: ['4477009000*'],"
)


def keeper(text: str) -> tuple[Keeper, Client, Relay]:
    made = Keeper(text=text)
    client, relay = Client(made), Relay(made)
    made.core.attach(client)
    return made, client, relay


NATIONAL_FORM: dict[str, Any] = {
    "source_addr_ton": 2,
    "source_addr": b"07700900001",
    "dest_addr_ton": 0,
    "destination_addr": b"07700900123",
    "registered_delivery": 1,
}


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after a wait"])
def test_the_carrier_gets_e164_and_the_client_its_own_form(waits: bool) -> None:
    made, client, relay = keeper(REGION)
    if not waits:
        made.core.carrier_up(relay)
    [id] = made.submit(client, submit_sm(**NATIONAL_FORM))
    if waits:
        made.core.carrier_up(relay)
        made.run()
    [(sent, attempt, pdu)] = relay.sent
    assert (sent, attempt) == (id, 1)
    assert (source(pdu), destination(pdu)) == ((1, 1, OURS), (1, 1, MOBILE))
    relay.answer(id, 1, carrier_id=b"c1")
    relay.receipt(b"c1")
    made.run()
    [receipt] = client.delivered
    assert destination(receipt) == (2, 1, b"07700900001")
    assert source(receipt) == (0, 1, b"07700900123")
    client.answer()
    made.run()
    [record] = made.records()
    assert record["destination_addr"] == b"07700900123"


def test_routes_are_found_by_e164() -> None:
    routed = REGION.replace("to: '49', carriers: [one]", "to: '4477', carriers: [two]")
    made, client, _ = keeper(routed)
    relay = Relay(made, b"two")
    made.core.carrier_up(relay)
    made.core.carrier_up(Relay(made, b"one"))
    made.submit(client, submit_sm(**NATIONAL_FORM))
    assert len(relay.sent) == 1


def test_a_foreign_sender_is_refused() -> None:
    made, client, _ = keeper(REGION)
    foreign = submit_sm(source_addr=b"447700900999")
    assert made.submit(client, foreign) == [-Status.ESME_RINVSRCADR]
    other = Client(made, b"other")
    made.core.attach(other)
    [id] = made.submit(other, foreign)
    assert id > 0


@pytest.mark.parametrize(
    "written",
    [(2, 1, b"07700900001"), (0, 1, b"+" + OURS), (0, 0, b"00" + OURS), (1, 1, OURS)],
)
def test_an_inbound_message_is_routed_however_its_carrier_writes_numbers(written: Address) -> None:
    text = BASE.replace("'80888'", f"'+{OURS.decode()}'")
    text = text.replace("name: one\n", "name: one\n    numbers: {region: GB}\n")
    made, client, relay = keeper(text)
    made.core.carrier_up(relay)
    pdu = deliver_sm(
        dest_addr_ton=written[0], dest_addr_npi=written[1], destination_addr=written[2],
        source_addr_ton=2, source_addr_npi=1, source_addr=b"07700900123", short_message=b"Hi",
    )  # fmt: skip
    assert made.core.inbound(relay, [pdu]) == [0]
    made.run()
    [got] = client.delivered
    assert (source(got), destination(got)) == ((1, 1, MOBILE), (1, 1, OURS))
    assert got.short_message == b"Hi"


def test_without_a_region_an_inbound_message_is_taken_as_it_is() -> None:
    made, _, relay = keeper(BASE.replace("'80888'", f"'+{OURS.decode()}'"))
    made.core.carrier_up(relay)
    pdu = deliver_sm(dest_addr_ton=2, destination_addr=b"07700900001")
    assert made.core.inbound(relay, [pdu]) == [Status.ESME_RX_R_APPN]
