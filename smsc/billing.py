"""Billing periods: what they came to, and what is still in the way of closing one.

A period is a month or a week on its customer's clock; a message belongs to the one it was accepted
in. Its totals are made of the traffic records, each message's once, and hold no number and
no text. Pure but for ``records``, which reads the traffic log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from smsc import periods, text, traffic
from smsc.errors import SmscError
from smsc.journal import inspect
from smsc.periods import EXAMPLES, Cycle, Span, at_place, bare, cycle_of, month_of
from smsc.smpp import MessageState
from smsc.zones import Zone

#: esm_class: the text begins with a header of its own.
UDHI = 0x40


#: Where a customer without a price plan is told that nothing is charged.
NO_CURRENCY = "---"


class BillingError(SmscError):
    """What was asked of a period can't be done, in words for who bills."""


def span(period: str, cycle: Cycle, there: Zone) -> Span:
    """A period of a customer's cycle, on its clock. Raises BillingError if it is none."""
    try:
        if cycle_of(period) == cycle and bare(period) == period:
            return periods.span(at_place(period, there))
    except ValueError:
        pass
    raise BillingError(f"{period!r} must be {EXAMPLES[cycle]}")


class Line(NamedTuple):
    """What is added up together. ``price`` is a segment's; None where nobody rated."""

    network: str
    direction: str
    price: int | None


@dataclass(slots=True)
class Sum:
    """Of all messages of a line."""

    messages: int = 0
    segments: int = 0
    amount: int = 0


@dataclass(slots=True)
class Bill:
    """The totals of a period, as traffic records are added to it."""

    lines: dict[Line, Sum] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set, repr=False)

    def add(self, fields: dict[str, Any]) -> bool:
        """Count a message; False if it is counted already."""
        if fields["id"] in self._seen:
            return False
        self._seen.add(fields["id"])
        total = self.lines.setdefault(line_of(fields), Sum())
        total.messages += 1
        total.segments += segments_of(fields)
        total.amount += fields["price"] or 0
        return True

    @property
    def amount(self) -> int:
        """What it all comes to."""
        return sum(total.amount for total in self.lines.values())


def line_of(fields: dict[str, Any]) -> Line:
    """Where a traffic record is added up."""
    price = fields["price"]
    return Line(
        fields["network"].decode("ascii", "replace"),
        "in" if fields["inbound"] else "out",
        price if price is None else price // segments_of(fields),
    )


def segments_of(fields: dict[str, Any]) -> int:
    """What was charged: the segments of the text as it came, in however many it was sent on."""
    if not fields["content"]:
        return int(fields["parts"])
    has_header = bool(fields["esm_class"] & UDHI)
    return text.segments(fields["content"], fields["data_coding"], has_header)


def records(directory: Path, sealer: traffic.Sealer, customer: bytes, when: Span) -> Iterator[Any]:
    """The customer's traffic records of a period, in the order they were written."""
    first, last = month_of(when.since), month_of(when.until - 1)
    for period in traffic.periods(directory):
        if first <= period <= last:
            for fields in traffic.read(inspect.records(directory / period), sealer):
                if fields["customer"] == customer and when.since <= fields["accepted"] < when.until:
                    yield fields


def bill(found: Iterable[dict[str, Any]]) -> Bill:
    """The totals of these records."""
    made = Bill()
    for fields in found:
        made.add(fields)
    return made


def items(
    found: Iterable[dict[str, Any]],
    since: int,
    zone: Zone,
    hidden: Callable[[Mapping[str, Any]], bool] | None = None,
) -> Iterator[dict[str, Any]]:
    """An itemised statement of what was accepted from ``since`` on, numbers cut short.

    A text is in none, and whose number it is can't be told. Of what is ``hidden`` there are no
    numbers at all: it costs what it costs.
    """
    once = Bill()
    for fields in found:
        if fields["accepted"] >= since and once.add(fields):
            line = line_of(fields)
            if hidden is not None and hidden(fields):
                fields = fields | {"source_addr": b"", "destination_addr": b""}
            yield {
                "accepted": traffic.moment(zone.local(fields["accepted"])).removesuffix("Z"),
                "direction": line.direction,
                "from": traffic.masked(fields["source_addr"]).decode("ascii", "replace"),
                "to": traffic.masked(fields["destination_addr"]).decode("ascii", "replace"),
                "network": line.network,
                "state": MessageState(fields["state"]).name,
                "segments": segments_of(fields),
                "amount": fields["price"],
            }
