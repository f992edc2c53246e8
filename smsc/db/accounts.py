"""SMPP accounts: rights to bind, with the keys an account has in the configuration file.

A removed account's row stays: what it is still owed goes on under its customer, and its system_id
is given to nobody else, who would get its receipts. For the same reason none changes its customer.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from smsc import accounts, reading, schema
from smsc.config import AccountConfig
from smsc.db import customers, snapshot
from smsc.db.model import SmppAccount
from smsc.errors import ConfigError, DatabaseError

#: As long as SMPP lets one be (3.4 5.2.2), of characters that nobody mistakes for another: 46 bits.
PASSWORD_LENGTH = 8
PASSWORD_CHARACTERS = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1lI")))

#: Keys that have columns of their own.
COLUMNS = frozenset(("system_id", "password_hash", "password_file", "customer", "enabled"))

#: What may be set.
SETTINGS = sorted(set(schema.specs_of(AccountConfig)) - COLUMNS)


def password() -> str:
    """A new password, as random as SMPP's eight characters can be."""
    return "".join(secrets.choice(PASSWORD_CHARACTERS) for _ in range(PASSWORD_LENGTH))


def settings(words: Iterable[str]) -> dict[str, Any]:
    """``rate=50/s``, ``allowed_addresses=[192.0.2.0/24]``: YAML behind the key; none unsets it."""
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise DatabaseError(f"{word!r} must be KEY=VALUE")
        if key in COLUMNS:
            raise DatabaseError(f"{key} has an option of its own: see --help")
        try:
            found[key] = yaml.load(text, yaml.BaseLoader) or None
        except yaml.YAMLError:
            raise DatabaseError(f"{key}: {text!r} is no YAML") from None
    return found


def get(session: Session, system_id: str) -> SmppAccount:
    """The account, removed or not. Raises DatabaseError if there is none."""
    found = session.get(SmppAccount, system_id)
    if found is None:
        raise DatabaseError(f"there is no account {system_id} in the database")
    return found


def every(session: Session, customer: str | None = None) -> Sequence[SmppAccount]:
    """All accounts that are not removed, or those of a customer, by system_id."""
    query = select(SmppAccount).where(SmppAccount.removed_at.is_(None))
    if customer is not None:
        query = query.where(SmppAccount.customer == customer)
    return session.scalars(query.order_by(SmppAccount.system_id)).all()


def add(
    session: Session,
    system_id: str,
    customer: str,
    password: str,
    changes: Mapping[str, Any],
    now: int,
) -> SmppAccount:
    """A new account; ``changes`` as ``settings`` reads them."""
    known = session.get(SmppAccount, system_id)
    if known is not None:
        raise DatabaseError(_taken(known))
    customers.get(session, customer)
    made = SmppAccount(
        system_id=system_id, customer=customer, enabled=True, settings={}, created_at=now
    )
    _set_password(made, password)
    _set(made, changes)
    session.add(made)
    return made


def change(
    session: Session,
    system_id: str,
    changes: Mapping[str, Any],
    *,
    enabled: bool | None = None,
    password: str | None = None,
) -> SmppAccount:
    """Set what is given."""
    found = get(session, system_id)
    if found.removed_at is not None:
        raise DatabaseError(_taken(found))
    if enabled is not None:
        found.enabled = enabled
    if password is not None:
        _set_password(found, password)
    _set(found, changes)
    return found


def remove(session: Session, system_id: str, now: int) -> None:
    """Let an account bind no more, for good. What it is owed goes on."""
    found = get(session, system_id)
    if found.removed_at is not None:
        raise DatabaseError(_taken(found))
    found.removed_at = now


def _taken(known: SmppAccount) -> str:
    if known.removed_at is None:
        return f"there is an account {known.system_id} already"
    return f"account {known.system_id} was removed; its name is not given again"


def _set_password(account: SmppAccount, password: str) -> None:
    try:
        account.password_hash = accounts.hash_password(password)
    except ValueError as error:
        raise DatabaseError(str(error)) from None


def _set(account: SmppAccount, changes: Mapping[str, Any]) -> None:
    outbind = changes.get("outbind")
    if isinstance(outbind, Mapping) and "password" in outbind:
        raise DatabaseError("outbind.password: no secret is kept in clear; name a password_file")
    merged = {**account.settings, **changes}
    account.settings = {key: value for key, value in merged.items() if value is not None}
    try:
        reading.account(snapshot.fields(account), f"account {account.system_id}")
    except ConfigError as error:
        raise DatabaseError(str(error)) from None
