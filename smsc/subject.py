"""Whose data it is: a telephone number, a user, a customer; and whether a message is of it.

A message is kept as its client wrote it, so a number is compared in the one form in which numbers
can be (E.164), read as its account's region has it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from smsc._pdu import Message, Pdu
from smsc.addressing import comparable
from smsc.kinds import Sender
from smsc.smpp import Status

NUMBER, USER, CUSTOMER = KINDS = ("number", "user", "customer")

_NUMBER: Final = re.compile(r"[1-9][0-9]{6,14}", re.ASCII)
_CASE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
#: So many digits in a row may be somebody's number.
_TELLING: Final = re.compile(r"[0-9]{7}", re.ASCII)


class Subject(NamedTuple):
    """A number as E.164 digits, a user by e-mail address, a customer by reference."""

    kind: str
    value: str

    @classmethod
    def read(cls, kind: str, text: str) -> Subject:
        """Raises ValueError, in words that do not repeat what was read."""
        if kind not in KINDS:
            raise ValueError(f"must be one of {', '.join(KINDS)}")
        value = text.strip()
        if kind == NUMBER:
            value = re.sub(r"[ ()/.-]", "", value)
            value = value.removeprefix("+").removeprefix("00")
            if not _NUMBER.fullmatch(value):
                raise ValueError("a number is written with its country code: +44 7700 900123")
        elif kind == USER:
            value = value.lower()
        if not value:
            raise ValueError(f"says no {kind}")
        return cls(kind, value)

    @property
    def octets(self) -> bytes:
        """As messages and records have it."""
        return self.value.encode()


def case(text: str) -> str:
    """How an act can be found again: it is in logs that outlive the data, so it names nobody."""
    if not _CASE.fullmatch(text) or _TELLING.search(text):
        raise ValueError(
            "a case is named by up to 40 letters, digits and ._-, and by no telephone number"
        )
    return text


def parties(one: Message | Mapping[str, Any], region: str) -> tuple[bytes, bytes]:
    """Source and destination of a message, or of its traffic record, as they are compared."""
    if isinstance(one, Message):
        source = Sender(one.source_addr_ton, one.source_addr_npi, one.source_addr)
        destination = Sender(one.dest_addr_ton, one.dest_addr_npi, one.destination_addr)
    else:
        source = Sender(one["source_addr_ton"], one["source_addr_npi"], one["source_addr"])
        destination = Sender(one["dest_addr_ton"], one["dest_addr_npi"], one["destination_addr"])
    return comparable(source, region), comparable(destination, region)


class Restricted:
    """Numbers and customers whose data is kept and not processed (GDPR 18). Immutable."""

    __slots__ = ("customers", "numbers")

    def __init__(self, numbers: Iterable[bytes] = (), customers: Iterable[bytes] = ()) -> None:
        self.numbers = frozenset(numbers)
        self.customers = frozenset(customers)

    @classmethod
    def of(cls, subjects: Iterable[Subject]) -> Restricted | None:
        """None where there is nobody, so that the message path has one test to make."""
        found = list(subjects)
        numbers = [one.octets for one in found if one.kind == NUMBER]
        customers = [one.octets for one in found if one.kind == CUSTOMER]
        return cls(numbers, customers) if numbers or customers else None

    def concerns(self, one: Message | Mapping[str, Any], region: str) -> bool:
        """Whether a message, or a traffic record, is from or to one of the numbers."""
        return not self.numbers.isdisjoint(parties(one, region))

    def is_of(self, alert: Pdu) -> bool:
        """Whether an alert_notification says that one of the numbers can be reached."""
        fields = alert.fields
        names = ("source_addr_ton", "source_addr_npi", "source_addr")
        return comparable(Sender(*(fields[name] for name in names)), "") in self.numbers

    def refusal(self, message: Message, region: str) -> int:
        """What a client is told that submits this; 0 if nothing is in the way."""
        source, destination = parties(message, region)
        if destination in self.numbers:
            return int(Status.ESME_RINVDSTADR)
        return int(Status.ESME_RINVSRCADR) if source in self.numbers else 0
