"""Metrics of messages: taken, attempted, ended, in doubt, and owed; and of receipts and lookups."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from smsc._spool import FIRST_LIST, Slab
from smsc.errors import StorageError
from smsc.metrics.family import (
    Family,
    Process,
    Samples,
    by_carrier,
    name_of,
    one,
    state_name,
    status_name,
    words,
)
from smsc.spool import Stage

#: Slots of the spool looked at between two turns of the loop: about a millisecond.
SURVEY_PORTION = 50_000

#: Later than any time there is, ms: what the spool's scans take for "whenever it expires".
_NEVER = 1 << 52


def _refused(app: Process) -> Samples:
    for listener in app.listeners:
        for status, count in listener.counters.refused.items():
            yield (status_name(status),), count


def _outcomes(app: Process) -> Samples:
    for (carrier, status), count in app.core.counters.outcomes.items():
        yield (name_of(carrier), status_name(status)), count


def _finished(app: Process) -> Samples:
    names = app.core.state.carriers
    for carrier, state, count in app.core.counters.finished:
        yield (name_of(names[carrier]), state_name(state)), count


def _in_doubt(app: Process) -> Samples:
    for (carrier, cause), count in app.core.counters.in_doubt.items():
        yield (name_of(carrier), cause), count


def _open_doubts(app: Process) -> Samples:
    names = app.core.state.carriers
    for (carrier, cause), (count, _since) in app.core.state.spool.doubts.survey().items():
        yield (name_of(names[carrier]), cause.decode()), count


def _oldest_doubt(app: Process) -> Samples:
    now = app.clock()
    oldest = {upstream.index: now for upstream in app.core.upstreams.values()}
    for (carrier, _cause), (_count, since) in app.core.state.spool.doubts.survey().items():
        oldest[carrier] = min(oldest.get(carrier, now), since)
    for carrier, since in oldest.items():
        yield (name_of(app.core.state.carriers[carrier]),), (now - since) / 1_000


def _waiting(app: Process) -> Samples:
    for upstream in app.core.upstreams.values():
        yield (name_of(upstream.name),), upstream.waiting()


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
        yield (name_of(upstream.name),), _age(app, *head, now) if head else 0


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


MESSAGES: tuple[Family, ...] = (
    # Messages.
    Family(
        "smsc_accepted_total", "Messages taken from clients.", (),
        one(lambda app: app.core.counters.accepted),
    ),
    Family(
        "smsc_refused_total", "Clients' requests refused, by command_status.", ("status",),
        _refused,
    ),
    Family(
        "smsc_submitted_total", "Attempts handed to binds.", ("carrier",),
        by_carrier(lambda app: app.core.counters.submitted),
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
        by_carrier(lambda app: app.core.counters.retried),
    ),
    Family(
        "smsc_moved_total", "Messages that this carrier failed and another got.", ("carrier",),
        by_carrier(lambda app: app.core.counters.moved),
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
        words(lambda app: app.core.counters.resolved),
    ),
    Family(
        "smsc_possible_duplicates_total", "Messages sent again after a doubt.", (),
        one(lambda app: app.core.counters.resolved["requeued"]),
    ),
    Family(
        "smsc_confirmed_duplicates_total", "Messages that a carrier acknowledged twice.", (),
        one(lambda app: app.core.counters.confirmed_duplicates),
    ),
    # Receipts and inbound messages.
    Family(
        "smsc_inbound_total", "Inbound messages taken for an account.", ("carrier",),
        by_carrier(lambda app: app.core.counters.inbound),
    ),
    Family(
        "smsc_inbound_unrouted_total", "Inbound messages refused, being nobody's.", (),
        one(lambda app: app.core.counters.inbound_unrouted),
    ),
    Family(
        "smsc_joins_total", "Texts in parts for carriers that want them whole: joined, incomplete.",
        ("event",), words(lambda app: app.core.counters.joins),
    ),
    Family(
        "smsc_orphans_total", "Receipts without a message: kept, and what became of them.",
        ("event",), words(lambda app: app.core.counters.orphans),
    ),
    Family(
        "smsc_orphans_waiting", "Receipts that wait for their message.", (),
        one(lambda app: len(app.core.state.orphans)),
    ),
    Family(
        "smsc_repeated_receipts_total", "Receipts of messages that had ended.", (),
        one(lambda app: app.core.counters.repeated_receipts),
    ),
    Family(
        "smsc_suppressed_total", "Submits that repeated one whose answer was lost.", (),
        one(lambda app: app.core.counters.suppressed),
    ),
    Family(
        "smsc_final_states", "Ended messages that clients may ask about.", (),
        one(lambda app: len(app.core.state.ended)),
    ),
    Family(
        "smsc_mails_total", "Receipts and inbound messages put in mailboxes.", (),
        one(lambda app: app.core.counters.mailed),
    ),
    Family(
        "smsc_mails_ended_total", "How mails ended.", ("by",),
        words(lambda app: app.core.counters.mail_done),
    ),
    Family(
        "smsc_mails_waiting", "Mails in all mailboxes, delivered ones without an answer included.",
        (), one(lambda app: len(app.core.state.mailboxes)),
    ),
    # Lookups.
    Family(
        "smsc_lookups_total", "Numbers looked up, by outcome; cached, open, full, late: not asked.",
        ("outcome",), words(lambda app: app.lookup.outcomes if app.lookup else {}),
    ),
    Family(
        "smsc_lookups_waiting", "Messages held until their number's network is known.", (),
        one(lambda app: app.lookup.waiting if app.lookup else 0),
    ),
    # What is owed.
    Family(
        "smsc_owed", "Messages that are not final.", (),
        one(lambda app: len(app.core.state.spool)),
    ),
    Family(
        "smsc_ready", "Messages that wait for a bind to take them.", ("carrier",), _waiting,
    ),
    Family(
        "smsc_ready_oldest_age_seconds", "Since the oldest of those was accepted.", ("carrier",),
        _oldest,
    ),
)  # fmt: skip


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
