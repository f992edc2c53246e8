"""The traffic log: one record per finished message, both directions, sealed.

A log of its own per calendar month of acceptance (UTC), on the journal primitive, under
``<directory>/<YYYY-MM>``. Everything in it is traffic data in the sense of the law; nothing else
keeps any of it once a message is final.

    CURSOR (2)    head: position u64 in the keeper's log: every message whose end is at or before it
                  is on disk here
    BLOCK (3)     records of one customer's billing period. Head: position u64 of the newest end in
                  it, the 8-octet ids of the keys that its two classes are sealed with, number of
                  records u16; body: a msgpack array of the ends (id u64, position u64 of each) and
                  two sealed octet strings, TRAFFIC and CONTENT, which die by clocks of their own

(1 was a record by itself, before there were blocks.) TRAFFIC is a msgpack array per record, in the
order of ``FIELDS``; CONTENT an octet string per record, the user data as it came, with its UDH.
Sealing costs nearly the same for a block as for one record, and a block is what gathers between two
calls of ``sync``; hence the number of messages in a block is the load, and their cost small.

Every finished message is in the log exactly once, whatever crashes: a record is written when
the message's end is durable; a cursor follows when the records are; at a start the ends after the
cursor are written again, but for those that stand behind it already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import Any, NamedTuple, Protocol

import msgpack

from smsc import text
from smsc._pdu import Message
from smsc._record import Finished, Sheaf, text_octets
from smsc.errors import KeyDestroyed, NewerLog
from smsc.periods import Calendar, month_of
from smsc.ports import Log
from smsc.retention import CONTENT, TRAFFIC
from smsc.smpp import MessageState

CURSOR = 2
BLOCK = 3

_CURSOR = Struct("<Q")
_BLOCK = Struct("<Q8s8sH")
_END = Struct("<QQ")

#: Octets of records that are sealed at once: what a block costs beside its octets is then a
#: hundredth, and the largest content still fits in with it (the log's limit is 192 KiB).
FULL_BLOCK = 16 * 1024
_FULL_BLOCK = FULL_BLOCK  # as a machine integer

#: Seal a frame at this size without waiting for ``sync`` (the log's limit is 1 MiB).
FULL_FRAME = 512 * 1024

# One packer for all: making one costs more than packing a record.
_pack = msgpack.Packer().pack
_NO_PRICE: bytes = _pack(None)

_SURELY_ONE = text.SURELY_ONE
_UDHI = 0x40

HOUR = 3_600_000
DAY = 24 * HOUR
_HOUR = HOUR  # as a machine integer

#: TRAFFIC's fields in order. Times in ms; addresses and names are octets.
FIELDS = (
    "id", "inbound", "accepted", "sent", "done", "expiry",
    "source_addr_ton", "source_addr_npi", "source_addr",
    "dest_addr_ton", "dest_addr_npi", "destination_addr",
    "state", "status", "network_error", "error",
    "data_coding", "esm_class", "protocol_id", "priority_flag", "registered_delivery",
    "parts", "attempts", "network", "carrier", "customer", "account", "price",
)  # fmt: skip


class Sealer(Protocol):
    """Where encryption goes: per customer, period and class (of ``retention``)."""

    def seal(self, customer: bytes, period: str, kind: str, plain: bytes) -> tuple[bytes, bytes]:
        """The id of the key, and what was sealed with it."""

    def open(self, kind: str, key: bytes, sealed: bytes) -> bytes:
        """Raises KeyDestroyed."""


class Plain:
    """No encryption: what is sealed is what it was."""

    def seal(self, customer: bytes, period: str, kind: str, plain: bytes) -> tuple[bytes, bytes]:
        return bytes(8), plain

    def open(self, kind: str, key: bytes, sealed: bytes) -> bytes:
        return sealed


def period_of(accepted: int) -> str:
    """The log of a message accepted at this time: its calendar month, UTC."""
    month: str = month_of(accepted)
    return month


def segments(message: Message) -> int:
    """Short messages that a handset needs to get this text: what is billed."""
    if text_octets(message) <= _SURELY_ONE[message.data_coding]:
        return 1
    return text.segments(message.text, message.data_coding, bool(message.esm_class & _UDHI))


class Block(NamedTuple):
    """What a block's head says."""

    #: Position of the newest end in it.
    newest: int
    #: Ids of the keys its classes are sealed with.
    traffic: bytes
    content: bytes
    records: int

    @classmethod
    def read(cls, head: bytes) -> Block:
        return cls(*_BLOCK.unpack(head))

    def head(self) -> bytes:
        """The head that says it."""
        return _BLOCK.pack(*self)


def body(ends: bytes, sealed: bytes, texts: bytes) -> bytes:
    """A block's body: the packed ends, and its two classes, sealed."""
    packed: bytes = _pack((ends, sealed, texts))
    return packed


def cursor(position: int) -> bytes:
    """The head of a CURSOR."""
    return _CURSOR.pack(position)


def ends(body: bytes) -> Iterator[tuple[int, int]]:
    """``(id, position)`` of each end in a block; needs no key."""
    yield from _END.iter_unpack(msgpack.unpackb(body)[0])


def opened(head: bytes, body: bytes, sealer: Sealer) -> Iterator[dict[str, Any]]:
    """A block's records: fields by name, with ``content``, None if that was deleted before.

    Raises KeyDestroyed if all of it was.
    """
    block = Block.read(head)
    _ends, traffic, content = msgpack.unpackb(body)
    records = _values(sealer.open(TRAFFIC, block.traffic, traffic))
    try:
        contents = _values(sealer.open(CONTENT, block.content, content))
    except KeyDestroyed:
        contents = [None] * block.records
    for values, plain in zip(records, contents, strict=True):
        yield {**dict(zip(FIELDS, values, strict=True)), "content": plain}


def _values(packed: bytes) -> list[Any]:
    unpacker = msgpack.Unpacker(max_buffer_size=0)
    unpacker.feed(packed)
    return list(unpacker)


def read(
    records: Iterable[tuple[int, int, bytes, bytes]], sealer: Sealer
) -> Iterator[dict[str, Any]]:
    """The messages in a traffic log's ``(kind, time, head, body)`` that were not deleted."""
    for kind, _time, head, body in records:
        if kind == BLOCK:
            with suppress(KeyDestroyed):
                yield from opened(head, body, sealer)


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
        #: What was not made a block yet, by customer and billing period.
        self.sheaves: dict[tuple[bytes, str], Sheaf] = {}
        #: (position, newest end) of the blocks beyond the cursor: their ends may be met again.
        self._beyond: list[tuple[int, int]] = []
        log.replay(self._read)

    def _read(self, kind: int, position: int, time: int, head: bytes) -> None:
        if kind == CURSOR:
            self.covered = _CURSOR.unpack(head)[0]
            self._beyond = [block for block in self._beyond if block[1] > self.covered]
        elif kind == BLOCK:
            self._beyond.append((position, Block.read(head).newest))
        else:
            raise NewerLog(f"a traffic record of kind {kind} was written by another version")

    def tail(self) -> set[int]:
        """Ids of the ends beyond the cursor."""
        bodies = (self.log.read(position)[2] for position, _newest in self._beyond)
        return {id for body in bodies for id, at in ends(body) if at > self.covered}


class Traffic:
    """The traffic logs of all periods that are open for writing. A sink for finished messages.

    ``open_log`` opens (or makes) the log of a month; ``periods`` are those that exist already.
    ``calendar`` says which billing period of its customer a message belongs to; without one it is
    the month.
    """

    def __init__(
        self,
        open_log: Callable[[str], Log],
        periods: list[str],
        sealer: Sealer,
        clock: Callable[[], int],
        calendar: Calendar | None = None,
    ) -> None:
        self._open_log = open_log
        self._sealer = sealer
        self._clock = clock
        self.calendar = calendar
        self._logs = {period: _Period(open_log(period)) for period in periods}
        #: The hour of the newest end, in hours since 1970, and its log: most are of the same.
        self._hour = -1
        self._month = ""
        #: Ends that wait for the return of a month's log.
        self._lent: dict[str, list[Finished]] = {}
        #: Where the newest end was put, if that is still being gathered: most go together.
        self._last: Sheaf | None = None
        self._tail: set[int] = set()
        for one in self._logs.values():
            self._tail |= one.tail()
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

    def release(self, staged: list[Finished]) -> None:
        """Write the records of messages whose ends are durable."""
        for end in staged:
            self._write(end)

    def again(self, ends: list[Finished]) -> None:
        """Ends met again at a start; those that are here already are left out."""
        self.release([end for end in ends if end.id not in self._tail])
        self._tail.clear()
        # Nothing of the keeper's log goes before these are as durable as any end of this run.
        if ends:
            self.written = max(self.written, ends[-1].position)
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

    def _write(self, end: Finished) -> None:
        hour = end.accepted // _HOUR
        if hour != self._hour:
            self._hour, self._month = hour, period_of(end.accepted)
        sheaf = self._sheaf(end, self._month)
        if sheaf is None:
            self._lent[self._month].append(end)
            return
        price = _NO_PRICE if end.price is None else _pack(end.price)
        sheaf.add(end, end.parts or segments(end.message), price)
        self.records += 1
        self.written = max(self.written, end.position)
        if sheaf.octets > _FULL_BLOCK:
            self._close_block(self._logs[sheaf.month], sheaf)
            sheaf.clear()

    def _sheaf(self, end: Finished, month: str) -> Sheaf | None:
        """Where an end is put; None while its month's log is lent."""
        calendar, last = self.calendar, self._last
        period = month if calendar is None else calendar.period(end.customer, end.accepted)
        if (
            last is not None
            and last.month == month
            and last.period == period
            and last.customer == end.customer
        ):
            return last
        if month in self._lent:
            return None
        one = self._logs.get(month)
        if one is None:  # accepted long ago: ``missing`` names what is usual
            one = self._logs[month] = _Period(self._open_log(month))
        key = (end.customer, period)
        found = one.sheaves.get(key)
        if found is None:
            found = one.sheaves[key] = Sheaf(end.customer, month, period)
        self._last = found
        return found

    def _close_block(self, one: _Period, sheaf: Sheaf) -> None:
        customer, period = sheaf.customer, sheaf.period
        traffic, sealed = self._sealer.seal(customer, period, TRAFFIC, sheaf.traffic)
        content, texts = self._sealer.seal(customer, period, CONTENT, sheaf.contents)
        log = one.log
        if not log.open_octets:
            log.begin(self._clock())
            log.append(CURSOR, _CURSOR.pack(self.covered))
        head = _BLOCK.pack(sheaf.newest, traffic, content, len(sheaf))
        log.append(BLOCK, head, _pack((sheaf.ends, sealed, texts)))
        if log.open_octets > FULL_FRAME:
            self._unsettled.append((one, log.seal()))

    def _close_blocks(self, one: _Period) -> None:
        for sheaf in one.sheaves.values():
            if len(sheaf):
                self._close_block(one, sheaf)
        one.sheaves.clear()
        self._last = None

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
            self._close_blocks(one)
            if one.log.open_octets:
                self._unsettled.append((one, one.log.seal()))
        self._settling, self._unsettled = self._unsettled, []
        waiting = [end.position for ends in self._lent.values() for end in ends]
        self._settled_up_to = min(min(waiting) - 1, self.written) if waiting else self.written

    def note(self) -> None:
        """Write down how far all is covered, which is else on disk only with the next block."""
        for one in list(self._logs.values())[-1:]:
            if not one.log.open_octets:
                one.log.begin(self._clock())
            one.log.append(CURSOR, _CURSOR.pack(self.covered))
            self._unsettled.append((one, one.log.seal()))

    def lend(self, month: str) -> bool:
        """Let go of a month's log, so that it may be rewritten; what ends meanwhile waits.

        False while something of it is on its way to disk.
        """
        one = self._logs.get(month)
        if one is not None:
            under_way = [each for each, _number in (*self._settling, *self._unsettled)]
            if one.sheaves or one.log.open_octets or one.log.busy or one in under_way:
                return False
            del self._logs[month]
            one.log.close()
        self._lent[month] = []
        return True

    def take_back(self, month: str) -> None:
        """The month's log may be written to again."""
        for end in self._lent.pop(month):
            self._write(end)

    def close(self) -> None:
        """Make everything durable and let go of the logs."""
        for one in self._logs.values():
            self._close_blocks(one)
            one.log.close()
        self.covered = self.written

    def __iter__(self) -> Iterator[str]:
        return iter(self._logs)
