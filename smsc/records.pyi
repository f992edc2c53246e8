"""What the keeper's log says: the kinds of records and the heads of each (see ``records.pyx``)."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

class Kind(IntEnum):
    """Record kinds. The numbers are on disk: never change one, never reuse one."""

    START = 1
    MESSAGE = 2
    ATTEMPT = 3
    ACKED = 4
    QUEUED = 5
    DOUBT = 6
    FINAL = 7
    MAIL = 8
    MAIL_DONE = 9
    ORPHAN = 10
    ORPHAN_DONE = 11
    MOVED = 12
    ASIDE = 13
    LEARNED = 14
    PURSE = 15
    STATES = 16
    SPLIT = 17
    JOINED = 18

class Flag(IntEnum):
    """Bits of a message's flags."""

    OLD_PEER = 1
    RECEIPT_ASKED = 2
    MAY_REPEAT = 4
    MEMBER = 8
    PART = 16
    BROADCAST = 32
    WHOLE = 64
    HELD = 128

class MailKind(IntEnum):
    """What waits in a mailbox."""

    RECEIPT = 1
    INBOUND = 2
    ALERT = 3

class Kin:
    """What a message has to do with others: ``index`` of ``count`` in a group named by its first.

    Its flags say in which way (``Flag.MEMBER``, ``Flag.PART``).
    """

    group: int
    index: int
    count: int
    def __init__(self, group: int, index: int, count: int) -> None: ...
    def __iter__(self) -> Iterator[int]: ...

class MessageHead:
    id: int
    submitted: int
    due: int
    expiry: int
    sent: int
    key: int
    state: int
    lane: int
    attempt: int
    flags: int
    account: bytes
    carrier: bytes
    kin: Kin | None
    charge: bytes | None
    pair: int
    network: bytes
    def __iter__(self) -> Iterator[Any]: ...

class AttemptHead:
    id: int
    attempt: int
    carrier: bytes

class AckedHead:
    id: int
    attempt: int
    until: int
    key: int
    carrier_id: bytes

class QueuedHead:
    id: int
    attempt: int
    due: int
    status: int

class DoubtHead:
    id: int
    attempt: int
    until: int
    cause: bytes

class MovedHead:
    id: int
    attempt: int
    due: int
    status: int
    carrier: bytes
    pair: int

class AsideHead:
    id: int
    notified: int
    before: int
    tried: tuple[bytes, ...]
    waited: bool

class LearnedHead:
    carrier: bytes
    ids: int
    ahead: int
    place: int
    digits: int
    error: int
    def __iter__(self) -> Iterator[Any]: ...

class FinalHead:
    id: int
    state: int
    status: int
    network_error: bytes
    error: bytes
    carrier: bytes
    #: What clients may ask: 0 and None where nobody may.
    check: int
    members: int
    flags: int
    account: bytes | None

class MailHead:
    id: int
    received: int
    expiry: int
    kind: int
    account: bytes
    carrier: bytes

class MailDoneHead:
    id: int
    state: int

class OrphanHead:
    key: int
    until: int
    state: int
    final: bool
    carrier: bytes
    error: bytes
    network_error: bytes
    def __iter__(self) -> Iterator[Any]: ...

class StatesHead:
    account: bytes
    entries: bytes

class SplitHead:
    id: int
    pair: int
    reference: int
    wide: bool
    parts: int
    state: int
    status: int
    network_error: bytes
    error: bytes
    def __iter__(self) -> Iterator[Any]: ...

def start(epoch: int) -> bytes: ...
def read_start(head: bytes) -> int: ...
def message(
    id: int,
    submitted: int,
    due: int,
    expiry: int,
    sent: int,
    key: int,
    state: int,
    lane: int,
    attempt: int,
    flags: int,
    account: bytes,
    carrier: bytes,
    kin: Kin | None = None,
    charge: bytes | None = None,
    pair: int = 0,
    network: bytes = b"",
) -> bytes: ...
def read_message(head: bytes) -> MessageHead: ...
def attempt(id: int, number: int, carrier: bytes) -> bytes: ...
def read_attempt(head: bytes) -> AttemptHead: ...
def acked(id: int, number: int, until: int, key: int, carrier_id: bytes) -> bytes: ...
def read_acked(head: bytes) -> AckedHead: ...
def queued(id: int, number: int, due: int, status: int) -> bytes: ...
def read_queued(head: bytes) -> QueuedHead: ...
def doubt(id: int, number: int, until: int, cause: bytes) -> bytes: ...
def read_doubt(head: bytes) -> DoubtHead: ...
def moved(id: int, number: int, due: int, status: int, carrier: bytes, pair: int = 0) -> bytes: ...
def read_moved(head: bytes) -> MovedHead: ...
def aside(
    id: int, notified: int, before: int, tried: tuple[bytes, ...], waited: bool = False
) -> bytes: ...
def read_aside(head: bytes) -> AsideHead: ...
def learned(carrier: bytes, ids: int, ahead: int, place: int, digits: int, error: int) -> bytes: ...
def read_learned(head: bytes) -> LearnedHead: ...
def final(
    id: int,
    state: int,
    status: int,
    network_error: bytes,
    error: bytes,
    carrier: bytes,
    check: int = 0,
    members: int = 0,
    flags: int = 0,
    account: bytes = b"",
) -> bytes: ...
def read_final(head: bytes) -> FinalHead: ...
def mail(
    id: int, received: int, expiry: int, kind: int, account: bytes, carrier: bytes
) -> bytes: ...
def read_mail(head: bytes) -> MailHead: ...
def mail_done(id: int, state: int) -> bytes: ...
def read_mail_done(head: bytes) -> MailDoneHead: ...
def orphan(
    key: int,
    until: int,
    state: int,
    final: bool,
    carrier: bytes,
    error: bytes,
    network_error: bytes,
) -> bytes: ...
def read_orphan(head: bytes) -> OrphanHead: ...
def split(
    id: int,
    pair: int,
    reference: int,
    wide: bool,
    parts: int,
    state: int,
    status: int,
    network_error: bytes,
    error: bytes,
) -> bytes: ...
def read_split(head: bytes) -> SplitHead: ...
def orphan_done(key: int) -> bytes: ...
def read_orphan_done(head: bytes) -> int: ...
def purse(
    whole: bool,
    customer: bytes,
    spent: int,
    reserved: int,
    day: int,
    day_spent: int,
    month_spent: int,
) -> bytes: ...
def read_purse(head: bytes) -> tuple[bool, bytes, int, int, int, int, int]: ...

STATE_OCTETS: int
MAX_STATES: int

def states(account: bytes, entries: bytes) -> bytes: ...
def read_states(head: bytes) -> StatesHead: ...
def joined(id: int, whole: int) -> bytes: ...
def read_joined(head: bytes) -> tuple[int, int]: ...
