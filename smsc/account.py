"""One account as messages meet it: what its configuration allows, what it pays, how it writes.

Compiled: what every message is held against stands here as a plain value, since a look-up in the
configuration costs more than the comparison that it is for. Never changed: a changed account is
another one.
"""

from __future__ import annotations

import functools
import ipaddress

from smsc.addressing import Numbering
from smsc.config import AccountConfig
from smsc.rating import Tariff
from smsc.text import Charset
from smsc.zones import UTC

#: Addresses of peers that were read and are remembered.
MAX_ADDRESSES = 10_000


class Account:
    """An account in a snapshot. ``index`` numbers them from 0, in the order of configuration."""

    def __init__(self, index: int, config: AccountConfig, tariff: Tariff | None = None) -> None:
        self.index = index
        self.config = config
        #: What its messages cost; None if nobody rates them.
        self.tariff = tariff
        #: How it writes addresses; None if as it likes.
        self.numbering = Numbering.of(config)
        #: What it binds as.
        self.system_id = config.system_id
        self.max_queued = config.max_queued
        self.max_priority = config.max_priority
        self.default_validity = config.default_validity
        self.receipts = config.receipts
        #: For how long a message like one of before is none, ms; 0 for not at all.
        self.suppresses = config.suppress_duplicates
        self.customer = config.customer
        #: How many mails wait for it at most, and how long each, ms.
        self.max_mails = config.mailbox.max_items
        self.mail_lifetime = config.mailbox.lifetime
        #: The clock of its receipts, None for UTC; and whether they tell seconds.
        self.time_zone = None if config.time_zone is UTC else config.time_zone
        self.receipt_seconds = config.receipt_seconds
        #: Whether it writes texts as we do.
        self.writes_gsm = config.default_alphabet is Charset.GSM

    def allows(self, address: str) -> bool:
        """Whether it may bind from this IP address."""
        return not self.config.allowed_addresses or self.lists(address)

    def lists(self, address: str) -> bool:
        """Whether this IP address is in one of its networks."""
        ip = ip_of(address)
        return any([ip in network for network in self.config.allowed_addresses])


@functools.lru_cache(MAX_ADDRESSES)
def ip_of(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address as it was meant: one of IPv4 where a socket of both kinds says ::ffff:."""
    ip = ipaddress.ip_address(address)
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip
