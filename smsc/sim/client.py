"""One bind of the load generator: its window, and what it answers."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO, cast

from smsc import _pdu
from smsc._pdu import Decoder, Message, Pdu, Response
from smsc.errors import FramingError, SmscError
from smsc.sim.ledger import RECEIPT_BITS, read_receipt
from smsc.sim.result import status_name
from smsc.smpp import Command, Status

if TYPE_CHECKING:
    from smsc.sim.load import Load

SUBMIT_SM_RESP = int(Command.SUBMIT_SM_RESP)
DELIVER_SM = int(Command.DELIVER_SM)
LAST_SEQUENCE = 0x7FFFFFFF

#: Octets not yet taken by the server at which no more are sent.
WRITE_HIGH = 4 << 20

_DELIVER_OK = _pdu.encode(Command.DELIVER_SM_RESP, 1)[:12]


class BindRefused(SmscError):
    """The server did not take the bind; ``status`` says why."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"bind refused with {status_name(status)}")


class Client(asyncio.Protocol):
    """One bind with its window of unanswered submits."""

    def __init__(self, load: Load, command: Command) -> None:
        self.load = load
        self.command = command
        self.transmits = False
        self.decoder = Decoder()
        self.transport: asyncio.Transport
        self.sequence = 0
        #: sequence_number -> when it was sent (us).
        self.sent: dict[int, int] = {}
        #: sequence_number -> the message's number; kept for the oracle file alone.
        self.numbers: dict[int, int] = {}
        self.out: list[bytes] = []
        self.writable = True
        loop = asyncio.get_running_loop()
        self.bound: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()

    # -- transport ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH)
        self.transport.get_extra_info("socket").setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
        options = self.load.options
        self.out.append(
            _pdu.encode(
                self.command,
                self.next_sequence(),
                system_id=options.system_id.encode(),
                password=options.password.encode(),
                interface_version=0x34,
            )
        )
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        self.transmits = False
        self.load.forsake(self)
        if not self.bound.done():
            self.bound.set_exception(error or ConnectionResetError("closed before the bind answer"))
        if not self.lost.done():
            self.lost.set_result(None)

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        self.go_on(clock())

    def data_received(self, data: bytes) -> None:
        try:
            pdus = self.decoder.feed(data)
        except FramingError as error:
            self.load.ledger.strays += 1
            self.receive(cast(list[Pdu], error.pdus))
            self.transport.abort()
        else:
            self.receive(pdus)

    # -- PDUs --------------------------------------------------------------------------------

    def receive(self, pdus: Sequence[Pdu]) -> None:
        """Take the PDUs of one read and refill the window."""
        load = self.load
        ledger = load.ledger
        now = clock()
        sent = self.sent
        answered: list[int] = []
        receipted: list[int] = []
        if load.oracle is not None:
            load.oracle.note(self, pdus)
        for pdu in pdus:
            command_id = pdu.command_id
            if command_id == SUBMIT_SM_RESP:
                sent_at = sent.pop(pdu.sequence_number, 0)
                if not sent_at:
                    ledger.strays += 1
                elif pdu.command_status:
                    ledger.refused[pdu.command_status] += 1
                else:
                    answered.append(sent_at)
                    ledger.acknowledge(cast(Response, pdu).message_id, sent_at)
            elif command_id == DELIVER_SM:
                sent_at = self.on_deliver_sm(cast(Message, pdu))
                if sent_at:
                    receipted.append(sent_at)
            else:
                _HANDLERS.get(command_id, Client.on_other)(self, pdu)
        load.measure(answered, receipted, now)
        self.go_on(now)

    def on_deliver_sm(self, pdu: Message) -> int:
        """Confirm; return when the message it speaks of was sent, 0 if it is no final receipt."""
        self.out.append(_DELIVER_OK + pdu.sequence_number.to_bytes(4, "big") + b"\0")
        ledger = self.load.ledger
        bad = pdu.decode()
        if not bad and not pdu.esm_class & RECEIPT_BITS:
            ledger.inbound += 1
            return 0
        receipt = None if bad else read_receipt(pdu)
        if receipt is None:
            ledger.receipts_malformed += 1
            return 0
        return ledger.close(*receipt)

    def on_bind_resp(self, pdu: Pdu) -> None:
        if self.bound.done():
            return
        if pdu.command_status:
            self.bound.set_exception(BindRefused(pdu.command_status))
            return
        self.transmits = self.command != Command.BIND_RECEIVER
        self.bound.set_result(None)

    def on_enquire_link(self, pdu: Pdu) -> None:
        self.out.append(_pdu.header_only(Command.ENQUIRE_LINK_RESP, 0, pdu.sequence_number))

    def on_unbind(self, pdu: Pdu) -> None:
        self.transmits = False
        self.out.append(_pdu.header_only(Command.UNBIND_RESP, 0, pdu.sequence_number))
        asyncio.get_running_loop().call_soon(self.transport.close)

    def on_unbind_resp(self, pdu: Pdu) -> None:
        self.transport.close()

    def on_generic_nack(self, pdu: Pdu) -> None:
        if self.sent.pop(pdu.sequence_number, 0):
            self.load.ledger.refused[pdu.command_status] += 1
        elif not self.bound.done():
            self.bound.set_exception(BindRefused(pdu.command_status))

    def on_other(self, pdu: Pdu) -> None:
        """Nothing else concerns a load generator; it says so to requests."""
        if not pdu.command_id & 0x80000000:
            status = Status.ESME_RINVCMDID
            self.out.append(_pdu.header_only(Command.GENERIC_NACK, status, pdu.sequence_number))

    # -- sending -----------------------------------------------------------------------------

    def go_on(self, now: int) -> None:
        """There is room: fill it, unless a rate says when."""
        self.pump(now, 0 if self.load.options.rate else sys.maxsize)

    def pump(self, now: int, most: int = sys.maxsize) -> None:
        """Fill the window with what is due, and send it together with what was to be answered."""
        room = min(self.load.options.window - len(self.sent), most)
        if room > 0 and self.transmits and self.writable:
            numbers = self.load.due(room, now)
            if numbers:
                self.submit(numbers, now)
        self.flush()

    def submit(self, numbers: range, now: int) -> None:
        first = self.next_sequence(len(numbers))
        sequences = range(first, first + len(numbers))
        self.sent.update(dict.fromkeys(sequences, now))
        if self.load.oracle is not None:
            self.numbers.update(zip(sequences, numbers, strict=True))
        self.out.append(self.load.template.batch(first, numbers))

    def next_sequence(self, count: int = 1) -> int:
        """The first of ``count`` consecutive sequence numbers."""
        first = self.sequence + 1 if self.sequence + count <= LAST_SEQUENCE else 1
        self.sequence = first + count - 1
        return first

    def flush(self) -> None:
        if self.out and not self.transport.is_closing():
            self.transport.write(b"".join(self.out))
        self.out.clear()

    def unbind(self) -> None:
        self.transmits = False
        self.out.append(_pdu.header_only(Command.UNBIND, 0, self.next_sequence()))
        self.flush()


_HANDLERS: dict[int, Callable[[Client, Pdu], None]] = {
    Command.BIND_TRANSMITTER_RESP: Client.on_bind_resp,
    Command.BIND_RECEIVER_RESP: Client.on_bind_resp,
    Command.BIND_TRANSCEIVER_RESP: Client.on_bind_resp,
    Command.ENQUIRE_LINK: Client.on_enquire_link,
    Command.UNBIND: Client.on_unbind,
    Command.UNBIND_RESP: Client.on_unbind_resp,
    Command.GENERIC_NACK: Client.on_generic_nack,
}


class Oracle:
    """A file of acknowledged messages, ``id number`` a line, on disk before they count.

    What it names was acknowledged for certain: crash tests compare it with what arrived.
    """

    def __init__(self, path: str) -> None:
        self._file: TextIO = open(path, "a", encoding="ascii")  # noqa: SIM115

    def note(self, client: Client, pdus: Sequence[Pdu]) -> None:
        """Write down the positive responses of one read."""
        for pdu in pdus:
            if pdu.command_id != SUBMIT_SM_RESP:
                continue
            number = client.numbers.pop(pdu.sequence_number, None)
            if number is not None and not pdu.command_status:
                self._file.write(f"{cast(Response, pdu).message_id.decode()} {number}\n")
        self._file.flush()
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def clock() -> int:
    """Microseconds on a clock that only goes forward; never 0."""
    return time.monotonic_ns() // 1000 + 1
