"""The access log: who fetched what over HTTP, kept for days and for nothing else (privacy.md R5).

A file per day, one JSON object a line:

    address    where the request came from
    at         when, ms
    fetched    method and URL
    octets     of the answer's body
    status     of the answer: whether it succeeded
    agent      browser and operating system, as they call themselves
    referrer   the page that led here
    customer, user   who was logged in, on pages that know

Acts of operators on somebody's data have an entry too: without an address, and with the command and
the kind of whom it was about in place of a URL. Not synced: nobody misses a line that a crash takes
along. The sweeper removes days that are over.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: What a client says is kept up to here, octets.
LONGEST: Final = 512

DAY: Final = 86_400_000

#: Where the days lie, in ``retention.directory``.
DIRECTORY: Final = "access"


class AccessLog:
    """An ASGI application in front of another that writes down what was fetched from it."""

    def __init__(self, inner: ASGIApp, directory: Path, clock: Callable[[], int]) -> None:
        self._inner = inner
        self._directory = directory
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        seen = {"status": 500, "octets": 0}

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            elif message["type"] == "http.response.body":
                seen["octets"] += len(message.get("body", b""))
            await send(message)

        try:
            await self._inner(scope, receive, noted)
        finally:
            self._note(scope, seen)

    def _note(self, scope: Scope, seen: dict[str, int]) -> None:
        headers = dict(scope["headers"])
        now = self._clock()
        query = scope["query_string"]
        fetched = scope["method"].encode() + b" " + scope["raw_path"] + (query and b"?" + query)
        entry: dict[str, Any] = {
            "address": (scope["client"] or ("",))[0],
            "at": now,
            "fetched": _text(fetched),
            **seen,
            "agent": _text(headers.get(b"user-agent", b"")),
            "referrer": _text(headers.get(b"referer", b"")),
            **scope.get("state", {}).get("who", {}),
        }
        write(self._directory, entry)


def write(directory: Path, entry: dict[str, Any]) -> None:
    """Add an entry to its day."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (directory / f"{date(entry['at'])}.log").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(entry) + "\n")


def concerns(entry: dict[str, Any], names: Collection[str], number: str) -> bool:
    """Whether an entry is of a user or customer of these names, or has this number in it."""
    who = {str(entry.get("customer")), str(entry.get("user"))}
    words = str(entry["fetched"]), str(entry["referrer"])
    return not who.isdisjoint(names) or bool(number and any(number in one for one in words))


def erase(directory: Path, names: Collection[str], number: str) -> int:
    """Take out the entries that ``concerns`` finds, and overwrite their place; how many."""
    erased = 0
    for path in sorted(directory.glob("????-??-??.log")):
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            lines = file.readlines()
            kept = [line for line in lines if not _is_erased(line, names, number)]
            if len(kept) == len(lines):
                continue
            left = b"".join(kept)
            file.seek(0)
            file.write(left.ljust(sum(map(len, lines)), b"\0"))
            file.flush()
            os.fsync(file.fileno())
            file.truncate(len(left))
            erased += len(lines) - len(kept)
    return erased


def _is_erased(line: bytes, names: Collection[str], number: str) -> bool:
    try:
        return concerns(json.loads(line), names, number)
    except ValueError:
        return True  # torn: whose it was can't be told


def _text(octets: bytes) -> str:
    return octets[:LONGEST].decode("ascii", "backslashreplace")


def date(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1_000, UTC):%Y-%m-%d}"


def over(directory: Path, kept: int, now: int) -> list[Path]:
    """The files of days that ended more than ``kept`` ms ago."""
    newest = date(now - kept - DAY)
    return sorted(path for path in directory.glob("????-??-??.log") if path.stem <= newest)
