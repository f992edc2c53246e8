"""The running server between software that nobody here wrote.

A *peer* is a client library that plays a scenario; a *world* is the server as a process with a
carrier behind it: our simulator, or node's ``smpp`` in its place. Each peer is a script of its own
under ``peers/`` and speaks JSON:

    scenario   host, port, system_id, password, bind (trx, tx, rx), timeout (s),
               submits: [{source, destination, text, long, payload, registered_delivery}],
               receipts (how many to wait for, or "each" for one per answer), inbound (how many),
               enquire (whether to probe the link),
               asks: [{ask, ...}], what else to ask, one after another: query_sm, cancel_sm and
               replace_sm of the message answered first, submit_multi to destinations, data_sm
    answer     bound (status), answers: [{status, message_id}], receipts and inbound:
               [{source, destination, text, message_id, state}], enquired and unbound (status or
               null), asked: [{status, ...}]
"""

from __future__ import annotations

import itertools
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Seconds a peer waits for what it is promised.
PATIENCE = 20
PASSWORD = "secret12"
#: Destinations that begin so wait for a carrier that never comes.
WAITING = "9990"
#: Where the carriers' inbound messages go, and whose they are.
INBOUND_TO = "447700900100"
INBOX = "inbox"
Answer = dict[str, Any]
#: Numbers reserved for fiction; each message of the session goes to another.
_destinations = (f"447700900{number}" for number in itertools.count(200))


@dataclass(frozen=True)
class Peer:
    """A client library at the end of a command."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]

    def play(self, scenario: dict[str, Any]) -> Answer:
        """What came of it; fails with the peer's own words if it could not be played."""
        played = subprocess.run(
            [*self.command, json.dumps(scenario)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
        )
        assert played.returncode == 0, f"{self.name}: {played.stderr[-2000:]}"
        told: Answer = json.loads(played.stdout)
        return told


@dataclass(frozen=True)
class World:
    """A server with a carrier behind it."""

    carrier: str
    port: int
    log: Path

    def scenario(self, account: str, **changes: Any) -> dict[str, Any]:
        """A scenario for this server, by default a bind and nothing else."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "system_id": account,
            "password": PASSWORD,
            "bind": "trx",
            "timeout": PATIENCE,
            "submits": [],
            "receipts": 0,
            "inbound": 0,
            "enquire": False,
            "asks": [],
            **changes,
        }

    def taken(self, destination: str) -> list[dict[str, Any]]:
        """What node's carrier took for this destination, in order of arrival."""
        lines = (json.loads(line) for line in self.log.read_text().splitlines())
        return [line for line in lines if line["destination"] == destination]


def message(
    text: str, long: bool = False, registered_delivery: int = 1, payload: bool = False
) -> dict[str, Any]:
    """A submit to a destination of its own."""
    return {
        "source": "447700900001",
        "destination": next(_destinations),
        "text": text,
        "long": long,
        "payload": payload,
        "registered_delivery": registered_delivery,
    }
