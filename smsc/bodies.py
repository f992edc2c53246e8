"""Messages that are at hand: a bounded cache over the log.

A message is needed again when its outcome comes, mostly within a second; then it is still here.
If not, it is read back from the log, checked. Nothing is ever lost by dropping it from here.
"""

from __future__ import annotations

from collections import OrderedDict

from smsc import records
from smsc._pdu import Message
from smsc.ports import Log
from smsc.records import Kin

#: Octets of PDUs kept: some hundred thousand messages.
ROOM = 64 * 1024 * 1024

#: What an entry costs beyond the PDU's octets, roughly.
OVERHEAD = 300


class Body:
    """A message as it came, when (ms), what it has to do with others, what it costs, and where
    its number is.
    """

    def __init__(
        self,
        message: Message,
        submitted: int,
        kin: Kin | None,
        charge: bytes | None,
        network: bytes,
    ) -> None:
        self.message = message
        self.submitted = submitted
        self.kin = kin
        self.charge = charge
        self.network = network


class Bodies:
    """See the module."""

    def __init__(self, log: Log, room: int = ROOM) -> None:
        self._log = log
        self._room = room
        # Ordered: finding the oldest of a plain dict means walking over all that left before it.
        self._held: OrderedDict[int, Body] = OrderedDict()
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
        self._held[id] = Body(message, submitted, kin, charge, network)
        self.octets += len(message.raw) + OVERHEAD
        while self.octets > self._room:
            self._forget(self._held.popitem(last=False)[1])

    def get(self, id: int, position: int) -> Body:
        """The message ``id``, whose record is at ``position``. Raises CorruptLog."""
        body = self._held.get(id)
        if body is None:
            self.misses += 1
            _kind, head, raw = self._log.read(position)
            read = records.read_message(head)
            message = Message.from_raw(raw)
            body = Body(message, read.submitted, read.kin, read.charge, read.network)
        return body

    def drop(self, id: int) -> None:
        """It won't be needed any more."""
        body = self._held.pop(id, None)
        if body is not None:
            self._forget(body)

    def _forget(self, body: Body) -> None:
        self.octets -= len(body.message.raw) + OVERHEAD
