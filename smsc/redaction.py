"""Texts of one person taken out of traffic records that others need (privacy.md R12).

Records of many lie in a block, sealed with the keys of a customer's period, so there is no key that
is one person's. What is theirs goes all the same:

    have new content keys made -> write each month that the old ones sealed something of anew,
    without the texts -> destroy the old keys -> see that they open nothing

What was sealed before is then unreadable, wherever a copy of it lies. Killed anywhere it is simply
run again: keys that others were put in place of say what is left to do. The rest of a record stays
as long as the law has it kept; its text is nothing that billing needs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import msgpack

from smsc import months, traffic
from smsc.config import Config
from smsc.errors import KeyDestroyed, StorageError
from smsc.journal import inspect
from smsc.keys import Keyring, keyring
from smsc.retention import CONTENT, Name
from smsc.traffic import BLOCK, Block

#: Says of a traffic record, by the name of its content's key, whether its text is to go.
Wanted = Callable[[Name, dict[str, Any]], bool]


class Redaction:
    """See the module. ``lend`` and ``take_back`` ask a running server for a month's log."""

    def __init__(
        self,
        config: Config,
        keys: Keyring,
        *,
        lend: Callable[[str], bool],
        take_back: Callable[[str], None],
    ) -> None:
        self._config = config
        self._keys = keys
        self._lend = lend
        self._take_back = take_back
        self._directory = Path(config.traffic.directory)

    def records(self) -> Iterator[tuple[Name, dict[str, Any]]]:
        """All that can be read: the name of a record's content key (of one that was), and it."""
        for month in traffic.periods(self._directory):
            for block, found in self._blocks(month):
                name = self._keys.find(block.traffic).name._replace(kind=CONTENT)
                for fields in found:
                    yield name, fields

    def _blocks(self, month: str) -> Iterator[tuple[Block, list[dict[str, Any]]]]:
        for kind, _time, head, body in inspect.records(self._directory / month):
            if kind == BLOCK:
                try:
                    yield Block.read(head), list(traffic.opened(head, body, self._keys))
                except KeyDestroyed:
                    continue

    def redact(self, wanted: Wanted) -> tuple[int, list[str]]:
        """Take out the texts of the wanted records.

        How many records are without their texts now, and the ids of the keys that were destroyed;
        less than all where a month's log can't be had now.
        """
        self._keys.renew(
            {
                name
                for name, fields in self.records()
                if fields["content"] is not None and wanted(name, fields)
            }
            - {key.name for key in self._keys.superseded()}
        )
        old = {key.id for key in self._keys.superseded() if key.name.kind == CONTENT}
        count, complete = 0, True
        for month in traffic.periods(self._directory) if old else ():
            if not self._is_sealed_with(month, old):
                continue
            if not self._lend(month):
                complete = False
                continue
            try:
                count += self._rewrite(month, old, wanted)
            finally:
                self._take_back(month)
        if not complete:
            return count, []
        self._keys.destroy(old)
        left = {key.id for key in keyring(self._config, read_only=True)} & old
        if left:
            raise StorageError(f"key {min(left).hex()}, of what was erased, is still on the disk")
        return count, [id.hex() for id in sorted(old)]

    def _is_sealed_with(self, month: str, old: Collection[bytes]) -> bool:
        found = inspect.records(self._directory / month)
        return any(kind == BLOCK and Block.read(head).content in old for kind, _, head, _ in found)

    def _rewrite(self, month: str, old: Collection[bytes], wanted: Wanted) -> int:
        count = 0

        def change(head: bytes, body: bytes) -> tuple[bytes, bytes]:
            nonlocal count
            block = Block.read(head)
            if block.content not in old:
                return head, body
            name = self._keys.find(block.content).name
            ends, sealed, texts = msgpack.unpackb(body)
            try:
                found = list(traffic.opened(head, body, self._keys))
            except KeyDestroyed:  # its records are gone, and with them whose texts these are
                return head, traffic.body(ends, sealed, b"")
            left = [None if wanted(name, fields) else fields["content"] for fields in found]
            count += sum(fields["content"] is not None for fields in found) - sum(
                content is not None for content in left
            )
            texts = b"".join(map(msgpack.packb, left))
            id, texts = self._keys.seal(name.customer, name.period, CONTENT, texts)
            return block._replace(content=id).head(), traffic.body(ends, sealed, texts)

        try:
            months.rewrite(self._config, month, change)
        except OSError as error:
            raise StorageError(f"{self._directory / month}: {error.strerror}") from error
        return count
