"""What a client's answer to a delivery brings about, for that mail and for others."""

from __future__ import annotations

import pytest

from smsc import mailroom
from smsc._pdu import Decoder, Pdu, encode
from smsc.deliveries import ALERT_LIFETIME, DEFERRAL, MEANINGS, OFFERS, Meaning
from smsc.smpp import Command, Status, Tag
from tests.keeper import Client, Keeper, Relay, deliver_sm


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def relay(keeper: Keeper) -> Relay:
    bind = Relay(keeper)
    keeper.core.carrier_up(bind)
    return bind


@pytest.fixture
def client(keeper: Keeper) -> Client:
    bind = Client(keeper, window=1)
    keeper.core.attach(bind)
    return bind


def arrive(keeper: Keeper, relay: Relay, *texts: bytes, to: bytes = b"80888") -> None:
    batch = [deliver_sm(destination_addr=to, short_message=text) for text in texts]
    assert keeper.core.inbound(relay, batch) == [0] * len(texts)
    keeper.turn.run()


def texts(client: Client) -> list[bytes]:
    return [message.short_message for message in client.delivered]


def ended(keeper: Keeper) -> dict[str, int]:
    return {cause: count for cause, count in keeper.core.counters.mail_done.items() if count}


LATER = (0x64, 0x14, 0x58, 0x08)
NEVER = (*range(0x01, 0x08), *range(0x09, 0x0D), 0x43, 0x48, 0x49, 0x50, 0x51, *range(0xC0, 0xC5))
UNCLEAR = (0x22, 0x45, 0x61, 0xFE, 0xFF, 0x101, 0x400, 0xFFFFFFFF)


def test_every_status_means_what_the_specification_says() -> None:
    meant = {meaning: {s for s, m in MEANINGS.items() if m is meaning} for meaning in Meaning}
    assert 0 not in MEANINGS
    assert meant[Meaning.LATER] == set(LATER)
    assert meant[Meaning.NEVER] == {0x66, *NEVER}
    assert meant[Meaning.CLOSED] == {0x65}
    assert not MEANINGS.keys() & set(UNCLEAR)


@pytest.mark.parametrize("status", LATER)
def test_what_a_client_cannot_take_now_is_offered_for_as_long_as_it_lives(
    keeper: Keeper, relay: Relay, client: Client, status: int
) -> None:
    arrive(keeper, relay, b"hi")
    for offers in range(1, OFFERS + 3):
        assert len(client.delivered) == offers
        client.answer(status)
        keeper.run(DEFERRAL - 5_000)
        assert len(client.delivered) == offers
        keeper.run(10_000)
    client.answer()
    assert ended(keeper) == {"delivered": 1}


@pytest.mark.parametrize("status", [0x66, *NEVER])
def test_what_it_will_never_take_fails_alone(
    keeper: Keeper, relay: Relay, client: Client, status: int
) -> None:
    arrive(keeper, relay, b"one", b"two")
    client.answer(status)
    keeper.run()
    assert texts(client) == [b"one", b"two"]
    assert ended(keeper) == {"refused": 1}


@pytest.mark.parametrize("status", UNCLEAR)
def test_what_is_refused_for_no_known_reason_is_offered_a_few_times(
    keeper: Keeper, relay: Relay, client: Client, status: int
) -> None:
    arrive(keeper, relay, b"hi")
    for _ in range(OFFERS - 1):
        client.answer(status)
        assert ended(keeper) == {}
        keeper.run(DEFERRAL + 5_000)
    client.answer(status)
    assert len(client.delivered) == OFFERS
    assert ended(keeper) == {"refused": 1}
    assert not keeper.core.state.mailboxes


def test_a_closed_destination_gets_nothing_of_what_waits_for_it() -> None:
    text = Keeper().text.replace("to: '80888'", "to: ['80888', '80999']")
    keeper = Keeper(text=text)
    relay, client = Relay(keeper), Client(keeper, window=1)
    keeper.core.carrier_up(relay)
    keeper.core.attach(client)
    arrive(keeper, relay, b"one", b"two")
    arrive(keeper, relay, b"other", to=b"80999")
    arrive(keeper, relay, b"three")
    client.answer(Status.ESME_RX_P_APPN)
    keeper.run()
    assert texts(client) == [b"one", b"other"]
    client.answer()
    keeper.run()
    assert ended(keeper) == {"refused": 3, "delivered": 1}
    assert not keeper.core.state.mailboxes
    # What comes later is not what was queued then.
    arrive(keeper, relay, b"four")
    assert texts(client) == [b"one", b"other", b"four"]
    keeper.run()
    assert sorted(record["state"] for record in keeper.records()) == [2, 8, 8, 8]


@pytest.mark.parametrize(("most", "delivered"), [(1, [b"one"]), (2, [])])
def test_closed_destinations_are_few(
    keeper: Keeper,
    relay: Relay,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    delivered: list[bytes],
) -> None:
    monkeypatch.setattr(mailroom, "MAX_CLOSED", most)
    arrive(keeper, relay, b"one")
    account = keeper.core.state.accounts.index(b"acme")
    keeper.core.mailroom.close(account, b"80888", 1 << 62)
    keeper.core.mailroom.close(account, b"80999", 1 << 62)
    client = Client(keeper)
    keeper.core.attach(client)
    keeper.run()
    assert texts(client) == delivered


def test_a_destination_is_closed_until_the_mailbox_is_empty_and_for_one_account(
    keeper: Keeper, relay: Relay, client: Client
) -> None:
    room, accounts = keeper.core.mailroom, keeper.core.state.accounts
    room.close(accounts.index(b"other"), b"80888", 1 << 62)
    arrive(keeper, relay, b"one")
    client.answer()
    room.close(accounts.index(b"acme"), b"80888", 1 << 62)
    room.deliver(accounts.index(b"acme"))
    arrive(keeper, relay, b"two")
    assert texts(client) == [b"one", b"two"]


def test_many_that_nobody_wants_end_in_portions(
    keeper: Keeper, relay: Relay, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailroom, "DEPARTING", 10)
    arrive(keeper, relay, *[b"%d" % n for n in range(26)])
    client.answer(Status.ESME_RX_P_APPN)
    left = []
    while keeper.core.state.mailboxes:
        left.append(len(keeper.core.state.mailboxes))
        keeper.core.tick()
    assert left == [25, 15, 5]
    assert texts(client) == [b"0"]


def test_what_departed_and_was_not_written_down_waits_again(
    keeper: Keeper, relay: Relay, client: Client
) -> None:
    arrive(keeper, relay, b"one", b"two")
    client.answer(Status.ESME_RX_P_APPN)
    keeper.turn.run()
    again = keeper.crash()
    other = Client(again)
    again.core.attach(other)
    again.turn.run()
    assert texts(other) == [b"two"]


# -- alert_notification ----------------------------------------------------------------------------


def alert(esme: bytes = b"80888") -> Pdu:
    octets = encode(
        Command.ALERT_NOTIFICATION,
        3,
        0,
        [(Tag.MS_AVAILABILITY_STATUS, b"\0")],
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=b"447700900123",
        esme_addr=esme,
    )
    (pdu,) = Decoder().feed(octets)
    return pdu


def alerts(client: Client) -> list[bytes]:
    return [pdu.fields["source_addr"] for pdu in client.alerts]


def test_an_alert_goes_to_whose_address_it_names_and_needs_no_answer(
    keeper: Keeper, relay: Relay, client: Client
) -> None:
    keeper.core.alerted(relay, [alert(), alert(b"99")])
    assert alerts(client) == []
    keeper.turn.run()
    assert alerts(client) == [b"447700900123"]
    assert client.alerts[0].tlv(Tag.MS_AVAILABILITY_STATUS) == b"\0"
    assert keeper.core.counters.inbound_unrouted == 1
    keeper.run()
    assert not keeper.core.state.mailboxes
    assert keeper.records() == []


def test_an_alert_waits_a_while_for_a_bind(keeper: Keeper, relay: Relay) -> None:
    keeper.core.alerted(relay, [alert()])
    keeper.turn.run()
    again = keeper.crash()
    client = Client(again)
    again.core.attach(client)
    again.run()
    assert alerts(client) == [b"447700900123"]


def test_an_alert_grows_old_soon(keeper: Keeper, relay: Relay) -> None:
    keeper.core.alerted(relay, [alert()])
    keeper.run(ALERT_LIFETIME + 30_000)
    assert not keeper.core.state.mailboxes
    client = Client(keeper)
    keeper.core.attach(client)
    keeper.run()
    assert alerts(client) == []


@pytest.mark.parametrize("versions", [(0x33,), (0x33, 0x34)])
def test_an_alert_is_for_binds_that_know_of_such(
    keeper: Keeper, relay: Relay, versions: tuple[int, ...]
) -> None:
    clients = [Client(keeper) for _ in versions]
    for client, version in zip(clients, versions, strict=True):
        client.version = version
        keeper.core.attach(client)
    keeper.core.alerted(relay, [alert()])
    arrive(keeper, relay, b"behind it")
    assert [len(client.alerts) for client in clients] == [version >= 0x34 for version in versions]
    assert sum(len(client.delivered) for client in clients) == 1


def test_many_alerts_at_once(keeper: Keeper, relay: Relay, client: Client) -> None:
    keeper.core.detach(client)
    keeper.core.alerted(relay, [alert()] * 5_000)
    keeper.core.attach(client)
    keeper.run(2_000)
    assert len(client.alerts) == 5_000
    assert not keeper.core.state.mailboxes


def test_an_alert_passes_by_who_is_on_the_way_out(keeper: Keeper, relay: Relay) -> None:
    leaving, staying = Client(keeper, window=0), Client(keeper)
    keeper.core.attach(leaving)
    keeper.core.attach(staying)
    keeper.core.alerted(relay, [alert()])
    keeper.run()
    assert (alerts(leaving), alerts(staying)) == ([], [b"447700900123"])
