"""The keeper's log with its bodies sealed: what is owed is not on disk in clear.

    nonce    epoch u32, count u64 (big endian); the cipher is AES-256-GCM with the epoch's key

An epoch is the time of one key: at most an hour, and never more than one run, so that no count is
ever used twice with a key. Its key is destroyed when the last segment that was written in its time
is forgotten. Heads are in clear and hold neither text nor number; hence a log is replayed,
verified, salvaged and carried without keys.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag

from smsc.errors import BadSeal, StorageError
from smsc.journal import Journal
from smsc.keys import DataKey, Keyring
from smsc.ports import Apply, Mark
from smsc.retention import SPOOL, Name

#: How long a key is used, seconds.
EPOCH_SECONDS: Final = 3_600.0


class Epochs:
    """The keys that bodies are sealed with: a ``Cipher`` with the newest, an opener with all.

    Sealing needs ``use`` first.
    """

    def __init__(self, keys: Iterable[DataKey] = ()) -> None:
        self._keys = {_number(key): key for key in keys if key.name.kind == SPOOL}
        #: The one in use; of two runs none is the same.
        self.current = 0
        # Epoch and count of the newest nonce, as one number.
        self._count = 0
        self._encrypt: Callable[[bytes, bytes, bytes], bytes]

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys)

    def use(self, key: DataKey) -> None:
        """Seal with this key from now on."""
        self.current = _number(key)
        self._keys[self.current] = key
        self._count = self.current << 64
        self._encrypt = key.aead.encrypt

    def pop(self, number: int) -> DataKey:
        """Know a key no longer."""
        return self._keys.pop(number)

    def seal(self, bound: bytes, bodies: bytes) -> tuple[bytes, bytes]:
        """See ``Cipher``."""
        count = self._count = self._count + 1
        nonce = count.to_bytes(12, "big")
        return nonce, self._encrypt(nonce, bodies, bound)

    def open(self, nonce: bytes, bound: bytes, sealed: bytes) -> bytes:
        """See ``Cipher``."""
        key = self._keys.get(int.from_bytes(nonce[:4], "big"))
        try:
            if key is not None:
                plain: bytes = key.aead.decrypt(nonce, sealed, bound)
                return plain
        except InvalidTag:
            pass
        raise BadSeal("a body was sealed with a key that is not there, or was changed")


def _number(key: DataKey) -> int:
    return int(key.name.customer)


class SealedJournal(Journal):
    """A ``Journal`` that seals bodies with short-lived keys of a keyring."""

    def __init__(self, directory: Path | str, **options: Any) -> None:
        super().__init__(directory, **options)
        self._keys: Keyring | None = None
        self.epochs = Epochs()
        #: The newest segment that may hold what an epoch's key sealed; of the current one none yet.
        self._ends: dict[int, int] = {}
        self._renew_at = 0.0
        self._coming: Future[DataKey] | None = None
        self._worker = ThreadPoolExecutor(1, "spool-keys")

    def seal_with(self, keys: Keyring) -> None:
        """Before ``replay``: where the keys are."""
        self._keys = keys
        self.cipher = self.epochs = Epochs(keys)

    def replay(self, apply: Apply, after: Mark | None = None) -> None:
        super().replay(apply, after)
        assert self._keys is not None and self._segment is not None
        # The copy of the last frame is in the new segment, and sealed as it was.
        self._ends = dict.fromkeys(self.epochs, self._segment.header.number)
        self._adopt(self._made(max(self.epochs, default=0) + 1))

    def poll(self) -> int:
        if time.monotonic() > self._renew_at:
            self._renew()
        return super().poll()

    # -- keys --------------------------------------------------------------------------------

    def _made(self, number: int) -> DataKey:
        assert self._keys is not None
        return self._keys.get(Name(b"%d" % number, SPOOL, SPOOL))

    def _adopt(self, key: DataKey) -> None:
        """Seal with this key from now on, and have the next one made meanwhile."""
        self.epochs.use(key)
        self._renew_at = time.monotonic() + EPOCH_SECONDS
        self._coming = self._worker.submit(self._made, self.epochs.current + 1)

    def _renew(self) -> None:
        spare = self._coming
        if spare is not None and spare.done() and self._segment is not None:
            self._ends[self.epochs.current] = self._segment.header.number
            self._adopt(spare.result())

    def rotate(self) -> None:
        super().rotate()
        self._renew()

    def release(self, segment: int) -> int:
        released = super().release(segment)
        oldest = self.oldest_segment()
        over = [number for number, end in self._ends.items() if end < oldest]
        if over:
            ids = [self.epochs.pop(number).id for number in over]
            for number in over:
                del self._ends[number]
            self._worker.submit(self._destroy, ids)
        return released

    def _destroy(self, ids: list[bytes]) -> None:
        assert self._keys is not None
        # What can't be destroyed now is at the next start, when its segments are seen to be gone.
        with suppress(StorageError):
            self._keys.destroy(ids)

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._worker.shutdown()
