"""One row of the checklist: what is sent in which session, what comes back, and who stays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
import raw
from loopback import Client, Server
from raw import Expected

from smsc.smpp import Command, Status

STAYS, CLOSES = "stays", "closes"

BINDS = {"trx": raw.BIND_TRX, "tx": raw.BIND_TX, "rx": raw.BIND_RX}


@dataclass(frozen=True)
class Case:
    """``name`` is the item as the list has it; the answer is told from ``expect`` and ``then``.

    ``how`` the session begins: ``open``, or a kind of bind, then perhaps a version and an account.
    ``policy`` says why the answer is ours to choose, ``absent`` why the thing is not offered.
    """

    name: str
    how: str
    send: bytes | list[bytes]
    expect: list[Expected] | Expected = field(default_factory=list)
    then: str = STAYS
    policy: str = ""
    absent: str = ""

    @property
    def segments(self) -> list[bytes]:
        return [self.send] if isinstance(self.send, bytes) else self.send

    @property
    def expected(self) -> list[Expected]:
        return self.expect if isinstance(self.expect, list) else [self.expect]

    @property
    def marks(self) -> list[pytest.MarkDecorator]:
        marks = [pytest.mark.by_policy(self.policy)] if self.policy else []
        return marks + ([pytest.mark.not_offered(self.absent)] if self.absent else [])


def by_name(rows: Iterable[Any]) -> pytest.MarkDecorator:
    """A test per row, under the row's name."""
    params = [pytest.param(row, id=row.name, marks=row.marks) for row in rows]
    return pytest.mark.parametrize("case", params)


def opened(server: Server, how: str) -> Client:
    """A client in a session that began like this."""
    kind, *rest = how.split()
    client = Client(server.port)
    if kind == "open":
        return client
    version = int(rest[0], 16) if rest else 0x34
    account = rest[1].encode() if len(rest) > 1 else b"esme01"
    return client.bind(BINDS[kind], version=version, system_id=account)


def play(server: Server, case: Case) -> None:
    """The answers are these and no others, in any order; and the session is as it should be."""
    with opened(server, case.how) as client:
        client.send(*case.segments)
        check(client, case.expected, case.then)


def check(client: Client, expected: list[Expected], then: str) -> None:
    """What comes now is this, and nothing else; then the session stays or has closed."""
    left = list(expected)
    while left:
        got = client.read()
        found = next((each for each in left if raw.same(got, each)), None)
        assert found is not None, f"got {told(got) if got else 'the end'}, not {tell(left)}"
        left.remove(found)
    rest = client.settled() if then == STAYS else client.rest()
    assert not rest, f"more came: {tell(rest)}"


def told(octets: bytes) -> str:
    """A PDU in words: its command and its status."""
    command, status, sequence = raw.header(octets)
    name = Command(command).name.lower() if command in list(Command) else f"{command:#010x}"
    if command < raw.RESP:
        return name
    said = Status(status).name if status in list(Status) else f"{status:#x}"
    return f"{name} {said}" + ("" if sequence else " seq 0")


def tell(expected: Iterable[Expected]) -> str:
    """Expected answers in words."""
    words: list[str] = []
    for each in expected:
        if isinstance(each, bytes):
            words.append(told(each))
        else:
            words.append(told(raw.pdu(each.command | raw.RESP, each.sequence)) + " with an id")
    return ", ".join(dict.fromkeys(words))
