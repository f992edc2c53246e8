"""What a metric is, what it is read from, and the words of its labels.

Owns the form, and how peers' numbers become words. Which metrics there are, the tables say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from smsc.binds import Binds, Lobby
from smsc.carrier import Carrier
from smsc.checkpointing import Checkpointing
from smsc.client import ClientConnection
from smsc.commit import Clock, Commit
from smsc.config import Config
from smsc.core import Core
from smsc.housekeeping import Housekeeping
from smsc.journal import Journal
from smsc.keys import Keyring
from smsc.listener import Listener
from smsc.lookup import Lookup
from smsc.smpp import MessageState, Status
from smsc.traffic import Traffic

#: Label values and the number; equal label values add up.
Samples: TypeAlias = Iterable[tuple[tuple[str, ...], float]]

#: Vendors' own statuses (SMPP 5.0 4.7.6); what lies beyond those and the known is reserved.
VENDOR_STATUSES = range(0x400, 0x500)

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
    checkpointing: Checkpointing
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

    @property
    def database_away(self) -> bool:
        """Whether the database can't be asked."""


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


def name_of(name: bytes) -> str:
    """A name of the configuration."""
    return name.decode("ascii", "backslashreplace")


# -- how samples are read ------------------------------------------------------------------------


def one(read: Callable[[Process], float]) -> Callable[[Process], Samples]:
    """A metric without labels."""
    return lambda app: (((), read(app)),)


def words(read: Callable[[Process], Mapping[str, int]]) -> Callable[[Process], Samples]:
    """A count per word of ours."""
    return lambda app: (((word,), count) for word, count in read(app).items())


def by_carrier(read: Callable[[Process], Mapping[bytes, int]]) -> Callable[[Process], Samples]:
    """A count per carrier; 0 for those that have none yet."""

    def samples(app: Process) -> Samples:
        counts = read(app)
        for carrier in app.config.carriers:
            yield (name_of(carrier.name),), counts.get(carrier.name, 0)

    return samples


def carriers(read: Callable[[Carrier], float]) -> Callable[[Process], Samples]:
    """A value of each carrier's binds."""
    return lambda app: (((name_of(each.config.name),), read(each)) for each in app.carriers)
