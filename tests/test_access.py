"""The access log: the seven fields of every request, and days that go."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from smsc.access import LONGEST, AccessLog, over

DAY = 86_400_000
#: 2026-09-21T14:13:20Z.
NOW = 1_790_000_000_000


async def answer(scope: Any, receive: Any, send: Any) -> None:
    request = Request(scope, receive)
    if request.url.path == "/breaks":
        raise RuntimeError
    if request.url.path == "/page":
        request.state.who = {"customer": "C-1", "user": "7"}
    response: Response = PlainTextResponse("hello", 404 if request.url.path == "/none" else 200)
    await response(scope, receive, send)


def ask(directory: Path, path: str, **headers: str) -> dict[str, Any]:
    """What was written down of one request."""

    async def send(message: Any) -> None:
        pass

    path, _, query = path.partition("?")
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
        "query_string": query.encode(), "client": ("192.0.2.7", 4711), "state": {},
        "headers": [(name.replace("_", "-").encode(), value.encode("latin-1"))
                    for name, value in headers.items()],
    }  # fmt: skip
    asyncio.run(AccessLog(answer, directory, lambda: NOW)(scope, None, send))  # type: ignore[arg-type]
    lines = (directory / "2026-09-21.log").read_text().splitlines()
    return dict(json.loads(lines[-1]))


def test_the_seven_fields(tmp_path: Path) -> None:
    asked = ask(tmp_path, "/metrics?name=x", user_agent="curl/8", referer="http://example.net/")
    assert asked == {
        "address": "192.0.2.7", "at": NOW, "fetched": "GET /metrics?name=x", "octets": 5,
        "status": 200, "agent": "curl/8", "referrer": "http://example.net/",
    }  # fmt: skip


def test_who_was_logged_in_is_added(tmp_path: Path) -> None:
    asked = ask(tmp_path, "/page")
    assert (asked["customer"], asked["user"]) == ("C-1", "7")


@pytest.mark.parametrize(("path", "status"), [("/none", 404), ("/breaks", 500)])
def test_what_failed_is_written_down_too(path: str, status: int, tmp_path: Path) -> None:
    if status == 500:
        with pytest.raises(RuntimeError):
            ask(tmp_path, path)
    else:
        ask(tmp_path, path)
    line = (tmp_path / "2026-09-21.log").read_text()
    assert json.loads(line)["status"] == status


def test_what_a_client_says_can_not_break_a_line(tmp_path: Path) -> None:
    asked = ask(tmp_path, "/metrics", user_agent="a\x1b[2J\xff" + "x" * 9_999)
    assert len((tmp_path / "2026-09-21.log").read_text().splitlines()) == 1
    assert len(asked["agent"]) <= 4 * LONGEST


def test_days_that_are_over(tmp_path: Path) -> None:
    for day in ("2026-09-10", "2026-09-13", "2026-09-14", "2026-09-21"):
        (tmp_path / f"{day}.log").touch()
    (tmp_path / "notes.log").touch()
    assert [path.stem for path in over(tmp_path, 7 * DAY, NOW)] == ["2026-09-10", "2026-09-13"]
