"""docs/interop.md says what this run found. Last of this directory, since it needs all others."""

from __future__ import annotations

import os

import page
import pytest
from conftest import RESULTS

pytestmark = pytest.mark.interop


def test_the_page_is_as_the_run_was(request: pytest.FixtureRequest) -> None:
    results = request.config.stash[RESULTS]
    tests = {test for test, _, _ in results}
    if tests != set(page.OPERATIONS):
        pytest.skip("not all of the peers' tests ran")
    made = page.text(results)
    if os.environ.get("SMSC_WRITE_PAGES"):
        page.PAGE.write_text(made, encoding="utf-8")
    assert made == page.PAGE.read_text(encoding="utf-8"), "run `make interop`"
