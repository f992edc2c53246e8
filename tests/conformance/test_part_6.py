"""message_id, and what a client may ask of a message that it submitted."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import raw
from cases import Case, by_name, play
from loopback import INBOUND_TO, Carrier, Client, Server
from raw import broadcast, cancel, cstr, header, multi, pdu, query, refused, replace, sm, tlv

ENROUTE, DELETED = 1, 4

#: A message_id and a source, as query_broadcast_sm has them.
NAMED = query(b"1")[16:]


def state(client: Client, name: bytes, **source: object) -> tuple[bytes, int, int]:
    """(final_date, message_state, error_code) as query_sm tells them."""
    answer = client.ask(query(name, **source))
    assert header(answer) == (raw.QUERY | raw.RESP, 0, 6), answer.hex()
    match = re.match(re.escape(cstr(name)) + rb"([^\0]*)\0(.)(.)", answer[16:], re.DOTALL)
    assert match is not None, answer.hex()
    return match[1], match[2][0], match[3][0]


def done(client: Client, octets: bytes) -> None:
    """The request is answered with success; a 5.0 session may hear of the load."""
    command, _, sequence = header(octets)
    assert header(client.ask(octets)) == (command | raw.RESP, 0, sequence)


# -- ids ---------------------------------------------------------------------------------------


def test_6_id_alphabet(connect: Callable[[], Client]) -> None:
    """Lower-case hexadecimal without leading zeros, at most 16 characters; no two alike."""
    client = connect().bind()
    names = [client.submit(sequence=n) for n in range(1, 50)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(rb"[1-9a-f][0-9a-f]{0,15}", name) for name in names)


def test_6_id_everywhere_the_same(
    north: Carrier, connect: Callable[[], Client], account: bytes
) -> None:
    """One id in the response, in query_sm_resp, in the receipt's text and its TLV."""
    client = connect().bind(system_id=account)
    destination = b"9991601"
    name = client.submit(destination_addr=destination, registered_delivery=1)
    assert state(client, name)[1] == ENROUTE
    north.receipt(north.answer(north.submitted(destination)))
    octets = client.read()
    assert b"id:" + name + b" " in octets and tlv(0x001E, cstr(name)) in octets


IDS = [
    Case("query_sm, empty id", "trx", query(b""), refused(raw.QUERY, raw.MSGID)),
    Case("replace_sm, empty id", "trx", replace(b""), refused(raw.REPLACE, raw.MSGID)),
    Case("query_sm, id of 64", "trx", query(b"f" * 64), refused(raw.QUERY, raw.MSGID)),
    Case("query_sm, not an id of ours", "trx", query(b"0x1"), refused(raw.QUERY, raw.MSGID)),
    Case("cancel_sm, not an id of ours", "trx", cancel(b"-1"), refused(raw.CANCEL, raw.MSGID)),
    Case("replace_sm, not an id of ours", "trx", replace(b" 1"), refused(raw.REPLACE, raw.MSGID)),
]


@by_name(IDS)
def test_6_ids(server: Server, case: Case) -> None:
    play(server, case)


# -- query_sm ----------------------------------------------------------------------------------


def test_6_query_pending(connect: Callable[[], Client]) -> None:
    """query_sm of a message that waits: ENROUTE, no final date, no error."""
    client = connect().bind()
    assert state(client, client.submit()) == (b"", ENROUTE, 0)


def test_6_query_scheduled(connect: Callable[[], Client]) -> None:
    """query_sm of a scheduled message: SCHEDULED in 5.0, before that ENROUTE."""
    for version, told in ((0x34, ENROUTE), (0x50, 0)):
        client = connect().bind(version=version)
        name = client.submit(schedule_delivery_time=b"000000010000000R")
        assert state(client, name)[1] == told


def test_6_query_final(north: Carrier, connect: Callable[[], Client], account: bytes) -> None:
    """query_sm of a message that ended: its state and its date of 16 characters."""
    client = connect().bind(system_id=account)
    destination = b"9991602"
    name = client.submit(destination_addr=destination)
    north.answer(north.submitted(destination), raw.DSTADR)
    # The carrier's answer is on its way through the server.
    date, told, _ = _final(client, name)
    assert re.fullmatch(rb"\d{12}\d00\+", date) and told == 8


def _final(client: Client, name: bytes) -> tuple[bytes, int, int]:
    for _ in range(200):
        got = state(client, name)
        if got[1] != ENROUTE:
            return got
    pytest.fail("the message never ended")


def test_6_query_another_source(connect: Callable[[], Client]) -> None:
    """query_sm with another source: ESME_RQUERYFAIL."""
    client = connect().bind()
    name = client.submit()
    for change in ({"source_addr": b"1"}, {"source_addr_ton": 2}, {"source_addr_npi": 3}):
        assert client.ask(query(name, **change)) == refused(raw.QUERY, raw.QUERYFAIL)


def test_6_query_of_data_sm(connect: Callable[[], Client]) -> None:
    """query_sm of a message that came as data_sm."""
    client = connect().bind()
    name = raw.message_id(client.ask(raw.data()))
    assert state(client, name)[1] == ENROUTE


@pytest.mark.by_policy("ENROUTE while any destination is pending")
def test_6_query_of_submit_multi(connect: Callable[[], Client]) -> None:
    """query_sm of a submit_multi."""
    client = connect().bind()
    name = raw.message_id(client.ask(multi(raw.to(b"447700900123"), raw.to(b"447700900124"))))
    assert state(client, name)[1] == ENROUTE


def test_6_query_on_3_3(connect: Callable[[], Client]) -> None:
    """query_sm by the short id of a session of 3.3."""
    client = connect().bind(version=0x33)
    assert state(client, client.submit())[1] == ENROUTE


# -- cancel_sm ---------------------------------------------------------------------------------


def test_6_cancel_by_id(connect: Callable[[], Client]) -> None:
    """cancel_sm by id, destination and service_type given or NULL: DELETED, header only."""
    client = connect().bind()
    nothing = {"dest_addr_ton": 0, "dest_addr_npi": 0, "destination_addr": b""}
    for changes in ({}, nothing):
        name = client.submit()
        done(client, cancel(name, **changes))
        assert state(client, name)[1] == DELETED


def test_6_cancel_mismatch(connect: Callable[[], Client]) -> None:
    """cancel_sm by id with another source, destination or service_type: ESME_RCANCELFAIL."""
    client = connect().bind()
    name = client.submit()
    for change in (
        {"source_addr": b"1"},
        {"destination_addr": b"447700900999"},
        {"service_type": b"CMT"},
    ):
        assert client.ask(cancel(name, **change)) == refused(raw.CANCEL, raw.CANCELFAIL)
    assert state(client, name)[1] == ENROUTE


def test_6_cancel_group(connect: Callable[[], Client], account: bytes) -> None:
    """cancel_sm without an id: every pending message of this source and destination."""
    client = connect().bind(system_id=account)
    ours = [client.submit(destination_addr=b"447700900611") for _ in range(3)]
    other = client.submit(destination_addr=b"447700900612")
    done(client, cancel(destination_addr=b"447700900611"))
    assert [state(client, name)[1] for name in ours] == [DELETED] * 3
    assert state(client, other)[1] == ENROUTE


def test_6_cancel_group_of_a_service(connect: Callable[[], Client], account: bytes) -> None:
    """cancel_sm without an id, with a service_type: those of this service alone."""
    client = connect().bind(system_id=account)
    to = {"destination_addr": b"447700900613"}
    ours, other = client.submit(service_type=b"CMT", **to), client.submit(**to)
    done(client, cancel(service_type=b"CMT", **to))
    assert state(client, ours)[1] == DELETED and state(client, other)[1] == ENROUTE


def test_6_cancel_nothing(connect: Callable[[], Client], account: bytes) -> None:
    """cancel_sm of a group with nothing in it: ESME_RCANCELFAIL."""
    client = connect().bind(system_id=account)
    assert client.ask(cancel(destination_addr=b"1")) == refused(raw.CANCEL, raw.CANCELFAIL)


def test_6_cancel_twice(connect: Callable[[], Client]) -> None:
    """cancel_sm of a final message: ESME_RCANCELFAIL."""
    client = connect().bind()
    name = client.submit()
    done(client, cancel(name))
    assert client.ask(cancel(name)) == refused(raw.CANCEL, raw.CANCELFAIL)


def test_6_cancel_being_sent(north: Carrier, connect: Callable[[], Client]) -> None:
    """cancel_sm of a message that is with the carrier right now: ESME_RCANCELFAIL."""
    client = connect().bind()
    destination = b"9991603"
    name = client.submit(destination_addr=destination)
    taken = north.submitted(destination)
    answer = client.ask(cancel(name, destination_addr=destination))
    assert answer == refused(raw.CANCEL, raw.CANCELFAIL)
    north.answer(taken)


def test_6_cancel_receipt(connect: Callable[[], Client], account: bytes) -> None:
    """A cancelled message has its receipt: DELETED."""
    client = connect().bind(system_id=account)
    name = client.submit(registered_delivery=2)
    client.send(cancel(name))
    got = [client.read(), client.read()]
    assert pdu(raw.CANCEL | raw.RESP) in got
    assert any(b"id:" + name in each and b"stat:DELETED" in each for each in got)


# -- replace_sm --------------------------------------------------------------------------------


def replaced(server: Server, name: bytes) -> bytes:
    """The octets of a pending message, as they stand."""

    def look() -> bytes:
        core = server.app.core
        slab = core.state.spool.slab
        slot = slab.find(int(name, 16))
        octets: bytes = core.bodies.get(slab.id(slot), slab.position(slot)).message.raw
        return octets

    found: bytes = server.call(look)
    return found


def test_6_replace_text(server: Server, connect: Callable[[], Client]) -> None:
    """replace_sm: the new text, all else as stored."""
    client = connect().bind()
    name = client.submit(text=b"old", data_coding=4, service_type=b"CMT")
    done(client, replace(name, text=b"new text"))
    stored = replaced(server, name)
    assert stored[16:] == sm(text=b"new text", data_coding=4, service_type=b"CMT")[16:]


def test_6_replace_keeps_times(server: Server, connect: Callable[[], Client]) -> None:
    """replace_sm with empty times keeps the stored ones; the message keeps waiting."""
    client = connect().bind(version=0x50)
    name = client.submit(schedule_delivery_time=b"000000020000000R")
    done(client, replace(name))
    assert state(client, name)[1] == 0


def test_6_replace_receipt_wish(
    north: Carrier, connect: Callable[[], Client], account: bytes
) -> None:
    """replace_sm sets registered_delivery anew."""
    client = connect().bind(system_id=account)
    name = client.submit(registered_delivery=0)
    done(client, replace(name, registered_delivery=1))
    client.send(cancel(name))
    assert any(b"stat:DELETED" in each for each in (client.read(), client.read()))


def test_6_replace_mismatch(connect: Callable[[], Client]) -> None:
    """replace_sm with another source: ESME_RREPLACEFAIL, nothing is made."""
    client = connect().bind()
    name = client.submit()
    answer = client.ask(replace(name, source_addr=b"1"))
    assert answer == refused(raw.REPLACE, raw.REPLACEFAIL)


def test_6_replace_final(connect: Callable[[], Client]) -> None:
    """replace_sm of a final message: ESME_RREPLACEFAIL."""
    client = connect().bind()
    name = client.submit()
    done(client, cancel(name))
    assert client.ask(replace(name)) == refused(raw.REPLACE, raw.REPLACEFAIL)


def test_6_replace_payload(server: Server, connect: Callable[[], Client]) -> None:
    """replace_sm of 5.0 may carry message_payload."""
    client = connect().bind(version=0x50)
    name = client.submit()
    done(client, replace(name, text=b"", tlvs=tlv(0x0424, b"a longer text")))
    assert b"a longer text" in replaced(server, name)


# -- replace_if_present_flag, submit_multi -----------------------------------------------------


@pytest.mark.by_policy("a new id; the replaced message ends without a receipt")
def test_6_replace_if_present(connect: Callable[[], Client], account: bytes) -> None:
    """submit_sm with replace_if_present_flag: replaces the pending one of the same key."""
    client = connect().bind(system_id=account)
    key = {"destination_addr": b"447700900621", "service_type": b"CMT"}
    old = client.submit(**key)
    new = client.submit(replace_if_present_flag=1, text=b"newer", **key)
    assert new != old
    assert state(client, old)[1] == DELETED and state(client, new)[1] == ENROUTE


def test_6_replace_if_present_none(connect: Callable[[], Client], account: bytes) -> None:
    """submit_sm with replace_if_present_flag and nothing to replace: a new message."""
    client = connect().bind(system_id=account)
    name = client.submit(replace_if_present_flag=1)
    assert state(client, name)[1] == ENROUTE


def test_6_multi(north: Carrier, connect: Callable[[], Client]) -> None:
    """submit_multi: each good destination is sent its message, each bad one is listed."""
    client = connect().bind()
    good = [b"9991631", b"9991632"]
    answer = client.ask(multi(*map(raw.to, good), raw.to(b"bad"), text=b"to many"))
    assert header(answer) == (raw.MULTI | raw.RESP, 0, 6)
    assert answer[16:].partition(b"\0")[2] == b"\1\1\1bad\0" + raw.word(raw.DSTADR)
    for destination in good:
        taken = north.submitted(destination)
        assert taken.endswith(b"\x07to many")
        north.answer(taken)


def test_6_multi_all_good(connect: Callable[[], Client]) -> None:
    """submit_multi to good destinations alone: no_unsuccess is there, and 0."""
    answer = connect().bind().ask(multi(raw.to(b"447700900123")))
    assert answer[16:].partition(b"\0")[2] == b"\0"


@pytest.mark.by_policy("one message each")
def test_6_multi_twice_the_same(north: Carrier, connect: Callable[[], Client]) -> None:
    """submit_multi with a destination twice."""
    client = connect().bind()
    destination = b"9991633"
    client.ask(multi(raw.to(destination), raw.to(destination)))
    for _ in range(2):
        north.answer(north.submitted(destination))


def test_6_multi_receipts(north: Carrier, connect: Callable[[], Client], account: bytes) -> None:
    """submit_multi: a receipt per destination, all with one id, told apart by their source."""
    client = connect().bind(system_id=account)
    good = [b"9991634", b"9991635"]
    name = raw.message_id(client.ask(multi(*map(raw.to, good), registered_delivery=1)))
    for destination in good:
        north.receipt(north.answer(north.submitted(destination)))
    got = [client.read(), client.read()]
    assert all(b"id:" + name + b" " in each for each in got)
    assert all(any(b"\1\1" + cstr(d) in each for each in got) for d in good)


# -- broadcasts --------------------------------------------------------------------------------

_NAME = cstr(b"nope") + b"\1\1" + cstr(b"447700900001")
_ASKED = [
    ("broadcast_sm", raw.BROADCAST, broadcast()),
    ("query_broadcast_sm", raw.QUERY_BROADCAST, pdu(raw.QUERY_BROADCAST, 6, _NAME)),
    ("cancel_broadcast_sm", raw.CANCEL_BROADCAST, pdu(raw.CANCEL_BROADCAST, 6, b"\0" + _NAME)),
]


def _with(tag: int, value: bytes) -> bytes:
    """The mandatory TLVs, but for this one."""
    mandatory = {0x0606: b"\0North", 0x0601: b"\0\0\x33", 0x0604: b"\0\3", 0x0605: b"\x09\0\x1f"}
    return b"".join(tlv(*each) for each in (mandatory | {tag: value}).items())


_WRONG = [
    ("priority_flag 5", broadcast(priority_flag=5), raw.PRTFLG),
    ("replace_if_present_flag 2", broadcast(replace_if_present_flag=2), raw.REPFLAG),
    ("to replace what is not named", broadcast(replace_if_present_flag=1), raw.BCASTFAIL),
    ("to replace what is not there", broadcast(replace_if_present_flag=1, message_id=b"nope"),
     raw.BCASTFAIL),
    ("unit of the interval 1", broadcast(tlvs=_with(0x0605, b"\1\0\1")), raw.BCASTFREQINT),
    ("area without a name", broadcast(tlvs=_with(0x0606, b"\0")), raw.BCASTALIAS),
    ("format of an area 3", broadcast(tlvs=_with(0x0606, b"\3x")), raw.BCASTAREAFMT),
    ("256 areas", broadcast(tlvs=raw.BROADCAST_TLVS + raw.AREA * 255), raw.NUMBCASTAREAS),
    ("network of the content 4", broadcast(tlvs=_with(0x0601, b"\4\0\1")), raw.BCASTCNTTYPE),
    ("message class 4", broadcast(tlvs=_with(0x0603, b"\4")), raw.BCASTMSGCLASS),
    ("for ever", broadcast(tlvs=_with(0x0604, b"\0\0")), raw.BCASTREP),
    ("channel indicator 2", broadcast(tlvs=_with(0x0600, b"\2")), raw.BCASTCHANIND),
]  # fmt: skip

BROADCASTS = [
    Case("broadcast_sm before 5.0", "trx 34", broadcast(), raw.nack(raw.CMDID)),
    Case("query_broadcast_sm before 5.0", "trx 34", raw.GOOD["V41"],
         raw.nack(raw.CMDID, header(raw.GOOD["V41"])[2])),
    Case("cancel_broadcast_sm before 5.0", "trx 34", raw.GOOD["V43"],
         raw.nack(raw.CMDID, header(raw.GOOD["V43"])[2])),
    *(Case(f"{name}, not for this account", "trx 50", octets, refused(command, raw.PROHIBITED))
      for name, command, octets in _ASKED),
    Case("broadcast_sm", "trx 50 caster", broadcast(), raw.accepted(raw.BROADCAST)),
    Case("query_broadcast_sm of nothing", "trx 50 caster", _ASKED[1][2],
         refused(raw.QUERY_BROADCAST, raw.BCASTQUERYFAIL)),
    Case("cancel_broadcast_sm of nothing", "trx 50 caster", _ASKED[2][2],
         refused(raw.CANCEL_BROADCAST, raw.BCASTCANCELFAIL)),
    *(Case(f"broadcast_sm: {what}", "trx 50 caster", octets, refused(raw.BROADCAST, status))
      for what, octets, status in _WRONG),
]  # fmt: skip


@by_name(BROADCASTS)
def test_6_broadcasts(server: Server, case: Case) -> None:
    play(server, case)


def test_6_broadcast(connect: Callable[[], Client]) -> None:
    """broadcast_sm is taken, query_broadcast_sm tells its state, cancel_broadcast_sm ends it."""
    client = connect().bind(system_id=b"caster", version=0x50)
    answer = client.ask(broadcast())
    assert raw.same(answer, raw.accepted(raw.BROADCAST)), answer.hex()
    named = query(raw.message_id(answer))[16:]
    told = client.ask(pdu(raw.QUERY_BROADCAST, 7, named))
    assert header(told) == (raw.QUERY_BROADCAST | raw.RESP, 0, 7)
    assert tlv(0x0427, bytes([ENROUTE])) in told and raw.AREA in told
    answer = client.ask(pdu(raw.CANCEL_BROADCAST, 8, cstr(b"CBS") + named))
    assert header(answer) == (raw.CANCEL_BROADCAST | raw.RESP, 0, 8)


BROADCASTING = [
    Case(
        f"{name} from an account that may not", "trx 50", octets,
        refused(command, raw.PROHIBITED),
    )
    for name, command, octets in [
        ("broadcast_sm", raw.BROADCAST, broadcast()),
        ("query_broadcast_sm", raw.QUERY_BROADCAST, pdu(raw.QUERY_BROADCAST, 6, NAMED)),
        ("cancel_broadcast_sm", raw.CANCEL_BROADCAST, pdu(raw.CANCEL_BROADCAST, 6, b"\0" + NAMED)),
    ]
]  # fmt: skip


@by_name(BROADCASTING)
def test_6_broadcast_denied(server: Server, case: Case) -> None:
    play(server, case)


# -- alert_notification ------------------------------------------------------------------------


def test_6_alert(north: Carrier, connect: Callable[[], Client]) -> None:
    """alert_notification from a carrier goes to who has its esme_addr, octet for octet."""
    client = connect().bind(raw.BIND_RX, system_id=b"inbox")
    body = b"\1\1" + cstr(b"447700900123") + b"\0\1" + cstr(INBOUND_TO) + tlv(0x0422, b"\0")
    north.send(pdu(raw.ALERT, 77, body))
    octets = client.read()
    assert header(octets)[:2] == (raw.ALERT, 0) and octets[16:] == body
    assert client.settled() == [], "nothing answers it"


def test_6_alert_of_3_3(north: Carrier, connect: Callable[[], Client]) -> None:
    """A session of 3.3 knows no alert_notification: it goes to another of the account."""
    old = connect().bind(raw.BIND_RX, system_id=b"inbox", version=0x33)
    new = connect().bind(raw.BIND_RX, system_id=b"inbox")
    body = b"\1\1" + cstr(b"447700900123") + b"\0\1" + cstr(INBOUND_TO)
    north.send(pdu(raw.ALERT, 78, body))
    assert header(new.read())[0] == raw.ALERT
    assert old.settled() == []
