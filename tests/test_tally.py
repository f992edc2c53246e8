"""Counts by two numbers, against a dictionary."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from smsc._tally import Tally


def test_it_counts_as_a_dictionary_does() -> None:
    dice, tally = random.Random(3), Tally(4)
    model: Counter[tuple[int, int]] = Counter()
    for rows in (1, 3, 200):  # it grows, and what was counted stays
        for _ in range(300):
            row, column = dice.randrange(rows), dice.randrange(4)
            tally.count(row, column)
            model[row, column] += 1
    assert {(row, column): count for row, column, count in tally} == model
    assert tally.row(0) == [model[0, column] for column in range(4)]
    assert tally.row(10_000) == [0, 0, 0, 0]


@pytest.mark.parametrize("place", [(0, 4), (0, -1), (-1, 0)])
def test_there_are_no_other_places(place: tuple[int, int]) -> None:
    tally = Tally(4)
    with pytest.raises(IndexError):
        tally.count(*place)
    assert list(tally) == []
