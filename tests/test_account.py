"""An account as messages meet it: its configuration as plain values."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from smsc.account import Account
from smsc.config import AccountConfig
from smsc.text import Charset

HERE, THERE = "192.0.2.1", "198.51.100.1"


def account(**values: Any) -> Account:
    return Account(7, AccountConfig(system_id=b"demo", password_hash="", **values))


@pytest.mark.parametrize("name", ["system_id", "max_queued", "max_priority", "default_validity"])
def test_what_messages_meet_is_what_is_configured(name: str) -> None:
    one = account(max_queued=5, max_priority=1, default_validity=60_000)
    assert one.index == 7
    assert getattr(one, name) == getattr(one.config, name)


def test_wishes_and_their_absence() -> None:
    usual, other = account(), account(receipts=False, suppress_duplicates=9_000)
    assert (usual.receipts, usual.suppresses) == (True, 0)
    assert (other.receipts, other.suppresses) == (False, 9_000)
    assert usual.writes_gsm and not account(default_alphabet=Charset.LATIN1).writes_gsm
    assert usual.numbering is None and account(senders=(b"ACME",)).numbering is not None


@pytest.mark.parametrize(
    ("networks", "address", "allowed"),
    [
        ((), HERE, True),
        (("192.0.2.0/24",), HERE, True),
        (("192.0.2.0/24",), THERE, False),
        (("198.51.100.0/24", "192.0.2.1"), HERE, True),
        (("192.0.2.0/24",), "::ffff:192.0.2.1", True),
        (("192.0.2.0/24",), "2001:db8::1", False),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32",), HERE, False),
        (("fe80::/10",), "fe80::1%eth0", True),
    ],
)
def test_addresses(networks: tuple[str, ...], address: str, allowed: bool) -> None:
    assert account(allowed_addresses=tuple(map(ip_network, networks))).allows(address) is allowed
