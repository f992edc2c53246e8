"""What a broadcast_sm must look like, and that nothing of it is lost on its way through us."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import VECTORS

from smsc import broadcast, times
from smsc._pdu import Decoder, Pdu, encode
from smsc.broadcast import MAX_AREAS, View
from smsc.smpp import Command, MessageState, Status, Tag

NOW = 1_763_807_415_250

AREA, TYPE = Tag.BROADCAST_AREA_IDENTIFIER, Tag.BROADCAST_CONTENT_TYPE
REPEAT, EVERY = Tag.BROADCAST_REP_NUM, Tag.BROADCAST_FREQUENCY_INTERVAL
MANDATORY = ((AREA, b"\0Dublin"), (TYPE, b"\0\0\x33"), (REPEAT, b"\0\3"), (EVERY, b"\x09\0\x1f"))
REFERENCE = (Tag.USER_MESSAGE_REFERENCE, b"\0\7")


def tlvs(*changed: tuple[int, bytes]) -> list[tuple[int, bytes]]:
    """The mandatory ones, with these in place of those of the same tag."""
    tags = {tag for tag, _ in changed}
    return [(int(tag), value) for tag, value in (*MANDATORY, *changed) if tag not in tags] + [
        (int(tag), value) for tag, value in changed
    ]


def pdu(*changed: tuple[int, bytes], **fields: Any) -> Pdu:
    values = {"service_type": b"CBS", "source_addr": b"7777"} | fields
    (one,) = Decoder().feed(encode(Command.BROADCAST_SM, 50, 0, tlvs(*changed), **values))
    return one


def at(seconds: int) -> bytes:
    return times.format_absolute(NOW + seconds * times.SECOND)


FIELDS: list[tuple[dict[str, Any], int]] = [
    ({}, 0),
    ({"source_addr": b""}, 0),
    ({"source_addr_ton": 7}, Status.ESME_RINVSRCTON),
    ({"source_addr_npi": 2}, Status.ESME_RINVSRCNPI),
    ({"source_addr": b"77x7"}, Status.ESME_RINVSRCADR),
    ({"priority_flag": 4}, 0),
    ({"priority_flag": 5}, Status.ESME_RINVPRTFLG),
    ({"schedule_delivery_time": b"301301000000000+"}, Status.ESME_RINVSCHED),
    ({"validity_period": b"301301000000000+"}, Status.ESME_RINVEXPIRY),
    ({"validity_period": at(-1)}, Status.ESME_RINVEXPIRY),
    (
        {"schedule_delivery_time": at(60), "validity_period": at(60)},
        Status.ESME_RINVEXPIRY,
    ),
    ({"replace_if_present_flag": 2}, Status.ESME_RINVREPFLAG),
    ({"data_coding": 0x0B}, Status.ESME_RINVDCS),
    ({"sm_default_msg_id": 1}, Status.ESME_RINVDFTMSGID),
    # The first on the wire speaks.
    ({"source_addr_npi": 2, "priority_flag": 9, "data_coding": 0x0B}, Status.ESME_RINVSRCNPI),
    ({"priority_flag": 9, "data_coding": 0x0B}, Status.ESME_RINVPRTFLG),
    # What names a broadcast is for replacing.
    ({"message_id": b"1a"}, Status.ESME_RINVMSGID),
    ({"message_id": b"1a", "replace_if_present_flag": 1}, 0),
    ({"replace_if_present_flag": 1}, Status.ESME_RBCASTFAIL),
]


@pytest.mark.parametrize(("fields", "status"), FIELDS)
def test_fields(fields: dict[str, Any], status: int) -> None:
    assert broadcast.check(pdu(**fields), NOW) == status


VALUES: list[tuple[list[tuple[int, bytes]], dict[str, Any], int]] = [
    ([(AREA, b"\3x")], {}, Status.ESME_RINVBCASTAREAFMT),
    ([(AREA, b"\1x")], {}, 0),
    ([(AREA, b"\2x")], {}, 0),
    ([(AREA, b"\0")], {}, Status.ESME_RINVBCASTALIAS_NAME),
    ([(AREA, b"\0a"), (AREA, b"\4")], {}, Status.ESME_RINVBCASTAREAFMT),
    ([(AREA, b"\0a")] * MAX_AREAS, {}, 0),
    ([(AREA, b"\0a")] * (MAX_AREAS + 1), {}, Status.ESME_RINVNUMBCAST_AREAS),
    ([(TYPE, b"\3\0\1")], {}, 0),
    ([(TYPE, b"\4\0\1")], {}, Status.ESME_RINVBCASTCNTTYPE),
    ([(EVERY, b"\0\0\0")], {}, 0),
    ([(EVERY, b"\x08\0\1")], {}, 0),
    ([(EVERY, b"\x0e\0\1")], {}, 0),
    ([(EVERY, b"\1\0\1")], {}, Status.ESME_RINVBCASTFREQINT),
    ([(EVERY, b"\x0f\0\1")], {}, Status.ESME_RINVBCASTFREQINT),
    ([(REPEAT, b"\0\0")], {}, Status.ESME_RINVBCAST_REP),
    ([(REPEAT, b"\0\0")], {"priority_flag": 1}, 0),
    ([(REPEAT, b"\0\0")], {"validity_period": at(60)}, 0),
    ([(Tag.BROADCAST_MESSAGE_CLASS, b"\3")], {}, 0),
    ([(Tag.BROADCAST_MESSAGE_CLASS, b"\4")], {}, Status.ESME_RINVBCASTMSGCLASS),
    ([(Tag.BROADCAST_CHANNEL_INDICATOR, b"\1")], {}, 0),
    ([(Tag.BROADCAST_CHANNEL_INDICATOR, b"\2")], {}, Status.ESME_RINVBCASTCHANIND),
    ([REFERENCE], {"replace_if_present_flag": 1}, 0),
    ([REFERENCE], {"replace_if_present_flag": 1, "message_id": b"1a"}, Status.ESME_RBCASTFAIL),
]


@pytest.mark.parametrize(("changed", "fields", "status"), VALUES)
def test_values_of_tlvs(
    changed: list[tuple[int, bytes]], fields: dict[str, Any], status: int
) -> None:
    assert broadcast.check(pdu(*changed, **fields), NOW) == status


@pytest.mark.parametrize("absent", [tag for tag, _ in MANDATORY])
def test_a_mandatory_tlv_that_is_absent(absent: int) -> None:
    kept = [(tag, value) for tag, value in MANDATORY if tag != absent]
    (one,) = Decoder().feed(encode(Command.BROADCAST_SM, 50, 0, kept, source_addr=b"7777"))
    assert one.decode() == Status.ESME_RMISSINGTLV


def vector(name: str) -> bytes:
    return bytes.fromhex(next(v["hex"] for v in VECTORS["good"] if v["id"] == name))


def test_what_is_kept_becomes_the_same_request_again() -> None:
    (one,) = Decoder().feed(vector("V39"))
    assert broadcast.check(one, NOW) == 0
    message = broadcast.kept(one)
    assert message.destination_addr == b"" and message.text == b"Storm"
    assert broadcast.request(message, 50) == vector("V39")


def test_an_answer_names_every_area_and_knows_of_none() -> None:
    areas = [(int(AREA), b"\0Dublin"), (int(AREA), b"\1arc")]
    view = View(0x1A2B3C60, MessageState.ENROUTE, broadcast.kept(pdu(*areas, REFERENCE)))
    (answer,) = Decoder().feed(broadcast.answer(view, 51, b"1a2b3c60"))
    assert answer.decode() == 0
    assert answer.fields == {"message_id": b"1a2b3c60"}
    assert answer.tlvs == (
        (Tag.MESSAGE_STATE, b"\1"),
        *areas,
        (Tag.BROADCAST_AREA_SUCCESS, b"\xff"),
        (Tag.BROADCAST_AREA_SUCCESS, b"\xff"),
        REFERENCE,
    )


def test_the_answer_is_that_of_the_vector_but_for_what_is_unknown() -> None:
    view = View(0x1A2B3C60, MessageState.ENROUTE, broadcast.kept(pdu()))
    assert broadcast.answer(view, 51, b"1a2b3c60") == vector("V42")[:-1] + b"\xff"
