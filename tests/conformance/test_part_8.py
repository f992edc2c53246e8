"""The vectors: every good PDU, every bad one with its exact answer, and every way to cut them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import raw
from cases import CLOSES, STAYS, check, opened
from loopback import Client, Server
from raw import GOOD, VECTORS, header, nack, pdu

#: Sessions that a vector asks for; all others begin as a transceiver of 3.4.
BEGINNINGS = {"N07": "open", "N09": "open", "N10": "open", "N28": "rx", "N33": "trx 50 caster"}


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=lambda vector: vector["id"])
def test_8_2_vector(server: Server, vector: dict[str, Any]) -> None:
    """A bad PDU: its exact answer, and its session stays or closes."""
    answer = bytes.fromhex(vector["answer"] or "")
    with opened(server, BEGINNINGS.get(vector["id"], "trx")) as client:
        client.send(bytes.fromhex(vector["hex"]))
        check(client, [answer] if answer else [], CLOSES if "close" in vector["then"] else STAYS)


#: Requests among the good PDUs by the status that this server answers them with; the others get an
#: answer of success, or, if they are no requests of an ESME, none.
STATUSES = {
    "V12": raw.BNDSTS,
    "V22": raw.BNDSTS,
    "V25": raw.BNDSTS,
    "V38": raw.BNDSTS,
    "V26": None,
    "V28": raw.ESMCLASS,
    "V31": raw.MSGID,
    "V34": raw.CANCELFAIL,
    "V36": raw.MSGID,
    "V39": None,
    "V41": None,
    "V43": None,
}


#: A cancel_sm of a group, from an account that has submitted nothing.
SESSIONS = {"V34": "trx 50 nothing_owed"}


@pytest.mark.parametrize("name", GOOD)
def test_8_1_vector(server: Server, name: str) -> None:
    """A good PDU in a session of 5.0 that may send it: answered, and the session stays."""
    command, _, sequence = header(GOOD[name])
    binds = command in (raw.BIND_TRX, raw.BIND_TX, raw.BIND_RX)
    with opened(server, "open" if binds else SESSIONS.get(name, "trx 50")) as client:
        client.send(GOOD[name])
        if command < raw.RESP:
            answered, status, echoed = header(client.read())
            assert answered in (command | raw.RESP, raw.NACK) and echoed == sequence
            wanted = STATUSES.get(name, 0)
            if binds and not GOOD[name][16:].startswith(b"esme01\0"):
                wanted = raw.BINDFAIL
            assert wanted is None or status == wanted
        if command == raw.UNBIND:
            assert client.rest() == []
        else:
            assert client.settled() == []


SUBMITS = [
    raw.sm(sequence=n, tlvs=raw.tlv(0x0204, b"ab"), text=b"text %d" % n) for n in range(1, 4)
]
STREAM = SUBMITS[0] + pdu(raw.ENQUIRE, 50) + SUBMITS[1] + pdu(0x0A, 51) + SUBMITS[2]
ANSWERS = [*map(raw.accepted, [raw.SUBMIT] * 3, (1, 2, 3)), pdu(raw.ENQUIRE | raw.RESP, 50),
           nack(raw.CMDID, 51)]  # fmt: skip


def test_8_3_octet_by_octet(connect: Callable[[], Client]) -> None:
    """One octet at a time."""
    client = connect().bind()
    client.send(*[bytes([octet]) for octet in STREAM])
    check(client, ANSWERS, STAYS)


def test_8_3_two_halves(connect: Callable[[], Client]) -> None:
    """Two halves, cut at every offset."""
    client = connect().bind()
    for place in range(1, len(SUBMITS[0])):
        client.send(SUBMITS[0][:place], SUBMITS[0][place:])
    for _ in range(1, len(SUBMITS[0])):
        assert raw.same(client.read(), raw.accepted(sequence=1))
    assert client.settled() == []


def test_8_3_all_in_one_write(connect: Callable[[], Client]) -> None:
    """Everything in one write, many times over."""
    client = connect().bind()
    client.send(STREAM * 20)
    check(client, ANSWERS * 20, STAYS)


def test_8_3_half_of_the_next(connect: Callable[[], Client]) -> None:
    """Each PDU with half of the next behind it."""
    client = connect().bind()
    half = len(SUBMITS[0]) // 2
    client.send(STREAM + STREAM[:half], STREAM[half:])
    check(client, ANSWERS * 2, STAYS)


@pytest.mark.parametrize("seed", range(5))
def test_8_3_anyhow(connect: Callable[[], Client], seed: int) -> None:
    """Cut anyhow."""
    chance = random.Random(seed)
    client = connect().bind()
    stream = STREAM * 5
    places = sorted(chance.sample(range(1, len(stream)), 40))
    client.send(*[stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)])
    check(client, ANSWERS * 5, STAYS)
