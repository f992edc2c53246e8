"""The octets of receipts, compiled. Types for mypy; the promises are in the docstrings.

``smsc.receipt`` owns what they mean: it hands its tables over once, when it is imported.
"""

from collections.abc import Callable, Collection, Mapping
from typing import final

from smsc._pdu import Message

@final
class Receipt:
    """What a carrier's receipt says. Octets as they came, empty where it does not say.

    Equal if all of it is equal. The ``repr`` shows no octets.
    """

    def __init__(
        self, id: bytes, state: int, final: bool, error: bytes, done: bytes, network_error: bytes
    ) -> None: ...
    @property
    def id(self) -> bytes:
        """The carrier's id of the message; empty if the receipt can't be told to belong to any."""

    @property
    def state(self) -> int:
        """A message_state; UNKNOWN if absent or a word nobody knows."""

    @property
    def final(self) -> bool:
        """Whether nothing more is to come: a final state, and not an intermediate notification."""

    @property
    def error(self) -> bytes:
        """The text's ``err``, of any form."""

    @property
    def done(self) -> bytes:
        """The text's ``done date``, of 10 to 14 digits and the carrier's time zone."""

    @property
    def network_error(self) -> bytes:
        """The three octets of network_error_code."""

def number_of(digits: bytes) -> int:
    """The number that is written in these ASCII digits, -1 if there are others or none.

    Of a number beyond 24 bits no more is said than that.
    """

@final
class Writer:
    """Lays receipts out. ``told`` says of each message_state which one a client is told, and its
    word in the text."""

    def __init__(self, told: Mapping[int, tuple[int, bytes]]) -> None: ...
    def write(
        self,
        original: Message,
        message_id: bytes,
        state: int,
        network_error: bytes | None,
        error: int,
        submit_ms: int,
        done_ms: int,
        tlvs: bool,
        seconds: bool,
    ) -> bytes:
        """As ``receipt.build``."""

@final
class Reader:
    """Reads receipts.

    ``states`` has the message_state of each word, in capitals; a word that is not there is
    ``unknown``. ``final`` are the states after which nothing more is to come. ``searched`` finds
    id, word, err and done date in a text that is not as Appendix B has it.
    """

    def __init__(
        self,
        states: Mapping[bytes, int],
        unknown: int,
        final: Collection[int],
        searched: Callable[[bytes], tuple[bytes, bytes, bytes, bytes]],
    ) -> None: ...
    def read(self, pdu: Message) -> Receipt | None:
        """As ``receipt.parse``."""
