"""What the running server says of claims it can't follow; and that it tells of many at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smsc import claims
from smsc.app import App
from smsc.errors import ControlError
from tests.keeper import Client, submit_sm
from tests.rights import ADA, Desk


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


BAD: list[tuple[str, Any, str]] = [
    ("steal", {}, "nobody can claim 'steal'"),
    ("find", None, "names its case"),
    ("block", {"kind": "number"}, "names its case"),
    ("unblock", {"case": "D-1"}, "there is no block by the name of D-1"),
]


def test_a_claim_that_is_none_is_refused_in_words(desk: Desk) -> None:
    async def use(app: App) -> None:
        for act, body, complaint in BAD:
            with pytest.raises(ControlError, match=complaint):
                await app.claims.answer(act, body)

    desk.serve(use)


def test_of_very_many_the_first_are_told_and_all_are_counted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "TOLD", 3)

    async def use(app: App) -> None:
        message = submit_sm(destination_addr=ADA.encode())
        app.core.submit(Client(app), [message] * 5)  # type: ignore[arg-type]
        found = await app.claims.answer("find", {"kind": "number", "value": ADA})
        assert (found["count"], len(found["items"])) == (5, 3)
        assert bytes.fromhex(found["items"][0]["content"]) == b"Hello"

    desk.serve(use)
