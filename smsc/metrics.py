"""What the process has counted, as Prometheus metrics, read when somebody asks.

Owns the names and meanings of all metrics (``FAMILIES``, ``HISTOGRAMS``, ``ACCOUNT_FAMILIES``).
Nothing here is called on the message path: a scrape reads integers that are kept anyway, so it
costs nothing while nobody scrapes. Counters begin at 0 with the process.

Labels hold names of the configuration (carrier, listener), SMPP's own words (status, state), and
words of this module; never an address, a text or a number that a peer chose. Series per account
are traffic data, so they are a collector of their own (``Accounts``).

Units and names by https://prometheus.io/docs/practices/naming/.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from smsc import __version__
from smsc._spool import FIRST_LIST, Slab
from smsc.binds import Binds, Lobby
from smsc.carrier import Carrier
from smsc.client import ClientConnection
from smsc.commit import Clock, Commit
from smsc.config import Config
from smsc.core import Core
from smsc.errors import StorageError
from smsc.housekeeping import Housekeeping
from smsc.journal import Journal
from smsc.keys import Keyring
from smsc.listener import Listener
from smsc.lookup import Lookup
from smsc.retention import CONTENT, PSEUDONYM, TRAFFIC, Stand
from smsc.session import State
from smsc.smpp import MessageState, Status
from smsc.spool import Stage
from smsc.traffic import Traffic

#: Label values and the number; equal label values add up.
Samples: TypeAlias = Iterable[tuple[tuple[str, ...], float]]

#: Vendors' own statuses (SMPP 5.0 4.7.6); what lies beyond those and the known is reserved.
VENDOR_STATUSES = range(0x400, 0x500)

#: How clients' binds are told apart.
BIND_TYPES = {State.BOUND_TX: "tx", State.BOUND_RX: "rx", State.BOUND_TRX: "trx"}

#: Slots of the spool looked at between two turns of the loop: about a millisecond.
SURVEY_PORTION = 50_000

#: Later than any time there is, ms: what the spool's scans take for "whenever it expires".
_NEVER = 1 << 52

#: Classes of traffic data that die by clocks of their own.
KINDS = (TRAFFIC, CONTENT, PSEUDONYM)

#: Histograms' buckets: below 2**n microseconds, from 16 us to 16 s.
_BUCKETS = range(4, 25)


class Process(Protocol):
    """What is looked at: the parts of ``smsc.app.App`` that count something."""

    config: Config
    clock: Clock
    core: Core
    commit: Commit
    log: Journal
    traffic: Traffic
    keys: Keyring
    housekeeping: Housekeeping
    lobby: Lobby
    binds: Binds[ClientConnection]
    listeners: list[Listener]
    carriers: list[Carrier]
    lookup: Lookup | None
    #: Done when the log is dead.
    failed: asyncio.Future[Any]
    #: How long recovery took, ms.
    recovery_ms: int

    @property
    def accounts_age(self) -> float:
        """Since the accounts were last known to be those of the database, seconds; 0 without."""


class Family(NamedTuple):
    """One metric: a counter if its name ends in ``_total``, else a gauge."""

    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[Process], Samples]

    def metric(self, app: Process) -> Metric:
        """Its samples as they are now."""
        kind = CounterMetricFamily if self.name.endswith("_total") else GaugeMetricFamily
        metric = kind(self.name, self.help, labels=self.labels)
        sums: dict[tuple[str, ...], float] = {}
        for labels, value in self.read(app):
            sums[labels] = sums.get(labels, 0) + value
        for labels, value in sums.items():
            metric.add_metric(labels, value)
        return metric


# -- words for labels ----------------------------------------------------------------------------


def status_name(status: int) -> str:
    """A command_status by name. A peer may send any of 4 billion, so the others share two words."""
    if status in Status._value2member_map_:
        return Status(status).name
    return "vendor" if status in VENDOR_STATUSES else "reserved"


def state_name(state: int) -> str:
    """A message_state by name."""
    known = state in MessageState._value2member_map_
    return MessageState(state).name if known else "reserved"


def _name(name: bytes) -> str:
    return name.decode("ascii", "backslashreplace")


# -- how samples are read ------------------------------------------------------------------------


def _one(read: Callable[[Process], float]) -> Callable[[Process], Samples]:
    """A metric without labels."""
    return lambda app: (((), read(app)),)


def _words(read: Callable[[Process], Mapping[str, int]]) -> Callable[[Process], Samples]:
    """A count per word of ours."""
    return lambda app: (((word,), count) for word, count in read(app).items())


def _by_carrier(read: Callable[[Process], Mapping[bytes, int]]) -> Callable[[Process], Samples]:
    """A count per carrier; 0 for those that have none yet."""

    def samples(app: Process) -> Samples:
        counts = read(app)
        for carrier in app.config.carriers:
            yield (_name(carrier.name),), counts.get(carrier.name, 0)

    return samples


def _carriers(read: Callable[[Carrier], float]) -> Callable[[Process], Samples]:
    """A value of each carrier's binds."""
    return lambda app: (((_name(one.config.name),), read(one)) for one in app.carriers)


def _links(field: str) -> Callable[[Process], Samples]:
    """A counter that listeners and carriers both keep."""

    def samples(app: Process) -> Samples:
        for listener in app.listeners:
            yield ("client", listener.config.name), getattr(listener.counters, field)
        for carrier in app.carriers:
            yield ("carrier", _name(carrier.config.name)), getattr(carrier.counters, field)

    return samples


def _refused(app: Process) -> Samples:
    for listener in app.listeners:
        for status, count in listener.counters.refused.items():
            yield (status_name(status),), count


def _outcomes(app: Process) -> Samples:
    for (carrier, status), count in app.core.counters.outcomes.items():
        yield (_name(carrier), status_name(status)), count


def _finished(app: Process) -> Samples:
    for (carrier, state), count in app.core.counters.finished.items():
        yield (_name(carrier), state_name(state)), count


def _in_doubt(app: Process) -> Samples:
    for (carrier, cause), count in app.core.counters.in_doubt.items():
        yield (_name(carrier), cause), count


def _open_doubts(app: Process) -> Samples:
    names = app.core.state.carriers
    for (carrier, cause), (count, _since) in app.core.state.spool.doubts.survey().items():
        yield (_name(names[carrier]), cause.decode()), count


def _oldest_doubt(app: Process) -> Samples:
    now = app.clock()
    oldest = {upstream.index: now for upstream in app.core.upstreams.values()}
    for (carrier, _cause), (_count, since) in app.core.state.spool.doubts.survey().items():
        oldest[carrier] = min(oldest.get(carrier, now), since)
    for carrier, since in oldest.items():
        yield (_name(app.core.state.carriers[carrier]),), (now - since) / 1_000


def _waiting(app: Process) -> Samples:
    for upstream in app.core.upstreams.values():
        yield (_name(upstream.name),), upstream.waiting()


def _stands(app: Process) -> Samples:
    yield from (((kind, stand.value), 0) for kind in KINDS for stand in Stand)
    for verdict in app.housekeeping.verdicts:
        yield (verdict.name.kind, verdict.stand.value), 1


def _late(app: Process) -> Samples:
    yield from (((kind,), 0) for kind in KINDS)
    yield from (((v.name.kind,), 1) for v in app.housekeeping.verdicts if v.late)


def _overdue(app: Process) -> Samples:
    now, most = app.clock(), dict.fromkeys(KINDS, 0)
    for verdict in app.housekeeping.verdicts:
        kind = verdict.name.kind
        most[kind] = max(most[kind], now - verdict.due)
    return (((kind,), ms / 1_000) for kind, ms in most.items())


def _oldest_keys(app: Process) -> Samples:
    now = app.clock()
    made = {kind: [now] for kind in KINDS}
    for key in app.keys:
        made.get(key.name.kind, []).append(key.made)
    return (((kind,), (now - min(each)) / 1_000) for kind, each in made.items())


def _oldest(app: Process) -> Samples:
    """Heads of queues are their oldest, and ids grow with time."""
    slab, now = app.core.state.spool.slab, app.clock()
    heads: dict[int, tuple[int, int]] = {}
    for slot in _heads(slab):
        found = slab.id(slot), slab.position(slot)
        carrier = slab.carrier(slot)
        heads[carrier] = min(heads.get(carrier, found), found)
    for upstream in app.core.upstreams.values():
        head = heads.get(upstream.index)
        yield (_name(upstream.name),), _age(app, *head, now) if head else 0


def _heads(slab: Slab) -> Iterator[int]:
    """The first slot of every ready queue that is not empty."""
    queue = FIRST_LIST
    while True:
        try:
            slot = slab.head(queue)
        except IndexError:
            return
        if slot >= 0:
            yield slot
        queue += 1


def _age(app: Process, id: int, position: int, now: int) -> float:
    try:
        return max(0, now - app.core.bodies.get(id, position).submitted) / 1_000
    except StorageError:  # the log is dead, or this record damaged: other metrics say so
        return 0


def _client_binds(app: Process) -> Samples:
    for kind in BIND_TYPES.values():
        yield (kind,), 0
    for client in app.binds:
        kind = BIND_TYPES.get(client.session.state, "")
        if kind:
            yield (kind,), 1


def _disk(app: Process) -> Samples:
    try:
        yield (), app.log.free_octets
    except StorageError:
        return


# -- the metrics ---------------------------------------------------------------------------------

FAMILIES: tuple[Family, ...] = (
    Family(
        "smsc_info", "The version that runs.", ("version",),
        lambda app: (((__version__,), 1),),
    ),
    # Messages.
    Family(
        "smsc_accepted_total", "Messages taken from clients.", (),
        _one(lambda app: app.core.counters.accepted),
    ),
    Family(
        "smsc_refused_total", "Clients' requests refused, by command_status.", ("status",),
        _refused,
    ),
    Family(
        "smsc_submitted_total", "Attempts handed to binds.", ("carrier",),
        _by_carrier(lambda app: app.core.counters.submitted),
    ),
    Family(
        "smsc_outcomes_total", "Attempts answered, by command_status.", ("carrier", "status"),
        _outcomes,
    ),
    Family(
        "smsc_finished_total", "Messages ended, by message_state; ENROUTE: no receipt was asked.",
        ("carrier", "state"), _finished,
    ),
    Family(
        "smsc_retried_total", "Messages queued again for a later attempt.", ("carrier",),
        _by_carrier(lambda app: app.core.counters.retried),
    ),
    Family(
        "smsc_moved_total", "Messages that this carrier failed and another got.", ("carrier",),
        _by_carrier(lambda app: app.core.counters.moved),
    ),
    Family(
        "smsc_in_doubt_total", "Attempts whose outcome became unknown.", ("carrier", "cause"),
        _in_doubt,
    ),
    Family(
        "smsc_in_doubt_open", "Attempts whose outcome is unknown now.", ("carrier", "cause"),
        _open_doubts,
    ),
    Family(
        "smsc_in_doubt_oldest_age_seconds", "Since the oldest of those became unknown; 0 for none.",
        ("carrier",), _oldest_doubt,
    ),
    Family(
        "smsc_in_doubt_resolved_total", "How doubts ended.", ("by",),
        _words(lambda app: app.core.counters.resolved),
    ),
    Family(
        "smsc_possible_duplicates_total", "Messages sent again after a doubt.", (),
        _one(lambda app: app.core.counters.resolved["requeued"]),
    ),
    Family(
        "smsc_confirmed_duplicates_total", "Messages that a carrier acknowledged twice.", (),
        _one(lambda app: app.core.counters.confirmed_duplicates),
    ),
    # Receipts and inbound messages.
    Family(
        "smsc_inbound_total", "Inbound messages taken for an account.", ("carrier",),
        _by_carrier(lambda app: app.core.counters.inbound),
    ),
    Family(
        "smsc_inbound_unrouted_total", "Inbound messages refused, being nobody's.", (),
        _one(lambda app: app.core.counters.inbound_unrouted),
    ),
    Family(
        "smsc_orphans_total", "Receipts without a message: kept, and what became of them.",
        ("event",), _words(lambda app: app.core.counters.orphans),
    ),
    Family(
        "smsc_orphans_waiting", "Receipts that wait for their message.", (),
        _one(lambda app: len(app.core.state.orphans)),
    ),
    Family(
        "smsc_repeated_receipts_total", "Receipts of messages that had ended.", (),
        _one(lambda app: app.core.counters.repeated_receipts),
    ),
    Family(
        "smsc_suppressed_total", "Submits that repeated one whose answer was lost.", (),
        _one(lambda app: app.core.counters.suppressed),
    ),
    Family(
        "smsc_final_states", "Ended messages that clients may ask about.", (),
        _one(lambda app: len(app.core.state.ended)),
    ),
    Family(
        "smsc_mails_total", "Receipts and inbound messages put in mailboxes.", (),
        _one(lambda app: app.core.counters.mailed),
    ),
    Family(
        "smsc_mails_ended_total", "How mails ended.", ("by",),
        _words(lambda app: app.core.counters.mail_done),
    ),
    Family(
        "smsc_mails_waiting", "Mails in all mailboxes, delivered ones without an answer included.",
        (), _one(lambda app: len(app.core.state.mailboxes)),
    ),
    # Lookups.
    Family(
        "smsc_lookups_total", "Numbers looked up, by outcome; cached, open, full, late: not asked.",
        ("outcome",), _words(lambda app: app.lookup.outcomes if app.lookup else {}),
    ),
    Family(
        "smsc_lookups_waiting", "Messages held until their number's network is known.", (),
        _one(lambda app: app.lookup.waiting if app.lookup else 0),
    ),
    # What is owed.
    Family(
        "smsc_owed", "Messages that are not final.", (),
        _one(lambda app: len(app.core.state.spool)),
    ),
    Family(
        "smsc_ready", "Messages that wait for a bind to take them.", ("carrier",), _waiting,
    ),
    Family(
        "smsc_ready_oldest_age_seconds", "Since the oldest of those was accepted.", ("carrier",),
        _oldest,
    ),
    # Clients and carriers.
    Family(
        "smsc_accounts_age_seconds",
        "Since the accounts were last known to be those of the database; 0 without one.", (),
        _one(lambda app: app.accounts_age),
    ),
    Family("smsc_client_binds", "Clients' binds.", ("type",), _client_binds),
    Family(
        "smsc_unbound_connections", "Connections that have not bound yet.", (),
        _one(lambda app: app.lobby.waiting),
    ),
    Family(
        "smsc_connections_turned_away_total", "Connections refused for want of room.", (),
        _one(lambda app: app.lobby.refused),
    ),
    Family(
        "smsc_carrier_binds", "Binds that are up.", ("carrier",),
        _carriers(lambda carrier: sum(bind.up for bind in carrier.binds)),
    ),
    Family(
        "smsc_carrier_binds_configured", "Binds that should be up.", ("carrier",),
        _carriers(lambda carrier: len(carrier.binds)),
    ),
    Family(
        "smsc_carrier_binds_made_total", "Times a bind came up.", ("carrier",),
        _carriers(lambda carrier: sum(bind.made for bind in carrier.binds)),
    ),
    Family(
        "smsc_carrier_binds_failed_total", "Times a bind could not be made.", ("carrier",),
        _carriers(lambda carrier: sum(bind.failed for bind in carrier.binds)),
    ),
    Family(
        "smsc_window_used", "Attempts without an answer.", ("carrier",),
        _carriers(lambda carrier: carrier.outstanding),
    ),
    Family(
        "smsc_window_size", "Attempts that may be without an answer on the binds that are up.",
        ("carrier",),
        _carriers(lambda carrier: carrier.config.window * sum(b.up for b in carrier.binds)),
    ),
    Family(
        "smsc_carrier_slowed_total", "Times a carrier asked to be sent to more slowly.",
        ("carrier",), _carriers(lambda carrier: carrier.pace.cuts),
    ),
    Family(
        "smsc_pdus_received_total", "PDUs received.", ("side", "name"), _links("pdus_in"),
    ),
    Family("smsc_pdus_sent_total", "PDUs sent.", ("side", "name"), _links("pdus_out")),
    Family(
        "smsc_pdus_malformed_total", "PDUs whose body could not be decoded.", ("side", "name"),
        _links("bad"),
    ),
    Family(
        "smsc_streams_broken_total", "Connections closed because their framing was lost.",
        ("side", "name"), _links("broken"),
    ),
    Family(
        "smsc_throttled_total", "Submits refused for the account's rate.", ("side", "name"),
        _links("throttled"),
    ),
    Family(
        "smsc_responses_unmatched_total", "Responses to nothing that was asked.",
        ("side", "name"), _links("unmatched"),
    ),
    # The log.
    Family(
        "smsc_log_frames_total", "Group commits made durable.", (),
        _one(lambda app: app.commit.frames),
    ),
    Family(
        "smsc_log_durable_frame", "Number of the newest frame known to be on disk.", (),
        _one(lambda app: app.log.durable),
    ),
    Family(
        "smsc_log_pending_bytes", "Appended and not durable yet.", (),
        _one(lambda app: app.log.pending_octets),
    ),
    Family(
        "smsc_log_sync_under_way_seconds", "Since the commit under way began; 0 without one.", (),
        _one(lambda app: app.log.stalled_us() / 1e6),
    ),
    Family(
        "smsc_log_congested", "1 while clients are not read because the disk is behind.", (),
        _one(lambda app: app.commit.congested),
    ),
    Family(
        "smsc_log_size_bytes", "Disk space of the log.", (), _one(lambda app: app.log.octets),
    ),
    Family("smsc_log_free_bytes", "Free space of its file system.", (), _disk),
    Family(
        "smsc_log_room", "1 while there is space to admit messages.", (),
        _one(lambda app: app.log.room),
    ),
    Family(
        "smsc_log_failed", "1 when the log is dead.", (), _one(lambda app: app.failed.done()),
    ),
    Family(
        "smsc_log_epoch", "How often the log was opened.", (), _one(lambda app: app.log.epoch),
    ),
    Family(
        "smsc_log_segments_released_total", "Segments forgotten.", (),
        _one(lambda app: app.core.forgetting.released),
    ),
    Family(
        "smsc_log_carried_total", "Messages and mails written again to free an old segment.", (),
        _one(lambda app: app.core.forgetting.carried),
    ),
    Family(
        "smsc_recovered_frames", "Frames read at the start.", (),
        _one(lambda app: app.log.recovered.frames),
    ),
    Family(
        "smsc_recovered_records", "Records read at the start.", (),
        _one(lambda app: app.log.recovered.records),
    ),
    Family(
        "smsc_recovered_torn_bytes", "Cut off the end of the log at the start.", (),
        _one(lambda app: sum(app.log.recovered.torn.values())),
    ),
    Family(
        "smsc_recovered_clean", "1 if the log had been closed in order.", (),
        _one(lambda app: app.log.recovered.clean),
    ),
    Family(
        "smsc_recovery_seconds", "How long the start took until the log was ready.", (),
        _one(lambda app: app.recovery_ms / 1_000),
    ),
    # Beside the log.
    Family(
        "smsc_bodies_cached_bytes", "Messages at hand in memory.", (),
        _one(lambda app: app.core.bodies.octets),
    ),
    Family(
        "smsc_bodies_misses_total", "Messages that had to be read back from the log.", (),
        _one(lambda app: app.core.bodies.misses),
    ),
    Family(
        "smsc_traffic_records_total", "Records written to the traffic log.", (),
        _one(lambda app: app.traffic.records),
    ),
    # The promise of deletion.
    Family(
        "smsc_retention_keys", "Keys of traffic data, each a customer's period, by how they stand.",
        ("class", "stand"), _stands,
    ),
    Family(
        "smsc_retention_late", "Keys that are kept longer than was promised at most.", ("class",),
        _late,
    ),
    Family(
        "smsc_retention_overdue_seconds", "Since the most overdue was due; 0 if none is.",
        ("class",), _overdue,
    ),
    Family(
        "smsc_retention_oldest_seconds", "Age of the oldest key, and so of what it opens.",
        ("class",), _oldest_keys,
    ),
    Family(
        "smsc_retention_swept_timestamp_seconds", "When the last sweep was done; 0 before.", (),
        _one(lambda app: app.housekeeping.swept / 1_000),
    ),
    Family(
        "smsc_retention_sweep_failures_total", "Sweeps that could not be done.", (),
        _one(lambda app: app.housekeeping.failures),
    ),
    Family(
        "smsc_retention_clock_doubtful", "1 if nothing is deleted because the clock leapt.", (),
        _one(lambda app: app.housekeeping.doubtful),
    ),
    Family(
        "smsc_clock_skew_seconds", "How far the wall clock is ahead of what is believed.", (),
        _one(lambda app: app.clock.skew / 1_000),
    ),
)  # fmt: skip


class Histogram(NamedTuple):
    """A distribution of durations; ``read`` gives bucket n's count below 2**n us, and the sum."""

    name: str
    help: str
    read: Callable[[Process], tuple[list[int], int]]

    def metric(self, app: Process) -> Metric:
        """Cumulative, in seconds, as Prometheus has it."""
        counts, total = self.read(app)
        buckets = [(str(2**n / 1e6), float(sum(counts[: n + 1]))) for n in _BUCKETS]
        buckets.append(("+Inf", float(sum(counts))))
        return HistogramMetricFamily(self.name, self.help, buckets=buckets, sum_value=total / 1e6)


HISTOGRAMS: tuple[Histogram, ...] = (
    Histogram(
        "smsc_fdatasync_seconds",
        "How long the disk took to make a group commit durable.",
        lambda app: app.log.sync_histogram(),
    ),
    Histogram(
        "smsc_response_seconds",
        "From taking a request until what it brought about left; each answer and attempt counts.",
        lambda app: (app.commit.waits, app.commit.waits_us),
    ),
    Histogram(
        "smsc_lookup_seconds",
        "How long the number lookup took to answer, or to fail.",
        lambda app: (app.lookup.took, app.lookup.took_us) if app.lookup else ([], 0),
    ),
)


def _account_events(app: Process) -> Samples:
    for (account, event), count in app.core.counters.by_account.items():
        yield (_name(account), event), count


def _account_throttled(app: Process) -> Samples:
    for account, binds in app.binds.accounts.items():
        yield (_name(account),), binds.throttled


def _account_binds(app: Process) -> Samples:
    for account, binds in app.binds.accounts.items():
        yield (_name(account),), len(binds.binds)


def _account_owed(app: Process) -> Samples:
    for account, count in app.core.state.spool.owed.items():
        yield (_name(app.core.state.accounts[account]),), count


def _account_mails(app: Process) -> Samples:
    for account, count in app.core.state.mailboxes.held.items():
        yield (_name(app.core.state.accounts[account]),), count


ACCOUNT_FAMILIES: tuple[Family, ...] = (
    Family(
        "smsc_account_messages_total", "Messages accepted, delivered, failed.",
        ("account", "event"), _account_events,
    ),
    Family(
        "smsc_account_throttled_total", "Submits refused for the account's rate.", ("account",),
        _account_throttled,
    ),
    Family("smsc_account_binds", "Binds that are up.", ("account",), _account_binds),
    Family("smsc_account_owed", "Messages that are not final.", ("account",), _account_owed),
    Family("smsc_account_mails_waiting", "Mails in its mailbox.", ("account",), _account_mails),
)  # fmt: skip


# -- collectors ----------------------------------------------------------------------------------


class Stages:
    """How many messages are in each stage, counted by looking at all of them in portions."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(Stage, 0)

    async def survey(self, slab: Slab) -> None:
        """Count. The loop turns between two portions, so the sum is true up to what it did then."""
        counts = dict.fromkeys(set(Stage) - {Stage.ATTEMPT}, 0)
        for stage in counts:
            cursor = 0
            while True:
                found, cursor = slab.scan_expired(cursor, SURVEY_PORTION, _NEVER, 1 << stage)
                counts[stage] += len(found)
                if not cursor:
                    break
                await asyncio.sleep(0)
        rest = max(0, len(slab) - sum(counts.values()))
        self.counts = {Stage.ATTEMPT: rest, **counts}

    def metric(self) -> Metric:
        metric = GaugeMetricFamily(
            "smsc_owed_by_stage",
            "Messages that are not final, by where they stand.",
            labels=["stage"],
        )
        for stage in Stage:
            metric.add_metric([stage.name.lower()], self.counts[stage])
        return metric


class Figures(Collector):
    """Everything but series per account. ``survey`` before each scrape."""

    def __init__(self, app: Process) -> None:
        self._app = app
        self._stages = Stages()

    async def survey(self) -> None:
        """Look at what takes more than reading an integer."""
        await self._stages.survey(self._app.core.state.spool.slab)

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        for family in FAMILIES:
            yield family.metric(self._app)
        for histogram in HISTOGRAMS:
            yield histogram.metric(self._app)
        yield self._stages.metric()


class Accounts(Collector):
    """Series per account: traffic data in the sense of the law, so served only where asked for."""

    def __init__(self, app: Process) -> None:
        self._app = app

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        for family in ACCOUNT_FAMILIES:
            yield family.metric(self._app)


def registry(*collectors: Collector) -> CollectorRegistry:
    """A registry of its own with these collectors."""
    built = CollectorRegistry()
    for collector in collectors:
        built.register(collector)
    return built


def process_registry(figures: Figures) -> CollectorRegistry:
    """The figures, with the process's CPU, memory and descriptors beside them."""
    built = registry(figures)
    ProcessCollector(registry=built)
    PlatformCollector(registry=built)
    return built
