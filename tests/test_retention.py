"""The rules of deletion: never owed, unbilled or held; never later than promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from smsc.retention import Hold, Name, Rules, Stand, judge

DAY = 86_400_000
#: 2026-10-01T00:00:00Z, the end of the period below.
END = 1_790_812_800_000
RULES = Rules(objection=30 * DAY, content=None, maximum=180 * DAY)
TRAFFIC = Name(b"C-1", "2026-09", "traffic")
CONTENT = TRAFFIC._replace(kind="content")
HOLD = Hold("case-7", "dispute", "ada", "bob", review=END)


@dataclass
class Told:
    """Facts as a test wants them."""

    closes: dict[tuple[bytes, str], int] = field(default_factory=dict)
    held: Sequence[Hold] = ()

    def closed(self, customer: bytes, period: str) -> int | None:
        return self.closes.get((customer, period))

    def holds(self) -> Sequence[Hold]:
        return self.held


CLOSED = Told({(b"C-1", "2026-09"): END + 3 * DAY})
OPEN = Told()


OBJECTED = END + 33 * DAY
CASES = {
    "running": (TRAFFIC, OPEN, {}, RULES, END - DAY, Stand.UNBILLED, END + 180 * DAY),
    "over, not closed": (TRAFFIC, OPEN, {}, RULES, END + 90 * DAY, Stand.UNBILLED, END + 180 * DAY),
    "closed": (TRAFFIC, CLOSED, {}, RULES, OBJECTED - 1, Stand.WAITING, OBJECTED),
    "objection over": (TRAFFIC, CLOSED, {}, RULES, OBJECTED, Stand.DUE, OBJECTED),
    "pseudonyms likewise": (
        TRAFFIC._replace(kind="pseudonym"), CLOSED, {}, RULES, OBJECTED, Stand.DUE, OBJECTED),
    "content with the rest": (CONTENT, CLOSED, {}, RULES, OBJECTED - 1, Stand.WAITING, OBJECTED),
    "content earlier": (
        CONTENT, OPEN, {}, replace(RULES, content=7 * DAY), END + 7 * DAY, Stand.DUE,
        END + 7 * DAY),
    "content's own day": (
        CONTENT, OPEN, {}, replace(RULES, content=7 * DAY), END, Stand.WAITING, END + 7 * DAY),
    "content never later": (
        CONTENT, CLOSED, {}, replace(RULES, content=99 * DAY), OBJECTED, Stand.DUE, OBJECTED),
    "traffic has its own": (
        TRAFFIC, OPEN, {}, replace(RULES, content=7 * DAY), END + 7 * DAY, Stand.UNBILLED,
        END + 180 * DAY),
    "never closed": (TRAFFIC, OPEN, {}, RULES, END + 180 * DAY, Stand.EXPIRED, END + 180 * DAY),
    "closed too late": (
        TRAFFIC, Told({(b"C-1", "2026-09"): END + 179 * DAY}), {}, RULES, END + 180 * DAY,
        Stand.DUE, END + 180 * DAY),
    "owed": (TRAFFIC, CLOSED, {b"C-1": END - 1}, RULES, OBJECTED, Stand.OWED, OBJECTED),
    "owed of before": (
        TRAFFIC, CLOSED, {b"C-1": END - 40 * DAY}, RULES, OBJECTED, Stand.OWED, OBJECTED),
    "owed of later": (TRAFFIC, CLOSED, {b"C-1": END}, RULES, OBJECTED, Stand.DUE, OBJECTED),
    "owed to another": (TRAFFIC, CLOSED, {b"C-2": END - 1}, RULES, OBJECTED, Stand.DUE, OBJECTED),
    "owed for ever": (
        TRAFFIC, OPEN, {b"C-1": END - 1}, RULES, END + 999 * DAY, Stand.OWED, END + 180 * DAY),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_verdicts(case: str) -> None:
    name, facts, owed, rules, now, stand, due = CASES[case]
    [verdict] = judge([name], facts, owed, rules, now)
    assert (verdict.stand, verdict.due) == (stand, due)
    assert verdict.dies == (stand in (Stand.DUE, Stand.EXPIRED))
    assert verdict.late == (now >= END + rules.maximum)


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        ({}, True),
        ({"customer": "C-1"}, True),
        ({"customer": "C-2"}, False),
        ({"customer": "C-1", "period": "2026-09"}, True),
        ({"period": "2026-10"}, False),
        ({"period": "2026-10@Europe/Berlin"}, True),  # begins on a September evening, UTC
        ({"period": "2026-09@America/Lima"}, True),
        ({"period": "2026-W40@America/Lima"}, True),
        ({"period": "2026-W41"}, False),
        ({"kind": "traffic"}, True),
        ({"kind": "content"}, False),
    ],
)
def test_a_hold_keeps_its_scope(scope: dict[str, str], held: bool) -> None:
    facts = Told(CLOSED.closes, [replace(HOLD, **scope)])
    [verdict] = judge([TRAFFIC], facts, {}, RULES, OBJECTED)
    assert verdict.stand == (Stand.HELD if held else Stand.DUE)
    assert "case-7" in verdict.why or not held


def test_when_a_hold_ends_the_old_clock_goes_on() -> None:
    facts = Told(CLOSED.closes, [HOLD])
    [held] = judge([TRAFFIC], facts, {}, RULES, OBJECTED + 50 * DAY)
    facts.held = ()
    [free] = judge([TRAFFIC], facts, {}, RULES, OBJECTED + 50 * DAY)
    assert held.due == free.due == OBJECTED and free.stand is Stand.DUE


TIMES = some.integers(END - 60 * DAY, END + 400 * DAY)


@given(
    kind=some.sampled_from(["traffic", "content", "pseudonym"]),
    closed=some.none() | TIMES,
    owed=some.none() | TIMES,
    held=some.booleans(),
    content=some.none() | some.integers(0, 200 * DAY),
    now=TIMES,
)
def test_nothing_dies_that_is_owed_unbilled_or_held_and_nothing_stays_that_is_due(
    kind: str, closed: int | None, owed: int | None, held: bool, content: int | None, now: int
) -> None:
    rules = replace(RULES, content=content)
    facts = Told({} if closed is None else {(b"C-1", "2026-09"): closed}, [HOLD] if held else [])
    debts = {} if owed is None else {b"C-1": owed}
    [verdict] = judge([TRAFFIC._replace(kind=kind)], facts, debts, rules, now)
    is_owed = owed is not None and owed < END
    objected = closed is not None and now >= closed + rules.objection
    own_day = kind == "content" and content is not None and now >= END + content
    aged = now >= END + rules.maximum
    assert verdict.dies == (not held and not is_owed and (objected or own_day or aged))
