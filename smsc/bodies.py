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


class Body:
    """A message as it came, when (ms), what it has to do with others, what it costs, and where
    its number is. Those that are held know their neighbours: a list in order of age.
    """

    id: int
    message: Message
    submitted: int
    kin: Kin | None
    charge: bytes | None
    network: bytes
    older: Body | None
    newer: Body | None


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
    body.older = body.newer = None
    return body


class Bodies:
    """See the module."""

    def __init__(self, log: Log, room: int = ROOM) -> None:
        self._log = log
        self._room = room
        self._held: dict[int, Body] = {}
        self._oldest: Body | None = None
        self._newest: Body | None = None
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
        if id in self._held:  # it has another text now
            self.drop(id)
        body = body_of(id, message, submitted, kin, charge, network)
        self._held[id] = body
        if self._newest is None:
            self._oldest = body
        else:
            body.older, self._newest.newer = self._newest, body
        self._newest = body
        self.octets += len(message.raw) + _OVERHEAD
        while self.octets > self._room:
            assert self._oldest is not None
            self.drop(self._oldest.id)

    def get(self, id: int, position: int) -> Body:
        """The message ``id``, whose record is at ``position``. Raises CorruptLog."""
        body = self._held.get(id)
        return self._read(id, position) if body is None else body

    def take(self, id: int, position: int) -> Body:
        """As ``get``, and it won't be needed any more."""
        body = self._held.pop(id, None)
        if body is None:
            return self._read(id, position)
        self._leave(body)
        return body

    def _read(self, id: int, position: int) -> Body:
        self.misses += 1
        _kind, head, raw = self._log.read(position)
        read = records.read_message(head)
        message = Message.from_raw(raw)
        return body_of(id, message, read.submitted, read.kin, read.charge, read.network)

    def drop(self, id: int) -> None:
        """It won't be needed any more."""
        body = self._held.pop(id, None)
        if body is not None:
            self._leave(body)

    def _leave(self, body: Body) -> None:
        """It is held no more: its neighbours close up."""
        self.octets -= len(body.message.raw) + _OVERHEAD
        older, newer = body.older, body.newer
        if older is None:
            self._oldest = newer
        else:
            older.newer = newer
        if newer is None:
            self._newest = older
        else:
            newer.older = older
        body.older = body.newer = None
