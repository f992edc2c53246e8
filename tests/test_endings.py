"""How messages end, and what their clients hear on the way: receipts and notifications."""

from __future__ import annotations

import pytest

from smsc._pdu import Message
from tests.keeper import BASE, START, Client, Keeper, Relay, submit_sm

#: What the dates below stand for: 2026-09-21 14:13:20 UTC.
assert START == 1_790_000_000_000


def keeper(account: str = "", **replaced: str) -> Keeper:
    """One whose first account has more settings, and BASE other words for some."""
    text = BASE.replace("rate: unlimited}", f"rate: unlimited{account}}}", 1)
    for old, new in replaced.items():
        text = text.replace(old, new)
    return Keeper(text=text)


def delivered(keeper: Keeper, message: Message, stat: bytes = b"DELIVRD") -> Message:
    """The receipt of a message that a carrier has taken and reported."""
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.attach(client)
    keeper.core.carrier_up(relay)
    [message_id] = keeper.submit(client, message)
    relay.answer(message_id, 1, carrier_id=b"x")
    keeper.run(60_000)
    relay.receipt(b"x", stat)
    keeper.run()
    [receipt] = client.delivered
    return receipt


@pytest.mark.parametrize(
    ("settings", "dates"),
    [
        ("", b"submit date:2609211413 done date:2609211414 "),
        (", receipt_seconds: true", b"submit date:260921141320 done date:260921141420 "),
        (", time_zone: Europe/Berlin", b"submit date:2609211613 done date:2609211614 "),
        (
            ", time_zone: Asia/Kathmandu, receipt_seconds: true",
            b"submit date:260921195820 done date:260921195920 ",
        ),
    ],
)
def test_dates_are_on_the_clients_clock(settings: str, dates: bytes) -> None:
    receipt = delivered(keeper(settings), submit_sm(registered_delivery=1))
    assert dates in receipt.short_message
