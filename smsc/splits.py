"""Texts that are being sent in parts, as a fold over the log.

Of each: its parts that are not final, how the worst of the others ended, and the reference that
the parts share. No two texts from one sender to one destination have the same reference while both
are owed, or a handset might put their parts together.

A split counts once its SPLIT record is there, behind those of its parts: without it, after a
crash, the parts are nothing and the text is owed whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smsc import records
from smsc.records import SplitHead

#: How many references there are of 8 and of 16 bits.
_NARROW, _WIDE = 1 << 8, 1 << 16


class Split:
    """The text ``id``. ``head`` is its newest SPLIT record, at ``position``; None before there is
    one.
    """

    def __init__(self, id: int) -> None:
        self.id = id
        self.position = 0
        self.head: SplitHead | None = None
        #: Ids of the parts that are not final.
        self.parts: set[int] = set()

    def record(self, position: int, head: SplitHead) -> None:
        """This is its newest record."""
        self.position, self.head = position, head

    def octets(self) -> bytes | None:
        """The head of that record, as it is written."""
        h = self.head
        if h is None:
            return None
        return records.split(
            h.id, h.pair, h.reference, h.wide, h.parts, h.state, h.status, h.network_error, h.error
        )


class Splits:
    """All of them, by the id of the text."""

    def __init__(self) -> None:
        self._splits: dict[int, Split] = {}
        self._of_part: dict[int, Split] = {}
        #: Per sender and destination (a key for both) the references in use, and if they are wide.
        self._taken: dict[int, set[tuple[int, bool]]] = {}
        self._segments: dict[int, int] = {}
        #: How many texts have a record.
        self.count = 0

    def __iter__(self) -> Iterator[tuple[int, Split]]:
        return iter(self._splits.items())

    def __getitem__(self, id: int) -> Split:
        return self._splits[id]

    def has(self, id: int) -> bool:
        """Whether this text is sent in parts."""
        split = self._splits.get(id)
        return split is not None and split.head is not None

    def of_part(self, id: int) -> Split | None:
        """The text that this is a part of."""
        return self._of_part.get(id)

    def whole_of(self, part: int) -> int:
        """The id of the text that this is a part of; 0 for none."""
        split = self._of_part.get(part)
        return 0 if split is None else split.id

    def reference(self, pair: int, seed: int, wide: bool) -> tuple[int, bool]:
        """A reference that is free for this sender and destination, and whether it is wide.

        A wide one also where no narrow one is left. ``seed`` says where to begin to look.
        """
        taken = self._taken.get(pair, ())
        for wide_now, count in ((False, _NARROW), (True, _WIDE)):
            if wide_now or not wide:
                for step in range(count):
                    found = (seed + step) % count, wide_now
                    if found not in taken:
                        return found
        return seed % _WIDE, True  # 65,536 long texts to one handset: it has given up long before

    def before(self, segment: int) -> list[Split]:
        """Those whose record lies in a segment before this one."""
        return [s for s in self._splits.values() if s.head and s.position >> 32 < segment]

    def oldest_segment(self) -> int:
        """The oldest segment that still holds one, or -1."""
        return min(self._segments, default=-1)

    # -- as octets ---------------------------------------------------------------------------

    def dump(self) -> tuple[Any, ...]:
        """Plain values of which ``load`` makes the same again."""
        splits = [
            (id, tuple(sorted(one.parts)), one.position, one.octets())
            for id, one in self._splits.items()
        ]
        taken = [(pair, tuple(sorted(used))) for pair, used in self._taken.items()]
        return tuple(splits), tuple(taken)

    def load(self, values: tuple[Any, ...]) -> None:
        """Become what was dumped. There were none before."""
        splits, taken = values
        for id, parts, position, head in splits:
            if head is not None:
                self.split(position, head)
            for part in parts:
                self.part(part, id)
        self._taken = {pair: set(used) for pair, used in taken}

    # -- the fold ----------------------------------------------------------------------------

    def part(self, id: int, whole: int) -> None:
        """A part was accepted."""
        split = self._of(whole)
        split.parts.add(id)
        self._of_part[id] = split

    def _of(self, whole: int) -> Split:
        split = self._splits.get(whole)
        if split is None:
            split = self._splits[whole] = Split(whole)
        return split

    def split(self, position: int, head: bytes) -> int:
        """A text is sent in parts, or one of them ended worse than all before; the text's id."""
        read = records.read_split(head)
        split = self._of(read.id)
        if split.head is None:
            self.count += 1
        self._uncount(split)
        split.record(position, read)
        segment = position >> 32
        self._segments[segment] = self._segments.get(segment, 0) + 1
        taken = self._taken.get(read.pair)
        if taken is None:
            taken = self._taken[read.pair] = set()
        taken.add((read.reference, read.wide))
        return read.id

    def undone(self, id: int) -> None:
        """The text is owed as a whole again; what is left of its parts is nothing."""
        split = self._splits.get(id)
        if split is None or split.head is None:
            return
        self._forget(split)
        split.head = None
        if not split.parts:
            del self._splits[id]

    def part_ended(self, id: int) -> None:
        split = self._of_part.pop(id, None)
        if split is not None:
            split.parts.discard(id)
            if split.head is None and not split.parts:
                del self._splits[split.id]

    def ended(self, id: int) -> None:
        """The text has its final state."""
        split = self._splits.pop(id)
        self._forget(split)
        for part in split.parts:
            del self._of_part[part]

    def _forget(self, split: Split) -> None:
        head = split.head
        assert head is not None
        self.count -= 1
        self._uncount(split)
        taken = self._taken[head.pair]
        taken.discard((head.reference, head.wide))
        if not taken:
            del self._taken[head.pair]

    def _uncount(self, split: Split) -> None:
        if split.head is None:
            return
        segment = split.position >> 32
        left = self._segments[segment] - 1
        if left:
            self._segments[segment] = left
        else:
            del self._segments[segment]
