"""Medians, spread and quantiles. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """Of several measurements of one thing: the middle one, and the extremes."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Of at least one value."""
        found = sorted(values)
        return cls(statistics.median(found), found[0], found[-1])

    @property
    def width(self) -> float:
        """From least to most, as a share of the median; 0 where that is 0."""
        return (self.most - self.least) / self.median if self.median else 0.0


def quantile(values: Sequence[float], share: float) -> float:
    """The least value that ``share`` of all do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(-int(-len(ordered) * share // 1) - 1, 0)] if ordered else 0.0


def histogram_quantile(buckets: Sequence[tuple[float, float]], share: float) -> float:
    """A quantile of a cumulative histogram of (bound, count), linear within its bucket.

    In the last bucket, which has no bound, it is where that begins.
    """
    wanted = buckets[-1][1] * share if buckets else 0.0
    below, seen = 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted > seen:
            if bound == float("inf"):
                return below
            return below + (bound - below) * (wanted - seen) / (count - seen)
        below, seen = bound, count
    return 0.0
