"""``smsc customer``: contracts, caps and payments."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from smsc import control, money, reading
from smsc.admin.commands import look, noun, verb, whose
from smsc.admin.words import Row, amount, argument, cycle, day, limit, moment, now, place
from smsc.db import customers
from smsc.db.model import Customer
from smsc.errors import ControlError, DatabaseError
from smsc.rights import terminate

#: As a customer of a new contract is entered if nothing else is said.
TIME_ZONE = "UTC"


#: Options of a customer, by the column they set.
CUSTOMER: Mapping[str, tuple[str, Callable[[str], Any], str, str]] = {
    "name": ("--name", str, "NAME", "as invoices name them"),
    "contract_start": ("--start", day, "DATE", "first day of the contract"),
    "contract_end": ("--end", day, "DATE", "last day of the contract; none: open"),
    "time_zone": ("--time-zone", place, "ZONE", "whose days and months are billed"),
    "cycle": ("--cycle", cycle, "CYCLE", "how often they are billed: month or week"),
    "plan": ("--plan", str, "PLAN", "price plan; none: not rated"),
    "cap_day": ("--cap-day", limit, "AMOUNT", "the most a day may cost; none: no cap"),
    "cap_month": ("--cap-month", limit, "AMOUNT", "the most a month may cost; none: no cap"),
}


def _row(row: Customer, session: Session) -> Row:
    return {
        "reference": row.reference,
        "name": row.name,
        "contract_start": str(row.contract_start),
        "contract_end": None if row.contract_end is None else str(row.contract_end),
        "time_zone": row.time_zone,
        "billing_cycle": row.cycle,
        "itemised_since": moment(row.itemised_since),
        "price_plan": row.plan,
        "prepaid": row.prepaid,
        "credited": amount(customers.credited(session, row.reference)),
        "cap_day": amount(row.cap_day),
        "cap_month": amount(row.cap_month),
    }


def _options(parser: argparse.ArgumentParser) -> None:
    for column, (option, read, metavar, text) in CUSTOMER.items():
        parser.add_argument(
            option,
            dest=column,
            type=argument(read),
            metavar=metavar,
            default=argparse.SUPPRESS,
            help=text,
        )
    for name, text in (
        ("--prepaid", "take messages only as far as the credit goes"),
        ("--itemised", "wishes itemised statements from now on"),
    ):
        parser.add_argument(
            name, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=text
        )


def _fields(options: argparse.Namespace, row: Customer | None) -> dict[str, Any]:
    given = vars(options)
    fields = {name: given[name] for name in (*CUSTOMER, "prepaid") if name in given}
    if "itemised" in given:
        since = row.itemised_since if row is not None else None
        fields["itemised_since"] = (since or now()) if given["itemised"] else None
    return fields


def _add(options: argparse.Namespace, session: Session) -> Any:
    fields = _fields(options, None)
    fields = {"contract_start": date.today(), "time_zone": TIME_ZONE} | fields
    if not fields.get("name"):
        raise DatabaseError("--name is missing")
    return _row(customers.add(session, options.reference, now(), **fields), session)


def _change(options: argparse.Namespace, session: Session) -> Any:
    row = customers.get(session, options.reference)
    fields = _fields(options, row)
    for column in ("name", "contract_start", "time_zone", "cycle"):
        if column in fields and not fields[column]:
            raise DatabaseError(f"{CUSTOMER[column][0]} can't be none")
    return _row(customers.change(session, options.reference, **fields), session)


def _credit(options: argparse.Namespace, session: Session) -> Any:
    total = customers.credit(session, options.reference, options.amount, options.note, now())
    return {"reference": options.reference, "credited": amount(total)}


def _remove(options: argparse.Namespace, session: Session) -> Any:
    customers.remove(session, options.reference)
    return {"removed": options.reference}


def _purse(file: str, row: Customer) -> Row:
    """What the running server says they spent; nothing without one, or of who has no purse."""
    if not row.prepaid and row.cap_day is None and row.cap_month is None:
        return {}
    try:
        path = control.where("purses", row.reference)
        purse = control.ask(reading.load(file).control, "GET", path)
    except ControlError:
        return {}
    return {name: amount(purse[name]) for name in ("spent", "reserved")}


def add_commands(commands: Any) -> None:
    """Add them to a parser's sub-commands."""
    group = noun(commands, "customer", "customers: contracts, caps, payments")

    def listed(_: argparse.Namespace, session: Session) -> Any:
        return [_row(row, session) for row in customers.every(session)]

    def shown(options: argparse.Namespace, session: Session) -> Any:
        row = customers.get(session, options.reference)
        return _row(row, session) | _purse(options.config, row)

    look(group, "list", listed, "list all customers")
    _options(parser := verb(group, "add", _add, "enter a customer"))
    whose(parser)
    whose(look(group, "show", shown, "show a customer"))
    _options(parser := verb(group, "change", _change, "change what is given"))
    whose(parser)
    parser = verb(group, "credit", _credit, "take down what a customer paid ahead")
    whose(parser)
    parser.add_argument(
        "amount", metavar="AMOUNT", type=argument(money.amount), help="below 0: paid back"
    )
    parser.add_argument("--note", metavar="TEXT", default="", help="the payment's reference")
    whose(verb(group, "remove", _remove, "take back one entered by mistake"))
    terminate.add_command(group)
