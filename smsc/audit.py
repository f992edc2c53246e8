"""The audit log: who did what to personal data, in a chain that can't be changed unseen.

A file of lines, one JSON object each, only ever added to:

    {"at": ms, "event": "keys.destroyed", "n": 7, "prev": hash of entry 6, ..., "hash": its own}

``hash`` is SHA-256 over the rest of the line as canonical JSON, so that each entry vouches for all
before it. Entries hold ids, counts, hashes and words of operators, never numbers, texts or names of
customers. A line that a crash tore is cut at the next entry, and the entry says so.

Whoever may write the file may write a whole new chain. Hence the newest hash goes to a second place
(``audit`` in the configuration: a file on another disk, a command that mails it); ``verify`` holds
the chain against the checkpoints there, and so finds an older copy that was put back, too.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from smsc import files
from smsc.config import Config
from smsc.errors import StorageError

log = logging.getLogger(__name__)

#: What the first entry names as the one before it.
ROOT: Final = "0" * 64

#: How long a checkpoint command may take, seconds.
PATIENCE: Final = 30.0

Entry = dict[str, Any]


def operator() -> str:
    """Who is at work, for the audit log."""
    return os.environ.get("SUDO_USER") or os.environ.get("USER") or str(os.getuid())


def line_of(entry: Entry) -> bytes:
    """An entry as it is hashed and stored."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def hash_of(entry: Entry) -> str:
    """What an entry's ``hash`` must be."""
    return hashlib.sha256(
        line_of({name: value for name, value in entry.items() if name != "hash"})
    ).hexdigest()


class Audit:
    """The log of one directory. Several processes may add to it: each entry takes a lock."""

    def __init__(
        self,
        directory: Path,
        clock: Callable[[], int],
        checkpoint_file: str = "",
        checkpoint_command: str = "",
    ) -> None:
        self.path = directory / "audit.log"
        self._clock = clock
        self._file = checkpoint_file
        self._command = checkpoint_command

    @classmethod
    def of(cls, config: Config, clock: Callable[[], int]) -> Audit:
        return cls(
            Path(config.retention.directory),
            clock,
            config.audit.checkpoint_file,
            config.audit.checkpoint_command,
        )

    def add(self, event: str, **details: Any) -> Entry:
        """An entry, durable. Raises StorageError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self.path.open("a+b") as file:
                os.fchmod(file.fileno(), 0o600)
                fcntl.flock(file, fcntl.LOCK_EX)
                entry = self._append(file.fileno(), event, details)
        except OSError as error:
            raise StorageError(f"{self.path}: {error.strerror}") from error
        self._tell(entry)
        return entry

    def _append(self, fd: int, event: str, details: Entry) -> Entry:
        last, end = self._last(fd)
        torn = os.fstat(fd).st_size - end
        if torn:
            os.ftruncate(fd, end)
            details = {**details, "cut": torn}
        entry: Entry = {
            **details,
            "event": event,
            "at": self._clock(),
            "n": last["n"] + 1 if last else 1,
            "prev": last["hash"] if last else ROOT,
        }
        entry["hash"] = hash_of(entry)
        os.write(fd, line_of(entry) + b"\n")
        os.fsync(fd)
        if last is None:
            files.sync_directory(self.path.parent)
        return entry

    def _last(self, fd: int) -> tuple[Entry | None, int]:
        """The last whole entry, and where it ends."""
        size = os.fstat(fd).st_size
        reach = 4096
        while True:
            start = max(0, size - reach)
            data = os.pread(fd, size - start, start)
            end = data.rfind(b"\n") + 1
            begin = data.rfind(b"\n", 0, max(0, end - 1)) + 1
            if begin or not start:
                break
            reach *= 2
        if not end:
            return None, 0
        try:
            return json.loads(data[begin:end]), start + end
        except ValueError:
            raise StorageError(
                f"{self.path}: its last entry is damaged; see smsc audit verify"
            ) from None

    def _tell(self, entry: Entry) -> None:
        """A checkpoint to the second place. That it can't be had now undoes nothing."""
        line = line_of({name: entry[name] for name in ("n", "at", "hash")}) + b"\n"
        try:
            if self._file:
                files.append(Path(self._file), line)
            if self._command:
                subprocess.run(
                    self._command, shell=True, input=line, check=True, timeout=PATIENCE,
                    stdout=subprocess.DEVNULL,
                )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            log.error("no checkpoint of audit entry %d: %s", entry["n"], error)

    def __iter__(self) -> Iterator[Entry]:
        """The whole entries, oldest first, unchecked."""
        for raw in _lines(self.path):
            try:
                yield json.loads(raw)
            except ValueError:
                continue

    def newest(self) -> Entry | None:
        """The last whole entry."""
        if not self.path.exists():
            return None
        with self.path.open("rb") as file:
            return self._last(file.fileno())[0]

    def verify(self) -> Verification:
        """Walk the chain, and hold it against the checkpoints of the second place."""
        found = Verification()
        hashes: list[str] = [ROOT]
        raw = self.path.read_bytes() if self.path.exists() else b""
        found.torn = len(raw) - (raw.rfind(b"\n") + 1)
        for number, line in enumerate(_lines(self.path), start=1):
            found.entries = number
            problem = _wrong(line, number, hashes[-1])
            if problem:
                found.problems.append(f"{self.path}: entry {number} {problem}")
                return found
            hashes.append(json.loads(line)["hash"])
        found.head = hashes[-1]
        for line in _lines(Path(self._file)) if self._file else ():
            self._compare(line, hashes, found)
        return found

    def must_be_newest(self) -> None:
        """Raises StorageError if the second place knows otherwise: an older copy was put back."""
        problem = self.verify().older
        if problem:
            raise StorageError(
                f"{problem}. Holds and closes may be missing beside it: put the right copy of"
                f" {self.path.parent} back, or move {self._file} away to go on with this one"
            )

    def _compare(self, line: bytes, hashes: list[str], found: Verification) -> None:
        try:
            point = json.loads(line)
            number, hashed = point["n"], point["hash"]
        except (ValueError, KeyError, TypeError):
            return  # torn: the chain itself was not
        found.checkpoints += 1
        if number >= len(hashes):
            found.older = (
                f"{self.path}: ends before entry {number}, which {self._file} knows: an older copy "
                "was put back, or the end was cut off"
            )
            found.problems.append(found.older)
        elif hashes[number] != hashed:
            found.older = f"{self.path}: entry {number} is not the one that {self._file} knows"
            found.problems.append(found.older)


@dataclass
class Verification:
    """What ``Audit.verify`` found. Sound if there are no problems."""

    entries: int = 0
    checkpoints: int = 0
    #: Octets of a line that a crash tore.
    torn: int = 0
    head: str = ROOT
    #: How the second place contradicts it; empty if it does not.
    older: str = ""
    problems: list[str] = field(default_factory=list)


def _lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            yield from (line for line in file if line.endswith(b"\n"))


def _wrong(line: bytes, number: int, prev: str) -> str:
    """What is wrong with an entry; empty if nothing is."""
    try:
        entry = json.loads(line)
        given = entry["n"], entry["prev"], entry["hash"]
    except (ValueError, KeyError, TypeError):
        return "can't be read"
    if given[2] != hash_of(entry) or line_of(entry) + b"\n" != line:
        return "was changed"
    if given[0] != number:
        return f"calls itself {given[0]}: entries were taken out or put in"
    return "" if given[1] == prev else "does not follow the one before it"
