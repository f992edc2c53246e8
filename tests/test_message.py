import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc import message, times
from smsc._pdu import Decoder, Message, Pdu, encode, header_only
from smsc.smpp import DOWN_MAPPING, RESPONSE, Command, Status, Tag, Version

NOW = 1_763_807_415_250  # 2025-11-22 10:30:15.25 UTC
V33, V34, V50 = Version.V33, Version.V34, Version.V50

PLAIN: dict[str, Any] = {
    "source_addr_ton": 1,
    "source_addr_npi": 1,
    "source_addr": b"447700900001",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": b"447700900123",
    "short_message": b"x",
}


def decoded(octets: bytes) -> Pdu:
    (pdu,) = Decoder().feed(octets)
    assert pdu.decode() == 0
    return pdu


def submit(tlvs: dict[int, bytes] | None = None, **fields: Any) -> Pdu:
    return decoded(encode(Command.SUBMIT_SM, 1, 0, tuple((tlvs or {}).items()), **PLAIN | fields))


def data_sm(tlvs: dict[int, bytes] | None = None, **fields: Any) -> Pdu:
    addresses = {name: value for name, value in PLAIN.items() if name != "short_message"}
    if tlvs is None:
        tlvs = {Tag.MESSAGE_PAYLOAD: b"x"}
    return decoded(encode(Command.DATA_SM, 1, 0, tuple(tlvs.items()), **addresses | fields))


def at(seconds: int) -> bytes:
    return times.format_absolute(NOW + seconds * times.SECOND)


# -- fields: each row a rule of the protocol's table of answers --

REFUSED_FIELDS: list[tuple[dict[str, Any], int]] = [
    # TON above 6, NPI not in the list.
    ({"source_addr_ton": 7}, Status.ESME_RINVSRCTON),
    ({"source_addr_ton": 255, "source_addr": b""}, Status.ESME_RINVSRCTON),
    ({"source_addr_npi": 2}, Status.ESME_RINVSRCNPI),
    ({"source_addr_npi": 19}, Status.ESME_RINVSRCNPI),
    ({"dest_addr_ton": 7}, Status.ESME_RINVDSTTON),
    ({"dest_addr_npi": 5}, Status.ESME_RINVDSTNPI),
    # An alphanumeric destination.
    ({"dest_addr_ton": 5, "destination_addr": b"ACME"}, Status.ESME_RINVDSTTON),
    # Illegal characters in the source.
    ({"source_addr": b"4477x0900001"}, Status.ESME_RINVSRCADR),
    ({"source_addr": b"4477 0900001"}, Status.ESME_RINVSRCADR),
    ({"source_addr": b"447700\xb900001"}, Status.ESME_RINVSRCADR),
    ({"source_addr": b"+"}, Status.ESME_RINVSRCADR),
    ({"source_addr": b"++447700900001"}, Status.ESME_RINVSRCADR),
    ({"source_addr_ton": 2, "source_addr": b"+447700900001"}, Status.ESME_RINVSRCADR),
    ({"source_addr_ton": 5, "source_addr": b"AC\x80ME"}, Status.ESME_RINVSRCADR),
    ({"source_addr_ton": 5, "source_addr": b"AC\x1fME"}, Status.ESME_RINVSRCADR),
    ({"source_addr_ton": 5, "source_addr": b"TWELVE CHARS"}, Status.ESME_RINVSRCADR),
    ({"source_addr_npi": 14, "source_addr": b"192.0.2"}, Status.ESME_RINVSRCADR),
    ({"source_addr_npi": 14, "source_addr": b"192.0.2.256"}, Status.ESME_RINVSRCADR),
    ({"source_addr_npi": 14, "source_addr": b"447700900001"}, Status.ESME_RINVSRCADR),
    # The destination: empty, illegal characters.
    ({"destination_addr": b""}, Status.ESME_RINVDSTADR),
    ({"destination_addr": b"+"}, Status.ESME_RINVDSTADR),
    ({"destination_addr": b"44770090012a"}, Status.ESME_RINVDSTADR),
    ({"destination_addr": b"447700\x0700123"}, Status.ESME_RINVDSTADR),
    ({"dest_addr_npi": 14, "destination_addr": b"1.2.3.4.5"}, Status.ESME_RINVDSTADR),
    # Transaction mode; a type that no ESME may send.
    ({"esm_class": 0x02}, Status.ESME_RINVESMCLASS),
    ({"esm_class": 0x04}, Status.ESME_RINVESMCLASS),
    ({"esm_class": 0x18}, Status.ESME_RINVESMCLASS),
    ({"esm_class": 0x20}, Status.ESME_RINVESMCLASS),
    ({"esm_class": 0x3C}, Status.ESME_RINVESMCLASS),
    ({"priority_flag": 4}, Status.ESME_RINVPRTFLG),
    # Times: malformed, impossible.
    ({"schedule_delivery_time": b"301301120000000+"}, Status.ESME_RINVSCHED),
    ({"schedule_delivery_time": b"300229000000000+"}, Status.ESME_RINVSCHED),
    ({"schedule_delivery_time": b"300131120000000Z"}, Status.ESME_RINVSCHED),
    ({"validity_period": b"300131240000000+"}, Status.ESME_RINVEXPIRY),
    ({"validity_period": b"300131120000049+"}, Status.ESME_RINVEXPIRY),
    ({"validity_period": b"000032000000000R"}, Status.ESME_RINVEXPIRY),
    ({"validity_period": b"000000240000000R"}, Status.ESME_RINVEXPIRY),
    ({"validity_period": b"00000100000x000R"}, Status.ESME_RINVEXPIRY),
    # replace_if_present_flag: no flag at all.
    ({"replace_if_present_flag": 2}, Status.ESME_RINVREPFLAG),
    ({"data_coding": 0x0B}, Status.ESME_RINVDCS),
    ({"data_coding": 0x0F}, Status.ESME_RINVDCS),
    ({"data_coding": 0x1C}, Status.ESME_RINVDCS),
    ({"data_coding": 0xF8}, Status.ESME_RINVDCS),
    ({"sm_default_msg_id": 9}, Status.ESME_RINVDFTMSGID),
    ({"sm_default_msg_id": 255}, Status.ESME_RINVDFTMSGID),
    ({"short_message": bytes(255)}, Status.ESME_RINVMSGLEN),
]

ACCEPTED_FIELDS: list[dict[str, Any]] = [
    {},
    {"replace_if_present_flag": 1},
    {"service_type": b"CMT"},
    {"source_addr": b"", "source_addr_ton": 0, "source_addr_npi": 0},
    {"source_addr": b"", "source_addr_ton": 5, "source_addr_npi": 14},
    {"source_addr_ton": 5, "source_addr_npi": 0, "source_addr": b"ACME & Co~"},
    {"source_addr_ton": 5, "source_addr": b"ELEVENCHARS"},
    {"source_addr": b"+447700900001"},
    {"source_addr_ton": 0, "destination_addr": b"+447700900123"},
    {"source_addr_npi": 14, "source_addr": b"192.0.2.1"},
    {"dest_addr_npi": 14, "destination_addr": b"192.0.2.255"},
    {"source_addr_ton": 6, "source_addr": b"80888"},
    *({"dest_addr_npi": npi} for npi in (0, 1, 3, 4, 6, 8, 9, 10, 18)),
    *({"dest_addr_ton": ton} for ton in (0, 1, 2, 3, 4, 6)),
    *({"esm_class": value} for value in (0x00, 0x01, 0x03, 0x08, 0x10, 0x80, 0x83)),
    *({"priority_flag": value} for value in range(4)),
    *({"protocol_id": value} for value in (0, 0x0A, 0x40, 255)),
    # Reserved bits are masked off, 11 means success only.
    *({"registered_delivery": value} for value in (0, 1, 2, 3, 0x0C, 0x10, 0x1F, 0xE0, 0xFF)),
    *({"data_coding": value} for value in (0, 1, 3, 4, 5, 6, 7, 9, 0x10, 0x80, 0xC0, 0xF0, 0xF5)),
    {"data_coding": 8, "short_message": b"\x04\x1f"},
    {"data_coding": 8, "short_message": b"\xd8\x3d\x00x"},
    {"short_message": b""},
    {"short_message": bytes(254)},
    {"short_message": bytes(range(254))},
    {"validity_period": b"000001000000000R"},
    {"validity_period": b"991231235959948R"},
    {"validity_period": at(60)},
    {"schedule_delivery_time": b"000000010000000R"},
    # Scheduled in the past means now.
    {"schedule_delivery_time": at(-60)},
    {"schedule_delivery_time": at(-60), "validity_period": at(60)},
    {"schedule_delivery_time": at(60), "validity_period": at(61)},
]


@pytest.mark.parametrize(("fields", "status"), REFUSED_FIELDS)
def test_a_bad_value_has_its_status(fields: dict[str, Any], status: int) -> None:
    assert message.check(submit(**fields), V34, NOW) == status


@pytest.mark.parametrize("version", [V33, V34, V50])
@pytest.mark.parametrize("fields", ACCEPTED_FIELDS)
def test_a_good_value_passes_in_every_version(fields: dict[str, Any], version: int) -> None:
    assert message.check(submit(**fields), version, NOW) == 0


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"esm_class": 0x04}, 0),
        ({"esm_class": 0x18}, 0),
        ({"esm_class": 0x20}, 0),
        ({"esm_class": 0x0C}, Status.ESME_RINVESMCLASS),
        ({"esm_class": 0x02}, Status.ESME_RINVESMCLASS),
        ({"short_message": bytes(255)}, 0),
        ({"data_coding": 0x0B}, Status.ESME_RINVDCS),
        ({"sm_default_msg_id": 255}, Status.ESME_RINVDFTMSGID),
    ],
)
def test_what_version_5_decides_otherwise(fields: dict[str, Any], status: int) -> None:
    assert message.check(submit(**fields), V50, NOW) == status


@pytest.mark.parametrize("version", [V33, V34])
def test_an_unsupported_coding_is_a_failed_submit_before_version_5(version: Version) -> None:
    status = message.check(submit(data_coding=0x0C), version, NOW)
    assert DOWN_MAPPING[version][status] == Status.ESME_RSUBMITFAIL


def test_the_first_field_on_the_wire_speaks() -> None:
    wrong: dict[str, Any] = {
        "sm_default_msg_id": 9,
        "replace_if_present_flag": 2,
        "priority_flag": 9,
        "destination_addr": b"",
        "dest_addr_ton": 7,
        "source_addr_npi": 2,
    }
    answers = [
        Status.ESME_RINVSRCNPI, Status.ESME_RINVDSTTON, Status.ESME_RINVDSTADR,
        Status.ESME_RINVPRTFLG, Status.ESME_RINVREPFLAG, Status.ESME_RINVDFTMSGID, 0,
    ]  # fmt: skip
    for answer in answers:
        assert message.check(submit(**wrong), V34, NOW) == answer
        if wrong:
            wrong.popitem()


# -- TLVs, and what must fit together --

SAR: dict[int, bytes] = {Tag.SAR_MSG_REF_NUM: b"\x00\x01", Tag.SAR_TOTAL_SEGMENTS: b"\x02"}
UDH = b"\x05\x00\x03\xa7\x02\x01"
PAYLOAD: dict[int, bytes] = {Tag.MESSAGE_PAYLOAD: b"payload"}


def sar(total: int, number: int) -> dict[int, bytes]:
    return SAR | {Tag.SAR_TOTAL_SEGMENTS: bytes([total]), Tag.SAR_SEGMENT_SEQNUM: bytes([number])}


TOGETHER: list[tuple[dict[int, bytes], dict[str, Any], int, int]] = [
    # short_message and message_payload.
    (PAYLOAD, {}, V33, Status.ESME_RTLVNOTALLWD),
    (PAYLOAD, {}, V34, Status.ESME_RTLVNOTALLWD),
    (PAYLOAD, {}, V50, 0),
    (PAYLOAD, {"short_message": b""}, V34, 0),
    ({Tag.MESSAGE_PAYLOAD: b""}, {}, V34, 0),
    ({Tag.MESSAGE_PAYLOAD: bytes(65535)}, {"short_message": b""}, V34, 0),
    # SAR values; they count together, and not beside a header.
    (sar(2, 1), {}, V34, 0),
    (sar(2, 2), {}, V34, 0),
    (sar(2, 0), {}, V34, Status.ESME_RINVTLVVAL),
    (sar(2, 3), {}, V34, Status.ESME_RINVTLVVAL),
    (sar(0, 0), {}, V34, Status.ESME_RINVTLVVAL),
    (SAR, {}, V34, 0),
    ({Tag.SAR_SEGMENT_SEQNUM: b"\x00"}, {}, V34, 0),
    (sar(2, 3), {"esm_class": 0x40, "short_message": UDH + b"x"}, V34, 0),
    # A header longer than the text; one that says nonsense within its bounds.
    ({}, {"esm_class": 0x40, "short_message": UDH}, V34, 0),
    ({}, {"esm_class": 0x40, "short_message": UDH + b"x"}, V34, 0),
    ({}, {"esm_class": 0xC3, "short_message": UDH + b"x"}, V34, 0),
    ({}, {"esm_class": 0x40, "short_message": b"\x05\x00\x03\xa7\x02\x03x"}, V34, 0),
    ({}, {"esm_class": 0x40, "short_message": UDH[:5]}, V34, Status.ESME_RINVESMCLASS),
    ({}, {"esm_class": 0x40, "short_message": b"\xff"}, V34, Status.ESME_RINVESMCLASS),
    ({}, {"esm_class": 0x40, "short_message": b""}, V34, Status.ESME_RINVESMCLASS),
    (PAYLOAD, {"esm_class": 0x40, "short_message": b""}, V34, Status.ESME_RINVESMCLASS),
    ({Tag.MESSAGE_PAYLOAD: UDH}, {"esm_class": 0x40, "short_message": b""}, V34, 0),
    # The payload is the text where both are allowed.
    (PAYLOAD, {"esm_class": 0x40, "short_message": UDH}, V50, Status.ESME_RINVESMCLASS),
    # UCS-2 of half characters.
    ({}, {"data_coding": 8, "short_message": b"\x04"}, V34, Status.ESME_RINVMSGLEN),
    ({}, {"data_coding": 0x18, "short_message": b"\x04\x1f\x04"}, V34, Status.ESME_RINVMSGLEN),
    (PAYLOAD, {"data_coding": 8, "short_message": b""}, V34, Status.ESME_RINVMSGLEN),
    ({}, {"data_coding": 8, "esm_class": 0x40, "short_message": UDH + b"\x04\x1f"}, V34, 0),
    ({}, {"data_coding": 8, "esm_class": 0x40, "short_message": b"\x06\x08\x04\0\1\2\1\4\x1f"},
     V34, 0),
    ({}, {"data_coding": 8, "esm_class": 0x40, "short_message": UDH + b"x"}, V34,
     Status.ESME_RINVMSGLEN),
    # An end in the past, or not after the schedule.
    ({}, {"validity_period": at(-1)}, V34, Status.ESME_RINVEXPIRY),
    ({}, {"validity_period": b"000000000000000R"}, V34, Status.ESME_RINVEXPIRY),
    ({}, {"schedule_delivery_time": at(60), "validity_period": at(60)}, V34,
     Status.ESME_RINVEXPIRY),
    ({}, {"schedule_delivery_time": b"000002000000000R", "validity_period": b"000001000000000R"},
     V34, Status.ESME_RINVEXPIRY),
    # qos_time_to_live overrides validity_period.
    ({Tag.QOS_TIME_TO_LIVE: b"\0\0\0\x01"}, {"validity_period": at(-1)}, V34, 0),
    ({Tag.QOS_TIME_TO_LIVE: b"\0\0\0\0"}, {}, V34, Status.ESME_RINVEXPIRY),
    ({Tag.QOS_TIME_TO_LIVE: b"\0\0\0\x3c"}, {"schedule_delivery_time": at(61)}, V34,
     Status.ESME_RINVEXPIRY),
    # Others are none of our business.
    ({0x1501: b"x", Tag.PRIVACY_INDICATOR: b"\xff"}, {}, V33, 0),
]  # fmt: skip


@pytest.mark.parametrize(("tlvs", "fields", "version", "status"), TOGETHER)
def test_what_must_fit_together(
    tlvs: dict[int, bytes], fields: dict[str, Any], version: int, status: int
) -> None:
    assert message.check(submit(tlvs, **fields), version, NOW) == status


#: TLV values that have a status of their own, or that need another TLV.
TLV_VALUES: list[tuple[dict[int, bytes], int]] = [
    ({Tag.DEST_ADDR_SUBUNIT: b"\4"}, 0),
    ({Tag.DEST_ADDR_SUBUNIT: b"\5"}, Status.ESME_RINVDSTADDRSUBUNIT),
    ({Tag.SOURCE_ADDR_SUBUNIT: b"\4"}, 0),
    ({Tag.SOURCE_ADDR_SUBUNIT: b"\5"}, Status.ESME_RINVSRCADDRSUBUNIT),
    ({Tag.NUMBER_OF_MESSAGES: b"\x63"}, 0),
    ({Tag.NUMBER_OF_MESSAGES: b"\x64"}, Status.ESME_RINVNUMMSGS),
    ({Tag.DEST_ADDR_NP_RESOLUTION: b"\1"}, 0),
    ({Tag.DEST_ADDR_NP_RESOLUTION: b"\3"}, Status.ESME_RINVTLVVAL),
    ({Tag.DEST_ADDR_NP_RESOLUTION: b"\2"}, Status.ESME_RMISSINGTLV),
    ({Tag.DEST_ADDR_NP_RESOLUTION: b"\2", Tag.DEST_ADDR_NP_INFORMATION: bytes(10)},
     Status.ESME_RMISSINGTLV),
    ({Tag.DEST_ADDR_NP_RESOLUTION: b"\2", Tag.DEST_ADDR_NP_INFORMATION: bytes(10),
      Tag.DEST_ADDR_NP_COUNTRY: b"\x44"}, 0),
    ({Tag.SOURCE_NETWORK_ID: b"network\0"}, Status.ESME_RMISSINGTLV),
    ({Tag.SOURCE_NETWORK_ID: b"network\0", Tag.SOURCE_NODE_ID: b"000001"}, 0),
    ({Tag.DEST_NETWORK_ID: b"network\0"}, Status.ESME_RMISSINGTLV),
    ({Tag.DEST_NETWORK_ID: b"network\0", Tag.DEST_NODE_ID: b"000001"}, 0),
]  # fmt: skip


@pytest.mark.parametrize(("tlvs", "status"), TLV_VALUES)
def test_values_of_tlvs(tlvs: dict[int, bytes], status: int) -> None:
    assert message.check(submit(tlvs), V34, NOW) == status
    assert message.check(data_sm(tlvs | PAYLOAD), V34, NOW) == status


#: What an account's manners change: (manners, TLVs, fields, status in 3.4, in 5.0).
MANNERED: list[tuple[message.Manners, dict[int, bytes], dict[str, Any], int, int]] = [
    (message.OURS, {}, {"registered_delivery": 3}, 0, 0),
    (message.Manners(registered_delivery=True), {}, {"registered_delivery": 3},
     Status.ESME_RINVREGDLVFLG, 0),
    (message.Manners(registered_delivery=True), {}, {"registered_delivery": 0xE1}, 0, 0),
    (message.OURS, PAYLOAD, {}, Status.ESME_RTLVNOTALLWD, 0),
    (message.Manners(both_texts=True), PAYLOAD, {}, 0, 0),
    (message.OURS, {}, {"schedule_delivery_time": at(-60)}, 0, 0),
    (message.Manners(past_schedule=True), {}, {"schedule_delivery_time": at(-60)},
     Status.ESME_RINVSCHED, Status.ESME_RINVSCHED),
    (message.Manners(past_schedule=True), {}, {"schedule_delivery_time": at(60)}, 0, 0),
    (message.Manners(predefined={9, 255}), {}, {"sm_default_msg_id": 9}, 0, 0),
    (message.Manners(predefined={9, 255}), {}, {"sm_default_msg_id": 255},
     Status.ESME_RINVDFTMSGID, 0),
    (message.Manners(predefined={9, 255}), {}, {"sm_default_msg_id": 8},
     Status.ESME_RINVDFTMSGID, Status.ESME_RINVDFTMSGID),
]  # fmt: skip


@pytest.mark.parametrize(("manners", "tlvs", "fields", "in_34", "in_50"), MANNERED)
def test_an_accounts_manners(
    manners: message.Manners, tlvs: dict[int, bytes], fields: dict[str, Any], in_34: int, in_50: int
) -> None:
    pdu = submit(tlvs, **fields)
    assert message.check(pdu, V34, NOW, manners) == in_34
    assert message.check(pdu, V50, NOW, manners) == in_50


@pytest.mark.parametrize(
    ("manners", "tlvs", "fields", "in_34", "in_50"),
    [
        (message.OURS, {}, {"schedule_delivery_time": at(60), "validity_period": at(-60)}, 0, 0),
        (message.OURS, {}, {"schedule_delivery_time": b"301301120000000+"},
         Status.ESME_RINVSCHED, Status.ESME_RINVSCHED),
        (message.OURS, {}, {"validity_period": b"301301120000000+"},
         Status.ESME_RINVEXPIRY, Status.ESME_RINVEXPIRY),
        (message.OURS, {}, {"sm_default_msg_id": 9, "short_message": b"x" * 255},
         Status.ESME_RINVDFTMSGID, Status.ESME_RINVDFTMSGID),
        (message.Manners(predefined={9}), {}, {"sm_default_msg_id": 9}, 0, 0),
        (message.OURS, {}, {"short_message": b"x" * 255}, Status.ESME_RINVMSGLEN, 0),
        (message.OURS, PAYLOAD, {}, Status.ESME_RTLVNOTALLWD, 0),
        (message.Manners(both_texts=True), PAYLOAD, {}, 0, 0),
        (message.Manners(registered_delivery=True), {}, {"registered_delivery": 3},
         Status.ESME_RINVREGDLVFLG, 0),
    ],
)  # fmt: skip
def test_what_a_replacement_says(
    manners: message.Manners, tlvs: dict[int, bytes], fields: dict[str, Any], in_34: int, in_50: int
) -> None:
    values = {"message_id": b"1", "short_message": b"x"} | fields
    pdu = decoded(encode(Command.REPLACE_SM, 7, 0, tuple(tlvs.items()), **values))
    assert message.check_replacement(pdu, V34, NOW, manners) == in_34
    assert message.check_replacement(pdu, V50, NOW, manners) == in_50


@pytest.mark.parametrize(
    ("tlvs", "fields", "status"),
    [
        (None, {}, 0),
        ({Tag.MESSAGE_PAYLOAD: b""}, {}, 0),
        ({}, {}, Status.ESME_RMISSINGTLV),
        (None, {"source_addr": b"1" * 64}, 0),
        (None, {"source_addr_npi": 2}, Status.ESME_RINVSRCNPI),
        (None, {"destination_addr": b""}, Status.ESME_RINVDSTADR),
        (None, {"esm_class": 0x02}, Status.ESME_RINVESMCLASS),
        (None, {"esm_class": 0x40}, Status.ESME_RINVESMCLASS),
        (None, {"data_coding": 8}, Status.ESME_RINVMSGLEN),
        (None, {"data_coding": 0x0B}, Status.ESME_RINVDCS),
        (PAYLOAD | sar(1, 2), {}, Status.ESME_RINVTLVVAL),
        (PAYLOAD | {Tag.QOS_TIME_TO_LIVE: b"\0\0\0\0"}, {}, Status.ESME_RINVEXPIRY),
    ],
)
def test_data_sm_goes_by_the_same_rules(
    tlvs: dict[int, bytes] | None, fields: dict[str, Any], status: int
) -> None:
    assert message.check(data_sm(tlvs, **fields), V34, NOW) == status


# -- all of it --

VECTORS = json.loads((Path(__file__).parent / "vectors" / "pdus.json").read_text())
BAD = [
    v for v in VECTORS["bad"] if v["id"] in {"N12", "N13", "N25", *(f"N{n}" for n in range(18, 25))}
]


@pytest.mark.parametrize("vector", BAD, ids=lambda v: v["id"])
def test_bad_vectors_get_their_answer(vector: dict[str, str]) -> None:
    (pdu,) = Decoder().feed(bytes.fromhex(vector["hex"]))
    status = pdu.decode() or message.check(pdu, V34, NOW)
    answer = header_only(pdu.command_id | RESPONSE, status, pdu.sequence_number)
    assert answer.hex() == vector["answer"]


@pytest.mark.parametrize(
    "vector",
    [v for v in VECTORS["good"] if v["fields"]["command"] == "submit_sm"],
    ids=lambda v: v["id"],
)
def test_good_vectors_pass(vector: dict[str, str]) -> None:
    (pdu,) = Decoder().feed(bytes.fromhex(vector["hex"]))
    assert pdu.decode() == 0
    assert message.check(pdu, V50, NOW) == 0


ODD = {
    "source_addr_ton": st.sampled_from([0, 1, 2, 5, 6, 7]),
    "source_addr_npi": st.sampled_from([0, 1, 2, 14, 18]),
    "source_addr": st.sampled_from([b"", b"447700900001", b"+1", b"ACME", b"1.2.3.4", b"A" * 12]),
    "dest_addr_ton": st.sampled_from([0, 1, 5, 7]),
    "dest_addr_npi": st.sampled_from([0, 1, 7, 14]),
    "destination_addr": st.sampled_from([b"", b"447700900123", b"+1", b"x", b"1.2.3.4"]),
    "esm_class": st.integers(0, 255),
    "priority_flag": st.integers(0, 4),
    "schedule_delivery_time": st.sampled_from([b"", at(-9), at(9), b"000000000001000R"]),
    "validity_period": st.one_of(
        st.sampled_from([b"", at(-9), at(9), b"0" * 15 + b"R", b"301301000000000+"]),
        st.from_regex(rb"0[01][01]\d[0-3]\d[0-2]\d[0-6]\d[0-6]\d\d{3}R", fullmatch=True),
    ),
    "registered_delivery": st.integers(0, 255),
    "replace_if_present_flag": st.sampled_from([0, 0, 0, 1, 2]),
    "data_coding": st.integers(0, 255),
    "sm_default_msg_id": st.sampled_from([0, 0, 0, 1]),
    "short_message": st.sampled_from([b"", b"x", b"xx", UDH + b"x", bytes(254), bytes(255)]),
}
SOME = st.dictionaries(st.sampled_from([*ODD]), st.none(), max_size=3).flatmap(
    lambda names: st.fixed_dictionaries({name: ODD[name] for name in names})
)
PAYLOADS = [{Tag.MESSAGE_PAYLOAD: octets} for octets in (b"", b"x", UDH, UDH + b"xy", b"\xffx")]
TLV_SETS = st.sampled_from(
    [{}, {}, *PAYLOADS, {**PAYLOAD, **sar(2, 0)}, sar(2, 0), {Tag.QOS_TIME_TO_LIVE: bytes(4)}]
)


@given(SOME, TLV_SETS, st.sampled_from([V33, V34, V50]))
def test_the_quick_way_agrees_with_the_rules(
    fields: dict[str, Any], tlvs: dict[int, bytes], version: int
) -> None:
    pdu = submit(tlvs, **fields)
    by_rules = message._judge(pdu, version, NOW, message.OURS, fields_sound=False)
    assert message.check(pdu, version, NOW) == by_rules


def test_plain_messages_take_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def unexpected(*_: object, **__: object) -> int:
        raise AssertionError

    monkeypatch.setattr(message, "_judge", unexpected)
    plain: list[dict[str, Any]] = [
        {},
        {"source_addr_ton": 5, "source_addr_npi": 0, "source_addr": b"ACME"},
        {"data_coding": 8, "short_message": b"\x04\x1f" * 70},
        {"validity_period": b"000001000000000R", "registered_delivery": 1, "esm_class": 3},
        {"short_message": UDH + b"x", "esm_class": 0x40},
    ]
    for fields in plain:
        assert message.check(submit(**fields), V34, NOW) == 0
    assert message.check(submit(PAYLOAD, short_message=b""), V34, NOW) == 0


# -- addresses and times --


@pytest.mark.parametrize(
    ("ton", "address", "bare"),
    [
        (1, b"+447700900123", b"447700900123"),
        (0, b"+447700900123", b"447700900123"),
        (1, b"447700900123", b"447700900123"),
        (5, b"+ACME", b"+ACME"),
        (2, b"+1", b"+1"),
        (1, b"", b""),
    ],
)
def test_a_plus_is_no_part_of_an_address(ton: int, address: bytes, bare: bytes) -> None:
    assert message.bare_address(ton, address) == bare


HOURS = times.HOUR
LIFETIMES: list[tuple[dict[str, bytes], dict[int, bytes], int, int]] = [
    # fields, TLVs, due and expiry in ms from now, with 24 h by default and 72 h at most.
    ({}, {}, 0, 24 * HOURS),
    ({"validity_period": b"000000010000000R"}, {}, 0, 1 * HOURS),
    ({"validity_period": b"000007000000000R"}, {}, 0, 72 * HOURS),
    ({"validity_period": at(90)}, {}, 0, 90_000 - 50),
    ({}, {Tag.QOS_TIME_TO_LIVE: b"\0\0\0\x3c"}, 0, 60_000),
    (
        {"validity_period": b"000000010000000R"}, {Tag.QOS_TIME_TO_LIVE: b"\0\0\0\x3c"}, 0, 60_000
    ),
    ({}, {Tag.QOS_TIME_TO_LIVE: b"\xff\xff\xff\xff"}, 0, 72 * HOURS),
    ({"schedule_delivery_time": at(-5)}, {}, 0, 24 * HOURS),
    ({"schedule_delivery_time": b"000002000000000R"}, {}, 48 * HOURS, 72 * HOURS),
    (
        {"schedule_delivery_time": b"000002000000000R", "validity_period": b"000009000000000R"},
        {}, 48 * HOURS, 120 * HOURS,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "tlvs", "due", "expiry"), LIFETIMES)
def test_when_a_message_is_due_and_over(
    fields: dict[str, bytes], tlvs: dict[int, bytes], due: int, expiry: int
) -> None:
    pdu = submit(tlvs, **fields)
    assert message.due(pdu, NOW) - NOW == due
    assert message.expiry(pdu, NOW, 24 * HOURS, 72 * HOURS) - NOW == expiry


def test_a_data_sm_lives_by_its_tlv() -> None:
    pdu = data_sm(PAYLOAD | {Tag.QOS_TIME_TO_LIVE: b"\0\0\x0e\x10"})
    assert not isinstance(pdu, Message)
    assert message.due(pdu, NOW) == NOW
    assert message.expiry(pdu, NOW, 24 * HOURS, 72 * HOURS) == NOW + HOURS


# -- another message out of one --


def test_a_changed_message_keeps_all_else() -> None:
    vendor = (0x1401, b"\0vendor")
    octets = encode(Command.DELIVER_SM, 9, 0, (vendor, vendor), **PLAIN, esm_class=0x40)
    before = Message.from_raw(octets)
    after = message.changed(before, source_addr=b"ACME", source_addr_ton=5)
    assert after.fields == before.fields | {"source_addr": b"ACME", "source_addr_ton": 5}
    assert (after.tlvs, after.command_id) == ((vendor, vendor), Command.DELIVER_SM)
    assert message.changed(before).raw == octets
    with pytest.raises(ValueError):
        message.changed(before, source_addr=b"4" * 21)
