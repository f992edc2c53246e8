"""The keeper's log sealed: nothing owed is on disk in clear, nothing lost, keys go in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smsc.errors import CorruptLog
from smsc.journal import inspect
from smsc.keys import Keyring, Master
from smsc.sealing import EPOCH_SECONDS, SealedJournal, epochs, opened

SECRET = b"a text to +447700900123"


def ring(directory: Path, read_only: bool = False) -> Keyring:
    path = directory / "master.key"
    master = Master.read(path) if path.exists() else Master.create(path)
    return Keyring(directory / "keys", master, directory / "destroyed", read_only=read_only)


@contextmanager
def log(directory: Path) -> Iterator[SealedJournal]:
    """The log with its keys, replayed."""
    journal = SealedJournal(directory / "log", segment_octets=64 * 1024, force_filesystem=True)
    keys = ring(directory)
    journal.seal_with(keys)
    journal.replay(lambda *record: None)
    try:
        yield journal
    finally:
        journal.close()
        keys.close()


def write(journal: SealedJournal, count: int = 1, body: bytes = SECRET) -> list[int]:
    journal.begin(1)
    positions = [journal.append(2, b"head%d" % n, body) for n in range(count)]
    journal.seal()
    journal.settle()
    return positions


def octets(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


def spool_keys(directory: Path) -> set[int]:
    return set(epochs(ring(directory, read_only=True)))


def test_bodies_are_sealed_and_heads_are_not(tmp_path: Path) -> None:
    with log(tmp_path) as journal:
        [position] = write(journal)
        assert journal.read(position) == (2, b"head0", SECRET)
    assert b"447700900123" not in octets(tmp_path)
    assert b"head0" in octets(tmp_path / "log")


def test_a_record_that_is_not_durable_yet_is_read(tmp_path: Path) -> None:
    with log(tmp_path) as journal:
        journal.begin(1)
        position = journal.append(2, b"head", SECRET)
        assert journal.read(position)[2] == SECRET
        assert journal.read(journal.append(3, b"no body"))[2] == b""


def test_what_was_written_before_a_restart_is_read_after_it(tmp_path: Path) -> None:
    with log(tmp_path) as journal:
        positions = write(journal, 20)
    for _ in range(3):
        with log(tmp_path) as journal:
            assert {journal.read(position)[2] for position in positions[:-1]} == {SECRET}
            positions += write(journal)


def test_the_last_frame_is_read_where_recovery_copied_it(tmp_path: Path) -> None:
    with log(tmp_path) as journal:
        write(journal, 3)
    seen: list[int] = []
    journal = SealedJournal(tmp_path / "log", segment_octets=64 * 1024, force_filesystem=True)
    keys = ring(tmp_path)
    journal.seal_with(keys)
    journal.replay(lambda kind, position, time, head: seen.append(position))
    assert [journal.read(position)[2] for position in seen] == [SECRET] * 3
    journal.close()
    keys.close()


def test_no_count_is_used_twice_with_a_key(tmp_path: Path) -> None:
    for _ in range(3):
        with log(tmp_path) as journal:
            write(journal, 50)
    bodies = [body for _k, _t, _h, body in inspect.records(tmp_path / "log") if body]
    assert len({body[:12] for body in bodies}) == len(bodies) == 150


def test_a_log_is_verified_and_salvaged_without_keys(tmp_path: Path) -> None:
    with log(tmp_path) as journal:
        write(journal, 20)
    assert inspect.verify(tmp_path / "log").problems == []
    inspect.salvage(tmp_path / "log", tmp_path / "saved", force_filesystem=True)
    keys = epochs(ring(tmp_path, read_only=True))
    saved = [(head, body) for _k, _t, head, body in inspect.records(tmp_path / "saved") if body]
    assert [opened(keys, head, body) for head, body in saved] == [SECRET] * 20


@pytest.mark.parametrize("at", [0, 4, 12, -1])
def test_a_body_that_was_changed_is_corrupt(
    at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with log(tmp_path) as journal:
        [position] = write(journal)
        kind, head, body = super(SealedJournal, journal).read(position)
        changed = bytearray(body)
        changed[at] ^= 1
        monkeypatch.setattr(
            SealedJournal.__mro__[1], "read", lambda self, at: (kind, head, bytes(changed))
        )
        with pytest.raises(CorruptLog, match="a key that is not there, or was changed"):
            journal.read(position)


def test_a_body_belongs_to_its_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with log(tmp_path) as journal:
        [position] = write(journal)
        kind, _head, body = super(SealedJournal, journal).read(position)
        monkeypatch.setattr(
            SealedJournal.__mro__[1], "read", lambda self, at: (kind, b"another", body)
        )
        with pytest.raises(CorruptLog):
            journal.read(position)


# -- keys ----------------------------------------------------------------------------------------


def fill(journal: SealedJournal) -> int:
    """Go on until a new segment is begun; its number."""
    segment = write(journal)[0] >> 32
    while (position := write(journal, 20, bytes(700))[-1]) >> 32 == segment:
        pass
    return position >> 32


def settle(journal: SealedJournal) -> None:
    """What the worker was given is done."""
    journal._worker.submit(lambda: None).result()


def test_a_key_goes_with_the_last_segment_of_its_time(tmp_path: Path) -> None:
    with log(tmp_path) as journal:
        first = journal._current
        old = write(journal)[0]
        settle(journal)
        journal.rotate()
        second = journal._current
        assert second != first
        fill(journal)
        assert journal.read(old)[2] == SECRET
        journal.release(journal._ends[first])
        settle(journal)
        assert first in spool_keys(tmp_path), "its last segment is still there"
        journal.release(journal._ends[first] + 1)
        settle(journal)
        assert first not in spool_keys(tmp_path)
        assert second in spool_keys(tmp_path)
        assert journal.read(write(journal)[0])[2] == SECRET


def test_keys_of_runs_before_go_once_their_segments_have(tmp_path: Path) -> None:
    for _ in range(3):
        with log(tmp_path) as journal:
            write(journal)
    with log(tmp_path) as journal:
        settle(journal)
        assert len(spool_keys(tmp_path)) > 3
        journal.release(fill(journal))
        settle(journal)
        assert spool_keys(tmp_path) == {journal._current, journal._current + 1}


def test_a_key_is_used_for_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with log(tmp_path) as journal:
        settle(journal)
        before = journal._current
        journal.poll()
        assert journal._current == before
        at = time.monotonic() + EPOCH_SECONDS + 1
        monkeypatch.setattr(time, "monotonic", lambda: at)
        journal.poll()
        assert journal._current == before + 1
        assert journal.read(write(journal)[0])[2] == SECRET
