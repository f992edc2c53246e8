"""A client's session: its bind, what it submits, and what is delivered to it.

Owns nothing of a message. A submit is judged in a fixed order (state, rate, body, values), handed
to the keeper in one batch per read, and answered when the keeper's word is durable. A delivery is
the keeper's: it gets a sequence number here, and its outcome goes back.

A client that has not bound is a stranger: few of them are let in, only for so long, and nothing of
theirs but a bind is looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Coroutine, Sequence
from typing import Any, Protocol, TypeVar, cast

from smsc import batches, broadcast, intake, lenient, multi, times
from smsc._pdu import Message, Pdu, encode, header_only, hex_id, id_resp, resequence
from smsc.account import Account
from smsc.accounts import Authenticator
from smsc.binds import AccountBinds, Binds, Lobby
from smsc.config import AccountConfig, LimitsConfig, ListenerConfig
from smsc.connection import LINK_HANDLERS, UNBOUND, Connection, Handlers, printable
from smsc.conversion import data_sm_of, with_tlv, without_tlvs
from smsc.dialect import Dialect
from smsc.links import Counters, Links
from smsc.message import OURS, Manners, check_replacement
from smsc.ports import Keeper
from smsc.session import BIND_EVENTS, UNKNOWN, Event, Role, Timing, expressible
from smsc.smpp import RESPONSE, RULES, STATES_BEFORE_50, Command, Status, Tag, Version
from smsc.text import Charset

log = logging.getLogger(__name__)

P = TypeVar("P", bound=Pdu)

#: The longest PDU a stranger may send, octets: a bind measures at most 113.
STRANGERS_PDU = 256
#: Refused binds after which a connection is closed.
MAX_REFUSALS = 3

#: Plain numbers: they go with every delivery.
_DELIVER_SM, _DATA_SM = int(Command.DELIVER_SM), int(Command.DATA_SM)

#: bind_types as the configuration names them.
BIND_TYPES = {
    Event.BIND_TRANSMITTER: "tx",
    Event.BIND_RECEIVER: "rx",
    Event.BIND_TRANSCEIVER: "trx",
}


class Reception(Protocol):
    """Where clients are received: the parts of ``listener.Listener`` that a session needs."""

    config: ListenerConfig
    limits: LimitsConfig
    #: Ours, in the answers to binds.
    system_id: bytes
    authenticator: Authenticator
    keeper: Keeper
    links: Links
    lobby: Lobby
    binds: Binds[ClientConnection]
    #: The predefined messages there are, by their numbers.
    predefined: Container[int]
    timing: Timing
    counters: Counters
    #: Every connection, bound or not.
    clients: set[ClientConnection]
    stopping: bool

    def now(self) -> int:
        """The time of day, ms since the epoch, UTC."""

    def gone(self, client: ClientConnection) -> None:
        """A connection has closed."""

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run what a bind waits for."""


class ClientConnection(Connection):
    """One client's connection, and once bound the keeper's ``EdgeBind``."""

    def __init__(self, listener: Reception) -> None:
        super().__init__(
            listener.links,
            listener.counters,
            role=Role.SMSC,
            timing=listener.timing,
            send_window=0,
            receive_window=1,
            max_pdu=listener.limits.max_pdu,
            handlers=_HANDLERS,
        )
        self._listener = listener
        self._entry: AccountBinds[ClientConnection] | None = None
        self._in_lobby = False
        self._refusals = 0
        self._attached = False
        self._id_mask = 0
        self._delivery = _DELIVER_SM
        self._manners = OURS
        self._may_broadcast = False
        #: Whether both texts may come, of which the payload counts.
        self._payload_wins = False
        #: Whether what is beyond the window is throttled rather than left unread.
        self._sheds = False
        #: Whether answers say how loaded we are.
        self._tells_load = False
        self._tolerates_nul = False
        #: Where we opened the connection: who is expected to bind on it, and our password there.
        self.expected = b""
        self.summons = b""
        self._dialect: Dialect | None = None
        #: The bound account's system_id; empty before a bind.
        self.account = b""
        #: Whether deliver_sm may be sent.
        self.receives = False
        #: The negotiated interface_version.
        self.version: int = self.session.version

    def __repr__(self) -> str:
        return f"<ClientConnection {printable(self.account)} {self.session!r}>"

    # -- coming and going --------------------------------------------------------------------------

    def on_connected(self) -> None:
        listener = self._listener
        if not self.peer:
            # Reset before it was accepted: it has no address any more, and is owed nothing.
            self.cut("connection lost")
            return
        self._in_lobby = not listener.stopping and listener.lobby.enter(self.peer)
        if self._in_lobby:
            listener.clients.add(self)
            if self.expected:
                self._summon()
        else:
            self.cut("too many connections without a bind")

    def _summon(self) -> None:
        """Ask whoever is there to bind."""
        self.session.move(Event.OUTBIND)
        sequence = self.session.unanswered(Command.OUTBIND)
        values = {"system_id": self._listener.system_id, "password": self.summons}
        self.send(encode(Command.OUTBIND, sequence, **values))

    def on_ending(self) -> None:
        self._leave()

    def on_lost(self) -> None:
        self._leave()
        self._leave_lobby()
        self._listener.gone(self)
        name = printable(self.account) or "(unbound)"
        log.info("= %s %s closed: %s", name, self.peer, self.ending)

    def _leave_lobby(self) -> None:
        if self._in_lobby:
            self._in_lobby = False
            self._listener.lobby.leave(self.peer)

    def _leave(self) -> None:
        """Free the slot of the account at once, and give back what was delivered unanswered."""
        if self._entry is not None:
            self._entry = None
            self._listener.binds.leave(self, self.account)
        if self._attached:
            self._attached = False
            self.session.window.leftovers()
            self._listener.keeper.detach(self)

    # -- bind --------------------------------------------------------------------------------------

    def _receive(self, data: bytes, now: int) -> None:
        Connection._receive(self, data, now)
        stranger = self._in_lobby and self._held is None
        if stranger and self._decoder is not None and self._decoder.buffered > STRANGERS_PDU:
            self.end("PDU too long before a bind")

    def _serve_run(self, command_id: int, run: list[Pdu], now: int) -> None:
        if self._in_lobby and len(run[0].raw) > STRANGERS_PDU:
            sequence = run[0].sequence_number
            nack = header_only(Command.GENERIC_NACK, Status.ESME_RINVCMDLEN, sequence)
            self.end("PDU too long before a bind", nack)
        else:
            Connection._serve_run(self, command_id, run, now)

    def _bind(self, run: list[Pdu], now: int) -> None:
        """Decide a bind; what came behind it waits until the password has been verified."""
        pdu = run[0]
        status, password = pdu.decode(), b""
        if status == Status.ESME_RINVPASWD and self._listener.config.long_passwords:
            pdu, password = lenient.without_password(pdu)
            status = pdu.decode()
        if status:
            self.counters.bad += 1
            self._refuse_bind(pdu, status, "malformed")
            return
        credentials = pdu.fields["system_id"], password or pdu.fields["password"], self.peer
        account = self._listener.authenticator.try_cached(*credentials)
        if account is not None:
            self._verified(pdu, account)
        else:
            self.hold()
            self._listener.spawn(self._verify(pdu, *credentials))

    async def _verify(self, pdu: Pdu, system_id: bytes, password: bytes, address: str) -> None:
        try:
            outcome = await self._listener.authenticator.examine(system_id, password, address)
            self._go_on(pdu, outcome)
        except Exception as error:  # the border
            self._bug(error)

    def _go_on(self, pdu: Pdu, outcome: Account | str) -> None:
        if not self.ending:
            self._verified(pdu, outcome)
        self.let_go()

    def _verified(self, pdu: Pdu, outcome: Account | str) -> None:
        if self._listener.stopping:
            self._refuse_bind(pdu, Status.ESME_RSYSERR, "shutting down")
        elif isinstance(outcome, str):
            self._refuse_bind(pdu, self._not_admitted(pdu, outcome), "not admitted")
        elif reason := self._unfit(pdu, outcome.config):
            self._refuse_bind(pdu, Status.ESME_RBINDFAIL, reason)
        else:
            entry = self._listener.binds.enter(self, outcome.config, self.links.clock())
            if entry is None:
                status = Status[self._listener.config.too_many_binds]
                self._refuse_bind(pdu, status, "too many binds")
            else:
                self._bound(pdu, BIND_EVENTS[pdu.command_id], outcome, entry)

    def _not_admitted(self, pdu: Pdu, reason: str) -> int:
        """The answer to wrong credentials, which is to tell nothing unless it is configured."""
        listener = self._listener
        if reason != "wrong" or not listener.config.bind_error_detail:
            return Status.ESME_RBINDFAIL
        known = listener.authenticator.accounts.get(pdu.fields["system_id"]) is not None
        return Status.ESME_RINVPASWD if known else Status.ESME_RINVSYSID

    def _unfit(self, pdu: Pdu, limits: AccountConfig) -> str:
        """Why an account may not bind like this; empty if it may."""
        if self.expected and self.expected != limits.system_id:
            return "not who was called"
        if BIND_TYPES[BIND_EVENTS[pdu.command_id]] not in limits.bind_types:
            return "bind type not allowed"
        if limits.system_type and pdu.fields["system_type"] != limits.system_type:
            return "wrong system_type"
        return ""

    def _refuse_bind(self, pdu: Pdu, status: int, reason: str) -> None:
        self.refuse(pdu, status)
        self._refusals += 1
        name = printable(pdu.fields.get("system_id", b""))
        log.warning("= %s %s bind refused: %s", name, self.peer, reason)
        if self._refusals >= MAX_REFUSALS:
            self.end("too many refused binds")

    def _bound(
        self, pdu: Pdu, event: Event, account: Account, entry: AccountBinds[ClientConnection]
    ) -> None:
        self._leave_lobby()
        self._entry = entry
        self.account = account.system_id
        self.receive_window = account.config.window
        self.receives = event is not Event.BIND_TRANSMITTER
        session = self.session
        session.window_size = account.config.delivery_window if self.receives else 0
        session.agree(pdu.fields["interface_version"])
        session.move(event)
        self.version = session.version
        if account.config.default_alphabet is not Charset.GSM:
            self._dialect = Dialect(account.config.default_alphabet)
        # An id in hexadecimal must not be longer than the version allows; ours have 16 digits.
        self._id_mask = (1 << 4 * min(RULES[session.version].message_id, 16)) - 1
        self._take_on(account.config)
        told = session.version if self._listener.config.announce_version == "agreed" else max(RULES)
        tlvs = [(Tag.SC_INTERFACE_VERSION, bytes([told]))] if session.tlvs else []
        system_id = self._listener.system_id
        self.send(
            encode(pdu.command_id | RESPONSE, pdu.sequence_number, 0, tlvs, system_id=system_id)
        )
        # No deliver_sm before the bind's answer: it must be out when the keeper hears of the bind.
        self.flush()
        log.info("= %s %s bound as %s", printable(self.account), self.peer, BIND_TYPES[event])
        self._attached = True
        self._listener.keeper.attach(self)

    def _take_on(self, limits: AccountConfig) -> None:
        """Take over what the account's contract says of its sessions."""
        tolerated, strict = limits.tolerate, limits.strict
        manners = Manners(
            both_texts="both_texts" in tolerated,
            registered_delivery="registered_delivery" in strict,
            past_schedule="past_schedule" in strict,
            predefined=self._listener.predefined,
        )
        # The usual ones are known by being these.
        self._manners = OURS if manners == OURS else manners
        self._tolerates_nul = "trailing_nul" in tolerated
        self._tells_load = self.version >= Version.V50
        self._payload_wins = self._manners.both_texts or self.version >= Version.V50
        self._sheds = limits.window_full == "throttle"
        # Who wants to hear at once of what is beyond its window does not wait.
        self.share = None if self._sheds else self.links.turns.clients
        self._may_broadcast = limits.broadcast
        if limits.deliver_with == "data_sm" and self.session.tlvs:
            self._delivery = _DATA_SM

    # -- submits -----------------------------------------------------------------------------------

    def decoded(self, run: list[P]) -> list[P]:
        if self._tolerates_nul:
            run = [cast(P, lenient.without_trailing_nul(pdu)) for pdu in run]
        return Connection.decoded(self, run)

    def _submit_sm(self, run: list[Message], now: int) -> None:
        sound = self._judged(self._admitted(run, now))
        if self._payload_wins:
            sound = [intake.one_text(message) for message in sound]
        if sound:
            self._submit(sound, sound, Command.SUBMIT_SM_RESP)

    def _data_sm(self, run: list[Pdu], now: int) -> None:
        judged = self._judged(self._admitted(run, now))
        messages, requests = self.messages(judged, Command.SUBMIT_SM)
        if messages:
            self._submit(messages, requests, Command.DATA_SM_RESP)

    def _admitted(self, run: list[P], now: int) -> list[P]:
        """Those of a run that the account's rate allows; the others are throttled, unread."""
        assert self._entry is not None
        if self._sheds:
            run = self._within_window(run)
        if not self.shedding:
            bucket = self._entry.bucket
            if len(run) <= bucket.burst and bucket.take(len(run), now):
                return run
        return self._allowed(run, now)

    def _allowed(self, run: list[P], now: int) -> list[P]:
        """As many as the rate has left for now; the others are throttled."""
        assert self._entry is not None
        bucket = self._entry.bucket
        allowed = [] if self.shedding else [pdu for pdu in run if bucket.take(1, now)]
        kept = set(map(id, allowed))
        self._throttle([pdu for pdu in run if id(pdu) not in kept])
        return allowed

    def _within_window(self, run: list[P]) -> list[P]:
        """What the window has room for; the rest is throttled."""
        room = max(0, self.receive_window - self.answers)
        self._throttle(run[room:])
        return run[:room]

    def _throttle(self, run: list[P]) -> None:
        assert self._entry is not None
        for pdu in run:
            self.refuse(pdu, Status.ESME_RTHROTTLED)
        self.counters.throttled += len(run)
        self._entry.throttled += len(run)

    def _judged(self, run: list[P]) -> list[P]:
        """Those of a run that decode and hold sound values; the others are refused."""
        sound, refused = batches.checked(
            self.decoded(run), self.session.version, self._listener.now(), self._manners
        )
        self.refuse_all(refused)
        return sound

    def _submit(
        self,
        messages: list[Message],
        requests: Sequence[Pdu],
        answer: int,
    ) -> None:
        """One call of the keeper for all; what it takes is answered when that is durable."""
        verdicts = self._listener.keeper.submit(self, messages)
        answers, refused = batches.id_answers(requests, verdicts, self._id_mask, answer)
        self.refuse_all(refused)
        self.stage_answers(answers)

    # -- broadcasts --------------------------------------------------------------------------------

    def _broadcasting(self, run: list[Pdu], now: int) -> list[Pdu]:
        """Those of a run that are to be looked at, if broadcasts are for this account."""
        if not self._listener.keeper.broadcasting:
            status = UNKNOWN
        elif not self._may_broadcast:
            status = int(Status.ESME_RPROHIBITED)
        else:
            return self.decoded(self._admitted(run, now))
        for pdu in run:
            self.refuse(pdu, status)
        return []

    def _broadcast_sm(self, run: list[Pdu], now: int) -> None:
        keeper, answers = self._listener.keeper, []
        for pdu in self._broadcasting(run, now):
            verdict = -broadcast.check(pdu, self._listener.now()) or keeper.broadcast(self, pdu)
            if verdict > 0:
                answers.append(id_resp(Command.BROADCAST_SM_RESP, pdu.sequence_number, verdict))
            else:
                self.refuse(pdu, -verdict)
        self.stage_answers(answers)

    def _query_broadcast_sm(self, run: list[Pdu], now: int) -> None:
        answers = []
        for pdu in self._broadcasting(run, now):
            view = self._listener.keeper.query_broadcast(self, pdu)
            if view is None:
                self.refuse(pdu, Status.ESME_RBCASTQUERYFAIL)
            else:
                answers.append(broadcast.answer(view, pdu.sequence_number, hex_id(view.id)))
        self.stage_answers(answers)

    def _cancel_broadcast_sm(self, run: list[Pdu], now: int) -> None:
        answers = []
        for pdu in self._broadcasting(run, now):
            if status := self._listener.keeper.cancel_broadcast(self, pdu):
                self.refuse(pdu, status)
            else:
                answers.append(
                    header_only(Command.CANCEL_BROADCAST_SM_RESP, 0, pdu.sequence_number)
                )
        self.stage_answers(answers)

    def stage_answers(self, answers: list[bytes]) -> None:
        if self._tells_load:
            load = bytes([self.links.load])
            answers = [with_tlv(answer, Tag.CONGESTION_STATE, load) for answer in answers]
        Connection.stage_answers(self, answers)

    def _submit_multi(self, run: list[Pdu], now: int) -> None:
        for pdu in self.decoded(self._admitted(run, now)):
            assert self._entry is not None
            limits, version = self._entry.limits, self.session.version
            taken = multi.members(pdu, limits, version, self._listener.now(), self._manners)
            if isinstance(taken, int):
                self.refuse(pdu, taken)
                continue
            members, refused = taken
            # One token was taken for the request; its further destinations are a debt.
            self._entry.bucket.spend(len(members) + len(refused) - 1, now)
            if self._payload_wins:
                members = [intake.one_text(message) for message in members]
            self._answer_multi(pdu, members, refused)

    def _answer_multi(
        self, pdu: Pdu, members: list[Message], refused: list[multi.Unsuccess]
    ) -> None:
        first = 0
        verdicts = self._listener.keeper.submit_multi(self, members)
        for message, verdict in zip(members, verdicts, strict=True):
            if verdict > 0:
                first = first or verdict
            else:
                refused.append(multi.unsuccess(message, -verdict))
        if first:
            told = [
                (ton, npi, address, expressible(status, self.session.version, pdu.command_id))
                for ton, npi, address, status in refused
            ]
            message_id = hex_id(first & self._id_mask)
            answer = encode(
                Command.SUBMIT_MULTI_RESP,
                pdu.sequence_number,
                message_id=message_id,
                unsuccess_sme=told,
            )
            self.stage_answers([answer])
        else:
            self.refuse(pdu, multi.failure(refused))

    # -- what becomes of them ----------------------------------------------------------------------

    def _query_sm(self, run: list[Pdu], now: int) -> None:
        for pdu in self.decoded(self._admitted(run, now)):
            standing = self._listener.keeper.query(self, pdu)
            if isinstance(standing, int):
                self.refuse(pdu, standing)
                continue
            state = standing.state
            if self.session.version < Version.V50:
                state = STATES_BEFORE_50.get(state, state)
            answer = encode(
                Command.QUERY_SM_RESP,
                pdu.sequence_number,
                message_id=pdu.fields["message_id"].lower().lstrip(b"0"),  # as in every answer
                final_date=times.format_absolute(standing.done) if standing.done else b"",
                message_state=state,
                error_code=standing.error,
            )
            self.stage_answers([answer])

    def _cancel_sm(self, run: list[Pdu], now: int) -> None:
        for pdu in self.decoded(self._admitted(run, now)):
            self._say(pdu, self._listener.keeper.cancel(self, pdu))

    def _replace_sm(self, run: list[Pdu], now: int) -> None:
        for pdu in self.decoded(self._admitted(run, now)):
            status = check_replacement(
                pdu, self.session.version, self._listener.now(), self._manners
            )
            self._say(pdu, status or self._listener.keeper.replace(self, pdu))

    def _say(self, pdu: Pdu, status: int) -> None:
        """That it is done, when that is durable; or at once why not."""
        if status:
            self.refuse(pdu, status)
        else:
            self.stage_answers([header_only(pdu.command_id | RESPONSE, 0, pdu.sequence_number)])

    # -- deliveries --------------------------------------------------------------------------------

    @property
    def unbound(self) -> bool:
        """Whether the client took its leave."""
        return self.ending == UNBOUND

    def credit(self) -> int:
        """How many more deliveries this bind takes now."""
        return 0 if self.session.timers.stalled is not None else self.session.room

    def deliver(self, mail_ids: list[int], pdus: list[bytes]) -> None:
        """Stage these deliver_sm, or what says the same, under sequence numbers of this session."""
        session = self.session
        try:
            if self._dialect is not None:
                pdus = [self._dialect.tell(pdu) for pdu in pdus]
            sequences = session.deliveries(self._delivery, mail_ids, self.links.now)
            if self._delivery == _DATA_SM:
                pdus = [
                    data_sm_of(Message.from_raw(pdu), sequence, self._listener.now())
                    for pdu, sequence in zip(pdus, sequences, strict=True)
                ]
            else:
                if not session.tlvs:
                    pdus = [without_tlvs(pdu) for pdu in pdus]
                pdus = batches.resequenced(pdus, sequences)
            self.stage_requests(pdus)
        except Exception as error:  # the border: nobody above stands for this connection
            self._bug(error)

    def notify(self, pdu: bytes) -> None:
        """Stage one alert_notification."""
        try:
            sequence = self.session.unanswered(Command.ALERT_NOTIFICATION)
            self.stage_requests([resequence(pdu, sequence)])
        except Exception as error:  # the border, as above
            self._bug(error)

    def settled(self, responses: list[Pdu]) -> tuple[list[tuple[int, int]], list[Pdu]]:
        return batches.fates(self.session.window, responses)

    def on_settled(self, settled: list[tuple[int, int]]) -> None:
        self._listener.keeper.delivered(self, settled)

    def on_expired(self, expired: list[tuple[int, int, int]]) -> None:
        """A client may be slow with one response and sound otherwise: the session stays."""
        self._listener.keeper.delivered(
            self, [(mail_id, Status.ESME_RX_T_APPN) for _, mail_id, _ in expired]
        )

    def on_room(self) -> None:
        if self._attached:
            self._listener.keeper.deliverable(self)


#: What is done with a client's requests.
_HANDLERS: Handlers = {
    **LINK_HANDLERS,
    Command.BIND_TRANSMITTER: ClientConnection._bind,
    Command.BIND_RECEIVER: ClientConnection._bind,
    Command.BIND_TRANSCEIVER: ClientConnection._bind,
    Command.SUBMIT_SM: ClientConnection._submit_sm,
    Command.DATA_SM: ClientConnection._data_sm,
    Command.BROADCAST_SM: ClientConnection._broadcast_sm,
    Command.QUERY_BROADCAST_SM: ClientConnection._query_broadcast_sm,
    Command.CANCEL_BROADCAST_SM: ClientConnection._cancel_broadcast_sm,
    Command.SUBMIT_MULTI: ClientConnection._submit_multi,
    Command.QUERY_SM: ClientConnection._query_sm,
    Command.CANCEL_SM: ClientConnection._cancel_sm,
    Command.REPLACE_SM: ClientConnection._replace_sm,
}
