"""Small files are replaced whole, and what they held is not left behind."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from smsc import files


def test_a_file_is_replaced_and_the_old_one_overwritten(tmp_path: Path) -> None:
    path, witness = tmp_path / "f", tmp_path / "witness"
    files.replace(path, b"old secret")
    os.link(path, witness)
    files.replace(path, b"new")
    assert path.read_bytes() == b"new"
    assert witness.read_bytes() == bytes(10)
    assert sorted(os.listdir(tmp_path)) == ["f", "witness"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_wiped_file_leaves_zeros(tmp_path: Path) -> None:
    path, witness = tmp_path / "f", tmp_path / "witness"
    path.write_bytes(b"x" * 3_000_000)
    os.link(path, witness)
    files.wipe(path)
    assert not path.exists() and witness.read_bytes() == bytes(3_000_000)


class Killed(BaseException):
    pass


#: Calls of ``replace`` that change something on the disk, in order.
CALLS = ("open", "write", "fsync", "link", "rename", "pwrite", "unlink")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("when", range(1, 6))
def test_a_crash_leaves_the_old_or_the_new_and_nothing_beside(
    call: str, when: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, witness = tmp_path / "keys" / "f.keys", tmp_path / "witness"
    path.parent.mkdir()
    path.write_bytes(b"old secret")
    os.link(path, witness)
    real, count = getattr(os, call), 0

    def dies(*args: object, **kwargs: object) -> object:
        nonlocal count
        count += 1
        if count == when:
            raise Killed
        return real(*args, **kwargs)

    monkeypatch.setattr(os, call, dies)
    with suppress(Killed):
        files.replace(path, b"new")
    monkeypatch.setattr(os, call, real)
    files.tidy(path.parent)
    assert path.read_bytes() in (b"old secret", b"new")
    assert os.listdir(path.parent) == ["f.keys"]
    if path.read_bytes() == b"new":
        assert witness.read_bytes() == bytes(10), "the old one is overwritten in the end"


@pytest.mark.parametrize("call", ["rename", "fsync", "pwrite", "unlink"])
def test_a_file_is_removed_or_whole(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f.keys"
    path.write_bytes(b"a secret")

    def dies(*args: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(os, call, dies)
        files.remove(path)
    files.tidy(tmp_path)
    assert os.listdir(tmp_path) == [] or path.read_bytes() == b"a secret"


def test_what_is_appended_is_there(tmp_path: Path) -> None:
    files.append(tmp_path / "f", b"a\n")
    files.append(tmp_path / "f", b"b\n")
    assert (tmp_path / "f").read_bytes() == b"a\nb\n"
