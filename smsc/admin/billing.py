"""``smsc billing close|show|export``: periods, as whoever sends the invoices handles them.

A period is closed when nothing of it is on its way any more: the running server is asked, or, if
none runs, the log is opened as a start would. Totals are made of the traffic records and stored;
from then on the objection days count, and the sweeper deletes the records by itself.
"""

from __future__ import annotations

import argparse
import csv
import getpass
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import uvloop

from smsc import billing, cases, control, money, reading, traffic
from smsc.admin.commands import CONFIG, noun
from smsc.admin.words import moment, now, show
from smsc.audit import Audit
from smsc.billing import NO_CURRENCY, BillingError
from smsc.config import Config
from smsc.db import accounts_of, customers, periods, prices
from smsc.db.database import Database, opened
from smsc.db.model import Customer, Period
from smsc.errors import NotRunning
from smsc.keys import keyring
from smsc.periods import EXAMPLES, Span, fitted
from smsc.zones import zone

# -- close ---------------------------------------------------------------------------------------


def close(loaded: Config, database: Database, customer: str, period: str, at: int) -> Period:
    """Close a period and store its totals. Raises BillingError if something is in the way."""
    with database.reading() as session:
        row = customers.get(session, customer)
        known = periods.get(session, customer, period)
        if known is not None:
            return known
        wanted = billing.span(period, row.cycle, zone(row.time_zone))
        before = [Span(one.since, one.until) for one in periods.every(session, customer)]
        when = fitted(wanted, before)
        currency = NO_CURRENCY if row.plan is None else prices.get(session, row.plan).currency
    if at < when.until:
        raise BillingError(f"{period} of {customer} is not over")
    if when.since >= when.until:
        raise BillingError(f"all of {period} of {customer} is in periods that are closed")
    _nothing_owed(_unfinished(loaded, customer, when), customer, period)
    made = billing.bill(_records(loaded, customer, when))
    by = getpass.getuser()
    with database.changing() as session:
        closed = periods.close(session, customer, period, when, currency, made, by, at)
        # Within the transaction: no close is without its entry.
        Audit.of(loaded, now).add(
            "period.closed", by=by, period=period, messages=sum(t.messages for t in closed.totals)
        )
    return closed


def _unfinished(loaded: Config, customer: str, when: Span) -> Any:
    path = control.where("unfinished", customer, since=when.since, until=when.until)
    try:
        return control.ask(loaded.control, "GET", path)
    except NotRunning:
        return uvloop.run(_at_rest(loaded, customer, when))


async def _at_rest(loaded: Config, customer: str, when: Span) -> Any:
    """The same of a server that does not run: recovered, asked, and put away again."""
    from smsc.app import resting

    async with resting(loaded) as app:
        return await app.unfinished.of(customer.encode(), *when)


def _nothing_owed(found: Any, customer: str, period: str) -> None:
    if found["owed"]:
        named = ", ".join(found["ids"])
        more = ", ..." if found["owed"] > len(found["ids"]) else ""
        raise BillingError(
            f"{period} of {customer} can't be closed: {found['owed']} of its messages are not"
            f" finished, {found['in_doubt']} of them in doubt: {named}{more}"
        )


def _records(loaded: Config, customer: str, when: Span) -> Iterator[Any]:
    directory = Path(loaded.traffic.directory)
    if not traffic.periods(directory):
        return iter(())
    keys = keyring(loaded, read_only=True)
    return billing.records(directory, keys, customer.encode(), when)


# -- what is shown -------------------------------------------------------------------------------


def _told(period: Period) -> dict[str, Any]:
    return {
        "customer": period.customer,
        "period": period.period,
        "state": "closed",
        "closed": moment(period.closed_at),
        "closed_by": period.closed_by,
        "currency": period.currency,
        "amount": money.decimal(sum(total.amount for total in period.totals)),
        "totals": [
            {
                "direction": total.direction,
                "network": total.network or None,
                "price": None if total.price is None else money.decimal(total.price),
                "messages": total.messages,
                "segments": total.segments,
                "amount": money.decimal(total.amount),
            }
            for total in period.totals
        ],
    }


def _csv(rows: Iterable[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(out, row, lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
    return out.getvalue()


# -- commands ------------------------------------------------------------------------------------


def _close(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    with opened(loaded) as database:
        show(_told(close(loaded, database, options.customer, options.period, now())), options.json)
    return 0


def _show(options: argparse.Namespace) -> int:
    with opened(reading.load(options.config)) as database, database.reading() as session:
        customers.get(session, options.customer)
        found = [_told(period) for period in periods.every(session, options.customer)]
    if options.period is not None:
        found = [period for period in found if period["period"] == options.period]
        if not found:
            raise BillingError(f"{options.period} of {options.customer} is not closed")
        show(found[0], options.json)
    else:
        show([period | {"totals": len(period["totals"])} for period in found], options.json)
    return 0


def _export(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    with opened(loaded) as database, database.reading() as session:
        row = customers.get(session, options.customer)
        closed = periods.get(session, options.customer, options.period)
        if closed is None:
            raise BillingError(f"{options.period} of {options.customer} is not closed")
        told = _told(closed)
        items = _items(loaded, row, closed) if options.itemised else None
    if options.format == "json":
        print(json.dumps(told if items is None else told | {"items": items}, indent=2))
    else:
        head = {"customer": told["customer"], "period": told["period"]}
        lines = [head | total for total in told["totals"]] if items is None else items
        print(_csv(lines), end="")
    return 0


def _items(loaded: Config, row: Customer, closed: Period) -> list[dict[str, Any]]:
    if row.itemised_since is None or row.itemised_since >= closed.until:
        raise BillingError(
            f"{row.reference} did not ask for itemised statements before {closed.period} was over"
        )
    found = _records(loaded, row.reference, Span(closed.since, closed.until))
    open_ = cases.read(loaded)
    hidden = cases.hides(open_, accounts_of(loaded)) if open_ else None
    made = billing.items(found, row.itemised_since, zone(row.time_zone), hidden)
    return [
        item | {"amount": None if item["amount"] is None else money.decimal(item["amount"])}
        for item in made
    ]


def add_commands(commands: Any) -> None:
    """Add ``billing`` to a parser's sub-commands."""
    group = noun(commands, "billing", "close billing periods, show and export what they came to")
    for name, run, about in (
        ("close", _close, "store a period's totals; refused while messages of it are not finished"),
        ("show", _show, "show closed periods, or one with its totals"),
        ("export", _export, "print a closed period for an invoicing system"),
    ):
        one = group.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        one.add_argument("customer", metavar="CUSTOMER")
        a_period = " or ".join(EXAMPLES.values())
        optional = {"nargs": "?"} if name == "show" else {}
        one.add_argument("period", metavar="PERIOD", help=a_period, **optional)
        one.add_argument("--config", metavar="FILE", default=CONFIG)
        one.set_defaults(run=run)
        if name == "export":
            one.add_argument("--format", choices=("csv", "json"), default="csv")
            one.add_argument(
                "--itemised",
                action="store_true",
                help="every message, for customers who asked beforehand",
            )
        else:
            one.add_argument("--json", action="store_true", help="for programs")
