"""Closes and holds in a file of lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsc.errors import StorageError
from smsc.facts import FileFacts
from smsc.retention import Hold

HOLD = Hold("case-7", "dispute", "ada", "bob", review=5, customer="C-1")


def test_what_was_noted_is_known_again(tmp_path: Path) -> None:
    facts = FileFacts(tmp_path / "r" / "facts")
    facts.close(b"C-1", "2026-09", 10)
    facts.close(b"C-1", "2026-09", 99)
    facts.hold(HOLD)
    for known in (facts, FileFacts(tmp_path / "r" / "facts")):
        assert known.closed(b"C-1", "2026-09") == 10, "closing twice is harmless"
        assert known.closed(b"C-1", "2026-10") is known.closed(b"C-2", "2026-09") is None
        assert known.holds() == [HOLD]
    facts.end("case-7")
    facts.end("case-8")
    assert FileFacts(tmp_path / "r" / "facts").holds() == []


def test_a_torn_line_was_never_a_fact(tmp_path: Path) -> None:
    path = tmp_path / "facts"
    FileFacts(path).close(b"C-1", "2026-09", 10)
    path.write_bytes(path.read_bytes() + b'{"fact": "closed", "cust')
    facts = FileFacts(path)
    assert facts.closed(b"C-1", "2026-09") == 10
    facts.close(b"C-1", "2026-10", 20)
    assert FileFacts(path).closed(b"C-1", "2026-10") == 20
    assert b"cust\n" not in path.read_bytes()


def test_what_another_process_notes_is_met(tmp_path: Path) -> None:
    mine, other = FileFacts(tmp_path / "facts"), FileFacts(tmp_path / "facts")
    other.close(b"C-1", "2026-09", 10)
    other.hold(HOLD)
    assert mine.holds() == [HOLD] and mine.closed(b"C-1", "2026-09") == 10


@pytest.mark.parametrize("line", ["x", "{}", '{"fact": "forgotten"}', '{"fact": "closed"}'])
def test_a_damaged_line_is_named(line: str, tmp_path: Path) -> None:
    (tmp_path / "facts").write_text(f"{line}\n")
    with pytest.raises(StorageError, match="line 1 is damaged"):
        FileFacts(tmp_path / "facts")
