"""What is stored about a subject, from every place where it may lie, as plain rows.

A row holds what the person may see: their own number as it is, everybody else's without its last
three digits, and no secret. Nothing is told of legal holds and of what authorities were given.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smsc import access, privacy, text, traffic
from smsc.accounts import Accounts
from smsc.config import Config
from smsc.db import accounts_of
from smsc.errors import KeyDestroyed
from smsc.journal import inspect
from smsc.keys import Keyring, keyring
from smsc.retention import CONTENT, TRAFFIC, Stand
from smsc.rights.acting import claim
from smsc.smpp import MessageState
from smsc.subject import CUSTOMER, NUMBER, USER, Subject, parties

Row = dict[str, Any]

#: esm_class: the text begins with a header.
_UDHI = 0x40


def moment(ms: int | None) -> str | None:
    """A time, UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(ms // 1_000)) if ms else None


def day(ms: int | None) -> str | None:
    return time.strftime("%Y-%m-%d", time.gmtime(ms // 1_000)) if ms else None


# -- messages ------------------------------------------------------------------------------------


def owed(loaded: Config, about: Subject) -> tuple[int, list[Row]]:
    """How many messages and mails are on their way, and what is known of them."""
    if about.kind == USER:
        return 0, []
    found = claim(loaded, "find", **about._asdict())
    return found["count"], [_owed(item, about) for item in found["items"]]


_WHAT = {"message": "message", "receipt": "delivery report", "inbound": "message to a customer"}
_STAGES = {
    "queued": "waits to be sent",
    "attempt": "is being sent",
    "acked": "sent, its delivery report is awaited",
    "in_doubt": "may have been sent; this is being found out",
    "split": "is being sent in parts",
    "waiting": "waits to be fetched",
    "taken": "is being handed over",
    "deferred": "waits to be fetched",
}


def _owed(item: Row, about: Subject) -> Row:
    octets = bytes.fromhex(item["content"])
    return {
        "accepted": moment(item["accepted"]),
        "what": _WHAT[item["what"]],
        "from": _number(item["source_addr"].encode(), about),
        "to": _number(item["destination_addr"].encode(), about),
        "state": _STAGES[item["stage"]],
        "coding": item["data_coding"],
        "text": words(octets, item["data_coding"], item["esm_class"]),
        "until": moment(item["expiry"]),
    }


def words(octets: bytes | None, data_coding: int, esm_class: int) -> str | None:
    if octets is None:
        return None
    has_header = bool(esm_class & _UDHI)
    readable = text.read(octets, data_coding, has_header)
    return f"hex {octets.hex()}" if readable is None else readable


def _number(address: bytes, about: Subject) -> str:
    digits = address.removeprefix(b"+").removeprefix(b"00")
    mine = about.kind == NUMBER and about.octets.endswith(digits.lstrip(b"0")) and len(digits) > 5
    return (address if mine else traffic.masked(address)).decode("ascii", "backslashreplace")


def records(loaded: Config, about: Subject) -> Iterator[tuple[str, Row]]:
    """Traffic records that are the subject's: (billing period, fields), the oldest first."""
    directory = Path(loaded.traffic.directory)
    months = traffic.periods(directory)
    if about.kind == USER or not months:
        return
    keys = keyring(loaded, read_only=True)
    accounts = accounts_of(loaded)
    for month in months:
        for period, fields in _opened(directory / month, keys):
            if _is_of(fields, about, accounts):
                yield period, fields


def _opened(directory: Path, keys: Keyring) -> Iterator[tuple[str, Row]]:
    for kind, _time, head, body in inspect.records(directory):
        if kind != traffic.BLOCK:
            continue
        try:
            period = keys.find(traffic.Block.read(head).traffic).name.period
            found = list(traffic.opened(head, body, keys))
        except KeyDestroyed:
            continue
        for fields in found:
            yield period, fields


def _is_of(fields: Row, about: Subject, accounts: Accounts) -> bool:
    if about.kind == CUSTOMER:
        return bool(fields["customer"] == about.octets)
    return about.octets in parties(fields, accounts.region(fields["account"]))


def told(loaded: Config, about: Subject) -> list[Row]:
    """The same as rows, each with the day on which it goes."""
    stands = {(v["customer"], v["period"], v["class"]): v for v in privacy.verdicts(loaded)}
    rows = []
    for period, fields in records(loaded, about):
        customer = fields["customer"].decode("ascii", "backslashreplace")
        verdict = stands.get((customer, period, TRAFFIC))
        content = stands.get((customer, period, CONTENT))
        rows.append(
            {
                "accepted": moment(fields["accepted"]),
                "sent": moment(fields["sent"]),
                "done": moment(fields["done"]),
                "direction": "in" if fields["inbound"] else "out",
                "from": _number(fields["source_addr"], about),
                "to": _number(fields["destination_addr"], about),
                "state": MessageState(fields["state"]).name.lower(),
                "network": fields["network"].decode() or None,
                "parts": fields["parts"],
                "coding": fields["data_coding"],
                "text": words(fields["content"], fields["data_coding"], fields["esm_class"]),
                "text_until": day(content["due"]) if content else None,
                "until": day(verdict["due"]) if verdict else None,
                "kept": _why(verdict),
            }
        )
    return rows


#: Why a record is still there, for whom it is about. A hold may be one they must not hear of.
_KEPT = {
    Stand.UNBILLED.value: "not billed yet",
    Stand.WAITING.value: "the bill may still be objected to",
    Stand.OWED.value: "a message of the period is not finished",
    Stand.HELD.value: "the law has it kept",
    Stand.DUE.value: "goes with the next sweep",
    Stand.EXPIRED.value: "goes with the next sweep",
}


def _why(verdict: Row | None) -> str:
    return _KEPT[verdict["stand"]] if verdict else "not billed yet"


# -- access logs ---------------------------------------------------------------------------------


def accesses(loaded: Config, names: set[str], number: str) -> list[Row]:
    """Entries of the access logs that a user, a customer, or a number stands in."""
    directory = Path(loaded.retention.directory) / access.DIRECTORY
    return [
        entry | {"at": moment(entry["at"])}
        for path in sorted(directory.glob("*.log"))
        for entry in map(json.loads, path.read_text().splitlines())
        if access.concerns(entry, names, number)
    ]
