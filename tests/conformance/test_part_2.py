"""command_status: values and their down-mapping, bodies of errors, the order of checks, situations.

2.4 is asked of the running server, row by row; where an account, a limit or a state of the server
is part of the situation, the row says in which session it begins.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import raw
from cases import CLOSES, Case, by_name, play, tell
from loopback import Carrier, Client, Server
from raw import (
    accepted,
    bind,
    broadcast,
    cancel,
    cut,
    data,
    header,
    multi,
    nack,
    pdu,
    query,
    refused,
    replace,
    sm,
    tlv,
)

from smsc.session import expressible
from smsc.smpp import Command, Status, Version
from tests.helpers import Edge

#: command_status by name, from the specifications' tables.
VALUES = {
    "ESME_ROK": 0x00,
    "ESME_RINVMSGLEN": 0x01,
    "ESME_RINVCMDLEN": 0x02,
    "ESME_RINVCMDID": 0x03,
    "ESME_RINVBNDSTS": 0x04,
    "ESME_RALYBND": 0x05,
    "ESME_RINVPRTFLG": 0x06,
    "ESME_RINVREGDLVFLG": 0x07,
    "ESME_RSYSERR": 0x08,
    "ESME_RINVSRCADR": 0x0A,
    "ESME_RINVDSTADR": 0x0B,
    "ESME_RINVMSGID": 0x0C,
    "ESME_RBINDFAIL": 0x0D,
    "ESME_RINVPASWD": 0x0E,
    "ESME_RINVSYSID": 0x0F,
    "ESME_RCANCELFAIL": 0x11,
    "ESME_RREPLACEFAIL": 0x13,
    "ESME_RMSGQFUL": 0x14,
    "ESME_RINVSERTYP": 0x15,
    "ESME_RINVNUMDESTS": 0x33,
    "ESME_RINVDLNAME": 0x34,
    "ESME_RINVDESTFLAG": 0x40,
    "ESME_RINVSUBREP": 0x42,
    "ESME_RINVESMCLASS": 0x43,
    "ESME_RCNTSUBDL": 0x44,
    "ESME_RSUBMITFAIL": 0x45,
    "ESME_RINVSRCTON": 0x48,
    "ESME_RINVSRCNPI": 0x49,
    "ESME_RINVDSTTON": 0x50,
    "ESME_RINVDSTNPI": 0x51,
    "ESME_RINVSYSTYP": 0x53,
    "ESME_RINVREPFLAG": 0x54,
    "ESME_RINVNUMMSGS": 0x55,
    "ESME_RTHROTTLED": 0x58,
    "ESME_RINVSCHED": 0x61,
    "ESME_RINVEXPIRY": 0x62,
    "ESME_RINVDFTMSGID": 0x63,
    "ESME_RX_T_APPN": 0x64,
    "ESME_RX_P_APPN": 0x65,
    "ESME_RX_R_APPN": 0x66,
    "ESME_RQUERYFAIL": 0x67,
    "ESME_RINVTLVSTREAM": 0xC0,
    "ESME_RTLVNOTALLWD": 0xC1,
    "ESME_RINVTLVLEN": 0xC2,
    "ESME_RMISSINGTLV": 0xC3,
    "ESME_RINVTLVVAL": 0xC4,
    "ESME_RDELIVERYFAILURE": 0xFE,
    "ESME_RUNKNOWNERR": 0xFF,
    "ESME_RSERTYPUNAUTH": 0x100,
    "ESME_RPROHIBITED": 0x101,
    "ESME_RSERTYPUNAVAIL": 0x102,
    "ESME_RSERTYPDENIED": 0x103,
    "ESME_RINVDCS": 0x104,
    "ESME_RINVSRCADDRSUBUNIT": 0x105,
    "ESME_RINVDSTADDRSUBUNIT": 0x106,
    "ESME_RINVBCASTFREQINT": 0x107,
    "ESME_RINVBCASTALIAS_NAME": 0x108,
    "ESME_RINVBCASTAREAFMT": 0x109,
    "ESME_RINVNUMBCAST_AREAS": 0x10A,
    "ESME_RINVBCASTCNTTYPE": 0x10B,
    "ESME_RINVBCASTMSGCLASS": 0x10C,
    "ESME_RBCASTFAIL": 0x10D,
    "ESME_RBCASTQUERYFAIL": 0x10E,
    "ESME_RBCASTCANCELFAIL": 0x10F,
    "ESME_RINVBCAST_REP": 0x110,
    "ESME_RINVBCASTSRVGRP": 0x111,
    "ESME_RINVBCASTCHANIND": 0x112,
}


def test_2_1_values() -> None:
    """Every command_status of 3.4 and 5.0, by name and value."""
    assert {status.name: status.value for status in Status} == VALUES


MAPPED = [
    *[(0x100, "submit_sm", 0x15, 0x15), (0x102, "submit_sm", 0x15, 0x15)],
    *[(0x103, "submit_sm", 0x15, 0x15), (0x101, "submit_sm", 0x45, 0x45)],
    *[(0x101, "cancel_sm", 0x11, 0x11), (0x101, "replace_sm", 0x13, 0x13)],
    *[(0x101, "query_sm", 0x67, 0x67), (0x104, "submit_sm", 0x45, 0x45)],
    *[(0x105, "submit_sm", 0xC4, 0x45), (0x106, "submit_sm", 0xC4, 0x45)],
    *[(0xC0, "submit_sm", 0xC0, 0x02), (0xC1, "submit_sm", 0xC1, 0x45)],
    *[(0xC2, "submit_sm", 0xC2, 0x45), (0xC3, "data_sm", 0xC3, 0x45)],
    *[(0xC4, "submit_sm", 0xC4, 0x45), (0x58, "submit_sm", 0x58, 0x58)],
]


@pytest.mark.by_policy("an older peer is told what it knows")
@pytest.mark.parametrize(
    ("status", "command", "in_34", "in_33"), MAPPED, ids=[f"{m[0]:#x} {m[1]}" for m in MAPPED]
)
def test_2_1_down_mapping(status: int, command: str, in_34: int, in_33: int) -> None:
    """What a session of 3.4 and of 3.3 is sent in place of a newer command_status."""
    command_id = Command[command.upper()]
    told = [expressible(status, version, command_id) for version in Version]
    assert told == [in_33, in_34, status]


DOWN = [
    Case("data_coding in 5.0", "trx 50", sm(data_coding=0x0F), refused(4, raw.DCS)),
    Case("data_coding in 3.4", "trx 34", sm(data_coding=0x0F), refused(4, raw.SUBMITFAIL)),
    Case("data_coding in 3.3", "trx 33", sm(data_coding=0x0F), refused(4, raw.SUBMITFAIL)),
    Case("broken TLVs in 3.3", "trx 33", sm(tlvs=b"\0"), refused(4, raw.CMDLEN)),
    Case("wrong TLV in 3.3", "trx 33", sm(tlvs=tlv(0x020A)), refused(4, raw.SUBMITFAIL)),
]


@by_name(DOWN)
def test_2_1_on_the_wire(server: Server, case: Case) -> None:
    play(server, case)


# -- 2.2 ---------------------------------------------------------------------------------------

BODIES = [
    Case("refused bind", "open", bind(password=b"no"), refused(9, raw.BINDFAIL, 1)),
    Case("refused submit_sm", "trx", sm(destination_addr=b""), refused(4, raw.DSTADR)),
    Case("refused data_sm", "trx", data(tlvs=b""), refused(raw.DATA, raw.MISSINGTLV)),
    Case("refused query_sm", "trx", query(b"nope"), refused(raw.QUERY, raw.MSGID)),
    Case(
        "submit_multi, all refused alike",
        "trx",
        multi(raw.to(b"no1"), raw.to(b"no2")),
        refused(raw.MULTI, raw.DSTADR),
        policy="the status that all share, else ESME_RSUBMITFAIL",
    ),
    Case("positive submit_sm_resp has its id", "trx", sm(), accepted()),
    Case("positive bind response has our name", "open", bind(), raw.bound()),
]


@by_name(BODIES)
def test_2_2_body(server: Server, case: Case) -> None:
    play(server, case)


def test_2_2_submit_multi_in_part(connect: Callable[[], Client]) -> None:
    """submit_multi with some destinations refused: status 0, an id, and the list of them."""
    answer = connect().bind().ask(multi(raw.to(b"447700900123"), raw.to(b"bad")))
    assert header(answer) == (raw.MULTI | raw.RESP, 0, 6)
    after = answer[16:].partition(b"\0")[2]
    assert after == b"\1\1\1bad\0" + raw.word(raw.DSTADR)


# -- 2.3 ---------------------------------------------------------------------------------------

BROKEN = cut(sm(), 30)
ORDER = [
    Case("framing before the command", "trx", b"\0\0\0\4" + bytes(12), nack(2, 0), CLOSES),
    Case("command before the state", "open", pdu(0x0A), nack(raw.CMDID)),
    Case("state before the body", "rx", BROKEN, refused(4, raw.BNDSTS)),
    Case("body before the TLVs", "trx", cut(sm(tlvs=b"\0"), 30), refused(4, raw.CMDLEN)),
    Case(
        "field length before the TLVs", "trx", sm(source_addr=b"1" * 21, tlvs=b"\0"),
        refused(4, raw.SRCADR),
    ),
    Case("TLVs before values", "trx", sm(priority_flag=9, tlvs=b"\0"), refused(4, raw.TLVSTREAM)),
    Case(
        "values in wire order", "trx", sm(source_addr_ton=9, dest_addr_ton=9, priority_flag=9),
        refused(4, raw.SRCTON),
    ),
    Case(
        "values in wire order, later ones", "trx", sm(priority_flag=9, validity_period=b"0" * 16),
        refused(4, raw.PRTFLG),
    ),
    Case(
        "values before TLV values", "trx",
        sm(
            priority_flag=9,
            tlvs=tlv(0x020C, b"ab") + tlv(0x020E, b"\2") + tlv(0x020F, b"\3"),
        ),
        refused(4, raw.PRTFLG),
    ),
    Case(
        "values before what must fit together", "trx",
        sm(sm_default_msg_id=9, esm_class=0x40, text=b"\x09"), refused(4, raw.DFTMSGID),
    ),
    Case(
        "values before the account's rights", "trx 34 silent",
        sm(priority_flag=9, registered_delivery=1), refused(4, raw.PRTFLG),
    ),
]  # fmt: skip


@by_name(ORDER)
def test_2_3_order(server: Server, case: Case) -> None:
    play(server, case)


def test_2_3_throttle_before_the_body(connect: Callable[[], Client]) -> None:
    """The rate is looked at before the body: a broken PDU beyond it is ESME_RTHROTTLED."""
    client = connect().bind(system_id=b"slow")
    client.ask(sm())
    assert client.ask(BROKEN) == refused(4, raw.THROTTLED)


# -- 2.4 ---------------------------------------------------------------------------------------


def segment(number: int, total: int) -> bytes:
    """The three SAR TLVs."""
    return tlv(0x020C, b"ab") + tlv(0x020E, bytes([total])) + tlv(0x020F, bytes([number]))


LONG_AGO = b"200101000000000+"
SITUATIONS = [
    Case("unknown command", "trx", pdu(0x0A), nack(raw.CMDID)),
    Case("unknown response", "trx", pdu(0x80003302), nack(raw.CMDID)),
    Case("unknown command before a bind", "open", pdu(0x0A), nack(raw.CMDID)),
    Case("command not in this version", "trx 34", broadcast(), nack(raw.CMDID)),
    Case("length below 16", "trx", b"\0\0\0\x0f" + bytes(12), nack(raw.CMDLEN, 0), CLOSES),
    Case(
        "length beyond the maximum", "trx", cut(sm(), 0x00FFFFFF), nack(raw.CMDLEN), CLOSES
    ),
    Case(
        "length beyond the maximum, unknown command", "trx", cut(pdu(0x0A), 0x00FFFFFF),
        nack(raw.CMDLEN, 0), CLOSES,
    ),
    Case("body ends early", "trx", BROKEN, refused(4, raw.CMDLEN)),
    Case("field over its limit", "trx", sm(service_type=b"123456"), refused(4, raw.SERTYP)),
    Case("sm_length beyond the PDU", "trx", sm(sm_length=200), refused(4, raw.MSGLEN)),
    Case("octets left over", "trx", sm(tlvs=b"\0\0"), refused(4, raw.TLVSTREAM)),
    Case("TLV beyond the end", "trx", sm(tlvs=b"\2\4\0\xff"), refused(4, raw.TLVSTREAM)),
    Case(
        "TLVs on enquire_link", "trx", pdu(raw.ENQUIRE, 6, tlv(0x0204, b"ab")),
        pdu(raw.ENQUIRE | raw.RESP), policy="what follows the header is ignored",
    ),
    Case(
        "TLVs on unbind", "trx", pdu(raw.UNBIND, 6, b"??"), pdu(raw.UNBIND | raw.RESP), CLOSES,
        policy="what follows the header is ignored",
    ),
    Case("submit_sm in OPEN", "open", sm(), refused(4, raw.BNDSTS)),
    Case("submit_multi in OPEN", "open", multi(raw.to(b"1")), refused(raw.MULTI, raw.BNDSTS)),
    Case("data_sm in OPEN", "open", data(), refused(raw.DATA, raw.BNDSTS)),
    Case("query_sm in OPEN", "open", query(b"1"), refused(raw.QUERY, raw.BNDSTS)),
    Case("cancel_sm in OPEN", "open", cancel(b"1"), refused(raw.CANCEL, raw.BNDSTS)),
    Case("replace_sm in OPEN", "open", replace(b"1"), refused(raw.REPLACE, raw.BNDSTS)),
    Case("broadcast_sm in OPEN", "open", broadcast(), refused(raw.BROADCAST, raw.BNDSTS)),
    Case("submit_sm on RX", "rx", sm(), refused(4, raw.BNDSTS)),
    Case("submit_multi on RX", "rx", multi(raw.to(b"1")), refused(raw.MULTI, raw.BNDSTS)),
    Case("query_sm on RX", "rx", query(b"1"), refused(raw.QUERY, raw.BNDSTS)),
    Case("cancel_sm on RX", "rx", cancel(b"1"), refused(raw.CANCEL, raw.BNDSTS)),
    Case("replace_sm on RX", "rx", replace(b"1"), refused(raw.REPLACE, raw.BNDSTS)),
    Case("broadcast_sm on RX", "rx 50", broadcast(), refused(raw.BROADCAST, raw.BNDSTS)),
    Case("deliver_sm from an ESME", "trx", sm(raw.DELIVER), refused(raw.DELIVER, raw.BNDSTS)),
    Case(
        "alert_notification from an ESME", "rx", pdu(raw.ALERT), nack(raw.BNDSTS),
        policy="it has no response of its own",
    ),
    Case(
        "outbind from an ESME", "rx", pdu(raw.OUTBIND), nack(raw.BNDSTS),
        policy="it has no response of its own",
    ),
    Case("bind on a bound session", "trx", bind(sequence=6), refused(9, raw.ALYBND)),
    Case(
        "bind on a bound session, another kind, wrong password", "tx",
        bind(raw.BIND_RX, 6, password=b"no"), refused(raw.BIND_RX, raw.ALYBND),
    ),
    Case("system_id too long", "open", bind(system_id=b"x" * 16), refused(9, raw.SYSID, 1)),
    Case("system_type too long", "open", bind(system_type=b"x" * 13), refused(9, 0x53, 1)),
    Case("password too long", "open", bind(password=b"x" * 9), refused(9, raw.PASWD, 1)),
    Case("unknown system_id", "open", bind(system_id=b"who"), refused(9, raw.BINDFAIL, 1)),
    Case(
        "wrong password", "open", bind(password=b"no"), refused(9, raw.BINDFAIL, 1),
        policy="which half was wrong is not told",
    ),
    Case(
        "address not allowed", "open", bind(system_id=b"elsewhere"), refused(9, raw.BINDFAIL, 1)
    ),
    Case(
        "kind of bind not allowed", "open", bind(system_id=b"txonly"),
        refused(9, raw.BINDFAIL, 1),
    ),
    Case("source: illegal characters", "trx", sm(source_addr=b"12x"), refused(4, raw.SRCADR)),
    Case("source: too long", "trx", sm(source_addr=b"1" * 21), refused(4, raw.SRCADR)),
    Case("destination: empty", "trx", sm(destination_addr=b""), refused(4, raw.DSTADR)),
    Case("destination: illegal characters", "trx", sm(destination_addr=b"1 2"), refused(4, 0x0B)),
    Case("destination: too long", "trx", sm(destination_addr=b"1" * 21), refused(4, 0x0B)),
    *[
        Case(f"source TON {ton}", "trx", sm(source_addr_ton=ton), refused(4, raw.SRCTON))
        for ton in (7, 255)
    ],
    *[
        Case(f"source NPI {npi}", "trx", sm(source_addr_npi=npi), refused(4, raw.SRCNPI))
        for npi in (2, 5, 7, 11, 19)
    ],
    *[
        Case(f"destination TON {ton}", "trx", sm(dest_addr_ton=ton), refused(4, raw.DSTTON))
        for ton in (7, 255)
    ],
    *[
        Case(f"destination NPI {npi}", "trx", sm(dest_addr_npi=npi), refused(4, raw.DSTNPI))
        for npi in (2, 5, 7, 11, 19)
    ],
    Case("destination alphanumeric", "trx", sm(dest_addr_ton=5), refused(4, raw.DSTTON)),
    Case("esm_class transaction", "trx", sm(esm_class=2), refused(4, raw.ESMCLASS)),
    Case("esm_class type of 5.0 in 3.4", "trx", sm(esm_class=4), refused(4, raw.ESMCLASS)),
    Case("priority_flag 4", "trx", sm(priority_flag=4), refused(4, raw.PRTFLG)),
    Case(
        "registered_delivery 3 before 5.0", "trx", sm(registered_delivery=3), accepted(),
        policy="read as 5.0 has it: success only",
    ),
    Case("receipts disabled", "trx 34 silent", sm(registered_delivery=1), refused(4, raw.REGDLV)),
    Case(
        "registered_delivery reserved bits", "trx", sm(registered_delivery=0xE0), accepted(),
        policy="masked off",
    ),
    Case("replace_if_present_flag 2", "trx", sm(replace_if_present_flag=2), refused(4, 0x54)),
    Case(
        "replace_if_present_flag in submit_multi of 3.4", "trx",
        multi(raw.to(b"447700900123"), replace_if_present_flag=1), refused(raw.MULTI, raw.REPFLAG),
    ),
    Case("data_coding in 5.0", "trx 50", sm(data_coding=0x0B), refused(4, raw.DCS)),
    Case("data_coding before 5.0", "trx", sm(data_coding=0x0B), refused(4, raw.SUBMITFAIL)),
    Case("sm_default_msg_id unknown", "trx", sm(sm_default_msg_id=1), refused(4, raw.DFTMSGID)),
    Case("sm_default_msg_id 255 in 3.4", "trx", sm(sm_default_msg_id=255), refused(4, 0x63)),
    Case("sm_length 255 in 3.4", "trx", sm(text=bytes(255)), refused(4, raw.MSGLEN)),
    Case("sm_length 255 in 5.0", "trx 50", sm(text=bytes(255), data_coding=4), accepted()),
    Case("two texts in 3.4", "trx", sm(tlvs=tlv(0x0424, b"y")), refused(4, raw.TLVNOTALLWD)),
    Case("two texts in 5.0", "trx 50", sm(tlvs=tlv(0x0424, b"y")), accepted()),
    Case("data_sm without its TLV", "trx", data(tlvs=b""), refused(raw.DATA, raw.MISSINGTLV)),
    Case(
        "SAR TLVs beside a UDH", "trx",
        sm(
            esm_class=0x40,
            text=b"\5\0\3\1\2\1x",
            tlvs=tlv(0x020C, b"ab") + tlv(0x020E, b"\2") + tlv(0x020F, b"\3"),
        ),
        accepted(), policy="the UDH counts",
    ),
    *[
        Case(
            f"segment {number} of {total}", "trx",
            sm(tlvs=segment(number, total)),
            refused(4, raw.TLVVAL),
        )
        for number, total in ((0, 2), (3, 2), (1, 0))
    ],
    Case("no destinations", "trx", multi(), refused(raw.MULTI, raw.NUMDESTS)),
    Case(
        "255 destinations in 3.4", "trx", multi(*[raw.to(b"1")] * 255),
        refused(raw.MULTI, raw.NUMDESTS),
    ),
    Case("dest_flag 0", "trx", multi(b"\0" + b"1\0"), refused(raw.MULTI, raw.DESTFLAG)),
    Case("dl_name unknown", "trx", multi(raw.to_list(b"nobody")), refused(raw.MULTI, raw.DLNAME)),
    Case(
        "schedule malformed", "trx", sm(schedule_delivery_time=b"301301000000000+"),
        refused(4, raw.SCHED),
    ),
    Case(
        "validity impossible", "trx", sm(validity_period=b"300229000000000+"),
        refused(4, raw.EXPIRY),
    ),
    Case(
        "validity beyond the limit", "trx 34 brief", sm(validity_period=b"000030000000000R"),
        accepted(), policy="cut to the account's limit",
    ),
    Case(
        "schedule in the past", "trx", sm(schedule_delivery_time=LONG_AGO), accepted(),
        policy="sent now",
    ),
    Case("expiry in the past", "trx", sm(validity_period=LONG_AGO), refused(4, raw.EXPIRY)),
    Case(
        "expiry before the schedule", "trx",
        sm(schedule_delivery_time=b"000000020000000R", validity_period=b"000000010000000R"),
        refused(4, raw.EXPIRY),
    ),
    Case("query_sm: unknown id", "trx", query(b"nope"), refused(raw.QUERY, raw.MSGID)),
    Case("cancel_sm: unknown id", "trx", cancel(b"nope"), refused(raw.CANCEL, raw.MSGID)),
    Case(
        "cancel_sm: nothing matches", "trx", cancel(source_addr=b"999000000000"),
        refused(raw.CANCEL, raw.CANCELFAIL), policy="ESME_RCANCELFAIL",
    ),
    Case("replace_sm: unknown id", "trx", replace(b"nope"), refused(raw.REPLACE, raw.MSGID)),
    Case("unbind", "trx", pdu(raw.UNBIND), pdu(raw.UNBIND | raw.RESP), CLOSES),
    Case("unbind in OPEN", "open", pdu(raw.UNBIND), refused(raw.UNBIND, raw.BNDSTS)),
    *[
        Case(f"enquire_link, {how}", how, pdu(raw.ENQUIRE), pdu(raw.ENQUIRE | raw.RESP))
        for how in ("open", "tx", "rx", "trx")
    ],
    Case("response to nothing", "trx", pdu(raw.DELIVER | raw.RESP, 77, b"\0")),
    Case("generic_nack of nothing", "trx", nack(raw.CMDID, 77)),
]  # fmt: skip


@by_name(SITUATIONS)
def test_2_4(server: Server, case: Case) -> None:
    play(server, case)


def test_2_4_three_refused_binds(connect: Callable[[], Client]) -> None:
    """A refused bind leaves the session OPEN; the third one ends it."""
    client = connect()
    client.send(*[bind(sequence=n, password=b"no") for n in (1, 2, 3)])
    assert client.rest() == [refused(9, raw.BINDFAIL, n) for n in (1, 2, 3)]


@pytest.mark.by_policy("ESME_RBINDFAIL")
def test_2_4_too_many_sessions(connect: Callable[[], Client]) -> None:
    """More sessions than the account may have: ESME_RBINDFAIL."""
    connect().bind(system_id=b"single")
    assert connect().ask(bind(system_id=b"single")) == refused(9, raw.BINDFAIL, 1)


def test_2_4_rate_limit(connect: Callable[[], Client]) -> None:
    """Beyond the account's rate: ESME_RTHROTTLED, header only, nothing done."""
    client = connect().bind(system_id=b"slow")
    assert client.ask(*[sm()] * 3)
    assert client.read() == refused(4, raw.THROTTLED)


def test_2_4_queue_full(connect: Callable[[], Client]) -> None:
    """More waiting than the account may have: ESME_RMSGQFUL."""
    client = connect().bind(system_id=b"full")
    client.submit()
    assert client.ask(sm()) == refused(4, raw.MSGQFUL)


@pytest.mark.by_policy("back-pressure; ESME_RTHROTTLED when it lasts")
def test_2_4_window_exceeded() -> None:
    """More unanswered than the window: the socket is read no further until answers have left."""
    edge = Edge(window=2)
    wire = edge.bound()
    wire.send(*[sm(sequence=n) for n in range(3)])
    assert not wire.transport.reading
    edge.stage.durable()
    assert wire.transport.reading
    edge.close()


def test_2_4_shutting_down_at_a_bind() -> None:
    """A bind while the server shuts down: ESME_RSYSERR."""
    edge = Edge()
    wire = edge.connect()
    edge.listener.stopping = True
    assert wire.exchange(bind()) == refused(9, raw.SYSERR, 1)
    edge.close()


def test_2_4_no_route() -> None:
    """A destination without a route: ESME_RINVDSTADR."""
    edge = Edge()
    edge.keeper.refusal = raw.DSTADR
    assert edge.bound().exchange(sm()) == refused(4, raw.DSTADR)
    edge.close()


def test_2_4_known_but_another_source(connect: Callable[[], Client]) -> None:
    """query_sm with another source 67, cancel_sm 11, replace_sm 13."""
    client = connect().bind()
    name = client.submit()
    wrong = {"source_addr": b"447700900777"}
    assert client.ask(query(name, **wrong)) == refused(raw.QUERY, raw.QUERYFAIL)
    assert client.ask(cancel(name, **wrong)) == refused(raw.CANCEL, raw.CANCELFAIL)
    assert client.ask(replace(name, **wrong)) == refused(raw.REPLACE, raw.REPLACEFAIL)


def test_2_4_another_accounts_message(connect: Callable[[], Client], account: bytes) -> None:
    """A message of another account does not exist: ESME_RINVMSGID."""
    name = connect().bind().submit()
    other = connect().bind(system_id=account)
    assert other.ask(query(name)) == refused(raw.QUERY, raw.MSGID)
    assert other.ask(cancel(name)) == refused(raw.CANCEL, raw.MSGID)
    assert other.ask(replace(name)) == refused(raw.REPLACE, raw.MSGID)


# -- 2.5 ---------------------------------------------------------------------------------------


def inbound(north: Carrier, client: Client, text: bytes) -> int:
    """Have an inbound message delivered to this client; the sequence number it came under."""
    destination = b"80888"
    assert header(north.deliver(destination_addr=destination, text=text))[1] == 0
    octets = client.read()
    assert header(octets)[0] == raw.DELIVER and text in octets, tell([octets])
    return header(octets)[2]


FATES = [
    ("ESME_ROK ends it", 0, False),
    ("ESME_RX_R_APPN ends it", raw.REJECT_ONE, False),
    ("ESME_RX_P_APPN ends it", raw.GIVE_UP, False),
    ("a format error ends it", raw.DSTADR, False),
    ("a status nobody knows keeps it, for a few tries", 0x4FF, True),
    ("ESME_RX_T_APPN keeps it", raw.RETRY_LATER, True),
    ("ESME_RMSGQFUL keeps it", raw.MSGQFUL, True),
    ("ESME_RTHROTTLED keeps it", raw.THROTTLED, True),
    ("ESME_RSYSERR keeps it", raw.SYSERR, True),
]


@pytest.mark.parametrize(("status", "kept"), [f[1:] for f in FATES], ids=[f[0] for f in FATES])
def test_2_5_what_a_client_answers(
    server: Server, north: Carrier, connect: Callable[[], Client], status: int, kept: bool
) -> None:
    """A client's answer to a delivery: whether it is offered again later."""
    client = connect().bind(raw.BIND_RX, system_id=b"inbox")
    text = b"2.5 %x %x" % (status, random.getrandbits(64))
    before = server.call(lambda: len(server.app.core.state.mailboxes))
    sequence = inbound(north, client, text)
    client.send(pdu(raw.DELIVER | raw.RESP, sequence, b"" if status else b"\0", status))
    assert client.settled() == []
    assert server.call(lambda: len(server.app.core.state.mailboxes)) == before + kept


def test_2_5_session_ends_unanswered(
    north: Carrier, connect: Callable[[], Client], server: Server
) -> None:
    """Delivered and not answered when the session ends: offered to the next one."""
    client = connect().bind(raw.BIND_RX, system_id=b"inbox")
    text = b"2.5 again %x" % random.getrandbits(64)
    inbound(north, client, text)
    client.close()
    client = connect().bind(raw.BIND_RX, system_id=b"inbox")
    octets = client.read()
    assert text in octets
    client.send(pdu(raw.DELIVER | raw.RESP, header(octets)[2], b"\0"))
    assert client.settled() == []
