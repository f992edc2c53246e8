"""``smsc key``: keys for the HTTP API."""

from __future__ import annotations

import argparse
from typing import Any

from sqlalchemy.orm import Session

from smsc.admin.commands import look, noun, verb
from smsc.admin.words import Row, moment, now
from smsc.db import api_keys
from smsc.db.model import ApiKey


def _row(row: ApiKey) -> Row:
    return {
        "id": row.id,
        "customer": row.customer,
        "name": row.name,
        "created": moment(row.created_at),
        "removed": moment(row.revoked_at),
    }


def _add(options: argparse.Namespace, session: Session) -> Any:
    row, key = api_keys.add(session, options.customer, options.name, now())
    return _row(row) | {"key": key, "note": "shown this once; only its hash is kept"}


def _change(options: argparse.Namespace, session: Session) -> Any:
    return _row(api_keys.change(session, options.id, options.name))


def _remove(options: argparse.Namespace, session: Session) -> Any:
    api_keys.remove(session, options.id, now())
    return {"removed": options.id}


def add_commands(commands: Any) -> None:
    """Add them to a parser's sub-commands."""
    group = noun(commands, "key", "keys for the HTTP API")

    def listed(options: argparse.Namespace, session: Session) -> Any:
        return [_row(row) for row in api_keys.every(session, options.customer)]

    def shown(options: argparse.Namespace, session: Session) -> Any:
        return _row(api_keys.get(session, options.id))

    parser = look(group, "list", listed, "list all keys")
    parser.add_argument("--customer", metavar="REFERENCE", help="those of one customer")
    parser = verb(group, "add", _add, "make a key, which is shown once")
    parser.add_argument("customer", metavar="REFERENCE", help="the customer whose it is")
    parser.add_argument("--name", required=True, help="what it is for")
    look(group, "show", shown, "show a key, which itself nobody knows").add_argument("id")
    parser = verb(group, "change", _change, "call a key otherwise")
    parser.add_argument("id")
    parser.add_argument("--name", required=True)
    verb(group, "remove", _remove, "let a key open nothing any more").add_argument("id")
