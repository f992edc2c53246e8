"""The tables. A constraint that can be said to the database is said here, and holds for everybody.

Times are milliseconds since the epoch, UTC; dates are days of a contract, in the customer's time
zone. Money is a whole number of 1/10000 of the currency's unit. Secrets are kept as hashes only.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from smsc.periods import Cycle

#: Names of constraints, so that a migration can name what it changes on either engine.
NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

#: SQLite numbers rows by itself only where the key is an INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")

#: What a person of each role may do is the business of who asks; a customer's person has the last
#: two, an operator's one of the others.
OPERATOR_ROLES = ("admin", "billing", "support", "privacy")
CUSTOMER_ROLES = ("owner", "member")


def _one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {int: BigInteger, dict[str, Any]: JSON, list[str]: JSON}


class Revision(Base):
    """One row: a number that every change to what the message path uses moves."""

    __tablename__ = "revisions"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    number: Mapped[int]


class PricePlan(Base):
    """A list of prices, their currency, and the state at which a message is charged."""

    __tablename__ = "price_plans"
    __table_args__ = (CheckConstraint(_one_of("charged", ("submitted", "delivered")), "charged"),)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3))
    charged: Mapped[str] = mapped_column(String(16))
    prices: Mapped[list[Price]] = relationship(cascade="all, delete-orphan", order_by="Price.id")


class Price(Base):
    """Of one segment of a text, from a day on and until the day before another."""

    __tablename__ = "prices"
    __table_args__ = (
        CheckConstraint(_one_of("direction", ("out", "in")), "direction"),
        CheckConstraint("amount >= 0", "amount"),
        CheckConstraint("until > since", "order"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan: Mapped[str] = mapped_column(ForeignKey("price_plans.name"), index=True)
    direction: Mapped[str] = mapped_column(String(3))
    #: A network (``262-01``, ``262``), the first digits of a number (``49``), or ``*``.
    destination: Mapped[str] = mapped_column(String(20))
    amount: Mapped[int]
    since: Mapped[date]
    until: Mapped[date | None]


class Customer(Base):
    """Who is billed: one contract."""

    __tablename__ = "customers"
    __table_args__ = (
        CheckConstraint(_one_of("cycle", ("month", "week")), "cycle"),
        CheckConstraint("contract_end >= contract_start", "contract"),
        CheckConstraint("cap_day >= 0", "cap_day"),
        CheckConstraint("cap_month >= 0", "cap_month"),
        CheckConstraint("NOT prepaid OR plan IS NOT NULL", "prepaid"),
    )
    #: As the traffic records and invoices name it.
    reference: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    contract_start: Mapped[date]
    #: The last day.
    contract_end: Mapped[date | None]
    time_zone: Mapped[str] = mapped_column(String(64))
    cycle: Mapped[Cycle] = mapped_column(String(16))
    #: Since when an itemised statement is wished: it covers what was accepted from then on.
    itemised_since: Mapped[int | None]
    plan: Mapped[str | None] = mapped_column(ForeignKey("price_plans.name"), index=True)
    #: Messages are only taken as far as the credit goes.
    prepaid: Mapped[bool]
    #: The most that a day and a month may cost.
    cap_day: Mapped[int | None]
    cap_month: Mapped[int | None]
    created_at: Mapped[int]
    credits: Mapped[list[Credit]] = relationship(order_by="Credit.id")


class Credit(Base):
    """Money that a prepaid customer paid in, or got back (below 0). Never changed or removed."""

    __tablename__ = "credits"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer: Mapped[str] = mapped_column(ForeignKey("customers.reference"), index=True)
    amount: Mapped[int]
    at: Mapped[int]
    note: Mapped[str] = mapped_column(String(200))


class SmppAccount(Base):
    """A right to bind. ``settings`` are the other keys of an account in the YAML file, as there."""

    __tablename__ = "accounts"
    system_id: Mapped[str] = mapped_column(String(15), primary_key=True)
    customer: Mapped[str] = mapped_column(ForeignKey("customers.reference"), index=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    enabled: Mapped[bool]
    settings: Mapped[dict[str, Any]]
    created_at: Mapped[int]
    #: Its row stays, so that what it still owes goes on, and its name is given to nobody else.
    removed_at: Mapped[int | None]


class ApiKey(Base):
    """A right to call the HTTP API. The key is random, so a plain SHA-256 of it keeps it secret."""

    __tablename__ = "api_keys"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    customer: Mapped[str] = mapped_column(ForeignKey("customers.reference"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[int]
    revoked_at: Mapped[int | None]


class Consent(Base):
    """That a person agreed to being registered: to which text, when, and who took it down.

    It says nothing of the person, so it outlives their data as the proof that these were rightly
    kept.
    """

    __tablename__ = "consents"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    version: Mapped[str] = mapped_column(String(64))
    text_sha256: Mapped[str] = mapped_column(String(64))
    given_at: Mapped[int]
    recorded_by: Mapped[str] = mapped_column(String(100))
    withdrawn_at: Mapped[int | None]


class User(Base):
    """A person who may log in. There is none without a consent: the database sees to that."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint(
            f"(customer IS NULL AND {_one_of('role', OPERATOR_ROLES)})"
            f" OR (customer IS NOT NULL AND {_one_of('role', CUSTOMER_ROLES)})",
            "role",
        ),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    #: Their customer; none for the operator's own people.
    customer: Mapped[str | None] = mapped_column(ForeignKey("customers.reference"), index=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(200))
    consent_id: Mapped[int] = mapped_column(ForeignKey("consents.id"), unique=True)
    enabled: Mapped[bool]
    created_at: Mapped[int]
    consent: Mapped[Consent] = relationship()


class Period(Base):
    """A billing period that was closed. Its totals hold no number and no text."""

    __tablename__ = "billing_periods"
    customer: Mapped[str] = mapped_column(ForeignKey("customers.reference"), primary_key=True)
    #: As ``2026-11``.
    period: Mapped[str] = mapped_column(String(10), primary_key=True)
    since: Mapped[int]
    until: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    closed_at: Mapped[int]
    closed_by: Mapped[str] = mapped_column(String(100))
    totals: Mapped[list[Total]] = relationship(
        cascade="all, delete-orphan", order_by="Total.id", lazy="selectin"
    )


class Total(Base):
    """What a closed period came to, for one network, direction and price."""

    __tablename__ = "billing_totals"
    __table_args__ = (
        ForeignKeyConstraint(
            ["customer", "period"], ["billing_periods.customer", "billing_periods.period"]
        ),
        Index("ix_billing_totals_period", "customer", "period"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer: Mapped[str] = mapped_column(String(64))
    period: Mapped[str] = mapped_column(String(10))
    network: Mapped[str] = mapped_column(String(16))
    direction: Mapped[str] = mapped_column(String(3))
    #: Of a segment; NULL for messages that no price plan rated.
    price: Mapped[int | None]
    messages: Mapped[int]
    segments: Mapped[int]
    amount: Mapped[int]


class Order(Base):
    """What a user had sent from the web pages, until they delete it or it is billed."""

    __tablename__ = "orders"
    __table_args__ = (CheckConstraint(_one_of("state", ("new", "working", "done")), "state"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer: Mapped[str] = mapped_column(ForeignKey("customers.reference"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[int]
    done_at: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(16))
    sender: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text)
    recipients: Mapped[list[str]]


class Hold(Base):
    """What must not be deleted for now: why, who says so, who agrees, and when to look again."""

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint(_one_of("reason", ("dispute", "block", "legal")), "reason"),
        CheckConstraint("approver <> creator", "approver"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer: Mapped[str] = mapped_column(ForeignKey("customers.reference"), index=True)
    #: One period; NULL for all.
    period: Mapped[str | None] = mapped_column(String(10))
    #: Pseudonyms of the numbers it is about; NULL for all.
    pseudonyms: Mapped[list[str] | None]
    reason: Mapped[str] = mapped_column(String(16))
    case_id: Mapped[str] = mapped_column(String(100))
    creator: Mapped[str] = mapped_column(String(100))
    approver: Mapped[str | None] = mapped_column(String(100))
    review_on: Mapped[date]
    created_at: Mapped[int]
    ended_at: Mapped[int | None]


class Disclosure(Base):
    """What an authority was given: on which ground, checked by one, released by another.

    Whose data it was stands in an open case (``smsc.cases``) until it is released or has expired,
    and then nowhere.
    """

    __tablename__ = "disclosures"
    __table_args__ = (CheckConstraint("releaser <> checker", "releaser"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    reference: Mapped[str] = mapped_column(String(100), unique=True)
    agency: Mapped[str] = mapped_column(String(200))
    legal_basis: Mapped[str] = mapped_column(String(200))
    #: What was asked for: ``kind`` of subject, ``what`` of theirs, ``since`` and ``until`` in ms.
    scope: Mapped[dict[str, Any]]
    created_at: Mapped[int]
    #: When it may be released no more.
    expires_at: Mapped[int]
    checker: Mapped[str] = mapped_column(String(100))
    releaser: Mapped[str | None] = mapped_column(String(100))
    released_at: Mapped[int | None]
    #: Of what was handed over, which is not kept.
    sha256: Mapped[str | None] = mapped_column(String(64))
