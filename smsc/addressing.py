"""How each side writes addresses: what an account may put as sender, what a carrier wants to get.

A message is kept as its client wrote it, and receipts speak of it that way. What is compared
(routes, networks, allowed senders) and what is sent on is derived here, where it is needed. Made
once from the configuration, so that who asks for nothing costs one test for None. Pure.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from smsc import message as messages
from smsc import numbers
from smsc._pdu import Message
from smsc.config import AccountConfig, CarrierConfig, FormConfig, RewriteConfig
from smsc.kinds import Sender
from smsc.smpp import MAX_ADDRESS

#: An address's three fields in a PDU, by its side.
_FIELDS = {
    "source": ("source_addr_ton", "source_addr_npi", "source_addr"),
    "destination": ("dest_addr_ton", "dest_addr_npi", "destination_addr"),
}


def _source(message: Message) -> Sender:
    return Sender(message.source_addr_ton, message.source_addr_npi, message.source_addr)


def _destination(message: Message) -> Sender:
    return Sender(message.dest_addr_ton, message.dest_addr_npi, message.destination_addr)


def _with(message: Message, source: Sender, destination: Sender) -> Message:
    """The message with these addresses; itself where they are its own."""
    if source == _source(message) and destination == _destination(message):
        return message
    fields: dict[str, Any] = dict(zip(_FIELDS["source"], source, strict=True))
    fields.update(zip(_FIELDS["destination"], destination, strict=True))
    return messages.changed(message, **fields)


def comparable(address: Sender, region: str) -> bytes:
    """What an address is compared by: its E.164 digits, or else itself without a ``+``."""
    return numbers.e164(*address, region) or messages.bare_address(address.ton, address.address)


def international(message: Message, region: str) -> Message:
    """The message with both numbers as E.164, as a writer in this region means them."""
    return _with(
        message,
        _international(_source(message), region),
        _international(_destination(message), region),
    )


def _international(address: Sender, region: str) -> Sender:
    digits = numbers.e164(*address, region)
    return address if digits is None else Sender(numbers.INTERNATIONAL, numbers.ISDN, digits)


class Numbering:
    """What of an account's addresses is not as it came: their region, and who it may send as."""

    def __init__(self, config: AccountConfig) -> None:
        #: The country its national numbers are of; empty for none.
        self.region = config.numbers.region
        self._default = config.default_sender is not None
        self._senders = frozenset(one for one in config.senders if one[-1:] != b"*")
        self._prefixes = tuple(one[:-1] for one in config.senders if one[-1:] == b"*")
        self._any = not config.senders

    @classmethod
    def of(cls, config: AccountConfig) -> Numbering | None:
        """None for an account that may write as it likes and is taken at its word."""
        return cls(config) if config.numbers.region or config.senders else None

    def source(self, message: Message) -> bytes:
        """The source address to compare by."""
        return comparable(_source(message), self.region)

    def destination(self, message: Message) -> bytes:
        """The destination address to compare by."""
        return comparable(_destination(message), self.region)

    def allows(self, message: Message) -> bool:
        """Whether the account may send as this. What it leaves out is not its own choice."""
        if self._any:
            return True
        if not message.source_addr:
            return self._default
        source = self.source(message)
        return source in self._senders or (
            source.isdigit()
            and message.source_addr_ton != numbers.ALPHANUMERIC
            and source.startswith(self._prefixes)
        )

    def canonical(self, message: Message) -> Message:
        """The message as a carrier can understand it, which does not know the region."""
        return international(message, self.region) if self.region else message


class _Rewrite(NamedTuple):
    """One rule of a carrier, its pattern compiled."""

    pattern: re.Pattern[str]
    replace: str
    ton: int | None
    npi: int | None

    @classmethod
    def of(cls, config: RewriteConfig) -> _Rewrite:
        return cls(re.compile(config.match, re.ASCII), config.replace, config.ton, config.npi)

    def __call__(self, address: Sender) -> Sender:
        text, matches = self.pattern.subn(self.replace, address.address.decode("latin-1"), count=1)
        if not matches or not 1 <= len(text) <= MAX_ADDRESS:
            return address
        return _typed(text.encode("latin-1"), address, self.ton, self.npi)


def _typed(octets: bytes, old: Sender, ton: int | None, npi: int | None) -> Sender:
    return Sender(old.ton if ton is None else ton, old.npi if npi is None else npi, octets)


class Outgoing:
    """How one carrier wants the addresses of what it is sent.

    First a sender of a kind that it does not take is replaced, then numbers are put into its form,
    then its rules are applied in their order, each to what the ones before have left. A rule that
    would leave no address, or one that no PDU can carry, is not applied.
    """

    def __init__(self, config: CarrierConfig) -> None:
        wishes = config.numbers
        self._region = wishes.region
        self._source_form = wishes.source
        self._destination_form = wishes.destination
        self._kinds = frozenset(wishes.senders)
        self._replacement = wishes.replacement
        self._rules = {
            field: tuple(_Rewrite.of(rule) for rule in config.rewrite if rule.field == field)
            for field in _FIELDS
        }

    @classmethod
    def of(cls, config: CarrierConfig) -> Outgoing | None:
        """None for a carrier that takes addresses as they are."""
        wishes = config.numbers
        forms = (wishes.source, wishes.destination)
        plain = forms == (FormConfig(), FormConfig()) and wishes.replacement is None
        return None if plain and not config.rewrite else cls(config)

    def apply(self, message: Message) -> Message:
        """The message as this carrier wants it; itself where it is so already."""
        source = _source(message)
        if source.address and numbers.kind(source.ton, source.address) not in self._kinds:
            source = self._replacement or source
        source = self._formed(source, self._source_form)
        destination = self._formed(_destination(message), self._destination_form)
        for rule in self._rules["source"]:
            source = rule(source)
        for rule in self._rules["destination"]:
            destination = rule(destination)
        return _with(message, source, destination)

    def _formed(self, address: Sender, form: FormConfig) -> Sender:
        if form.form == "as_is":
            return address
        digits = numbers.e164(*address, self._region)
        if digits is None:
            return address
        ton, octets = numbers.INTERNATIONAL, digits
        if form.form == "plus":
            octets = b"+" + digits
        elif form.form == "national" and (rest := numbers.national(digits, self._region)):
            ton, octets = numbers.NATIONAL, rest
        return _typed(octets, Sender(ton, numbers.ISDN, b""), form.ton, form.npi)
