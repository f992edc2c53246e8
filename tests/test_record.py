"""The compiled layout of traffic records: what msgpack itself would have written."""

from __future__ import annotations

import struct
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc._pdu import Message
from smsc._record import Sheaf, finished, text_octets
from smsc.traffic import FIELDS
from tests.keeper import deliver_sm, submit_sm

#: On both sides of every border between two forms of an integer.
EDGES = [n for bits in (0, 7, 8, 16, 32, 63) for n in (2**bits - 1, 2**bits) if n < 2**63]

NAMES = st.binary(max_size=300)
TIMES = st.sampled_from(EDGES) | st.integers(0, 2**63 - 1)


def values(message: Message, **changes: Any) -> dict[str, Any]:
    """A record's fields, in order."""
    m = message
    fields = {
        "id": 7, "inbound": False, "accepted": 1, "sent": 2, "done": 3, "expiry": 4,
        "source_addr_ton": m.source_addr_ton, "source_addr_npi": m.source_addr_npi,
        "source_addr": m.source_addr,
        "dest_addr_ton": m.dest_addr_ton, "dest_addr_npi": m.dest_addr_npi,
        "destination_addr": m.destination_addr,
        "state": 2, "status": 0, "network_error": b"", "error": b"",
        "data_coding": m.data_coding, "esm_class": m.esm_class, "protocol_id": m.protocol_id,
        "priority_flag": m.priority_flag, "registered_delivery": m.registered_delivery,
        "parts": 1, "attempts": 1, "network": b"", "carrier": b"one", "customer": b"acme",
        "account": b"acme", "price": None,
    }  # fmt: skip
    assert tuple(fields) == FIELDS
    return fields | changes


def laid_out(message: Message, fields: dict[str, Any]) -> bytes:
    sheaf = Sheaf(fields["customer"], "2026-11", "2026-11")
    put(sheaf, message, fields)
    return sheaf.traffic


def put(sheaf: Sheaf, message: Message, fields: dict[str, Any], position: int = 1) -> None:
    f = fields
    end = finished(
        f["id"], f["inbound"], f["customer"], f["account"], f["carrier"], f["accepted"], f["sent"],
        f["done"], f["expiry"], f["attempts"], f["state"], f["status"], f["network_error"],
        f["error"], message, network=f["network"],
    )  # fmt: skip
    sheaf.add(end.at(position), f["parts"], msgpack.packb(f["price"]))


@given(
    id=st.sampled_from([*EDGES, 2**64 - 1]),
    inbound=st.booleans(),
    times=st.tuples(TIMES, TIMES, TIMES, TIMES),
    status=st.sampled_from([0, 0x45, 0x400, 2**32 - 1]),
    state=st.integers(0, 9),
    parts=st.integers(1, 500),
    attempts=st.integers(0, 255),
    names=st.tuples(NAMES, NAMES, NAMES, NAMES, NAMES, NAMES),
    price=st.none() | st.integers().filter(lambda n: abs(n) < 2**60) | st.tuples(st.integers(0, 9)),
    octets=st.tuples(*[st.integers(0, 255)] * 5),
)
def test_it_is_what_msgpack_makes_of_it(
    id: int,
    inbound: bool,
    times: tuple[int, ...],
    status: int,
    state: int,
    parts: int,
    attempts: int,
    names: tuple[bytes, ...],
    price: Any,
    octets: tuple[int, ...],
) -> None:
    make = deliver_sm if inbound else submit_sm
    message = make(
        data_coding=octets[0],
        esm_class=octets[1],
        protocol_id=octets[2],
        priority_flag=octets[3],
        registered_delivery=octets[4],
        source_addr=b"",
    )
    fields = values(
        message,
        id=id, inbound=inbound, accepted=times[0], sent=times[1], done=times[2], expiry=times[3],
        status=status, state=state, parts=parts, attempts=attempts, network_error=names[0],
        error=names[1], network=names[2], carrier=names[3], customer=names[4], account=names[5],
        price=price,
    )  # fmt: skip
    assert laid_out(message, fields) == msgpack.packb(list(fields.values()))


def test_the_longest_addresses_fit() -> None:
    message = submit_sm(source_addr=b"1" * 20, destination_addr=b"2" * 20)
    fields = values(message)
    assert msgpack.unpackb(laid_out(message, fields)) == list(fields.values())


@pytest.mark.parametrize("time", ["accepted", "sent", "done", "expiry"])
def test_no_time_lies_before_1970(time: str) -> None:
    message = submit_sm()
    with pytest.raises(ValueError, match="1970"):
        laid_out(message, values(message, **{time: -1}))


def test_a_sheaf_is_what_its_records_are_one_after_the_other() -> None:
    long = submit_sm(short_message=b"", tlvs=[(0x0424, bytes(5_000))])
    messages = [submit_sm(short_message=b"x" * n) for n in (0, 1, 200)] + [long, submit_sm()]
    sheaf, single = Sheaf(b"acme", "2026-11", "2026-W48"), b""
    for at, message in enumerate(messages):
        assert len(sheaf) == at
        put(sheaf, message, values(message, id=at + 1), 100 - at)
        single += laid_out(message, values(message, id=at + 1))
    assert sheaf.traffic == single
    assert sheaf.contents == b"".join(msgpack.packb(message.text) for message in messages)
    assert sheaf.ends == b"".join(struct.pack("<QQ", at + 1, 100 - at) for at in range(5))
    assert sheaf.newest == 100
    assert sheaf.octets == len(sheaf.traffic) + len(sheaf.contents)
    assert (sheaf.customer, sheaf.month, sheaf.period) == (b"acme", "2026-11", "2026-W48")
    with pytest.raises(ValueError, match="1970"):
        put(sheaf, long, values(long, done=-1))
    assert (len(sheaf), sheaf.traffic) == (5, single), "a record is there, or nothing of it"
    sheaf.clear()
    assert (len(sheaf), sheaf.traffic, sheaf.contents, sheaf.ends) == (0, b"", b"", b"")
    assert (sheaf.newest, sheaf.octets) == (0, 0)


@pytest.mark.parametrize("text", [b"", b"x", b"x" * 254])
def test_the_length_of_a_text_is_that_of_its_octets(text: bytes) -> None:
    for message in (
        submit_sm(short_message=text),
        submit_sm(short_message=b"", tlvs=[(0x0424, text)]),
    ):
        assert text_octets(message) == len(message.text)
