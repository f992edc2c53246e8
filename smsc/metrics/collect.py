"""What is served: all metrics in their order, and the collectors that read them at a scrape."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from smsc import __version__
from smsc.metrics.accounts import ACCOUNT_FAMILIES
from smsc.metrics.family import Family, Histogram, Process
from smsc.metrics.links import LINKS
from smsc.metrics.messages import MESSAGES, Stages
from smsc.metrics.retention import RETENTION
from smsc.metrics.storage import STORAGE

FAMILIES: tuple[Family, ...] = (
    Family(
        "smsc_info", "The version that runs.", ("version",),
        lambda app: (((__version__,), 1),),
    ),
    *MESSAGES,
    *LINKS,
    *STORAGE,
    *RETENTION,
)  # fmt: skip

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
