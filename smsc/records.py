"""What the keeper's log says: the kinds of records and the layout of their heads.

Little endian; names are a length octet and that many octets; times are milliseconds since the Unix
epoch. A head holds all that the fold needs; only MESSAGE and MAIL have bodies, and no state depends
on what is in them.

    START        epoch u32
    MESSAGE      id u64, submitted u64, due u64, expiry u64, sent u64, key u64, state u8, lane u8,
                 attempt u8, flags u8, account name, carrier name; body: the PDU as it came
    ATTEMPT      id u64, attempt u8, carrier name
    ACKED        id u64, attempt u8, until u64, key u64, carrier's id name
    QUEUED       id u64, attempt u8, due u64, status u32
    DOUBT        id u64, attempt u8, until u64
    FINAL        id u64, state u8, status u32, network error name, error name, carrier name
    MAIL         id u64, received u64, expiry u64, kind u8, account name, carrier name; body: the
                 deliver_sm to send
    MAIL_DONE    id u64, state u8
    ORPHAN       key u64, until u64, state u8, final u8, carrier name, error name,
                 network error name
    ORPHAN_DONE  key u64

A MESSAGE or MAIL record is the whole of its subject at that moment, so the same kind serves to
accept it and to carry it forward out of a segment that is to be forgotten.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import NamedTuple


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


class Flag(IntEnum):
    """Bits of a message's flags."""

    #: Accepted on a session below 3.4: short ids, no TLVs towards the client.
    OLD_PEER = 1
    #: The client asked for a receipt of some kind.
    RECEIPT_ASKED = 2
    #: Was in doubt and queued again: it may reach the handset twice.
    MAY_REPEAT = 4


class MailKind(IntEnum):
    """What waits in a mailbox."""

    RECEIPT = 1
    INBOUND = 2


class MessageHead(NamedTuple):
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


class AckedHead(NamedTuple):
    id: int
    attempt: int
    until: int
    key: int
    carrier_id: bytes


class FinalHead(NamedTuple):
    id: int
    state: int
    status: int
    network_error: bytes
    error: bytes
    carrier: bytes


class MailHead(NamedTuple):
    id: int
    received: int
    expiry: int
    kind: int
    account: bytes
    carrier: bytes


class OrphanHead(NamedTuple):
    key: int
    until: int
    state: int
    final: int
    carrier: bytes
    error: bytes
    network_error: bytes


_MESSAGE = Struct("<QQQQQQBBBB")
_ATTEMPT = Struct("<QB")
_ACKED = Struct("<QBQQ")
_QUEUED = Struct("<QBQI")
_DOUBT = Struct("<QBQ")
_FINAL = Struct("<QBI")
_MAIL = Struct("<QQQB")
_MAIL_DONE = Struct("<QB")
_ORPHAN = Struct("<QQBB")
_KEY = Struct("<Q")
_START = Struct("<I")


def _names(*names: bytes) -> bytes:
    return b"".join([bytes((len(name),)) + name for name in names])


def _split(head: bytes, at: int) -> list[bytes]:
    names = []
    while at < len(head):
        end = at + 1 + head[at]
        names.append(head[at + 1 : end])
        at = end
    return names


def start(epoch: int) -> bytes:
    return _START.pack(epoch)


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
) -> bytes:
    return (
        _MESSAGE.pack(id, submitted, due, expiry, sent, key, state, lane, attempt, flags)
        + bytes((len(account),))
        + account
        + bytes((len(carrier),))
        + carrier
    )


def read_message(head: bytes) -> MessageHead:
    fields = _MESSAGE.unpack_from(head)
    at = _MESSAGE.size
    end = at + 1 + head[at]
    return MessageHead._make((*fields, head[at + 1 : end], head[end + 1 :]))


def attempt(id: int, number: int, carrier: bytes) -> bytes:
    return _ATTEMPT.pack(id, number) + _names(carrier)


def read_attempt(head: bytes) -> tuple[int, int, bytes]:
    id, number = _ATTEMPT.unpack_from(head)
    return id, number, head[_ATTEMPT.size + 1 :]


def acked(id: int, number: int, until: int, key: int, carrier_id: bytes) -> bytes:
    return _ACKED.pack(id, number, until, key) + _names(carrier_id)


def read_acked(head: bytes) -> AckedHead:
    return AckedHead._make((*_ACKED.unpack_from(head), head[_ACKED.size + 1 :]))


def queued(id: int, number: int, due: int, status: int) -> bytes:
    return _QUEUED.pack(id, number, due, status)


def read_queued(head: bytes) -> tuple[int, int, int, int]:
    id, number, due, status = _QUEUED.unpack(head)
    return id, number, due, status


def doubt(id: int, number: int, until: int) -> bytes:
    return _DOUBT.pack(id, number, until)


def read_doubt(head: bytes) -> tuple[int, int, int]:
    id, number, until = _DOUBT.unpack(head)
    return id, number, until


def final(
    id: int, state: int, status: int, network_error: bytes, error: bytes, carrier: bytes
) -> bytes:
    return _FINAL.pack(id, state, status) + _names(network_error, error, carrier)


def read_final(head: bytes) -> FinalHead:
    return FinalHead(*_FINAL.unpack_from(head), *_split(head, _FINAL.size))


def mail(id: int, received: int, expiry: int, kind: int, account: bytes, carrier: bytes) -> bytes:
    return _MAIL.pack(id, received, expiry, kind) + _names(account, carrier)


def read_mail(head: bytes) -> MailHead:
    return MailHead(*_MAIL.unpack_from(head), *_split(head, _MAIL.size))


def mail_done(id: int, state: int) -> bytes:
    return _MAIL_DONE.pack(id, state)


def read_mail_done(head: bytes) -> tuple[int, int]:
    id, state = _MAIL_DONE.unpack(head)
    return id, state


def orphan(
    key: int,
    until: int,
    state: int,
    final: int,
    carrier: bytes,
    error: bytes,
    network_error: bytes,
) -> bytes:
    return _ORPHAN.pack(key, until, state, final) + _names(carrier, error, network_error)


def read_orphan(head: bytes) -> OrphanHead:
    return OrphanHead(*_ORPHAN.unpack_from(head), *_split(head, _ORPHAN.size))


def orphan_done(key: int) -> bytes:
    return _KEY.pack(key)


def read_orphan_done(head: bytes) -> int:
    key: int = _KEY.unpack(head)[0]
    return key
