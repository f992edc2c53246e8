"""Holds by number, where the keys are: a running server makes their pseudonyms, or we do.

    POST /holds/pseudonyms    {"case", "customer", "numbers"}: what the numbers are called in it

Numbers are told to the server alone, and written down nowhere. The key that is made waits for the
hold that it is of: if none is taken down, the next sweep destroys it.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

from smsc import control, held
from smsc.config import Config
from smsc.control import Asked, Control
from smsc.errors import ControlError, NotRunning, StorageError
from smsc.keys import Keyring, keyring
from smsc.retention import Hold
from smsc.subject import NUMBER, Subject


def number(text: str) -> str:
    """A number as an option is given one: E.164, and never repeated in a complaint."""
    try:
        return Subject.read(NUMBER, text).value
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def register(control: Control, keys: Keyring) -> None:
    """Let the server answer."""

    async def answer(asked: Asked) -> Any:
        try:
            hold = _of(asked.body["case"], asked.body["customer"])
            numbers = [str(each).encode() for each in asked.body["numbers"]]
        except (KeyError, TypeError, AttributeError):
            raise ControlError("a hold names its case, customer and numbers") from None
        try:
            return await asyncio.to_thread(held.begin, keys, hold, numbers)
        except StorageError as error:
            raise ControlError(str(error)) from error

    control.add("POST", "/holds/pseudonyms", answer)


def pseudonyms(config: Config, hold: Hold, numbers: Sequence[str]) -> tuple[str, ...]:
    """What these numbers (E.164) are called in a hold that is about to be taken down."""
    if not numbers:
        return ()
    body = {"case": hold.case, "customer": hold.customer, "numbers": numbers}
    try:
        return tuple(control.ask(config.control, "POST", "/holds/pseudonyms", body))
    except NotRunning:
        keys = keyring(config)
        try:
            return held.begin(keys, hold, [each.encode() for each in numbers])
        finally:
            keys.close()


def _of(case: str, customer: str) -> Hold:
    """As much of a hold as its key goes by."""
    return Hold(case=case, reason="", creator="", approver="", review=0, customer=customer)
