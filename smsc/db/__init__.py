"""The database: what is small, edited by people, and known before the first message comes.

Customers and their contracts, accounts, users, prices, billing periods and their totals, orders,
consents, holds and disclosures. Never a message: those are the keeper's log and the traffic log.
SQLite by default, PostgreSQL by URL; the same tests run on both.

    model       the tables
    database    a connection: its schema's version, transactions, the revision that a change moves
    customers, accounts, users, consents, api_keys, orders, prices, holds
                what may be done to the rows, and what is refused
    snapshot    rows into the immutable accounts that the message path works on
    kept        the last snapshot on disk, to start with while the database is away
    watch       a running server's snapshot: read anew when the revision is another

Everything here blocks and runs off the loop. Nothing of the message path imports it: it is handed a
snapshot, and goes on with the last one while the database is away.

SQLAlchemy is loaded only where there is a database: it costs each command half a second, and a
server some 30 MiB.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from smsc.accounts import Accounts
from smsc.config import Config
from smsc.facts import FileFacts
from smsc.retention import Facts


def accounts_of(config: Config) -> Accounts:
    """All accounts, for when no server is running to be asked."""
    if not config.database.url:
        return Accounts(config.accounts)
    from smsc.db import snapshot
    from smsc.db.facts import read

    with read(config.database) as session:
        return snapshot.read(session, config.accounts).accounts


def customer_of(config: Config) -> Callable[[bytes], bytes]:
    """Whose an account is, for when no server is running to be asked."""
    accounts = accounts_of(config)

    def customer(account: bytes) -> bytes:
        owner = accounts.get(account)
        return account if owner is None else owner.config.customer

    return customer


def facts_of(config: Config) -> Facts:
    """The database's where there is one, else those of a file in ``retention.directory``."""
    if config.database.url:
        from smsc.db.facts import DatabaseFacts

        return DatabaseFacts(config.database)
    return FileFacts(Path(config.retention.directory) / "facts")
