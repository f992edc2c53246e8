"""The register of what authorities asked for and were given: four eyes, and an end to each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from smsc.db.model import Disclosure
from smsc.errors import DatabaseError


def every(session: Session) -> Sequence[Disclosure]:
    """All of them, the oldest first."""
    return session.scalars(select(Disclosure).order_by(Disclosure.id)).all()


def get(session: Session, reference: str) -> Disclosure:
    """The entry. Raises DatabaseError if there is none."""
    query = select(Disclosure).where(Disclosure.reference == reference)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise DatabaseError(f"there is no request {reference} in the register")
    return found


def check(
    session: Session,
    reference: str,
    agency: str,
    legal_basis: str,
    scope: dict[str, Any],
    checker: str,
    now: int,
    expires: int,
) -> Disclosure:
    """Enter a request whose form and ground somebody has checked."""
    query = select(Disclosure.id).where(Disclosure.reference == reference)
    if session.scalars(query).first() is not None:
        raise DatabaseError(f"there is a request {reference} in the register already")
    made = Disclosure(
        reference=reference,
        agency=agency,
        legal_basis=legal_basis,
        scope=scope,
        checker=checker,
        created_at=now,
        expires_at=expires,
    )
    session.add(made)
    return made


def may_release(session: Session, reference: str, by: str, now: int) -> Disclosure:
    """The entry, if this person may release it now. Raises DatabaseError."""
    found = get(session, reference)
    if found.released_at is not None:
        raise DatabaseError(f"{reference} was released by {found.releaser}: it is done once")
    if found.checker == by:
        raise DatabaseError(f"{by} has checked {reference}; somebody else releases it")
    if now >= found.expires_at:
        raise DatabaseError(f"{reference} has expired: it is to be checked anew")
    return found


def is_open(session: Session, reference: str, now: int) -> bool:
    """Whether it may still be released."""
    query = select(Disclosure).where(Disclosure.reference == reference)
    found = session.scalars(query).one_or_none()
    return found is not None and found.released_at is None and now < found.expires_at
