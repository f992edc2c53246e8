"""What is held by number, taken out of blocks whose keys are due.

A hold on a number must not keep what is everybody else's. So before a key is destroyed, the records
in its blocks that a hold concerns are copied under a key of the hold's own (class ``held``), which
lives as long as the hold. Numbers are in no hold: it has pseudonyms of them, made with that key.

    <directory>/<period of the key's name>    msgpack: id of the key, and what it sealed: a msgpack
                                              array of the records, fields by name with ``content``

No view, search or bill reads these: what is held is blocked. A file is replaced as a whole, so that
copying again what a crash cut short changes nothing. It goes when its key has gone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgpack

from smsc import files, traffic
from smsc.errors import KeyDestroyed, StorageError
from smsc.journal import inspect
from smsc.keys import DataKey, Keyring
from smsc.periods import span
from smsc.retention import HELD, Hold, Name, held_under
from smsc.subject import parties
from smsc.traffic import BLOCK, Block

DIRECTORY: Final = "held"

Record = dict[str, Any]


def begin(keys: Keyring, hold: Hold, numbers: Iterable[bytes]) -> tuple[str, ...]:
    """What these numbers (E.164) are called in a hold; its key is made, durably."""
    key = keys.get(held_under(hold))
    return tuple(sorted({key.pseudonym(number) for number in numbers}))


def concerning(
    holds: Sequence[Hold], keys: Keyring, region: Callable[[bytes], str]
) -> Callable[[Name, Record], bool]:
    """Says of a record, by the name of its key, whether one of the holds by number concerns it."""
    wanted = [_Scope(h, keys) for h in holds if h.pseudonyms and held_under(h) in keys]

    def concerned(name: Name, fields: Record) -> bool:
        return any(scope.hold.covers(name) and scope.concerns(fields, region) for scope in wanted)

    return concerned


class Held:
    """See the module. ``region`` says how an account writes numbers."""

    def __init__(self, directory: Path, keys: Keyring, region: Callable[[bytes], str]) -> None:
        self._directory = directory
        self._keys = keys
        self._region = region

    def records(self, name: Name) -> list[Record]:
        """What is held under this key. Raises StorageError if it can't be read."""
        try:
            id, sealed = msgpack.unpackb(self._path(name).read_bytes())
            found: list[Record] = msgpack.unpackb(self._keys.open(HELD, id, sealed))
        except (FileNotFoundError, KeyDestroyed):
            return []
        except (ValueError, msgpack.UnpackException):
            raise StorageError(f"{self._path(name)}: is damaged") from None
        return found

    def sample(self, name: Name) -> bytes:
        """Something that this key sealed; nothing if it sealed nothing."""
        with suppress(FileNotFoundError):
            sealed: bytes = msgpack.unpackb(self._path(name).read_bytes())[1]
            return sealed
        return b""

    def carry(
        self, holds: Sequence[Hold], doomed: Mapping[bytes, Name], logs: Iterable[Path]
    ) -> int:
        """Copy what these holds concern of all that the doomed keys open; how many records.

        A hold whose key is not there is none by number: it holds all (``retention.judge``).
        """
        holds = [hold for hold in holds if hold.pseudonyms and held_under(hold) in self._keys]
        wanted = [_Scope(hold, self._keys) for hold in holds]
        found: dict[Name, dict[int, Record]] = {}
        for name, fields in self._dying(wanted, doomed, logs):
            for scope in wanted:
                if scope.hold.covers(name) and scope.concerns(fields, self._region):
                    found.setdefault(scope.key.name, {})[fields["id"]] = fields
        for name, fresh in found.items():
            self._add(name, fresh)
        return sum(map(len, found.values()))

    def _dying(
        self, wanted: Sequence[_Scope], doomed: Mapping[bytes, Name], logs: Iterable[Path]
    ) -> Iterator[tuple[Name, Record]]:
        """Records that can be read with keys that any of these holds may concern."""
        dying = {
            id: name
            for id, name in doomed.items()
            if any(scope.hold.covers(name) for scope in wanted)
        }
        for name in dying.values():
            if name.kind == HELD:  # of a hold that is over, and another may concern it
                yield from ((name, fields) for fields in self.records(name))
        if not any(name.kind != HELD for name in dying.values()):
            return
        for log in logs:
            for kind, _time, head, body in inspect.records(log):
                if kind != BLOCK:
                    continue
                block = Block.read(head)
                concerned = dying.get(block.traffic) or dying.get(block.content)
                if concerned is not None:
                    with suppress(KeyDestroyed):
                        for fields in traffic.opened(head, body, self._keys):
                            yield concerned, fields

    def _add(self, name: Name, fresh: Mapping[int, Record]) -> None:
        kept = {fields["id"]: fields for fields in self.records(name)}
        for id, fields in fresh.items():
            # A content may have been copied when its own time was over.
            if id not in kept or kept[id]["content"] is None:
                kept[id] = fields
        key = self._keys.get(name)
        data = msgpack.packb((key.id, key.seal(msgpack.packb(list(kept.values())))))
        path = self._path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            files.finish(path)
            files.replace(path, data)
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}") from error

    def tidy(self) -> None:
        """Wipe what nobody can read any more, and what a crash left."""
        if not self._directory.exists():
            return
        alive = {key.name.period for key in self._keys if key.name.kind == HELD}
        files.tidy(self._directory)
        for path in sorted(self._directory.iterdir()):
            if path.name not in alive:
                files.wipe(path)

    def _path(self, name: Name) -> Path:
        return self._directory / name.period


class _Scope:
    """A hold by number, and the key of its own."""

    def __init__(self, hold: Hold, keys: Keyring) -> None:
        self.hold = hold
        self.key: DataKey = keys.get(held_under(hold))
        self._numbers: Collection[str] = frozenset(hold.pseudonyms)
        self._span = span(hold.period) if hold.period else None

    def concerns(self, fields: Record, region: Callable[[bytes], str]) -> bool:
        """Whether this record is from or to one of the numbers, its customer's, and in its time."""
        if self.hold.customer.encode() not in (b"", fields["customer"]):
            return False
        if self._span is not None and not self._span.since <= fields["accepted"] < self._span.until:
            return False
        both = parties(fields, region(fields["account"]))
        return any(self.key.pseudonym(number) in self._numbers for number in both)
