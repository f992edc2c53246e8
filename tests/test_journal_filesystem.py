"""Where a log may live."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsc.errors import StorageError
from smsc.journal import filesystem

MOUNTS = r"""
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
23 22 0:21 / /dev/shm rw,nosuid - tmpfs tmpfs rw,size=1k
24 22 254:1 / /srv rw - ext4 /dev/vdb rw,data=writeback
25 22 0:30 / /srv/with\040space rw - xfs /dev/vdc rw
26 22 0:31 / /srv/over rw - ext4 /dev/vdd rw
27 26 0:32 / /srv/over rw - overlay overlay rw
28 22 0:33 / /mnt/user rw - fuse.sshfs host rw
29 22 0:34 / /mnt/old rw - ext4 /dev/vde rw,nobarrier
30 22 0:35 / /mnt/net rw master:1 - nfs4 host:/x rw
""".strip()


@pytest.mark.parametrize(
    ("directory", "type", "objection"),
    [
        ("/var/lib/smsc", "ext4", None),
        ("/dev/shm/log", "tmpfs", "tmpfs"),
        ("/dev/shmm", "ext4", None),
        ("/srv/log", "ext4", "data=writeback"),
        ("/srv/with space/log", "xfs", None),
        ("/srv/over/log", "overlay", "overlay"),
        ("/mnt/user", "fuse.sshfs", "fuse"),
        ("/mnt/old/log", "ext4", "nobarrier"),
        ("/mnt/net", "nfs4", "nfs4"),
    ],
)
def test_the_file_system_of_a_directory_and_what_speaks_against_it(
    directory: str, type: str, objection: str | None
) -> None:
    found = filesystem.filesystem_of(Path(directory), MOUNTS)
    assert found.type == type
    said = found.objection()
    assert said is None if objection is None else said is not None and objection in said


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no tmpfs here")
def test_tmpfs_is_refused_unless_forced() -> None:
    with pytest.raises(StorageError, match="tmpfs"):
        filesystem.check(Path("/dev/shm"), force=False)
    assert filesystem.check(Path("/dev/shm"), force=True).type == "tmpfs"


def test_eatmydata_is_refused_even_if_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_PRELOAD", "/usr/lib/libeatmydata.so")
    with pytest.raises(StorageError, match="eatmydata"):
        filesystem.check(tmp_path, force=True)


def test_measuring_leaves_nothing_behind(tmp_path: Path) -> None:
    assert filesystem.measure(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []
