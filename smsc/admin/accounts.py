"""``smsc account``: SMPP accounts in the database."""

from __future__ import annotations

import argparse
from typing import Any

from sqlalchemy.orm import Session

from smsc.admin.commands import enabling, look, noun, verb
from smsc.admin.words import Row, argument, asked_password, moment, now, shown_once, system_id
from smsc.db import accounts
from smsc.db.model import SmppAccount


def _account(row: SmppAccount) -> Row:
    return {
        "system_id": row.system_id,
        "customer": row.customer,
        "enabled": row.enabled,
        "removed": moment(row.removed_at),
        "settings": row.settings,
    }


def _account_options(parser: argparse.ArgumentParser, customer: bool) -> None:
    parser.add_argument("--customer", metavar="REFERENCE", required=customer, help="who is billed")
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


def _account_add(options: argparse.Namespace, session: Session) -> Any:
    changes = accounts.settings(options.settings)
    password = asked_password() if options.ask_password else accounts.password()
    row = accounts.add(session, options.system_id, options.customer, password, changes, now())
    return _account(row) | shown_once(options.ask_password, password)


def _account_change(options: argparse.Namespace, session: Session) -> Any:
    password = None
    if options.ask_password or options.new_password:
        password = asked_password() if options.ask_password else accounts.password()
    row = accounts.change(
        session,
        options.system_id,
        accounts.settings(options.settings),
        customer=options.customer,
        enabled=options.enabled,
        password=password,
    )
    return _account(row) | ({} if password is None else shown_once(options.ask_password, password))


def _account_remove(options: argparse.Namespace, session: Session) -> Any:
    accounts.remove(session, options.system_id, now())
    return {"removed": options.system_id}


def add_commands(commands: Any) -> None:
    """Add them to a parser's sub-commands."""
    group = noun(commands, "account", "SMPP accounts in the database")

    def listed(options: argparse.Namespace, session: Session) -> Any:
        return [_account(row) for row in accounts.every(session, options.customer)]

    def shown(options: argparse.Namespace, session: Session) -> Any:
        return _account(accounts.get(session, options.system_id))

    parser = look(group, "list", listed, "list all accounts")
    parser.add_argument("--customer", metavar="REFERENCE", help="those of one customer")
    named = {"metavar": "SYSTEM_ID", "type": argument(system_id)}
    parser = verb(group, "add", _account_add, "make an account; its password is shown once")
    parser.add_argument("system_id", **named)  # type: ignore[arg-type]
    _account_options(parser, customer=True)
    parser = look(group, "show", shown, "show an account")
    parser.add_argument("system_id", **named)  # type: ignore[arg-type]
    parser = verb(group, "change", _account_change, "change what is given")
    parser.add_argument("system_id", **named)  # type: ignore[arg-type]
    _account_options(parser, customer=False)
    parser.add_argument("--new-password", action="store_true", help="make one up and show it once")
    enabling(parser, "let it bind, or unbind it and refuse it")
    parser = verb(group, "remove", _account_remove, "unbind it for good; what it is owed goes on")
    parser.add_argument("system_id", **named)  # type: ignore[arg-type]
