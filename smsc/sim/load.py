"""A load generator: submits as fast as asked, checks every response and every receipt.

``Load`` owns the run: what is still to be sent, the ledger, the latencies. A ``Client`` is one
connection with its window. Nothing is sent twice: what was unanswered when a connection broke is
counted as unknown. The loop does all work per read and per batch.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import uvloop
from rich.console import Console

from smsc.sim.client import BindRefused, Client, Oracle, clock
from smsc.sim.ledger import Ledger
from smsc.sim.report import Display, Histogram, table
from smsc.sim.result import Flow, Result, rows, summarise
from smsc.sim.template import Template
from smsc.smpp import Command

#: Which binds one --connections stands for.
BIND_TYPES: dict[str, tuple[Command, ...]] = {
    "trx": (Command.BIND_TRANSCEIVER,),
    "tx": (Command.BIND_TRANSMITTER,),
    "tx+rx": (Command.BIND_TRANSMITTER, Command.BIND_RECEIVER),
}
#: Connections being opened at a time; a listener's backlog is finite.
OPENING = 64
#: Seconds between two looks at whether all is done.
TICK = 0.05
#: Ticks between two redraws of the live line.
REDRAW = 4
#: Seconds between two sends when a rate is kept, over all connections alike.
PACE = 0.001
#: First and longest wait between two attempts to reconnect, in seconds.
RECONNECT = (0.05, 1.0)
#: Seconds an unbind may take.
UNBIND = 2.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says. Zero: no limit for messages, duration and rate."""

    host: str = "127.0.0.1"
    port: int = 2775
    system_id: str = "demo"
    password: str = "demo1234"
    bind_type: str = "trx"
    connections: int = 1
    window: int = 100
    messages: int = 10_000
    duration: float = 0.0
    rate: float = 0.0
    receipts: bool = False
    text_octets: int = 80
    data_coding: int = 0
    source: str = "447700900000"
    destinations: str = "999"
    timeout: float = 30.0
    reconnect: bool = False
    acked: str = ""
    json: str = ""
    quiet: bool = False


class Pace:
    """Which messages may go now: numbers from 0, up to a total, a time and a rate. Pure."""

    __slots__ = ("_end", "_rate", "_start", "_total", "given")

    def __init__(self, messages: int, rate: float, duration: float, start: int) -> None:
        self._total = messages or sys.maxsize
        self._rate = rate
        self._start = start
        self._end = start + int(duration * 1e6) if duration else sys.maxsize
        self.given = 0

    def take(self, most: int, now: int) -> range:
        """Up to ``most`` numbers that are due at ``now`` (us)."""
        first = self.given
        self.given = first + min(self.due(now), most)
        return range(first, self.given)

    def due(self, now: int) -> int:
        """How many there are."""
        if now >= self._end:
            self._total = self.given
        limit = self._total
        if self._rate:
            limit = min(limit, int((now - self._start) * self._rate / 1e6) + 1)
        return max(limit - self.given, 0)

    @property
    def left(self) -> int:
        """How many are still to be given out; a large number when only time ends it."""
        return self._total - self.given


class Load:
    """One run: hands out what is to be sent, gathers what came of it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.ledger = Ledger(options.receipts)
        self.template = Template(
            options.source,
            options.destinations,
            options.text_octets,
            options.data_coding,
            options.receipts,
        )
        self.oracle = Oracle(options.acked) if options.acked else None
        self.clients: set[Client] = set()
        self.pace: Pace | None = None
        self.responses = Histogram()
        self.receipts = Histogram()
        self.connections_lost = 0
        self.finishing = False
        self._first = 0
        self.started = self.answered_at = self.receipted_at = self.progress_at = clock()

    # -- what clients ask --------------------------------------------------------------------

    def due(self, most: int, now: int) -> range:
        """Numbers to submit now; none before every connection is bound."""
        return range(0) if self.pace is None else self.pace.take(most, now)

    def measure(self, answered: Sequence[int], receipted: Sequence[int], now: int) -> None:
        """Take the latencies of one read: when what came back at ``now`` had been sent."""
        if answered:
            self.responses.record_since(answered, now)
            self.answered_at = self.progress_at = now
        if receipted:
            self.receipts.record_since(receipted, now)
            self.receipted_at = self.progress_at = now

    def forsake(self, client: Client) -> None:
        """The connection is gone; the fate of what it had not answered is unknown."""
        self.ledger.unknown += len(client.sent)
        client.sent.clear()
        if client in self.clients:
            self.clients.remove(client)
            self.connections_lost += not self.finishing

    # -- the run -----------------------------------------------------------------------------

    async def drive(self) -> Result:
        """Bind, send, wait for what is owed, unbind."""
        opening = asyncio.Semaphore(OPENING)
        kinds = BIND_TYPES[self.options.bind_type] * self.options.connections
        keepers = []
        try:
            clients = await asyncio.gather(*(self.connect(kind, opening) for kind in kinds))
            if self.options.reconnect:
                keepers = [asyncio.create_task(self.keep(client)) for client in clients]
            self.begin()
            await self.watch()
            return self.result()
        finally:
            self.finishing = True
            for keeper in keepers:
                keeper.cancel()
            await self.unbind()
            if self.oracle is not None:
                self.oracle.close()

    async def connect(self, command: Command, opening: asyncio.Semaphore) -> Client:
        """A bound client. Raises OSError or BindRefused."""
        options = self.options
        async with opening:
            _, client = await asyncio.get_running_loop().create_connection(
                lambda: Client(self, command), options.host, options.port
            )
            try:
                async with asyncio.timeout(options.timeout):
                    await client.bound
            except BaseException:
                client.transport.abort()
                raise
        if not client.lost.done():
            self.clients.add(client)
        return client

    async def keep(self, client: Client) -> None:
        """Bind anew whenever the connection is lost, backing off while that fails."""
        wait, longest = RECONNECT
        alone = asyncio.Semaphore(1)
        while True:
            await client.lost
            try:
                client = await self.connect(client.command, alone)
            except (OSError, BindRefused):
                await asyncio.sleep(wait)
                wait = min(wait * 2, longest)
            else:
                wait = RECONNECT[0]
                client.pump(clock())

    def begin(self) -> None:
        options = self.options
        self.started = self.answered_at = self.receipted_at = self.progress_at = clock()
        self.pace = Pace(options.messages, options.rate, options.duration, self.started)
        self.pump()

    def pump(self) -> None:
        """Let every client send what is due; again and again where a rate is kept."""
        now = clock()
        clients = [client for client in self.clients if client.transmits]
        part = sys.maxsize
        if self.options.rate and self.pace is not None and clients:
            # Each has its part of what is due, and another one is the first each time.
            part = -(-self.pace.due(now) // len(clients))
            self._first = (self._first + 1) % len(clients)
            clients = clients[self._first :] + clients[: self._first]
        for client in clients:
            client.pump(now, part)
        if self.options.rate and not self.finishing:
            asyncio.get_running_loop().call_later(PACE, self.pump)

    async def watch(self) -> None:
        """Show progress until all is done, or nothing has moved for the time-out."""
        options = self.options
        fields = ("per_s", "in_flight", "receipts", "faults")
        ticks = 0
        with Display("load", options.messages or None, fields, options.quiet) as display:
            while not self.done() and not self.stuck():
                await asyncio.sleep(TICK)
                ticks += 1
                if ticks % REDRAW == 0:
                    self.show(display)
            self.show(display)

    def show(self, display: Display) -> None:
        ledger = self.ledger
        seconds = max(clock() - self.started, 1) / 1e6
        display.update(
            ledger.acknowledged,
            per_s=int(ledger.acknowledged / seconds),
            in_flight=self.in_flight,
            receipts=ledger.receipts,
            faults=ledger.faults,
        )

    @property
    def in_flight(self) -> int:
        return sum(len(client.sent) for client in self.clients)

    def done(self) -> bool:
        """Whether nothing is left to send and nothing is owed."""
        if self.pace is None or self.in_flight or self.ledger.receipts_missing:
            return False
        # A run that only time ends has nothing left once that time has come.
        self.pace.take(0, clock())
        return self.pace.left == 0

    def stuck(self) -> bool:
        """Whether it is no use to go on waiting."""
        if not self.clients and not self.options.reconnect:
            return True
        return clock() - self.progress_at > self.options.timeout * 1e6

    async def unbind(self) -> None:
        """Part in peace: what does not answer in time is cut."""
        clients = list(self.clients)
        for client in clients:
            client.unbind()
        if clients:
            await asyncio.wait([client.lost for client in clients], timeout=UNBIND)
        for client in clients:
            client.transport.abort()

    def result(self) -> Result:
        return summarise(
            self.ledger,
            Flow(
                submitted=self.pace.given if self.pace is not None else 0,
                wanted=0 if self.options.duration else self.options.messages,
                unanswered=self.in_flight,
                connections_lost=self.connections_lost,
                began_us=self.started,
                answering_us=self.answered_at - self.started,
                receipting_us=self.receipted_at - self.started,
            ),
            self.responses,
            self.receipts,
        )


def run(options: Options) -> Result:
    """Do one run. Raises OSError, TimeoutError or BindRefused when it can't begin.

    ValueError: a text or destination that can't be sent.
    """
    _raise_file_limit()
    result = uvloop.run(Load(options).drive())
    if options.json:
        with open(options.json, "w", encoding="ascii") as file:
            json.dump({**asdict(result), "passed": result.passed}, file, indent=2)
    return result


def _raise_file_limit() -> None:
    """Thousands of binds need as many descriptors as this user may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# -- command line ----------------------------------------------------------------------------

#: What the command is for, in its help.
DESCRIPTION = "Submit messages as fast as windows allow, and check every response and receipt."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``smsc sim load``."""
    default = Options()
    where = parser.add_argument_group("server")
    where.add_argument("--host", default=default.host, help="its address (%(default)s)")
    where.add_argument("--port", type=int, default=default.port, help="its port (%(default)s)")
    where.add_argument("--system-id", default=default.system_id, help="whose account (%(default)s)")
    where.add_argument(
        "--password", default=default.password, help="of that account (the demo account's)"
    )
    where.add_argument(
        "--bind-type",
        choices=sorted(BIND_TYPES),
        default=default.bind_type,
        help="tx+rx opens two binds for each of --connections (%(default)s)",
    )
    how = parser.add_argument_group("how much")
    how.add_argument(
        "--connections",
        type=int,
        default=default.connections,
        metavar="N",
        help="binds (%(default)s)",
    )
    how.add_argument(
        "--window",
        type=int,
        default=default.window,
        metavar="N",
        help="unanswered submits on a bind (%(default)s)",
    )
    how.add_argument(
        "--messages",
        type=int,
        default=None,
        metavar="N",
        help=f"how many; 0 for no limit ({default.messages:,}, or no limit with --duration)",
    )
    how.add_argument(
        "--duration",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="stop submitting after this time",
    )
    how.add_argument(
        "--rate",
        type=float,
        default=0.0,
        metavar="PER_SECOND",
        help="submits a second over all binds (default: as fast as windows allow)",
    )
    what = parser.add_argument_group("what")
    what.add_argument(
        "--receipts",
        action="store_true",
        help="ask for receipts and wait for one final receipt of each message",
    )
    what.add_argument(
        "--text-octets",
        type=int,
        default=default.text_octets,
        metavar="N",
        help="above 254 in message_payload (%(default)s)",
    )
    what.add_argument(
        "--data-coding",
        type=lambda text: int(text, 0),
        default=0,
        metavar="N",
        help="0 GSM, 4 binary, 8 UCS-2 (%(default)s)",
    )
    what.add_argument(
        "--from",
        dest="source",
        default=default.source,
        metavar="NUMBER",
        help="source address (%(default)s)",
    )
    what.add_argument(
        "--destinations",
        default=default.destinations,
        metavar="PREFIX",
        help="destinations are this and a number of their own, 15 digits;"
        " %(default)s is assigned to nobody",
    )
    other = parser.add_argument_group("other")
    other.add_argument(
        "--timeout",
        type=float,
        default=default.timeout,
        metavar="SECONDS",
        help="give up when nothing has come for so long (%(default)s)",
    )
    other.add_argument(
        "--reconnect",
        action="store_true",
        help="go on after a lost connection; its unanswered submits are unknown",
    )
    other.add_argument(
        "--acked",
        default="",
        metavar="FILE",
        help="append 'id number' of each acknowledged message, synced to disk",
    )
    other.add_argument("--json", default="", metavar="FILE", help="write the result here")
    other.add_argument("--quiet", action="store_true", help="show nothing; the exit code tells")


def options(arguments: argparse.Namespace) -> Options:
    """The options that a parsed command line means."""
    values = {name: getattr(arguments, name) for name in Options.__slots__}
    if values["messages"] is None:
        values["messages"] = 0 if values["duration"] else Options().messages
    return Options(**values)


def command(arguments: argparse.Namespace) -> int:
    """``smsc sim load``: 0 if every message was acknowledged (and receipted), 1 if not, 2 if the
    run could not begin."""
    try:
        result = run(options(arguments))
    except (OSError, TimeoutError, BindRefused, ValueError) as error:
        print(f"smsc sim load: {error}", file=sys.stderr)
        return 2
    if not arguments.quiet:
        Console().print(table("load", rows(result)))
    return 0 if result.passed else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="smsc sim load", description=DESCRIPTION)
    add_arguments(parser)
    return command(parser.parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
