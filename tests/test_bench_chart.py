"""Charts: axes with round numbers, and SVG that says what was measured."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from bench.chart import HEIGHT, WIDTH, Chart, Point, Series, Tick, decades, number, steps


@pytest.mark.parametrize(
    "most, ticks",
    [
        (0, [0, 1]),
        (1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (7, [0, 2, 4, 6, 8]),
        (48.9, [0, 10, 20, 30, 40, 50]),
        (50, [0, 10, 20, 30, 40, 50]),
        (51, [0, 20, 40, 60]),
        (260_000, [0, 100_000, 200_000, 300_000]),
    ],
)
def test_a_linear_axis_goes_in_round_steps_past_the_greatest(most: float, ticks: object) -> None:
    assert steps(most) == pytest.approx(ticks)


@pytest.mark.parametrize(
    "values, ticks",
    [([3, 40], [1, 10, 100]), ([0, 0.05], [0.01, 0.1]), ([10], [10, 100]), ([0], [1, 10])],
)
def test_a_logarithmic_axis_has_whole_decades(values: list[float], ticks: object) -> None:
    assert decades(values) == pytest.approx(ticks)


@pytest.mark.parametrize(
    "value, text",
    [(0, "0"), (0.01, "0.01"), (1500, "1.5k"), (250_000, "250k"), (10_000_000, "10M")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


CHART = Chart(
    "Cost & more", "x <things>", "y", [Tick(0, "none"), Tick(1, "some")],
    [
        Series("one", [Point(0, 5, 4, 6), Point(1, 10, 9, 12)]),
        Series("two", [Point(0, 0, 0, 0), Point(1, 1, 1, 1)]),
    ],
)  # fmt: skip


def circles(chart: Chart) -> list[tuple[float, float]]:
    tree = ElementTree.fromstring(chart.svg())
    return [(float(one.get("cx", "")), float(one.get("cy", ""))) for one in tree.iter(CIRCLE)]


CIRCLE = "{http://www.w3.org/2000/svg}circle"


@pytest.mark.parametrize("logarithmic", [False, True])
def test_every_point_is_drawn_within_and_greater_is_higher(logarithmic: bool) -> None:
    drawn = circles(replace(CHART, logarithmic=logarithmic))
    assert len(drawn) == 4
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in drawn)
    (left, low), (right, high), (_, foot), _ = drawn
    assert left < right and foot > low > high


def test_words_are_escaped_and_all_there() -> None:
    texts = [one.text for one in ElementTree.fromstring(CHART.svg()).iter() if one.text]
    for word in ("Cost & more", "x <things>", "y", "none", "some", "one", "two", "15"):
        assert word in texts


def test_nothing_is_not_drawn() -> None:
    with pytest.raises(ValueError, match="Cost"):
        replace(CHART, series=[Series("empty", [])]).svg()
