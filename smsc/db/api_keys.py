"""API keys: rights to call the HTTP API. A key is random, and is known only to whom it was shown.

A removed key's row stays, so that an access log that names it can still be understood.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from smsc.db import customers
from smsc.db.model import ApiKey
from smsc.errors import DatabaseError


def get(session: Session, id: str) -> ApiKey:
    """The key, removed or not. Raises DatabaseError if there is none."""
    found = session.get(ApiKey, id)
    if found is None:
        raise DatabaseError(f"there is no API key {id}")
    return found


def every(session: Session, customer: str | None = None) -> Sequence[ApiKey]:
    """All keys that are not removed, or those of a customer, the oldest first."""
    query = select(ApiKey).where(ApiKey.revoked_at.is_(None))
    if customer is not None:
        query = query.where(ApiKey.customer == customer)
    return session.scalars(query.order_by(ApiKey.created_at, ApiKey.id)).all()


def add(session: Session, customer: str, name: str, now: int) -> tuple[ApiKey, str]:
    """A new key, and what is to be shown once."""
    customers.get(session, customer)
    id = secrets.token_hex(8)
    key = f"smsc_{id}_{secrets.token_urlsafe(32)}"
    # As random as a hash is long: there is nothing to guess, and so no need for a slow one.
    sha256 = hashlib.sha256(key.encode()).hexdigest()
    made = ApiKey(id=id, customer=customer, name=name, sha256=sha256, created_at=now)
    session.add(made)
    return made, key


def change(session: Session, id: str, name: str) -> ApiKey:
    """Call a key otherwise."""
    found = _usable(session, id)
    found.name = name
    return found


def remove(session: Session, id: str, now: int) -> None:
    """Let a key open nothing any more, for good."""
    _usable(session, id).revoked_at = now


def _usable(session: Session, id: str) -> ApiKey:
    found = get(session, id)
    if found.revoked_at is not None:
        raise DatabaseError(f"API key {id} was removed")
    return found
