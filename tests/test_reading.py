"""The way from a file to a configuration: all problems, the first, and no secret in any."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsc import reading
from smsc.errors import ConfigError
from tests.settings import ACCOUNTS, CARRIERS, HASH, LEAST, LISTENERS, problems


def test_load_raises_the_first_problem_and_check_gives_all(tmp_path: Path) -> None:
    path = tmp_path / "smsc.yaml"
    path.write_text(
        LISTENERS + "acounts: []\nlog: {level: loud}\n" + ACCOUNTS.replace("demo", "d" * 16)
    )
    found = reading.check(str(path))
    assert [(error.line, error.key) for error in found] == [
        (2, "acounts"),
        (3, "log.level"),
        (5, "accounts[0].system_id"),
    ]
    with pytest.raises(ConfigError) as caught:
        reading.load(str(path))
    assert str(caught.value) == f"{path}:2: acounts: unknown key; did you mean accounts?"
    assert (caught.value.file, caught.value.line, caught.value.key) == (str(path), 2, "acounts")


@pytest.mark.parametrize(
    ("octets", "reason"), [(None, "No such file"), (b"\xff\xfe\xfa", "is not UTF-8 text")]
)
def test_a_file_that_can_not_be_read(tmp_path: Path, octets: bytes | None, reason: str) -> None:
    path = tmp_path / "smsc.yaml"
    if octets is not None:
        path.write_bytes(octets)
    assert [reason in str(error) for error in reading.check(str(path))] == [True]
    with pytest.raises(ConfigError, match=reason):
        reading.load(str(path))


def test_no_secret_is_in_an_error_or_a_repr() -> None:
    found = problems(
        LISTENERS + "accounts: [{system_id: demo, password_hash: s3cret01}]\n"
        "carriers: [{name: a, host: h, port: 1, system_id: us, password: s3cret01-too-long}]"
    )
    assert len(found) == 2
    assert "s3cret01" not in "".join(found)
    loaded = reading.loads(LEAST + CARRIERS.replace("pw", "s3cret01"))
    assert loaded.carriers[0].password == b"s3cret01"
    assert "s3cret01" not in repr(loaded)
    assert HASH not in repr(loaded)
