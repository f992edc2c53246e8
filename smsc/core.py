"""The keeper: where a message is accepted, sent, settled, and its receipt brought home.

Owns the log and all that follows from it. Every method is called on the loop, decides at once from
the state in memory, appends what it decided, and stages what may leave when that is durable. It
never blocks and never awaits; it knows neither sockets nor SMPP sessions.

Every change of state is a record first: ``book.append`` writes it to the log and gives it to the
one ``State.apply``. Nothing else touches the state, so a replay of the log ends where the run
stood. How messages end is in ``endings``, what clients may ask of them later in ``ancillary``.

What is decided here and nowhere else: who may send how much (accounts), where it goes (routing),
what a carrier's answer means (retry, fail), how long what is waited for, and what the client is
told. What is due by time is looked at in ``tick``, in bounded portions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from smsc import broadcast, intake, records
from smsc import message as rules
from smsc._pdu import Message, Pdu
from smsc._spool import FIRST_LIST, pair_in
from smsc.account import Account
from smsc.accounts import Accounts
from smsc.ancillary import Ancillary
from smsc.bodies import Bodies
from smsc.book import Book
from smsc.broadcast import View
from smsc.broadcasts import Broadcasts
from smsc.commit import Commit
from smsc.config import AccountConfig, Config
from smsc.correlation import Correlation
from smsc.counters import ACCEPTED, Counters
from smsc.deliveries import Deliveries
from smsc.dialect import Unsayable, gathered
from smsc.endings import Endings
from smsc.failover import Failover
from smsc.forgetting import Forgetting
from smsc.hearing import Hearing
from smsc.inquiries import Inquiries
from smsc.joining import Joining
from smsc.mailbox import PERISHABLE, MailState
from smsc.mailroom import Mailroom
from smsc.placement import Placement
from smsc.ports import EdgeBind, Log, Lookup, RelayBind, Standing
from smsc.profile import Profile
from smsc.records import Flag, Kind
from smsc.relaying import Relaying
from smsc.repeats import Recent, Repeats
from smsc.reports import Reports
from smsc.routing import InboundRouter, Route
from smsc.smpp import MessageState, Status, Version
from smsc.spool import UNSENT, Stage
from smsc.state import State
from smsc.subject import Restricted
from smsc.subjects import Subjects
from smsc.till import Till
from smsc.traffic import Traffic
from smsc.upstream import Upstream

T = TypeVar("T")

#: How many due entries one tick handles at most: a few milliseconds of the loop.
TICK_PORTION = 2_000

#: How many slots one tick looks at for expired messages: all of 10 million within 20 s.
SCAN_PORTION = 50_000

#: How many messages of a carrier that is away one tick offers to others, and after how long, ms:
#: a bind that reconnects at once keeps its messages.
LEAVE_PORTION = 500
FAILOVER_GRACE = 5_000

# Plain numbers for what every message meets: comparing with an enum's member is slower (``spool``).
_MESSAGE = int(Kind.MESSAGE)
_QUEUED, _ATTEMPTED = int(Stage.QUEUED), int(Stage.ATTEMPT)
_OLD_PEER, _RECEIPT_ASKED = int(Flag.OLD_PEER), int(Flag.RECEIPT_ASKED)
_HELD = int(Flag.HELD)
_BROADCAST = int(Flag.BROADCAST)
_MEMBER, _V34 = int(Flag.MEMBER), int(Version.V34)
_ANY_WISH = rules.ANY_WISH


class Core:
    """The keeper of one partition. Implements ``ports.Keeper``; see the module.

    Start: ``recover()`` once, then binds may attach. ``tick()`` wants to be called every 100 ms.
    """

    def __init__(
        self,
        config: Config,
        accounts: Accounts,
        log: Log,
        commit: Commit,
        traffic: Traffic,
        lookup: Lookup | None = None,
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._log = log
        self._commit = commit
        self._traffic = traffic
        self._book = Book(log, State(config.finished.keep, config.finished.max))
        tries_next = any(route.on_failure == "next" for route in config.routes)
        self._placement = Placement(config)
        self._inbound_router = InboundRouter(config.inbound)
        self.state = self._book.state
        self.counters = Counters()
        self.bodies = Bodies(log)
        self.upstreams: dict[bytes, Upstream] = {}
        self.correlations: dict[bytes, Correlation] = {}
        self._alive: set[bytes] = set()
        for carrier in config.carriers:
            profile = Profile(carrier.id_rule.pinned(), carrier.receipt_time_zone)
            self.upstreams[carrier.name] = Upstream(carrier, self.state)
            self.correlations[carrier.name] = Correlation(carrier.name, profile)
        self.mailroom = Mailroom(self.state.mailboxes, log, commit)
        self._till = Till(self._book, config.billing.refused)
        self._ends = Endings(
            self._book,
            self._till,
            commit,
            traffic,
            accounts,
            self.bodies,
            self.mailroom,
            self.counters,
            self._placement.network_of_sender,
            config.metrics.accounts,
        )
        self._deliveries = Deliveries(
            self._book, accounts, self._inbound_router, self._ends, self.mailroom, self.counters
        )
        self._broadcasts = Broadcasts(
            config.routes, self._book, self.bodies, self._ends, self._till
        )
        self.broadcasting = self._broadcasts.offered
        self.joining = Joining(self._book, self.bodies, self.counters)
        self._others = Failover(
            self._book,
            config.routes,
            self._route_of,
            self.upstreams,
            self._alive,
            self.bodies,
            self._ends,
            self.counters,
        )
        self._predefined = config.predefined_messages
        self._ancillary = Ancillary(
            self._book, self._till, self.bodies, self._ends, self.joining, self._predefined
        )
        self.repeats = Repeats()
        self._dice = 0
        self._batch = 0
        #: Carriers for which this batch has something.
        self._loaded: set[Upstream] = set()
        #: Carriers for which it has texts that must be cut.
        self._to_cut: set[Upstream] = set()
        self._room = True
        #: Whether the disk is so slow that nothing new should be taken.
        self.slow = False
        self._scan_cursor = 0
        self._mail_cursor = 0
        self.forgetting = Forgetting(log, commit, self.state, traffic, self.append)
        self._inquiries = None
        if lookup is not None and config.lookup is not None:
            self._inquiries = Inquiries(
                lookup,
                config.lookup.timeout,
                self._placement,
                self._book,
                self.bodies,
                accounts,
                commit,
                self._pick,
                self._pump_carrier,
            )
        self.subjects = Subjects(
            self._book, accounts, self.bodies, self._ends, self.joining, self.mailroom
        )
        self._reports = Reports(
            self._book,
            commit,
            accounts,
            self._ends,
            Hearing(self._book, self.bodies),
            self._others if tries_next else None,
            self.subjects,
            self.correlations,
            self._inbound_router,
            self.counters,
        )
        self._relaying = Relaying(
            self._book,
            commit,
            accounts,
            self.bodies,
            self.upstreams,
            self.correlations,
            self._alive,
            self._ends,
            self._others,
            tries_next,
            self.joining,
            self.subjects,
            self._reports,
            self.counters,
        )
        self._restricted: Restricted | None = None
        self._max_owed = config.storage.max_owed
        self._per_account = config.metrics.accounts

    # -- the log -----------------------------------------------------------------------------

    def recover(self) -> None:
        """Rebuild the state from the log, open a new epoch, and settle what the last one left.

        Raises CorruptLog if acknowledged data can't be read, NewerLog for a newer format.
        """
        self.state.before_end = self._ends.at_replay
        windows = {one.system_id: one.config.suppress_duplicates for one in self._accounts}
        recent = Recent({account: window for account, window in windows.items() if window})
        also = recent.met if any(windows.values()) else None
        mark = self._book.replay(self._traffic.covered, also)
        self.state.before_end = None
        now = self._commit.begin()
        if not self._log.ended_clean:
            if mark is not None and also is not None:
                recent = recent.behind(self._log, mark)
            self.repeats.recall(recent, self._log, now)
        self._book.start(now)
        self._ends.replayed(now)
        self._reports.recall()
        slab = self.state.spool.slab
        for slot in slab.in_state(Stage.ATTEMPT):
            self._relaying.doubt(slot, slab.attempt(slot), now, "restart")
        self.joining.resume(self.upstreams, now)
        if self._inquiries is not None:
            self._inquiries.resume(now)
        if len(self.state.carriers.names) > len(self.upstreams):
            self._adopt_strays()

    def _adopt_strays(self) -> None:
        """Messages that wait for a carrier which is no longer configured go by today's routes."""
        slab = self.state.spool.slab
        known = {upstream.index for upstream in self.upstreams.values()}
        for slot in slab.in_state(Stage.QUEUED):
            if slab.carrier(slot) not in known and slab.linked(slot) >= FIRST_LIST:
                self._others.elsewhere(slot)

    def append(self, kind: int, now: int, head: bytes, body: bytes = b"") -> int:
        """For ``forgetting``, which carries records forward."""
        return self._book.append(kind, now, head, body)

    def adopt(self, accounts: Accounts) -> None:
        """Work with these accounts from now on. What those that are gone are owed goes on."""
        self._accounts = accounts
        self._ends.adopt(accounts)
        self._reports.adopt(accounts)
        self._relaying.adopt(accounts)
        self._deliveries.adopt(accounts)
        self.subjects.adopt(accounts)
        if self._inquiries is not None:
            self._inquiries.adopt(accounts)

    def restrict(self, restricted: Restricted | None) -> None:
        """Let what is of these wait from now on, whatever of it comes to its turn."""
        self._restricted = restricted
        self._relaying.restrict(restricted)
        self.subjects.restrict(restricted)

    # -- edge: submit ------------------------------------------------------------------------

    def submit(self, bind: EdgeBind, batch: Sequence[Message]) -> list[int]:
        """See ``ports.Keeper``. Field values were checked by the edge (``message.check``)."""
        account = self._accounts.bindable(bind.account)
        if account is None:  # removed while bound
            return [-Status.ESME_RSYSERR] * len(batch)
        if self.slow:
            self.counters.refused[Status.ESME_RTHROTTLED] += len(batch)
            return [-Status.ESME_RTHROTTLED] * len(batch)
        now = self._commit.begin()
        self._batch += 1
        index = self.state.accounts.index(account.system_id)
        window = account.suppresses
        version = bind.version
        results = []
        try:
            for message in batch:
                kept = self._kept(account, message) if window else message
                result = self.repeats.find(bind, kept, now - window) if window else 0
                if result:
                    self.counters.suppressed += 1
                else:
                    result = self._accept(account, index, version, message, now)
                    if result < 0:
                        self.counters.refused[-result] += 1
                    elif window:
                        self.repeats.note(bind, kept, result, now, now - window)
                results.append(result)
        finally:
            self._send_loaded()
        return results

    def _kept(self, account: Account, message: Message) -> Message:
        """A message as the log will have it."""
        try:
            return intake.ours(message, account, self._predefined)
        except Unsayable:
            return message  # it is refused

    def submit_multi(self, bind: EdgeBind, members: Sequence[Message]) -> list[int]:
        """See ``ports.Keeper``. Whether each may come in is decided first: the ids say how many."""
        account = self._accounts.bindable(bind.account)
        if account is None or self.slow:
            status = Status.ESME_RSYSERR if account is None else Status.ESME_RTHROTTLED
            return [-status] * len(members)
        now = self._commit.begin()
        self._batch += 1
        index = self.state.accounts.index(account.system_id)
        ways = []
        count = 0
        for message in members:
            way = self._way(account, index, message, count)
            ways.append(way)
            count += not isinstance(way, int)
        results = []
        first = taken = 0
        try:
            for message, way in zip(members, ways, strict=True):
                if isinstance(way, int):
                    result = -way
                else:
                    kin = records.Kin(first, taken, count)
                    result = self._store(account, index, bind.version, message, now, way, kin)
                if result > 0:
                    first = first or result
                    taken += 1
                else:
                    self.counters.refused[-result] += 1
                results.append(result)
        finally:
            self._send_loaded()
        return results

    def _send_loaded(self) -> None:
        """What is said to be attempted is sent, whatever happened to those behind it."""
        for upstream in self._loaded:
            self.counters.submitted[upstream.name] += upstream.send()
        self._loaded.clear()
        while self._to_cut:
            self._relaying.pump(self._to_cut.pop())

    def _accept(
        self, account: Account, index: int, version: int, message: Message, now: int
    ) -> int:
        way = self._way(account, index, message, 0)
        if isinstance(way, int):
            return -way
        return self._store(account, index, version, message, now, way, None)

    def _way(self, account: Account, index: int, message: Message, ahead: int) -> Route | int:
        """The route of a message that may come in, ``ahead`` others before it, or its refusal."""
        if not self._has_room(account, index, ahead):
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
            return self.subjects.refusal(account, message) or route
        return route

    def _store(
        self,
        account: Account,
        index: int,
        version: int,
        message: Message,
        now: int,
        route: Route,
        of: records.Kin | None,
    ) -> int:
        """Keep a message, one ``of`` several or by itself; its id, or its refusal negated."""
        name = account.system_id
        numbering = account.numbering
        network = self._placement.network(numbering, message)
        inquiries, sought = self._inquiries, b""
        if inquiries is not None:
            network, route, sought = inquiries.known(name, numbering, message, network, route)
        flags = (
            (_OLD_PEER if version < _V34 else 0)
            | (_RECEIPT_ASKED if message.registered_delivery & _ANY_WISH else 0)
            | (_HELD if sought else 0)
        )
        due, expiry = intake.due(message, now), intake.expiry(message, now, account)
        until = due if inquiries is None or not sought else inquiries.until(due, now)
        replaces = message.replace_if_present_flag
        self._dice += 1
        try:
            message = intake.ours(message, account, self._predefined)
            upstream: Upstream = self.upstreams[self._carrier(route, name, message)]
            told = upstream.say(message)
        except Unsayable as error:
            return -error.status
        tariff = account.tariff
        charge = None if tariff is None else self._till.charge(account, message, network, now)
        if isinstance(charge, int):
            return -charge
        at_once = until <= now and told is not None
        pair = pair_in(name, message)
        target = upstream.direct(pair, self._batch) if at_once else None
        id = self._book.next_id()
        kin = None
        if of is not None:
            kin = records.Kin(of.group or id, of.index, of.count)
            flags |= _MEMBER
        sent, stage, number = 0, _QUEUED, 0
        if target is not None:
            sent, stage, number = now, _ATTEMPTED, 1
        lane = min(message.priority_flag, account.max_priority)
        head = records.message(
            id, now, until, expiry, sent, 0, stage, lane, number, flags, name, upstream.name, kin,
            charge, pair, network,
        )  # fmt: skip
        self._book.append(_MESSAGE, now, head, message.raw)
        self.bodies.put(id, message, now, kin, charge, network)
        if replaces:
            self._ancillary.displace(index, pair, message, id, now)
        self.counters.accepted += 1
        if self._per_account:
            self.counters.by_account.count(index, ACCEPTED)
        if inquiries is not None and sought:
            inquiries.ask(id, sought, due, until)
        if told is None:
            self._to_cut.add(upstream)
        elif target is not None:
            target.load(id, 1, told if numbering is None else numbering.canonical(told))
            self._loaded.add(upstream)
        return id

    # -- edge: what becomes of a submit ------------------------------------------------------

    def query(self, bind: EdgeBind, request: Pdu) -> Standing | int:
        return self._ask(self._ancillary.query, bind, request)

    def cancel(self, bind: EdgeBind, request: Pdu) -> int:
        return self._ask(self._ancillary.cancel, bind, request)

    def replace(self, bind: EdgeBind, request: Pdu) -> int:
        if self.slow or not self._room:
            return Status.ESME_RTHROTTLED if self.slow else Status.ESME_RMSGQFUL
        return self._ask(self._ancillary.replace, bind, request)

    def _ask(
        self,
        what: Callable[[int, AccountConfig, Pdu, int, int], T],
        bind: EdgeBind,
        request: Pdu,
    ) -> T | int:
        account = self._accounts.bindable(bind.account)
        if account is None:  # removed while bound
            return Status.ESME_RSYSERR
        index = self.state.accounts.index(account.system_id)
        return what(index, account.config, request, bind.version, self._commit.begin())

    def _carrier(self, route: Route, account: bytes, message: Message) -> bytes:
        """A route's carrier for this message; the same one for all parts of a text."""
        if route.only is not None:
            return route.only
        together = gathered(account, message)
        return route.pick(self._alive, together or self._dice)

    def broadcast(self, bind: EdgeBind, pdu: Pdu) -> int:
        """See ``ports.Keeper``. Values were checked by the edge (``broadcast.check``)."""
        account = self._accounts.bindable(bind.account)
        if account is None:
            return -Status.ESME_RSYSERR
        if self.slow:
            return -Status.ESME_RTHROTTLED
        index = self.state.accounts.index(account.system_id)
        if not self._has_room(account, index, 0):
            return -Status.ESME_RMSGQFUL
        message = broadcast.kept(pdu)
        if account.numbering is not None and not account.numbering.allows(message):
            return -Status.ESME_RINVSRCADR
        if self._restricted is not None and (status := self.subjects.refusal(account, message)):
            return -status
        route = self._broadcasts.route(account.system_id, message.source_addr)
        if route is None:
            return -Status.ESME_RBCASTFAIL
        self._dice += 1
        upstream = self.upstreams[route.pick(self._alive, self._dice)]
        now = self._commit.begin()
        id = self._broadcasts.accept(account, index, pdu, message, upstream.name, now)
        if id > 0:
            self.counters.accepted += 1
            self._relaying.pump(upstream)
        return id

    def _has_room(self, account: Account, index: int, ahead: int) -> bool:
        spool = self.state.spool
        owed = spool.slab.of_account(index) + ahead
        return bool(
            self._room and spool.slab.count + ahead < self._max_owed and owed < account.max_queued
        )

    def query_broadcast(self, bind: EdgeBind, pdu: Pdu) -> View | None:
        index = self.state.accounts.index(bind.account)
        return self._broadcasts.view(index, pdu, self._commit.now())

    def cancel_broadcast(self, bind: EdgeBind, pdu: Pdu) -> int:
        index = self.state.accounts.index(bind.account)
        return self._broadcasts.cancel(index, pdu, self._commit.begin())

    # -- relay -------------------------------------------------------------------------------

    def carrier_up(self, bind: RelayBind) -> None:
        self._relaying.up(bind)

    def carrier_down(
        self,
        bind: RelayBind,
        unsent: Sequence[tuple[int, int]],
        unanswered: Sequence[tuple[int, int]],
    ) -> None:
        self._relaying.down(bind, unsent, unanswered)

    def timed_out(self, bind: RelayBind, batch: Sequence[tuple[int, int]]) -> None:
        self._relaying.timed_out(bind, batch)

    def sendable(self, bind: RelayBind) -> None:
        self._relaying.pump(self.upstreams[bind.carrier])

    def outcomes(self, bind: RelayBind, batch: Sequence[tuple[int, int, int, bytes]]) -> None:
        self._relaying.outcomes(bind, batch)

    def inbound(self, bind: RelayBind, batch: Sequence[Message]) -> list[int]:
        now = self._commit.begin()
        upstream = self.upstreams[bind.carrier]
        dialect = upstream.dialect
        if dialect is not None:
            batch = [dialect.hear(message) for message in batch]
        return self._reports.heard(upstream, batch, now)

    def alerted(self, bind: RelayBind, batch: Sequence[Pdu]) -> None:
        now = self._commit.begin()
        for pdu in batch:
            if self._restricted is None or not self._restricted.is_of(pdu):
                self._deliveries.alert(bind.carrier, pdu, now)

    def _pick(self, route: Route, account: bytes, message: Message) -> bytes:
        self._dice += 1
        return self._carrier(route, account, message)

    def _pump_carrier(self, carrier: bytes) -> None:
        if carrier in self.upstreams:
            self._relaying.pump(self.upstreams[carrier])

    def _route_of(self, slot: int) -> Route | None:
        slab = self.state.spool.slab
        account = self.state.accounts[slab.account(slot)]
        body = self.bodies.get(slab.id(slot), slab.position(slot))
        if slab.flags(slot) & _BROADCAST:
            return self._broadcasts.route(account, body.message.source_addr)
        numbering = self._relaying.numbering_of(account)
        return self._placement.route(account, numbering, body.message, body.network)

    # -- edge: deliveries --------------------------------------------------------------------

    def attach(self, bind: EdgeBind) -> None:
        self.mailroom.attach(self.state.accounts.index(bind.account), bind)

    def detach(self, bind: EdgeBind) -> None:
        self.repeats.gone(bind)
        self.mailroom.detach(self.state.accounts.index(bind.account), bind)

    def deliverable(self, bind: EdgeBind) -> None:
        self.mailroom.deliver(self.state.accounts.index(bind.account))

    def waiting(self, account: bytes) -> int:
        return self.state.mailboxes.waiting(self.state.accounts.index(account))

    def delivered(self, bind: EdgeBind, batch: Sequence[tuple[int, int]]) -> None:
        self._deliveries.answered(batch, self._commit.begin())
        self.mailroom.deliver(self.state.accounts.index(bind.account))

    # -- what time brings --------------------------------------------------------------------

    def tick(self) -> None:
        """Everything that is due, in bounded portions. Call it every 100 ms."""
        now = self._commit.now()
        self._room = self._log.room and self._traffic.room
        due = self.state.spool.slab.expire(now, TICK_PORTION)
        mail = self.state.mailboxes.slab.expire(now, TICK_PORTION)
        spent, self._scan_cursor = self.state.spool.slab.scan_expired(
            self._scan_cursor, SCAN_PORTION, now, UNSENT
        )
        stale, self._mail_cursor = self.state.mailboxes.slab.scan_expired(
            self._mail_cursor, SCAN_PORTION, now, PERISHABLE
        )
        lost = self.state.orphans.past(now)
        departed = self.mailroom.departed()
        if due or mail or spent or stale or lost or departed:
            # What is decided now happens, for the log, at its frame's time.
            time = self._commit.begin()
            self._due(due, time)
            self._recalled(mail)
            self._expired(spent, stale, time)
            self._reports.give_up(lost, time)
            self._deliveries.settle(departed, time)
        self._reports.claim(now)
        for upstream in self.upstreams.values():
            if not upstream.alive and self._alive and now >= upstream.away_since + FAILOVER_GRACE:
                upstream.leave(LEAVE_PORTION, self._others.elsewhere)
            self._relaying.pump(upstream)
        self.forgetting.appended(self._book.position, now)
        self.forgetting.tick(now)

    def _due(self, slots: Iterable[int], now: int) -> None:
        spool = self.state.spool
        slab = spool.slab
        for slot in self._still_there(slots):
            stage = slab.state(slot)
            if stage == Stage.QUEUED:
                if not self._others.elsewhere(slot):
                    spool.ready(slot)
            elif stage == Stage.ACKED:
                self._ends.finish(slot, now, MessageState.UNKNOWN)
            elif stage == Stage.IN_DOUBT:
                self._relaying.resolve(slot, now)

    def _still_there(self, slots: Iterable[int]) -> Iterator[int]:
        """These slots in turn, but for those that went with another: parts of one text."""
        slab = self.state.spool.slab
        for id in [slab.id(slot) for slot in slots]:
            slot = slab.find(id)
            if slot >= 0:
                yield slot

    def _recalled(self, slots: Iterable[int]) -> None:
        slab = self.state.mailboxes.slab
        accounts = set()
        for slot in slots:
            self.state.mailboxes.recall(slot)
            accounts.add(slab.account(slot))
        for account in accounts:
            self.mailroom.deliver(account)

    def _expired(self, spent: Iterable[int], stale: Iterable[int], now: int) -> None:
        for slot in self._still_there(spent):
            self._ends.finish(slot, now, MessageState.EXPIRED)
        slab = self.state.mailboxes.slab
        for slot in stale:
            if slab.state(slot) != MailState.TAKEN:
                self._ends.end_mail(slot, MessageState.EXPIRED, now)
