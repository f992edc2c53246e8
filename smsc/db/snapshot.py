"""Rows into what the message path works on: an immutable ``Accounts``.

What is used of the database is first taken out of it as plain values (``Rows``), and then made into
accounts, so that the same is made of values that were kept while the database is away (``kept``).

The accounts of the configuration file come first and win: the file is what an operator can mend
with an editor while the database is away. What can't be used of the database costs nobody else
anything: it is left out, and said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from smsc import reading
from smsc.accounts import Accounts
from smsc.config import AccountConfig
from smsc.db.model import Credit, Customer, PricePlan, Revision, SmppAccount
from smsc.errors import ConfigError
from smsc.periods import Calendar, Cycles
from smsc.rating import Plan, Price, Tariff
from smsc.zones import UTC, Zone, zone

#: Of a customer, what a tariff and a calendar are made of.
_CUSTOMER = ("reference", "time_zone", "cycle", "plan", "prepaid", "cap_day", "cap_month")
_PRICE = ("direction", "destination", "amount", "since", "until")


class Rows(NamedTuple):
    """What is used of the database, as JSON can hold it. No secret but as its hash."""

    revision: int
    #: When it was taken, ms.
    at: int
    #: Accounts with the keys and values that they would have in the file.
    accounts: list[dict[str, Any]]
    #: ``_CUSTOMER`` and ``credited``.
    customers: list[dict[str, Any]]
    #: ``name``, ``currency``, ``charged``, and ``prices`` with ``_PRICE``.
    plans: list[dict[str, Any]]


#: What of the database an account was read from, and the account; by system_id.
Known = Mapping[str, tuple[dict[str, Any], AccountConfig]]
NOBODY: Known = MappingProxyType({})


class Snapshot(NamedTuple):
    """The accounts, and in words what of the database could not be used."""

    accounts: Accounts
    problems: tuple[str, ...]
    known: Known


def read(session: Session, fixed: Iterable[AccountConfig]) -> Snapshot:
    """What is in the database now, behind the ``fixed`` accounts of the file."""
    return made(taken(session, 0), fixed)


# -- rows ----------------------------------------------------------------------------------------


def taken(session: Session, now: int) -> Rows:
    """What is in the database now."""
    # The number first: a change in between is then met again.
    revision = session.scalars(select(Revision.number)).one()
    sums = select(Credit.customer, func.sum(Credit.amount)).group_by(Credit.customer)
    paid = {customer: int(total) for customer, total in session.execute(sums)}
    return Rows(
        revision=revision,
        at=now,
        accounts=[
            fields(row) for row in session.scalars(select(SmppAccount).order_by("system_id"))
        ],
        customers=[
            _values(row, _CUSTOMER) | {"credited": paid.get(row.reference, 0)}
            for row in session.scalars(select(Customer).order_by("reference"))
        ],
        plans=[
            _values(row, ("name", "currency", "charged"))
            | {"prices": [_values(price, _PRICE) for price in row.prices]}
            for row in session.scalars(select(PricePlan).order_by("name"))
        ],
    )


def _values(row: object, names: Iterable[str]) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }


def fields(row: SmppAccount) -> dict[str, Any]:
    """An account with the keys and values that it would have in the file."""
    return row.settings | {
        "system_id": row.system_id,
        "password_hash": row.password_hash,
        "customer": row.customer,
        "enabled": str(row.enabled and row.removed_at is None).lower(),
    }


# -- what is made of them ------------------------------------------------------------------------


def made(rows: Rows, fixed: Iterable[AccountConfig], before: Known = NOBODY) -> Snapshot:
    """The accounts of these rows, behind the ``fixed`` ones of the file.

    What is as it was ``before`` is not read anew: of a thousand accounts few have changed.
    """
    found = list(fixed)
    taken = {account.system_id.decode() for account in found}
    problems: list[str] = []
    known: dict[str, tuple[dict[str, Any], AccountConfig]] = {}
    for account in rows.accounts:
        name = account["system_id"]
        if name in taken:
            problems.append(f"account {name}: the one in the configuration file wins")
            continue
        values, config = before.get(name, (None, None))
        if config is None or values != account:
            try:
                config = reading.account(account, f"account {name}")
            except ConfigError as error:
                problems.append(f"{error}; it can't bind")
                continue
        known[name] = account, config
        found.append(config)
    zones = {row["reference"]: _zone(row, problems) for row in rows.customers}
    cycles = {
        row["reference"].encode(): Cycles(row["cycle"], zones[row["reference"]])
        for row in rows.customers
    }
    accounts = Accounts(found, _tariffs(rows, zones), Calendar(cycles))
    return Snapshot(accounts, tuple(problems), known)


def _zone(customer: dict[str, Any], problems: list[str]) -> Zone:
    try:
        return zone(customer["time_zone"])
    except ValueError as error:  # of a machine that knows more zones
        problems.append(f"customer {customer['reference']}: {error}; it is UTC until then")
        return UTC


def _tariffs(rows: Rows, zones: dict[str, Zone]) -> dict[bytes, Tariff]:
    """What every customer with a price plan pays."""
    plans = {plan["name"]: _plan(plan) for plan in rows.plans}
    return {
        row["reference"].encode(): Tariff(
            customer=row["reference"].encode(),
            plan=plans[row["plan"]],
            zone=zones[row["reference"]],
            prepaid=row["prepaid"],
            credited=row["credited"],
            cap_day=row["cap_day"],
            cap_month=row["cap_month"],
        )
        for row in rows.customers
        if row["plan"] is not None
    }


def _plan(plan: dict[str, Any]) -> Plan:
    return Plan(plan["currency"], plan["charged"], map(_price, plan["prices"]))


def _price(row: dict[str, Any]) -> Price:
    since, until = row["since"], row["until"]
    return Price(
        row["direction"],
        row["destination"],
        row["amount"],
        date.fromisoformat(since),
        None if until is None else date.fromisoformat(until),
    )
