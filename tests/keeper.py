"""A keeper on a simulated log, with both its neighbours played by the test.

The log, the state and every decision are the real ones; time and durability are method calls. The
binds implement the ports and write down what they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from smsc import image, reading
from smsc._pdu import Decoder, Message, Pdu, encode
from smsc.accounts import Accounts, hash_password
from smsc.commit import Commit
from smsc.core import Core
from smsc.journal import SimLog
from smsc.message import check_replacement
from smsc.rating import Tariff
from smsc.smpp import Command
from smsc.state import State
from smsc.traffic import Plain, Sealer, Traffic, read

START = 1_790_000_000_000

HASH = hash_password("secret")

BASE = f"""
listeners: [{{name: plain, port: 0}}]
accounts:
  - {{system_id: acme, password_hash: '{HASH}', rate: unlimited}}
  - {{system_id: other, password_hash: '{HASH}', rate: unlimited}}
carriers:
  - name: one
    host: 127.0.0.1
    port: 1
    system_id: smsc
    password: pw
    in_doubt: {{policy: hold, hold: 60s}}
  - {{name: two, host: 127.0.0.1, port: 2, system_id: smsc, password: pw}}
routes:
  - {{name: default, to: '*', carriers: [one, two]}}
  - {{name: only-one, to: '49', carriers: [one]}}
inbound:
  - {{to: '80888', account: acme}}
"""


class Turn:
    """As much of an event loop as the commit needs: one turn at a time."""

    def __init__(self) -> None:
        self._soon: list[Callable[[], None]] = []
        self._reader: Callable[[], None] | None = None

    def call_soon(self, call: Callable[[], None]) -> None:
        self._soon.append(call)

    def add_reader(self, fd: int, call: Callable[[], None]) -> None:
        self._reader = call

    def remove_reader(self, fd: int) -> None:
        self._reader = None

    def run(self) -> None:
        """Until nothing is to be done."""
        while self._soon:
            soon, self._soon = self._soon, []
            for call in soon:
                call()
        if self._reader is not None:
            self._reader()
        if self._soon:
            self.run()


class Client:
    """An edge bind: takes deliveries as far as its window goes."""

    def __init__(self, keeper: Keeper, account: bytes = b"acme", window: int = 10) -> None:
        self._keeper = keeper
        self.account = account
        self.receives = True
        self.version = 0x34
        self.unbound = False
        self.window = window
        self.held: list[tuple[int, bytes]] = []
        #: What has left towards the client, durable.
        self.delivered: list[Message] = []
        self.alerts: list[Pdu] = []

    def credit(self) -> int:
        return self.window - len(self.held)

    def deliver(self, mail_ids: list[int], pdus: list[bytes]) -> None:
        self.held += zip(mail_ids, pdus, strict=True)
        self._keeper.commit.stage_all(self, list(pdus))

    def notify(self, pdu: bytes) -> None:
        self._keeper.commit.stage(self, pdu)

    def release(self, staged: list[bytes]) -> None:
        for octets in staged:
            (pdu,) = Decoder().feed(octets)
            if isinstance(pdu, Message):
                pdu.decode()
                self.delivered.append(pdu)
            else:
                self.alerts.append(pdu)

    def answer(self, status: int = 0) -> None:
        """Answer everything it was given."""
        held, self.held = self.held, []
        self._keeper.core.delivered(self, [(mail_id, status) for mail_id, _pdu in held])


class Relay:
    """A carrier's bind: writes down what left for the carrier, durable."""

    def __init__(self, keeper: Keeper, carrier: bytes = b"one", window: int = 100) -> None:
        self._keeper = keeper
        self.carrier = carrier
        self.version = 0x34
        self.window = window
        self.open = True
        #: (message id, attempt) handed over and not answered.
        self.outstanding: list[tuple[int, int]] = []
        self.sent: list[tuple[int, int, Message]] = []
        #: Ids of those that went as broadcast_sm.
        self.broadcasts: list[int] = []

    def credit(self) -> int:
        return self.window - len(self.outstanding)

    def send(self, attempts: list[tuple[int, int]], messages: list[Message]) -> None:
        self.outstanding += attempts
        staged = [(*attempt, message) for attempt, message in zip(attempts, messages, strict=True)]
        self._keeper.commit.stage_all(self, staged)

    def broadcast(self, message_id: int, attempt: int, message: Message) -> None:
        self.broadcasts.append(message_id)
        self.send([(message_id, attempt)], [message])

    def release(self, staged: list[tuple[int, int, Message]]) -> None:
        self.sent += staged

    def answer(
        self, message_id: int, attempt: int, status: int = 0, carrier_id: bytes = b""
    ) -> None:
        if (message_id, attempt) in self.outstanding:
            self.outstanding.remove((message_id, attempt))
        self._keeper.core.outcomes(self, [(message_id, attempt, status, carrier_id)])

    def receipt(self, carrier_id: bytes, stat: bytes = b"DELIVRD", **fields: Any) -> int:
        text = (
            b"id:%b sub:001 dlvrd:001 submit date:2611220915 done date:2611220916 stat:%b err:000"
        )
        told = {"esm_class": 4, "short_message": text % (carrier_id, stat)} | fields
        pdu = deliver_sm(**told)
        return self._keeper.core.inbound(self, [pdu])[0]


#: Who submits, unless a test says otherwise.
SOURCE = {"source_addr_ton": 1, "source_addr_npi": 1, "source_addr": b"447700900001"}


def request(command: Command, **fields: Any) -> Pdu:
    tlvs = fields.pop("tlvs", ())
    [pdu] = Decoder().feed(encode(command, 9, 0, tlvs, **SOURCE | fields))
    assert pdu.decode() == 0
    return pdu


def submit_sm(**fields: Any) -> Message:
    tlvs = fields.pop("tlvs", ())
    values = {
        **SOURCE,
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": b"447700900123",
        "short_message": b"Hello",
    } | fields
    return Message.from_raw(encode(Command.SUBMIT_SM, 7, 0, tlvs, **values))


def deliver_sm(**fields: Any) -> Message:
    values = {"source_addr": b"447700900123", "destination_addr": b"447700900001"} | fields
    return Message.from_raw(encode(Command.DELIVER_SM, 1, 0, (), **values))


class Asked:
    """A number lookup that knows what the test lets it, and answers when the test says so."""

    def __init__(self) -> None:
        self.cache: dict[bytes, bytes] = {}
        self.questions: list[tuple[bytes, Callable[[bytes], None]]] = []

    def known(self, number: bytes) -> bytes | None:
        return self.cache.get(number)

    def ask(self, number: bytes, then: Callable[[bytes], None]) -> None:
        self.questions.append((number, then))

    def answer(self, network: bytes = b"") -> None:
        """The same to every question."""
        questions, self.questions = self.questions, []
        for _number, then in questions:
            then(network)


class Keeper:
    """A core, its log, its traffic logs, and the clock they share."""

    def __init__(
        self,
        log: SimLog | None = None,
        traffic: dict[str, SimLog] | None = None,
        now: int = START,
        text: str = BASE,
        tariffs: Mapping[bytes, Tariff] | None = None,
        lookup: Asked | None = None,
        sealer: Sealer | None = None,
    ) -> None:
        self.now = now
        self.lookup = lookup
        self.log = log or SimLog()
        self.turn = Turn()
        self.failures: list[Exception] = []
        self.commit = Commit(self.log, self.turn, lambda: self.now, self.failures.append)  # type: ignore[arg-type]
        self.traffic_logs = traffic if traffic is not None else {}
        sealer = Plain() if sealer is None else sealer  # a keyring without keys is falsy
        self.traffic = Traffic(
            self._traffic_log, sorted(self.traffic_logs), sealer, lambda: self.now
        )
        self.text = text
        loaded = reading.loads(text, file="test.yaml")
        self.tariffs = tariffs
        accounts = Accounts(loaded.accounts, tariffs)
        self.core = Core(loaded, accounts, self.log, self.commit, self.traffic, lookup)
        self.core.recover()
        self.run()

    def _traffic_log(self, period: str) -> SimLog:
        return self.traffic_logs.setdefault(period, SimLog())

    def run(self, ms: int = 0) -> None:
        """Let time pass, and everything that follows from it happen."""
        end = self.now + ms
        while True:
            self.turn.run()
            self.core.tick()
            self.traffic.sync()
            self.turn.run()
            if self.now >= end:
                break
            self.now = min(end, self.now + max(100, ms // 50))
        self.traffic.sync()
        self.traffic.sync()

    def ask(self, bind: Client, command: Command, **fields: Any) -> Any:
        """The word on a query_sm, cancel_sm or replace_sm: the edge's, or else the keeper's."""
        pdu = request(command, **fields)
        replaces = command == Command.REPLACE_SM
        if replaces and (status := check_replacement(pdu, bind.version, self.now)):
            return status
        what = {
            Command.QUERY_SM: self.core.query,
            Command.CANCEL_SM: self.core.cancel,
            Command.REPLACE_SM: self.core.replace,
        }[command]
        answer = what(bind, pdu)
        self.turn.run()
        return answer

    def submit(self, bind: Client, *messages: Message) -> list[int]:
        results = self.core.submit(bind, messages)
        self.turn.run()
        return results

    def crash(self, after: int = 1_000) -> Keeper:
        """Lose what is not durable, and start again on what is."""
        logs = {period: log.lose_tail() for period, log in self.traffic_logs.items()}
        lookup = Asked() if self.lookup is not None else None
        tail = self.log.lose_tail()
        return Keeper(tail, logs, self.now + after, self.text, self.tariffs, lookup)

    def check_point(self, frame: int) -> None:
        """Have a checkpoint of the log up to a frame, as ``smsc.fold`` makes one."""
        state = self.core.state
        folded = State(state.ended.keep, state.ended.most)
        self.log.replay_to(folded.apply, frame)
        self.log.keep(frame, folded.newest_end, b"".join(image.octets(folded)))
        self.traffic.note()

    def records(self) -> list[dict[str, Any]]:
        """The traffic records on disk, in no order."""
        return [
            fields
            for log in self.traffic_logs.values()
            for fields in read(((k, 0, h, b) for k, h, b in log._records.values()), Plain())
        ]


__all__ = [
    "BASE",
    "SOURCE",
    "START",
    "Asked",
    "Client",
    "Keeper",
    "Path",
    "Relay",
    "deliver_sm",
    "request",
    "submit_sm",
]
