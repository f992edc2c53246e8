"""The control socket: who may open it, what is asked on it, and what the asker is told."""

from __future__ import annotations

import asyncio
import http.client
import os
import re
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from smsc import control
from smsc.config import ControlConfig
from smsc.control import Asked, Control, ask, where
from smsc.errors import ControlError
from tests.serving import serving


async def echo(asked: Asked) -> Any:
    return {"path": dict(asked.path), "query": dict(asked.query), "body": asked.body}


async def refuse(asked: Asked) -> Any:
    raise ControlError("no such carrier: north")


async def break_down(asked: Asked) -> Any:
    raise RuntimeError("447700900123")


def running(socket: Path, use: Callable[[ControlConfig], Any]) -> Any:
    """What ``use`` says, in a thread, beside a control socket that answers."""
    config = ControlConfig(socket=str(socket))

    async def run() -> Any:
        served = Control(config)
        served.add("GET", "/echo/{name:path}", echo)
        served.add("POST", "/echo/{name:path}", echo)
        served.add("GET", "/refuse", refuse)
        served.add("GET", "/break", break_down)
        served.start()
        try:
            return await asyncio.to_thread(use, config)
        finally:
            await served.stop()

    return uvloop.run(run())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "run" / "control.sock"


# -- what is said --------------------------------------------------------------------------------


def test_a_question_arrives_whole(place: Path) -> None:
    path = where("echo", "a/b c", last=3, of="x&y")
    assert running(place, lambda config: ask(config, "POST", path, [1, {"two": "ü"}])) == {
        "path": {"name": "a/b c"},
        "query": {"last": "3", "of": "x&y"},
        "body": [1, {"two": "ü"}],
    }


def test_a_question_needs_no_body(place: Path) -> None:
    assert running(place, lambda config: ask(config, "GET", "/echo/x"))["body"] is None


def test_a_fault_of_ours_is_logged_by_its_place(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def use(config: ControlConfig) -> None:
        with pytest.raises(ControlError):
            ask(config, "GET", "/break")

    running(place, use)
    (said,) = caplog.messages
    assert re.fullmatch(r"GET /break failed in break_down:\d+: RuntimeError", said)


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("GET", "/refuse", "^no such carrier: north$"),
        ("GET", "/nothing", "^GET /nothing: Not Found$"),
        ("DELETE", "/refuse", "^DELETE /refuse: Method Not Allowed$"),
        ("GET", "/break", "^the server failed to answer; its log says why$"),
    ],
)
def test_a_refusal_is_told_in_words(place: Path, method: str, path: str, words: str) -> None:
    def use(config: ControlConfig) -> None:
        with pytest.raises(ControlError, match=words):
            ask(config, method, path)

    running(place, use)


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"{", "is not JSON"), (b"\xff", "is not JSON"), (b" " * (control.MAX_BODY + 1), "octets")],
)
def test_a_body_that_can_not_be_read(place: Path, body: bytes, words: str) -> None:
    def use(config: ControlConfig) -> tuple[int, str]:
        connection = control._Connection(config.socket)
        connection.request("POST", "/echo/x", body)
        response = connection.getresponse()
        try:
            return response.status, response.read().decode()
        finally:
            connection.close()

    status, said = running(place, use)
    assert status == 400 and words in said


# -- who may ask ---------------------------------------------------------------------------------


def test_the_socket_is_its_owners_alone(place: Path) -> None:
    modes = running(place, lambda config: (place.stat().st_mode, place.parent.stat().st_mode))
    assert [stat.S_IMODE(mode) for mode in modes] == [0o600, 0o700]
    assert stat.S_ISSOCK(modes[0])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_stranger_is_told_why_not(place: Path) -> None:
    def use(config: ControlConfig) -> None:
        place.chmod(0)
        with pytest.raises(ControlError, match="open to the server's own user alone"):
            ask(config, "GET", "/echo/x")

    running(place, use)


# -- who is not there ----------------------------------------------------------------------------


def stale(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(place))


@pytest.mark.parametrize("leave", [lambda place: None, stale])
def test_a_server_that_does_not_run(tmp_path: Path, leave: Callable[[Path], None]) -> None:
    place = tmp_path / "control.sock"
    leave(place)
    with pytest.raises(ControlError, match=f"^no server is running at {place}$"):
        ask(ControlConfig(socket=str(place)), "GET", "/")


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n{"])
def test_a_server_that_talks_nonsense(tmp_path: Path, said: bytes) -> None:
    place = tmp_path / "control.sock"

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async def run() -> None:
        async with await asyncio.start_unix_server(nonsense, str(place)):
            with pytest.raises(ControlError, match="does not answer"):
                await asyncio.to_thread(ask, ControlConfig(socket=str(place)), "GET", "/")

    uvloop.run(run())


# -- start and stop ------------------------------------------------------------------------------


def test_what_a_killed_server_left_is_replaced_and_a_stop_takes_it_away(tmp_path: Path) -> None:
    place = tmp_path / "control.sock"
    stale(place)
    stale(tmp_path / "control.sock~")
    running(place, lambda config: ask(config, "GET", "/echo/x"))
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_lives_keeps_its_socket(place: Path) -> None:
    def use(config: ControlConfig) -> Any:
        with pytest.raises(ControlError, match="another server listens there"):
            Control(config).start()
        return ask(config, "GET", "/echo/x")

    assert running(place, use)


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "control.sock"
    place.write_text("dear")
    with pytest.raises(ControlError, match="something else is there"):
        running(place, lambda config: None)
    assert place.read_text() == "dear"


def test_the_whole_server_has_one_and_takes_it_away(tmp_path: Path) -> None:
    place = tmp_path / "control.sock"

    async def run() -> None:
        async with serving(tmp_path) as app:
            with pytest.raises(ControlError, match="Not Found"):
                await asyncio.to_thread(ask, app.config.control, "GET", "/nothing")

    uvloop.run(run())
    assert not place.exists()


def test_a_slow_asker_is_no_obstacle_to_the_next(place: Path) -> None:
    def use(config: ControlConfig) -> Any:
        slow = http.client.HTTPConnection("localhost")
        slow.sock = socket.socket(socket.AF_UNIX)
        slow.sock.connect(config.socket)
        slow.sock.sendall(b"GET /echo/slow HTTP/1.1\r\n")
        answer = ask(config, "GET", "/echo/x")
        slow.sock.close()
        return answer

    assert running(place, use)["path"] == {"name": "x"}
