"""``smsc order``: what users had sent. Numbers are shown cut, and texts not at all."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from smsc import traffic
from smsc.admin.commands import look, noun, verb
from smsc.admin.words import Row, argument, moment, now
from smsc.db import orders
from smsc.db.model import Order
from smsc.errors import DatabaseError
from smsc.subject import NUMBER, Subject


def _row(row: Order) -> Row:
    return {
        "id": row.id,
        "customer": row.customer,
        "state": row.state,
        "created": moment(row.created_at),
        "done": moment(row.done_at),
        "recipients": len(row.recipients),
    }


def _whole(row: Order) -> Row:
    recipients = [{"to": _cut(number)} for number in row.recipients]
    about = {"sender": _cut(row.sender), "characters": len(row.text)}
    return _row(row) | about | {"recipients": recipients}


def _cut(number: str) -> str:
    return traffic.masked(number.encode()).decode()


def sender(text: str) -> str:
    """A number, or a name of eleven characters."""
    if not (1 <= len(text) <= 20 and text.isascii() and text.isprintable()):
        raise ValueError("a sender has 1 to 20 printable ASCII characters")
    return text


def _lines(file: str) -> str:
    try:
        return Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no text"
        raise DatabaseError(f"{file}: {why}") from None


def _numbers(file: str) -> list[str]:
    found = []
    for line, text in enumerate(_lines(file).splitlines(), start=1):
        if text.strip():
            try:
                found.append(Subject.read(NUMBER, text).value)
            except ValueError as error:
                raise DatabaseError(f"{file}:{line}: {error}") from None
    return found


def _add(options: argparse.Namespace, session: Session) -> Any:
    text, recipients = _lines(options.text), _numbers(options.recipients)
    return _row(
        orders.add(session, options.customer, options.user, options.sender, text, recipients, now())
    )


def _change(options: argparse.Namespace, session: Session) -> Any:
    return _row(orders.change(session, options.id, options.state, now()))


def _remove(options: argparse.Namespace, session: Session) -> Any:
    orders.remove(session, options.id)
    return {"removed": options.id}


def add_commands(commands: Any) -> None:
    """Add them to a parser's sub-commands."""
    group = noun(commands, "order", "what users had sent")

    def listed(options: argparse.Namespace, session: Session) -> Any:
        return [_row(row) for row in orders.every(session, options.customer)]

    def shown(options: argparse.Namespace, session: Session) -> Any:
        return _whole(orders.get(session, options.id))

    parser = look(group, "list", listed, "list all orders")
    parser.add_argument("--customer", metavar="REFERENCE", help="those of one customer")
    parser = verb(group, "add", _add, "take down an order")
    parser.add_argument("customer", metavar="REFERENCE")
    parser.add_argument("--user", metavar="EMAIL", help="whose it is; none: nobody in particular")
    parser.add_argument("--sender", required=True, type=argument(sender))
    # Neither is an option itself: the list of processes would show it.
    parser.add_argument("--text", metavar="FILE", required=True, help="what is to be sent")
    parser.add_argument(
        "--recipients", metavar="FILE", required=True, help="numbers with country code, one a line"
    )
    numbered: dict[str, Any] = {"type": int, "metavar": "ID"}
    look(group, "show", shown, "show an order").add_argument("id", **numbered)
    parser = verb(group, "change", _change, "note how far an order is")
    parser.add_argument("id", **numbered)
    parser.add_argument("--state", choices=("working", "done"), required=True)
    parser = verb(group, "remove", _remove, "delete all there is of an order that is billed")
    parser.add_argument("id", **numbered)
