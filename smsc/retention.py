"""When personal data must be gone: the rules, and nothing but the rules (privacy.md section 2).

    accepted -> owed -> finished -> billed -> period closed -> objection days over -> gone

Pure: what is known comes in, verdicts go out. Every data key stands for what is sealed with it, one
customer's period in one class, so a verdict is always on a key. Deletion waits for nothing but what
is named here: messages that are owed, a period that is not closed, objection days, a hold. And only
a hold or an owed message makes it wait beyond ``maximum``, with an alarm.

``Facts`` is the port on which billing tells what only it knows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from smsc.periods import span

#: The classes, each with a clock of its own; a pseudonym dies with the traffic it stands in.
TRAFFIC, CONTENT, PSEUDONYM = "traffic", "content", "pseudonym"
#: What is owed: its keys live an hour or two, and no rule here is about them (``smsc.sealing``).
SPOOL = "spool"
#: Whom a case is about; its key lives as long as the case (``smsc.cases``).
CASES = "cases"
#: What is held by number, copied from under keys that were due; its key lives as long as the hold
#: (``smsc.held``).
HELD = "held"


class Name(NamedTuple):
    """What a data key is for."""

    customer: bytes
    #: As ``smsc.periods`` names them: its own, or, of before there were such keys, a month of UTC.
    period: str
    kind: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A scope that may not be deleted: a dispute, a block, a legal hold.

    Empty means any. When it ends the old clock goes on, as if it had never been.
    """

    case: str
    reason: str
    creator: str
    approver: str
    #: When somebody is to look at it again, ms.
    review: int
    customer: str = ""
    period: str = ""
    kind: str = ""
    #: Of numbers: only what is from or to one of them, none means all.
    pseudonyms: tuple[str, ...] = ()

    def covers(self, name: Name) -> bool:
        """Whether some of what this key opens may be held."""
        if name.kind == HELD:
            return (
                b"" in (self.customer.encode(), name.customer)
                or self.customer.encode() == name.customer
            )
        if self.kind not in ("", name.kind) or self.customer.encode() not in (b"", name.customer):
            return False
        if not self.period:
            return True
        mine, its = span(self.period), span(name.period)
        return mine.since < its.until and its.since < mine.until


def held_under(hold: Hold) -> Name:
    """The key that what is held by number is copied under, and its pseudonyms are made with."""
    digest = hashlib.sha256(hold.case.encode()).hexdigest()
    return Name(hold.customer.encode(), f"hold-{digest[:16]}", HELD)


class Facts(Protocol):
    """What only billing and people know."""

    def closed(self, customer: bytes, period: str) -> int | None:
        """When this customer's period was closed, ms; None while it is not."""

    def holds(self) -> Sequence[Hold]:
        """The holds in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the operator has promised, ms."""

    #: From the close of a period to the end of the days in which its bill may be objected to.
    objection: int
    #: From the end of a period to the end of its content; None: with the rest.
    content: int | None
    #: From the end of a period to the end of all of it, closed or not.
    maximum: int


class Stand(Enum):
    """How things stand with one key."""

    #: To be destroyed now.
    DUE = "due"
    #: To be destroyed now, though its period was never closed: somebody is to be told.
    EXPIRED = "expired"
    #: Its day will come.
    WAITING = "waiting"
    #: Its period is not closed; its day is that of ``maximum`` until then.
    UNBILLED = "unbilled"
    #: A message of the period, or of one before, is not finished.
    OWED = "owed"
    HELD = "held"


class Verdict(NamedTuple):
    """On one key."""

    name: Name
    stand: Stand
    #: When it is to be destroyed as far as is known, ms.
    due: int
    #: What keeps it, in words without personal data.
    why: str
    #: Kept beyond ``maximum``, by whatever.
    late: bool

    @property
    def dies(self) -> bool:
        return self.stand in (Stand.DUE, Stand.EXPIRED)


def judge(
    names: Iterable[Name],
    facts: Facts,
    owed: Mapping[bytes, int],
    rules: Rules,
    now: int,
) -> list[Verdict]:
    """A verdict on every key. ``owed`` is when a customer's oldest unfinished message came, ms."""
    names, holds = sorted(names), facts.holds()
    known = set(names)
    own = {held_under(hold): hold for hold in holds if hold.pseudonyms}
    # A hold whose key is not there can't tell what concerns it, and so holds all.
    whole = [hold for hold in holds if not hold.pseudonyms or held_under(hold) not in known]
    narrow = [hold for hold in holds if hold not in whole]
    return [
        _of_hold(name, own.get(name), whole, now)
        if name.kind == HELD
        else _judge(name, facts, whole, narrow, owed, rules, now)
        for name in names
    ]


def _of_hold(name: Name, hold: Hold | None, whole: Sequence[Hold], now: int) -> Verdict:
    """On the key of a hold by number: all under it was due before."""
    holds = [one for one in whole if one.covers(name)] if hold is None else [hold]
    if not holds:
        return Verdict(name, Stand.DUE, now, "its hold is over", False)
    review, cases = min(one.review for one in holds), ", ".join(one.case for one in holds)
    return Verdict(name, Stand.HELD, review, f"held for {cases}", now >= review)


def _judge(
    name: Name,
    facts: Facts,
    whole: Sequence[Hold],
    narrow: Sequence[Hold],
    owed: Mapping[bytes, int],
    rules: Rules,
    now: int,
) -> Verdict:
    customer, period, kind = name
    end = span(period).until
    limit = end + rules.maximum
    closed = facts.closed(customer, period)
    due = limit if closed is None else min(limit, closed + rules.objection)
    own_clock = kind == CONTENT and rules.content is not None
    if kind == CONTENT and rules.content is not None:
        due = min(due, end + rules.content)
    late = now >= limit
    oldest = owed.get(customer)
    if oldest is not None and oldest < end:
        return Verdict(name, Stand.OWED, due, "a message of it is not finished", late)
    if held := _cases(whole, name):
        return Verdict(name, Stand.HELD, due, f"held for {held}", late)
    if now < due:
        if closed is None and not own_clock:
            return Verdict(name, Stand.UNBILLED, due, "its period is not closed", late)
        return Verdict(name, Stand.WAITING, due, "its day has not come", late)
    kept = _cases(narrow, name)
    but = f"; what concerns {kept} is kept" if kept else ""
    if closed is None and due == limit:
        return Verdict(name, Stand.EXPIRED, due, f"its period was never closed{but}", late)
    return Verdict(name, Stand.DUE, due, f"its day has come{but}", late)


def _cases(holds: Iterable[Hold], name: Name) -> str:
    """Those that cover a key, by their cases."""
    return ", ".join(hold.case for hold in holds if hold.covers(name))
