"""One SMPP connection: octets to PDUs to the session, and back, for both roles.

Owns the socket's two buffers: what is read and when reading pauses, what is written and when the
peer is too slow to be kept. Everything is done in batches: one read is one ``Decoder.feed``, one
call per run of equal requests, one write. Answers that must not leave before the log is durable
are staged with ``commit`` and come back through ``release``, in order, as one write.

Nothing raises into the loop. The methods asyncio or ``commit`` call end in ``except Exception``:
a bug of ours closes this connection and is logged by its place, never by its values.

The two roles are subclasses: ``client.ClientConnection`` and ``carrier.CarrierConnection``. They
say what each request means (``handlers``) and what follows from a response (``on_settled``).

Sources: SMPP 3.4 sections 2.5 to 2.7 and 7.2; uvloop's defaults for flow control are
not usable (its low mark is 16 octets), so both marks are set.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from smsc import batches
from smsc._pdu import Decoder, Message, Pdu, header_only
from smsc.conversion import message_of
from smsc.errors import FramingError, StorageError, fault
from smsc.links import FORGIVEN, Counters, Links
from smsc.session import DROP, NOTHING, PROCESS, UNKNOWN, Due, Event, Role, Session, Timing
from smsc.smpp import BINDS, Command, Status
from smsc.turns import Share

log = logging.getLogger(__name__)

P = TypeVar("P", bound=Pdu)

#: Octets of output at which the peer's requests are no longer read, and at which they are again.
HIGH_WATER = 256 * 1024
LOW_WATER = 64 * 1024

#: How long a connection that ends waits for answers that are being made durable, ms.
FINISH = 5_000
#: How long after the last octet the peer's are read and thrown away, ms: closing with unread
#: input makes the kernel send RST, which can destroy that last answer on its way.
DRAIN = 2_000
#: Reading pauses at most this long, ms, well under peers' enquire_link and response timers; then
#: requests are read and answered with ESME_RTHROTTLED.
MAX_PAUSE = 5_000
#: Why reading pauses; any combination.
AUTHENTICATION, WINDOW, OUTPUT, CONGESTION = 1, 2, 4, 8


#: Why a connection ends after an unbind, whoever asked for it.
UNBOUND = "unbound"

#: By command_id, what is done with a run of such requests: ``(connection, run, now)``.
Handlers = Mapping[int, Callable[[Any, Any, int], None]]


class Connection:
    """An SMPP connection of either role: an ``asyncio.Protocol``.

    Compiled (``connection.pxd``): what is done here once per read cost more than the messages of a
    short one.
    """

    def __init__(
        self,
        links: Links,
        counters: Counters,
        *,
        role: Role,
        timing: Timing,
        send_window: int,
        receive_window: int,
        max_pdu: int,
        handlers: Handlers,
    ) -> None:
        #: What to do with a run of requests of one command that the state allows. A command that is
        #: legal and not here is not implemented: generic_nack ESME_RINVCMDID.
        self.handlers = handlers
        self.links = links
        self._commit = links.commit
        #: Of which each turn of the loop takes so many requests; None: all, however many.
        self.share: Share | None = None
        self.counters = counters
        self.session = Session(role, timing, send_window, links.clock())
        #: Answers that may wait for the log before the peer is no longer read.
        self.receive_window = receive_window
        self.transport: asyncio.Transport | None = None
        self.peer = ""
        #: Staged and not yet released: answers, and requests of ours.
        self.answers = 0
        self.requests = 0
        #: The pause has lasted long enough: requests are read, and answered ESME_RTHROTTLED.
        self.shedding = False
        #: Why this connection ends; empty while it does not.
        self.ending = ""
        self._decoder: Decoder | None = Decoder(max_pdu)
        self._out: list[bytes] = []
        self._paused = 0
        self._paused_at = 0
        self._held: list[Pdu] | None = None
        #: Whether those that are held wait for their turn, and not for ``let_go``.
        self._waits = False
        self._farewell = b""
        self._finished = False
        self._end_by = 0
        self._eof = False
        self._unbind_answered = False

    # -- asyncio -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        # uvloop's transports have all of asyncio.Transport's methods and do not inherit from it.
        self.transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
        address = transport.get_extra_info("peername")
        self.peer = address[0] if address else ""
        self.links.add(self)
        self._guard(self.on_connected)

    def data_received(self, data: bytes) -> None:
        """Everything that one read holds, then one write."""
        try:
            self._receive(data, self.links.look())
            self.flush()
        except Exception as error:  # the border: a bug ends this connection and no other
            self._bug(error)

    def eof_received(self) -> bool:
        """The peer sends no more. What it asked is still answered, then the connection closes."""
        self._eof = True
        if self._finished or self.transport is None:
            return False
        self._guard(self._closed_by_peer)
        return True

    def _closed_by_peer(self) -> None:
        self._catch_up()
        self.end("peer closed")

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone, whoever closed it."""
        self.transport = None
        self.ending = self.ending or ("connection lost" if exc else "peer closed")
        self._finished = True
        self._decoder = None
        self.links.discard(self)
        self.session.move(Event.CLOSE)
        self._guard(self.on_lost)

    def pause_writing(self) -> None:
        """The output is above its high mark: stop reading what would add to it."""
        self.session.timers.stalled = self.links.clock()
        self._pause(OUTPUT)

    def resume_writing(self) -> None:
        """The output is below its low mark."""
        self.session.timers.stalled = None
        self.resume(OUTPUT)
        self._guard(self.on_room)

    # -- commit ------------------------------------------------------------------------------------

    def release(self, staged: list[bytes]) -> None:
        """Send what has become durable, in one write."""
        try:
            self._release(staged)
        except Exception as error:  # the border
            self._bug(error)

    def _release(self, staged: list[bytes]) -> None:
        if self.transport is None or self._finished:
            # Nothing leaves any more; what was a request of ours is known never to have left.
            return
        self._write(staged)
        requests = 0
        if self.requests:
            requests = batches.count_requests(staged)
            self.requests -= requests
        self.answers -= len(staged) - requests
        self._ease()
        if self.ending and not self.answers:
            self._finish()

    # -- what a role fills in ----------------------------------------------------------------------

    def on_connected(self) -> None:
        """The transport is there."""

    def settled(self, responses: list[Pdu]) -> tuple[list[Any], list[Pdu]]:
        """What responses say became of our messages, in order; and those that are for none."""
        raise NotImplementedError

    def on_settled(self, settled: list[Any]) -> None:
        """Our messages were answered so."""
        raise NotImplementedError

    def on_expired(self, expired: list[tuple[int, int, int]]) -> None:
        """``(sequence, id, attempt)`` of our messages that got no response in time."""
        raise NotImplementedError

    def on_unmatched(self, pdu: Pdu) -> bool:
        """A response to nothing that is outstanding; whether it was of use after all."""
        return False

    def on_bind_response(self, pdu: Pdu) -> None:
        """The answer to our bind."""

    def on_ending(self) -> None:
        """No more requests are taken from this peer."""

    def on_lost(self) -> None:
        """The connection is closed. Called once, last."""

    def on_room(self) -> None:
        """The output has drained after it was full."""

    # -- reading -----------------------------------------------------------------------------------

    def _receive(self, data: bytes, now: int) -> None:
        decoder = self._decoder
        if decoder is None:
            return
        try:
            pdus = decoder.feed(data)
        except FramingError as error:
            self._decoder = None
            self.counters.broken += 1
            self._dispatch(error.pdus, now)
            self._catch_up()
            nack = header_only(Command.GENERIC_NACK, error.command_status, error.sequence_number)
            self.end("framing lost", nack)
            return
        timers = self.session.timers
        if pdus:
            timers.hear(now)
        if not decoder.buffered:
            timers.partial = None
        elif pdus or timers.partial is None:
            timers.partial = now
        if self.shedding and not self._overloaded():
            self.shedding = False
        self._dispatch(pdus, now)
        if self._overloaded() and not self.shedding and not self.ending:
            self._hold_back()

    def _dispatch(self, pdus: list[Pdu], now: int) -> None:
        """Responses first: what they settle makes room and is worth more than new work."""
        self.counters.pdus_in += len(pdus)
        responses, requests = batches.split(pdus)
        if responses:
            self._settle(responses)
        if requests and not self.ending:
            if self._held is None:
                self._take(requests, now)
            else:
                self._held += requests
        if self._unbind_answered:
            self.end(UNBOUND)

    def _settle(self, responses: list[Pdu]) -> None:
        settled, others = self.settled(responses)
        for pdu in others:
            self._settle_link(pdu)
        if settled:
            self.on_settled(settled)

    def _settle_link(self, pdu: Pdu) -> None:
        command_id = self.session.link_answered(pdu)
        if command_id in BINDS:
            self.on_bind_response(pdu)
        elif command_id == Command.UNBIND:
            self._unbind_answered = True
        elif command_id or self.on_unmatched(pdu):
            pass
        elif self.session.verdict(pdu.command_id) == UNKNOWN and not self.ending:
            self.refuse(pdu, UNKNOWN)
        else:
            self.counters.unmatched += 1

    def _take(self, requests: list[Pdu], now: int) -> None:
        """Serve as many as this turn of the loop has room for."""
        share = None if self.shedding else self.share
        count = len(requests)
        room = count if share is None else share.take(count)
        if room == count:
            self._serve(requests, now)
        else:
            self._serve_part(requests, room, now)

    def _serve_part(self, requests: list[Pdu], count: int, now: int) -> None:
        """Serve so many of them; the others wait for their turn."""
        self._serve(requests[:count], now)
        rest = requests[count:]
        if not rest or self.ending:
            return
        if self._held is not None:
            self._held += rest
            return
        assert self.share is not None
        self._held, self._waits = rest, True
        self.share.wait(self, now)

    def go_on(self, most: int, now: int) -> int:
        """See ``turns.Waiting``."""
        held = self._held
        if not self._waits or held is None or self.ending:
            return 0
        self._held, self._waits = None, False
        try:
            self._serve_part(held, most, now)
            self._ease()
            self.flush()
        except Exception as error:  # the border
            self._bug(error)
        return min(most, len(held))

    def _catch_up(self) -> None:
        """Nothing more is to come: serve what waits for its turn."""
        if self._waits and self._held is not None:
            self.go_on(len(self._held), self.links.clock())

    def _serve(self, requests: list[Pdu], now: int) -> None:
        """Requests in order, each run of one command at once."""
        start, count = 0, len(requests)
        while start < count and not self.ending:
            if self._held is not None:
                self._held += requests[start:]
                return
            command_id = requests[start].command_id
            # A bind changes what the next request means, so it never comes in a run.
            end = start + 1 if command_id in BINDS else batches.end_of_run(requests, start)
            self._serve_run(command_id, requests[start:end], now)
            start = end

    def _serve_run(self, command_id: int, run: list[Pdu], now: int) -> None:
        verdict = self.session.verdict(command_id)
        if verdict == PROCESS:
            handler = self.handlers.get(command_id)
            if handler is not None:
                handler(self, run, now)
                return
            verdict = UNKNOWN
        if verdict != DROP:
            for pdu in run:
                self.refuse(pdu, verdict)

    def _enquire_link(self, run: list[Pdu], now: int) -> None:
        self._out += [
            header_only(Command.ENQUIRE_LINK_RESP, Status.ESME_ROK, pdu.sequence_number)
            for pdu in run
        ]

    def _unbind(self, run: list[Pdu], now: int) -> None:
        """Take nothing more, let what was taken be answered, answer, close."""
        answer = header_only(Command.UNBIND_RESP, Status.ESME_ROK, run[0].sequence_number)
        self.end(UNBOUND, answer)

    # -- holding requests back ---------------------------------------------------------------------

    def hold(self) -> None:
        """Handle no further request until ``let_go``: what it means depends on what is pending."""
        self._held = []
        self._pause(AUTHENTICATION)

    def let_go(self) -> None:
        """Go on with the requests that were held."""
        held, self._held = self._held, None
        if held and not self.ending:
            self._take(held, self.links.clock())
        if self._waits or self._held is None:
            self.resume(AUTHENTICATION)
        self.flush()

    # -- flow control ------------------------------------------------------------------------------

    def _pause(self, cause: int) -> None:
        if not self._paused and self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()
            self._paused_at = self.links.clock()
        self._paused |= cause

    def resume(self, cause: int) -> None:
        """This cause of the pause is over."""
        if not self._paused & cause:
            return
        self._paused &= ~cause
        if self._paused or self.transport is None or self.transport.is_closing():
            return
        now = self.links.clock()
        if now - self._paused_at > FORGIVEN:
            self.session.timers.forgive(now)
        self.transport.resume_reading()

    def _unanswered(self) -> int:
        return self.answers + (0 if self._held is None else len(self._held))

    def _overloaded(self) -> bool:
        """Whether more is unanswered than the window allows, or than the disk takes."""
        return self._unanswered() > self.receive_window or bool(self._commit.congested)

    def _ease(self) -> None:
        if self._paused & WINDOW and self._unanswered() <= self.receive_window:
            self.resume(WINDOW)

    def _hold_back(self) -> None:
        if self._unanswered() > self.receive_window:
            self._pause(WINDOW)
        if self._commit.congested:
            self._pause(CONGESTION)
            self.links.await_relief(self)

    # -- writing -----------------------------------------------------------------------------------

    def send(self, octets: bytes) -> None:
        """Send with the next ``flush``."""
        self._out.append(octets)

    def flush(self) -> None:
        """Write what has gathered, at once."""
        if self._out:
            out, self._out = self._out, []
            self._write(out)

    def _write(self, octets: list[bytes]) -> None:
        if self.transport is not None and not self._finished:
            self.counters.pdus_out += len(octets)
            self.transport.write(b"".join(octets) if len(octets) > 1 else octets[0])

    def stage_requests(self, requests: list[bytes]) -> None:
        """Send these requests of ours, in this order, once the log is durable."""
        self.requests += len(requests)
        self._commit.stage_all(self, requests)

    def stage_answers(self, answers: list[bytes]) -> None:
        """Send these answers, in this order, once the log is durable."""
        self.answers += len(answers)
        self._commit.stage_all(self, answers)

    def refuse(self, pdu: Pdu, status: int) -> None:
        """Answer a request that is not done."""
        refused = self.counters.refused
        counted = Status.ESME_RINVCMDID if status == UNKNOWN else status
        refused[counted] = refused.get(counted, 0) + 1
        self._out.append(self.session.refuse(pdu, status))

    def refuse_all(self, refused: batches.Refused) -> None:
        """``refuse`` each of these, as it is said."""
        for pdu, status in refused:
            self.refuse(pdu, status)

    def decoded(self, run: list[P]) -> list[P]:
        """Those of a run whose bodies are sound; the others have been refused."""
        sound, bad = batches.decoded(run)
        self.counters.bad += len(bad)
        self.refuse_all(bad)
        return sound

    def messages(self, run: list[Pdu], command_id: int) -> tuple[list[Message], list[Pdu]]:
        """Sound data_sm as messages of the other kind, beside the requests that they came in.

        Those that can't be said so have been refused.
        """
        messages, requests = [], []
        for pdu in run:
            message = message_of(pdu, command_id)
            if isinstance(message, Message):
                messages.append(message)
                requests.append(pdu)
            else:
                self.refuse(pdu, message)
        return messages, requests

    # -- time --------------------------------------------------------------------------------------

    def forgive(self, now: int) -> None:
        """See ``links.Link``."""
        self.session.timers.forgive(now)

    def relieve(self) -> None:
        """See ``links.Link``."""
        self.resume(CONGESTION)

    def tick(self, now: int) -> None:
        """See to whatever has become due. Once a second."""
        try:
            self._tick(now)
            self.flush()
        except Exception as error:  # the border
            self._bug(error)

    def _tick(self, now: int) -> None:
        if self.ending:
            self._tick_ending(now)
            return
        if self._paused:
            self._tick_paused(now)
            return
        session = self.session
        due = session.timers.due(now, session.state)
        if due is not NOTHING:
            self._see_to(due)
        if session.window.count:
            expired = session.expired(now, self.requests)
            if expired:
                self.on_expired(expired)

    def _see_to(self, due: Due) -> None:
        if due is Due.ENQUIRE_LINK:
            self.probe()
        elif due in (Due.WRITE_STALL, Due.SILENT, Due.UNBIND):
            self.cut(due.value)
        else:
            self.end(due.value)

    def _tick_paused(self, now: int) -> None:
        """While we don't read, a silent peer proves nothing; one that does not read us does."""
        stalled = self.session.timers.stalled
        if stalled is not None:
            if now - stalled >= self.session.timers.timing.write_stall:
                self.cut(Due.WRITE_STALL.value)
        elif self._waits:
            pass  # its turn will come
        elif now - self._paused_at >= MAX_PAUSE and not self._paused & AUTHENTICATION:
            self.shedding = True
            self.resume(WINDOW)
            self.resume(CONGESTION)

    def _tick_ending(self, now: int) -> None:
        if now < self._end_by or self.transport is None:
            return
        if not self._finished:
            self._finish()
        elif not self.transport.get_write_buffer_size():
            self.cut(self.ending)
        elif now >= self._end_by + self.session.timers.timing.write_stall:
            self.cut(Due.WRITE_STALL.value)

    def probe(self) -> None:
        """Ask for a sign of life; without one in the response time the connection is cut."""
        timers = self.session.timers
        if timers.enquired is None:
            timers.enquired = self.links.clock()
            sequence = self.session.link_request(Command.ENQUIRE_LINK)
            self.send(header_only(Command.ENQUIRE_LINK, Status.ESME_ROK, sequence))

    # -- the end -----------------------------------------------------------------------------------

    def unbind(self) -> None:
        """End the session from our side; late responses still count until the peer's answer."""
        self._catch_up()
        if self.ending or not self.session.state.bound:
            self.end("shutting down")
        else:
            sequence = self.session.link_request(Command.UNBIND)
            self.session.move(Event.UNBIND)
            self.session.timers.unbound = self.links.clock()
            self.send(header_only(Command.UNBIND, Status.ESME_ROK, sequence))
        self.flush()

    def end(self, reason: str, farewell: bytes = b"") -> None:
        """Take no more requests; send what is owed, then ``farewell``; close in an orderly way."""
        if self.ending:
            return
        self.ending = reason
        self._farewell = farewell
        self._end_by = self.links.clock() + FINISH
        if self.session.state.bound:
            self.session.move(Event.UNBIND)
        self.on_ending()
        if not self.answers:
            self._finish()

    def _finish(self) -> None:
        """Half-close, and read on to throw away until the peer closes too."""
        if self._finished or self.transport is None:
            return
        if self._farewell:
            self.send(self._farewell)
        self.flush()
        self._finished = True
        self._end_by = self.links.clock() + DRAIN
        if self._eof:
            self.transport.close()
            return
        self.transport.write_eof()
        if self._paused:
            self._paused = 0
            self.transport.resume_reading()

    def cut(self, reason: str) -> None:
        """Close at once, whatever is still unsent."""
        self.ending = self.ending or reason
        self._finished = True
        if self.transport is not None:
            self.transport.abort()

    def _guard(self, call: Callable[[], None]) -> None:
        try:
            call()
            self.flush()
        except Exception as error:  # the border
            self._bug(error)

    def _bug(self, error: Exception) -> None:
        """A fault of ours. Its values may hold numbers or text, so only its place is logged.

        A dead log is not logged here: it ends every connection, and its owner says so once.
        """
        if not isinstance(error, StorageError):
            log.error("fault in %s; connection closed", fault(error))
        self.cut("internal fault")


#: What every role does with the requests that keep the link.
LINK_HANDLERS: Handlers = {
    Command.ENQUIRE_LINK: Connection._enquire_link,
    Command.UNBIND: Connection._unbind,
}


def protocol(connection: Connection) -> asyncio.Protocol:
    """As a loop takes it: by its methods, since a compiled class has no base but its own kind."""
    return cast(asyncio.Protocol, connection)


def printable(name: bytes) -> str:
    """A peer's name for a log line, whatever its octets."""
    return ascii(name)[2:-1]
