"""Erasures carried out: at once as far as may be, and the rest when it may (privacy.md R12).

What waits is ended by the keeper (``smsc.claims``); here goes what lies on disk: texts in traffic
records, rows of the database, entries of access logs. What is left has a reason and a day. It is in
no view any more (``cases.hides``), and is looked at again by every sweep until nothing is left;
then the case is over, and whom it was about is known no more.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from smsc import access
from smsc.accounts import Accounts
from smsc.audit import Audit
from smsc.cases import DISCLOSE, ERASE, Case, Cases
from smsc.config import Config
from smsc.held import concerning
from smsc.keys import Keyring
from smsc.redaction import Redaction
from smsc.retention import CONTENT, HELD, TRAFFIC, Facts, Name, Stand, Verdict, judge
from smsc.subject import CUSTOMER, NUMBER, USER, parties


class Kept(NamedTuple):
    """What can't go yet."""

    what: str
    how_many: int
    why: str
    #: The day on which it goes as far as is known; empty if that hangs on somebody.
    until: str


class Outcome(NamedTuple):
    """Of one erasure, so far."""

    #: How many of what went.
    gone: dict[str, int]
    kept: list[Kept]


class Eraser:
    """See the module. ``lend`` and ``take_back`` ask a running server for a month's log."""

    def __init__(
        self,
        config: Config,
        keys: Keyring,
        audit: Audit,
        facts: Facts,
        *,
        lend: Callable[[str], bool] = lambda month: True,
        take_back: Callable[[str], None] = lambda month: None,
    ) -> None:
        self._config = config
        self._keys = keys
        self._audit = audit
        self._facts = facts
        self._cases = Cases.of(config, keys)
        self._redaction = Redaction(config, keys, lend=lend, take_back=take_back)

    def carry_out(
        self, accounts: Accounts, owed: Mapping[bytes, int], now: int
    ) -> dict[str, Outcome]:
        """Do what can be done of all open erasures; by case. Raises StorageError.

        ``owed`` is when each customer's oldest unfinished message came, ms.
        """
        self._lapse(now)
        cases = self._cases.open(ERASE)
        if not cases:
            return {}
        stands = self._stands(owed, now)
        held = concerning(self._facts.holds(), self._keys, accounts.region)
        texts, keys = self._redaction.redact(
            lambda name, fields: (
                stands[name].stand is not Stand.HELD
                and not held(name, fields)
                and any(_is_of(fields, case, accounts) for case in cases)
            )
        )
        if keys:
            self._audit.add("erasure.texts", texts=texts, keys=keys)
        left: dict[str, Counter[tuple[Name, bool]]] = {case.id: Counter() for case in cases}
        for name, fields in self._redaction.records():
            for case in cases:
                if _is_of(fields, case, accounts):
                    left[case.id][name, fields["content"] is not None] += 1
        return {
            case.id: self._finish(case, texts, left[case.id], stands, owed, now) for case in cases
        }

    def _lapse(self, now: int) -> None:
        """Forget whom authorities asked about, where that was told or will not be any more."""
        for case in self._cases.open(DISCLOSE):
            from smsc.db import disclosures
            from smsc.db.database import opened

            with opened(self._config) as database, database.reading() as session:
                is_open = disclosures.is_open(session, case.id, now)
            if not is_open:
                self._cases.end(case.id)
                self._audit.add("disclosure.over", case=case.id)

    def _stands(self, owed: Mapping[bytes, int], now: int) -> dict[Name, Verdict]:
        names = {key.name for key in self._keys if key.name.kind in (TRAFFIC, CONTENT, HELD)}
        rules = self._config.retention.rules()
        return {v.name: v for v in judge(names, self._facts, owed, rules, now)}

    def _finish(
        self,
        case: Case,
        texts: int,
        left: Counter[tuple[Name, bool]],
        stands: Mapping[Name, Verdict],
        owed: Mapping[bytes, int],
        now: int,
    ) -> Outcome:
        gone, kept = self._registered(case, now)
        gone["texts"] = texts
        for (name, has_text), count in sorted(left.items()):
            verdict = stands[name._replace(kind=TRAFFIC)]
            what = "traffic records" if has_text else "traffic records without their texts"
            # Nothing else keeps a text.
            why = _WHY[Stand.HELD if has_text else verdict.stand]
            kept.append(Kept(what, count, why, day(verdict.due)))
        earlier = [came for came in owed.values() if came <= case.at]
        if not kept and not earlier:
            self._cases.end(case.id)
            self._audit.add("erasure.done", case=case.id, of=case.subject.kind)
        return Outcome(gone, kept)

    def _registered(self, case: Case, now: int) -> tuple[dict[str, int], list[Kept]]:
        """What goes of the database, and of the access logs."""
        about = case.subject
        names = {about.value} if about.kind in (USER, CUSTOMER) else set()
        gone: dict[str, int] = {}
        kept: list[Kept] = []
        if self._config.database.url:
            from smsc.db import erasing
            from smsc.db.database import closing, opened

            with opened(self._config) as database, database.changing() as session:
                names |= erasing.names(session, about)
                gone, left = erasing.erase(session, about, case.at, now)
            if any(gone.values()):
                with closing(self._config) as database:
                    database.purge()
            kept = [Kept(*one, "") for one in left]
        directory = Path(self._config.retention.directory) / access.DIRECTORY
        number = about.value if about.kind == NUMBER else ""
        gone["access log entries"] = access.erase(directory, names, number)
        return gone, kept


_WHY = {
    Stand.UNBILLED: "their period is not closed",
    Stand.WAITING: "their bill may still be objected to",
    Stand.OWED: "a message of their period is not finished",
    Stand.HELD: "they are held",
    Stand.DUE: "they go with the next sweep",
    Stand.EXPIRED: "they go with the next sweep",
}


def _is_of(fields: Mapping[str, Any], case: Case, accounts: Accounts) -> bool:
    about = case.subject
    if fields["accepted"] > case.at or about.kind == USER:
        return False
    if about.kind == CUSTOMER:
        return bool(fields["customer"] == about.octets)
    return about.octets in parties(fields, accounts.region(fields["account"]))


def day(ms: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(ms // 1_000))
