"""Medians, quantiles, CPU at a moment, histograms: what every figure rests on."""

from __future__ import annotations

import pytest

from bench.spread import Spread, histogram_quantile, quantile
from bench.track import Sample, Syncs, at


@pytest.mark.parametrize(
    "values, spread",
    [
        ([3.0], (3.0, 3.0, 3.0)),
        ([9.0, 1.0, 2.0], (2.0, 1.0, 9.0)),
        ([4.0, 1.0, 2.0, 8.0], (3.0, 1.0, 8.0)),
    ],
)
def test_a_spread_is_the_middle_and_the_extremes(values: list[float], spread: object) -> None:
    assert Spread.of(values) == spread


def test_the_width_is_a_share_of_the_median() -> None:
    assert Spread.of([9.0, 10.0, 12.0]).width == pytest.approx(0.3)
    assert Spread.of([0.0, 0.0]).width == 0


@pytest.mark.parametrize(
    "share, value",
    [(0.0, 1), (0.01, 1), (0.5, 50), (0.501, 51), (0.99, 99), (0.999, 100), (1, 100)],
)
def test_a_quantile_is_a_value_that_was_there(share: float, value: int) -> None:
    assert quantile(list(range(100, 0, -1)), share) == value


def test_of_nothing_a_quantile_is_nothing() -> None:
    assert quantile([], 0.5) == 0
    assert histogram_quantile([], 0.5) == 0


#: Ten below 1, thirty below 2, none between 2 and 4, ten beyond.
BUCKETS = [(1.0, 10.0), (2.0, 40.0), (4.0, 40.0), (float("inf"), 50.0)]


@pytest.mark.parametrize(
    "share, value", [(0.1, 0.5), (0.2, 1.0), (0.5, 1.5), (0.8, 2.0), (0.9, 4.0)]
)
def test_a_histogram_is_linear_within_its_buckets(share: float, value: float) -> None:
    assert histogram_quantile(BUCKETS, share) == pytest.approx(value)


def test_syncs_since_are_those_that_came_meanwhile() -> None:
    before = Syncs([(1.0, 2.0), (2.0, 2.0), (4.0, 2.0)])
    since = Syncs([(1.0, 2.0), (2.0, 6.0), (4.0, 6.0)]).since(before)
    assert since.count == 4
    assert since.quantile_ms(0.5) == pytest.approx(1500)
    assert since.longest_ms == 2000
    assert Syncs([]).since(before).count == 0


SAMPLES = [Sample(10.0, 1.0, 0.0, 5, 5), Sample(12.0, 3.0, 1.0, 7, 6), Sample(13.0, 3.0, 1.0, 6, 6)]


@pytest.mark.parametrize(
    "moment, used",
    [
        (9.0, (1.0, 0.0)),
        (10.0, (1.0, 0.0)),
        (11.0, (2.0, 0.5)),
        (12.0, (3.0, 1.0)),
        (14.0, (3.0, 1.0)),
    ],
)
def test_cpu_between_two_looks_is_in_proportion(moment: float, used: tuple[float, float]) -> None:
    assert at(SAMPLES, moment) == pytest.approx(used)
