"""What the database has of a subject: their row, and what hangs on it."""

from __future__ import annotations

from typing import Any

from smsc.config import Config
from smsc.rights.acting import ClaimError
from smsc.subject import CUSTOMER, NUMBER, USER, Subject

Row = dict[str, Any]


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


def must_be_in_the_database(loaded: Config, about: Subject) -> None:
    """Raises ClaimError for a customer of the configuration file, which ends there."""
    if not loaded.database.url:
        raise ClaimError("customers are in the configuration file: take their accounts out there")
    if about.octets in {account.customer for account in loaded.accounts}:
        raise ClaimError(
            f"{about.value} has accounts in the configuration file: take them out first"
        )
    from smsc.db import customers
    from smsc.db.database import opened

    with opened(loaded) as database, database.reading() as session:
        customers.get(session, about.value)


def block(loaded: Config, about: Subject) -> None:
    """A user may not log in any more."""
    if about.kind == USER:
        from smsc.db import users
        from smsc.db.database import opened

        with opened(loaded) as database, database.changing() as session:
            users.change(session, about.value, enabled=False)


def correct(loaded: Config, about: Subject, fields: dict[str, str]) -> None:
    """Set name and address right."""
    if not loaded.database.url:
        raise ClaimError("customers are in the configuration file: correct them there")
    from smsc.db import customers, users
    from smsc.db.database import opened

    with opened(loaded) as database, database.changing() as session:
        if about.kind == USER:
            users.correct(session, about.value, name=fields.get("name"), fresh=fields.get("email"))
        elif "email" in fields:
            raise ClaimError("a customer has no address here, but its users have")
        else:
            customers.change(session, about.value, **fields)


def rows(loaded: Config, about: Subject) -> dict[str, list[Row]]:
    """All that the database has of them, by the kind of thing; nothing without a database."""
    if not loaded.database.url:
        return {}
    from smsc.db.database import opened
    from smsc.rights import rows

    with opened(loaded) as database, database.reading() as session:
        if about.kind == USER:
            return rows.of_user(session, about.value)
        if about.kind == CUSTOMER:
            return rows.of_customer(session, about.value)
        return {"orders": [rows.order(row, about) for row in rows.orders_to(session, about)]}


def names(loaded: Config, about: Subject) -> set[str]:
    """What access logs call them."""
    if about.kind == CUSTOMER:
        return {about.value}
    if about.kind == NUMBER:
        return set()
    from smsc.db import users
    from smsc.db.database import opened

    with opened(loaded) as database, database.reading() as session:
        return {about.value, str(users.get(session, about.value).id)}
