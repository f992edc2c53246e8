"""Tests of features that are on their way, by what they await."""

from __future__ import annotations

AWAITED: dict[str, tuple[str, ...]] = {
    "an account with broadcasts is on its way": ("test_8_2_vector[N33]",),
}
