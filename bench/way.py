"""The whole way of messages through the server's own code, without sockets, as a script to replay.

    python -m bench.way record FILE --messages 2000 --octets 80
    python -m bench.way replay FILE

``record`` plays clients and a carrier against the keeper, its journal, and the connections of both
sides, and writes down every read that the server got. ``replay`` feeds the same reads again and
does nothing else, so that what it costs is what the server costs: for profilers. ``counted.py``
plays the same without a script. Texts of more than 160 octets go to the carrier in parts.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import pickle
import select
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any, TypeAlias

import argon2

from smsc import reading
from smsc._pdu import Decoder, encode
from smsc.accounts import Accounts, Authenticator
from smsc.binds import Binds, Lobby
from smsc.carrier import Carrier, CarrierConnection
from smsc.client import ClientConnection
from smsc.commit import Commit
from smsc.config import LimitsConfig, ListenerConfig
from smsc.core import Core
from smsc.journal import Journal
from smsc.keys import keyring
from smsc.links import Links
from smsc.listener import Listener
from smsc.sealing import SealedJournal
from smsc.smpp import MAX_SHORT_MESSAGE, Command, Tag
from smsc.traffic import Traffic
from tests.helpers import FakeTransport
from tests.keeper import Turn

START = 1_790_000_000_000
CLIENTS = 10
BINDS = 4
#: Messages per read of a client.
READ = 50
#: What a round of all clients is made of: submits, their responses, receipts, their responses.
STEPS = 4
#: Octets of text that need not be cut.
ONE_MESSAGE = 160

PASSWORD = b"bench123"
#: Cheap to verify: this is not about passwords.
HASH = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
TEXT = """
listeners: [{{name: plain, port: 0}}]
accounts:
  - {{system_id: bench, password_hash: '{hash}', rate: unlimited, binds: 100, window: 1000,
      delivery_window: 1000, max_queued: 100000000}}
carriers:
  - {{name: sim, host: 127.0.0.1, port: 1, system_id: smsc, password: bench, binds: {binds},
      window: 1000, long_messages: {long_messages}}}
routes:
  - {{name: default, to: '*', carriers: [sim]}}
keys: {{directory: {directory}/keys, master_file: {directory}/master.key}}
retention: {{directory: {directory}/retention}}
"""
RECEIPT = (
    b"id:%b sub:001 dlvrd:001 submit date:2611220915 done date:2611220916 "
    b"stat:DELIVRD err:000 text:"
)


class Sink(FakeTransport):
    """Keeps what was written only when somebody wants to read it."""

    def __init__(self, keep: bool) -> None:
        super().__init__()
        self.keep = keep

    def write(self, data: Any) -> None:
        if self.keep:
            self.writes.append(bytes(data))

    def taken(self) -> bytes:
        writes, self.writes = self.writes, []
        return b"".join(writes)


#: What came in at once: by connection.
Reads: TypeAlias = list[tuple[tuple[str, int], bytes]]


class Server:
    """Everything between two sets of connections, with a journal on a real disk."""

    def __init__(self, directory: Path, keep: bool, long_messages: str = "pass") -> None:
        settings = {"hash": HASH, "binds": BINDS, "long_messages": long_messages}
        loaded = reading.loads(TEXT.format(directory=directory, **settings))
        self.keep = keep
        self.now = START
        self.turn = Turn()
        self.log = SealedJournal(directory / "journal", force_filesystem=True)
        keys = keyring(loaded)
        self.log.seal_with(keys)
        self.commit = Commit(self.log, self.turn, lambda: self.now, self._fail)  # type: ignore[arg-type]
        self.traffic = Traffic(
            lambda period: Journal(directory / "traffic" / period, force_filesystem=True),
            [],
            keys,
            lambda: self.now,
        )
        accounts = Accounts(loaded.accounts)
        self.core = Core(loaded, accounts, self.log, self.commit, self.traffic)
        self.core.recover()
        self.settle()
        links = Links(self.commit, lambda: self.now, self.turn.call_soon)
        authenticator = Authenticator(accounts)
        asyncio.run(authenticator.verify(b"bench", PASSWORD, "192.0.2.7"))
        limits = LimitsConfig(max_unbound_per_address=1000)
        listener = Listener(
            ListenerConfig(name="bench", port=0),
            limits,
            system_id=b"smsc",
            authenticator=authenticator,
            keeper=self.core,
            links=links,
            lobby=Lobby(1000, 1000),
            binds=Binds(),
            now=lambda: self.now,
        )
        self.clients = [ClientConnection(listener) for _ in range(CLIENTS)]
        asyncio.run(
            self._bind_carrier(
                Carrier(
                    loaded.carriers[0], limits, keeper=self.core, links=links, now=lambda: self.now
                )
            )
        )
        bind = encode(
            Command.BIND_TRANSCEIVER, 1, system_id=b"bench", password=PASSWORD,
            interface_version=0x34,
        )  # fmt: skip
        for client in self.clients:
            client.connection_made(Sink(keep))
            client.data_received(bind)
            self.taken(client)

    async def _bind_carrier(self, carrier: Carrier) -> None:
        self.carriers = []
        for bind in carrier.binds:
            connection = CarrierConnection(bind)
            bind._connections = [connection]
            connection.connection_made(Sink(self.keep))
            connection.bind(Command.BIND_TRANSCEIVER)
            connection.data_received(encode(Command.BIND_TRANSCEIVER_RESP, 1, system_id=b"sim"))
            bind._come_up()
            self.taken(connection)
            self.carriers.append(connection)

    def _fail(self, error: Exception) -> None:
        raise error

    def taken(self, connection: Any) -> bytes:
        return connection.transport.taken()

    def settle(self) -> None:
        """Until all is durable and released."""
        self.turn.run()
        while self.log.busy or self.log.open_octets:
            select.select([self.log], [], [])
            self.turn.run()

    def connection(self, name: tuple[str, int]) -> Any:
        return (self.clients if name[0] == "client" else self.carriers)[name[1]]

    def feed(self, reads: Reads) -> None:
        """A turn of the loop with these reads in it, and its frame."""
        self.now += 5
        for name, octets in reads:
            self.connection(name).data_received(octets)
        self.settle()
        self.traffic.sync()

    def close(self) -> None:
        self.commit.close()
        self.traffic.close()
        self.log.close()


class Peers:
    """Ten clients and a carrier: they answer what they get, and ``feed`` takes what they say.

    Clients say ``octets`` of text in each message.
    """

    def __init__(self, server: Server, feed: Callable[[Reads], None], octets: int = 80) -> None:
        self.server = server
        self.feed = feed
        self.text = b"x" * octets
        self.decoders: defaultdict[tuple[str, int], Decoder] = defaultdict(Decoder)
        self.serial = 0
        self.given = 0

    def received(self, side: str) -> list[tuple[tuple[str, int], list[Any]]]:
        found = []
        for n in range(CLIENTS if side == "client" else BINDS):
            name = (side, n)
            octets = self.server.taken(self.server.connection(name))
            found.append((name, self.decoders[name].feed(octets)))
        return found

    def submit(self) -> bytes:
        long = len(self.text) > MAX_SHORT_MESSAGE
        tlvs = [(Tag.MESSAGE_PAYLOAD, self.text)] if long else []
        return encode(
            Command.SUBMIT_SM, self.serial, 0, tlvs, source_addr_ton=1, source_addr_npi=1,
            source_addr=b"447700900001", dest_addr_ton=1, dest_addr_npi=1,
            destination_addr=b"999%09d" % self.serial, registered_delivery=1,
            short_message=b"" if long else self.text,
        )  # fmt: skip

    def round(self) -> None:
        reads = []
        for n in range(CLIENTS):
            submits = []
            for _ in range(READ):
                self.serial += 1
                submits.append(self.submit())
            reads.append((("client", n), b"".join(submits)))
        self.feed(reads)
        self.received("client")
        answers, receipts = [], []
        for name, pdus in self.received("carrier"):
            told, said = [], []
            for pdu in pdus:
                self.given += 1
                id = b"%x" % self.given
                told.append(encode(Command.SUBMIT_SM_RESP, pdu.sequence_number, message_id=id))
                said.append(
                    encode(
                        Command.DELIVER_SM, self.given, esm_class=4,
                        source_addr_ton=1, source_addr_npi=1, source_addr=pdu.destination_addr,
                        dest_addr_ton=1, dest_addr_npi=1, destination_addr=pdu.source_addr,
                        short_message=RECEIPT % id,
                    )
                )  # fmt: skip
            answers.append((name, b"".join(told)))
            receipts.append((name, b"".join(said)))
        self.feed(answers)
        self.feed(receipts)
        self.received("carrier")
        back = []
        for name, pdus in self.received("client"):
            back.append(
                (
                    name,
                    b"".join(
                        encode(Command.DELIVER_SM_RESP, pdu.sequence_number)
                        for pdu in pdus
                        if pdu.command_id == Command.DELIVER_SM
                    ),
                )
            )
        self.feed(back)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("record", "replay"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--octets", type=int, default=80)
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp())
    took: list[float] = []
    long = "pass" if options.octets <= ONE_MESSAGE else "udh"
    server = Server(directory, options.what == "record", long)
    if options.what == "record":
        script: list[Reads] = []

        def feed(reads: Reads) -> None:
            script.append(reads)
            server.feed(reads)

        peers = Peers(server, feed, options.octets)
        for _ in range(options.messages // (CLIENTS * READ)):
            peers.round()
        options.file.write_bytes(pickle.dumps(script))
    else:
        script = pickle.loads(options.file.read_bytes())
        gc.freeze()  # the script is no garbage of the server's
        for at in range(0, len(script), STEPS):
            began = time.thread_time()
            for reads in script[at : at + STEPS]:
                server.feed(reads)
            took.append(time.thread_time() - began)
    counters = server.core.counters
    if len(took) > 1:
        quartiles = [each * len(took) / counters.accepted * 1e6 for each in quantiles(took)]
        print("us of this thread a message, quartiles:", *[f"{each:.1f}" for each in quartiles])
    print(counters.accepted, list(counters.finished), counters.mail_done["delivered"])
    assert counters.accepted == counters.mail_done["delivered"]
    server.close()
    shutil.rmtree(directory)


if __name__ == "__main__":
    main()
