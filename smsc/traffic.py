"""The traffic log: one record per finished message, both directions, by billing period.

A log of its own per calendar month of acceptance (UTC), on the journal primitive, under
``<directory>/<YYYY-MM>``. Everything in it is traffic data in the sense of the law; nothing else
keeps any of it once a message is final.

    FINISHED (1)  head: id u64, position u64 of its end in the keeper's log; body: a msgpack
                  array of the customer and two sealed octet strings, TRAFFIC and CONTENT, the
                  two classes that die by clocks of their own (``Sealer``)
    CURSOR (2)    head: position u64: every message whose end is at or before it is on disk here

TRAFFIC is a msgpack array in the order of ``FIELDS``, CONTENT the user data as it came, with its
UDH. Every finished message is in the log exactly once, whatever crashes: a record is written when
the message's end is durable; a cursor follows when the records are; at a start the ends after the
cursor are written again, but for those that stand behind it already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from struct import Struct
from typing import Any, Protocol

import msgpack

from smsc import text
from smsc._pdu import Message
from smsc.ports import Log
from smsc.smpp import MessageState

FINISHED = 1
CURSOR = 2

_CURSOR = Struct("<Q")
_FINISHED = Struct("<QQ")

#: Seal a frame at this size without waiting for ``sync`` (the log's limit is 1 MiB).
FULL_FRAME = 512 * 1024

# One packer for all: making one costs more than packing a record.
_pack = msgpack.Packer().pack

_SURELY_ONE = text.SURELY_ONE
_UDHI = 0x40

DAY = 86_400_000

#: TRAFFIC's fields in order. Times in ms; addresses and names are octets.
FIELDS = (
    "id", "inbound", "accepted", "sent", "done", "expiry",
    "source_addr_ton", "source_addr_npi", "source_addr",
    "dest_addr_ton", "dest_addr_npi", "destination_addr",
    "state", "status", "network_error", "error",
    "data_coding", "esm_class", "protocol_id", "priority_flag", "registered_delivery",
    "parts", "attempts", "network", "carrier", "customer", "account", "price",
)  # fmt: skip


class Finished:
    """A message that has reached its final state, with all that its record says."""

    id: int
    inbound: bool
    customer: bytes
    account: bytes
    carrier: bytes
    #: Times in ms; ``sent`` is 0 if it never was.
    accepted: int
    sent: int
    done: int
    expiry: int
    attempts: int
    #: Short messages that it was sent in; 0 where it was sent whole.
    parts: int
    #: A message_state, and the carrier's command_status, network_error_code and ``err``.
    state: int
    status: int
    network_error: bytes
    error: bytes
    message: Message
    #: What it costs, in 1/10000 of the unit; None if nobody rated it.
    price: Any
    #: The destination's MCC and MNC; empty if unknown.
    network: bytes


def finished(
    id: int,
    inbound: bool,
    customer: bytes,
    account: bytes,
    carrier: bytes,
    accepted: int,
    sent: int,
    done: int,
    expiry: int,
    attempts: int,
    state: int,
    status: int,
    network_error: bytes,
    error: bytes,
    message: Message,
    price: Any = None,
    parts: int = 0,
    network: bytes = b"",
) -> Finished:
    """A ``Finished``: a function, since compiled it takes machine integers as they are."""
    one = Finished.__new__(Finished)
    one.id = id
    one.inbound = inbound
    one.customer = customer
    one.account = account
    one.carrier = carrier
    one.accepted = accepted
    one.sent = sent
    one.done = done
    one.expiry = expiry
    one.attempts = attempts
    one.state = state
    one.status = status
    one.network_error = network_error
    one.error = error
    one.message = message
    one.price = price
    one.parts = parts
    one.network = network
    return one


class Sealer(Protocol):
    """Where encryption goes: per customer, period and class ("traffic" or "content")."""

    def seal(self, customer: bytes, period: str, kind: str, plain: bytes) -> bytes: ...

    def open(self, customer: bytes, period: str, kind: str, sealed: bytes) -> bytes: ...


class Plain:
    """No encryption: what is sealed is what it was."""

    def seal(self, customer: bytes, period: str, kind: str, plain: bytes) -> bytes:
        return plain

    def open(self, customer: bytes, period: str, kind: str, sealed: bytes) -> bytes:
        return sealed


@lru_cache(maxsize=64)
def _period_of_hour(hour: int) -> str:
    return time.strftime("%Y-%m", time.gmtime(hour * 3_600))


def period_of(accepted: int) -> str:
    """The billing period of a message accepted at this time: its calendar month, UTC."""
    return _period_of_hour(accepted // 3_600_000)


def segments(message: Message) -> int:
    """Short messages that a handset needs to get this text: what is billed."""
    octets = message.text
    if len(octets) <= _SURELY_ONE[message.data_coding]:
        return 1
    return text.segments(octets, message.data_coding, bool(message.esm_class & _UDHI))


def pack(end: Finished, period: str, sealer: Sealer) -> bytes:
    """The body of a FINISHED record."""
    m = end.message
    values = (
        end.id, end.inbound, end.accepted, end.sent, end.done,
        end.expiry,
        m.source_addr_ton, m.source_addr_npi, m.source_addr,
        m.dest_addr_ton, m.dest_addr_npi, m.destination_addr,
        end.state, end.status, end.network_error, end.error,
        m.data_coding, m.esm_class, m.protocol_id, m.priority_flag, m.registered_delivery,
        end.parts or segments(m), end.attempts, end.network, end.carrier, end.customer,
        end.account, end.price,
    )  # fmt: skip
    customer = end.customer
    packed: bytes = _pack(
        (
            customer,
            sealer.seal(customer, period, "traffic", _pack(values)),
            sealer.seal(customer, period, "content", m.text),
        )
    )
    return packed


def unpack(body: bytes, period: str, sealer: Sealer) -> dict[str, Any]:
    """A FINISHED record's fields by name, with ``content``."""
    customer, traffic, content = msgpack.unpackb(body)
    values = msgpack.unpackb(sealer.open(customer, period, "traffic", traffic))
    fields = dict(zip(FIELDS, values, strict=True))
    fields["content"] = sealer.open(customer, period, "content", content)
    return fields


def read(
    records: Iterable[tuple[int, int, bytes, bytes]], period: str, sealer: Sealer
) -> Iterator[dict[str, Any]]:
    """The finished messages among a traffic log's ``(kind, time, head, body)`` records."""
    for kind, _time, _head, body in records:
        if kind == FINISHED:
            yield unpack(body, period, sealer)


def periods(directory: Path) -> list[str]:
    """The periods that have a log here, oldest first."""
    return sorted(path.name for path in directory.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]"))


def shown(fields: dict[str, Any]) -> dict[str, Any]:
    """A record for a person's eyes: no content, numbers without their last three digits."""
    view = {name: value for name, value in fields.items() if name != "content"}
    for name in ("source_addr", "destination_addr"):
        view[name] = masked(fields[name])
    for name in ("accepted", "sent", "done", "expiry"):
        view[name] = moment(fields[name])
    view["id"] = f"{fields['id']:x}"
    view["state"] = MessageState(fields["state"]).name
    return {
        name: value.decode("ascii", "backslashreplace") if isinstance(value, bytes) else value
        for name, value in view.items()
    }


def masked(address: bytes) -> bytes:
    """A number, written in whatever way, without its last three digits; a name as it is."""
    is_name = any(chr(octet).isalpha() for octet in address)
    return address if is_name or len(address) <= 3 else address[:-3] + b"xxx"


def moment(ms: int) -> str:
    if not ms:
        return "-"
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"


class _Period:
    """One month's log, and what of it is on its way to disk."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.covered = 0
        #: End's position and id of the records beyond the cursor: they may be met again.
        self.tail: dict[int, int] = {}
        log.replay(self._read)

    def _read(self, kind: int, position: int, time: int, head: bytes) -> None:
        if kind == CURSOR:
            self.covered = _CURSOR.unpack(head)[0]
            self.tail = {at: id for at, id in self.tail.items() if at > self.covered}
        else:
            id, at = _FINISHED.unpack(head)
            self.tail[at] = id


class Traffic:
    """The traffic logs of all periods that are open for writing. A sink for finished messages.

    ``open_log`` opens (or makes) the log of a period; ``periods`` are those that exist already.
    """

    def __init__(
        self,
        open_log: Callable[[str], Log],
        periods: list[str],
        sealer: Sealer,
        clock: Callable[[], int],
    ) -> None:
        self._open_log = open_log
        self._sealer = sealer
        self._clock = clock
        self._logs = {period: _Period(open_log(period)) for period in periods}
        self._tail = {id for one in self._logs.values() for id in one.tail.values()}
        #: Every message that ended up to this position of the keeper's log is on disk here.
        self.covered = max((one.covered for one in self._logs.values()), default=0)
        #: The newest end that will be released to us; its maker says so.
        self.staged = self.covered
        #: The newest end that was written, durable or not.
        self.written = self.covered
        #: Frames whose durability moves the cursor, and those sealed since.
        self._settling: list[tuple[_Period, int]] = []
        self._unsettled: list[tuple[_Period, int]] = []
        self._settled_up_to = self.covered
        #: Records written.
        self.records = 0

    def release(self, staged: list[tuple[int, Finished]]) -> None:
        """Write the records of messages whose ends are durable; ``(position, end)`` each."""
        for position, end in staged:
            self._write(position, end)

    def again(self, ends: list[tuple[int, Finished]]) -> None:
        """Ends met again at a start; those that are here already are left out."""
        self.release([end for end in ends if end[1].id not in self._tail])
        self._tail.clear()
        # Nothing of the keeper's log goes before these are as durable as any end of this run.
        if ends:
            self.written = max(self.written, ends[-1][0])
        self.staged = self.written

    @property
    def room(self) -> bool:
        """Whether there is space for the records of more messages."""
        return all([one.log.room for one in self._logs.values()])

    def missing(self, now: int) -> str | None:
        """A period that is or will be needed within a day, and has no log open; None if none."""
        for period in (period_of(now), period_of(now + DAY)):
            if period not in self._logs:
                return period
        return None

    def adopt(self, period: str, log: Log) -> None:
        """Take over the log of a missing period, opened by somebody who had time to wait for it."""
        if period in self._logs:
            log.close()
        else:
            self._logs[period] = _Period(log)

    def _write(self, position: int, end: Finished) -> None:
        period = period_of(end.accepted)
        one = self._logs.get(period)
        if one is None:  # accepted long ago: ``missing`` names what is usual
            one = self._logs[period] = _Period(self._open_log(period))
        log = one.log
        if not log.open_octets:
            log.begin(self._clock())
            log.append(CURSOR, _CURSOR.pack(self.covered))
        head = _FINISHED.pack(end.id, position)
        log.append(FINISHED, head, pack(end, period, self._sealer))
        self.records += 1
        self.written = max(self.written, position)
        if log.open_octets > FULL_FRAME:
            self._unsettled.append((one, log.seal()))

    def sync(self) -> None:
        """Start making durable what was written, and note what has become so. Never blocks.

        To be called a few times a second. Raises StorageError when a log is dead.
        """
        for one in self._logs.values():
            one.log.poll()
        if any(one.log.durable < number for one, number in self._settling):
            return
        self.covered = self._settled_up_to
        for one in self._logs.values():
            if one.log.open_octets:
                self._unsettled.append((one, one.log.seal()))
        self._settling, self._unsettled = self._unsettled, []
        self._settled_up_to = self.written

    def close(self) -> None:
        """Make everything durable and let go of the logs."""
        for one in self._logs.values():
            one.log.close()
        self.covered = self.written

    def __iter__(self) -> Iterator[str]:
        return iter(self._logs)
