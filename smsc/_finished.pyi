"""What clients may still ask about messages that have ended: a bounded table of final states."""

from array import array
from collections.abc import Callable, Iterator
from typing import Any

from smsc._pdu import Message

class FinalState:
    """How a message ended."""

    id: int
    #: See ``source_check``.
    check: int
    #: When, in ms.
    done: int
    account: int
    #: A message_state, and the error_code of a query_sm_resp.
    state: int
    error: int
    #: ``records.Flag``.
    flags: int
    #: How many messages are known by this id: 0 for a message by itself.
    members: int

class FinalStates:
    count: int
    keep: int
    most: int
    def __init__(self, keep: int, most: int) -> None: ...
    def __len__(self) -> int: ...
    def find(self, id: int, now: int) -> FinalState | None: ...
    def find_short(self, short: int, now: int) -> list[FinalState]: ...
    def add(
        self,
        id: int,
        check: int,
        time: int,
        segment: int,
        account: int,
        state: int,
        error: int,
        flags: int,
        members: int,
    ) -> None: ...
    def take(self, account: int, entries: bytes, segment: int) -> None: ...
    def left_behind(
        self, cursor: int, limit: int, below: int, now: int
    ) -> tuple[list[tuple[int, bytes]], int]: ...
    def oldest_segment(self) -> int: ...
    def dump(self) -> tuple[tuple[Any, ...], Iterator[bytes]]: ...
    def load(self, facts: tuple[Any, ...], read: Callable[[int], bytes]) -> None: ...
    def become(self, other: FinalStates, accounts: array[int]) -> None: ...
    def held(self, now: int) -> list[FinalState]: ...
    @property
    def octets(self) -> int: ...

class Remembered:
    """Keys (64 well mixed bits, not 0): the newest ``least``, and up to as many before them."""

    least: int
    def __init__(self, least: int) -> None: ...
    def add(self, key: int) -> int: ...
    def has(self, key: int) -> bool: ...
    def dump(self) -> tuple[tuple[int, ...], tuple[bytes, ...]]: ...
    def load(self, facts: tuple[int, ...], read: Callable[[int], bytes]) -> None: ...
    def become(self, other: Remembered) -> None: ...

def source_check(id: int, ton: int, npi: int, address: bytes) -> int: ...
def source_check_of(id: int, message: Message) -> int:
    """``source_check`` of a message's source."""

def error_octet(network_error: bytes, error: bytes, status: int) -> int: ...
