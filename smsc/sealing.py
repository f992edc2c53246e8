"""The keeper's log with its bodies sealed: what is owed is not on disk in clear.

    sealed body    epoch u32, count u64 (big endian), and the body under AES-256-GCM with the
                   epoch's key, its tag of 16 octets at the end; epoch and count are the nonce, the
                   head is bound to it

An epoch is the time of one key: at most an hour, and never more than one run, so that no count is
ever used twice with a key. Its key is destroyed when the last segment that was written in its time
is forgotten. Heads are in clear and hold neither text nor number; hence a log is replayed,
verified, salvaged and carried without keys.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag

from smsc.errors import CorruptLog, StorageError
from smsc.journal import Journal
from smsc.keys import DataKey, Keyring
from smsc.ports import Apply
from smsc.retention import SPOOL, Name

#: How long a key is used, seconds.
EPOCH_SECONDS: Final = 3_600.0


class SealedJournal(Journal):
    """A ``Journal`` that seals bodies with short-lived keys of a keyring."""

    def __init__(self, directory: Path | str, **options: Any) -> None:
        super().__init__(directory, **options)
        self._keys: Keyring | None = None
        self._epochs: dict[int, DataKey] = {}
        #: The newest segment that may hold what an epoch's key sealed; of the current one none yet.
        self._ends: dict[int, int] = {}
        self._current = 0
        #: Epoch and count of the newest, as one number.
        self._count = 0
        self._encrypt: Callable[[bytes, bytes, bytes], bytes]
        self._renew_at = 0.0
        self._coming: Future[DataKey] | None = None
        self._worker = ThreadPoolExecutor(1, "spool-keys")

    def seal_with(self, keys: Keyring) -> None:
        """Before ``replay``: where the keys are."""
        self._keys = keys
        self._epochs = epochs(keys)
        self.sealer = self._sealed

    def replay(self, apply: Apply) -> None:
        super().replay(apply)
        assert self._keys is not None and self._segment is not None
        # The copy of the last frame is in the new segment, and sealed as it was.
        self._ends = dict.fromkeys(self._epochs, self._segment.header.number)
        self._adopt(self._made(max(self._epochs, default=0) + 1))

    # -- the message path --------------------------------------------------------------------

    def _sealed(self, head: bytes, body: bytes) -> bytes:
        count = self._count = self._count + 1
        nonce = count.to_bytes(12, "big")
        return nonce + self._encrypt(nonce, body, head)

    def read(self, position: int) -> tuple[int, bytes, bytes]:
        kind, head, body = super().read(position)
        if body:
            try:
                body = opened(self._epochs, head, body)
            except (KeyError, InvalidTag):
                raise CorruptLog(
                    "a body was sealed with a key that is not there, or was changed",
                    file=str(self.directory),
                    offset=position & 0xFFFFFFFF,
                ) from None
        return kind, head, body

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
        number = _number(key)
        self._epochs[number] = key
        self._current, self._count = number, number << 64
        self._encrypt = key.aead.encrypt
        self._renew_at = time.monotonic() + EPOCH_SECONDS
        self._coming = self._worker.submit(self._made, number + 1)

    def _renew(self) -> None:
        spare = self._coming
        if spare is not None and spare.done() and self._segment is not None:
            self._ends[self._current] = self._segment.header.number
            self._adopt(spare.result())

    def rotate(self) -> None:
        super().rotate()
        self._renew()

    def release(self, segment: int) -> int:
        released = super().release(segment)
        oldest = self.oldest_segment()
        over = [number for number, end in self._ends.items() if end < oldest]
        if over:
            ids = [self._epochs.pop(number).id for number in over]
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


def _number(key: DataKey) -> int:
    return int(key.name.customer)


def epochs(keys: Iterable[DataKey]) -> dict[int, DataKey]:
    """Those of the keys that open bodies, by the number that stands before a body."""
    return {_number(key): key for key in keys if key.name.kind == SPOOL}


def opened(epochs: dict[int, DataKey], head: bytes, body: bytes) -> bytes:
    """A body as it was. Raises KeyError without its key, InvalidTag if it was changed."""
    nonce = body[:12]
    number = int.from_bytes(nonce[:4], "big")
    plain: bytes = epochs[number].aead.decrypt(nonce, body[12:], head)
    return plain
