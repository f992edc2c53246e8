"""Traffic records that gather to become a block (see ``_record.pyx``)."""

from smsc._pdu import Message

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

    def add(
        self,
        position: int,
        id: int,
        inbound: bool,
        accepted: int,
        sent: int,
        done: int,
        expiry: int,
        message: Message,
        state: int,
        status: int,
        network_error: bytes,
        error: bytes,
        parts: int,
        attempts: int,
        network: bytes,
        carrier: bytes,
        account: bytes,
        price: bytes,
    ) -> int:
        """One more; ``price`` is what msgpack makes of the price. Names are shorter than 64 KiB.

        Raises ValueError for a time before 1970.
        """

def text_octets(message: Message) -> int:
    """``len(message.text)``."""
