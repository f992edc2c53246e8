"""What comes in: whether a message may, how it is kept, and which bind has it at once.

A batch is taken in three passes: each message is judged, each that may come in is kept, each that
found a bind is loaded there, to be sent with all else of its frame. What one pass runs fits the
processor's cache of instructions, and what a message meets from one end to the other does not: in
one pass, a third of the time went into reading code anew. Whatever fails on the way, what was said
to be attempted is sent.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from smsc import intake, records
from smsc import message as rules
from smsc._pdu import Message
from smsc._spool import pair_in
from smsc.account import Account
from smsc.ancillary import Ancillary
from smsc.bodies import Bodies
from smsc.book import Book
from smsc.commit import Commit
from smsc.config import Config
from smsc.counters import ACCEPTED, Counters
from smsc.dialect import Unsayable, gathered
from smsc.inquiries import Inquiries
from smsc.placement import Placement
from smsc.ports import EdgeBind
from smsc.records import Flag, Kind
from smsc.relaying import Relaying
from smsc.repeats import Repeats
from smsc.routing import Route
from smsc.smpp import Status, Version
from smsc.spool import Stage
from smsc.state import State
from smsc.subject import Restricted
from smsc.subjects import Subjects
from smsc.till import Till
from smsc.upstream import Berth, Upstream

# Plain numbers for what every message meets: comparing with an enum's member is slower (``spool``).
_MESSAGE = int(Kind.MESSAGE)
_QUEUED, _ATTEMPTED = int(Stage.QUEUED), int(Stage.ATTEMPT)
_OLD_PEER, _RECEIPT_ASKED = int(Flag.OLD_PEER), int(Flag.RECEIPT_ASKED)
_HELD = int(Flag.HELD)
_MEMBER, _V34 = int(Flag.MEMBER), int(Version.V34)
_ANY_WISH = rules.ANY_WISH


class Draft:
    """A message as it was judged: its ``refusal``, or all that is needed to keep it, and its id
    from then on.
    """

    #: As it is to be kept, and as its carrier is told; None if others go in its stead.
    message: Message
    told: Message | None
    upstream: Upstream
    #: The berth that takes it at once, if there is one.
    target: Berth | None
    #: The network it is in, and the number that is to be looked up before it goes.
    network: bytes
    sought: bytes
    refusal: int
    id: int
    flags: int
    lane: int
    pair: int
    replaces: bool
    due: int
    until: int
    expiry: int


class Admission:
    """See the module."""

    def __init__(
        self,
        config: Config,
        book: Book,
        commit: Commit,
        placement: Placement,
        till: Till,
        bodies: Bodies,
        upstreams: Mapping[bytes, Upstream],
        alive: Container[bytes],
        ancillary: Ancillary,
        inquiries: Inquiries | None,
        subjects: Subjects,
        relaying: Relaying,
        repeats: Repeats,
        counters: Counters,
    ) -> None:
        self._book = book
        self._commit = commit
        self._state: State = book.state
        self._placement = placement
        self._till = till
        self._bodies = bodies
        self._upstreams = upstreams
        self._alive = alive
        self._ancillary = ancillary
        self._inquiries = inquiries
        self._subjects = subjects
        self._relaying = relaying
        self._counters = counters
        self._predefined = config.predefined_messages
        self._max_owed = config.storage.max_owed
        self._per_account = config.metrics.accounts
        self._restricted: Restricted | None = None
        self._repeats = repeats
        #: Whether there is space on the disk for more.
        self.room = True
        self._dice = 0
        self._batch = 0
        #: Carriers for which the open frame has something.
        self._loaded: set[Upstream] = set()
        #: Carriers for which this batch has texts that must be cut.
        self._to_cut: set[Upstream] = set()

    def restrict(self, restricted: Restricted | None) -> None:
        """Refuse what is of these from now on."""
        self._restricted = restricted

    def has_room(self, account: Account, index: int, ahead: int) -> bool:
        """Whether one more message may be owed to the account, ``ahead`` others before it."""
        slab = self._state.spool.slab
        owed = slab.of_account(index) + ahead
        return bool(self.room and slab.count + ahead < self._max_owed and owed < account.max_queued)

    def pick(self, route: Route, account: bytes, message: Message) -> bytes:
        """A route's carrier for this message; the same one for all parts of a text."""
        self._dice += 1
        if route.only is not None:
            return route.only
        together = gathered(account, message)
        return route.pick(self._alive, together or self._dice)

    # -- batches -----------------------------------------------------------------------------

    def take(
        self, bind: EdgeBind, account: Account, batch: Sequence[Message], now: int
    ) -> list[int]:
        """See ``ports.Keeper.submit``."""
        if account.suppresses:
            return self._take_new(bind, account, batch, now)
        return self._take(account, bind.version, batch, now, False)

    def _take_new(
        self, bind: EdgeBind, account: Account, batch: Sequence[Message], now: int
    ) -> list[int]:
        """One by one, since each may be the one before come again."""
        since = now - account.suppresses
        results = []
        for message in batch:
            kept = self._kept(account, message)
            result = self._repeats.find(bind, kept, since)
            if result:
                self._counters.suppressed += 1
            else:
                (result,) = self._take(account, bind.version, [message], now, False)
                if result > 0:
                    self._repeats.note(bind, kept, result, now, since)
            results.append(result)
        return results

    def _kept(self, account: Account, message: Message) -> Message:
        """A message as the log will have it."""
        try:
            return intake.ours(message, account, self._predefined)
        except Unsayable:
            return message  # it is refused

    def take_group(
        self, account: Account, version: int, members: Sequence[Message], now: int
    ) -> list[int]:
        """See ``ports.Keeper.submit_multi``."""
        return self._take(account, version, members, now, True)

    def _take(
        self, account: Account, version: int, batch: Sequence[Message], now: int, together: bool
    ) -> list[int]:
        index = self._state.accounts.index(account.system_id)
        self._batch += 1
        drafts: list[Draft] = []
        count = 0
        for message in batch:
            draft = self._judge(account, index, version, message, now, count)
            drafts.append(draft)
            count += not draft.refusal
        try:
            if together:
                self._keep_group(account, index, drafts, count, now)
            else:
                for draft in drafts:
                    if not draft.refusal:
                        self._keep(account, index, draft, None, now)
        finally:
            results = self._load(account, index, drafts)
            while self._to_cut:
                self._relaying.pump(self._to_cut.pop())
        return results

    def _keep_group(
        self, account: Account, index: int, drafts: list[Draft], count: int, now: int
    ) -> None:
        """All are known by the id of the first."""
        first = taken = 0
        for draft in drafts:
            if not draft.refusal:
                self._keep(account, index, draft, records.Kin(first, taken, count), now)
                if draft.id:
                    first = first or draft.id
                    taken += 1

    def _send(self) -> None:
        loaded, self._loaded = self._loaded, set()
        for upstream in loaded:
            self._counters.submitted[upstream.name] += upstream.send()

    # -- one message -------------------------------------------------------------------------

    def _judge(
        self, account: Account, index: int, version: int, message: Message, now: int, ahead: int
    ) -> Draft:
        """Whether a message may come in, ``ahead`` others before it. Changes nothing but berths."""
        draft = Draft.__new__(Draft)
        draft.id = draft.refusal = 0
        way = self._way(account, index, message, ahead)
        if isinstance(way, int):
            draft.refusal = way
            return draft
        route: Route = way
        name, numbering = account.system_id, account.numbering
        network = self._placement.network(numbering, message)
        inquiries = self._inquiries
        sought = b""
        if inquiries is not None:
            network, route, sought = inquiries.known(name, numbering, message, network, route)
        draft.flags = (
            (_OLD_PEER if version < _V34 else 0)
            | (_RECEIPT_ASKED if message.registered_delivery & _ANY_WISH else 0)
            | (_HELD if sought else 0)
        )
        due = intake.due(message, now)
        draft.due = draft.until = due
        if inquiries is not None and sought:
            draft.until = inquiries.until(due, now)
        draft.expiry = intake.expiry(message, now, account)
        draft.network, draft.sought = network, sought
        draft.replaces = message.replace_if_present_flag != 0
        draft.lane = min(message.priority_flag, account.max_priority)
        try:
            message = intake.ours(message, account, self._predefined)
            upstream: Upstream = self._upstreams[self.pick(route, name, message)]
            told = upstream.say(message)
        except Unsayable as error:
            draft.refusal = error.status
            return draft
        draft.pair = pair_in(name, message)
        draft.message, draft.upstream = message, upstream
        draft.target = None
        if draft.until <= now:
            if told is None:
                upstream.stand(self._batch)
            else:
                draft.target = upstream.direct(draft.pair, self._batch)
                if draft.target is not None and numbering is not None:
                    told = numbering.canonical(told)
        draft.told = told
        return draft

    def _way(self, account: Account, index: int, message: Message, ahead: int) -> Route | int:
        """The route of a message that may come in, or its refusal."""
        if not self.has_room(account, index, ahead):
            return Status.ESME_RMSGQFUL
        numbering = account.numbering
        if numbering is not None and not numbering.allows(message):
            return Status.ESME_RINVSRCADR
        network = self._placement.network(numbering, message)
        route = self._placement.route(account.system_id, numbering, message, network)
        if route is None:
            return Status.ESME_RINVDSTADR
        if message.registered_delivery & _ANY_WISH and not account.receipts:
            return Status.ESME_RINVREGDLVFLG
        if self._restricted is not None:
            return self._subjects.refusal(account, message) or route
        return route

    def _keep(
        self, account: Account, index: int, draft: Draft, of: records.Kin | None, now: int
    ) -> None:
        """Write a message down, one ``of`` several or by itself, unless its customer can't pay."""
        message = draft.message
        charge = None
        if account.tariff is not None:
            charged = self._till.charge(account, message, draft.network, now)
            if isinstance(charged, int):
                draft.refusal = charged
                return
            charge = charged
        id = self._book.next_id()
        kin, flags = None, draft.flags
        if of is not None:
            kin = records.Kin(of.group or id, of.index, of.count)
            flags |= _MEMBER
        sent, stage, number = 0, _QUEUED, 0
        if draft.target is not None:
            sent, stage, number = now, _ATTEMPTED, 1
        head = records.message(
            id, now, draft.until, draft.expiry, sent, 0, stage, draft.lane, number, flags,
            account.system_id, draft.upstream.name, kin, charge, draft.pair, draft.network,
        )  # fmt: skip
        self._book.append(_MESSAGE, now, head, message.raw)
        draft.id = id
        self._bodies.put(id, message, now, kin, charge, draft.network)
        if draft.replaces:
            self._ancillary.displace(index, draft.pair, message, id, now)

    def _load(self, account: Account, index: int, drafts: list[Draft]) -> list[int]:
        """Give what was kept to its berths; the id of each, or its refusal negated."""
        results = []
        for draft in drafts:
            id = draft.id
            if not id:
                if draft.refusal:
                    self._counters.refused[draft.refusal] += 1
                results.append(-draft.refusal)
                continue
            results.append(id)
            self._counters.accepted += 1
            if self._per_account:
                self._counters.by_account.count(index, ACCEPTED)
            if draft.sought and self._inquiries is not None:
                self._inquiries.ask(id, draft.sought, draft.due, draft.until)
            if draft.told is None:
                self._to_cut.add(draft.upstream)
            elif draft.target is not None:
                draft.target.load(id, 1, draft.told)
                if not self._loaded:
                    self._commit.before_seal(self._send)
                self._loaded.add(draft.upstream)
        return results
