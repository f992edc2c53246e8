"""The control socket: how the command line asks the running server, and tells it things.

Owns a Unix socket that only the server's own user may open (mode 0600), and what is said on it:
HTTP with JSON bodies. What can be asked is registered by those who know the answer:

    control.add("GET", "/carriers/{name}", show)

where ``show`` is a coroutine function from an ``Asked`` to plain values. It runs on the process's
loop, beside the messages: it answers from memory at once, bounded, and gives to a thread what takes
longer. Raising ControlError is an answer too: its words are what the operator reads. ``ask`` is the
other side.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from smsc.asgi import Served
from smsc.config import ControlConfig
from smsc.errors import ControlError, NotRunning, fault

log = logging.getLogger(__name__)

#: The longest body that is read, octets.
MAX_BODY = 1 << 20

#: How long ``ask`` waits for a server that does not answer, seconds.
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: what stood in its path, its query, and its body (None without one)."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any


Answer = Callable[[Asked], Awaitable[Any]]


class Control:
    """The server's side; see the module. ``add`` before ``start``."""

    def __init__(self, config: ControlConfig) -> None:
        self._path = Path(config.socket)
        handlers = {HTTPException: _refused}
        self._application = Starlette(exception_handlers=handlers)  # type: ignore[arg-type]
        self._served = Served(self._application)
        self._listening = False

    def add(self, method: str, path: str, answer: Answer) -> None:
        """Let ``answer`` say what ``method path`` gets; ``{name}`` in the path matches a part."""

        async def endpoint(request: Request) -> JSONResponse:
            try:
                return JSONResponse(await answer(await _asked(request)))
            except ControlError as error:
                return _error(str(error), 400)
            except Exception as error:  # the border
                log.error("%s %s failed in %s", method, path, fault(error))
                return _error("the server failed to answer; its log says why", 500)

        self._application.router.routes.append(Route(path, endpoint, methods=[method]))

    def start(self) -> None:
        """Listen. Raises ControlError if the path can't be had."""
        try:
            self._served.start(_listen(self._path))
        except OSError as error:
            raise ControlError(f"no control socket at {self._path}: {error.strerror}") from error
        self._listening = True

    async def stop(self) -> None:
        """Take the socket away, finish what is being answered, and close."""
        if self._listening:
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()
        await self._served.stop()


def _listen(path: Path) -> socket.socket:
    """A listening socket at ``path``, which was never open to anybody else."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _make_way(path)
    # Under another name until its mode is right; the rename takes the place of a stale one.
    made = path.with_name(path.name + "~")
    made.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(str(made))
        made.chmod(0o600)
        listening.listen()
        os.rename(made, path)
    except OSError:
        listening.close()
        raise
    return listening


def _make_way(path: Path) -> None:
    """Raise FileExistsError if what is at ``path`` is not what a server left that is gone."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(0, "something else is there")
        with socket.socket(socket.AF_UNIX) as talk:
            talk.setblocking(False)
            talk.connect(str(path))
        raise FileExistsError(0, "another server listens there")
    except (FileNotFoundError, ConnectionRefusedError):
        pass


async def _asked(request: Request) -> Asked:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise ControlError(f"a request of more than {MAX_BODY} octets")
    try:
        value = json.loads(body) if body else None
    except ValueError:
        raise ControlError("the request is not JSON") from None
    return Asked(request.path_params, request.query_params, value)


def _error(words: str, status: int) -> JSONResponse:
    return JSONResponse({"error": words}, status_code=status)


async def _refused(request: Request, error: HTTPException) -> JSONResponse:
    return _error(f"{request.method} {request.url.path}: {error.detail}", error.status_code)


# -- the other side ------------------------------------------------------------------------------


def where(*parts: str, **query: object) -> str:
    """A path of these parts, whatever characters they hold."""
    path = "".join("/" + quote(part, safe="") for part in parts)
    return path + ("?" + urlencode(query) if query else "")


def ask(
    config: ControlConfig, method: str, path: str, body: Any = None, *, patience: float = PATIENCE
) -> Any:
    """What the running server says to ``method path``, within ``patience`` seconds.

    Raises ControlError in words for an operator: it is not running, it may not be asked, it does
    not answer, or what it answered instead.
    """
    connection = _Connection(config.socket, patience)
    try:
        octets = None if body is None else json.dumps(body).encode()
        connection.request(method, path, octets)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotRunning(f"no server is running at {config.socket}") from None
    except PermissionError:
        raise ControlError(f"{config.socket} is open to the server's own user alone") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ControlError(f"the server at {config.socket} does not answer: {error}") from error
    finally:
        connection.close()
    if response.status >= 400:
        raise ControlError(answer["error"])
    return answer


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, patience: float = PATIENCE) -> None:
        super().__init__("localhost", timeout=patience)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
