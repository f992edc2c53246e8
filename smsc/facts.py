"""What billing and people know, where there is no database: a file of lines, only ever added to.

    {"fact": "closed", "customer": "C-1047", "period": "2026-09", "at": ms}
    {"fact": "held", "case": "...", "reason": "...", "creator": "...", "approver": "...",
     "review": ms, "customer": "", "period": "", "kind": "", "pseudonyms": []}
    {"fact": "ended", "case": "..."}

A line is durable before it counts. The first close of a period is the one that counts.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from smsc import files
from smsc.errors import StorageError
from smsc.retention import Hold


class FileFacts:
    """``retention.Facts`` from a file, read anew whenever the holds are asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closed: dict[tuple[bytes, str], int] = {}
        self._holds: dict[str, Hold] = {}
        self._read()

    def _read(self) -> None:
        self._closed, self._holds = {}, {}
        raw = self._path.read_bytes() if self._path.exists() else b""
        # What stands behind the last line feed a crash tore; nobody was told that it counts.
        for number, line in enumerate(raw.split(b"\n")[:-1], start=1):
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError):
                raise StorageError(f"{self._path}: line {number} is damaged") from None

    def _take(self, line: dict[str, Any]) -> None:
        fact = line.pop("fact")
        if fact == "closed":
            name = line["customer"].encode(), str(line["period"])
            self._closed.setdefault(name, int(line["at"]))
        elif fact == "held":
            pseudonyms = tuple(line.get("pseudonyms", ()))
            self._holds[line["case"]] = Hold(**line | {"pseudonyms": pseudonyms})
        elif fact == "ended":
            self._holds.pop(line["case"], None)
        else:
            raise ValueError(fact)

    def _note(self, fact: str, **details: Any) -> None:
        line = json.dumps({"fact": fact, **details}).encode() + b"\n"
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        files.sync_directory(self._path.parent)
        self._read()

    def closed(self, customer: bytes, period: str) -> int | None:
        return self._closed.get((customer, period))

    def holds(self) -> Sequence[Hold]:
        self._read()
        return list(self._holds.values())

    def close(self, customer: bytes, period: str, at: int) -> None:
        """Note that a period was billed. Again is harmless."""
        if self.closed(customer, period) is None:
            self._note("closed", customer=customer.decode(), period=period, at=at)

    def hold(self, hold: Hold) -> None:
        self._note("held", **asdict(hold))

    def end(self, case: str) -> None:
        """The hold of this case is over: the old clock goes on."""
        self._note("ended", case=case)
