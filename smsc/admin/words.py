"""How an operator's words are read, and how rows are shown to people and to programs."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
import time
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

from smsc import kinds, money, zones
from smsc.errors import DatabaseError
from smsc.periods import EXAMPLES

Row = dict[str, Any]


# -- read ----------------------------------------------------------------------------------------


def argument(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader that says what is wrong in argparse's way; ``none`` is no value."""

    def convert(text: str) -> Any:
        try:
            return None if text == "none" else read(text)
        except (ValueError, DatabaseError) as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def day(text: str) -> date:
    """A date of the calendar."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} must be a date like 2026-11-01") from None


def place(text: str) -> str:
    """The name of a time zone."""
    return zones.zone(text).name


def cycle(text: str) -> str:
    """How often a customer is billed."""
    if text not in EXAMPLES:
        raise ValueError(f"{text!r} must be {' or '.join(EXAMPLES)}")
    return text


def reference(text: str) -> str:
    """A customer, or a plan, as it is named."""
    return kinds.ascii_text(1, 64)(text).decode()


def system_id(text: str) -> str:
    """An account's name."""
    return kinds.ascii_text(1, kinds.MAX_NAME)(text).decode()


def limit(text: str) -> int:
    """Money, not below 0."""
    value = money.amount(text)
    if value < 0:
        raise ValueError("must not be below 0")
    return value


def octets(file: str) -> bytes:
    """What is in a file."""
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise DatabaseError(f"{file}: {error.strerror}") from None


def asked_password() -> str:
    """A password from the terminal or standard input."""
    if sys.stdin.isatty():
        return getpass.getpass("password: ")
    return sys.stdin.readline().rstrip("\r\n")


def now() -> int:
    """The time, ms."""
    return time.time_ns() // 1_000_000


# -- shown ---------------------------------------------------------------------------------------


def moment(ms: int | None) -> str | None:
    """A time for people."""
    return None if ms is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms // 1_000))


def amount(amount: int | None) -> str | None:
    """Money for people."""
    return None if amount is None else money.decimal(amount)


def shown_once(asked: bool, password: str) -> Row:
    """A password that was made up here."""
    return {} if asked else {"password": password, "note": "shown this once; only its hash is kept"}


def show(value: Any, as_json: bool) -> None:
    """Print a row, or rows as a table; for people or for programs."""
    if as_json:
        print(json.dumps(value, indent=2))
    elif isinstance(value, str):
        print(value)
    elif isinstance(value, list):
        for line in _table(value):
            print(line)
    else:
        for key, held in value.items():
            if isinstance(held, list):
                print(f"{key}:", *_table(held), sep="\n  ")
            else:
                print(f"{key}: {_cell(held)}")


def _table(rows: list[Row]) -> Iterable[str]:
    if not rows:
        return
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        yield "  ".join(map(str.ljust, line, widths)).rstrip()


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value) if isinstance(value, dict) else str(value)
