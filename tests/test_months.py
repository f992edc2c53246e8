"""A month's log written anew is the old or the new one, whatever crashes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smsc import months, traffic
from smsc.journal import inspect
from tests.serving import configuration
from tests.test_redaction import Logs


def blocks(directory: Path) -> list[bytes]:
    return [body for kind, _, _, body in inspect.records(directory) if kind == traffic.BLOCK]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    logs = Logs(tmp_path)
    logs.fill()
    logs.keys.close()
    return Path(logs.config.traffic.directory)


def test_each_block_is_as_it_is_to_be(tmp_path: Path, directory: Path) -> None:
    config = configuration(tmp_path)
    month = directory / "2026-09"
    before, cursor = blocks(month), months.cursor(month)
    kept = iter((True, False))
    months.rewrite(config, "2026-09", lambda head, body: (head, body) if next(kept) else None)
    assert blocks(month) == before[:1]
    assert months.cursor(month) == cursor, "how far the records reach is not forgotten"
    months.remove(config, "2026-09")
    assert traffic.periods(directory) == ["2026-10"]


@pytest.mark.parametrize("renames", [0, 1])
def test_an_exchange_that_was_cut_short_is_finished_or_undone(
    tmp_path: Path, directory: Path, renames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = blocks(directory / "2026-09")
    real, left = os.rename, renames

    def rename(source: Path, target: Path) -> None:
        nonlocal left
        if "2026-09" in str(source) and not str(source).endswith(".tmp"):
            if not left:
                raise OSError("killed")
            left -= 1
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OSError, match="killed"):
        months.rewrite(configuration(tmp_path), "2026-09", lambda head, body: None)
    monkeypatch.undo()
    months.mend(directory)
    assert blocks(directory / "2026-09") == ([] if renames else before)
    assert sorted(path.name for path in directory.iterdir()) == ["2026-09", "2026-10"]
