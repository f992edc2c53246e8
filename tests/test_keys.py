"""Data keys: durable before use, wrapped, rotated, and gone when destroyed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from smsc import files
from smsc.errors import ConfigError, KeyDestroyed, StorageError
from smsc.keys import NONCE_OCTETS, Keyring, Master, keyring
from smsc.retention import Name
from tests.serving import configuration

MINE = Name(b"C-1", "2026-09", "traffic")
TEXT = MINE._replace(kind="content")
OTHERS = Name(b"C-2", "2026-09", "traffic")
LATER = MINE._replace(period="2026-10")


@contextmanager
def ring(directory: Path, read_only: bool = False) -> Iterator[Keyring]:
    master = directory / "master.key"
    found = Master.read(master) if master.exists() else Master.create(master)
    opened = Keyring(directory / "keys", found, directory / "destroyed", read_only=read_only)
    try:
        yield opened
    finally:
        opened.close()


def test_what_was_sealed_opens_after_a_restart(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        id, sealed = keys.seal(*MINE, b"a secret")
        assert b"secret" not in sealed
    with ring(tmp_path) as keys:
        assert keys.open("traffic", id, sealed) == b"a secret"
        assert keys.get(MINE).id == id


def test_each_customer_period_and_class_has_its_own(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        ids = {keys.seal(*name, b"x")[0] for name in (MINE, TEXT, OTHERS, LATER, MINE)}
        assert len(ids) == len(keys) == 4


def test_no_nonce_is_used_twice(tmp_path: Path) -> None:
    nonces = set()
    for _ in range(3):
        with ring(tmp_path) as keys:
            nonces |= {keys.seal(*MINE, b"x")[1][:NONCE_OCTETS] for _ in range(100)}
            keys.get(MINE)._count = 0xFFFFFFFE
            nonces |= {keys.seal(*MINE, b"x")[1][:NONCE_OCTETS] for _ in range(3)}
    assert len(nonces) == 309


@pytest.mark.parametrize("at", [0, NONCE_OCTETS, -1])
def test_what_was_changed_does_not_open(at: int, tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        id, sealed = keys.seal(*MINE, b"a secret")
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(StorageError, match="changed"):
            keys.open("traffic", id, bytes(changed))
        with pytest.raises(StorageError, match="not one for content"):
            keys.open("content", id, sealed)


def test_a_key_is_on_disk_before_it_is_used(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        id, sealed = keys.seal(*MINE, b"a secret")
        shutil.copytree(tmp_path, tmp_path / "crashed", ignore=shutil.ignore_patterns("crashed"))
    with ring(tmp_path / "crashed") as keys:
        assert keys.open("traffic", id, sealed) == b"a secret"


def test_keys_of_many_names_cost_one_rewrite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    real = files.replace
    monkeypatch.setattr(
        files, "replace", lambda path, data: (written.append(path), real(path, data))
    )
    with ring(tmp_path) as keys:
        written.clear()
        keys.prepare(Name(b"C-%d" % n, "2026-09", "traffic") for n in range(100))
        assert len(keys) == 100 and len(written) == 1
        keys.prepare([MINE])
        assert len(written) == 1


# -- ends ----------------------------------------------------------------------------------------


def test_a_destroyed_key_opens_nothing_any_more(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        id, sealed = keys.seal(*MINE, b"a secret")
        other, kept = keys.seal(*OTHERS, b"kept")
        file = tmp_path / "keys" / "2026-09.keys"
        os.link(file, tmp_path / "witness")
        wrapped = keys.find(id).wrapped
        keys.destroy([id])
        with pytest.raises(KeyDestroyed):
            keys.open("traffic", id, sealed)
        assert wrapped not in file.read_bytes()
        assert not any((tmp_path / "witness").read_bytes()), "overwritten where it lay"
        assert keys.open("traffic", other, kept) == b"kept"
    with ring(tmp_path) as keys:
        with pytest.raises(KeyDestroyed):
            keys.open("traffic", id, sealed)
        assert len(keys) == 1 and keys.revived == keys.interrupted == []


def test_a_late_record_of_a_dead_period_gets_a_new_key(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        id, _sealed = keys.seal(*MINE, b"a secret")
        keys.destroy([id])
        fresh, sealed = keys.seal(*MINE, b"late")
        assert fresh != id and keys.open("traffic", fresh, sealed) == b"late"


def test_the_last_key_of_a_period_takes_its_file_along(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        keys.destroy([keys.get(MINE).id])
        assert list((tmp_path / "keys").iterdir()) == []


def test_keys_that_should_be_dead_are_destroyed_again(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        id, sealed = keys.seal(*MINE, b"a secret")
        keys.get(OTHERS)
        shutil.copytree(tmp_path / "keys", tmp_path / "backup")
        keys.destroy([id])
    shutil.rmtree(tmp_path / "keys")
    (tmp_path / "backup").rename(tmp_path / "keys")
    with ring(tmp_path) as keys:
        assert keys.revived == [id] and len(keys) == 1
        with pytest.raises(KeyDestroyed):
            keys.open("traffic", id, sealed)
    with ring(tmp_path) as keys:
        assert keys.revived == []


def test_a_tombstone_names_nobody(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        keys.destroy([keys.get(MINE).id])
    assert b"C-1" not in (tmp_path / "destroyed").read_bytes()


@pytest.mark.parametrize("torn", [b"going 00", b"gone", b"\0" * 9])
def test_a_torn_tombstone_is_no_harm(torn: bytes, tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        id = keys.get(MINE).id
        keys.destroy([id])
    files.append(tmp_path / "destroyed", torn)
    with ring(tmp_path) as keys:
        assert id in keys.destroyed
        keys.destroy([keys.get(OTHERS).id])
    with ring(tmp_path) as keys:
        assert len(keys.destroyed) == 2


class Killed(BaseException):
    pass


@pytest.mark.parametrize("when", range(1, 20))
def test_a_destruction_that_was_cut_short_is_finished(
    when: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ring(tmp_path) as keys:
        doomed = [keys.get(name).id for name in (MINE, LATER)]
        kept = keys.get(OTHERS).id
        count, real = 0, os.fsync

        def dies(fd: int) -> None:
            nonlocal count
            count += 1
            if count == when:
                raise Killed
            real(fd)

        monkeypatch.setattr(os, "fsync", dies)
        with suppress(Killed):
            keys.destroy(doomed)
        monkeypatch.setattr(os, "fsync", real)
    with ring(tmp_path) as keys:
        alive = {key.id for key in keys}
        assert kept in alive
        if (tmp_path / "destroyed").exists():
            assert alive == {kept}
        assert sorted(os.listdir(tmp_path / "keys")) == sorted(
            {f"{key.name.period}.keys" for key in keys}
        )


# -- the master key ------------------------------------------------------------------------------


def test_a_new_master_key_opens_what_the_old_one_wrapped(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        id, sealed = keys.seal(*MINE, b"a secret")
        keys.get(LATER)
        old = (tmp_path / "master.key").read_text().split()[1]
        assert keys.rotate() == 2
        assert keys.open("traffic", id, sealed) == b"a secret"
    assert old not in (tmp_path / "master.key").read_text()
    with ring(tmp_path) as keys:
        assert keys.open("traffic", id, sealed) == b"a secret"
        assert {key.epoch for key in keys} == {2}
        assert keys.rotate() == 3


@pytest.mark.parametrize("when", range(1, 20))
def test_a_rotation_that_was_cut_short_loses_nothing(
    when: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ring(tmp_path) as keys:
        id, sealed = keys.seal(*MINE, b"a secret")
        keys.get(LATER)
        count, real = 0, os.fsync

        def dies(fd: int) -> None:
            nonlocal count
            count += 1
            if count == when:
                raise Killed
            real(fd)

        monkeypatch.setattr(os, "fsync", dies)
        with suppress(Killed):
            keys.rotate()
        monkeypatch.setattr(os, "fsync", real)
    with ring(tmp_path) as keys:
        assert keys.open("traffic", id, sealed) == b"a secret"
        epoch = keys.rotate()
        assert len((tmp_path / "master.key").read_text().splitlines()) == 1
    with ring(tmp_path) as keys:
        assert {key.epoch for key in keys} == {epoch}


def test_a_lost_master_key_is_said_with_what_to_do(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        keys.get(MINE)
    (tmp_path / "master.key").unlink()
    with pytest.raises(ConfigError, match=r"master\.key: the master key is missing; put it back"):
        Master.read(tmp_path / "master.key")


def test_a_rotation_that_the_disk_refused_wraps_nothing_by_what_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server goes on, and has new keys wrapped; then the rotation is asked for again."""
    with ring(tmp_path) as keys:
        id, sealed = keys.seal(*MINE, b"a secret")

        def full(path: Path, data: bytes) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(files, "replace", full)
            with pytest.raises(StorageError, match="No space left"):
                keys.rotate()
        later, more = keys.seal(*LATER, b"another")
    with ring(tmp_path) as keys:
        assert keys.open("traffic", id, sealed) == b"a secret"
        assert keys.open("traffic", later, more) == b"another"
        assert keys.rotate() == 2


def test_who_reads_while_keys_are_wrapped_anew_reads_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, read = configuration(tmp_path), Master.read
    with ring(tmp_path) as keys:
        keys.get(MINE)

        def overtaken(path: Path) -> Master:
            found = read(path)
            if found.epoch == 1:
                keys.rotate()
            return found

        monkeypatch.setattr(Master, "read", overtaken)
        assert [key.epoch for key in keyring(config, read_only=True)] == [2]


@pytest.mark.parametrize("content", ["", "1 AAAA\n", "x y\n", "1\n", "\xff"])
def test_what_is_no_master_key_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "master.key").write_text(content, "latin-1")
    with pytest.raises(ConfigError, match="no master key file"):
        Master.read(tmp_path / "master.key")


def test_another_master_key_is_refused(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        keys.get(MINE)
    (tmp_path / "master.key").unlink()
    with pytest.raises(ConfigError, match=r"not the master key.*2026-09"), ring(tmp_path):
        pass


def test_a_period_on_another_clock_has_a_file_too(tmp_path: Path) -> None:
    name = MINE._replace(period="2026-09@America/Argentina/La_Rioja")
    with ring(tmp_path) as keys:
        id, sealed = keys.seal(*name, b"a secret")
        keys.get(MINE)
    files = sorted(path.name for path in (tmp_path / "keys").iterdir())
    assert files == ["2026-09.keys", "2026-09@America%2FArgentina%2FLa_Rioja.keys"]
    with ring(tmp_path) as keys:
        assert keys.find(id).name == name and keys.open("traffic", id, sealed) == b"a secret"
        keys.destroy([id])
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["2026-09.keys"]


def test_a_period_that_nobody_knows_here_is_named(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        keys.get(MINE._replace(period="2026-09@Moon/Tycho"))
    with pytest.raises(StorageError, match="'Moon/Tycho' must be a time zone"), ring(tmp_path):
        pass


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        keys.get(MINE)
    (tmp_path / "keys" / "2026-09.keys").write_bytes(b"\xc1")
    with pytest.raises(StorageError, match=r"2026-09\.keys: is damaged"), ring(tmp_path):
        pass


# -- the directory -------------------------------------------------------------------------------


def test_one_process_writes_and_others_may_read(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        id, sealed = keys.seal(*MINE, b"a secret")
        with pytest.raises(StorageError, match="another process"), ring(tmp_path):
            pass
        with ring(tmp_path, read_only=True) as reader:
            assert reader.open("traffic", id, sealed) == b"a secret"
            with pytest.raises(StorageError, match="reading only"):
                reader.get(OTHERS)


def test_a_server_without_keys_makes_a_master_key(tmp_path: Path) -> None:
    keyring(configuration(tmp_path)).close()
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600


def test_records_without_keys_are_a_loss_that_is_said(tmp_path: Path) -> None:
    segment = tmp_path / "traffic" / "2026-09" / "0000000000000001.log"
    segment.parent.mkdir(parents=True)
    segment.touch()
    with pytest.raises(ConfigError, match="traffic records and no keys"):
        keyring(configuration(tmp_path))


def test_a_pseudonym_is_of_its_customer_and_period(tmp_path: Path) -> None:
    with ring(tmp_path) as keys:
        names = [
            keys.pseudonym(b"C-1", "2026-09", b"447700900123"),
            keys.pseudonym(b"C-1", "2026-09", b"447700900124"),
            keys.pseudonym(b"C-1", "2026-10", b"447700900123"),
            keys.pseudonym(b"C-2", "2026-09", b"447700900123"),
        ]
        assert len(set(names)) == 4
        assert keys.pseudonym(b"C-1", "2026-09", b"447700900123") == names[0]
    with ring(tmp_path) as keys:
        assert keys.pseudonym(b"C-1", "2026-09", b"447700900123") == names[0]
