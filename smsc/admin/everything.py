"""All of these commands, for the command line; and what ``smsc check`` says of the database."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from smsc import agreement, reading
from smsc.admin import (
    accounts,
    api_keys,
    billing,
    consents,
    customers,
    holds,
    orders,
    prices,
    users,
)
from smsc.admin.commands import CONFIG, noun
from smsc.admin.words import now
from smsc.audit import Audit, operator
from smsc.config import Config
from smsc.db import snapshot
from smsc.db.database import closing, opened


def add_commands(commands: Any) -> None:
    """Add all of them to a parser's sub-commands."""
    for one in (customers, accounts, users, consents, api_keys, orders, prices, billing, holds):
        one.add_commands(commands)
    group = noun(commands, "database", "the database itself")
    parser = group.add_parser("upgrade", help="bring its schema to this version")
    parser.add_argument("--config", metavar="FILE", default=CONFIG)
    parser.set_defaults(run=_upgrade)
    parser = group.add_parser("accept", help="take it as it is, though an older copy was put back")
    parser.add_argument("--config", metavar="FILE", default=CONFIG)
    parser.set_defaults(run=_accept)


def _upgrade(options: argparse.Namespace) -> int:
    with closing(reading.load(options.config)) as database:
        database.upgrade()
    print("the database is of this version")
    return 0


def _accept(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    with closing(loaded) as database:
        number = database.accept()
    Audit.of(loaded, now).add("database.accepted", by=operator(), revision=number)
    print(f"the database counts as it is, from revision {number} on")
    return 0


def warnings(loaded: Config) -> Iterable[str]:
    """What is not as it should be between a sound configuration and its database."""
    with opened(loaded) as database, database.reading() as session:
        found = snapshot.read(session, loaded.accounts)
    yield from found.problems
    known = {account.system_id for account in found.accounts}
    for key, message in agreement.unknown_accounts(loaded, known):
        yield f"{key}: {message}"
