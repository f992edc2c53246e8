"""``smsc hold``: what must not be deleted for now, on the word of two people."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from smsc import holding, reading, retention, subject
from smsc.admin.commands import look, noun, verb
from smsc.admin.words import Row, argument, day, moment, now
from smsc.audit import Audit, operator
from smsc.db import holds
from smsc.db.model import Hold

#: When a hold is looked at again if nothing else is said.
REVIEW = timedelta(days=90)


def _row(row: Hold) -> Row:
    return {
        "case": row.case_id,
        "customer": row.customer,
        "period": row.period,
        "numbers": None if row.pseudonyms is None else len(row.pseudonyms),
        "reason": row.reason,
        "creator": row.creator,
        "approver": row.approver,
        "review": str(row.review_on),
        "created": moment(row.created_at),
        "ended": moment(row.ended_at),
    }


def _note(options: argparse.Namespace, event: str) -> None:
    # Within the transaction: no hold comes or goes without its entry.
    audit = Audit.of(reading.load(options.config), now)
    audit.add(event, by=operator(), case=options.case)


def _add(options: argparse.Namespace, session: Session) -> Any:
    review = options.review or (datetime.fromtimestamp(now() / 1_000, UTC).date() + REVIEW)
    row = holds.add(
        session, options.case, options.customer, options.period, options.reason, operator(),
        review, now(),
    )  # fmt: skip
    wanted = retention.Hold(
        case=row.case_id, reason=row.reason, creator=row.creator, approver="", review=0,
        customer=row.customer,
    )  # fmt: skip
    config = reading.load(options.config)
    row.pseudonyms = list(holding.pseudonyms(config, wanted, options.number)) or None
    _note(options, "hold.begun")
    return _row(row)


def _change(options: argparse.Namespace, session: Session) -> Any:
    approver = operator() if options.approve else None
    row = holds.change(session, options.case, approver=approver, review_on=options.review)
    if options.approve:
        _note(options, "hold.approved")
    return _row(row)


def _remove(options: argparse.Namespace, session: Session) -> Any:
    holds.end(session, options.case, now())
    _note(options, "hold.ended")
    return {"ended": options.case}


def _review(text: str) -> date:
    found = day(text)
    if found <= date.today():
        raise ValueError(f"{text} is not to come")
    return found


def add_commands(commands: Any) -> None:
    """Add them to a parser's sub-commands."""
    group = noun(commands, "hold", "what must not be deleted for now")

    def listed(options: argparse.Namespace, session: Session) -> Any:
        return [_row(row) for row in holds.every(session, options.customer)]

    def shown(options: argparse.Namespace, session: Session) -> Any:
        return _row(holds.get(session, options.case))

    review: dict[str, Any] = {
        "metavar": "DATE",
        "type": argument(_review),
        "help": "when it is looked at again; in 90 days if nothing is said",
    }
    parser = look(group, "list", listed, "list all holds in force")
    parser.add_argument("--customer", metavar="REFERENCE", help="those on one customer")
    parser = verb(group, "add", _add, "keep what would be deleted; somebody else approves of it")
    parser.add_argument("case", metavar="CASE", type=argument(subject.case))
    parser.add_argument("--customer", metavar="REFERENCE", required=True)
    parser.add_argument("--period", metavar="PERIOD", help="one billing period; else all")
    parser.add_argument(
        "--number", metavar="NUMBER", type=holding.number, action="append", default=[],
        help="only what is from or to it, with country code; may be given again",
    )  # fmt: skip
    parser.add_argument("--reason", choices=("dispute", "block", "legal"), required=True)
    parser.add_argument("--review", **review)
    look(group, "show", shown, "show a hold, over or not").add_argument("case", metavar="CASE")
    parser = verb(group, "change", _change, "approve of a hold, or put its review off")
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("--approve", action="store_true", help="agree to it, as the second person")
    parser.add_argument("--review", **review)
    parser = verb(group, "remove", _remove, "end a hold: the old clock goes on")
    parser.add_argument("case", metavar="CASE")
