"""One message said by another PDU, or for an older peer."""

from __future__ import annotations

import pytest
from helpers import VECTORS, deliver

from smsc._pdu import Decoder, Message, Pdu, encode
from smsc.conversion import data_sm_of, message_of, with_tlv, without_tlvs
from smsc.smpp import MAX_ADDRESS, Command, Status, Tag


def data_sm(**fields: object) -> Pdu:
    tlvs = [(Tag.MESSAGE_PAYLOAD, b"text"), (0x1400, b"vendor\0")]
    (pdu,) = Decoder().feed(encode(Command.DATA_SM, 3, 0, tlvs, **fields))
    assert pdu.decode() == 0
    return pdu


def test_data_sm_says_the_same_as_a_message() -> None:
    message = message_of(
        data_sm(
            source_addr=b"447700900001",
            destination_addr=b"447700900123",
            registered_delivery=1,
            data_coding=8,
        ),
        Command.SUBMIT_SM,
    )
    assert isinstance(message, Message)
    assert (message.source_addr, message.destination_addr) == (b"447700900001", b"447700900123")
    assert (message.text, message.data_coding, message.registered_delivery) == (b"text", 8, 1)
    assert message.tlv(0x1400) == b"vendor\0"
    assert message.sequence_number == 3


@pytest.mark.parametrize(
    ("field", "status"),
    [("source_addr", Status.ESME_RINVSRCADR), ("destination_addr", Status.ESME_RINVDSTADR)],
)
def test_addresses_that_only_data_sm_has_room_for(field: str, status: int) -> None:
    assert isinstance(message_of(data_sm(**{field: b"1" * MAX_ADDRESS}), 4), Message)
    assert message_of(data_sm(**{field: b"1" * (MAX_ADDRESS + 1)}), 4) == status


def test_a_peer_of_33_gets_no_tlv() -> None:
    tlvs = [(Tag.MESSAGE_PAYLOAD, b"payload"), (Tag.USER_MESSAGE_REFERENCE, b"\0\1")]
    before = encode(Command.DELIVER_SM, 6, 0, tlvs, destination_addr=b"1")
    after = Message.from_raw(without_tlvs(before))
    assert (after.tlvs, after.text, after.sequence_number) == ((), b"payload", 6)
    assert without_tlvs(deliver(1)) == deliver(1)
    long = encode(Command.DELIVER_SM, 6, 0, [(Tag.MESSAGE_PAYLOAD, b"x" * 255)])
    assert without_tlvs(long) == long


def test_a_message_is_said_by_data_sm_and_back() -> None:
    raw = encode(
        Command.DELIVER_SM, 5, 0, [(0x1400, b"vendor")],
        source_addr=b"447700900001", destination_addr=b"80888", esm_class=0x40,
        validity_period=b"000000000100000R", short_message=b"\0\xff",
    )  # fmt: skip
    (pdu,) = Decoder().feed(data_sm_of(Message.from_raw(raw), 9, 0))
    assert pdu.decode() == 0
    assert pdu.tlv(Tag.QOS_TIME_TO_LIVE) == (60).to_bytes(4, "big")
    back = message_of(pdu, Command.DELIVER_SM)
    assert isinstance(back, Message)
    assert (back.sequence_number, back.text, back.esm_class) == (9, b"\0\xff", 0x40)
    assert (back.source_addr, back.destination_addr) == (b"447700900001", b"80888")
    assert back.tlv(0x1400) == b"vendor"


def test_the_octets_of_a_loaded_answer_are_those_of_the_vector() -> None:
    vector = next(v for v in VECTORS["good"] if v["id"] == "V45")
    octets = bytes.fromhex(vector["hex"])
    plain = encode(Command.SUBMIT_SM_RESP, 53, message_id=b"1a2b3c70")
    assert with_tlv(plain, Tag.CONGESTION_STATE, b"\x55") == octets
