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

from smsc import broadcast
from smsc._pdu import Message, Pdu
from smsc._spool import FIRST_LIST
from smsc.accounts import Accounts
from smsc.admission import Admission
from smsc.ancillary import Ancillary
from smsc.bodies import Bodies
from smsc.book import Book
from smsc.broadcast import View
from smsc.broadcasts import Broadcasts
from smsc.commit import Commit
from smsc.config import AccountConfig, Config
from smsc.correlation import Correlation
from smsc.counters import Counters
from smsc.deliveries import Deliveries
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
from smsc.records import Flag
from smsc.relaying import Relaying
from smsc.repeats import Recent, Repeats
from smsc.reports import Reports
from smsc.routing import InboundRouter, Route
from smsc.smpp import MessageState, Status
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
        self._ancillary = Ancillary(
            self._book,
            self._till,
            self.bodies,
            self._ends,
            self.joining,
            config.predefined_messages,
        )
        self.repeats = Repeats()
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
        self._admission = Admission(
            config,
            self._book,
            commit,
            self._placement,
            self._till,
            self.bodies,
            self.upstreams,
            self._alive,
            self._ancillary,
            self._inquiries,
            self.subjects,
            self._relaying,
            self.repeats,
            self.counters,
        )

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
        self._admission.restrict(restricted)
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
        return self._admission.take(bind, account, batch, self._commit.begin())

    def submit_multi(self, bind: EdgeBind, members: Sequence[Message]) -> list[int]:
        """See ``ports.Keeper``. Whether each may come in is decided first: the ids say how many."""
        account = self._accounts.bindable(bind.account)
        if account is None or self.slow:
            status = Status.ESME_RSYSERR if account is None else Status.ESME_RTHROTTLED
            return [-status] * len(members)
        now = self._commit.begin()
        return self._admission.take_group(account, bind.version, members, now)

    # -- edge: what becomes of a submit ------------------------------------------------------

    def query(self, bind: EdgeBind, request: Pdu) -> Standing | int:
        return self._ask(self._ancillary.query, bind, request)

    def cancel(self, bind: EdgeBind, request: Pdu) -> int:
        return self._ask(self._ancillary.cancel, bind, request)

    def replace(self, bind: EdgeBind, request: Pdu) -> int:
        if self.slow or not self._admission.room:
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

    def broadcast(self, bind: EdgeBind, pdu: Pdu) -> int:
        """See ``ports.Keeper``. Values were checked by the edge (``broadcast.check``)."""
        account = self._accounts.bindable(bind.account)
        if account is None:
            return -Status.ESME_RSYSERR
        if self.slow:
            return -Status.ESME_RTHROTTLED
        index = self.state.accounts.index(account.system_id)
        if not self._admission.has_room(account, index, 0):
            return -Status.ESME_RMSGQFUL
        message = broadcast.kept(pdu)
        if account.numbering is not None and not account.numbering.allows(message):
            return -Status.ESME_RINVSRCADR
        if self._restricted is not None and (status := self.subjects.refusal(account, message)):
            return -status
        route = self._broadcasts.route(account.system_id, message.source_addr)
        if route is None:
            return -Status.ESME_RBCASTFAIL
        upstream = self.upstreams[self._pick(route, account.system_id, message)]
        now = self._commit.begin()
        id = self._broadcasts.accept(account, index, pdu, message, upstream.name, now)
        if id > 0:
            self.counters.accepted += 1
            self._relaying.pump(upstream)
        return id

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
        return self._admission.pick(route, account, message)

    def _pump_carrier(self, carrier: bytes) -> None:
        if carrier in self.upstreams:
            self._relaying.pump(self.upstreams[carrier])

    def _route_of(self, slot: int) -> Route | None:
        slab = self.state.spool.slab
        account = self.state.accounts[slab.account(slot)]
        body = self.bodies.get(slab.id(slot), slab.position(slot))
        if slab.flags(slot) & Flag.BROADCAST:
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
        self._admission.room = self._log.room and self._traffic.room
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
