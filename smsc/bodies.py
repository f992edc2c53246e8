"""Messages that are at hand: a bounded cache over the log.

A message is needed again when its outcome comes, mostly within a second; then it is still here.
If not, it is read back from the log, checked. Nothing is ever lost by dropping it from here.
"""

from __future__ import annotations

from smsc import records
from smsc._pdu import Message
from smsc.ports import Log
from smsc.records import Kin

#: Octets of PDUs kept: some hundred thousand messages.
ROOM = 64 * 1024 * 1024

#: What an entry costs beyond the PDU's octets, roughly.
OVERHEAD = 300
_OVERHEAD = OVERHEAD

#: Places at first and at most, powers of 2. Mails have ids of the same numbers.
FIRST_PLACES, MOST_PLACES = 1_024, 262_144
_MOST_PLACES = MOST_PLACES


class Body:
    """A message as it came, when (ms), what it has to do with others, what it costs, and where
    its number is.
    """

    id: int
    message: Message
    submitted: int
    kin: Kin | None
    charge: bytes | None
    network: bytes


def body_of(
    id: int,
    message: Message,
    submitted: int,
    kin: Kin | None,
    charge: bytes | None,
    network: bytes,
) -> Body:
    """A ``Body``: a function, since compiled it takes machine integers as they are."""
    body = Body.__new__(Body)
    body.id = id
    body.message = message
    body.submitted = submitted
    body.kin = kin
    body.charge = charge
    body.network = network
    return body


class Bodies:
    """See the module.

    A place is for every so manieth id, and its newest one has it: ids follow upon each other, so
    a new message takes the place of one of the oldest.
    """

    def __init__(self, log: Log, room: int = ROOM) -> None:
        self._log = log
        self._room = room
        self._places: list[Body | None] = [None] * FIRST_PLACES
        self._mask = FIRST_PLACES - 1
        #: Where the oldest is, or before it: the next to make room.
        self._hand = 0
        #: Octets held, overhead included.
        self.octets = 0
        #: How often the log had to be read.
        self.misses = 0

    def put(
        self,
        id: int,
        message: Message,
        submitted: int,
        kin: Kin | None = None,
        charge: bytes | None = None,
        network: bytes = b"",
    ) -> None:
        """Keep a message for a while; the oldest make room."""
        at = id & self._mask
        if self._places[at] is not None:
            at = self._vacate(id)
        self._places[at] = body_of(id, message, submitted, kin, charge, network)
        self.octets += len(message.raw) + _OVERHEAD
        while self.octets > self._room:
            self._leave(self._hand)
            self._hand = (self._hand + 1) & self._mask

    def _vacate(self, id: int) -> int:
        """Make the place free that an id falls on, and say which that is."""
        at = id & self._mask
        held = self._places[at]
        while held is not None and held.id != id and self._mask + 1 < _MOST_PLACES:
            self._grow()
            at = id & self._mask
            held = self._places[at]
        if held is not None and held.id != id:
            self._hand = (at + 1) & self._mask  # those behind it are the oldest now
        self._leave(at)
        return at

    def _grow(self) -> None:
        before, oldest = self._places, 0
        self._mask = 2 * self._mask + 1
        self._places = [None] * (self._mask + 1)
        for body in before:
            if body is not None:
                self._places[body.id & self._mask] = body
                oldest = min(oldest or body.id, body.id)
        self._hand = oldest & self._mask

    def _find(self, id: int) -> int:
        """The place that holds it, or -1."""
        at = id & self._mask
        body = self._places[at]
        return at if body is not None and body.id == id else -1

    def get(self, id: int, position: int) -> Body:
        """The message ``id``, whose record is at ``position``. Raises CorruptLog."""
        at = self._find(id)
        if at >= 0:
            held = self._places[at]
            assert held is not None
            return held
        return self._read(id, position)

    def take(self, id: int, position: int) -> Body:
        """As ``get``, and it won't be needed any more."""
        body = self.get(id, position)
        self.drop(id)
        return body

    def _read(self, id: int, position: int) -> Body:
        self.misses += 1
        _kind, head, raw = self._log.read(position)
        read = records.read_message(head)
        message = Message.from_raw(raw)
        return body_of(id, message, read.submitted, read.kin, read.charge, read.network)

    def drop(self, id: int) -> None:
        """It won't be needed any more."""
        at = self._find(id)
        if at >= 0:
            self._leave(at)

    def _leave(self, at: int) -> None:
        """What this place holds, if anything, is held no more."""
        body = self._places[at]
        if body is not None:
            self.octets -= len(body.message.raw) + _OVERHEAD
            self._places[at] = None
