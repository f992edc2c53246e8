"""Bad and hostile input: the server survives, and answers exactly this.

The numbers are those of the checklist. What needs time to pass is played against the edge with a
clock that the test sets; all else goes over real sockets.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator

import pytest
import raw
from cases import CLOSES, Case, by_name, check, opened, play
from loopback import Carrier, Client, Server
from raw import GOOD, accepted, bind, bound, cut, data, multi, nack, pdu, refused, sm, tlv

from smsc._pdu import header_only
from smsc.config import LimitsConfig, TimersConfig
from smsc.smpp import Command, Status
from tests.helpers import Edge, Wire, brief, deliver
from tests.helpers import bind as edge_bind

ENQUIRE = pdu(raw.ENQUIRE, 7)
ALIVE = pdu(raw.ENQUIRE | raw.RESP, 7)
UNBIND = pdu(raw.UNBIND, 9)
PARTED = pdu(raw.UNBIND | raw.RESP, 9)
TLS = b"\x16\3\1\2\0\1\0\1\xfc\3\3" + bytes(30)
HTTP = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

FRAMING = [
    Case("3 command_length 0", "trx", bytes(16), nack(raw.CMDLEN, 0), CLOSES),
    Case("4 command_length 1", "trx", b"\0\0\0\1" + bytes(12), nack(raw.CMDLEN, 0), CLOSES),
    Case("4 command_length 15", "trx", b"\0\0\0\x0f" + bytes(12), nack(raw.CMDLEN, 0), CLOSES),
    Case(
        "5 command_length beyond the maximum",
        "trx",
        cut(pdu(raw.SUBMIT, 5), 0x7FFFFFFF),
        nack(raw.CMDLEN, 5),
        CLOSES,
    ),
    Case(
        "6 command_length negative if read signed",
        "trx",
        cut(pdu(raw.SUBMIT, 5), 0x80000000),
        nack(raw.CMDLEN, 5),
        CLOSES,
    ),
    Case("7 HTTP on the port", "open", HTTP, nack(raw.CMDLEN, 0), CLOSES),
    Case("7 TLS on the port", "open", TLS, nack(raw.CMDLEN, 0), CLOSES),
    Case("9 one octet at a time", "trx", [bytes([o]) for o in sm()], accepted()),
    Case("10 split in the header", "trx", [sm()[:7], sm()[7:]], accepted()),
    Case("10 split in a C-string", "trx", [sm()[:25], sm()[25:]], accepted()),
    Case(
        "10 split in the header of a TLV",
        "trx",
        [sm(tlvs=tlv(0x0204, b"ab"))[:-4], sm(tlvs=tlv(0x0204, b"ab"))[-4:]],
        accepted(),
    ),
    Case(
        "11 several in a segment, the last in part",
        "trx",
        [ENQUIRE + sm(sequence=8) + sm(sequence=9)[:30], sm(sequence=9)[30:]],
        [ALIVE, accepted(sequence=8), accepted(sequence=9)],
    ),
    Case("12 ten thousand enquire_links in one write", "trx", ENQUIRE * 10_000, [ALIVE] * 10_000),
    Case(
        "13 zero octets between PDUs",
        "trx",
        ENQUIRE + bytes(4) + ENQUIRE,
        [ALIVE, nack(raw.CMDLEN, 0)],
        CLOSES,
    ),
]

SEVERAL = "the first bind decides"
COMMANDS = [
    Case("14 unknown command", "trx", pdu(0x0A), nack(raw.CMDID)),
    Case("15 param_retrieve of 3.3", "trx", pdu(0x22, 6, b"x\0"), nack(raw.CMDID)),
    Case("15 query_last_msgs of 3.3", "trx", pdu(0x23), nack(raw.CMDID)),
    Case("15 query_msg_details of 3.3", "trx 33", pdu(0x24), nack(raw.CMDID)),
    Case("16 vendor's command", "trx", pdu(0x00010203), nack(raw.CMDID)),
    Case("17 unknown response", "trx", pdu(0x80003302), nack(raw.CMDID)),
    Case("17 generic_nack is not nacked", "trx", nack(raw.CMDID)),
    Case("18 unknown command before a bind", "open", pdu(0x0A), nack(raw.CMDID)),
    Case("19 submit_sm before a bind", "open", sm(), refused(raw.SUBMIT, raw.BNDSTS)),
    Case("19 query_sm before a bind", "open", raw.query(b"1"), refused(raw.QUERY, raw.BNDSTS)),
    Case("20 malformed submit_sm before a bind", "open", pdu(4), refused(raw.SUBMIT, raw.BNDSTS)),
    Case("21 unbind before a bind", "open", UNBIND, refused(raw.UNBIND, raw.BNDSTS, 9)),
    Case("22 enquire_link before a bind", "open", ENQUIRE, ALIVE),
    Case("25 second bind", "trx", bind(sequence=8), refused(raw.BIND_TRX, raw.ALYBND, 8)),
    Case(
        "25 second bind of another kind",
        "rx",
        bind(raw.BIND_TX, 8),
        refused(raw.BIND_TX, raw.ALYBND, 8),
    ),
    Case(
        "25 second bind, wrong password",
        "tx",
        bind(sequence=8, password=b"wrong"),
        refused(raw.BIND_TRX, raw.ALYBND, 8),
    ),
    Case(
        "26 two binds in one segment",
        "open",
        bind() + bind(sequence=2),
        [bound(), refused(raw.BIND_TRX, raw.ALYBND, 2)],
    ),
    Case(
        "26 two binds, the first refused",
        "open",
        bind(password=b"wrong") + bind(sequence=2),
        [refused(raw.BIND_TRX, raw.BINDFAIL, 1), bound(sequence=2)],
    ),
    Case(
        "27 bind and submit_sm in one segment", "open", bind() + sm(sequence=2),
        [bound(), accepted(sequence=2)],
    ),
    Case(
        "27 refused bind and submit_sm in one segment",
        "open",
        bind(password=b"wrong") + sm(sequence=2),
        [refused(raw.BIND_TRX, raw.BINDFAIL, 1), refused(raw.SUBMIT, raw.BNDSTS, 2)],
    ),
    Case(
        "28 submit_sm after a refused bind",
        "open",
        [bind(system_id=b"nobody"), sm(sequence=2)],
        [refused(raw.BIND_TRX, raw.BINDFAIL, 1), refused(raw.SUBMIT, raw.BNDSTS, 2)],
    ),
    Case("29 submit_sm on a receiver", "rx", sm(), refused(raw.SUBMIT, raw.BNDSTS)),
    Case("30 deliver_sm from an ESME", "trx", sm(raw.DELIVER), refused(raw.DELIVER, raw.BNDSTS)),
    Case("30 alert_notification from an ESME", "trx", GOOD["V38"], nack(raw.BNDSTS, 4)),
    Case("30 outbind from an ESME", "trx", GOOD["V12"], nack(raw.BNDSTS, 1)),
    Case("31 requests behind an unbind", "trx", UNBIND + sm() + ENQUIRE, [PARTED], CLOSES),
    Case("32 unbind behind submits", "trx", sm() + UNBIND, [accepted(), PARTED], CLOSES),
    Case("34 command_status in a bind", "open", bind(status=0x58), bound()),
    Case("35 interface_version 0x00", "open", bind(version=0x00), bound(version=None)),
    Case("35 interface_version 0x01", "open", bind(version=0x01), bound(version=None)),
    Case("35 interface_version 0x33", "open", bind(version=0x33), bound(version=None)),
    Case("35 interface_version 0x35", "open", bind(version=0x35), bound()),
    Case("35 interface_version 0x51", "open", bind(version=0x51), bound(version=0x50)),
    Case("35 interface_version 0xFF", "open", bind(version=0xFF), bound(version=0x50)),
]  # fmt: skip

RESPONSES = [
    Case("36 response with an unknown sequence", "trx", pdu(raw.DELIVER | raw.RESP, 99, b"\0")),
    Case("41 generic_nack with sequence 0", "trx", nack(raw.CMDID, 0)),
    Case("42 submit_sm_resp from an ESME", "trx", pdu(raw.SUBMIT | raw.RESP, 1, b"1\0")),
    Case("42 bind_transceiver_resp from an ESME", "trx", pdu(raw.BIND_TRX | raw.RESP, 1)),
]

SEQUENCES = [
    *[
        Case(f"44 sequence {number:#x}", "trx", sm(sequence=number), accepted(sequence=number))
        for number in (0, 0x80000000, 0xFFFFFFFF)
    ],
    Case("45 one sequence on two requests", "trx", sm() + sm(), [accepted()] * 2),
    Case(
        "46 falling and random sequences",
        "trx",
        b"".join(sm(sequence=number) for number in (9, 3, 77, 4)),
        [accepted(sequence=number) for number in (9, 3, 77, 4)],
    ),
]

LONG = b"1" * 21
BODIES = [
    Case(
        "47 bind without its last terminator",
        "open",
        cut(bind(), len(bind()) - 1),
        refused(raw.BIND_TRX, raw.CMDLEN, 1),
    ),
    Case("48 submit_sm ends in an address", "trx", cut(sm(), 28), refused(4, raw.CMDLEN)),
    Case("49 submit_sm of 16 octets", "trx", pdu(raw.SUBMIT), refused(4, raw.CMDLEN)),
    Case(
        "50 system_id too long", "open", bind(system_id=b"s" * 16),
        refused(raw.BIND_TRX, raw.SYSID, 1),
    ),
    Case(
        "50 password too long", "open", bind(password=b"p" * 9),
        refused(raw.BIND_TRX, raw.PASWD, 1),
    ),
    Case(
        "50 system_type too long", "open", bind(system_type=b"t" * 13),
        refused(raw.BIND_TRX, raw.SYSTYP, 1),
    ),
    Case("50 service_type too long", "trx", sm(service_type=b"SERVIC"), refused(4, raw.SERTYP)),
    Case("50 source_addr too long", "trx", sm(source_addr=LONG), refused(4, raw.SRCADR)),
    Case("50 destination_addr too long", "trx", sm(destination_addr=LONG), refused(4, raw.DSTADR)),
    Case(
        "50 dl_name too long", "trx", multi(raw.to_list(b"l" * 21)), refused(raw.MULTI, raw.DLNAME)
    ),
    Case("50 message_id too long", "trx", raw.query(b"1" * 65), refused(raw.QUERY, raw.MSGID)),
    Case(
        "51 address_range too long",
        "open",
        bind(address_range=b"1" * 41),
        refused(raw.BIND_TRX, raw.BINDFAIL, 1),
        policy="the generic refusal of a bind",
    ),
    Case("52 octets of 0x80 in a source", "trx", sm(source_addr=b"\x80"), refused(4, raw.SRCADR)),
    Case("52 control characters in a source", "trx", sm(source_addr=b"1\t2"), refused(4, 0x0A)),
    Case("52 octets of 0x80 in a destination", "trx", sm(destination_addr=b"\x99"), refused(4, 11)),
    Case(
        "53 octets of 0x80 in credentials",
        "open",
        bind(system_id=b"\xff\xfe", password=b"\x80"),
        refused(raw.BIND_TRX, raw.BINDFAIL, 1),
    ),
    Case("54 empty destination", "trx", sm(destination_addr=b""), refused(4, raw.DSTADR)),
    Case("55 sm_length beyond the PDU", "trx", sm(sm_length=10), refused(4, raw.MSGLEN)),
    Case("56 sm_length too small, one NUL left", "trx", sm(tlvs=b"\0"), refused(4, raw.TLVSTREAM)),
    Case(
        "56 sm_length too small, the rest reads as an unknown TLV",
        "trx",
        sm(text=b"abc" + b"\x09\x99\0\1z", sm_length=3),
        accepted(),
    ),
    Case("57 sm_length 255 before 5.0", "trx", sm(text=bytes(255)), refused(4, raw.MSGLEN)),
    Case("58 validity of 15 characters", "trx", sm(validity_period=b"0" * 15), refused(4, 0x62)),
    Case("58 validity of 17 characters", "trx", sm(validity_period=b"0" * 17), refused(4, 0x62)),
    Case(
        "58 schedule on an impossible date",
        "trx",
        sm(schedule_delivery_time=b"300229000000000+"),
        refused(4, raw.SCHED),
    ),
    Case("59 priority_flag 9", "trx", sm(priority_flag=9), refused(4, raw.PRTFLG)),
    Case("59 replace_if_present_flag 2", "trx", sm(replace_if_present_flag=2), refused(4, 0x54)),
    Case("59 sm_default_msg_id unknown", "trx", sm(sm_default_msg_id=9), refused(4, raw.DFTMSGID)),
    Case("59 dest_addr_ton 7", "trx", sm(dest_addr_ton=7), refused(4, raw.DSTTON)),
    Case("59 source_addr_npi 2", "trx", sm(source_addr_npi=2), refused(4, raw.SRCNPI)),
    Case(
        "60 two texts before 5.0", "trx", sm(tlvs=tlv(raw.PAYLOAD, b"y")),
        refused(4, raw.TLVNOTALLWD),
    ),
    Case("60 two texts in 5.0", "trx 50", sm(tlvs=tlv(raw.PAYLOAD, b"y")), accepted()),
    Case("61 submit_multi to nobody", "trx", multi(), refused(raw.MULTI, raw.NUMDESTS)),
    Case("61 dest_flag 3", "trx", multi(b"\3" + b"5\0"), refused(raw.MULTI, raw.DESTFLAG)),
    Case(
        "61 more destinations said than are there",
        "trx",
        cut(multi(raw.to(b"1"), number_of_dests=9), 16 + 1 + 15 + 1 + 5),
        refused(raw.MULTI, raw.CMDLEN),
    ),
    Case("62 data_sm without a payload", "trx", data(tlvs=b""), refused(raw.DATA, raw.MISSINGTLV)),
    Case("63 UDH longer than the text", "trx", sm(esm_class=0x40, text=b"\x09ab"), refused(4, 67)),
    Case("63 UDHI and no text", "trx", sm(esm_class=0x40, text=b""), refused(4, raw.ESMCLASS)),
    Case("64 part 0", "trx", sm(esm_class=0x40, text=b"\5\0\3\1\2\0x"), accepted()),
    Case("64 part beyond the total", "trx", sm(esm_class=0x40, text=b"\5\0\3\1\2\3x"), accepted()),
    Case(
        "65 UCS-2 of odd length", "trx", sm(data_coding=8, text=b"\0a\0"), refused(4, raw.MSGLEN),
        policy="the length can't be right",
    ),
    Case("65 lone surrogate", "trx", sm(data_coding=8, text=b"\xd8\x3d\0a"), accepted()),
]  # fmt: skip

TLVS = [
    Case("66 unknown tag", "trx", sm(tlvs=tlv(0x0999, b"abc")), accepted()),
    Case("66 vendor's tag", "trx", sm(tlvs=tlv(0x1501, b"\0")), accepted()),
    Case("67 known tag of another PDU", "trx", sm(tlvs=tlv(0x0604, b"abcdef")), accepted()),
    Case(
        "68 TLV beyond the end", "trx", sm(tlvs=b"\4\x24\0\x0asix six"), refused(4, raw.TLVSTREAM)
    ),
    *[
        Case(f"68 {n} octets left", "trx", sm(tlvs=bytes(n)), refused(4, raw.TLVSTREAM))
        for n in (1, 2, 3)
    ],
    Case("69 wrong length", "trx", sm(tlvs=tlv(0x0204, b"abc")), refused(4, raw.TLVLEN)),
    Case("69 no value", "trx", sm(tlvs=tlv(0x0204)), refused(4, raw.TLVLEN)),
    Case(
        "70 a tag twice", "trx", sm(tlvs=tlv(0x0204, b"ab") + tlv(0x0204, b"cd")), accepted(),
        policy="the first one counts",
    ),
    Case(
        "71 sixteen thousand TLVs", "trx", sm(tlvs=tlv(0x1501) * 16_000),
        refused(4, raw.TLVSTREAM), policy="no legal PDU has more than 1024",
    ),
    Case(
        "72 payload of 65,535 octets",
        "trx",
        sm(text=b"", tlvs=tlv(raw.PAYLOAD, bytes(65535)), data_coding=4),
        accepted(),
    ),
    Case(
        "73 callback_num_atag without its number", "trx", sm(tlvs=tlv(0x0303, b"\1abc")),
        accepted(), policy="the extra ones mean nothing",
    ),
    Case(
        "74 TLVs from a session of 3.3", "trx 33",
        sm(text=b"", tlvs=tlv(raw.PAYLOAD, b"hello")), accepted(),
        policy="many bind with 0x00 and mean 3.4",
    ),
]  # fmt: skip


@by_name(FRAMING)
def test_7_framing(server: Server, case: Case) -> None:
    play(server, case)


@by_name(COMMANDS)
def test_7_commands_and_states(server: Server, case: Case) -> None:
    play(server, case)


@by_name(RESPONSES)
def test_7_responses(server: Server, case: Case) -> None:
    play(server, case)


@by_name(SEQUENCES)
def test_7_sequence_numbers(server: Server, case: Case) -> None:
    play(server, case)


@by_name(BODIES)
def test_7_bodies(server: Server, case: Case) -> None:
    play(server, case)


@by_name(TLVS)
def test_7_tlvs(server: Server, case: Case) -> None:
    play(server, case)


# -- what needs time to pass -----------------------------------------------------------------------

TIMERS = TimersConfig(inactivity=0)


@pytest.fixture
def edge() -> Iterator[Edge]:
    """The edge without a socket, on a clock that the test sets."""
    made = Edge(LimitsConfig(timers=TIMERS))
    yield made
    made.close()


def lasts(edge: Edge, wire: Wire, ms: int) -> bool:
    """Whether the server still keeps the connection when so much time has passed."""
    edge.pass_time(ms)
    wire.pump()
    return wire.state == "open"


@pytest.mark.parametrize("octets", [1, 3], ids=["1 octet", "3 octets"])
def test_7_1_begins_a_length_and_falls_silent(edge: Edge, octets: int) -> None:
    """A PDU begun with 1 to 3 octets: no answer, closed by the timer of reading."""
    wire = edge.bound()
    assert wire.exchange(ENQUIRE[:octets]) == b""
    assert lasts(edge, wire, 29_000)
    assert not lasts(edge, wire, 3_000)
    assert b"".join(wire.transport.writes[1:]) == b""


@pytest.mark.parametrize("octets", [4, 15], ids=["4 octets", "15 octets"])
def test_7_2_begins_a_header_and_falls_silent(edge: Edge, octets: int) -> None:
    """A PDU begun with 4 to 15 octets: no answer, closed by the timer of reading."""
    wire = edge.bound()
    assert wire.exchange(ENQUIRE[:octets]) == b""
    assert not lasts(edge, wire, 32_000)


def test_7_8_says_more_than_it_sends(edge: Edge) -> None:
    """A command_length that is legal and never reached: closed by the timer of reading."""
    wire = edge.bound()
    assert wire.exchange(cut(sm(), 70_000)) == b""
    assert not lasts(edge, wire, 32_000)


def test_7_23_only_ever_probes(edge: Edge) -> None:
    """Never binds, only enquire_links: they are answered, and session_init runs on."""
    wire = edge.connect()
    for _ in range(9):
        assert wire.exchange(ENQUIRE) == ALIVE
        assert lasts(edge, wire, 1_000)
    assert not lasts(edge, wire, 2_000)


def test_7_24_connects_and_says_nothing(edge: Edge) -> None:
    """Connects and is silent: closed by session_init, without a PDU."""
    wire = edge.connect()
    assert not lasts(edge, wire, 12_000)
    assert not wire.transport.writes


def test_7_33_unbinds_and_is_gone(connect: Callable[[], Client], server: Server) -> None:
    """Unbinds and closes without reading: no exception, and the server lives."""
    for _ in range(5):
        client = connect().bind()
        client.send(UNBIND)
        client.close()
    play(server, Case("alive", "trx", sm(), accepted()))


def delivered(edge: Edge, wire: Wire, count: int = 1) -> list[int]:
    """Deliveries on their way to a client: their sequence numbers."""
    (attached,) = edge.keeper.attached
    for mail in range(count):
        attached.deliver([mail + 100], [deliver()])
    edge.stage.durable()
    return [pdu.sequence_number for pdu in wire.received()]


def test_7_37_response_of_the_wrong_kind(edge: Edge) -> None:
    """A response of another command than the request's: none, and the request waits on."""
    wire = edge.bound()
    (sequence,) = delivered(edge, wire)
    assert wire.exchange(pdu(raw.SUBMIT | raw.RESP, sequence, b"1\0")) == b""
    assert not edge.keeper.called("delivered")
    assert wire.exchange(pdu(raw.DELIVER | raw.RESP, sequence, b"\0")) == b""
    assert edge.keeper.called("delivered") == [([(100, 0)],)]


def test_7_38_same_response_twice(edge: Edge) -> None:
    """The same response again: the second is counted and ignored."""
    wire = edge.bound()
    (sequence,) = delivered(edge, wire)
    answer = pdu(raw.DELIVER | raw.RESP, sequence, b"\0")
    assert wire.exchange(answer + answer) == b""
    assert edge.keeper.called("delivered") == [([(100, 0)],)]
    assert edge.listener.counters.unmatched == 1


@pytest.mark.parametrize("status", [0x22, 0x4FF, 0xFFFFFFFF], ids=hex)
def test_7_39_response_with_an_unknown_status(edge: Edge, status: int) -> None:
    """A command_status nobody defined: the delivery failed, the session stays."""
    wire = edge.bound()
    (sequence,) = delivered(edge, wire)
    assert wire.exchange(pdu(raw.DELIVER | raw.RESP, sequence, b"", status)) == b""
    assert edge.keeper.called("delivered") == [([(100, status)],)]
    assert wire.state == "open"


@pytest.mark.parametrize(
    "body", [b"", b"\0", b"id of theirs\0", b"\xff" * 70, b"no end"],
    ids=["none", "NUL", "an id", "too long", "unterminated"],
)  # fmt: skip
def test_7_40_response_whatever_its_body(edge: Edge, body: bytes) -> None:
    """A deliver_sm_resp without a body, with an id, or undecodable: the header counts."""
    wire = edge.bound()
    (sequence,) = delivered(edge, wire)
    assert wire.exchange(pdu(raw.DELIVER | raw.RESP, sequence, body)) == b""
    assert edge.keeper.called("delivered") == [([(100, 0)],)]


def test_7_41_nack_with_our_sequence(edge: Edge) -> None:
    """generic_nack with a sequence of ours: that request failed."""
    wire = edge.bound()
    (sequence,) = delivered(edge, wire)
    assert wire.exchange(nack(raw.CMDID, sequence)) == b""
    assert edge.keeper.called("delivered") == [([(100, raw.CMDID)],)]


def test_7_43_response_after_its_time(edge: Edge) -> None:
    """A response after the timer: none, counted; the message may be queued again by then."""
    wire = edge.bound()
    (sequence,) = delivered(edge, wire)
    assert lasts(edge, wire, 12_000)
    assert edge.keeper.called("delivered") == [([(100, Status.ESME_RX_T_APPN)],)]
    assert wire.exchange(pdu(raw.DELIVER | raw.RESP, sequence, b"\0")) == b""
    assert len(edge.keeper.called("delivered")) == 1
    assert edge.listener.counters.unmatched == 1


# -- connections -----------------------------------------------------------------------------------


def test_7_75_half_close_behind_requests(connect: Callable[[], Client]) -> None:
    """Half-closes after its requests: the responses still come, then the end."""
    client = connect().bind()
    client.send(sm(sequence=5) + sm(sequence=6))
    client.half_close()
    check(client, [accepted(sequence=5), accepted(sequence=6)], CLOSES)


@pytest.mark.parametrize("when", ["connected", "binding", "bound", "submitting"])
def test_7_76_reset_at_any_moment(server: Server, when: str) -> None:
    """RST at any moment: the slot of the account is free at once, nothing else is touched."""
    client = Client(server.port)
    single = {"system_id": b"single"}
    if when == "binding":
        client.send(bind(**single))
    elif when != "connected":
        client.bind(**single)
    if when == "submitting":
        client.send(sm() * 50)
    client._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    # The account has one slot: the next bind gets it as soon as the reset has been seen.
    for _ in range(200):
        with Client(server.port) as again:
            again.send(bind(**single))
            if again.read() == bound():
                again.send(UNBIND)
                assert again.read() == PARTED
                return
    pytest.fail("the slot was never freed")


def test_7_77_never_reads(edge: Edge) -> None:
    """Never reads: its requests wait while the output is full, and the stall closes it."""
    wire = edge.bound()
    wire.connection.pause_writing()
    assert not wire.transport.reading
    assert wire.exchange(ENQUIRE) == b""
    assert lasts(edge, wire, 29_000)
    assert not lasts(edge, wire, 3_000)


def test_7_78_one_octet_per_20_seconds(edge: Edge) -> None:
    """A slow writer: the timer counts from the first octet of the PDU."""
    wire = edge.bound()
    for octet in sm()[:1], sm()[1:2]:
        wire.send(octet)
        assert lasts(edge, wire, 14_000)
    wire.send(sm()[2:3])
    assert not lasts(edge, wire, 4_000)


def test_7_79_never_answers_deliver_sm(edge: Edge) -> None:
    """Never answers deliver_sm: the window fills, its mail goes back, the session stays."""
    wire = edge.bound()
    assert len(delivered(edge, wire, 10)) == 10
    (attached,) = edge.keeper.attached
    assert attached.credit() == 0
    for _ in range(12):
        edge.pass_time(1_000)
        wire.send(ENQUIRE)
    (fates,) = edge.keeper.called("delivered")
    assert [status for _, status in fates[0]] == [Status.ESME_RX_T_APPN] * 10
    assert wire.state == "open"


def test_7_80_answers_no_probe_but_sends(edge: Edge) -> None:
    """Never answers enquire_link but sends: alive, any PDU counts."""
    wire = edge.bound()
    for _ in range(6):
        assert lasts(edge, wire, 25_000)
        wire.send(sm())
    assert lasts(edge, wire, 25_000)


def test_7_81_cable_cut(edge: Edge) -> None:
    """A silent peer is probed and then closed, and its slot is free."""
    wire = edge.bound()
    assert lasts(edge, wire, 31_000)
    assert brief(wire.received()) == [(Command.ENQUIRE_LINK, 0, 1)]
    assert not lasts(edge, wire, 12_000)
    assert not edge.keeper.attached and not len(edge.binds)


def test_7_82_too_many_binds(connect: Callable[[], Client]) -> None:
    """More binds than the account may have: refused ESME_RBINDFAIL."""
    first = connect().bind(system_id=b"single")
    answer = connect().ask(bind(system_id=b"single"))
    assert answer == refused(raw.BIND_TRX, raw.BINDFAIL, 1)
    # The one that holds the slot is asked whether it still lives.
    assert raw.header(first.read()) == (raw.ENQUIRE, 0, 1)


def test_7_82_too_many_strangers() -> None:
    """More unbound connections of an address than are let in: closed."""
    edge = Edge(LimitsConfig(max_unbound_per_address=2))
    wires = [edge.connect() for _ in range(3)]
    assert [wire.state for wire in wires] == ["open", "open", "closed"]
    edge.close()


@pytest.mark.by_policy("the limit stays, and the dead are found by probes")
def test_7_83_reconnects_before_the_dead_session_is_noticed() -> None:
    """At the limit, existing sessions are probed, and dead ones make room."""
    edge = Edge(binds=1)
    dead = edge.bound()
    assert brief(edge.connect().send(edge_bind())) == [(Command.BIND_TRANSCEIVER_RESP, 0x0D, 1)]
    edge.pass_time(1_000)
    assert [each.command_id for each in dead.received()] == [Command.ENQUIRE_LINK]
    assert not lasts(edge, dead, 12_000)
    assert brief(edge.connect().send(edge_bind())) == [(Command.BIND_TRANSCEIVER_RESP, 0, 1)]
    edge.close()


def test_7_84_guesses_passwords(connect: Callable[[], Client]) -> None:
    """Three refused binds end a connection; one that guesses on is not even looked at."""
    client = connect()
    for number in (1, 2, 3):
        answer = client.ask(bind(sequence=number, password=b"guess%d" % number))
        assert answer == refused(raw.BIND_TRX, raw.BINDFAIL, number)
    assert client.rest() == []


@pytest.mark.parametrize("version", ["34", "50"])
def test_7_85_every_octet_in_a_text(server: Server, north: Carrier, version: str) -> None:
    """A text of all octet values is stored and sent on bit-exact."""
    text = bytes(range(255) if version == "50" else range(254))
    destination = b"999100085" + version.encode()
    with opened(server, f"trx {version}") as client:
        client.submit(destination_addr=destination, data_coding=4, text=text)
    taken = north.submitted(destination)
    assert text in taken
    north.answer(taken)


def test_7_86_shutdown_with_sessions(edge: Edge) -> None:
    """A shutdown unbinds every session and waits for the answers; new binds get 08."""
    bound_wire, fresh = edge.bound(), edge.connect()
    edge.listener.stopping = True
    for client in tuple(edge.listener.clients):
        if client.session.state.bound:
            client.unbind()
    assert brief(bound_wire.received()) == [(Command.UNBIND, 0, 1)]
    assert brief(fresh.send(edge_bind())) == [
        (Command.BIND_TRANSCEIVER_RESP, Status.ESME_RSYSERR, 1)
    ]
    assert bound_wire.exchange(sm()) == refused(raw.SUBMIT, raw.BNDSTS)
    bound_wire.send(header_only(Command.UNBIND_RESP, 0, 1))
    assert bound_wire.state == "ending"
