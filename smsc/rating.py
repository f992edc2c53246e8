"""What a message costs, and whether its customer may still spend that much.

Pure: tables and sums over what is known at acceptance. A message is rated when it is accepted, by
the prices of that day in the customer's time zone, and the charge stays with it: what it costs in
the end is that, or nothing, by how it ends. So a price that is changed meanwhile, or a crash,
changes nothing of it.

What a customer has spent is a ``Purse``: the keeper's state, a fold over its log. Customers who pay
ahead have what they paid, less what they spent, less what is reserved for messages on their way;
a cap bounds what is accepted in a day and in a month.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from struct import Struct
from typing import Literal, NamedTuple

from smsc.smpp import MessageState
from smsc.zones import Zone

Direction = Literal["out", "in"]

_DAY_MS = 86_400_000
#: date(1970, 1, 1): days are counted from there.
_EPOCH = date(1970, 1, 1).toordinal()

#: No day is later.
_NEVER = 1 << 30

_DELIVERED, _ENROUTE = int(MessageState.DELIVERED), int(MessageState.ENROUTE)


class Price(NamedTuple):
    """Of a segment: from the day ``since`` on, until the day before ``until``."""

    direction: Direction
    #: ``262-01``, ``262-*``, first digits, or ``*``.
    destination: str
    amount: int
    since: date
    until: date | None


class Plan:
    """A price list. A network's price goes before its country's, and those before a prefix's."""

    def __init__(
        self, currency: str, charged: Literal["submitted", "delivered"], prices: Iterable[Price]
    ) -> None:
        self.currency = currency
        self.on_delivery = charged == "delivered"
        # By direction and destination: (first day, day after the last, amount), the newest first.
        self._prices: dict[tuple[str, bytes], list[tuple[int, int, int]]] = {}
        for price in sorted(prices, key=lambda price: price.since, reverse=True):
            key = price.direction, price.destination.removesuffix("*").encode()
            since, until = _day(price.since), _day(price.until) if price.until else _NEVER
            self._prices.setdefault(key, []).append((since, until, price.amount))
        lengths = {len(key) for _, key in self._prices if b"-" not in key}
        self._lengths = tuple(sorted(lengths, reverse=True))

    def price(self, direction: Direction, network: bytes, number: bytes, day: int) -> int | None:
        """What a segment costs on a day; None if there is no price for it.

        ``network`` is MCC and MNC in digits, empty if it is not known; ``number`` international.
        """
        if network:
            for key in (network[:3] + b"-" + network[3:], network[:3] + b"-"):
                amount = self._of(direction, key, day)
                if amount is not None:
                    return amount
        number = number.removeprefix(b"+")
        for length in self._lengths:
            amount = self._of(direction, number[:length], day)
            if amount is not None:
                return amount
        return None

    def _of(self, direction: Direction, key: bytes, day: int) -> int | None:
        for since, until, amount in self._prices.get((direction, key), ()):
            if since <= day < until:
                return amount
        return None


@dataclass(frozen=True, slots=True)
class Tariff:
    """What one customer pays, and how far their money goes, at one moment."""

    customer: bytes
    plan: Plan
    zone: Zone
    prepaid: bool = False
    #: All that was ever paid in.
    credited: int = 0
    cap_day: int | None = None
    cap_month: int | None = None

    @property
    def bounded(self) -> bool:
        """Whether every message is to be measured against what there is to spend."""
        return self.prepaid or self.cap_day is not None or self.cap_month is not None

    def day(self, ms: int) -> int:
        """The day of this moment in the customer's time zone, since 1970."""
        return self.zone.local(ms) // _DAY_MS

    def affords(self, purse: Purse, amount: int, day: int) -> bool:
        """Whether so much more may be spent on this day."""
        if self.prepaid and self.credited - purse.spent - purse.reserved < amount:
            return False
        now = purse.on(day)
        if self.cap_day is not None and now.day_spent + amount > self.cap_day:
            return False
        return self.cap_month is None or now.month_spent + amount <= self.cap_month


class Charge(NamedTuple):
    """What was agreed at acceptance: it stands in the message's record."""

    customer: bytes
    #: Of the whole message.
    amount: int
    #: When it was accepted, in the customer's time zone.
    day: int
    #: Whether it is due on delivery; else when a carrier has it.
    on_delivery: bool
    #: Whether it is reserved in the customer's purse.
    reserved: bool

    def packed(self) -> bytes:
        """As it is on disk: amount u32, day u16, flags u8 (1 on delivery, 2 reserved), customer."""
        flags = self.on_delivery | self.reserved << 1
        return _CHARGE.pack(self.amount, self.day, flags) + self.customer

    def due(self, state: int, acknowledged: bool) -> int:
        """What is to be paid once the message has ended in this state.

        ENROUTE is final where nobody asked for a receipt: it counts as delivered, or a client
        would be served for nothing by not asking.
        """
        if state in (_DELIVERED, _ENROUTE) or (acknowledged and not self.on_delivery):
            return self.amount
        return 0


_CHARGE = Struct("<IHB")

#: The most that one message may cost: what its record holds.
MAX_CHARGE = (1 << 32) - 1


def read_charge(packed: bytes) -> Charge:
    """The inverse of ``Charge.packed``."""
    amount, day, flags = _CHARGE.unpack_from(packed)
    return Charge(packed[_CHARGE.size :], amount, day, bool(flags & 1), bool(flags & 2))


class Purse(NamedTuple):
    """What a customer has spent, of which some is only reserved; and in the newest day and month.

    Day and month count what was accepted in them and is not certain to cost nothing.
    """

    spent: int = 0
    reserved: int = 0
    day: int = 0
    day_spent: int = 0
    month_spent: int = 0

    def on(self, day: int) -> Purse:
        """The same on a later day: what is counted by day and month begins anew."""
        if day <= self.day:
            return self
        same = month_of(day) == month_of(self.day)
        return self._replace(day=day, day_spent=0, month_spent=self.month_spent if same else 0)

    def reserve(self, charge: Charge) -> Purse:
        """With a message's charge taken aside."""
        now = self.on(charge.day)
        return now._replace(
            reserved=now.reserved + charge.amount,
            day_spent=now.day_spent + charge.amount,
            month_spent=now.month_spent + charge.amount,
        )

    def settle(self, charge: Charge, due: int) -> Purse:
        """With what was taken aside spent or given back."""
        left = self.lower(charge, charge.amount - due)
        return left._replace(spent=left.spent + due, reserved=left.reserved - due)

    def lower(self, charge: Charge, back: int) -> Purse:
        """With some of what was taken aside given back to where it was taken."""
        today = charge.day == self.day
        this_month = month_of(charge.day) == month_of(self.day)
        return self._replace(
            reserved=self.reserved - back,
            day_spent=self.day_spent - back * today,
            month_spent=self.month_spent - back * this_month,
        )


def month_of(day: int) -> int:
    """The month of a day since 1970, counted from year 0."""
    when = date.fromordinal(day + _EPOCH)
    return when.year * 12 + when.month - 1


def _day(when: date) -> int:
    return when.toordinal() - _EPOCH


#: Of everybody who never spent anything.
EMPTY = Purse()

Tariffs = Mapping[bytes, Tariff]
