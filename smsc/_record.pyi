"""A traffic record's fields as a msgpack array (see ``_record.pyx``)."""

from smsc._pdu import Message

def packed(
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
    customer: bytes,
    account: bytes,
    price: bytes,
) -> bytes:
    """The array; ``price`` is what msgpack makes of the price. Names are shorter than 64 KiB.

    Raises ValueError for a time before 1970.
    """
