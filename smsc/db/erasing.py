"""What of a person's the database lets go, and what it keeps for now (privacy.md R7, R10, R12).

An order goes once it is done and its period closed. A registration goes at once, and with it the
consent ends. The contract stays until it is terminated, and its totals hold nothing personal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from smsc.db import orders, users
from smsc.db.model import Order, User
from smsc.errors import DatabaseError
from smsc.subject import CUSTOMER, NUMBER, USER, Subject


class Left(NamedTuple):
    """What stays: how many of what, and why."""

    what: str
    how_many: int
    why: str


def erase(session: Session, about: Subject, at: int, now: int) -> tuple[dict[str, int], list[Left]]:
    """Delete what may go of what there was at a time; counts of what went, and what stays."""
    theirs = [
        row
        for row in session.scalars(select(Order).where(Order.created_at <= at).order_by(Order.id))
        if _is_of(session, row, about)
    ]
    gone = {"orders": 0, "registrations": 0}
    unbilled = working = 0
    for row in theirs:
        if row.done_at is None:
            working += 1
        elif not orders.is_billed(session, row):
            unbilled += 1
        else:
            _forget(session, row, about)
            gone["orders"] += 1
    if about.kind == USER:
        try:
            users.remove(session, about.value, now)
            gone["registrations"] = 1
        except DatabaseError:
            pass  # gone before: only orders were left
    left = [
        Left("orders", working, "they are being worked on"),
        Left("orders", unbilled, "they are not billed yet"),
    ]
    return gone, [one for one in left if one.how_many]


def names(session: Session, about: Subject) -> set[str]:
    """What else access logs call a user."""
    found = select(User.id).where(User.email == about.value)
    return {str(id) for id in session.scalars(found)} if about.kind == USER else set()


def _is_of(session: Session, row: Order, about: Subject) -> bool:
    if about.kind == CUSTOMER:
        return row.customer == about.value
    if about.kind == USER:
        user = session.get(User, row.user_id) if row.user_id is not None else None
        return user is not None and user.email == about.value
    return any(map(_same(about), row.recipients))


def _same(about: Subject) -> Callable[[str], bool]:
    def same(text: str) -> bool:
        try:
            return Subject.read(NUMBER, text) == about
        except ValueError:
            return False

    return same


def _forget(session: Session, row: Order, about: Subject) -> None:
    """The order, or, for one of its recipients, what it has of them."""
    if about.kind == NUMBER:
        same = _same(about)
        row.recipients = [number for number in row.recipients if not same(number)]
        if row.recipients:
            return
    session.delete(row)
