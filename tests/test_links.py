"""What an operator may set about a client's sessions: each option, off and on."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import argon2
import pytest
from helpers import (
    FIRST_ID,
    PASSWORD,
    SYSTEM_ID,
    Edge,
    Wire,
    bind,
    brief,
    deliver,
    submit,
)

from smsc._pdu import Decoder, Pdu, encode, header_only
from smsc.endings import text_id
from smsc.smpp import Command, Status, Tag

BIND_RESP, SUBMIT_RESP = Command.BIND_TRANSCEIVER_RESP, Command.SUBMIT_SM_RESP


async def answers(edge: Edge, *octets: bytes) -> list[Pdu]:
    """To the octets of a client that has not bound, once its password has been verified."""
    wire = edge.connect()
    found = wire.send(*octets)
    while edge.listener._tasks:
        await asyncio.gather(*edge.listener._tasks)
    return found + wire.received()


def status_of_bind(edge: Edge, request: bytes) -> int:
    (answer,) = asyncio.run(answers(edge, request))
    assert len(answer.raw) == 16 or not answer.command_status
    return answer.command_status


def with_password(password: bytes) -> bytes:
    system_id, _, rest = bind()[16:].split(b"\0", 2)
    body = b"\0".join((system_id, password, rest))
    return (16 + len(body)).to_bytes(4, "big") + bind()[4:16] + body


STRANGER, WRONG = bind(system_id=b"stranger"), bind(password=b"wrong")
HASH = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(b"a long password!")

ELSEWHERE = (ipaddress.ip_network("198.51.100.0/24"),)

#: (option of the listener, changes to the account, a bind, the status that answers it)
BINDS: list[tuple[dict[str, Any], dict[str, Any], bytes, int]] = [
    ({}, {}, STRANGER, Status.ESME_RBINDFAIL),
    ({}, {}, WRONG, Status.ESME_RBINDFAIL),
    ({"bind_error_detail": True}, {}, STRANGER, Status.ESME_RINVSYSID),
    ({"bind_error_detail": True}, {}, WRONG, Status.ESME_RINVPASWD),
    ({"bind_error_detail": True}, {"bind_types": ("rx",)}, bind(), Status.ESME_RBINDFAIL),
    ({"bind_error_detail": True}, {"allowed_addresses": ELSEWHERE}, bind(), Status.ESME_RBINDFAIL),
    ({}, {"system_type": b"VMA"}, bind(), Status.ESME_RBINDFAIL),
    ({}, {"password_hash": HASH}, with_password(b"a long password!"), Status.ESME_RINVPASWD),
    ({"long_passwords": True}, {"password_hash": HASH}, with_password(b"a long password!"), 0),
    ({"long_passwords": True}, {}, with_password(b"a long password?"), Status.ESME_RBINDFAIL),
    ({"long_passwords": True}, {}, with_password(b"p" * 65), Status.ESME_RINVPASWD),
    ({"long_passwords": True}, {}, bind(), 0),
]


@pytest.mark.parametrize(("listener", "account", "request_", "status"), BINDS)
def test_how_a_bind_is_answered(
    listener: dict[str, Any], account: dict[str, Any], request_: bytes, status: int
) -> None:
    edge = Edge(known=False, listener=listener, **account)
    try:
        assert status_of_bind(edge, request_) == status
    finally:
        edge.close()


def test_a_system_type_that_is_demanded_is_enough() -> None:
    edge = Edge(system_type=b"VMA")
    request = encode(
        Command.BIND_TRANSCEIVER, 1, system_id=SYSTEM_ID, password=PASSWORD, system_type=b"VMA"
    )
    assert brief(edge.connect().send(request)) == [(BIND_RESP, 0, 1)]
    edge.close()


@pytest.mark.parametrize(
    ("listener", "status"),
    [({}, Status.ESME_RBINDFAIL), ({"too_many_binds": "ESME_RALYBND"}, Status.ESME_RALYBND)],
)
def test_a_bind_too_many(listener: dict[str, Any], status: int) -> None:
    edge = Edge(listener=listener, binds=1)
    edge.bound()
    assert brief(edge.connect().send(bind())) == [(BIND_RESP, status, 1)]
    edge.close()


@pytest.mark.parametrize(
    ("listener", "version", "told"),
    [
        ({}, 0x34, b"\x34"),
        ({}, 0x50, b"\x50"),
        ({}, 0x33, None),
        ({"announce_version": "supported"}, 0x34, b"\x50"),
        ({"announce_version": "supported"}, 0x33, None),
    ],
)
def test_the_version_that_is_told(
    listener: dict[str, Any], version: int, told: bytes | None
) -> None:
    edge = Edge(listener=listener)
    (answer,) = edge.connect().send(bind(version=version))
    assert answer.tlv(Tag.SC_INTERFACE_VERSION) == told
    edge.close()


PAYLOAD = [(Tag.MESSAGE_PAYLOAD, b"payload")]


def raw_submit(sequence: int, tlvs: list[tuple[Tag, bytes]], **fields: Any) -> bytes:
    (plain,) = Decoder().feed(submit(sequence, **fields))
    values = {name: value for name, value in plain.fields.items() if name != "sm_length"}
    return encode(Command.SUBMIT_SM, sequence, 0, tlvs, **values)


def trailing_nul(octets: bytes) -> bytes:
    return (len(octets) + 1).to_bytes(4, "big") + octets[4:] + b"\0"


PAST = b"250101000000000+"

#: (changes to the account, version, a submit, the status, the text that is kept)
SUBMITS: list[tuple[dict[str, Any], int, bytes, int, bytes]] = [
    ({}, 0x34, raw_submit(2, PAYLOAD), Status.ESME_RTLVNOTALLWD, b""),
    ({}, 0x50, raw_submit(2, PAYLOAD), 0, b"payload"),
    ({"tolerate": ("both_texts",)}, 0x34, raw_submit(2, PAYLOAD), 0, b"payload"),
    ({}, 0x34, trailing_nul(submit(2)), Status.ESME_RINVTLVSTREAM, b""),
    ({"tolerate": ("trailing_nul",)}, 0x34, trailing_nul(submit(2)), 0, b"hello"),
    ({}, 0x34, submit(2, registered_delivery=3), 0, b"hello"),
    ({"strict": ("registered_delivery",)}, 0x34, submit(2, registered_delivery=3),
     Status.ESME_RINVREGDLVFLG, b""),
    ({"strict": ("registered_delivery",)}, 0x50, submit(2, registered_delivery=3), 0, b"hello"),
    ({}, 0x34, submit(2, schedule_delivery_time=PAST), 0, b"hello"),
    ({"strict": ("past_schedule",)}, 0x34, submit(2, schedule_delivery_time=PAST),
     Status.ESME_RINVSCHED, b""),
]  # fmt: skip


@pytest.mark.parametrize(("account", "version", "request_", "status", "text"), SUBMITS)
def test_how_a_submit_is_answered(
    account: dict[str, Any], version: int, request_: bytes, status: int, text: bytes
) -> None:
    edge = Edge(**account)
    wire = edge.bound(version=version)
    found = wire.send(request_)
    edge.stage.durable()
    assert brief(found + wire.received()) == [(SUBMIT_RESP, status, 2)]
    assert [message.text for message in edge.keeper.submitted] == ([text] if text else [])
    assert all(
        not message.sm_length or message.tlv(Tag.MESSAGE_PAYLOAD) is None
        for message in edge.keeper.submitted
    )
    edge.close()


def test_a_full_window_may_throttle_instead_of_waiting() -> None:
    edge = Edge(window=2, window_full="throttle")
    wire = edge.bound()
    answers = wire.send(*map(submit, (2, 3, 4, 5)))
    assert brief(answers) == [(SUBMIT_RESP, Status.ESME_RTHROTTLED, n) for n in (4, 5)]
    assert wire.transport.reading
    assert brief(wire.send(submit(6))) == [(SUBMIT_RESP, Status.ESME_RTHROTTLED, 6)]
    assert edge.listener.counters.throttled == 3
    edge.stage.durable()
    assert brief(wire.received()) == [(SUBMIT_RESP, 0, 2), (SUBMIT_RESP, 0, 3)]
    wire.send(submit(7))
    edge.stage.durable()
    assert brief(wire.received()) == [(SUBMIT_RESP, 0, 7)]
    edge.close()


# -- data_sm towards clients -----------------------------------------------------------------------


def handed(edge: Edge, wire: Wire, octets: bytes) -> Pdu:
    edge.keeper.attached[0].deliver([71], [octets])
    edge.stage.durable()
    (pdu,) = wire.received()
    return pdu


@pytest.mark.parametrize(
    ("version", "command"), [(0x33, Command.DELIVER_SM), (0x34, Command.DATA_SM)]
)
def test_deliveries_by_data_sm_where_it_exists(version: int, command: Command) -> None:
    edge = Edge(deliver_with="data_sm")
    wire = edge.bound(version=version)
    pdu = handed(edge, wire, deliver(esm_class=4, service_type=b"CMT", data_coding=3))
    assert (pdu.command_id, pdu.sequence_number) == (command, 1)
    assert pdu.decode() == 0
    assert (pdu.fields["esm_class"], pdu.fields["data_coding"]) == (4, 3)
    assert (pdu.fields["service_type"], pdu.fields["source_addr"]) == (b"CMT", b"447700900001")
    assert pdu.tlv(Tag.MESSAGE_PAYLOAD) == (b"hello" if command == Command.DATA_SM else None)
    wire.send(header_only(command | 0x80000000, 0, 1))
    assert edge.keeper.called("delivered") == [([(71, 0)],)]
    edge.close()


def test_a_receipt_by_data_sm_keeps_its_tlvs() -> None:
    edge = Edge(deliver_with="data_sm")
    wire = edge.bound()
    id = text_id(0x1234, False) + b"\0"
    tlvs = [(Tag.RECEIPTED_MESSAGE_ID, id), (Tag.MESSAGE_STATE, b"\2")]
    (plain,) = Decoder().feed(deliver(esm_class=4, text=b"id:1234 stat:DELIVRD"))
    values = {name: value for name, value in plain.fields.items() if name != "sm_length"}
    pdu = handed(edge, wire, encode(Command.DELIVER_SM, 0, 0, tlvs, **values))
    assert pdu.tlvs == (*tlvs, (Tag.MESSAGE_PAYLOAD, b"id:1234 stat:DELIVRD"))
    edge.close()


def test_an_answer_of_the_other_kind_is_none() -> None:
    edge = Edge(deliver_with="data_sm")
    wire = edge.bound()
    handed(edge, wire, deliver())
    wire.send(header_only(Command.DELIVER_SM_RESP, 0, 1))
    assert edge.keeper.called("delivered") == []
    edge.close()


# -- congestion_state ------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "load", "told"), [(0x50, 85, b"\x55"), (0x34, 85, None)])
def test_answers_say_how_loaded_we_are_where_that_is_known(
    version: int, load: int, told: bytes | None
) -> None:
    edge = Edge()
    wire = edge.bound(version=version)
    edge.links.load = load
    data_sm = encode(Command.DATA_SM, 3, 0, PAYLOAD, destination_addr=b"447700900123")
    refused = wire.send(submit(2), data_sm, submit(4, priority_flag=9))
    edge.stage.durable()
    answered = wire.received()
    assert brief(refused + answered) == [
        (SUBMIT_RESP, Status.ESME_RINVPRTFLG, 4),
        (SUBMIT_RESP, 0, 2),
        (Command.DATA_SM_RESP, 0, 3),
    ]
    assert len(refused[0].raw) == 16
    for number, answer in enumerate(answered):
        assert answer.tlv(Tag.CONGESTION_STATE) == told
        assert answer.fields["message_id"] == text_id(FIRST_ID + number, False)
    edge.close()
