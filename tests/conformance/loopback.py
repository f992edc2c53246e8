"""The real server in a thread of its own, clients and carriers made of plain sockets around it.

A test is blocking code over real TCP: what it sends are octets, what it expects are octets. Each
client comes from a loopback address of its own, so that no test pays for another's refused binds.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import raw
import uvloop
import yaml

from smsc import reading
from smsc.accounts import hash_password
from smsc.app import App

#: Seconds that anything may take before the test fails; nothing here ever takes them.
PATIENCE = 30.0

PASSWORD = b"pa55word"
#: Destinations that begin so go to the carrier that the test plays; all others wait for one that
#: never comes.
NORTH = b"9991"
#: These go to one that takes short messages alone, and these to one that wants texts whole.
SOUTH, WEST = b"9992", b"9993"
#: Where inbound messages for ``inbox`` go.
INBOUND_TO = b"80888"

#: A link probe no test uses otherwise: what comes before its answer came of what was sent before.
_PROBE = 0x7FFFFF00

_addresses = itertools.count(2)


def _account(name: str, password_hash: str, **changes: Any) -> dict[str, Any]:
    return {
        "system_id": name,
        "password_hash": password_hash,
        "rate": "unlimited",
        "binds": 500,
        **changes,
    }


#: Accounts with something about them; what is left of their names after "-" is nothing's.
SPECIAL: dict[str, dict[str, Any]] = {
    "esme01": {"distribution_lists": {"staff": ["+447700900123"]}},
    "nothing_owed": {},
    "inbox": {},
    "silent": {"receipts": False},
    "txonly": {"bind_types": ["tx"]},
    "elsewhere": {"allowed_addresses": ["192.0.2.0/24"]},
    "single": {"binds": 1},
    "slow": {"rate": "1/h", "burst": 1},
    "full": {"max_queued": 1},
    "sender": {"default_sender": "+447700900099"},
    "brief": {"default_validity": "1h", "max_validity": "1h"},
    "humble": {"max_priority": 1},
    "caster": {"broadcast": True},
    "latin": {"default_alphabet": "latin1"},
    "packed": {"default_alphabet": "gsm0338-packed"},
}

#: Accounts that a test has for itself: receipts go to every bind of an account.
FRESH = tuple(f"fresh{number}" for number in range(80))


def settings(directory: Path, ports: dict[str, int], called: int) -> dict[str, Any]:
    """``ports`` of the carriers that tests play; at ``called`` an account waits for outbind."""
    password_hash = hash_password(PASSWORD.decode())
    accounts = [_account(name, password_hash, **SPECIAL[name]) for name in SPECIAL]
    outbind = {"host": "127.0.0.1", "port": called, "password": "ours"}
    accounts.append(_account("called", password_hash, outbind=outbind))
    accounts += [_account(name, password_hash) for name in FRESH]
    upstream = {
        "host": "127.0.0.1",
        "system_id": "smsc",
        "password": "upstream",
        "window": 1000,
        # What a failed test leaves unanswered must not hold up the end.
        "response_timeout": "8s",
    }
    return {
        "listeners": [{"name": "main", "port": 0}],
        "accounts": accounts,
        "carriers": [
            {"name": "away", "port": 1, "version": 5.0, **upstream},
            {"name": "north", "port": ports["north"], **upstream},
            {"name": "south", "port": ports["south"], "long_messages": "udh", **upstream},
            {"name": "west", "port": ports["west"], "long_messages": "payload", **upstream},
        ],
        "routes": [
            {"name": "default", "to": "*", "carriers": ["away"]},
            {"name": "north", "to": NORTH.decode(), "carriers": ["north"]},
            {"name": "south", "to": SOUTH.decode(), "carriers": ["south"]},
            {"name": "west", "to": WEST.decode(), "carriers": ["west"]},
            {"name": "cells", "broadcast": True, "carriers": ["away"]},
        ],
        "inbound": [{"to": INBOUND_TO.decode(), "account": "inbox"}],
        "storage": {"directory": str(directory / "journal"), "force_filesystem": True},
        "traffic": {"directory": str(directory / "traffic")},
        "metrics": {"port": 0},
        "limits": {"max_unbound_per_address": 4000},
    }


class Server:
    """A whole server, from the configuration to the sockets, on its own loop."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._config = reading.loads(yaml.safe_dump(settings))
        self._ready: queue.Queue[int] = queue.Queue()
        self._thread = threading.Thread(target=uvloop.run, args=(self._serve(),), daemon=True)
        self._thread.start()
        self.port = self._ready.get(timeout=PATIENCE)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self.app = App(self._config)
        await self.app.start()
        self._ready.put(self.app.listeners[0].port)
        await self._over.wait()
        await self.app.stop()

    def call(self, what: Callable[[], Any]) -> Any:
        """What this gives on the server's loop, between two of its turns."""

        async def there() -> Any:
            return what()

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result(PATIENCE)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(PATIENCE * 2)
        assert not self._thread.is_alive()


#: Everything that the server sent in this run, for who reads it too.
SENT: list[bytes] = []


class Stream:
    """PDUs over a socket, cut by their length alone."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.settimeout(PATIENCE)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._sock.close()

    def send(self, *segments: bytes) -> None:
        """Each in a write of its own."""
        for segment in segments:
            self._sock.sendall(segment)

    def half_close(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    def _fill(self, octets: int) -> bool:
        while len(self._buffer) < octets:
            received = self._sock.recv(65536)
            if not received:
                return False
            self._buffer += received
        return True

    def read(self) -> bytes:
        """One PDU; empty at the end of the stream."""
        if not self._fill(4):
            assert not self._buffer, f"the stream ended inside a PDU: {self._buffer.hex()}"
            return b""
        length = int.from_bytes(self._buffer[:4], "big")
        assert length >= 16 and self._fill(length), self._buffer[:16].hex()
        octets, self._buffer = self._buffer[:length], self._buffer[length:]
        SENT.append(octets)
        return octets


class Desk:
    """Where an ESME waits to be called."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(PATIENCE)
        self.port: int = self._server.getsockname()[1]

    def answered(self) -> Stream:
        return Stream(self._server.accept()[0])

    def close(self) -> None:
        self._server.close()


class Client(Stream):
    """An ESME that says what it is told to say."""

    def __init__(self, port: int, address: str = "") -> None:
        if not address:
            # Linux answers for all of 127.0.0.0/8.
            number = next(_addresses)
            address = f"127.{number // 62500 + 1}.{number // 250 % 250}.{number % 250 + 2}"
        super().__init__(
            socket.create_connection(("127.0.0.1", port), PATIENCE, source_address=(address, 0))
        )
        self._probe = _PROBE

    def bind(self, command: int = raw.BIND_TRX, **fields: Any) -> Client:
        """Bound, or the test is over."""
        version = fields.get("version", 0x34)
        told = None if version < 0x34 else 0x34 if version < 0x50 else 0x50
        self.send(raw.bind(command, **fields))
        answer = self.read()
        wanted = raw.bound(command, fields.get("sequence", 1), told)
        # 5.0 lets any response carry congestion_state.
        assert answer[4:].startswith(wanted[4:]), answer.hex()
        return self

    def ask(self, *segments: bytes) -> bytes:
        """The one answer to this."""
        self.send(*segments)
        return self.read()

    def settled(self) -> list[bytes]:
        """Everything that came of what was sent so far, up to the answer of a probe.

        The probe is answered at once and its answer may pass one that waits for the disk, so a
        second follows when a submit that is stored after all others has been answered.
        """
        self._probe += 1
        self.send(raw.pdu(raw.ENQUIRE, self._probe))
        got = []
        while (octets := self.read()) != raw.pdu(raw.ENQUIRE | raw.RESP, self._probe):
            assert octets, f"closed after {[each.hex() for each in got]}"
            got.append(octets)
        return got

    def rest(self) -> list[bytes]:
        """Everything until the server closes."""
        got = []
        while octets := self.read():
            got.append(octets)
        return got

    def submit(self, **fields: Any) -> bytes:
        """Take a message and say its id."""
        answer = self.ask(raw.sm(**fields))
        assert raw.same(answer, raw.accepted(sequence=fields.get("sequence", 6))), answer.hex()
        return raw.message_id(answer)


class Carrier:
    """An upstream SMSC: binds and probes are answered, the rest is for the test to take."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._link: Stream | None = None
        self._bound = threading.Event()
        self._arrived = threading.Condition()
        self._waiting: list[bytes] = []
        self._sequence = itertools.count(1000)
        self._ids = itertools.count(1)
        self.binds: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            link = Stream(sock)
            sock.settimeout(None)
            try:
                while octets := link.read():
                    self._heard(link, octets)
            except OSError:
                continue

    def _heard(self, link: Stream, octets: bytes) -> None:
        command, _, sequence = raw.header(octets)
        if command in (raw.BIND_TRX, raw.BIND_TX, raw.BIND_RX):
            self.binds.append(octets)
            link.send(raw.bound(command, sequence, name=b"north"))
            self._link = link
            self._bound.set()
        elif command in (raw.ENQUIRE, raw.UNBIND):
            link.send(raw.pdu(command | raw.RESP, sequence))
        else:
            with self._arrived:
                self._waiting.append(octets)
                self._arrived.notify_all()

    def await_bind(self) -> None:
        assert self._bound.wait(PATIENCE)

    def take(self, wanted: Callable[[bytes], bool]) -> bytes:
        """The first PDU like this, when it is there."""

        def first() -> bytes | None:
            found = next((octets for octets in self._waiting if wanted(octets)), None)
            if found is not None:
                self._waiting.remove(found)
            return found

        with self._arrived:
            found = self._arrived.wait_for(first, PATIENCE)
        assert found, "the carrier was sent nothing like that"
        return found

    def submitted(self, destination: bytes) -> bytes:
        """The message to this destination."""
        needle = b"\0\1\1" + raw.cstr(destination)
        return self.take(lambda octets: raw.header(octets)[0] == raw.SUBMIT and needle in octets)

    def has(self, destination: bytes) -> bool:
        """Whether a message to this destination waits to be taken."""
        with self._arrived:
            return any(raw.cstr(destination) in octets for octets in self._waiting)

    def send(self, octets: bytes) -> None:
        assert self._link is not None
        self._link.send(octets)

    def answer(self, octets: bytes, status: int = 0) -> bytes:
        """Answer a submit_sm; the id that the message now has here."""
        command, _, sequence = raw.header(octets)
        name = b"n%07d" % next(self._ids)
        body = b"" if status else raw.cstr(name)
        self.send(raw.pdu(command | raw.RESP, sequence, body, status))
        return name

    def deliver(self, **fields: Any) -> bytes:
        """Send a deliver_sm; what the server answered."""
        sequence = next(self._sequence)
        self.send(raw.sm(raw.DELIVER, sequence, **fields))
        wanted = (raw.DELIVER | raw.RESP, sequence)
        return self.take(lambda octets: raw.header(octets)[::2] == wanted)

    def receipt(self, name: bytes, stat: bytes = b"DELIVRD", err: bytes = b"000") -> bytes:
        text = (
            b"id:%b sub:001 dlvrd:001 submit date:2611220915 done date:2611220916 stat:%b err:%b"
            b" text:"
        )
        return self.deliver(esm_class=4, text=text % (name, stat, err))

    def close(self) -> None:
        self._server.close()
        if self._link is not None:
            self._link.close()
