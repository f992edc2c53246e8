"""What is measured: each axis has its lines around the base, and all are measured in turn."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bench import matrix
from bench.run import Run
from bench.world import CARRIERS, settings
from smsc import reading

AXES = {
    "base": 1, "carrier": 1, "receipts": 1, "connections": 3, "window": 3, "text": 3,
    "accepting": 4, "peer": 3,
}  # fmt: skip


def test_every_axis_is_varied_around_the_base() -> None:
    found = [line.axis for line in matrix.LINES]
    assert {axis: found.count(axis) for axis in found} == AXES
    assert {line.load.connections for line in matrix.LINES} == {1, 10, 100, 1_000}
    assert {line.load.window for line in matrix.LINES} == {1, 10, 100, 500}


def test_lines_have_names_of_their_own_and_carriers_that_exist() -> None:
    names = [line.name for line in matrix.LINES]
    assert len(set(names)) == len(names)
    assert {line.carrier for line in matrix.LINES} <= set(CARRIERS)
    assert set(matrix.FEW) <= set(matrix.LINES)


@pytest.mark.parametrize("line", matrix.SERVERS, ids=lambda line: line.name)
def test_the_configuration_of_each_line_is_one_that_the_server_takes(
    line: matrix.Line, tmp_path: Path
) -> None:
    configured = settings(tmp_path, 2776)
    line.change(configured)
    loaded = reading.loads(yaml.safe_dump(configured))
    assert [carrier.name for carrier in loaded.carriers] == [b"sim", b"slow"]


def test_a_paced_line_keeps_a_share_of_the_rate() -> None:
    line = matrix.paced(matrix.BASE, 0.25, 40_000)
    assert line.load.rate == 10_000
    assert (line.at, line.name) == (0.25, "whole way, 25% load")


def run(n: int) -> Run:
    return Run(n, n, n, 1, 0, 0, 0, {}, {}, True)


FEW = matrix.FEW[:3]
ROUND = [line.name for line in FEW]


@pytest.mark.parametrize("most, seen", [(99, ROUND * 3), (0, ROUND), (4, [*ROUND, ROUND[0]])])
def test_lines_take_turns_and_each_is_run_once_at_least(most: int, seen: list[str]) -> None:
    ran: list[str] = []

    def one(line: matrix.Line) -> Run:
        ran.append(line.name)
        return run(len(ran))

    found = matrix.in_turn(FEW, 3, one, lambda _: None, lambda: len(ran) < most)
    assert ran == seen
    assert [len(each.runs) for each in found] == [seen.count(name) for name in ROUND]


def test_a_measured_line_tells_medians_over_its_runs() -> None:
    found = matrix.Measured(matrix.BASE, [run(5), run(1), run(9)])
    assert found.median(lambda run: run.per_s) == 5
    assert found.spread(lambda run: run.cpu_us) == (6, 2, 10)
