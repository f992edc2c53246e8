"""The keeper's log sealed: nothing owed is on disk in clear, nothing lost, keys go in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smsc.errors import BadSeal, CorruptLog
from smsc.journal import _frame, inspect
from smsc.keys import Keyring, Master
from smsc.retention import SPOOL, Name
from smsc.sealing import EPOCH_SECONDS, Epochs, SealedJournal

SEAL, OPEN = Epochs.seal, Epochs.open

SECRET = b"a text to +447700900123"


def ring(directory: Path, read_only: bool = False) -> Keyring:
    path = directory / "master.key"
    master = Master.read(path) if path.exists() else Master.create(path)
    return Keyring(directory / "keys", master, directory / "destroyed", read_only=read_only)


@contextmanager
def log(directory: Path, segment: int = 64 * 1024) -> Iterator[SealedJournal]:
    """The log with its keys, replayed."""
    journal = SealedJournal(directory / "log", segment_octets=segment, force_filesystem=True)
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
    return set(Epochs(ring(directory, read_only=True)))


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


def test_no_nonce_is_used_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nonces = []

    def seal(self: Epochs, bound: bytes, bodies: bytes) -> tuple[bytes, bytes]:
        sealed = SEAL(self, bound, bodies)
        nonces.append(sealed[0])
        return sealed

    monkeypatch.setattr(Epochs, "seal", seal)
    for _ in range(3):
        with log(tmp_path) as journal:
            for _ in range(50):
                write(journal)
    assert len(set(nonces)) == len(nonces) == 150


def test_a_log_is_verified_and_salvaged_without_keys(tmp_path: Path) -> None:
    with log(tmp_path) as journal:
        for _ in range(5):
            write(journal, 4)
    report = inspect.verify(tmp_path / "log")
    assert (report.problems, report.records) == ([], 20)
    saved = inspect.salvage(tmp_path / "log", tmp_path / "saved", force_filesystem=True)
    assert (saved.records, saved.lost) == (20, [])
    keys = Epochs(ring(tmp_path, read_only=True))
    assert [body for *_, body in inspect.records(tmp_path / "saved", keys)] == [SECRET] * 20
    assert SECRET not in b"".join(body for *_, body in inspect.records(tmp_path / "saved"))
    with pytest.raises(BadSeal, match="a key that is not there"):
        list(inspect.records(tmp_path / "saved", Epochs()))


GROUP = 32 * 1024


def test_bodies_are_sealed_together_and_read_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those of several groups in a frame, one larger than a group, and none at all."""
    bodies = [bytes([n]) * 500 for n in range(200)] + [bytes(3 * GROUP), b"", b"x", b"last"]
    opened = []

    def open_(self: Epochs, nonce: bytes, bound: bytes, sealed: bytes) -> bytes:
        opened.append(len(sealed))
        return OPEN(self, nonce, bound, sealed)

    monkeypatch.setattr(Epochs, "open", open_)
    with log(tmp_path, 4 << 20) as journal:
        journal.begin(1)
        positions = [journal.append(2, b"%d" % n, body) for n, body in enumerate(bodies)]
        expected = [(2, b"%d" % n, body) for n, body in enumerate(bodies)]
        assert [journal.read(p) for p in positions] == expected, "while the frame is open"
        journal.seal()
        assert [journal.read(p) for p in positions] == expected, "while it is on its way"
        journal.settle()
        opened.clear()
        assert [journal.read(p) for p in positions] == expected, "from disk"
        assert len(opened) < 10, "neighbours are opened together"
        assert max(opened[:3]) <= GROUP
    with log(tmp_path) as journal:
        assert [journal.read(p) for p in positions[::-1]] == expected[::-1]


def test_a_frame_in_memory_takes_as_much_as_it_says(tmp_path: Path) -> None:
    """Also when a seal is needed for the last record that fits."""
    with log(tmp_path, 256 * 1024) as journal:
        for size in range(600, 700):
            journal.begin(1)
            for _ in range(300):
                journal.append(2, b"h", bytes(size))
                assert journal.open_octets <= journal.frame_octets
            journal.seal()
            journal.settle()
            assert journal.pending_octets == 0


@pytest.mark.parametrize("at", [*range(-44, -6, 3), *range(4, 42, 3)])  # not in padding
def test_what_was_changed_is_corrupt_however_well_it_checks(at: int, tmp_path: Path) -> None:
    """Someone who writes on the disk can make the CRCs right again, but no seal."""
    with log(tmp_path) as journal:
        positions = write(journal, 2)
        path = journal._shelf.segments[positions[0] >> 32].path
        salt = journal._shelf.segments[positions[0] >> 32].header.salt
        data = bytearray(path.read_bytes())
        start = positions[0] & 0xFFFFFFFF
        data[start + at] ^= 1
        forged = repaired(bytes(data), salt, start - 48)
        path.write_bytes(forged)
        with pytest.raises(CorruptLog):
            print(journal.read(positions[0]), journal.read(positions[1]))


def repaired(data: bytes, salt: int, start: int) -> bytes:
    """The same with right CRCs of the three records from ``start`` on, as far as they are some."""
    octets = bytearray(data)
    for _ in range(3):
        length = -(-int.from_bytes(octets[start + 4 : start + 8], "little") // 8) * 8
        if length > 4096:
            break
        salted = salt.to_bytes(8, "little") + start.to_bytes(4, "little")
        crc = _frame.crc32c(salted + octets[start + 4 : start + length])
        octets[start : start + 4] = crc.to_bytes(4, "little")
        start += length
    return bytes(octets)


def test_a_body_is_bound_to_its_head(tmp_path: Path) -> None:
    keys = ring(tmp_path)
    epochs = Epochs(keys)
    epochs.use(keys.get(Name(b"1", SPOOL, SPOOL)))
    nonce, sealed = epochs.seal(b"head", SECRET)
    assert epochs.open(nonce, b"head", sealed) == SECRET
    for bound, octets in ((b"heap", sealed), (b"head", sealed[:-1] + bytes([sealed[-1] ^ 1]))):
        with pytest.raises(BadSeal):
            epochs.open(nonce, bound, octets)
    keys.close()


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
        first = journal.epochs.current
        old = write(journal)[0]
        settle(journal)
        journal.rotate()
        second = journal.epochs.current
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
        assert spool_keys(tmp_path) == {journal.epochs.current, journal.epochs.current + 1}


def test_a_key_is_used_for_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with log(tmp_path) as journal:
        settle(journal)
        before = journal.epochs.current
        journal.poll()
        assert journal.epochs.current == before
        at = time.monotonic() + EPOCH_SECONDS + 1
        monkeypatch.setattr(time, "monotonic", lambda: at)
        journal.poll()
        assert journal.epochs.current == before + 1
        assert journal.read(write(journal)[0])[2] == SECRET
