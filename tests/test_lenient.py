"""What is forgiven is forgiven exactly, and nothing else."""

from __future__ import annotations

import pytest
from helpers import bind, submit

from smsc._pdu import Decoder, Pdu
from smsc.lenient import MAX_PASSWORD, without_password, without_trailing_nul
from smsc.smpp import Status

BODY_AT = 16


def pdu(raw: bytes, more: bytes = b"") -> Pdu:
    octets = raw + more
    (one,) = Decoder().feed(len(octets).to_bytes(4, "big") + octets[4:])
    return one


@pytest.mark.parametrize(
    ("more", "status"),
    [
        (b"\0", 0),
        (b"\0\0", Status.ESME_RINVTLVSTREAM),
        (b"\0\0\0", Status.ESME_RINVTLVSTREAM),
        (b"\1", Status.ESME_RINVTLVSTREAM),
        (b"\4\x24\0\2x", Status.ESME_RINVTLVSTREAM),
        # A NUL behind a TLV, and one that belongs to it.
        (b"\x02\x04\0\2\0\7\0", 0),
        (b"\x02\x04\0\2\0\0", 0),
        (b"", 0),
    ],
)
def test_one_nul_too_many(more: bytes, status: int) -> None:
    came = pdu(submit(5), more)
    meant = without_trailing_nul(came)
    assert meant.decode() == status
    assert meant.sequence_number == 5
    assert meant.fields.get("short_message", b"hello") == b"hello"
    assert (meant is came) == (came.decode() == status)


def test_other_faults_stay() -> None:
    came = pdu(submit(5)[:-9], b"\0")
    assert without_trailing_nul(came) is came


def long_bind(password: bytes) -> Pdu:
    """``encode`` makes no such bind."""
    system_id, _, rest = bind()[BODY_AT:].split(b"\0", 2)
    return pdu(bind()[:BODY_AT], b"\0".join((system_id, password, rest)))


@pytest.mark.parametrize("length", [9, MAX_PASSWORD])
def test_a_long_password_is_taken_out(length: int) -> None:
    came = long_bind(b"p" * length)
    assert came.decode() == Status.ESME_RINVPASWD
    shorter, password = without_password(came)
    assert password == b"p" * length
    assert shorter.decode() == 0
    assert shorter.fields | {"password": b""} == pdu(bind()).fields | {"password": b""}
    assert (shorter.command_id, shorter.sequence_number) == (came.command_id, came.sequence_number)


@pytest.mark.parametrize("length", [MAX_PASSWORD + 1, 200])
def test_a_password_longer_than_that_is_none(length: int) -> None:
    came = long_bind(b"p" * length)
    assert without_password(came) == (came, b"")


def test_a_password_without_an_end_is_none() -> None:
    came = pdu(bind()[:BODY_AT], b"esme01\0" + b"p" * 20)
    assert without_password(came) == (came, b"")
