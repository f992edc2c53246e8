"""Users: people who log in. Nothing of a person is stored before their consent is (R10)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import argon2
from sqlalchemy import select
from sqlalchemy.orm import Session

from smsc.accounts import HASHER
from smsc.db import customers
from smsc.db.model import CUSTOMER_ROLES, OPERATOR_ROLES, Consent, User
from smsc.errors import DatabaseError

#: What NIST SP 800-63B asks of a password that is the only factor, and the bound it suggests.
MIN_PASSWORD, MAX_PASSWORD = 15, 256


def consent(session: Session, version: str, text: bytes, recorded_by: str, now: int) -> Consent:
    """Take down that a person agreed to this version of this text. Comes before ``add``."""
    if not text.strip():
        raise DatabaseError("the text that was agreed to is empty")
    given = Consent(
        version=version,
        text_sha256=hashlib.sha256(text).hexdigest(),
        given_at=now,
        recorded_by=recorded_by,
    )
    session.add(given)
    session.flush()
    return given


def get(session: Session, email: str) -> User:
    """The user. Raises DatabaseError if there is none."""
    found = session.scalars(select(User).where(User.email == _folded(email))).one_or_none()
    if found is None:
        raise DatabaseError("there is no such user")
    return found


def every(session: Session, customer: str | None = None) -> Sequence[User]:
    """All users, or those of a customer, by address."""
    query = select(User).order_by(User.email)
    return session.scalars(query.where(User.customer == customer) if customer else query).all()


def add(
    session: Session,
    given: Consent,
    email: str,
    name: str,
    role: str,
    customer: str | None,
    password: str,
    now: int,
) -> User:
    """A new user, whose consent is there already."""
    if customer is not None:
        customers.get(session, customer)
    _fits(role, customer)
    if session.scalars(select(User.id).where(User.email == _folded(email))).first() is not None:
        raise DatabaseError("there is a user of this address already")
    made = User(
        consent_id=given.id,
        email=_folded(email),
        name=name,
        role=role,
        customer=customer,
        password_hash=_hashed(password),
        enabled=True,
        created_at=now,
    )
    session.add(made)
    return made


def change(
    session: Session,
    email: str,
    *,
    name: str | None = None,
    role: str | None = None,
    enabled: bool | None = None,
    password: str | None = None,
) -> User:
    """Set what is given."""
    found = get(session, email)
    if role is not None:
        _fits(role, found.customer)
        found.role = role
    if name is not None:
        found.name = name
    if enabled is not None:
        found.enabled = enabled
    if password is not None:
        found.password_hash = _hashed(password)
    return found


def correct(
    session: Session, email: str, *, name: str | None = None, fresh: str | None = None
) -> User:
    """Set a name or an address right."""
    found = change(session, email, name=name)
    if fresh is not None:
        address = _folded(fresh)
        taken = select(User.id).where(User.email == address, User.id != found.id)
        if session.scalars(taken).first() is not None:
            raise DatabaseError("there is a user of this address already")
        found.email = address
    return found


def remove(session: Session, email: str, now: int) -> None:
    """Delete all there is of a user; that they once agreed, and until when, stays."""
    found = get(session, email)
    found.consent.withdrawn_at = now
    session.delete(found)


def matches(user: User, password: str) -> bool:
    """Whether this is the user's password. Takes some 20 ms of CPU."""
    try:
        return HASHER.verify(user.password_hash, password)
    except argon2.exceptions.VerifyMismatchError:
        return False


def _folded(email: str) -> str:
    """An address as it is kept: nobody should have two that differ in case alone."""
    email = email.strip().lower()
    local, at, host = email.rpartition("@")
    if not (local and at and "." in host) or len(email) > 254 or not email.isprintable():
        raise DatabaseError("that is no e-mail address")
    return email


def _fits(role: str, customer: str | None) -> None:
    allowed = OPERATOR_ROLES if customer is None else CUSTOMER_ROLES
    if role not in allowed:
        whose = "the operator's people" if customer is None else "a customer's people"
        raise DatabaseError(f"{role} is no role of {whose}: {', '.join(allowed)}")


def _hashed(password: str) -> str:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise DatabaseError(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    return HASHER.hash(password)
