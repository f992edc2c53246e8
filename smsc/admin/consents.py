"""``smsc consent``: who agreed to what, without their names."""

from __future__ import annotations

import argparse
from typing import Any

from sqlalchemy.orm import Session

from smsc.admin.commands import look, noun, verb
from smsc.admin.words import Row, moment, now, octets
from smsc.audit import operator
from smsc.db import consents
from smsc.db.model import Consent


def _row(row: Consent) -> Row:
    return {
        "id": row.id,
        "version": row.version,
        "given": moment(row.given_at),
        "recorded_by": row.recorded_by,
        "withdrawn": moment(row.withdrawn_at),
        "text_sha256": row.text_sha256,
    }


def _add(options: argparse.Namespace, session: Session) -> Any:
    text = octets(options.text)
    return _row(consents.renew(session, options.email, options.version, text, operator(), now()))


def _remove(options: argparse.Namespace, session: Session) -> Any:
    had_user = consents.withdraw(session, options.id, now())
    return {"withdrawn": options.id, "user": "deleted" if had_user else None}


def add_commands(commands: Any) -> None:
    """Add them to a parser's sub-commands.

    A first consent comes with its user (``user add``), and none is ever changed.
    """
    group = noun(commands, "consent", "what people agreed to when they were registered")

    def listed(options: argparse.Namespace, session: Session) -> Any:
        return [_row(row) for row in consents.every(session, options.version)]

    def shown(options: argparse.Namespace, session: Session) -> Any:
        return _row(consents.get(session, options.id))

    parser = look(group, "list", listed, "list all consents")
    parser.add_argument("--version", help="those to one version of the text")
    numbered: dict[str, Any] = {"type": int, "metavar": "ID"}
    look(group, "show", shown, "show a consent").add_argument("id", **numbered)
    parser = verb(group, "add", _add, "take down that a user agreed to another text")
    parser.add_argument("email", metavar="EMAIL")
    parser.add_argument("--version", required=True, help="of the text agreed to")
    parser.add_argument("--text", metavar="FILE", required=True, help="that text")
    parser = verb(group, "remove", _remove, "withdraw a consent; its user is deleted with it")
    parser.add_argument("id", **numbered)
