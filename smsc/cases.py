"""Cases: whose data is blocked, and whose is still to be deleted. Kept until they are over.

One small file, replaced as a whole (``smsc.files``), in ``retention.directory``:

    {"case": "D-17", "act": "block", "kind": "number", "at": ms, "by": "...", "key": id,
     "sealed": hex}

Whose data it is about is sealed with a key of the case's own, so that the list of those who asked
to be forgotten is none itself. When a case is over its key is destroyed. Whoever has the keyring
open for writing may change the list; any may read it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from smsc import files
from smsc.accounts import Accounts
from smsc.config import Config
from smsc.errors import KeyDestroyed, StorageError
from smsc.keys import Keyring, keyring
from smsc.retention import CASES, Name
from smsc.subject import Restricted, Subject

#: What a case is about: keep and do not process; delete as soon as may be; end the contract; tell
#: an authority, which nobody else is to hear of.
BLOCK, ERASE, TERMINATE, DISCLOSE = "block", "erase", "terminate", "disclose"

_FILE: Final = "cases"


class Case(NamedTuple):
    """One act that is not over."""

    id: str
    act: str
    subject: Subject
    #: When it was asked for, ms: an erasure is of what there was then.
    at: int
    by: str


def read(config: Config) -> list[Case]:
    """All open ones, for who only looks."""
    if not (Path(config.retention.directory) / _FILE).exists():
        return []
    return list(Cases.of(config, keyring(config, read_only=True)))


def hides(cases: Iterable[Case], accounts: Accounts) -> Callable[[Mapping[str, Any]], bool] | None:
    """Says of a traffic record whether it is in no view: blocked, or only kept until it may go.

    None if there is nothing to hide.
    """
    found = [case for case in cases if case.act in (BLOCK, ERASE)]
    scopes = [
        (restricted, None if case.act == BLOCK else case.at)
        for case in found
        if (restricted := Restricted.of([case.subject])) is not None
    ]

    def hidden(fields: Mapping[str, Any]) -> bool:
        region = accounts.region(fields["account"])
        return any(
            (until is None or fields["accepted"] <= until)
            and (fields["customer"] in scope.customers or scope.concerns(fields, region))
            for scope, until in scopes
        )

    return hidden if scopes else None


class Cases:
    """See the module."""

    def __init__(self, directory: Path, keys: Keyring) -> None:
        self._path = directory / _FILE
        self._keys = keys

    @classmethod
    def of(cls, config: Config, keys: Keyring) -> Cases:
        return cls(Path(config.retention.directory), keys)

    def mend(self) -> None:
        """Finish what a crash cut short: for who may write."""
        files.finish(self._path)
        known = {row["key"] for row in self._rows()}
        named = [key.id for key in self._keys if key.name.kind == CASES]
        self._keys.destroy([id for id in named if id.hex() not in known])

    def __iter__(self) -> Iterator[Case]:
        for row in self._rows():
            try:
                value = self._keys.open(
                    CASES, bytes.fromhex(row["key"]), bytes.fromhex(row["sealed"])
                )
            except KeyDestroyed:
                continue  # it ends while we read
            subject = Subject(row["kind"], value.decode())
            yield Case(row["case"], row["act"], subject, row["at"], row["by"])

    def open(self, act: str) -> list[Case]:
        """Those of one kind."""
        return [case for case in self if case.act == act]

    def find(self, id: str) -> Case | None:
        return next((case for case in self if case.id == id), None)

    def begin(self, case: Case) -> None:
        """From now on it is open. Raises StorageError if there is one of this name."""
        rows = self._rows()
        if any(row["case"] == case.id for row in rows):
            raise StorageError(f"there is a case {case.id} already")
        key = self._keys.get(Name(case.id.encode(), CASES, CASES))
        row = {
            "case": case.id,
            "act": case.act,
            "kind": case.subject.kind,
            "at": case.at,
            "by": case.by,
            "key": key.id.hex(),
            "sealed": key.seal(case.subject.octets).hex(),
        }
        self._store([*rows, row])

    def end(self, id: str) -> None:
        """It is over, and whom it was about is known no more."""
        rows = self._rows()
        self._store([row for row in rows if row["case"] != id])
        self._keys.destroy([bytes.fromhex(row["key"]) for row in rows if row["case"] == id])

    def restricted(self) -> Restricted | None:
        """Whose messages are not processed."""
        return Restricted.of(case.subject for case in self.open(BLOCK))

    def _rows(self) -> list[dict[str, Any]]:
        try:
            rows: list[dict[str, Any]] = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return []
        except ValueError:
            raise StorageError(f"{self._path}: is damaged; put it back from a copy") from None
        return rows

    def _store(self, rows: list[dict[str, Any]]) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            files.replace(self._path, json.dumps(rows, indent=1).encode() + b"\n")
        except OSError as error:
            raise StorageError(f"{self._path}: {error.strerror}") from error
