"""PDUs: types, header, commands, bodies, the limits of fields, TLVs.

What a body holds is read by the server's own decoder and compared with the vectors' fields, which
independent codecs agreed on; what a limit costs is asked of the running server.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import raw
from cases import CLOSES, Case, by_name, opened, play
from loopback import Carrier, Server
from raw import (
    GOOD,
    VECTORS,
    accepted,
    bind,
    bound,
    cancel,
    cstr,
    data,
    multi,
    nack,
    pdu,
    query,
    refused,
    replace,
    sm,
    tlv,
)

from smsc._pdu import Decoder, encode, known
from smsc.smpp import Command

TYPES = [
    Case(
        "C-string as long as its type", "trx", sm(source_addr=b"1" * 20), accepted()
    ),
    Case("C-string one longer", "trx", sm(source_addr=b"1" * 21), refused(4, raw.SRCADR)),
    Case("empty C-string is one NUL", "trx", sm(service_type=b""), accepted()),
    Case("time of 16 characters", "trx", sm(validity_period=b"000000010000000R"), accepted()),
    Case("time of none", "trx", sm(validity_period=b""), accepted()),
    Case("time of one character", "trx", sm(validity_period=b"0"), refused(4, raw.EXPIRY)),
    Case("octets with NULs in them", "trx", sm(text=b"a\0b\0"), accepted()),
    Case("octets of length 0", "trx", sm(text=b""), accepted()),
    Case(
        "TLVs in any order", "trx",
        sm(tlvs=tlv(0x0427, b"\2") + tlv(0x0204, b"ab") + tlv(0x0005, b"\1")), accepted(),
    ),
    Case("TLV of length 0", "trx", sm(tlvs=tlv(0x130C)), accepted()),
]  # fmt: skip

HEADER = [
    Case(
        "command_status of a request is ignored", "trx", pdu(raw.ENQUIRE, 6, status=0x58),
        pdu(raw.ENQUIRE | raw.RESP),
    ),
    Case(
        "sequence_number 0x7FFFFFFF", "trx", sm(sequence=0x7FFFFFFF),
        accepted(sequence=0x7FFFFFFF),
    ),
    Case("dispatch on all 32 bits of command_id", "trx", pdu(0x01000004), nack(raw.CMDID)),
    Case("vendor's command_id", "trx", pdu(0x000102FF), nack(raw.CMDID)),
    Case("vendor's response id", "trx", pdu(0x80010200), nack(raw.CMDID)),
    Case(
        "PDU as long as the longest legal one", "trx",
        multi(*[raw.to(b"9" * 20)] * 255, text=b"", tlvs=tlv(raw.PAYLOAD, bytes(65535))),
        refused(raw.MULTI, raw.NUMDESTS),
    ),
    Case("PDU of 131,072 octets", "trx", pdu(0x0A, 6, bytes(131_056)), nack(raw.CMDID)),
    Case(
        "PDU of 131,073 octets", "trx", pdu(raw.SUBMIT, 6, bytes(131_057)), nack(raw.CMDLEN),
        CLOSES,
    ),
    Case(
        "stranger's PDU longer than any bind", "open", pdu(raw.BIND_TRX, 6, bytes(300)),
        nack(raw.CMDLEN), CLOSES, policy="nobody needs more before a bind",
    ),
]  # fmt: skip


@by_name(TYPES)
def test_1_1_types(server: Server, case: Case) -> None:
    play(server, case)


@by_name(HEADER)
def test_1_2_header(server: Server, case: Case) -> None:
    play(server, case)


# -- commands ----------------------------------------------------------------------------------

COMMANDS = {
    "bind_receiver": 0x01,
    "bind_transmitter": 0x02,
    "query_sm": 0x03,
    "submit_sm": 0x04,
    "deliver_sm": 0x05,
    "unbind": 0x06,
    "replace_sm": 0x07,
    "cancel_sm": 0x08,
    "bind_transceiver": 0x09,
    "outbind": 0x0B,
    "enquire_link": 0x15,
    "submit_multi": 0x21,
    "alert_notification": 0x102,
    "data_sm": 0x103,
    "broadcast_sm": 0x111,
    "query_broadcast_sm": 0x112,
    "cancel_broadcast_sm": 0x113,
}
UNANSWERED = ("outbind", "alert_notification")


@pytest.mark.parametrize("name", COMMANDS)
def test_1_3_command(name: str) -> None:
    """Its id and its response's: bit 31 is set; outbind and alert_notification have none."""
    command_id = COMMANDS[name]
    assert Command[name.upper()] == command_id and known(command_id)
    answered = name not in UNANSWERED
    assert known(command_id | raw.RESP) is answered
    if answered:
        assert Command[f"{name}_resp".upper()] == command_id | raw.RESP


def test_1_3_generic_nack() -> None:
    """generic_nack is 0x80000000 and belongs to no request."""
    assert Command.GENERIC_NACK == 0x80000000 and not known(0)


# -- bodies ------------------------------------------------------------------------------------


def octets_of(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


@pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda each: each["id"])
def test_1_4_vector(vector: dict[str, Any]) -> None:
    """The body reads as the independent codecs read it, and is written octet for octet again."""
    octets = GOOD[vector["id"]]
    (read,) = Decoder().feed(octets)
    assert read.decode() == 0
    told = dict(vector["fields"])
    assert Command(read.command_id).name.lower() == told.pop("command")
    assert read.sequence_number == told.pop("seq")
    for name, value in told.items():
        if name in read.fields and name != "short_message":
            assert read.fields[name] == octets_of(value), name
    head = (read.command_id, read.sequence_number, read.command_status)
    assert encode(*head, read.tlvs, **read.fields) == octets


#: Each layout by hand, as the specification prints it: (field, octets of a blank value).
ADDRESS, TEXT = b"\0\0\0", b"\0"
CONTENT = bytes(3) + b"\0\0" + bytes(4) + TEXT
BLANKS: dict[str, bytes] = {
    "bind_receiver": bytes(3) + bytes(3) + b"\0",
    "bind_transmitter": bytes(3) + bytes(3) + b"\0",
    "bind_transceiver": bytes(3) + bytes(3) + b"\0",
    "outbind": bytes(2),
    "submit_sm": b"\0" + ADDRESS * 2 + CONTENT,
    "deliver_sm": b"\0" + ADDRESS * 2 + CONTENT,
    "submit_multi": b"\0" + ADDRESS + b"\1\1" + ADDRESS + CONTENT,
    "data_sm": b"\0" + ADDRESS * 2 + bytes(3),
    "query_sm": b"\0" + ADDRESS,
    "cancel_sm": b"\0\0" + ADDRESS * 2,
    "replace_sm": b"\0" + ADDRESS + b"\0\0" + bytes(2) + TEXT,
    "alert_notification": ADDRESS * 2,
    "unbind": b"",
    "enquire_link": b"",
    "broadcast_sm": b"\0" + ADDRESS + b"\0" + b"\0\0\0" + bytes(3) + raw.BROADCAST_TLVS,
    "query_broadcast_sm": b"\0" + ADDRESS,
    "cancel_broadcast_sm": b"\0\0" + ADDRESS,
    "bind_transceiver_resp": b"\0",
    "submit_sm_resp": b"\0",
    "deliver_sm_resp": b"\0",
    "data_sm_resp": b"\0",
    "submit_multi_resp": b"\0\0",
    "query_sm_resp": b"\0\0\0\0",
    "broadcast_sm_resp": b"\0",
    "query_broadcast_sm_resp": b"\0",
}


@pytest.mark.parametrize("name", BLANKS)
def test_1_4_layout(name: str) -> None:
    """The mandatory parameters, all blank: this many octets, and one fewer is too short."""
    command, body = Command[name.upper()], BLANKS[name]
    (whole,) = Decoder().feed(pdu(command, 1, body))
    assert whole.decode() == 0
    assert whole.fields or not body
    if body and command < raw.RESP:
        mandatory = body.removesuffix(raw.BROADCAST_TLVS)
        (short,) = Decoder().feed(pdu(command, 1, mandatory[:-1]))
        assert short.decode() == raw.CMDLEN


# -- limits ------------------------------------------------------------------------------------

LIMITS = [
    Case("system_id of 15", "open", bind(system_id=b"s" * 15), refused(9, raw.BINDFAIL, 1)),
    Case("system_id of 16", "open", bind(system_id=b"s" * 16), refused(9, raw.SYSID, 1)),
    Case("password of 8", "open", bind(), bound()),
    Case("password of 9", "open", bind(password=b"p" * 9), refused(9, raw.PASWD, 1)),
    Case("system_type of 12", "open", bind(system_type=b"t" * 12), bound()),
    Case("system_type of 13", "open", bind(system_type=b"t" * 13), refused(9, raw.SYSTYP, 1)),
    Case("address_range of 40", "open", bind(address_range=b"1" * 40), bound()),
    Case(
        "address_range of 41", "open", bind(address_range=b"1" * 41),
        refused(9, raw.BINDFAIL, 1), policy="the generic refusal of a bind",
    ),
    Case("service_type of 5", "trx", sm(service_type=b"SERVI"), accepted()),
    Case("service_type of 6", "trx", sm(service_type=b"SERVIC"), refused(4, raw.SERTYP)),
    Case("source_addr of 20", "trx", sm(source_addr=b"1" * 20), accepted()),
    Case("source_addr of 21", "trx", sm(source_addr=b"1" * 21), refused(4, raw.SRCADR)),
    Case("destination_addr of 20", "trx", sm(destination_addr=b"1" * 20), accepted()),
    Case("destination_addr of 21", "trx", sm(destination_addr=b"1" * 21), refused(4, raw.DSTADR)),
    Case(
        "data_sm source_addr of 65", "trx", data(source_addr=b"1" * 65),
        refused(raw.DATA, raw.SRCADR),
    ),
    Case(
        "data_sm destination_addr of 64", "trx", data(destination_addr=b"1" * 64),
        refused(raw.DATA, raw.DSTADR), policy="no network has addresses longer than 20",
    ),
    Case("query_sm message_id of 64", "trx", query(b"1" * 64), refused(raw.QUERY, raw.MSGID)),
    Case("query_sm message_id of 65", "trx", query(b"1" * 65), refused(raw.QUERY, raw.MSGID)),
    Case("cancel_sm message_id of 65", "trx", cancel(b"1" * 65), refused(raw.CANCEL, raw.MSGID)),
    Case(
        "replace_sm message_id of 65", "trx", replace(b"1" * 65),
        refused(raw.REPLACE, raw.MSGID),
    ),
    Case(
        "schedule of 15", "trx", sm(schedule_delivery_time=b"1" * 15), refused(4, raw.SCHED)
    ),
    Case("validity of 15", "trx", sm(validity_period=b"1" * 15), refused(4, raw.EXPIRY)),
    Case(
        "dl_name of 21", "trx", multi(raw.to_list(b"l" * 21)), refused(raw.MULTI, raw.DLNAME)
    ),
    Case("short_message of 254", "trx", sm(text=bytes(254), data_coding=4), accepted()),
    Case("short_message of 255 before 5.0", "trx", sm(text=bytes(255)), refused(4, raw.MSGLEN)),
    Case("short_message of 255 in 5.0", "trx 50", sm(text=bytes(255), data_coding=4), accepted()),
]  # fmt: skip


@by_name(LIMITS)
def test_1_5_limit(server: Server, case: Case) -> None:
    play(server, case)


# -- TLVs --------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A TLV: its tag, the shortest and the longest value, and the PDUs that it means something in.

    S submit_sm, M submit_multi, D data_sm, L deliver_sm, B broadcast_sm, R the response to a
    submit_sm, Q query_broadcast_sm_resp, A alert_notification, T a bind's response, b
    broadcast_sm_resp.
    """

    name: str
    tag: int
    shortest: int
    longest: int
    where: str


ROWS = [
    Row("dest_addr_subunit", 0x0005, 1, 1, "SMDLB"),
    Row("dest_network_type", 0x0006, 1, 1, "SMD"),
    Row("dest_bearer_type", 0x0007, 1, 1, "SMD"),
    Row("dest_telematics_id", 0x0008, 2, 2, "SMD"),
    Row("source_addr_subunit", 0x000D, 1, 1, "SMDLB"),
    Row("source_network_type", 0x000E, 1, 1, "SMD"),
    Row("source_bearer_type", 0x000F, 1, 1, "SMD"),
    Row("source_telematics_id", 0x0010, 1, 1, "SMD"),
    Row("qos_time_to_live", 0x0017, 4, 4, "SMD"),
    Row("payload_type", 0x0019, 1, 1, "SMDLB"),
    Row("additional_status_info_text", 0x001D, 1, 256, "R"),
    Row("receipted_message_id", 0x001E, 1, 65, "DL"),
    Row("ms_msg_wait_facilities", 0x0030, 1, 1, "SMD"),
    Row("privacy_indicator", 0x0201, 1, 1, "SMDLB"),
    Row("source_subaddress", 0x0202, 2, 23, "SMDLB"),
    Row("dest_subaddress", 0x0203, 2, 23, "SDLB"),
    Row("user_message_reference", 0x0204, 2, 2, "SMDLBQ"),
    Row("user_response_code", 0x0205, 1, 1, "SDL"),
    Row("source_port", 0x020A, 2, 2, "SMDLB"),
    Row("destination_port", 0x020B, 2, 2, "SMDLB"),
    Row("sar_msg_ref_num", 0x020C, 2, 2, "SMDL"),
    Row("language_indicator", 0x020D, 1, 1, "SMDLB"),
    Row("sar_total_segments", 0x020E, 1, 1, "SMDL"),
    Row("sar_segment_seqnum", 0x020F, 1, 1, "SMDL"),
    Row("sc_interface_version", 0x0210, 1, 1, "T"),
    Row("callback_num_pres_ind", 0x0302, 1, 1, "SMDLB"),
    Row("callback_num_atag", 0x0303, 1, 65, "SMDLB"),
    Row("number_of_messages", 0x0304, 1, 1, "SMD"),
    Row("callback_num", 0x0381, 4, 19, "SMDLB"),
    Row("dpf_result", 0x0420, 1, 1, "RL"),
    Row("set_dpf", 0x0421, 1, 1, "SMD"),
    Row("ms_availability_status", 0x0422, 1, 1, "A"),
    Row("network_error_code", 0x0423, 3, 3, "LR"),
    Row("message_payload", 0x0424, 0, 65535, "SMDLB"),
    Row("delivery_failure_reason", 0x0425, 1, 1, "R"),
    Row("more_messages_to_send", 0x0426, 1, 1, "SMD"),
    Row("message_state", 0x0427, 1, 1, "LQ"),
    Row("congestion_state", 0x0428, 1, 1, "RTQb"),
    Row("ussd_service_op", 0x0501, 1, 1, "SMDL"),
    Row("broadcast_channel_indicator", 0x0600, 1, 1, "B"),
    Row("broadcast_content_type", 0x0601, 3, 3, "B"),
    Row("broadcast_content_type_info", 0x0602, 1, 255, "B"),
    Row("broadcast_message_class", 0x0603, 1, 1, "B"),
    Row("broadcast_rep_num", 0x0604, 2, 2, "B"),
    Row("broadcast_frequency_interval", 0x0605, 3, 3, "B"),
    Row("broadcast_area_identifier", 0x0606, 1, 101, "BbQ"),
    Row("broadcast_error_status", 0x0607, 4, 4, "b"),
    Row("broadcast_area_success", 0x0608, 1, 1, "Q"),
    Row("broadcast_end_time", 0x0609, 16, 17, "Q"),
    Row("broadcast_service_group", 0x060A, 1, 255, "B"),
    Row("billing_identification", 0x060B, 1, 1024, "SMD"),
    Row("source_network_id", 0x060D, 7, 65, "SMDL"),
    Row("dest_network_id", 0x060E, 7, 65, "SMDL"),
    Row("source_node_id", 0x060F, 6, 6, "SMDL"),
    Row("dest_node_id", 0x0610, 6, 6, "SMDL"),
    Row("dest_addr_np_resolution", 0x0611, 1, 1, "SMDL"),
    Row("dest_addr_np_information", 0x0612, 10, 10, "SMDL"),
    Row("dest_addr_np_country", 0x0613, 1, 5, "SMDL"),
    Row("display_time", 0x1201, 1, 1, "SMDB"),
    Row("sms_signal", 0x1203, 2, 2, "SMDB"),
    Row("ms_validity", 0x1204, 1, 4, "SMDB"),
    Row("alert_on_message_delivery", 0x130C, 0, 1, "SMDB"),
    Row("its_reply_type", 0x1380, 1, 1, "SMDL"),
    Row("its_session_info", 0x1383, 2, 2, "SMDL"),
]
IN = {
    "S": "submit_sm",
    "M": "submit_multi",
    "D": "data_sm",
    "L": "deliver_sm",
    "B": "broadcast_sm",
    "R": "submit_sm_resp",
    "Q": "query_broadcast_sm_resp",
    "A": "alert_notification",
    "T": "bind_transceiver_resp",
    "b": "broadcast_sm_resp",
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_1_6_tlv(row: Row) -> None:
    """Its tag and lengths: in requests too short or too long is ESME_RINVTLVLEN."""
    for letter in row.where:
        command = Command[IN[letter].upper()]
        blank = BLANKS[IN[letter]]

        def decoded(length: int, command: int = command, blank: bytes = blank) -> tuple[int, bool]:
            area = tlv(row.tag, b"1" * length)
            # The blank broadcast has those it can't be without, and the first of two counts.
            body = blank.removesuffix(raw.BROADCAST_TLVS) + area
            body += raw.BROADCAST_TLVS if blank.endswith(raw.BROADCAST_TLVS) else b""
            (read,) = Decoder().feed(pdu(command, 1, body))
            status = read.decode()
            return status, read.tlv(row.tag) == b"1" * length

        assert decoded(row.shortest) == (0, True), IN[letter]
        assert decoded(row.longest) == (0, True)
        for wrong in (row.shortest - 1, row.longest + 1):
            if 0 <= wrong <= 65535:
                # A response can't be answered: it loses the TLV and stands.
                lost = 0 if command & raw.RESP else raw.TLVLEN
                assert decoded(wrong) == (lost, False)


TLV_RULES = [
    Case("unknown tag is skipped", "trx", sm(tlvs=tlv(0x0999, b"?")), accepted()),
    Case(
        "known tag of another PDU is ignored, whatever its length", "trx",
        sm(tlvs=tlv(0x0210, b"too long")), accepted(),
    ),
    Case("wrong length of an expected tag", "trx", sm(tlvs=tlv(0x020A, b"1")), refused(4, 0xC2)),
    Case("required TLV is absent", "trx", data(tlvs=b""), refused(raw.DATA, raw.MISSINGTLV)),
    Case("octets left over", "trx", sm(tlvs=b"\0\0\0"), refused(4, raw.TLVSTREAM)),
    Case("length beyond the PDU", "trx", sm(tlvs=b"\2\4\0\3ab"), refused(4, raw.TLVSTREAM)),
    Case(
        "illegal value", "trx",
        sm(tlvs=tlv(0x020C, b"\0\1") + tlv(0x020E, b"\2") + tlv(0x020F, b"\3")),
        refused(4, raw.TLVVAL),
    ),
    Case(
        "SAR TLVs count only together", "trx", sm(tlvs=tlv(0x020C, b"\0\1") + tlv(0x020F, b"\3")),
        accepted(),
    ),
    Case(
        "callback_num repeats", "trx", sm(tlvs=tlv(0x0381, b"\1\1\1123") * 3), accepted()
    ),
]  # fmt: skip


@by_name(TLV_RULES)
def test_1_6_rule(server: Server, case: Case) -> None:
    play(server, case)


@pytest.mark.parametrize(
    ("area", "arrives"),
    [
        (tlv(0x1501, b"end\0"), tlv(0x1501, b"end\0")),
        (tlv(0x0999, b"?"), tlv(0x0999, b"?")),
        (tlv(0x0381, b"\1\1\1111") + tlv(0x0381, b"\1\1\1222"),) * 2,
    ],
    ids=["vendor TLV with its last NUL", "unknown TLV", "repeated TLV in order"],
)
def test_1_6_passed_on(server: Server, north: Carrier, area: bytes, arrives: bytes) -> None:
    """Goes to the carrier as it came."""
    destination = b"99916" + bytes([48 + len(area)]).hex().encode()
    with opened(server, "trx") as client:
        client.submit(destination_addr=destination, tlvs=area)
    taken = north.submitted(destination)
    assert taken.endswith(arrives)
    north.answer(taken)


def test_1_6_none_to_3_3(server: Server) -> None:
    """A session of 3.3 is sent no TLV: its bind's answer has none."""
    with opened(server, "open") as client:
        assert client.ask(bind(version=0x33)) == pdu(raw.BIND_TRX | raw.RESP, 1, cstr(b"smsc"))
