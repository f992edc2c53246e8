"""Data keys: what is sealed is readable while its key lives, and gone when the key is destroyed.

A random 256-bit key for each customer, period and class, used with AES-256-GCM, and likewise the
keys of pseudonyms (HMAC-SHA-256). They lie wrapped by a master key in one small file per period,
replaced as a whole:

    <directory>/<period>.keys   msgpack: a list of [id, customer, class, made in ms, epoch of the
                                master key, the key wrapped]; a slash in the name is written %2F
    master file                 a line ``epoch base64`` for each master key in use, newest last

A key is durable before anything is sealed with it. Destroying one notes its id among the destroyed
(a file of lines, no personal data), rewrites its file without it, overwrites what the file held,
and drops it from memory as far as Python lets go of memory. An id that was destroyed and is found
here again comes from an older copy of the directory, and is destroyed again.

One process has the directory open for writing (flock); any may read.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Set
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

import msgpack
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from smsc import files
from smsc.config import Config
from smsc.errors import ConfigError, KeyDestroyed, StorageError
from smsc.journal.disk import RealDisk
from smsc.periods import span
from smsc.retention import CONTENT, PSEUDONYM, TRAFFIC, Name

ID_OCTETS: Final = 8
KEY_OCTETS: Final = 32
NONCE_OCTETS: Final = 12
SUFFIX: Final = ".keys"

#: What stands before an id in the file of the destroyed: its end has begun, and is done.
_GOING, _GONE = "going", "gone"


class DataKey:
    """One key. A nonce is a salt of this process and a count, so that none is used twice."""

    def __init__(
        self, id: bytes, name: Name, made: int, epoch: int, wrapped: bytes, secret: bytes
    ) -> None:
        self.id = id
        self.name = name
        self.made = made
        self.epoch = epoch
        self.wrapped = wrapped
        self._secret = secret
        self.aead = AESGCM(secret)
        self._salt = secrets.token_bytes(8)
        self._count = 0
        self._associated = _associated(name)

    def seal(self, plain: bytes) -> bytes:
        """``plain``, encrypted and bound to customer, period and class."""
        if self._count == 0xFFFFFFFF:
            self._salt, self._count = secrets.token_bytes(8), 0
        self._count += 1
        nonce = self._salt + self._count.to_bytes(4, "little")
        return nonce + self.aead.encrypt(nonce, plain, self._associated)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed. Raises StorageError if it was changed or is another key's."""
        try:
            return self.aead.decrypt(sealed[:NONCE_OCTETS], sealed[NONCE_OCTETS:], self._associated)
        except InvalidTag:
            raise StorageError(f"sealed with key {self.id.hex()}, and changed since") from None

    def pseudonym(self, number: bytes) -> str:
        """The same for the same number, and nothing without this key."""
        return hmac.digest(self._secret, number, "sha256")[:8].hex()

    def row(self) -> list[Any]:
        """As it is stored."""
        return [self.id, self.name.customer, self.name.kind, self.made, self.epoch, self.wrapped]


class Master:
    """The master keys by epoch, from their file."""

    def __init__(self, path: Path, keys: dict[int, bytes]) -> None:
        self.path = path
        self._keys = keys

    @classmethod
    def read(cls, path: Path) -> Master:
        """Raises ConfigError, saying what to do, if the file is missing or is none."""
        try:
            lines = path.read_text("ascii").split("\n")
            pairs = [line.split() for line in lines if line.strip()]
            keys = {int(epoch): base64.b64decode(key, validate=True) for epoch, key in pairs}
        except FileNotFoundError:
            raise ConfigError(_LOST, file=str(path)) from None
        except OSError as error:
            raise ConfigError(f"can't be read: {error.strerror}", file=str(path)) from None
        except ValueError:
            keys = {}
        if not keys or any(len(key) != KEY_OCTETS for key in keys.values()):
            raise ConfigError("is no master key file; `smsc keys init` makes one", file=str(path))
        return cls(path, keys)

    @classmethod
    def create(cls, path: Path) -> Master:
        """A new one, on disk. Never over one that exists."""
        if path.exists():
            raise ConfigError("there is a master key already", file=str(path))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        master = cls(path, {})
        master._store({1: secrets.token_bytes(KEY_OCTETS)})
        return master

    @property
    def epoch(self) -> int:
        """Of the newest, which wraps."""
        return max(self._keys)

    @property
    def epochs(self) -> list[int]:
        return sorted(self._keys)

    def grow(self) -> None:
        """Have a new one beside the old, unless that was done and not finished."""
        if len(self._keys) == 1:
            self._store({**self._keys, self.epoch + 1: secrets.token_bytes(KEY_OCTETS)})

    def shed(self) -> None:
        """Destroy all but the newest."""
        self._store({self.epoch: self._keys[self.epoch]})

    def wrap(self, id: bytes, name: Name, secret: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_OCTETS)
        return nonce + AESGCM(self._keys[self.epoch]).encrypt(nonce, secret, id + _associated(name))

    def unwrap(self, id: bytes, name: Name, epoch: int, wrapped: bytes) -> bytes:
        """Raises ConfigError if this is not the master key that wrapped it."""
        key, nonce = self._keys.get(epoch), wrapped[:NONCE_OCTETS]
        try:
            if key is not None:
                return AESGCM(key).decrypt(nonce, wrapped[NONCE_OCTETS:], id + _associated(name))
        except InvalidTag:
            pass
        raise ConfigError(
            f"is not the master key (epoch {epoch}) that the keys of {name.period} are wrapped "
            "with; put the right one back",
            file=str(self.path),
        )

    def _store(self, keys: dict[int, bytes]) -> None:
        """Have these from now on: on disk first, since nothing may be wrapped by what is not."""
        lines = [f"{epoch} {base64.b64encode(key).decode()}\n" for epoch, key in keys.items()]
        try:
            files.replace(self.path, "".join(lines).encode())
        except OSError as error:
            raise StorageError(f"{self.path}: {error.strerror}") from error
        self._keys = keys


_LOST = (
    "the master key is missing; put it back from where you keep its copy (without it nothing that "
    "was sealed can be read). `smsc keys init` makes one where there are no keys yet"
)


_NO_KEYS = (
    "there are traffic records and no keys; put the directory back from where you keep its copy, "
    "or remove the records (traffic.directory), which nobody can read without"
)


class Destroyed:
    """The ids of keys that are to be no more, in a file of lines. Nothing is ever taken out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ends: dict[bytes, str] = {}
        try:
            lines = path.read_text("ascii").split("\n")
        except FileNotFoundError:
            lines = [""]
        #: A line that a crash tore: its end was not begun.
        self._torn = bool(lines[-1])
        for line in lines[:-1]:
            words = line.split()
            if len(words) == 2 and len(words[1]) == 2 * ID_OCTETS:
                self._ends[bytes.fromhex(words[1])] = words[0]

    def note(self, word: str, ids: Iterable[bytes]) -> None:
        ids = list(ids)
        lines = "".join(f"{word} {id.hex()}\n" for id in ids)
        files.append(self._path, (("\n" if self._torn else "") + lines).encode())
        self._torn = False
        self._ends.update(dict.fromkeys(ids, word))

    def __contains__(self, id: bytes) -> bool:
        return id in self._ends

    def is_done(self, id: bytes) -> bool:
        return self._ends.get(id) == _GONE

    def __len__(self) -> int:
        return len(self._ends)


class Keyring:
    """All keys of a directory. Calls may come from several threads."""

    def __init__(
        self, directory: Path, master: Master, destroyed: Path, *, read_only: bool = False
    ) -> None:
        """Lock the directory, made if need be, and unwrap what is in it.

        Raises StorageError if another process has it, ConfigError if the master key is another.
        """
        self._directory = directory
        self._master = master
        self._lock = threading.Lock()
        self._by_name: dict[Name, DataKey] = {}
        self._by_id: dict[bytes, DataKey] = {}
        #: Keys that had been destroyed and were here again: destroyed once more.
        self.revived: list[bytes] = []
        #: Keys whose end had been cut short: destroyed to the end.
        self.interrupted: list[bytes] = []
        self._fd = -1
        if not read_only:
            self._fd = self._take(directory)
            destroyed.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self.destroyed = Destroyed(destroyed)
            if not read_only:
                files.tidy(directory)
                files.finish(master.path)
            for path in sorted(directory.glob("*" + SUFFIX)):
                self._load(path)
            if not read_only:
                self._bury()
        except BaseException:
            self.close()
            raise

    def _take(self, directory: Path) -> int:
        try:
            return RealDisk().lock(directory)
        except BlockingIOError:
            raise StorageError(f"{directory}: another process has these keys open") from None
        except OSError as error:
            raise StorageError(f"{directory}: {error.strerror}") from error

    def _load(self, path: Path) -> None:
        period = unquote(path.name.removesuffix(SUFFIX))
        try:
            rows = msgpack.unpackb(path.read_bytes())
        except (ValueError, msgpack.UnpackException):
            raise StorageError(f"{path}: is damaged; put it back from a copy") from None
        if any(row[2] in (TRAFFIC, CONTENT, PSEUDONYM) for row in rows):
            try:
                span(period)
            except ValueError as error:
                raise StorageError(f"{path}: {error}") from None
        for id, customer, kind, made, epoch, wrapped in rows:
            name = Name(customer, period, kind)
            secret = self._master.unwrap(id, name, epoch, wrapped)
            self._add(DataKey(id, name, made, epoch, wrapped, secret))

    def _add(self, key: DataKey) -> None:
        self._by_name[key.name] = self._by_id[key.id] = key

    def _bury(self) -> None:
        back = [id for id in self._by_id if id in self.destroyed]
        self.revived = [id for id in back if self.destroyed.is_done(id)]
        self.interrupted = [id for id in back if not self.destroyed.is_done(id)]
        self._destroy(back)

    # -- use ---------------------------------------------------------------------------------

    def get(self, name: Name) -> DataKey:
        """The key of this name; made, durably, if there is none."""
        key = self._by_name.get(name)
        if key is None:
            self.prepare((name,))
            key = self._by_name[name]
        return key

    def __contains__(self, name: Name) -> bool:
        """Whether there is a key of this name."""
        return name in self._by_name

    def find(self, id: bytes) -> DataKey:
        """The key with this id. Raises KeyDestroyed."""
        key = self._by_id.get(id)
        if key is None:
            raise KeyDestroyed(f"key {id.hex()} is no more")
        return key

    def prepare(self, names: Iterable[Name]) -> None:
        """Make those that are missing: one rewrite per period. Raises StorageError."""
        with self._lock:
            self._make({name for name in names if name not in self._by_name})

    def renew(self, names: Iterable[Name]) -> None:
        """Seal with other keys from now on; the old ones open what they did until destroyed.

        Raises StorageError.
        """
        with self._lock:
            self._make(set(names))

    def _make(self, names: Set[Name]) -> None:
        fresh = [self._new(name) for name in sorted(names)]
        for period in sorted({name.period for name in names}):
            self._store(period, [*self._of(period), *(k for k in fresh if k.name.period == period)])
        for key in fresh:  # behind the older ones, here and in the file: the newest seals
            self._add(key)

    def superseded(self) -> list[DataKey]:
        """Those that ``renew`` put others in place of."""
        return [key for key in self if self._by_name.get(key.name) is not key]

    def _new(self, name: Name) -> DataKey:
        id, secret = secrets.token_bytes(ID_OCTETS), secrets.token_bytes(KEY_OCTETS)
        made = time.time_ns() // 1_000_000
        wrapped = self._master.wrap(id, name, secret)
        return DataKey(id, name, made, self._master.epoch, wrapped, secret)

    def seal(self, customer: bytes, period: str, kind: str, plain: bytes) -> tuple[bytes, bytes]:
        """See ``traffic.Sealer``. Raises StorageError if a key that is missing can't be made."""
        key = self.get(Name(customer, period, kind))
        return key.id, key.seal(plain)

    def open(self, kind: str, key: bytes, sealed: bytes) -> bytes:
        """See ``traffic.Sealer``."""
        found = self.find(key)
        if found.name.kind != kind:
            raise StorageError(f"key {key.hex()} is not one for {kind}")
        return found.open(sealed)

    def pseudonym(self, customer: bytes, period: str, number: bytes) -> str:
        """How this number is called in this customer's period."""
        return self.get(Name(customer, period, PSEUDONYM)).pseudonym(number)

    def __iter__(self) -> Iterator[DataKey]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    # -- ends --------------------------------------------------------------------------------

    def destroy(self, ids: Collection[bytes]) -> None:
        """Destroy these keys; what they sealed is gone. Raises StorageError."""
        with self._lock:
            self._destroy([id for id in ids if id in self._by_id])

    def _destroy(self, ids: Collection[bytes]) -> None:
        if not ids:
            return
        self.destroyed.note(_GOING, ids)
        doomed = set(ids)
        for period in sorted({self._by_id[id].name.period for id in ids}):
            self._store(period, [key for key in self._of(period) if key.id not in doomed])
        for id in ids:
            key = self._by_id.pop(id)
            if self._by_name[key.name] is key:
                del self._by_name[key.name]
        self.destroyed.note(_GONE, ids)

    def rotate(self) -> int:
        """Wrap all by a new master key, destroy the old one, and return the new one's epoch.

        Cut short anywhere, it is simply done again.
        """
        with self._lock:
            self._master.grow()
            for period in sorted({key.name.period for key in self._by_id.values()}):
                for key in self._of(period):
                    key.epoch = self._master.epoch
                    key.wrapped = self._master.wrap(key.id, key.name, key._secret)
                self._store(period, self._of(period))
            self._master.shed()
            return self._master.epoch

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    # -- files -------------------------------------------------------------------------------

    def _of(self, period: str) -> list[DataKey]:
        return [key for key in self._by_id.values() if key.name.period == period]

    def _store(self, period: str, keys: list[DataKey]) -> None:
        path = self._directory / (quote(period, safe="@") + SUFFIX)
        if self._fd < 0:
            raise StorageError(f"{path}: open for reading only")
        try:
            if keys:
                files.replace(path, msgpack.packb([key.row() for key in keys]))
            elif path.exists():
                files.remove(path)
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}") from error


def keyring(config: Config, *, read_only: bool = False) -> Keyring:
    """The keys of a server; where there are none yet, a master key is made for them.

    Raises ConfigError, saying what to do, if there is something sealed and nothing to open it with.
    """
    directory, master = Path(config.keys.directory), Path(config.keys.master_file)
    if not directory.exists() and any(Path(config.traffic.directory).glob("*/*.log")):
        raise ConfigError(_NO_KEYS, file=str(directory))
    if not (read_only or master.exists() or any(directory.glob("*" + SUFFIX))):
        Master.create(master)
    destroyed = Path(config.retention.directory) / "destroyed"
    try:
        return Keyring(directory, Master.read(master), destroyed, read_only=read_only)
    except ConfigError:
        if not read_only:
            raise
        # Between the master key and what it wraps, a server may have wrapped it anew.
        return Keyring(directory, Master.read(master), destroyed, read_only=read_only)


def _associated(name: Name) -> bytes:
    packed: bytes = msgpack.packb((name.kind, name.customer, name.period))
    return packed
