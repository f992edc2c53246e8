"""What a running process has used, over time, and what it says of itself at its metrics."""

from __future__ import annotations

import time
import urllib.request
from dataclasses import dataclass
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from bench.spread import histogram_quantile
from smsc.sim.process import Process

#: Seconds between two looks.
LOOK = 0.05


class Sample(NamedTuple):
    """At one moment of the machine's steady clock: CPU seconds so far, octets of memory."""

    at: float
    user: float
    system: float
    rss: int
    anonymous: int


class Track:
    """Looks at a process for as long as its owner says ``look``."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.samples: list[Sample] = []
        self.look()

    def look(self) -> None:
        used = self._process.usage()
        now = time.monotonic()
        self.samples.append(Sample(now, used.user, used.system, used.rss, used.anonymous))

    def cpu_since(self, moment: float) -> tuple[float, float]:
        """User and system seconds from ``moment`` to the last look."""
        then, last = at(self.samples, moment), self.samples[-1]
        return last.user - then[0], last.system - then[1]

    @property
    def rss(self) -> int:
        """The most that was seen."""
        return max(sample.rss for sample in self.samples)

    @property
    def anonymous(self) -> int:
        return max(sample.anonymous for sample in self.samples)


def at(samples: list[Sample], moment: float) -> tuple[float, float]:
    """User and system seconds at a moment, between two looks in proportion. Pure."""
    before = samples[0]
    for after in samples:
        if after.at >= moment:
            share = (moment - before.at) / ((after.at - before.at) or 1)
            share = max(share, 0.0)
            return (
                before.user + (after.user - before.user) * share,
                before.system + (after.system - before.system) * share,
            )
        before = after
    return before.user, before.system


@dataclass(frozen=True)
class Syncs:
    """The server's fdatasyncs so far: how many took at most so many seconds, cumulative."""

    buckets: list[tuple[float, float]]

    @property
    def count(self) -> float:
        return self.buckets[-1][1] if self.buckets else 0.0

    def since(self, before: Syncs) -> Syncs:
        earlier = dict(before.buckets)
        return Syncs([(bound, count - earlier.get(bound, 0.0)) for bound, count in self.buckets])

    def quantile_ms(self, share: float) -> float:
        return histogram_quantile(self.buckets, share) * 1000

    @property
    def longest_ms(self) -> float:
        """The bound of the last bucket that has any."""
        found = 0.0
        seen = 0.0
        for bound, count in self.buckets:
            found, seen = (bound, count) if count > seen else (found, seen)
        return found * 1000


class Metrics(NamedTuple):
    """One scrape: the histogram of syncs, and every other name with the sum of its samples."""

    syncs: Syncs
    sums: dict[str, float]


def scrape(server: Process) -> Metrics:
    """What the server says of itself now; it counts what it owes for that, which costs it time."""
    url = f"http://127.0.0.1:{server.ports['metrics']}/metrics"
    with urllib.request.urlopen(url) as answer:
        text = answer.read().decode()
    buckets = []
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "smsc_fdatasync_seconds_bucket":
                buckets.append((float(sample.labels["le"]), sample.value))
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return Metrics(Syncs(buckets), sums)
