"""Rows that tests put into a database."""

from __future__ import annotations

from datetime import date
from typing import Any

from smsc.db.model import Customer, SmppAccount
from tests.keeper import HASH


def customer(reference: str = "C-1", **fields: Any) -> Customer:
    defaults = {
        "name": "Example",
        "contract_start": date(2026, 1, 1),
        "time_zone": "UTC",
        "cycle": "month",
        "prepaid": False,
        "created_at": 1,
    }
    return Customer(reference=reference, **defaults | fields)


def account(system_id: str = "acme", customer: str = "C-1", **fields: Any) -> SmppAccount:
    defaults = {"password_hash": HASH, "enabled": True, "settings": {}, "created_at": 1}
    return SmppAccount(system_id=system_id, customer=customer, **defaults | fields)
