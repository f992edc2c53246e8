"""The list of items is complete and as it is committed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "conformance.md"

#: Rows of part 7.
BAD_INPUTS = range(1, 87)


def test_the_page_is_up_to_date() -> None:
    made = subprocess.run(
        [sys.executable, str(HERE / "listing.py")], cwd=ROOT, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr[-2000:]
    assert made.stdout == PAGE.read_text(encoding="utf-8"), "run `make docs`"


def test_every_bad_input_is_there() -> None:
    part = PAGE.read_text(encoding="utf-8").partition("## 7 ")[2].partition("\n## ")[0]
    numbers = {int(number) for number in re.findall(r"^\| (\d+) ", part, re.MULTILINE)}
    assert numbers == set(BAD_INPUTS)
