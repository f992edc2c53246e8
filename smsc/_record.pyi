"""Traffic records: what they say, and those that gather to become a block (``_record.pyx``)."""

from typing import Any

from smsc._pdu import Message

class Finished:
    """A message that has reached its final state, with all that its record says."""

    id: int
    #: Of its end in the keeper's log; 0 while it is not there.
    position: int
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

    def at(self, position: int) -> Finished:
        """Its end is in the keeper's log, at this position."""

class Sheaf:
    """Records of one customer's period, in one month's log; their number is its length."""

    customer: bytes
    #: The month of the log, and the billing period.
    month: str
    period: str
    #: Position of the newest end.
    newest: int
    #: As much as will be sealed.
    octets: int
    #: ``(id u64, position u64)`` of each; each record's fields as a msgpack array; each text as a
    #: msgpack octet string.
    ends: bytes
    traffic: bytes
    contents: bytes

    def __init__(self, customer: bytes, month: str, period: str) -> None: ...
    def __len__(self) -> int: ...
    def clear(self) -> None:
        """Hold nothing, and keep the memory."""

    def add(self, end: Finished, parts: int, price: bytes) -> int:
        """One more; ``price`` is what msgpack makes of the price. Names are shorter than 64 KiB.

        Raises ValueError for a time before 1970.
        """

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
    """A ``Finished``: a function, since compiled code gives it machine integers as they are."""

def text_octets(message: Message) -> int:
    """``len(message.text)``."""
