"""``smsc account``: SMPP accounts in the database."""

from __future__ import annotations

import argparse
from typing import Any

from sqlalchemy.orm import Session

from smsc.admin.commands import enabling, look, noun, verb
from smsc.admin.words import Row, argument, asked_password, moment, now, shown_once, system_id
from smsc.db import accounts
from smsc.db.model import SmppAccount


def _row(row: SmppAccount) -> Row:
    return {
        "system_id": row.system_id,
        "customer": row.customer,
        "enabled": row.enabled,
        "removed": moment(row.removed_at),
        "settings": row.settings,
    }


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ask-password",
        action="store_true",
        help="ask for the password, or read it from standard input, instead of making one up",
    )
    parser.add_argument(
        "--set",
        dest="settings",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help=f"as in the configuration file; KEY= for the default: {', '.join(accounts.SETTINGS)}",
    )


def _add(options: argparse.Namespace, session: Session) -> Any:
    changes = accounts.settings(options.settings)
    password = asked_password() if options.ask_password else accounts.password()
    row = accounts.add(session, options.system_id, options.customer, password, changes, now())
    return _row(row) | shown_once(options.ask_password, password)


def _change(options: argparse.Namespace, session: Session) -> Any:
    password = None
    if options.ask_password or options.new_password:
        password = asked_password() if options.ask_password else accounts.password()
    row = accounts.change(
        session,
        options.system_id,
        accounts.settings(options.settings),
        enabled=options.enabled,
        password=password,
    )
    return _row(row) | ({} if password is None else shown_once(options.ask_password, password))


def _remove(options: argparse.Namespace, session: Session) -> Any:
    accounts.remove(session, options.system_id, now())
    return {"removed": options.system_id}


def add_commands(commands: Any) -> None:
    """Add them to a parser's sub-commands."""
    group = noun(commands, "account", "SMPP accounts in the database")

    def listed(options: argparse.Namespace, session: Session) -> Any:
        return [_row(row) for row in accounts.every(session, options.customer)]

    def shown(options: argparse.Namespace, session: Session) -> Any:
        return _row(accounts.get(session, options.system_id))

    parser = look(group, "list", listed, "list all accounts")
    parser.add_argument("--customer", metavar="REFERENCE", help="those of one customer")
    named = {"metavar": "SYSTEM_ID", "type": argument(system_id)}
    parser = verb(group, "add", _add, "make an account; its password is shown once")
    parser.add_argument("system_id", **named)  # type: ignore[arg-type]
    parser.add_argument(
        "--customer", metavar="REFERENCE", required=True, help="who is billed, for good"
    )
    _options(parser)
    parser = look(group, "show", shown, "show an account")
    parser.add_argument("system_id", **named)  # type: ignore[arg-type]
    parser = verb(group, "change", _change, "change what is given")
    parser.add_argument("system_id", **named)  # type: ignore[arg-type]
    _options(parser)
    parser.add_argument("--new-password", action="store_true", help="make one up and show it once")
    enabling(parser, "let it bind, or unbind it and refuse it")
    parser = verb(group, "remove", _remove, "unbind it for good; what it is owed goes on")
    parser.add_argument("system_id", **named)  # type: ignore[arg-type]
