"""What a run came to, as figures, ratios, tables and charts; also when it was only a part."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bench import matrix
from bench.backlog import Backlog, Start
from bench.crowd import Crowd
from bench.found import Found
from bench.matrix import Measured
from bench.plots import draw
from bench.run import Run
from bench.spread import Spread

LATENCY = {"p50": 1.0, "p99": 5.0, "p99.9": 9.0, "max": 10.0}
RUN = Run(100, 1000, 30, 10, 90, 50, 0.5, LATENCY, LATENCY, passed=True)


def whole() -> Found:
    lines = [Measured(line, [replace(RUN, per_s=1000 + n)]) for n, line in enumerate(matrix.LINES)]
    return Found(
        lines=lines,
        paced=[Measured(matrix.paced(matrix.BASE, 0.5, 1000), [RUN])],
        calm=[Measured(matrix.paced(matrix.ACCEPT, 0.5, 1000), [RUN])],
        backlogs=[
            Backlog(0, *[Start(1.0, 0.5)] * 3, 40_000_000, 3.0, [RUN]),
            Backlog(
                1_000_000,
                Start(0.6, 0.5),
                Start(0.9, 0.7),
                Start(3.0, 2.0),
                110_000_000,
                3.0,
                [replace(RUN, user_us=34)],
            ),
        ],
        receipt_octets=90.0,
        crowds=[Crowd(0, 0.0, 40_000_000, 3.0, [RUN]), Crowd(1_000, 2.0, 42_048_000, 3.0, [RUN])],
        decoders={"ours": Spread(100, 90, 110), "smpp34": Spread(400, 390, 500)},
    )


def test_the_headline_is_there_for_machines() -> None:
    figures = json.loads(json.dumps(whole().figures()))
    assert figures["whole_way_per_s"] == 1000
    assert figures["accept_cpu_us"] == 40
    assert figures["resp_p99_ms"] == 5
    assert figures["owed_octets_each"] == 70
    assert figures["idle_bind_kib"] == 2
    assert figures["passed"] is True
    assert len(figures["lines"]) == len(matrix.LINES) + 2


def test_ratios_are_of_one_run() -> None:
    ratios = whole().ratios()
    assert ratios["decoding, of the time that smpp34 takes"] == 0.25
    assert ratios["the whole way, 1,000,000 owed meanwhile, of the CPU without"] == 1.1
    assert ratios["the whole way, 1,000 idle binds meanwhile, of the CPU without"] == 1


@pytest.mark.parametrize("part", ["lines", "paced", "calm", "backlogs", "crowds"])
def test_a_lost_message_anywhere_fails_the_run(part: str) -> None:
    found = whole()
    assert found.passed
    getattr(found, part)[0].runs.append(replace(RUN, passed=False))
    assert not found.passed


def shown(found: Found) -> str:
    out = io.StringIO()
    found.show(Console(file=out, width=200))
    return out.getvalue()


def test_every_line_is_shown_to_people() -> None:
    text = shown(whole())
    for line in matrix.LINES:
        assert line.name in text
    assert "awaited receipt: 90 octets" in text


def test_what_was_not_measured_is_not_spoken_of(tmp_path: Path) -> None:
    nothing = Found()
    assert nothing.passed and nothing.ratios() == {}
    assert shown(nothing) == ""
    draw([], [], [], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_charts_are_made_of_what_was_measured(tmp_path: Path) -> None:
    found = whole()
    draw(found.lines, found.paced, found.backlogs, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "cost-against-backlog.svg",
        "cost-against-connections.svg",
        "latency-against-load.svg",
    ]
    assert "1M" in (tmp_path / "cost-against-backlog.svg").read_text()
