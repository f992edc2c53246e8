"""Whether a message is so plain that no rule of ``message`` can have anything against it."""

from typing import final

from smsc._pdu import Message

NOTHING: int
FIELDS: int
ALL: int

@final
class Plain:
    """Built from tables of 256 octets each: what is allowed (1) at an octet's value.

    ``codings``: 0 never plain, 1 with any length, 2 with an even one.
    """

    def __init__(
        self,
        tons: bytes,
        npis: bytes,
        classes: bytes,
        codings: bytes,
        alphanumeric: int,
        longest_name: int,
        longest_text: int,
        highest_priority: int,
    ) -> None: ...
    def look(self, message: Message) -> int:
        """How much of a decoded message is plain: ALL of it, its FIELDS, or NOTHING certain.

        FIELDS leaves what must fit together, and an absolute validity_period, to the rules.
        """
