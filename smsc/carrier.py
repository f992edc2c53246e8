"""The relay: binds to the carriers, what is sent on them, and what comes back.

Owns knowledge of three things: what was staged for a carrier, what has left, and what was answered.
It decides nothing about a message. Every attempt that the keeper hands over comes back as exactly
one of: an outcome; certainly not sent; sent and unanswered, because the bind is gone or the
response did not come in time. A response that comes later than that is still an outcome.

A bind that is lost is made again for ever, more and more slowly, and never all at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import math
import random
from collections import OrderedDict
from collections.abc import Callable, Sequence

from smsc import batches, broadcast
from smsc._pdu import Message, Pdu, encode
from smsc.addressing import Outgoing
from smsc.config import CarrierConfig, LimitsConfig
from smsc.connection import DRAIN, LINK_HANDLERS, Connection, Handlers, printable, protocol
from smsc.conversion import data_sm_of, without_tlvs
from smsc.links import Counters, Links
from smsc.message import ANY_WISH, NOTIFY
from smsc.ports import Keeper
from smsc.session import BIND_EVENTS, Role, Timing
from smsc.smpp import Command, Status, Tag
from smsc.throttle import Pace, backoff

log = logging.getLogger(__name__)

#: (message id, number of the attempt)
Attempt = tuple[int, int]

#: Deliveries of a carrier that may wait for the log before it is no longer read.
INBOUND_WINDOW = 1_000
#: Attempts whose response is overdue that are remembered per bind, so that it counts when it comes.
MAX_LATE = 10_000

#: What makes up one bind. The receiver comes first: who is sent to must be able to report back.
BINDS = {
    "trx": (Command.BIND_TRANSCEIVER,),
    "tx+rx": (Command.BIND_RECEIVER, Command.BIND_TRANSMITTER),
}

#: registered_delivery as the carrier is asked, from what the client asked; -1 leaves it alone.
#: "Always" keeps the acknowledgement bits and asks for success and failure (5.0 section 4.7.21).
#: So does who asks for notifications alone: they are over when the message is.
REGISTERED: dict[str, list[int]] = {
    "as_asked": [asked | 0x01 if asked & ANY_WISH == NOTIFY else -1 for asked in range(256)],
    "always": [asked & 0xFC | 0x01 for asked in range(256)],
    "never": [0] * 256,
}

#: Plain numbers: they are compared once per message.
_SUBMIT_SM, _DATA_SM = int(Command.SUBMIT_SM), int(Command.DATA_SM)

#: What may settle an attempt.
_SETTLING = frozenset(
    (
        Command.SUBMIT_SM_RESP,
        Command.DATA_SM_RESP,
        Command.BROADCAST_SM_RESP,
        Command.GENERIC_NACK,
    )
)

#: Answers to deliveries; each leaves with the sequence number of its request.
_DELIVER_SM_RESP = encode(Command.DELIVER_SM_RESP, 1)
_DATA_SM_RESP = encode(Command.DATA_SM_RESP, 1)


class BindRefused(Exception):
    """A carrier answered our bind with a status that is not ESME_ROK."""

    def __init__(self, command_status: int) -> None:
        super().__init__(f"bind refused with status {command_status:#x}")
        self.command_status = command_status


class CarrierConnection(Connection):
    """One connection to a carrier."""

    def __init__(self, bind: CarrierBind) -> None:
        carrier = bind.owner
        super().__init__(
            carrier.links,
            carrier.counters,
            role=Role.ESME,
            timing=carrier.timing,
            send_window=carrier.config.window,
            receive_window=INBOUND_WINDOW,
            max_pdu=carrier.limits.max_pdu,
            handlers=_HANDLERS,
        )
        self.share = carrier.links.turns.carriers
        self._bind = bind
        self._late: OrderedDict[int, Attempt] = OrderedDict()
        #: Done when the carrier has granted the bind; fails with BindRefused or OSError.
        self.bound: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __repr__(self) -> str:
        return f"<CarrierConnection {printable(self._bind.carrier)} {self.session!r}>"

    def bind(self, command_id: int) -> None:
        """Ask to be bound; ``bound`` tells the answer."""
        config = self._bind.owner.config
        sequence = self.session.link_request(command_id)
        self.send(
            encode(
                command_id,
                sequence,
                system_id=config.system_id,
                password=config.password,
                system_type=config.system_type,
                interface_version=config.version,
            )
        )
        self.flush()

    def on_bind_response(self, pdu: Pdu) -> None:
        if self.bound.done():
            return
        if status := batches.fate(pdu):
            self.bound.set_exception(BindRefused(status))
            return
        # A carrier that does not say its version (many don't) is taken to speak ours.
        version = self._bind.owner.config.version
        theirs = pdu.tlv(Tag.SC_INTERFACE_VERSION)
        self.session.agree(min(version, theirs[0]) if theirs else version)
        self.session.move(BIND_EVENTS[pdu.command_id & 0x7FFFFFFF])
        self.bound.set_result(None)

    def on_lost(self) -> None:
        if not self.bound.done():
            self.bound.set_exception(ConnectionResetError(self.ending))
        attempts = self.session.window.leftovers()
        sent = len(attempts) - self.requests
        self._bind.lost(self, unsent=attempts[sent:], unanswered=attempts[:sent])

    # -- outcomes ----------------------------------------------------------------------------------

    def settled(self, responses: list[Pdu]) -> tuple[list[batches.Outcome], list[Pdu]]:
        return batches.outcomes(self.session.window, responses)

    def on_settled(self, settled: list[batches.Outcome]) -> None:
        self.links.turns.answered = True
        self._bind.outcomes(settled)

    def on_expired(self, expired: list[tuple[int, int, int]]) -> None:
        late = {sequence: (id, attempt) for sequence, id, attempt in expired}
        self._late.update(late)
        while len(self._late) > MAX_LATE:
            self._late.popitem(last=False)
        self._bind.timed_out(list(late.values()))

    def on_unmatched(self, pdu: Pdu) -> bool:
        if pdu.command_id not in _SETTLING:
            return False
        late = self._late.pop(pdu.sequence_number, None)
        if late is None:
            return False
        self._bind.outcomes([batches.outcome(late[0], late[1], pdu)])
        return True

    def on_room(self) -> None:
        self._bind.sendable()

    # -- inbound -----------------------------------------------------------------------------------

    def _deliver_sm(self, run: list[Message], now: int) -> None:
        sound = self.decoded(run)
        self._inbound(sound, sound, _DELIVER_SM_RESP)

    def _data_sm(self, run: list[Pdu], now: int) -> None:
        messages, requests = self.messages(self.decoded(run), Command.DELIVER_SM)
        self._inbound(messages, requests, _DATA_SM_RESP)

    def _inbound(self, messages: list[Message], requests: Sequence[Pdu], answer: bytes) -> None:
        """Nothing is answered before it is durable; what can't be kept now is sent again."""
        if self.shedding:
            for request in requests:
                self.refuse(request, Status.ESME_RX_T_APPN)
            return
        answers, refused = batches.same_answers(requests, self._bind.inbound(messages), answer)
        self.refuse_all(refused)
        self.stage_answers(answers)

    def _alert(self, run: list[Pdu], now: int) -> None:
        """Nothing answers an alert_notification; one that can't be read or kept is lost."""
        alerts, bad = batches.decoded(run)
        self.counters.bad += len(bad)
        if alerts and not self.shedding:
            self._bind.owner.keeper.alerted(self._bind, alerts)

    def _ignore(self, run: list[Pdu], now: int) -> None:
        """An outbind asks us to bind, which we do anyway."""


#: What is done with a carrier's requests.
_HANDLERS: Handlers = {
    **LINK_HANDLERS,
    Command.DELIVER_SM: CarrierConnection._deliver_sm,
    Command.DATA_SM: CarrierConnection._data_sm,
    Command.ALERT_NOTIFICATION: CarrierConnection._alert,
    Command.OUTBIND: CarrierConnection._ignore,
}


class CarrierBind:
    """One bind to a carrier, a transceiver or a pair: the keeper's ``RelayBind``.

    Sends on its transmitter, hears receipts on its receiver; half a pair is no bind.
    """

    def __init__(self, owner: Carrier) -> None:
        self.owner = owner
        #: The carrier's name.
        self.carrier = owner.config.name
        #: Whether the keeper knows of it.
        self.up = False
        #: Times it was up, and times an attempt to make it failed.
        self.made = 0
        self.failed = 0
        self._connections: list[CarrierConnection] = []
        self._registered = REGISTERED[owner.config.receipts]
        self._by_data_sm = owner.config.submit_with == "data_sm"
        self._outgoing = Outgoing.of(owner.config)
        self._gone = asyncio.Event()
        self._idle = asyncio.Event()

    # -- ports.RelayBind ---------------------------------------------------------------------------

    @property
    def version(self) -> int:
        return min(connection.session.version for connection in self._connections)

    def credit(self) -> int:
        """How many more attempts it takes now: the window's room or the rate's, the less."""
        if not self.up or self.owner.stopping:
            return 0
        connection = self._connections[-1]
        session = connection.session
        if connection.ending or session.timers.stalled is not None:
            return 0
        pace = self.owner.pace
        if pace.limit == math.inf and not pace.cuts:
            return session.room
        return min(session.room, pace.available(self.owner.links.now))

    @property
    def open(self) -> bool:
        """Whether what it was to take can still leave."""
        if not self.up:
            return False
        connection = self._connections[-1]
        return not connection.ending and connection.session.state.bound

    def send(self, attempts: list[Attempt], messages: list[Message]) -> None:
        """Stage these submit_sm under sequence numbers of this bind."""
        connection = self._connections[-1]
        session = connection.session
        now = self.owner.links.now
        if self._outgoing is not None:
            messages = [self._outgoing.apply(message) for message in messages]
        by_data_sm = self._by_data_sm and session.tlvs
        sequences = session.requests(_DATA_SM if by_data_sm else _SUBMIT_SM, attempts, now)
        pdus = batches.submits(messages, sequences, self._registered)
        if by_data_sm:
            pdus = [
                data_sm_of(Message.from_raw(pdu), sequence, self.owner.now())
                for pdu, sequence in zip(pdus, sequences, strict=True)
            ]
        elif not session.tlvs:
            pdus = [without_tlvs(pdu) for pdu in pdus]
        connection.stage_requests(pdus)
        self.owner.pace.sent(len(pdus), now)

    def broadcast(self, message_id: int, attempt: int, message: Message) -> None:
        """Stage one broadcast_sm under a sequence number of this bind."""
        connection = self._connections[-1]
        now = self.owner.links.now
        sequence = connection.session.request(Command.BROADCAST_SM, message_id, attempt, now)
        connection.stage_requests([broadcast.request(message, sequence)])
        self.owner.pace.sent(1, now)

    @property
    def outstanding(self) -> int:
        """Attempts sent or staged, and not answered."""
        return self._connections[-1].session.window.count if self.up else 0

    # -- what its connections report ---------------------------------------------------------------

    def outcomes(self, batch: list[batches.Outcome]) -> None:
        """Responses came."""
        refused = batches.refusals(batch)
        if refused:
            self._heed(refused)
        self.owner.keeper.outcomes(self, batch)
        self._note_idle()

    def _heed(self, refused: set[int]) -> None:
        action = self.owner.config.action
        if any(action(status) == "throttle" for status in refused):
            self.owner.pace.throttled(self.owner.links.clock())

    def timed_out(self, attempts: list[Attempt]) -> None:
        """Responses did not come."""
        self.owner.keeper.timed_out(self, attempts)
        self._note_idle()

    def inbound(self, messages: list[Message]) -> list[int]:
        """Receipts and inbound messages came."""
        return self.owner.keeper.inbound(self, messages) if messages else []

    def sendable(self) -> None:
        """The output has room again."""
        if self.up:
            self.owner.keeper.sendable(self)

    def lost(
        self, connection: CarrierConnection, unsent: list[Attempt], unanswered: list[Attempt]
    ) -> None:
        """A connection has closed; the other one of a pair follows."""
        if connection not in self._connections:
            return
        if connection is self._connections[-1] and self.up:
            self.up = False
            self.owner.keeper.carrier_down(self, unsent, unanswered)
            self._idle.set()
        for other in self._connections:
            if other is not connection:
                other.cut("the other half of the bind is lost")
        if all(each.transport is None for each in self._connections):
            self._gone.set()

    def _note_idle(self) -> None:
        if not self.outstanding:
            self._idle.set()

    # -- its life ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Bind, and bind again whenever it is lost, until the carrier is stopped."""
        owner, reconnect = self.owner, self.owner.config.reconnect
        failures = 0
        while not owner.stopping:
            # A bind that is lost as soon as it is made counts as a failure.
            if await self._live() >= reconnect.max:
                failures = 0
            delay = backoff(failures, reconnect.min, reconnect.max, random.random())
            failures += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay / 1_000):
                    await owner.stopped.wait()

    async def _live(self) -> int:
        """One life: bind, then wait for the end. Returns how long it was bound, in ms."""
        self._gone.clear()
        self._connections = []
        clock, name = self.owner.links.clock, printable(self.carrier)
        try:
            async with asyncio.timeout(self.owner.timing.response / 1_000):
                for command_id in BINDS[self.owner.config.bind]:
                    await self._open(command_id)
        except (OSError, TimeoutError, BindRefused) as error:
            self.failed += 1
            log.warning("= %s not bound: %s", name, _reason(error))
            return 0
        else:
            self.made += 1
            log.info("= %s bound", name)
            began = clock()
            self._come_up()
            await self._gone.wait()
            log.info("= %s closed: %s", name, self._connections[-1].ending)
            return clock() - began
        finally:
            self.cut("not bound")

    async def _open(self, command_id: int) -> None:
        config = self.owner.config
        connection = CarrierConnection(self)
        await asyncio.get_running_loop().create_connection(
            lambda: protocol(connection), config.host, config.port
        )
        self._connections.append(connection)
        connection.bind(command_id)
        await connection.bound

    def _come_up(self) -> None:
        if any(each.transport is None or each.ending for each in self._connections):
            self.cut("lost while binding")
            return
        self.up = True
        self.owner.keeper.carrier_up(self)

    async def close(self) -> None:
        """Let the window drain, unbind, and return when that is answered or the time is up."""
        patience = self.owner.timing.response / 1_000
        self._idle.clear()
        if self.outstanding:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._idle.wait()
        for connection in self._connections:
            connection.unbind()
        if self.up:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience + DRAIN / 1_000):
                    await self._gone.wait()
        self.cut("shutting down")

    def cut(self, reason: str) -> None:
        """Close what is open, at once."""
        for connection in self._connections:
            connection.cut(reason)


def _reason(error: Exception) -> str:
    """Why a bind was not made, without an address."""
    if isinstance(error, OSError) and error.errno is not None:
        return errno.errorcode.get(error.errno, type(error).__name__)
    return str(error) or type(error).__name__


class Carrier:
    """One carrier: its binds, and the pace that they share."""

    def __init__(
        self,
        config: CarrierConfig,
        limits: LimitsConfig,
        *,
        keeper: Keeper,
        links: Links,
        now: Callable[[], int],
    ) -> None:
        self.config = config
        self.limits = limits
        self.keeper = keeper
        self.links = links
        #: The time of day, ms since the epoch, UTC.
        self.now = now
        self.timing = Timing(
            session_init=config.response_timeout,
            enquire_link=config.enquire_link,
            # The link is kept as long as it lives, however little there is to send.
            inactivity=0,
            response=config.response_timeout,
        )
        self.counters = Counters()
        self.pace = Pace(config.rate, links.clock())
        self.binds = tuple(CarrierBind(self) for _ in range(config.binds))
        self.stopped = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def stopping(self) -> bool:
        """Whether nothing more is sent."""
        return self.stopped.is_set()

    @property
    def outstanding(self) -> int:
        """Attempts without an answer, over all binds."""
        return sum(bind.outstanding for bind in self.binds)

    def start(self) -> None:
        """Begin to bind, and keep at it."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(bind.run()) for bind in self.binds]

    async def stop(self) -> None:
        """Send nothing more, let the windows drain, unbind. Nothing is left in doubt by this
        unless the carrier leaves something unanswered for a response time.
        """
        self.stopped.set()
        await asyncio.gather(*(bind.close() for bind in self.binds))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
