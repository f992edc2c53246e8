"""Delivery receipts: the PDU, its text, when there is one, in which order, which state.

The carrier is played by the test, so that it reports what the item needs; ours is compared to the
octet.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import NamedTuple

import pytest
import raw
from loopback import Carrier, Client
from raw import header, pdu, refused, sm, tlv

from smsc import receipt
from smsc._pdu import Message

DATE = rb"\d{10}"
_numbers = iter(range(100, 1000))


class Told(NamedTuple):
    """What came of a message: its id, the carrier's, and the receipt's octets."""

    name: bytes
    destination: bytes
    octets: bytes

    @property
    def body(self) -> bytes:
        return self.octets[16:]

    def tlvs(self) -> dict[int, bytes]:
        """The TLVs behind the text."""
        fields = Message.from_raw(self.octets)
        return dict(fields.tlvs)

    def text(self) -> bytes:
        return Message.from_raw(self.octets).short_message


def submitted(client: Client, **fields: object) -> tuple[bytes, bytes]:
    """(id, destination) of a message with a destination of its own."""
    destination = b"99915%03d" % next(_numbers)
    fields = {"registered_delivery": 1, "destination_addr": destination} | fields
    return client.submit(**fields), destination


def told(
    north: Carrier,
    client: Client,
    stat: bytes = b"DELIVRD",
    err: bytes = b"000",
    **fields: object,
) -> Told:
    """A message goes the whole way, and its receipt comes back."""
    name, destination = submitted(client, **fields)
    assert header(north.receipt(north.answer(north.submitted(destination)), stat, err))[1] == 0
    octets = client.read()
    client.send(pdu(raw.DELIVER | raw.RESP, header(octets)[2], b"\0"))
    return Told(name, destination, octets)


# -- 5.1 ---------------------------------------------------------------------------------------


def test_5_1_every_octet(north: Carrier, connect: Callable[[], Client], account: bytes) -> None:
    """The whole PDU: addresses swapped, esm_class 4, blank flags, text, TLVs."""
    client = connect().bind(system_id=account)
    got = told(north, client, text=b"Hello, this is a text of more than 20", service_type=b"CMT")
    text = (
        rb"id:" + got.name + rb" sub:001 dlvrd:001 submit date:" + DATE + rb" done date:" + DATE
        + rb" stat:DELIVRD err:000 text:Hello, this is a tex"
    )  # fmt: skip
    wanted = (
        rb"CMT\0\x01\x01" + got.destination + rb"\0\x01\x01(?:447700900001)\0\x04\0{8}(.)"
        + rb"(" + text + rb")"
        + re.escape(tlv(0x001E, got.name + b"\0") + tlv(0x0427, b"\2"))
    )  # fmt: skip
    match = re.fullmatch(wanted, got.body, re.DOTALL)
    assert match is not None, got.octets.hex()
    assert match[1][0] == len(match[2])


def test_5_1_to_any_session(north: Carrier, connect: Callable[[], Client], account: bytes) -> None:
    """A receipt goes to any RX or TRX of the account, not only to the one that submitted."""
    sender, other = (
        connect().bind(raw.BIND_TX, system_id=account),
        connect().bind(raw.BIND_RX, system_id=account),
    )
    name, destination = submitted(sender)
    north.receipt(north.answer(north.submitted(destination)))
    assert b"id:" + name in other.read()


def test_5_1_waits_for_a_session(
    north: Carrier, connect: Callable[[], Client], account: bytes
) -> None:
    """No receiver is bound: the receipt waits until one binds."""
    name, destination = submitted(connect().bind(raw.BIND_TX, system_id=account))
    north.receipt(north.answer(north.submitted(destination)))
    assert b"id:" + name in connect().bind(raw.BIND_RX, system_id=account).read()


def test_5_1_default_sender(north: Carrier, connect: Callable[[], Client]) -> None:
    """The source was NULL: the receipt goes to the default that took its place."""
    client = connect().bind(system_id=b"sender")
    got = told(north, client, source_addr_ton=0, source_addr_npi=0, source_addr=b"")
    assert b"\0\1\1" + raw.cstr(b"447700900099") in got.body


def test_5_1_user_message_reference(
    north: Carrier, connect: Callable[[], Client], account: bytes
) -> None:
    """user_message_reference comes back."""
    client = connect().bind(system_id=account)
    assert told(north, client, tlvs=tlv(0x0204, b"\xab\xcd")).tlvs()[0x0204] == b"\xab\xcd"


def test_5_1_network_error_code(
    north: Carrier, connect: Callable[[], Client], account: bytes
) -> None:
    """network_error_code is passed on when the carrier gives one."""
    client = connect().bind(system_id=account)
    name, destination = submitted(client)
    carrier_id = north.answer(north.submitted(destination))
    north.deliver(
        esm_class=4,
        text=b"",
        tlvs=tlv(0x001E, carrier_id + b"\0") + tlv(0x0427, b"\5") + tlv(0x0423, b"\3\0\x22"),
    )
    got = Told(name, destination, client.read())
    assert got.tlvs()[0x0423] == b"\3\0\x22" and got.tlvs()[0x0427] == b"\5"


# -- 5.2 ---------------------------------------------------------------------------------------

STATS = {
    b"DELIVRD": (2, b"001"),
    b"EXPIRED": (3, b"000"),
    b"DELETED": (4, b"000"),
    b"UNDELIV": (5, b"000"),
    b"ACCEPTD": (6, b"000"),
    b"REJECTD": (8, b"000"),
}


@pytest.mark.parametrize("stat", STATS, ids=lambda stat: stat.decode())
def test_5_2_stat(
    north: Carrier, connect: Callable[[], Client], account: bytes, stat: bytes
) -> None:
    """A final state: its word, its message_state, and dlvrd."""
    client = connect().bind(system_id=account)
    got = told(north, client, stat)
    state, dlvrd = STATS[stat]
    assert b" stat:" + stat + b" " in got.text()
    assert got.tlvs()[0x0427] == bytes([state])
    if stat != b"ACCEPTD":
        assert b" dlvrd:" + dlvrd + b" " in got.text()


def test_5_2_err(north: Carrier, connect: Callable[[], Client], account: bytes) -> None:
    """err: three digits, as the carrier has them."""
    client = connect().bind(system_id=account)
    assert b" err:034 text:" in told(north, client, b"UNDELIV", b"034").text()


PREVIEWS = [
    ("GSM", {"data_coding": 0, "text": b"a\x1b\x65b"}, b"text:a\x1b\x65b"),
    ("Latin-1 in GSM", {"data_coding": 3, "text": "é".encode("latin-1")}, b"text:\x05"),
    ("binary", {"data_coding": 4, "text": b"\0\1\2"}, b"text:"),
    ("UCS-2", {"data_coding": 8, "text": "Привет".encode("utf-16-be")}, b"text:"),
    ("empty", {"text": b""}, b"text:"),
    ("behind a UDH", {"esm_class": 0x40, "text": b"\5\0\3\1\1\1hi"}, b"text:hi"),
    ("payload", {"text": b"", "tlvs": tlv(0x0424, b"long text")}, b"text:long text"),
]


@pytest.mark.parametrize(
    ("fields", "ends"), [p[1:] for p in PREVIEWS], ids=[p[0] for p in PREVIEWS]
)
def test_5_2_text(
    north: Carrier,
    connect: Callable[[], Client],
    account: bytes,
    fields: dict[str, object],
    ends: bytes,
) -> None:
    """text: the first characters, in the receipt's own alphabet; its label is always there."""
    client = connect().bind(system_id=account)
    assert told(north, client, **fields).text().endswith(b" " + ends)


READ = [
    ("as ours", b"id:7 sub:001 dlvrd:001 submit date:2611220915 done date:2611220916 stat:DELIVRD"
     b" err:000 text:hi", b"7", 2),
    ("any order", b"stat:UNDELIV err:001 id:7", b"7", 5),
    ("fields missing", b"id:7 stat:DELIVRD", b"7", 2),
    ("12 digits of date", b"id:7 done date:261122091512 stat:DELIVRD", b"7", 2),
    ("14 digits of date", b"id:7 done date:20261122091512 stat:EXPIRED err:000", b"7", 3),
    ("UUID", b"id:0b2f-11e9 stat:DELIVRD err:000", b"0b2f-11e9", 2),
    ("dots", b"id:1.2.3 stat:DELIVRD err:000", b"1.2.3", 2),
    ("letters in err", b"id:7 stat:UNDELIV err:21b", b"7", 5),
    ("four digits of err", b"id:7 stat:UNDELIV err:1234", b"7", 5),
    ("lower case", b"id:7 stat:delivrd err:000", b"7", 2),
    ("label in capitals", b"ID:7 STAT:DELIVRD ERR:000 Text:x", b"7", 2),
    ("leading octet", b"\x7aid:7 stat:DELIVRD err:000", b"7", 2),
    ("trailing NUL", b"id:7 stat:DELIVRD err:000\0", b"7", 2),
    ("ENROUTE", b"id:7 stat:ENROUTE err:000", b"7", 1),
    ("BUFFRED", b"id:7 stat:BUFFRED err:000", b"7", 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "name", "state"), [row[1:] for row in READ], ids=[row[0] for row in READ]
)
def test_5_2_read(text: bytes, name: bytes, state: int) -> None:
    """A dialect that we read, as the ESME of a carrier."""
    read = receipt.parse(Message.from_raw(sm(raw.DELIVER, esm_class=4, text=text)))
    assert read is not None and (read.id, read.state) == (name, state)


def test_5_2_read_from_tlvs() -> None:
    """A receipt in TLVs alone, without a text, or with its text in message_payload."""
    tlvs = tlv(0x001E, b"7\0") + tlv(0x0427, b"\2")
    read = receipt.parse(Message.from_raw(sm(raw.DELIVER, esm_class=4, text=b"", tlvs=tlvs)))
    assert read is not None and (read.id, read.state) == (b"7", 2)
    payload = tlv(0x0424, b"id:7 stat:DELIVRD err:000")
    read = receipt.parse(Message.from_raw(sm(raw.DELIVER, esm_class=4, text=b"", tlvs=payload)))
    assert read is not None and (read.id, read.state) == (b"7", 2)


BASES = [("hex", "decimal", b"1F", b"31"), ("decimal", "hex", b"0031", b"1f"),
         ("verbatim", "verbatim", b"x1", b"x1"), ("any", "any", b"00Ab", b"AB")]  # fmt: skip


@pytest.mark.parametrize(
    ("answered", "reported", "one", "other"), BASES, ids=[f"{b[0]} and {b[1]}" for b in BASES]
)
def test_5_2_id_bases(
    answered: receipt.IdBase, reported: receipt.IdBase, one: bytes, other: bytes
) -> None:
    """A carrier that answers in one base and reports in another is understood."""
    rule = receipt.IdRule(answered, reported)
    assert rule.of_response(one) == rule.of_receipt(other)


# -- 5.3 ---------------------------------------------------------------------------------------

WISHES = [
    ("0: success", 0, b"DELIVRD", False),
    ("0: failure", 0, b"UNDELIV", False),
    ("1: success", 1, b"DELIVRD", True),
    ("1: failure", 1, b"UNDELIV", True),
    ("2: success", 2, b"DELIVRD", False),
    ("2: failure", 2, b"UNDELIV", True),
    ("2: expiry", 2, b"EXPIRED", True),
    ("2: deletion", 2, b"DELETED", True),
    ("3: success", 3, b"DELIVRD", True),
    ("3: failure", 3, b"UNDELIV", False),
]


@pytest.mark.parametrize(
    ("wish", "stat", "comes"), [w[1:] for w in WISHES], ids=[w[0] for w in WISHES]
)
def test_5_3_wish(
    north: Carrier,
    connect: Callable[[], Client],
    account: bytes,
    wish: int,
    stat: bytes,
    comes: bool,
) -> None:
    """registered_delivery bits 1-0 and an outcome: whether there is a receipt."""
    client = connect().bind(system_id=account)
    name, destination = submitted(client, registered_delivery=wish)
    north.receipt(north.answer(north.submitted(destination)), stat)
    got = client.settled()
    assert [b"id:" + name in each for each in got] == [True] * comes


def test_5_3_refused_by_the_carrier(
    north: Carrier, connect: Callable[[], Client], account: bytes
) -> None:
    """Refused by the carrier for good: a receipt that says REJECTD."""
    client = connect().bind(system_id=account)
    _, destination = submitted(client)
    north.answer(north.submitted(destination), raw.DSTADR)
    assert b"stat:REJECTD" in client.read()


@pytest.mark.parametrize(
    ("wish", "heard"),
    [(0x01, [(0x04, b"DELIVRD")]), (0x11, [(0x20, b"ENROUTE"), (0x04, b"DELIVRD")])],
    ids=["not asked for", "bit 4"],
)
def test_5_3_notification(
    north: Carrier,
    connect: Callable[[], Client],
    account: bytes,
    wish: int,
    heard: list[tuple[int, bytes]],
) -> None:
    """An intermediate notification from the carrier: for who asked, before the receipt."""
    client = connect().bind(system_id=account)
    _, destination = submitted(client, registered_delivery=wish)
    carrier_id = north.answer(north.submitted(destination))
    north.receipt(carrier_id, b"ENROUTE")
    north.receipt(carrier_id)
    told = [Message.from_raw(octets) for octets in client.settled()]
    assert [(pdu.esm_class, pdu.text.partition(b"stat:")[2][:7]) for pdu in told] == heard


@pytest.mark.parametrize(
    ("stats", "told_as"),
    [((b"DELIVRD",) * 3, b"DELIVRD"), ((b"DELIVRD", b"UNDELIV", b"DELIVRD"), b"UNDELIV")],
    ids=["all delivered", "one not"],
)
def test_5_3_folded(
    south: Carrier,
    connect: Callable[[], Client],
    account: bytes,
    stats: tuple[bytes, ...],
    told_as: bytes,
) -> None:
    """We cut a text: one receipt, when all parts have theirs, and as the worst of them says."""
    client = connect().bind(system_id=account)
    destination = b"99925%03d" % next(_numbers)
    name = client.submit(
        destination_addr=destination, registered_delivery=1, text=b"",
        tlvs=tlv(raw.PAYLOAD, b"a" * 400),
    )  # fmt: skip
    parts = [south.submitted(destination) for _ in stats]
    assert [Message.from_raw(part).text[:6][-2:] for part in parts] == [b"\3\1", b"\3\2", b"\3\3"]
    carrier_ids = [south.answer(part) for part in parts]
    for carrier_id, stat in zip(carrier_ids[:-1], stats, strict=False):
        south.receipt(carrier_id, stat)
    assert client.settled() == []
    south.receipt(carrier_ids[-1], stats[-1])
    octets = client.read()
    assert b"id:" + name + b" " in octets and b"stat:" + told_as in octets
    assert client.settled() == []


def test_5_3_one_receipt(north: Carrier, connect: Callable[[], Client], account: bytes) -> None:
    """A carrier that reports twice: exactly one final receipt."""
    client = connect().bind(system_id=account)
    _, destination = submitted(client)
    carrier_id = north.answer(north.submitted(destination))
    north.receipt(carrier_id)
    north.receipt(carrier_id)
    assert len(client.settled()) == 1


# -- 5.4 ---------------------------------------------------------------------------------------


def test_5_4_response_first(north: Carrier, connect: Callable[[], Client], account: bytes) -> None:
    """A receipt never overtakes the response that tells the id."""
    client = connect().bind(system_id=account)
    destination = b"99915404"
    client.send(sm(registered_delivery=1, destination_addr=destination))
    north.receipt(north.answer(north.submitted(destination)))
    assert header(client.read())[0] == raw.SUBMIT | raw.RESP
    assert header(client.read())[0] == raw.DELIVER


def test_5_4_receipt_before_the_carriers_response(
    north: Carrier, connect: Callable[[], Client], account: bytes
) -> None:
    """The carrier's receipt comes before its response: it waits, and is not lost."""
    client = connect().bind(system_id=account)
    name, destination = submitted(client)
    taken = north.submitted(destination)
    north.receipt(b"early54")
    north.send(pdu(raw.SUBMIT | raw.RESP, header(taken)[2], b"early54\0"))
    assert b"id:" + name in client.read()


# -- 5.5 ---------------------------------------------------------------------------------------

FINAL, INTERMEDIATE = (2, 3, 4, 5, 6, 8, 9), (0, 1)


def test_5_5_final_states() -> None:
    """Final: 2 to 6, 8, 9. Not final: 0 and 1."""
    assert set(FINAL) == receipt.FINAL_STATES
    assert not receipt.FINAL_STATES & set(INTERMEDIATE)


@pytest.mark.parametrize(("state", "told_as"), [(0, 1), (9, 8)], ids=["SCHEDULED", "SKIPPED"])
def test_5_5_states_of_5_0(state: int, told_as: int) -> None:
    """A state that only 5.0 knows is told as what every client knows."""
    original = Message.from_raw(sm())
    built = receipt.build(original, b"7", state, None, 0, 0, 0)
    assert dict(Message.from_raw(built).tlvs)[0x0427] == struct.pack("B", told_as)


def test_5_5_accepted_is_enroute(
    north: Carrier, connect: Callable[[], Client], account: bytes
) -> None:
    """A message that the carrier took is en route, and nobody is told ACCEPTD."""
    client = connect().bind(system_id=account)
    _, destination = submitted(client)
    carrier_id = north.answer(north.submitted(destination))
    assert client.settled() == []
    north.receipt(carrier_id, b"ENROUTE")
    assert client.settled() == []
    north.receipt(carrier_id)
    assert b"stat:DELIVRD" in client.read()


def test_5_5_refusals_have_no_receipt(connect: Callable[[], Client], account: bytes) -> None:
    """What was refused at once was never a message: no receipt."""
    client = connect().bind(system_id=account)
    assert client.ask(sm(registered_delivery=1, destination_addr=b"")) == refused(4, raw.DSTADR)
    assert client.settled() == []
