"""Rows into what the message path works on: an immutable ``Accounts``.

The accounts of the configuration file come first and win: the file is what an operator can mend
with an editor while the database is away. What can't be used of the database costs nobody else
anything: it is left out, and said.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from smsc import reading
from smsc.accounts import Accounts
from smsc.config import AccountConfig
from smsc.db.model import Credit, Customer, PricePlan, SmppAccount
from smsc.errors import ConfigError
from smsc.rating import Plan, Price, Tariff
from smsc.zones import zone


class Snapshot(NamedTuple):
    """The accounts, and in words what of the database could not be used."""

    accounts: Accounts
    problems: tuple[str, ...]


def read(session: Session, fixed: Iterable[AccountConfig]) -> Snapshot:
    """What is in the database now, behind the ``fixed`` accounts of the file."""
    found = list(fixed)
    taken = {account.system_id.decode() for account in found}
    problems = []
    for row in session.scalars(select(SmppAccount).order_by(SmppAccount.system_id)):
        if row.system_id in taken:
            problems.append(f"account {row.system_id}: the one in the configuration file wins")
            continue
        try:
            found.append(reading.account(fields(row), f"account {row.system_id}"))
        except ConfigError as error:
            problems.append(f"{error}; it can't bind")
    return Snapshot(Accounts(found, tariffs(session)), tuple(problems))


def tariffs(session: Session) -> dict[bytes, Tariff]:
    """What every customer with a price plan pays."""
    plans = {row.name: _plan(row) for row in session.scalars(select(PricePlan))}
    sums = select(Credit.customer, func.sum(Credit.amount)).group_by(Credit.customer)
    paid = {customer: int(total) for customer, total in session.execute(sums)}
    return {
        row.reference.encode(): Tariff(
            customer=row.reference.encode(),
            plan=plans[row.plan],
            zone=zone(row.time_zone),
            prepaid=row.prepaid,
            credited=paid.get(row.reference, 0),
            cap_day=row.cap_day,
            cap_month=row.cap_month,
        )
        for row in session.scalars(select(Customer).where(Customer.plan.is_not(None)))
        if row.plan is not None
    }


def _plan(row: PricePlan) -> Plan:
    charged: Any = row.charged
    found: Any = ((p.direction, p.destination, p.amount, p.since, p.until) for p in row.prices)
    return Plan(row.currency, charged, (Price(*fields) for fields in found))


def fields(row: SmppAccount) -> dict[str, Any]:
    """An account with the keys and values that it would have in the file."""
    return row.settings | {
        "system_id": row.system_id,
        "password_hash": row.password_hash,
        "customer": row.customer,
        "enabled": str(row.enabled and row.removed_at is None).lower(),
    }
