"""The heads of the log's records: what is written is what is read, and half a head is none."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from smsc import records
from smsc.records import Kin, Kind

U64, U32, U8 = 2**64 - 1, 2**32 - 1, 2**8 - 1
NAME = bytes(range(1, 61))

PURSE = {
    "whole": True, "customer": NAME, "spent": U64, "reserved": U64 - 1, "day": U32,
    "day_spent": U64 - 2, "month_spent": U64 - 3,
}  # fmt: skip

#: Per kind: writer, reader, fields as they are written, octets of the fixed part.
HEADS: dict[Kind, tuple[Callable[..., bytes], Callable[[bytes], Any], dict[str, Any], int]] = {
    Kind.START: (records.start, records.read_start, {"epoch": U32}, 4),
    Kind.MESSAGE: (
        records.message,
        records.read_message,
        {
            "id": U64, "submitted": U64 - 1, "due": U64 - 2, "expiry": U64 - 3, "sent": U64 - 4,
            "key": U64 - 5, "state": U8, "lane": U8 - 1, "attempt": U8 - 2, "flags": U8 - 3,
            "account": NAME, "carrier": b"",
        },
        52,
    ),
    Kind.ATTEMPT: (
        records.attempt, records.read_attempt, {"id": U64, "attempt": 7, "carrier": NAME}, 9,
    ),
    Kind.ACKED: (
        records.acked,
        records.read_acked,
        {"id": U64, "attempt": U8, "until": U64 - 1, "key": U64 - 2, "carrier_id": b"\0\xff"},
        25,
    ),
    Kind.QUEUED: (
        records.queued,
        records.read_queued,
        {"id": U64, "attempt": U8, "due": U64 - 1, "status": U32},
        21,
    ),
    Kind.DOUBT: (
        records.doubt, records.read_doubt,
        {"id": U64, "attempt": U8, "until": U64 - 1, "cause": b"bind_lost"}, 17,
    ),
    Kind.FINAL: (
        records.final,
        records.read_final,
        {
            "id": U64, "state": 5, "status": U32, "network_error": b"\3\0\x22", "error": b"034",
            "carrier": b"one",
        },
        13,
    ),
    Kind.MAIL: (
        records.mail,
        records.read_mail,
        {
            "id": U64, "received": U64 - 1, "expiry": U64 - 2, "kind": 2, "account": b"acme",
            "carrier": NAME,
        },
        25,
    ),
    Kind.MAIL_DONE: (
        records.mail_done, records.read_mail_done, {"id": U64, "state": 8}, 9,
    ),
    Kind.ORPHAN: (
        records.orphan,
        records.read_orphan,
        {
            "key": U64, "until": U64 - 1, "state": 2, "final": True, "carrier": b"one",
            "error": b"0" * 16, "network_error": b"\1\2\3",
        },
        18,
    ),
    Kind.ORPHAN_DONE: (records.orphan_done, records.read_orphan_done, {"key": U64}, 8),
    Kind.MOVED: (
        records.moved,
        records.read_moved,
        {"id": U64, "attempt": U8, "due": U64 - 1, "status": U32, "carrier": NAME},
        21,
    ),
    Kind.ASIDE: (
        records.aside,
        records.read_aside,
        {"id": U64, "notified": U8, "before": U8 - 1, "tried": (b"one", b"", NAME)},
        11,
    ),
    Kind.JOINED: (
        records.joined,
        lambda head: SimpleNamespace(
            **dict(zip(("id", "whole"), records.read_joined(head), strict=True))
        ),
        {"id": U64, "whole": U64 - 1},
        16,
    ),
    Kind.LEARNED: (
        records.learned,
        records.read_learned,
        {"carrier": NAME, "ids": 1, "ahead": 2, "place": 3, "digits": U8, "error": 4},
        5,
    ),
    Kind.PURSE: (
        records.purse,
        lambda head: SimpleNamespace(**dict(zip(PURSE, records.read_purse(head), strict=True))),
        PURSE,
        37,
    ),
    Kind.STATES: (
        records.states, records.read_states, {"account": NAME, "entries": bytes(range(180))}, 0,
    ),
    Kind.SPLIT: (
        records.split,
        records.read_split,
        {
            "id": U64, "pair": U64 - 1, "reference": 2**16 - 1, "wide": True, "parts": U8,
            "state": 5, "status": U32, "network_error": b"\3\0\x22", "error": b"034",
        },
        25,
    ),
}  # fmt: skip

KINDS = pytest.mark.parametrize("kind", HEADS, ids=lambda kind: kind.name)


def read(kind: Kind, head: bytes) -> dict[str, Any]:
    """The fields of a head by name."""
    _write, reader, fields, _fixed = HEADS[kind]
    found = reader(head)
    if isinstance(found, int):
        return dict.fromkeys(fields, found)
    return {name: getattr(found, name) for name in fields}


def written(kind: Kind) -> bytes:
    write, _read, fields, _fixed = HEADS[kind]
    return write(*fields.values())


def test_every_kind_is_here() -> None:
    assert set(HEADS) == set(Kind)


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (Kind.START, 1), (Kind.MESSAGE, 2), (Kind.ATTEMPT, 3), (Kind.ACKED, 4), (Kind.QUEUED, 5),
        (Kind.DOUBT, 6), (Kind.FINAL, 7), (Kind.MAIL, 8), (Kind.MAIL_DONE, 9), (Kind.ORPHAN, 10),
        (Kind.ORPHAN_DONE, 11), (Kind.MOVED, 12), (Kind.ASIDE, 13), (Kind.LEARNED, 14),
        (Kind.PURSE, 15), (Kind.STATES, 16),
    ],
)  # fmt: skip
def test_the_numbers_on_disk_never_change(kind: Kind, number: int) -> None:
    assert kind == number


@KINDS
def test_what_is_written_is_read(kind: Kind) -> None:
    assert read(kind, written(kind)) == HEADS[kind][2]


@KINDS
def test_a_head_is_as_long_as_its_format_says(kind: Kind) -> None:
    _write, _read, fields, fixed = HEADS[kind]
    names = [value for value in fields.values() if isinstance(value, bytes)]
    names += [name for value in fields.values() if isinstance(value, tuple) for name in value]
    assert len(written(kind)) == fixed + sum(1 + len(name) for name in names)


@KINDS
def test_a_truncated_head_is_none(kind: Kind) -> None:
    head = written(kind)
    # What was written before causes were asked for has none.
    whole = [HEADS[kind][3]] if kind == Kind.DOUBT else []
    for end in sorted({*range(len(head))} - {*whole}):
        with pytest.raises(ValueError, match="head"):
            read(kind, head[:end])


def test_an_aside_says_that_its_message_waited_only_if_it_did() -> None:
    plain = records.aside(1, 0, 0, (b"one",))
    waited = records.aside(1, 0, 0, (b"one",), True)
    assert [records.read_aside(head).waited for head in (plain, waited)] == [False, True]
    assert records.read_aside(waited).tried == (b"one",) and len(waited) == len(plain) + 1


def test_a_doubt_of_before_has_no_cause() -> None:
    head = records.doubt(1, 2, 3, b"restart")[:17]
    assert records.read_doubt(head).cause == b"unknown"


@pytest.mark.parametrize(
    "kind", [Kind.MESSAGE, Kind.ORPHAN, Kind.LEARNED], ids=lambda kind: kind.name
)
def test_a_head_unpacks_in_the_order_it_is_written(kind: Kind) -> None:
    write, reader, fields, _fixed = HEADS[kind]
    head = write(*fields.values())
    assert tuple(reader(head)) == tuple(fields.values())
    assert write(*reader(head)) == head


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kind, name)
        for kind, (_, _, fields, _) in HEADS.items()
        for name, value in fields.items()
        if isinstance(value, bytes)
    ],
)
def test_a_head_has_255_octets_at_most(kind: Kind, name: str) -> None:
    write, _read, fields, _fixed = HEADS[kind]
    rest = len(write(*(fields | {name: b""}).values()))
    largest = bytes(255 - rest)
    head = write(*(fields | {name: largest}).values())
    assert len(head) == 255
    assert read(kind, head)[name] == largest
    with pytest.raises(ValueError, match="head of 256"):
        write(*(fields | {name: largest + b"x"}).values())


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (Kind.MESSAGE, "attempt", 256),
        (Kind.MESSAGE, "id", 2**64),
        (Kind.MESSAGE, "due", -1),
        (Kind.QUEUED, "status", 2**32),
        (Kind.ATTEMPT, "id", -1),
    ],
)
def test_what_does_not_fit_is_refused(kind: Kind, name: str, value: int) -> None:
    write, _read, fields, _fixed = HEADS[kind]
    with pytest.raises(OverflowError):
        write(*(fields | {name: value}).values())


def test_a_message_of_several_says_which_it_is() -> None:
    fields = HEADS[Kind.MESSAGE][2]
    head = records.message(**fields, kin=records.Kin(U64 - 7, 3, 254))
    read = records.read_message(head)
    assert list(read) == list(fields.values())
    assert read.kin is not None
    assert tuple(read.kin) == (U64 - 7, 3, 254)
    with pytest.raises(ValueError, match="ends within a name"):
        records.read_message(head[:-1])
    with pytest.raises(ValueError, match="shorter than its kind demands"):
        records.read_message(head[:-12] + b"\1x")


def test_a_message_by_itself_has_no_kin() -> None:
    read = records.read_message(records.message(**HEADS[Kind.MESSAGE][2]))
    assert (read.kin, read.pair) == (None, 0)


@pytest.mark.parametrize("pair", [0, U32 - 1])
@pytest.mark.parametrize("kin", [None, Kin(7, 1, 2)])
def test_a_charge_stands_behind_the_kin_or_its_empty_place(kin: Kin | None, pair: int) -> None:
    fields = HEADS[Kind.MESSAGE][2].values()
    found = records.read_message(records.message(*fields, kin, b"charge", pair))
    assert (found.kin and tuple(found.kin), found.charge) == (kin and tuple(kin), b"charge")
    assert found.pair == pair


@pytest.mark.parametrize("kin", [None, records.Kin(U64 - 7, 3, 254)])
def test_a_message_may_say_what_it_is_found_by(kin: records.Kin | None) -> None:
    fields = HEADS[Kind.MESSAGE][2]
    head = records.message(**fields, kin=kin, pair=U32 - 1)
    read = records.read_message(head)
    assert list(read) == list(fields.values())
    assert read.pair == U32 - 1
    assert (read.kin and tuple(read.kin)) == (kin and tuple(kin))
    with pytest.raises(ValueError, match="ends within a name"):
        records.read_message(head[:-1])


def test_an_end_says_what_its_client_may_ask_for() -> None:
    fields = HEADS[Kind.FINAL][2]
    head = records.final(**fields, check=U32 - 1, members=U8, flags=U8 - 1, account=NAME)
    read = records.read_final(head)
    assert (read.check, read.members, read.flags) == (U32 - 1, U8, U8 - 1)
    assert (read.carrier, read.account) == (b"one", NAME)
    with pytest.raises(ValueError, match="ends within a name"):
        records.read_final(head[:-1])
    before = records.read_final(records.final(**fields))
    assert (before.check, before.account) == (0, None), "older ends say nothing of it"


@pytest.mark.parametrize("kin", [None, records.Kin(9, 1, 3)])
@pytest.mark.parametrize("charge", [None, b"charge"])
@pytest.mark.parametrize("pair", [0, 7])
@pytest.mark.parametrize("network", [b"", b"00101"])
def test_a_messages_head_says_its_network_where_it_is_known(
    kin: records.Kin | None, charge: bytes | None, pair: int, network: bytes
) -> None:
    fixed = (1, 2, 3, 4, 5, 6, 1, 0, 0, 0, b"acme", b"one")
    head = records.message(*fixed, kin, charge, pair, network)
    read = records.read_message(head)
    assert (tuple(read), read.charge, read.pair, read.network) == (fixed, charge, pair, network)
    assert (read.kin and tuple(read.kin)) == (kin and tuple(kin))
    if kin is None and charge is None and not pair and not network:
        assert head == records.message(*fixed)
