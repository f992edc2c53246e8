"""One SMPP session, seen from either end: states, versions, sequence numbers, window, timers.

Owns what is true of a session whatever carries it. It reads no octet, no clock and no socket:
``now`` is an argument (milliseconds on any clock that never runs back), and what is to be sent
comes back as a value. Everything that decides a state transition is in this file, and what
may come when is read from the operation matrices of ``smsc.smpp``.

Sources: SMPP 3.4 sections 2.2, 5.1.4, 7.2 and Table 2-1; SMPP 5.0 sections 2.3, 2.6, 2.7 and
Table 2-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, auto

from smsc._pdu import Pdu, header_only
from smsc._window import Window
from smsc.smpp import (
    DOWN_MAPPING,
    FROM_ESME,
    FROM_MC,
    MAX_SEQUENCE_NUMBER,
    NEGOTIATION,
    PROHIBITED_BEFORE_50,
    RESPONSE,
    RULES,
    UNANSWERED,
    Command,
    Operations,
    Status,
    Version,
)

#: Verdicts on a received command that are no command_status: deal with it, let it fall, or
#: answer generic_nack ESME_RINVCMDID because it is unknown here.
PROCESS = 0
DROP = -1
UNKNOWN = -2


# Plain numbers for what every request and response meets.
_RESPONSE = int(RESPONSE)
_LAST = int(MAX_SEQUENCE_NUMBER)


class Role(Enum):
    """Which end we are; ``SMSC`` listens to ESMEs, ``ESME`` to an SMSC."""

    SMSC = auto()
    ESME = auto()


class State(IntEnum):
    """Where a session is: ``smpp.State``, and its end. ``UNBOUND`` from the unbind request on."""

    OPEN = 0
    OUTBOUND = 1
    BOUND_TX = 2
    BOUND_RX = 3
    BOUND_TRX = 4
    UNBOUND = 5
    CLOSED = 6

    @property
    def bound(self) -> bool:
        """Whether a bind holds."""
        return State.BOUND_TX <= self <= State.BOUND_TRX


class Event(Enum):
    """What moves a session: an outbind, a bind that was granted, an unbind request, the end."""

    OUTBIND = auto()
    BIND_TRANSMITTER = auto()
    BIND_RECEIVER = auto()
    BIND_TRANSCEIVER = auto()
    UNBIND = auto()
    CLOSE = auto()


_BINDS = {
    Event.BIND_TRANSMITTER: State.BOUND_TX,
    Event.BIND_RECEIVER: State.BOUND_RX,
    Event.BIND_TRANSCEIVER: State.BOUND_TRX,
}
_BOUND = {Event.UNBIND: State.UNBOUND, Event.CLOSE: State.CLOSED}

TRANSITIONS: dict[State, dict[Event, State]] = {
    State.OPEN: {**_BINDS, Event.OUTBIND: State.OUTBOUND, Event.CLOSE: State.CLOSED},
    State.OUTBOUND: {**_BINDS, Event.CLOSE: State.CLOSED},
    State.BOUND_TX: _BOUND,
    State.BOUND_RX: _BOUND,
    State.BOUND_TRX: _BOUND,
    # Unbinds may cross: the second one changes nothing.
    State.UNBOUND: _BOUND,
    State.CLOSED: {Event.CLOSE: State.CLOSED},
}

#: What each kind of bind does when it is granted.
BIND_EVENTS: dict[int, Event] = {
    Command.BIND_TRANSMITTER: Event.BIND_TRANSMITTER,
    Command.BIND_RECEIVER: Event.BIND_RECEIVER,
    Command.BIND_TRANSCEIVER: Event.BIND_TRANSCEIVER,
}

#: What may be sent as a message request, by role and state (the sender's side of the matrix).
_SUBMITS = (int(Command.SUBMIT_SM), int(Command.DATA_SM), int(Command.BROADCAST_SM))
_DELIVERIES = (int(Command.DELIVER_SM), int(Command.DATA_SM))
SENDABLE: dict[tuple[Role, State], tuple[int, ...]] = {
    (Role.SMSC, State.BOUND_RX): _DELIVERIES,
    (Role.SMSC, State.BOUND_TRX): _DELIVERIES,
    (Role.ESME, State.BOUND_TX): _SUBMITS,
    (Role.ESME, State.BOUND_TRX): _SUBMITS,
}


#: The request without a response that may be sent; outbind on a connection that we opened.
TELLABLE: dict[tuple[Role, State], int] = {
    (Role.SMSC, State.OUTBOUND): Command.OUTBIND,
    (Role.SMSC, State.BOUND_RX): Command.ALERT_NOTIFICATION,
    (Role.SMSC, State.BOUND_TRX): Command.ALERT_NOTIFICATION,
}


class IllegalMove(RuntimeError):
    """Our own code asked a session for something its state forbids: a bug, never the peer's."""


def _verdicts(operations: Operations, version: Version) -> tuple[dict[int, int], ...]:
    """One ``{command_id: verdict}`` per state; a command that is absent is unknown."""
    rules = RULES[version]
    tables: tuple[dict[int, int], ...] = tuple({} for _ in State)
    for command, row in operations.items():
        for state, status in zip(State, row, strict=False):
            unknown = state.bound and command in rules.unknown
            verdict = DROP if status is None else int(status)
            tables[state][int(command)] = UNKNOWN if unknown else verdict
    if rules.data_sm_on_rx and operations is FROM_ESME:
        tables[State.BOUND_RX][Command.DATA_SM] = PROCESS
    return tables


_OPERATIONS = {Role.SMSC: FROM_ESME, Role.ESME: FROM_MC}
VERDICTS = {
    (role, version): _verdicts(operations, version)
    for role, operations in _OPERATIONS.items()
    for version in Version
}


def negotiate(interface_version: int) -> Version:
    """The rules a session runs by, from what its ESME offered; reserved values round down.

    No value is refused: clients send 0x00, 0x33, 0x35 and 0xFF and mean no harm.
    """
    return next(version for lowest, version in NEGOTIATION if interface_version >= lowest)


def expressible(status: int, version: Version, command_id: int) -> int:
    """The command_status to send where ``version`` may not know this one (5.0 section 2.8.4)."""
    if status == Status.ESME_RPROHIBITED and version < Version.V50:
        return PROHIBITED_BEFORE_50.get(Command(command_id), Status.ESME_RSUBMITFAIL)
    return DOWN_MAPPING[version].get(status, status)


# -- timers --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Timing:
    """The periods of 3.4 section 7.2, in ms; 0 switches enquire_link or inactivity off."""

    session_init: int = 10_000
    enquire_link: int = 30_000
    inactivity: int = 300_000
    response: int = 10_000
    #: A PDU must be complete this long after its first octet, however steadily it drips.
    pdu_read: int = 30_000
    #: How long the output may stay above its high mark.
    write_stall: int = 30_000


class Due(Enum):
    """What a timer asks for. The value of all but the first two is the reason of the end."""

    NOTHING = ""
    ENQUIRE_LINK = "enquire_link"
    SESSION_INIT = "no bind in time"
    SILENT = "enquire_link not answered"
    INACTIVE = "inactive"
    PDU_READ = "PDU begun and not completed"
    WRITE_STALL = "peer does not read"
    UNBIND = "unbind not answered"


#: The usual answer. Ten thousand idle binds ask once a second, and a name is found faster than an
#: enum's member.
NOTHING = Due.NOTHING


class Timers:
    """When a session last heard of its peer, and what is due. A value: nothing fires by itself."""

    def __init__(self, timing: Timing, now: int) -> None:
        self.timing = timing
        self.began = now
        #: When the peer was last heard of; any PDU proves the link (3.4 section 4.11).
        self.heard = now
        #: Since when an enquire_link, a PDU's rest, room for output, an unbind_resp is awaited.
        self.enquired: int | None = None
        self.partial: int | None = None
        self.stalled: int | None = None
        self.unbound: int | None = None
        #: Until when silence proves nothing, because it was we who did not read.
        self.patience = now

    def hear(self, now: int) -> None:
        """A PDU came in."""
        self.heard = now
        self.enquired = None

    def forgive(self, now: int) -> None:
        """We have not been reading, or not running: what the peer sent meanwhile is unread yet.

        Every wait for the peer starts again, and no request fails for want of time before the
        peer's octets had a response period to arrive in.
        """
        self.heard = now
        self.patience = now + self.timing.response
        if self.enquired is not None:
            self.enquired = now
        if self.partial is not None:
            self.partial = now
        if self.unbound is not None:
            self.unbound = now

    def due(self, now: int, state: State) -> Due:
        """The one most urgent thing. The caller does it; asking again asks for it again."""
        timing = self.timing
        if self.stalled is not None and now - self.stalled >= timing.write_stall:
            return Due.WRITE_STALL
        if state <= State.OUTBOUND:
            # Fixed from the start: enquire_link must not extend it.
            return Due.SESSION_INIT if now - self.began >= timing.session_init else NOTHING
        if self.partial is not None and now - self.partial >= timing.pdu_read:
            return Due.PDU_READ
        if self.unbound is not None and now - self.unbound >= timing.response:
            return Due.UNBIND
        if self.enquired is not None:
            return Due.SILENT if now - self.enquired >= timing.response else NOTHING
        silence = now - self.heard
        if timing.inactivity and silence >= timing.inactivity:
            return Due.INACTIVE
        if timing.enquire_link and silence >= timing.enquire_link:
            return Due.ENQUIRE_LINK
        return NOTHING


# -- the session ---------------------------------------------------------------------------------


class Session:
    """State, version, own sequence numbers and own unanswered requests of one connection.

    Requests that carry messages take room in the window, with what they stand for; those that keep
    the link (bind, unbind, enquire_link) don't.
    """

    def __init__(self, role: Role, timing: Timing, window_size: int, now: int) -> None:
        self.role = role
        self.state = State.OPEN
        self.version = Version.V34
        #: Whether the peer may be sent TLVs.
        self.tlvs = True
        #: Most messages sent and not answered.
        self.window_size = window_size
        self.timers = Timers(timing, now)
        #: ``{command_id: verdict}`` for the state as it is; absent means ``UNKNOWN``.
        self.verdicts = VERDICTS[role, Version.V34][State.OPEN]
        self._sendable: tuple[int, ...] = ()
        self._sequence = 0
        #: Whether numbers are given again that were given before.
        self._wrapped = False
        #: What is sent and not answered.
        self.window = Window()
        self._link: dict[int, int] = {}

    def __repr__(self) -> str:
        return f"<Session {self.role.name} {self.state.name} window={self.window.count}>"

    def move(self, event: Event) -> None:
        """Change state by the table. Raises IllegalMove where the table has nothing."""
        target = TRANSITIONS[self.state].get(event)
        if target is None:
            raise IllegalMove(f"{event.name} in {self.state.name}")
        self.state = target
        self.verdicts = VERDICTS[self.role, self.version][target]
        self._sendable = SENDABLE.get((self.role, target), ())

    def agree(self, interface_version: int) -> None:
        """Take the peer's offer; before the move that binds."""
        self.version = negotiate(interface_version)
        self.tlvs = RULES[self.version].tlvs

    def verdict(self, command_id: int) -> int:
        """``PROCESS``, ``DROP``, ``UNKNOWN``, or the command_status to refuse it with."""
        return self.verdicts.get(command_id, UNKNOWN)

    def refuse(self, pdu: Pdu, status: int) -> bytes:
        """The answer to a request that is not done: header only, in terms the version knows."""
        command_id = pdu.command_id
        if status == UNKNOWN:
            return header_only(Command.GENERIC_NACK, Status.ESME_RINVCMDID, pdu.sequence_number)
        response = Command.GENERIC_NACK if command_id in UNANSWERED else command_id | RESPONSE
        return header_only(
            response, expressible(status, self.version, command_id), pdu.sequence_number
        )

    # -- our requests ----------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many more messages the window takes; 0 when the state lets none through."""
        if not self._sendable:
            return 0
        return max(0, self.window_size - self.window.count)

    def request(self, command_id: int, id: int, attempt: int, now: int) -> int:
        """Give a message its sequence number and a place in the window.

        Raises IllegalMove if the state does not let this command out.
        """
        sequence: int = self.requests(command_id, [(id, attempt)], now)[0]
        return sequence

    def requests(self, command_id: int, attempts: list[tuple[int, int]], now: int) -> list[int]:
        """``request`` for several messages at once: ``(id, attempt)`` each."""
        answer, deadline = self._answer(command_id), now + self.timers.timing.response
        window = self.window
        sequences = []
        for id, attempt in attempts:
            sequence = self._next()
            window.put(sequence, answer, deadline, id, attempt)
            sequences.append(sequence)
        return sequences

    def deliveries(self, command_id: int, ids: list[int], now: int) -> list[int]:
        """The same for what is never attempted twice under another number."""
        answer, deadline = self._answer(command_id), now + self.timers.timing.response
        window = self.window
        sequences = []
        for id in ids:
            sequence = self._next()
            window.put(sequence, answer, deadline, id)
            sequences.append(sequence)
        return sequences

    def _answer(self, command_id: int) -> int:
        """What answers this command, if the state lets it out."""
        if command_id not in self._sendable:
            raise IllegalMove(f"{command_id:#x} in {self.state.name}")
        return command_id | _RESPONSE

    def unanswered(self, command_id: int) -> int:
        """Give a request that has no response its sequence number.

        Raises IllegalMove if the state does not let it out.
        """
        if TELLABLE.get((self.role, self.state)) != command_id:
            raise IllegalMove(f"{command_id:#x} in {self.state.name}")
        return self._next()

    def link_request(self, command_id: int) -> int:
        """Give a bind, unbind or enquire_link its sequence number; one of each kind is awaited.

        A peer that proves itself alive by traffic need not answer an enquire_link, so an older
        one is forgotten here.
        """
        sequence = self._next()
        for older in [old for old, kind in self._link.items() if kind == command_id]:
            del self._link[older]
        self._link[sequence] = command_id
        return sequence

    def _next(self) -> int:
        sequence = self._sequence
        while True:
            sequence += 1
            if sequence > _LAST:
                sequence, self._wrapped = 1, True
            # Nothing that is outstanding can have this number before they begin again.
            if not self._wrapped or (not self.window.has(sequence) and sequence not in self._link):
                self._sequence = sequence
                return sequence

    def link_answered(self, pdu: Pdu) -> int:
        """The command_id of the bind, unbind or enquire_link this response is for, or 0."""
        command_id = self._link.get(pdu.sequence_number, 0)
        if command_id and pdu.command_id in (command_id | RESPONSE, Command.GENERIC_NACK):
            del self._link[pdu.sequence_number]
            return command_id
        return 0

    def expired(self, now: int, unsent: int = 0) -> list[tuple[int, int, int]]:
        """Take out ``(sequence, id, attempt)`` of every message whose response is overdue.

        The newest ``unsent`` have not left yet: no answer to them can be overdue.
        """
        if not self.window.count or now < self.timers.patience:
            return []
        return self.window.expired(now, self.window.count - unsent)
