"""Consents: that somebody agreed to being registered, to which text, and until when.

They say nothing of the person, and so outlive what the database has of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from smsc.db import users
from smsc.db.model import Consent, User
from smsc.errors import DatabaseError


def get(session: Session, id: int) -> Consent:
    """The consent. Raises DatabaseError if there is none."""
    found = session.get(Consent, id)
    if found is None:
        raise DatabaseError(f"there is no consent {id}")
    return found


def every(session: Session, version: str | None = None) -> Sequence[Consent]:
    """All consents, or those to one version of the text, the oldest first."""
    query = select(Consent).order_by(Consent.id)
    if version is not None:
        query = query.where(Consent.version == version)
    return session.scalars(query).all()


def renew(
    session: Session, email: str, version: str, text: bytes, recorded_by: str, now: int
) -> Consent:
    """Take down that a user agreed to another text; what they agreed to before is over."""
    user = users.get(session, email)
    given = users.consent(session, version, text, recorded_by, now)
    user.consent.withdrawn_at = now
    user.consent = given
    return given


def withdraw(session: Session, id: int, now: int) -> bool:
    """Note that a consent is withdrawn; whether there was a user of it, who is deleted with it."""
    found = get(session, id)
    if found.withdrawn_at is not None:
        raise DatabaseError(f"consent {id} is withdrawn already")
    user = session.scalars(select(User).where(User.consent_id == id)).one_or_none()
    if user is None:
        found.withdrawn_at = now
        return False
    users.remove(session, user.email, now)
    return True
