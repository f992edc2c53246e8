"""What the database has of a subject: their row, and what hangs on it."""

from __future__ import annotations

from smsc.config import Config
from smsc.rights.acting import ClaimError
from smsc.subject import NUMBER, USER, Subject


def must_be(loaded: Config, about: Subject) -> None:
    """Raises DatabaseError for a user or customer that is not there, so that no typo is a case."""
    if about.kind == NUMBER:
        return
    if not loaded.database.url:
        if about.kind == USER:
            raise ClaimError("users are in a database, and there is none: database.url")
        if about.octets not in {account.customer for account in loaded.accounts}:
            raise ClaimError(f"there is no customer {about.value}")
        return
    from smsc.db import customers, users
    from smsc.db.database import opened

    with opened(loaded) as database, database.reading() as session:
        if about.kind == USER:
            users.get(session, about.value)
        elif about.octets not in {account.customer for account in loaded.accounts}:
            customers.get(session, about.value)


def block(loaded: Config, about: Subject) -> None:
    """A user may not log in any more."""
    if about.kind == USER:
        from smsc.db import users
        from smsc.db.database import opened

        with opened(loaded) as database, database.changing() as session:
            users.change(session, about.value, enabled=False)
