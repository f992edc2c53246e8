"""Texts in parts as a fold: references, what is left of them, and where their records lie."""

from __future__ import annotations

import pytest

from smsc import records
from smsc.splits import Splits

SEGMENT = 1 << 32
PAIR, OTHER = 77, 78


def head(id: int, reference: int = 5, wide: bool = False, state: int = 2) -> bytes:
    return records.split(id, PAIR, reference, wide, 2, state, 0, b"", b"")


def test_a_reference_is_in_use_while_its_text_is_owed() -> None:
    splits = Splits()
    splits.split(SEGMENT, head(1))
    assert splits.reference(PAIR, 5, False) == (6, False)
    assert splits.reference(PAIR, 4, False) == (4, False)
    assert splits.reference(OTHER, 5, False) == (5, False)
    assert splits.reference(PAIR, 5, True) == (5, True)
    splits.ended(1)
    assert splits.reference(PAIR, 5, False) == (5, False)


def test_a_wide_reference_where_no_narrow_one_is_left() -> None:
    splits = Splits()
    for reference in range(256):
        splits.split(SEGMENT, head(reference + 1, reference))
    assert splits.reference(PAIR, 0x1FF, False) == (0x1FF, True)
    splits.ended(200)
    assert splits.reference(PAIR, 0x1FF, False) == (199, False)


def test_the_newest_record_counts_and_says_where_it_lies() -> None:
    splits = Splits()
    splits.part(11, 1)
    splits.part(12, 1)
    assert not splits.has(1) and splits.count == 0 and splits.oldest_segment() == -1
    splits.split(1 * SEGMENT, head(1))
    assert splits.has(1) and splits.whole_of(12) == 1 and splits.whole_of(13) == 0
    splits.split(3 * SEGMENT, head(1, state=5))
    assert (splits.oldest_segment(), splits.count) == (3, 1)
    assert splits[1].head.state == 5 and splits[1].parts == {11, 12}
    assert splits.before(3) == [] and splits.before(4) == [splits[1]]
    splits.part_ended(11)
    assert splits[1].parts == {12}
    splits.ended(1)
    assert splits.oldest_segment() == -1 and splits.whole_of(12) == 0 and not list(splits)
    with pytest.raises(KeyError):
        splits[1]


def test_parts_without_their_record_leave_nothing() -> None:
    splits = Splits()
    splits.part(11, 1)
    splits.part_ended(11)
    splits.part_ended(99)
    assert not list(splits)
