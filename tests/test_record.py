"""The compiled layout of a traffic record: what msgpack itself would have written."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc._pdu import Message
from smsc._record import packed
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
    f = fields
    return packed(
        f["id"], f["inbound"], f["accepted"], f["sent"], f["done"], f["expiry"], message,
        f["state"], f["status"], f["network_error"], f["error"], f["parts"], f["attempts"],
        f["network"], f["carrier"], f["customer"], f["account"], msgpack.packb(f["price"]),
    )  # fmt: skip


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
