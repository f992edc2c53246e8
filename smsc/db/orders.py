"""Orders: what a user had sent, in a history that is theirs to delete once it is billed (R7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from smsc.db import customers, periods, users
from smsc.db.model import Order
from smsc.errors import DatabaseError
from smsc.periods import Span, closed_at

State = Literal["new", "working", "done"]

#: What may follow on what: an order goes on, and never back.
_NEXT: Final[dict[str, tuple[str, ...]]] = {"new": ("working", "done"), "working": ("done",)}


def get(session: Session, id: int) -> Order:
    """The order. Raises DatabaseError if there is none."""
    found = session.get(Order, id)
    if found is None:
        raise DatabaseError(f"there is no order {id}")
    return found


def every(session: Session, customer: str | None = None) -> Sequence[Order]:
    """All orders, or those of a customer, the oldest first."""
    query = select(Order).order_by(Order.id)
    if customer is not None:
        query = query.where(Order.customer == customer)
    return session.scalars(query).all()


def add(
    session: Session,
    customer: str,
    user: str | None,
    sender: str,
    text: str,
    recipients: Sequence[str],
    now: int,
) -> Order:
    """A new order, of a user by e-mail address or of nobody in particular."""
    customers.get(session, customer)
    by = None if user is None else users.get(session, user)
    if by is not None and by.customer != customer:
        raise DatabaseError("that user is none of this customer's people")
    if not text.strip():
        raise DatabaseError("an order without a text")
    if not recipients:
        raise DatabaseError("an order without recipients")
    made = Order(
        customer=customer,
        user_id=None if by is None else by.id,
        created_at=now,
        state="new",
        sender=sender,
        text=text,
        recipients=list(recipients),
    )
    session.add(made)
    session.flush()
    return made


def change(session: Session, id: int, state: State, now: int) -> Order:
    """An order gets on."""
    found = get(session, id)
    if state != found.state:
        if state not in _NEXT.get(found.state, ()):
            raise DatabaseError(f"order {id} is {found.state}, so it can't become {state}")
        found.state = state
        found.done_at = now if state == "done" else None
    return found


def remove(session: Session, id: int) -> None:
    """Delete all there is of an order. Raises DatabaseError, saying why, while it is needed."""
    found = get(session, id)
    if found.done_at is None:
        raise DatabaseError(f"order {id} is in work: it can be deleted when it is done and billed")
    if not is_billed(session, found):
        raise DatabaseError(
            f"order {id} is not billed: it can be deleted when its period is closed"
        )
    session.delete(found)


def is_billed(session: Session, row: Order) -> bool:
    """Whether an order is done, and all periods closed that its messages may be in."""
    if row.done_at is None:
        return False
    closed = [
        (Span(one.since, one.until), one.closed_at) for one in periods.every(session, row.customer)
    ]
    # All its messages were accepted within this.
    return closed_at(Span(row.created_at, row.done_at + 1), closed) is not None
