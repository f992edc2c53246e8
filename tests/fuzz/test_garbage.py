"""Garbage by rule: every seed cut at every octet, every octet poked, and thousands of mixtures."""

from __future__ import annotations

import random

import pytest
from targets import TARGETS, mangled, pokes, seeds, truncations

#: Random mixtures per target: seconds here; `make fuzz` runs on.
MIXTURES = 4_000


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_passes(name: str) -> None:
    for seed in seeds(name):
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_cut_and_poked(name: str) -> None:
    target = TARGETS[name]
    for seed in seeds(name):
        short = seed[:400]
        for garbage in (*truncations(short), *pokes(short)):
            target(garbage)


@pytest.mark.parametrize("name", TARGETS)
def test_mixtures(name: str) -> None:
    chance = random.Random(name)
    target, known = TARGETS[name], seeds(name)
    for _ in range(MIXTURES):
        target(mangled(chance.choice(known), chance))
