"""``smsc user``: people who log in."""

from __future__ import annotations

import argparse
import getpass
import secrets
from typing import Any

from sqlalchemy.orm import Session

from smsc import cases, reading
from smsc.admin.commands import enabling, look, noun, verb
from smsc.admin.words import Row, asked_password, moment, now, octets, shown_once
from smsc.db import users
from smsc.db.model import User
from smsc.subject import USER


def _row(row: User) -> Row:
    return {
        "email": row.email,
        "name": row.name,
        "customer": row.customer,
        "role": row.role,
        "enabled": row.enabled,
        "consent": row.consent.version,
        "consent_given": moment(row.consent.given_at),
    }


def _add(options: argparse.Namespace, session: Session) -> Any:
    text = octets(options.consent_text)
    given = users.consent(session, options.consent, text, getpass.getuser(), now())
    password = asked_password() if options.ask_password else secrets.token_urlsafe(18)
    row = users.add(
        session, given, options.email, options.name, options.role, options.customer, password,
        now(),
    )  # fmt: skip
    session.flush()
    return _row(row) | shown_once(options.ask_password, password)


def _change(options: argparse.Namespace, session: Session) -> Any:
    password = asked_password() if options.ask_password else None
    row = users.change(
        session,
        options.email,
        name=options.name,
        role=options.role,
        enabled=options.enabled,
        password=password,
    )
    return _row(row)


def _remove(options: argparse.Namespace, session: Session) -> Any:
    users.remove(session, options.email, now())
    return {"removed": options.email}


def add_commands(commands: Any) -> None:
    """Add them to a parser's sub-commands."""
    group = noun(commands, "user", "people who log in")

    def listed(options: argparse.Namespace, session: Session) -> Any:
        open_ = cases.read(reading.load(options.config))
        blocked = {case.subject.value for case in open_ if case.subject.kind == USER}
        found = users.every(session, options.customer)
        return [_row(row) for row in found if row.email not in blocked]

    def shown(options: argparse.Namespace, session: Session) -> Any:
        return _row(users.get(session, options.email))

    parser = look(group, "list", listed, "list all users")
    parser.add_argument("--customer", metavar="REFERENCE", help="those of one customer")
    parser = verb(group, "add", _add, "register a person who has agreed to it")
    parser.add_argument("email", metavar="EMAIL")
    parser.add_argument("--name", metavar="NAME", required=True)
    parser.add_argument("--role", required=True, help="admin, billing, support, privacy; of a"
                        " customer: owner, member")  # fmt: skip
    parser.add_argument(
        "--customer", metavar="REFERENCE", help="none: one of the operator's people"
    )
    parser.add_argument("--consent", metavar="VERSION", required=True, help="of the text agreed to")
    parser.add_argument("--consent-text", metavar="FILE", required=True, help="that text")
    asked = {"action": "store_true", "help": "ask for a password, or read it from standard input"}
    parser.add_argument("--ask-password", **asked)  # type: ignore[arg-type]
    parser = look(group, "show", shown, "show a user")
    parser.add_argument("email", metavar="EMAIL")
    parser = verb(group, "change", _change, "change what is given")
    parser.add_argument("email", metavar="EMAIL")
    parser.add_argument("--name", metavar="NAME")
    parser.add_argument("--role")
    parser.add_argument("--ask-password", **asked)  # type: ignore[arg-type]
    enabling(parser, "let them log in, or not")
    parser = verb(group, "remove", _remove, "delete a user; the consent is withdrawn")
    parser.add_argument("email", metavar="EMAIL")
