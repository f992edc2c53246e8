"""One connection to a simulated carrier, and the mailbox that its receipts come from."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, cast

from smsc import _pdu
from smsc._pdu import Decoder, Message, Pdu
from smsc.errors import FramingError
from smsc.smpp import Command, Status, Tag

if TYPE_CHECKING:
    from smsc.sim.carrier import Carrier

SUBMIT_SM = int(Command.SUBMIT_SM)
DELIVER_SM_RESP = int(Command.DELIVER_SM_RESP)

#: Refusals of a receipt that mean "later"; anything else drops it, as carriers do.
RETRIED = frozenset(
    (Status.ESME_RX_T_APPN, Status.ESME_RMSGQFUL, Status.ESME_RTHROTTLED, Status.ESME_RSYSERR)
)
#: Milliseconds until a refused receipt is tried again.
RETRY_AFTER = 1000
#: Octets in our send buffer at which reading stops: the peer must take answers before asking more.
WRITE_HIGH = 4 << 20
#: Receipts a link takes per turn at least: a handful is not worth a write on each of many links.
LEAST_SHARE = 32


class Mailbox:
    """The deliver_sm owed to one system_id, and the links that may carry them."""

    __slots__ = ("links", "pending", "turn")

    def __init__(self) -> None:
        self.pending: deque[bytes] = deque()
        self.links: list[Link] = []
        self.turn = 0

    def flush(self, first: Link | None = None) -> None:
        """Send what is owed, in turns, over the links that have room, beginning with ``first``.

        That link may hold responses back, which then leave before the receipts do.
        """
        if not self.pending:
            return
        share = max(len(self.pending) // max(len(self.links), 1) + 1, LEAST_SHARE)
        full = 0
        if first in self.links:
            first.deliver(self.pending, share)
        while self.pending and full < len(self.links):
            self.turn += 1
            link = self.links[self.turn % len(self.links)]
            full = 0 if link.deliver(self.pending, share) else full + 1

    def take_back(self, owed: Iterable[bytes]) -> None:
        """What a lost link did not see confirmed is owed again, first."""
        self.pending.extendleft(reversed(list(owed)))


class Link(asyncio.Protocol):
    """One connection to the carrier. Answers gather in ``out`` and leave in one write per read."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.decoder = Decoder()
        self.transport: asyncio.Transport
        self.out: list[bytes] = []
        self.box: Mailbox | None = None
        self.transmits = False
        self.unanswered: dict[int, bytes] = {}
        self.sequence = 0
        self.writable = True

    # -- transport ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH)
        self.transport.get_extra_info("socket").setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
        self.carrier.links.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.carrier.links.discard(self)
        self.leave()
        self.transmits = False

    def pause_writing(self) -> None:
        self.writable = False
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.writable = True
        self.transport.resume_reading()
        if self.box is not None:
            self.box.flush()

    def data_received(self, data: bytes) -> None:
        try:
            pdus = self.decoder.feed(data)
        except FramingError as error:
            self.carrier.counts.bad_pdus += 1
            self.receive(cast(list[Pdu], error.pdus))
            self.out.append(
                _pdu.header_only(Command.GENERIC_NACK, error.command_status, error.sequence_number)
            )
            self.flush()
            self.transport.close()
        else:
            self.receive(pdus)

    # -- PDUs --------------------------------------------------------------------------------

    def receive(self, pdus: Sequence[Pdu]) -> None:
        """Answer the PDUs of one read, then let receipts follow."""
        submits = []
        for pdu in pdus:
            command_id = pdu.command_id
            if command_id == SUBMIT_SM and self.transmits:
                submits.append(cast(Message, pdu))
            elif command_id == DELIVER_SM_RESP:
                self.on_deliver_sm_resp(pdu)
            else:
                self.carrier.accept(self, submits)
                submits = []
                _HANDLERS.get(command_id, Link.on_other)(self, pdu)
        self.carrier.accept(self, submits)
        if self.box is not None:
            self.box.flush(self)
        self.flush()

    def on_deliver_sm_resp(self, pdu: Pdu) -> None:
        owed = self.unanswered.pop(pdu.sequence_number, None)
        if owed is None:
            return
        status = pdu.command_status
        if status == 0:
            self.carrier.counts.receipts_confirmed += 1
            return
        self.carrier.counts.receipts_refused[status] += 1
        if status in RETRIED and self.box is not None:
            self.carrier.later(RETRY_AFTER, self.box.pending.append, owed)

    def on_bind(self, pdu: Pdu) -> None:
        already = Status.ESME_RALYBND if self.box is not None else 0
        status = already or pdu.decode() or self.carrier.admits(pdu)
        answer = pdu.command_id | 0x80000000
        if status:
            self.out.append(_pdu.header_only(answer, status, pdu.sequence_number))
            return
        speaks_tlvs = pdu.fields["interface_version"] >= 0x34
        tlvs = [(int(Tag.SC_INTERFACE_VERSION), b"\x34")] if speaks_tlvs else []
        self.out.append(_pdu.encode(answer, pdu.sequence_number, 0, tlvs, system_id=b"sim"))
        self.carrier.counts.binds += 1
        self.transmits = pdu.command_id != Command.BIND_RECEIVER
        self.box = self.carrier.mailbox(pdu.fields["system_id"])
        if pdu.command_id != Command.BIND_TRANSMITTER:
            self.box.links.append(self)

    def on_unbind(self, pdu: Pdu) -> None:
        self.transmits = False
        self.leave()
        self.out.append(_pdu.header_only(Command.UNBIND_RESP, 0, pdu.sequence_number))
        self.carrier.loop.call_soon(self.transport.close)

    def on_enquire_link(self, pdu: Pdu) -> None:
        self.out.append(_pdu.header_only(Command.ENQUIRE_LINK_RESP, 0, pdu.sequence_number))

    def on_submit_unbound(self, pdu: Pdu) -> None:
        status = Status.ESME_RINVBNDSTS
        self.out.append(_pdu.header_only(Command.SUBMIT_SM_RESP, status, pdu.sequence_number))

    def on_other(self, pdu: Pdu) -> None:
        """Responses that answer nothing of ours are dropped, unknown requests refused."""
        if not pdu.command_id & 0x80000000:
            status = Status.ESME_RINVCMDID
            self.out.append(_pdu.header_only(Command.GENERIC_NACK, status, pdu.sequence_number))

    # -- towards the peer --------------------------------------------------------------------

    def deliver(self, pending: deque[bytes], most: int) -> int:
        """Send up to ``most`` of what is pending, as far as the window goes; say how many."""
        room = self.carrier.options.window - len(self.unanswered)
        count = min(room, most, len(pending)) if self.writable else 0
        for _ in range(count):
            self.sequence = self.sequence % 0x7FFFFFFF + 1
            pdu = pending.popleft()
            self.unanswered[self.sequence] = pdu
            self.out.append(_pdu.resequence(pdu, self.sequence))
        if count <= 0:
            return 0
        self.flush()
        return count

    def flush(self) -> None:
        if self.out and not self.transport.is_closing():
            self.transport.write(b"".join(self.out))
        self.out.clear()

    def leave(self) -> None:
        """Stop receiving; what was not confirmed is owed to the system_id's other binds."""
        if self.box is not None:
            if self in self.box.links:
                self.box.links.remove(self)
            self.box.take_back(self.unanswered.values())
        self.box = None
        self.unanswered = {}


_HANDLERS: dict[int, Callable[[Link, Pdu], None]] = {
    Command.BIND_TRANSMITTER: Link.on_bind,
    Command.BIND_RECEIVER: Link.on_bind,
    Command.BIND_TRANSCEIVER: Link.on_bind,
    Command.UNBIND: Link.on_unbind,
    Command.ENQUIRE_LINK: Link.on_enquire_link,
    Command.SUBMIT_SM: Link.on_submit_unbound,
}
