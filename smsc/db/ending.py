"""The rows of a customer whose contract ends: who may come in no more, and what goes when.

``begin`` at once, ``release`` when nothing is owed and all is billed, ``finish`` when the traffic
data is gone. The customer's row stays, without a name, for the totals and payments that tax law has
kept refer to it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from smsc.db import customers, users
from smsc.db.model import ApiKey, Credit, Order, SmppAccount, User
from smsc.zones import zone


def begin(session: Session, reference: str, now: int) -> None:
    """No bind, no log-in, no call of the API; the contract ends today, if it has not ended."""
    row = customers.get(session, reference)
    local = zone(row.time_zone).local(now)
    today = datetime.fromtimestamp(local / 1_000, UTC).date()
    end = today if row.contract_end is None else min(row.contract_end, today)
    row.contract_end = max(end, row.contract_start)
    for table in (SmppAccount, User):
        session.execute(update(table).where(table.customer == reference).values(enabled=False))
    session.execute(
        update(ApiKey)
        .where(ApiKey.customer == reference, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def release(session: Session, reference: str, now: int) -> dict[str, int]:
    """Registrations, with their consents' end, API keys and orders; how many of each."""
    theirs = session.scalars(select(User).where(User.customer == reference)).all()
    gone = {"orders": 0, "API keys": 0, "registrations": len(theirs)}
    for table, what in ((Order, "orders"), (ApiKey, "API keys")):
        found = session.execute(delete(table).where(table.customer == reference))
        gone[what] = found.rowcount  # type: ignore[attr-defined]
    for user in theirs:
        users.remove(session, user.email, now)
    return gone


def finish(session: Session, reference: str) -> dict[str, int]:
    """Accounts, and whatever names the customer otherwise than by its reference."""
    row = customers.get(session, reference)
    row.name, row.plan, row.itemised_since = row.reference, None, None
    row.prepaid, row.cap_day, row.cap_month = False, None, None
    session.execute(update(Credit).where(Credit.customer == reference).values(note=""))
    found = session.execute(delete(SmppAccount).where(SmppAccount.customer == reference))
    return {"accounts": found.rowcount}  # type: ignore[attr-defined]
