"""The end of a contract: all of a customer's goes, each thing when it may (privacy.md R9).

    no binds, no log-ins, mail dropped -> what is owed is delivered or expires (or is deleted, where
    that is wished) -> all periods closed, the one under way too -> users, API keys and orders gone
    -> the keys of the traffic data die when due -> accounts and name gone, a proof written

The case is open until the end. Whoever carries it out again goes on where it stands: the running
server with every sweep, and ``smsc customer terminate`` when it is asked again. What stays is what
tax law has kept: payments and totals under the customer's reference, without any name or number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smsc import __version__, access, billing, files, traffic
from smsc.audit import Audit
from smsc.billing import NO_CURRENCY
from smsc.cases import TERMINATE, Case, Cases
from smsc.config import Config
from smsc.erasing import Kept, Outcome, day
from smsc.journal import inspect
from smsc.keys import Keyring
from smsc.periods import Span, bare, fitted, span
from smsc.retention import CONTENT, HELD, TRAFFIC, Facts, judge
from smsc.traffic import BLOCK, Block


class Terminator:
    """See the module."""

    def __init__(self, config: Config, keys: Keyring, audit: Audit, facts: Facts) -> None:
        self._config = config
        self._keys = keys
        self._audit = audit
        self._facts = facts
        self._cases = Cases.of(config, keys)

    def begin(self, reference: str, now: int) -> None:
        """Let nobody of the customer in any more. Blocks; raises DatabaseError."""
        from smsc.db import ending
        from smsc.db.database import opened

        with opened(self._config) as database, database.changing() as session:
            ending.begin(session, reference, now)

    def carry_out(self, owed: Mapping[bytes, int], now: int) -> dict[str, Outcome]:
        """Do what can be done of all contracts that end; by case. Raises StorageError."""
        return {case.id: self._go_on(case, owed, now) for case in self._cases.open(TERMINATE)}

    def _go_on(self, case: Case, owed: Mapping[bytes, int], now: int) -> Outcome:
        customer = case.subject.octets
        if customer in owed:
            return Outcome({}, [Kept("messages that are owed", 1, "they are not finished", "")])
        from smsc.db import ending
        from smsc.db.database import opened

        with opened(self._config) as database:
            closed = self._close(database, case, now)
            with database.changing() as session:
                gone = ending.release(session, case.subject.value, now)
            if any(gone.values()):
                database.purge()
            left = self._left(customer, owed, now)
            if left:
                return Outcome({"periods closed": closed, **gone}, left)
            with database.changing() as session:
                gone |= ending.finish(session, case.subject.value)
            database.purge()
        directory = Path(self._config.retention.directory) / access.DIRECTORY
        gone["access log entries"] = access.erase(directory, {case.subject.value}, "")
        proof = self._prove(case, gone, now)
        self._cases.end(case.id)
        self._audit.add("customer.terminated", case=case.id, proof=proof)
        return Outcome(gone, [])

    def _close(self, database: Any, case: Case, now: int) -> int:
        """Close what is open of the customer's periods: nothing more comes into any of them."""
        from smsc.db import customers, periods, prices

        customer, reference = case.subject.octets, case.subject.value
        self._keys.destroy(self._unused(customer))
        closed = 0
        mine = {key.name for key in self._keys if key.name.customer == customer}
        for name in sorted(one.period for one in mine if one.kind == TRAFFIC):
            if self._is_closed(customer, name):
                continue
            with database.reading() as session:
                before = [Span(p.since, p.until) for p in periods.every(session, reference)]
            when = fitted(span(name), before)
            directory = Path(self._config.traffic.directory)
            found = billing.records(directory, self._keys, customer, when)
            made = billing.bill(found)
            with database.changing() as session:
                row = customers.get(session, reference)
                currency = (
                    NO_CURRENCY if row.plan is None else prices.get(session, row.plan).currency
                )
                period = periods.close(
                    session, reference, bare(name), when, currency, made, case.by, now
                )
                self._audit.add(
                    "period.closed",
                    by=case.by,
                    period=bare(name),
                    messages=sum(total.messages for total in period.totals),
                )
            closed += 1
        return closed

    def _unused(self, customer: bytes) -> list[bytes]:
        """Keys of the customer's that were made ahead, and sealed nothing."""
        directory = Path(self._config.traffic.directory)
        used = {
            id
            for month in traffic.periods(directory)
            for kind, _time, head, _body in inspect.records(directory / month)
            if kind == BLOCK
            for id in Block.read(head)[1:3]
        }
        mine = [key for key in self._keys if key.name.customer == customer]
        return [k.id for k in mine if k.name.kind in (TRAFFIC, CONTENT) and k.id not in used]

    def _is_closed(self, customer: bytes, name: str) -> bool:
        self._facts.holds()  # reads the periods anew
        return self._facts.closed(customer, name) is not None

    def _left(self, customer: bytes, owed: Mapping[bytes, int], now: int) -> list[Kept]:
        """What its keys open still."""
        kinds = (TRAFFIC, CONTENT, HELD)
        names = {key.name for key in self._keys if key.name.kind in kinds}
        verdicts = judge(names, self._facts, owed, self._config.retention.rules(), now)
        return [
            Kept(f"{v.name.kind} of {bare(v.name.period)}", 1, v.why, day(v.due))
            for v in verdicts
            if v.name.customer == customer
        ]

    def _prove(self, case: Case, gone: dict[str, int], now: int) -> str:
        """The hash of the proof."""
        proof = {"at": now, "version": __version__, "case": case.id, "gone": gone}
        text = json.dumps(proof, indent=1, sort_keys=True).encode() + b"\n"
        directory = Path(self._config.retention.directory) / "proofs"
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.replace(directory / f"{now}-{case.id}.json", text)
        return hashlib.sha256(text).hexdigest()
