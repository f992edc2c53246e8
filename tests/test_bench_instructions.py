"""The message path costs no more instructions than were recorded: ``bench/instructions.json``.

If it does with good reason, ``make instructions`` writes the figures anew; the commit says why.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench import instructions
from bench.counted import STEPS, UNITS

RECORDED: dict[str, Any] = json.loads(instructions.RECORDED.read_text())
FIGURES: dict[str, float] = RECORDED["instructions"]


def test_every_piece_of_work_is_recorded() -> None:
    assert list(FIGURES) == list(UNITS)
    assert {"decode", "write", "journal", *STEPS} <= set(FIGURES)


@pytest.mark.skipif(bool(instructions.missing()), reason=instructions.missing())
def test_nothing_costs_more_than_was_recorded() -> None:
    why = instructions.incomparable(RECORDED, instructions.toolchain())
    if why:
        pytest.skip(f"counted with {why}")
    now = instructions.count()
    if instructions.drifted(FIGURES, now):
        pytest.skip(f"the interpreter's own count is {now['interpreter']:,.0f} here")
    assert not instructions.grown(FIGURES, now)


# -- the arithmetic ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FIGURES)
def test_whatever_grows_is_found_and_named(name: str) -> None:
    slower = {**FIGURES, name: FIGURES[name] * 1.04}
    (found,) = instructions.grown(FIGURES, slower)
    assert found.startswith(f"{name}: ") and found.endswith("(+4.0%)")


def test_a_little_more_and_any_less_is_no_growth() -> None:
    assert not instructions.grown(FIGURES, {name: each * 1.02 for name, each in FIGURES.items()})
    assert not instructions.grown(FIGURES, {name: each / 2 for name, each in FIGURES.items()})


@pytest.mark.parametrize(
    "times, drifted", [(1.0, False), (1.01, False), (1.03, True), (0.97, True)]
)
def test_another_interpreter_shows_in_what_is_not_ours(times: float, drifted: bool) -> None:
    now = {**FIGURES, "interpreter": FIGURES["interpreter"] * times}
    assert instructions.drifted(FIGURES, now) is drifted


@pytest.mark.parametrize("name", RECORDED["toolchain"])
def test_figures_of_another_toolchain_are_not_compared(name: str) -> None:
    chain = RECORDED["toolchain"]
    assert not instructions.incomparable(RECORDED, chain)
    assert name in instructions.incomparable(RECORDED, {**chain, name: "another"})


def dump(name: str, total: int) -> str:
    return f"version: 1\ndesc: Trigger: Client Request: {name}\n\nevents: Ir\ntotals: {total}\n"


def test_of_several_rounds_the_least_counts_and_the_end_of_the_run_not_at_all() -> None:
    units = UNITS["accept"]
    dumps = [dump("accept", 9 * units), dump("accept", 7 * units), dump("decode", 400 * 5)]
    end = "desc: Trigger: Program termination\ntotals: 1\n"
    assert instructions.least([*dumps, end]) == {"decode": 5, "accept": 7}
