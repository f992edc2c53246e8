"""``smsc price``: price plans and their prices."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from smsc.admin.commands import look, noun, verb
from smsc.admin.words import Row, amount, argument, day, limit, reference
from smsc.db import prices
from smsc.db.model import PricePlan


def _plan(row: PricePlan) -> Row:
    return {"plan": row.name, "currency": row.currency, "charged": row.charged}


def _prices(row: PricePlan) -> list[Row]:
    return [
        {
            "destination": price.destination,
            "direction": price.direction,
            "amount": amount(price.amount),
            "from": None if price.since == prices.EVER else str(price.since),
            "until": None if price.until is None else str(price.until),
        }
        for price in sorted(row.prices, key=lambda p: (p.direction, p.destination, p.since))
    ]


def _add(options: argparse.Namespace, session: Session) -> Any:
    row = prices.plan(session, options.plan, options.currency, options.charged)
    return _plan(row)


def _change(options: argparse.Namespace, session: Session) -> Any:
    prices.enter(
        session,
        options.plan,
        options.destination,
        options.amount,
        options.direction,
        options.since or prices.EVER,
    )
    return _show(options, session)


def _show(options: argparse.Namespace, session: Session) -> Any:
    row = prices.get(session, options.plan)
    return _plan(row) | {"prices": _prices(row)}


def _remove(options: argparse.Namespace, session: Session) -> Any:
    prices.remove(session, options.plan, options.destination, options.direction)
    return {"removed": options.destination or options.plan}


def add_commands(commands: Any) -> None:
    """Add them to a parser's sub-commands."""
    group = noun(commands, "price", "price plans and their prices")

    def listed(_: argparse.Namespace, session: Session) -> Any:
        return [_plan(row) for row in prices.every(session)]

    look(group, "list", listed, "list all price plans")
    parser = verb(group, "add", _add, "make a price plan")
    parser.add_argument("plan", metavar="PLAN", type=argument(reference))
    parser.add_argument("--currency", required=True, help="of ISO 4217, like EUR")
    parser.add_argument(
        "--charged",
        choices=("submitted", "delivered"),
        default="submitted",
        help="the state at which a message costs (%(default)s)",
    )
    parser = look(group, "show", _show, "show a price plan and its prices")
    parser.add_argument("plan", metavar="PLAN")
    parser = verb(group, "change", _change, "set the price of a destination from a day on")
    parser.add_argument("plan", metavar="PLAN")
    _where(parser, {})
    parser.add_argument("amount", metavar="AMOUNT", type=argument(limit), help="per segment")
    parser.add_argument("--from", dest="since", metavar="DATE", type=argument(day))
    parser = verb(group, "remove", _remove, "take back a destination's newest price, or a plan")
    parser.add_argument("plan", metavar="PLAN")
    _where(parser, {"nargs": "?"})


def _where(parser: argparse.ArgumentParser, how: Mapping[str, Any]) -> None:
    parser.add_argument(
        "destination", metavar="DESTINATION", help="262-01 or 262-* (network), 49, or *", **how
    )
    parser.add_argument("--direction", choices=("out", "in"), default="out", help="%(default)s")
