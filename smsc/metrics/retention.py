"""Metrics of the promise of deletion: keys, sweeps and the clock they go by."""

from __future__ import annotations

from smsc.metrics.family import Family, Process, Samples, one
from smsc.retention import CONTENT, HELD, PSEUDONYM, TRAFFIC, Stand

#: Classes of traffic data that die by clocks of their own.
KINDS = (TRAFFIC, CONTENT, PSEUDONYM, HELD)


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


RETENTION: tuple[Family, ...] = (
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
        one(lambda app: app.housekeeping.swept / 1_000),
    ),
    Family(
        "smsc_retention_sweep_failures_total", "Sweeps that could not be done.", (),
        one(lambda app: app.housekeeping.failures),
    ),
    Family(
        "smsc_retention_clock_doubtful", "1 if nothing is deleted because the clock leapt.", (),
        one(lambda app: app.housekeeping.doubtful),
    ),
    Family(
        "smsc_clock_skew_seconds", "How far the wall clock is ahead of what is believed.", (),
        one(lambda app: app.clock.skew / 1_000),
    ),
)  # fmt: skip
