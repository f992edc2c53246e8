"""Money: a whole number of 1/10000 of a currency's unit, so that sums are exact."""

from __future__ import annotations

import re

#: Parts of a unit. Prices of one message have tenths of a cent and less.
UNIT = 10_000

#: The largest amount that is taken from a person: what is beyond is a slip of the finger.
MAX_AMOUNT = 100_000_000 * UNIT


def amount(text: str) -> int:
    """``12``, ``0.075``, ``-3.5``: at most four places, none lost. Raises ValueError."""
    match = re.fullmatch(r"(-?)(\d{1,9})(?:\.(\d{1,4}))?", text, re.ASCII)
    value = int(match[2]) * UNIT + int((match[3] or "").ljust(4, "0")) if match else 0
    if match is None or value > MAX_AMOUNT:
        raise ValueError(f"{text!r} must be an amount with at most four places, like 0.075")
    return -value if match[1] else value


def decimal(value: int) -> str:
    """The same as people write it, with two places at least: ``0.075``, ``12.00``."""
    whole, rest = divmod(abs(value), UNIT)
    places = f"{rest:04}".rstrip("0").ljust(2, "0")
    return f"{'-' if value < 0 else ''}{whole}.{places}"
