"""What the database has of a user, a customer, or a number that somebody had something sent to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from smsc import money, traffic
from smsc.db import users
from smsc.db.model import (
    ApiKey,
    Consent,
    Credit,
    Customer,
    Order,
    Period,
    SmppAccount,
    User,
)
from smsc.rights.stored import Row, moment
from smsc.subject import NUMBER, Subject


def of_user(session: Session, email: str) -> dict[str, list[Row]]:
    """A person's registration, consent and orders."""

    row = users.get(session, email)
    found = session.scalars(select(Order).where(Order.user_id == row.id).order_by(Order.id))
    return {
        "registration": [_user(row)],
        "consents": [_consent(row.consent)],
        "orders": [order(one, None) for one in found],
    }


def of_customer(session: Session, reference: str) -> dict[str, list[Row]]:
    """A contract, and all that hangs on it."""

    row = session.get(Customer, reference)
    if row is None:  # of the configuration file
        return {}

    def theirs(table: Any) -> Any:
        return session.scalars(select(table).where(table.customer == reference))

    registered = list(theirs(User))
    return {
        "contract": [
            {
                "reference": row.reference,
                "name": row.name,
                "contract_start": str(row.contract_start),
                "contract_end": None if row.contract_end is None else str(row.contract_end),
                "time_zone": row.time_zone,
                "price_plan": row.plan,
                "created": moment(row.created_at),
            }
        ],
        "accounts": [
            {
                "system_id": one.system_id,
                "may_bind": one.enabled and one.removed_at is None,
                "settings": one.settings,
                "created": moment(one.created_at),
            }
            for one in theirs(SmppAccount)
        ],
        "api_keys": [
            {"name": one.name, "created": moment(one.created_at), "revoked": moment(one.revoked_at)}
            for one in theirs(ApiKey)
        ],
        "registration": [_user(one) for one in registered],
        "consents": [_consent(one.consent) for one in registered],
        "payments": [
            {"at": moment(one.at), "amount": money.decimal(one.amount), "note": one.note}
            for one in theirs(Credit)
        ],
        "periods": [
            {
                "period": one.period,
                "closed": moment(one.closed_at),
                "messages": sum(total.messages for total in one.totals),
                "amount": money.decimal(sum(total.amount for total in one.totals)),
                "currency": one.currency,
            }
            for one in theirs(Period)
        ],
        "orders": [order(one, None) for one in theirs(Order)],
    }


def _user(row: User) -> Row:
    return {
        "email": row.email,
        "name": row.name,
        "customer": row.customer,
        "role": row.role,
        "may_log_in": row.enabled,
        "created": moment(row.created_at),
    }


def _consent(row: Consent) -> Row:
    return {
        "version": row.version,
        "text_sha256": row.text_sha256,
        "given": moment(row.given_at),
        "recorded_by": row.recorded_by,
    }


def order(row: Order, about: Subject | None) -> Row:
    """An order as its customer sees it, or as one of its recipients does."""
    masked = [traffic.masked(number.encode()).decode() for number in row.recipients]
    return {
        "created": moment(row.created_at),
        "done": moment(row.done_at),
        "state": row.state,
        "from": row.sender,
        "to": [about.value] if about else masked,
        "text": row.text,
    }


def orders_to(session: Session, about: Subject) -> list[Order]:
    """The orders that have this number among their recipients."""

    return [
        row
        for row in session.scalars(select(Order).order_by(Order.id))
        if any(is_same(number, about) for number in row.recipients)
    ]


def is_same(text: str, about: Subject) -> bool:
    """Whether what a person wrote is this number."""
    try:
        return Subject.read(NUMBER, text) == about
    except ValueError:
        return False
