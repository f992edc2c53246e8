"""A carrier's SMSC to test against: takes everything, answers as its profile says, owes receipts.

``Carrier`` owns the mailboxes (one per bound system_id), the clockwork and the counts; a ``Link``
is one connection. A receipt is owed until its deliver_sm_resp comes: it survives a lost
connection and goes to any bind of the system_id that can receive, as upstream SMSCs do it.
What lies in memory is lost with the process; this is a simulator.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

import uvloop
from rich.console import Console

from smsc import _pdu
from smsc._pdu import Message, Pdu
from smsc.sim import dialect
from smsc.sim.dialect import DELIVRD, DIALECTS, Writer
from smsc.sim.link import Link, Mailbox
from smsc.sim.profile import RECEIPTED, Profile
from smsc.sim.report import Display, table
from smsc.sim.wheel import Wheel
from smsc.smpp import Command, Status

#: Milliseconds between two inbound batches.
INBOUND_TICK = 10


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says. Empty system_id or password: any will do."""

    host: str = "127.0.0.1"
    port: int = 2776
    system_id: str = ""
    password: str = ""
    window: int = 1000
    profile: Profile = Profile()
    flap: float = 0.0
    inbound_rate: float = 0.0
    inbound_to: str = ""
    log: str = ""
    ready_file: str = ""
    json: str = ""
    seed: int = 0
    quiet: bool = False


@dataclass(slots=True)
class Counts:
    """What happened, in messages."""

    submits: int = 0
    accepted: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    receipts: int = 0
    receipts_confirmed: int = 0
    receipts_refused: Counter[int] = field(default_factory=Counter)
    inbound: int = 0
    binds: int = 0
    flaps: int = 0
    bad_pdus: int = 0


class Carrier:
    """The simulated SMSC: decides, remembers what it owes, counts."""

    def __init__(self, options: Options, loop: asyncio.AbstractEventLoop) -> None:
        self.options = options
        self.loop = loop
        self.counts = Counts()
        self.links: set[Link] = set()
        self.boxes: dict[bytes, Mailbox] = {}
        self.wheel = Wheel()
        self.timer: asyncio.TimerHandle | None = None
        self.random = random.Random(options.seed).random
        self.profile = options.profile
        self.writer = Writer(options.profile.dialect)
        # Ids of two runs must not meet: a server remembers yesterday's.
        self.next_id = int(time.time()) << 24
        self.log = -1
        self.inbound_due = 0.0
        self.date = (0, b"")
        if options.log:
            self.log = os.open(options.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)

    # -- what links ask ----------------------------------------------------------------------

    def admits(self, bind: Pdu) -> int:
        """The command_status for this bind's credentials."""
        wanted = (self.options.system_id.encode(), self.options.password.encode())
        given = (bind.fields["system_id"], bind.fields["password"])
        right = all(not want or want == got for want, got in zip(wanted, given, strict=True))
        return 0 if right else Status.ESME_RBINDFAIL

    def mailbox(self, system_id: bytes) -> Mailbox:
        return self.boxes.setdefault(system_id, Mailbox())

    def accept(self, link: Link, batch: Sequence[Message]) -> None:
        """Decide on the submits of one read; the log is written before anything is answered."""
        first = self.next_id
        self.next_id += len(batch)
        self.counts.submits += len(batch)
        taken: list[tuple[int, Message, bool]] = []
        faultless = self.profile.faultless
        for number, message in enumerate(batch, first):
            status = message.decode() or (0 if faultless else self.profile.status(self.random()))
            if status:
                self.refuse(link, message, status)
            else:
                taken.append((number, message, status is not None))
        if self.log >= 0:
            os.write(self.log, b"".join(log_line(number, pdu) for number, pdu, _ in taken))
        self.settle(link, taken)

    # -- decisions ---------------------------------------------------------------------------

    def refuse(self, link: Link, message: Message, status: int) -> None:
        self.counts.refused[status] += 1
        answer = _pdu.header_only(Command.SUBMIT_SM_RESP, status, message.sequence_number)
        self.later(self.profile.response_delay(self.random()), link.out.append, answer)

    def settle(self, link: Link, taken: Sequence[tuple[int, Message, bool]]) -> None:
        """Answer what was taken and send its receipts, each after its delay."""
        profile = self.profile
        box = link.box or Mailbox()
        answers = link.out.append
        receipts = box.pending.append
        date = self.written_date()
        wait = profile.delay
        for number, message, answered in taken:
            if profile.jitter:
                wait = profile.response_delay(self.random())
            receipt = self.receipt(message, number, date)
            if receipt and profile.overtakes and self.random() < profile.overtakes:
                receipts(receipt)
                box.flush(link)
                receipt = None
            if answered:
                answer = self.writer.response(message.sequence_number, number)
                self.later(wait, answers, answer)
            else:
                self.counts.unanswered += 1
            if receipt:
                self.later(wait + profile.receipt_delay, receipts, receipt)
        self.counts.accepted += len(taken)
        box.flush(link)

    def receipt(self, message: Message, number: int, date: bytes) -> bytes | None:
        """The deliver_sm that tells the outcome, if one is wanted."""
        profile = self.profile
        asked = message.registered_delivery & 3
        if not asked or profile.receipt == "none":
            return None
        outcome = DELIVRD if profile.receipt == "delivrd" else profile.outcome(self.random())
        if not RECEIPTED[asked][outcome is DELIVRD]:
            return None
        self.counts.receipts += 1
        return self.writer.receipt(message, number, outcome, date)

    def written_date(self) -> bytes:
        """Now as receipts write it, in UTC; made once a second."""
        now = int(time.time())
        if self.date[0] != now:
            digits = self.profile.dialect.date_digits
            self.date = (now, time.strftime("%y%m%d%H%M%S", time.gmtime(now))[:digits].encode())
        return self.date[1]

    # -- clockwork ---------------------------------------------------------------------------

    def later(self, wait: int, call: Callable[[bytes], None], pdu: bytes) -> None:
        """Put ``pdu`` where it is sent from after ``wait`` ms; at once when there is no wait."""
        if not wait:
            call(pdu)
            return
        at = int(self.loop.time() * 1000) + wait
        if self.wheel.next is None or at < self.wheel.next:
            if self.timer is not None:
                self.timer.cancel()
            self.timer = self.loop.call_at(at / 1000, self.tick)
        self.wheel.add(at, call, pdu)

    def tick(self) -> None:
        # A timer may fire a shade early; a millisecond more makes sure its calls are due.
        for call, pdu in self.wheel.due(int(self.loop.time() * 1000) + 1):
            call(pdu)
        for box in self.boxes.values():
            box.flush()
        for link in self.links:
            link.flush()
        due = self.wheel.next
        self.timer = None if due is None else self.loop.call_at(due / 1000, self.tick)

    def flap(self) -> None:
        """Drop every connection without a word, and again after a while."""
        self.drop()
        self.counts.flaps += 1
        self.loop.call_later(self.options.flap, self.flap)

    def send_inbound(self) -> None:
        """Put the mobile-originated messages that are due by now into the mailboxes in turn."""
        bound = [box for box in self.boxes.values() if box.links]
        if bound:
            self.inbound_due += self.options.inbound_rate * INBOUND_TICK / 1000
        while bound and self.inbound_due >= 1:
            self.inbound_due -= 1
            self.counts.inbound += 1
            number = self.counts.inbound
            bound[number % len(bound)].pending.append(
                dialect.inbound(self.options.inbound_to, number)
            )
        for box in bound:
            box.flush()
        self.loop.call_later(INBOUND_TICK / 1000, self.send_inbound)

    def drop(self) -> None:
        for link in list(self.links):
            link.transport.abort()

    def close(self) -> None:
        """Drop everybody and let go of the log."""
        self.drop()
        if self.log >= 0:
            os.close(self.log)
            self.log = -1


def destination_hash(destination: bytes) -> str:
    """How the log names a destination: equal numbers are recognised, numbers are not written."""
    return hashlib.blake2b(destination, digest_size=8).hexdigest()


def text_token(text: bytes) -> str:
    """The first word of a test message, which numbers it; ``-`` if it is not a plain word."""
    word = text[:64].replace(b"\0", b"").split(b" ", 1)[0]
    return word.decode() if word.isalnum() else "-"


def log_line(number: int, message: Message) -> bytes:
    """``id sequence destination-hash token`` of a message taken."""
    where = destination_hash(message.destination_addr)
    token = text_token(message.text)
    return f"{number:x} {message.sequence_number} {where} {token}\n".encode()


# -- running ---------------------------------------------------------------------------------


async def start(options: Options) -> tuple[Carrier, asyncio.Server]:
    """A carrier that listens; says on the ready file where. Raises OSError if it can't."""
    loop = asyncio.get_running_loop()
    carrier = Carrier(options, loop)
    server = await loop.create_server(lambda: Link(carrier), options.host, options.port)
    if options.ready_file:
        _announce(options.ready_file, server.sockets[0].getsockname()[1])
    if options.flap:
        loop.call_later(options.flap, carrier.flap)
    if options.inbound_rate:
        carrier.send_inbound()
    return carrier, server


async def serve(options: Options) -> Counts:
    """Be a carrier until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    carrier, server = await start(options)
    await _watch(carrier, stop)
    server.close()
    carrier.close()
    return carrier.counts


async def _watch(carrier: Carrier, stop: asyncio.Event) -> None:
    """Show the counts five times a second until told to stop."""
    counts = carrier.counts
    fields = ("links", "receipts", "unconfirmed")
    with Display("carrier", None, fields, carrier.options.quiet) as display:
        while not stop.is_set():
            display.update(
                counts.submits,
                links=len(carrier.links),
                receipts=counts.receipts,
                unconfirmed=counts.receipts - counts.receipts_confirmed,
            )
            try:
                await asyncio.wait_for(stop.wait(), 0.2)
            except TimeoutError:
                continue


def _announce(path: str, port: int) -> None:
    """Write the bound port as JSON, whole or not at all."""
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="ascii") as file:
        json.dump({"pid": os.getpid(), "ports": {"carrier": port}}, file)
    os.replace(temporary, path)


def run(options: Options) -> Counts:
    """Be a carrier until SIGTERM or SIGINT; return what happened. Raises OSError from listening."""
    counts = uvloop.run(serve(options))
    if options.json:
        with open(options.json, "w", encoding="ascii") as file:
            json.dump(asdict(counts), file, indent=2)
    return counts


# -- command line ----------------------------------------------------------------------------

#: What the command is for, in its help.
DESCRIPTION = "Be a carrier's SMSC: take messages, answer as told, send receipts."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``smsc sim carrier``."""
    default = Options()
    parser.add_argument("--host", default=default.host, help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=default.port, help="port, 0 takes a free one (%(default)s)"
    )
    parser.add_argument("--system-id", default="", help="the only one accepted (default: any)")
    parser.add_argument("--password", default="", help="the only one accepted (default: any)")
    parser.add_argument(
        "--window",
        type=int,
        default=default.window,
        metavar="N",
        help="deliver_sm outstanding on a link (%(default)s)",
    )
    answers = parser.add_argument_group("answers")
    answers.add_argument("--delay", type=int, default=0, metavar="MS", help="before each response")
    answers.add_argument(
        "--jitter",
        type=int,
        default=0,
        metavar="MS",
        help="up to this much more, at random: responses change order",
    )
    answers.add_argument(
        "--error",
        action="append",
        default=[],
        type=_share,
        metavar="S=SHARE",
        help="refuse this share, e.g. 0x58=0.01 or ESME_RTHROTTLED=0.01",
    )
    answers.add_argument(
        "--no-response",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="take a share of submits and never answer",
    )
    answers.add_argument(
        "--flap",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="drop every connection this often",
    )
    receipts = parser.add_argument_group("receipts")
    receipts.add_argument(
        "--receipt",
        choices=("none", "delivrd", "mixed"),
        default="delivrd",
        help="for submits that ask for one (%(default)s)",
    )
    receipts.add_argument(
        "--receipt-delay", type=int, default=0, metavar="MS", help="after the response"
    )
    receipts.add_argument(
        "--receipt-before-response",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="a share of receipts overtakes its response",
    )
    receipts.add_argument(
        "--receipt-format",
        choices=sorted(DIALECTS),
        default="standard",
        help="; ".join(f"{name}: {DIALECTS[name].says}" for name in DIALECTS),
    )
    other = parser.add_argument_group("other")
    other.add_argument(
        "--inbound",
        nargs=2,
        metavar=("RATE", "TO"),
        default=("0", ""),
        help="send RATE mobile-originated messages a second to the number TO",
    )
    other.add_argument(
        "--log",
        default="",
        metavar="FILE",
        help="append 'id sequence destination-hash token' of each submit taken,"
        " before it is answered",
    )
    other.add_argument("--seed", type=int, default=0, help="of the dice (%(default)s)")
    other.add_argument(
        "--ready-file",
        default="",
        metavar="FILE",
        help="write the port here as JSON once listening",
    )
    other.add_argument("--json", default="", metavar="FILE", help="write the counts here")
    other.add_argument("--quiet", action="store_true", help="show nothing")


def _share(text: str) -> tuple[int, float]:
    """``STATUS=SHARE``; the status by number or by name."""
    status, _, share = text.partition("=")
    number = int(Status[status]) if status in Status.__members__ else int(status, 0)
    return number, float(share)


def options(arguments: argparse.Namespace) -> Options:
    """The options that a parsed command line means."""
    rate, to = arguments.inbound
    profile = Profile(
        delay=arguments.delay,
        jitter=arguments.jitter,
        errors=tuple(arguments.error),
        no_response=arguments.no_response,
        receipt=arguments.receipt,
        receipt_delay=arguments.receipt_delay,
        overtakes=arguments.receipt_before_response,
        dialect=DIALECTS[arguments.receipt_format],
    )
    return Options(
        host=arguments.host,
        port=arguments.port,
        system_id=arguments.system_id,
        password=arguments.password,
        window=arguments.window,
        profile=profile,
        flap=arguments.flap,
        inbound_rate=float(rate),
        inbound_to=to,
        log=arguments.log,
        ready_file=arguments.ready_file,
        json=arguments.json,
        seed=arguments.seed,
        quiet=arguments.quiet,
    )


def command(arguments: argparse.Namespace) -> int:
    """``smsc sim carrier``: run until stopped, then print what happened. Always 0."""
    counts = run(options(arguments))
    if not arguments.quiet:
        rows = {name.replace("_", " "): _named(value) for name, value in asdict(counts).items()}
        Console().print(table("carrier", rows))
    return 0


def _named(value: object) -> object:
    if not isinstance(value, Counter):
        return value
    return ", ".join(f"{status:#x}: {count:,}" for status, count in sorted(value.items())) or 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="smsc sim carrier", description=DESCRIPTION)
    add_arguments(parser)
    return command(parser.parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
