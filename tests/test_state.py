"""The one ``apply``: any history is taken, equal logs end in equal states, and nothing else."""

from __future__ import annotations

from struct import Struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsc import records
from smsc._spool import key_of
from smsc.records import Flag, Kin, Kind, MailKind
from smsc.spool import Stage
from smsc.state import State
from tests.keeper import START

SEGMENT = 1 << 32

#: (kind, head): one record.
Record = tuple[int, bytes]


def apply(state: State, history: list[Record], start: int = SEGMENT) -> State:
    """One record a frame and a second."""
    for n, (kind, head) in enumerate(history):
        state.apply(kind, start + 8 * n, START + 1_000 * n, head)
    return state


def fingerprint(history: list[Record]) -> str:
    return apply(State(), history).fingerprint()


# -- any history ---------------------------------------------------------------------------------

IDS = st.integers(1, 4)
KEYS = st.integers(1, 4).map(lambda n: key_of(b"one", b"%d" % n))
TIMES = st.integers(START - 100_000, START + 10**9)
NUMBERS = st.integers(0, 3)
CARRIERS = st.sampled_from((b"one", b"two"))
ACCOUNTS = st.sampled_from((b"acme", b"other"))
STATES = st.integers(0, 9)
STATUSES = st.integers(0, 0x500)
SMALL = st.binary(max_size=3)
CHECKS = st.integers(0, 2)
STATE_ENTRIES = st.builds(
    Struct("<QIIBBBB").pack, IDS, CHECKS, TIMES.map(lambda ms: ms // 1_000), STATES, NUMBERS,
    st.integers(0, 31), st.integers(0, 255),
)  # fmt: skip


def message(id: int, due: int, expiry: int, key: int, stage: int, lane: int, *rest: Any) -> bytes:
    key = key if stage == Stage.ACKED else 0
    return records.message(id, START, due, expiry, START, key, stage, lane, *rest)


RECORDS: dict[Kind, st.SearchStrategy[bytes]] = {
    Kind.START: st.builds(records.start, st.integers(1, 9)),
    Kind.MESSAGE: st.builds(
        message, IDS, TIMES, TIMES, KEYS, st.sampled_from(tuple(map(int, Stage))),
        st.integers(0, 3), NUMBERS, st.integers(0, 127), ACCOUNTS, CARRIERS,
        st.none() | st.builds(Kin, IDS, NUMBERS, NUMBERS),
    ),
    Kind.ATTEMPT: st.builds(records.attempt, IDS, NUMBERS, CARRIERS),
    Kind.ACKED: st.builds(records.acked, IDS, NUMBERS, TIMES, KEYS, SMALL),
    Kind.QUEUED: st.builds(records.queued, IDS, NUMBERS, TIMES, STATUSES),
    Kind.DOUBT: st.builds(records.doubt, IDS, NUMBERS, TIMES, SMALL),
    Kind.FINAL: st.builds(
        records.final, IDS, STATES, STATUSES, SMALL, SMALL, CARRIERS, CHECKS, NUMBERS, NUMBERS,
        ACCOUNTS,
    ),
    Kind.MAIL: st.builds(
        records.mail, IDS, TIMES, TIMES, st.sampled_from(tuple(map(int, MailKind))), ACCOUNTS,
        CARRIERS,
    ),
    Kind.MAIL_DONE: st.builds(records.mail_done, IDS, STATES),
    Kind.ORPHAN: st.builds(
        records.orphan, KEYS, TIMES, STATES, st.booleans(), CARRIERS, SMALL, SMALL
    ),
    Kind.ORPHAN_DONE: st.builds(records.orphan_done, KEYS),
    Kind.MOVED: st.builds(records.moved, IDS, NUMBERS, TIMES, STATUSES, CARRIERS),
    Kind.ASIDE: st.builds(
        records.aside, IDS, NUMBERS, NUMBERS, st.lists(CARRIERS, max_size=2).map(tuple),
        st.booleans(),
    ),
    Kind.LEARNED: st.builds(
        records.learned, CARRIERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS
    ),
    Kind.PURSE: st.builds(
        records.purse, st.booleans(), ACCOUNTS, STATUSES, STATUSES, NUMBERS, STATUSES, STATUSES
    ),
    Kind.STATES: st.builds(
        records.states, ACCOUNTS, st.lists(STATE_ENTRIES, max_size=3).map(b"".join)
    ),
    Kind.SPLIT: st.builds(
        records.split, IDS, IDS, NUMBERS, st.booleans(), NUMBERS, STATES, STATUSES, SMALL, SMALL
    ),
    Kind.JOINED: st.builds(records.joined, IDS, IDS),
}  # fmt: skip

HISTORIES = st.lists(
    st.one_of([st.tuples(st.just(int(kind)), heads) for kind, heads in RECORDS.items()]),
    max_size=40,
)


def test_every_kind_is_here() -> None:
    assert set(RECORDS) == set(Kind)


@given(HISTORIES)
@settings(max_examples=300, deadline=None)
def test_no_history_is_refused_and_the_same_one_ends_the_same(history: list[Record]) -> None:
    state = apply(State(), history)
    owed = {
        state.accounts.index(name): sum(
            state.spool.slab.account(slot) == state.accounts.index(name)
            for slot in state.spool.slab.slots()
        )
        for name in (b"acme", b"other")
    }
    assert {account: state.spool.slab.of_account(account) for account in owed} == owed
    assert state.fingerprint() == fingerprint(history)


@given(HISTORIES)
@settings(max_examples=100, deadline=None)
def test_the_oldest_segment_is_the_oldest_that_is_needed(history: list[Record]) -> None:
    state = State()
    for n, (kind, head) in enumerate(history, 1):
        state.apply(kind, n * SEGMENT, START, head)
    needed = [slab.position(slot) >> 32 for slab in (state.spool.slab, state.mailboxes.slab)
              for slot in slab.slots()]  # fmt: skip
    needed += [position >> 32 for position, _lesson in state.lessons]
    needed += [orphan.position >> 32 for orphan in state.orphans]
    needed += [position >> 32 for position, _purse in state.purses._held.values()]
    needed += [split.position >> 32 for _, split in state.spool.splits if split.head]
    if state.ended:
        needed.append(state.ended.oldest_segment())
    assert state.oldest_segment() == min(needed, default=-1)


@given(HISTORIES)
@settings(max_examples=100, deadline=None)
def test_time_passing_is_no_part_of_the_state(history: list[Record]) -> None:
    """Who is due, or taken, or ready, says no record: it may differ between run and replay."""
    state = apply(State(), history)
    before = state.fingerprint()
    for slot in state.spool.slab.expire(START + 10**8, 100):
        if state.spool.slab.state(slot) == Stage.QUEUED:
            state.spool.reroute(slot, state.carriers.index(b"three"))
    for account in (b"acme", b"other"):
        state.mailboxes.take(state.accounts.index(account))
    assert state.fingerprint() == before


# -- what differs --------------------------------------------------------------------------------

BASE: list[Record] = [
    (Kind.START, records.start(1)),
    (Kind.MESSAGE, message(1, START, START + 10**8, 0, Stage.ATTEMPT, 0, 1, 0, b"acme", b"one")),
    (Kind.MESSAGE, message(2, START, START + 10**8, 0, Stage.QUEUED, 0, 0, 0, b"acme", b"one")),
    (Kind.MAIL, records.mail(3, START, START + 10**8, MailKind.INBOUND, b"acme", b"one")),
    (Kind.ORPHAN, records.orphan(9, START + 10**6, 2, True, b"one", b"000", b"")),
]

PART = Flag.PART, b"acme", b"one", Kin(2, 0, 1)


@pytest.mark.parametrize(
    "record",
    [
        (Kind.MESSAGE, message(4, 0, START, 0, Stage.QUEUED, 0, 0, 0, b"acme", b"one")),
        (Kind.ATTEMPT, records.attempt(2, 1, b"one")),
        (Kind.ACKED, records.acked(1, 1, START + 10**7, 77, b"x")),
        (Kind.QUEUED, records.queued(1, 0, START, 0)),
        (Kind.DOUBT, records.doubt(1, 1, START, b"bind_lost")),
        (Kind.FINAL, records.final(1, 2, 0, b"", b"", b"one")),
        (Kind.MAIL, records.mail(4, START, START, MailKind.RECEIPT, b"acme", b"one")),
        (Kind.MAIL_DONE, records.mail_done(3, 2)),
        (Kind.ORPHAN, records.orphan(8, START, 2, True, b"one", b"", b"")),
        (Kind.ORPHAN, records.orphan(9, START, 5, True, b"one", b"", b"")),
        (Kind.ORPHAN_DONE, records.orphan_done(9)),
        (Kind.MOVED, records.moved(1, 1, START, 0x58, b"two")),
        (Kind.ASIDE, records.aside(1, 1, 0, ())),
        (Kind.ASIDE, records.aside(1, 0, 0, (b"one",))),
        (Kind.LEARNED, records.learned(b"one", 1, 0, 0, 0, 0)),
        (Kind.MESSAGE, message(4, START, START, 0, Stage.QUEUED, 0, 0, *PART)),
        (Kind.SPLIT, records.split(2, 5, 1, False, 1, 2, 0, b"", b"")),
        (Kind.ASIDE, records.aside(1, 0, 0, (), True)),
        (Kind.JOINED, records.joined(2, 4)),
    ],
    ids=lambda record: record[0].name,
)
def test_every_record_leaves_its_mark(record: Record) -> None:
    assert fingerprint([*BASE, record]) != fingerprint(BASE)


@pytest.mark.parametrize(
    "record",
    [
        (Kind.START, records.start(2)),
        (Kind.ATTEMPT, records.attempt(99, 1, b"one")),
        (Kind.ACKED, records.acked(99, 1, START, 77, b"x")),
        (Kind.QUEUED, records.queued(99, 0, START, 0)),
        (Kind.DOUBT, records.doubt(99, 1, START, b"bind_lost")),
        (Kind.DOUBT, records.doubt(1, 2, START, b"bind_lost")),
        (Kind.FINAL, records.final(99, 2, 0, b"", b"", b"one")),
        (Kind.MAIL_DONE, records.mail_done(99, 2)),
        (Kind.ORPHAN_DONE, records.orphan_done(99)),
        (Kind.MOVED, records.moved(99, 1, START, 0, b"two")),
        (Kind.ASIDE, records.aside(99, 1, 1, (b"one",))),
        (Kind.JOINED, records.joined(99, 4)),
    ],
    ids=lambda record: record[0].name,
)
def test_what_is_said_of_strangers_is_void(record: Record) -> None:
    assert fingerprint([*BASE, record]) == fingerprint(BASE)


# -- the border ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [0, 99, 200, 255])
def test_a_newer_format_stops_the_start(kind: int) -> None:
    with pytest.raises(LookupError, match=f"kind {kind} was written by a newer version"):
        State().apply(kind, SEGMENT, START, b"")


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_half_a_head_is_refused(kind: Kind) -> None:
    with pytest.raises(ValueError, match="head"):
        State().apply(kind, SEGMENT, START, b"\5\0\0")


def test_the_epoch_is_the_newest_starts() -> None:
    history: list[Record] = [(Kind.START, records.start(epoch)) for epoch in (1, 2, 7)]
    assert apply(State(), history).epoch == 7


def test_ends_are_told_before_they_are_applied() -> None:
    state = State()
    told = []

    def before_end(kind: int, position: int, time: int, head: bytes) -> None:
        told.append((kind, position, time, head, len(state.spool), len(state.mailboxes)))

    state.before_end = before_end
    ends = [
        (Kind.FINAL, records.final(1, 2, 0, b"", b"", b"one")),
        (Kind.MAIL_DONE, records.mail_done(3, 2)),
    ]
    apply(state, [*BASE, *ends])
    at, time = SEGMENT + 8 * len(BASE), START + 1_000 * len(BASE)
    assert told == [
        (Kind.FINAL, at, time, ends[0][1], 2, 1),
        (Kind.MAIL_DONE, at + 8, time + 1_000, ends[1][1], 1, 1),
    ]
    assert (len(state.spool), len(state.mailboxes)) == (1, 0)


# -- carried forward -----------------------------------------------------------------------------


def carried(state: State) -> list[Record]:
    """Every owed message and mail as ``forgetting`` writes it again."""
    slab, mail = state.spool.slab, state.mailboxes.slab
    history: list[Record] = []
    for row in (slab.row(slot) for slot in slab.slots()):
        id, _position, key, due, expiry, sent, account, carrier, *rest = row
        names = state.accounts[account], state.carriers[carrier]
        whole = state.spool.splits.whole_of(id)
        kin = Kin(whole, 0, 1) if whole else None
        head = records.message(id, START, due, expiry, sent, key, *rest, *names, kin)
        history.append((Kind.MESSAGE, head))
    for row in (mail.row(slot) for slot in mail.slots()):
        names = state.accounts[row[6]], state.carriers[row[7]]
        history.append((Kind.MAIL, records.mail(row[0], START, row[4], row[9], *names)))
    history += [(Kind.ASIDE, records.aside(id, *aside)) for id, aside in state.asides]
    history += [(Kind.LEARNED, records.learned(*lesson)) for _, lesson in state.lessons]
    history += [(Kind.PURSE, records.purse(True, name, *purse)) for name, purse in state.purses]
    history += [(Kind.ORPHAN, records.orphan(*orphan.head)) for orphan in state.orphans]
    history += [
        (Kind.SPLIT, records.split(*split.head)) for _, split in state.spool.splits if split.head
    ]
    history += [
        (Kind.JOINED, records.joined(part, whole))
        for whole, parts in state.spool.joins
        for part in parts
    ]
    batches, _cursor = state.ended.left_behind(0, 1_000, 2, START)
    return history + [
        (Kind.STATES, records.states(state.accounts[account], entries))
        for account, entries in batches
    ]


def possible(history: list[Record]) -> list[Record]:
    """Without joins that no keeper writes: a whole is there first and no part; none is split."""
    wholes: set[int] = set()
    parts: set[int] = set()
    kept = []
    for kind, head in history:
        if kind == Kind.MESSAGE:
            wholes.add(records.read_message(head).id)
        elif kind == Kind.SPLIT:
            if (id := records.read_split(head).id) in parts:
                continue
            parts.add(id)
        elif kind == Kind.JOINED:
            part, whole = records.read_joined(head)
            if whole not in wholes or part == whole or {part, whole} & parts:
                continue
            parts.add(part)
        elif kind == Kind.FINAL:
            wholes.discard(records.read_final(head).id)
        kept.append((kind, head))
    return kept


@given(HISTORIES)
@settings(max_examples=200, deadline=None)
def test_what_is_carried_forward_is_the_whole_state(history: list[Record]) -> None:
    history = [
        *possible(history),
        (Kind.ORPHAN_DONE, records.orphan_done(0)),
    ]  # so that every purse counts
    state = apply(State(), history)
    # The ends of parts come at once behind that of their whole.
    joins = [
        (whole, parts) for whole, parts in state.spool.joins if state.spool.joins.outcome(whole)
    ]
    ends = [records.final(part, 2, 0, b"", b"", b"one") for _, parts in joins for part in parts]
    apply(state, [(Kind.FINAL, end) for end in ends])
    forward = carried(state)
    apply(state, forward, 2 * SEGMENT)
    assert state.oldest_segment() in (2, -1)
    only = apply(State(), forward, 2 * SEGMENT)
    assert only.fingerprint() == state.fingerprint(), "the old segments are gone"
    both = apply(apply(State(), history), forward, 2 * SEGMENT)
    assert both.fingerprint() == state.fingerprint(), "they are not gone yet"


@pytest.mark.parametrize("then", [record for record in BASE[1:]], ids=lambda record: record[0].name)
def test_a_carried_record_is_no_second_one(then: Record) -> None:
    state = apply(State(), [*BASE, then])
    assert (len(state.spool), len(state.mailboxes), len(state.orphans)) == (2, 1, 1)
